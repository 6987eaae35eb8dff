"""Resampling and morphology of grey arrays, in NumPy alone.

OpenCV does all of this too, but it would bring 150 MB of video and linear-algebra libraries into a program that only
classifies. Sizes here are those of one picture of a digit: a few hundred pixels a side, a few milliseconds.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np

_CUBIC = -0.75  # the sharper of the two usual values of Keys' parameter


def shrink(values: np.ndarray, height: int, width: int) -> np.ndarray:
    """``values`` (H, W) averaged over areas into float32 (height, width); not larger than ``values`` on either side."""
    rows, columns = _areas(values.shape[0], height), _areas(values.shape[1], width)
    return _apply(rows, values, columns)


def enlarge(values: np.ndarray, height: int, width: int, cubic: bool = True) -> np.ndarray:
    """``values`` (H, W) as float32 (height, width) between its samples: by Keys' cubic convolution, or linearly.

    R. G. Keys, Cubic convolution interpolation for digital image processing, IEEE Trans. ASSP 29 (1981). The cubic
    overshoots at edges; beyond the border the outermost samples go on.
    """
    rows, columns = _between(values.shape[0], height, cubic), _between(values.shape[1], width, cubic)
    return _apply(rows, values, columns)


def _apply(rows: np.ndarray, values: np.ndarray, columns: np.ndarray) -> np.ndarray:
    result: np.ndarray = (rows @ values.astype(np.float32, copy=False)) @ columns.T
    return result


@lru_cache(64)  # while one draws, sheet after sheet is of the same size
def _areas(found: int, wanted: int) -> np.ndarray:
    """Float32 (wanted, found), read only: which share of each sample falls into each larger one."""
    edges = np.linspace(0.0, found, wanted + 1)
    samples = np.arange(found)
    shares = np.minimum(edges[1:, None], samples + 1) - np.maximum(edges[:-1, None], samples)
    shares = np.clip(shares, 0.0, None)
    weights: np.ndarray = (shares / shares.sum(axis=1, keepdims=True)).astype(np.float32)
    weights.flags.writeable = False
    return weights


@lru_cache(64)
def _between(found: int, wanted: int, cubic: bool) -> np.ndarray:
    """Float32 (wanted, found), read only: the weights of the samples around each place between them."""
    places = (np.arange(wanted) + 0.5) * found / wanted - 0.5
    first = np.floor(places).astype(int)
    weights = np.zeros((wanted, found))
    for tap in range(-1, 3) if cubic else range(2):
        distance = np.abs(places - (first + tap))
        share = _keys(distance) if cubic else 1.0 - distance
        np.add.at(weights, (np.arange(wanted), np.clip(first + tap, 0, found - 1)), share)
    rounded = weights.astype(np.float32)
    rounded.flags.writeable = False
    return rounded


def _keys(distance: np.ndarray) -> np.ndarray:
    near = (_CUBIC + 2) * distance**3 - (_CUBIC + 3) * distance**2 + 1
    far = _CUBIC * (distance**3 - 5 * distance**2 + 8 * distance - 4)
    return np.where(distance <= 1, near, np.where(distance < 2, far, 0.0))


def disc(radius: int) -> list[int]:
    """Half widths of the rows ``-radius`` to ``radius`` of a disc: what :func:`dilate` and :func:`erode` take."""
    rows = np.arange(-radius, radius + 1)
    return [int(half) for half in np.rint(np.sqrt(radius**2 - rows**2))]


def square(radius: int) -> list[int]:
    """Half widths of the rows of a square with sides of ``2 · radius + 1``."""
    return [radius] * (2 * radius + 1)


def dilate(values: np.ndarray, shape: list[int], edge: bool = False) -> np.ndarray:
    """The largest of ``values`` (H, W) under ``shape`` laid on each pixel, in the dtype of ``values``.

    Beyond the border lies nothing, or with ``edge`` what lies on the border.
    """
    return _sweep(values, shape, edge, np.maximum, _lowest(values.dtype))


def erode(values: np.ndarray, shape: list[int], edge: bool = False) -> np.ndarray:
    """The smallest of ``values`` under ``shape``; otherwise like :func:`dilate`."""
    return _sweep(values, shape, edge, np.minimum, _highest(values.dtype))


def _lowest(dtype: np.dtype) -> float:
    return -np.inf if dtype.kind == "f" else np.iinfo(dtype).min


def _highest(dtype: np.dtype) -> float:
    return np.inf if dtype.kind == "f" else np.iinfo(dtype).max


def _sweep(
    values: np.ndarray, shape: list[int], edge: bool, best: Callable[..., np.ndarray], nothing: float
) -> np.ndarray:
    """``best`` (np.maximum or np.minimum) over a shape that is one run of pixels in each of its rows.

    The best of any run is the best of two overlapping runs whose length is a power of two, and these are made by
    doubling: a pixel costs a few comparisons a row of the shape, however wide it is.
    """
    radius, reach = len(shape) // 2, max(shape)
    room = ((radius, radius), (reach, reach))
    padded = np.pad(values, room, mode="edge") if edge else np.pad(values, room, constant_values=nothing)
    height, width = values.shape
    runs = [padded]  # runs[k][:, x]: the best of the 2**k pixels from x on
    while 2 ** len(runs) <= 2 * reach + 1:
        last, step = runs[-1], 2 ** (len(runs) - 1)
        runs.append(best(last[:, :-step], last[:, step:]))
    result: np.ndarray | None = None
    for row, half in enumerate(shape):
        length = 2 * half + 1
        power = length.bit_length() - 1
        start = reach - half
        lines = runs[power][row : row + height]
        first = lines[:, start : start + width]
        second = lines[:, start + length - 2**power : start + length - 2**power + width]
        found = best(first, second)
        result = found if result is None else best(result, found, out=result)
    assert result is not None
    return result


def otsu(values: np.ndarray) -> int:
    """The level 0 to 255 that parts ``values`` (uint8) best into two groups: those up to it and those above.

    N. Otsu, A threshold selection method from gray-level histograms, IEEE Trans. SMC 9 (1979).
    """
    counts = np.bincount(values.ravel(), minlength=256).astype(float)
    below = np.cumsum(counts)
    above = below[-1] - below
    sums = np.cumsum(counts * np.arange(256))
    with np.errstate(divide="ignore", invalid="ignore"):
        apart = below * above * (sums / below - (sums[-1] - sums) / above) ** 2
    return int(np.nan_to_num(apart, nan=-1.0).argmax())
