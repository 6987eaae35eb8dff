"""The gallery of a project's pictures: several can be chosen, and dragged onto a class or out to other programs."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QDrag
from PySide6.QtWidgets import QLabel, QWidget

from desktop.services.teaching import Teaching
from desktop.ui.kit.widgets import count
from desktop.ui.teach.picture_cell import TaughtDelegate, cell_size
from desktop.ui.teach.pictures_model import PicturesModel
from desktop.ui.widgets.gallery import Gallery


class TaughtGallery(Gallery):
    """Shows the pictures of ``pictures``."""

    def __init__(self, pictures: PicturesModel, teaching: Teaching, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.pictures = pictures
        self.setModel(pictures)
        self.setItemDelegate(TaughtDelegate(pictures, teaching, self))
        self.set_cell_size(cell_size())
        self.setAccessibleName(self.tr("Pictures of the project"))
        self.setDragEnabled(True)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)

    @property
    def current_id(self) -> int:
        """The id of the current picture; 0 for none."""
        return self.pictures.id_at(self.currentIndex().row())

    def selected_rows(self) -> list[int]:
        """The selected rows in order; the current one where none is."""
        model = self.selectionModel()
        rows = sorted(index.row() for index in model.selectedRows()) if model is not None else []
        current = self.currentIndex().row()
        return rows or ([current] if current >= 0 else [])

    def selected_ids(self) -> list[int]:
        """The ids of the selected pictures."""
        return [self.pictures.id_at(row) for row in self.selected_rows()]

    def startDrag(self, actions: Qt.DropAction) -> None:
        """Drag the selected pictures: a word instead of their pictures, however many there are."""
        indexes = self.selectionModel().selectedRows() if self.selectionModel() is not None else []
        if not indexes:
            return
        drag = QDrag(self)
        drag.setMimeData(self.pictures.mimeData(indexes))
        badge = QLabel(self.tr("{0} pictures").format(count(len(indexes))) if len(indexes) > 1 else "")
        if len(indexes) > 1:
            badge.setContentsMargins(8, 4, 8, 4)
            badge.adjustSize()
            drag.setPixmap(badge.grab())
            drag.setHotSpot(QPoint(-8, -8))
        drag.exec(Qt.DropAction.CopyAction)
