"""The gestures that label pictures: keys, and what the menu and the mouse do with the selected ones."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QObject, QPoint, Qt, Signal, Slot
from PySide6.QtGui import QKeyEvent

from desktop.services.teaching import Teaching
from desktop.ui.teach.taught_gallery import TaughtGallery


class Labelling(QObject):
    """What is done with the pictures selected in ``view``. ``labelled`` says that labels are on the disk, with the row
    behind which to go on (-1: stay); ``large_wanted`` carries a picture, ``menu_wanted`` a place on the screen."""

    labelled = Signal(int)
    large_wanted = Signal(int)
    menu_wanted = Signal(QPoint)

    def __init__(self, teaching: Teaching, view: TaughtGallery, parent: QObject) -> None:
        super().__init__(parent)
        self._teaching, self._view = teaching, view
        self._waiting_keys: list[QKeyEvent] = []
        self._advance_from = -1
        view.installEventFilter(self)
        teaching.changed_labels.connect(self._on_labels)

    # Keys

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Keys label the selected pictures; while a label is on its way to the disk the next key waits its turn."""
        if watched is not self._view or not isinstance(event, QKeyEvent) or event.type() != QEvent.Type.KeyPress:
            return super().eventFilter(watched, event)
        if self._teaching.writing and (self._labels(event) or self._waiting_keys):
            self._waiting_keys.append(event.clone())
            return True
        return self._take_key(event) or super().eventFilter(watched, event)

    def _labels(self, event: QKeyEvent) -> bool:
        keys = (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Backspace)
        return event.key() in keys or bool(self._class_of_key(event))

    def _class_of_key(self, event: QKeyEvent) -> int:
        held = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier | Qt.KeyboardModifier.MetaModifier
        if event.modifiers() & held or not event.text():
            return 0
        text = event.text().casefold()
        return next((c.id for c in self._teaching.classes if c.key and c.key.casefold() == text), 0)

    def _take_key(self, event: QKeyEvent) -> bool:
        if not self._view.selected_rows():
            return False
        class_id = self._class_of_key(event)
        if class_id:
            self.label(class_id)
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.accept_selected()
        elif event.key() == Qt.Key.Key_Backspace:
            self.label(None)
        elif event.key() == Qt.Key.Key_Space:
            self.look()
        elif event.text() == "*":
            self.star()
        elif event.key() == Qt.Key.Key_Delete:
            self.remove()
        elif event.key() == Qt.Key.Key_Menu:
            rect = self._view.visualRect(self._view.currentIndex())
            self.menu_wanted.emit(self._view.viewport().mapToGlobal(rect.center()))
        else:
            return False
        return True

    # Labels

    def label(self, class_id: int | None) -> None:
        """Give the selected pictures a label (``None`` takes it back) and go on to the next one without."""
        rows = self._view.selected_rows()
        self._advance_from = rows[-1] if class_id is not None and rows else -1
        self._teaching.label(self._view.selected_ids(), class_id)

    def accept_selected(self) -> None:
        """Take the suggestion of each selected picture, and go on."""
        rows = self._view.selected_rows()
        if self.accept(self._view.selected_ids()):
            self._advance_from = rows[-1]

    def accept(self, ids: Sequence[int]) -> bool:
        """Take the suggestions of pictures: one step of undo. Whether there were any."""
        suggestions = self._teaching.suggestions
        if suggestions is None:
            return False
        found = {picture_id: suggestions.best_of(picture_id) for picture_id in ids}
        labels: dict[int, int | None] = {i: best[0] for i, best in found.items() if best is not None}
        if labels:
            self._teaching.label_each(labels, "suggestion")
        return bool(labels)

    @Slot(tuple)
    def _on_labels(self, ids: tuple[int, ...]) -> None:
        """Labels are on the disk: show them, go on, and take the keys that waited."""
        start, self._advance_from = self._advance_from, -1
        self.labelled.emit(start)
        while self._waiting_keys and not self._teaching.writing:
            self._take_key(self._waiting_keys.pop(0))

    # Other gestures

    @Slot()
    def look(self) -> None:
        """Look at the current picture large."""
        self.large_wanted.emit(self._view.current_id)

    def star(self) -> None:
        """Star the selected pictures; where all have one, take it off."""
        ids = self._view.selected_ids()
        on = not all(self._view.pictures.facts(i)[3] for i in ids)
        self._teaching.change(lambda project: project.star(ids, on))

    def note(self, picture_id: int, text: str) -> None:
        """Write something beside a picture; '' takes it away. One step of undo."""
        if text.strip() != self._view.pictures.note(picture_id):
            self._teaching.change(lambda project: project.note(picture_id, text.strip()))

    def remove(self) -> None:
        """Take the selected pictures out of the project; their files stay. One step of undo."""
        ids = self._view.selected_ids()
        self._teaching.change(lambda project: project.remove(ids))
