"""The training loop: one epoch after the other, each ending in a checkpoint from which it can be taken up exactly."""

from __future__ import annotations

import csv
import io
import math
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from desktop.core.types import FoveaError
from desktop.ml import architectures, augment, backend, checkpoint, optimizers
from desktop.ml import plan as plans
from desktop.ml.batches import Batches
from desktop.ml.checkpoint import Checkpoint, CheckpointError
from desktop.ml.data import Pictures
from desktop.ml.events import BatchDone, EpochDone, Event, Note, Started
from desktop.ml.plan import TrainingPlan

backend.select()

import keras  # noqa: E402

CHECKPOINT = "checkpoint.npz"
HISTORY = "history.csv"
PLAN = "plan.json"

Listener = Callable[[Event], None]


class TrainingError(FoveaError):
    """A training that cannot go on; the last checkpoint stays."""


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """A finished (or stopped) training: the network with its final weights, and what was measured by epoch."""

    model: keras.Model
    history: list[dict[str, float]]
    complete: bool


def run(
    plan: TrainingPlan,
    train: Pictures,
    validation: Pictures,
    folder: Path,
    listener: Listener = lambda event: None,
    resume: bool = False,
    stop: Callable[[], bool] = lambda: False,
) -> Trained:
    """Train ``plan`` and keep plan, history and checkpoint in ``folder``.

    With ``resume`` the checkpoint there is taken up (it must belong to the same plan). ``stop`` is asked after each
    epoch. Raises :class:`TrainingError` when the loss is no longer a number: the last good epoch stays in the folder.
    """
    augment.check(plan.augment)
    folder.mkdir(parents=True, exist_ok=True)
    keras.utils.set_random_seed(plan.seed)
    model = architectures.build(plan)
    initialise = architectures.find(plan.architecture.name).initialise
    if initialise is not None:
        initialise(model, train.images)
    loop = _Loop(plan, model, train, validation, folder, listener)
    if resume:
        loop.restore(checkpoint.read(folder / CHECKPOINT))
    else:
        _write_text(folder / PLAN, plan.to_json())
    listener(
        Started(backend.device(), model.count_params(), len(train), len(validation), len(loop.history), plan.fit.epochs)
    )
    while len(loop.history) < plan.fit.epochs:
        loop.epoch()
        if stop():
            break
    loop.settle()
    return Trained(model, loop.history, len(loop.history) >= plan.fit.epochs)


class _Loop:
    """The state between epochs."""

    def __init__(
        self,
        plan: TrainingPlan,
        model: keras.Model,
        train: Pictures,
        validation: Pictures,
        folder: Path,
        listener: Listener,
    ) -> None:
        self.plan, self.model, self.train, self.validation = plan, model, train, validation
        self.folder, self.listener = folder, listener
        self.history: list[dict[str, float]] = []
        self.best: list[np.ndarray] = []
        self.best_loss: float | None = None
        self.average: list[np.ndarray] = [np.array(w) for w in model.get_weights()] if plan.fit.ema else []
        steps = len(Batches(train, plan, 0))
        self.network = keras.Model(model.inputs, model.output["logits"], name="network")
        self.optimizer = optimizers.build(plan.optimizer, steps * plan.fit.epochs)
        self.network.compile(
            optimizer=self.optimizer,
            loss=keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=plan.fit.label_smoothing),
            metrics=[keras.metrics.CategoricalAccuracy(name="accuracy")],
            steps_per_execution=min(plan.fit.steps_per_execution, max(1, steps)),
        )
        self.optimizer.build(self.network.trainable_variables)

    def restore(self, held: Checkpoint) -> None:
        """Put a checkpoint's state back. Raises :class:`CheckpointError` when it is another plan's."""
        if _shaping(plans.from_dict(held.plan)) != _shaping(self.plan):
            raise CheckpointError("other-plan", "the checkpoint belongs to another training plan")
        for variables, arrays in ((self.model.variables, held.model), (self.optimizer.variables, held.optimizer)):
            if [tuple(v.shape) for v in variables] != [a.shape for a in arrays]:
                raise CheckpointError("bad-checkpoint", "the checkpoint does not fit this network")
            for variable, array in zip(variables, arrays, strict=True):
                variable.assign(array)
        self.history, self.average, self.best, self.best_loss = held.history, held.average, held.best, held.best_loss
        self.listener(Note(f"resumed after epoch {held.epoch}"))

    def epoch(self) -> None:
        """Train and measure one epoch, write its checkpoint and tell the listener."""
        number, started = len(self.history), time.monotonic()
        batches = Batches(self.train, self.plan, number)
        logs = self.network.fit(
            batches, epochs=1, verbose=0, shuffle=False, callbacks=[_Watch(self, number, len(batches))]
        ).history
        loss, accuracy = float(logs["loss"][0]), float(logs["accuracy"][0])
        if not math.isfinite(loss):
            raise TrainingError(
                "not-finite",
                f"the loss was no longer a number in epoch {number + 1}",
                "Lower the learning rate; the last good epoch was kept.",
            )
        val_loss, val_accuracy = self._validate()
        row = {
            "epoch": number + 1,
            "loss": loss,
            "accuracy": accuracy,
            "val_loss": val_loss,
            "val_accuracy": val_accuracy,
            "rate": float(keras.ops.convert_to_numpy(self.optimizer.learning_rate)),
            "seconds": time.monotonic() - started,
        }
        self.history.append(row)
        if self.plan.fit.keep == "lowest-loss" and (self.best_loss is None or val_loss < self.best_loss):
            self.best, self.best_loss = self._final_weights(), val_loss
        self._save()
        self.listener(
            EpochDone(number, self.plan.fit.epochs, loss, accuracy, val_loss, val_accuracy, row["rate"], row["seconds"])
        )

    def settle(self) -> None:
        """Leave the network with the weights that the plan keeps: averaged, best or last."""
        self.model.set_weights(self.best or self._final_weights())

    def blend(self, steps: int) -> None:
        """Move the average ``steps`` steps towards the weights; early on it follows fast, so that no epoch lags."""
        if not self.average:
            return
        done = int(keras.ops.convert_to_numpy(self.optimizer.iterations))
        keep = min(self.plan.fit.ema, (1 + done) / (10 + done)) ** steps
        for held, now in zip(self.average, self.model.get_weights(), strict=True):
            held *= keep
            held += (1 - keep) * now

    def _final_weights(self) -> list[np.ndarray]:
        return [np.array(w) for w in (self.average or self.model.get_weights())]

    def _validate(self) -> tuple[float, float]:
        """Loss (plain cross-entropy) and accuracy on validation, with the averaged weights where there are any."""
        own = self.model.get_weights() if self.average else []
        if self.average:
            self.model.set_weights(self.average)
        logits = np.asarray(self.network.predict(self.validation.images, batch_size=256, verbose=0), np.float64)
        if own:
            self.model.set_weights(own)
        logits -= logits.max(axis=1, keepdims=True)
        logs = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
        labels = self.validation.labels
        return float(-logs[np.arange(len(labels)), labels].mean()), float((logits.argmax(axis=1) == labels).mean())

    def _save(self) -> None:
        state = Checkpoint(
            len(self.history),
            self.plan.to_dict(),
            self.history,
            [keras.ops.convert_to_numpy(v) for v in self.model.variables],
            [keras.ops.convert_to_numpy(v) for v in self.optimizer.variables],
            self.average,
            self.best,
            self.best_loss,
        )
        try:
            checkpoint.write(self.folder / CHECKPOINT, state)
            _write_text(self.folder / HISTORY, history_csv(self.history))
        except OSError as error:
            raise TrainingError(
                "disk", f"the checkpoint could not be written: {error.strerror}", "Make room and resume."
            ) from error


class _Watch(keras.callbacks.Callback):
    """Passes progress on, at most a few times a second, and keeps the weights' average."""

    def __init__(self, loop: _Loop, epoch: int, steps: int) -> None:
        super().__init__()
        self._loop, self._epoch, self._steps = loop, epoch, steps
        self._last, self._told = -1, 0.0

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        self._loop.blend(batch - self._last)
        self._last = batch
        now = time.monotonic()
        if logs and now - self._told > 0.2:
            self._told = now
            event = BatchDone(
                self._epoch, min(batch + 1, self._steps), self._steps, float(logs["loss"]), float(logs["accuracy"])
            )
            self._loop.listener(event)
            if not math.isfinite(event.loss):
                self.model.stop_training = True


def _shaping(plan: TrainingPlan) -> dict[str, Any]:
    """The part of a plan that shapes the weights; words, decision and export may be mended before a resume, and the
    data may have moved."""
    values = plan.to_dict()
    for name in ("path", "title", "use_test"):
        del values["data"][name]
    return {k: v for k, v in values.items() if k not in ("name", "card", "decision", "mirrored", "labels", "preset")}


def history_csv(history: list[dict[str, float]]) -> str:
    """The history as CSV text, one row an epoch."""
    stream = io.StringIO()
    columns = ["epoch", "loss", "accuracy", "val_loss", "val_accuracy", "rate", "seconds"]
    writer = csv.DictWriter(stream, columns, lineterminator="\n")
    writer.writeheader()
    for row in history:
        writer.writerow({k: int(v) if k == "epoch" else f"{v:.6g}" for k, v in row.items()})
    return stream.getvalue()


def _write_text(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_text(text, encoding="utf-8", newline="\n")
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
