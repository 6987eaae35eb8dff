"""Classifying many images: one batch at the engine, its progress, speed and what is left.

An answer of a batch that is no longer wanted (cancelled, another model) is dropped.
"""

from __future__ import annotations

import collections
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal, Slot

from desktop.services.session import ImageItem, sources_of

if TYPE_CHECKING:
    from desktop.core.types import ImageSource
    from desktop.engine import messages
    from desktop.services.engine_service import EngineService

_WINDOW_S = 5.0  # the speed shown is that of the last seconds


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a batch is. ``rate`` in images a second and ``left_s`` in seconds; ``None`` while unknown."""

    done: int
    total: int
    rate: float | None
    left_s: float | None


class FolderJob(QObject):
    """The batch under way, or the last one. ``ended`` says whether it was cancelled."""

    began = Signal(object, str)
    answered = Signal(object)
    progressed = Signal(object)
    failed = Signal(object)
    ended = Signal(bool)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._engine: EngineService | None = None
        self._id = 0
        self._waiting = False
        self.items: list[ImageItem] = []
        self._sources: list[ImageSource] = []
        self.model_id = ""
        self.done = 0
        self.failures = 0
        self._marks: collections.deque[tuple[float, int]] = collections.deque()

    def attach(self, engine: EngineService) -> None:
        """Use ``engine``, which was started; a batch begun before is asked for now."""
        self._engine = engine
        engine.batch_answers.connect(self._on_answers)
        engine.batch_done.connect(self._on_done)
        engine.failure.connect(self._on_failure)
        if self._waiting:
            self._ask()

    def detach(self) -> None:
        """Ask nothing more of the engine."""
        self._engine = None

    @property
    def running(self) -> bool:
        """Whether answers are still expected."""
        return self._id != 0 or self._waiting

    def begin(self, items: Sequence[ImageItem], model_id: str) -> None:
        """Classify ``items``; a batch under way is cancelled first."""
        self.cancel()
        self.items, self.model_id = list(items), model_id
        self.done = self.failures = 0
        self._marks.clear()
        self._marks.append((time.monotonic(), 0))
        self._sources = sources_of(self.items)
        self.began.emit(self._sources, model_id)
        self._waiting = True
        self._ask()

    def cancel(self) -> None:
        """Stop; what was answered stays."""
        if not self.running:
            return
        if self._id and self._engine is not None:
            self._engine.cancel(self._id)
        self._id, self._waiting = 0, False
        self.ended.emit(True)

    def progress(self) -> Progress:
        """How far it is, now."""
        now, total = time.monotonic(), len(self.items)
        while len(self._marks) > 2 and now - self._marks[0][0] > _WINDOW_S:
            self._marks.popleft()
        since, before = self._marks[0]
        passed, answered = now - since, self.done - before
        rate = answered / passed if passed > 0.3 and answered else None
        return Progress(self.done, total, rate, (total - self.done) / rate if rate else None)

    def _ask(self) -> None:
        if self._engine is not None and self._waiting:
            self._waiting = False
            if self.items:
                self._id = self._engine.batch(self.model_id, self._sources)
            else:
                self.ended.emit(False)

    @Slot(object)
    def _on_answers(self, answers: messages.BatchAnswers) -> None:
        if answers.id != self._id:
            return
        from desktop.engine.messages import Failure

        for answer in answers.items:
            item = self.items[answer.position]
            if isinstance(answer, Failure):
                item.answer, item.failed = answer.message, True
                self.failures += 1
            else:
                item.answer, item.failed = answer.label, False
        self.done += len(answers.items)
        self._marks.append((time.monotonic(), self.done))
        self.answered.emit(answers.items)
        self.progressed.emit(self.progress())

    @Slot(object)
    def _on_done(self, answer: messages.BatchDone) -> None:
        if answer.id == self._id:
            self._id = 0
            self.ended.emit(answer.cancelled)

    @Slot(object)
    def _on_failure(self, answer: messages.Failure) -> None:
        if answer.id == self._id:
            self.failed.emit(answer)
