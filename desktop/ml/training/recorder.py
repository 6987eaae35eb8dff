"""Writes down what a training tells: the run's record, its batch curve and its log."""

from __future__ import annotations

import contextlib
import datetime
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from desktop.ml.plans import plan as plans
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
from desktop.ml.training import tensorboard_log
from desktop.ml.training.tensorboard_log import TensorBoardLog
from desktop.store.run_files import BatchLog, append_line
from desktop.store.runs import BATCHES, LOG, PLAN, RECORD, RunError, RunStore

_FIGURES = ("val_loss", "val_accuracy")


class Recorder:
    """A listener that keeps a run's files up to date and hands every event on.

    A folder without ``run.json`` (one that was given on the command line) gets its curve and log all the same. What
    cannot be written here is no reason to end a training: the checkpoint says so when the disk is full.
    """

    def __init__(self, folder: Path, listener: Callable[[Event], None]) -> None:
        self._folder, self._listener = folder, listener
        self._store = RunStore(folder.parent) if (folder / RECORD).is_file() else None
        self._batches: BatchLog | None = None
        self._curves: TensorBoardLog | None = None
        self._last_counts = False
        self._validation = 0
        self._before = 0.0
        self._began = time.monotonic()
        if self._store is not None:
            with contextlib.suppress(RunError):
                held = self._store.get(folder.name)
                self._before = held.seconds
            with contextlib.suppress(plans.PlanError):
                self._last_counts = plans.load(folder / PLAN).fit.keep == "last"

    def __call__(self, event: Event) -> None:
        with contextlib.suppress(OSError, RunError):
            self._write(event)
        self._listener(event)

    def pass_on(self, event: Event) -> None:
        """Hand an event on without writing it down: it may carry a name that only the user should see."""
        self._listener(event)

    def write_tensorboard(self) -> None:
        """From now on write TensorBoard's files too. Raises OSError where they cannot be begun."""
        self._curves = TensorBoardLog(self._folder / tensorboard_log.FOLDER)

    def change(self, **facts: Any) -> None:
        """Change fields of the record, where there is one."""
        if self._store is not None:
            with contextlib.suppress(RunError):
                self._store.update(self._folder.name, **facts)

    def settle(self, figures: Mapping[str, float]) -> None:
        """Keep the figures of the epoch that counts in the end: the one whose weights are kept."""
        self.change(figures=self._of_record(figures))

    def close(self) -> None:
        """End the batch curve and TensorBoard's file."""
        if self._curves is not None:
            with contextlib.suppress(OSError):
                self._curves.close()
            self._curves = None
        self._end_batches()

    def _end_batches(self) -> None:
        if self._batches is not None:
            with contextlib.suppress(OSError):
                self._batches.close()
            self._batches = None

    def _write(self, event: Event) -> None:
        if self._curves is not None:
            self._curves(event)
        if isinstance(event, Started):
            self._end_batches()
            self._validation = event.validation
            self._batches = BatchLog(self._folder / BATCHES, event.epoch)
            pictures = f"{event.train} training and {event.validation} validation pictures"
            if event.folds:
                pictures = f"{event.train} pictures, cross-validated in {event.folds} parts"
            self._log(
                f"{event.parameters} parameters on {event.device} ({event.backend}), {pictures}, "
                f"epoch {event.epoch + 1} of {event.epochs}"
            )
            self.change(state="running", device=event.device, epochs=event.epochs, epochs_done=event.epoch, message="")
        elif isinstance(event, TrainBatchDone):
            if self._batches is not None:
                self._batches.add({k: v for k, v in asdict(event).items() if isinstance(v, int | float)})
        elif isinstance(event, EpochDone):
            self._epoch(event)
        elif isinstance(event, Note):
            self._log(event.text)
        elif isinstance(event, Paused | Resumed):
            self.change(state="paused" if isinstance(event, Paused) else "running")
        elif isinstance(event, Phase):
            if event.done == 0:
                self._log(f"{event.name} begins")
        elif isinstance(event, Finished):
            self._log(f"{event.state}: {event.message}" if event.message else event.state)
            state = {"done": "done", "failed": "failed"}.get(event.state, "stopped")
            self.change(
                state=state,
                seconds=self._seconds(),
                message=event.message,
                hint=event.hint,
                **({"model_id": event.model_id} if event.model_id else {}),
            )
        else:
            assert isinstance(event, Checkpointed)

    def _epoch(self, event: EpochDone) -> None:
        self._log(
            f"epoch {event.epoch + 1}/{event.epochs}: loss {event.loss:.4f}, accuracy {event.accuracy:.4f}, validation "
            f"loss {event.val_loss:.4f}, accuracy {event.val_accuracy:.4f}, {event.seconds:.1f} s"
        )
        # Both figures are of one epoch: the one that would be kept if this were the last.
        counts = event.best or self._last_counts
        self.change(
            epochs_done=event.epoch + 1,
            seconds=self._seconds(),
            **({"figures": self._of_record(asdict(event))} if counts else {}),
        )

    def settle_model(self, accuracy: float, n: int) -> None:
        """Keep what the finished model, calibrated and with its own decision, reaches on validation."""
        if self._store is not None:
            with contextlib.suppress(RunError):
                held = self._store.get(self._folder.name).figures
                self.change(figures={**held, "model_accuracy": accuracy, "model_n": float(n)})

    def _of_record(self, figures: Mapping[str, Any]) -> dict[str, float]:
        """The figures of one epoch, and of how many validation pictures (0: not known) they are."""
        held = {name: float(figures[name]) for name in _FIGURES}
        return {**held, "val_n": float(self._validation)} if self._validation else held

    def _seconds(self) -> float:
        return self._before + time.monotonic() - self._began

    def _log(self, text: str) -> None:
        moment = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        append_line(self._folder / LOG, f"{moment} {text}")
