"""Draws the samples that come with Fovea: digits in several hands, a chest phantom, plain patterns.

Deterministic, NumPy and Pillow only. ``python resources/make_samples.py [FOLDER]`` writes PNG files into ``FOLDER``
(default: ``samples`` beside this file). :func:`digit` is also what the robustness check of the digit model draws with.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

Points = list[tuple[float, float]]


def _arc(cx: float, cy: float, rx: float, ry: float, start: float, end: float, steps: int = 28) -> Points:
    """Points of an ellipse from angle ``start`` to ``end`` (degrees, clockwise from the right, y downwards)."""
    angles = np.deg2rad(np.linspace(start, end, steps))
    return [(float(cx + rx * np.cos(a)), float(cy + ry * np.sin(a))) for a in angles]


# Pen paths in a box of width 0.6 and height 1, several hands a digit.
_HANDS: dict[int, list[list[Points]]] = {
    0: [
        [_arc(0.3, 0.5, 0.28, 0.48, -90, 270)],
        [_arc(0.3, 0.5, 0.22, 0.48, -60, 300)],
        [_arc(0.3, 0.5, 0.3, 0.42, -110, 262)],
    ],
    1: [
        [[(0.3, 0.02), (0.3, 0.98)]],
        [[(0.12, 0.22), (0.34, 0.03), (0.34, 0.98)]],
        [[(0.36, 0.03), (0.24, 0.98)]],
    ],
    2: [
        [[*_arc(0.29, 0.28, 0.26, 0.26, 190, 385), (0.05, 0.95), (0.57, 0.95)]],
        [[*_arc(0.28, 0.27, 0.24, 0.24, 200, 400), (0.08, 0.9), *_arc(0.14, 0.86, 0.08, 0.09, 120, 330), (0.56, 0.94)]],
        [[*_arc(0.3, 0.3, 0.24, 0.28, 170, 375), (0.04, 0.97), (0.32, 0.9), (0.58, 0.97)]],
    ],
    3: [
        [_arc(0.27, 0.26, 0.25, 0.24, 200, 440) + _arc(0.27, 0.73, 0.28, 0.25, -80, 160)],
        [[(0.08, 0.04), (0.52, 0.04), (0.27, 0.4), *_arc(0.26, 0.69, 0.28, 0.28, -85, 150)]],
        [_arc(0.28, 0.25, 0.22, 0.22, 190, 450) + _arc(0.28, 0.72, 0.26, 0.25, -90, 170)],
    ],
    4: [
        [[(0.42, 0.02), (0.04, 0.64), (0.58, 0.64)], [(0.44, 0.3), (0.44, 0.98)]],
        [[(0.1, 0.04), (0.07, 0.5), (0.54, 0.5)], [(0.5, 0.04), (0.48, 0.98)]],
        [[(0.16, 0.03), (0.06, 0.56), (0.57, 0.52)], [(0.46, 0.2), (0.4, 0.98)]],
    ],
    5: [
        [[(0.54, 0.04), (0.12, 0.04), (0.1, 0.42), *_arc(0.26, 0.68, 0.29, 0.28, -120, 150)]],
        [[(0.14, 0.05), (0.12, 0.44), *_arc(0.27, 0.69, 0.27, 0.26, -110, 145)], [(0.14, 0.05), (0.55, 0.03)]],
        [[(0.5, 0.06), (0.16, 0.08), (0.1, 0.46), (0.3, 0.4), *_arc(0.27, 0.69, 0.26, 0.28, -80, 155)]],
    ],
    6: [
        [[(0.46, 0.03), (0.22, 0.25), (0.08, 0.58), *_arc(0.3, 0.72, 0.24, 0.24, 190, 545)]],
        [_arc(0.48, 0.66, 0.42, 0.62, 262, 170, 20) + _arc(0.3, 0.7, 0.24, 0.26, 170, -190)],
        [[(0.3, 0.02), (0.14, 0.4), (0.07, 0.7), *_arc(0.28, 0.74, 0.21, 0.21, 180, 530)]],
    ],
    7: [
        [[(0.04, 0.05), (0.56, 0.05), (0.22, 0.98)]],
        [[(0.05, 0.08), (0.54, 0.04), (0.3, 0.5), (0.22, 0.98)]],
        [[(0.05, 0.05), (0.56, 0.05), (0.2, 0.98)], [(0.14, 0.5), (0.5, 0.48)]],
    ],
    8: [
        [_arc(0.3, 0.27, 0.22, 0.24, 90, 450) + _arc(0.3, 0.74, 0.27, 0.24, -90, 270)],
        [_arc(0.3, 0.26, 0.22, 0.22, -20, -270) + _arc(0.3, 0.73, 0.25, 0.25, -90, 250) + [(0.5, 0.16)]],
        [_arc(0.32, 0.25, 0.19, 0.22, 90, 450) + _arc(0.28, 0.73, 0.22, 0.25, -80, 280)],
    ],
    9: [
        [_arc(0.29, 0.28, 0.24, 0.25, 0, -360), [(0.53, 0.28), (0.5, 0.98)]],
        [[*_arc(0.28, 0.28, 0.24, 0.25, -10, -350), (0.54, 0.1), (0.52, 0.5), (0.4, 0.98)]],
        [_arc(0.27, 0.27, 0.23, 0.24, 10, -350) + _arc(0.16, 0.4, 0.38, 0.56, 0, 85, 20)],
    ],
}  # fmt: skip
HANDS = 3


def digit(
    value: int,
    hand: int = 0,
    size: int = 280,
    width: float = 0.09,
    height: float = 0.7,
    slant: float = 0.0,
    turn: float = 0.0,
    offset: tuple[float, float] = (0.0, 0.0),
    wobble: float = 0.0,
    inverted: bool = False,
    seed: int = 0,
) -> np.ndarray:
    """A drawn digit: uint8 (size, size), black on white (white on black where ``inverted``).

    ``width`` is the pen's diameter and ``height`` the digit's height, as parts of ``height`` and ``size``; ``slant``
    shears (tangent), ``turn`` rotates (degrees), ``offset`` moves (parts of ``size``), ``wobble`` shakes the hand
    (deviation, parts of the height).
    """
    rng = np.random.default_rng([seed, value, hand])
    angle = np.deg2rad(turn)
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    scale = 4 if size <= 600 else 2
    side = size * scale
    picture = Image.new("L", (side, side), 0)
    pen = ImageDraw.Draw(picture)
    radius = max(0.5 * scale, width * height * side / 2)
    for path in _HANDS[value][hand % HANDS]:
        points = _dense(np.array(path))
        if wobble:
            shake = rng.normal(0, wobble, (max(4, len(points) // 40), 2))
            where = np.linspace(0, len(shake) - 1, len(points))
            points = points + np.column_stack([np.interp(where, np.arange(len(shake)), shake[:, k]) for k in (0, 1)])
        points = points - (0.3, 0.5)
        points[:, 0] -= slant * points[:, 1]
        pixels = (points @ rotation.T) * height * side + side * (0.5 + np.array(offset))
        for x, y in pixels:
            pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    ink = np.asarray(picture.resize((size, size), Image.Resampling.BOX))
    return ink.copy() if inverted else 255 - ink


def _dense(path: np.ndarray, step: float = 0.004) -> np.ndarray:
    """The polyline with points at most ``step`` apart, so that round pen marks join."""
    length = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(path, axis=0).T))])
    at = np.linspace(0, length[-1], max(2, int(length[-1] / step)))
    return np.column_stack([np.interp(at, length, path[:, k]) for k in (0, 1)])


def on_paper(drawn: np.ndarray, seed: int = 0) -> np.ndarray:
    """``drawn`` as a photograph of paper would show it: uneven light, grain, a soft lens. uint8, same shape."""
    rng = np.random.default_rng(seed)
    height, width = drawn.shape
    rows, columns = np.mgrid[0:height, 0:width] / max(height, width)
    light = 0.62 + 0.3 * (0.6 * columns + 0.4 * rows)
    soft = np.asarray(Image.fromarray(drawn).filter(ImageFilter.GaussianBlur(max(height, width) / 250)), np.float64)
    reflect = 0.2 + 0.8 * soft / 255.0
    return np.clip(255 * light * reflect + rng.normal(0, 3.0, drawn.shape), 0, 255).astype(np.uint8)


def phantom(size: int = 512, seed: int = 5) -> np.ndarray:
    """A drawn chest phantom, uint8 (size, size): no X-ray of anybody, and the word PHANTOM stands in it."""
    rows, columns = np.mgrid[0:size, 0:size] / size

    def ellipse(cx: float, cy: float, rx: float, ry: float, soft: float) -> np.ndarray:
        distance = np.sqrt(((columns - cx) / rx) ** 2 + ((rows - cy) / ry) ** 2)
        return np.clip((1 - distance) / soft + 0.5, 0, 1)

    picture = 0.06 + 0.52 * ellipse(0.5, 0.62, 0.46, 0.62, 0.12)
    for cx in (0.32, 0.68):
        picture -= 0.34 * ellipse(cx, 0.46, 0.15, 0.31, 0.16)
    picture += 0.2 * ellipse(0.5, 0.5, 0.045, 0.62, 0.5)
    picture += 0.22 * ellipse(0.55, 0.62, 0.15, 0.17, 0.25)
    for cx in (0.3, 0.7):
        picture += 0.2 * ellipse(cx, 0.86, 0.24, 0.13, 0.2)
    for index in range(8):
        y = 0.16 + 0.085 * index
        for side in (-1, 1):
            x = (columns - 0.5) * side
            curve = y + 0.9 * (x - 0.19) ** 2 + 0.25 * (x - 0.2)
            band = np.exp(-(((rows - curve) / 0.011) ** 2)) * (x > 0.03) * (x < 0.38)
            picture += 0.075 * band
    for side in (-1, 1):
        x = (columns - 0.5) * side
        picture += 0.16 * np.exp(-(((rows - (0.17 - 0.12 * x)) / 0.016) ** 2)) * (x > 0.02) * (x < 0.36)
    grain = np.random.default_rng(seed).normal(0, 0.012, (size, size))
    image = Image.fromarray(np.clip((picture + grain) * 255, 0, 255).astype(np.uint8))
    image = image.filter(ImageFilter.GaussianBlur(size / 400))
    ImageDraw.Draw(image).text(
        (size * 0.02, size * 0.94), "PHANTOM - drawn, not an X-ray", 235, font=ImageFont.load_default(size // 26)
    )
    return np.asarray(image).copy()


def patterns(size: int = 96) -> dict[str, np.ndarray]:
    """Plain coloured pictures, uint8 (size, size, 3): a gradient, a chequerboard, a ship and a lorry."""
    ramp = np.linspace(0, 255, size).astype(np.uint8)
    gradient = np.stack([np.tile(ramp, (size, 1)), np.tile(ramp[:, None], (1, size)), np.full((size, size), 96)], 2)
    board = (np.add.outer(np.arange(size) // 12, np.arange(size) // 12) % 2 * 200 + 30).astype(np.uint8)
    return {
        "gradient": gradient.astype(np.uint8),
        "chequerboard": np.stack([board, board, 255 - board], 2),
        "ship": _shapes(size, (158, 196, 226), _ship),
        "lorry": _shapes(size, (196, 208, 214), _lorry),
    }


def _shapes(size: int, sky: tuple[int, int, int], draw: Callable[[ImageDraw.ImageDraw, float], None]) -> np.ndarray:
    picture = Image.new("RGB", (size * 4, size * 4), sky)
    draw(ImageDraw.Draw(picture), size * 4 / 100)
    return np.asarray(picture.resize((size, size), Image.Resampling.BOX)).copy()


def _polygon(pen: ImageDraw.ImageDraw, u: float, points: Sequence[tuple[float, float]], fill: tuple[int, ...]) -> None:
    pen.polygon([(x * u, y * u) for x, y in points], fill=fill)


def _ship(pen: ImageDraw.ImageDraw, u: float) -> None:
    pen.rectangle((0, 66 * u, 100 * u, 100 * u), fill=(38, 84, 128))
    _polygon(pen, u, [(8, 52), (94, 52), (82, 72), (18, 72)], (52, 46, 56))
    pen.rectangle((26 * u, 40 * u, 66 * u, 52 * u), fill=(236, 236, 230))
    pen.rectangle((34 * u, 30 * u, 58 * u, 40 * u), fill=(214, 214, 208))
    pen.rectangle((44 * u, 18 * u, 52 * u, 30 * u), fill=(186, 52, 44))
    pen.line((76 * u, 20 * u, 76 * u, 52 * u), fill=(70, 60, 60), width=round(2 * u))


def _lorry(pen: ImageDraw.ImageDraw, u: float) -> None:
    pen.rectangle((0, 76 * u, 100 * u, 100 * u), fill=(96, 96, 98))
    pen.rectangle((6 * u, 28 * u, 66 * u, 72 * u), fill=(206, 60, 44))
    _polygon(pen, u, [(68, 40), (84, 40), (94, 56), (94, 72), (68, 72)], (232, 226, 214))
    _polygon(pen, u, [(72, 44), (83, 44), (90, 56), (72, 56)], (80, 112, 140))
    for x in (20, 50, 82):
        pen.ellipse(((x - 8) * u, 64 * u, (x + 8) * u, 80 * u), fill=(26, 26, 28))
        pen.ellipse(((x - 3) * u, 69 * u, (x + 3) * u, 75 * u), fill=(150, 150, 150))


def samples() -> dict[str, np.ndarray]:
    """Every sample by file name (without ending)."""
    found: dict[str, np.ndarray] = {}
    for value in range(10):
        found[f"digit-{value}-pen"] = digit(value, 0, width=0.09, wobble=0.008, seed=1)
    for value in (2, 4, 7):
        found[f"digit-{value}-thin"] = digit(value, 1, 600, 0.018, height=0.6, slant=0.15, wobble=0.006, seed=2)
    for value in (3, 5, 8):
        found[f"digit-{value}-marker"] = digit(value, 2, size=400, width=0.17, height=0.5, turn=-6, seed=3)
    for value in (0, 6, 9):
        found[f"digit-{value}-white-on-black"] = digit(value, 1, inverted=True, wobble=0.008, seed=4)
    found["digit-5-corner"] = digit(5, 1, size=700, height=0.2, width=0.1, offset=(0.3, -0.32), wobble=0.008, seed=5)
    found["digit-7-photo"] = on_paper(digit(7, 2, size=500, height=0.45, offset=(-0.1, 0.08), wobble=0.01, seed=6))
    found["phantom-chest"] = phantom()
    found |= {f"pattern-{name}": picture for name, picture in patterns().items()}
    return found


def main(folder: Path) -> None:
    """Write every sample as a PNG file into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, pixels in samples().items():
        Image.fromarray(pixels).save(folder / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent / "samples")
