"""A plot of curves that grow: matplotlib's Agg in a Qt widget, drawn so that the window is never held up.

A whole drawing (frame, ticks, words) costs some twenty milliseconds. It happens only when the limits or the words
change, which are chosen in steps for that reason, and then in parts between the window's events; the old drawing stands
until the new one is whole. In between only the curves are drawn over the kept rest.
Until matplotlib is there (see :mod:`desktop.ui.widgets.plotting`) a sentence stands in its place.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QEvent, QSize, Qt, QTimer, Slot
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent, QShowEvent
from PySide6.QtWidgets import QFrame, QStackedLayout, QToolTip, QWidget

from desktop.services.background import Slices
from desktop.ui.kit.theme import theme
from desktop.ui.kit.widgets import decimals, draw_focus_ring, make_label
from desktop.ui.widgets.plot_drawing import (
    PlotFrame,
    Series,
    colours_of,
    crowded,
    dress,
    ground,
    legend,
    limits,
    look_of,
    thinned,
)
from desktop.ui.widgets.plotting import plotting

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D


class CurvePlot(QFrame):
    """``set_content`` whenever there is more to draw; it costs nothing while the plot is not seen."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("card", "true")
        self.setAccessibleName(name)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setMinimumSize(220, 160)
        self._frame = PlotFrame(name, "")
        self._series: Sequence[Series] = ()
        self._nothing = ""
        self._words = make_label("", "secondary", wrap=True)
        self._words.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._words.setContentsMargins(16, 16, 16, 16)
        self._stack = QStackedLayout(self)
        self._stack.setContentsMargins(6, 6, 6, 6)
        self._stack.addWidget(self._words)
        self._canvas: Any = None
        self._axes: Axes | None = None
        self._lines: list[Line2D] = []
        self._ring: Any = None
        self._ground: Any = None  # the finished drawing without the curves; None while there is none of these limits
        self._framed: tuple[object, ...] = ()  # what the ground shows, or will
        self._parts: Slices | None = None  # the drawing of a ground on its way
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(0)
        self._later.timeout.connect(self._draw)
        theme().changed.connect(self._dress)
        plotting().ready.connect(self._on_ready)
        plotting().failed.connect(self._on_failed)
        self._words.setText(self.tr("The plot is being prepared…"))

    # What is shown

    def set_content(self, frame: PlotFrame, series: Sequence[Series], said: str = "") -> None:
        """Other curves, or more of them; ``said`` is what a screen reader tells."""
        self._frame, self._series, self._nothing = frame, series, ""
        self.setAccessibleDescription(said)
        self._schedule()

    def set_nothing(self, frame: PlotFrame, why: str) -> None:
        """There is nothing to draw, and why."""
        self._frame, self._series, self._nothing = frame, (), why
        self.setAccessibleDescription(why)
        self._schedule()

    @property
    def settled(self) -> bool:
        """Whether all that is to be seen is drawn."""
        if not self.isVisible():
            return True
        return plotting().there and not self._later.isActive() and (bool(self._nothing) or self._ground is not None)

    def sizeHint(self) -> QSize:
        return QSize(420, 280)

    def _schedule(self) -> None:
        if self.isVisible() and plotting().there and not self._later.isActive():
            self._later.start()

    def showEvent(self, event: QShowEvent) -> None:
        """Seen for the first time: now matplotlib is wanted."""
        super().showEvent(event)
        plotting().fetch()
        self._schedule()

    @Slot()
    def _on_ready(self) -> None:
        self._schedule()

    @Slot(str)
    def _on_failed(self, why: str) -> None:
        self._words.setText(self.tr("Plots cannot be drawn here ({0}). The figures stand in the table.").format(why))

    # Drawing

    def _make(self) -> None:
        """The canvas; matplotlib is there."""
        import matplotlib as mpl
        from matplotlib.figure import Figure

        from desktop.report.plots import style
        from desktop.ui.widgets.plot_canvas import PlotCanvas

        with mpl.rc_context(style()):
            figure = Figure()
            canvas = PlotCanvas(figure)
            self._axes = figure.add_subplot()
        canvas.installEventFilter(self)
        self._canvas = canvas
        self._stack.addWidget(canvas)

    @Slot()
    def _draw(self) -> None:
        if not self.isVisible():
            return
        if self._canvas is None:  # made before it is needed, and in a turn of its own: it costs as much as a drawing
            self._make()
            self._later.start()
            return
        if self._nothing:
            self._words.setText(self._nothing)
            self._stack.setCurrentWidget(self._words)
            return
        self._stack.setCurrentWidget(self._canvas)
        low, high, top_x = limits(self._frame, self._series)
        names = tuple((s.name, s.tone, s.width, s.style, s.dots, s.mark_name) for s in self._series)
        size = (self._canvas.width(), self._canvas.height(), self._canvas.device_pixel_ratio)
        framed = (self._frame, names, low, high, top_x, theme().is_dark, size)
        if framed == self._framed and self._parts is not None:
            return  # the curves of today follow with the ground
        if framed != self._framed or self._ground is None:
            self._framed = framed
            self._draw_ground(low, high, top_x)
        else:
            self._show()

    def _draw_ground(self, low: float, high: float, top_x: float) -> None:
        """Begin to draw everything but the curves."""
        if self._parts is not None:
            self._parts.stop()
            self._parts.deleteLater()
        assert self._axes is not None
        self._ground = None
        self._dress_axes(low, high, top_x)
        self._parts = Slices(ground(self._axes), self)
        self._parts.answered.connect(self._on_ground)
        self._parts.failed.connect(self._on_broken)
        self._parts.launch()

    @Slot(object)
    def _on_ground(self, region: object) -> None:
        if self._parts is not None:
            self._parts.deleteLater()
        self._parts, self._ground = None, region
        self._draw()

    @Slot(object)
    def _on_broken(self, error: Exception) -> None:
        self._parts = None
        self._on_failed(type(error).__name__)
        self._stack.setCurrentWidget(self._words)

    def _show(self) -> None:
        """The curves of now over the ground."""
        assert self._axes is not None
        self._move_lines()
        lines = [line for line in (*self._lines, self._ring) if line is not None]
        self._canvas.show_over(self._ground, self._axes, lines)

    def _move_lines(self) -> None:
        ring_x: list[float] = []
        ring_y: list[float] = []
        for line, series in zip(self._lines, self._series, strict=True):
            line.set_data(*thinned(series))
            if 0 <= series.mark < len(series.x):
                ring_x.append(series.x[series.mark])
                ring_y.append(series.y[series.mark])
        if self._ring is not None:
            self._ring.set_data(ring_x, ring_y)

    def _dress_axes(self, low: float, high: float, top_x: float) -> None:
        assert self._axes is not None
        canvas, axes, t = self._canvas, self._axes, theme().tokens
        canvas.figure.set_facecolor(t.surface)
        # The margins are given in pixels: laying out by the text's own size would cost a second drawing.
        wide, tall = max(1, canvas.width()), max(1, canvas.height())
        two = crowded(self._frame, self._series, wide - 74)
        dress(axes, self._frame, (low, high, top_x), colours_of(theme().is_dark), 2 if two else 1)
        above = 48 if two else 30
        canvas.figure.subplots_adjust(
            left=min(0.4, 60 / wide), right=1 - 14 / wide, top=1 - min(0.3, above / tall), bottom=min(0.4, 44 / tall)
        )
        for line in (*self._lines, self._ring):
            if line is not None:
                line.remove()
        self._lines = [
            axes.plot([], [], animated=True, **look_of(series, theme().is_dark))[0] for series in self._series
        ]
        self._ring = axes.plot(
            [],
            [],
            "o",
            animated=True,
            clip_on=False,
            markersize=9,
            markerfacecolor="none",
            markeredgewidth=1.8,
            color=t.text,
        )[0]
        legend(axes, self._series if self._frame.legend else (), theme().is_dark)

    @Slot()
    def _dress(self) -> None:
        self._framed = ()
        self._schedule()

    def eventFilter(self, watched: Any, event: QEvent) -> bool:
        """The canvas was resized, or the mouse is over it."""
        if event.type() == QEvent.Type.Resize:
            self._ground = None
            self._framed = ()
            self._schedule()
        elif event.type() == QEvent.Type.MouseMove and isinstance(event, QMouseEvent):
            self._tell_nearest(event)
        return False

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self.hasFocus():
            painter = QPainter(self)
            draw_focus_ring(painter, self)
            painter.end()

    def _tell_nearest(self, event: QMouseEvent) -> None:
        """The values of the point nearest to the mouse, as a tool tip."""
        if self._axes is None:
            return
        ratio = self._canvas.device_pixel_ratio
        at = (event.position().x() * ratio, (self._canvas.height() - event.position().y()) * ratio)
        best: tuple[float, Series, float, float] | None = None
        for series in self._series:
            xs, ys = thinned(series)
            if not len(xs):
                continue
            points = self._axes.transData.transform(list(zip(xs, ys, strict=True)))
            far = ((points - at) ** 2).sum(axis=1) ** 0.5
            far[far != far] = math.inf
            nearest = int(far.argmin())
            if best is None or far[nearest] < best[0]:
                best = (float(far[nearest]), series, float(xs[nearest]), float(ys[nearest]))
        if best is None or best[0] > 24 * ratio:
            QToolTip.hideText()
            return
        _, series, x, y = best
        places = 0 if x == round(x) else 2
        words = f"{series.name}\n{self._frame.x}: {decimals(x, places)}\n{self._frame.title}: {decimals(y, 4)}"
        QToolTip.showText(event.globalPosition().toPoint(), words, self._canvas)
