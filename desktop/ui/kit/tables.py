"""Tables of figures: plain cells of text that sort by the number behind them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtWidgets import QAbstractItemView, QHBoxLayout, QHeaderView, QLayout, QTableView, QVBoxLayout, QWidget

from desktop.ui.kit.formatting import both, count, interval_of, number, seen, value_of
from desktop.ui.kit.theme import theme
from desktop.ui.kit.widgets import tip

if TYPE_CHECKING:
    from desktop.core.figures.intervals import Estimate

Index = QModelIndex | QPersistentModelIndex
_NOWHERE = QModelIndex()


@dataclass(frozen=True, slots=True)
class Cell:
    """``text`` as shown; ``key`` what it sorts by (``None`` goes last); ``tip`` more words."""

    text: str
    key: float | str | None = None
    tip: str = ""


def words(text: str) -> Cell:
    """A cell of text."""
    return Cell(text, text.casefold())


def whole(value: int) -> Cell:
    """A cell with a whole number."""
    return Cell(count(value), value)


def figure(estimate: Estimate | None, percent: bool = True) -> Cell:
    """A cell with a figure and its interval, or why there is none."""
    if estimate is None:
        return Cell("–")
    if estimate.value is None:
        return Cell(f"– {estimate.reason}", None, estimate.reason)
    if seen(estimate).value is None:
        return Cell(value_of(estimate, percent), estimate.value, interval_of(estimate, percent))
    return Cell(both(estimate, percent), estimate.value)


def short(estimate: Estimate | None, percent: bool = True) -> Cell:
    """A cell with a figure and its interval in as few characters as can be; percent without the sign."""
    if estimate is None or seen(estimate).value is None or estimate.low is None or estimate.high is None:
        return figure(estimate, percent)
    scale, places = (100, 1) if percent else (1, 3)
    assert estimate.value is not None
    value, low, high = (number(scale * v, places) for v in (estimate.value, estimate.low, estimate.high))
    return Cell(f"{value} ({low}–{high})", estimate.value, both(estimate, percent))


class FiguresModel(QAbstractTableModel):
    """Rows of cells below ``heads``. Sorting keeps :attr:`original`: the place a row had when it was given."""

    def __init__(self, heads: Sequence[str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._heads = list(heads)
        self._rows: list[Sequence[Cell]] = []
        self.original: list[int] = []
        self._sorted: tuple[int, Qt.SortOrder] | None = None

    def set_rows(self, rows: Sequence[Sequence[Cell]], heads: Sequence[str] | None = None) -> None:
        """Show other rows, in the order that was chosen last."""
        self.beginResetModel()
        if heads is not None:
            self._heads = list(heads)
        self._rows = list(rows)
        self.original = list(range(len(rows)))
        if self._sorted is not None:
            self._arrange(*self._sorted)
        self.endResetModel()

    def rowCount(self, parent: Index = _NOWHERE) -> int:
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = _NOWHERE) -> int:
        return 0 if parent.isValid() else len(self._heads)

    def cell(self, row: int, column: int) -> Cell:
        """The cell at a place."""
        return self._rows[self.original[row]][column]

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not (0 <= index.row() < len(self._rows) and 0 <= index.column() < len(self._heads)):
            return None
        cell = self.cell(index.row(), index.column())
        if role == Qt.ItemDataRole.DisplayRole:
            return cell.text
        if role == Qt.ItemDataRole.ToolTipRole:
            return tip(cell.tip or cell.text)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return self._alignment(cell)
        return None

    @staticmethod
    def _alignment(cell: Cell) -> int:
        """Counts to the right, where they line up; text and figures with intervals to the left."""
        side = Qt.AlignmentFlag.AlignRight if isinstance(cell.key, int) else Qt.AlignmentFlag.AlignLeft
        return int(side | Qt.AlignmentFlag.AlignVCenter)

    def headerData(self, section: int, way: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if way == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole and section < len(self._heads):
            return self._heads[section]
        if way == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.ToolTipRole and section < len(self._heads):
            return tip(self._heads[section])  # whole where a column was made narrow
        if way == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.TextAlignmentRole and self._rows:
            return self._alignment(self._rows[0][section])
        return None

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """By the numbers behind a column; what has none goes last either way."""
        if not 0 <= column < len(self._heads):
            return
        self.layoutAboutToBeChanged.emit()
        self._sorted = (column, order)
        self._arrange(column, order)
        self.layoutChanged.emit()

    def _arrange(self, column: int, order: Qt.SortOrder) -> None:
        keyed = [(self._rows[i][column].key, i) for i in range(len(self._rows))]
        there = [(key, i) for key, i in keyed if key is not None]
        there.sort(key=lambda pair: pair[0], reverse=order == Qt.SortOrder.DescendingOrder)
        self.original = [i for _, i in there] + [i for key, i in keyed if key is None]


def table(model: FiguresModel, name: str, sortable: bool = False) -> QTableView:
    """A quiet table over ``model``; ``name`` for screen readers."""
    view = QTableView()
    view.setModel(model)
    view.setAccessibleName(name)
    view.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    view.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
    view.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    view.setAlternatingRowColors(True)
    view.setShowGrid(False)
    view.setWordWrap(False)
    view.setTabKeyNavigation(False)
    view.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
    view.setStyleSheet(
        "QTableView::item { padding: 0 6px; border: none; } "
        "QAbstractScrollArea::corner { background: transparent; border: none; }"
    )
    rows = view.verticalHeader()
    rows.setVisible(False)
    rows.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
    rows.setDefaultSectionSize(max(28, view.fontMetrics().height() + 10))
    header = view.horizontalHeader()
    header.setHighlightSections(False)
    header.setStretchLastSection(True)
    header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
    if sortable:
        header.setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        view.setSortingEnabled(True)
    return view


def even_table(model: FiguresModel, name: str) -> QTableView:
    """A table whose first column takes the room that the others leave."""
    view = table(model, name)
    header = view.horizontalHeader()
    header.setStretchLastSection(False)
    header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
    header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
    return view


def beside_charts(
    layout_of: QWidget, charts: Sequence[QWidget], column: Sequence[tuple[QWidget | QLayout, int]]
) -> None:
    """Lay out a tab: ``charts`` share the room at the left, ``column`` (things and their stretch) stands at the right,
    420 px wide."""
    right = QWidget()
    right.setFixedWidth(theme().scaled(420))
    inside = QVBoxLayout(right)
    inside.setContentsMargins(0, 0, 0, 0)
    inside.setSpacing(6)
    for thing, stretch in column:
        if isinstance(thing, QLayout):
            inside.addLayout(thing, stretch)
        else:
            inside.addWidget(thing, stretch)
    layout = QHBoxLayout(layout_of)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(8)
    for chart in charts:
        layout.addWidget(chart, 1)
    layout.addWidget(right)


def fit_height(view: QTableView) -> None:
    """As high as its rows: for tables of a few lines."""
    model = view.model()
    rows = model.rowCount() if model is not None else 0
    view.setFixedHeight(
        view.horizontalHeader().sizeHint().height() + rows * view.verticalHeader().defaultSectionSize() + 8
    )


def fit_columns(view: QTableView, most: int = 340, air: int = 10) -> None:
    """Columns as wide as their first rows need, and ``air`` pixels more."""
    view.horizontalHeader().setResizeContentsPrecision(60)
    view.resizeColumnsToContents()
    model = view.model()
    for column in range(model.columnCount() - 1 if model is not None else 0):
        view.setColumnWidth(column, min(most, view.columnWidth(column) + air))
