"""Grad-CAM for any Keras network with a spatial map (Selvaraju et al. 2017), written against Keras alone.

Keras has no call for gradients that holds for every back end. But a training step is one: a layer that adds a weight
of the map's shape, zero at first, is put behind the map; after one step of plain gradient descent at rate 1 on the
negative score of the class, that weight is the gradient of the score by the map.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from desktop.core.types import FoveaError
from desktop.ml import backend

backend.select()

import keras  # noqa: E402
from keras import layers, ops  # noqa: E402


class GradientError(FoveaError):
    """A network without a spatial map, or one that cannot be taken apart."""


class GradCam:
    """A network ready to say where it looks. ``path`` is a ``model.keras`` of Fovea, its checksum compared.

    Raises :class:`GradientError` of kind ``no-map`` for a network without a spatial map.
    """

    def __init__(self, path: Path) -> None:
        model = keras.saving.load_model(path, compile=False)
        self._network = model
        scaled, body = _body(model)
        split = _spatial(body)
        target = _target(body)
        inputs = model.inputs[0]
        before = keras.Model(body.inputs, split, name="before")
        after = keras.Model(split, target, name="after")
        for part in (before, after):
            part.trainable = False
        shift = _Shift(name="shift")
        picture = before(scaled, training=False) if scaled is not None else split
        whole_inputs = inputs if scaled is not None else body.inputs[0]
        self._map = keras.Model(whole_inputs, picture)
        self._probe = keras.Model(whole_inputs, after(shift(picture), training=False))
        self._shift = shift
        self._probe.compile(
            optimizer=keras.optimizers.SGD(learning_rate=1.0),
            loss=lambda wanted, found: -ops.sum(wanted * found),
            jit_compile=False,
        )

    def scores(self, pixels: np.ndarray) -> np.ndarray:
        """Scores float32 (classes,) of prepared ``pixels`` (height, width, channels)."""
        found = self._network(pixels[np.newaxis], training=False)
        first = found[0] if isinstance(found, (list, tuple)) else found
        return np.asarray(keras.ops.convert_to_numpy(first))[0]

    def heat(self, pixels: np.ndarray, index: int) -> np.ndarray:
        """Where class ``index`` gains from: float32 (rows, columns) of the map, not below 0.

        The map's features are weighed by the mean gradient of the class's score before softmax, summed, and cut at 0.
        """
        last_map = np.asarray(ops.convert_to_numpy(self._map(pixels[np.newaxis], training=False)))[0]
        self._shift.reset()
        classes = int(self._probe.output_shape[-1])
        wanted = np.eye(classes, dtype=np.float32)[[index]]
        self._probe.train_on_batch(pixels[np.newaxis], wanted)
        gradient = np.asarray(ops.convert_to_numpy(self._shift.amount))[0]
        weights = gradient.mean(axis=(0, 1))
        result: np.ndarray = np.maximum((last_map * weights).sum(axis=2), 0.0).astype(np.float32)
        return result


class _Shift(layers.Layer):  # type: ignore[misc]
    """Adds a weight of the input's shape: what it becomes in a training step is the gradient."""

    def build(self, shape: tuple[int | None, ...]) -> None:
        self.amount = self.add_weight(shape=(1, *shape[1:]), initializer="zeros", name="amount")

    def call(self, x: Any) -> Any:
        return x + self.amount

    def reset(self) -> None:
        self.amount.assign(np.zeros(self.amount.shape, np.float32))


def _body(model: Any) -> tuple[Any, Any]:
    """``(scaled input, inner network)`` of a network that averages over the mirror image, else ``(None, model)``.

    Gradients are then those of the straight picture's half.
    """
    for layer in model.layers:
        if layer.name == "body" and isinstance(layer, keras.Model):
            return model.get_layer("normalise").output, layer
    return None, model


def _spatial(body: Any) -> Any:
    """The tensor of the last spatial map: the one called ``map``, else the output of the last layer with rows and
    columns."""
    for layer in reversed(body.layers):
        shape = getattr(getattr(layer, "output", None), "shape", ())
        if len(shape) == 4 and min(shape[1] or 0, shape[2] or 0) > 1 and not isinstance(layer, layers.InputLayer):
            named = next((known for known in body.layers if known.name == "map"), layer)
            return _before(named)
    raise GradientError("no-map", "the network has no spatial map", "Choose occlusion.")


def _before(layer: Any) -> Any:
    """What goes into a layer that only gives its input a name: nothing of the network hangs behind that one."""
    passes_on = isinstance(layer, layers.Activation) and layer.name == "map"
    return layer.input if passes_on else layer.output


def _target(body: Any) -> Any:
    """The scores to differentiate: logits where they are to be had, else the logarithm's argument, the scores."""
    for layer in body.layers:
        if layer.name == "logits":
            return layer.output
    output = body.outputs[0]
    last = next((layer for layer in reversed(body.layers) if getattr(layer, "output", None) is output), None)
    if isinstance(last, layers.Dense) and last.activation is keras.activations.softmax:
        linear = layers.Dense(last.units, name="before_softmax")
        linear.build(last.input.shape)
        linear.set_weights(last.get_weights())
        return linear(last.input)
    return output
