"""The drawings of a report, as matplotlib figures without pyplot.

They are drawn under :func:`style`, which sets matplotlib's process-wide parameters for that while: write reports from
one thread at a time. Colours are the program's light tokens; the HTML report swaps them for CSS variables, so one
drawing serves both themes.
"""

from __future__ import annotations

import functools
import io
import logging
import re
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from desktop.core.figures.calibration import Bin, RiskCoverage
from desktop.core.figures.metrics import Curves
from desktop.core.figures.result import Figures
from desktop.system.words import language, phrase

TEXT, SECONDARY, BORDER, ACCENT, WRONG = "#1a1e26", "#5a6472", "#dfe3e9", "#2b6ce6", "#c93c3c"
VARIABLES = {TEXT: "--text", SECONDARY: "--secondary", BORDER: "--border", ACCENT: "--accent", WRONG: "--wrong"}
_WANTED_FONTS = (
    "DejaVu Sans", "Noto Sans CJK SC", "Noto Sans SC", "Microsoft YaHei", "PingFang SC", "Hiragino Sans GB", "STHeiti",
    "WenQuanYi Micro Hei", "WenQuanYi Zen Hei", "SimSun", "Noto Sans CJK JP", "Noto Sans JP", "Yu Gothic", "Meiryo",
    "MS Gothic", "Hiragino Sans", "IPAexGothic", "IPAGothic", "TakaoPGothic", "VL Gothic", "Droid Sans Fallback",
    "Noto Sans Arabic", "Noto Naskh Arabic", "Noto Sans Hebrew", "Segoe UI", "Geeza Pro", "Arial Unicode MS", "Arial",
)  # fmt: skip
"""Fonts of systems and of Linux's packages. None is shipped (docs/packaging.md says why)."""
_JAPANESE = ("JP", "Yu Gothic", "Meiryo", "MS Gothic", "Hiragino Sans", "IPA", "Takao", "VL Gothic")
_MATRIX_TEXT = 15  # classes up to which the cells carry their counts


def fonts() -> list[str]:
    """The fonts that are installed here, in the order in which a missing character is looked for in them: what Chinese
    and Japanese share looks different in each."""
    return _fonts(language())


@functools.cache
def _fonts(spoken: str) -> list[str]:
    from matplotlib.font_manager import fontManager

    logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)
    there = set(fontManager.get_font_names())
    found = [name for name in _WANTED_FONTS if name in there]
    if spoken == "ja":
        found.sort(key=lambda name: (name != "DejaVu Sans", not name.startswith(_JAPANESE) and "JP" not in name))
    return found or ["sans-serif"]


def missing(text: str) -> str:
    """The characters of ``text`` that no font here has, each once: they would be drawn as boxes."""
    from matplotlib.font_manager import FontProperties, fontManager, get_font

    wanted = {c for c in text if c.isprintable() and not c.isascii()}
    for name in fonts():
        if not wanted:
            break
        font = get_font(fontManager.findfont(FontProperties(family=name)))
        wanted -= {c for c in wanted if font.get_char_index(ord(c))}
    return "".join(sorted(wanted))


def style() -> Any:
    """matplotlib's settings for a report; use with ``matplotlib.rc_context``."""
    return {
        "font.family": fonts(), "font.size": 9, "text.color": TEXT, "axes.labelcolor": TEXT,
        "axes.edgecolor": SECONDARY,
        "xtick.color": SECONDARY, "ytick.color": SECONDARY, "axes.titlesize": 10, "axes.grid": True,
        "grid.color": BORDER, "grid.linewidth": 0.6, "axes.axisbelow": True, "axes.spines.top": False,
        "axes.spines.right": False, "legend.frameon": False, "pdf.fonttype": 42, "svg.fonttype": "none",
        "text.parse_math": False, "axes.unicode_minus": False,
    }  # fmt: skip


def svg_of(figure: Figure, name: str) -> str:
    """``figure`` as an inline SVG element whose colours follow the page; ``name`` keeps ids of several apart."""
    held = io.StringIO()
    with mpl.rc_context({**style(), "svg.hashsalt": name}):
        figure.savefig(held, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    text = held.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r'(id="|url\(#|href="#)', rf"\g<1>{name}-", text)
    text = re.sub(r'<svg ([^>]*?)width="[^"]*" ?', r"<svg \1", text, count=1)
    text = re.sub(r'<svg ([^>]*?)height="[^"]*" ?', r"<svg \1", text, count=1)
    for colour, variable in VARIABLES.items():
        text = text.replace(colour, f"var({variable})")
    return text


def curves_figure(curves: Curves, point: tuple[float, float] | None, label: str, width: float = 7.2) -> Figure:
    """ROC and precision-recall curve side by side; ``point`` is (1 − specificity, sensitivity) of the threshold."""
    figure = Figure(figsize=(width, width * 0.46), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.plot([0, 1], [0, 1], color=SECONDARY, linewidth=0.8, linestyle=":")
    left.plot(curves.fpr, curves.tpr, color=ACCENT, linewidth=1.6)
    if point is not None:
        left.plot(*point, "o", color=WRONG, markersize=5, label=phrase("threshold used"))
        left.legend(loc="lower right")
    _square(left, phrase("1 − specificity"), phrase("sensitivity for '{label}'", label=label), phrase("ROC curve"))
    right.step(curves.recall, curves.precision, where="post", color=ACCENT, linewidth=1.6)
    _square(right, phrase("recall"), phrase("precision"), phrase("Precision-recall curve"))
    return figure


def _square(axes: Axes, x: str, y: str, title: str) -> None:
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.set_title(title, loc="left")


def calibration_figure(figures: Figures, width: float = 7.2) -> Figure:
    """Reliability diagram and risk-coverage curve side by side."""
    figure = Figure(figsize=(width, width * 0.46), layout="constrained")
    left, right = figure.subplots(1, 2)
    _reliability(left, figures.reliability)
    _risk(right, figures.risk)
    return figure


def _reliability(axes: Axes, bins: list[Bin]) -> None:
    axes.plot([0, 1], [0, 1], color=SECONDARY, linewidth=0.8, linestyle=":")
    for b in bins:
        share = b.accuracy
        if b.confidence is not None and share.value is not None and share.low is not None and share.high is not None:
            axes.plot([b.confidence] * 2, [share.low, share.high], color=SECONDARY, linewidth=1)
            axes.plot([b.confidence], [share.value], "o", color=ACCENT, markersize=4.5)
    _square(axes, phrase("top score"), phrase("share right"), phrase("Reliability"))


def _risk(axes: Axes, risk: RiskCoverage) -> None:
    axes.plot(100 * risk.coverage, 100 * risk.accuracy, color=ACCENT, linewidth=1.6)
    if len(risk.accuracy):
        # A few sure mistakes at the far left must not squeeze the rest of the curve.
        settled = risk.accuracy[risk.coverage >= min(0.1, float(risk.coverage[-1]))]
        low = 100 * float(settled.min())
        axes.set_ylim(max(0.0, low - 0.15 * (100 - low) - 1), 100.5)
    axes.set(xlim=(0, 101))
    axes.set_xlabel(phrase("images answered, the surest first (%)"))
    axes.set_ylabel(phrase("right among them (%)"))
    axes.set_title(phrase("Accuracy against share answered"), loc="left")


def matrix_figure(matrix: np.ndarray, labels: tuple[str, ...], width: float = 7.0) -> Figure:
    """The confusion matrix: share of each row as tint, counts in the cells where there is room."""
    count = len(labels)
    figure = Figure(figsize=(width, width * 0.92), layout="constrained")
    axes = figure.subplots()
    sums = np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    tint = mpl.colors.LinearSegmentedColormap.from_list("tint", ["#ffffff", ACCENT])
    axes.imshow(matrix / sums, cmap=tint, vmin=0, vmax=1, interpolation="nearest")
    axes.grid(False)
    if count <= 60:
        names = [label if len(label) <= 22 else f"{label[:21]}…" for label in labels]
        size = max(3.5, min(9, 150 / count))
        axes.set_xticks(range(count), names, rotation=0 if count <= 3 else 60, fontsize=size)
        if count > 3:
            for tick in axes.get_xticklabels():
                tick.set(horizontalalignment="right", rotation_mode="anchor")
        axes.set_yticks(range(count), names, fontsize=size)
    else:
        axes.set(xticks=[], yticks=[])
    axes.set_xlabel(phrase("answer"))
    axes.set_ylabel(phrase("truth"))
    if count <= _MATRIX_TEXT:
        for i in range(count):
            for j in range(count):
                colour = "#ffffff" if matrix[i, j] / sums[i, 0] > 0.55 else TEXT
                size = max(5.5, min(12, 95 / count))
                axes.text(j, i, f"{int(matrix[i, j]):,}", ha="center", va="center", color=colour, fontsize=size)
    for i in range(count if count <= 60 else 0):
        axes.add_patch(mpl.patches.Rectangle((i - 0.5, i - 0.5), 1, 1, fill=False, edgecolor=SECONDARY, linewidth=1))
    return figure
