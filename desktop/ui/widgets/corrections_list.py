"""The pictures that were given their right label, and taking that back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QHBoxLayout,
    QHeaderView,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from desktop.services.corrections import Corrections
from desktop.ui.kit.help_key import give_help
from desktop.ui.kit.widgets import count, first_size, make_label

if TYPE_CHECKING:
    from desktop.services.corrections import Correction


class CorrectionsList(QDialog):
    """What the project of the corrections was taught, the newest first. ``retrain_wanted`` carries the project's id."""

    retrain_wanted = Signal(str)

    def __init__(self, corrections: Corrections, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(self.tr("Corrections"))
        give_help(self, "acting#this-is-a-")
        self._corrections = corrections
        self._rows: list[Correction] = []
        self._words = make_label("", "secondary", wrap=True)
        self.table = QTableWidget(0, 3)
        self.table.setHorizontalHeaderLabels([self.tr("Picture"), self.tr("It is a"), self.tr("Folder")])
        self.table.setAccessibleName(self.tr("Corrected pictures"))
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setTabKeyNavigation(False)
        self.table.setShowGrid(False)
        self.table.setAlternatingRowColors(True)
        self.table.verticalHeader().hide()
        header = self.table.horizontalHeader()
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.setSectionResizeMode(2, QHeaderView.ResizeMode.Stretch)
        self.table.setColumnWidth(0, 220)
        self.table.setColumnWidth(1, 160)
        self.table.itemSelectionChanged.connect(self._check)
        self.back = QPushButton(self.tr("Take back"))
        self.back.clicked.connect(self._take_back)
        close = QPushButton(self.tr("Close"))
        close.clicked.connect(self.reject)
        foot = QHBoxLayout()
        self.retrain = QPushButton(self.tr("Retrain with them"))
        self.retrain.setProperty("role", "primary")
        self.retrain.setToolTip(self.tr("Make the model anew with these labels, and compare old and new"))
        self.retrain.clicked.connect(self._on_retrain)
        foot.addWidget(self.retrain)
        foot.addStretch(1)
        foot.addWidget(self.back)
        foot.addWidget(close)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 16, 16, 12)
        layout.setSpacing(10)
        layout.addWidget(self._words)
        layout.addWidget(self.table, 1)
        layout.addLayout(foot)
        corrections.found.connect(self._show)
        corrections.taken_back.connect(self._again)
        first_size(self, 680, 460)
        self._check()
        corrections.list_corrections()

    @Slot(list)
    def _show(self, rows: list[Correction]) -> None:
        import os

        self._rows = rows
        self.table.setRowCount(len(rows))
        for place, row in enumerate(rows):
            for column, text in enumerate((row.name, row.label, os.path.dirname(row.path))):
                item = QTableWidgetItem(text)
                item.setToolTip(text)
                self.table.setItem(place, column, item)
        told = self.tr("{0} pictures were given their right label. Teach learns from them.").format(count(len(rows)))
        none = self.tr("No picture was corrected yet: right-click one, then ‘This is a…’.")
        self._words.setText(told if rows else none)
        self._check()

    @Slot()
    def _check(self) -> None:
        self.back.setEnabled(bool(self.table.selectionModel().selectedRows()))
        self.retrain.setEnabled(bool(self._rows))

    @Slot()
    def _on_retrain(self) -> None:
        self.retrain_wanted.emit(self._corrections.project)
        self.accept()

    @Slot()
    def _take_back(self) -> None:
        chosen = [self._rows[index.row()].id for index in self.table.selectionModel().selectedRows()]
        if chosen:
            self._corrections.unlabel(chosen)

    @Slot()
    def _again(self) -> None:
        self._corrections.list_corrections()
