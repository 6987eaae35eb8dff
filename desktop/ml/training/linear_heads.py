"""Linear classifiers on the features of a fixed network, each solved at once: what a head's weights may come from.

- softmax regression with a penalty on its weights (L2), by L-BFGS (scikit-learn's);
- linear discriminant analysis whose covariance is shrunk towards a multiple of the identity (Friedman 1989, regularized
  discriminant analysis): where features are many and pictures few it often beats regression, most of all on pictures
  unlike those that the network learned from.

Neither wins everywhere: which one counts is chosen on pictures held out.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from desktop.system.words import phrase

_LENGTH = 100.0  # mean square of a scaled row
_SMALLEST_SPREAD = 1e-3  # of a feature, beside the mean spread of all: what hardly varies is not blown up
_ITERATIONS, _TOLERANCE = 300, 1e-3
_USUAL_SCALE = 0.7  # logarithm of the root mean square of a sure network's logits
_NEVER = -30.0  # the logit of a class without a picture


@dataclass(frozen=True, slots=True)
class Candidate:
    """A way to solve a head. ``value``: of a regression the inverse of its penalty (scikit-learn's C, for features of
    one scale), of a discriminant how far its covariance is shrunk, 0 to 1; of a mean how many heads it is made of at
    most, each of which may count several times (:func:`blended`)."""

    kind: Literal["regression", "discriminant", "mean"]
    value: float

    def __str__(self) -> str:
        if self.kind == "mean":
            return phrase("the mean of the best")
        if self.kind == "regression":
            return phrase("softmax regression (C = {value:g})", value=self.value)
        return phrase("linear discriminant analysis (shrinkage {value:g})", value=self.value)


CANDIDATES = (
    Candidate("regression", 1.0),
    Candidate("discriminant", 0.6),
    Candidate("regression", 0.1),
    Candidate("discriminant", 0.3),
    Candidate("regression", 10.0),
    Candidate("discriminant", 0.1),
    Candidate("discriminant", 0.9),
    Candidate("regression", 0.01),
)
"""In the order in which they are tried: a plan says how many."""
MEAN = Candidate("mean", 6)
"""What follows where a plan wants one way more."""
_GAIN = 1e-4  # of the loss, below which one head more is not worth it


@dataclass(frozen=True, slots=True, eq=False)
class Linear:
    """``kernel`` float64 (size, classes) and ``bias`` (classes,), for features as they come."""

    kernel: np.ndarray
    bias: np.ndarray

    def divided(self, temperature: float) -> Linear:
        """With logits divided by ``temperature``."""
        return Linear(self.kernel / temperature, self.bias / temperature)


def blended(logits: Sequence[np.ndarray], labels: np.ndarray, most: int) -> list[int]:
    """Which of several heads to average, by what they say of pictures held out: positions in ``logits`` (each float
    (n, classes)), some of them several times, at most ``most`` in all.

    Greedy: the best one, then whichever makes the mean of the logits better (ensemble selection, Caruana et al. 2004).
    A mean of linear heads is a linear head, so it costs nothing later; which of them happened to be best on a few
    pictures held out matters less.
    """
    chosen: list[int] = []
    total, least = np.zeros_like(logits[0]), np.inf
    while len(chosen) < most:
        losses = [loss_of((total + each) / (len(chosen) + 1), labels) for each in logits]
        best = int(np.argmin(losses))
        if losses[best] > least - _GAIN:
            break
        least = losses[best]
        chosen.append(best)
        total = total + logits[best]
    return chosen


def loss_of(logits: np.ndarray, labels: np.ndarray) -> float:
    """The mean cross-entropy of ``logits`` float (n, classes)."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    losses = np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(len(labels)), labels]
    return float(losses.mean())


def solve(
    candidate: Candidate, rows: np.ndarray, labels: np.ndarray, classes: int, widths: Sequence[int], balanced: bool
) -> Linear:
    """The head for features ``rows`` float (n, size) of pictures with ``labels`` int (n,).

    ``widths``: how many features come from each place in the network, for their scale. ``balanced``: every class counts
    alike, however many pictures it has. A class without a picture (in a part of a cross-validation) gets a logit below
    all others.
    """
    from threadpoolctl import threadpool_limits

    mean, scale = scaling(rows, widths)
    present, places = np.unique(labels, return_inverse=True)
    kernel, bias = np.zeros((rows.shape[1], classes)), np.full(classes, _NEVER)
    if len(present) == 1:
        bias[present[0]] = 0.0
        return Linear(kernel, bias)
    scaled = (rows - mean) * scale
    # One thread: for products of this size several spend their time waiting for each other.
    with threadpool_limits(1):
        if candidate.kind == "regression":
            weights, offsets = _regression(scaled, places, candidate.value, balanced)
        else:
            weights, offsets = _discriminant(scaled, places, candidate.value, balanced)
    kernel[:, present] = weights * scale[:, None]
    bias[present] = offsets - mean @ kernel[:, present]
    return Linear(kernel, bias)


def scaling(rows: np.ndarray, widths: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """Mean and factor, float64 (size,), that bring features to a common scale: halfway (geometrically) between one
    spread for each feature and one for all features of a part, and rows to a length that their number does not change.

    One for each feature lifts what hardly varies; one for a part leaves the head to what varies most: each is better
    on some pictures, the middle nearly as good as the better one on all that were tried (docs/training.md).
    """
    mean = rows.mean(axis=0, dtype=np.float64)
    spread = rows.std(axis=0, dtype=np.float64)
    factor = np.empty_like(spread)
    start = 0
    for width in widths:
        own = spread[start : start + width]
        typical = math.sqrt(float((own**2).mean())) or 1.0
        factor[start : start + width] = 1.0 / np.sqrt(np.maximum(own, _SMALLEST_SPREAD * typical) * typical)
        start += width
    return mean, factor * math.sqrt(_LENGTH / rows.shape[1])


def suiting_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """What to divide ``logits`` float (n, classes) of pictures held out by, so that their softmax has the lowest loss.

    A discriminant's logits may be hundreds, a penalised regression's tenths. The prior is a normal one on the logarithm
    of the scale that is left, around scores of about .9 for the first class; without it pictures that are all right
    would ask for certainty.
    """
    from scipy.optimize import minimize_scalar

    centred = logits - logits.mean(axis=1, keepdims=True)
    size = math.sqrt(float((centred**2).mean())) or 1.0
    unit, places = centred / size, np.arange(len(labels))

    def loss(log_scale: float) -> float:
        scaled = unit * math.exp(log_scale)
        scaled -= scaled.max(axis=1, keepdims=True)
        surprise = float((np.log(np.exp(scaled).sum(axis=1)) - scaled[places, labels]).sum())
        return surprise + (log_scale - _USUAL_SCALE) ** 2 / 2

    found = minimize_scalar(loss, bounds=(_USUAL_SCALE - 4, _USUAL_SCALE + 3), method="bounded")
    return size / math.exp(float(found.x))


def _regression(rows: np.ndarray, labels: np.ndarray, strength: float, balanced: bool) -> tuple[np.ndarray, np.ndarray]:
    from sklearn.linear_model import LogisticRegression

    found = LogisticRegression(
        C=strength, max_iter=_ITERATIONS, tol=_TOLERANCE, class_weight="balanced" if balanced else None
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it could have gone on: what it found is judged on pictures held out
        found.fit(rows, labels)
    weights, offsets = np.asarray(found.coef_, np.float64), np.asarray(found.intercept_, np.float64)
    if len(weights) == 1:  # the second class against the first
        weights = np.concatenate([-weights / 2, weights / 2])
        offsets = np.concatenate([-offsets / 2, offsets / 2])
    return weights.T, offsets


def _discriminant(
    rows: np.ndarray, labels: np.ndarray, shrinkage: float, balanced: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Weights (size, classes) and offsets of the discriminant functions, with the covariance
    (1 − shrinkage) S + shrinkage · trace(S) / size · I of the pictures around their classes' means."""
    classes = int(labels.max()) + 1
    counts = np.bincount(labels, minlength=classes)
    means = np.stack([rows[labels == label].mean(axis=0) for label in range(classes)])
    around = rows - means[labels]
    free = max(1, len(rows) - classes)
    size = rows.shape[1]
    ridge = shrinkage * float((around**2).sum()) / free / size or 1.0
    middle = means.mean(axis=0)
    wanted = (means - middle).T
    if len(rows) <= size:
        # The inverse by Woodbury's identity: a system as large as there are pictures, not as there are features.
        inner = (1 - shrinkage) / free * (around @ around.T)
        inner[np.diag_indices_from(inner)] += ridge
        weights = (wanted - (1 - shrinkage) / free * (around.T @ np.linalg.solve(inner, around @ wanted))) / ridge
    else:
        covariance = (1 - shrinkage) / free * (around.T @ around)
        covariance[np.diag_indices_from(covariance)] += ridge
        weights = np.linalg.solve(covariance, wanted)
    offsets = -np.einsum("kd,dk->k", (means + middle) / 2, weights)
    if not balanced:
        offsets += np.log(counts / counts.sum())
    return weights, offsets
