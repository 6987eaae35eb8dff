"""Networks of the store to begin from: opened, undone from their deployment, cut, and joined with a new head."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from desktop.core.types import StoreError
from desktop.ml.nets import backend, imagenet
from desktop.ml.nets.outputs import OUTPUTS
from desktop.ml.plans.base_models import KERAS_FILE, not_installed
from desktop.ml.plans.plan import STAGES, PlanError, TrainingPlan
from desktop.store import catalogue
from desktop.store.store import ModelEntry, ModelStore, read_verified, sha256_of
from desktop.system.words import phrase

backend.select()

import keras  # noqa: E402
from keras import layers  # noqa: E402


@dataclass(frozen=True, slots=True, eq=False)
class Base:
    """A model to begin from. ``network`` maps uint8 pictures to ``logits`` and, where it has them, ``embedding``,
    ``map`` and ``stages``, without temperature and mirror image; ``title`` says which model it is, ``sha256`` is its
    file's checksum."""

    network: keras.Model
    labels: tuple[str, ...]
    title: str
    sha256: str
    entry: ModelEntry | None = None
    """The model of the store that it is, with its exported file; ``None`` for a network without its top."""


def open_base(plan: TrainingPlan, models: Path | None = None) -> Base:
    """The model that ``plan.start`` names, from the bundled models and those in ``models`` (default: the user's).

    Raises :class:`StoreError` where it is not there or damaged, :class:`PlanError` where it does not fit the plan.
    """
    start = plan.start
    assert start.model is not None
    store = ModelStore(user=models)
    bare = _bare(start.model, store)
    if bare is not None:
        return _without_top(bare, plan)
    entry = store.require(start.model)
    manifest = entry.manifest
    assert manifest is not None
    if start.version is not None and manifest.version != start.version:
        raise PlanError(
            "other-version",
            phrase(
                "'{name}' is there in version {version}; the plan begins from version {version2}",
                name=manifest.name,
                version=manifest.version,
                version2=start.version,
            ),
            "Make the plan again to begin from the version that there is.",
        )
    spec = manifest.preprocess
    shape = (spec.height, spec.width, spec.channels)
    if shape != plan.shape:
        raise PlanError(
            "bad-plan",
            phrase(
                "'{name}' takes pictures of {size}; the plan prepares {size2}",
                name=manifest.name,
                size=_size(shape),
                size2=_size(plan.shape),
            ),
            "Prepare the pictures as the model takes them.",
        )
    if KERAS_FILE not in manifest.files:
        raise StoreError(
            "no-keras-file",
            phrase("'{name}' cannot be trained on: it has no {keras_file}", name=manifest.name, keras_file=KERAS_FILE),
            "Choose another model.",
        )
    from desktop.ml.nets.keras_check import check_stored

    path = check_stored(read_verified(entry, KERAS_FILE))
    model = keras.saving.load_model(path, compile=False, safe_mode=True)
    title = f"{manifest.name} ({manifest.id}, version {manifest.version})"
    return Base(network_of(model), manifest.labels, title, manifest.files[KERAS_FILE].sha256, entry)


def _bare(model: str, store: ModelStore) -> catalogue.Network | None:
    """The network without its top that ``model`` names, or that is installed where the whole network is not."""
    networks = catalogue.load().networks
    named = next((n for n in networks if n.id == model), None)
    if named is None or not named.top:
        return named
    with contextlib.suppress(StoreError):  # not even described here: it is as good as not installed
        if store.get(model).state == "ready":
            return None
    same = (n for n in networks if n.network == named.network and not n.top)
    return next((n for n in same if catalogue.base_weights(n).is_file()), None)


def _without_top(network: catalogue.Network, plan: TrainingPlan) -> Base:
    """A network of the catalogue that names no classes, for pictures of the plan's own size."""
    weights = catalogue.base_weights(network)
    if not weights.is_file():
        raise not_installed(network)
    if plan.shape[2] != 3:
        raise PlanError(
            "bad-plan", phrase("'{name}' takes colour pictures; the plan prepares grey ones", name=network.name)
        )
    model = imagenet.build_base(network.id, weights, plan.shape)
    pooled = layers.GlobalAveragePooling2D(name="embedding")(model.output)
    outputs = {"map": model.output, "embedding": pooled}
    title = f"{network.name} ({network.id})"
    return Base(keras.Model(model.inputs, outputs), (), title, sha256_of(weights))


def _size(shape: tuple[int, int, int]) -> str:
    return f"{shape[1]}×{shape[0]} pixels, {'grey' if shape[2] == 1 else 'colour'}"


def network_of(model: keras.Model) -> keras.Model:
    """The trained network inside a deployed one (:func:`desktop.ml.convert.deploy.finish`), with the same weights.

    Also takes networks of other origin with the outputs ``[probabilities, embedding, map]``; the last two may lack.
    """
    names = {layer.name for layer in model.layers}
    if {"body", "normalise", "temperature"} <= names:
        body = model.get_layer("body")
        inputs = keras.Input(model.input_shape[1:], dtype="uint8", name="image")
        scaling = model.get_layer("normalise")
        scaled = type(scaling).from_config(scaling.get_config())(inputs)
        return keras.Model(inputs, dict(zip(("logits", "embedding", "map"), _again(body, scaled), strict=False)))
    found: dict[str, Any] = dict(zip(OUTPUTS[1:], model.outputs[1:], strict=False))
    found["logits"] = model.get_layer("temperature").input if "temperature" in names else _logits(model)
    return keras.Model(model.inputs, found)


def _again(body: keras.Model, scaled: Any) -> list[Any]:
    """What ``body`` makes of ``scaled``, by copies of its layers with the same weights: each can be named and cut at.

    Keras' own ``clone_model`` begins with an input of its own; the way through the graph is the one that it takes.
    """
    copies: dict[int, Any] = {}

    def copy(layer: Any) -> Any:
        if id(layer) not in copies:
            copies[id(layer)] = type(layer).from_config(layer.get_config())
        return copies[id(layer)]

    found = body._run_through_graph(scaled, operation_fn=copy)
    for layer in body.layers:
        if layer.weights:
            copies[id(layer)].set_weights(layer.get_weights())
    return list(found)


def _logits(model: keras.Model) -> Any:
    """What the softmax at the end of a network of other origin gets."""
    layer = model.outputs[0]._keras_history.operation
    while isinstance(layer, layers.Activation) and layer.get_config()["activation"] == "linear":
        layer = layer.input._keras_history.operation
    if isinstance(layer, layers.Softmax) or (
        isinstance(layer, layers.Activation) and layer.get_config()["activation"] == "softmax"
    ):
        return layer.input
    if isinstance(layer, layers.Dense) and layer.get_config()["activation"] == "softmax":
        plain = layers.Dense(layer.units, use_bias=layer.use_bias, name="class_logits")
        logits = plain(layer.input)
        plain.set_weights(layer.get_weights())
        return logits
    raise PlanError("bad-plan", "this model does not end in softmax scores; its training cannot go on")


def continued(base: Base, plan: TrainingPlan) -> keras.Model:
    """The base's network to go on with; a new classifying layer where the plan's labels are others.

    Raises :class:`PlanError` for a network that lacks an embedding and needs a new layer.
    """
    if base.labels == plan.labels:
        return base.network
    outputs = dict(base.network.output)
    features = outputs.get("embedding")
    if features is None:
        raise PlanError(
            "bad-plan", phrase("'{title}' has no embedding that a new last layer could build upon", title=base.title)
        )
    small = keras.initializers.RandomNormal(stddev=0.01)
    outputs["logits"] = layers.Dense(len(plan.labels), kernel_initializer=small, name="new_logits")(features)
    return keras.Model(base.network.inputs, outputs)


def trunk(base: Base, layer: str | None) -> keras.Model:
    """The base from its pictures to the output of ``layer`` (``None``: its embedding; ``stages``: its embedding and
    what it knows at the ends of its stages, one after the other). Raises :class:`PlanError`."""
    network = base.network
    if layer == STAGES:
        if STAGES not in network.output or "embedding" not in network.output:
            raise PlanError(
                "bad-plan",
                phrase("'{title}' does not give what its stages know", title=base.title),
                "Use its embedding.",
            )
        both = layers.Concatenate(name="knows")([network.output["embedding"], network.output[STAGES]])
        return keras.Model(network.inputs, both)
    if layer in (None, "embedding", "map"):
        name = layer or "embedding"
        if name not in network.output:
            raise PlanError(
                "bad-plan",
                phrase("'{title}' has no {name}", title=base.title, name=name),
                "Name one of its layers instead.",
            )
        return keras.Model(network.inputs, network.output[name])
    names = [each.name for each in network.layers]
    if layer not in names:
        known = list(names if len(names) <= 60 else [*names[:10], "…", *names[-40:]])
        raise PlanError(
            "bad-plan",
            phrase("'{title}' has no layer '{layer}'", title=base.title, layer=layer),
            phrase("Its layers: {known}.", known=known),
        )
    return keras.Model(network.inputs, network.get_layer(layer).output)


def widths(cut: keras.Model) -> tuple[int, ...]:
    """How many features each of the parts has that the output of ``cut`` (batch, size) was put together from."""

    def parts(tensor: Any) -> tuple[int, ...]:
        layer = tensor._keras_history.operation
        if isinstance(layer, layers.Concatenate):
            return tuple(width for each in layer.input for width in parts(each))
        if isinstance(layer, layers.Activation) and layer.get_config()["activation"] == "linear":
            return parts(layer.input)
        return (int(tensor.shape[-1]),)

    return parts(cut.outputs[0])


def joined(base: Base, cut: keras.Model, head: keras.Model) -> keras.Model:
    """One network from pictures to the head's ``logits`` and ``embedding``, with the last map on the way.

    The head stays a network inside, so that its layers may be called as layers of the base are.
    """
    taken = {layer.name for layer in cut.layers}
    name = next(n for n in ("head", *(f"head{i}" for i in range(2, 100))) if n not in taken)
    inner = keras.Model(head.inputs, head.output, name=name)
    outputs = dict(inner(cut.outputs[0]))
    if "map" not in outputs:
        maps = [layer.output for layer in cut.layers if _is_map(layer)]
        if maps:
            outputs["map"] = maps[-1]
    return keras.Model(cut.inputs, outputs)


def _is_map(layer: Any) -> bool:
    return (
        isinstance(layer, keras.layers.Layer) and bool(layer.weights) and len(getattr(layer.output, "shape", ())) == 4
    )


def unfreeze(cut: keras.Model, count: int) -> int:
    """Leave the last ``count`` layers with weights of a base free to learn, all others fixed; returns how many are.

    Batch normalisation is never free: fixed, it works with the averages of the pictures that the base learned from.
    """
    weighted = [layer for layer in cut._flatten_layers() if layer.weights and not hasattr(layer, "layers")]
    free = 0
    for position, layer in enumerate(weighted):
        last = position >= len(weighted) - count
        layer.trainable = last and not isinstance(layer, keras.layers.BatchNormalization)
        free += layer.trainable
    return free
