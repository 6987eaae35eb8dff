"""Figures with 95 % intervals where several images belong to one person or case.

Images of one person resemble each other, so a hundred images of ten persons tell less than a hundred of a hundred:
intervals that take images as independent are too narrow. Here persons are drawn, not images:

- shares: Wilson's interval on the effective number of images, the number divided by the design effect (Rao and Scott,
  'A simple method for the analysis of clustered binary data', Biometrics 48, 1992); never narrower than without;
- areas under ROC curves: Obuchowski's extension of DeLong's variance ('Nonparametric analysis of clustered ROC curve
  data', Biometrics 53, 1997);
- means over images: the normal interval with the variance of a ratio of sums over persons;
- the rest: a bootstrap that draws whole persons (Field and Welsh, 'Bootstrapping clustered data', Journal of the Royal
  Statistical Society B 69, 2007), percentile bounds.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from desktop.core.figures.intervals import Estimate, Z, delong_auc, midranks, percentile, resamples, unknown, wilson
from desktop.core.figures.metrics import ClassFigures, Means
from desktop.core.figures.thresholds import OperatingPoint

FEW = 20
"""With fewer persons than this no interval is to be relied on much; reports say so."""


@dataclass(frozen=True, slots=True, eq=False)
class Persons:
    """Whose image each is: ``of`` int64 (n,), from 0 to ``count`` − 1."""

    of: np.ndarray
    count: int

    @classmethod
    def among(cls, groups: np.ndarray | None) -> Persons | None:
        """From group numbers, int (n,); ``None`` where nothing is known, or where each has one image."""
        if groups is None or not len(groups):
            return None
        found, numbers = np.unique(groups, return_inverse=True)
        return cls(numbers.astype(np.int64), len(found)) if len(found) < len(groups) else None

    def sums(self, values: np.ndarray) -> np.ndarray:
        """Each person's sum of ``values`` (n,): float64 (count,)."""
        return np.bincount(self.of, values.astype(np.float64), self.count)

    def proportion(self, hits: np.ndarray, among: np.ndarray | None, reason: str) -> Estimate:
        """The share of ``hits`` bool (n,) among the images ``among`` bool (n,) (``None``: all);
        :func:`~desktop.core.figures.intervals.unknown` with ``reason`` where there are none."""
        counted = among if among is not None else np.ones(len(hits), bool)
        n, k = int(counted.sum()), int((hits & counted).sum())
        if n == 0:
            return unknown(reason)
        effective = n / self._design_effect(hits & counted, counted, k / n)
        low, high = wilson(k / n * effective, effective)
        return Estimate(k / n, low, high, n, k, "wilson by person", effective=effective)

    def _design_effect(self, hits: np.ndarray, counted: np.ndarray, share: float) -> float:
        """How many times larger the share's variance is than with independent images; at least 1.

        Where all or none are hits nothing can be seen of it: then each person counts as one image.
        """
        n, persons = counted.sum(), int(np.count_nonzero(self.sums(counted)))
        if persons < 2 or not 0 < share < 1:
            return float(n / max(1, persons))
        rest = self.sums(hits) - share * self.sums(counted)
        variance = persons / (persons - 1) * float((rest**2).sum()) / n**2
        return max(1.0, float(n * variance / (share * (1 - share))))

    def mean(self, plain: Estimate, values: np.ndarray) -> Estimate:
        """The mean of ``values`` float64 (n,), which is ``plain``'s, with an interval over persons, not below 0."""
        if plain.value is None or plain.low is None or self.count < 2:
            return plain
        rest = self.sums(values - plain.value)
        half = Z * math.sqrt(self.count / (self.count - 1) * float((rest**2).sum())) / len(values)
        return replace(plain, low=max(0.0, plain.value - half), high=plain.value + half, method="normal by person")

    def auc(self, positive: np.ndarray, scores: np.ndarray) -> Estimate:
        """As :func:`~desktop.core.figures.intervals.delong_auc`, on the logit scale too; where the variance is 0 its
        fallback stands, for as many images as there are persons."""
        plain = delong_auc(positive, scores)
        m, n = int(positive.sum()), int((~positive).sum())
        if plain.value is None:
            return plain
        auc = plain.value
        ranks = midranks(scores)
        v10 = np.zeros(len(scores))
        v10[positive] = (ranks[positive] - midranks(scores[positive])) / n - auc
        v01 = np.zeros(len(scores))
        v01[~positive] = 1.0 - (ranks[~positive] - midranks(scores[~positive])) / m - auc
        a, b = self.sums(v10), self.sums(v01)
        with_a, with_b = (int(np.count_nonzero(self.sums(kind))) for kind in (positive, ~positive))
        if min(with_a, with_b) < 2 or not 0 < auc < 1:
            return _fewer(plain, with_a, with_b)
        s10 = with_a / (with_a - 1) * float((a**2).sum()) / m**2
        s01 = with_b / (with_b - 1) * float((b**2).sum()) / n**2
        s11 = self.count / (self.count - 1) * float((a * b).sum()) / (m * n)
        variance = s10 + s01 + 2 * s11
        if variance <= 1e-18:
            return _fewer(plain, with_a, with_b)
        half = Z * math.sqrt(variance) / (auc * (1 - auc))
        centre = math.log(auc / (1 - auc))
        low, high = (1 / (1 + math.exp(-x)) for x in (centre - half, centre + half))
        return replace(plain, low=low, high=high, method="delong by person")

    def drawn(self, cost: int, seed: int) -> Iterator[np.ndarray]:
        """Bootstrap samples of persons: how often each image is in, float64 (n,). ``cost`` entries a sample."""
        rng = np.random.default_rng(seed)
        for _ in range(resamples(cost)):
            yield np.bincount(rng.integers(0, self.count, self.count), minlength=self.count)[self.of].astype(float)

    def bootstrap(self, plain: Estimate, statistic: Callable[[np.ndarray], float], cost: int, seed: int) -> Estimate:
        """``plain``'s value with bounds from ``statistic`` of weights (n,) over samples of persons; none where
        ``plain``, which takes the images as independent, has none."""
        if plain.value is None or plain.low is None:
            return plain
        draws = np.array([statistic(weights) for weights in self.drawn(cost, seed)])
        return _by_person(percentile(plain.value, draws, plain.n, plain))

    # The figures of a classifier

    def per_class(self, truth: np.ndarray, predicted: np.ndarray, classes: list[ClassFigures]) -> list[ClassFigures]:
        """The same figures, with intervals over persons."""
        out = []
        for index, c in enumerate(classes):
            is_it, said = truth == index, predicted == index
            recall = self.proportion(said, is_it, c.recall.reason)
            specificity = self.proportion(~said, ~is_it, c.specificity.reason)
            out.append(
                replace(
                    c,
                    precision=self.proportion(is_it, said, c.precision.reason),
                    recall=recall,
                    specificity=specificity,
                    fpr=specificity.complement(),
                    fnr=recall.complement(),
                    f1=self._f1(c.f1, is_it, said),
                )
            )
        return out

    def _f1(self, plain: Estimate, is_it: np.ndarray, said: np.ndarray) -> Estimate:
        """By way of the Jaccard index, as in :func:`~desktop.core.figures.intervals.f1_estimate`."""
        jaccard = self.proportion(is_it & said, is_it | said, plain.reason)
        if plain.value is None or jaccard.low is None or jaccard.high is None:
            return plain
        low, high = (2 * j / (1 + j) for j in (jaccard.low, jaccard.high))
        return replace(plain, low=low, high=high, method=jaccard.method, effective=jaccard.effective)

    def means(
        self, truth: np.ndarray, predicted: np.ndarray, plain: Means, balanced: Estimate, seed: int
    ) -> tuple[Means, Estimate]:
        """Means over the classes and balanced accuracy, with bootstrapped bounds."""
        from desktop.core.figures.metrics import mean_statistic

        classes = int(max(truth.max(initial=0), predicted.max(initial=0))) + 1
        right = truth == predicted
        kinds = [("precision", False), ("recall", False), ("f1", False), ("precision", True), ("f1", True)]
        rows = []
        for weights in self.drawn(4 * len(truth), seed):
            hits = np.bincount(truth[right], weights[right], classes)[None]
            there = np.bincount(truth, weights, classes)[None]
            said = np.bincount(predicted, weights, classes)[None]
            rows.append([float(mean_statistic(hits, there, said, kind, by)[0]) for kind, by in kinds])
        draws = np.array(rows)

        def of(estimate: Estimate, column: int) -> Estimate:
            if estimate.value is None:
                return estimate
            return _by_person(percentile(estimate.value, draws[:, column], len(truth), estimate))

        weighted_recall = self.proportion(right, None, plain.weighted_recall.reason)
        return (
            replace(
                plain, macro_precision=of(plain.macro_precision, 0), macro_recall=of(plain.macro_recall, 1),
                macro_f1=of(plain.macro_f1, 2), weighted_precision=of(plain.weighted_precision, 3),
                weighted_recall=weighted_recall, weighted_f1=of(plain.weighted_f1, 4),
            ),
            of(balanced, 1),
        )  # fmt: skip

    def point(self, plain: OperatingPoint, positive: np.ndarray, said: np.ndarray) -> OperatingPoint:
        """An operating point with intervals over persons; ``said`` bool (n,): which images were answered positive."""
        return replace(
            plain,
            sensitivity=self.proportion(said, positive, plain.sensitivity.reason),
            specificity=self.proportion(~said, ~positive, plain.specificity.reason),
            ppv=self.proportion(positive, said, plain.ppv.reason),
            npv=self.proportion(~positive, ~said, plain.npv.reason),
            accuracy=self.proportion(said == positive, None, plain.accuracy.reason),
        )


def _by_person(estimate: Estimate) -> Estimate:
    return replace(estimate, method=f"{estimate.method} by person") if estimate.method == "bootstrap" else estimate


def _fewer(plain: Estimate, positives: int, negatives: int) -> Estimate:
    """Newcombe's bounds for as many images as there are persons: all that is known where nothing is wrong."""
    from desktop.core.figures.intervals import newcombe_auc

    assert plain.value is not None
    low, high = newcombe_auc(plain.value, max(1, positives), max(1, negatives))
    return replace(plain, low=low, high=high, method="newcombe by person")
