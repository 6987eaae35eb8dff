"""Ink on a transparent sheet, painted as it grows: only the newest segment is drawn, however much lies there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPen

from desktop.ui.kit.widgets import grey_of

if TYPE_CHECKING:
    from desktop.core.drawings.strokes import Drawing, Stroke

INK = QColor("#15181d")
"""Ink and paper are the same in both themes: a drawing is a drawing."""
PAPER = QColor("#ffffff")


class InkLayer:
    """Strokes on a square of ``side`` pixels."""

    def __init__(self, side: int) -> None:
        self.image = QImage(side, side, QImage.Format.Format_ARGB32_Premultiplied)
        self.image.fill(Qt.GlobalColor.transparent)

    @property
    def side(self) -> int:
        """Width and height in pixels."""
        return self.image.width()

    def show(self, drawing: Drawing) -> None:
        """Paint ``drawing`` and nothing else."""
        self.image.fill(Qt.GlobalColor.transparent)
        for stroke in drawing:
            self.extend(stroke, 0)

    def extend(self, stroke: Stroke, first: int) -> None:
        """Paint the points of ``stroke`` from the index ``first`` on, joined to the one before."""
        painter = QPainter(self.image)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if stroke.erase:
            painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_Clear)
        pen = QPen(INK)
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        for index in range(first, len(stroke.points)):
            before = max(0, index - 1)
            pen.setWidthF(max(1.0, (stroke.width_at(before) + stroke.width_at(index)) / 2 * self.side))
            painter.setPen(pen)
            start, end = self._place(stroke, before), self._place(stroke, index)
            if start == end:
                painter.drawPoint(start)
            else:
                painter.drawLine(start, end)
        painter.end()

    def _place(self, stroke: Stroke, index: int) -> QPointF:
        x, y, _ = stroke.points[index]
        return QPointF(x * self.side, y * self.side)


def lay_under(painter: QPainter, under: QImage, side: float) -> None:
    """Draw the picture ``under`` whole onto a square of ``side``, in its middle."""
    scale = side / max(under.width(), under.height())
    width, height = under.width() * scale, under.height() * scale
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    painter.translate((side - width) / 2, (side - height) / 2)
    painter.scale(scale, scale)
    painter.drawImage(0, 0, under)
    painter.resetTransform()


def edge_colour(picture: QImage) -> QColor:
    """The grey that is the median of the outermost pixels of ``picture``: its paper's."""
    import numpy as np  # not with the window: it starts without

    grey = grey_of(picture)
    level = int(np.median(np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])))
    return QColor(level, level, level)
