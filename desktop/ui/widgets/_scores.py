"""The rows under the probability bars: a list model of scores and the delegate that draws one bar a row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QRect,
    QRectF,
    QSize,
    Qt,
)
from PySide6.QtGui import QColor, QFontMetrics, QPainter
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from desktop.ui.kit.theme import blend, theme
from desktop.ui.kit.widgets import decimals, tip

if TYPE_CHECKING:
    import numpy as np

Index = QModelIndex | QPersistentModelIndex

ScoreRole = int(Qt.ItemDataRole.UserRole) + 1
SubLabelRole = ScoreRole + 1
MarkRole = ScoreRole + 2
ThresholdRole = ScoreRole + 3
ClassRole = ScoreRole + 4
MutedRole = ScoreRole + 5
ExactRole = ScoreRole + 6

_NOWHERE = QModelIndex()


class ScoresModel(QAbstractListModel):
    """Classes by descending score. ``MarkRole`` is 'answer', 'right', 'wrong', 'truth' or ''.

    ``muted`` scores are drawn in grey: set it and update the view.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.muted = False
        self._labels: Sequence[str] = ()
        self._sub_labels: Sequence[str] = ()
        self._scores: list[float] = []
        self._order: list[int] = []
        self._shown: list[int] = []
        self._limit: int | None = None
        self._filter = ""
        self._answer = -1
        self._truth: int | None = None
        self._word = ""
        self._threshold: tuple[int, float] | None = None

    def set_scores(
        self,
        labels: Sequence[str],
        scores: np.ndarray | Sequence[float],
        answer: int,
        *,
        word: str,
        truth: int | None,
        sub_labels: Sequence[str],
        threshold: tuple[int, float] | None,
    ) -> None:
        """Take one picture's scores, in the order of the classes."""
        self.beginResetModel()
        self._labels, self._sub_labels = labels, sub_labels
        self._scores = [float(score) for score in scores]
        # Equal scores keep the order of the classes, so that two runs list them alike.
        self._order = sorted(range(len(self._scores)), key=lambda index: (-self._scores[index], index))
        self._answer, self._truth, self._word, self._threshold = answer, truth, word, threshold
        self._choose()
        self.endResetModel()

    def set_view(self, limit: int | None, text: str = "") -> None:
        """Show the first ``limit`` classes (all when ``None``) whose name or second name holds ``text``."""
        self.beginResetModel()
        self._limit, self._filter = limit, text.strip().casefold()
        self._choose()
        self.endResetModel()

    def _choose(self) -> None:
        if self._filter:
            self._shown = [index for index in self._order if self._filter in self._searched(index)]
        else:
            self._shown = self._order if self._limit is None else self._with_marked(self._order[: self._limit])

    def _with_marked(self, shown: list[int]) -> list[int]:
        """The best classes, and below them the answer and the truth should they not be among them."""
        known = len(self._scores)
        extra = [i for i in (self._answer, self._truth) if i is not None and 0 <= i < known and i not in shown]
        return shown + list(dict.fromkeys(extra))

    def _searched(self, index: int) -> str:
        return f"{self._labels[index]} {self._sub_label(index)}".casefold()

    def _sub_label(self, index: int) -> str:
        return self._sub_labels[index] if index < len(self._sub_labels) else ""

    @property
    def classes(self) -> int:
        """How many classes there are, shown or not."""
        return len(self._scores)

    def best(self) -> list[tuple[str, float]]:
        """The two best classes with their scores."""
        return [(self._labels[index], self._scores[index]) for index in self._order[:2]]

    def row_of_class(self, index: int) -> int:
        """The row that shows class ``index``, or -1."""
        return self._shown.index(index) if index in self._shown else -1

    def rowCount(self, parent: Index = _NOWHERE) -> int:
        return 0 if parent.isValid() else len(self._shown)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid() or index.row() >= len(self._shown):
            return None
        which = self._shown[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return self._labels[which]
        if role == ScoreRole:
            return self._scores[which]
        if role == SubLabelRole:
            return self._sub_label(which)
        if role == MarkRole:
            return self._mark(which)
        if role == MutedRole:
            return self.muted
        if role == ThresholdRole:
            return self._threshold[1] if self._threshold and self._threshold[0] == which else None
        if role == ExactRole:
            return self._exact(which)
        if role == ClassRole:
            return which
        if role == Qt.ItemDataRole.ToolTipRole:
            return tip(self._exact(which))
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return self._spoken(which)
        return None

    def _mark(self, which: int) -> str:
        if self._truth is None:
            return "answer" if which == self._answer else ""
        if which == self._truth:
            return "right" if which == self._answer else "truth"
        return "wrong" if which == self._answer else ""

    def _exact(self, which: int) -> str:
        """Every digit of the score: nine tell one float32 from another."""
        text = f"{self._labels[which]}: {self._scores[which]:.9g}"
        if self._sub_label(which):
            text += f"\n{self._sub_label(which)}"
        if self._threshold and self._threshold[0] == which:
            text += "\n" + self.tr("Answered from {value} on").format(value=f"{self._threshold[1]:g}")
        return text

    def _spoken(self, which: int) -> str:
        words = {
            "answer": self.tr("the answer"),
            "right": self.tr("the answer, right"),
            "wrong": self.tr("the answer, wrong"),
            "truth": self.tr("the true class"),
        }
        parts = [self._labels[which], f"{self._word} {decimals(self._scores[which])}".strip()]
        mark = self._mark(which)
        return ", ".join(parts + ([words[mark]] if mark else []))


ROW_HEIGHT = 40


class BarDelegate(QStyledItemDelegate):
    """Draws one class: its name and score on a line, the bar below; a tick or a cross where the truth is known."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(120, row_height(option.fontMetrics))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        tokens = theme().tokens
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = option.rect.adjusted(8, 0, -8, 0)
        state = option.state
        if state & (QStyle.StateFlag.State_Selected | QStyle.StateFlag.State_MouseOver):
            painter.setPen(Qt.PenStyle.NoPen)
            strong = bool(state & QStyle.StateFlag.State_Selected)
            painter.setBrush(QColor(tokens.soft if strong else blend(tokens.surface, tokens.text, 0.05)))
            painter.drawRoundedRect(QRectF(option.rect).adjusted(1, 1, -1, -1), 6, 6)
        mark = index.data(MarkRole)
        line = QRect(area.left(), area.top() + 4, area.width(), option.fontMetrics.height() + 2)
        self._paint_words(painter, option, index, line, mark)
        bar = QRect(area.left(), line.bottom() + 4, area.width(), 8)
        self._paint_bar(painter, option, index, bar, mark)
        painter.restore()

    def _paint_words(
        self, painter: QPainter, option: QStyleOptionViewItem, index: Index, line: QRect, mark: str
    ) -> None:
        tokens = theme().tokens
        font = option.font
        if mark in ("answer", "right", "wrong"):
            font.setWeight(font.Weight.DemiBold)
        painter.setFont(font)
        metrics = QFontMetrics(font)
        value = decimals(index.data(ScoreRole))
        value_width = metrics.horizontalAdvance(value)
        sign_width = 20 if mark in ("right", "wrong", "truth") else 0
        room = line.width() - value_width - 12 - sign_width
        if sign_width:
            icon = theme().icon("cross" if mark == "wrong" else "check", 16, colour_of(mark))
            spot = QRect(line.left(), line.center().y() - 7, 16, 16)
            icon.paint(painter, QStyle.visualRect(option.direction, line, spot))
        name = metrics.elidedText(index.data(Qt.ItemDataRole.DisplayRole), Qt.TextElideMode.ElideMiddle, room)
        name_width = min(metrics.horizontalAdvance(name), room)
        leading = QStyle.visualAlignment(option.direction, Qt.AlignmentFlag.AlignLeft) | Qt.AlignmentFlag.AlignVCenter
        trailing = QStyle.visualAlignment(option.direction, Qt.AlignmentFlag.AlignRight) | Qt.AlignmentFlag.AlignVCenter
        muted = bool(index.data(MutedRole))
        plain = tokens.secondary if muted else tokens.text
        painter.setPen(QColor(colour_of(mark) if mark in ("right", "wrong", "truth") else plain))
        spot = QRect(line.left() + sign_width, line.top(), name_width + 2, line.height())
        painter.drawText(QStyle.visualRect(option.direction, line, spot), int(leading), name)
        painter.setPen(QColor(plain))
        spot = QRect(line.right() - value_width - 1, line.top(), value_width + 2, line.height())
        painter.drawText(QStyle.visualRect(option.direction, line, spot), int(trailing), value)
        second = index.data(SubLabelRole)
        left_over = room - name_width - 8
        if second and left_over > 24:
            painter.setFont(theme().font("secondary"))
            painter.setPen(QColor(tokens.secondary))
            small = QFontMetrics(painter.font())
            text = small.elidedText(second, Qt.TextElideMode.ElideRight, left_over)
            spot = QRect(line.left() + sign_width + name_width + 8, line.top(), left_over, line.height())
            painter.drawText(QStyle.visualRect(option.direction, line, spot), int(leading), text)

    def _paint_bar(self, painter: QPainter, option: QStyleOptionViewItem, index: Index, bar: QRect, mark: str) -> None:
        tokens = theme().tokens
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(tokens.border))
        painter.drawRoundedRect(QRectF(bar), 3, 3)
        share = min(1.0, max(0.0, index.data(ScoreRole)))
        length = share * bar.width()
        mirrored = option.direction == Qt.LayoutDirection.RightToLeft
        if length > 0:
            # Clipped from the full shape, so that a bar of 0.001 is a sliver at the edge and not a dot of 0.02.
            painter.save()
            left = bar.right() + 1 - length if mirrored else bar.left()
            painter.setClipRect(QRectF(left, bar.top(), max(length, 1.0), bar.height()))
            quiet = bool(index.data(MutedRole)) and mark == "answer"
            painter.setBrush(QColor(tokens.secondary if quiet else colour_of(mark)))
            painter.drawRoundedRect(QRectF(bar), 3, 3)
            painter.restore()
        threshold = index.data(ThresholdRole)
        if threshold is not None:
            at = bar.right() + 1 - threshold * bar.width() if mirrored else bar.left() + threshold * bar.width()
            painter.setBrush(QColor(tokens.surface))
            painter.drawRect(QRectF(at - 2.5, bar.top() - 3, 5, bar.height() + 6))
            painter.setBrush(QColor(tokens.text))
            painter.drawRect(QRectF(at - 1, bar.top() - 3, 2, bar.height() + 6))


def colour_of(mark: str) -> str:
    """The colour of a bar: the answer stands out, the others stay quiet; blue and red only where the truth is known."""
    tokens = theme().tokens
    return {"answer": tokens.accent, "right": tokens.right, "truth": tokens.right, "wrong": tokens.wrong}.get(
        mark, blend(tokens.secondary, tokens.border, 0.3)
    )


def row_height(metrics: QFontMetrics) -> int:
    """The height of one row in pixels."""
    return metrics.height() + 24
