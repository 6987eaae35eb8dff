"""Running an evaluation: labelled pictures through the engine, answers collected as they come.

:class:`Evaluator` keeps no thread and no loop: whoever receives the engine's answers hands them to
:meth:`Evaluator.take`, be it a window's event loop or :func:`evaluate`, which drives a client of its own.
"""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from desktop.core.data.dataset import BrokenEntry, Interrupted, LabelledDataset
from desktop.core.data.label_map import LEFT_OUT, LabelMap
from desktop.core.figures.decision import answers_of
from desktop.core.figures.result import INSIDE, NOT_ASKED, OUTSIDE, EvaluationResult
from desktop.core.types import FoveaError, ImageSource
from desktop.engine.evaluation_facts import FileFacts, data_facts, read_file_facts
from desktop.engine.messages import (
    Answer,
    BatchAnswers,
    BatchDone,
    BatchRequest,
    EngineLost,
    Failure,
    Prediction,
    Ready,
    Request,
    ThumbnailRequest,
)
from desktop.engine.messages import Thumbnail as ThumbnailAnswer
from desktop.store.model_facts import model_facts
from desktop.store.store import ModelEntry, check_usable

CHUNK = 2048
"""Pictures in one request: many, because the engine decodes ahead within a request only; few enough for memory."""
_CHUNK_BYTES = 32 * 1024 * 1024  # of pictures held in memory
_WAIT_S = 0.2
_JUDGED = CHUNK
_PART = 256
"""Up to so many pictures the domain gate is asked of each, which costs small networks a fifth of their speed; of more,
of so many before each whole chunk: some thousand tell the share, and they are spread, because chunks take the classes
in turns and get on through the data."""


class Engine(Protocol):
    """What is needed of :class:`desktop.engine.client.EngineClient`, or of a window's service."""

    def next_id(self) -> int:
        """A fresh request id, larger than all before."""
        ...

    def submit(self, request: Request) -> None:
        """Hand in a request; never blocks."""
        ...

    def cancel(self, request_id: int) -> None:
        """Cancel a request; for a batch a ``BatchDone`` still comes."""
        ...


@dataclass(frozen=True, slots=True)
class EvaluationProgress:
    """How far an evaluation is: pictures ``done`` of ``total``, ``right`` and ``skipped`` among them; seconds spent,
    and seconds ``left`` once that can be told."""

    done: int
    total: int
    right: int
    skipped: int
    elapsed_s: float
    left_s: float | None


class Evaluator:
    """One evaluation on its way: sends chunk after chunk, takes the answers, knows the figures so far.

    ``entry`` is a usable model of the store. ``threshold`` (two labels) overrides the model's own decision. Call
    :meth:`begin`, hand every answer of the engine to :meth:`take` until :attr:`finished`, then ask for :meth:`result`.
    Answered rows lie in ``truth``, ``predicted``, ``scores`` at ``rows``: they may be read while it runs. Rows take the
    classes in turns; a result is in the order of the data.
    """

    def __init__(
        self,
        engine: Engine,
        entry: ModelEntry,
        data: LabelledDataset,
        labels: LabelMap,
        threshold: float | None = None,
    ) -> None:
        self._engine = engine
        self._manifest = check_usable(entry)
        self._data = data
        self.model = model_facts(self._manifest, threshold)
        self._labels = labels
        wanted = np.array(labels.targets, dtype=np.int32)[data.targets]
        self._order = _in_turns(wanted)
        self._truth: np.ndarray = wanted[self._order]
        total = len(self._order)
        self._scores = np.zeros((total, len(self._manifest.labels)), np.float32)
        self._answered = np.zeros(total, bool)
        self._seen = np.zeros(total, bool)  # answered, or known to have no answer
        self._predicted = np.full(total, -1, np.int32)
        self._outside: np.ndarray | None = None
        if self._manifest.domain is not None:
            self._outside = np.full(total, NOT_ASKED, np.int8)
        self._chunks = 0
        self._skipped: list[BrokenEntry] = list(data.broken)
        self._sent = self._done = self._right = 0
        # Requests under way, each with its rows from the first to behind the last; a cluster answers several at once.
        self._open: dict[int, tuple[int, int]] = {}
        self._next: list[ImageSource] | None = None
        self._begin = time.monotonic()
        self._end: float | None = None
        self._device = ""
        self._versions: dict[str, str] = {}
        self._cancelled = False
        self.failure: FoveaError | None = None

    @property
    def finished(self) -> bool:
        """Whether no more answers are to come."""
        return self._end is not None

    @property
    def progress(self) -> EvaluationProgress:
        """How far it is now."""
        elapsed = (self._end or time.monotonic()) - self._begin
        total = len(self._order)
        left = elapsed / self._done * (total - self._done) if self._done >= min(total, 64) and self._done else None
        return EvaluationProgress(self._done, total, self._right, len(self._skipped), elapsed, left)

    def begin(self) -> None:
        """Send the first chunk."""
        self._begin = time.monotonic()
        self._send_on()

    def cancel(self) -> None:
        """Stop as soon as possible; what was answered until then is kept as an incomplete result."""
        self._cancelled = True
        for request_id in list(self._open):
            self._engine.cancel(request_id)
        if not self._open:
            self._finish()

    def take(self, answer: Answer) -> np.ndarray:
        """Use one answer of the engine; all others are ignored. Returns int64: the rows that were answered by it."""
        if isinstance(answer, Ready):
            self._device, self._versions = answer.device, dict(answer.versions)
        elif isinstance(answer, EngineLost):
            if not answer.restarting:
                self._fail("engine-lost", answer.reason, "Start Fovea again.")
        elif answer.id not in self._open or self.finished:
            pass
        elif isinstance(answer, BatchAnswers):
            return self._several(answer.items, *self._open[answer.id])
        elif isinstance(answer, Failure):
            self._fail(answer.kind, answer.message, answer.hint)
        elif isinstance(answer, BatchDone):
            self._chunk_done(answer)
        return np.empty(0, dtype=np.int64)

    def _several(self, items: tuple[Prediction | Failure, ...], start: int, end: int) -> np.ndarray:
        """Keep the answers that came together, of the rows from ``start`` to before ``end``; the rows of those that are
        predictions."""
        rows: list[int] = []
        scores: list[np.ndarray] = []
        for item in items:
            row = start + item.position
            if not start <= row < end or self._seen[row]:
                continue
            self._seen[row] = True
            self._done += 1
            if isinstance(item, Failure):
                place = int(self._order[row])
                class_name = self._data.classes[int(self._data.targets[place])]
                self._skipped.append(BrokenEntry(self._data.name(place), class_name, item.kind, item.message))
            else:
                rows.append(row)
                scores.append(item.probabilities)
                if self._outside is not None and item.domain is not None:
                    self._outside[row] = INSIDE if item.domain.inside else OUTSIDE
                self._device = item.device
        found = np.array(rows, dtype=np.int64)
        if rows:
            self._scores[found] = scores
            self._answered[found] = True
            self._predicted[found] = answers_of(self._scores[found], self.model.positive, self.model.threshold)
            self._right += int((self._predicted[found] == self._truth[found]).sum())
        return found

    def _chunk_done(self, answer: BatchDone) -> None:
        del self._open[answer.id]
        if answer.cancelled:
            self._cancelled = True
        if not self._cancelled:
            self._send_on()
        if not self._open:
            self._finish()

    def _send_on(self) -> None:
        """Send chunks until as many are under way as the engine answers at once."""
        while self._sent < len(self._order) and len(self._open) < getattr(self._engine, "width", 1):
            self._send()
        if not self._open:
            self._finish()

    def _send(self) -> None:
        sources = self._next if self._next is not None else self._make(self._sent)
        self._next = None
        request_id = self._engine.next_id()
        self._open[request_id] = (self._sent, self._sent + len(sources))
        self._sent += len(sources)
        gated = self._is_gated
        self._chunks += 1
        self._engine.submit(BatchRequest(request_id, self._manifest.id, tuple(sources), gated=gated))

    @property
    def _is_gated(self) -> bool:
        """Whether the gate is asked of the next chunk."""
        return self._outside is not None and (len(self._order) <= _JUDGED or self._chunks % 2 == 0)

    def prefetch(self) -> None:
        """Make the next chunk while the engine works on this one; optional, costs at most 32 MiB."""
        if self._next is None and not self.finished and self._sent < len(self._order):
            self._next = self._make(self._sent)

    def _make(self, start: int) -> list[ImageSource]:
        sources: list[ImageSource] = []
        held = 0
        size = _PART if self._is_gated and len(self._order) > _JUDGED else CHUNK
        for position in self._order[start : start + size]:
            source = self._data.source(int(position))
            sources.append(source)
            held += len(source.data or b"")
            if held >= _CHUNK_BYTES:
                break
        return sources

    def _fail(self, kind: str, message: str, hint: str) -> None:
        self.failure = FoveaError(kind, message, hint)
        self._finish()

    def _finish(self) -> None:
        if self._end is None:
            self._end = time.monotonic()
            self._next = None

    @property
    def rows(self) -> np.ndarray:
        """int64: the rows answered so far."""
        return np.asarray(np.flatnonzero(self._answered), dtype=np.int64)

    @property
    def truth(self) -> np.ndarray:
        """int32 (total,): label numbers."""
        return self._truth

    @property
    def predicted(self) -> np.ndarray:
        """int32 (total,): answers; −1 where there is none yet."""
        return self._predicted

    @property
    def scores(self) -> np.ndarray:
        """float32 (total, labels); zeros where there is no answer yet."""
        return self._scores

    def name(self, row: int) -> str:
        """The name inside the data of a row."""
        return self._data.name(int(self._order[row]))

    def source(self, row: int) -> ImageSource:
        """The picture of a row."""
        return self._data.source(int(self._order[row]))

    def result(self, fingerprint: str, files: FileFacts) -> EvaluationResult:
        """The result so far, with the data's ``fingerprint`` and what :func:`read_file_facts` found; opens nothing.

        Raises the :class:`FoveaError` that ended it, if any.
        """
        if self.failure is not None:
            raise self.failure
        rows = self.rows
        rows = rows[np.argsort(self._order[rows])]
        positions = self._order[rows]
        names = tuple(self._data.name(int(position)) for position in positions)
        grouping = files.grouping
        facts = data_facts(self._data, self._labels, self._manifest.labels, fingerprint, files)
        return EvaluationResult(
            self.model, facts, names, positions, self._truth[rows], self._predicted[rows], self._scores[rows],
            tuple(self._skipped), self._done == len(self._order), self.progress.elapsed_s,
            datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"), self._device, self._versions,
            grouping.numbers[positions] if grouping is not None else None,
            self._outside[rows] if self._outside is not None else None,
        )  # fmt: skip


def _in_turns(wanted: np.ndarray) -> np.ndarray:
    """The positions whose label ``wanted`` (int32, n) is one, int64, the classes in turns: all get on at the same pace,
    so that a run that ends early has seen the same share of each. Within a class the order is the data's."""
    share = np.zeros(len(wanted))
    for label in np.unique(wanted):
        own = np.flatnonzero(wanted == label)
        share[own] = (np.arange(len(own)) + 0.5) / len(own)
    order: np.ndarray = np.argsort(share, kind="stable")
    return np.asarray(order[wanted[order] != LEFT_OUT], dtype=np.int64)


def evaluate(
    client: EventEngine,
    entry: ModelEntry,
    data: LabelledDataset,
    labels: LabelMap,
    threshold: float | None = None,
    progress: Callable[[EvaluationProgress], None] | None = None,
    rows: Callable[[Evaluator, np.ndarray], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> EvaluationResult:
    """Run an evaluation to its end on a client of the caller's own, in the caller's thread.

    ``progress`` hears several times a second; ``rows`` gets the evaluator and the rows just answered; ``cancelled`` is
    asked as often and ends it early with an incomplete result, perhaps without the data's fingerprint. Raises
    :class:`FoveaError` where the model or the engine gave up.
    """
    run = Evaluator(client, entry, data, labels, threshold)
    stop = cancelled or (lambda: False)
    run.begin()
    stopping = False

    def listen(timeout: float) -> None:
        nonlocal stopping
        for answer in client.events(timeout):
            answered = run.take(answer)
            if rows and len(answered):
                rows(run, answered)
        if not stopping and stop():
            stopping = True
            run.cancel()
        if progress:
            progress(run.progress)

    # The fingerprint is taken while the engine works; its answers are looked at now and then, so that rows stream.
    try:
        fingerprint = data.fingerprint(lambda done, total: listen(0.0), lambda: stopping)
    except Interrupted:
        fingerprint = ""
    while not run.finished:
        run.prefetch()
        listen(_WAIT_S)
    return run.result(fingerprint, read_file_facts(data))


class EventEngine(Engine, Protocol):
    """An engine that also hands out its answers: :class:`desktop.engine.client.EngineClient`."""

    def events(self, timeout: float | None) -> list[Answer]:
        """Wait up to ``timeout`` seconds for answers."""
        ...


def thumbnails(client: EventEngine, sources: list[ImageSource], side: int) -> list[np.ndarray | None]:
    """Small pictures, uint8 (H, W, 3), longer side at most ``side``; ``None`` where one cannot be opened.

    Pictures are opened in the engine's process: a hostile file must not reach this one.
    """
    wanted = {client.next_id(): index for index in range(len(sources))}
    out: list[np.ndarray | None] = [None] * len(sources)
    for request_id, index in wanted.items():
        client.submit(ThumbnailRequest(request_id, sources[index], side))
    while wanted:
        for answer in client.events(_WAIT_S):
            if isinstance(answer, EngineLost) and not answer.restarting:
                return out
            if isinstance(answer, ThumbnailAnswer | Failure) and answer.id in wanted:
                index = wanted.pop(answer.id)
                out[index] = answer.pixels if isinstance(answer, ThumbnailAnswer) else None
    return out
