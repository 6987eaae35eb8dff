"""Bringing a picture upright by the orientation that its file declares (EXIF 2.32, table 6; TIFF 6.0, tag 274)."""

from __future__ import annotations

from PIL import Image

UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What brings a picture stored with that orientation upright; orientation 1 needs nothing."""


def transposed(picture: Image.Image, orientation: int) -> Image.Image:
    """``picture`` upright, with the facts that splitting off its transparency needs."""
    turn = UPRIGHT.get(orientation)
    if turn is None:
        return picture
    turned = picture.transpose(turn)
    if "transparency" in picture.info:
        turned.info["transparency"] = picture.info["transparency"]
    return turned
