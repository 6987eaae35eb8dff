"""What the parts of a training hand to each other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from desktop.ml.data.public_sets import Pictures
from desktop.ml.nets import backend
from desktop.ml.plans.control import Steering
from desktop.ml.plans.events import Event, Started
from desktop.ml.plans.plan import TrainingPlan
from desktop.ml.training.history import History
from desktop.ml.training.solved import HeldOut

backend.select()

import keras  # noqa: E402


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """A finished (or stopped) training: the network with its final weights, and what was measured by epoch.

    ``complete`` is false where it was stopped inside, to be taken up later; ``best_epoch`` counts from 0; ``parent``
    says which model it began from. ``held_out`` is what a cross-validation said of all pictures, where there was one:
    the validation part was learned from then, and does not check.
    """

    model: keras.Model
    history: History
    complete: bool
    best_epoch: int | None = None
    parent: str | None = None
    held_out: HeldOut | None = None

    def kept(self, keep: str) -> dict[str, float]:
        """The figures of the epoch whose weights these are, where the plan keeps ``keep``; there must be one."""
        return self.history[-1 if keep == "last" or self.best_epoch is None else self.best_epoch]


@dataclass(frozen=True, slots=True, eq=False)
class Context:
    """What one training works with: its data (``own_validation``: cut by whoever made the data), its folder, who
    listens and who steers, the user's models."""

    plan: TrainingPlan
    train: Pictures
    validation: Pictures
    folder: Path
    listener: Callable[[Event], None]
    steering: Steering
    parts: int = 1
    models: Path | None = None
    own_validation: bool = False


class Learning(Protocol):
    """What is told of a training when it begins: :class:`desktop.ml.training.loop.Loop`, or a head that is solved."""

    history: History

    @property
    def batch(self) -> int:
        """Pictures a step."""
        ...


def announce(context: Context, learning: Learning, model: keras.Model, folds: int = 0) -> None:
    """Tell what begins, and on which device; ``folds``: in how many parts all pictures are cross-validated."""
    train, validation = len(context.train), len(context.validation)
    if folds:
        train = validation = train + validation
    context.listener(
        Started(
            backend.device(),
            model.count_params(),
            train,
            validation,
            len(learning.history),
            context.plan.fit.epochs,
            keras.backend.backend(),
            learning.batch,
            folds,
        )
    )
