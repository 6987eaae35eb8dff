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
from typing import Any

import numpy as np
import psutil

from desktop.core.types import FoveaError
from desktop.ml.data.batches import Batches
from desktop.ml.nets import backend, losses, optimizers
from desktop.ml.nets.cost import in_pieces, pictures_at_once
from desktop.ml.plans import plan as plans
from desktop.ml.plans.control import Cancelled
from desktop.ml.plans.events import Checkpointed, EpochDone, Event, Note, Paused, Resumed, TrainBatchDone
from desktop.ml.plans.plan import OptimizerPlan, Step, shaping
from desktop.ml.training import checkpoint
from desktop.ml.training.checkpoint import Checkpoint, CheckpointError, Ended
from desktop.ml.training.compiled import Compiled
from desktop.ml.training.context import Context
from desktop.ml.training.history import History, history_csv
from desktop.ml.training.progress_state import Averages, Best, Within
from desktop.system.files import write_atomically
from desktop.system.words import phrase

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
class TrainingStage:
    """Which epochs (``begin`` up to, not including, ``end``) are trained with which optimizer and augmentation."""

    begin: int
    end: int
    optimizer: OptimizerPlan
    augment: tuple[Step, ...]
    number: int = 0


class Loop:
    """A network in training, for one stage of a plan. ``at_once`` is that of
    :class:`desktop.ml.training.compiled.Compiled`."""

    def __init__(self, context: Context, stage: TrainingStage, model: keras.Model, at_once: int | None = None) -> None:
        self.context, self.plan, self.stage, self.model = context, context.plan, stage, model
        self.history: History = []
        self.ended: Ended = ""
        self.best = Best()
        self.averages = Averages([np.array(w) for w in model.get_weights()] if self.plan.fit.ema else [])
        self.within = Within()
        self.compiled = Compiled(
            self.plan, model, stage.optimizer, stage.end - stage.begin, context.train, context.parts, at_once
        )
        self._checked = pictures_at_once(self.compiled.network, _VALIDATION_BATCH, self.compiled.batch // context.parts)
        self._process = psutil.Process()

    @property
    def batch(self) -> int:
        """Pictures a step."""
        return self.compiled.batch

    # From and to disk

    def restore(self, held: Checkpoint) -> None:
        """Put a checkpoint's state back. Raises :class:`CheckpointError` when it is another plan's."""
        if shaping(plans.from_dict(held.plan)) != shaping(self.plan):
            raise CheckpointError("other-plan", "the checkpoint belongs to another training plan")
        if [tuple(v.shape) for v in self.model.variables] != [a.shape for a in held.model]:
            raise CheckpointError("bad-checkpoint", "the checkpoint does not fit this network")
        for variable, array in zip(self.model.variables, held.model, strict=True):
            variable.assign(array)
        if not optimizers.restore(self.compiled.optimizer, held.optimizer, self.context.parts):
            raise CheckpointError("bad-checkpoint", "the checkpoint does not fit this optimizer")
        self.history, self.ended = held.history, held.ended
        self.best = Best(held.best, held.best_value, held.best_epoch)
        self.averages = Averages(held.average, held.mean)
        self.within = Within(held.step, held.blended, held.spent, held.partial)
        within = phrase(" and {step} batches", step=held.step) if held.step else ""
        self.context.listener(Note(phrase("resumed after epoch {epoch}{within}", epoch=held.epoch, within=within)))

    def save(self) -> None:
        """Write the checkpoint and the history. Raises :class:`TrainingError` when the disk does not take them."""
        state = Checkpoint(
            len(self.history),
            self.plan.public().to_dict(),
            self.history,
            [keras.ops.convert_to_numpy(v) for v in self.model.variables],
            optimizers.state(self.compiled.optimizer, self.context.parts),
            self.averages.moving,
            self.best.weights,
            list(self.within.partial),
            self.best.value,
            self.best.epoch,
            self.within.step,
            self.within.blended,
            self.within.spent,
            self.stage.number,
            self.stage.begin,
            self.ended,
            self.averages.mean,
        )
        try:
            checkpoint.write(self.context.folder / CHECKPOINT, state)
            write_atomically(self.context.folder / HISTORY, history_csv(self.history))
        except OSError as error:
            raise TrainingError(
                "disk",
                phrase("the checkpoint could not be written: {strerror}", strerror=error.strerror),
                "Make room and resume.",
            ) from error
        self.context.listener(Checkpointed(len(self.history), self.within.step))

    # The epochs

    def run(self) -> bool:
        """Train up to the stage's end, a wish to stop, or the end of patience.

        Returns whether the stage is finished: false where it was stopped inside, to be taken up later. Raises
        :class:`Cancelled`, and :class:`TrainingError` when a loss is no longer a number or the disk is full.
        """
        while len(self.history) < self.stage.end and not self.ended:
            self.context.steering.check()
            if self.context.steering.stop_after_batch or not self.epoch():
                return False
            if self.context.steering.stop_after_epoch and not self.ended:
                self.ended = "asked"
                self.save()
        return True

    def epoch(self) -> bool:
        """One epoch, or the rest of one: train, measure, write its checkpoint, tell. False where it was stopped."""
        number, started = len(self.history), time.monotonic()
        within, compiled, context = self.within, self.compiled, self.context
        batches = Batches(context.train, self.plan, number, 2, within.step, context.parts, self.stage.augment)
        watch = StepWatch(self, number, started)
        logs = compiled.network.fit(batches, epochs=1, verbose=0, shuffle=False, callbacks=[watch]).history
        loss, accuracy = within.whole(float(logs["loss"][0]), float(logs["accuracy"][0]), watch.step)
        if context.steering.cancelled:
            raise Cancelled
        if not math.isfinite(loss):
            raise _not_finite("loss", number)
        if watch.step < compiled.steps:
            if not self._sound():
                raise _not_finite("loss", number)
            self.within = Within(watch.step, within.blended, within.spent + watch.seconds(), (loss, accuracy))
            self.save()
            return False
        trained_s = watch.seconds()
        self._take_in()
        val_loss, val_accuracy = self._validate()
        if not (math.isfinite(val_loss) and self._sound()):  # the last step's harm is in no training loss yet
            raise _not_finite(phrase("validation loss"), number)
        row = {
            "epoch": number + 1,
            "loss": loss,
            "accuracy": accuracy,
            "val_loss": val_loss,
            "val_accuracy": val_accuracy,
            "rate": compiled.rate,
            "seconds": within.spent + watch.seconds(),
        }
        speed = (compiled.steps - within.step) * compiled.batch / max(trained_s, 1e-9)
        self.history.append(row)
        best = self._judge(row)
        self.within = Within()
        self.save()
        context.listener(
            EpochDone(
                number, self.plan.fit.epochs, loss, accuracy, val_loss, val_accuracy, row["rate"], row["seconds"],
                speed, self._memory(), best, self._left(),
            )
        )  # fmt: skip
        return True

    def settle(self) -> None:
        """Leave the network with the weights that the plan keeps: averaged, best or last."""
        self.model.set_weights(self.best.weights or self._final_weights())

    def begin_from(self, weights: list[np.ndarray], value: float | None, epoch: int | None) -> None:
        """Let an earlier stage's result compete for the best: a fine-tuning never ends worse than it began."""
        if self.plan.fit.keep != "last":
            self.best = Best(weights, value, epoch)

    def blend(self, steps: int) -> None:
        """Let the average follow the weights of the last ``steps`` steps."""
        self.compiled.bring_back()
        self.averages.blend(self.model.get_weights(), self.plan.fit.ema, self.compiled.done, steps)

    def _take_in(self) -> None:
        """Put this epoch's weights into the mean of the last epochs, if it is one of them."""
        first = max(self.stage.begin, self.plan.fit.epochs - self.plan.fit.swa)
        held = len(self.history) - first
        if not self.plan.fit.swa or held < 0:
            return
        self.averages.take_in(self.model.get_weights(), held)

    def tell(self, epoch: int, step: int, logs: dict[str, Any], images_per_s: float) -> bool:
        """Tell of a batch; whether its loss is a number."""
        self.compiled.bring_back()
        loss, accuracy = self.within.whole(float(logs["loss"]), float(logs["accuracy"]), step)
        event = TrainBatchDone(
            epoch, step, self.compiled.steps, loss, accuracy, self.compiled.rate, images_per_s, self._memory()
        )
        self.context.listener(event)
        return math.isfinite(event.loss)

    def _judge(self, row: dict[str, float]) -> bool:
        """Whether this epoch is the best so far; keeps its weights where the plan wants them, ends lost patience."""
        value = -row["val_accuracy"] if self.plan.fit.keep == "highest-accuracy" else row["val_loss"]
        number = len(self.history) - 1
        best = self.best.beaten_by(value)
        if best:
            self.best = Best(self._final_weights() if self.plan.fit.keep != "last" else [], value, number)
        patience = self.plan.fit.patience
        # An earlier stage's best competes, but its epochs do not count: this stage gets its whole patience.
        since = number - max(self.best.epoch if self.best.epoch is not None else -1, self.stage.begin - 1)
        if patience and since >= patience and len(self.history) < self.stage.end:
            self.ended = "patience"
            self.context.listener(
                Note(phrase("stopped early: no better epoch since epoch {number}", number=number + 1 - since))
            )
        return best

    def _sound(self) -> bool:
        """Whether all weights are numbers: what is saved otherwise could never be gone on from."""
        return all(np.isfinite(weights).all() for weights in self.model.get_weights())

    def _final_weights(self) -> list[np.ndarray]:
        return [np.array(w) for w in (self.averages.any or self.model.get_weights())]

    def _validate(self) -> tuple[float, float]:
        """Loss and accuracy on validation, with the averaged weights where there are any. May be cancelled."""
        own = self.model.get_weights() if self.averages.any else []
        if own:
            self.model.set_weights(self.averages.any)

        def looked(start: int, end: int) -> np.ndarray:
            self.context.steering.check()
            piece = np.asarray(self.context.validation.images[start:end])
            return np.asarray(self.compiled.network.predict_on_batch(piece), np.float64)

        parts = list(in_pieces(looked, len(self.context.validation), self._checked, self._fewer))
        if own:
            self.model.set_weights(own)
        return losses.validation_figures(np.concatenate(parts), self.context.validation.labels, self.plan.fit.loss)

    def _fewer(self, piece: int) -> None:
        text = phrase(
            "the memory of {device} holds fewer validation pictures: {piece} are looked at together",
            device=backend.device(),
            piece=piece,
        )
        self.context.listener(Note(text))
        self._checked = piece

    def _memory(self) -> int:
        try:
            return int(self._process.memory_info().rss)
        except psutil.Error:
            return 0

    def _left(self) -> float:
        recent = [row["seconds"] for row in self.history[self.stage.begin :]][-5:]
        return sum(recent) / max(1, len(recent)) * (self.plan.fit.epochs - len(self.history))


class StepWatch(keras.callbacks.Callback):
    """Between two steps: passes progress on, keeps the weights' average, and does what the user asks for."""

    def __init__(self, loop: Loop, epoch: int, started: float) -> None:
        super().__init__()
        self._loop, self._epoch = loop, epoch
        self._started, self._waited = started, 0.0
        self._told, self._told_step = started, loop.within.step
        self._first = self.step = loop.within.step

    def seconds(self) -> float:
        """Wall clock since the epoch (or its rest) began, without pauses."""
        return time.monotonic() - self._started - self._waited

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        backend.reseed(self._loop.plan.seed, 7, self._epoch, self._first * self._loop.context.parts + batch)

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        loop, within, steps = self._loop, self._loop.within, self._loop.compiled.steps
        parts, steering = loop.context.parts, loop.context.steering
        self.step = min(self._first + (batch + 1) // parts, steps)
        every = loop.plan.fit.steps_per_execution
        if loop.averages.moving and (self.step - within.blended >= every or self.step == steps):
            loop.blend(self.step - within.blended)
            within.blended = self.step
        now = time.monotonic()
        if logs and now - self._told >= _TELL_S:
            speed = (self.step - self._told_step) * loop.batch / (now - self._told)
            self._told, self._told_step = now, self.step
            if not loop.tell(self._epoch, self.step, logs, speed):
                self.model.stop_training = True
        steering.poll()
        if steering.paused:
            self._wait()
        whole = (batch + 1) % parts == 0  # all parts of a batch are in its step
        if steering.cancelled or (steering.stop_after_batch and whole):
            self.model.stop_training = True

    def _wait(self) -> None:
        began = time.monotonic()
        self._loop.context.listener(Paused())
        while self._loop.context.steering.paused:
            time.sleep(_POLL_S)
            self._loop.context.steering.poll()
        if not self._loop.context.steering.interrupted:
            self._loop.context.listener(Resumed())
        waited = time.monotonic() - began
        self._waited += waited
        self._told += waited


def _not_finite(what: str, epoch: int) -> TrainingError:
    kept = (
        phrase("the last good epoch was kept")
        if epoch
        else phrase("no epoch was finished before, so none could be kept")
    )
    message = phrase("the {what} was no longer a number in epoch {epoch}", what=what, epoch=epoch + 1)
    return TrainingError("not-finite", message, phrase("Lower the learning rate; {kept}.", kept=kept))
