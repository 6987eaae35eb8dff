"""Augmentations that mix two pictures of a batch and their labels: what keeps a small network from learning by heart.

They change ``facts.targets``, the shares of the classes in every picture, along with the pixels; without targets (a
preview, pictures whose labels must stay what they are) they leave the batch alone.
"""

from __future__ import annotations

import numpy as np

from desktop.ml.data.batch_facts import BatchFacts


def cutmix(
    batch: np.ndarray, rng: np.random.Generator, p: float = 0.5, alpha: float = 1.0, *, facts: BatchFacts | None = None
) -> np.ndarray:
    """Lay a rectangle of another picture of the batch over a picture; the label's share is the area's (Yun et al.
    2019). The share of the area that stays is drawn from Beta(``alpha``, ``alpha``)."""
    drawn = _pairs(batch, rng, p, alpha, facts)
    if drawn is None or facts is None or facts.targets is None:
        return batch
    picked, partners, shares = drawn
    source, targets = batch.copy(), facts.targets.copy()
    _, height, width, _ = batch.shape
    middles = rng.random((len(picked), 2)) * (height, width)
    halves = np.sqrt(1.0 - shares)[:, None] * (height / 2, width / 2)
    corners = np.clip(np.rint(np.stack([middles - halves, middles + halves])), 0, (height, width)).astype(int)
    for i, j, (top, left), (bottom, right) in zip(picked, partners, *corners, strict=True):
        batch[i, top:bottom, left:right] = source[j, top:bottom, left:right]
        covered = (bottom - top) * (right - left) / (height * width)
        facts.targets[i] = targets[i] * (1.0 - covered) + targets[j] * covered
    return batch


def mixup(
    batch: np.ndarray, rng: np.random.Generator, p: float = 0.5, alpha: float = 0.4, *, facts: BatchFacts | None = None
) -> np.ndarray:
    """Blend a picture with another one of the batch, and their labels alike (Zhang et al. 2018). The first one's share
    is drawn from Beta(``alpha``, ``alpha``)."""
    drawn = _pairs(batch, rng, p, alpha, facts)
    if drawn is None or facts is None or facts.targets is None:
        return batch
    picked, partners, shares = drawn
    first = shares.astype(np.float32)[:, None]
    ours, theirs = batch[picked].astype(np.float32), batch[partners].astype(np.float32)
    weight = first[:, :, None, None]
    batch[picked] = (ours * weight + theirs * (1.0 - weight) + 0.5).astype(np.uint8)
    facts.targets[picked] = facts.targets[picked] * first + facts.targets[partners] * (1.0 - first)
    return batch


def _pairs(
    batch: np.ndarray, rng: np.random.Generator, p: float, alpha: float, facts: BatchFacts | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """Which pictures are mixed with which other ones, and the share of itself that each keeps; ``None`` for none."""
    if facts is None or facts.targets is None:
        return None
    picked = np.flatnonzero(rng.random(len(batch)) < p)
    if len(picked) == 0:
        return None
    return picked, rng.permutation(len(batch))[: len(picked)], rng.beta(alpha, alpha, len(picked))
