"""Figures as the user reads them: shares with their intervals, numbers and times in the user's way of writing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, QDateTime, QLocale, Qt

from desktop.system.duration import DurationWords
from desktop.system.duration import duration as span

if TYPE_CHECKING:
    from desktop.core.figures.intervals import Estimate
    from desktop.core.figures.result import DataFacts, ModelFacts


def tr(text: str) -> str:
    """A translated text of the Evaluate view."""
    return QCoreApplication.translate("Evaluate", text)


def number(value: float, places: int = 3) -> str:
    """A number with fixed decimals, in the user's way of writing."""
    return QLocale().toString(float(value), "f", places)


def share(value: float, places: int = 1) -> str:
    """A share from 0 to 1 as percent."""
    return f"{number(100 * value, places)} %"


def seen(estimate: Estimate) -> Estimate:
    """The figure as it may be written: :func:`desktop.core.figures.intervals.shown`."""
    from desktop.core.figures.intervals import shown  # NumPy, without which the window starts

    return shown(estimate)


def value_of(estimate: Estimate | None, percent: bool = True) -> str:
    """The figure alone; a dash where there is none, counts where it would rest on too few pictures."""
    if estimate is None:
        return "–"
    if estimate.value is None or seen(estimate).value is None:
        of = tr("{0} of {1}").format(count(estimate.hits), count(estimate.n)) if estimate.hits is not None else "–"
        return of if estimate.value is not None else "–"
    return share(estimate.value) if percent else number(estimate.value)


def interval_of(estimate: Estimate | None, percent: bool = True) -> str:
    """The 95 % interval and of how many pictures, or why there is no figure."""
    if estimate is None:
        return ""
    few = estimate.value is not None and seen(estimate).value is None
    if few:
        return tr("n = {0}: too few for a figure").format(count(estimate.n))
    if estimate.value is None or estimate.low is None or estimate.high is None:
        return estimate.reason
    if percent:
        text = tr("{0} to {1}").format(number(100 * estimate.low, 1), share(estimate.high))
    else:
        text = tr("{0} to {1}").format(number(estimate.low), number(estimate.high))
    return tr("{0}, n = {1}").format(text, count(estimate.n)) if estimate.n else text


def both(estimate: Estimate | None, percent: bool = True) -> str:
    """Figure and interval in one line."""
    if estimate is not None and estimate.value is not None and seen(estimate).value is None:
        return f"{value_of(estimate, percent)}  ({interval_of(estimate, percent)})"
    if estimate is None or estimate.value is None or estimate.low is None:
        return value_of(estimate, percent) + (f"  ({estimate.reason})" if estimate and estimate.reason else "")
    return f"{value_of(estimate, percent)}  ({interval_of(estimate, percent)})"


def count(value: int) -> str:
    """A whole number with group separators."""
    return QLocale().toString(int(value))


def duration(seconds: float, fine: bool = False) -> str:
    """A time span in the user's words, see :func:`desktop.system.duration.duration`."""
    words = DurationWords(tr("{0} s"), tr("{0} min"), tr("{0} h {1} min"))
    return span(seconds, fine, words, count, lambda value: number(value, 1))


def moment(iso: str) -> str:
    """An ISO time in UTC as local date and time."""
    when = QDateTime.fromString(iso, Qt.DateFormat.ISODate)
    return QLocale().toString(when.toLocalTime(), QLocale.FormatType.ShortFormat) if when.isValid() else iso


def data_words(data: DataFacts) -> str:
    """The data's name with its split."""
    if data.crossed:
        return tr("{0}, by cross-validation").format(data.title)
    return tr("{0}, split {1}").format(data.title, data.split) if data.split else data.title


def score_word(model: ModelFacts) -> str:
    """'probability' only for a calibrated model that is not medical; else 'model score'."""
    return tr("probability") if model.scores == "probability" and not model.medical else tr("model score")
