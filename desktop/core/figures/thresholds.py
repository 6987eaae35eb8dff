"""Two classes and a threshold: operating points, presets, and what they mean where the disease is rarer or commoner.

An image is answered with the positive class where its score is at least the threshold. A threshold chosen on the very
data that it is judged on looks better than it is: choose on one set, report on another.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from desktop.core.figures.intervals import FEWEST, Estimate, Z, proportion, unknown
from desktop.system.words import phrase

HIGHEST_SCORE = 0.5
"""The threshold that stands for 'the highest of two scores', but for equal ones."""
_FOLDS = 10


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """What a threshold does on the data: counts, and figures with their intervals.

    ``sensitivity`` = tp / (tp + fn), ``specificity`` = tn / (tn + fp); ``ppv`` and ``npv`` hold at the data's own share
    of positives, ``prevalence``.
    """

    threshold: float
    tp: int
    fp: int
    tn: int
    fn: int
    sensitivity: Estimate
    specificity: Estimate
    ppv: Estimate
    npv: Estimate
    accuracy: Estimate
    prevalence: float | None

    @property
    def youden(self) -> float | None:
        """Youden's J = sensitivity + specificity − 1 (Youden 1950); ``None`` with one class alone."""
        if self.sensitivity.value is None or self.specificity.value is None:
            return None
        return self.sensitivity.value + self.specificity.value - 1


@dataclass(frozen=True, slots=True, eq=False)
class ThresholdTable:
    """Every distinct threshold at once, so that a slider costs a lookup.

    ``thresholds`` float64 (m,), falling: the distinct scores. ``tp`` and ``fp`` int64 (m,): counts at each of them.
    ``positives`` and ``negatives`` count the images.
    """

    thresholds: np.ndarray
    tp: np.ndarray
    fp: np.ndarray
    positives: int
    negatives: int

    @classmethod
    def of(cls, positive: np.ndarray, scores: np.ndarray) -> ThresholdTable:
        """From ``positive`` bool (n,) and the positive class's ``scores`` (n,), finite."""
        values = scores.astype(np.float64)
        order = np.argsort(-values, kind="stable")
        ranked, hits = values[order], positive[order]
        ends = np.append(np.flatnonzero(np.diff(ranked)), len(ranked) - 1) if len(ranked) else np.empty(0, np.int64)
        tp = np.cumsum(hits)[ends].astype(np.int64)
        return cls(ranked[ends], tp, (ends + 1 - tp).astype(np.int64), int(positive.sum()), int((~positive).sum()))

    def at(self, threshold: float) -> OperatingPoint:
        """The operating point of any threshold from 0 to 1."""
        count = int(np.searchsorted(-self.thresholds, -threshold, side="right"))
        return self.counted(threshold, *((int(self.tp[count - 1]), int(self.fp[count - 1])) if count else (0, 0)))

    def counted(self, threshold: float, tp: int, fp: int) -> OperatingPoint:
        """The operating point of ``tp`` and ``fp`` images that were answered positive."""
        fn, tn = self.positives - tp, self.negatives - fp
        total = self.positives + self.negatives
        return OperatingPoint(
            threshold, tp, fp, tn, fn,
            proportion(tp, self.positives, phrase("no positive image")),
            proportion(tn, self.negatives, phrase("no negative image")),
            proportion(tp, tp + fp, phrase("nothing was called positive")),
            proportion(tn, tn + fn, phrase("nothing was called negative")),
            proportion(tp + tn, total, phrase("no image was answered")),
            self.positives / total if total else None,
        )  # fmt: skip

    def youden(self) -> OperatingPoint | None:
        """The threshold with the largest Youden's J; of equal ones the highest. ``None`` with one class alone."""
        if not self.positives or not self.negatives:
            return None
        # In whole numbers: rounding must not decide between equal thresholds.
        gain = self.tp * self.negatives - self.fp * self.positives
        return self.at(float(self.thresholds[int(np.argmax(gain))]))

    def for_sensitivity(self, target: float) -> OperatingPoint | None:
        """The highest threshold whose sensitivity is at least ``target`` (0 to 1): the fewest false alarms."""
        if not self.positives:
            return None
        enough = np.flatnonzero(self.tp >= _needed(target, self.positives))
        return self.at(float(self.thresholds[enough[0]]))

    def for_specificity(self, target: float) -> OperatingPoint | None:
        """The lowest threshold whose specificity is at least ``target``; ``None`` where only 'never' has it."""
        if not self.negatives:
            return None
        enough = np.flatnonzero(self.negatives - self.fp >= _needed(target, self.negatives))
        return self.at(float(self.thresholds[enough[-1]])) if len(enough) else None


def _needed(target: float, n: int) -> int:
    """How many of ``n`` make a share of ``target``; a share of 0.9 of 10 is 9 in spite of floating point."""
    if not 0 <= target <= 1:
        raise ValueError(f"a share of {target}: expected 0 to 1")
    return math.ceil(target * n - 1e-9)


def predictive_values(point: OperatingPoint, prevalence: float) -> tuple[Estimate, Estimate]:
    """PPV and NPV where a share ``prevalence`` (between 0 and 1) is positive, by Bayes' theorem.

    Intervals: on the logit scale with adjusted counts, Mercaldo, Lau and Zhou, Statistics in Medicine 26, 2007; widened
    to hold the figure itself where a count is 0.
    """
    if not 0 < prevalence < 1:
        raise ValueError(f"a prevalence of {prevalence}: expected more than 0 and less than 1")
    sens, spec = point.sensitivity.value, point.specificity.value
    if sens is None or spec is None:
        reason = point.sensitivity.reason or point.specificity.reason
        return unknown(reason), unknown(reason)
    # Where several images belong to one person, as many independent ones as tell as much.
    positives = point.sensitivity.effective or point.tp + point.fn
    negatives = point.specificity.effective or point.tn + point.fp
    se = (sens * positives + Z * Z / 2) / (positives + Z * Z)
    sp = (spec * negatives + Z * Z / 2) / (negatives + Z * Z)
    n1, n0 = positives + Z * Z, negatives + Z * Z
    odds = math.log(prevalence / (1 - prevalence))
    ppv_half = Z * math.sqrt((1 - se) / (se * n1) + sp / ((1 - sp) * n0))
    npv_half = Z * math.sqrt(se / ((1 - se) * n1) + (1 - sp) / (sp * n0))
    n = point.tp + point.fn + point.tn + point.fp
    return (
        _bayes(sens * prevalence, (1 - spec) * (1 - prevalence), math.log(se / (1 - sp)) + odds, ppv_half, n),
        _bayes(spec * (1 - prevalence), (1 - sens) * prevalence, math.log(sp / (1 - se)) - odds, npv_half, n),
    )


def _bayes(right: float, wrong: float, centre: float, half: float, n: int) -> Estimate:
    if right + wrong == 0:
        return unknown(phrase("nothing gets this answer"), n)
    value = right / (right + wrong)
    low, high = (1 / (1 + math.exp(-x)) for x in (centre - half, centre + half))
    return Estimate(value, min(low, value), max(high, value), n, None, "logit")


Aim = Literal["balanced accuracy", "sensitivity", "specificity"]


@dataclass(frozen=True, slots=True)
class Gain:
    """What a way of choosing thresholds gains over :data:`HIGHEST_SCORE` on pictures that it was not chosen on.

    ``what`` is the figure that is to be gained, ``estimate`` the difference with its 95 % interval; ``beyond_chance``
    says that it may be relied on: the interval lies above 0, and either class has :data:`FEWEST` pictures (persons) or
    more.
    """

    what: Aim
    estimate: Estimate
    positives: int
    negatives: int

    @property
    def beyond_chance(self) -> bool:
        """Whether a threshold may be chosen on these pictures."""
        low = self.estimate.low
        return low is not None and low > 0 and min(self.positives, self.negatives) >= FEWEST


def gain_of(
    positive: np.ndarray,
    scores: np.ndarray,
    choose: Callable[[np.ndarray, np.ndarray], float],
    groups: np.ndarray | None = None,
    aim: Aim = "balanced accuracy",
) -> Gain:
    """What ``choose`` (scores, positive → threshold) gains of ``aim``, measured by cross-validation.

    ``positive`` bool (n,), ``scores`` (n,) of the positive class, ``groups`` int (n,) equal for pictures of one person
    (or copies of one picture), which stay together. A threshold judged on the pictures that it was chosen on always
    seems to gain; here each of ten parts is answered with the one chosen on the other nine. Each class's difference
    is of paired answers with Bonett and Price's adjustment (2012), by group where ``groups`` are given; both are
    joined by the method of variance estimates recovery (Zou and Donner 2008).
    """
    owners = np.unique(groups, return_inverse=True)[1] if groups is not None else np.arange(len(positive))
    values = np.asarray(scores, np.float64)
    plain = values >= HIGHEST_SCORE
    chosen = plain.copy()
    fold = _folds(positive, owners)
    for part in range(_FOLDS):
        held, rest = fold == part, fold != part
        if held.any() and positive[rest].any() and not positive[rest].all():
            chosen[held] = values[held] >= choose(values[rest], positive[rest])
    better = (chosen == positive).astype(np.int64) - (plain == positive).astype(np.int64)
    counts = [len(np.unique(owners[kind])) for kind in (positive, ~positive)]
    if min(counts) == 0:
        return Gain(aim, unknown(phrase("there are pictures of one class alone"), len(positive)), *counts)
    kinds = {"sensitivity": [positive], "specificity": [~positive]}.get(aim, [positive, ~positive])
    parts = [_mean_by_owner(better[kind], owners[kind]) for kind in kinds]
    value, centre = (sum(part[at] for part in parts) / len(parts) for at in (0, 1))
    half = math.hypot(*(part[2] for part in parts)) / len(parts)
    low, high = min(centre - half, value), max(centre + half, value)
    return Gain(aim, Estimate(value, max(-1.0, low), min(1.0, high), len(positive), None, "mover"), *counts)


def _folds(positive: np.ndarray, owners: np.ndarray) -> np.ndarray:
    """Which of the parts each picture belongs to, int64 (n,): owners stay together, either class spreads evenly."""
    count = int(owners.max()) + 1 if len(owners) else 0
    kind = np.zeros(count, np.int64)
    np.maximum.at(kind, owners, positive.astype(np.int64))
    part = np.zeros(count, np.int64)
    for value in (0, 1):
        members = np.flatnonzero(kind == value)
        part[members] = np.random.default_rng([len(owners), value]).permutation(len(members)) % _FOLDS
    spread: np.ndarray = part[owners]
    return spread


def _mean_by_owner(better: np.ndarray, owners: np.ndarray) -> tuple[float, float, float]:
    """The mean of ``better`` (−1, 0 or 1 a picture); the centre and half width of its interval over owners."""
    value = float(better.mean())
    _, numbers = np.unique(owners, return_inverse=True)
    count = int(numbers.max()) + 1
    means = np.bincount(numbers, better) / np.bincount(numbers)
    # One that gained and one that lost are added, so that no difference seen is not taken for none there is.
    padded = np.concatenate([means, [1.0, -1.0]])
    centre = float(padded.mean())
    return value, centre, Z * math.sqrt(float(((padded - centre) ** 2).mean()) / (count + 2))
