"""A column that scrolls up and down and is never cut off at its side."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QScrollArea, QWidget


class Scrolled(QScrollArea):
    """Holds a widget as wide as itself; it asks for the width that the widget needs beside a scroll bar."""

    def __init__(self, parent: QWidget | None = None, whole: bool = False) -> None:
        """``whole``: it asks for the height that the widget has at its width, and scrolls only where it gets less."""
        super().__init__(parent)
        self._whole = whole
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)

    def minimumSizeHint(self) -> QSize:
        """What the widget needs across, and a little down."""
        held = self.widget()
        across = held.minimumSizeHint().width() if held is not None else 0
        return QSize(across + self.verticalScrollBar().sizeHint().width(), 60)

    def sizeHint(self) -> QSize:
        """What the widget needs at the width that there is."""
        held = self.widget()
        if not self._whole or held is None:
            return super().sizeHint()
        width = max(self.width(), self.minimumSizeHint().width())
        # As high as beside a scroll bar, where words take more lines: else a bar that is there once is needed for ever.
        beside = width - self.verticalScrollBar().sizeHint().width()
        high = held.heightForWidth(beside) if held.hasHeightForWidth() else held.sizeHint().height()
        return QSize(width, high)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Another width is another height."""
        super().resizeEvent(event)
        if self._whole and event.size().width() != event.oldSize().width():
            self.updateGeometry()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """What the widget needs may have changed."""
        if event.type() == QEvent.Type.LayoutRequest and watched is self.widget():
            self.updateGeometry()
        return super().eventFilter(watched, event)
