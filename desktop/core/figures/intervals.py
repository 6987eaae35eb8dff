"""95 % intervals: Wilson for proportions, DeLong for areas under ROC curves, MOVER for means, bootstrap for the rest.

Everything here is deterministic: the bootstrap draws from a generator seeded by the caller.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np

from desktop.system.words import phrase

LEVEL = 0.95
Z = NormalDist().inv_cdf(0.5 + LEVEL / 2)
"""The normal quantile of a two-sided 95 % interval, 1.959964."""

FEWEST = 20
"""With fewer pictures than this there is no figure: :func:`shown` gives counts in its place."""

_BUDGET = 20_000_000  # resampled entries that a bootstrap may cost in all: about a second
_MOST, _FEWEST = 1000, 200
ALIKE = phrase("the resamples are too much alike for an interval")
"""Why there is no bootstrap interval where the data at hand do not vary."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its 95 % interval.

    ``value`` is ``None`` where the data cannot tell it, and ``reason`` then says why: no number is made up. ``n`` is
    the number of images that it rests on, ``hits`` the numerator where it is a proportion. ``method`` names the
    interval: ``wilson``, ``delong``, ``newcombe``, ``mover``, ``bootstrap``, ``normal``, ``logit``, with ``by person``
    where :mod:`desktop.core.figures.clustered` made it; ``effective`` is then how many independent images tell as much.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    n: int = 0
    hits: int | None = None
    method: str = ""
    reason: str = ""
    effective: float | None = None

    def complement(self) -> Estimate:
        """One minus this proportion, with its interval."""
        if self.value is None or self.low is None or self.high is None:
            return self
        hits = self.n - self.hits if self.hits is not None else None
        value = 1 - self.value if hits is None else hits / self.n
        return Estimate(value, 1 - self.high, 1 - self.low, self.n, hits, self.method, effective=self.effective)


def unknown(reason: str, n: int = 0) -> Estimate:
    """No figure, and why."""
    return Estimate(None, n=n, reason=reason)


def shown(estimate: Estimate) -> Estimate:
    """``estimate`` as it may be written anywhere, in the window, on the command line or in a report: none that rests on
    fewer than :data:`FEWEST` pictures, whose reason then holds the counts."""
    if estimate.value is None or not 0 < estimate.n < FEWEST:
        return estimate
    if estimate.hits is not None:
        reason = phrase("{hits} of {n}: too few for a figure", hits=estimate.hits, n=estimate.n)
    else:
        reason = phrase("n = {n}: too few for a figure", n=estimate.n)
    return Estimate(None, n=estimate.n, hits=estimate.hits, method=estimate.method, reason=reason)


def estimate_json(estimate: Estimate | None) -> dict[str, Any] | None:
    """``value``, ``low``, ``high``, ``n``, ``method``, and ``reason`` where there is no value or no interval."""
    if estimate is None:
        return None
    out: dict[str, Any] = {"value": estimate.value, "low": estimate.low, "high": estimate.high, "n": estimate.n}
    out["method"] = estimate.method
    if estimate.effective is not None:
        out["effective_n"] = estimate.effective
    if estimate.reason:
        out["reason"] = estimate.reason
    return out


def share_of(value: float, n: int) -> Estimate:
    """A share that is known as a number, of ``n`` pictures (0: not known how many), with Wilson's interval."""
    if not math.isfinite(value):
        return unknown(phrase("it is no number"), n)
    return proportion(round(value * n), n, "") if n else Estimate(value, reason=phrase("of how many is not known"))


def wilson(hits: float, n: float) -> tuple[float, float]:
    """The Wilson score interval of a proportion (Wilson 1927), ``n`` at least 1; within 0 and 1, holds ``hits / n``.

    Effective numbers need not be whole.
    """
    share = hits / n
    centre = (share + Z * Z / (2 * n)) / (1 + Z * Z / n)
    half = Z / (1 + Z * Z / n) * math.sqrt(share * (1 - share) / n + Z * Z / (4 * n * n))
    low = 0.0 if hits == 0 else max(0.0, centre - half)
    high = 1.0 if hits == n else min(1.0, centre + half)
    return low, high


def proportion(hits: int, n: int, reason: str) -> Estimate:
    """``hits`` of ``n`` with Wilson's interval; :func:`unknown` with ``reason`` where ``n`` is 0."""
    if n == 0:
        return unknown(reason)
    low, high = wilson(hits, n)
    return Estimate(hits / n, low, high, n, hits, "wilson")


def f1_estimate(tp: int, fp: int, fn: int) -> Estimate:
    """F1 = 2 tp / (2 tp + fp + fn) with an interval.

    F1 = 2 J / (1 + J) for the proportion J = tp / (tp + fp + fn), a rising function, so J's Wilson interval is mapped.
    """
    n = tp + fp + fn
    if n == 0:
        return unknown(phrase("no image of this class, and none was taken for it"))
    low, high = (2 * j / (1 + j) for j in wilson(tp, n))
    return Estimate(2 * tp / (2 * tp + fp + fn), low, high, n, None, "wilson")


def mean_of(estimates: Sequence[Estimate], weights: Sequence[float] | None = None) -> Estimate:
    """The (weighted) mean of independent estimates; those without a value are left out.

    Interval: method of variance estimates recovery (Zou and Donner 2008), which stays honest where a share is 0 or 1.
    """
    shares = weights if weights is not None else [1.0] * len(estimates)
    used = [(e, w) for e, w in zip(estimates, shares, strict=True) if e.value is not None and w > 0]
    total = sum(w for _, w in used)
    if not used or total <= 0:
        return unknown(phrase("no class has this figure"))
    value = below = above = 0.0
    for estimate, weight in used:
        assert estimate.value is not None and estimate.low is not None and estimate.high is not None
        value += weight * estimate.value
        below += (weight * (estimate.value - estimate.low)) ** 2
        above += (weight * (estimate.high - estimate.value)) ** 2
    value /= total
    low, high = value - math.sqrt(below) / total, value + math.sqrt(above) / total
    return Estimate(value, max(0.0, low), min(1.0, high), sum(e.n for e, _ in used), None, "mover")


def resamples(n: int) -> int:
    """How many bootstrap samples of ``n`` entries are drawn: 1,000, fewer for large data, at least 200."""
    return int(min(_MOST, max(_FEWEST, _BUDGET // max(1, n))))


def percentile(value: float, draws: np.ndarray, n: int, fallback: Estimate | None = None) -> Estimate:
    """The percentile bootstrap interval (Efron 1979) of ``value`` from ``draws``, float64 (B,), NaN left out.

    Draws that are all alike tell nothing of the uncertainty (all images right, say): ``fallback`` then lends its
    bounds; without it there are none.
    """
    usable = draws[np.isfinite(draws)]
    if usable.size < _FEWEST // 2:
        return Estimate(value, n=n, reason=phrase("too few usable resamples for an interval"))
    if float(np.ptp(usable)) == 0.0:
        if fallback is None or fallback.low is None:
            return Estimate(value, n=n, reason=ALIKE)
        return Estimate(value, fallback.low, fallback.high, n, None, fallback.method)
    low, high = (float(q) for q in np.quantile(usable, [(1 - LEVEL) / 2, (1 + LEVEL) / 2]))
    # A plug-in statistic is biased on resamples of few entries: its interval must still hold what was measured.
    return Estimate(value, min(low, value), max(high, value), n, None, "bootstrap")


def resampled_confusion(
    matrix: np.ndarray, statistic: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray], seed: int
) -> np.ndarray:
    """A statistic of a confusion matrix over bootstrap samples of its images: float64 (B,).

    Drawing images with replacement and counting is drawing the cells' counts from a multinomial distribution.
    ``statistic`` takes diagonals, row sums and column sums, each float64 (b, classes), and returns (b,).
    """
    rng = np.random.default_rng(seed)
    rows, columns = np.nonzero(matrix)
    weights = matrix[rows, columns].astype(np.float64)
    n, classes = int(matrix.sum()), matrix.shape[0]
    count = resamples(max(len(weights), classes))
    out = np.empty(count)
    step = max(1, 4_000_000 // max(1, len(weights) + 3 * classes))
    diagonal = rows == columns
    by_row, by_column = _indicator(rows, classes), _indicator(columns, classes)
    on_diagonal = _indicator(rows[diagonal], classes)
    for start in range(0, count, step):
        size = min(step, count - start)
        drawn = rng.multinomial(n, weights / weights.sum(), size=size).astype(np.float64)
        hits = _summed(drawn[:, diagonal], on_diagonal, classes)
        out[start : start + size] = statistic(hits, _summed(drawn, by_row, classes), _summed(drawn, by_column, classes))
    return out


def _indicator(groups: np.ndarray, classes: int) -> list[np.ndarray]:
    order = np.argsort(groups, kind="stable")
    return np.split(order, np.searchsorted(groups[order], np.arange(1, classes)))


def _summed(drawn: np.ndarray, members: list[np.ndarray], classes: int) -> np.ndarray:
    out = np.zeros((drawn.shape[0], classes))
    for index, cells in enumerate(members):
        if len(cells):
            out[:, index] = drawn[:, cells].sum(axis=1)
    return out


def delong_auc(positive: np.ndarray, scores: np.ndarray) -> Estimate:
    """The area under the ROC curve with DeLong's interval.

    ``positive`` bool (n,), ``scores`` float64 (n,); ties count a half. Fast form of DeLong et al. (1988) by midranks:
    X. Sun and W. Xu, 'Fast implementation of DeLong's algorithm for comparing the areas under correlated ROC curves',
    IEEE Signal Processing Letters 21(11), 2014. On the logit scale, so the bounds stay within 0 and 1. Where
    DeLong's variance is 0 (perfect separation) Newcombe's score interval stands in. Unknown with one class only.
    """
    m, n = int(positive.sum()), int((~positive).sum())
    if m == 0 or n == 0:
        return unknown(
            phrase("there are only negative images: no ROC curve")
            if m == 0
            else phrase("there are only positive images: no ROC curve"),
            m + n,
        )
    high, low = scores[positive], scores[~positive]
    ranks_all = midranks(np.concatenate([high, low]))
    auc = float((ranks_all[:m].sum() - m * (m + 1) / 2) / (m * n))
    v10 = (ranks_all[:m] - midranks(high)) / n
    v01 = 1.0 - (ranks_all[m:] - midranks(low)) / m
    variance = (float(v10.var(ddof=1)) / m if m > 1 else math.nan) + (float(v01.var(ddof=1)) / n if n > 1 else math.nan)
    if not math.isfinite(variance) or variance <= 1e-18 or not 0 < auc < 1:
        bounds = newcombe_auc(auc, m, n)
        return Estimate(auc, *bounds, m + n, None, "newcombe")
    half = Z * math.sqrt(variance) / (auc * (1 - auc))
    centre = math.log(auc / (1 - auc))
    bounds = tuple(1 / (1 + math.exp(-x)) for x in (centre - half, centre + half))  # type: ignore[assignment]
    return Estimate(auc, bounds[0], bounds[1], m + n, None, "delong")


def midranks(values: np.ndarray) -> np.ndarray:
    """Ranks from 1, equal values sharing their mean rank: float64, as ``values``."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    ranks: np.ndarray = (last - (counts - 1) / 2.0)[inverse]
    return ranks


def newcombe_auc(auc: float, m: int, n: int) -> tuple[float, float]:
    """Newcombe's method 5 (Statistics in Medicine 25, 2006, part 2): a score interval, sound at 0 and 1."""
    mean = (m + n) / 2

    def variance(theta: float) -> float:
        spread = 1 + (mean - 1) * ((1 - theta) / (2 - theta) + theta / (1 + theta))
        return theta * (1 - theta) * spread / (m * n)

    def bound(end: float) -> float:
        inner, outer = auc, end  # the farthest theta that the data do not refuse lies between them
        for _ in range(60):
            middle = (inner + outer) / 2
            if abs(auc - middle) <= Z * math.sqrt(variance(middle)):
                inner = middle
            else:
                outer = middle
        return inner

    low = 0.0 if auc == 0 else bound(0.0)
    high = 1.0 if auc == 1 else bound(1.0)
    return low, high
