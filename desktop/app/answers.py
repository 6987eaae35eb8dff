"""Answers of the engine for many pictures, in their order, while they come.

The walk through the folders is asked only as far ahead as the engine has work: memory stays flat, however many files.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING

from desktop.core.pictures.formats import SUPPORTED_SUFFIXES
from desktop.core.pictures.studies import FoundFrame, FoundSeries, LeftOut, ReadingHeads, each_frame, find_studies
from desktop.core.pictures.walk import FoundFile, Problem
from desktop.core.types import ImageSource
from desktop.engine.messages import (
    Answer,
    BatchAnswers,
    BatchDone,
    BatchRequest,
    EngineLost,
    Failure,
    Prediction,
)

if TYPE_CHECKING:
    from desktop.engine.evaluation import EventEngine

Result = Prediction | Failure
Answerable = FoundFile | FoundFrame | Problem

# One request at a time, so that a crash is blamed on the right picture; a long one, because the engine decodes ahead
# within a request only.
CHUNK = 512
_WAIT_S = 0.5  # how long one look at the pipe may take, so that Ctrl-C is heard


def pictures_among(
    paths: Iterable[str | os.PathLike[str]],
    heard: Callable[[ReadingHeads | LeftOut], None] = lambda found: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Iterator[Answerable]:
    """The pictures among ``paths`` and in the folders among them, frame by frame; ``heard`` hears what else the search
    tells. Ends early when ``cancelled``."""
    for found in find_studies(paths, SUPPORTED_SUFFIXES, cancelled=cancelled):
        if isinstance(found, ReadingHeads | LeftOut):
            heard(found)
        elif isinstance(found, FoundSeries):
            yield from each_frame(found)
        else:
            yield found


class _Chunk:
    """Some items in order, and the answers that have come for them."""

    def __init__(self, request_id: int, items: list[Answerable]) -> None:
        self.id = request_id
        self.items = items
        self.results: list[Result | None] = [
            Failure(0, item.kind, item.message) if isinstance(item, Problem) else None for item in items
        ]
        self.places = [place for place, result in enumerate(self.results) if result is None]
        self._given = 0

    @property
    def sources(self) -> tuple[ImageSource, ...]:
        return tuple(_source(self.items[place]) for place in self.places)

    @property
    def exhausted(self) -> bool:
        return self._given == len(self.items)

    def put(self, answer: Result) -> None:
        if 0 <= answer.position < len(self.places):
            self.results[self.places[answer.position]] = answer

    def fill(self, failure: Failure) -> None:
        """Every picture still without an answer gets this one."""
        self.results = [result or failure for result in self.results]

    def ready(self) -> Iterator[tuple[Answerable, Result]]:
        """What can be handed on: the answers up to the first one that is missing."""
        while self._given < len(self.items):
            result = self.results[self._given]
            if result is None:
                return
            self._given += 1
            yield self.items[self._given - 1], result


def answers(
    engine: EventEngine,
    model: str,
    items: Iterable[Answerable],
    lost: Callable[[EngineLost], None] | None = None,
    idle: Callable[[], None] | None = None,
    advised: bool = False,
) -> Generator[tuple[Answerable, Result], None, None]:
    """Every item and its answer, in order.

    ``lost`` hears of an engine that died; ``idle`` is called about twice a second, and whenever something came. Once a
    model or the engine is beyond help, every further picture gets that failure without being asked for. Stopping the
    iteration early cancels what is on its way. ``advised`` asks which model would suit each picture of another kind.
    """
    run = _Run(engine, model, iter(items), lost, advised)
    try:
        while run.feed():
            yield from run.ready()
            run.listen()
            if idle:
                idle()
    finally:
        run.cancel()


def _source(item: Answerable) -> ImageSource:
    return ImageSource.from_path(item.path, item.frame if isinstance(item, FoundFrame) else 0)


class _Run:
    def __init__(
        self,
        engine: EventEngine,
        model: str,
        items: Iterator[Answerable],
        lost: Callable[[EngineLost], None] | None,
        advised: bool,
    ) -> None:
        self._advised = advised
        self._engine = engine
        self._model = model
        self._items = items
        self._lost = lost
        self._hopeless: Failure | None = None
        self._chunk: _Chunk | None = None

    def feed(self) -> bool:
        """Send the engine more work; false when there is none left and everything was handed on."""
        if self._chunk is None or self._chunk.exhausted:
            items = list(islice(self._items, CHUNK))
            if not items:
                self._chunk = None
                return False
            chunk = self._chunk = _Chunk(self._engine.next_id(), items)
            if self._hopeless:
                chunk.fill(self._hopeless)
            elif chunk.places:
                self._engine.submit(
                    BatchRequest(chunk.id, self._model, chunk.sources, gated=True, advised=self._advised)
                )
        return True

    def ready(self) -> Iterator[tuple[Answerable, Result]]:
        """What can be handed on now."""
        return self._chunk.ready() if self._chunk else iter(())

    def listen(self) -> None:
        """Wait a moment for answers, unless none is due."""
        if self._chunk and not self._chunk.exhausted:
            for event in self._engine.events(_WAIT_S):
                self._take(event)

    def cancel(self) -> None:
        """Give up on what is on its way."""
        if self._chunk and not self._chunk.exhausted:
            self._engine.cancel(self._chunk.id)

    def _take(self, event: Answer) -> None:
        if isinstance(event, EngineLost):
            if self._lost:
                self._lost(event)
            if not event.restarting:
                self._give_up(Failure(0, "engine-lost", event.reason, "Start Fovea again."))
            return
        chunk = self._chunk
        if chunk is None or chunk.id != event.id:
            return
        if isinstance(event, BatchAnswers):
            for item in event.items:
                chunk.put(item)
        elif isinstance(event, Failure):
            if event.model_failed:
                self._give_up(event)
            chunk.fill(event)
        elif isinstance(event, BatchDone):
            chunk.fill(Failure(event.id, "no-result", "the engine ended its work without an answer for this picture"))

    def _give_up(self, failure: Failure) -> None:
        self._hopeless = failure
        if self._chunk:
            self._chunk.fill(failure)
