"""A plot of curves that grow: matplotlib's Agg in a Qt widget, drawn so that the window is never held up.

A whole drawing (frame, ticks, words) costs some twenty milliseconds and happens only when the limits or the words
change, which are chosen in steps for that reason. In between only the curves are drawn over the kept rest.
Until matplotlib is there (see :mod:`desktop.ui.widgets.plotting`) a sentence stands in its place.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from PySide6.QtCore import QEvent, QSize, Qt, QTimer, Slot
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent, QShowEvent
from PySide6.QtWidgets import QFrame, QStackedLayout, QToolTip, QWidget

from desktop.ui.theme import theme
from desktop.ui.widgets._kit import decimals, draw_focus_ring, make_label
from desktop.ui.widgets.plotting import plotting

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

_MOST_DRAWN = 1500  # points of one curve; more than there are pixels


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """One curve: ``x`` and ``y`` of equal length; values that are not finite leave a gap. ``tone`` names a colour of
    the theme, or is one (``#RRGGBB``). ``mark`` is the index of a point to ring, -1 for none; the legend calls it
    ``mark_name``, where that is given."""

    name: str
    x: Sequence[float]
    y: Sequence[float]
    tone: str = "accent"
    width: float = 2.0
    style: str = "-"
    dots: bool = False
    mark: int = -1
    mark_name: str = ""


@dataclass(frozen=True, slots=True)
class Frame:
    """What stands around the curves. ``x_to``: where the x axis ends (0: where the curves do). ``kind`` chooses the y
    axis: from 0 up, or shares up to 1."""

    title: str
    x: str
    x_to: float = 0.0
    kind: Literal["loss", "share"] = "loss"
    x_from: float = 0.0
    legend: bool = True


class CurvePlot(QFrame):
    """``set_content`` whenever there is more to draw; it costs nothing while the plot is not seen."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("card", "true")
        self.setAccessibleName(name)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setMinimumSize(220, 160)
        self._frame = Frame(name, "")
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
        self._ground: Any = None
        self._framed: tuple[object, ...] = ()
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(0)
        self._later.timeout.connect(self._draw)
        theme().changed.connect(self._dress)
        plotting().ready.connect(self._on_ready)
        plotting().failed.connect(self._on_failed)
        self._words.setText(self.tr("The plot is being prepared…"))

    # What is shown

    def set_content(self, frame: Frame, series: Sequence[Series], said: str = "") -> None:
        """Other curves, or more of them; ``said`` is what a screen reader tells."""
        self._frame, self._series, self._nothing = frame, series, ""
        self.setAccessibleDescription(said)
        self._schedule()

    def set_nothing(self, frame: Frame, why: str) -> None:
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
        from matplotlib.backends.backend_qtagg import FigureCanvasQTAgg
        from matplotlib.figure import Figure

        from desktop.report.plots import style

        with mpl.rc_context(style()):
            figure = Figure()
            canvas = FigureCanvasQTAgg(figure)
            self._axes = figure.add_subplot()
        canvas.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        canvas.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent, True)
        canvas.setMouseTracking(True)
        canvas.installEventFilter(self)
        canvas.mpl_connect("draw_event", self._on_drawn)
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
        size = (self._canvas.width(), self._canvas.height())
        framed = (self._frame, names, low, high, top_x, theme().is_dark, size)
        whole = framed != self._framed or self._ground is None
        if whole:
            self._framed = framed
            self._dress_axes(low, high, top_x)
        self._move_lines()
        if whole:
            self._ground = None
            self._canvas.draw_idle()
        else:
            self._canvas.restore_region(self._ground)
            self._draw_lines()
            self._canvas.blit(self._canvas.figure.bbox)

    def _on_drawn(self, event: object) -> None:
        """matplotlib has drawn everything but the curves: keep that, then draw the curves."""
        self._ground = self._canvas.copy_from_bbox(self._canvas.figure.bbox)
        self._draw_lines()

    def _draw_lines(self) -> None:
        assert self._axes is not None
        for line in (*self._lines, self._ring):
            if line is not None:
                self._axes.draw_artist(line)

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
        dress(axes, self._frame, (low, high, top_x), colours_of(theme().is_dark))
        # The margins are given in pixels: laying out by the text's own size would cost a second drawing.
        wide, tall = max(1, canvas.width()), max(1, canvas.height())
        canvas.figure.subplots_adjust(
            left=min(0.4, 52 / wide), right=1 - 14 / wide, top=1 - min(0.3, 30 / tall), bottom=min(0.4, 44 / tall)
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


# What file and window share


def thinned(series: Series) -> tuple[np.ndarray, np.ndarray]:
    """The curve as arrays, float64, at most about 1,500 points."""
    import numpy as np

    count = min(len(series.x), len(series.y))
    step = max(1, -(-count // _MOST_DRAWN))
    picked = list(range(0, count, step))
    if picked and picked[-1] != count - 1:
        picked.append(count - 1)
    return np.array([series.x[i] for i in picked], float), np.array([series.y[i] for i in picked], float)


def limits(frame: Frame, series: Sequence[Series]) -> tuple[float, float, float]:
    """The y axis from, to, and where the x axis ends: round numbers, so that they rarely move."""
    ys = [y for s in series for y in s.y if math.isfinite(y)]
    right = max((x for s in series for x in s.x), default=1.0)
    top_x = frame.x_to or max(1.0, right)
    if frame.kind == "share":
        lowest = min(ys, default=0.0)
        low = next((edge for edge in (0.98, 0.95, 0.9, 0.8, 0.6, 0.4, 0.2) if lowest > edge + (1 - edge) * 0.05), 0.0)
        return low, 1.0 + (1.0 - low) * 0.02, top_x
    return 0.0, _round_up(_high(ys)), top_x


def _high(values: list[float]) -> float:
    """The highest value worth showing: a first batch may be far above everything that follows."""
    if not values:
        return 1.0
    ordered = sorted(values)
    most = ordered[-1]
    usual = ordered[int(0.97 * (len(ordered) - 1))]
    return usual * 1.5 if len(ordered) > 60 and most > 3 * usual > 0 else most


def _round_up(value: float) -> float:
    if value <= 0 or not math.isfinite(value):
        return 1.0
    scale = 10 ** math.floor(math.log10(value * 1.04))
    return next(step * scale for step in (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10) if step * scale >= value * 1.04)


def colours_of(dark: bool) -> Any:
    """The colours of a theme, whichever is in use."""
    from desktop.ui import theme as themes

    return themes.DARK if dark else themes.LIGHT


def look_of(series: Series, dark: bool) -> dict[str, Any]:
    """How a curve is drawn, as matplotlib's settings."""
    tone = series.tone if series.tone.startswith("#") else getattr(colours_of(dark), series.tone)
    few = series.dots or len(series.x) < 2
    return {
        "color": tone, "linewidth": series.width, "linestyle": series.style, "label": series.name,
        "marker": "o" if few else "", "markersize": 3.5, "solid_capstyle": "round",
    }  # fmt: skip


def dress(axes: Axes, frame: Frame, held: tuple[float, float, float], t: Any) -> None:
    """Title, limits, ticks and colours of the axes; ``held`` as from :func:`limits`."""
    from matplotlib.ticker import MaxNLocator

    low, high, top_x = held
    axes.set_facecolor(t.surface)
    axes.set_title(frame.title, loc="left", color=t.text, fontsize=9.5, fontweight="bold", pad=8)
    axes.set_xlabel(frame.x, color=t.secondary, fontsize=9, labelpad=3)
    axes.set_xlim(frame.x_from, max(top_x, frame.x_from + 1e-9))
    axes.set_ylim(low, high)
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.tick_params(colors=t.secondary, labelsize=8.5, length=3)
    axes.grid(True, color=t.border, linewidth=0.6)
    for side in axes.spines.values():
        side.set_color(t.border)


def legend(axes: Axes, series: Sequence[Series], dark: bool) -> None:
    """The names of the curves, above the axes at the right."""
    from matplotlib.lines import Line2D

    held = axes.get_legend()
    if held is not None:
        held.remove()
    if not series:
        return
    t = colours_of(dark)
    handles = []
    for one in series:
        handles.append(Line2D([], [], **{**look_of(one, dark), "marker": "o" if one.dots else ""}))
        if one.mark_name:
            ring = {"marker": "o", "linestyle": "", "color": t.text, "label": one.mark_name}
            handles.append(Line2D([], [], markersize=7, markerfacecolor="none", markeredgewidth=1.5, **ring))
    box = axes.legend(
        handles=handles, loc="lower right", bbox_to_anchor=(1.005, 0.995), ncols=min(3, len(handles)), fontsize=8.5,
        frameon=False, borderaxespad=0.0, handlelength=1.6, columnspacing=1.2, handletextpad=0.5,
    )  # fmt: skip
    for text in box.get_texts():
        text.set_color(t.text)


def draw_file(path: str, plots: Sequence[tuple[Frame, Sequence[Series]]]) -> None:
    """Write plots side by side into a PNG in the light colours. Raises OSError."""
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    from desktop.report.plots import style

    with mpl.rc_context(style()):
        figure = Figure(figsize=(6.4 * len(plots), 4.0), layout="constrained")
        FigureCanvasAgg(figure)
        for place, (frame, series) in enumerate(plots):
            axes = figure.add_subplot(1, len(plots), place + 1)
            dress(axes, frame, limits(frame, series), colours_of(False))
            for one in series:
                axes.plot(*thinned(one), **look_of(one, False))
                if 0 <= one.mark < len(one.x):
                    axes.plot(
                        [one.x[one.mark]], [one.y[one.mark]], "o", markersize=9, markerfacecolor="none", color="#1A1E26"
                    )
            legend(axes, series, False)
        figure.savefig(path, dpi=200, format="png", metadata={"Software": "Fovea"})
