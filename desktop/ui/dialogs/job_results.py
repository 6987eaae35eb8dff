"""The results of a job on a cluster: a table of a million rows, sorted and filtered on the disk."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt, QTimer, Signal, Slot
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from desktop.core.types import FoveaError
from desktop.services.job_rows import JobTable
from desktop.system.words import worded
from desktop.ui.kit.formatting import number
from desktop.ui.kit.help_key import give_help
from desktop.ui.kit.widgets import count

Index = QModelIndex | QPersistentModelIndex
_NOWHERE = QModelIndex()
_TYPING_MS = 300


def _notes(row: dict[str, Any]) -> str:
    return row["error"]["message"] if row["error"] else "; ".join(row["notices"] or ())


def _score(name: str) -> Callable[[dict[str, Any]], str]:
    return lambda row: number(row[name]) if row[name] is not None else ""


_COLUMNS: tuple[tuple[str, Callable[[dict[str, Any]], str]], ...] = (
    ("path", lambda row: row["path"]),
    ("answer", lambda row: (row["answer"] or "") + "?" * bool(row["unsure"])),
    ("answer_score", _score("answer_score")),
    ("second_label", lambda row: row["second_label"] or ""),
    ("second_score", _score("second_score")),
    ("in_domain", lambda row: {True: "+", False: "−"}.get(row["in_domain"], "")),
    ("domain_score", _score("domain_score")),
    ("notices", _notes),
)
"""The columns that are shown: what each sorts by, and its text."""


class JobModel(QAbstractTableModel):
    """The rows of a :class:`JobTable`; a row that is still being read is empty for a moment."""

    def __init__(self, table: JobTable, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._table, self._shown = table, 0
        self._heads = (
            self.tr("Picture"), self.tr("Answer"), self.tr("Score"), self.tr("Second"), self.tr("Its score"),
            self.tr("Of its kind"), self.tr("Distance"), self.tr("Remarks"),
        )  # fmt: skip
        table.found.connect(self._on_found)
        table.loaded.connect(self._on_loaded)

    def rowCount(self, parent: Index = _NOWHERE) -> int:
        return 0 if parent.isValid() else self._shown

    def columnCount(self, parent: Index = _NOWHERE) -> int:
        return 0 if parent.isValid() else len(_COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if role == Qt.ItemDataRole.DisplayRole:
            return self._heads[section] if orientation == Qt.Orientation.Horizontal else section + 1
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if role not in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole) or not index.isValid():
            return None
        row = self._table.row(index.row())
        return _COLUMNS[index.column()][1](row) if row is not None else None

    @Slot()
    def _on_found(self) -> None:
        self.beginResetModel()
        self._shown = self._table.count
        self.endResetModel()

    @Slot(int, int)
    def _on_loaded(self, first: int, last: int) -> None:
        last = min(last, self._shown - 1)
        if first <= last:
            self.dataChanged.emit(self.index(first, 0), self.index(last, len(_COLUMNS) - 1))


class JobResultsDialog(QDialog):
    """Shows the results in ``folder``. ``opened`` carries the path of a picture that was double-clicked."""

    opened = Signal(str)

    def __init__(self, folder: Path, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Results of a Cluster"))
        give_help(self, "classify")
        self.table = JobTable(folder, self)
        self.model = JobModel(self.table, self)
        self.filter = QLineEdit()
        self.filter.setPlaceholderText(self.tr("Filter by name or answer"))
        self.filter.setAccessibleName(self.tr("Filter the results"))
        self.filter.setClearButtonEnabled(True)
        self.answers = QComboBox()
        self.answers.setAccessibleName(self.tr("Answers that are shown"))
        self.answers.addItem(self.tr("All answers"), "")
        self.unlike = QCheckBox(self.tr("Not its kind"))
        self.without = QCheckBox(self.tr("Without an answer"))
        self.view = QTableView()
        self.view.setModel(self.model)
        self.view.setAccessibleName(self.tr("Results"))
        self.view.setSelectionBehavior(QTableView.SelectionBehavior.SelectRows)
        self.view.setWordWrap(False)
        self.view.verticalHeader().hide()
        self.view.horizontalHeader().setStretchLastSection(True)
        self.view.horizontalHeader().setSortIndicatorShown(True)
        self.view.horizontalHeader().setSectionsClickable(True)
        self.view.setColumnWidth(0, 320)
        self.state = QLabel(self.tr("Reading…"))
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        above = QHBoxLayout()
        above.addWidget(self.filter, 1)
        for widget in (self.answers, self.unlike, self.without):
            above.addWidget(widget)
        below = QHBoxLayout()
        below.addWidget(self.state, 1)
        below.addWidget(buttons)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(20, 20, 20, 12)
        layout.addLayout(above)
        layout.addWidget(self.view, 1)
        layout.addLayout(below)
        self.resize(1000, 640)
        self._by, self._descending = "position", False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_TYPING_MS)
        self._timer.timeout.connect(self._ask)
        self.filter.textChanged.connect(self._timer.start)
        self.answers.currentIndexChanged.connect(self._ask)
        self.unlike.toggled.connect(self._ask)
        self.without.toggled.connect(self._ask)
        self.view.horizontalHeader().sectionClicked.connect(self._sort)
        self.view.doubleClicked.connect(self._open)
        self.table.found.connect(self._tell)
        self.table.failed.connect(self._refused)
        buttons.rejected.connect(self.reject)
        self.finished.connect(self.table.close)

    @Slot(int)
    def _sort(self, column: int) -> None:
        by = _COLUMNS[column][0]
        self._descending = not self._descending if by == self._by else False
        self._by = by
        order = Qt.SortOrder.DescendingOrder if self._descending else Qt.SortOrder.AscendingOrder
        self.view.horizontalHeader().setSortIndicator(column, order)
        self._ask()

    @Slot()
    def _ask(self) -> None:
        from desktop.cluster.results import Wanted

        wanted = Wanted(
            self.filter.text().strip(),
            str(self.answers.currentData() or ""),
            self.unlike.isChecked(),
            self.without.isChecked(),
        )
        self.state.setText(self.tr("Looking…"))
        self.table.find(wanted, self._by, self._descending)

    @Slot()
    def _tell(self) -> None:
        if self.answers.count() == 1 and self.table.answers:
            self.answers.blockSignals(True)
            for each in self.table.answers:
                self.answers.addItem(f"{each.answer} ({count(each.pictures)})", each.answer)
            self.answers.blockSignals(False)
        shown, total = count(self.table.count), count(self.table.total)
        self.state.setText(self.tr("{0} of {1} pictures").format(shown, total))

    @Slot(Exception)
    def _refused(self, error: Exception) -> None:
        if not isinstance(error, FoveaError):
            raise error
        self.state.setText(" ".join(filter(None, (worded(error.message), worded(error.hint)))))

    @Slot(QModelIndex)
    def _open(self, index: QModelIndex) -> None:
        row = self.table.row(index.row())
        if row is not None:
            self.opened.emit(row["path"])
