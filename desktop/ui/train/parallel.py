"""Trials as parallel coordinates: an axis for each setting, a line for each trial, the figure on the last axis."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from desktop.report.parallel import Scale, TrialLine
from desktop.ui.kit.theme import blend, theme
from desktop.ui.kit.widgets import draw_focus_ring

_NEAR = 8.0  # pixels between the mouse and a line that is meant


class ParallelPlot(QWidget):
    """``chosen`` carries the number of a line that was clicked. What it shows stands in the table beside it."""

    chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._axes: Sequence[str] = ()
        self._lines: Sequence[TrialLine] = ()
        self._scales: list[Scale] = []
        self._value, self._high = "", True
        self._marked = -1
        self.setAccessibleName(self.tr("Settings of the trials and what came of them"))
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setMinimumSize(260, 180)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        theme().changed.connect(self.update)

    def set_trials(self, axes: Sequence[str], lines: Sequence[TrialLine], value: str, high: bool) -> None:
        """Other trials: the settings' names, a line each, the figure's name and whether more of it is better."""
        self._axes, self._lines, self._value, self._high = axes, lines, value, high
        self._scales = [Scale([line.settings[i] for line in lines]) for i in range(len(axes))]
        self._marked = -1
        self.update()

    def mark(self, number: int) -> None:
        """Draw this line strongest; -1 for none."""
        if number != self._marked:
            self._marked = number
            self.update()

    def sizeHint(self) -> QSize:
        return QSize(520, 260)

    def _area(self) -> QRectF:
        line = self.fontMetrics().height()
        return QRectF(40, 16, max(10, self.width() - 130), max(10, self.height() - 2 * line - 32))

    def _range(self) -> tuple[float, float]:
        values = [line.value for line in self._lines if line.value is not None]
        return (min(values), max(values)) if values else (0.0, 1.0)

    def _points(self, line: TrialLine) -> QPolygonF:
        area, count = self._area(), len(self._axes)
        places = [scale.place(text) for scale, text in zip(self._scales, line.settings, strict=True)]
        if line.value is not None:
            low, high = self._range()
            places.append((line.value - low) / ((high - low) or 1.0))
        step = area.width() / max(1, count)
        return QPolygonF(
            [QPointF(area.left() + i * step, area.bottom() - p * area.height()) for i, p in enumerate(places)]
        )

    def paintEvent(self, event: QPaintEvent) -> None:
        t = theme().tokens
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(t.border), 1))
        painter.setBrush(QColor(t.surface))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 8, 8)
        if not self._axes or not self._lines:
            painter.setPen(QColor(t.secondary))
            painter.drawText(self.rect(), int(Qt.AlignmentFlag.AlignCenter), self.tr("No trial is finished yet."))
            return
        low, high = self._range()
        best = max if self._high else min
        finished = [line.value for line in self._lines if line.value is not None]
        winner = best(finished) if finished else None
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for number, line in enumerate(self._lines):
            if number != self._marked and (line.value is None or line.value != winner):
                share = 0.0 if line.value is None else (line.value - low) / ((high - low) or 1.0)
                share = share if self._high else 1.0 - share
                tone = t.border if line.value is None else blend(t.secondary, t.accent, share)
                painter.setPen(QPen(QColor(tone), 1.1))
                painter.drawPolyline(self._points(line))
        for number, line in enumerate(self._lines):
            if line.value is not None and line.value == winner:
                painter.setPen(QPen(QColor(t.accent), 2.8))
                painter.drawPolyline(self._points(line))
            if number == self._marked:
                painter.setPen(QPen(QColor(t.text), 2.4, Qt.PenStyle.DashLine))
                painter.drawPolyline(self._points(line))
        self._paint_axes(painter, low, high)
        if self.hasFocus():
            draw_focus_ring(painter, self)
        painter.end()

    def _paint_axes(self, painter: QPainter, low: float, high: float) -> None:
        t, area, count = theme().tokens, self._area(), len(self._axes)
        step = area.width() / max(1, count)
        painter.setFont(theme().font("secondary"))
        metrics = painter.fontMetrics()
        line = metrics.height()
        ground = QColor(t.surface)
        ground.setAlpha(215)
        for place in range(count + 1):
            x = area.left() + place * step
            painter.setPen(QPen(QColor(t.secondary), 1.4 if place == count else 1))
            painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()))
            if place < count:
                ticks = self._scales[place].ticks()
            else:
                ticks = [(f"{low + share * (high - low):.4g}", share) for share in (0.0, 0.5, 1.0)]
            for text, height in ticks:
                short = metrics.elidedText(text, Qt.TextElideMode.ElideMiddle, int(max(50, step - 10)))
                y = area.bottom() - height * area.height()
                box = QRectF(x + 4, y - line / 2, metrics.horizontalAdvance(short) + 4, line)
                painter.fillRect(box, ground)
                painter.setPen(QColor(t.text))
                painter.drawText(box, int(Qt.AlignmentFlag.AlignVCenter), short)
            name = self._value if place == count else self._axes[place]
            short = metrics.elidedText(name, Qt.TextElideMode.ElideLeft, int(max(60, step - 6)))
            wide = metrics.horizontalAdvance(short)
            left = min(max(4.0, x - wide / 2), self.width() - wide - 6)
            painter.setPen(QColor(t.text if place == count else t.secondary))
            painter.drawText(QRectF(left, area.bottom() + 8, wide + 4, line), 0, short)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """The line under the mouse is chosen."""
        nearest, number = _NEAR, -1
        for index, line in enumerate(self._lines):
            points = self._points(line)
            for i in range(points.count() - 1):
                far = _distance(event.position(), points.at(i), points.at(i + 1))
                if far < nearest:
                    nearest, number = far, index
        if number >= 0:
            self.chosen.emit(number)


def _distance(p: QPointF, a: QPointF, b: QPointF) -> float:
    """From a point to a piece of a line, in pixels."""
    along = b - a
    length = along.x() ** 2 + along.y() ** 2
    share = 0.0 if length == 0 else max(0.0, min(1.0, QPointF.dotProduct(p - a, along) / length))
    gap = p - (a + along * share)
    return float((gap.x() ** 2 + gap.y() ** 2) ** 0.5)
