"""Builds the networks that :mod:`desktop.ml.plans.netspec` describes, layer by layer and under the same names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from desktop.ml.nets import backend
from desktop.ml.nets.normalise import batch_normalization
from desktop.ml.plans import netspec
from desktop.ml.plans.netspec import LayerSpec

backend.select()

import keras  # noqa: E402
from keras import layers as kinds  # noqa: E402


def scaled_input(
    shape: tuple[int, int, int], mean: Sequence[float] | None, deviation: Sequence[float] | None
) -> tuple[Any, Any]:
    """The uint8 input, and the input scaled to zero mean and unit deviation (given in 0 to 1; ``None``: 0 and 1)."""
    inputs = keras.Input(shape, dtype="uint8", name="image")
    deviation = deviation or [1.0] * shape[2]
    mean = mean or [0.0] * shape[2]
    scale = [1.0 / (255.0 * d) for d in deviation]
    offset = [-m / d for m, d in zip(mean, deviation, strict=True)]
    # Scaling and loss need all 24 bits of float32, whatever precision the layers between them compute in.
    return inputs, kinds.Rescaling(scale, offset, name="normalise", dtype="float32")(inputs)


def sequential(
    shape: tuple[int, int, int],
    classes: int,
    *,
    layers: list[str],
    activation: str = "relu",
    initialiser: str = "glorot_uniform",
    mean: list[float] | None = None,
    deviation: list[float] | None = None,
) -> keras.Model:
    """A plain stack of layers in the notation of :mod:`desktop.ml.plans.netspec`; one without convolutions has no
    map."""
    inputs, x = scaled_input(shape, mean, deviation)
    return _finish(inputs, x, layers, activation, initialiser, classes, ())


def head(
    shape: tuple[int, ...],
    classes: int,
    *,
    layers: list[str],
    activation: str = "relu",
    initialiser: str = "glorot_uniform",
) -> keras.Model:
    """Layers on top of the features (float32, of ``shape``) of another network."""
    inputs = keras.Input(shape, dtype="float32", name="features")
    return _finish(inputs, inputs, layers, activation, initialiser, classes, shape)


def _finish(
    inputs: Any, x: Any, words: list[str], activation: str, initialiser: str, classes: int, features: tuple[int, ...]
) -> keras.Model:
    specs = netspec.parse(words, activation)
    table = netspec.rows(specs, tuple(x.shape[1:]))
    at = netspec.last_map(specs, table)
    last = x if len(features) == 3 else None
    # The embedding is what the classifying layer gets, before a dropout that only training knows.
    end = len(specs)
    while end and specs[end - 1].kind == "dropout":
        end -= 1
    outputs: dict[str, Any] = {}
    for position, spec in enumerate(specs):
        if position == end:
            outputs["embedding"] = x = kinds.Activation("linear", name="embedding")(x)
        x = _layer(spec, initialiser)(x)
        if position == at:
            last = x
    if "embedding" not in outputs:
        outputs["embedding"] = x = kinds.Activation("linear", name="embedding")(x)
    outputs["logits"] = kinds.Dense(classes, kernel_initializer=initialiser, name="logits", dtype="float32")(x)
    if last is not None:
        outputs["map"] = kinds.Activation("linear", name="map")(last)
    return keras.Model(inputs, outputs)


def _layer(spec: LayerSpec, initialiser: str) -> Any:
    padding = "same" if spec.same else "valid"
    options: dict[str, Any] = {"name": spec.name}
    if spec.kind in ("conv", "dense"):
        options |= {"activation": spec.activation, "kernel_initializer": initialiser}
    if spec.kind == "conv":
        return kinds.Conv2D(spec.units, spec.size, strides=spec.stride, padding=padding, groups=spec.groups, **options)
    if spec.kind == "dense":
        return kinds.Dense(spec.units, **options)
    if spec.kind == "max-pool":
        return kinds.MaxPooling2D(spec.size, strides=spec.stride, padding=padding, **options)
    if spec.kind == "average-pool":
        return kinds.AveragePooling2D(spec.size, strides=spec.stride, padding=padding, **options)
    if spec.kind == "dropout":
        return kinds.Dropout(spec.rate, **options)
    if spec.kind == "activation":
        return kinds.Activation(spec.activation, **options)
    if spec.kind == "norm":
        return batch_normalization(momentum=0.9, epsilon=1e-3, **options)
    plain = {"flatten": kinds.Flatten, "gap": kinds.GlobalAveragePooling2D, "gmp": kinds.GlobalMaxPooling2D}
    return plain[spec.kind](**options)
