"""Classifying many images: one batch at the engine, its progress, speed and what is left.

An answer of a batch that is no longer wanted (cancelled, another model) is dropped.
"""

from __future__ import annotations

import collections
import time
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal, Slot

from desktop.services.background import Slices
from desktop.services.session import ImageItem

if TYPE_CHECKING:
    from desktop.core.types import ImageSource
    from desktop.engine import messages
    from desktop.services.engine_service import EngineService

_Said = tuple[str, bool, bool]  # as for ImageItem.say
_AT_ONCE = 2000  # pictures that are looked up at once
_STEP = 500  # pictures between two looks at the window's events
_WINDOW_S = 5.0  # the speed shown is that of the last seconds


@dataclass(frozen=True, slots=True)
class BatchProgress:
    """How far a batch is. ``rate`` in images a second and ``left_s`` in seconds; ``None`` while unknown."""

    done: int
    total: int
    rate: float | None
    left_s: float | None


@dataclass(slots=True, eq=False)
class _Plan:
    """A batch while it is made: the pictures and their sources, where each stood in the batch before (``None``: begun
    anew), what was said of it there, the positions to ask for, how many could not be answered."""

    items: list[ImageItem]
    model_id: str
    root: str | None
    kept: list[int] | None
    sources: list[ImageSource] = field(default_factory=list)
    said: list[_Said | None] = field(default_factory=list)
    asked: list[int] = field(default_factory=list)
    failures: int = 0


def _finished(work: Generator[None, None, _Plan]) -> _Plan:
    """What ``work`` returns, all of it done now."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            plan: _Plan = end.value
            return plan


class FolderJob(QObject):
    """The batch under way, or the last one. ``ended`` says whether it was cancelled.

    ``kept`` holds, for a batch that goes on with the one before, where each picture stood in that one, or -1; it is
    ``None`` for one that began anew.
    """

    began = Signal(object, str)
    answered = Signal(object)
    progressed = Signal(BatchProgress)
    failed = Signal(object)
    ended = Signal(bool)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._engine: EngineService | None = None
        self._id = 0
        self._waiting = self._held = False
        self.items: list[ImageItem] = []
        self.kept: list[int] | None = None
        self.root: str | None = None
        self._sources: list[ImageSource] = []
        self._said: list[_Said | None] = []
        self._kinds: dict[_Said, _Said] = {}
        self._looking: Slices | None = None  # while what was answered before is looked up
        self._given: dict[ImageItem, messages.Prediction | messages.Failure] = {}
        self._asked: Sequence[int] = []  # the positions of what was asked for, in order
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
        if self._waiting and self._looking is None:
            self._ask()

    def detach(self) -> None:
        """Ask nothing more of the engine."""
        self._engine = None

    @property
    def running(self) -> bool:
        """Whether answers are still expected."""
        return self._id != 0 or self._waiting

    def begin(
        self,
        items: Sequence[ImageItem],
        model_id: str,
        keep: bool = False,
        root: str | None = None,
        given: Mapping[ImageItem, messages.Prediction | messages.Failure] | None = None,
    ) -> None:
        """Classify ``items``, all below ``root`` where one folder was chosen; a batch under way is cancelled first.

        With ``keep`` this goes on with that batch, which must have been of the same model: what it has answered is not
        asked for again. ``given`` are answers of that model which are known already. Many pictures are looked up
        between the window's events: ``began`` follows.
        """
        self.cancel()
        self._waiting, self._given = True, dict(given or {})
        work = self._look_up(list(items), model_id, root, keep)
        if len(items) <= _AT_ONCE:
            self._start(_finished(work))
            return
        self._looking = Slices(work, self)
        self._looking.answered.connect(self._start)
        self._looking.failed.connect(self._on_fault)
        self._looking.launch()

    @Slot(object)
    def _start(self, plan: _Plan) -> None:
        self._looking = None
        self.items, self.model_id, self.root, self._sources = plan.items, plan.model_id, plan.root, plan.sources
        self.kept, self._said, self._asked, self.failures = plan.kept, plan.said, plan.asked, plan.failures
        self.done = len(plan.items) - len(plan.asked)
        self._marks.clear()
        self._marks.append((time.monotonic(), self.done))
        self.began.emit(self._sources, self.model_id)
        given, self._given = self._given, {}
        self._adopt(given)
        if self._waiting:  # whoever heard of it may have stopped it
            self._ask()

    @Slot(object)
    def _on_fault(self, error: Exception) -> None:
        raise error  # a fault of the program: into the crash report, with its trace

    def _adopt(self, given: Mapping[ImageItem, messages.Prediction | messages.Failure]) -> None:
        """Take answers that somebody else asked for."""
        known = {item: at for at, item in enumerate(self.items)} if given else {}
        placed = []
        for item, answer in given.items():
            at = known.get(item, -1)
            if at >= 0 and self._said[at] is None:
                placed.append(self._place(at, answer))
        if placed:
            self._asked = [at for at in self._asked if self._said[at] is None]
            self._tell(placed)

    def hold(self, held: bool) -> None:
        """While held nothing is asked of the engine: what is looked at comes first. Begun batches wait."""
        self._held = held
        if not held and self._waiting and self._looking is None:
            self._ask()

    @property
    def unfinished(self) -> bool:
        """Whether some of the pictures have no answer yet."""
        return self.done < len(self.items)

    def restore(self) -> None:
        """Give the pictures their answers of this batch back, after those of another model stood there."""
        for item, said in zip(self.items, self._said, strict=True):
            if said is not None:
                item.say(*said)

    def _look_up(
        self, items: list[ImageItem], model_id: str, root: str | None, keep: bool
    ) -> Generator[None, None, _Plan]:
        """The pictures' sources and, with ``keep``, where each stands in the batch that was and what was said of it
        there; in steps. A file taken off the list and opened again is found."""
        known: dict[str | ImageItem, int] = {}
        for at, item in enumerate(self.items if keep else ()):
            known[item.source.path or item] = at
            if at % _STEP == 0:
                yield
        plan = _Plan(items, model_id, root, kept=[] if keep else None)
        for number, item in enumerate(items):
            source = item.source
            plan.sources.append(source)
            told = None
            if plan.kept is not None:
                at = known.get(source.path or item, -1)
                # Another frame of a file is another picture.
                if at >= 0 and self._sources[at] is not source and self._sources[at] != source:
                    at = -1
                plan.kept.append(at)
                told = self._said[at] if at >= 0 else None
            plan.said.append(told)
            if told is None:
                plan.asked.append(number)
            else:
                plan.failures += told[1]
                item.say(*told)
            if number % _STEP == 0:
                yield
        return plan

    def cancel(self) -> None:
        """Stop; what was answered stays."""
        if not self.running:
            return
        if self._looking is not None:
            self._looking.stop()
            self._looking = None
        if self._id and self._engine is not None:
            self._engine.cancel(self._id)
        self._id, self._waiting = 0, False
        self.ended.emit(True)

    def progress(self) -> BatchProgress:
        """How far it is, now."""
        now, total = time.monotonic(), len(self.items)
        while len(self._marks) > 2 and now - self._marks[0][0] > _WINDOW_S:
            self._marks.popleft()
        since, before = self._marks[0]
        passed, answered = now - since, self.done - before
        rate = answered / passed if passed > 0.3 and answered else None
        return BatchProgress(self.done, total, rate, (total - self.done) / rate if rate else None)

    def _ask(self) -> None:
        if self._engine is not None and self._waiting and not (self._held and self._asked):
            self._waiting = False
            if self._asked:
                whole = len(self._asked) == len(self._sources)
                wanted = self._sources if whole else [self._sources[at] for at in self._asked]
                self._id = self._engine.batch(self.model_id, wanted)
            else:
                self.ended.emit(False)

    @Slot(object)
    def _on_answers(self, answers: messages.BatchAnswers) -> None:
        if answers.id != self._id:
            return
        self._tell([self._place(self._asked[answer.position], answer) for answer in answers.items])

    def _place(self, at: int, answer: messages.Prediction | messages.Failure) -> messages.Prediction | messages.Failure:
        """Note the answer for the picture at a position; it comes back with that position."""
        from desktop.engine.messages import Failure

        if isinstance(answer, Failure):
            said = (answer.message, True, False)
            self.failures += 1
        else:
            said = (answer.short, False, answer.domain is not None and not answer.domain.inside)
        # Few differ: a hundred thousand pictures share them.
        self._said[at] = said = self._kinds.setdefault(said, said)
        self.items[at].say(*said)
        return answer if at == answer.position else replace(answer, position=at)

    def _tell(self, placed: list[messages.Prediction | messages.Failure]) -> None:
        self.done += len(placed)
        self._marks.append((time.monotonic(), self.done))
        self.answered.emit(tuple(placed))
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
