"""Colour: ICC profiles and CMYK to sRGB, transparency on white. Works on Pillow pictures of 8 bits a channel.

ImageCms (Little CMS) is imported when the first profile turns up. Transforms are kept, because a folder of photos
mostly carries one and the same profile.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from PIL import Image

from desktop.core.types import Notice

MAX_PROFILE_BYTES = 4 << 20
"""A colour profile larger than this is not looked at; printers' profiles stay well under it."""

BACKGROUND = 255
"""What lies under transparent parts: white."""

_IDENTITY_TOLERANCE = 2

_IGNORED = Notice("profile-ignored", "its colour profile is unusable, taken as sRGB", "caution")
_CONVERTED = Notice("colour-profile", "converted to sRGB from its colour profile")
_CMYK = Notice("cmyk", "CMYK without a usable colour profile, converted to sRGB approximately", "caution")
_ALPHA = Notice("alpha", "transparent parts shown on white")
LAB_NOTICE = Notice("colour-profile", "converted to sRGB from Lab")


@dataclass(frozen=True, slots=True)
class _Conversion:
    """What a profile asks for: nothing (all fields empty), a grey table, a transform, or it is ``unusable``."""

    transform: Any = None
    table: tuple[int, ...] = ()
    unusable: bool = False


def to_srgb(picture: Image.Image, profile: bytes | None) -> tuple[Image.Image, tuple[Notice, ...]]:
    """``picture`` (mode L, RGB, CMYK, YCbCr or LAB) as sRGB of mode L or RGB, with what was done.

    ``profile`` is its embedded ICC profile, if any. Conversion is relative colorimetric with black point
    compensation (Little CMS through Pillow's ImageCms). A profile that changes no channel by more than two steps, as
    sRGB itself, is left alone; one that cannot be read or belongs to another colour model is ignored with a notice.
    """
    if picture.mode == "YCbCr":
        picture = picture.convert("RGB")
    if picture.mode == "LAB":
        return _from_lab(picture), (LAB_NOTICE,)
    notices: tuple[Notice, ...] = ()
    if profile:
        too_long = len(profile) > MAX_PROFILE_BYTES
        conversion = _Conversion(unusable=True) if too_long else _conversion(profile, picture.mode)
        if conversion.transform is not None:
            from PIL import ImageCms

            converted = ImageCms.applyTransform(picture, conversion.transform)
            if converted is not None:
                return converted, (_CONVERTED,)
        if conversion.table:
            return picture.point(conversion.table), (_CONVERTED,)
        if conversion.unusable:
            notices = (_IGNORED,)
    if picture.mode == "CMYK":
        return picture.convert("RGB"), (_CMYK,)
    return picture, notices


@lru_cache(maxsize=16)
def _conversion(profile: bytes, mode: str) -> _Conversion:
    """What ``profile`` asks for in a picture of ``mode`` L, RGB or CMYK. Never raises."""
    from PIL import ImageCms

    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        space = source.profile.xcolor_space.strip()
        if {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}.get(space) != mode and not (mode == "L" and space == "RGB"):
            return _Conversion(unusable=True)
        transform = ImageCms.buildTransform(
            source,
            ImageCms.createProfile("sRGB"),
            "L" if space == "GRAY" else space,
            "RGB",
            ImageCms.Intent.RELATIVE_COLORIMETRIC,
            ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
        if mode == "L":
            ramp = Image.fromarray(np.arange(256, dtype=np.uint8)[None, :])
            answer = ImageCms.applyTransform(ramp if space == "GRAY" else ramp.convert("RGB"), transform)
            assert answer is not None  # only None when converting in place
            table = np.asarray(answer)[0, :, 1].astype(int)
            same = int(np.abs(table - np.arange(256)).max()) <= _IDENTITY_TOLERANCE
            return _Conversion() if same else _Conversion(table=tuple(table.tolist()))
        if mode == "RGB":
            # Asking the profile what it does to a grid of colours is surer than trusting its name.
            steps = np.linspace(0, 255, 9).round().astype(np.uint8)
            grid = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(1, -1, 3)
            answer = ImageCms.applyTransform(Image.fromarray(grid), transform)
            assert answer is not None  # as above
            if int(np.abs(np.asarray(answer).astype(int) - grid).max()) <= _IDENTITY_TOLERANCE:
                return _Conversion()
        return _Conversion(transform=transform)
    except Exception:
        # A broken profile says nothing about the pixels: the picture is shown, with a notice.
        return _Conversion(unusable=True)


@lru_cache(maxsize=1)
def _lab_transform() -> Any:
    from PIL import ImageCms

    return ImageCms.buildTransform(ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB"), "LAB", "RGB")


def _from_lab(picture: Image.Image) -> Image.Image:
    from PIL import ImageCms

    converted = ImageCms.applyTransform(picture, _lab_transform())
    assert converted is not None  # only None when converting in place
    return converted


def raised(picture: Image.Image, exponent: float) -> Image.Image:
    """``picture`` (mode L or RGB; others stay as they are) with every value, as 0 … 1, raised to ``exponent``."""
    if picture.mode not in ("L", "RGB"):
        return picture
    table = np.rint(255.0 * (np.arange(256) / 255.0) ** exponent).astype(int).tolist()
    return picture.point(table * len(picture.getbands()))


# CIE L*a*b* (D50) to linear sRGB: IEC 61966-2-1's matrix after a Bradford adaptation from D50 to D65.
_D50 = np.array([0.9642, 1.0, 0.8249], np.float32)
_XYZ_TO_RGB = np.array(
    [
        [3.1338561, -1.6168667, -0.4906146],
        [-0.9787684, 1.9161415, 0.0334540],
        [0.0719453, -0.2289914, 1.4052427],
    ],
    np.float32,
)


def lab_to_srgb(lab: np.ndarray) -> np.ndarray:
    """CIE L*a*b* under D50, float (H, W, 3), as sRGB, uint8 of the same shape (CIE 15; IEC 61966-2-1)."""
    out = np.empty(lab.shape, np.uint8)
    for row in range(len(lab)):
        lightness = (lab[row, :, 0] + 16.0) / 116.0
        roots = np.stack([lightness + lab[row, :, 1] / 500.0, lightness, lightness - lab[row, :, 2] / 200.0], axis=1)
        xyz = np.where(roots > 6 / 29, roots**3, (roots - 4 / 29) * (108 / 841)) * _D50
        linear = np.clip(xyz @ _XYZ_TO_RGB.T, 0.0, 1.0)
        encoded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
        out[row] = np.rint(encoded * 255.0)
    return out


def split_alpha(picture: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    """A picture of any 8-bit mode as colour without alpha and, where something is transparent, its alpha.

    The colour part has mode L, RGB, CMYK, YCbCr or LAB; palettes are resolved, grey ones to L; the alpha is None or
    of mode L with at least one value under 255. A colour named transparent (PNG, GIF) counts as alpha.
    """
    mode = picture.mode
    if "transparency" in picture.info and mode in ("1", "L", "RGB", "P"):
        if mode == "1":
            picture = picture.convert("L")
        picture = picture.convert("LA" if mode in ("1", "L") or _grey_palette(picture) else "RGBA")
    elif mode == "P":
        picture = picture.convert(_palette_target(picture))
    elif mode in ("PA", "RGBa"):
        picture = picture.convert("RGBA")
    elif mode == "La":
        picture = picture.convert("LA")
    elif mode == "1":
        picture = picture.convert("L")
    elif mode in ("RGBX", "HSV"):
        picture = picture.convert("RGB")
    if picture.mode not in ("LA", "RGBA"):
        return picture, None
    alpha = picture.getchannel("A")
    colour = picture.convert(picture.mode[:-1])
    return colour, alpha if alpha.getextrema()[0] != 255 else None


def _grey_palette(picture: Image.Image) -> bool:
    if picture.mode != "P" or picture.palette is None or picture.palette.mode != "RGB":
        return False
    entries = np.frombuffer(picture.im.getpalette("RGB", "RGB"), np.uint8).reshape(-1, 3)
    return bool((entries == entries[:, :1]).all())


def _palette_target(picture: Image.Image) -> str:
    if picture.palette is not None and picture.palette.mode == "RGBA":
        return "RGBA"
    return "L" if _grey_palette(picture) else "RGB"


def on_background(colour: Image.Image, alpha: Image.Image | None) -> tuple[Image.Image, tuple[Notice, ...]]:
    """``colour`` (mode L or RGB) laid over white through ``alpha`` (mode L, or None for opaque), and the notice.

    What hides under alpha 0 is gone afterwards.
    """
    if alpha is None:
        return colour, ()
    ground = Image.new(colour.mode, colour.size, BACKGROUND if colour.mode == "L" else (BACKGROUND,) * 3)
    ground.paste(colour, mask=alpha)
    return ground, (_ALPHA,)
