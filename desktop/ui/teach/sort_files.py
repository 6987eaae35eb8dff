"""The labelled pictures' files copied or moved into folders by label, or renamed; found again by the project."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QWidget

from desktop.services.background import DiskWork
from desktop.services.sorting import Sorter
from desktop.services.teaching import Teaching
from desktop.ui.classify.sort_dialog import SortDialog
from desktop.ui.teach.exchange import Exchange

if TYPE_CHECKING:
    from desktop.app.sorting import Answered
    from desktop.services.settings import Settings
    from desktop.store.project import Project


class SortFiles(QObject):
    """Asks how, with the preview that Classify has; the project looks for its pictures where they lie then."""

    def __init__(
        self, teaching: Teaching, exchange: Exchange, settings: Settings, disk: DiskWork, view: QWidget
    ) -> None:
        super().__init__(view)
        self._teaching, self._exchange, self._settings = teaching, exchange, settings
        self._disk, self._view = disk, view
        self.sorter = Sorter(self)
        self.dialog: SortDialog | None = None

    @Slot()
    def ask(self) -> None:
        """Read the labels, then ask."""
        project = self._teaching.project
        if project is not None:
            self._disk.run(partial(_labelled, project), self._show, self._teaching.failed.emit)

    def _show(self, pictures: list[Answered]) -> None:
        self.dialog = SortDialog(pictures, None, self.sorter, self._settings, self._view)
        self.dialog.setWindowTitle(self.tr("Sort the Files by Label"))
        self.dialog.moved.connect(self._on_moved)
        self.dialog.open()

    @Slot(object)
    def _on_moved(self, places: dict[str, str]) -> None:
        folders = sorted({os.path.dirname(place) for place in places.values()})
        self._exchange.find_moved(*folders)


def _labelled(project: Project) -> list[Answered]:
    """The project's labelled pictures that have files of the user's own, each with its label as the answer."""
    from desktop.app.sorting import Answered
    from desktop.app.teaching_exchange import to_export
    from desktop.core.types import ImageSource

    own = os.path.join(project.folder, "")
    return [
        Answered(ImageSource.from_path(path), label, 1.0, "answered")
        for path, label, *_ in to_export(project)
        if not path.startswith(own)  # what Fovea keeps itself stays where it keeps it
    ]
