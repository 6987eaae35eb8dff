"""Networks by name. Every builder maps a plan's settings to a Keras model of one shape.

Input: uint8 (batch, height, width, channels), values 0 to 255; scaling sits inside. Outputs: ``logits`` float32
(batch, classes), ``embedding`` float32 (batch, features) and, where there is one, ``map``, the last spatial features,
float32 (batch, rows, columns, features).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from desktop.ml.nets import backend, netbuild
from desktop.ml.nets.normalise import batch_normalization
from desktop.ml.plans import nettables
from desktop.ml.plans.plan import PlanError, TrainingPlan
from desktop.system.words import phrase

backend.select()

import keras  # noqa: E402
from keras import layers  # noqa: E402

Builder = Callable[..., keras.Model]
Initialiser = Callable[[keras.Model, np.ndarray], None]


INITIAL_PICTURES = 4096
"""How many training pictures an initialiser is handed, at most."""


@dataclass(frozen=True, slots=True)
class Architecture:
    """A builder and, where it has one, what it does to fresh weights with the training images at hand."""

    build: Builder
    initialise: Initialiser | None = None


def build(plan: TrainingPlan) -> keras.Model:
    """The untrained network of a plan. Raises :class:`PlanError` for an unknown name or setting."""
    return _built(plan, find(plan.architecture.name).build, plan.shape)


def build_head(plan: TrainingPlan, features: tuple[int, ...]) -> keras.Model:
    """The untrained head of a plan on features (float32) of that shape. Raises :class:`PlanError`."""
    return _built(plan, netbuild.head, features)


def _built(plan: TrainingPlan, builder: Builder, shape: tuple[int, ...]) -> keras.Model:
    # The table refuses what does not go together, in words, before Keras would in its own.
    nettables.layer_table(plan.architecture, shape, len(plan.labels))
    try:
        return builder(shape, len(plan.labels), **plan.architecture.settings)
    except (TypeError, ValueError) as error:
        raise PlanError(
            "bad-plan", phrase("architecture '{name}': {error}", name=plan.architecture.name, error=error)
        ) from error


def find(name: str) -> Architecture:
    """The architecture of that name. Raises :class:`PlanError` that lists the known ones."""
    if name not in ARCHITECTURES:
        known = sorted(ARCHITECTURES)
        raise PlanError(
            "bad-plan",
            phrase("there is no architecture '{name}'", name=name),
            phrase("Known ones: {known}.", known=known),
        )
    return ARCHITECTURES[name]


def _finish(inputs: Any, features: Any, embedding: Any, classes: int, dropout: float) -> keras.Model:
    """Name the outputs and put the classifying layer on top."""
    features = layers.Activation("linear", name="map")(features)
    embedding = layers.Activation("linear", name="embedding")(embedding)
    hidden = layers.Dropout(dropout, name="dropout")(embedding) if dropout else embedding
    # Small first logits: training starts at the loss of an even guess, whatever the pooling.
    small = keras.initializers.RandomNormal(stddev=0.01)
    # Loss and whitening need all 24 bits of float32, whatever precision the layers between them compute in.
    logits = layers.Dense(classes, kernel_initializer=small, name="logits", dtype="float32")(hidden)
    return keras.Model(inputs, {"logits": logits, "embedding": embedding, "map": features})


def _conv(x: Any, filters: int, size: int = 3, strides: int = 1) -> Any:
    return layers.Conv2D(
        filters, size, strides=strides, padding="same", use_bias=False, kernel_initializer="he_normal"
    )(x)


def _norm_act(x: Any, activation: str = "relu", momentum: float = 0.9) -> Any:
    x = batch_normalization(momentum=momentum, epsilon=1e-3)(x)
    return layers.Activation(activation)(x)


def fast_cnn(
    shape: tuple[int, int, int],
    classes: int,
    *,
    widths: list[int],
    residual: bool,
    dropout: float,
    activation: str,
    mean: list[float],
    deviation: list[float],
) -> keras.Model:
    """A quickly trained net for small pictures: a frozen whitening layer, then blocks of two or three convolutions.

    After Jordan, '94 % on CIFAR-10 in 3.29 seconds on a single GPU' (2024), and Page, 'How to train your ResNet'
    (2018): 2×2 whitening patches, pooling right after each block's first convolution, global maximum pooling.
    """
    inputs, x = netbuild.scaled_input(shape, mean, deviation)
    patch = 2 * 2 * shape[2]
    x = layers.Conv2D(2 * patch, 2, use_bias=False, trainable=False, name="whiten", dtype="float32")(x)
    x = layers.Activation(activation)(x)
    for width in widths:
        x = _norm_act(layers.MaxPooling2D()(_conv(x, width)), activation)
        y = _norm_act(_conv(x, width), activation)
        if residual:
            y = layers.Add()([x, _norm_act(_conv(y, width), activation)])
        x = y
    return _finish(inputs, x, layers.GlobalMaxPooling2D()(x), classes, dropout)


def whiten(model: keras.Model, images: np.ndarray) -> None:
    """Set the frozen first layer to the principal axes of 2×2 patches, each with its negative, at unit variance."""
    scaled = keras.ops.convert_to_numpy(model.get_layer("normalise")(images[:INITIAL_PICTURES]))
    channels = scaled.shape[3]
    corners = [scaled[:, r : r - 1 or None, c : c - 1 or None, :] for r in (0, 1) for c in (0, 1)]
    patches = np.stack(corners, axis=3).reshape(-1, 4 * channels).astype(np.float64)
    values, vectors = np.linalg.eigh(np.cov(patches, rowvar=False))
    # The smallest axes of JPEG pictures hold next to nothing: without this floor they would be amplified noise.
    kernel = vectors / np.sqrt(values + 5e-3)
    kernel = kernel.reshape(2, 2, channels, -1)
    model.get_layer("whiten").set_weights([np.concatenate([kernel, -kernel], axis=-1).astype(np.float32)])


def residual_cnn(
    shape: tuple[int, int, int],
    classes: int,
    *,
    stem: int,
    stem_size: int,
    stem_stride: int,
    widths: list[int],
    blocks: list[int],
    dropout: float,
    pool: str,
    standardise: bool,
    mean: list[float],
    deviation: list[float],
) -> keras.Model:
    """A small residual net (He et al. 2016): a strided stem, then stages that halve the picture and widen.

    ``widths`` and ``blocks`` give each stage's filters and its number of residual blocks; ``pool`` is ``average`` or
    ``maximum`` over the last map. ``standardise`` brings every single picture to zero mean and unit deviation first,
    so that exposure and contrast of a scanner say nothing.
    """
    inputs, x = netbuild.scaled_input(shape, mean, deviation)
    if standardise:
        x = layers.LayerNormalization(axis=[1, 2, 3], center=False, scale=False, name="standardise")(x)
    x = _norm_act(_conv(x, stem, stem_size, stem_stride))
    for width, count in zip(widths, blocks, strict=True):
        x = _norm_act(_conv(x, width, strides=2))
        for _ in range(count):
            y = _norm_act(_conv(x, width))
            y = batch_normalization(momentum=0.9, epsilon=1e-3)(_conv(y, width))
            x = layers.Activation("relu")(layers.Add()([x, y]))
    pooling = layers.GlobalAveragePooling2D() if pool == "average" else layers.GlobalMaxPooling2D()
    return _finish(inputs, x, pooling(x), classes, dropout)


ARCHITECTURES: dict[str, Architecture] = {
    "fast-cnn": Architecture(fast_cnn, whiten),
    "residual-cnn": Architecture(residual_cnn),
    "sequential": Architecture(netbuild.sequential),
}
