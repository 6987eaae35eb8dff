"""What lies over the window while something is dragged over it."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from desktop.ui.kit.theme import theme


class DropOverlay(QWidget):
    """A frame and a sentence; lets every event through. ``words`` says what a drop would do here."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAccessibleName(self.tr("Drop to open"))
        self.words = ""

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the frame and the sentence."""
        t = theme().tokens
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        ground = QColor(t.window)
        ground.setAlpha(170)
        painter.fillRect(self.rect(), ground)
        frame = QRectF(self.rect()).adjusted(16, 16, -16, -16)
        painter.setPen(QPen(QColor(t.accent), 2, Qt.PenStyle.DashLine))
        soft = QColor(t.soft)
        soft.setAlpha(150)
        painter.setBrush(soft)
        painter.drawRoundedRect(frame, 12, 12)
        painter.setPen(QColor(t.text))
        painter.setFont(theme().font("answer"))
        painter.drawText(frame, int(Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap), self.words)
        painter.end()
