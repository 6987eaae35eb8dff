"""A small line chart in the theme's colours: curves, points with intervals, one moving mark.

Drawn by Qt itself: a curve of a thousand points costs about a millisecond, so that a mark can follow a slider, and no
plotting library has to be loaded for it. What it shows stands in a table beside it as well: a chart has no words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from desktop.ui.kit.theme import theme
from desktop.ui.kit.widgets import decimals, draw_focus_ring


@dataclass(frozen=True, slots=True, eq=False)
class ChartLine:
    """A curve: ``x`` and ``y`` float64 (n,), in the units of the axes; ``tone`` names a colour of the theme."""

    x: np.ndarray
    y: np.ndarray
    tone: str = "accent"
    name: str = ""
    dotted: bool = False
    steps: bool = False


@dataclass(frozen=True, slots=True)
class Spot:
    """A point with its interval (``low`` to ``high``)."""

    x: float
    y: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Axis:
    """What is measured, from where to where, and how many decimals a tick has; ``unit`` follows the number."""

    name: str
    low: float = 0.0
    high: float = 1.0
    places: int = 1
    unit: str = ""


class Chart(QWidget):
    """``set_content`` for what rarely changes, ``set_mark`` for what moves."""

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._title = title
        self._x, self._y = Axis(""), Axis("")
        self._lines: Sequence[ChartLine] = ()
        self._spots: Sequence[Spot] = ()
        self._bars: Sequence[tuple[float, float, float]] = ()
        self._mark: tuple[float, float] | None = None
        self._mark_words = ""
        self._nothing = ""
        self.setAccessibleName(title)
        self.setMinimumSize(180, 150)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        theme().changed.connect(self.update)

    def set_content(
        self,
        x: Axis,
        y: Axis,
        lines: Sequence[ChartLine] = (),
        spots: Sequence[Spot] = (),
        bars: Sequence[tuple[float, float, float]] = (),
        said: str = "",
    ) -> None:
        """Other curves. ``bars`` are (from, to, height from 0 to 1) on the x axis, drawn faintly behind; ``said`` is
        what a screen reader tells."""
        self._x, self._y, self._lines, self._spots, self._bars = x, y, lines, spots, bars
        self._nothing = ""
        self.setAccessibleDescription(said)
        self.update()

    def set_mark(self, place: tuple[float, float] | None, words: str = "") -> None:
        """The point that is in use now, in the units of the axes."""
        self._mark, self._mark_words = place, words
        self.update()

    def set_nothing(self, why: str) -> None:
        """There is no curve, and why."""
        self._lines, self._spots, self._bars, self._mark = (), (), (), None
        self._nothing = why
        self.setAccessibleDescription(why)
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(320, 300)

    def _area(self) -> QRectF:
        """Where the curves are, within the axes."""
        line = self.fontMetrics().height()
        widest = max(self.fontMetrics().horizontalAdvance(self._tick(self._y, v)) for v in (self._y.low, self._y.high))
        left = widest + line + 14
        return QRectF(left, line + 22, self.width() - left - 24, self.height() - 3 * line - 40)

    def _tick(self, axis: Axis, value: float) -> str:
        return decimals(value, axis.places) + axis.unit

    @overload
    def _at(self, x: float, y: float) -> tuple[float, float]: ...

    @overload
    def _at(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]: ...

    def _at(self, x: np.ndarray | float, y: np.ndarray | float) -> tuple[np.ndarray | float, np.ndarray | float]:
        area = self._area()
        wide, high = self._x.high - self._x.low or 1.0, self._y.high - self._y.low or 1.0
        return area.left() + (x - self._x.low) / wide * area.width(), area.bottom() - (
            y - self._y.low
        ) / high * area.height()

    def paintEvent(self, event: QPaintEvent) -> None:
        t = theme().tokens
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(t.surface))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 8, 8)
        painter.setPen(QPen(QColor(t.border), 1))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 8, 8)
        if self.hasFocus():
            draw_focus_ring(painter, self)
        area = self._area()
        bold = theme().font("secondary")
        bold.setBold(True)
        painter.setFont(bold)
        painter.setPen(QColor(t.text))
        painter.drawText(QRectF(12, 6, self.width() - 24, area.top() - 14), Qt.AlignmentFlag.AlignVCenter, self._title)
        if self._nothing:
            painter.setFont(theme().font("secondary"))
            painter.setPen(QColor(t.secondary))
            flags = int(Qt.AlignmentFlag.AlignCenter) | int(Qt.TextFlag.TextWordWrap)
            painter.drawText(area.adjusted(-20, 0, 0, 0), flags, self._nothing)
            return
        self._paint_axes(painter, area)
        painter.setClipRect(area.adjusted(-4, -4, 4, 4))
        self._paint_bars(painter, area)
        for line in self._lines:
            self._paint_line(painter, line)
        for spot in self._spots:
            x, low = self._at(spot.x, spot.low)
            _, high = self._at(spot.x, spot.high)
            _, y = self._at(spot.x, spot.y)
            painter.setPen(QPen(QColor(t.secondary), 1.5))
            painter.drawLine(QPointF(x, low), QPointF(x, high))
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(t.accent))
            painter.drawEllipse(QPointF(x, y), 3.5, 3.5)
        painter.setClipping(False)
        if self._mark is not None:
            x, y = self._at(*self._mark)
            painter.setPen(QPen(QColor(t.surface), 2))
            painter.setBrush(QColor(t.wrong))
            painter.drawEllipse(QPointF(x, y), 6, 6)
            painter.setFont(theme().font("secondary"))
            painter.setPen(QColor(t.text))
            metrics = painter.fontMetrics()
            wide = metrics.horizontalAdvance(self._mark_words)
            left = x + 10 if x + 10 + wide < area.right() else x - 10 - wide
            low = y + 16 if y + 20 < area.bottom() else y - 10
            painter.drawText(QPointF(left, low), self._mark_words)
        painter.end()

    def _paint_axes(self, painter: QPainter, area: QRectF) -> None:
        t = theme().tokens
        painter.setFont(theme().font("secondary"))
        metrics = painter.fontMetrics()
        line = metrics.height()
        parts = 5 if area.width() > 200 else 2
        for step in range(parts + 1):
            share = step / parts
            x = area.left() + share * area.width()
            y = area.bottom() - share * area.height()
            painter.setPen(QPen(QColor(t.border), 1))
            painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()))
            painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))
            painter.setPen(QColor(t.secondary))
            words = self._tick(self._x, self._x.low + share * (self._x.high - self._x.low))
            painter.drawText(QRectF(x - 40, area.bottom() + 3, 80, line), Qt.AlignmentFlag.AlignHCenter, words)
            words = self._tick(self._y, self._y.low + share * (self._y.high - self._y.low))
            flags = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            painter.drawText(QRectF(line, y - line / 2, area.left() - line - 6, line), flags, words)
        painter.setPen(QColor(t.text))
        name = metrics.elidedText(self._x.name, Qt.TextElideMode.ElideRight, int(area.width() + 20))
        place = QRectF(area.left() - 10, area.bottom() + line + 6, area.width() + 20, line)
        painter.drawText(place, Qt.AlignmentFlag.AlignHCenter, name)
        painter.save()
        painter.translate(6, area.center().y())
        painter.rotate(-90)
        room = area.height() + 30
        name = metrics.elidedText(self._y.name, Qt.TextElideMode.ElideRight, int(room))
        painter.drawText(QRectF(-room / 2, 0, room, line), Qt.AlignmentFlag.AlignHCenter, name)
        painter.restore()

    def _paint_bars(self, painter: QPainter, area: QRectF) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(theme().tokens.soft))
        for low, high, share in self._bars:
            left, _ = self._at(low, 0.0)
            right, _ = self._at(high, 0.0)
            top = area.bottom() - share * area.height() * 0.9
            painter.drawRect(QRectF(left + 1, top, right - left - 2, area.bottom() - top))

    def _paint_line(self, painter: QPainter, line: ChartLine) -> None:
        if not len(line.x):
            return
        xs, ys = self._at(line.x, line.y)
        path = QPainterPath(QPointF(xs[0], ys[0]))
        before = float(ys[0])
        for x, y in zip(xs.tolist(), ys.tolist(), strict=True):
            if line.steps:
                path.lineTo(x, before)
            path.lineTo(x, y)
            before = y
        pen = QPen(QColor(getattr(theme().tokens, line.tone)), 1.2 if line.dotted else 2)
        pen.setStyle(Qt.PenStyle.DotLine if line.dotted else Qt.PenStyle.SolidLine)
        painter.setPen(pen)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPath(path)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """The nearest point of the curve under the mouse, as a tool tip."""
        solid = [line for line in self._lines if not line.dotted and len(line.x)]
        if not solid:
            return
        place = event.position()
        best: tuple[float, float, float] | None = None
        for line in solid:
            xs, ys = self._at(line.x, line.y)
            far = np.hypot(xs - place.x(), ys - place.y())
            nearest = int(np.argmin(far))
            if best is None or far[nearest] < best[0]:
                best = (float(far[nearest]), float(line.x[nearest]), float(line.y[nearest]))
        if best is not None and best[0] < 24:
            places = (self._x.places + 2, self._y.places + 2)
            words = f"{self._x.name}: {decimals(best[1], places[0])}{self._x.unit}\n"
            words += f"{self._y.name}: {decimals(best[2], places[1])}{self._y.unit}"
            QToolTip.showText(event.globalPosition().toPoint(), words, self)
        else:
            QToolTip.hideText()
