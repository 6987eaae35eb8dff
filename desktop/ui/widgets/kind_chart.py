"""Where a picture stands among the model's own pictures: their spread, the limit, and a mark."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from desktop.ui.kit.theme import theme
from desktop.ui.kit.widgets import decimals

_FARTHEST = 4.0  # what lies beyond is drawn at the edge
_HEIGHT = 76


class KindChart(QWidget):
    """``show_place(quantiles, score)``: quantiles of own pictures' scores at 0, 5 … 100 %, and the picture's own."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._quantiles: Sequence[float] = ()
        self._score = 0.0
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(self.tr("Distance from the training pictures"))
        theme().changed.connect(self.update)

    def show_place(self, quantiles: Sequence[float], score: float) -> None:
        """Draw the spread of own pictures and this one's place."""
        self._quantiles, self._score = tuple(quantiles), score
        words = self.tr("This picture: {0}. Limit: 1. 95 of 100 of the model's own pictures lie below it.").format(
            decimals(score, 2)
        )
        self.setAccessibleDescription(words)
        self.setToolTip(words)
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(200, _HEIGHT)

    def minimumSizeHint(self) -> QSize:
        return QSize(140, _HEIGHT)

    def paintEvent(self, event: QPaintEvent) -> None:
        if len(self._quantiles) < 3:
            return
        tokens = theme().tokens
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(theme().font("secondary"))
        text = painter.fontMetrics().height()
        area = QRectF(8, text + 4, self.width() - 16, self.height() - 2 * text - 8)
        low = min(self._quantiles[0], self._score, -1.0)
        high = min(_FARTHEST, max(1.6, self._score + 0.3))

        def x(value: float) -> float:
            share = (min(value, high) - low) / (high - low)
            return area.left() + share * area.width()

        painter.setPen(QPen(QColor(tokens.secondary), 1))
        painter.setBrush(QColor(tokens.soft))
        painter.drawPath(self._spread(area, x, high))
        painter.setPen(QPen(QColor(tokens.secondary), 1))
        painter.drawLine(area.bottomLeft(), area.bottomRight())
        painter.setPen(QPen(QColor(tokens.secondary), 1, Qt.PenStyle.DashLine))
        painter.drawLine(QPointF(x(1.0), area.top()), QPointF(x(1.0), area.bottom()))
        outside = self._score > 1.0
        colour = QColor(tokens.caution if outside else tokens.accent)
        place = x(self._score)
        painter.setPen(QPen(colour, 2))
        painter.drawLine(QPointF(place, area.top() + 6), QPointF(place, area.bottom()))
        painter.setBrush(colour)
        corners = ((place - 5, area.top()), (place + 5, area.top()), (place, area.top() + 8))
        painter.drawPolygon(QPolygonF([QPointF(*corner) for corner in corners]))
        painter.setPen(colour)
        self._write(painter, self.tr("this picture"), place, 0, text)
        painter.setPen(QColor(tokens.secondary))
        foot = self.height() - text - 1
        self._write(painter, self.tr("its own pictures"), x(self._quantiles[10]), foot, text)
        if x(1.0) - x(self._quantiles[10]) > 90:
            self._write(painter, self.tr("limit"), x(1.0), foot, text)

    def _spread(self, area: QRectF, x: Callable[[float], float], high: float) -> QPainterPath:
        """The density of own pictures: equal shares lie between two quantiles, so it is one over their distance."""
        points = [q for q in self._quantiles if q <= high]
        heights = []
        for first, second in pairwise(points):
            heights.append(((first + second) / 2, 1.0 / max(second - first, 0.02)))
        largest = max(height for _, height in heights)
        path = QPainterPath(QPointF(x(points[0]), area.bottom()))
        for place, height in heights:
            path.lineTo(x(place), area.bottom() - height / largest * area.height())
        path.lineTo(x(points[-1]), area.bottom())
        path.closeSubpath()
        return path

    def _write(self, painter: QPainter, words: str, middle: float, top: float, height: int) -> None:
        width = painter.fontMetrics().horizontalAdvance(words) + 2
        left = min(max(0.0, middle - width / 2), self.width() - width)
        painter.drawText(QRectF(left, top, width, height), int(Qt.AlignmentFlag.AlignCenter), words)
