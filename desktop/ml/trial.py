"""Training without a model at the end: for searches and studies, which need the figures alone."""

from __future__ import annotations

import gc
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from desktop.ml.convert import deploy
from desktop.ml.data import assemble, features
from desktop.ml.nets import backend
from desktop.ml.plans.control import Cancelled, Control, Steering, Undisturbed
from desktop.ml.plans.events import Event, Finished, Note
from desktop.ml.plans.plan import TrainingPlan
from desktop.ml.training import train
from desktop.ml.training.recorder import Recorder
from desktop.store.runs import CHECKPOINT, training_lock
from desktop.system.words import phrase

backend.select()

import keras  # noqa: E402


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a trial gave: the figures of the epoch that the plan keeps (fractions and a loss), on ``val_n``
    pictures of validation, and of the test split where that was opened. ``complete`` is false where it was stopped
    before its last epoch."""

    val_accuracy: float
    val_loss: float
    epochs: int
    seconds: float
    train: int
    complete: bool
    test_accuracy: float | None = None
    test_n: int = 0
    val_n: int = 0


def run_trial(
    plan: TrainingPlan,
    run: Path,
    listener: Callable[[Event], None] = lambda event: None,
    control: Control | None = None,
    data_root: Path | None = None,
    open_test: bool = False,
    split_seed: int | None = None,
) -> Outcome:
    """Train ``plan`` in the folder ``run``, going on from its checkpoint where it has one; no model is made.

    The run's record and curves are kept as in a whole job; :func:`desktop.ml.job.execute` makes the model later where
    one is wanted. ``open_test`` measures the test split; ``split_seed`` cuts validation off in place of the plan's
    seed. Features that were computed stay only where the trial is to be taken up. Raises :class:`Cancelled` and what a
    training raises.
    """
    run.mkdir(parents=True, exist_ok=True)
    recorder = Recorder(run, listener)
    steering = Steering(control or Undisturbed())
    try:
        with training_lock(run):
            recorder.change(state="running")
            try:
                outcome = _train(plan, run, recorder, steering, data_root, open_test, split_seed)
            except Cancelled:
                _drop_features(run)
                recorder(Finished("cancelled", None, "ended early: others do better"))
                raise
            except BaseException as error:
                if isinstance(error, Exception):  # not Ctrl-C, after which it is taken up
                    _drop_features(run)
                recorder.change(state="failed", message=phrase("it failed ({name})", name=type(error).__name__))
                raise
            if outcome.complete:
                _drop_features(run)
            words = "trained; taking it up makes its model" if outcome.complete else "stopped; the checkpoint is kept"
            recorder(Finished("stopped", None, words))
            return outcome
    finally:
        recorder.close()
        keras.utils.clear_session()
        gc.collect()


def _drop_features(run: Path) -> None:
    """Remove what a fixed network made of the pictures: hundreds of megabytes a trial, and computed again if needed."""
    gc.collect()  # Windows keeps files that are mapped
    shutil.rmtree(run / features.FOLDER, ignore_errors=True)


def _train(
    plan: TrainingPlan,
    run: Path,
    recorder: Recorder,
    steering: Steering,
    data_root: Path | None,
    open_test: bool,
    split_seed: int | None,
) -> Outcome:
    gathered = assemble.gather(plan, run, data_root, assemble.told(recorder, steering.check), split_seed)
    recorder.change(data=gathered.title, preset=plan.preset)
    for text in gathered.notes:
        recorder(Note(text))
    resume = (run / CHECKPOINT).is_file()
    trained = train.run(plan, gathered.train, gathered.validation, run, recorder, resume, steering)
    if not trained.history:
        return Outcome(float("nan"), float("nan"), 0, 0.0, len(gathered.train), False)
    kept = trained.kept(plan.fit.keep)
    recorder.settle(kept)
    test = gathered.open_test() if open_test and trained.complete else None
    accuracy, n = None, 0
    if test is not None:
        text = assemble.copies(gathered, test, "test")
        if text:
            recorder(Note(text))
        scores = deploy.logits_of(trained.model, test.images, plan.mirrored)
        accuracy, n = float((np.argmax(scores, axis=1) == test.labels).mean()), len(test)
    return Outcome(
        float(kept["val_accuracy"]),
        float(kept["val_loss"]),
        len(trained.history),
        float(sum(row["seconds"] for row in trained.history)),
        len(gathered.train),
        trained.complete,
        accuracy,
        n,
        len(gathered.validation),
    )
