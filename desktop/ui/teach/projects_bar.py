"""The line above a project: which one is open, and what can be done with it as a whole."""

from __future__ import annotations

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QMenu, QProgressBar, QPushButton, QToolButton, QWidget

from desktop.engine.teaching_events import LookedAt, Pause
from desktop.services.teaching import Teaching
from desktop.ui.kit.elided import ElidedLabel
from desktop.ui.kit.motion import at_work
from desktop.ui.kit.theme import theme
from desktop.ui.kit.widgets import count, make_label


class ProjectsBar(QWidget):
    """Each signal is one command; the menus are filled by the view."""

    left = Signal()
    add_files_wanted = Signal()
    add_folder_wanted = Signal()
    camera_wanted = Signal()
    heaps_wanted = Signal()
    copies_wanted = Signal()
    undo_wanted = Signal()
    redo_wanted = Signal()

    def __init__(self, teaching: Teaching, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._teaching = teaching
        self.back = QToolButton()
        self.back.setAccessibleName(self.tr("All projects"))
        self.back.setToolTip(self.tr("All projects"))
        self.back.clicked.connect(self.left)
        self.name = ElidedLabel()
        self.name.setProperty("role", "title")
        self.menu = QMenu(self)
        self.project = QPushButton(self.tr("Project"))
        self.project.setProperty("role", "menu")
        self.project.setMenu(self.menu)
        self.add = QPushButton(self.tr("Add pictures"))
        self.add.setProperty("role", "menu")
        adding = QMenu(self)
        adding.addAction(self.tr("Files…"), self.add_files_wanted.emit)
        adding.addAction(self.tr("A folder…"), self.add_folder_wanted.emit)
        adding.addAction(self.tr("From the camera…"), self.camera_wanted.emit)
        self.add.setMenu(adding)
        self.heaps = QPushButton(self.tr("Group alike…"))
        self.heaps.setToolTip(self.tr("Heaps of pictures that are alike, to be named at once"))
        self.heaps.clicked.connect(self.heaps_wanted)
        self.copies = QPushButton(self.tr("Find copies…"))
        self.copies.setToolTip(self.tr("The same picture twice, near copies, and pictures taken in one go"))
        self.copies.clicked.connect(self.copies_wanted)
        self.undo = QToolButton()
        self.redo = QToolButton()
        for button, words, signal in (
            (self.undo, self.tr("Undo"), self.undo_wanted),
            (self.redo, self.tr("Redo"), self.redo_wanted),
        ):
            button.setAccessibleName(words)
            button.setToolTip(words)
            button.clicked.connect(signal)
        self.progress = QProgressBar()
        self.progress.setMaximumWidth(theme().scaled(140))
        self.progress.setTextVisible(False)
        self.progress.setAccessibleName(self.tr("Pictures looked at"))
        self.state = make_label("", "secondary")
        self.stop = QPushButton(self.tr("Pause"))
        self.stop.setProperty("role", "link")
        self.stop.clicked.connect(self._on_stop)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 8, 12, 0)
        layout.setSpacing(8)
        layout.addWidget(self.back)
        layout.addWidget(self.name, 1)
        layout.addWidget(self.progress)
        layout.addWidget(self.state)
        layout.addWidget(self.stop)
        for part in (self.undo, self.redo, self.add, self.heaps, self.copies, self.project):
            layout.addWidget(part)
        self._paused = False
        teaching.opened.connect(self._on_opened)
        teaching.changed_classes.connect(self.refresh)
        teaching.looked.connect(self._on_looked)
        teaching.adding.connect(self._on_adding)
        teaching.added.connect(self._on_added)
        theme().changed.connect(self._dress)
        self._dress()
        self._rest()

    @Slot()
    def _dress(self) -> None:
        for button, icon in ((self.back, "chevron-left"), (self.undo, "undo"), (self.redo, "redo")):
            button.setIcon(theme().icon(icon, 20))

    @Slot()
    def _on_opened(self) -> None:
        self._paused = False
        self._rest()
        self.refresh()

    @Slot()
    def refresh(self) -> None:
        """Name and steps as they are now."""
        teaching = self._teaching
        self.name.set_text(teaching.name)
        self.undo.setEnabled(teaching.to_undo is not None)
        self.redo.setEnabled(teaching.to_redo is not None)
        has = teaching.index is not None and len(teaching.index) > 1
        self.heaps.setEnabled(has)
        self.copies.setEnabled(has)

    def _rest(self) -> None:
        for part in (self.progress, self.state, self.stop):
            part.hide()

    @Slot(int)
    def _on_adding(self, done: int) -> None:
        at_work(self.progress)
        self.progress.show()
        self.state.setText(self.tr("{0} pictures found").format(count(done)))
        self.state.show()
        self.stop.setText(self.tr("Cancel"))
        self.stop.show()

    @Slot()
    def _on_added(self) -> None:
        self._rest()

    @Slot(LookedAt)
    def _on_looked(self, looked: LookedAt) -> None:
        if self._teaching.is_adding:
            return
        if looked.done >= looked.total:
            self._rest()
            return
        self.progress.setRange(0, looked.total)
        self.progress.setValue(looked.done)
        text = self.tr("{0} of {1} looked at").format(count(looked.done), count(looked.total))
        if looked.rate >= 1 and not self._paused:
            text += self.tr(", {0} a second").format(count(round(looked.rate)))
        self.state.setText(text)
        self.stop.setText(self.tr("Go on") if self._paused else self.tr("Pause"))
        for part in (self.progress, self.state, self.stop):
            part.show()

    @Slot()
    def _on_stop(self) -> None:
        if self._teaching.is_adding:
            self._teaching.stop_adding()
            return
        self._paused = not self._paused
        self._teaching.tell(Pause(self._paused))
        self.stop.setText(self.tr("Go on") if self._paused else self.tr("Pause"))
