"""What was copied, moved and renamed, command by command, and its undo: also of the time before the last start."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QDateTime, Qt, Signal, Slot
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QProgressBar,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from desktop.services.sorting import Sorter
from desktop.system.words import worded
from desktop.ui.kit.help_key import give_help
from desktop.ui.kit.tables import make_quiet
from desktop.ui.kit.widgets import count, first_size, make_label, sentence
from desktop.ui.widgets.notices import CautionStrip

if TYPE_CHECKING:
    from desktop.store.file_actions import FileOutcome
    from desktop.store.file_journal import ActionRecord

_MOST_ROWS = 2000


class SortLog(QDialog):
    """``moved`` carries where files lie now by where they lay."""

    moved = Signal(object)  # new places by old: a map of Qt's loses names that are no text

    def __init__(self, sorter: Sorter, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._sorter = sorter
        self._records: list[ActionRecord] = []
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(self.tr("Files Sorted"))
        give_help(self, "acting#sorting-by-answer")
        self._words = make_label(
            self.tr("Fovea copies, moves and renames files only on your command. Each command is listed here."),
            "secondary",
            wrap=True,
        )
        self.commands = self._table(
            [self.tr("When"), self.tr("What"), self.tr("Done"), self.tr("Taken back"), self.tr("Left")]
        )
        self.commands.setAccessibleName(self.tr("Commands"))
        self.commands.setColumnWidth(0, 170)
        self.files = self._table([self.tr("From"), self.tr("To"), self.tr("State")])
        self.files.setAccessibleName(self.tr("Files of the command"))
        self.caution = CautionStrip()
        self.caution.hide()
        self.back = QPushButton(self.tr("Take it back"))
        self.back.clicked.connect(self._undo)
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.hide()
        self._state = QLabel()
        close = QPushButton(self.tr("Close"))
        close.clicked.connect(self.reject)
        foot = QHBoxLayout()
        foot.addWidget(self._state, 1)
        foot.addWidget(self._bar)
        foot.addWidget(self.back)
        foot.addWidget(close)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 16, 16, 12)
        layout.setSpacing(10)
        layout.addWidget(self._words)
        layout.addWidget(self.commands, 2)
        layout.addWidget(self.files, 3)
        layout.addWidget(self.caution)
        layout.addLayout(foot)
        self.commands.currentCellChanged.connect(self._choose)
        sorter.records.connect(self._show)
        sorter.rows.connect(self._show_files)
        sorter.progressed.connect(self._show_progress)
        sorter.ended.connect(self._on_ended)
        sorter.failed.connect(self._on_failed)
        first_size(self, 820, 560)
        self.back.setEnabled(False)
        sorter.list_records()

    @staticmethod
    def _table(titles: list[str]) -> QTableWidget:
        table = QTableWidget(0, len(titles))
        table.setHorizontalHeaderLabels(titles)
        make_quiet(table)
        table.setTextElideMode(Qt.TextElideMode.ElideMiddle)  # the file's name is at the end of its path
        table.setStyleSheet("QTableView::item { padding: 0 6px; border: none; }")
        header = table.horizontalHeader()
        header.setHighlightSections(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(0 if len(titles) == 3 else 1, QHeaderView.ResizeMode.Stretch)
        if len(titles) == 3:
            header.setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
        return table

    @Slot(list)
    def _show(self, records: list[ActionRecord]) -> None:
        self._records = records
        self.commands.setRowCount(len(records))
        for row, record in enumerate(records):
            when = QDateTime.fromSecsSinceEpoch(int(record.when))
            cells = [
                self.locale().toString(when, self.locale().FormatType.ShortFormat),
                worded(record.title),
                count(record.done),
                count(record.undone),
                count(record.left),
            ]
            for column, text in enumerate(cells):
                self.commands.setItem(row, column, QTableWidgetItem(text))
        if records:
            self.commands.setCurrentCell(0, 0)
            self._choose(0)
        else:
            self._words.setText(self.tr("No files have been copied, moved or renamed yet."))
            self.back.setEnabled(False)

    @Slot(int)
    def _choose(self, row: int, *_: int) -> None:
        if 0 <= row < len(self._records):
            self.back.setEnabled(self._records[row].done > 0 and not self._sorter.working)
            self._sorter.list_rows(self._records[row].id)

    @Slot(list)
    def _show_files(self, rows: list[tuple[str, str, str, str]]) -> None:
        words = {"done": self.tr("done"), "undone": self.tr("taken back"), "left": self.tr("left")}
        shown = rows[:_MOST_ROWS]
        self.files.setRowCount(len(shown))
        for row, (old, new, state, why) in enumerate(shown):
            told = words.get(state, self.tr("not done")) + (f": {why}" if why else "")
            for column, text in enumerate((old or self.tr("(from memory)"), new, told)):
                item = QTableWidgetItem(text)
                item.setToolTip(text)
                self.files.setItem(row, column, item)
        hidden = len(rows) - len(shown)
        self._state.setText(self.tr("and {0} more").format(count(hidden)) if hidden else "")

    @Slot()
    def _undo(self) -> None:
        row = self.commands.currentRow()
        if 0 <= row < len(self._records):
            self.back.setEnabled(False)
            self._bar.setRange(0, max(1, self._records[row].done))
            self._bar.setValue(0)
            self._bar.show()
            self._sorter.undo(self._records[row].id)

    @Slot(int, int)
    def _show_progress(self, done: int, total: int) -> None:
        self._bar.setRange(0, max(1, total))
        self._bar.setValue(done)

    @Slot(object, object)
    def _on_ended(self, outcome: FileOutcome, places: dict[str, str]) -> None:
        self._bar.hide()
        if places:
            self.moved.emit(places)
        left = next(iter(outcome.left.values()), "") or outcome.stopped
        self.caution.set_text(self.tr("{0} were left: {1}").format(count(len(outcome.left)), sentence(left)))
        self.caution.setVisible(bool(left))
        self._sorter.list_records()

    @Slot(Exception)
    def _on_failed(self, error: Exception) -> None:
        from desktop.system.errors import FoveaError

        told = f"{sentence(error.message)} {error.hint}" if isinstance(error, FoveaError) else type(error).__name__
        self._bar.hide()
        self.caution.set_text(told)
        self.caution.show()
