"""Where in a picture a network found what speaks for a class: maps, their place on the picture, and their colours.

A map is float32 (rows, columns): positive where a place speaks for the class, negative where against it. Three ways
lead to one: the class activation map (:func:`class_map`), gradients (:mod:`desktop.ml.explain.grad_cam`) and occlusion
(:mod:`desktop.engine.explaining`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Literal

import numpy as np

from desktop.core.trust.packed import pack, unpack
from desktop.core.types import PreprocessSpec, StoreError
from desktop.system import strict_json
from desktop.system.words import phrase

FILE = "head.json"
MAX_BYTES = 64 * 1024 * 1024
_SCHEMA = 1

Pooling = Literal["average", "maximum"]
SeenBox = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True, eq=False)
class Head:
    """The end of a network whose last map is pooled and goes into one dense layer: ``kernel`` float32 (features,
    classes), and how the map is pooled."""

    kernel: np.ndarray
    pooling: Pooling

    def to_json(self) -> str:
        """JSON text with a final newline."""
        return json.dumps({"schema": _SCHEMA, "pooling": self.pooling, "kernel": pack(self.kernel)}, indent=1) + "\n"


def head_from_json(text: bytes | str) -> Head:
    """Read a head strictly. Raises :class:`StoreError` of kind ``damaged``."""
    try:
        raw = strict_json.loads_object(text, MAX_BYTES)
        if set(raw) != {"schema", "pooling", "kernel"} or raw["schema"] != _SCHEMA:
            raise ValueError("other fields than expected")
        kernel = unpack(raw["kernel"])
        if raw["pooling"] not in ("average", "maximum") or kernel.ndim != 2:
            raise ValueError("unknown pooling, or a kernel that is no matrix")
    except (ValueError, KeyError, TypeError, RecursionError, AttributeError) as error:
        raise StoreError(
            "damaged", phrase("'{file}' describes no end of a network: {error}", file=FILE, error=error)
        ) from error
    return Head(kernel, raw["pooling"])


def class_map(last_map: np.ndarray, head: Head, index: int) -> np.ndarray:
    """What every place of the last map adds to the score of class ``index`` (class activation map, Zhou et al. 2016).

    ``last_map`` float32 (rows, columns, features); returns float32 (rows, columns). The mean of all classes' weights is
    taken off first, because only differences between classes change the scores: the places of the map then sum to the
    class's logit above the classes' mean, but for a constant. With average pooling each place adds its share. With
    maximum pooling a feature counts where it is largest and nowhere else, which is as exact, and sparser.
    """
    weights = head.kernel[:, index] - head.kernel.mean(axis=1)
    rows, columns, features = last_map.shape
    if head.pooling == "average":
        result: np.ndarray = (last_map @ weights / (rows * columns)).astype(np.float32)
        return result
    flat = last_map.reshape(-1, features)
    place = flat.argmax(axis=0)
    added = np.bincount(place, weights=flat[place, np.arange(features)] * weights, minlength=rows * columns)
    return added.reshape(rows, columns).astype(np.float32)


def seen_box(size: tuple[int, int], spec: PreprocessSpec) -> SeenBox | None:
    """Where the network's input lies on a picture of ``size`` (width, height): (left, top, right, bottom) in fractions
    of the picture, beyond 0 to 1 where it was padded. ``None`` for the ``mnist`` fit, which follows the ink."""
    if spec.fit == "mnist":
        return None
    if spec.fit == "stretch":
        return (0.0, 0.0, 1.0, 1.0)
    across, down = spec.width / size[0], spec.height / size[1]
    if spec.fit == "center_crop":
        scale = spec.resize_shorter / min(size) if spec.resize_shorter else max(across, down)
    else:
        scale = min(across, down)
    wide, tall = across / scale, down / scale
    return ((1 - wide) / 2, (1 - tall) / 2, (1 + wide) / 2, (1 + tall) / 2)


# Dark to bright through purple, orange and yellow: lightness rises evenly, so the order shows without colour vision.
_STOPS = np.array(
    [[20, 8, 48], [92, 22, 110], [170, 42, 96], [226, 86, 52], [250, 158, 32], [252, 240, 140]], np.float32
)


def colours(heat: np.ndarray, width: int, height: int) -> np.ndarray:
    """A map as a layer to lay over a picture: uint8 (height, width, 4), RGB and alpha (0 where nothing speaks for the
    class). Only the positive part is shown, relative to its largest value; see :func:`levels`."""
    from PIL import Image

    small = Image.fromarray(levels(heat))
    values = np.asarray(small.resize((width, height), Image.Resampling.BICUBIC), np.float32)
    values = np.clip(values, 0.0, 1.0)
    place = values * (len(_STOPS) - 1)
    below = np.minimum(place.astype(int), len(_STOPS) - 2)
    share = (place - below)[..., None]
    rgb = _STOPS[below] * (1 - share) + _STOPS[below + 1] * share
    alpha = np.clip(values * 2.0, 0.0, 1.0)[..., None] * 255
    return np.concatenate([rgb, alpha], axis=2).round().astype(np.uint8)


def levels(heat: np.ndarray) -> np.ndarray:
    """The positive part of a map on a scale from 0 to 1, float32; all 0 where no place speaks for the class."""
    positive = np.maximum(np.nan_to_num(heat.astype(np.float32)), 0.0)
    largest = float(positive.max()) if positive.size else 0.0
    result: np.ndarray = positive / largest if largest > 0 else positive
    return result


def overlay(pixels: np.ndarray, heat: np.ndarray, box: SeenBox, opacity: float) -> np.ndarray:
    """A map drawn onto a picture: uint8 (H, W, 3) of ``pixels`` uint8 (H, W) or (H, W, 3); ``opacity`` 0 to 1.

    ``box`` says where the map lies, see :func:`seen_box`; outside of it the picture is darkened, for the network did
    not see it.
    """
    picture = np.repeat(pixels[:, :, None], 3, axis=2) if pixels.ndim == 2 else pixels
    height, width = picture.shape[:2]
    left, top = round(box[0] * width), round(box[1] * height)
    right, bottom = max(left + 1, round(box[2] * width)), max(top + 1, round(box[3] * height))
    layer = colours(heat, right - left, bottom - top)
    result = picture.astype(np.float32)
    inside = np.zeros((height, width), bool)
    y0, y1, x0, x1 = max(0, top), min(height, bottom), max(0, left), min(width, right)
    inside[y0:y1, x0:x1] = True
    result[~inside] *= 0.45
    part = layer[y0 - top : y1 - top, x0 - left : x1 - left].astype(np.float32)
    alpha = part[..., 3:] / 255 * opacity
    result[y0:y1, x0:x1] = result[y0:y1, x0:x1] * (1 - alpha) + part[..., :3] * alpha
    return result.round().astype(np.uint8)
