"""What a training has reached so far: the best epoch, the averages of its weights, and how far its next epoch is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

Weights = list[np.ndarray]
"""A network's weights in Keras' own order."""


@dataclass(slots=True)
class Best:
    """The best epoch so far: its number from 0, its measure (lower is better), its weights where they are kept."""

    weights: Weights = field(default_factory=list)
    value: float | None = None
    epoch: int | None = None

    def beaten_by(self, value: float) -> bool:
        """Whether ``value`` is better; the first one always is."""
        return self.value is None or value < self.value


@dataclass(slots=True)
class Averages:
    """``moving``: the weights' exponential moving average (Polyak and Juditsky 1992), ``mean`` their mean over the ends
    of the last epochs (SWA: Izmailov et al. 2018), once these have begun; empty where the plan wants none."""

    moving: Weights = field(default_factory=list)
    mean: Weights = field(default_factory=list)

    def blend(self, weights: Weights, keep: float, done: int, steps: int) -> None:
        """Move the average ``steps`` steps towards ``weights``, of ``done`` in all; ``keep`` is what a step leaves of
        it. Early on it follows fast, so that no epoch lags."""
        share = min(keep, (1 + done) / (10 + done)) ** steps
        for held, now in zip(self.moving, weights, strict=True):
            held *= share
            held += (1 - share) * now

    def take_in(self, weights: Weights, held: int) -> None:
        """Put an epoch's weights into the mean, which holds ``held`` epochs."""
        own = self.moving or weights
        if held == 0 or not self.mean:
            self.mean = [np.array(w) for w in own]
            return
        for mean, now in zip(self.mean, own, strict=True):
            mean += (now - mean) / (held + 1)

    @property
    def any(self) -> Weights:
        """The averaged weights that count; empty where there are none."""
        return self.mean or self.moving


@dataclass(slots=True)
class Within:
    """How far the next epoch is: batches done, how many of them the average has taken in, seconds spent, and loss and
    accuracy over them (``partial``, empty where none was done before)."""

    step: int = 0
    blended: int = 0
    spent: float = 0.0
    partial: Sequence[float] = ()

    def whole(self, loss: float, accuracy: float, step: int) -> tuple[float, float]:
        """Loss and accuracy over the first ``step`` batches of the epoch, from those done now and before."""
        if not self.partial or step <= self.step:
            return (loss, accuracy) if not self.partial else (self.partial[0], self.partial[1])
        before, now = self.step / step, (step - self.step) / step
        return self.partial[0] * before + loss * now, self.partial[1] * before + accuracy * now
