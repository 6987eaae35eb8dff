"""A drawing as strokes, and its JSON form: the paper is a square with sides of 1, x to the right and y down.

Reading is strict: a drawing file may come from anybody. Nothing here needs Qt or NumPy.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from desktop.core.types import FoveaError
from desktop.system import strict_json
from desktop.system.words import phrase

SCHEMA = 1
KIND = "fovea-drawing"
MOST_BYTES = 8_000_000
MOST_STROKES = 2_000
MOST_POINTS = 200_000
THINNEST, WIDEST = 0.004, 0.3
"""The narrowest and the widest pen, as parts of the paper's side."""

Point = tuple[float, float, float]
"""x, y (parts of the paper's side; a little beyond it is fine) and pressure, 0 to 1."""


_LEAST, _MOST = -1.0, 2.0  # how far beyond the paper a point may lie
_FAR = 1e9  # far more than any number of a drawing


def point(x: float, y: float, pressure: float = 1.0) -> Point:
    """A point as a drawing may hold it: what is far beyond the paper is moved to where that ends."""
    return min(_MOST, max(_LEAST, x)), min(_MOST, max(_LEAST, y)), min(1.0, max(0.0, pressure))


class DrawingError(FoveaError):
    """A drawing file that cannot be read."""


@dataclass(frozen=True, slots=True)
class Stroke:
    """One stroke of the pen, or of the eraser: its ``points`` and its ``width`` at full pressure."""

    points: tuple[Point, ...]
    width: float
    erase: bool = False

    def width_at(self, index: int) -> float:
        """The width at a point: a light touch still leaves a third of it."""
        return self.width * (0.35 + 0.65 * self.points[index][2])


Drawing = tuple[Stroke, ...]


def dumps(drawing: Drawing) -> str:
    """``drawing`` as JSON text with a final newline. Full pressure is left out of a point."""
    strokes = []
    for stroke in drawing:
        points = [[round(x, 5), round(y, 5), *([round(p, 3)] if p < 1 else [])] for x, y, p in stroke.points]
        strokes.append({"width": round(stroke.width, 5), "erase": stroke.erase, "points": points})
    return json.dumps({"kind": KIND, "schema": SCHEMA, "strokes": strokes}, separators=(",", ":")) + "\n"


def load(path: Path) -> Drawing:
    """Read the drawing in the file ``path``. Raises :class:`DrawingError`; the message names no folder."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise DrawingError(
                "too-large",
                phrase("'{name}' is larger than {most_bytes} MB", name=path.name, most_bytes=MOST_BYTES // 1_000_000),
            )
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DrawingError("unreadable", phrase("'{name}' cannot be read as a drawing", name=path.name)) from error
    return loads(text, path.name)


def loads(text: str, name: str = "the drawing") -> Drawing:
    """Read a drawing from JSON text. Raises :class:`DrawingError` that says what was found and expected."""
    try:
        raw = strict_json.loads(text, MOST_BYTES)
    except strict_json.JsonError as error:
        raise DrawingError("unreadable", phrase("{name} is no drawing: {error}", name=name, error=error)) from error
    if not isinstance(raw, dict) or raw.get("kind") != KIND:
        raise DrawingError(
            "no-drawing",
            phrase("{name} is no drawing of Fovea", name=name),
            phrase('Expected JSON with "kind": "{kind}".', kind=KIND),
        )
    if raw.get("schema") != SCHEMA:
        found = str(raw.get("schema"))[:20]
        raise DrawingError(
            "newer-drawing",
            phrase("{name} has schema {found}; {schema} expected", name=name, found=found, schema=SCHEMA),
            "A newer Fovea may read it.",
        )
    strokes = raw.get("strokes")
    if not isinstance(strokes, list) or len(strokes) > MOST_STROKES:
        raise DrawingError(
            "bad-drawing",
            phrase("{name} holds no list of at most {most_strokes} strokes", name=name, most_strokes=MOST_STROKES),
        )
    drawing = tuple(_stroke(item, number, name) for number, item in enumerate(strokes, 1))
    if sum(len(stroke.points) for stroke in drawing) > MOST_POINTS:
        raise DrawingError(
            "bad-drawing", phrase("{name} holds more than {most_points} points", name=name, most_points=MOST_POINTS)
        )
    return drawing


def _stroke(raw: Any, number: int, name: str) -> Stroke:
    where = phrase("{name}, stroke {number}", name=name, number=number)
    if not isinstance(raw, dict) or not isinstance(raw.get("points"), list) or not raw["points"]:
        raise DrawingError("bad-drawing", phrase("{where}: a width and a list of points expected", where=where))
    width: Any = raw.get("width")
    erase = raw.get("erase", False)
    if not _is_number(width) or not THINNEST <= width <= WIDEST or not isinstance(erase, bool):
        raise DrawingError(
            "bad-drawing",
            phrase(
                "{where}: a width from {thinnest} to {widest} expected", where=where, thinnest=THINNEST, widest=WIDEST
            ),
        )
    return Stroke(tuple(_point(item, where) for item in raw["points"]), float(width), erase)


def _point(raw: Any, where: str) -> Point:
    if not isinstance(raw, list) or len(raw) not in (2, 3) or not all(_is_number(value) for value in raw):
        raise DrawingError("bad-drawing", phrase("{where}: points of two or three numbers expected", where=where))
    x, y, pressure = (float(value) for value in (raw if len(raw) == 3 else [*raw, 1.0]))
    if (x, y, pressure) != point(x, y, pressure):
        raise DrawingError(
            "bad-drawing", phrase("{where}: points on the paper (0 to 1) and pressure 0 to 1 expected", where=where)
        )
    return (x, y, pressure)


def _is_number(value: object) -> bool:
    # Compared and not converted: a whole number may be too large for a float. What is no number compares false.
    return isinstance(value, int | float) and not isinstance(value, bool) and -_FAR < value < _FAR
