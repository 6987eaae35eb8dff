"""The ring that fills as work goes on."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from desktop.ui.kit.theme import blend, theme


def paint_ring(painter: QPainter, place: QRectF, share: float | None, tone: str, width: float = 3.0) -> None:
    """A ring of which ``share`` (0 to 1) is filled; ``None`` draws a quarter, for work whose length is not known."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    inner = place.adjusted(width / 2, width / 2, -width / 2, -width / 2)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    t = theme().tokens
    painter.setPen(QPen(QColor(blend(t.border, t.secondary, 0.35)), width))  # seen on a chosen row as well
    painter.drawEllipse(inner)
    pen = QPen(QColor(tone), width)
    pen.setCapStyle(Qt.PenCapStyle.FlatCap)
    painter.setPen(pen)
    painter.drawArc(inner, 90 * 16, -round((0.25 if share is None else share) * 360 * 16))
    painter.restore()
