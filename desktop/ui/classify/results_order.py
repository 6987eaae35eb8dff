"""Which rows of a batch's answers are shown, and in which order: found in steps that never hold up the window."""

from __future__ import annotations

import heapq
import re
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from desktop.app.batch_columns import ANSWERED, FAILED, OUTSIDE, BatchColumns

if TYPE_CHECKING:
    import numpy as np

    Key = Generator[None, None, np.ndarray]

_DIGITS = re.compile(r"\d+")
_STEP, _RUN = 500, 5000
"""Rows in one step of slow and of fast work: a millisecond each."""


@dataclass(frozen=True, slots=True)
class Query:
    """Which rows are shown, and in which order.

    ``text`` is looked for in folder, name, answer and note; ``answer`` is a class or ``None``; ``below`` keeps scores
    under it; ``unlike`` keeps pictures that are not of the model's kind, ``mark`` those with a ``star`` or a ``note``;
    ``column`` is the name of one of :data:`desktop.ui.classify.results_columns.COLUMNS`, '' for the order of the
    pictures.
    """

    text: str = ""
    answer: int | None = None
    only_errors: bool = False
    below: float | None = None
    unlike: bool = False
    mark: Literal["", "star", "note"] = ""
    column: str = ""
    descending: bool = False

    @property
    def filters(self) -> bool:
        """Whether any row may be left out."""
        narrowed = self.answer is not None or self.below is not None
        return bool(self.text) or narrowed or self.only_errors or self.unlike or bool(self.mark)

    @property
    def plain(self) -> bool:
        """Whether every row is shown, in the order of the pictures."""
        return not self.filters and not self.column


class RowOrder:
    """Orders the rows of ``batch``, which may still be growing; remembers what never changes of its pictures."""

    def __init__(self, batch: BatchColumns) -> None:
        self.batch = batch
        self._ranks: dict[str, np.ndarray] = {}
        self._haystack: list[str] = []

    def ordering(self, query: Query, key_of: Callable[[RowOrder], Key] | None = None) -> Key:
        """Finds the positions to show, int32, in order; a step takes a millisecond or so (sorting numbers, ten).
        ``key_of`` is that of the query's column."""
        import numpy as np

        batch = self.batch
        keep = np.ones(len(batch), bool)
        relied_on = (batch.state == ANSWERED) & (batch.inside != OUTSIDE)
        if query.only_errors:
            keep &= batch.state == FAILED
        if query.answer is not None:
            keep &= relied_on & (batch.answer == query.answer)
        if query.below is not None:
            keep &= relied_on & (batch.score < query.below)
        if query.unlike:
            keep &= batch.inside == OUTSIDE
        if query.mark:
            marks = yield from (self.star_key() if query.mark == "star" else self._noted())
            keep &= marks == 0
        if query.text:
            keep &= yield from self._matches(query.text.casefold())
        if key_of is not None:
            key = yield from key_of(self)
            # Read after the last step, so that all of it belongs to one moment.
            rows = np.flatnonzero(keep).astype(np.int32)
            key = key[rows]
            return rows[np.argsort(-key if query.descending else key, kind="stable")]
        return np.flatnonzero(keep).astype(np.int32)

    def _matches(self, text: str) -> Key:
        import numpy as np

        words, batch = self._haystack, self.batch
        while len(words) < len(batch):
            for at in range(len(words), min(len(words) + _STEP, len(batch))):
                words.append(f"{batch.folder(at)}/{batch.sources[at].name}".casefold())
            yield
        found = np.zeros(len(batch), bool)
        for start in range(0, len(batch), _RUN):
            found[start : start + _RUN] = [text in line for line in words[start : start + _RUN]]
            yield
        named = np.array([text in label.casefold() for label in batch.answers])
        # A general word is found by the class that it perhaps is, too.
        found |= (batch.answer >= 0) & (named[batch.answer] | named[batch.label_index])
        for start in range(0, len(batch), _RUN):
            run = range(start, min(start + _RUN, len(batch)))
            found[start : start + _RUN] |= [text in batch.note(at).casefold() for at in run]
            yield
        return found

    # What columns sort by; those of numbers stand with their columns

    def answer_key(self) -> Key:
        """The places of the answers, of pictures that have one."""
        import numpy as np

        batch = self.batch
        ranks = yield from _ranked([label.casefold() for label in batch.answers])
        known = np.minimum(batch.answer, len(ranks) - 1)  # general words may have been added since
        return np.where((batch.answer >= 0) & (batch.inside != OUTSIDE), ranks[known], np.nan)

    def notices_key(self) -> Key:
        """The places of the notices."""
        import numpy as np

        ranks = yield from _ranked([text.casefold() for text in self.batch.notice_texts])
        ids = np.minimum(self.batch.notice, len(ranks) - 1)  # texts may have been added since
        return np.where(ids > 0, ranks[ids], np.nan)

    def rank_of(self, name: str, text: Callable[[int], str]) -> Key:
        """The places of texts that every picture has and that never change; so they are found once for a ``name``."""
        if name not in self._ranks:
            words: list[str] = []
            while len(words) < len(self.batch):
                for at in range(len(words), min(len(words) + _STEP, len(self.batch))):
                    words.append(_natural(text(at)))
                yield
            self._ranks[name] = yield from _ranked(words)
        return self._ranks[name]

    def star_key(self) -> Key:
        """Starred pictures before all others."""
        import numpy as np

        batch, key = self.batch, np.full(len(self.batch), np.nan)
        for start in range(0, len(batch), _RUN):
            key[start : start + _RUN] = [
                0 if batch.starred(at) else np.nan for at in range(start, min(start + _RUN, len(batch)))
            ]
            yield
        return key

    def _noted(self) -> Key:
        import numpy as np

        batch, key = self.batch, np.full(len(self.batch), np.nan)
        for start in range(0, len(batch), _RUN):
            key[start : start + _RUN] = [
                0 if batch.note(at) else np.nan for at in range(start, min(start + _RUN, len(batch)))
            ]
            yield
        return key

    def note_key(self) -> Key:
        """The places of the notes, of pictures that have one."""
        import numpy as np

        noted = yield from self._noted()
        positions = np.flatnonzero(noted == 0)
        ranks = yield from _ranked([self.batch.note(at).casefold() for at in positions.tolist()])
        key = np.full(len(self.batch), np.nan)
        key[positions] = ranks
        return key

    def error_key(self) -> Key:
        """The places of the problems."""
        import numpy as np

        errors = self.batch.errors
        positions = list(errors)
        ranks = yield from _ranked([errors[at][1].casefold() for at in positions])
        key = np.full(len(self.batch), np.nan)
        if positions:
            key[positions] = ranks
        return key


def _natural(text: str) -> str:
    """A key by which 'image 2' comes before 'image 10'."""
    return _DIGITS.sub(_padded, text.casefold())


def _padded(digits: re.Match[str]) -> str:
    return digits.group().rjust(12, "0")


def _ranked(words: list[str]) -> Key:
    """For each word its place in the sorted order, float64; equal words share one.

    Sorted in short runs that are merged bit by bit: one sort of 100,000 texts would take a tenth of a second.
    """
    import numpy as np

    runs = []
    for start in range(0, len(words), _STEP):
        runs.append(sorted(zip(words[start : start + _STEP], range(start, start + _STEP), strict=False)))
        yield
    ranks = np.zeros(len(words))
    place, before = -1, None
    for turn, (word, index) in enumerate(heapq.merge(*runs)):
        if word != before:
            place, before = place + 1, word
        ranks[index] = place
        if turn % _STEP == 0:
            yield
    return ranks
