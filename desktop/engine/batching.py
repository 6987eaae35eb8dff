"""A batch on its way through the engine: pictures decoded ahead, answers gathered and sent together."""

from __future__ import annotations

import collections
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial

import numpy as np

from desktop.core.pictures.decode_in_child import PreparedFile, bring_in
from desktop.core.types import FoveaError
from desktop.engine.answers import failure_of, prediction_of
from desktop.engine.messages import Answer, BatchAnswers, BatchRequest, Failure, Prediction
from desktop.engine.model import LoadedModel
from desktop.store.manifest import Manifest
from desktop.system.workers import Workers

FLUSH_S = 0.1
"""A batch's answers are sent at least this often, so that a table fills evenly."""


class Batch:
    """A batch on its way: which pictures are being decoded, which answers wait to be sent."""

    def __init__(self, request: BatchRequest) -> None:
        self.request = request
        self.model: LoadedModel | None = None
        self.cancelled = False
        self.waiting: collections.deque[tuple[int, Future[PreparedFile]]] = collections.deque()
        self.done = 0
        self._next = 0
        self._answers: list[Prediction | Failure] = []
        self._flushed = time.monotonic()

    def fill(self, pool: ThreadPoolExecutor, decoders: Workers, manifest: Manifest, ahead: int) -> None:
        """Have up to ``ahead`` pictures decoded or decoding: enough to keep the pool busy, few enough for memory."""
        bring = partial(bring_in, spec=manifest.preprocess, pool=decoders, cancelled=lambda: self.cancelled)
        while len(self.waiting) < ahead and self._next < len(self.request.sources):
            future = pool.submit(bring, self.request.sources[self._next])
            self.waiting.append((self._next, future))
            self._next += 1

    def add(self, answer: Prediction | Failure) -> None:
        """Note one answer."""
        self._answers.append(answer)
        self.done += 1

    def flush(self, send: Callable[[Answer], None], force: bool) -> None:
        """Send the answers noted so far where it is time, or ``force`` says so."""
        if self._answers and (force or time.monotonic() - self._flushed >= FLUSH_S):
            # A group's failures are noted before its predictions; answers travel in the order of the pictures.
            self._answers.sort(key=lambda answer: answer.position)
            send(BatchAnswers(self.request.id, tuple(self._answers)))
            self._answers.clear()
            self._flushed = time.monotonic()

    @property
    def unsent(self) -> bool:
        """Whether answers wait to be sent."""
        return bool(self._answers)

    def drop(self) -> None:
        """Forget the pictures that wait: the batch ends."""
        for _, future in self.waiting:
            future.cancel()
        self.waiting.clear()


def group_answers(
    request: BatchRequest, model: LoadedModel, ready: Sequence[tuple[int, Future[PreparedFile]]]
) -> list[Prediction | Failure]:
    """What ``model`` says of the pictures at these positions of ``request``, as soon as they are opened: one prediction
    for all. Those that could not be opened come first."""
    out: list[Prediction | Failure] = []

    def fail(error: Exception, position: int) -> None:
        out.append(failure_of(request.id, error, request.sources[position], request.offset + position))

    opened: list[tuple[int, PreparedFile]] = []
    for position, future in ready:
        try:
            opened.append((position, future.result()))
        except Exception as error:
            fail(error, position)
    if not opened:
        return out
    begin = time.perf_counter()
    try:
        pixels = np.stack([item.prepared.pixels for _, item in opened])
        found = model.answer(pixels, request.gated)
    except Exception as error:
        for position, _ in opened:
            fail(error, position)
        return out
    each = milliseconds_since(begin) / len(opened)
    for row, verdict, (position, item) in zip(*found, opened, strict=True):
        source, place = request.sources[position], request.offset + position
        try:
            out.append(prediction_of(request.id, source, place, model, item, row, each, False, verdict, model.answer))
        except FoveaError as error:
            fail(error, position)
    return out


def milliseconds_since(begin: float) -> float:
    """Milliseconds since ``begin``, a reading of ``time.perf_counter``."""
    return (time.perf_counter() - begin) * 1000.0
