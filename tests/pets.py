"""Pictures of two classes, in two folders."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image


def paint_pets(root: Path, side: int) -> Path:
    """24 noisy pictures each of ``side`` × ``side`` pixels, one class bluish, the other reddish; their folder."""
    random = np.random.default_rng(0)
    for name, channel in (("blue", 2), ("red", 0)):
        folder = root / "pets" / name
        folder.mkdir(parents=True)
        for number in range(24):
            pixels = random.integers(0, 120, (side, side, 3), np.uint8)
            pixels[..., channel] += 100
            Image.fromarray(pixels).save(folder / f"{number:02}.png")
    return root / "pets"
