"""A training from its plan to final weights: where they start, which stages follow, what to do when memory runs out."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from desktop.ml.data import augment
from desktop.ml.data.public_sets import Pictures
from desktop.ml.nets import architectures, backend, normalise
from desktop.ml.plans.control import Control, Steering, Undisturbed
from desktop.ml.plans.events import Event, Note
from desktop.ml.plans.plan import TrainingPlan
from desktop.ml.training import checkpoint, transfer
from desktop.ml.training.context import Context, Trained, announce
from desktop.ml.training.history import history_csv
from desktop.ml.training.loop import CHECKPOINT, HISTORY, Loop, TrainingError, TrainingStage
from desktop.system.files import write_atomically
from desktop.system.words import phrase

backend.select()

import keras  # noqa: E402

__all__ = ["CHECKPOINT", "HISTORY", "PLAN", "Trained", "TrainingError", "history_csv", "run"]

PLAN = "plan.json"

Listener = Callable[[Event], None]

_SMALLEST_PART = 8  # pictures; below that a device is too small for the network


def run(
    plan: TrainingPlan,
    train: Pictures,
    validation: Pictures,
    folder: Path,
    listener: Listener = lambda event: None,
    resume: bool = False,
    control: Control | Steering | None = None,
    models: Path | None = None,
    own_validation: bool = False,
) -> Trained:
    """Train ``plan`` and keep plan, history and checkpoint in ``folder``.

    With ``resume`` the checkpoint there is taken up (it must belong to the same plan). ``control`` is asked after every
    step; ``models`` holds the user's own models, for plans that begin from one. ``own_validation``: the data came with
    its validation part, which is never learned from. Where the device's memory does not hold
    a batch, its parts are computed one after the other (their gradients averaged: steps stay what they were), at last
    on the CPU; a note says so.

    Raises :class:`TrainingError` when the loss is no longer a number, the disk is full or memory does not suffice: the
    last good epoch stays in the folder. Raises :class:`desktop.ml.plans.control.Cancelled`.
    """
    augment.check(plan.augment)
    folder.mkdir(parents=True, exist_ok=True)
    if not resume:
        write_atomically(folder / PLAN, plan.to_json())
        (folder / CHECKPOINT).unlink(missing_ok=True)
    steering = control if isinstance(control, Steering) else Steering(control or Undisturbed())
    parts, on_cpu = 1, False
    while True:
        context = Context(plan, train, validation, folder, listener, steering, parts, models, own_validation)
        try:
            with _device(on_cpu):
                return _attempt(context, (folder / CHECKPOINT).is_file())
        except Exception as error:
            if not backend.out_of_memory(error):
                raise
            problem = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        gc.collect()
        backend.free_memory()
        if min(plan.fit.batch, len(train)) // (parts * 2) >= _SMALLEST_PART:
            parts *= 2
            listener(
                Note(
                    phrase(
                        "the memory of {device} does not hold a batch of {batch}: each is computed in "
                        "{parts} parts, whose gradients are averaged, so the steps stay the same",
                        device=backend.device(),
                        batch=plan.fit.batch,
                        parts=parts,
                    )
                )
            )
        elif backend.accelerated() and not on_cpu:
            parts, on_cpu = 1, True
            listener(
                Note(
                    phrase(
                        "the memory of {device} is too small for this network: training on the CPU",
                        device=backend.device(),
                    )
                )
            )
        else:
            hint = "Choose smaller pictures, a smaller network or a smaller batch."
            raise TrainingError(
                "memory", phrase("there is not enough memory for this training ({problem})", problem=problem), hint
            )


def _attempt(context: Context, resume: bool) -> Trained:
    plan, train = context.plan, context.train
    held = checkpoint.read(context.folder / CHECKPOINT) if resume else None
    keras.utils.set_random_seed(plan.seed)
    if plan.start.kind != "fresh":
        if plan.fit.mixed not in ("none", "auto"):
            context.listener(Note("a network that begins from a finished one computes in 32 bits, as that does"))
        return (transfer.go_on if plan.start.kind == "weights" else transfer.build_upon)(context, held)
    with precision(plan, context.listener), normalise.fused():
        model = architectures.build(plan)
    initialise = architectures.find(plan.architecture.name).initialise
    if initialise is not None:
        initialise(model, _drawn(plan, train))
    loop = Loop(context, TrainingStage(0, plan.fit.epochs, plan.optimizer, plan.augment), model)
    if held is not None:
        loop.restore(held)
    announce(context, loop, model)
    complete = loop.run()
    loop.settle()
    return Trained(_finished(plan, model), loop.history, complete, loop.best.epoch)


def _drawn(plan: TrainingPlan, train: Pictures) -> np.ndarray:
    """Training pictures by the seed, not the first ones: these lie class by class."""
    rng = np.random.default_rng([plan.seed, 8])
    picked = np.sort(rng.permutation(len(train))[: architectures.INITIAL_PICTURES])
    return np.asarray(train.images[picked])


@contextmanager
def _device(on_cpu: bool) -> Iterator[None]:
    if on_cpu:
        with keras.device("cpu:0"):
            yield
    else:
        yield


@contextmanager
def precision(plan: TrainingPlan, listener: Listener) -> Iterator[None]:
    """Build in 16 bits where the plan asks for it; ``auto`` does on accelerators that are made for it."""
    chosen = plan.fit.mixed
    if chosen == "auto":
        chosen = "bfloat16" if backend.gains_from_16_bits() else "none"
        if chosen != "none":
            listener(Note(phrase("computing in {precision}", precision=chosen)))
        else:
            listener(Note(phrase("computing in 32 bits: 16 would not be faster on this device")))
    before = keras.config.dtype_policy()
    if chosen != "none":
        keras.config.set_dtype_policy(f"mixed_{chosen}")
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def _finished(plan: TrainingPlan, model: keras.Model) -> keras.Model:
    """The same weights in a network of Keras' own layers that computes in 32 bits, as exported files do."""
    if all(layer.compute_dtype == "float32" and normalise.is_plain(layer) for layer in model.layers if layer.weights):
        return model
    plain = architectures.build(plan)
    plain.set_weights(model.get_weights())
    return plain
