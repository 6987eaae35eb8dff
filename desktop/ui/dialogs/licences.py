"""Licences: every component of this program, and the text that goes with it."""

from __future__ import annotations

import contextlib

from PySide6.QtCore import QSize, QSortFilterProxyModel, Qt, Signal, Slot
from PySide6.QtGui import QFontDatabase, QStandardItem, QStandardItemModel
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QLineEdit,
    QPlainTextEdit,
    QSplitter,
    QTreeView,
    QVBoxLayout,
    QWidget,
)

from desktop.services.background import run_aside
from desktop.system import licences
from desktop.ui.kit.help_key import give_help
from desktop.ui.kit.widgets import count, first_size, make_label

_ROW = 28
_PART = int(Qt.ItemDataRole.UserRole) + 1


class LicencesDialog(QDialog):
    """The components on the left, the chosen one's licence on the right; typing filters by name or licence.

    The texts are read in a thread: there are some hundred files of them.
    """

    _read = Signal(object)  # the components, or a sentence that says why there are none

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Licences"))
        give_help(self, "privacy#licences")
        self._summary = make_label(self.tr("Reading the list …"), "secondary", wrap=True)
        self._filter = QLineEdit()
        self._filter.setPlaceholderText(self.tr("Filter by name or licence"))
        self._filter.setAccessibleName(self.tr("Filter the components"))
        self._filter.setClearButtonEnabled(True)
        self._model = QStandardItemModel(self)
        self._shown = QSortFilterProxyModel(self)
        self._shown.setSourceModel(self._model)
        self._shown.setFilterCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self._filter.textChanged.connect(self._shown.setFilterFixedString)
        self._shown.setFilterKeyColumn(-1)
        self._model.setHorizontalHeaderLabels([self.tr("Component"), self.tr("Licence")])
        self._list = QTreeView()
        self._list.setModel(self._shown)
        self._list.setAccessibleName(self.tr("Components"))
        self._list.setUniformRowHeights(True)
        self._list.setRootIsDecorated(False)
        self._list.setAllColumnsShowFocus(True)
        self._list.setColumnWidth(0, 210)
        self._list.selectionModel().currentChanged.connect(self._show)
        self._text = QPlainTextEdit()
        self._text.setReadOnly(True)
        self._text.setAccessibleName(self.tr("The licence's text"))
        self._text.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self._text.document().setDocumentMargin(10)
        self._text.setLineWrapMode(QPlainTextEdit.LineWrapMode.WidgetWidth)
        left = QWidget()
        column = QVBoxLayout(left)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self._filter)
        column.addWidget(self._list, 1)
        panes = QSplitter()
        panes.setChildrenCollapsible(False)
        panes.addWidget(left)
        panes.addWidget(self._text)
        panes.setSizes([400, 600])
        note = make_label(
            self.tr(
                "Qt and PySide6 are used under the GNU Lesser General Public License, version 3. Their libraries are "
                "files of their own beside the program: you may replace them by your own build. The program's "
                "documentation says how, under 'licences'."
            ),
            "secondary",
            wrap=True,
        )
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(20, 20, 20, 12)
        layout.setSpacing(12)
        layout.addWidget(self._summary)
        layout.addWidget(panes, 1)
        layout.addWidget(note)
        layout.addWidget(buttons)
        first_size(self, 1000, 640)
        self._filter.setFocus()
        self._read.connect(self._fill)
        run_aside(self._gather, name="licences")

    @property
    def names(self) -> list[str]:
        """The components that the list shows now."""
        parts = [self._shown.index(row, 0).data(_PART) for row in range(self._shown.rowCount())]
        return [part.name for part in parts]

    @property
    def text(self) -> str:
        """The licence that is shown."""
        return self._text.toPlainText()

    def _gather(self) -> None:
        found: object
        try:
            found = licences.components()
        except ValueError as error:
            found = str(error)
        with contextlib.suppress(RuntimeError):  # the dialog was closed meanwhile
            self._read.emit(found)

    @Slot(object)
    def _fill(self, found: object) -> None:
        if not isinstance(found, list):
            self._summary.setText(self.tr("The list of components cannot be read. Install Fovea again."))
            return
        for part in found:
            row = [QStandardItem(f"{part.name} {part.version}".strip()), QStandardItem(part.licence)]
            for item in row:
                item.setToolTip(part.licence)
                item.setSizeHint(QSize(0, _ROW))
                item.setEditable(False)
            row[0].setData(part, _PART)
            self._model.appendRow(row)
        self._summary.setText(
            self.tr("Fovea is free software under the Apache License 2.0. It is made of {0} components:").format(
                count(len(found))
            )
        )
        if found:
            self._list.setCurrentIndex(self._shown.index(0, 0))

    @Slot()
    def _show(self) -> None:
        part = self._list.currentIndex().siblingAtColumn(0).data(_PART)
        if part is None:
            self._text.clear()
            return
        head = [f"{part.name} {part.version}", part.licence]
        if part.homepage:
            head.append(part.homepage)
        if part.source:
            head.append(self.tr("Source: {0}").format(part.source))
        texts = part.texts or (self.tr("This package brings no text of its licence."),)
        self._text.setPlainText("\n\n".join(["\n".join(head), *texts]))
