"""One training as the window knows it: its state, its curves, how far it is. No Qt here."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from desktop.engine.training_client import TrainerLost
from desktop.ml.plans.events import (
    Checkpointed,
    EpochDone,
    Event,
    Finished,
    Note,
    Paused,
    Phase,
    Resumed,
    Started,
    TrainBatchDone,
)
from desktop.system.words import phrase

JobState = Literal[
    "waiting",
    "starting",
    "preparing",
    "training",
    "pausing",
    "paused",
    "finishing",
    "packaging",
    "stopping",
    "cancelling",
    "done",
    "stopped",
    "cancelled",
    "failed",
    "interrupted",
]
ACTIVE: frozenset[JobState] = frozenset(
    ("starting", "preparing", "training", "pausing", "paused", "finishing", "packaging", "stopping", "cancelling")
)
"""The states in which a process is at work."""
LEFT: frozenset[JobState] = frozenset(("stopped", "failed", "interrupted"))
"""The states from which a training can be taken up."""

MOST_POINTS = 4000
"""Batch points kept for drawing; then every second one goes."""
_BEFORE = ("data", "features")
_SETTLED_S = 2.0  # of training, before the first guess at what is left


@dataclass(slots=True)
class TrainingCurves:
    """What was measured. ``epochs`` are columns of equal length, one value an epoch; ``at`` and the others are batches,
    ``at`` in epochs since the start (2.5: half of the third epoch). Accuracies and losses as in the events."""

    epochs: dict[str, list[float]] = field(default_factory=dict)
    at: list[float] = field(default_factory=list)
    loss: list[float] = field(default_factory=list)
    accuracy: list[float] = field(default_factory=list)
    best: int | None = None
    _every: int = 1
    _skipped: int = 0

    def add_epoch(self, event: EpochDone) -> None:
        """Add an epoch; one that was there already, from before the training was taken up again, is replaced."""
        row = {
            "epoch": float(event.epoch + 1), "loss": event.loss, "accuracy": event.accuracy, "val_loss": event.val_loss,
            "val_accuracy": event.val_accuracy, "rate": event.rate, "seconds": event.seconds,
        }  # fmt: skip
        self._cut_epochs(event.epoch)
        for name, value in row.items():
            self.epochs.setdefault(name, []).append(value)
        if event.best:
            self.best = event.epoch

    def add_batch(self, event: TrainBatchDone) -> None:
        """Add a batch, or not: however long a training is, the number of points stays bounded."""
        self._skipped += 1
        if self._skipped < self._every:
            return
        self._skipped = 0
        at = event.epoch + event.step / max(1, event.steps)
        self._cut_batches(at)
        self.at.append(at)
        self.loss.append(event.loss)
        self.accuracy.append(event.accuracy)
        if len(self.at) > MOST_POINTS:
            self.at, self.loss, self.accuracy = self.at[::2], self.loss[::2], self.accuracy[::2]
            self._every *= 2

    def cut(self, epochs: int) -> None:
        """Forget the epochs from ``epochs`` on, and the batches after the one at which training goes on: they will come
        again. Batches of that epoch stay until others take their place, for its beginning may not be done again."""
        self._cut_epochs(epochs)
        self._cut_batches(math.nextafter(epochs + 1.0, math.inf))

    def go_on(self, fresh: TrainingCurves) -> None:
        """Append what came since these were written: from its first batch and epoch on it takes their place."""
        if fresh.done:
            first = int(fresh.epochs["epoch"][0]) - 1
            self._cut_epochs(first)
            for name, values in fresh.epochs.items():
                self.epochs[name] = self.epochs.get(name, [])[:first] + values
        if fresh.at:
            self._cut_batches(fresh.at[0])
        self.at, self.loss = self.at + fresh.at, self.loss + fresh.loss
        self.accuracy = self.accuracy + fresh.accuracy

    def _cut_batches(self, at: float) -> None:
        """Forget the batches from ``at`` on."""
        while self.at and self.at[-1] >= at:
            del self.at[-1], self.loss[-1], self.accuracy[-1]

    def _cut_epochs(self, epochs: int) -> None:
        known = len(self.epochs.get("epoch", ()))
        if known > epochs:
            self.epochs = {name: values[:epochs] for name, values in self.epochs.items()}
            if self.best is not None and self.best >= epochs:
                self.best = None

    def set_history(
        self, history: dict[str, list[float]], batches: dict[str, list[float]], keep: str = "lowest-loss"
    ) -> None:
        """Take over what a run's ``history.csv`` and ``batches.csv`` hold (columns as they stand there); ``keep`` is
        the plan's word for which epoch is the best."""
        self.epochs = {name: list(values) for name, values in history.items()}
        steps = zip(batches.get("epoch", ()), batches.get("step", ()), batches.get("steps", ()), strict=False)
        self.at = [epoch + step / max(1.0, of) for epoch, step, of in steps]
        self.loss, self.accuracy = list(batches.get("loss", ())), list(batches.get("accuracy", ()))
        while len(self.at) > MOST_POINTS:
            self.at, self.loss, self.accuracy = self.at[::2], self.loss[::2], self.accuracy[::2]
            self._every *= 2
        self.best = best_epoch(self.epochs, keep)

    @property
    def done(self) -> int:
        """How many epochs there are."""
        return len(self.epochs.get("epoch", ()))


def best_epoch(history: dict[str, list[float]], keep: str = "lowest-loss") -> int | None:
    """The epoch (from 0) with the lowest validation loss, or the highest validation accuracy where the plan keeps that;
    of equal ones the first. ``None`` where there is none."""
    if keep == "highest-accuracy":
        values = [-value for value in history.get("val_accuracy", ())]
    else:
        values = list(history.get("val_loss", ()))
    there = [(value, i) for i, value in enumerate(values) if math.isfinite(value)]
    return min(there)[1] if there else None


@dataclass(slots=True)
class TrainingJob:
    """One training. ``message`` and ``hint`` are its last words, ``notes`` what it told on the way; ``recorded`` the
    epochs that its record counts, which are known before its curves are read, ``figures`` what it holds of figures."""

    id: str
    name: str
    state: JobState = "waiting"
    epochs: int = 0
    started: Started | None = None
    batch: TrainBatchDone | None = None
    epoch: EpochDone | None = None
    phase: Phase | None = None
    curves: TrainingCurves = field(default_factory=TrainingCurves)
    notes: list[str] = field(default_factory=list)
    model_id: str = ""
    message: str = ""
    hint: str = ""
    kind: str = ""
    checkpoint: int = 0
    discard: bool = False
    finish_wished: bool = False
    recorded: int = 0
    figures: dict[str, float] = field(default_factory=dict)
    clock: Callable[[], float] = time.monotonic
    _since: float | None = None
    _first: float = 0.0
    _left: tuple[float, float] | None = None

    @property
    def active(self) -> bool:
        """Whether its process is at work."""
        return self.state in ACTIVE

    @property
    def can_continue(self) -> bool:
        """Whether it can be taken up where it stopped."""
        return self.state in LEFT

    @property
    def can_pause(self) -> bool:
        """Whether a pause would do something now."""
        return self.state in ("training", "finishing")

    @property
    def can_finish(self) -> bool:
        """Whether it can be asked to end after this epoch with a model."""
        return self.state in ("training", "pausing", "paused")

    @property
    def epochs_done(self) -> int:
        """Finished epochs."""
        return max(self.curves.done, self.recorded)

    @property
    def validation(self) -> int:
        """How many pictures check it, 0 while that is not known."""
        return self.started.validation if self.started is not None else int(self.figures.get("val_n", 0))

    def progress(self) -> float | None:
        """How far the training is, 0 to 1; ``None`` where that is not known."""
        if self.state in ("done",):
            return 1.0
        if self.phase is not None and self.state in ("preparing", "packaging"):
            return self.phase.done / self.phase.total if self.phase.total else None
        if not self.epochs:
            return None
        inside = 0.0
        if self.batch is not None and self.batch.epoch >= self.epochs_done and self.batch.steps:
            inside = min(1.0, self.batch.step / self.batch.steps)
        return min(1.0, (self.epochs_done + inside) / self.epochs)

    def left_s(self) -> float | None:
        """Seconds that the remaining epochs will take, as far as can be told; while it is about to stop, the present
        one alone."""
        if self.state == "finishing":
            return self._epoch_left_s()
        if self.state not in ("training", "pausing", "paused"):
            return None
        now = self.clock() if self._since is None else self._since
        if self._left is not None:
            return max(0.0, self._left[0] - (now - self._left[1]))
        done, total = self.progress(), self.epochs
        passed = now - self._first
        begun = (self.started.epoch if self.started else 0) / total if total else 0.0
        if done is None or done <= begun or passed < _SETTLED_S:
            return None
        return passed * (1.0 - done) / (done - begun)

    def _epoch_left_s(self) -> float | None:
        """Seconds that the present epoch will take yet, from what the epochs before it took."""
        took = [seconds for seconds in self.curves.epochs.get("seconds", ()) if math.isfinite(seconds)]
        batch = self.batch
        if not took or batch is None or batch.epoch < self.epochs_done or not batch.steps:
            return None
        return sum(took) / len(took) * (1.0 - min(1.0, batch.step / batch.steps))

    def hear(self, event: Event | TrainerLost) -> None:
        """Take in what the trainer told."""
        match event:
            case Started():
                self._on_started(event)
            case TrainBatchDone():
                self.batch = event
                self.phase = None
                self.curves.add_batch(event)
                self._training()
            case EpochDone():
                self._on_epoch(event)
            case Phase():
                self.phase = event
                before = event.name in _BEFORE
                if self.state in ("starting", "preparing", "training", "packaging", "finishing"):
                    self.state = "preparing" if before else "packaging"
                elif self.state in ("pausing", "paused") and not before:
                    self.state = "packaging"  # the wish came after the last batch: nothing is left to pause
            case Note():
                self.notes.append(event.text)
            case Paused():
                if self.state == "pausing":
                    self.state = "paused"
                self._since = self.clock()
            case Resumed():
                self._on_resumed()
            case Checkpointed():
                self.checkpoint = event.epoch
            case Finished():
                self.state = event.state
                self.model_id = event.model_id or ""
                self.message, self.hint, self.kind = event.message, event.hint, event.kind
            case TrainerLost():
                self.state, self.kind = "interrupted", "trainer-lost"
                self.message = phrase("the training's process has ended ({reason})", reason=event.reason)
                self.hint = (
                    phrase(
                        "Close other programs, or use a smaller batch or smaller pictures, then go on from "
                        "the checkpoint."
                    )
                    if event.memory or "SIGKILL" in event.reason
                    else phrase("Go on from the last checkpoint.")
                )

    def _on_started(self, event: Started) -> None:
        self.started, self.epochs, self.phase = event, event.epochs, None
        self.recorded = min(self.recorded, event.epoch)
        self.curves.cut(event.epoch)
        self._first, self._left, self._since = self.clock(), None, None
        self._training()

    def _on_epoch(self, event: EpochDone) -> None:
        self.epoch, self.epochs = event, event.epochs
        self.curves.add_epoch(event)
        self._left = (event.left_s, self.clock())
        self._training()

    def _on_resumed(self) -> None:
        if self._since is not None:
            pause = self.clock() - self._since
            self._first += pause
            if self._left is not None:
                self._left = (self._left[0], self._left[1] + pause)
            self._since = None
        if self.state in ("paused", "pausing"):
            self.state = "training"

    def _training(self) -> None:
        if self.state in ("starting", "preparing", "packaging"):
            self.state = "training"
