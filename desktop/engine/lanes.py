"""A batch of a small network on lanes: threads that each bring in a group of pictures and predict it themselves.

While one lane decodes, another computes, and nobody waits for anybody: on few cores that is faster than a pool that
decodes for one network with many threads. Answers are handed out in the order of the pictures.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from desktop.core.pictures.decode_in_child import PreparedFile, bring_in_each
from desktop.core.types import FoveaError
from desktop.engine.answers import failure_of, prediction_of
from desktop.engine.batching import Batch, milliseconds_since
from desktop.engine.messages import Failure, Prediction
from desktop.engine.model import LoadedModel
from desktop.system.workers import WorkCancelled, Workers

_GROUPS_AHEAD = 2  # a lane: so far may one be beyond another that is held up; a crash puts them all in doubt
_GROUP_S = 0.2  # a lane predicts what it has after this long: large pictures must not delay the first answers


class Lanes:
    """The lanes of one batch.

    ``wake`` guards this object and the engine's queues, and is notified when answers have come. No lane begins a group
    while ``held`` says (under ``wake``) that somebody waits for the answer to a single picture.
    """

    def __init__(
        self,
        batch: Batch,
        model: LoadedModel,
        decoders: Workers,
        wake: threading.Condition,
        held: Callable[[], bool],
    ) -> None:
        self._batch, self._model, self._decoders, self._wake, self._held = batch, model, decoders, wake, held
        self._ahead = _GROUPS_AHEAD * model.lanes * model.lane_call
        self._next = 0  # the first picture that no lane has taken
        self._handed_out = 0
        self._found: dict[int, Prediction | Failure] = {}

    def start(self, pool: ThreadPoolExecutor) -> None:
        """Set the lanes going."""
        for _ in range(self._model.lanes):
            pool.submit(self._run)

    @property
    def ready(self) -> bool:
        """Whether :meth:`collect` would give something; ask under ``wake``."""
        return self._handed_out in self._found

    @property
    def finished(self) -> bool:
        """Whether every answer was handed out."""
        return self._handed_out == len(self._batch.request.sources)

    def collect(self) -> list[Prediction | Failure]:
        """The answers that are next in order; call under ``wake``."""
        answers = []
        while self._handed_out in self._found:
            answers.append(self._found.pop(self._handed_out))
            self._handed_out += 1
        self._wake.notify_all()
        return answers

    def _run(self) -> None:
        own: list[int] = []  # taken, not brought in yet
        while own or self._may_begin():
            try:
                opened, answers = self._bring_in(own)
            except WorkCancelled:
                return
            answers.update(self._predicted(opened))
            with self._wake:
                self._found.update(answers)
                self._wake.notify_all()

    def _over(self) -> bool:
        return self._batch.cancelled or self._next >= len(self._batch.request.sources)

    def _far(self) -> bool:
        return self._next - self._handed_out >= self._ahead

    def _may_begin(self) -> bool:
        """Wait for the turn of the next group; False when there is none."""
        with self._wake:
            while not self._over() and (self._held() or self._far()):
                self._wake.wait()
            return not self._over()

    def _take(self) -> int | None:
        with self._wake:
            if self._over() or self._far():
                return None
            self._next += 1
            return self._next - 1

    def _bring_in(self, own: list[int]) -> tuple[dict[int, PreparedFile], dict[int, Prediction | Failure]]:
        """The pictures of a group, and the failures among them; what is left of ``own`` comes with the next."""
        while len(own) < self._model.lane_call and (position := self._take()) is not None:
            own.append(position)
        opened: dict[int, PreparedFile] = {}
        failures: dict[int, Prediction | Failure] = {}
        sources = [self._batch.request.sources[position] for position in own]
        spec = self._model.manifest.preprocess
        found: Sequence[PreparedFile | FoveaError]
        try:
            found = bring_in_each(sources, spec, self._decoders, lambda: self._batch.cancelled, _GROUP_S)
        except FoveaError as error:
            found = [error] * len(own)
        for position, item in zip(own, found, strict=False):
            if isinstance(item, FoveaError):
                failures[position] = self._failure(position, item)
            else:
                opened[position] = item
        del own[: len(found)]
        return opened, failures

    def _predicted(self, opened: dict[int, PreparedFile]) -> dict[int, Prediction | Failure]:
        if not opened:
            return {}
        begin = time.perf_counter()
        try:
            pixels = np.stack([item.prepared.pixels for item in opened.values()])
            found = self._model.answer_apart(pixels, self._batch.request.gated)
        except Exception as error:
            return {position: self._failure(position, error) for position in opened}
        each = milliseconds_since(begin) / len(opened)
        answers: dict[int, Prediction | Failure] = {}
        request = self._batch.request
        for row, verdict, (position, item) in zip(*found, opened.items(), strict=True):
            source, place = request.sources[position], request.offset + position
            try:
                answers[position] = prediction_of(
                    request.id, source, place, self._model, item, row, each, False, verdict, self._model.answer_apart
                )
            except FoveaError as error:
                answers[position] = self._failure(position, error)
        return answers

    def _failure(self, position: int, error: Exception) -> Failure:
        request = self._batch.request
        return failure_of(request.id, error, request.sources[position], request.offset + position)
