"""Sets of answers that hold the truth as often as the user asks for: split conformal prediction.

The rule is 'least ambiguous sets' (Sadinle, Lei, Wasserman 2019, Journal of the American Statistical Association 114,
223): every class whose score reaches a cutoff. The cutoff is the conformal quantile (Vovk, Gammerman, Shafer 2005;
Papadopoulos et al. 2002) of the true classes' scores on pictures that training had not seen: with n of them, the
k-th highest, k = ceil((n + 1)(1 - rate)). For pictures like those, sets then miss the truth in at most ``rate`` of all
cases, however good or bad the network is; for other pictures nothing is promised. Among rules with that property it
gives the smallest sets on average, as its authors prove; adaptive sets (Romano, Sesia, Candès 2020; regularised:
Angelopoulos et al. 2021) trade size for even coverage. They were not measured here.

Pure Python: the window's process asks for sets, and needs no NumPy for it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

RATES = (0.01, 0.02, 0.05, 0.1, 0.2)
"""The error rates that every model is given cutoffs for."""
DEFAULT_RATE = 0.05
METHOD = "least ambiguous set (Sadinle 2019)"
LARGER = 2.0
"""Times the side of the pictures that the cutoffs come from: from there on a picture is none like them."""


class Cutoffs(Protocol):
    """What is needed of :class:`desktop.store.manifest.Conformal`."""

    @property
    def n(self) -> int: ...
    @property
    def rates(self) -> tuple[float, ...]: ...
    @property
    def cutoffs(self) -> tuple[float, ...]: ...
    @property
    def side(self) -> int: ...


@dataclass(frozen=True, slots=True)
class AnswerSet:
    """The classes, highest score first, of which one is the truth at the error rate ``rate``.

    The model's answer always belongs to it. ``weak``: by the cutoff alone it would not, because at this rate most right
    answers score higher. ``everything``: there were too few pictures to calibrate on for this rate, so no class can
    be left out.
    """

    classes: tuple[int, ...]
    rate: float
    weak: bool = False
    everything: bool = False


def cutoffs(true_scores: Sequence[float], rates: Sequence[float] = RATES) -> tuple[float, ...]:
    """For each error rate the score that a class needs to belong to the set; 0 where there are too few pictures.

    ``true_scores``: of each calibration picture the score of its true class, 0 to 1. Seven digits of each cutoff are
    kept, however small it is: of a network that is sure of itself the true class may score less than a millionth.
    """
    from decimal import ROUND_DOWN, Context  # only a training needs it

    # Rounded down: a cutoff rounded up could lose the very picture that it was taken from.
    digits = Context(prec=7, rounding=ROUND_DOWN)
    ranked = sorted((float(score) for score in true_scores), reverse=True)
    found = []
    for rate in rates:
        place = _place(len(ranked), rate)
        found.append(float(digits.create_decimal_from_float(ranked[place - 1])) if place <= len(ranked) else 0.0)
    return tuple(found)


def _place(n: int, rate: float) -> int:
    """Which of ``n`` true scores, the highest being number 1, is the cutoff; beyond ``n`` where they are too few."""
    # The smallest surplus keeps (n + 1)(1 - rate) whole where it is whole: 0.95 is not exact in binary.
    return math.ceil((n + 1) * (1 - rate) - 1e-9)


def nearest_rate(sets: Cutoffs, rate: float) -> float:
    """The rate among those of ``sets`` that is nearest to ``rate``; the stricter one of two equally near."""
    return min(sets.rates, key=lambda known: (round(abs(known - rate), 9), known))


def like_those(sets: Cutoffs, size: tuple[int, int]) -> bool:
    """Whether a picture of ``size`` (pixels across and down) is drawn like those that the cutoffs come from, as far as
    its size tells: a photograph is nothing like a tile of 32×32 pixels, whatever it is reduced to."""
    return not sets.side or min(size) <= LARGER * sets.side


def answer_set(scores: Any, answer: int, sets: Cutoffs, rate: float) -> AnswerSet:
    """The answer set for one row of ``scores`` (floats, one a class) whose model's answer is class ``answer``.

    ``rate`` is one of ``sets.rates`` (:func:`nearest_rate`). Raises :class:`ValueError` for another one.
    """
    if rate not in sets.rates:
        raise ValueError(f"no cutoff for an error rate of {rate:g}; there are {sets.rates}")
    cutoff = sets.cutoffs[sets.rates.index(rate)]
    order = sorted(range(len(scores)), key=lambda index: (-float(scores[index]), index))
    chosen = [index for index in order if float(scores[index]) >= cutoff]
    weak = answer not in chosen
    if weak:
        chosen = sorted([*chosen, answer], key=lambda index: (-float(scores[index]), index))
    # A cutoff of 0 may also be the score that a true class had.
    return AnswerSet(tuple(chosen), rate, weak, cutoff == 0.0 and _place(sets.n, rate) > sets.n)
