"""The answers of a batch in columns: a few bytes a picture, so that 100,000 of them stay light; and their order."""

from __future__ import annotations

import heapq
import os
import re
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from desktop.engine.messages import Failure, Prediction

if TYPE_CHECKING:
    import numpy as np

    from desktop.core.types import ImageSource
    from desktop.store.manifest import Manifest

PENDING, ANSWERED, FAILED = 0, 1, 2
OUTSIDE, INSIDE, UNKNOWN = 0, 1, -1
"""What the domain gate says of a picture: not the model's kind, its kind, nothing."""
SCORES_KEPT_UP_TO = 100
"""Models of more classes keep their two best scores only: 100,000 pictures × 1,000 classes would be 400 MB."""

_COLUMNS = (
    *(
        "state",
        "answer",
        "score",
        "label_index",
        "label_score",
        "unsure",
        "second",
        "second_score",
        "inside",
        "domain_score",
    ),
    *("elapsed", "size", "notice", "sha"),
)
_SEPARATORS = os.sep + (os.altsep or "")
_DIGITS = re.compile(r"\d+")
_STEP, _RUN = 500, 5000
"""Rows in one step of slow and of fast work: a millisecond each."""


@dataclass(frozen=True, slots=True)
class Query:
    """Which rows are shown, and in which order.

    ``text`` is looked for in folder, name and answer; ``answer`` is a class or ``None``; ``below`` keeps scores under
    it; ``unlike`` keeps pictures that are not of the model's kind; ``column`` is the name of one of
    :data:`desktop.ui.classify.results_columns.COLUMNS`, '' for the order of the pictures.
    """

    text: str = ""
    answer: int | None = None
    only_errors: bool = False
    below: float | None = None
    unlike: bool = False
    column: str = ""
    descending: bool = False

    @property
    def filters(self) -> bool:
        """Whether any row may be left out."""
        narrowed = self.answer is not None or self.below is not None
        return bool(self.text) or narrowed or self.only_errors or self.unlike

    @property
    def plain(self) -> bool:
        """Whether every row is shown, in the order of the pictures."""
        return not self.filters and not self.column


class BatchColumns:
    """The state of each picture by position. All of it belongs to the drawing thread.

    ``answer`` counts in ``answers``: the model's classes, then the general words that were answered. ``label_index``
    and ``label_score`` are those of the class by the decision rule, also where a general word is the answer; ``second``
    is then that class.
    """

    def __init__(self, sources: Sequence[ImageSource], manifest: Manifest, root: str | None) -> None:
        import numpy as np

        count = len(sources)
        self.sources = sources
        self.labels = manifest.labels
        self.answers = list(manifest.labels)
        self._word_ids: dict[str, int] = {}
        self.label_ids = manifest.label_ids
        self.model = manifest.id
        self.decision = manifest.decision
        self.medical = manifest.medical
        self.paths: list[str | None] = [source.path for source in sources]
        self.root = root if root is not None else _common_folder([p for p in self.paths if p])
        self.has_root = root is not None
        self.state = np.zeros(count, np.uint8)
        self.answer = np.full(count, -1, np.int32)
        self.score = np.zeros(count, np.float32)
        self.label_index = np.full(count, -1, np.int32)
        self.label_score = np.zeros(count, np.float32)
        self.unsure = np.zeros(count, bool)  # the model knows words, and neither a class nor a word is likely enough
        self.second = np.full(count, -1, np.int32)
        self.second_score = np.zeros(count, np.float32)
        self.inside = np.full(count, UNKNOWN, np.int8)
        self.domain_score = np.zeros(count, np.float32)
        self.gated = manifest.domain is not None
        self.worded = bool(manifest.label_ids)  # whether the model may answer with a general word
        self.elapsed = np.zeros(count, np.float32)
        self.size = np.zeros((count, 2), np.int32)
        self.notice = np.zeros(count, np.int32)
        self.sha = np.zeros((count, 32), np.uint8)
        few = len(self.labels) <= SCORES_KEPT_UP_TO
        self.scores: np.ndarray | None = np.zeros((count, len(self.labels)), np.float32) if few else None
        self.notice_texts = [""]
        self._notice_ids = {"": 0}
        self.errors: dict[int, tuple[str, str]] = {}
        self.counts = np.zeros(len(self.labels), np.int64)
        self.unlike = np.zeros(len(self.labels), np.int64)
        self.done = 0
        self._ranks: dict[str, np.ndarray] = {}
        self._haystack: list[str] = []

    def __len__(self) -> int:
        return len(self.sources)

    def put(self, item: Prediction | Failure) -> bool:
        """Take one answer; ``False`` where its position is unknown or was answered before."""
        at = item.position
        if not 0 <= at < len(self.sources) or self.state[at] != PENDING:
            return False
        if isinstance(item, Failure):
            self.errors[at] = (item.kind, item.message)
            self.state[at] = FAILED
        else:
            self._put_answer(at, item)
            self.state[at] = ANSWERED
        self.done += 1
        return True

    def _put_answer(self, at: int, item: Prediction) -> None:
        scores = item.probabilities
        said = self._answer_id(item.wording.word) if item.wording is not None and item.wording.word else item.index
        self.answer[at] = said
        self.score[at] = item.answer_score
        self.label_index[at] = item.index
        self.label_score[at] = scores[item.index]
        self.unsure[at] = item.wording is not None and item.wording.kind == "unsure"
        if said != item.index:
            self.second[at] = item.index
            self.second_score[at] = scores[item.index]
        elif len(scores) > 1:
            best = scores.argpartition(-2)[-2:]
            # Where the rule answers with a class that is not the best, the best one is the other to be shown.
            other = max((int(i) for i in best if i != item.index), key=lambda i: float(scores[i]))
            self.second[at] = other
            self.second_score[at] = scores[other]
        if self.scores is not None:
            self.scores[at] = scores
        self.elapsed[at] = item.elapsed.decode + item.elapsed.prepare + item.elapsed.predict
        self.size[at] = item.original_size
        self.sha[at] = list(bytes.fromhex(item.prepared_sha256))
        if item.notices:
            self.notice[at] = self._notice_id("; ".join(notice.text for notice in item.notices))
        self.counts[said] += 1
        if item.domain is not None:
            self.inside[at] = INSIDE if item.domain.inside else OUTSIDE
            self.domain_score[at] = item.domain.score
            self.unlike[said] += not item.domain.inside

    def take_over(self, before: BatchColumns, places: Sequence[int]) -> None:
        """Take the answers of ``before``, a batch of the same model: ``places`` holds for each picture where it stood
        there, or -1. To be called before any :meth:`put`."""
        import numpy as np

        held = np.asarray(places, np.int64)
        here = np.flatnonzero(held >= 0)
        there = held[here]
        for name in _COLUMNS:
            getattr(self, name)[here] = getattr(before, name)[there]
        if self.scores is not None and before.scores is not None:
            self.scores[here] = before.scores[there]
        self.notice_texts, self._notice_ids = list(before.notice_texts), dict(before._notice_ids)
        self.answers, self._word_ids = list(before.answers), dict(before._word_ids)
        for at in np.flatnonzero(self.state == FAILED).tolist():
            self.errors[at] = before.errors[int(held[at])]
        answered = self.state == ANSWERED
        classes = len(self.answers)
        self.counts = np.bincount(self.answer[answered], minlength=classes)
        self.unlike = np.bincount(self.answer[answered & (self.inside == OUTSIDE)], minlength=classes)
        self.done = int(np.count_nonzero(self.state != PENDING))

    def _answer_id(self, word: str) -> int:
        """The place of a general word among the answers."""
        if word not in self._word_ids:
            import numpy as np

            self._word_ids[word] = len(self.answers)
            self.answers.append(word)
            self.counts, self.unlike = np.append(self.counts, 0), np.append(self.unlike, 0)
        return self._word_ids[word]

    def _notice_id(self, text: str) -> int:
        if text not in self._notice_ids:
            self._notice_ids[text] = len(self.notice_texts)
            self.notice_texts.append(text)
        return self._notice_ids[text]

    # Words of a row

    def folder(self, at: int) -> str:
        """The folder of a picture, relative to the chosen one; '' for that one itself or for no file."""
        path = self.paths[at]
        if path is None:
            return ""
        folder = os.path.dirname(path)
        if self.root and folder.startswith(self.root):
            rest = folder[len(self.root) :]
            # '/data/cats' begins like '/data/cat' and does not lie in it.
            if not rest or rest[0] in _SEPARATORS or self.root[-1] in _SEPARATORS:
                return rest.strip(_SEPARATORS)
        return folder

    def notices(self, at: int) -> str:
        """What was done to a picture, in one line."""
        return str(self.notice_texts[self.notice[at]])

    def label(self, at: int) -> str:
        """The answer, '' for none; with a question mark where the model is not sure of any."""
        if self.answer[at] < 0:
            return ""
        return f"{self.answers[self.answer[at]]}{'?' if self.unsure[at] else ''}"

    def class_label(self, at: int) -> str:
        """The class by the model's decision rule, '' for none."""
        return self.labels[self.label_index[at]] if self.label_index[at] >= 0 else ""

    def general_word(self, at: int) -> str:
        """The general word, '' where the answer is a class."""
        return self.answers[self.answer[at]] if self.answer[at] >= len(self.labels) else ""

    def by_threshold(self, at: int, number: Callable[[float], str]) -> str:
        """The threshold that made the answer, where that is not the class of the higher score; else ''."""
        rule = self.decision
        if rule.rule != "threshold" or rule.value is None or self.second_score[at] <= self.score[at]:
            return ""
        return f"{'≥' if self.answer[at] == rule.positive else '<'} {number(rule.value)}"

    def second_text(self, at: int, number: Callable[[float], str]) -> str:
        """The other candidate and its score."""
        return f"{self.labels[self.second[at]]} {number(self.second_score[at])}" if self.second[at] >= 0 else ""

    def position_of(self, source: ImageSource) -> int:
        """Where ``source`` stands, or -1."""
        if source.path is None:
            return next((i for i, held in enumerate(self.sources) if held is source or held == source), -1)
        at = -1
        while True:
            try:
                # Comparing texts first: a hundred thousand dataclasses would take ten times as long.
                at = self.paths.index(source.path, at + 1)
            except ValueError:
                return -1
            if self.sources[at] == source:
                return at

    # Order

    def ordering(
        self, query: Query, key_of: Callable[[BatchColumns], Generator[None, None, np.ndarray]] | None = None
    ) -> Generator[None, None, np.ndarray]:
        """Finds the positions to show, int32, in order; a step takes a millisecond or so (sorting numbers, ten).
        ``key_of`` is that of the query's column."""
        import numpy as np

        keep = np.ones(len(self), bool)
        if query.only_errors:
            keep &= self.state == FAILED
        if query.answer is not None:
            keep &= (self.state == ANSWERED) & (self.answer == query.answer) & (self.inside != OUTSIDE)
        if query.below is not None:
            keep &= (self.state == ANSWERED) & (self.score < query.below) & (self.inside != OUTSIDE)
        if query.unlike:
            keep &= self.inside == OUTSIDE
        if query.text:
            keep &= yield from self._matches(query.text.casefold())
        if key_of is not None:
            key = yield from key_of(self)
            # Read after the last step, so that all of it belongs to one moment.
            rows = np.flatnonzero(keep).astype(np.int32)
            key = key[rows]
            return rows[np.argsort(-key if query.descending else key, kind="stable")]
        return np.flatnonzero(keep).astype(np.int32)

    def _matches(self, text: str) -> Generator[None, None, np.ndarray]:
        import numpy as np

        words = self._haystack
        while len(words) < len(self):
            for at in range(len(words), min(len(words) + _STEP, len(self))):
                words.append(f"{self.folder(at)}/{self.sources[at].name}".casefold())
            yield
        found = np.zeros(len(self), bool)
        for start in range(0, len(self), _RUN):
            found[start : start + _RUN] = [text in line for line in words[start : start + _RUN]]
            yield
        named = np.array([text in label.casefold() for label in self.answers])
        # A general word is found by the class that it perhaps is, too.
        found |= (self.answer >= 0) & (named[self.answer] | named[self.label_index])
        return found

    # What columns sort by; those of numbers stand with their columns

    def answer_key(self) -> Generator[None, None, np.ndarray]:
        """The places of the answers, of pictures that have one."""
        import numpy as np

        ranks = yield from _ranked([label.casefold() for label in self.answers])
        return np.where((self.answer >= 0) & (self.inside != OUTSIDE), ranks[self.answer], np.nan)

    def notices_key(self) -> Generator[None, None, np.ndarray]:
        """The places of the notices."""
        import numpy as np

        ranks = yield from _ranked([text.casefold() for text in self.notice_texts])
        ids = np.minimum(self.notice, len(ranks) - 1)  # texts may have been added since
        return np.where(ids > 0, ranks[ids], np.nan)

    def rank_of(self, name: str, text: Callable[[int], str]) -> Generator[None, None, np.ndarray]:
        """The places of texts that every picture has and that never change; so they are found once for a ``name``."""
        if name not in self._ranks:
            words: list[str] = []
            while len(words) < len(self):
                for at in range(len(words), min(len(words) + _STEP, len(self))):
                    words.append(_natural(text(at)))
                yield
            self._ranks[name] = yield from _ranked(words)
        return self._ranks[name]

    def error_key(self) -> Generator[None, None, np.ndarray]:
        """The places of the problems."""
        import numpy as np

        positions = list(self.errors)
        ranks = yield from _ranked([self.errors[at][1].casefold() for at in positions])
        key = np.full(len(self), np.nan)
        if positions:
            key[positions] = ranks
        return key


def _natural(text: str) -> str:
    """A key by which 'image 2' comes before 'image 10'."""
    return _DIGITS.sub(_padded, text.casefold())


def _padded(digits: re.Match[str]) -> str:
    return digits.group().rjust(12, "0")


def _ranked(words: list[str]) -> Generator[None, None, np.ndarray]:
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


def _common_folder(paths: Sequence[str]) -> str:
    """The folder that holds all ``paths``: what the first and the last in their order share, all share."""
    if not paths:
        return ""
    first, last = os.path.dirname(min(paths)), os.path.dirname(max(paths))
    try:
        return os.path.commonpath([first, last])
    except ValueError:  # two drives, or a mixture of absolute and relative paths
        return ""
