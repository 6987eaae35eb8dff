"""Every key of the window in one list, filtered while one types."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSortFilterProxyModel, Qt
from PySide6.QtGui import QStandardItem, QStandardItemModel
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QHeaderView, QLineEdit, QTreeView, QVBoxLayout, QWidget

from desktop.ui.kit.help_key import give_help
from desktop.ui.kit.theme import theme
from desktop.ui.kit.widgets import first_size
from desktop.ui.shell.keys import KeyGroup, native


class ShortcutsDialog(QDialog):
    """Shows ``listed``; Esc closes it."""

    def __init__(self, listed: Sequence[KeyGroup], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Keyboard Shortcuts"))
        give_help(self, "shortcuts")
        self.filter = QLineEdit()
        self.filter.setPlaceholderText(self.tr("Filter by key or by what it does"))
        self.filter.setAccessibleName(self.tr("Filter the shortcuts"))
        self.filter.setClearButtonEnabled(True)
        self._model = QStandardItemModel(0, 2, self)
        self._model.setHorizontalHeaderLabels([self.tr("What it does"), self.tr("Key")])
        title = theme().font("text")
        title.setBold(True)
        for group in listed:
            head = QStandardItem(group.title)
            head.setFont(title)
            for keys, words in group.rows:
                key = "  ".join(map(native, keys))
                row = [QStandardItem(words), QStandardItem(key)]
                row[0].setAccessibleText(f"{words}: {key}")
                head.appendRow(row)
            self._model.appendRow([head, QStandardItem()])
        self._shown = QSortFilterProxyModel(self)
        self._shown.setSourceModel(self._model)
        self._shown.setFilterKeyColumn(-1)
        self._shown.setFilterCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self._shown.setRecursiveFilteringEnabled(True)
        self.list = QTreeView()
        self.list.setModel(self._shown)
        self.list.setRootIsDecorated(False)
        self.list.setItemsExpandable(False)
        self.list.setEditTriggers(QTreeView.EditTrigger.NoEditTriggers)
        self.list.setAllColumnsShowFocus(True)
        self.list.setAccessibleName(self.tr("Keyboard shortcuts"))
        self.list.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.list.header().setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        self.list.header().setStretchLastSection(False)
        self.list.setStyleSheet("QTreeView::item { padding: 4px 2px; }")
        self.list.expandAll()
        self.filter.textChanged.connect(self._choose)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(20, 20, 20, 12)
        layout.setSpacing(12)
        layout.addWidget(self.filter)
        layout.addWidget(self.list, 1)
        layout.addWidget(buttons)
        first_size(self, 640, 620)

    @property
    def rows(self) -> list[tuple[str, str]]:
        """What is listed now: what each key does, and the key."""
        found = []
        for number in range(self._shown.rowCount()):
            head = self._shown.index(number, 0)
            for row in range(self._shown.rowCount(head)):
                cells = (self._shown.index(row, column, head).data() for column in (0, 1))
                found.append((next(cells), next(cells)))
        return found

    def _choose(self, text: str) -> None:
        self._shown.setFilterFixedString(text)
        self.list.expandAll()
