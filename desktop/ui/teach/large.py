"""One picture of a project as large as the window; the keys that label in the gallery label here as well."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, Qt, Slot
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QDialog, QVBoxLayout, QWidget

from desktop.ui.kit.help_key import give_help
from desktop.ui.kit.widgets import make_label
from desktop.ui.widgets.picture_view import PictureView

if TYPE_CHECKING:
    from desktop.ui.teach.picture_side import PictureSide
    from desktop.ui.teach.pictures_pane import PicturesPane


class LargeTaught(QDialog):
    """Shows what the side shows; arrows go through the gallery."""

    def __init__(self, pane: PicturesPane, side: PictureSide, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._pane, self._side = pane, side
        self.picture = PictureView()
        self.picture.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.words = make_label("", wrap=True)
        self.words.setAlignment(Qt.AlignmentFlag.AlignCenter)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 8)
        layout.addWidget(self.picture, 1)
        layout.addWidget(self.words)
        if parent is not None:
            room = parent.window().size()
            self.resize(max(800, room.width() - 40), max(560, room.height() - 40))
        side.shown.connect(self._show)
        pane.chosen.connect(self._say)
        self._show()

    @Slot()
    def _show(self) -> None:
        image, size = self._side.image
        self.picture.set_image(image, size)
        self._say()

    @Slot()
    def _say(self) -> None:
        picture_id = self._pane.view.current_id
        self.setWindowTitle(self._pane.model.facts(picture_id)[0])
        give_help(self, "teach#labelling")
        self.words.setText(self._pane.model.words(picture_id))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Space and Esc close; all other keys are the gallery's."""
        if event.key() in (Qt.Key.Key_Space, Qt.Key.Key_Escape):
            self.accept()
            return
        QCoreApplication.sendEvent(self._pane.view, event)
        self._say()
