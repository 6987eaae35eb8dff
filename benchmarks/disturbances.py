"""A model's own pictures, mildly disturbed as devices and programs do it: its gate has to take them for its own.

Strengths and, where marked so in :data:`UNUSED`, kinds are others than those that a gate is fitted on
(:mod:`desktop.ml.data.disturbed`): there strengths are drawn from a range, here each is one value.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

Disturb = Callable[[Image.Image, float, np.random.Generator], Image.Image]
"""Of a picture, how strongly (1, or .5 for one of less than 64 pixels), with chance."""


def _plus(image: Image.Image, added: np.ndarray) -> Image.Image:
    return Image.fromarray(np.clip(np.asarray(image, np.float32) + added, 0, 255).round().astype(np.uint8))


def _normal(image: Image.Image, sigma: float, rng: np.random.Generator) -> Image.Image:
    return _plus(image, sigma * rng.standard_normal(np.asarray(image).shape))


def _shot(image: Image.Image, strength: float, rng: np.random.Generator) -> Image.Image:
    photons = 250.0 / strength  # at white
    drawn = rng.poisson(np.asarray(image, np.float64) / 255 * photons) / photons
    return Image.fromarray(np.clip(255 * drawn, 0, 255).round().astype(np.uint8))


def _saved(image: Image.Image, form: str, quality: int) -> Image.Image:
    held = io.BytesIO()
    image.save(held, form, quality=quality)
    return Image.open(held).convert(image.mode)


def _detour(image: Image.Image, share: float) -> Image.Image:
    small = image.resize((max(1, round(share * image.width)), max(1, round(share * image.height))))
    return small.resize(image.size, Image.Resampling.BILINEAR)


def _cut(image: Image.Image, share: float) -> Image.Image:
    x, y = round(share * image.width), round(share * image.height)
    return image.crop((x, y, image.width - x, image.height - y)).resize(image.size, Image.Resampling.BICUBIC)


def _marked(image: Image.Image) -> Image.Image:
    result = image.copy()
    size = max(9, image.height // 16)
    pen, white = ImageDraw.Draw(result), 255 if image.mode == "L" else (255, 255, 255)
    pen.text((4, 4), "L  PA 12:30", fill=white, font=ImageFont.load_default(size=size))
    return result


def _faded(image: Image.Image) -> Image.Image:
    y, x = np.mgrid[0 : image.height, 0 : image.width]
    away = np.hypot(x / image.width - 0.5, y / image.height - 0.5)
    shade = 1 - 0.25 * (away / away.max()) ** 2
    values = np.asarray(image, np.float32)
    return Image.fromarray((values * (shade if values.ndim == 2 else shade[..., None])).round().astype(np.uint8))


def _swept(image: Image.Image) -> Image.Image:
    values = np.asarray(image, np.float32)
    moved = (values + np.roll(values, 1, axis=1) + np.roll(values, -1, axis=1)) / 3
    moved[:, [0, -1]] = values[:, [0, -1]]
    return Image.fromarray(moved.round().astype(np.uint8))


KINDS: dict[str, Disturb] = {
    "grain of 3": lambda image, s, rng: _normal(image, 3.0, rng),
    "noise of 10": lambda image, s, rng: _normal(image, 10.0 * s, rng),
    "blur of 1.2": lambda image, s, rng: image.filter(ImageFilter.GaussianBlur(1.2 * s)),
    "three quarters": lambda image, s, rng: _detour(image, 0.75),
    "JPEG 75": lambda image, s, rng: _saved(image, "JPEG", 75),
    "lighter": lambda image, s, rng: _plus(image, np.array(12.0)),
    "crop of 4 %": lambda image, s, rng: _cut(image, 0.04),
    "text": lambda image, s, rng: _marked(image) if s == 1 else image,
    "shot noise": _shot,
    "WebP 70": lambda image, s, rng: _saved(image, "WEBP", 70),
    "swept": lambda image, s, rng: _swept(image) if s == 1 else image,
    "faded corners": lambda image, s, rng: _faded(image),
}
UNUSED = ("shot noise", "WebP 70", "swept", "faded corners")
"""Kinds of which a gate was fitted on none."""


def disturbed(pictures: Iterator[np.ndarray], kind: str, drawn: bool, seed: int = 1) -> Iterator[np.ndarray]:
    """``pictures`` (uint8 (H, W) or (H, W, 3)) with a disturbance of :data:`KINDS`. Laid-out digits (``drawn``) are put
    on a sheet five times as large first: their preparing would undo nothing else."""
    rng = np.random.default_rng([seed, 9, sorted(KINDS).index(kind)])
    for picture in pictures:
        image = Image.fromarray(picture)
        if drawn:
            image = image.resize((5 * image.width, 5 * image.height), Image.Resampling.BICUBIC)
            image = Image.eval(image, lambda value: round(235 - 200 * value / 255))
        strength = 1.0 if min(image.size) >= 64 else 0.5
        yield np.asarray(KINDS[kind](image, strength, rng))
