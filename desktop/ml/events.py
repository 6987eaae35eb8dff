"""What a training tells its watcher: plain frozen dataclasses, ready to cross a pipe."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Started:
    """The network is built and the data is read. ``device`` is what training really runs on; ``epoch`` the first one to
    come, counted from 0 (above 0 after a resume)."""

    device: str
    parameters: int
    train: int
    validation: int
    epoch: int
    epochs: int


@dataclass(frozen=True, slots=True)
class BatchDone:
    """Progress inside an epoch: mean loss and accuracy so far (with augmentation)."""

    epoch: int
    step: int
    steps: int
    loss: float
    accuracy: float


@dataclass(frozen=True, slots=True)
class EpochDone:
    """One epoch: training figures as seen with augmentation, validation figures without; ``seconds`` of wall clock."""

    epoch: int
    epochs: int
    loss: float
    accuracy: float
    val_loss: float
    val_accuracy: float
    rate: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Note:
    """Something to tell in words (``resumed after epoch 3``)."""

    text: str


Event = Started | BatchDone | EpochDone | Note
