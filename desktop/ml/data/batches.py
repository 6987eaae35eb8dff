"""Training batches: shuffled, augmented and weighted on worker threads, each fixed by seed, epoch and position."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from desktop.ml.data.augment import apply
from desktop.ml.data.batch_facts import BatchFacts
from desktop.ml.data.public_sets import Pictures
from desktop.ml.nets import backend
from desktop.ml.plans.plan import Step, TrainingPlan

backend.select()

import keras  # noqa: E402


class Batches(keras.utils.PyDataset):
    """One epoch of ``(uint8 (batch, H, W, C), targets float32 (batch, classes), weights float32 (batch,))``.

    Targets are one-hot but for pictures that the augmentation mixed with others. Every batch is full: the pictures of a
    broken last one take part in another epoch's order. The augmentation of a batch depends on (seed, epoch, position)
    alone, not on which thread makes it or when. ``start`` leaves out that many batches, which an interrupted epoch has
    had; ``parts`` hands every batch over in that many equal pieces.
    Features of a frozen network (float32) come instead of pictures where ``pictures`` holds them; ``augment`` is empty
    then.
    """

    def __init__(
        self,
        pictures: Pictures,
        plan: TrainingPlan,
        epoch: int,
        workers: int = 2,
        start: int = 0,
        parts: int = 1,
        augment: Sequence[Step] | None = None,
    ) -> None:
        super().__init__(workers=workers, use_multiprocessing=False, max_queue_size=4 * plan.fit.steps_per_execution)
        self._pictures = pictures
        self._plan = plan
        self._epoch = epoch
        self._augment = plan.augment if augment is None else augment
        self._order = drawn_order(pictures.labels, plan, epoch)
        self._size = min(plan.fit.batch, len(self._order))
        self._start, self._parts = start, parts
        self._weights = class_weights(pictures.labels, plan)

    def __len__(self) -> int:
        return (len(self._order) // self._size - self._start) * self._parts

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        whole, part = divmod(index, self._parts)
        whole += self._start
        picked = self._order[whole * self._size : (whole + 1) * self._size]
        if self._parts > 1:
            picked = np.array_split(picked, self._parts)[part]
        rng = np.random.default_rng([self._plan.seed, 3, self._epoch, whole, *([part] if self._parts > 1 else [])])
        labels = self._pictures.labels[picked]
        images = self._pictures.images[picked]
        targets = np.zeros((len(picked), len(self._plan.labels)), np.float32)
        targets[np.arange(len(picked)), labels] = 1.0
        if self._augment:
            images = apply(images, self._augment, rng, BatchFacts(labels, picked, self._epoch, targets))
        return images, targets, targets @ self._weights


def batch_of(labels: np.ndarray, plan: TrainingPlan) -> int:
    """The number of pictures in a batch: the plan's, or all of an epoch where that has fewer."""
    return min(plan.fit.batch, len(drawn_order(labels, plan, 0)))


def steps_of(labels: np.ndarray, plan: TrainingPlan) -> int:
    """The number of batches in an epoch."""
    return len(drawn_order(labels, plan, 0)) // batch_of(labels, plan)


def drawn_order(labels: np.ndarray, plan: TrainingPlan, epoch: int) -> np.ndarray:
    """Which pictures an epoch shows, in which order: int64 positions, by seed and epoch alone.

    All of them once; with ``over`` every class as often as the most frequent one (its pictures in turn, again and
    again), with ``under`` as often as the rarest one (others each epoch).
    """
    rng = np.random.default_rng([plan.seed, 2, epoch])
    if plan.fit.sampling == "none":
        return rng.permutation(len(labels))
    counts = np.bincount(labels, minlength=len(plan.labels))
    there = counts[counts > 0]
    wanted = int(there.max() if plan.fit.sampling == "over" else there.min())
    drawn = []
    for label in np.flatnonzero(counts):
        own = np.flatnonzero(labels == label)
        rounds = -(-wanted // len(own))
        drawn.append(np.concatenate([rng.permutation(own) for _ in range(rounds)])[:wanted])
    return rng.permutation(np.concatenate(drawn))


def class_weights(labels: np.ndarray, plan: TrainingPlan) -> np.ndarray:
    """One loss weight a class, float32: all 1, or inverse to the class's frequency with a mean of 1 over the images."""
    classes = len(plan.labels)
    if plan.fit.class_weights == "none":
        return np.ones(classes, np.float32)
    counts = np.maximum(np.bincount(labels, minlength=classes), 1)
    weights: np.ndarray = (len(labels) / (classes * counts)).astype(np.float32)
    return weights
