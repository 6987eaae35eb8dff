"""Whether a colour photograph is a negative: a small convolutional network of its own, computed by NumPy.

Exchanging dark and light (and every colour for its opposite) leaves outlines, textures and contrasts as they are, so
neither a model's features nor the figures of a picture's look tell it reliably. A network that was trained on nothing
but this question does: shadows, highlights, skies and skin have a direction. It was trained on the CIFAR-10 training
pictures and their negatives by ``python -m tools.train_polarity``; ``resources/polarity.npz`` holds the numbers, and no
picture. Domain gates of colour models weigh its answer (:mod:`desktop.core.trust.domain`).
"""

from __future__ import annotations

import zipfile
from functools import cache
from pathlib import Path

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from PIL import Image

from desktop import paths
from desktop.core.types import StoreError
from desktop.system.words import phrase

SIDE = 32
STRIDES = (1, 2, 1, 2, 2)
"""Of the 3×3 convolutions, each followed by a rectifier; the mean over the last map goes into one linear unit."""
FILE = "polarity.npz"
_PIECE = 4  # pictures at once: what a convolution gathers is nine times its input, and is to stay in the cache


def odds(pixels: np.ndarray, file: Path | None = None) -> np.ndarray:
    """The network's log odds, float32 (n,), that prepared colour pictures, uint8 (n, height, width, 3), are negatives.

    Uncalibrated: a gate brings them to the scale of its model's own pictures. ``file`` is another network than the
    program's. Raises :class:`StoreError` of kind ``damaged`` where the file is missing or broken.
    """
    layers, weights, bias = _network(file or paths.resources() / FILE)
    found = []
    for start in range(0, len(pixels), _PIECE):
        x = _reduced(pixels[start : start + _PIECE]).astype(np.float32) / np.float32(127.5) - np.float32(1.0)
        for (kernel, offset), stride in zip(layers, STRIDES, strict=True):
            x = np.maximum(_convolved(x, kernel, stride) + offset, 0.0, dtype=np.float32)
        found.append(x.mean(axis=(1, 2)) @ weights + bias)
    return np.concatenate(found) if found else np.zeros(0, np.float32)


def _reduced(pixels: np.ndarray) -> np.ndarray:
    """The pictures at 32×32, each pixel the mean of what it covers."""
    if pixels.shape[1:3] == (SIDE, SIDE):
        return pixels
    resized = [Image.fromarray(picture).resize((SIDE, SIDE), Image.Resampling.BOX) for picture in pixels]
    return np.stack([np.asarray(picture) for picture in resized])


def _convolved(x: np.ndarray, kernel: np.ndarray, stride: int) -> np.ndarray:
    """``x`` (n, rows, columns, c) with ``kernel`` (3, 3, c, f), zeros around it where Keras' ``same`` puts them."""
    size, width = x.shape[1], kernel.shape[3]
    total = (-(-size // stride) - 1) * stride + 3 - size
    before = total // 2
    padded = np.pad(x, ((0, 0), (before, total - before), (before, total - before), (0, 0)))
    windows = sliding_window_view(padded, (3, 3), axis=(1, 2))[:, ::stride, ::stride]
    n, rows, columns = windows.shape[:3]
    gathered = windows.transpose(0, 1, 2, 4, 5, 3).reshape(n * rows * columns, -1)
    result: np.ndarray = (gathered @ kernel.reshape(-1, width)).reshape(n, rows, columns, width)
    return result


@cache
def _network(path: Path) -> tuple[list[tuple[np.ndarray, np.ndarray]], np.ndarray, np.float32]:
    try:
        with np.load(path, allow_pickle=False) as held:
            layers = [
                (held[f"kernel{i}"].astype(np.float32), held[f"offset{i}"].astype(np.float32))
                for i in range(len(STRIDES))
            ]
            return layers, held["weights"].astype(np.float32), np.float32(held["bias"])
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise StoreError(
            "damaged", phrase("the program's file '{file}' is missing or broken", file=FILE), "Install Fovea again."
        ) from error
