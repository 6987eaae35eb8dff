"""The engine as the window sees it: non-blocking calls in, signals out.

Two engine processes: one predicts, one only opens pictures to look at. So a list of thousands of
thumbnails never delays an answer, and a picture that takes the viewer down does not touch a running batch.
Each is supervised by a thread that blocks on its pipe and on its end.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QThread, QTimer, Signal, Slot
from shiboken6 import isValid

from desktop.core.types import ImageSource
from desktop.engine import messages

if TYPE_CHECKING:
    from desktop.core.types import PreprocessSpec
    from desktop.engine.client import EngineClient


_ANSWER_FIRST_MS = 400

OnFailure = Callable[[messages.Failure], None]
"""A method of whoever asks: it is told of the failure of the newest request that it was given along with."""


class _Supervisor(QThread):
    """Drives one :class:`EngineClient`; emits its answers from its own thread."""

    answered = Signal(object)  # any of the messages: `_route` tells them apart

    def __init__(self, client: EngineClient, name: str) -> None:
        super().__init__()
        self.setObjectName(name)
        self._client = client
        self._stopping = False

    def run(self) -> None:
        """Start the process, where it has not been, and hand out answers until told to stop."""
        if self._client.pid is None:
            self._client.start()
        while not self._stopping:
            for answer in self._client.events(None):
                self.answered.emit(answer)
        self._client.close()

    def stop(self) -> None:
        """End the process and the thread; blocks for as long as the process needs to end (at most seconds)."""
        self._stopping = True
        self._client.interrupt()
        self.wait()


class EngineService(QObject):
    """Predictions, previews and thumbnails without ever blocking the window. ``predictor``: the engine that predicts,
    where it was started already; it is this service's from now on.

    Each call returns a request id, ever increasing; each signal carries one dataclass of
    :mod:`desktop.engine.messages` with that id. A failure goes to who asked: ``failed`` is a method of the asker, held
    weakly, and hears of the newest request that it was given along with, until that is cancelled. ``ready`` and
    ``engine_lost`` are of any of the two processes; ``process_changed`` says beside it which, ``predictor`` or
    ``viewer``. Lives in the main thread.
    """

    ready = Signal(messages.Ready)
    warmed = Signal(messages.Warmed)
    prediction = Signal(messages.Prediction)
    reading = Signal(messages.Reading)
    advice = Signal(messages.Advice)
    preview_arrived = Signal(messages.Preview)
    samples_arrived = Signal(messages.Samples)
    radiograph_arrived = Signal(messages.RadiographAnswer)
    thumbnail_arrived = Signal(messages.Thumbnail)
    explanation = Signal(messages.Explanation)
    batch_answers = Signal(messages.BatchAnswers)
    batch_done = Signal(messages.BatchDone)
    engine_lost = Signal(messages.EngineLost)
    process_changed = Signal(str, object)  # one of two: messages.Ready or messages.EngineLost

    def __init__(self, parent: QObject | None = None, predictor: EngineClient | None = None) -> None:
        super().__init__(parent)
        self._predictor = predictor
        self._viewer: EngineClient | None = None
        self._gradients: EngineClient | None = None
        self._supervisors: list[_Supervisor] = []
        self._next_id = 0
        self._ended = False
        self._askers: dict[weakref.WeakMethod[OnFailure], int] = {}

    @property
    def running(self) -> bool:
        """Whether :meth:`start` was called and :meth:`stop` was not."""
        return bool(self._supervisors)

    @Slot()
    def start(self) -> None:
        """Start both processes; call after the first paint. The spawning itself happens in the threads."""
        if self._supervisors:
            return
        from desktop.engine.client import EngineClient

        self._ended = False
        self._predictor, self._viewer = self._predictor or EngineClient(), EngineClient(threads=1, patient=True)
        routes = ((self._predictor, "predictor", self._route_predictor), (self._viewer, "viewer", self._route_viewer))
        for client, name, route in routes:
            supervisor = _Supervisor(client, name)
            supervisor.answered.connect(route)
            self._supervisors.append(supervisor)
        # The viewer follows when the predictor has answered, or has been up for a moment: coming up together each would
        # take twice as long, and the answer is what is waited for.
        self._supervisors[0].start()

    @Slot()
    def stop(self) -> None:
        """End all processes and threads. What is asked from now on is never answered: a window that closes still shows
        a preview that was on its way, and views ask further for it."""
        self._ended = True
        if self._predictor is not None and not self._supervisors:
            self._predictor.close()
        for supervisor in self._supervisors:
            supervisor.answered.disconnect()
            supervisor.stop()
        self._supervisors.clear()
        self._predictor = self._viewer = self._gradients = None

    def predict(self, model_id: str, source: ImageSource, failed: OnFailure | None = None) -> int:
        """Ask for one answer; a newer call supersedes an older one."""
        return self._submit(messages.PredictRequest(self._id(), model_id, source), failed)

    def read(self, model_id: str, source: ImageSource, failed: OnFailure | None = None) -> int:
        """Ask for the digits of a drawing, one by one; a newer call supersedes an older one."""
        return self._submit(messages.ReadRequest(self._id(), model_id, source), failed)

    def advise(self, model_id: str, source: ImageSource) -> int:
        """Ask which other model would suit a picture; a newer call supersedes an older one."""
        return self._submit(messages.AdviseRequest(self._id(), model_id, source))

    def batch(self, model_id: str, sources: Sequence[ImageSource], failed: OnFailure | None = None) -> int:
        """Ask for many answers; they come in order as ``batch_answers``, then ``batch_done``."""
        return self._submit(messages.BatchRequest(self._id(), model_id, tuple(sources), gated=True), failed)

    def warm(self, model_id: str) -> int:
        """Load a model before its first picture."""
        return self._submit(messages.WarmRequest(self._id(), model_id))

    def preview(self, source: ImageSource, max_side: int, slot: str = "view", failed: OnFailure | None = None) -> int:
        """Ask for a picture to look at; the newest request of a slot wins."""
        return self._submit(messages.PreviewRequest(self._id(), source, max_side, slot), failed, viewer=True)

    def radiograph(
        self,
        source: ImageSource,
        max_side: int,
        reveal: bool = False,
        slot: str = "radiograph",
        failed: OnFailure | None = None,
    ) -> int:
        """Ask for the values and the header of a DICOM file; the newest request of a slot wins."""
        return self._submit(messages.RadiographRequest(self._id(), source, max_side, reveal, slot), failed, viewer=True)

    def thumbnail(self, source: ImageSource, side: int) -> int:
        """Ask for a small picture whose longer side is ``side`` pixels."""
        return self._submit(messages.ThumbnailRequest(self._id(), source, side), viewer=True)

    def samples(
        self,
        source: ImageSource,
        spec: PreprocessSpec,
        steps: Sequence[tuple[str, dict[str, Any]]],
        count: int,
        seed: int,
        slot: str = "samples",
        failed: OnFailure | None = None,
    ) -> int:
        """Ask what a training would make of a picture; the newest request of a slot wins."""
        request = messages.SampleRequest(self._id(), source, spec, tuple(steps), count, seed, slot=slot)
        return self._submit(request, failed, viewer=True)

    def explain(
        self,
        model_id: str,
        source: ImageSource,
        method: messages.Method | None = None,
        index: int | None = None,
        failed: OnFailure | None = None,
    ) -> int:
        """Ask where the network finds class ``index`` (``None``: its answer); the newest request of a method wins.

        Gradients come from a process of their own, which loads Keras when it is first asked and stays.
        """
        request = messages.ExplainRequest(self._id(), model_id, source, method, index)
        if method != "grad-cam":
            return self._submit(request, failed)
        if self._ended:
            return request.id
        if self._gradients is None:
            from desktop.engine.client import EngineClient

            self._gradients = EngineClient(patient=True, gradients=True)
            supervisor = _Supervisor(self._gradients, "gradients")
            supervisor.answered.connect(self._route_gradients)
            self._supervisors.append(supervisor)
            supervisor.start()
        self._remember(request.id, failed)
        self._gradients.submit(request)
        return request.id

    def cancel(self, request_id: int) -> None:
        """Cancel a request; for a batch ``batch_done`` still follows. Nobody hears of its failure any more."""
        self._askers = {asker: asked for asker, asked in self._askers.items() if asked != request_id}
        for client in (self._predictor, self._viewer, self._gradients):
            if client is not None:
                client.cancel(request_id)

    def _id(self) -> int:
        self._next_id += 1
        return self._next_id

    def _submit(self, request: messages.Request, failed: OnFailure | None = None, viewer: bool = False) -> int:
        if self._ended:
            return request.id
        client = self._viewer if viewer else self._predictor
        if client is None:
            raise RuntimeError("the engine service was not started")
        self._remember(request.id, failed)
        client.submit(request)
        return request.id

    def _remember(self, request_id: int, failed: OnFailure | None) -> None:
        self._askers = {asker: asked for asker, asked in self._askers.items() if asker() is not None}
        if failed is not None:
            self._askers[weakref.WeakMethod(failed)] = request_id

    def _tell_asker(self, failure: messages.Failure) -> None:
        """Tell who asked; what nobody waits for any more is dropped."""
        for asker, asked in list(self._askers.items()):
            if asked == failure.id:
                del self._askers[asker]
                method: Any = asker()
                if method is not None and (not isinstance(method.__self__, QObject) or isValid(method.__self__)):
                    method(failure)

    @Slot(object)
    def _route_gradients(self, answer: object) -> None:
        """Its coming up and its end are not the engine's: a request that it cannot answer fails by itself."""
        if not isinstance(answer, messages.Ready | messages.EngineLost):
            self._route(answer)

    @Slot(object)
    def _route_predictor(self, answer: object) -> None:
        if isinstance(answer, messages.Ready):
            QTimer.singleShot(_ANSWER_FIRST_MS, self._start_others)
        elif not isinstance(answer, messages.Warmed):
            self._start_others()
        if isinstance(answer, messages.Ready | messages.EngineLost):
            self.process_changed.emit("predictor", answer)
        self._route(answer)

    @Slot()
    def _start_others(self) -> None:
        for supervisor in self._supervisors[1:]:
            if not supervisor.isRunning():
                supervisor.start()

    @Slot(object)
    def _route_viewer(self, answer: object) -> None:
        if isinstance(answer, messages.Ready | messages.EngineLost):
            self.process_changed.emit("viewer", answer)
        self._route(answer)

    def _route(self, answer: object) -> None:
        if isinstance(answer, messages.Failure):
            self._tell_asker(answer)
            return
        signal: Any = {
            messages.Ready: self.ready,
            messages.Warmed: self.warmed,
            messages.Prediction: self.prediction,
            messages.Reading: self.reading,
            messages.Advice: self.advice,
            messages.Preview: self.preview_arrived,
            messages.Samples: self.samples_arrived,
            messages.RadiographAnswer: self.radiograph_arrived,
            messages.Explanation: self.explanation,
            messages.Thumbnail: self.thumbnail_arrived,
            messages.BatchAnswers: self.batch_answers,
            messages.BatchDone: self.batch_done,
            messages.EngineLost: self.engine_lost,
        }[type(answer)]
        signal.emit(answer)
