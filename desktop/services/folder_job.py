"""Classifying many images: one batch at the engine, its progress, speed and what is left.

An answer of a batch that is no longer wanted (cancelled, another model) is dropped. What was answered stands in one
place, :attr:`FolderJob.answers`: list, table and export read it there.
"""

from __future__ import annotations

import collections
import time
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal, Slot

from desktop.services.background import Slices
from desktop.services.session import ImageItem

if TYPE_CHECKING:
    from desktop.app.batch_columns import BatchColumns, RowSaid
    from desktop.core.types import ImageSource
    from desktop.engine import messages
    from desktop.services.engine_service import EngineService
    from desktop.store.manifest import Manifest
    from desktop.store.marks import PictureMark

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
    """A batch while it is made: the pictures, where each stands, its answers, the positions to ask for."""

    items: list[ImageItem]
    root: str | None
    goes_on: bool
    places: dict[ImageItem, int] = field(default_factory=dict)
    answers: BatchColumns | None = None
    asked: list[int] = field(default_factory=list)


def _finished(work: Generator[None, None, _Plan]) -> _Plan:
    """What ``work`` returns, all of it done now."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            plan: _Plan = end.value
            return plan


class FolderJob(QObject):
    """The batch under way, or the last one: its pictures are :attr:`items`, and what was said of them :attr:`answers`,
    in the same order. An item whose every frame is answered stands there once for each.

    ``began`` says that :attr:`answers` is another, and whether it took those of the batch before along; ``answered``
    that some between a first and a last position have come; ``ended`` whether the batch was cancelled.
    """

    began = Signal(bool)
    answered = Signal(int, int)
    progressed = Signal(BatchProgress)
    failed = Signal(object)  # a Failure: its class would be loaded before the first paint
    ended = Signal(bool)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._engine: EngineService | None = None
        self._id = 0
        self._waiting = self._held = False
        self.items: list[ImageItem] = []
        self.answers: BatchColumns | None = None
        self.root: str | None = None
        self.marked: Callable[[ImageItem], PictureMark | None] = lambda item: None
        """The star and the note on an image; who keeps them sets it."""
        self._places: dict[ImageItem, int] = {}
        self._looking: Slices | None = None  # while what was answered before is looked up
        self._given: dict[ImageItem, messages.Prediction | messages.Failure] = {}
        self._asked: Sequence[int] = []  # the positions of what was asked for, in order
        self._marks: collections.deque[tuple[float, int]] = collections.deque()

    def attach(self, engine: EngineService) -> None:
        """Use ``engine``, which was started; a batch begun before is asked for now."""
        self._engine = engine
        engine.batch_answers.connect(self._on_answers)
        engine.batch_done.connect(self._on_done)
        if self._waiting and self._looking is None:
            self._ask()

    def detach(self) -> None:
        """Ask nothing more of the engine."""
        self._engine = None

    @property
    def running(self) -> bool:
        """Whether answers are still expected."""
        return self._id != 0 or self._waiting

    @property
    def model_id(self) -> str:
        """The model that answers, '' before the first batch."""
        return self.answers.model if self.answers is not None else ""

    @property
    def done(self) -> int:
        """How many of the pictures have been answered, or found unreadable."""
        return self.answers.done if self.answers is not None else 0

    @property
    def failures(self) -> int:
        """How many of the pictures could not be answered."""
        return len(self.answers.errors) if self.answers is not None else 0

    def place_of(self, item: ImageItem) -> int:
        """The position of ``item`` in the batch, of its frame that is looked at where each has one; -1 where it is not
        part of it."""
        first = self._places.get(item, -1)
        if first >= 0 and item.every:
            there = first + item.at
            return there if there < len(self.items) and self.items[there] is item else first
        return first

    def said(self, item: ImageItem) -> RowSaid | None:
        """What the batch said of ``item`` as it is looked at, ``None`` while it said nothing."""
        at = self.place_of(item)
        if at < 0 or self.answers is None:
            return None
        if item.stack is not None and self.answers.sources[at] != item.source:
            return None  # it answered another frame
        return self.answers.said(at)

    def score_of(self, item: ImageItem) -> float | None:
        """The score of the answer to ``item``, ``None`` while there is none, or none to be relied on."""
        at = self.place_of(item)
        return self.answers.relied_on_score(at) if at >= 0 and self.answers is not None else None

    def relocate(self, items: Iterable[ImageItem]) -> None:
        """The files of some images lie at other places now: the answers are theirs still."""
        for item in items:
            at = self.place_of(item)
            if at >= 0 and self.answers is not None:
                self.answers.relocate(at, item.source)

    def begin(
        self,
        items: Sequence[ImageItem],
        manifest: Manifest,
        keep: bool = False,
        root: str | None = None,
        given: Mapping[ImageItem, messages.Prediction | messages.Failure] | None = None,
    ) -> None:
        """Classify ``items`` with the model of ``manifest``, all below ``root`` where one folder was chosen; a batch
        under way is cancelled first.

        With ``keep`` this goes on with that batch, which must have been of the same model: what it has answered is not
        asked for again. ``given`` are answers of that model which are known already. Many pictures are looked up
        between the window's events: ``began`` follows.
        """
        self.cancel()
        self._waiting, self._given = True, dict(given or {})
        work = self._look_up(list(items), manifest, root, keep)
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
        self.items, self.answers, self.root = plan.items, plan.answers, plan.root
        self._places, self._asked = plan.places, plan.asked
        if plan.answers is not None:
            items = plan.items
            plan.answers.marked = lambda at: self.marked(items[at])
        self._marks.clear()
        self._marks.append((time.monotonic(), self.done))
        self.began.emit(plan.goes_on)
        given, self._given = self._given, {}
        self._adopt(given)
        if self._waiting:  # whoever heard of it may have stopped it
            self._ask()

    @Slot(object)
    def _on_fault(self, error: Exception) -> None:
        raise error  # a fault of the program: into the crash report, with its trace

    def _adopt(self, given: Mapping[ImageItem, messages.Prediction | messages.Failure]) -> None:
        """Take answers that somebody else asked for."""
        self._take([(self.place_of(item), answer) for item, answer in given.items()])
        if given and self.answers is not None:
            state = self.answers.state
            self._asked = [at for at in self._asked if not state[at]]

    def hold(self, held: bool) -> None:
        """While held nothing is asked of the engine: what is looked at comes first. Begun batches wait."""
        self._held = held
        if not held and self._waiting and self._looking is None:
            self._ask()

    @property
    def unfinished(self) -> bool:
        """Whether some of the pictures have no answer yet."""
        return self.done < len(self.items)

    def _look_up(
        self, items: list[ImageItem], manifest: Manifest, root: str | None, keep: bool
    ) -> Generator[None, None, _Plan]:
        """The batch to be, with the answers of the one that was where ``keep`` says so; in steps. A file taken off the
        list and opened again is found."""
        from desktop.app.batch_columns import BatchColumns

        before = self.answers if keep else None
        # Another frame of a file is another picture.
        known: dict[tuple[str | ImageItem, int], int] = {}
        for at, item in enumerate(self.items if before is not None else ()):
            assert before is not None
            source = before.sources[at]
            known[source.path or item, source.frame] = at
            if at % _STEP == 0:
                yield
        plan = _Plan([], root, before is not None)
        sources: list[ImageSource] = []
        kept: list[int] = []
        for number, item in enumerate(dict.fromkeys(items)):
            plan.places[item] = len(sources)
            for source in item.wanted():
                sources.append(source)
                plan.items.append(item)
                if before is not None:
                    kept.append(known.get((source.path or item, source.frame), -1))
            if number % _STEP == 0:
                yield
        plan.answers = BatchColumns(sources, manifest, root)
        yield
        if before is not None:
            yield from plan.answers.take_over(before, kept)
        plan.asked = plan.answers.pending()
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
            if self._asked and self.answers is not None:
                sources = self.answers.sources
                whole = len(self._asked) == len(sources)
                wanted = sources if whole else [sources[at] for at in self._asked]
                self._id = self._engine.batch(self.model_id, wanted, self._on_failure)
            else:
                self.ended.emit(False)

    @Slot(object)
    def _on_answers(self, answers: messages.BatchAnswers) -> None:
        if answers.id != self._id:
            return
        self._take([(self._asked[answer.position], answer) for answer in answers.items])

    def _take(self, found: list[tuple[int, messages.Prediction | messages.Failure]]) -> None:
        """Take answers for positions; those that are answered already are passed over."""
        answers = self.answers
        placed = [at for at, answer in found if answers is not None and answers.put(at, answer)]
        if placed:
            self._marks.append((time.monotonic(), self.done))
            self.answered.emit(min(placed), max(placed))
            self.progressed.emit(self.progress())

    @Slot(object)
    def _on_done(self, answer: messages.BatchDone) -> None:
        if answer.id == self._id:
            self._id = 0
            self.ended.emit(answer.cancelled)

    def _on_failure(self, answer: messages.Failure) -> None:
        self.failed.emit(answer)
