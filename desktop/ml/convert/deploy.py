"""The finished network: uint8 pictures in; probabilities, embedding and last map out, with the temperature inside.

Built of Keras' own layers only, so the file loads without any of Fovea's code.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from desktop.ml.data.arrays import Images
from desktop.ml.nets import backend
from desktop.ml.nets.cost import in_pieces, pictures_at_once
from desktop.ml.nets.outputs import OUTPUTS as OUTPUTS

backend.select()

import keras  # noqa: E402
from keras import layers  # noqa: E402


def finish(model: keras.Model, temperature: float, mirrored: bool) -> keras.Model:
    """A model with the outputs ``[probabilities, embedding, map]``, float32, for any batch size.

    ``model`` is a trained network of :mod:`desktop.ml.nets.architectures`; one without a map has the first two outputs
    only.
    With ``mirrored`` logits, embedding and map are averaged over the picture and its mirror image (the map mirrored
    back), at twice the work.
    """
    found = [model.output[name] for name in ("logits", "embedding", "map") if name in model.output]
    inputs = model.inputs[0]
    if mirrored:
        scaling = _scaling(model)
        body = keras.Model(scaling.output, found, name="body")
        inputs = keras.Input(model.input_shape[1:], dtype="uint8", name="image")
        straight = type(scaling).from_config({**scaling.get_config(), "name": "normalise"})(inputs)
        first, second = body(straight), body(_mirror(straight, "mirror"))
        if len(found) > 2:
            second[2] = _mirror(second[2], "mirror_back")
        names = ("mean_logits", "embedding", "map")
        found = [layers.Average(name=n)(pair) for n, *pair in zip(names, first, second, strict=False)]
    scores = layers.Rescaling(1.0 / temperature, name="temperature")(found[0])
    probabilities = layers.Softmax(name="probabilities")(scores)
    return keras.Model(inputs, [probabilities, *found[1:]], name="fovea")


def outputs_of(model: keras.Model) -> tuple[str, ...]:
    """The names of a finished model's outputs, in order."""
    return OUTPUTS[: len(model.outputs)]


def _scaling(model: keras.Model) -> Any:
    """The layer that brings uint8 pictures to the network's range: a network of ours calls it ``normalise``, one that
    was built upon has its own."""
    for layer in model.layers:
        if isinstance(layer, layers.Rescaling):
            return layer
    raise ValueError(f"the network '{model.name}' has no layer that scales its pictures: it cannot be mirrored")


def _mirror(x: Any, name: str) -> Any:
    """``x`` (batch, rows, columns, channels) with its columns reversed: a product with the exchange matrix."""
    width = int(x.shape[2])
    layer = layers.EinsumDense("bhwc,wv->bhvc", (None, width, None), trainable=False, name=name)
    layer.build(x.shape)
    layer.kernel.assign(np.eye(width, dtype=np.float32)[::-1])
    return layer(x)


_MOST = 250  # pictures looked at together


def logits_of(model: keras.Model, images: Images, mirrored: bool, took: int = 1) -> np.ndarray:
    """Logits float64 (n, classes) of a trained network, averaged with the mirror image's where ``mirrored``.

    ``took`` is how many pictures its device held in training; where the network's maps are large no more are looked at
    together.
    """
    network = keras.Model(model.inputs, model.output["logits"])

    def logits(start: int, end: int) -> np.ndarray:
        piece = np.asarray(images[start:end])
        found = np.asarray(network.predict_on_batch(piece), np.float64)
        if mirrored:
            turned = np.ascontiguousarray(piece[:, :, ::-1])
            found = (found + np.asarray(network.predict_on_batch(turned), np.float64)) / 2
        return found

    return np.concatenate(list(in_pieces(logits, len(images), pictures_at_once(network, _MOST, took))))
