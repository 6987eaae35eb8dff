"""A head that is solved instead of trained: a linear classifier on the features of a fixed network, in seconds.

Which of :data:`desktop.ml.training.linear_heads.CANDIDATES` it is, is chosen on pictures held out: by cross-validation
over all pictures (:func:`folds_of`), after which the head learns from every one of them; where there are very many, on
the validation part. Candidates are compared by their loss at the temperature that suits each. Each stands in the
training's history as an epoch does. Last comes the mean of those that are best together.

Features are brought to one scale first; the scaling is folded into the head's weights. Mirror images, where they suit
the pictures, are learned from as pictures of their own, on the side of their original.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from desktop.core.data.splits import folds
from desktop.core.types import CROSSED
from desktop.ml.data.public_sets import Pictures, belonging_together
from desktop.ml.plans.control import Steering
from desktop.ml.plans.events import EpochDone, Event, Note
from desktop.ml.plans.plan import MOST_CROSSED, TrainingPlan
from desktop.ml.training.history import History
from desktop.ml.training.linear_heads import (
    CANDIDATES,
    MEAN,
    Candidate,
    Linear,
    blended,
    loss_of,
    solve,
    suiting_temperature,
)
from desktop.ml.training.progress_state import Best
from desktop.system.words import phrase


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

    CROSS: ClassVar[str] = CROSSED
    """What figures of such pictures are called, as those of a split."""

    logits: np.ndarray
    pictures: Pictures
    folds: int


def logits_of(head: Linear, found: Features, averaged: bool) -> np.ndarray:
    """Logits float64 (n, classes); with ``averaged`` the mean of a picture's and its mirror image's."""
    straight = found.rows @ head.kernel + head.bias
    if not averaged or found.mirrored is None:
        return np.asarray(straight, np.float64)
    return np.asarray((straight + found.mirrored @ head.kernel + head.bias) / 2, np.float64)


def folds_of(plan: TrainingPlan, count: int, own_validation: bool) -> int:
    """In how many parts ``plan`` cross-validates ``count`` pictures in all; 0 where a part held out checks."""
    return 0 if own_validation or count > MOST_CROSSED else plan.data.folds


class Solving:
    """Solves the head of ``plan`` in ``count`` ways; has what the rest asks of a training loop."""

    def __init__(
        self,
        plan: TrainingPlan,
        count: int,
        train: Features,
        validation: Features,
        parts: int,
        listener: Callable[[Event], None],
        steering: Steering,
    ) -> None:
        self.plan, self.train, self.validation, self.parts = plan, train, validation, parts
        self.listener, self.steering = listener, steering
        self.candidates = (*CANDIDATES, MEAN)[:count]
        self._found: list[tuple[Linear, np.ndarray]] = []
        self.history: History = []
        self.best = Best()
        self.head: Linear | None = None
        self.held_out: HeldOut | None = None
        self.ended = ""
        self.batch = 0

    def run(self) -> bool:
        """Try the candidates; the one with the lowest loss on pictures held out counts.

        Returns whether it is finished: false where it was stopped inside. Raises
        :class:`desktop.ml.plans.control.Cancelled`.
        """
        every = self.train if not self.parts else _joined(self.train, self.validation)
        places = self._places(every)
        for number, candidate in enumerate(self.candidates):
            self.steering.check()
            if self.steering.stop_after_batch:
                return False
            began = time.monotonic()
            pictures = every.pictures if self.parts else self.validation.pictures
            if candidate.kind == "mean":
                head, logits = self._mean(int(candidate.value), pictures.labels)
            else:
                head, logits = self._tried(candidate, every, places)
            # A discriminant's logits have a scale of their own; so that losses can be compared, each gets its best.
            temperature = suiting_temperature(logits, pictures.labels)
            head, logits = head.divided(temperature), logits / temperature
            self._found.append((head, logits))
            loss, accuracy = _figures(logits_of(head, every, False), every.pictures.labels)
            val_loss, val_accuracy = _figures(logits, pictures.labels)
            best = self.best.beaten_by(val_loss)
            if best:
                self.best, self.head = Best([], val_loss, number), head
                self.held_out = HeldOut(logits, pictures, self.parts)
            self._tell(number, candidate.value, (loss, accuracy, val_loss, val_accuracy), began, best)
            if self.steering.stop_after_epoch:
                self.ended = "asked"
                break
        self.listener(
            Note(
                phrase(
                    "the new last layer: {candidates}, the best of {count} ways",
                    candidates=self.candidates[self.best.epoch or 0],
                    count=len(self.history),
                )
            )
        )
        return True

    def _places(self, every: Features) -> np.ndarray | None:
        """Each picture's part, int (n,), where all are cross-validated."""
        if not self.parts:
            return None
        clusters = belonging_together(every.pictures, self.plan)
        places = folds(every.pictures.labels, clusters, self.parts, self.plan.seed)
        found = int(places.max()) + 1
        text = phrase(
            "cross-validated in {found} parts: each of the {count:,} pictures is checked once by "
            "a head that did not learn from it, and the model learns from all of them",
            found=found,
            count=len(places),
        )
        self.listener(Note(text))
        return places

    def _mean(self, most: int, labels: np.ndarray) -> tuple[Linear, np.ndarray]:
        """The mean of those heads, solved before, that are best together on pictures held out."""
        chosen = [self._found[place] for place in blended([logits for _, logits in self._found], labels, most)]
        kernel = np.mean([head.kernel for head, _ in chosen], axis=0)
        bias = np.mean([head.bias for head, _ in chosen], axis=0)
        return Linear(kernel, bias), np.mean([logits for _, logits in chosen], axis=0)

    def _tried(self, candidate: Candidate, every: Features, places: np.ndarray | None) -> tuple[Linear, np.ndarray]:
        if places is None:
            head = self._solved(candidate, every)
            return head, logits_of(head, self.validation, self.plan.mirrored)
        logits = np.empty((len(places), self._classes))
        for part in np.unique(places):
            self.steering.check()
            inside = np.flatnonzero(places == part)
            head = self._solved(candidate, every.take(np.flatnonzero(places != part)))
            logits[inside] = logits_of(head, every.take(inside), self.plan.mirrored)
        return self._solved(candidate, every), logits

    def _solved(self, candidate: Candidate, found: Features) -> Linear:
        rows, labels = found.rows, found.pictures.labels
        if found.mirrored is not None:
            rows, labels = np.concatenate([rows, found.mirrored]), np.concatenate([labels, labels])
        return solve(candidate, rows, labels, self._classes, found.widths, self.plan.fit.class_weights == "balanced")

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
        left = seconds * (len(self.candidates) - number - 1)
        speed = len(self.train.rows) / max(seconds, 1e-9)
        self.listener(EpochDone(number, self.plan.fit.epochs, *figures, strength, seconds, speed, 0, best, left))


def _joined(first: Features, second: Features) -> Features:
    turned = None
    if first.mirrored is not None and second.mirrored is not None:
        turned = np.concatenate([first.mirrored, second.mirrored])
    rows = np.concatenate([first.rows, second.rows])
    return Features(rows, turned, first.pictures.joined(second.pictures), first.widths)


def _figures(logits: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    return loss_of(logits, labels), float((logits.argmax(axis=1) == labels).mean())
