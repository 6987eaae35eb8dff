"""Bringing pictures of more than 8 bits down to 8 by a stated window.

A window is a pair (low, high) of values; low and everything under it becomes 0, high and everything over it 255, and
what lies between is spread evenly. Where a picture does not say which window it wants, :func:`histogram_window` and
:func:`sample_window` choose one that leaves out the darkest and the brightest half per cent of the pixels, so that a
few hot pixels or a burnt-in label do not decide the brightness of the whole.
"""

from __future__ import annotations

import math

import numpy as np

TAIL = 0.005
"""The share of pixels that a chosen window leaves out at either end."""

_SAMPLE = 1 << 22
_BLOCK = 1 << 20


def histogram_window(values: np.ndarray, counts: np.ndarray) -> tuple[float, float] | None:
    """The window of a picture given as a histogram.

    ``values`` holds the distinct values (any order, finite), ``counts`` how many pixels have each, both 1-D of one
    length. Exact, whatever the size of the picture. None when no pixel is counted or all have one value.
    """
    present = counts > 0
    if not present.any():
        return None
    some, weights = values[present], counts[present]
    order = np.argsort(some, kind="stable")
    some, ranks = some[order], np.cumsum(weights[order])
    total = int(ranks[-1])
    low = float(some[np.searchsorted(ranks, TAIL * total, side="right")])
    high = float(some[min(int(np.searchsorted(ranks, (1 - TAIL) * total, side="left")), len(some) - 1)])
    if low >= high:
        # Nearly all pixels are alike (a small mark on an even ground): the extremes are the picture.
        low, high = float(some[0]), float(some[-1])
    return (low, high) if low < high else None


def sample_window(values: np.ndarray, seen: np.ndarray | None = None) -> tuple[float, float] | None:
    """The window of a picture of any real dtype and shape; values that are not finite are left out.

    ``seen`` (bool, of the shape of ``values`` or of its first two axes) leaves out what is no part of the picture:
    transparent, padding and no-data pixels. Very large pictures are judged by every k-th pixel, so that the answer is
    quick and always the same. None when no value is finite or all are equal.
    """
    some = sample(values, seen)
    if some.size == 0:
        return None
    distinct, counts = np.unique(some, return_counts=True)
    return histogram_window(distinct.astype(np.float64), counts)


def sample(values: np.ndarray, seen: np.ndarray | None = None) -> np.ndarray:
    """The finite values of every k-th pixel that is seen (1-D), k so that they are about four million at most."""
    channels = values.size // (values.shape[0] * values.shape[1]) if values.ndim == 3 else 1
    pixels = values.reshape(-1, channels)
    step = max(1, math.ceil(values.size / _SAMPLE))
    some = pixels[::step]
    if seen is not None:
        some = some[seen.reshape(-1)[::step]]
        if not some.size and step > 1:
            some = pixels[np.flatnonzero(seen)[:_SAMPLE]]
    return some[np.isfinite(some)] if some.dtype.kind == "f" else some.reshape(-1)


def float_window(values: np.ndarray, seen: np.ndarray | None = None) -> tuple[float, float] | None:
    """The window of a floating-point picture: 0 to 1 where the picture keeps to that range and uses it, else chosen.

    Most floating-point pictures are normalised to 0 … 1, and stretching those would change a faithful picture. ``seen``
    and None as for :func:`sample_window`.
    """
    least, most = math.inf, -math.inf
    flat = values.reshape(values.shape[0], -1)
    rows = max(1, _BLOCK // max(1, flat.shape[1]))
    for start in range(0, len(flat), rows):
        block = flat[start : start + rows]
        if seen is not None:
            block = values[start : start + rows][seen[start : start + rows]]
        block = block[np.isfinite(block)]
        if block.size:
            least, most = min(least, float(block.min())), max(most, float(block.max()))
    if least >= 0.0 and 0.5 <= most <= 1.0:
        return 0.0, 1.0
    return sample_window(values, seen)


def to_bytes(values: np.ndarray, window: tuple[float, float]) -> np.ndarray:
    """``values`` (any real dtype and shape) through ``window`` (low < high) to uint8 of the same shape.

    Rounds to nearest; NaN becomes 0, infinities the nearer end. Works in blocks, so that a large picture does not
    need eight times its size while it is scaled.
    """
    low, high = window
    scale = 255.0 / (high - low) if math.isfinite(high - low) else 0.0
    out = np.empty(values.size, np.uint8)
    flat = values.reshape(-1)
    with np.errstate(all="ignore"):
        for start in range(0, flat.size, _BLOCK):
            block = flat[start : start + _BLOCK].astype(np.float64)
            block -= low
            block *= scale
            np.nan_to_num(block, copy=False, nan=0.0, posinf=255.0, neginf=0.0)
            np.clip(block, 0.0, 255.0, out=block)
            np.rint(block, out=block)
            out[start : start + _BLOCK] = block.astype(np.uint8)
    return out.reshape(values.shape)


def counts16(values: np.ndarray, seen: np.ndarray | None = None) -> np.ndarray:
    """How many of ``values`` (uint16) have each of the 65,536 values, int64; ``seen`` as for :func:`sample_window`.

    In blocks, because NumPy counts on a copy of eight bytes a value.
    """
    counts = np.zeros(65536, np.int64)
    channels = values.size // (values.shape[0] * values.shape[1]) if values.ndim == 3 else 1
    flat, chosen = values.reshape(-1, channels), None if seen is None else seen.reshape(-1)
    for start in range(0, len(flat), _BLOCK):
        block = flat[start : start + _BLOCK]
        if chosen is not None:
            block = block[chosen[start : start + _BLOCK]]
        counts += np.bincount(block.reshape(-1), minlength=65536)
    return counts


def describe(window: tuple[float, float]) -> str:
    """A window in words: ``312–40120``, ``-1000 to 400``, ``0.02–0.97``."""
    low, high = (str(int(v)) if float(v).is_integer() and abs(v) < 1e9 else f"{v:.4g}" for v in window)
    return f"{low}–{high}" if window[0] >= 0 else f"{low} to {high}"
