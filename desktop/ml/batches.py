"""Training batches: shuffled, augmented and weighted on worker threads, each fixed by seed, epoch and position."""

from __future__ import annotations

import numpy as np

from desktop.ml import backend
from desktop.ml.augment import Facts, apply
from desktop.ml.data import Pictures
from desktop.ml.plan import TrainingPlan

backend.select()

import keras  # noqa: E402


class Batches(keras.utils.PyDataset):
    """One epoch of ``(uint8 (batch, H, W, C), one-hot float32 (batch, classes), weights float32 (batch,))``.

    Every batch is full: the pictures of a broken last one take part in another epoch's order. The augmentation of a
    batch depends on (seed, epoch, position) alone, not on which thread makes it or when.
    """

    def __init__(self, pictures: Pictures, plan: TrainingPlan, epoch: int, workers: int = 2) -> None:
        super().__init__(workers=workers, use_multiprocessing=False, max_queue_size=4 * plan.fit.steps_per_execution)
        self._pictures = pictures
        self._plan = plan
        self._epoch = epoch
        self._order = np.random.default_rng([plan.seed, 2, epoch]).permutation(len(pictures))
        self._size = min(plan.fit.batch, len(pictures))
        self._weights = class_weights(pictures.labels, plan)

    def __len__(self) -> int:
        return len(self._order) // self._size

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        picked = self._order[index * self._size : (index + 1) * self._size]
        rng = np.random.default_rng([self._plan.seed, 3, self._epoch, index])
        labels = self._pictures.labels[picked]
        facts = Facts(labels, picked, self._epoch)
        images = apply(self._pictures.images[picked], self._plan.augment, rng, facts)
        targets = np.zeros((len(picked), len(self._plan.labels)), np.float32)
        targets[np.arange(len(picked)), labels] = 1.0
        return images, targets, self._weights[labels]


def class_weights(labels: np.ndarray, plan: TrainingPlan) -> np.ndarray:
    """One loss weight a class, float32: all 1, or inverse to the class's frequency with a mean of 1 over the images."""
    classes = len(plan.labels)
    if plan.fit.class_weights == "none":
        return np.ones(classes, np.float32)
    counts = np.maximum(np.bincount(labels, minlength=classes), 1)
    weights: np.ndarray = (len(labels) / (classes * counts)).astype(np.float32)
    return weights
