"""The gallery's rows as a Qt model: an order over the answers, and small pictures asked for as they are seen."""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, Qt, Signal
from PySide6.QtGui import QPixmap

from desktop.core.figures.decision import in_place_of_score
from desktop.ui.kit.formatting import number
from desktop.ui.kit.widgets import tip
from desktop.ui.widgets.small_pictures import SmallPictures

if TYPE_CHECKING:
    from desktop.core.types import ImageSource
    from desktop.services.answers import GalleryAnswers
    from desktop.services.engine_service import EngineService

Index = QModelIndex | QPersistentModelIndex
_NOWHERE = QModelIndex()


class GalleryModel(QAbstractListModel):
    """``order`` (int64) maps a place in the gallery to a row of the answers.

    ``pictures_changed`` says that small pictures have come. Those painted and not there are asked for together, a
    moment later; what is out of sight again is taken back.
    """

    pictures_changed = Signal()

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self.labels: tuple[str, ...] = ()
        self.order: np.ndarray = np.empty(0, np.int64)
        self.judgements: dict[str, str] = {}
        self.rule: tuple[int, float] | None = None
        """The class that a threshold speaks of, and the threshold; ``None`` where the highest score decides."""
        self._answers: GalleryAnswers | None = None
        self._small = SmallPictures(self._source, parent=self)
        self._small.changed.connect(self.pictures_changed)

    def attach(self, engine: EngineService) -> None:
        """Use ``engine`` for small pictures."""
        self._small.attach(engine)

    def detach(self) -> None:
        """Ask nothing more of the engine."""
        self._small.detach()

    @property
    def answers(self) -> GalleryAnswers | None:
        """What is shown."""
        return self._answers

    def set_answers(self, answers: GalleryAnswers | None, labels: tuple[str, ...]) -> None:
        """Show other answers; nothing is listed until :meth:`set_order`."""
        self.beginResetModel()
        self._answers, self.labels = answers, labels
        self.order = np.empty(0, np.int64)
        self.forget_pictures()
        self.endResetModel()

    def replace_answers(self, answers: GalleryAnswers) -> None:
        """The same pictures with other answers: what is known of the pictures stays."""
        self._answers = answers
        self.pictures_changed.emit()

    def set_order(self, order: np.ndarray) -> None:
        """List these rows, in this order."""
        self.beginResetModel()
        self.order = order
        self.endResetModel()

    def append(self, rows: np.ndarray) -> None:
        """List more rows at the end."""
        if len(rows):
            first = len(self.order)
            self.beginInsertRows(QModelIndex(), first, first + len(rows) - 1)
            self.order = np.concatenate([self.order, rows])
            self.endInsertRows()

    def rowCount(self, parent: Index = _NOWHERE) -> int:
        return 0 if parent.isValid() else len(self.order)

    def row_at(self, place: int) -> int:
        """The row of the answers at a place in the gallery; -1 for none."""
        return int(self.order[place]) if 0 <= place < len(self.order) else -1

    def facts(self, row: int) -> tuple[str, int, int, float, float]:
        """Name, truth, answer, score of the answer, score of the truth."""
        answers = self._answers
        assert answers is not None
        truth, answer = int(answers.truth[row]), int(answers.predicted[row])
        scores = answers.scores[row]
        return answers.name(row), truth, answer, float(scores[answer]), float(scores[truth])

    def by_threshold(self, row: int) -> str:
        """The threshold that made the answer, where that is not the class of the higher score; else ''."""
        answers, rule = self._answers, self.rule
        assert answers is not None
        answer, scores = int(answers.predicted[row]), answers.scores[row]
        positive, threshold = rule if rule is not None else (None, None)
        return in_place_of_score(answer, float(scores[answer]), float(scores.max()), positive, threshold, number)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        row = self.row_at(index.row())
        if row < 0 or self._answers is None:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return self._answers.name(row)
        if role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole):
            words = self.words(row)
            return tip(words) if role == Qt.ItemDataRole.ToolTipRole else words
        return None

    def words(self, row: int) -> str:
        """One answer in words."""
        name, truth, answer, score, own = self.facts(row)
        decided = self.by_threshold(row)
        if truth == answer:
            text = self.tr("{0}: right, '{1}' with {2}").format(name, self.labels[answer], number(score))
        else:
            text = self.tr("{0}: answered '{1}' with {2}; it is '{3}', which got {4}").format(
                name, self.labels[answer], number(score), self.labels[truth], number(own)
            )
        if decided:
            text += self.tr(" (the threshold decides: {0} {1})").format(self.labels[self.rule[0]], decided)  # type: ignore[index]
        said = self.judgements.get(name)
        return f"{text}. {self.judged_words(said)}" if said else text

    def judged_words(self, judgement: str) -> str:
        """What was said of a label."""
        words = {
            "right": self.tr("label is right"),
            "wrong": self.tr("label is wrong"),
            "unsure": self.tr("label is unsure"),
        }
        return words[judgement]

    # Small pictures

    def picture(self, row: int) -> QPixmap | None:
        """The small picture of a row, ``None`` while there is none; asks for it."""
        return self._small.get(row)

    def is_missing(self, row: int) -> bool:
        """Whether it is known that there is no picture to be had."""
        return self._small.is_missing(row)

    def awaited(self, rows: list[int]) -> bool:
        """Whether one of ``rows`` still waits for its picture."""
        return self._small.awaited(rows)

    def forget_pictures(self) -> None:
        """The pictures are others, or can only be opened now."""
        self._small.forget()

    def _source(self, row: Hashable) -> ImageSource | None:
        assert isinstance(row, int)
        return self._answers.source(row) if self._answers is not None else None
