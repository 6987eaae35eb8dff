"""A search as parallel coordinates (one line a trial, one axis a setting), and as a page that needs nothing else."""

from __future__ import annotations

import html
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from desktop.core.pictures.walk import natural_key

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, slots=True)
class TrialLine:
    """One trial: the text of each setting, and its figure (``None`` where it was ended early)."""

    settings: tuple[str, ...]
    value: float | None


def parallel_figure(
    title: str, axes: Sequence[str], lines: Sequence[TrialLine], value_name: str, best_high: bool
) -> Figure:
    """The plot, by matplotlib's own objects (no window, no pyplot). Lines are coloured by their figure, the best is
    drawn strong and last; trials without a figure are thin and grey, and end before the last axis."""
    from matplotlib import colormaps
    from matplotlib.figure import Figure

    figure = Figure(figsize=(max(6.0, 1.7 * (len(axes) + 1)), 4.6), dpi=150, layout="constrained")
    plot = figure.add_subplot()
    scales = [Scale([line.settings[i] for line in lines]) for i in range(len(axes))]
    values = [line.value for line in lines if line.value is not None]
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    span = (high - low) or 1.0
    colours = colormaps["viridis" if best_high else "viridis_r"]
    order = sorted(lines, key=lambda line: _rank(line, best_high))
    for number, line in enumerate(order):
        heights = [scale.place(text) for scale, text in zip(scales, line.settings, strict=True)]
        if line.value is None:
            plot.plot(range(len(axes)), heights, color="0.7", linewidth=0.8)
            continue
        share = (line.value - low) / span
        strong = number == len(order) - 1
        plot.plot(
            range(len(axes) + 1), [*heights, share], color=colours(0.1 + 0.8 * share),
            linewidth=2.6 if strong else 1.1, alpha=1.0 if strong else 0.75,
        )  # fmt: skip
    for place, scale in enumerate(scales):
        plot.axvline(place, color="0.5", linewidth=0.8)
        for text, height in scale.ticks():
            plot.text(place, height, f" {_short(text)}", fontsize=7.5, va="center", ha="left", bbox=_PAPER)
    plot.axvline(len(axes), color="0.2", linewidth=1.2)
    for share in (0.0, 0.5, 1.0):
        plot.text(len(axes), share, f" {low + share * span:.4g}", fontsize=7.5, va="center", ha="left")
    plot.set_xticks(range(len(axes) + 1), [_short(axis, 26) for axis in axes] + [value_name], fontsize=8)
    plot.set_yticks([])
    plot.set_xlim(-0.15, len(axes) + 0.35)
    plot.set_ylim(-0.06, 1.06)
    plot.set_title(title, fontsize=10)
    for side in plot.spines.values():
        side.set_visible(False)
    return figure


def curves_figure(title: str, curves: Sequence[tuple[str, Sequence[tuple[float, float, float, float]]]]) -> Figure:
    """Accuracy against the number of pictures: for each named curve (pictures, mean, least, most), in fractions."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 4.4), dpi=150, layout="constrained")
    plot = figure.add_subplot()
    for name, points in curves:
        x, mean, least, most = (list(column) for column in zip(*points, strict=True))
        (line,) = plot.plot(x, [100 * v for v in mean], marker="o", label=name)
        plot.fill_between(x, [100 * v for v in least], [100 * v for v in most], alpha=0.15, color=line.get_color())
    plot.set_xscale("log")
    ticks = sorted({point[0] for _, points in curves for point in points})
    plot.set_xticks(ticks, [f"{tick:,.0f}" for tick in ticks], rotation=30)
    plot.minorticks_off()
    plot.set_xlabel("pictures to learn from")
    plot.set_ylabel("accuracy (%)")
    plot.set_title(title, fontsize=10)
    plot.grid(alpha=0.3)
    plot.legend()
    return figure


def as_png(figure: Figure) -> bytes:
    """The figure as a PNG file."""
    held = io.BytesIO()
    figure.savefig(held, format="png")
    return held.getvalue()


def as_page(title: str, words: str, figure: Figure, head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """One HTML page with words, figure and table, all inside it."""
    held = io.StringIO()
    figure.savefig(held, format="svg")
    svg = held.getvalue()
    svg = svg[svg.index("<svg") :]
    cells = "".join(f"<th>{html.escape(name)}</th>" for name in head)
    body = "".join("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>\n" for row in rows)
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title>\n'
        "<style>body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:72rem;padding:0 1rem}"
        "svg{max-width:100%;height:auto}table{border-collapse:collapse;font-variant-numeric:tabular-nums}"
        "td,th{padding:.25rem .8rem;border-bottom:1px solid #ccc;text-align:left}</style></head>\n"
        f"<body><h1>{html.escape(title)}</h1><p>{html.escape(words)}</p>\n"
        f'<figure role="img" aria-label="{html.escape(title)}">{svg}</figure>\n'
        f"<table><thead><tr>{cells}</tr></thead><tbody>\n{body}</tbody></table></body></html>\n"
    )


_PAPER = {"facecolor": "white", "alpha": 0.7, "edgecolor": "none", "pad": 0.6}


class Scale:
    """Where the values of one setting stand on its axis, 0 to 1: numbers by size (by magnitude where they span much),
    words evenly."""

    def __init__(self, texts: Sequence[str]) -> None:
        import math

        self._texts = sorted(dict.fromkeys(texts), key=natural_key)
        numbers = [_number(text) for text in self._texts]
        self._numbers: dict[str, float] = {}
        if self._texts and all(number is not None for number in numbers):
            known = [number for number in numbers if number is not None]
            if min(known) > 0 and max(known) / min(known) > 20:
                known = [math.log10(number) for number in known]
            self._numbers = dict(zip(self._texts, known, strict=True))

    def place(self, text: str) -> float:
        if self._numbers:
            low, high = min(self._numbers.values()), max(self._numbers.values())
            return (self._numbers[text] - low) / (high - low) if high > low else 0.5
        return self._texts.index(text) / (len(self._texts) - 1) if len(self._texts) > 1 else 0.5

    def ticks(self) -> list[tuple[str, float]]:
        if not self._numbers:
            return [(text, self.place(text)) for text in self._texts]
        ordered = sorted(self._texts, key=lambda text: self._numbers[text])
        ends = len(ordered) - 1
        picked = ordered if ends < 4 else [ordered[round(i * ends / 3)] for i in range(4)]
        return [(f"{float(text):.3g}", self.place(text)) for text in picked]


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _short(text: str, most: int = 24) -> str:
    plain = text.strip("[]").replace('"', "").replace(", ", ",")
    return plain if len(plain) <= most else plain[: most - 1] + "…"


def _rank(line: TrialLine, best_high: bool) -> tuple[bool, float]:
    if line.value is None:
        return False, 0.0
    return True, line.value if best_high else -line.value
