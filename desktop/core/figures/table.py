"""METRICS: every figure of an evaluation, once: its key, its title, where it stands in :class:`Figures`, its unit.

The command line, the JSON form, the HTML and PDF reports, the cards of models and the window all read these tables and
list nothing themselves. To add a figure, add a row; where :class:`desktop.core.figures.result.Figures` does not hold it
yet, give the row ``compute`` (a function of :mod:`desktop.core.figures.metrics`, say): it is worked out with the rest.

The tables stand in ``core`` and not in ``app`` because ``ml`` (cards, ``evaluation.json``) and ``report``, which lie
below ``app``, read them too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

import numpy as np

from desktop.core.figures.clustered import Persons
from desktop.core.figures.intervals import Estimate, share_of, shown
from desktop.core.translate import QT_TRANSLATE_NOOP
from desktop.system.words import number, phrase, translated, worded

CONTEXT = "Metrics"
"""The context in which a window translates the titles of this table."""

Unit = Literal["percent", "number", "count"]
"""``count``: a share that is written as how many of how many first."""
Group = Literal["answers", "decision", "ranking", "means", "calibration", "kind"]

Compute = Callable[[np.ndarray, np.ndarray, np.ndarray, "Persons | None", int], Estimate]
"""From truth and answers, int32 (n,), scores float32 (n, labels), whose image each is, and a seed for a bootstrap."""


@dataclass(frozen=True, slots=True)
class Measure:
    """One figure.

    ``key`` names it in JSON. ``title`` is for people; ``{label}`` in it stands for the positive class. ``get`` finds
    its :class:`Estimate` (value, 95 % interval and the interval's method) in what the table is about, ``None`` where
    it has none. ``unit`` says whether a share is written as percent. ``group`` says beside which others it is shown,
    ``lower`` that less is better, ``card`` under which name a model's card keeps it ('' for not at all), ``short`` its
    title where room is short, ``wide`` that it is left out of narrow tables.
    """

    key: str
    title: str
    get: Callable[[Any], Estimate | None]
    unit: Unit = "percent"
    group: Group = "answers"
    lower: bool = False
    card: str = ""
    short: str = ""
    wide: bool = False
    compute: Compute | None = None

    @property
    def percent(self) -> bool:
        """Whether it is written as percent."""
        return self.unit in ("percent", "count")

    def titled(self, label: str = "") -> str:
        """The title, with the positive class in it; without where that has no name here."""
        if label or "{label}" not in self.title:
            return translated(CONTEXT, self.title).format(label=label)
        return self.brief

    @property
    def brief(self) -> str:
        """The title where room is short, and where no class is at hand."""
        return translated(CONTEXT, self.short or self.title)

    @property
    def named(self) -> str:
        """The title in the language that is spoken, of a figure that speaks of no class."""
        return translated(CONTEXT, self.title)


def _at(path: str, held: Any) -> Estimate | None:
    for name in path.split("."):
        held = getattr(held, name, None)
        if held is None:
            return None
    return held  # type: ignore[no-any-return]


def _more(key: str, held: Any) -> Estimate | None:
    found: Estimate | None = held.more.get(key)
    return found


def _row(key: str, title: str, path: str = "", compute: Compute | None = None, **rest: Any) -> Measure:
    get = partial(_more, key) if compute is not None else partial(_at, path or key)
    return Measure(key, title, get, compute=compute, **rest)


REFUSED = "refused as not its kind"
"""What the share that the domain gate refuses is called where a model's card is compared."""

POINT_METRICS: tuple[Measure, ...] = (
    _row(
        "sensitivity",
        QT_TRANSLATE_NOOP("Metrics", "Sensitivity for '{label}'"),
        short=QT_TRANSLATE_NOOP("Metrics", "Sensitivity"),
        group="decision",
        card="sensitivity",
    ),
    _row(
        "specificity",
        QT_TRANSLATE_NOOP("Metrics", "Specificity for '{label}'"),
        short=QT_TRANSLATE_NOOP("Metrics", "Specificity"),
        group="decision",
        card="specificity",
    ),
    _row(
        "ppv",
        QT_TRANSLATE_NOOP("Metrics", "Positive predictive value, in this data"),
        short=QT_TRANSLATE_NOOP("Metrics", "PPV in this data"),
        group="decision",
    ),
    _row(
        "npv",
        QT_TRANSLATE_NOOP("Metrics", "Negative predictive value, in this data"),
        short=QT_TRANSLATE_NOOP("Metrics", "NPV in this data"),
        group="decision",
    ),
    _row("accuracy", QT_TRANSLATE_NOOP("Metrics", "Accuracy in this data"), group="decision"),
)
"""What a threshold of two classes comes to: rows of :class:`desktop.core.figures.thresholds.OperatingPoint`."""

CLASS_METRICS: tuple[Measure, ...] = (
    _row("precision", QT_TRANSLATE_NOOP("Metrics", "Precision")),
    _row("recall", QT_TRANSLATE_NOOP("Metrics", "Recall")),
    _row("specificity", QT_TRANSLATE_NOOP("Metrics", "Specificity")),
    _row("f1", QT_TRANSLATE_NOOP("Metrics", "F1"), unit="number"),
    _row("fpr", QT_TRANSLATE_NOOP("Metrics", "FPR"), lower=True, wide=True),
    _row("fnr", QT_TRANSLATE_NOOP("Metrics", "FNR"), lower=True, wide=True),
)
"""One class against all others: rows of :class:`desktop.core.figures.metrics.ClassFigures`."""

METRICS: tuple[Measure, ...] = (
    _row("accuracy", QT_TRANSLATE_NOOP("Metrics", "Accuracy"), card="accuracy"),
    _row("balanced_accuracy", QT_TRANSLATE_NOOP("Metrics", "Balanced accuracy")),
    _row(
        "top5",
        QT_TRANSLATE_NOOP("Metrics", "Right among the first five (top-5 accuracy)"),
        short=QT_TRANSLATE_NOOP("Metrics", "Top-5 accuracy"),
    ),
    *(replace(row, get=partial(_at, f"point.{row.key}")) for row in POINT_METRICS if row.key != "accuracy"),
    _row(
        "auc",
        QT_TRANSLATE_NOOP("Metrics", "Area under the ROC curve (AUC)"),
        short=QT_TRANSLATE_NOOP("Metrics", "AUC"),
        unit="number",
        group="ranking",
        card="area under ROC",
    ),
    _row("average_precision", QT_TRANSLATE_NOOP("Metrics", "Average precision"), unit="number", group="ranking"),
    _row("macro_precision", QT_TRANSLATE_NOOP("Metrics", "Macro precision"), "means.macro_precision", group="means"),
    _row("macro_recall", QT_TRANSLATE_NOOP("Metrics", "Macro recall"), "means.macro_recall", group="means"),
    _row("macro_f1", QT_TRANSLATE_NOOP("Metrics", "Macro F1"), "means.macro_f1", unit="number", group="means"),
    _row(
        "weighted_precision",
        QT_TRANSLATE_NOOP("Metrics", "Weighted precision"),
        "means.weighted_precision",
        group="means",
    ),
    _row("weighted_recall", QT_TRANSLATE_NOOP("Metrics", "Weighted recall"), "means.weighted_recall", group="means"),
    _row("weighted_f1", QT_TRANSLATE_NOOP("Metrics", "Weighted F1"), "means.weighted_f1", unit="number", group="means"),
    _row(
        "ece",
        QT_TRANSLATE_NOOP("Metrics", "Calibration error (ECE)"),
        short=QT_TRANSLATE_NOOP("Metrics", "ECE"),
        unit="number",
        group="calibration",
        lower=True,
        card="calibration error",
    ),
    _row("brier", QT_TRANSLATE_NOOP("Metrics", "Brier score"), unit="number", group="calibration", lower=True),
    _row(
        "refused",
        QT_TRANSLATE_NOOP("Metrics", "Refused as not its kind"),
        unit="count",
        group="kind",
        lower=True,
        card=REFUSED,
    ),
)
"""Every single figure of an evaluation: rows of :class:`desktop.core.figures.result.Figures`, in the order shown."""

LEADING = {"two": ("sensitivity", "specificity", "auc"), "many": ("accuracy", "balanced_accuracy", "top5", "macro_f1")}
"""The figures that matter most, for two classes and for more: the first three that there are."""

Measured = tuple[Measure, Estimate]


def rows_of(figures: Any) -> list[Measured]:
    """The figures that there are, in the order of the table; ``figures`` is a :class:`Figures`."""
    found = ((row, row.get(figures)) for row in METRICS)
    return [(row, estimate) for row, estimate in found if estimate is not None]


def leading(figures: Any) -> list[Measured]:
    """The three figures that matter most."""
    there = {row.key: (row, estimate) for row, estimate in rows_of(figures)}
    kind = "two" if figures.point is not None else "many"
    return [there[key] for key in LEADING[kind] if key in there][:3]


def of_card(name: str) -> Measure | None:
    """The figure that a model's card keeps under ``name``."""
    return next((row for row in METRICS if row.card and row.card == name.lower()), None)


def computed(
    truth: np.ndarray, predicted: np.ndarray, scores: np.ndarray, persons: Persons | None, seed: int
) -> dict[str, Estimate]:
    """The figures of rows that bring their own computation, by their keys."""
    return {row.key: row.compute(truth, predicted, scores, persons, seed) for row in METRICS if row.compute is not None}


def written(row: Measure, estimate: Estimate, digits: int | None = None) -> tuple[str, str]:
    """A figure, and its 95 % interval and number of pictures, in words; a dash and the reason where there is none.

    Of too few pictures there is none (:func:`desktop.core.figures.intervals.shown`). ``digits`` behind the point: two
    for percent and four for others, unless told.
    """
    estimate = shown(estimate)
    if estimate.value is None:
        return "–", estimate.reason
    places = digits if digits is not None else 2 if row.percent else 4
    scale, unit = (100, " %") if row.percent else (1, "")
    spec = f".{places}f"
    bounds = worded(estimate.reason)
    if estimate.low is not None and estimate.high is not None:
        low, high = (number(scale * bound, spec) for bound in (estimate.low, estimate.high))
        bounds = phrase("{low} to {high}{unit}, n = {n:,}", low=low, high=high, unit=unit, n=estimate.n)
    value = f"{number(scale * estimate.value, spec)}{unit}"
    if row.unit == "count" and estimate.hits is not None:
        value = phrase("{hits:,} of {n:,} ({value})", hits=estimate.hits, n=estimate.n, value=value)
    return value, bounds


def in_one(row: Measure, estimate: Estimate | None, digits: int | None = None) -> str:
    """A figure with its interval in brackets, or why there is none."""
    if estimate is None:
        return "–"
    value, bounds = written(row, estimate, digits)
    if shown(estimate).value is None:
        return phrase("not known: {bounds}", bounds=bounds)
    return f"{value} ({bounds})" if bounds else value


def accuracy_words(value: float, n: int, digits: int | None = None) -> str:
    """An accuracy that is known as a number, of ``n`` pictures, as :func:`in_one` writes it."""
    return in_one(by_key(METRICS, "accuracy"), share_of(value, n), digits)


def card_words(name: str, estimate: Estimate) -> str:
    """A figure of a model's card with its title, interval and number of pictures, or why it cannot be said."""
    row = of_card(name) or Measure(name, name.replace("_", " ").capitalize(), lambda _: None, unit="number")
    return f"{row.titled()} {in_one(row, estimate)}"


def by_key(rows: Sequence[Measure], key: str) -> Measure:
    """The row of that key, which must be there."""
    return next(row for row in rows if row.key == key)
