"""The grid of the results table: rows of one height, cells drawn with one question to the model."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from desktop.ui.classify.results_columns import COLUMNS
from desktop.ui.classify.results_model import ResultsModel
from desktop.ui.kit.names import short_name
from desktop.ui.kit.tables import make_even, make_quiet
from desktop.ui.kit.theme import theme


class ResultsGrid(QTableView):
    """Rows of one height; Tab leaves the table, arrows move in it."""

    def __init__(self, model: ResultsModel) -> None:
        super().__init__()
        self.setModel(model)
        self.setItemDelegate(CellDelegate(model, self))
        make_quiet(self)
        make_even(self)
        self.setWordWrap(False)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setStyleSheet("QAbstractScrollArea::corner { background: transparent; border: none; }")


class CellDelegate(QStyledItemDelegate):
    """Draws the words of a cell with the margin that the header's have; long names lose their middle.

    Asks the model once a cell: the style's own way asks for a dozen roles, which shows with rows by the dozen.
    """

    def __init__(self, model: ResultsModel, parent: QWidget) -> None:
        super().__init__(parent)
        self._model = model

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        tokens = theme().tokens
        column = index.column()
        text, tone = self._model.cell(index.row(), column)
        rect = option.rect
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(rect, QColor(tokens.soft))
        elif index.row() % 2:
            painter.fillRect(rect, option.palette.alternateBase())
        if not text:
            return
        room = rect.adjusted(8, 0, -8, 0)
        metrics = option.fontMetrics
        if metrics.horizontalAdvance(text) > room.width():
            if COLUMNS[column].name == "name":
                text = short_name(text, metrics, room)
            else:
                middle = COLUMNS[column].elide_middle
                mode = Qt.TextElideMode.ElideMiddle if middle else Qt.TextElideMode.ElideRight
                text = metrics.elidedText(text, mode, room.width())
        painter.setPen(QColor(getattr(tokens, tone)))
        painter.drawText(room, QStyle.visualAlignment(option.direction, self._model.alignment(column)), text)
