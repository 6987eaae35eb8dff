"""The ImageNet networks of the catalogue as Keras networks, with their preprocessing inside.

Every network takes uint8 (batch, height, width, 3), red, green, blue, 0 to 255, and is flat: each of its layers can be
named (``block4_pool``) to build upon. The architectures are Keras' own (:mod:`keras.applications`) and those of
:mod:`desktop.ml.nets.efficientnet_lite`; the preprocessing is what their publishers trained with:

- ``vgg16``: channels swapped to blue, green, red, the means 103.939, 116.779, 123.68 subtracted (as Caffe did);
- ``inception-v3``, ``resnet50-v2``: scaled to −1 … 1;
- ``mobilenet-v3-small``, ``efficientnet-v2-b0``: scaled by their own first layers;
- ``efficientnet-lite0``, ``efficientnet-lite2``: 127 subtracted, divided by 128.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from desktop.core.types import StoreError
from desktop.ml.nets import backend, efficientnet_lite
from desktop.store import catalogue
from desktop.system.words import phrase

backend.select()

import keras  # noqa: E402
from keras import layers  # noqa: E402

CAFFE_MEANS = (103.939, 116.779, 123.68)  # blue, green, red
CLASSES = 1000


@dataclass(frozen=True, slots=True)
class Construction:
    """How a network is built: Keras' function, its preprocessing, the layers that hold embedding and map, and those
    whose pooled outputs are given as ``stages`` (none: not given)."""

    build: Callable[..., keras.Model]
    prepare: Callable[[Any], Any]
    embedding: str
    map: str
    stages: tuple[str, ...] = ()


def _caffe(x: Any) -> Any:
    x = layers.Rescaling(1.0, name="as_float")(x)
    x = keras.ops.flip(x, axis=-1)
    return layers.Rescaling(1.0, [-mean for mean in CAFFE_MEANS], name="caffe_means")(x)


def _symmetric(x: Any) -> Any:
    return layers.Rescaling(1 / 127.5, -1.0, name="to_minus_one_and_one")(x)


def _unchanged(x: Any) -> Any:
    return x


_A = keras.applications
RECIPES: dict[str, Construction] = {
    "vgg16": Construction(_A.VGG16, _caffe, "fc2", "block5_conv3"),
    "inception-v3": Construction(_A.InceptionV3, _symmetric, "avg_pool", "mixed10"),
    "mobilenet-v3-small": Construction(_A.MobileNetV3Small, _unchanged, "global_average_pooling2d", "activation_17"),
    "efficientnet-v2-b0": Construction(_A.EfficientNetV2B0, _unchanged, "avg_pool", "top_activation"),
    "resnet50-v2": Construction(_A.ResNet50V2, _symmetric, "avg_pool", "post_relu"),
    "efficientnet-lite0": Construction(
        efficientnet_lite.lite0, efficientnet_lite.prepare, "embedding", "head_relu", efficientnet_lite.stage_ends()
    ),
    "efficientnet-lite2": Construction(
        efficientnet_lite.lite2,
        efficientnet_lite.prepare,
        "embedding",
        "head_relu",
        efficientnet_lite.stage_ends(1.1, 1.2),
    ),
}


def build_base(
    network_id: str, weights: Path | None = None, shape: tuple[int, int, int] | None = None, top: bool = False
) -> keras.Model:
    """A network of the catalogue to build upon: uint8 pictures in, features of its last layer out.

    ``network_id``: an id or alias of :mod:`desktop.store.catalogue`. ``weights``: a file of the publisher's weights
    with or without the top as ``top`` says; ``None``: random ones (seed them with ``keras.utils.set_random_seed``).
    ``shape``: (height, width, 3), by default the network's own. With ``top`` the output is the 1,000 probabilities.
    Raises :class:`StoreError` ``no-such-network``, ``does-not-fit``.
    """
    network = catalogue.load().get(network_id)
    recipe = RECIPES[network.network]
    # Names that Keras counts up (``activation_17``) must be the same whatever was built before in this process.
    keras.utils.clear_session(free_memory=False)
    size = shape or (network.input, network.input, 3)
    image = keras.Input(size, dtype="uint8", name="image")
    model = recipe.build(include_top=top, weights=None, input_tensor=recipe.prepare(image), input_shape=size)
    if weights is not None:
        try:
            model.load_weights(weights)
        except (ValueError, OSError, KeyError, TypeError) as error:
            raise StoreError(
                "does-not-fit",
                phrase(
                    "these weights do not fit {name}: {split}",
                    name=network.name,
                    split=" ".join(str(error).split())[:200],
                ),
                "Look for the file whose hash the catalogue names.",
            ) from error
    return model


def with_outputs(network_id: str, model: keras.Model) -> keras.Model:
    """``model`` (built with its top) with the outputs ``[probabilities, embedding, map]``, float32, and ``stages``
    where the recipe names some: the means over the picture of what the network knows at their ends, one after the
    other."""
    recipe = RECIPES[catalogue.load().get(network_id).network]
    taken = {layer.name for layer in model.layers}
    tensors = [
        ("probabilities", model.output),
        ("embedding", _flat(model.get_layer(recipe.embedding).output)),
        ("map", model.get_layer(recipe.map).output),
    ]
    if recipe.stages:
        tensors.append(("stages", _pooled([model.get_layer(name).output for name in recipe.stages])))
    outputs = [
        layers.Activation("linear", dtype="float32", name=f"{name}_out" if name in taken else name)(tensor)
        for name, tensor in tensors
    ]
    return keras.Model(model.inputs, outputs, name=model.name)


def _pooled(maps: list[Any]) -> Any:
    pooled = [layers.GlobalAveragePooling2D(name=f"stage{i}_pooled")(x) for i, x in enumerate(maps)]
    return layers.Concatenate(name="stages_pooled")(pooled)


def _flat(x: Any) -> Any:
    return layers.Flatten(name="embedding_flat")(x) if len(x.shape) > 2 else x
