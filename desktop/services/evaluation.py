"""Evaluations run beside the window: a thread supervises one, with an engine of its own so that Classify stays quick.

Every signal belongs to the run begun last; what a cancelled or replaced run still says is dropped.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QObject, QThread, Signal, Slot

from desktop.core.figures.result import EvaluationResult, Figures
from desktop.engine.evaluation import EvaluationProgress, Evaluator
from desktop.services.background import DiskWork
from desktop.system.words import phrase

if TYPE_CHECKING:
    from desktop.core.data.dataset import LabelledDataset
    from desktop.core.data.label_map import LabelMap
    from desktop.core.figures.store import EvaluationStore, Judgement
    from desktop.store.store import ModelEntry

_EVERY_S = 0.2  # between two looks that the window gets
_NICE = 10


class _Runner(QThread):
    """One evaluation. Exactly one of ``done`` and ``failed`` ends it, unless it was told to stop."""

    progressed = Signal(EvaluationProgress)
    streamed = Signal(Evaluator, np.ndarray)
    counting = Signal()
    done = Signal(EvaluationResult, Figures, str)
    failed = Signal(Exception)

    def __init__(self, model_id: str) -> None:
        super().__init__()
        self.setObjectName("evaluation")
        self._model_id = model_id
        self._job: tuple[ModelEntry, LabelledDataset, LabelMap] | None = None
        self._handed = threading.Event()
        self._rows: list[np.ndarray] = []
        self._told = 0.0
        self._early = threading.Event()
        self.first = True

    def hand(self, entry: ModelEntry, data: LabelledDataset, labels: LabelMap) -> None:
        """Give it its work."""
        self._job = (entry, data, labels)
        self._handed.set()

    def give_up(self) -> None:
        """Stop, whatever it does."""
        self.requestInterruption()
        self._handed.set()

    def stop_early(self) -> None:
        """Be content with what is answered by now: ``done`` follows, with an incomplete result."""
        self._early.set()

    def _to_end(self) -> bool:
        return self._early.is_set() or self.isInterruptionRequested()

    def run(self) -> None:
        """The thread itself: the engine starts at once, the work may come later."""
        from desktop.core.types import FoveaError

        try:
            self._work()
        except FoveaError as error:
            self._fail(error)
        except Exception as error:
            self._fail(
                FoveaError(
                    "evaluation-failed",
                    phrase("the evaluation failed: {name}: {error}", name=type(error).__name__, error=error),
                )
            )

    def _work(self) -> None:
        from desktop.app.evaluating import evaluate_and_keep
        from desktop.core.types import FoveaError
        from desktop.engine.client import EngineClient
        from desktop.engine.messages import Ready, WarmRequest

        with EngineClient() as client:
            _step_back(client.pid)
            client.submit(WarmRequest(client.next_id(), self._model_id))
            versions: dict[str, str] = {}
            while not self._handed.wait(0.05):
                for answer in client.events(0.0):  # read, so that its end does not go unnoticed
                    if isinstance(answer, Ready):
                        versions = dict(answer.versions)
            if self._job is None or self.isInterruptionRequested():
                return
            try:
                found = evaluate_and_keep(
                    client, *self._job, None, self._hear, self._collect, self._to_end, versions, self._count
                )
            except FoveaError as error:
                if error.kind == "stopped" and not self._early.is_set():
                    return  # nobody waits for it
                raise
        if not self.isInterruptionRequested():
            self.done.emit(found.result, found.figures, found.trouble)

    def _count(self) -> bool:
        """All is answered; whether the result is still wanted."""
        if not self.isInterruptionRequested():
            self.counting.emit()
        return not self.isInterruptionRequested()

    def _hear(self, progress: EvaluationProgress) -> None:
        now = time.monotonic()
        if now - self._told >= _EVERY_S or progress.done == progress.total:
            self._told = now
            self._pass_on()
            self.progressed.emit(progress)

    def _collect(self, run: Evaluator, rows: np.ndarray) -> None:
        self._run = run
        self._rows.append(rows)
        if self.first:
            self.first = False
            self._pass_on()

    def _pass_on(self) -> None:
        if self._rows:
            rows, self._rows = np.concatenate(self._rows), []
            self.streamed.emit(self._run, rows)

    def _fail(self, error: Exception) -> None:
        if not self.isInterruptionRequested():
            self.failed.emit(error)


def _step_back(pid: int | None) -> None:
    """Let everything else go first, where the system knows how."""
    if pid is not None and hasattr(os, "setpriority"):
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, pid, _NICE)


class EvaluationService(QObject):
    """Runs one evaluation at a time; lives in the main thread.

    ``progressed`` carries :class:`desktop.engine.evaluation.EvaluationProgress` a few times a second; ``streamed`` the
    evaluator and the rows just answered (int64); ``counting`` says that all answers are there and figures are being
    made; ``finished`` carries the result, its figures, and a sentence where it could not be kept; ``failed`` a
    :class:`FoveaError`. ``not_remembered`` carries a sentence when a judgement or mapping could not be
    written, or when something that was kept is found damaged (each of these once).
    """

    progressed = Signal(EvaluationProgress)
    streamed = Signal(Evaluator, np.ndarray)
    counting = Signal()
    finished = Signal(EvaluationResult, Figures, str)
    failed = Signal(Exception)
    cancelled = Signal()
    not_remembered = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._runner: _Runner | None = None
        self._ready: _Runner | None = None
        self._ending: set[_Runner] = set()
        # One writer, so that judgements reach the disk in the order in which they were given.
        self._notes = DiskWork("evaluation-notes", self)
        self._damaged: set[str] = set()

    @property
    def running(self) -> bool:
        """Whether an evaluation is under way."""
        return self._runner is not None

    def start(self, entry: ModelEntry, data: LabelledDataset, labels: LabelMap) -> None:
        """Begin; a run under way is dropped."""
        self._drop()
        self.prepare(entry.id)
        runner, self._ready = self._ready, None
        assert runner is not None
        runner.progressed.connect(self._on_progress)
        runner.streamed.connect(self._on_rows)
        runner.counting.connect(self._on_counting)
        runner.done.connect(self._on_done)
        runner.failed.connect(self._on_failed)
        self._runner = runner
        runner.hand(entry, data, labels)

    def prepare(self, model_id: str) -> None:
        """Start an engine for an evaluation that is likely to come: its first answer is then there at once."""
        if self._ready is None or self._ready.isFinished():
            self._ready = _Runner(model_id)
            self._ready.finished.connect(self._sweep)
            self._ready.start(QThread.Priority.LowPriority)

    @Slot()
    def stop_early(self) -> None:
        """Stop, but keep what was answered: ``finished`` follows with an incomplete result, or ``failed`` with kind
        ``stopped`` where there is no answer yet."""
        if self._runner is not None:
            self._runner.stop_early()

    @Slot()
    def cancel(self) -> None:
        """Stop; nothing of this run is heard any more."""
        if self._runner is not None:
            self._drop()
            self.cancelled.emit()

    def stop(self) -> None:
        """End all threads: for the end of the program."""
        self._drop()
        if self._ready is not None:
            self._ready.give_up()
            self._ending.add(self._ready)
            self._ready = None
        for runner in list(self._ending):
            runner.wait(10_000)
        self._notes.stop()

    def judge(self, fingerprint: str, said: Mapping[str, Judgement | None]) -> None:
        """Remember what the user says of labels, by the pictures' names; written a moment later."""
        held = dict(said)

        def judge(store: EvaluationStore) -> None:
            for name, judgement in held.items():
                store.judge(fingerprint, name, judgement)

        self._write(judge)

    def choose(self, result: EvaluationResult, threshold: float | None, reason: str = "") -> None:
        """Remember the threshold that the user chose for a kept result (``None``: the model's own); written a moment
        later."""
        self._write(lambda store: store.choose(store.key_of(result), threshold, reason))

    def remember_mapping(self, model_id: str, classes: tuple[str, ...], mapping: dict[str, str]) -> None:
        """Remember a mapping that the user confirmed; written a moment later."""
        self._write(lambda store: store.remember_mapping(model_id, classes, mapping))

    def store(self) -> EvaluationStore:
        """What was kept, in the folder of this moment, for any thread; what is damaged there is told."""
        from desktop.core.figures.store import EvaluationStore

        return EvaluationStore(heard=self.hear)

    def hear(self, text: str) -> None:
        """Tell once that something that was kept is damaged; from any thread."""
        if text not in self._damaged:
            self._damaged.add(text)
            self.not_remembered.emit(text)

    def _write(self, work: Callable[[EvaluationStore], object]) -> None:
        store = self.store()
        self._notes.run(lambda: work(store), failed=self._on_not_kept)

    def _on_not_kept(self, error: Exception) -> None:
        from desktop.core.types import FoveaError

        if not isinstance(error, FoveaError):
            raise error
        self.not_remembered.emit(error.message)

    def _drop(self) -> None:
        runner, self._runner = self._runner, None
        if runner is not None:
            self._ending.add(runner)
            runner.give_up()

    def _is_current(self) -> bool:
        return self._runner is not None and self.sender() is self._runner

    @Slot(object)
    def _on_progress(self, progress: EvaluationProgress) -> None:
        if self._is_current():
            self.progressed.emit(progress)

    @Slot(object, object)
    def _on_rows(self, run: Evaluator, rows: np.ndarray) -> None:
        if self._is_current():
            self.streamed.emit(run, rows)

    @Slot()
    def _on_counting(self) -> None:
        if self._is_current():
            self.counting.emit()

    @Slot(object, object, str)
    def _on_done(self, result: object, measured: object, trouble: str) -> None:
        if self._is_current():
            assert self._runner is not None
            self._ending.add(self._runner)
            self._runner = None
            self.finished.emit(result, measured, trouble)

    @Slot(object)
    def _on_failed(self, error: Exception) -> None:
        if self._is_current():
            assert self._runner is not None
            self._ending.add(self._runner)
            self._runner = None
            self.failed.emit(error)

    @Slot()
    def _sweep(self) -> None:
        self._ending = {runner for runner in self._ending if not runner.isFinished()}
