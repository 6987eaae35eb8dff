"""PNGs of 16 bits a channel with colour or transparency, of which Pillow keeps the upper byte alone.

Cameras, microscopes and X-ray devices put 10, 12 or 14 bits into such files: of those the upper byte is nearly black.
Source of the method: the PNG specification (third edition), 7.2: samples of 16 bits are two bytes, the upper one first.
Pillow undoes compression and filters; unpacked once as it does and once as if the lower byte came first, it gives both.
"""

from __future__ import annotations

from typing import BinaryIO

import numpy as np
from PIL import Image

from desktop.core.pictures import windowing
from desktop.core.types import Notice

SHALLOW = 1 << 14
"""Colour that stays below this value uses less than a quarter of its range, and then is windowed; brighter colour is
taken as it is, by its upper byte, because stretching it would change a faithful picture."""

_GREY_ALPHA = "LA;16B"
_SWAPPED = {"RGB;16B": "RGB;16L", "RGBA;16B": "RGBA;16L", _GREY_ALPHA: "RGBA"}


def layout(picture: Image.Image) -> str:
    """How the samples of ``picture``, opened and not yet loaded, lie in the file; '' where this module has no part."""
    raw = picture.tile[0].args if len(getattr(picture, "tile", ())) == 1 else ""  # type: ignore[attr-defined]
    return raw if isinstance(raw, str) and raw in _SWAPPED else ""


def windowed(picture: Image.Image, file: BinaryIO, raw: str) -> tuple[Image.Image, Notice] | None:
    """``picture``, loaded from ``file`` with the :func:`layout` ``raw``, from its 16 bits: 8 bits a channel through one
    window for all, its transparency apart. ``None`` where its upper bytes are the picture."""
    if raw != _GREY_ALPHA and int(np.asarray(picture)[..., :3].max()) >= SHALLOW >> 8:
        return None
    samples, alpha = _samples(picture, file, raw)
    key = picture.info.get("transparency")
    if alpha is None and isinstance(key, tuple):
        alpha = np.where((samples == np.array(key, np.uint16)).all(axis=2), 0, 255).astype(np.uint8)
    # What lies under full transparency is not seen, and so has no say.
    seen = samples if alpha is None or not alpha.any() else samples[alpha > 0]
    window = windowing.unsigned16(seen)[1]
    pixels = windowing.to_bytes(np.arange(65536), window)[samples]
    notice = Notice("windowed", f"16-bit, windowed {windowing.describe(window)}")
    flat = Image.fromarray(pixels)
    if alpha is None:
        return flat, notice
    bands = flat.split() if flat.mode == "RGB" else (flat,)
    return Image.merge("RGBA" if flat.mode == "RGB" else "LA", (*bands, Image.fromarray(alpha))), notice


def _samples(picture: Image.Image, file: BinaryIO, raw: str) -> tuple[np.ndarray, np.ndarray | None]:
    """The samples, uint16 (H, W) or (H, W, 3), and the upper byte of the transparency, where there is any."""
    file.seek(0)
    with Image.open(file, formats=("PNG",)) as again:
        again.tile = [tile._replace(args=_SWAPPED[raw]) for tile in again.tile]
        other = np.asarray(again)
    if raw == _GREY_ALPHA:
        # Grey and transparency are two bytes each: read as four channels, all of them are there.
        return other[..., 0].astype(np.uint16) << 8 | other[..., 1], other[..., 2].copy()
    upper = np.asarray(picture)
    samples = upper[..., :3].astype(np.uint16) << 8
    samples |= other[..., :3]
    return samples, upper[..., 3].copy() if raw.startswith("RGBA") else None
