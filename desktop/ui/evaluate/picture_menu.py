"""What can be done with the pictures of the gallery: the right-click menu, and 'this is a …' from the menu bar."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from PySide6.QtCore import QMimeData, QObject, QPoint, Qt, QUrl, Signal, Slot
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QMenu

from desktop.services.corrections import Corrected
from desktop.services.revealing import reveal
from desktop.services.settings import Settings
from desktop.ui.kit.theme import theme
from desktop.ui.widgets.correcting import OFFERED, Correcting

if TYPE_CHECKING:
    from desktop.core.types import ImageSource
    from desktop.ui.evaluate.gallery_pane import GalleryPane

MOST = 500
"""So many pictures are corrected in one go."""


class PictureMenu(QObject):
    """The menu of ``gallery``. ``said`` carries a sentence on what went wrong, ``told`` on what was done."""

    said = Signal(str)
    told = Signal(str)

    def __init__(self, gallery: GalleryPane, settings: Settings) -> None:
        super().__init__(gallery)
        self._gallery = gallery
        self.correcting = Correcting(settings, gallery)
        self.correcting.failed.connect(self.said)
        self.correcting.told.connect(self.told)
        self.correcting.done.connect(self._on_done)
        gallery.menu_wanted.connect(self.show)

    def sources(self) -> list[ImageSource]:
        """The pictures that are selected, as far as they can still be opened."""
        answers = self._gallery.model.answers
        rows = self._gallery.selected_rows()[:MOST].tolist()
        found = [answers.source(row) for row in rows] if answers is not None else []
        return [source for source in found if source is not None]

    def menu(self) -> QMenu:
        """The menu for what is selected."""
        gallery, sources = self._gallery, self.sources()
        menu = QMenu(gallery)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        look = menu.addAction(theme().icon("large", 16), self.tr("Look at it large"))
        look.triggered.connect(self._look)
        files = [source.path for source in sources if source.path is not None]
        menu.addSeparator()
        copy = menu.addAction(theme().icon("copy", 16), self.tr("Copy the files"))
        copy.triggered.connect(self._copy)
        copy.setEnabled(bool(files))
        where = menu.addAction(theme().icon("copy", 16), self.tr("Copy the paths"))
        where.triggered.connect(self._copy_paths)
        where.setEnabled(bool(files))
        show = menu.addAction(theme().icon("folder", 16), self.tr("Show in the file manager"))
        show.triggered.connect(self._reveal)
        show.setEnabled(bool(files))
        menu.addSeparator()
        below = self.correcting.add_to(menu, sources, self._likely(), gallery.model.labels)
        below.setEnabled(bool(sources))
        return menu

    def _likely(self) -> list[str]:
        """The classes that the selected pictures have been given: as labels and as answers; of few classes all."""
        model = self._gallery.model
        answers, labels = model.answers, model.labels
        if answers is None or len(labels) <= 2 * OFFERED:
            return list(labels)
        found: dict[str, None] = {}
        for row in self._gallery.selected_rows()[:OFFERED].tolist():
            for index in (int(answers.truth[row]), int(answers.predicted[row])):
                if 0 <= index < len(labels):
                    found[labels[index]] = None
        return list(found)[: 2 * OFFERED]

    @Slot(QPoint)
    def show(self, place: QPoint) -> None:
        """Open the menu at ``place`` of the screen."""
        self.menu().popup(place)

    def correct(self) -> None:
        """Ask what the selected pictures really are."""
        self.correcting.ask(self.sources(), self._gallery.model.labels)

    @Slot()
    def _look(self) -> None:
        self._gallery.opened.emit(self._gallery.view.currentIndex().row())

    def _paths(self) -> list[str]:
        return [os.path.abspath(source.path) for source in self.sources() if source.path is not None]

    @Slot()
    def _copy(self) -> None:
        mime = QMimeData()
        mime.setUrls([QUrl.fromLocalFile(path) for path in self._paths()])
        QGuiApplication.clipboard().setMimeData(mime)

    @Slot()
    def _copy_paths(self) -> None:
        QGuiApplication.clipboard().setText("\n".join(self._paths()))

    @Slot()
    def _reveal(self) -> None:
        paths = self._paths()
        if paths:
            reveal(paths[0])

    @Slot(str, object)
    def _on_done(self, words: str, corrected: Corrected) -> None:
        self.told.emit(words + " " + self.tr("Edit › Corrections takes it back."))
