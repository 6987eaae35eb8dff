"""PNGs of 16 bits a channel with colour or transparency, of which Pillow keeps the upper byte alone.

Cameras, microscopes and X-ray devices put 10, 12 or 14 bits into such files: of those the upper byte is nearly black.
Source of the method: the PNG specification (third edition), 7.2: samples of 16 bits are two bytes, the upper one first.
Pillow undoes compression and filters; unpacked once as it does and once as if the lower byte came first, it gives both.
The samples themselves are put together a band of rows at a time, because they would double what a large picture takes.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np
from PIL import Image

from desktop.core.pictures import depth, windowing
from desktop.core.types import Notice
from desktop.system.words import phrase

_GREY_ALPHA = "LA;16B"
_SWAPPED = {"RGB;16B": "RGB;16L", "RGBA;16B": "RGBA;16L", _GREY_ALPHA: "RGBA"}
_BAND = 1 << 21  # pixels


def layout(picture: Image.Image) -> str:
    """How the samples of ``picture``, opened and not yet loaded, lie in the file; '' where this module has no part."""
    raw = picture.tile[0].args if len(getattr(picture, "tile", ())) == 1 else ""  # type: ignore[attr-defined]
    return raw if isinstance(raw, str) and raw in _SWAPPED else ""


def to_eight(
    picture: Image.Image, file: BinaryIO, raw: str, exponent: float = 1.0
) -> tuple[Image.Image, tuple[Notice, ...]]:
    """``picture``, loaded from ``file`` with the :func:`layout` ``raw``, by the depth rule (:mod:`depth`) from its 16
    bits: mode LA, RGB or RGBA; a colour named transparent becomes transparency. ``exponent`` is that of
    :func:`png_colour.exponent_of`, applied to the 16 bits. ``picture`` may be changed in place."""
    grey = raw == _GREY_ALPHA
    key = picture.info.get("transparency")
    key = key if isinstance(key, tuple) and raw == "RGB;16B" else None
    if not grey and key is None and exponent == 1.0 and _uses_its_range(picture):
        return picture, (depth.upper_eight(16),)
    file.seek(0)
    with Image.open(file, formats=("PNG",)) as other:
        other.tile = [tile._replace(args=_SWAPPED[raw]) for tile in other.tile]
        other.load()
        counts, every, most = np.zeros(65536, np.int64), np.zeros(65536, np.int64), 0
        for _, samples, alpha in _bands(picture, other, raw, key):
            every += windowing.counts16(samples)
            counts += windowing.counts16(samples, alpha > 0) if alpha is not None else windowing.counts16(samples)
            most = max(most, int(alpha.max())) if alpha is not None else most
        # Where nothing is seen, all of it decides.
        table, notice = _through(counts if counts.any() else every, grey, exponent)
        # Pillow opens grey with transparency as colour.
        shown = Image.new("LA", picture.size) if grey else picture
        veil = None if key is None else Image.new("L", picture.size, 255)
        for top, samples, alpha in _bands(picture, other, raw, key):
            pixels = table[samples]
            if alpha is not None and veil is None:
                pixels = np.dstack([pixels, depth.veil_to_eight(alpha, most)])
            elif alpha is not None and veil is not None:
                veil.paste(Image.fromarray(depth.veil_to_eight(alpha, most)), (0, top))
            shown.paste(Image.fromarray(pixels), (0, top))
    shown.info.pop("transparency", None)
    if veil is not None:
        shown.putalpha(veil)
    return shown, (notice,)


def samples(still: bytes) -> np.ndarray:
    """The samples of ``still``, a PNG of 16 bits a channel: uint16 (H, W, 4), grey three times, what is named
    transparent with a transparency of 0. Raises Pillow's errors on bad data."""
    with Image.open(io.BytesIO(still), formats=("PNG",)) as picture:
        raw = layout(picture)
        picture.load()
        key = picture.info.get("transparency")
        found = np.full((picture.height, picture.width, 4), 65535, np.uint16)
        if not raw:
            grey = np.asarray(picture).astype(np.uint16, copy=False)
            found[..., :3] = grey[..., None]
            if isinstance(key, int):
                found[grey == key, 3] = 0
            return found
        key = key if isinstance(key, tuple) and raw == "RGB;16B" else None
        with Image.open(io.BytesIO(still), formats=("PNG",)) as other:
            other.tile = [tile._replace(args=_SWAPPED[raw]) for tile in other.tile]
            other.load()
            for top, some, alpha in _bands(picture, other, raw, key):
                rows = found[top : top + len(some)]
                rows[..., :3] = some if some.ndim == 3 else some[..., None]
                if alpha is not None:
                    rows[..., 3] = alpha
    return found


def shown_samples(found: np.ndarray, grey: bool, exponent: float) -> tuple[Image.Image, tuple[Notice, ...]]:
    """What :func:`samples` gives (of ``grey`` or of colour), by the depth rule: mode RGBA, with what was done."""
    alpha = found[..., 3]
    seen = alpha > 0
    values = found[..., 0] if grey else np.ascontiguousarray(found[..., :3])
    table, notice = _through(windowing.counts16(values, seen if seen.any() else None), grey, exponent)
    pixels = np.empty(found.shape, np.uint8)
    pixels[..., :3] = table[values][..., None] if grey else table[values]
    pixels[..., 3] = depth.veil_to_eight(alpha, int(alpha.max()))
    return Image.fromarray(pixels), (notice,)


def _through(counts: np.ndarray, grey: bool, exponent: float) -> tuple[np.ndarray, Notice]:
    """What becomes of each 16-bit value, uint8 (65536,), in a picture of these ``counts``; and that in words."""
    domain = np.arange(65536)
    if grey or depth.is_shallow(counts, 16):
        window = windowing.histogram_window(domain, counts) or (0.0, 65535.0)
        notice = Notice("windowed", phrase("16-bit, windowed {describe}", describe=windowing.describe(window)))
        return curved(window, exponent), notice
    table = curved((0.0, 65535.0), exponent) if exponent != 1.0 else (domain >> 8).astype(np.uint8)
    return table, depth.upper_eight(16)


def curved(window: tuple[float, float], exponent: float) -> np.ndarray:
    """What becomes of each 16-bit value, uint8 (65536,): through the power ``exponent``, then through ``window``."""
    domain = np.arange(65536) / 65535.0
    low, high = ((value / 65535.0) ** exponent for value in window)
    return windowing.to_bytes(domain**exponent, (low, high))


def _uses_its_range(picture: Image.Image) -> bool:
    """Whether the upper bytes are the picture: more than hot pixels reach a quarter of the range, and so does
    transparency."""
    seen = picture.getchannel("A") if picture.mode == "RGBA" else None
    if seen is not None and not np.any(seen.histogram()[depth.QUARTER >> 8 :]):
        return False
    histogram = np.array(picture.histogram(seen)[: 3 * 256]).reshape(3, 256)
    return bool(histogram[:, 64:].sum() > histogram.sum() * depth.HOT)


def _bands(
    picture: Image.Image, other: Image.Image, raw: str, key: tuple[int, ...] | None
) -> Iterator[tuple[int, np.ndarray, np.ndarray | None]]:
    """From top to bottom: the first row, the samples, uint16 (rows, W) or (rows, W, 3), and the transparency, uint16
    (rows, W), where there is any."""
    width, height = picture.size
    step = max(1, _BAND // width)
    for top in range(0, height, step):
        box = (0, top, width, min(top + step, height))
        lower = np.asarray(other.crop(box))
        if raw == _GREY_ALPHA:
            # Grey and transparency are two bytes each: read as four channels, all of them are there.
            words = lower[..., 0::2].astype(np.uint16) << 8 | lower[..., 1::2]
            yield top, words[..., 0], words[..., 1]
            continue
        upper = np.asarray(picture.crop(box))
        samples = upper[..., :3].astype(np.uint16) << 8
        samples |= lower[..., :3]
        alpha = None
        if raw.startswith("RGBA"):
            alpha = upper[..., 3].astype(np.uint16) << 8 | lower[..., 3]
        elif key is not None:
            alpha = np.where((samples == np.array(key, np.uint16)).all(axis=2), 0, 65535).astype(np.uint16)
        yield top, samples, alpha
