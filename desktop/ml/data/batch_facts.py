"""What training knows of a batch of pictures beside their pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True, eq=False)
class BatchFacts:
    """What training knows of a batch beside its pixels: ``labels`` and ``numbers`` (places in the training set), both
    int64 (n,), the ``epoch``, counted from 0, and ``targets``, the shares of the classes, float32 (n, classes), rows of
    sum 1, which steps that mix pictures change in place. Steps that need a fact do without it on pictures that have
    none."""

    labels: np.ndarray
    numbers: np.ndarray
    epoch: int
    targets: np.ndarray | None = None
