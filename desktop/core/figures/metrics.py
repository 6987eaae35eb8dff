"""The figures of a classifier: confusion matrix, per-class scores, means, curves, thresholds; each with an interval.

Counting and curves are scikit-learn's. A figure that the data cannot tell is ``None`` with a reason, never 0 or 1:
recall of a class without images, precision of a class never answered, AUC of one class alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from desktop.core.figures.intervals import (
    Estimate,
    delong_auc,
    f1_estimate,
    mean_of,
    percentile,
    proportion,
    resampled_confusion,
    resamples,
)
from desktop.system.words import phrase

TOP = 5
MANY_CLASSES = 10
"""From this many classes on, the share with the truth among the five highest scores is told, too."""
_CURVE_POINTS = 1000
_NONE_OF = phrase("no image of this class")
_NEVER = phrase("never answered")


@dataclass(frozen=True, slots=True)
class ClassFigures:
    """One class against all others. ``support`` images have it, ``predicted`` answers name it.

    ``recall`` is the sensitivity, ``fpr`` = 1 − ``specificity``, ``fnr`` = 1 − ``recall``.
    """

    label: str
    support: int
    predicted: int
    tp: int
    fp: int
    fn: int
    tn: int
    precision: Estimate
    recall: Estimate
    specificity: Estimate
    fpr: Estimate
    fnr: Estimate
    f1: Estimate


@dataclass(frozen=True, slots=True)
class Means:
    """Means over classes: ``macro`` weighs each class alike, ``weighted`` by its support.

    A class enters a mean only where it has the figure (``precision_classes``, ``recall_classes``, ``f1_classes``
    say how many): scikit-learn's ``zero_division=nan``.
    """

    macro_precision: Estimate
    macro_recall: Estimate
    macro_f1: Estimate
    weighted_precision: Estimate
    weighted_recall: Estimate
    weighted_f1: Estimate
    precision_classes: int
    recall_classes: int
    f1_classes: int


def confusion(truth: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """Counts, int64 (classes, classes): rows are the truth, columns the answers. Zeros without images."""
    if not len(truth):
        return np.zeros((classes, classes), np.int64)
    from sklearn.metrics import confusion_matrix

    return np.asarray(confusion_matrix(truth, predicted, labels=np.arange(classes)), dtype=np.int64)


def shares(matrix: np.ndarray, by: str) -> np.ndarray:
    """The matrix as shares of its rows (``by="truth"``) or columns (``by="answer"``): float64, NaN for empty ones."""
    sums = matrix.sum(axis=1, keepdims=True) if by == "truth" else matrix.sum(axis=0, keepdims=True)
    with np.errstate(invalid="ignore"):
        return np.asarray(matrix / np.where(sums == 0, np.nan, sums))


def accuracy(matrix: np.ndarray) -> Estimate:
    """The share of right answers."""
    return proportion(int(np.trace(matrix)), int(matrix.sum()), phrase("no image was answered"))


def balanced_accuracy(classes: list[ClassFigures]) -> Estimate:
    """The mean recall of the classes that have images."""
    return mean_of([c.recall for c in classes])


def top_accuracy(truth: np.ndarray, scores: np.ndarray, k: int = TOP) -> Estimate:
    """The share of images whose truth is among the ``k`` highest scores; of equal scores the higher class number goes
    first, as in scikit-learn's ``top_k_accuracy_score``. ``scores`` (n, classes)."""
    return proportion(int(in_top(truth, scores, k).sum()), len(truth), phrase("no image was answered"))


def in_top(truth: np.ndarray, scores: np.ndarray, k: int = TOP) -> np.ndarray:
    """Whether the truth is among the ``k`` highest scores: bool (n,); see :func:`top_accuracy`."""
    hits = np.zeros(len(truth), bool)
    for start in range(0, len(truth), 4096):
        part, right = scores[start : start + 4096], truth[start : start + 4096]
        best = np.argsort(part, axis=1, kind="stable")[:, ::-1][:, :k]
        hits[start : start + 4096] = (best == right[:, None]).any(axis=1)
    return hits


def per_class(matrix: np.ndarray, labels: tuple[str, ...]) -> list[ClassFigures]:
    """Every class against all others, from the confusion matrix."""
    total = int(matrix.sum())
    out = []
    for index, label in enumerate(labels):
        tp = int(matrix[index, index])
        support, answered = int(matrix[index].sum()), int(matrix[:, index].sum())
        fn, fp = support - tp, answered - tp
        tn = total - tp - fn - fp
        recall = proportion(tp, support, _NONE_OF)
        specificity = proportion(tn, tn + fp, phrase("no image of another class"))
        out.append(
            ClassFigures(
                label, support, answered, tp, fp, fn, tn,
                proportion(tp, answered, _NEVER), recall, specificity,
                specificity.complement(), recall.complement(), f1_estimate(tp, fp, fn),
            )
        )  # fmt: skip
    return out


def class_auc(truth: np.ndarray, scores: np.ndarray, index: int) -> Estimate:
    """AUC of one class against the rest by its own score; see :func:`desktop.core.figures.intervals.delong_auc`."""
    return delong_auc(truth == index, scores[:, index].astype(np.float64))


def means(matrix: np.ndarray, classes: list[ClassFigures], seed: int) -> Means:
    """Macro and weighted means; recall and macro precision by MOVER, the others by bootstrap."""
    support = [float(c.support) for c in classes]
    precision, recall = [c.precision for c in classes], [c.recall for c in classes]
    f1 = [c.f1 for c in classes]
    total = int(matrix.sum())

    def boot(estimates: list[Estimate], kind: str, weighted: bool) -> Estimate:
        centre = mean_of(estimates, support if weighted else None)
        if centre.value is None:
            return centre
        draws = resampled_confusion(matrix, lambda d, r, c: mean_statistic(d, r, c, kind, weighted), seed)
        return percentile(centre.value, draws, total, centre)

    return Means(
        macro_precision=mean_of(precision),
        macro_recall=mean_of(recall),
        macro_f1=boot(f1, "f1", False),
        weighted_precision=boot(precision, "precision", True),
        weighted_recall=accuracy(matrix),
        weighted_f1=boot(f1, "f1", True),
        precision_classes=sum(e.value is not None for e in precision),
        recall_classes=sum(e.value is not None for e in recall),
        f1_classes=sum(e.value is not None for e in f1),
    )


def mean_statistic(hits: np.ndarray, rows: np.ndarray, columns: np.ndarray, kind: str, weighted: bool) -> np.ndarray:
    """A mean over classes for each resample: all arrays float64 (b, classes), the result (b,).

    ``hits`` are diagonals, ``rows`` images of each class, ``columns`` answers; ``kind`` is ``precision``, ``recall`` or
    ``f1``.
    """
    bottom = {"precision": columns, "recall": rows, "f1": rows + columns}[kind]
    top = 2 * hits if kind == "f1" else hits
    there = bottom > 0
    # Counts of nothing are whole numbers whatever the weights: the shares need a type of their own.
    value = np.divide(top, bottom, out=np.zeros(top.shape), where=there)
    weight = rows * there if weighted else there.astype(np.float64)
    total = weight.sum(axis=1)
    return np.asarray(np.divide((value * weight).sum(axis=1), total, out=np.full(len(total), np.nan), where=total > 0))


# Two classes


@dataclass(frozen=True, slots=True, eq=False)
class Curves:
    """ROC and precision-recall curve of the positive class, thinned to at most 1,000 points for drawing.

    ``fpr``, ``tpr`` from (0, 0) to (1, 1); ``recall`` falls, ``precision`` belongs to it. The areas are those of the
    full curves; ``average_precision`` is scikit-learn's step sum.
    """

    fpr: np.ndarray
    tpr: np.ndarray
    precision: np.ndarray
    recall: np.ndarray
    auc: Estimate
    average_precision: Estimate


def curves(positive: np.ndarray, scores: np.ndarray, seed: int) -> Curves | None:
    """The curves for ``positive`` bool (n,) and ``scores`` float64 (n,); ``None`` with one class alone."""
    if not positive.any() or positive.all():
        return None
    from sklearn.metrics import average_precision_score, precision_recall_curve, roc_curve

    fpr, tpr, _ = roc_curve(positive, scores)
    precision, recall, _ = precision_recall_curve(positive, scores)
    ap = float(average_precision_score(positive, scores))
    draws = _resampled_ap(positive, scores, seed)
    n = len(positive)
    area = delong_auc(positive, scores)
    kept, kept_pr = _thinned(len(fpr)), _thinned(len(recall))
    # Perfect order: every resample is perfect as well. The positives' own number then bounds what was seen.
    fallback = proportion(int(positive.sum()), int(positive.sum()), "") if ap == 1.0 else None
    estimate = percentile(ap, draws, n, fallback)
    return Curves(fpr[kept], tpr[kept], precision[kept_pr], recall[kept_pr], area, estimate)


def _thinned(count: int) -> np.ndarray:
    return np.unique(np.linspace(0, count - 1, min(count, _CURVE_POINTS)).round().astype(np.int64))


def weighted_ap(positive: np.ndarray, scores: np.ndarray) -> Callable[[np.ndarray], float]:
    """Average precision as a function of how often each image counts, (n,): for resampling; NaN without positives.

    Sorted once, so that one pass of cumulative sums does each.
    """
    order = np.argsort(-scores, kind="stable")
    ranked, hit = scores[order], positive[order].astype(np.float64)
    ends = np.append(np.flatnonzero(np.diff(ranked)), len(ranked) - 1)  # the last image of each distinct score

    def area(weights: np.ndarray) -> float:
        counts = weights[order]
        true, answered = np.cumsum(counts * hit)[ends], np.cumsum(counts)[ends]
        if true[-1] == 0:
            return float("nan")
        precision = np.divide(true, answered, out=np.zeros(len(ends)), where=answered > 0)
        return float((np.diff(true, prepend=0.0) * precision).sum() / true[-1])

    return area


def _resampled_ap(positive: np.ndarray, scores: np.ndarray, seed: int) -> np.ndarray:
    """Average precision over bootstrap samples: float64 (B,), NaN where a sample has no positive."""
    rng = np.random.default_rng(seed)
    area, n = weighted_ap(positive, scores), len(scores)
    out = np.empty(resamples(4 * n))
    for index in range(len(out)):
        out[index] = area(np.bincount(rng.integers(0, n, n), minlength=n))
    return out
