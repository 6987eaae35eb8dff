"""A model's own pictures as other devices and programs would hand them over, for its domain gate to know them.

The same picture comes with grain, softer, by way of another size, compressed, lighter or darker, a little cropped, with
burnt-in text. A gate that has seen one way of making copies alone takes each of these for another kind of picture.
Strengths are mild: of each a person would say that it is the same picture. What is measured on
(:mod:`benchmarks.domain`) are other strengths and other disturbances.
"""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from desktop.core.pictures.preprocess import prepare
from desktop.core.types import PreprocessSpec

KINDS = ("grain", "noise", "blur", "resized", "jpeg", "light", "crop", "text")
"""What is done to a picture; ``text`` only where the input has room for letters."""
NEGATIVE = "negative"
"""Done to digits alone: dark on light, as small as they are, as files of digits often come."""
_SMALL = 64  # a shorter side below this has neither room for text nor detail that a strong blur would leave


def kinds_for(spec: PreprocessSpec) -> tuple[str, ...]:
    """What may be done to pictures of ``spec`` and leaves them what they are: of :data:`KINDS`, and for the ``mnist``
    fit, which finds ink whatever its polarity, ``negative``."""
    kinds = KINDS if min(spec.height, spec.width) >= _SMALL else KINDS[:-1]
    return (*kinds, NEGATIVE) if spec.fit == "mnist" else kinds


def copies(images: np.ndarray, kind: str, spec: PreprocessSpec, rng: np.random.Generator) -> np.ndarray:
    """Each of ``images`` with a disturbance of ``kind`` (:func:`kinds_for`): uint8 (n, height, width, channels).

    ``images`` are prepared for ``spec``. For the ``mnist`` fit a digit is laid on a larger sheet, disturbed there and
    prepared again, as a drawing or a scan would be.
    """
    if kind == NEGATIVE:
        return np.stack([prepare(255 - picture[..., 0], spec).pixels for picture in images])
    if spec.fit == "mnist":
        return np.stack([prepare(disturb(sheet(picture, rng), kind, rng)[..., 0], spec).pixels for picture in images])
    return np.stack([disturb(picture, kind, rng) for picture in images])


def disturb(picture: np.ndarray, kind: str, rng: np.random.Generator) -> np.ndarray:
    """``picture`` (uint8 (H, W, C), C 1 or 3) with a disturbance of ``kind`` (:data:`KINDS`), of the same shape."""
    height, width = picture.shape[:2]
    small = min(height, width) < _SMALL
    if kind in ("grain", "noise"):
        sigma = rng.uniform(1.5, 5.0) if kind == "grain" else rng.uniform(5.0, 8.0 if small else 14.0)
        return _bytes(picture + sigma * rng.standard_normal(picture.shape, dtype=np.float32))
    if kind == "light":
        values = (picture / np.float32(255)) ** rng.uniform(0.8, 1.25)
        return _bytes(255 * values * rng.uniform(0.85, 1.15) + rng.uniform(-15, 15))
    image = Image.fromarray(picture[..., 0] if picture.shape[2] == 1 else picture)
    if kind == "blur":
        image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 0.6) if small else rng.uniform(0.5, 1.6)))
    elif kind == "resized":
        share = rng.uniform(0.65, 1.4) if small else rng.uniform(0.6, 1.5)
        image = image.resize((max(1, round(share * width)), max(1, round(share * height))), _filter(rng))
        image = image.resize((width, height), _filter(rng))
    elif kind == "jpeg":
        held = io.BytesIO()
        image.save(held, "JPEG", quality=int(rng.integers(60 if small else 40, 96)))
        image = Image.open(held)
    elif kind == "crop":
        wide, high = width * rng.uniform(0.88, 0.99), height * rng.uniform(0.88, 0.99)
        left, top = rng.uniform(0, width - wide), rng.uniform(0, height - high)
        image = image.resize((width, height), Image.Resampling.BILINEAR, (left, top, left + wide, top + high))
    else:
        _write(image, rng)
    made = np.asarray(image, np.uint8)
    return made[..., np.newaxis] if made.ndim == 2 else made


def _write(image: Image.Image, rng: np.random.Generator) -> None:
    """One to four short lines of text in the corners of ``image``, light or dark, as devices burn them in."""
    pen, (width, height) = ImageDraw.Draw(image), image.size
    tone = int(rng.choice((0, 255, int(rng.integers(180, 256)))))
    fill = tone if image.mode == "L" else (tone, tone, tone)
    font = ImageFont.load_default(size=max(7.0, rng.uniform(0.03, 0.08) * height))
    for corner in rng.permutation(4)[: int(rng.integers(1, 5))]:
        letters = rng.choice(list("ABCDEFGHIKLMNOPRSTUVWXYZ0123456789 .:-"), int(rng.integers(1, 11)))
        left, top, right, bottom = pen.textbbox((0, 0), "".join(letters), font=font)
        margin = int(rng.uniform(0.01, 0.05) * height)
        x = margin if corner % 2 else width - margin - (right - left)
        y = margin if corner < 2 else height - margin - (bottom - top)
        pen.text((x - left, y - top), "".join(letters), fill=fill, font=font)


def sheet(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A laid-out digit (uint8 (28, 28, 1), light on black) on a sheet three to six times as large, dark on light or
    light on dark, not quite black on not quite white: uint8 (H, W, 1)."""
    side = 28 * int(rng.integers(3, 7))
    large = np.asarray(Image.fromarray(picture[..., 0]).resize((side, side), Image.Resampling.BICUBIC), np.float32)
    paper, ink = rng.uniform(200, 256), rng.uniform(0, 80)
    if rng.random() < 0.5:
        paper, ink = ink, paper
    return _bytes(paper + (ink - paper) * large / 255)[..., np.newaxis]


def _filter(rng: np.random.Generator) -> Image.Resampling:
    known = (
        Image.Resampling.BOX, Image.Resampling.BILINEAR, Image.Resampling.BICUBIC, Image.Resampling.LANCZOS,
    )  # fmt: skip
    return known[int(rng.integers(len(known)))]


def _bytes(values: np.ndarray) -> np.ndarray:
    result: np.ndarray = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    return result
