"""A head that is solved instead of trained: softmax regression on the features of a fixed network, in seconds.

The penalty on its weights is chosen on pictures held out: by cross-validation over all pictures
(:func:`desktop.ml.training.solved.folds_of`), after which the head learns from every one of them; where there are very
many, on the validation part. Each strength of the penalty stands in the training's history as an epoch does.

Features are brought to one scale first; the scaling is folded into the head's weights. Mirror images, where they suit
the pictures, are learned from as pictures of their own, on the side of their original.
"""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from desktop.core.data.splits import folds
from desktop.ml.data.public_sets import Pictures, belonging_together
from desktop.ml.plans.control import Steering
from desktop.ml.plans.events import EpochDone, Event, Note
from desktop.ml.plans.plan import MOST_CROSSED, TrainingPlan
from desktop.ml.training.history import History

STRONGEST, WEAKEST = 0.01, 10.0
"""The range of the penalty's strengths, as the inverse that scikit-learn calls C, for features of unit scale."""
_ITERATIONS = 300
_TOLERANCE = 1e-3
_LENGTH = 100.0  # mean square of a scaled row
_SMALLEST_SPREAD = 1e-3  # of a feature, beside the mean spread of all: what hardly varies is not blown up


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """What a fixed network makes of pictures: ``rows`` float32 (n, size), ``mirrored`` the same of their mirror images
    where these are learned from, ``pictures`` whose they are. ``widths``: how many features each part of a row has
    that comes from one place in the network."""

    rows: np.ndarray
    mirrored: np.ndarray | None
    pictures: Pictures
    widths: tuple[int, ...]

    def take(self, indices: np.ndarray) -> Features:
        """Those at ``indices``, in that order."""
        turned = None if self.mirrored is None else self.mirrored[indices]
        return Features(self.rows[indices], turned, self.pictures.take(indices), self.widths)


@dataclass(frozen=True, slots=True, eq=False)
class HeldOut:
    """What a head says of pictures that it did not learn from: ``logits`` float64 (n, classes) of ``pictures``.

    ``folds`` is 0 where they are the validation part, else in how many parts all pictures were cross-validated: then
    no head said all of it, but heads that each learned from the other parts.
    """

    CROSS: ClassVar[str] = "cross-validation"
    """What figures of such pictures are called, as those of a split."""

    logits: np.ndarray
    pictures: Pictures
    folds: int


@dataclass(frozen=True, slots=True, eq=False)
class Head:
    """A softmax regression: ``kernel`` float64 (size, classes) and ``bias`` (classes,), for features as they come."""

    kernel: np.ndarray
    bias: np.ndarray

    def logits(self, found: Features, averaged: bool) -> np.ndarray:
        """Logits float64 (n, classes); with ``averaged`` the mean of a picture's and its mirror image's."""
        straight = found.rows @ self.kernel + self.bias
        if not averaged or found.mirrored is None:
            return np.asarray(straight, np.float64)
        return np.asarray((straight + found.mirrored @ self.kernel + self.bias) / 2, np.float64)


def folds_of(plan: TrainingPlan, count: int, own_validation: bool) -> int:
    """In how many parts ``plan`` cross-validates ``count`` pictures in all; 0 where a part held out checks."""
    return 0 if own_validation or count > MOST_CROSSED else plan.data.folds


class Solving:
    """Solves the head of ``plan`` once for each strength; has what the rest asks of a training loop."""

    def __init__(
        self,
        plan: TrainingPlan,
        strengths: int,
        train: Features,
        validation: Features,
        parts: int,
        listener: Callable[[Event], None],
        steering: Steering,
    ) -> None:
        self.plan, self.train, self.validation, self.parts = plan, train, validation, parts
        self.listener, self.steering = listener, steering
        self.strengths = np.geomspace(STRONGEST, WEAKEST, strengths) if strengths > 1 else np.array([1.0])
        self.history: History = []
        self.best_epoch: int | None = None
        self.best_value: float | None = None
        self.head: Head | None = None
        self.held_out: HeldOut | None = None
        self.ended = ""
        self.batch = 0

    def run(self) -> bool:
        """Try the strengths, strongest first; the one with the lowest loss on pictures held out counts.

        Returns whether it is finished: false where it was stopped inside. Raises
        :class:`desktop.ml.plans.control.Cancelled`.
        """
        every = self.train if not self.parts else _joined(self.train, self.validation)
        places = self._places(every)
        for number, strength in enumerate(self.strengths):
            self.steering.check()
            if self.steering.stop_after_batch:
                return False
            began = time.monotonic()
            head, logits, pictures = self._tried(float(strength), every, places)
            loss, accuracy = _figures(head.logits(every, False), every.pictures.labels)
            val_loss, val_accuracy = _figures(logits, pictures.labels)
            best = self.best_value is None or val_loss < self.best_value
            if best:
                self.best_value, self.best_epoch, self.head = val_loss, number, head
                self.held_out = HeldOut(logits, pictures, self.parts)
            self._tell(number, float(strength), (loss, accuracy, val_loss, val_accuracy), began, best)
            if self.steering.stop_after_epoch:
                self.ended = "asked"
                break
        return True

    def _places(self, every: Features) -> np.ndarray | None:
        """Each picture's part, int (n,), where all are cross-validated."""
        if not self.parts:
            return None
        clusters = belonging_together(every.pictures, self.plan)
        places = folds(every.pictures.labels, clusters, self.parts, self.plan.seed)
        found = int(places.max()) + 1
        text = (
            f"cross-validated in {found} parts: each of the {len(places):,} pictures is checked once by a head that "
            "did not learn from it, and the model learns from all of them"
        )
        self.listener(Note(text))
        return places

    def _tried(self, strength: float, every: Features, places: np.ndarray | None) -> tuple[Head, np.ndarray, Pictures]:
        balanced = self.plan.fit.class_weights == "balanced"
        if places is None:
            head = solve(every, strength, self._classes, balanced)
            return head, head.logits(self.validation, self.plan.mirrored), self.validation.pictures
        logits = np.empty((len(places), self._classes))
        for part in np.unique(places):
            self.steering.check()
            inside = np.flatnonzero(places == part)
            head = solve(every.take(np.flatnonzero(places != part)), strength, self._classes, balanced)
            logits[inside] = head.logits(every.take(inside), self.plan.mirrored)
        return solve(every, strength, self._classes, balanced), logits, every.pictures

    @property
    def _classes(self) -> int:
        return len(self.plan.labels)

    def _tell(
        self, number: int, strength: float, figures: tuple[float, float, float, float], began: float, best: bool
    ) -> None:
        seconds = time.monotonic() - began
        names = ("loss", "accuracy", "val_loss", "val_accuracy")
        named = dict(zip(names, figures, strict=True))
        self.history.append({"epoch": number + 1, **named, "rate": strength, "seconds": seconds})
        left = seconds * (len(self.strengths) - number - 1)
        speed = len(self.train.rows) / max(seconds, 1e-9)
        self.listener(EpochDone(number, self.plan.fit.epochs, *figures, strength, seconds, speed, 0, best, left))


def _joined(first: Features, second: Features) -> Features:
    turned = None
    if first.mirrored is not None and second.mirrored is not None:
        turned = np.concatenate([first.mirrored, second.mirrored])
    rows = np.concatenate([first.rows, second.rows])
    return Features(rows, turned, first.pictures.joined(second.pictures), first.widths)


def solve(found: Features, strength: float, classes: int, balanced: bool) -> Head:
    """The softmax regression on ``found`` with the penalty's inverse ``strength``, by L-BFGS (scikit-learn's).

    A class without a picture (in a part of a cross-validation) gets a logit far below all others.
    """
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits

    labels = found.pictures.labels
    rows, targets = found.rows, labels
    if found.mirrored is not None:
        rows, targets = np.concatenate([found.rows, found.mirrored]), np.concatenate([labels, labels])
    mean, scale = scaling(rows, found.widths)
    present = np.unique(targets)
    kernel, bias = np.zeros((rows.shape[1], classes)), np.full(classes, -30.0)
    if len(present) == 1:
        bias[present[0]] = 0.0
        return Head(kernel, bias)
    regression = LogisticRegression(
        C=strength, max_iter=_ITERATIONS, tol=_TOLERANCE, class_weight="balanced" if balanced else None
    )
    # One thread: for products of this size several spend their time waiting for each other.
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore")  # that it could have gone on: what it found is judged on pictures held out
        regression.fit((rows - mean) * scale, targets)
    weights = np.asarray(regression.coef_, np.float64)
    offsets = np.asarray(regression.intercept_, np.float64)
    if len(present) == 2:  # one row there: the second class against the first
        weights = np.stack([-weights[0] / 2, weights[0] / 2])
        offsets = np.array([-offsets[0] / 2, offsets[0] / 2])
    kernel[:, present] = (weights * scale).T
    bias[present] = offsets - mean @ kernel[:, present]
    return Head(kernel, bias)


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


def _figures(logits: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    shifted = logits - logits.max(axis=1, keepdims=True)
    losses = np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(len(labels)), labels]
    return float(losses.mean()), float((logits.argmax(axis=1) == labels).mean())
