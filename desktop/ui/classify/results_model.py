"""The answers of a batch as a table model that sorts and filters itself, without ever holding up the window.

It keeps no answers: those are the batch's (:mod:`desktop.app.batch_columns`).
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QColor

from desktop.app.batch_columns import FAILED, OUTSIDE, BatchColumns
from desktop.services.background import Slices
from desktop.ui.classify.results_columns import COLUMNS, ResultColumn, place_of
from desktop.ui.classify.results_order import Query, RowOrder
from desktop.ui.kit.theme import theme
from desktop.ui.kit.widgets import count, tip

if TYPE_CHECKING:
    import numpy as np

    from desktop.core.types import ImageSource

Index = QModelIndex | QPersistentModelIndex
_NOWHERE = QModelIndex()

SourceRole = int(Qt.ItemDataRole.UserRole) + 1
_SIDES = tuple(
    Qt.AlignmentFlag.AlignVCenter | (Qt.AlignmentFlag.AlignRight if column.right else Qt.AlignmentFlag.AlignLeft)
    for column in COLUMNS
)
_AT_ONCE = 2000
"""Up to so many rows are put in order at once; more are ordered between the window's events."""
_REORDER_MS = 400


class ResultsModel(QAbstractTableModel):
    """One row a picture, from the start of the batch on; the columns are
    those of :mod:`desktop.ui.classify.results_columns`.

    Sorting and filtering happen here, without a proxy, by index arrays. ``reordered`` says that the rows shown or
    their order have changed; ``counted`` that the figures of :meth:`summary` have.
    """

    reordered = Signal()
    counted = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._batch: BatchColumns | None = None
        self._ordering: RowOrder | None = None
        self._query = Query()
        self._order: np.ndarray | None = None  # None: every row, in the order of the pictures
        self._task: Slices | None = None
        self._stale = False  # answers came while the rows were being ordered
        self._finished = False
        self._cancelled = False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_REORDER_MS)
        self._timer.timeout.connect(self._reorder)

    # The batch

    def begin(self, batch: BatchColumns, goes_on: bool = False) -> None:
        """Show ``batch``: every picture has a row at once.

        The sort order stays; the filter only where this batch ``goes_on`` with the one before.
        """
        self.beginResetModel()
        self._drop_task()
        self._batch, self._ordering = batch, RowOrder(batch)
        if not goes_on:
            self._query = Query(column=self._query.column, descending=self._query.descending)
        self._order = None
        self._finished = self._cancelled = False
        self.endResetModel()
        if not self._query.plain:
            self._reorder()
        self.counted.emit()

    def show_answers(self, first: int, last: int) -> None:
        """Answers have come for positions between ``first`` and ``last``."""
        if self._batch is None:
            return
        if self._order is not None:
            first, last = 0, len(self._order) - 1
        if last >= first:
            self.dataChanged.emit(self.index(first, 0), self.index(last, len(COLUMNS) - 1))
        if not self._query.plain and not self._timer.isActive():
            if self._task is not None:
                self._stale = True
            else:
                self._timer.start()
        self.counted.emit()

    def finish(self, cancelled: bool = False) -> None:
        """No further answers will come; ``cancelled`` says that some pictures were left out."""
        self._finished, self._cancelled = True, cancelled
        self.counted.emit()

    @property
    def batch(self) -> BatchColumns | None:
        """The data behind the rows."""
        return self._batch

    def summary(self) -> str:
        """The batch in one line: how far it is, how many of which class, how many without an answer."""
        batch = self._batch
        if batch is None:
            return ""
        if self._finished and not self._cancelled:
            parts = [self.tr("{count} images").format(count=count(batch.done))]
        else:
            words = self.tr("Stopped at {done} of {total}") if self._cancelled else self.tr("{done} of {total}")
            parts = [words.format(done=count(batch.done), total=count(len(batch)))]
        counts = batch.counts - batch.unlike  # an answer not to be relied on counts for no class
        most = [int(i) for i in (-counts).argsort(kind="stable") if counts[i]]
        parts += [f"{batch.answers[i]}: {count(counts[i])}" for i in most[:3]]
        if len(most) > 3:
            parts.append(self.tr("other classes: {count}").format(count=count(sum(counts[i] for i in most[3:]))))
        if unlike := int(batch.unlike.sum()):
            parts.append(self.tr("unfamiliar: {count}").format(count=count(unlike)))
        if batch.errors:
            parts.append(self.tr("{count} unreadable").format(count=count(len(batch.errors))))
        if self._query.filters:
            parts.append(self.tr("{count} shown").format(count=count(self.rowCount())))
        return " · ".join(parts)

    def classes_found(self) -> list[tuple[int, str, int]]:
        """The classes answered so far with their counts, most frequent first: (index, label, count)."""
        if self._batch is None:
            return []
        counts = self._batch.counts - self._batch.unlike
        return [(int(i), self._batch.answers[i], int(counts[i])) for i in (-counts).argsort(kind="stable") if counts[i]]

    # Rows

    def position(self, row: int) -> int:
        """The position among the sources that ``row`` shows."""
        return row if self._order is None else int(self._order[row])

    def row_of(self, position: int) -> int:
        """The row that shows ``position``, or -1 where the filter leaves it out."""
        if self._batch is None or not 0 <= position < len(self._batch):
            return -1
        if self._order is None:
            return position
        found = (self._order == position).nonzero()[0]
        return int(found[0]) if len(found) else -1

    def source(self, row: int) -> ImageSource | None:
        """The picture of ``row``."""
        if self._batch is None or not 0 <= row < self.rowCount():
            return None
        return self._batch.sources[self.position(row)]

    def rowCount(self, parent: Index = _NOWHERE) -> int:
        if parent.isValid() or self._batch is None:
            return 0
        return len(self._batch) if self._order is None else len(self._order)

    def columnCount(self, parent: Index = _NOWHERE) -> int:
        return 0 if parent.isValid() else len(COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation == Qt.Orientation.Vertical:
            return section + 1 if role == Qt.ItemDataRole.DisplayRole else None
        if role == Qt.ItemDataRole.DisplayRole:
            return self.tr(COLUMNS[section].title)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _SIDES[section]
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        batch = self._batch
        if batch is None or not index.isValid() or index.row() >= self.rowCount():
            return None
        at, column = self.position(index.row()), COLUMNS[index.column()]
        if role == Qt.ItemDataRole.DisplayRole:
            return column.text(batch, at)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _SIDES[index.column()]
        if role == Qt.ItemDataRole.ToolTipRole:
            return tip(self._tip(batch, at, column))
        if role == Qt.ItemDataRole.ForegroundRole:
            return QColor(getattr(theme().tokens, self._tone(batch, at, column)))
        if role == SourceRole:
            return batch.sources[at]
        return None

    def cell(self, row: int, column: int) -> tuple[str, str]:
        """What a cell shows: its words and the token of their colour. For the delegate, which asks for many."""
        batch = self._batch
        if batch is None or row >= (len(batch) if self._order is None else len(self._order)):
            return "", "text"
        at, shown = self.position(row), COLUMNS[column]
        return shown.text(batch, at), self._tone(batch, at, shown)

    @staticmethod
    def _tone(batch: BatchColumns, at: int, column: ResultColumn) -> str:
        if batch.state[at] == FAILED and column.name in ("answer", "error"):
            return "wrong"
        if batch.inside[at] == OUTSIDE and column.name in ("answer", "score", "kind"):
            return "caution" if column.name == "kind" else "secondary"
        return "secondary" if column.quiet else "text"

    def alignment(self, column: int) -> Qt.AlignmentFlag:
        """Where the words of a column stand."""
        return _SIDES[column]

    @staticmethod
    def _tip(batch: BatchColumns, at: int, column: ResultColumn) -> str:
        told = column.hint(batch, at) if column.hint is not None else ""
        if not told and batch.state[at] == FAILED:
            return batch.errors[at][1]
        return told or column.text(batch, at)

    # Order

    @property
    def query(self) -> Query:
        """What is shown, and in which order."""
        return self._query

    def set_filter(
        self,
        text: str = "",
        answer: int | None = None,
        only_errors: bool = False,
        below: float | None = None,
        unlike: bool = False,
        mark: Literal["", "star", "note"] = "",
    ) -> None:
        """Show only the rows that fit all of this; see :class:`Query`."""
        q = self._query
        self._ask(Query(text.strip(), answer, only_errors, below, unlike, mark, q.column, q.descending))

    @Slot()
    def marks_changed(self) -> None:
        """Stars and notes are others now: rows that are chosen or ordered by them are found anew."""
        if self._query.mark or self._query.text or self._query.column in ("star", "note"):
            self._reorder()

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Sort by a column, or, with -1, go back to the order of the pictures."""
        name = COLUMNS[column].name if 0 <= column < len(COLUMNS) else ""
        self._ask(replace(self._query, column=name, descending=order == Qt.SortOrder.DescendingOrder))

    def _ask(self, query: Query) -> None:
        if query != self._query:
            self._query = query
            self._reorder()

    def _key(self) -> Callable[[RowOrder], Generator[None, None, np.ndarray]] | None:
        name = self._query.column
        return COLUMNS[place_of(name)].key if name else None

    def _reorder(self) -> None:
        """Bring the rows into the wanted order: at once for a few, in slices for many; the newest wish wins."""
        ordering = self._ordering
        if ordering is None:
            return
        if self._query.plain:
            self._drop_task()
            self._apply(None)
        elif len(ordering.batch) <= _AT_ONCE:
            self._drop_task()
            self._apply(_at_once(ordering.ordering(self._query, self._key())))
        else:
            self._drop_task()
            self._task = Slices(ordering.ordering(self._query, self._key()), self)
            self._task.answered.connect(self._ordered)
            self._task.launch()

    def _ordered(self, order: np.ndarray) -> None:
        stale = self._stale
        self._drop_task()
        self._apply(order)
        if stale:
            self._timer.start()

    def _drop_task(self) -> None:
        self._timer.stop()
        if self._task is not None:
            self._task.stop()
            self._task.deleteLater()
            self._task = None
        self._stale = False

    def _apply(self, order: np.ndarray | None) -> None:
        before = self.rowCount()
        after = len(self._batch) if order is None and self._batch else 0 if order is None else len(order)
        if before != after:
            self.beginResetModel()
            self._order = order
            self.endResetModel()
        else:
            self.layoutAboutToBeChanged.emit()
            held = self.persistentIndexList()
            positions = [self.position(index.row()) for index in held]
            self._order = order
            moved = [
                self.index(row, index.column()) if (row := self.row_of(at)) >= 0 else QModelIndex()
                for index, at in zip(held, positions, strict=True)
            ]
            self.changePersistentIndexList(held, moved)
            self.layoutChanged.emit()
        self.reordered.emit()
        self.counted.emit()


def _at_once(work: Generator[None, None, np.ndarray]) -> np.ndarray:
    while True:
        try:
            next(work)
        except StopIteration as end:
            answer: np.ndarray = end.value
            return answer
