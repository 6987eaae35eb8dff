"""No project is open: begin one, or go on with one."""

from __future__ import annotations

from PySide6.QtCore import QDateTime, QLocale, QSize, Qt, Signal, Slot
from PySide6.QtWidgets import QLabel, QListWidget, QListWidgetItem, QPushButton, QVBoxLayout, QWidget

from desktop.store.project_facts import ProjectEntry
from desktop.ui.kit.theme import theme
from desktop.ui.kit.widgets import count, make_label, tip
from desktop.ui.widgets.empty_state import EmptyFrame

_ROW, _MOST_ROWS = 32, 7
_ID = Qt.ItemDataRole.UserRole


class TeachStart(QWidget):
    """``opened`` carries a project's id, ``new_wanted`` asks for a new one, ``folder_wanted`` for one of a folder."""

    opened = Signal(str)
    new_wanted = Signal()
    folder_wanted = Signal()
    samples_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.frame = EmptyFrame(
            "teach",
            self.tr("Teach Fovea to tell your pictures apart"),
            self.tr(
                "Drop unsorted pictures or folders here, say what a few of them are, and Fovea suggests the rest. "
                "Your files stay where they are and are never changed; nothing leaves this computer."
            ),
            "",
            1,
            self,
        )
        self.new = QPushButton(self.tr("New project…"))
        self.new.setProperty("role", "primary")
        self.new.clicked.connect(self.new_wanted)
        self.folder = QPushButton(self.tr("Begin with a folder…"))
        self.folder.clicked.connect(self.folder_wanted)
        self.frame.row.addWidget(self.new)
        self.frame.row.addWidget(self.folder)
        self._title: QLabel = make_label(self.tr("Your projects"), "title")
        self.list = QListWidget()
        self.list.setAccessibleName(self.tr("Your projects"))
        self.list.setMinimumWidth(theme().scaled(420))
        self.list.itemActivated.connect(self._on_activated)
        self.list.itemDoubleClicked.connect(self._on_activated)
        self.frame.column.addWidget(self._title, 0, Qt.AlignmentFlag.AlignHCenter)
        self.frame.column.addWidget(self.list, 0, Qt.AlignmentFlag.AlignHCenter)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 12, 12, 12)
        layout.addWidget(self.frame)
        self.set_projects([])

    def set_projects(self, entries: list[ProjectEntry]) -> None:
        """List the projects, the one changed last first."""
        self.list.clear()
        for entry in entries:
            item = QListWidgetItem(self._words(entry))
            item.setData(_ID, entry.id)
            item.setSizeHint(QSize(400, _ROW))
            if entry.problem:
                item.setFlags(item.flags() & ~Qt.ItemFlag.ItemIsEnabled)
                item.setToolTip(tip(entry.problem))
            self.list.addItem(item)
        self.list.setFixedHeight(min(len(entries), _MOST_ROWS) * _ROW + 8)
        self.list.setVisible(bool(entries))
        self._title.setVisible(bool(entries))
        if entries:
            self.list.setCurrentRow(0)

    def _words(self, entry: ProjectEntry) -> str:
        if entry.problem:
            return self.tr("{0}: cannot be opened ({1})").format(entry.name, entry.problem)
        moment = QDateTime.fromSecsSinceEpoch(int(entry.changed))
        when = QLocale().toString(moment.date(), QLocale.FormatType.ShortFormat)
        text = self.tr("{0}:  {1} of {2} pictures labelled, {3} classes, {4}")
        return text.format(entry.name, count(entry.labelled), count(entry.pictures), count(entry.classes), when)

    @Slot(QListWidgetItem)
    def _on_activated(self, item: QListWidgetItem) -> None:
        if item.flags() & Qt.ItemFlag.ItemIsEnabled:
            self.opened.emit(str(item.data(_ID)))
