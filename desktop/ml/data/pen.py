"""Strokes of a pen, drawn by program: where they go, how the hand leans, turns and trembles, how broad the pen is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

PenStroke = Sequence[tuple[float, float]]
"""Places in a box of width .6 and height 1, y downwards."""

_MIDDLE = (0.3, 0.5)
_STEP = 0.02  # between two places of a stroke, of the box's height
_FINER = 2  # times the picture's side that is drawn before it is reduced


def arc(cx: float, cy: float, rx: float, ry: float, start: float, end: float, steps: int = 24) -> PenStroke:
    """Part of an ellipse from the angle ``start`` to ``end`` (degrees, clockwise from the right)."""
    angles = np.deg2rad(np.linspace(start, end, steps))
    return [(float(cx + rx * np.cos(a)), float(cy + ry * np.sin(a))) for a in angles]


def ink(
    strokes: Sequence[PenStroke],
    rng: np.random.Generator,
    side: int,
    height: float,
    width: float,
    offset: tuple[float, float] = (0.0, 0.0),
    ruled: bool = False,
) -> np.ndarray:
    """``strokes`` as a hand draws them: float32 (side, side), 0 to 1, 1 where the ink covers.

    ``height`` of the box and ``offset`` are parts of ``side``, ``width`` of the pen is one of the height. ``ruled``:
    the hand neither leans, turns nor trembles, as a mouse that is pulled straight down.
    """
    large = side * _FINER
    sheet = Image.new("L", (large, large), 0)
    pen = ImageDraw.Draw(sheet)
    angle, slant, aspect = np.deg2rad(rng.normal(0, 5)), rng.normal(0.05, 0.14), np.exp(rng.normal(0, 0.13))
    if ruled:
        angle, slant = 0.0, 0.0
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    tremble = 0.0 if ruled else float(rng.choice((0.0, 0.005, 0.012, 0.02)))
    radius = max(1.0, width * height * large / 2)
    for stroke in strokes:
        points = _dense(np.array(stroke, float))
        if tremble:
            knots = max(3, len(points) // 8)
            shaken, at = rng.normal(0, tremble, (knots, 2)), np.linspace(0, knots - 1, len(points))
            points = points + np.stack([np.interp(at, np.arange(knots), shaken[:, k]) for k in (0, 1)], axis=1)
        points = points - _MIDDLE
        points[:, 0] = points[:, 0] * aspect - slant * points[:, 1]
        path = (points @ turn.T) * height * large + large * (0.5 + np.array(offset))
        line = [(float(x), float(y)) for x, y in path]
        pen.line(line, fill=255, width=max(1, round(2 * radius)))
        for x, y in line:
            pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    return np.asarray(sheet.resize((side, side), Image.Resampling.BOX), np.float32) / 255


def _dense(path: np.ndarray) -> np.ndarray:
    """The polyline (n, 2) with places at most a step apart."""
    length = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(path, axis=0).T))])
    at = np.linspace(0, length[-1], max(2, int(length[-1] / _STEP)))
    return np.stack([np.interp(at, length, path[:, k]) for k in (0, 1)], axis=1)
