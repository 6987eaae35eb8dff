"""What a plot shows and how it is drawn, in a window and in a file alike. Imports matplotlib only when it draws."""

from __future__ import annotations

import math
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes

_MOST_DRAWN = 1500  # points of one curve; more than there are pixels
_ENTRY, _LETTER, _BOLD = 36.0, 6.4, 9.5  # pixels: the sign of a legend's entry, a letter of it and of a title


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
class PlotFrame:
    """What stands around the curves. ``x_to``: where the x axis ends (0: where the curves do). ``kind`` chooses the y
    axis: from 0 up, or shares up to 1."""

    title: str
    x: str
    x_to: float = 0.0
    kind: Literal["loss", "share"] = "loss"
    x_from: float = 0.0
    legend: bool = True


def thinned(series: Series) -> tuple[np.ndarray, np.ndarray]:
    """The curve as arrays, float64, at most about 1,500 points."""
    import numpy as np

    count = min(len(series.x), len(series.y))
    step = max(1, -(-count // _MOST_DRAWN))
    picked = list(range(0, count, step))
    if picked and picked[-1] != count - 1:
        picked.append(count - 1)
    return np.array([series.x[i] for i in picked], float), np.array([series.y[i] for i in picked], float)


def limits(frame: PlotFrame, series: Sequence[Series]) -> tuple[float, float, float]:
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
    scale: float = 10.0 ** math.floor(math.log10(value * 1.04))
    return next(step * scale for step in (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10) if step * scale >= value * 1.04)


def colours_of(dark: bool) -> Any:
    """The colours of a theme, whichever is in use."""
    from desktop.ui.kit import theme as themes

    return themes.DARK if dark else themes.LIGHT


def look_of(series: Series, dark: bool) -> dict[str, Any]:
    """How a curve is drawn, as matplotlib's settings."""
    tone = series.tone if series.tone.startswith("#") else getattr(colours_of(dark), series.tone)
    few = series.dots or len(series.x) < 2
    return {
        "color": tone, "linewidth": series.width, "linestyle": series.style, "label": series.name,
        "marker": "o" if few else "", "markersize": 3.5, "solid_capstyle": "round",
    }  # fmt: skip


def crowded(frame: PlotFrame, series: Sequence[Series], wide: float) -> bool:
    """Whether title and legend need a line each above axes ``wide`` pixels across; by the usual width of letters, since
    measuring them would cost a drawing."""
    if not frame.legend:
        return False
    names = [name for one in series for name in (one.name, one.mark_name) if name]
    return sum(_ENTRY + _LETTER * len(name) for name in names) + _BOLD * len(frame.title) > wide


def dress(axes: Axes, frame: PlotFrame, held: tuple[float, float, float], t: Any, lines: Literal[1, 2] = 1) -> None:
    """Title, limits, ticks and colours of the axes; ``held`` as from :func:`limits`. With two ``lines`` the title
    stands above the legend."""
    from matplotlib.ticker import MaxNLocator

    low, high, top_x = held
    axes.set_facecolor(t.surface)
    axes.set_title(frame.title, loc="left", color=t.text, fontsize=9.5, fontweight="bold", pad=5 if lines == 1 else 18)
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


def draw_file(path: str, plots: Sequence[tuple[PlotFrame, Sequence[Series]]]) -> None:
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


def ground(axes: Axes) -> Generator[None, None, Any]:
    """Draw everything but the animated artists, one after the other, on a buffer of the figure's own size.

    Returns the region to lay under the curves. The longest part, an axis with its numbers, takes about 8 ms.
    """
    from matplotlib.backends.backend_agg import RendererAgg

    figure = axes.figure
    width, height = figure.bbox.size
    renderer = RendererAgg(width, height, figure.dpi)
    rest = [
        one for one in axes.get_children() if one is not axes.patch and one.get_visible() and not one.get_animated()
    ]
    for artist in (figure.patch, axes.patch, *sorted(rest, key=lambda one: one.get_zorder())):
        artist.draw(renderer)
        yield
    return renderer.copy_from_bbox(figure.bbox)
