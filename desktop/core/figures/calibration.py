"""Whether scores can be taken at their word: reliability, ECE, Brier score; and accuracy against share answered."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from desktop.core.figures.intervals import ALIKE, Estimate, Z, percentile, proportion, resamples, unknown
from desktop.system.words import phrase

BINS = 15


@dataclass(frozen=True, slots=True)
class Bin:
    """Images whose score lies in (``low``, ``high``]: their number, mean score, and the share that was right."""

    low: float
    high: float
    n: int
    confidence: float | None
    accuracy: Estimate


def reliability(confidence: np.ndarray, right: np.ndarray, bins: int = BINS) -> list[Bin]:
    """The reliability diagram: equal-width bins over 0 to 1.

    ``confidence`` float64 (n,), 0 to 1; ``right`` bool (n,). Bins are open below, closed above (0 is in the first).
    """
    index = bin_of(confidence, bins)
    out = []
    for number in range(bins):
        inside = index == number
        n = int(inside.sum())
        mean = float(confidence[inside].mean()) if n else None
        share = proportion(int(right[inside].sum()), n, phrase("no image in this range"))
        out.append(Bin(number / bins, (number + 1) / bins, n, mean, share))
    return out


def ece(confidence: np.ndarray, right: np.ndarray, seed: int, bins: int = BINS) -> Estimate:
    """Expected calibration error: the mean distance of score and share right over the bins, weighed by their size.

    Arguments as for :func:`reliability`. Definition: Naeini et al. 2015, Guo et al. 2017 (top score of each image).
    Bootstrap interval; on few images ECE is biased upwards. No interval where the resamples differ by less than one
    image more or less being right would make: they then tell of nothing but the scores' own spread.
    """
    n = len(confidence)
    if n == 0:
        return unknown(phrase("no image was answered"))
    index = bin_of(confidence, bins)
    gap = confidence - right
    value = float(np.abs(np.bincount(index, gap, bins)).sum() / n)
    rng = np.random.default_rng(seed)
    draws = np.empty(resamples(2 * n))
    for number in range(len(draws)):
        counts = np.bincount(rng.integers(0, n, n), minlength=n)
        draws[number] = np.abs(np.bincount(index, gap * counts, bins)).sum() / n
    found = percentile(value, draws, n)
    if found.low is not None and found.high is not None and found.high - found.low < 1 / n:
        # All right at scores of nearly 1, say: no resample holds a mistake, so each is as near to perfect.
        return Estimate(value, n=n, reason=ALIKE)
    return found


def weighted_ece(confidence: np.ndarray, right: np.ndarray, bins: int = BINS) -> Callable[[np.ndarray], float]:
    """ECE as a function of how often each image counts, (n,): for resampling. Arguments as for :func:`ece`."""
    index, gap = bin_of(confidence, bins), confidence - right
    return lambda weights: float(np.abs(np.bincount(index, gap * weights, bins)).sum() / max(1.0, weights.sum()))


def bin_of(confidence: np.ndarray, bins: int = BINS) -> np.ndarray:
    """The number of the bin, from 0, that each score falls into: int64, as ``confidence``."""
    edges = np.linspace(0, 1, bins + 1)[1:-1]
    return np.asarray(np.digitize(confidence, edges, right=True))


def brier_losses(truth: np.ndarray, scores: np.ndarray, positive: int | None = None) -> np.ndarray:
    """What each image adds to the Brier score, float64 (n,); see :func:`brier`."""
    n, classes = scores.shape
    losses = np.empty(n)
    for start in range(0, n, 4096):
        part = scores[start : start + 4096].astype(np.float64)
        right = truth[start : start + 4096]
        if classes == 2:
            index = 1 if positive is None else positive
            losses[start : start + 4096] = (part[:, index] - (right == index)) ** 2
        else:
            losses[start : start + 4096] = (part**2).sum(axis=1) - 2 * part[np.arange(len(right)), right] + 1
    return losses


def brier(truth: np.ndarray, scores: np.ndarray, positive: int | None = None) -> Estimate:
    """The Brier score as scikit-learn has it, lower is better.

    Two classes: the mean square of (score of the positive class − 1 or 0), 0 to 1; more: the squares summed over all
    classes, 0 to 2. ``truth`` int (n,), ``scores`` (n, classes). Normal interval of a mean.
    """
    losses = brier_losses(truth, scores, positive)
    n = len(losses)
    if n == 0:
        return unknown(phrase("no image was answered"))
    value = float(losses.mean())
    if n == 1:
        return Estimate(value, n=1, reason=phrase("one image allows no interval"))
    half = Z * float(losses.std(ddof=1)) / math.sqrt(n)
    return Estimate(value, max(0.0, value - half), value + half, n, None, "normal")


@dataclass(frozen=True, slots=True, eq=False)
class RiskCoverage:
    """Accuracy against the share of images answered, when the least sure ones are left to a person.

    All (m,): ``coverage`` rising to 1, ``accuracy`` of the images answered, ``threshold`` the lowest score answered.
    ``area`` is the mean error over all shares (area under the risk-coverage curve, Geifman and El-Yaniv 2017).
    """

    coverage: np.ndarray
    accuracy: np.ndarray
    threshold: np.ndarray
    area: float | None


def risk_coverage(confidence: np.ndarray, right: np.ndarray, points: int = 500) -> RiskCoverage:
    """The curve for ``confidence`` float64 (n,) and ``right`` bool (n,), thinned to ``points`` points.

    Images of equal score are answered together: their order would be chance.
    """
    n = len(confidence)
    if n == 0:
        nothing = np.empty(0)
        return RiskCoverage(nothing, nothing, nothing, None)
    order = np.argsort(-confidence, kind="stable")
    ranked = confidence[order]
    ends = np.append(np.flatnonzero(np.diff(ranked)), n - 1)
    answered = ends + 1
    share_right = np.cumsum(right[order])[ends] / answered
    area = float(((1 - share_right) * np.diff(answered, prepend=0)).sum() / n)
    kept = np.unique(np.linspace(0, len(ends) - 1, min(len(ends), points)).round().astype(np.int64))
    return RiskCoverage(answered[kept] / n, share_right[kept], ranked[ends][kept], area)


@dataclass(frozen=True, slots=True)
class RiskStep:
    """One point of that curve: the share ``coverage`` of all images, those with a score of ``threshold`` or more, is
    answered; ``accuracy`` among them."""

    coverage: float
    threshold: float
    accuracy: Estimate


STEPS = (1.0, 0.95, 0.9, 0.8, 0.7, 0.5, 0.25)
"""Shares of images answered for which the accuracy is told in numbers."""


def risk_steps(confidence: np.ndarray, right: np.ndarray) -> list[RiskStep]:
    """The curve at :data:`STEPS`, or where images of equal score must go together, at the next larger share.

    Arguments as for :func:`risk_coverage`. The thresholds are chosen on the data that they are judged on.
    """
    n = len(confidence)
    ranked = -np.sort(-confidence)
    steps: dict[float, RiskStep] = {}
    for wanted in STEPS if n else ():
        threshold = float(ranked[max(0, math.ceil(wanted * n - 1e-9) - 1)])
        answered = confidence >= threshold
        count = int(answered.sum())
        share = proportion(int(right[answered].sum()), count, phrase("no image was answered"))
        steps[threshold] = RiskStep(count / n, threshold, share)
    return list(steps.values())
