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
from desktop.ml.nets import backend
from desktop.ml.nets.graph import laid_out, maker, necks, sources
from desktop.ml.nets.keras_check import check_stored

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
        model = keras.saving.load_model(check_stored(path), compile=False)
        self._network = model
        shift = _Shift(name="shift")
        try:
            inputs, found = _straight(model)
            target = _target(found[0])
            split = _spatial(target, found)
            after = keras.Model(split, target, name="after")
            self._map = keras.Model(inputs, split)
            for part in (self._map, after):
                part.trainable = False
            self._probe = _Still(inputs, after(shift(split), training=False), name="probe")
        except ValueError as error:
            raise GradientError("no-map", "the network cannot be taken apart at a map", "Choose occlusion.") from error
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
        scores: np.ndarray = np.asarray(keras.ops.convert_to_numpy(first))[0]
        return scores

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


class _Still(keras.Model):
    """A network that works as when it answers, in a training step too: nothing is dropped from a picture's map."""

    def call(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        return super().call(inputs, training=False, mask=mask)


class _Shift(layers.Layer):
    """Adds a weight of the input's shape: what it becomes in a training step is the gradient."""

    def build(self, shape: tuple[int | None, ...]) -> None:
        self.amount = self.add_weight(shape=(1, *shape[1:]), initializer="zeros", name="amount")

    def call(self, x: Any) -> Any:
        return x + self.amount

    def reset(self) -> None:
        self.amount.assign(np.zeros(self.amount.shape, np.float32))


def _straight(model: Any) -> tuple[Any, list[Any]]:
    """``(inputs, outputs)`` of the network laid out flat.

    Of a network that averages over the mirror image it is the straight picture's half.
    """
    inputs = keras.Input(model.input_shape[1:], dtype=model.inputs[0].dtype)
    for layer in model.layers:
        if layer.name == "body" and isinstance(layer, keras.Model):
            return inputs, laid_out(layer, model.get_layer("normalise")(inputs))
    return inputs, laid_out(model, inputs)


def _spatial(target: Any, found: list[Any]) -> Any:
    """The last spatial map that all of ``target`` is made of: of those, the one that the network calls its map, if
    any."""
    maps = necks(target)
    if not maps:
        raise GradientError("no-map", "the network has no spatial map", "Choose occlusion.")
    named = [_plain(output) for output in found if maker(output).name == "map"]
    return next((each for each in maps if any(each is one for one in named)), maps[0])


def _plain(tensor: Any) -> Any:
    """``tensor`` before the layers that only give it a name."""
    while _activation(tensor) == "linear":
        tensor = sources(tensor)[0]
    return tensor


def _activation(tensor: Any) -> str:
    """What a layer that is nothing but an activation does; empty for every other."""
    layer = maker(tensor)
    if isinstance(layer, layers.Softmax):
        return "softmax"
    return str(layer.get_config()["activation"]) if isinstance(layer, layers.Activation) else ""


def _target(scores: Any) -> Any:
    """The values to differentiate: what goes into the softmax, or the sigmoid, at the end; else the scores.

    A score near 1 hardly changes any more, whatever the picture does: its gradient says nothing.
    """
    while True:
        layer = maker(scores)
        if _activation(scores) in ("linear", "softmax") or isinstance(layer, layers.Rescaling):
            scores = sources(scores)[0]
        elif isinstance(layer, layers.Dense) and layer.activation is keras.activations.softmax:
            return _linear(layer, sources(scores)[0])
        else:
            return _two_sided(scores)


def _two_sided(scores: Any) -> Any:
    """Both sides of one sigmoid (``[1 - p, p]``, as an import makes them) before it; other scores as they are."""
    layer, parts = maker(scores), sources(scores)
    if not isinstance(layer, layers.Concatenate) or len(parts) != 2 or parts[1].shape[-1] != 1:
        return scores
    turned, side = parts
    turn = maker(turned)
    if not isinstance(turn, layers.Rescaling) or turn.scale != -1 or sources(turned)[0] is not side:
        return scores
    side = _plain(side)
    last = maker(side)
    if _activation(side) == "sigmoid":
        side = sources(side)[0]
    elif isinstance(last, layers.Dense) and last.activation is keras.activations.sigmoid:
        side = _linear(last, sources(side)[0])
    return layers.Concatenate(name="both_sides")([layers.Rescaling(-1.0, name="other_side")(side), side])


def _linear(layer: Any, x: Any) -> Any:
    """What a dense layer makes of ``x`` without its activation."""
    plain = layers.Dense(layer.units, use_bias=layer.use_bias, name="before_activation")
    values = plain(x)
    plain.set_weights(layer.get_weights())
    return values
