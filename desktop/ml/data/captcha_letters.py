"""Capital letters as picture puzzles against robots show them: drawn by the program, sheared, and out of place.

20×20 grey pictures, light on black, after the well-known exercise of reading such puzzles with a small network. The
font is the one that Pillow carries.
"""

from __future__ import annotations

import string

import numpy as np
from PIL import Image, ImageDraw, ImageFont

SIDE = 20
LETTERS = tuple(string.ascii_uppercase)
COUNTS = {"train": 1000, "test": 520}
"""Pictures of each split; 900 of the 1,000 are left to learn from where a tenth validates."""

_SEEDS = {"train": 26, "test": 62}
_LARGE = 4  # drawn so many times larger, then shrunk


def draw(split: str) -> tuple[np.ndarray, np.ndarray]:
    """The letters of ``train`` or ``test``: uint8 (n, 20, 20), and their numbers in the alphabet, int64 (n,).

    The same on every computer with the same Pillow; each letter as often as any other, give or take one.
    """
    rng = np.random.default_rng(_SEEDS[split])
    labels = rng.permutation(np.arange(COUNTS[split]) % len(LETTERS)).astype(np.int64)
    images = np.stack([_letter(LETTERS[label], rng) for label in labels])
    return images, labels


def _letter(letter: str, rng: np.random.Generator) -> np.ndarray:
    side = SIDE * _LARGE
    canvas = Image.new("L", (side, side), 0)
    font = ImageFont.load_default(size=int(rng.integers(15, 19)) * _LARGE)
    middle = side / 2 + rng.uniform(-1.0, 1.0) * _LARGE, side / 2 + rng.uniform(-1.0, 1.0) * _LARGE
    ImageDraw.Draw(canvas).text(middle, letter, fill=255, font=font, anchor="mm")
    shear = rng.uniform(-0.35, 0.35)
    sheared = canvas.transform(
        (side, side), Image.Transform.AFFINE, (1, shear, -shear * side / 2, 0, 1, 0), Image.Resampling.BILINEAR
    )
    return np.asarray(sheared.resize((SIDE, SIDE), Image.Resampling.BOX))
