"""One rule for pictures of more than 8 bits a channel, whatever file they come in: PNG, TIFF or DICOM.

- Grey is windowed: the darkest and the brightest half per cent decide (:mod:`~desktop.core.pictures.windowing`).
- Colour that uses its range keeps its upper 8 bits, because stretching it would change a faithful picture. Colour that
  stays under a quarter of it holds 10, 12 or 14 bits in a wider container, as cameras, microscopes and X-ray devices
  write it, and is windowed, all channels by one window.
- Floating-point pictures of 0 to 1 keep that range, others are windowed; signed ones are windowed.
- What is no part of the picture (transparent, padding and no-data pixels) has no say in the window.
"""

from __future__ import annotations

import numpy as np

from desktop.core.pictures import windowing
from desktop.core.types import Notice
from desktop.system.words import phrase

HOT = 1e-4
"""The share of samples that may lie above a quarter of the range in colour that counts as shallow: hot pixels."""

QUARTER = 1 << 14
"""A quarter of the range of 16 bits."""

_NOT_FINITE = Notice("not-finite", "values that are no numbers shown as the darkest or brightest", "caution")

_BLOCK = 1 << 20


def is_shallow(counts: np.ndarray, bits: int) -> bool:
    """Whether colour of ``bits`` (9 to 16) stays under a quarter of its range; ``counts`` as of windowing.counts16."""
    total = int(counts.sum())
    return bool(counts[1 << (bits - 2) :].sum() <= total * HOT)


def to_eight(values: np.ndarray, bits: int, seen: np.ndarray | None = None) -> tuple[np.ndarray, tuple[Notice, ...]]:
    """``values``, grey (H, W) or colour (H, W, 3) of any real dtype, as uint8 of the same shape, with what was done.

    ``bits`` are those that the file declares for a sample; ``seen`` (bool, (H, W)) is False where a pixel is no part of
    the picture, None where all are.
    """
    if seen is not None and not seen.any():
        seen = None
    kind, colour = values.dtype.kind, values.ndim == 3
    if kind == "u" and values.dtype.itemsize <= 2:
        counts = windowing.counts16(values, seen)
        if colour and not is_shallow(counts, bits):
            return _upper(values, bits)
        domain = np.arange(65536)
        window = windowing.histogram_window(domain, counts) or (0.0, float((1 << bits) - 1))
        pixels = windowing.to_bytes(domain, window)[values]
    elif kind == "u" and colour and not _shallow_sample(values, bits, seen):
        return _upper(values, bits)
    else:
        window = _chosen(values, seen)
        pixels = windowing.to_bytes(values, window)
    text = "{bits}-bit floating point, windowed {window}" if kind == "f" else "{bits}-bit, windowed {window}"
    notices = [Notice("windowed", phrase(text, bits=bits, window=windowing.describe(window)))]
    if kind == "f" and not _all_finite(values):
        notices.append(_NOT_FINITE)
    return pixels, tuple(notices)


def veil_to_eight(words: np.ndarray, most: int) -> np.ndarray:
    """Transparency ``words``, uint16 of the whole 16-bit range, as uint8; ``most`` is the largest in the picture.

    One that stays under a quarter of the range has its 8, 10, 12 or 14 bits in a wider container, as the colour beside
    it has: its largest values are opaque.
    """
    used = max(8, most.bit_length() + most.bit_length() % 2) if 0 < most < QUARTER else 16
    return (words >> (used - 8)).astype(np.uint8)


def _upper(values: np.ndarray, bits: int) -> tuple[np.ndarray, tuple[Notice, ...]]:
    pixels = np.empty(values.shape, np.uint8)
    np.right_shift(values, bits - 8, out=pixels, casting="unsafe")
    return pixels, (upper_eight(bits),)


def upper_eight(bits: int) -> Notice:
    """The notice of colour that uses its range and is taken by its upper 8 bits."""
    return Notice("reduced-depth", phrase("{bits} bits a channel, the upper 8 used", bits=bits))


def _shallow_sample(values: np.ndarray, bits: int, seen: np.ndarray | None) -> bool:
    some = windowing.sample(values, seen)
    return bool(np.count_nonzero(some >= 1 << (bits - 2)) <= some.size * HOT)


def _chosen(values: np.ndarray, seen: np.ndarray | None) -> tuple[float, float]:
    floating = values.dtype.kind == "f"
    window = windowing.float_window(values, seen) if floating else windowing.sample_window(values, seen)
    if window is not None:
        return window
    # One value only: it keeps its place in a plain range.
    some = windowing.sample(values, seen)
    level = float(some[0]) if some.size else 0.0
    return min(0.0, level), max(1.0 if floating else 255.0, level)


def _all_finite(values: np.ndarray) -> bool:
    flat = values.reshape(-1)
    return all(bool(np.isfinite(flat[start : start + _BLOCK]).all()) for start in range(0, flat.size, _BLOCK))
