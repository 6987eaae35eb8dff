"""EfficientNet-Lite (Tan and Le 2019; the Lite variants of the TensorFlow TPU repository), as Keras layers.

The block table is that of EfficientNet-B0 without squeeze-and-excitation and with ReLU6 in place of swish. Width and
depth are scaled as in the paper, but stem (32 filters), head (1,280 filters), first and last stage keep their number of
filters and blocks. Every layer can be named: ``stem``, ``block0`` … ``block15`` with ``_expand``, ``_depthwise``,
``_project`` (and ``_bn`` behind each), ``head``, ``embedding`` (1,280 pooled features), ``logits``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from desktop.core.types import StoreError
from desktop.ml.nets import backend
from desktop.system.words import phrase

backend.select()

import keras  # noqa: E402
from keras import layers  # noqa: E402

EPSILON = 1e-3
STEM, HEAD, CLASSES = 32, 1280, 1000
_ZERO, _UNIT = 127.0, 128.0  # a value v of the picture becomes (v - 127) / 128
_MULTIPLE = 8


@dataclass(frozen=True, slots=True)
class BlockStage:
    """Blocks of one kind: how often, kernel side, stride of the first, factor of expansion, filters at its end."""

    repeats: int
    kernel: int
    stride: int
    expand: int
    filters: int


_B0 = (
    BlockStage(1, 3, 1, 1, 16),
    BlockStage(2, 3, 2, 6, 24),
    BlockStage(2, 5, 2, 6, 40),
    BlockStage(3, 3, 2, 6, 80),
    BlockStage(3, 5, 1, 6, 112),
    BlockStage(4, 5, 2, 6, 192),
    BlockStage(1, 3, 1, 6, 320),
)


def prepare(x: Any) -> Any:
    """Pictures 0 to 255 as the published weights expect them: about −1 to 1."""
    return layers.Rescaling(1.0 / _UNIT, -_ZERO / _UNIT, name="to_minus_one_and_one")(x)


def lite0(include_top: bool, weights: None, input_tensor: Any, input_shape: tuple[int, ...]) -> keras.Model:
    """EfficientNet-Lite0, made for 224×224 pixels; the arguments are those of :mod:`keras.applications`."""
    del weights, input_shape
    return _build(1.0, 1.0, include_top, input_tensor, "efficientnet-lite0")


def lite2(include_top: bool, weights: None, input_tensor: Any, input_shape: tuple[int, ...]) -> keras.Model:
    """EfficientNet-Lite2, made for 260×260 pixels."""
    del weights, input_shape
    return _build(1.1, 1.2, include_top, input_tensor, "efficientnet-lite2")


def stages(width: float, depth: float) -> Iterator[BlockStage]:
    """The stages of a network scaled by ``width`` (filters) and ``depth`` (blocks)."""
    for number, stage in enumerate(_B0):
        fixed = number in (0, len(_B0) - 1)
        repeats = stage.repeats if fixed else math.ceil(stage.repeats * depth)
        yield BlockStage(repeats, stage.kernel, stage.stride, stage.expand, _rounded(stage.filters * width))


def stage_ends(width: float = 1.0, depth: float = 1.0) -> tuple[str, ...]:
    """The layers at the ends of the third and all later stages: what the network knows at five grains, fine to coarse.

    Pooled, they stand beside the embedding (:func:`desktop.ml.nets.imagenet.with_outputs`): pictures unlike
    photographs (microscopes, surfaces, drawings) are often told apart by what the last layers no longer hold.
    """
    ends, number = [], -1
    for stage in stages(width, depth):
        number += stage.repeats
        added = stage.repeats > 1
        ends.append(f"block{number}_add" if added else f"block{number}_project_bn")
    return tuple(ends[2:])


def _rounded(filters: float) -> int:
    """The nearest multiple of eight, but never less than nine tenths of ``filters``."""
    near = max(_MULTIPLE, int(filters + _MULTIPLE / 2) // _MULTIPLE * _MULTIPLE)
    return near if near >= 0.9 * filters else near + _MULTIPLE


def _build(width: float, depth: float, include_top: bool, x: Any, name: str) -> keras.Model:
    image = keras.utils.get_source_inputs(x)
    x = _relu(_convolved(x, "stem", STEM, 3, 2))
    number = 0
    for stage in stages(width, depth):
        for repeat in range(stage.repeats):
            x = _block(x, f"block{number}", stage, stage.stride if repeat == 0 else 1)
            number += 1
    x = _relu(_convolved(x, "head", HEAD, 1, 1))
    if include_top:
        x = layers.GlobalAveragePooling2D(name="embedding")(x)
        x = layers.Softmax(name="predictions")(layers.Dense(CLASSES, name="logits")(x))
    return keras.Model(image, x, name=name)


def _block(x: Any, name: str, stage: BlockStage, stride: int) -> Any:
    """An inverted bottleneck (Sandler et al. 2018): expand, filter each channel, project; added to what came in."""
    came, channels = x, int(x.shape[-1])
    if stage.expand != 1:
        x = _relu(_convolved(x, f"{name}_expand", channels * stage.expand, 1, 1))
    x = layers.DepthwiseConv2D(stage.kernel, stride, "same", use_bias=False, name=f"{name}_depthwise")(x)
    x = _relu(layers.BatchNormalization(epsilon=EPSILON, name=f"{name}_depthwise_bn")(x))
    x = _convolved(x, f"{name}_project", stage.filters, 1, 1)
    if stride == 1 and channels == stage.filters:
        x = layers.Add(name=f"{name}_add")([x, came])
    return x


def _convolved(x: Any, name: str, filters: int, kernel: int, stride: int) -> Any:
    x = layers.Conv2D(filters, kernel, stride, "same", use_bias=False, name=name)(x)
    return layers.BatchNormalization(epsilon=EPSILON, name=f"{name}_bn")(x)


def _relu(x: Any) -> Any:
    name = x._keras_history.operation.name.removesuffix("_bn") + "_relu"
    return layers.ReLU(6.0, name=name)(x)


def load(model: keras.Model, tensors: dict[str, np.ndarray]) -> None:
    """Give ``model`` the published weights, ``tensors`` by their PyTorch names; all of them, and nothing else.

    Raises :class:`StoreError` ``does-not-fit`` that names the first difference.
    """
    left = {name for name in tensors if not name.endswith(".num_batches_tracked")}
    with_top = any(layer.name == "logits" for layer in model.layers)
    if not with_top:
        left -= {"_fc.weight", "_fc.bias"}
    for layer in model.layers:
        if layer.weights:
            names = _torch_names(layer.name, type(layer).__name__)
            layer.set_weights([_taken(tensors, left, n, w.shape) for n, w in zip(names, layer.weights, strict=True)])
    if left:
        raise _unfit(phrase("'{left}' belongs to no layer of {name}", left=min(left), name=model.name))


def _taken(tensors: dict[str, np.ndarray], left: set[str], name: str, shape: tuple[int, ...]) -> np.ndarray:
    if name not in left:
        raise _unfit(phrase("'{name}' is missing", name=name))
    left.discard(name)
    found = tensors[name]
    if found.dtype != np.float32 or not np.isfinite(found).all():
        raise _unfit(phrase("'{name}' holds no numbers of 32 bits", name=name))
    if found.ndim == 4:  # (out, in, rows, columns) there; of depthwise filters (channels, 1, rows, columns)
        found = found.transpose(2, 3, 0, 1) if "_depthwise_" in name else found.transpose(2, 3, 1, 0)
    elif found.ndim == 2:
        found = found.T
    if found.shape != tuple(shape):
        raise _unfit(
            phrase("'{name}' has the shape {shape}; {tuple} expected", name=name, shape=found.shape, tuple=tuple(shape))
        )
    return found


def _torch_names(layer: str, kind: str) -> list[str]:
    """What the file calls the weights of a layer, in Keras' order."""
    if layer == "logits":
        return ["_fc.weight", "_fc.bias"]
    normal = kind == "BatchNormalization"
    part = layer.removesuffix("_bn")
    if part in ("stem", "head"):
        place = f"_bn{'0' if part == 'stem' else '1'}" if normal else f"_conv_{part}"
    else:
        block, _, name = part.removeprefix("block").partition("_")
        number = {"expand": 0, "depthwise": 1, "project": 2}[name]
        place = f"_blocks.{block}." + (f"_bn{number}" if normal else f"_{name}_conv")
    kinds = ("weight", "bias", "running_mean", "running_var") if normal else ("weight",)
    return [f"{place}.{each}" for each in kinds]


def _unfit(what: str) -> StoreError:
    return StoreError(
        "does-not-fit",
        phrase("these weights do not fit the network: {what}", what=what),
        "Look for the file whose hash the catalogue names.",
    )
