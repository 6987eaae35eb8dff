"""A view of equal cells, in columns or as rows, for a hundred thousand of them.

Qt's own list view lays out every item anew when some are added, which takes seconds at that number; with equal cells
a position is one division.
"""

from __future__ import annotations

from typing import cast

from PySide6.QtCore import (
    QAbstractItemModel,
    QItemSelection,
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QRect,
    QSize,
    Qt,
)
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent, QRegion, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QStyle, QStyleOptionViewItem, QWidget

AnyIndex = QModelIndex | QPersistentModelIndex
_MARGIN = 4


class Gallery(QAbstractItemView):
    """Cells of ``cell_size``; a width of 0 makes one column of full-width rows."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._cell = QSize(98, 116)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setTabKeyNavigation(False)
        self.setMouseTracking(True)

    def set_cell_size(self, size: QSize) -> None:
        """The size of every cell in pixels."""
        self._cell = QSize(size)
        self._lay_out()

    def _count(self) -> int:
        model = self.model()
        return model.rowCount() if model is not None else 0

    def _columns(self) -> int:
        if self._cell.width() == 0:
            return 1
        return max(1, (self.viewport().width() - 2 * _MARGIN) // self._cell.width())

    def _width(self) -> int:
        """Cells share what the last column leaves over."""
        return (self.viewport().width() - 2 * _MARGIN) // self._columns()

    def _rect(self, row: int) -> QRect:
        columns, width, height = self._columns(), self._width(), self._cell.height()
        column = row % columns
        if self.isRightToLeft():
            column = columns - 1 - column
        top = row // columns * height + _MARGIN - self.verticalScrollBar().value()
        return QRect(_MARGIN + column * width, top, width, height)

    def visible_rows(self) -> range:
        """The rows of which something is seen."""
        columns, height = self._columns(), self._cell.height()
        offset = self.verticalScrollBar().value()
        first = max(0, (offset - _MARGIN) // height) * columns
        last = ((offset + self.viewport().height() - _MARGIN) // height + 1) * columns
        return range(min(first, self._count()), min(last, self._count()))

    # What QAbstractItemView asks of a view

    def visualRect(self, index: AnyIndex) -> QRect:
        """The cell of ``index`` in the viewport."""
        return self._rect(index.row()) if index.isValid() else QRect()

    def indexAt(self, point: QPoint) -> QModelIndex:
        """The index of the cell under ``point``."""
        y = point.y() + self.verticalScrollBar().value() - _MARGIN
        x = point.x() - _MARGIN
        column = x // max(1, self._width())
        if y < 0 or not 0 <= column < self._columns():
            return QModelIndex()
        if self.isRightToLeft():
            column = self._columns() - 1 - column
        row = y // self._cell.height() * self._columns() + column
        return self.model().index(row, 0) if 0 <= row < self._count() else QModelIndex()

    def scrollTo(
        self, index: AnyIndex, hint: QAbstractItemView.ScrollHint = QAbstractItemView.ScrollHint.EnsureVisible
    ) -> None:
        """Scroll until the cell of ``index`` is seen."""
        if not index.isValid():
            return
        rect, bar, view = self._rect(index.row()), self.verticalScrollBar(), self.viewport().height()
        if hint == QAbstractItemView.ScrollHint.PositionAtCenter:
            bar.setValue(bar.value() + rect.center().y() - view // 2)
        elif rect.top() < _MARGIN:
            bar.setValue(bar.value() + rect.top() - _MARGIN)
        elif rect.bottom() > view:
            bar.setValue(bar.value() + rect.bottom() - view + _MARGIN)

    def moveCursor(self, action: QAbstractItemView.CursorAction, modifiers: Qt.KeyboardModifier) -> QModelIndex:
        """Where the arrow, page, Home and End keys lead."""
        count = self._count()
        if not count:
            return QModelIndex()
        row = self.currentIndex().row() if self.currentIndex().isValid() else -1
        columns = self._columns()
        page = max(1, self.viewport().height() // self._cell.height() - 1) * columns
        move = QAbstractItemView.CursorAction
        forward = -1 if self.isRightToLeft() else 1
        steps = {
            move.MoveUp: -columns,
            move.MoveDown: columns,
            move.MoveLeft: -forward,
            move.MoveRight: forward,
            move.MoveNext: 1,
            move.MovePrevious: -1,
            move.MovePageUp: -page,
            move.MovePageDown: page,
        }
        if row < 0 or action == move.MoveHome:
            target = 0
        elif action == move.MoveEnd:
            target = count - 1
        else:
            target = row + steps.get(action, 0)
            if action in (move.MoveUp, move.MoveDown) and not 0 <= target < count:
                # Down from the last but one line leads to the last cell, not nowhere.
                target = count - 1 if action == move.MoveDown and row // columns < (count - 1) // columns else row
        return self.model().index(max(0, min(count - 1, target)), 0)

    def horizontalOffset(self) -> int:
        """Never scrolled sideways."""
        return 0

    def verticalOffset(self) -> int:
        """How far down the view is, in pixels."""
        return self.verticalScrollBar().value()

    def isIndexHidden(self, index: AnyIndex) -> bool:
        """No cell is ever hidden."""
        return False

    def setSelection(self, rect: QRect, command: QItemSelectionModel.SelectionFlag) -> None:
        """Select what a drag or a Shift-click spans, in reading order."""
        first, last = self.indexAt(rect.topLeft()), self.indexAt(rect.bottomRight())
        if self.selectionMode() == QAbstractItemView.SelectionMode.NoSelection or self.selectionModel() is None:
            return
        current = self.currentIndex()
        pressed = self.selectionModel().currentIndex()
        selection = QItemSelection()
        rows = sorted(i.row() for i in (first, last) if i.isValid())
        if len(rows) == 1:
            rows = [min(rows[0], current.row()), max(rows[0], current.row())] if pressed.isValid() else rows * 2
        if rows:
            selection.select(self.model().index(rows[0], 0), self.model().index(rows[-1], 0))
        self.selectionModel().select(selection, command)

    def visualRegionForSelection(self, selection: QItemSelection) -> QRegion:
        """The seen part of the selected cells."""
        region = QRegion()
        model = self.selectionModel()
        for row in self.visible_rows():
            if model is not None and model.isRowSelected(row, QModelIndex()):
                region += self._rect(row)
        return region if not region.isEmpty() else QRegion(self.viewport().rect())

    def sizeHint(self) -> QSize:
        """Two columns."""
        return QSize(2 * 98 + 2 * _MARGIN + 16, 400)

    # Drawing

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the cells that are seen, through the delegate."""
        model = cast("QAbstractItemModel | None", self.model())  # none before one is set, whatever the stubs say
        if model is None:
            return
        painter = QPainter(self.viewport())
        option = QStyleOptionViewItem()
        self.initViewItemOption(option)
        selection, current = self.selectionModel(), self.currentIndex()
        has_focus = self.hasFocus()
        base = option.state
        under = self.indexAt(self.viewport().mapFromGlobal(self.cursor().pos())) if self.underMouse() else QModelIndex()
        for row in self.visible_rows():
            rect = self._rect(row)
            if not rect.intersects(event.rect()):
                continue
            index = model.index(row, 0)
            option.rect = rect
            option.state = base & ~(
                QStyle.StateFlag.State_HasFocus | QStyle.StateFlag.State_Selected | QStyle.StateFlag.State_MouseOver
            )
            if selection is not None and selection.isSelected(index):
                option.state |= QStyle.StateFlag.State_Selected
            if index == current and has_focus:
                option.state |= QStyle.StateFlag.State_HasFocus
            if index == under:
                option.state |= QStyle.StateFlag.State_MouseOver
            self.itemDelegateForIndex(index).paint(painter, option, index)
        painter.end()

    def updateGeometries(self) -> None:
        """Keep the scroll bar true to the number of cells."""
        super().updateGeometries()
        lines = -(-self._count() // self._columns())
        bar = self.verticalScrollBar()
        bar.setSingleStep(max(28, self._cell.height() // 2))
        bar.setPageStep(self.viewport().height())
        bar.setRange(0, max(0, lines * self._cell.height() + 2 * _MARGIN - self.viewport().height()))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the current cell in sight when the number of columns changes."""
        super().resizeEvent(event)
        self._lay_out()

    def rowsInserted(self, parent: AnyIndex, start: int, end: int) -> None:
        """More cells: only the scroll bar changes, unless they fall into sight."""
        super().rowsInserted(parent, start, end)
        self.updateGeometries()
        if start <= self.visible_rows().stop:
            self.viewport().update()

    def reset(self) -> None:
        """Other cells altogether."""
        super().reset()
        self._lay_out()

    def _lay_out(self) -> None:
        self.updateGeometries()
        self.viewport().update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Space and letters are the owner's: looking large and filtering; the rest is the base class's."""
        if event.key() == Qt.Key.Key_Space or (event.text().isprintable() and event.text() and not event.modifiers()):
            event.ignore()
            return
        super().keyPressEvent(event)
