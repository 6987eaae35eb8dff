"""Characters that are no digits, made by program for a digit model's domain gate to learn from.

Invented ones are drawn with a pen: one to four strokes between the places of a grid, straight, bent or round, as the
characters of all scripts are. Others are those of scripts that the fonts of matplotlib hold, Latin, Greek and Cyrillic
left out: letters and signs in these are what a gate is judged by. What comes out too like a digit is left out by
whoever uses them (:func:`unlike`): an invented character may be a 7.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import ImageFont

from desktop.ml.data.drawn_digits import printed
from desktop.ml.data.pen import PenStroke, arc, ink

_SCRIPTS = (
    range(0x0531, 0x0557), range(0x0561, 0x0588), range(0x05D0, 0x05EB), range(0x0621, 0x064B),
    range(0x10D0, 0x10FB), range(0x1401, 0x15FF), range(0x2D30, 0x2D66),
)  # fmt: skip
"""Armenian, Hebrew, Arabic, Georgian, Canadian syllabics, Tifinagh, as Unicode numbers them."""
_FONTS = ("DejaVuSans", "DejaVuSans-Bold")
_SIDE = 80
_LIKE = 0.9  # correlation with a digit, from which on it is one


def character(rng: np.random.Generator) -> np.ndarray:
    """An invented character, light on black: uint8 (80, 80)."""
    covered = ink(_invented(rng), rng, _SIDE, 0.8, rng.uniform(0.08, 0.17))
    light: np.ndarray = (255 * covered).astype(np.uint8)
    return light


def foreign_letter(rng: np.random.Generator) -> np.ndarray:
    """A letter of another script, light on black: uint8 (160, 160)."""
    import matplotlib

    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    script = _SCRIPTS[int(rng.integers(len(_SCRIPTS)))]
    font = ImageFont.truetype(str(folder / f"{rng.choice(_FONTS)}.ttf"), int(rng.integers(70, 130)))
    light: np.ndarray = 255 - printed(chr(script[int(rng.integers(len(script)))]), font, rng)
    return light


def unlike(found: np.ndarray, digits: np.ndarray) -> np.ndarray:
    """Those of ``found`` uint8 (n, height, width, 1) that are like none of ``digits`` (m, height, width, 1)."""
    left: np.ndarray = found[(_standard(found) @ _standard(digits).T).max(axis=1) < _LIKE]
    return left


def _standard(pictures: np.ndarray) -> np.ndarray:
    """Pictures halved and brought to mean 0 and length 1, float32 (n, pixels): their product is a correlation."""
    n, height, width, _ = pictures.shape
    even = pictures[:, : height // 2 * 2, : width // 2 * 2, 0].astype(np.float32)
    rows = even.reshape(n, height // 2, 2, width // 2, 2).mean(axis=(2, 4)).reshape(n, -1)
    rows = rows - rows.mean(axis=1, keepdims=True)
    result: np.ndarray = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6)
    return result


def _invented(rng: np.random.Generator) -> list[PenStroke]:
    columns = np.linspace(-0.15, 0.75, 3) if rng.random() < 0.4 else np.linspace(0.02, 0.58, 3)
    rows = np.linspace(0.02, 0.98, int(rng.integers(3, 5)))

    def place() -> tuple[float, float]:
        return float(rng.choice(columns) + rng.normal(0, 0.02)), float(rng.choice(rows) + rng.normal(0, 0.02))

    found: list[PenStroke] = []
    while not found or len(found) < rng.integers(1, 5):
        begin = found[-1][-1] if found and rng.random() < 0.55 else place()
        kind = rng.random()
        if kind < 0.55:
            stroke: PenStroke = [begin, *(place() for _ in range(int(rng.integers(1, 3))))]
        elif kind < 0.85:
            stroke = _bow(np.array(begin), np.array(place()), rng)
        else:
            start = rng.uniform(0, 360)
            around = float(rng.choice((180.0, 270.0, 360.0)))
            stroke = arc(*begin, rng.uniform(0.1, 0.28), rng.uniform(0.1, 0.28), start, start + around)
        if len({(round(x, 2), round(y, 2)) for x, y in stroke}) > 1:
            found.append(stroke)
    return found


def _bow(begin: np.ndarray, end: np.ndarray, rng: np.random.Generator) -> PenStroke:
    """From one place to another by way of a third beside them."""
    middle = (begin + end) / 2 + rng.normal(0, 0.22, 2)
    t = np.linspace(0, 1, 16)[:, None]
    path = (1 - t) ** 2 * begin + 2 * t * (1 - t) * middle + t**2 * end
    return [(float(x), float(y)) for x, y in path]
