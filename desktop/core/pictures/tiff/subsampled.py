"""YCbCr with subsampled chroma that lies uncompressed: blocks of luma samples, each with one sample of either chroma.

Source of the method: TIFF 6.0 (1992), section 21. Compressed pages of the kind are libtiff's, by way of Pillow, whose
own reader of uncompressed ones expects as many samples as without subsampling.
"""

from __future__ import annotations

from typing import BinaryIO

import numpy as np
from PIL import Image

from desktop.core.pictures.limits import check_size
from desktop.core.pictures.tiff.segments import NONE
from desktop.core.pictures.tiff.tags import TiffPage
from desktop.core.types import DecodeError

_YCBCR = 6
_FACTORS = (1, 2, 4)


def is_subsampled(page: TiffPage) -> bool:
    """Whether ``page`` holds uncompressed YCbCr with subsampled chroma, of whatever kind."""
    return page.photometric == _YCBCR and page.compression == NONE and page.subsampling != (1, 1)


def can_read(page: TiffPage) -> bool:
    """Whether :func:`read` reads such a page: strips of 8 bits a sample, in the factors of the standard."""
    return (
        is_subsampled(page)
        and page.tile is None
        and not page.planar
        and page.samples == 3
        and set(page.bits) == {8}
        and page.fill_order == 1
        and set(page.subsampling) <= set(_FACTORS)
    )


def read(file: BinaryIO, page: TiffPage) -> np.ndarray:
    """The page as RGB, uint8 (H, W, 3). Raises DecodeError ``truncated``, and what is too large."""
    check_size(page.width, page.height)
    across, down = page.subsampling
    wide = -(-page.width // across)
    step = across * down + 2
    if file.seek(0, 2) < -(-page.height // down) * wide * step:
        raise _truncated()  # before anything is set aside for it
    out = np.empty((page.height, page.width, 3), np.uint8)
    for number, top in enumerate(range(0, page.height, page.rows)):
        rows = min(page.rows, page.height - top)
        high = -(-rows // down)
        want = high * wide * step
        data = b""
        if number < len(page.offsets):
            file.seek(max(int(page.offsets[number]), 0))
            data = file.read(want)
        if len(data) < want:
            raise _truncated()
        blocks = np.frombuffer(data, np.uint8).reshape(high, wide, step)
        luma = blocks[..., :-2].reshape(high, wide, down, across).swapaxes(1, 2).reshape(high * down, wide * across)
        planes = [luma, *(blocks[..., place].repeat(down, 0).repeat(across, 1) for place in (-2, -1))]
        strip = np.stack([plane[:rows, : page.width] for plane in planes], axis=2)
        out[top : top + rows] = np.asarray(Image.fromarray(strip, "YCbCr").convert("RGB"))
    return out


def _truncated() -> DecodeError:
    return DecodeError("truncated", "The TIFF ends before its picture does.", "Copy or download it again.")
