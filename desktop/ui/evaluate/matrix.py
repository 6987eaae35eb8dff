"""The confusion matrix as a table: counts in the cells, their share as tint, the diagonal framed.

A table of Qt's own, so that arrows move in it and screen readers read it; drawn cell by cell, so that a thousand
classes cost what is in sight.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, QRect, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPen, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from desktop.core.figures.intervals import FEWEST
from desktop.ui.evaluate.head import choose_box, titled
from desktop.ui.kit.flow import FlowLayout
from desktop.ui.kit.formatting import count, share
from desktop.ui.kit.theme import blend, theme
from desktop.ui.kit.tokens import contrast
from desktop.ui.kit.widgets import make_label, tip

Index = QModelIndex | QPersistentModelIndex
_NOWHERE = QModelIndex()
_SMALLEST, _LARGEST = 26, 150
_HEAD_MOST = 110


class MatrixModel(QAbstractTableModel):
    """Rows are the truth, columns the answers. ``by`` says of what the tint is a share: ``truth`` or ``answer``."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.labels: tuple[str, ...] = ()
        self.counts: np.ndarray = np.zeros((0, 0), np.int64)
        self.shares: np.ndarray = np.zeros((0, 0))
        self.by = "truth"

    def set_labels(self, labels: tuple[str, ...]) -> None:
        """Other classes: everything anew."""
        self.beginResetModel()
        self.labels = labels
        self.counts = np.zeros((len(labels), len(labels)), np.int64)
        self._share()
        self.endResetModel()

    def set_counts(self, counts: np.ndarray) -> None:
        """Other counts of the same classes: int64 (classes, classes)."""
        self.counts = counts
        self._share()
        self.dataChanged.emit(self.index(0, 0), self.index(len(self.labels) - 1, len(self.labels) - 1))

    def set_by(self, by: str) -> None:
        """Shares of rows (``truth``) or of columns (``answer``)."""
        self.by = by
        self.set_counts(self.counts)

    def _share(self) -> None:
        sums = self.counts.sum(axis=1 if self.by == "truth" else 0, keepdims=True)
        self.shares = self.counts / np.maximum(sums, 1)

    def rowCount(self, parent: Index = _NOWHERE) -> int:
        return 0 if parent.isValid() else len(self.labels)

    def columnCount(self, parent: Index = _NOWHERE) -> int:
        return 0 if parent.isValid() else len(self.labels)

    def total(self, row: int, column: int) -> int:
        """How many a cell's share is a share of."""
        return int(self.counts[row].sum() if self.by == "truth" else self.counts[:, column].sum())

    def words(self, row: int, column: int) -> str:
        """A cell in words."""
        number, total = int(self.counts[row, column]), self.total(row, column)
        of = self.labels[row] if self.by == "truth" else self.labels[column]
        if self.by == "truth":
            text = self.tr("'{0}' answered as '{1}': {2} images, {3} of the {4} that are '{5}'")
        else:
            text = self.tr("'{0}' answered as '{1}': {2} images, {3} of the {4} answered '{5}'")
        part = share(float(self.shares[row, column])) if total >= FEWEST else count(number)
        return text.format(self.labels[row], self.labels[column], count(number), part, count(total), of)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        row, column = index.row(), index.column()
        if not (0 <= row < len(self.labels) and 0 <= column < len(self.labels)):
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return count(int(self.counts[row, column]))
        if role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole):
            words = self.words(row, column)
            return tip(words) if role == Qt.ItemDataRole.ToolTipRole else words
        return None

    def headerData(self, section: int, way: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not 0 <= section < len(self.labels):
            return None
        label = self.labels[section]
        if role == Qt.ItemDataRole.DisplayRole:
            return label
        if role == Qt.ItemDataRole.ToolTipRole:
            if way == Qt.Orientation.Vertical:
                total = int(self.counts[section].sum())
                return tip(self.tr("{0} images are '{1}'. Click to see them.").format(count(total), label))
            total = int(self.counts[:, section].sum())
            return tip(self.tr("{0} images were answered '{1}'. Click to see them.").format(count(total), label))
        return None


class _CellDelegate(QStyledItemDelegate):
    """Tint, count, frame on the diagonal, a ring around the chosen cell."""

    def __init__(self, model: MatrixModel, parent: QWidget) -> None:
        super().__init__(parent)
        self._model = model

    def _below(self, row: int, column: int, part: float) -> str:
        """What stands below the count: its share, or of how many where those are too few for one."""
        total = self._model.total(row, column)
        return share(part) if total >= FEWEST else self._model.tr("of {0}").format(count(total))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        t, row, column = theme().tokens, index.row(), index.column()
        part = float(self._model.shares[row, column])
        right = row == column
        tone = t.right if right else t.wrong
        rect = option.rect.adjusted(1, 1, -1, -1)
        # Few mistakes in a hundred must still be seen: the root lifts small shares.
        strength = 0 if part <= 0 else round(100 * (0.06 + 0.84 * part**0.6))
        number = int(self._model.counts[row, column])
        ground, ink = _tones(t.surface, tone, t.text, t.text if number else t.secondary, strength)
        painter.fillRect(rect, QColor(ground))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        if right:
            painter.setPen(QPen(QColor(t.secondary), 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(rect.adjusted(0, 0, -1, -1))
        chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        if chosen:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(t.text), 2))
            painter.drawRect(rect.adjusted(1, 1, -1, -1))
        text = count(number)
        painter.setPen(QColor(ink))
        if rect.height() >= 42 and rect.width() >= 52 and number:
            font = option.font
            painter.setFont(font)
            half = rect.height() // 2
            upper = QRect(rect.left(), rect.top() + half - 17, rect.width(), 18)
            painter.drawText(upper, Qt.AlignmentFlag.AlignCenter, text)
            painter.setFont(theme().font("secondary"))
            lower = QRect(rect.left(), rect.top() + half, rect.width(), 16)
            painter.drawText(lower, Qt.AlignmentFlag.AlignCenter, self._below(row, column, part))
            return
        painter.setFont(theme().font("secondary"))
        room = rect.width() - 4
        if painter.fontMetrics().horizontalAdvance(text) > room:
            text = "…"
        painter.drawText(rect, Qt.AlignmentFlag.AlignCenter, text)


@functools.cache
def _tones(surface: str, tone: str, text: str, wanted: str, strength: int) -> tuple[str, str]:
    """Ground and ink of a cell whose tint has this strength, in percent."""
    ground = blend(surface, tone, strength / 100)
    return ground, _readable(ground, text, wanted)


def _readable(ground: str, text: str, wanted: str) -> str:
    """``wanted``, or black or white where the ground is too near to it."""
    if contrast(ground, wanted) >= 4.5:
        return wanted
    return max((text, "#FFFFFF", "#000000"), key=lambda colour: contrast(ground, colour))


class _TurnedHeader(QHeaderView):
    """Column names, turned upright where they do not fit their column."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self.setSectionsClickable(True)
        self.setHighlightSections(False)
        self.setToolTip("")

    def turned(self) -> bool:
        model = self.model()
        if model is None or not model.columnCount():
            return False
        metrics, room = self.fontMetrics(), self.sectionSize(0) - 8
        names = range(min(model.columnCount(), 60))
        return any(metrics.horizontalAdvance(str(model.headerData(i, self.orientation()))) > room for i in names)

    def sizeHint(self) -> QSize:
        model = self.model()
        if not self.turned() or model is None:
            return QSize(super().sizeHint().width(), 28)
        names = range(min(model.columnCount(), 200))
        longest = max(self.fontMetrics().horizontalAdvance(str(model.headerData(i, self.orientation()))) for i in names)
        return QSize(super().sizeHint().width(), min(_HEAD_MOST, longest + 14))

    def paintSection(self, painter: QPainter, rect: QRect, section: int) -> None:
        t = theme().tokens
        painter.save()
        painter.fillRect(rect, QColor(t.surface))
        painter.setPen(QColor(t.secondary))
        painter.setFont(theme().font("secondary"))
        text = str(self.model().headerData(section, self.orientation()))
        metrics = painter.fontMetrics()
        if self.turned():
            painter.translate(rect.left(), rect.bottom())
            painter.rotate(-90)
            room = QRect(5, 0, rect.height() - 8, rect.width())
            words = metrics.elidedText(text, Qt.TextElideMode.ElideMiddle, room.width())
            painter.drawText(room, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, words)
        else:
            words = metrics.elidedText(text, Qt.TextElideMode.ElideMiddle, rect.width() - 6)
            painter.drawText(rect, Qt.AlignmentFlag.AlignCenter, words)
        painter.restore()


class MatrixTable(QTableView):
    """The cells. ``cell_chosen`` carries truth and answer; ``None`` for a whole row or column."""

    cell_chosen = Signal(object, object)  # a place, or None for a whole row or column
    cleared = Signal()

    def __init__(self, model: MatrixModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._matrix = model
        self.setModel(model)
        self.setItemDelegate(_CellDelegate(model, self))
        self.setAccessibleName(self.tr("Confusion matrix: truth down, answers across"))
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setShowGrid(False)
        self.setTabKeyNavigation(False)
        self.setMouseTracking(True)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setCornerButtonEnabled(False)
        self.setStyleSheet(
            "QTableCornerButton::section { background: transparent; border: none; } "
            "QAbstractScrollArea::corner { background: transparent; border: none; }"
        )
        across = _TurnedHeader(self)
        self.setHorizontalHeader(across)
        across.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        across.setMinimumSectionSize(20)
        down = self.verticalHeader()
        down.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        down.setMinimumSectionSize(20)
        down.setHighlightSections(False)
        down.setSectionsClickable(True)
        down.setDefaultAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        down.setMaximumWidth(theme().scaled(150))
        down.setStyleSheet("QHeaderView::section { border: none; padding: 0 8px; }")
        down.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        across.sectionClicked.connect(self._choose_column)
        down.sectionClicked.connect(self._choose_row)
        self.activated.connect(self._choose)
        model.modelReset.connect(self._fit)
        theme().changed.connect(self.viewport().update)

    def _fit(self) -> None:
        """Cells as large as the room allows, all alike; small enough classes need no scrolling."""
        classes = self._matrix.rowCount()
        if not classes:
            return
        down = self.verticalHeader()
        metrics = down.fontMetrics()
        names = (metrics.horizontalAdvance(label) for label in self._matrix.labels[:400])
        down.setFixedWidth(min(150, max(names) + 18))
        wide = (self.viewport().width() - 2) // classes
        most = len(count(int(self._matrix.counts.max() if self._matrix.counts.size else 0)))
        least = max(_SMALLEST, most * 8 + 6)
        size = max(least, min(_LARGEST, wide))
        self.horizontalHeader().setDefaultSectionSize(size)
        across = self.horizontalHeader().sizeHint().height()
        self.horizontalHeader().setFixedHeight(across)
        high = (self.height() - across - 4) // classes
        self.verticalHeader().setDefaultSectionSize(max(28, min(size, high, _LARGEST)))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fit the cells to the room."""
        super().resizeEvent(event)
        self._fit()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """A click chooses."""
        super().mouseReleaseEvent(event)
        index = self.indexAt(event.position().toPoint())
        if index.isValid() and event.button() == Qt.MouseButton.LeftButton:
            self._choose(index)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter and Space choose, Esc shows all mistakes again."""
        index = self.currentIndex()
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space) and index.isValid():
            self._choose(index)
        elif event.key() == Qt.Key.Key_Escape:
            self.clear_choice()
            self.cleared.emit()
        else:
            super().keyPressEvent(event)

    def clear_choice(self) -> None:
        """No cell is chosen."""
        self.clearSelection()

    def _choose(self, index: Index) -> None:
        self.cell_chosen.emit(index.row(), index.column())

    def _choose_row(self, row: int) -> None:
        self.clearSelection()
        self.cell_chosen.emit(row, None)

    def _choose_column(self, column: int) -> None:
        self.clearSelection()
        self.cell_chosen.emit(None, column)


class MatrixPane(QWidget):
    """The matrix with its heading and the switch between shares of rows and of columns."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.model = MatrixModel(self)
        self.table = MatrixTable(self.model)
        self._by = choose_box(self.tr("Tint shows"))
        self._by.addItem(self.tr("Share of each truth"), "truth")
        self._by.addItem(self.tr("Share of each answer"), "answer")
        self._by.currentIndexChanged.connect(self._switch)
        head = FlowLayout()
        head.addWidget(titled(self.tr("Confusion matrix"), self.table))
        head.addWidget(self._by)
        note = make_label(
            self.tr("Rows: what it is. Columns: what the model answered. A cell shows its pictures."),
            "secondary",
            wrap=True,
        )
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addLayout(head)
        layout.addWidget(self.table, 1)
        layout.addWidget(note)

    def _switch(self) -> None:
        self.model.set_by(self._by.currentData())
