"""A line of text that shortens itself."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QLabel, QSizePolicy, QWidget

from desktop.ui.kit.names import short_name
from desktop.ui.kit.widgets import tip


class ElidedLabel(QLabel):
    """A line that gives way in its middle when the room is short; whole as a tool tip. Of the name of a ``file`` what
    tells it from others stays: its end, without the suffix."""

    def __init__(self, parent: QWidget | None = None, file: bool = False) -> None:
        super().__init__(parent)
        self._whole, self._file = "", file
        self.setProperty("elides", True)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)

    def set_text(self, text: str) -> None:
        """The whole text."""
        self._whole = text
        self.setToolTip(tip(text))
        self.setAccessibleName(text)
        self._elide()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Elide anew."""
        super().resizeEvent(event)
        self._elide()

    def _elide(self) -> None:
        if self._file:
            self.setText(short_name(self._whole, self.fontMetrics(), self.width()))
        else:
            self.setText(self.fontMetrics().elidedText(self._whole, Qt.TextElideMode.ElideMiddle, self.width()))
