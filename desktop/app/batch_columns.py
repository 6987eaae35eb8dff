"""The answers of a batch: the one place where they are kept, in columns, so that 100,000 of them stay light.

Whoever shows or writes them reads here: the list of images, the table of results, the CSV file.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from desktop.core.figures.decision import in_place_of_score
from desktop.engine.messages import Failure, Prediction

if TYPE_CHECKING:
    import numpy as np

    from desktop.core.types import ImageSource
    from desktop.store.manifest import Manifest
    from desktop.store.marks import PictureMark

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
_RUN = 5000
"""Rows in one step of fast work."""
_SEPARATORS = os.sep + (os.altsep or "")


class RowSaid(NamedTuple):
    """What a batch said of a picture, in short: a label, or a failure's sentence; ``unlike`` says that the picture is
    not of the model's kind, so that the label is not to be relied on."""

    answer: str
    failed: bool = False
    unlike: bool = False


class BatchColumns:
    """The state of each picture by position. Not to be used from several threads.

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
        self.model, self.model_name = manifest.id, manifest.name
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
        self.marked: Callable[[int], PictureMark | None] = lambda at: None
        """The star and the note on the picture at a position; who keeps them sets it."""

    def __len__(self) -> int:
        return len(self.sources)

    def put(self, at: int, item: Prediction | Failure) -> bool:
        """Take the answer for position ``at``; ``False`` where that is unknown or was answered before."""
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

    def pending(self) -> list[int]:
        """The positions that have no answer yet, ascending."""
        found: list[int] = (self.state == PENDING).nonzero()[0].tolist()
        return found

    def take_over(self, before: BatchColumns, places: Sequence[int]) -> Generator[None, None, None]:
        """Take the answers of ``before``, a batch of the same model: ``places`` holds for each picture where it stood
        there, or -1. To be called before any :meth:`put`; ``before`` stays as it is. In steps of a few
        milliseconds: 100,000 pictures with the scores of 100 classes are 40 MB."""
        import numpy as np

        held = np.asarray(places, np.int64)
        kept = np.flatnonzero(held >= 0)
        for start in range(0, len(kept), _RUN):
            here = kept[start : start + _RUN]
            there = held[here]
            for name in _COLUMNS:
                getattr(self, name)[here] = getattr(before, name)[there]
            if self.scores is not None and before.scores is not None:
                self.scores[here] = before.scores[there]
            yield
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

    def said(self, at: int) -> RowSaid | None:
        """What was said of a picture, ``None`` while nothing was."""
        if self.state[at] == FAILED:
            return RowSaid(self.errors[at][1], failed=True)
        return RowSaid(self.label(at), unlike=bool(self.inside[at] == OUTSIDE)) if self.state[at] == ANSWERED else None

    def folder(self, at: int) -> str:
        """The folder of a picture, relative to the chosen one; '' for that one itself or for no file."""
        path = self.paths[at]
        if path is None or self.is_called_otherwise(at):
            return ""
        folder = os.path.dirname(path)
        if self.root and folder.startswith(self.root):
            rest = folder[len(self.root) :]
            # '/data/cats' begins like '/data/cat' and does not lie in it.
            if not rest or rest[0] in _SEPARATORS or self.root[-1] in _SEPARATORS:
                return rest.strip(_SEPARATORS)
        return folder

    def is_called_otherwise(self, at: int) -> bool:
        """Whether a picture is not called by its file: a frame of a series, whose files and folders may be called by
        the patient's name."""
        path = self.paths[at]
        if path is None:
            return False
        file, name = os.path.basename(path), self.sources[at].name
        return file != name and not name.startswith(f"{file}, ")

    def starred(self, at: int) -> bool:
        """Whether a picture has a star."""
        mark = self.marked(at)
        return mark is not None and mark.star

    def note(self, at: int) -> str:
        """The note on a picture, '' for none."""
        mark = self.marked(at)
        return mark.note if mark is not None else ""

    def relied_on_score(self, at: int) -> float | None:
        """The score of the answer, ``None`` where there is none, or none to be relied on."""
        return float(self.score[at]) if self.state[at] == ANSWERED and self.inside[at] != OUTSIDE else None

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
        scores = float(self.score[at]), float(self.second_score[at])
        threshold = rule.value if rule.rule == "threshold" else None
        return in_place_of_score(int(self.answer[at]), scores[0], max(scores), rule.positive, threshold, number)

    def second_text(self, at: int, number: Callable[[float], str]) -> str:
        """The other candidate and its score."""
        return f"{self.labels[self.second[at]]} {number(self.second_score[at])}" if self.second[at] >= 0 else ""

    def relocate(self, at: int, source: ImageSource) -> None:
        """The file of a picture lies at another place now; what was said of it holds."""
        if isinstance(self.sources, tuple):
            self.sources = list(self.sources)
        self.sources[at] = source  # type: ignore[index]
        self.paths[at] = source.path

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
            if self.sources[at].frame == source.frame:
                return at


def _common_folder(paths: Sequence[str]) -> str:
    """The folder that holds all ``paths``: what the first and the last in their order share, all share."""
    if not paths:
        return ""
    first, last = os.path.dirname(min(paths)), os.path.dirname(max(paths))
    try:
        return os.path.commonpath([first, last])
    except ValueError:  # two drives, or a mixture of absolute and relative paths
        return ""
