"""Looking at a picture large: the whole screen for it; arrows go on, Space or Esc end it."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QDialog, QLabel, QVBoxLayout, QWidget

from desktop.services.explaining import Explainer
from desktop.services.session import ImageItem, Session
from desktop.ui.kit.help_key import give_help
from desktop.ui.kit.theme import DARK, theme
from desktop.ui.kit.widgets import image_of
from desktop.ui.widgets.heat import WHOLE, layer_of
from desktop.ui.widgets.picture_view import PictureView


class LargeLook(QDialog):
    """The session's current picture, as large as the screen. ``step`` carries +1 or -1."""

    step = Signal(int)

    def __init__(self, session: Session, explainer: Explainer | None = None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._explainer = session, explainer
        give_help(self, "classify#the-picture")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._item: ImageItem | None = None  # of which a frame is shown
        self.picture = PictureView()
        self.picture.stepped.connect(self._step_frame)
        self._words = QLabel()
        self._words.setTextFormat(Qt.TextFormat.PlainText)
        self._words.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._words.setStyleSheet(
            f"color: {DARK.secondary}; background: {theme().tokens.picture_ground}; padding: 6px;"
        )
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.picture, 1)
        layout.addWidget(self._words)
        session.preview_changed.connect(self._show)
        session.current_changed.connect(self._show_words)
        if explainer is not None:
            explainer.changed.connect(self._show_map)
            explainer.opacity_changed.connect(self._show_map)
        self.picture.setFocus()
        self._show()

    @Slot()
    def _show(self) -> None:
        preview, item = self._session.preview, self._session.current
        self.picture.set_stepping(item is not None and item.count > 1)
        if preview is not None and item is self._item:
            self.picture.refine(image_of(preview.pixels), preview.original_size)
        elif preview is not None:
            self._item = item
            self.picture.set_image(image_of(preview.pixels), preview.original_size)
        elif item is not None and item is self._item and self._session.preview_failure is None:
            return  # the next frame comes in a moment
        else:
            self._item = None
            self.picture.set_image(None)
            failed = self._session.preview_failure is not None
            self.picture.set_message(self.tr("This image cannot be shown.") if failed else "")
        self._show_words()
        self._show_map()

    @Slot(int)
    def _step_frame(self, by: int) -> None:
        item = self._session.current
        if item is not None:
            self._session.set_frame(min(max(0, item.at + by), item.count - 1))
            self._show_words()

    @Slot()
    def _show_map(self) -> None:
        """What lies over the picture in the window lies over it here as well."""
        explainer = self._explainer
        found = explainer.explanation if explainer is not None and explainer.wanted else None
        if explainer is None or found is None or found.box is None or self._session.prediction is None:
            self.picture.set_layer(None, WHOLE, 1.0)
            return
        self.picture.set_layer(layer_of(found.heat), found.box, explainer.opacity / 100)

    @Slot()
    def _show_words(self) -> None:
        item = self._session.current
        name = item.name if item is not None else ""
        if item is not None and item.count > 1:
            number = self.locale().toString
            name = self.tr("{0}, frame {1} of {2}").format(name, number(item.at + 1), number(item.count))
        self.setWindowTitle(name or self.tr("Picture"))
        keys = self.tr("← → other images · + − zoom · Esc closes")
        self._words.setText(f"{name}    {keys}")

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Space and Esc close; arrows that the picture has no use for go to its neighbours."""
        key = event.key()
        backwards = Qt.Key.Key_Right if self.isRightToLeft() else Qt.Key.Key_Left
        if key in (Qt.Key.Key_Space, Qt.Key.Key_Escape, Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.accept()
        elif key in (Qt.Key.Key_Left, Qt.Key.Key_Up, Qt.Key.Key_Right, Qt.Key.Key_Down):
            self.step.emit(-1 if key in (backwards, Qt.Key.Key_Up) else 1)
        else:
            super().keyPressEvent(event)
