"""What a training tells its watcher: plain frozen dataclasses, ready to cross a pipe or to become JSON lines.

Epochs and positions count from 0, counts of things from 1. ``to_dict`` gives ``{"event": "epoch-done", …}``;
:func:`from_dict` reads it back. Nothing here needs Keras, so window and services may use it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Literal

from desktop.core.types import FoveaError
from desktop.system.words import hold, phrase

State = Literal["done", "stopped", "cancelled", "failed"]
PhaseName = Literal["data", "features", "calibrating", "exporting", "confidence", "evaluating", "writing"]


class EventError(FoveaError):
    """Text that is no event of a training."""


class _Event:
    """What all events share: their name and their way into plain values and back."""

    __slots__ = ()
    event: ClassVar[str]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; a number that is not finite becomes ``None``."""
        values: dict[str, Any] = {"event": self.event}
        for f in fields(self):  # type: ignore[arg-type]
            value = getattr(self, f.name)
            values[f.name] = None if isinstance(value, float) and not math.isfinite(value) else value
        return values


@dataclass(frozen=True, slots=True)
class Started(_Event):
    """The network is built and the data is read.

    ``device`` is what training really runs on, ``backend`` the library (``tensorflow``); ``epoch`` the first one to
    come (above 0 after a resume); ``train`` and ``validation`` numbers of pictures; ``batch`` their number a step.
    Where all pictures are cross-validated in ``folds`` parts, both are all of them: each is learned from and checked
    with.
    """

    event: ClassVar[str] = "started"
    device: str
    parameters: int
    train: int
    validation: int
    epoch: int
    epochs: int
    backend: str = ""
    batch: int = 0
    folds: int = 0


@dataclass(frozen=True, slots=True)
class TrainBatchDone(_Event):
    """Progress inside an epoch, at most ten times a second: mean loss and accuracy so far (with augmentation).

    ``rate`` is the learning rate, ``images_per_s`` the speed since the last such event, ``memory_bytes`` what the
    training process holds in main memory (0: unknown).
    """

    event: ClassVar[str] = "batch-done"
    epoch: int
    step: int
    steps: int
    loss: float
    accuracy: float
    rate: float = 0.0
    images_per_s: float = 0.0
    memory_bytes: int = 0


@dataclass(frozen=True, slots=True)
class EpochDone(_Event):
    """One epoch: training figures as seen with augmentation, validation figures without; ``seconds`` of wall clock.

    ``images_per_s`` counts the training part alone. ``best`` says that this epoch is the best so far by the plan's
    measure; ``left_s`` is what the epochs to come will take if they take as long as those so far.
    """

    event: ClassVar[str] = "epoch-done"
    epoch: int
    epochs: int
    loss: float
    accuracy: float
    val_loss: float
    val_accuracy: float
    rate: float
    seconds: float
    images_per_s: float = 0.0
    memory_bytes: int = 0
    best: bool = False
    left_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Phase(_Event):
    """Work before or after the epochs: ``done`` of ``total`` parts (``total`` 0: not known)."""

    event: ClassVar[str] = "phase"
    name: PhaseName
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Note(_Event):
    """Something to tell in words (``resumed after epoch 3``)."""

    event: ClassVar[str] = "note"
    text: str

    def __post_init__(self) -> None:
        hold(self, "text")


@dataclass(frozen=True, slots=True)
class Paused(_Event):
    """The training waits, after a batch, until it is resumed or stopped."""

    event: ClassVar[str] = "paused"


@dataclass(frozen=True, slots=True)
class Resumed(_Event):
    """The training goes on after a pause."""

    event: ClassVar[str] = "resumed"


@dataclass(frozen=True, slots=True)
class Checkpointed(_Event):
    """Everything up to here is on disk: ``epoch`` finished epochs, and ``step`` batches of the next one."""

    event: ClassVar[str] = "checkpointed"
    epoch: int
    step: int = 0


@dataclass(frozen=True, slots=True)
class Finished(_Event):
    """The end, always the last event. ``done``: the model ``model_id`` stands in the store. ``stopped``: it can be
    taken up from its checkpoint. ``message`` says in a sentence what happened, ``hint`` what to do next."""

    event: ClassVar[str] = "finished"
    state: State
    model_id: str | None = None
    message: str = ""
    hint: str = ""
    kind: str = ""

    def __post_init__(self) -> None:
        hold(self, "message", "hint")


Event = Started | TrainBatchDone | EpochDone | Phase | Note | Paused | Resumed | Checkpointed | Finished

_KINDS: dict[str, type[Any]] = {
    cls.event: cls for cls in (Started, TrainBatchDone, EpochDone, Phase, Note, Paused, Resumed, Checkpointed, Finished)
}


def from_dict(values: object) -> Event:
    """The event that ``to_dict`` wrote. Raises :class:`EventError` for anything else."""
    if not isinstance(values, dict) or values.get("event") not in _KINDS:
        raise EventError("bad-event", "this is no event of a training")
    cls = _KINDS[values["event"]]
    given = {key: value for key, value in values.items() if key != "event"}
    for f in fields(cls):
        if f.type == "float" and given.get(f.name, 0.0) is None:
            given[f.name] = math.nan
    try:
        event: Event = cls(**given)
    except TypeError as error:
        raise EventError(
            "bad-event", phrase("the event '{values}' lacks a field or has a strange one", values=values["event"])
        ) from error
    return event
