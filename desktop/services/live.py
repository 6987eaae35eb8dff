"""What a model makes of what a camera sees, frame after frame: the newest frame wins, none ever waits in a queue.

Lives in the main thread; knows nothing of views.
"""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal, Slot

if TYPE_CHECKING:
    from desktop.engine.camera_messages import CameraFrame
    from desktop.engine.messages import Failure, Prediction
    from desktop.services.camera import Camera
    from desktop.services.engine_service import EngineService
    from desktop.services.session import Session

_LOST_S = 5.0  # an answer that has not come by then was superseded by somebody else's question
_OVER = 20
_WANTED = 12.0  # answers a second; while they are fewer, frames are shown no faster than that, which gives answers room
_PAUSE_S = 2.0  # after a failure of the model, which no other frame would mend


class LiveAnswers(QObject):
    """Asks the session's model about the newest frame of ``camera`` as soon as the answer before has come.

    ``answered`` carries a ``Prediction``, ``failed`` a ``Failure``; :attr:`rate` is how many come in a second now.
    """

    answered = Signal(object)  # a Prediction, of a module that is not imported with the window
    failed = Signal(object)  # a Failure, of a module that is not imported with the window

    def __init__(self, session: Session, camera: Camera, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session, self._camera = session, camera
        self._engine: EngineService | None = None
        self._id = 0
        self._model = ""
        self._since = 0.0
        self._paused_until = 0.0
        self._waiting: CameraFrame | None = None
        self._times: deque[float] = deque(maxlen=_OVER)
        camera.frame_arrived.connect(self._on_frame)
        camera.state_changed.connect(self._on_state)
        camera.pace = self._pace

    def attach(self, engine: EngineService) -> None:
        """Use ``engine``, which was started."""
        self._engine = engine
        engine.prediction.connect(self._on_prediction)

    def detach(self) -> None:
        """Ask nothing more of the engine."""
        self._engine = None

    @property
    def rate(self) -> float:
        """Answers a second, over the last twenty; 0 before there are two."""
        if len(self._times) < 2:
            return 0.0
        return (len(self._times) - 1) / max(1e-6, self._times[-1] - self._times[0])

    def _pace(self) -> float:
        """As :attr:`Camera.pace`: showing a frame takes a third of the work that answering for it takes."""
        return 1.0 / _WANTED if self._id and 0 < self.rate < _WANTED else 0.0

    @Slot()
    def _on_state(self) -> None:
        if self._camera.is_on:
            return
        if self._id and self._engine is not None:
            self._engine.cancel(self._id)
        self._id, self._waiting = 0, None
        self._times.clear()

    @Slot(object)
    def _on_frame(self, frame: CameraFrame) -> None:
        self._waiting = frame
        if self._model == self._session.model_id and time.monotonic() < self._paused_until:
            return
        if not self._id or time.monotonic() - self._since > _LOST_S or self._model != self._session.model_id:
            self._ask()

    def _ask(self) -> None:
        from desktop.core.types import ImageSource

        frame, session = self._waiting, self._session
        self._id = 0
        if frame is None:
            self._camera.next_now()  # at once, if it was put off: an answer waits for nothing else
        if frame is None or self._engine is None or not session.model_ready:
            return
        self._waiting = None
        self._model, self._since = session.model_id, time.monotonic()
        source = ImageSource(name="live", data=frame.bmp)
        self._id = self._engine.predict(session.model_id, source, self._on_failure)

    @Slot(object)
    def _on_prediction(self, answer: Prediction) -> None:
        if not self._id or answer.id != self._id:
            return
        self._times.append(time.monotonic())
        self._ask()
        if answer.model == self._session.model_id:
            self.answered.emit(answer)

    def _on_failure(self, failure: Failure) -> None:
        if not self._id:
            return
        if failure.model_failed:
            self._id = 0
            self._paused_until = time.monotonic() + _PAUSE_S
        else:
            self._ask()
        self.failed.emit(failure)
