"""Pictures of two classes for searches and studies."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    random = np.random.default_rng(0)
    for name, channel in (("blue", 2), ("red", 0)):
        folder = tmp_path / "pets" / name
        folder.mkdir(parents=True)
        for number in range(24):
            pixels = random.integers(0, 120, (8, 8, 3), np.uint8)
            pixels[..., channel] += 100
            Image.fromarray(pixels).save(folder / f"{number:02}.png")
    return tmp_path / "pets"
