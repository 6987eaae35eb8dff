"""Trainings that begin from a finished network: going on with it, a new head on its features, fine-tuning."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import numpy as np

from desktop.ml.data import features
from desktop.ml.data.arrays import Rows
from desktop.ml.data.embeddings import Embedder
from desktop.ml.data.public_sets import Pictures
from desktop.ml.nets import architectures, backend, base_network
from desktop.ml.plans.events import Note, Phase
from desktop.ml.plans.plan import SOLVED, STAGES, OptimizerPlan
from desktop.ml.training.checkpoint import Checkpoint
from desktop.ml.training.context import Context, Trained, announce
from desktop.ml.training.loop import Loop, TrainingStage
from desktop.ml.training.solved import Features, Solving, folds_of
from desktop.store.embedding_cache import EmbeddingCache
from desktop.system.words import phrase

backend.select()

import keras  # noqa: E402


def go_on(context: Context, held: Checkpoint | None) -> Trained:
    """Train a model of the store further, all of it that was free to learn."""
    plan = context.plan
    base = base_network.open_base(plan, context.models)
    model = base_network.continued(base, plan)
    loop = Loop(context, TrainingStage(0, plan.fit.epochs, plan.optimizer, plan.augment), model)
    if held is not None:
        loop.restore(held)
    announce(context, loop, model)
    complete = loop.run()
    loop.settle()
    return Trained(model, loop.history, complete, loop.best.epoch, base.title)


def build_upon(context: Context, held: Checkpoint | None) -> Trained:
    """Train a head on the features of a fixed network, and in a fine-tuning then the network's last layers too."""
    plan = context.plan
    base = base_network.open_base(plan, context.models)
    cut = base_network.trunk(base, plan.start.layer)
    head = architectures.build_head(plan, tuple(cut.output_shape[1:]))
    model = base_network.joined(base, cut, head)
    base_network.unfreeze(cut, 0)
    tuned = plan.start.kind == "fine-tune"
    if held is None or held.stage == 0:
        if tuned and not plan.start.head_epochs:
            return _tune(context, base, cut, model, None, held)
        if (plan.start.head_optimizer if tuned else plan.optimizer.name) == SOLVED:
            return _solve(context, base, cut, head, model)
        first = _head(context, base, cut, head, held)
        complete = first.run()
        first.settle()
        if not complete or not tuned or first.ended == "asked":
            return Trained(model, first.history, complete, first.best.epoch, base.title)
        return _tune(context, base, cut, model, first, None)
    return _tune(context, base, cut, model, None, held)


def _solve(
    context: Context, base: base_network.Base, cut: keras.Model, head: keras.Model, model: keras.Model
) -> Trained:
    """The head's best weights by :mod:`desktop.ml.training.solved`; where the plan wants it, the last layers after."""
    plan, start = context.plan, context.plan.start
    tuned = start.kind == "fine-tune"
    # Mirror images are learned from where the plan mirrors pictures, and looked at where its answers average both.
    flips = plan.mirrored or any(step.name == "flip" for step in plan.augment)
    parts = 0 if tuned else folds_of(plan, len(context.train) + len(context.validation), context.own_validation)
    found = [
        Features(
            _rows(context, base, cut, part, pictures, False),
            _rows(context, base, cut, part, pictures, True) if flips else None,
            pictures,
            base_network.widths(cut),
        )
        for part, pictures in (("train", context.train), ("validation", context.validation))
    ]
    solving = Solving(
        plan, start.head_epochs if tuned else plan.fit.epochs, found[0], found[1], parts, context.listener,
        context.steering,
    )  # fmt: skip
    announce(context, solving, model, parts)
    complete = solving.run()
    if solving.head is not None:
        layer = head.get_layer("logits")
        layer.set_weights([solving.head.kernel.astype(np.float32), solving.head.bias.astype(np.float32)])
    if not complete or not tuned or solving.ended:
        held_out = solving.held_out if parts else None
        return Trained(model, solving.history, complete, solving.best.epoch, base.title, held_out)
    return _tune(context, base, cut, model, solving, None)


def _rows(
    context: Context, base: base_network.Base, cut: keras.Model, part: str, pictures: Pictures, mirrored: bool
) -> np.ndarray:
    """What the fixed network makes of ``pictures`` or of their mirror images: by LiteRT where its exported file gives
    it, kept by content for whoever asks next, else by the network itself."""

    def progress(done: int, total: int) -> None:
        context.steering.check()
        context.listener(Phase("features", done, total))

    layer = context.plan.start.layer
    if base.entry is not None and layer in (None, "embedding", STAGES):
        with Embedder(base.entry, EmbeddingCache(), stages=layer == STAGES, mirrored=mirrored) as embedder:
            return embedder.prepared(pictures.images, pictures.sha256, progress)
    turned = replace(pictures, images=Rows.mirror(pictures.images)) if mirrored else pictures
    name = f"{part}-mirrored" if mirrored else part
    rows = _features(context, base, cut, name, turned).images
    return np.asarray(rows).reshape(len(pictures), -1)


def _head(
    context: Context, base: base_network.Base, cut: keras.Model, head: keras.Model, held: Checkpoint | None
) -> Loop:
    """The loop over the head alone, on features."""
    plan, start = context.plan, context.plan.start
    tuned = start.kind == "fine-tune"
    epochs = start.head_epochs if tuned else plan.fit.epochs
    optimizer = plan.optimizer
    if tuned:
        optimizer = OptimizerPlan(start.head_optimizer, start.head_rate, momentum=0.9)
    if plan.augment:
        context.listener(
            Note(
                "the new last layer learns from the pictures as they are: what the network sees in each is "
                "computed once"
            )
        )
    parts = {}
    for part, pictures in (("train", context.train), ("validation", context.validation)):
        parts[part] = _features(context, base, cut, part, pictures)
    on_features = replace(context, train=parts["train"], validation=parts["validation"])
    loop = Loop(on_features, TrainingStage(0, epochs, optimizer, ()), head)
    if held is not None:
        loop.restore(held)
    announce(context, loop, head)
    return loop


def _features(context: Context, base: base_network.Base, cut: keras.Model, part: str, pictures: Pictures) -> Pictures:
    def progress(done: int, total: int) -> None:
        context.steering.check()
        context.listener(Phase("features", done, total))

    prepared = json.dumps(asdict(context.plan.preprocess), sort_keys=True)
    identity = f"{base.sha256} {context.plan.start.layer} {prepared}"
    return features.compute(cut, pictures, context.folder / features.FOLDER, part, identity, progress)


def _tune(
    context: Context,
    base: base_network.Base,
    cut: keras.Model,
    model: keras.Model,
    first: Loop | Solving | None,
    held: Checkpoint | None,
) -> Trained:
    plan = context.plan
    free = base_network.unfreeze(cut, plan.start.unfreeze)
    begin = len(first.history) if first is not None else held.begin if held is not None else 0
    loop = Loop(context, TrainingStage(begin, plan.fit.epochs, plan.optimizer, plan.augment, 1), model)
    if first is not None:
        loop.history = first.history
        loop.begin_from([w.copy() for w in model.get_weights()], first.best.value, first.best.epoch)
        context.listener(Note(phrase("fine-tuning: the last {free} layers learn now too", free=free)))
    elif held is not None:
        loop.restore(held)
    announce(context, loop, model)
    complete = loop.run()
    loop.settle()
    return Trained(model, loop.history, complete, loop.best.epoch, base.title)
