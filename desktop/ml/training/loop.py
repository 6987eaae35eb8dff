"""One stage of a training: epoch after epoch of one network, from a checkpoint on where there is one.

A checkpoint inside an epoch holds the batches done, the metrics so far, weights, optimizer and the random state of the
layers; batches are fixed by seed, epoch and position. So a training that was stopped after any batch and taken up again
reaches the same weights as one that was not.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from desktop.core.types import FoveaError
from desktop.ml.data.batches import Batches, batch_of, steps_of
from desktop.ml.data.public_sets import Pictures
from desktop.ml.nets import backend, losses, optimizers
from desktop.ml.nets.cost import in_pieces, pictures_at_once, steps_at_once
from desktop.ml.plans import plan as plans
from desktop.ml.plans.control import Cancelled, Steering
from desktop.ml.plans.events import BatchDone, Checkpointed, EpochDone, Event, Note, Paused, Resumed
from desktop.ml.plans.plan import OptimizerPlan, Step, TrainingPlan, shaping
from desktop.ml.training import checkpoint
from desktop.ml.training.checkpoint import Checkpoint, CheckpointError, Ended
from desktop.ml.training.history import History, history_csv
from desktop.system.files import write_atomically

backend.select()

import keras  # noqa: E402

CHECKPOINT = "checkpoint.npz"
HISTORY = "history.csv"

Listener = Callable[[Event], None]

_TELL_S = 0.1  # the shortest time between two batch events
_POLL_S = 0.1  # in a pause
_VALIDATION_BATCH = 256  # at most


class TrainingError(FoveaError):
    """A training that cannot go on; the last checkpoint stays."""


@dataclass(frozen=True, slots=True)
class Stage:
    """Which epochs (``begin`` up to, not including, ``end``) are trained with which optimizer and augmentation."""

    begin: int
    end: int
    optimizer: OptimizerPlan
    augment: tuple[Step, ...]
    number: int = 0


class Loop:
    """A network in training. ``parts`` above 1 splits every batch for a device with little memory: the gradients of
    the parts are averaged, so a step is what it was; batch normalisation sees the parts. ``at_once`` steps are handed
    to the device together; by default :func:`desktop.ml.nets.cost.steps_at_once` decides."""

    def __init__(
        self,
        plan: TrainingPlan,
        stage: Stage,
        model: keras.Model,
        train: Pictures,
        validation: Pictures,
        folder: Path,
        listener: Listener,
        steering: Steering,
        parts: int = 1,
        at_once: int | None = None,
    ) -> None:
        self.plan, self.stage, self.model, self.train, self.validation = plan, stage, model, train, validation
        self.folder, self.listener, self.steering, self.parts = folder, listener, steering, parts
        self.history: History = []
        self.best: list[np.ndarray] = []
        self.best_value: float | None = None
        self.best_epoch: int | None = None
        self.average: list[np.ndarray] = [np.array(w) for w in model.get_weights()] if plan.fit.ema else []
        self.mean: list[np.ndarray] = []  # over the ends of the last epochs, once these have begun
        self.step, self.blended, self.spent = 0, 0, 0.0
        self.ended: Ended = ""
        self._partial: list[float] = []  # loss and accuracy over the batches that an earlier sitting did
        self._process = psutil.Process()
        self.batch = batch_of(train.labels, plan)
        self.steps = steps_of(train.labels, plan)
        self.network = keras.Model(model.inputs, model.output["logits"], name="network")
        # Keras scales the loss by itself only where the whole model was built in float16; this one holds its layers.
        scaled = any(layer.compute_dtype == "float16" for layer in self.network._flatten_layers())
        total = self.steps * (stage.end - stage.begin)
        self.optimizer = optimizers.build(stage.optimizer, total, parts, scaled)
        losses.penalise(self.network, plan.fit.l1, plan.fit.l2)
        self.at_once = at_once or steps_at_once(self.network, plan.fit, self.steps, parts)
        self._checked = pictures_at_once(self.network, _VALIDATION_BATCH, self.batch // parts)
        self.network.compile(
            optimizer=self.optimizer,
            loss=losses.loss_of(plan.fit),
            metrics=[keras.metrics.CategoricalAccuracy(name="accuracy")],
            steps_per_execution=self.at_once,
            jit_compile=plan.fit.jit,
        )
        self.optimizer.build(self.network.trainable_variables)
        if keras.backend.backend() != "tensorflow":
            # Else `fit` would build losses and metrics from the first batch, which a continued epoch then lacks.
            self.network._symbolic_build(data_batch=Batches(train, plan, 0, augment=())[0])

    # From and to disk

    def restore(self, held: Checkpoint) -> None:
        """Put a checkpoint's state back. Raises :class:`CheckpointError` when it is another plan's."""
        if shaping(plans.from_dict(held.plan)) != shaping(self.plan):
            raise CheckpointError("other-plan", "the checkpoint belongs to another training plan")
        if [tuple(v.shape) for v in self.model.variables] != [a.shape for a in held.model]:
            raise CheckpointError("bad-checkpoint", "the checkpoint does not fit this network")
        for variable, array in zip(self.model.variables, held.model, strict=True):
            variable.assign(array)
        if not optimizers.restore(self.optimizer, held.optimizer, self.parts):
            raise CheckpointError("bad-checkpoint", "the checkpoint does not fit this optimizer")
        self.history, self.average, self.best, self.mean = held.history, held.average, held.best, held.mean
        self.best_value, self.best_epoch = held.best_value, held.best_epoch
        self.step, self.blended, self.spent, self._partial = held.step, held.blended, held.spent, held.partial
        self.ended = held.ended
        within = f" and {held.step} batches" if held.step else ""
        self.listener(Note(f"resumed after epoch {held.epoch}{within}"))

    def save(self) -> None:
        """Write the checkpoint and the history. Raises :class:`TrainingError` when the disk does not take them."""
        state = Checkpoint(
            len(self.history),
            self.plan.public().to_dict(),
            self.history,
            [keras.ops.convert_to_numpy(v) for v in self.model.variables],
            optimizers.state(self.optimizer, self.parts),
            self.average,
            self.best,
            self._partial,
            self.best_value,
            self.best_epoch,
            self.step,
            self.blended,
            self.spent,
            self.stage.number,
            self.stage.begin,
            self.ended,
            self.mean,
        )
        try:
            checkpoint.write(self.folder / CHECKPOINT, state)
            write_atomically(self.folder / HISTORY, history_csv(self.history))
        except OSError as error:
            raise TrainingError(
                "disk", f"the checkpoint could not be written: {error.strerror}", "Make room and resume."
            ) from error
        self.listener(Checkpointed(len(self.history), self.step))

    # The epochs

    def run(self) -> bool:
        """Train up to the stage's end, a wish to stop, or the end of patience.

        Returns whether the stage is finished: false where it was stopped inside, to be taken up later. Raises
        :class:`Cancelled`, and :class:`TrainingError` when a loss is no longer a number or the disk is full.
        """
        while len(self.history) < self.stage.end and not self.ended:
            self.steering.check()
            if self.steering.stop_after_batch or not self.epoch():
                return False
            if self.steering.stop_after_epoch and not self.ended:
                self.ended = "asked"
                self.save()
        return True

    def epoch(self) -> bool:
        """One epoch, or the rest of one: train, measure, write its checkpoint, tell. False where it was stopped."""
        number, started = len(self.history), time.monotonic()
        batches = Batches(self.train, self.plan, number, 2, self.step, self.parts, self.stage.augment)
        watch = Watch(self, number, started)
        logs = self.network.fit(batches, epochs=1, verbose=0, shuffle=False, callbacks=[watch]).history
        loss, accuracy = self.whole(float(logs["loss"][0]), float(logs["accuracy"][0]), watch.step)
        if self.steering.cancelled:
            raise Cancelled
        if not math.isfinite(loss):
            raise _not_finite("loss", number)
        if watch.step < self.steps:
            if not self._sound():
                raise _not_finite("loss", number)
            self.step, self.spent = watch.step, self.spent + watch.seconds()
            self._partial = [loss, accuracy]
            self.save()
            return False
        trained_s = watch.seconds()
        self._take_in()
        val_loss, val_accuracy = self._validate()
        if not (math.isfinite(val_loss) and self._sound()):  # the last step's harm is in no training loss yet
            raise _not_finite("validation loss", number)
        row = {
            "epoch": number + 1,
            "loss": loss,
            "accuracy": accuracy,
            "val_loss": val_loss,
            "val_accuracy": val_accuracy,
            "rate": self._rate(),
            "seconds": self.spent + watch.seconds(),
        }
        speed = (self.steps - self.step) * self.batch / max(trained_s, 1e-9)
        self.history.append(row)
        best = self._judge(row)
        self.step, self.blended, self.spent, self._partial = 0, 0, 0.0, []
        self.save()
        self.listener(
            EpochDone(
                number, self.plan.fit.epochs, loss, accuracy, val_loss, val_accuracy, row["rate"], row["seconds"],
                speed, self._memory(), best, self._left(),
            )
        )  # fmt: skip
        return True

    def settle(self) -> None:
        """Leave the network with the weights that the plan keeps: averaged, best or last."""
        self.model.set_weights(self.best or self._final_weights())

    def begin_from(self, weights: list[np.ndarray], value: float | None, epoch: int | None) -> None:
        """Let an earlier stage's result compete for the best: a fine-tuning never ends worse than it began."""
        if self.plan.fit.keep != "last":
            self.best, self.best_value, self.best_epoch = weights, value, epoch

    def whole(self, loss: float, accuracy: float, step: int) -> tuple[float, float]:
        """Loss and accuracy over the first ``step`` batches of an epoch, from those of this sitting and of earlier."""
        if not self._partial or step <= self.step:
            return (loss, accuracy) if not self._partial else (self._partial[0], self._partial[1])
        before, now = self.step / step, (step - self.step) / step
        return self._partial[0] * before + loss * now, self._partial[1] * before + accuracy * now

    def blend(self, steps: int) -> None:
        """Move the average ``steps`` steps towards the weights; early on it follows fast, so that no epoch lags."""
        done = int(keras.ops.convert_to_numpy(self.optimizer.iterations))
        keep = min(self.plan.fit.ema, (1 + done) / (10 + done)) ** steps
        for held, now in zip(self.average, self.model.get_weights(), strict=True):
            held *= keep
            held += (1 - keep) * now

    def _take_in(self) -> None:
        """Put this epoch's weights into the mean of the last epochs, if it is one of them."""
        first = max(self.stage.begin, self.plan.fit.epochs - self.plan.fit.swa)
        held = len(self.history) - first
        if not self.plan.fit.swa or held < 0:
            return
        weights = self._averaged()
        if held == 0 or not self.mean:
            self.mean = [np.array(w) for w in weights]
        else:
            for mean, now in zip(self.mean, weights, strict=True):
                mean += (now - mean) / (held + 1)

    def tell(self, epoch: int, step: int, logs: dict[str, Any], images_per_s: float) -> bool:
        """Tell of a batch; whether its loss is a number."""
        loss, accuracy = self.whole(float(logs["loss"]), float(logs["accuracy"]), step)
        event = BatchDone(
            epoch, step, self.steps, loss, accuracy, self._rate(), images_per_s, self._memory()
        )  # fmt: skip
        self.listener(event)
        return math.isfinite(event.loss)

    def _judge(self, row: dict[str, float]) -> bool:
        """Whether this epoch is the best so far; keeps its weights where the plan wants them, ends lost patience."""
        value = -row["val_accuracy"] if self.plan.fit.keep == "highest-accuracy" else row["val_loss"]
        number = len(self.history) - 1
        best = self.best_value is None or value < self.best_value
        if best:
            self.best_value, self.best_epoch = value, number
            if self.plan.fit.keep != "last":
                self.best = self._final_weights()
        patience = self.plan.fit.patience
        # An earlier stage's best competes, but its epochs do not count: this stage gets its whole patience.
        since = number - max(self.best_epoch if self.best_epoch is not None else -1, self.stage.begin - 1)
        if patience and since >= patience and len(self.history) < self.stage.end:
            self.ended = "patience"
            self.listener(Note(f"stopped early: no better epoch since epoch {number + 1 - since}"))
        return best

    def _sound(self) -> bool:
        """Whether all weights are numbers: what is saved otherwise could never be gone on from."""
        return all(np.isfinite(weights).all() for weights in self.model.get_weights())

    def _final_weights(self) -> list[np.ndarray]:
        return [np.array(w) for w in (self.mean or self._averaged())]

    def _averaged(self) -> list[np.ndarray]:
        return self.average or self.model.get_weights()

    def _validate(self) -> tuple[float, float]:
        """Loss and accuracy on validation, with the averaged weights where there are any. May be cancelled."""
        own = self.model.get_weights() if self.average or self.mean else []
        if own:
            self.model.set_weights(self.mean or self.average)

        def looked(start: int, end: int) -> np.ndarray:
            self.steering.check()
            piece = np.asarray(self.validation.images[start:end])
            return np.asarray(self.network.predict_on_batch(piece), np.float64)

        parts = list(in_pieces(looked, len(self.validation), self._checked, self._fewer))
        if own:
            self.model.set_weights(own)
        return losses.validation_figures(np.concatenate(parts), self.validation.labels, self.plan.fit.loss)

    def _fewer(self, piece: int) -> None:
        text = f"the memory of {backend.device()} holds fewer validation pictures: {piece} are looked at together"
        self.listener(Note(text))
        self._checked = piece

    def _rate(self) -> float:
        return float(keras.ops.convert_to_numpy(self.optimizer.learning_rate))

    def _memory(self) -> int:
        try:
            return int(self._process.memory_info().rss)
        except psutil.Error:
            return 0

    def _left(self) -> float:
        recent = [row["seconds"] for row in self.history[self.stage.begin :]][-5:]
        return sum(recent) / max(1, len(recent)) * (self.plan.fit.epochs - len(self.history))


class Watch(keras.callbacks.Callback):
    """Between two steps: passes progress on, keeps the weights' average, and does what the user asks for."""

    def __init__(self, loop: Loop, epoch: int, started: float) -> None:
        super().__init__()
        self._loop, self._epoch = loop, epoch
        self._started, self._waited = started, 0.0
        self._told, self._told_step = started, loop.step
        self._first = self.step = loop.step

    def seconds(self) -> float:
        """Wall clock since the epoch (or its rest) began, without pauses."""
        return time.monotonic() - self._started - self._waited

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        backend.reseed(self._loop.plan.seed, 7, self._epoch, self._first * self._loop.parts + batch)

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        loop = self._loop
        self.step = min(self._first + (batch + 1) // loop.parts, loop.steps)
        every = loop.plan.fit.steps_per_execution
        if loop.average and (self.step - loop.blended >= every or self.step == loop.steps):
            loop.blend(self.step - loop.blended)
            loop.blended = self.step
        now = time.monotonic()
        if logs and now - self._told >= _TELL_S:
            speed = (self.step - self._told_step) * loop.batch / (now - self._told)
            self._told, self._told_step = now, self.step
            if not loop.tell(self._epoch, self.step, logs, speed):
                self.model.stop_training = True
        loop.steering.poll()
        if loop.steering.paused:
            self._wait()
        whole = (batch + 1) % loop.parts == 0  # all parts of a batch are in its step
        if loop.steering.cancelled or (loop.steering.stop_after_batch and whole):
            self.model.stop_training = True

    def _wait(self) -> None:
        began = time.monotonic()
        self._loop.listener(Paused())
        while self._loop.steering.paused:
            time.sleep(_POLL_S)
            self._loop.steering.poll()
        if not self._loop.steering.interrupted:
            self._loop.listener(Resumed())
        waited = time.monotonic() - began
        self._waited += waited
        self._told += waited


def _not_finite(what: str, epoch: int) -> TrainingError:
    kept = "the last good epoch was kept" if epoch else "no epoch was finished before, so none could be kept"
    message = f"the {what} was no longer a number in epoch {epoch + 1}"
    return TrainingError("not-finite", message, f"Lower the learning rate; {kept}.")
