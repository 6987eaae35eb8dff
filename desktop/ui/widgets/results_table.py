"""The answers of a batch: table, filters, a summary in one line, and the export."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING

from PySide6.QtCore import QModelIndex, QPoint, QSignalBlocker, Qt, QTimer, Signal, Slot
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QMenu,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from desktop.core.types import FoveaError, ImageSource
from desktop.services.background import Slices, Task
from desktop.ui.classify.results_columns import COLUMNS, ResultColumn, place_of
from desktop.ui.classify.results_csv import PathStyle, csv_rows, hider_of, received, write_key, write_whole
from desktop.ui.classify.results_model import ResultsModel
from desktop.ui.kit.file_dialogs import FileDialog
from desktop.ui.kit.flow import FlowLayout
from desktop.ui.kit.theme import theme
from desktop.ui.kit.widgets import count, make_label, sentence
from desktop.ui.widgets._grid import ResultsGrid
from desktop.ui.widgets.notices import ErrorPanel

if TYPE_CHECKING:
    from desktop.app.batch_columns import BatchColumns

_UNLIKE = -1
"""The choice among the answers that stands for the pictures which are not of the model's kind."""
_HEAD_ROOM, _CELL_ROOM = 52, 20
"""Beside the words of a head (margins and the arrow of the order) and of a cell."""
_ANY = 0.0
"""The value of the score filter that lets every row through."""


class ResultsTable(QWidget):
    """Shows a :class:`ResultsModel` and keeps its current row and the shown picture in step.

    ``row_activated`` carries the :class:`ImageSource` of the row that the user moved to, ``row_opened`` that of one
    that was double-clicked, ``menu_wanted`` that of one whose menu is asked for, and the place on the screen.
    ``exported`` carries the path and the number of rows written, ``export_failed`` the :class:`FoveaError`.
    """

    row_activated = Signal(ImageSource)
    row_opened = Signal(ImageSource)
    menu_wanted = Signal(ImageSource, QPoint)
    exported = Signal(str, int)
    export_failed = Signal(FoveaError)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.model = ResultsModel(self)
        self._current = -1
        self._offered: set[int] = set()
        self._export: Task | None = None
        self._maker: Slices | None = None
        self._typing = QTimer(self)
        self._typing.setSingleShot(True)
        self._typing.setInterval(150)
        self._typing.timeout.connect(self._filter)
        self._build_filters()
        self._build_table()
        self._build_foot()
        self._failure = ErrorPanel()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addLayout(self._filters)
        layout.addWidget(self._table, 1)
        layout.addWidget(self._failure)
        layout.addLayout(self._foot)
        self.setAccessibleName(self.tr("Results"))
        self.model.counted.connect(self._count)
        self.model.reordered.connect(self._restore)
        theme().changed.connect(self._table.viewport().update)
        self._count()

    # The batch

    def begin(self, batch: BatchColumns, goes_on: bool = False) -> None:
        """Show ``batch``, all pictures at once; with ``goes_on`` as for :meth:`ResultsModel.begin`."""
        if not goes_on:
            self._clear_filters(batch.gated)
        self._current = -1
        self._failure.clear()
        self._table.setColumnHidden(place_of("kind"), not batch.gated)
        self.model.begin(batch, goes_on)

    def _clear_filters(self, gated: bool) -> None:
        for widget in (self._text, self._answer, self._errors, self._below, self._mark):
            widget.blockSignals(True)
        self._mark.setCurrentIndex(0)
        self._text.clear()
        self._errors.setChecked(False)
        self._below.setValue(_ANY)
        self._answer.clear()
        self._offered.clear()
        self._answer.addItem(self.tr("All answers"), None)
        if gated:
            self._answer.addItem(self.tr("Unfamiliar kind"), _UNLIKE)
        for widget in (self._text, self._answer, self._errors, self._below, self._mark):
            widget.blockSignals(False)

    @Slot(int, int)
    def show_answers(self, first: int, last: int) -> None:
        """Answers have come for positions between ``first`` and ``last``."""
        self.model.show_answers(first, last)

    def finish(self, cancelled: bool = False) -> None:
        """No further answers will come."""
        self.model.finish(cancelled)

    def select_source(self, source: ImageSource | None) -> None:
        """Make the row of ``source`` the current one without announcing it; none where it is not in the batch."""
        batch = self.model.batch
        self._current = -1 if source is None or batch is None else batch.position_of(source)
        self._restore()

    @property
    def current_source(self) -> ImageSource | None:
        """The picture of the current row."""
        batch = self.model.batch
        return batch.sources[self._current] if batch is not None and self._current >= 0 else None

    # The parts

    def _build_filters(self) -> None:
        self._text = QLineEdit()
        self._text.setPlaceholderText(self.tr("Filter…"))
        self._text.setAccessibleName(self.tr("Filter by name, folder or answer"))
        self._text.setToolTip(self.tr("Filter by name, folder or answer"))
        self._text.setClearButtonEnabled(True)
        self._text.textChanged.connect(self._typing.start)
        self._answer = QComboBox()
        self._answer.setAccessibleName(self.tr("Show only this answer"))
        self._answer.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self._answer.setMinimumContentsLength(9)
        self._answer.addItem(self.tr("All answers"), None)
        self._answer.currentIndexChanged.connect(self._filter)
        below = make_label(self.tr("Score below"))
        self._below = QDoubleSpinBox()
        self._below.setAccessibleName(self.tr("Show only scores below"))
        self._below.setRange(_ANY, 1.0)
        self._below.setSpecialValueText(self.tr("any"))
        self._below.setSingleStep(0.05)
        self._below.setDecimals(2)
        self._below.setValue(_ANY)
        self._below.setMinimumSize(82, 32)
        self._below.lineEdit().setTextMargins(6, 0, 0, 0)  # a stylesheet gives it none
        below.setBuddy(self._below)
        self._below.valueChanged.connect(self._typing.start)
        self._errors = QCheckBox(self.tr("Only unreadable"))
        self._errors.toggled.connect(self._filter)
        self._text.setMinimumWidth(theme().scaled(110))
        scores = QWidget()  # the words and what they are about stay together
        pair = QHBoxLayout(scores)
        pair.setContentsMargins(0, 0, 0, 0)
        pair.setSpacing(8)
        pair.addWidget(below)
        pair.addWidget(self._below)
        scores.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self._filters = FlowLayout(spacing=8)
        self._mark = QComboBox()
        self._mark.setAccessibleName(self.tr("Show only pictures with a star or a note"))
        for words, mark in (
            (self.tr("Marked or not"), ""),
            (self.tr("With a star"), "star"),
            (self.tr("With a note"), "note"),
        ):
            self._mark.addItem(words, mark)
        self._mark.currentIndexChanged.connect(self._filter)
        self._mark.hide()
        for widget in (self._text, self._answer, scores, self._mark, self._errors):
            self._filters.addWidget(widget)

    def _build_table(self) -> None:
        self._table = ResultsGrid(self.model)
        self._table.setAccessibleName(self.tr("Results table"))
        header = self._table.horizontalHeader()
        for place, column in enumerate(COLUMNS):
            usual = theme().scaled(column.width) if column.width else header.defaultSectionSize()
            self._table.setColumnWidth(place, max(usual, self._needed(column)))
        header.setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        header.setSortIndicatorClearable(True)
        self._table.setSortingEnabled(True)
        for name in ("star", "note"):
            self._table.setColumnHidden(place_of(name), True)
        self._table.selectionModel().currentRowChanged.connect(self._moved)
        self._table.doubleClicked.connect(self._on_double_click)
        self._table.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self._table.customContextMenuRequested.connect(self._on_menu)

    def _needed(self, column: ResultColumn) -> int:
        """The width in which the head with its arrow, and the longest figure, can be read."""
        title = self.model.headerData(COLUMNS.index(column), Qt.Orientation.Horizontal)
        head = self._table.horizontalHeader().fontMetrics().horizontalAdvance(str(title or ""))
        figure = self._table.fontMetrics().horizontalAdvance(column.widest)
        return max(head + _HEAD_ROOM, figure + _CELL_ROOM if figure else 0)

    def _build_foot(self) -> None:
        self._summary: QLabel = make_label("", "secondary", selectable=True, wrap=True)
        self._summary.setAccessibleName(self.tr("Summary"))
        self._progress = QProgressBar()
        self._progress.setTextVisible(False)
        self._progress.setFixedWidth(theme().scaled(120))
        self._progress.setAccessibleName(self.tr("Export progress"))
        self._stop = QPushButton(self.tr("Cancel"))
        self._stop.clicked.connect(self.cancel_export)
        self._save = QPushButton(self.tr("Export CSV"))
        self._save.clicked.connect(self.ask_export)
        self._ways = QToolButton()
        self._ways.setText("…")
        self._ways.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._ways.setToolTip(self.tr("Other ways to export"))
        self._ways.setAccessibleName(self.tr("Other ways to export"))
        menu = QMenu(self._ways)
        styles: tuple[tuple[str, PathStyle, bool], ...] = (
            (self.tr("File names and folders below the chosen one…"), "relative", False),
            (self.tr("Full paths…"), "full", False),
            (self.tr("Hidden names, with a key beside the table…"), "public", True),
        )
        for words, style, key in styles:
            menu.addAction(words).triggered.connect(partial(self._ask_rows, style, key))
        self._ways.setMenu(menu)
        self._foot = QHBoxLayout()
        self._foot.setSpacing(8)
        self._foot.addWidget(self._summary, 1)
        for widget in (self._progress, self._stop, self._save, self._ways):
            self._foot.addWidget(widget)
        self._show_export(False)

    # In step with the model

    def _filter(self) -> None:
        self._typing.stop()
        below, answer = self._below.value(), self._answer.currentData()
        unlike = answer == _UNLIKE
        self.model.set_filter(
            self._text.text(),
            None if unlike else answer,
            self._errors.isChecked(),
            below if below > _ANY else None,
            unlike,
            self._mark.currentData(),
        )

    def show_marks(self, stars: bool, notes: bool) -> None:
        """Stars and notes are others now; their columns are there where there are any."""
        for name, there in (("star", stars), ("note", notes)):
            self._table.setColumnHidden(place_of(name), not there)
        self._mark.setVisible(stars or notes or bool(self._mark.currentData()))
        self.model.marks_changed()
        self._table.viewport().update()

    def _count(self) -> None:
        self._summary.setText(self.model.summary())
        batch = self.model.batch
        for button in (self._save, self._ways):
            button.setEnabled(self.can_export)
        self._errors.setEnabled(self._errors.isChecked() or (batch is not None and bool(batch.errors)))
        self._list_classes()

    def _list_classes(self) -> None:
        """Offer the classes answered so far; new ones are added at the end, so that an open list does not jump."""
        fresh = [(index, label) for index, label, _ in self.model.classes_found() if index not in self._offered]
        if fresh:
            with QSignalBlocker(self._answer):
                for index, label in fresh:
                    self._offered.add(index)
                    self._answer.addItem(label, index)

    def _restore(self) -> None:
        """Make the current picture's row the current row again, wherever it is now; nobody is told."""
        row = self.model.row_of(self._current)
        selection = self._table.selectionModel()
        with QSignalBlocker(selection):
            if row < 0:
                selection.clear()
            else:
                index = self.model.index(row, max(0, self._table.currentIndex().column()))
                flags = selection.SelectionFlag.ClearAndSelect | selection.SelectionFlag.Rows
                selection.setCurrentIndex(index, flags)
        if row >= 0:
            self._table.scrollTo(self.model.index(row, 0))
        self._table.viewport().update()

    def _moved(self, index: QModelIndex) -> None:
        source = self.model.source(index.row()) if index.isValid() else None
        if source is not None:
            self._current = self.model.position(index.row())
            self.row_activated.emit(source)

    @Slot(QModelIndex)
    def _on_double_click(self, index: QModelIndex) -> None:
        source = self.model.source(index.row())
        if source is not None:
            self.row_opened.emit(source)

    @Slot(QPoint)
    def _on_menu(self, place: QPoint) -> None:
        index = self._table.indexAt(place)
        if not index.isValid():  # from the keyboard it comes with the middle of the table
            index = self._table.currentIndex()
            place = self._table.visualRect(index).center()
        source = self.model.source(index.row()) if index.isValid() else None
        if source is not None:
            self.menu_wanted.emit(source, self._table.viewport().mapToGlobal(place))

    # Export

    @property
    def can_export(self) -> bool:
        """Whether there is an answer to write."""
        batch = self.model.batch
        return batch is not None and batch.done > 0 and self._export is None

    @Slot()
    def ask_export(self) -> None:
        """Ask where the table goes; names are hidden where they must be (:mod:`desktop.core.figures.public_names`)."""
        if self.can_export:
            self._ask_rows("public", False)

    def _ask_rows(self, style: PathStyle, key: bool) -> None:
        """Ask first which rows are meant, where the filter hides some."""
        shown, batch = self.model.rowCount(), self.model.batch
        if batch is None or not self.model.query.filters:
            self._ask_path(style, key, False)
            return
        self.which = QMenu(self)
        self.which.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        few = self.which.addAction(self.tr("The {0} rows shown…").format(count(shown)))
        few.setEnabled(shown > 0)
        few.triggered.connect(partial(self._ask_path, style, key, True))
        every = self.which.addAction(self.tr("All {0} rows…").format(count(len(batch))))
        every.triggered.connect(partial(self._ask_path, style, key, False))
        self.which.popup(self._save.mapToGlobal(self._save.rect().topLeft()))

    def _ask_path(self, style: PathStyle, key: bool, shown_only: bool) -> None:
        dialog = FileDialog(self, self.tr("Export results"), "save")
        # The dialog itself appends it: only so does it ask before a file that is there is replaced.
        dialog.setDefaultSuffix("csv")
        dialog.setNameFilters([self.tr("CSV tables (*.csv)")])
        dialog.selectFile("fovea-results.csv")
        dialog.fileSelected.connect(partial(self.export_csv, style=style, shown_only=shown_only, key=key))
        dialog.open()

    def export_csv(self, path: str, style: PathStyle = "public", shown_only: bool = False, key: bool = False) -> None:
        """Write the finished pictures to ``path`` in a thread: all in the order of the pictures, filtered or not, or
        those that are shown, as they are shown. With ``key`` a second file says which hidden name is which.

        Ends with ``exported`` or ``export_failed``; a failure is also shown below the table.
        """
        batch = self.model.batch
        if batch is None or self._export is not None:
            return
        self._failure.clear()
        order = [self.model.position(row) for row in range(self.model.rowCount())] if shown_only else None
        hider = self._hider = hider_of(batch, style)
        pipe: SimpleQueue[bytes | None] = SimpleQueue()
        # The rows are made between the window's events, the disk is waited for in a thread.
        self._pipe = pipe
        self._rows = 0

        def write(task: Task) -> None:
            write_whole(path, received(pipe, task))
            if key and hider is not None:
                write_key(path, hider.found())

        self._export = Task(write)
        self._export.answered.connect(self._export_done, Qt.ConnectionType.QueuedConnection)
        self._export.failed.connect(self._export_lost, Qt.ConnectionType.QueuedConnection)
        self._maker = Slices(self._send(csv_rows(batch, style, order, hider)), self)
        self._maker.stepped.connect(self._export_moved)
        self._maker.failed.connect(self._rows_failed)
        self._progress.setRange(0, max(1, batch.done))
        self._progress.setValue(0)
        self._path = path
        self._show_export(True)
        self._export.launch()
        self._maker.launch()

    def _send(self, rows: Iterator[bytes]) -> Generator[int, None, None]:
        """Hand the table's lines to the writing thread; each step yields how many are done."""
        lines: list[bytes] = []
        for line in rows:
            lines.append(line)
            self._rows += 1
            if len(lines) == 100:
                self._pipe.put(b"".join(lines))
                lines.clear()
            if self._rows % 20 == 0:
                yield self._rows
        self._rows -= 1  # the header
        self._pipe.put(b"".join(lines))
        self._pipe.put(None)

    def _rows_failed(self, error: Exception) -> None:
        self.cancel_export()
        raise error

    def cancel_export(self) -> None:
        """Stop an export; a file that was there stays as it was."""
        if self._export is not None:
            self._export.cancel()
        if self._maker is not None:
            self._maker.stop()

    def _show_export(self, busy: bool) -> None:
        self._progress.setVisible(busy)
        self._stop.setVisible(busy)
        self._save.setVisible(not busy)
        self._ways.setVisible(not busy)

    def _export_moved(self, _: object) -> None:
        self._progress.setValue(self._rows)

    def _end_export(self) -> None:
        if self._maker is not None:
            self._maker.stop()
            self._maker.deleteLater()
        self._export = self._maker = None
        self._show_export(False)
        self._count()

    def _export_done(self, _: object) -> None:
        path, rows = self._path, self._rows
        hidden = self._hider.found() if self._hider is not None else None
        self._end_export()
        self._summary.setText(
            self.tr("{count} rows written to {name}").format(count=count(rows), name=Path(path).name)
            + " · "
            + (hidden.words() if hidden is not None and hidden.hidden else self.model.summary())
        )
        self.exported.emit(path, rows)

    def _export_lost(self, error: Exception) -> None:
        self._end_export()
        if not isinstance(error, FoveaError):
            error = FoveaError("export", f"the table was not written: {type(error).__name__}")
        if error.kind != "cancelled":
            self._failure.set_failure(sentence(error.message), error.hint, error.kind)
        self.export_failed.emit(error)
