"""Digits as people draw them on a sheet, and as machines print them, made by program for a digit model's domain gate.

MNIST's digits are scans of the forms that two groups of Americans filled in. A one that is a plain stroke, a digit of
a thin or a very broad pen, one that is printed: they are digits, too, and a gate that has seen none of them takes them
for something else. Each digit has several forms, whose proportions are drawn; they are other forms than those of the
samples (``resources/make_samples.py``), by which the gate is judged.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from desktop.core.pictures.preprocess import prepare
from desktop.core.types import PreprocessSpec
from desktop.ml.data.pen import PenStroke, arc, ink

LABELS = tuple("0123456789")
KINDS = ("drawn", "printed", "upright")
"""``drawn`` on a sheet and ``printed``: all ten digits. ``upright``: ones alone, each a single line without any lean,
as a mouse draws it that is pulled straight down. It is the plainest digit and like no other: a kind by itself."""
_FONTS = ("cmb10", "cmti10", "cmss10", "STIXGeneralBol", "DejaVuSerif-Bold", "DejaVuSansMono-Oblique")
_SIDE = 160
_RULED = 0.25
"""The share of drawn digits whose strokes are as straight as they are meant: a one is then a plain upright line, to the
pixel, which no leaning one is like."""
_UPRIGHT: PenStroke = [(0.3, 0.02), (0.3, 0.98)]

Uniform = Callable[[float, float], float]


def make(kind: str, count: int, spec: PreprocessSpec, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """``count`` digits of ``kind`` (:data:`KINDS`), each that it has as often as any other, prepared for ``spec``
    (uint8 (count, height, width, 1)), and which digit each is (int (count,))."""
    values = np.ones(count, int) if kind == "upright" else np.arange(count) % len(LABELS)
    pictures = [prepare(picture(kind, int(value), rng), spec).pixels for value in values]
    return np.stack(pictures), values


def picture(kind: str, value: int, rng: np.random.Generator) -> np.ndarray:
    """The digit ``value`` as ``kind`` draws or prints it, uint8 (H, W)."""
    if kind == "upright":
        return _ruled_one(rng)
    return _sheet(value, rng) if kind == "drawn" else _print(value, rng)


def strokes(value: int, rng: np.random.Generator) -> list[PenStroke]:
    """The strokes of a digit, in one of its forms."""
    return _FORMS[value](rng.uniform, int(rng.integers(1 << 16)))


def _sheet(value: int, rng: np.random.Generator) -> np.ndarray:
    """A digit on a sheet, of any size, place and pen, black on white as in Draw, or pale, light on dark, blurred."""
    side, height = int(rng.integers(100, 241)), rng.uniform(0.3, 0.9)
    width = float(np.exp(rng.uniform(np.log(0.03), np.log(0.2))))
    x, y = rng.uniform(-0.4, 0.4, 2) * (1 - height)
    shape, ruled = strokes(value, rng), rng.random() < _RULED
    if ruled and value == 1:
        shape = [_UPRIGHT]
    covered = ink(shape, rng, side, height, width, (float(x), float(y)), ruled)
    paper, black = (255.0, 21.0) if rng.random() < 0.5 else (rng.uniform(200, 255), rng.uniform(0, 90))
    if rng.random() < 0.2:
        paper, black = black, paper
    sheet = _bytes(paper + (black - paper) * covered)
    if rng.random() < 0.25:
        soft = Image.fromarray(sheet).filter(ImageFilter.GaussianBlur(rng.uniform(0.5, side / 100)))
        sheet = _bytes(np.asarray(soft, np.float32) + rng.normal(0, rng.uniform(0, 5), sheet.shape))
    return sheet


def _ruled_one(rng: np.random.Generator) -> np.ndarray:
    """A plain upright one with any pen that Draw has, at places that are whole pixels of a sheet or the middle of one,
    dark on white or the other way about."""
    side, height = int(rng.choice((112, 224, 448))), rng.uniform(0.25, 0.95)
    radius = float(np.exp(rng.uniform(np.log(0.01), np.log(0.08)))) * side
    half = max(height * side / 2 - radius, 0.0)  # of the line, without its round ends
    room = int(side * (1 - height) / 2)
    x, y = side / 2 + rng.integers(-room, room + 1, 2) + (0.5 if rng.random() < 0.5 else 0.0)
    places = np.arange(side) + 0.5
    beyond = np.maximum(np.abs(places - y) - half, 0.0)
    covered = np.clip(radius + 0.5 - np.hypot(places[None] - x, beyond[:, None]), 0, 1)
    sheet = _bytes(255.0 - 234.0 * covered)
    return sheet if rng.random() < 0.8 else 255 - sheet


def _print(value: int, rng: np.random.Generator) -> np.ndarray:
    """A digit in one of the fonts that come with matplotlib, slanted and turned a little."""
    import matplotlib

    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    font = ImageFont.truetype(str(folder / f"{rng.choice(_FONTS)}.ttf"), int(rng.integers(80, 130)))
    return printed(LABELS[value], font, rng)


def printed(letter: str, font: ImageFont.FreeTypeFont, rng: np.random.Generator) -> np.ndarray:
    """A letter of ``font`` in the middle of a sheet, dark on light, slanted, turned and blurred a little: uint8 (160,
    160)."""
    sheet = Image.new("L", (_SIDE, _SIDE), 255)
    place, bold = (_SIDE / 2, _SIDE / 2), int(rng.integers(0, 4))
    ImageDraw.Draw(sheet).text(place, letter, fill=0, font=font, anchor="mm", stroke_width=bold)
    slant = rng.uniform(-0.25, 0.25)
    lean = (1, slant, -slant * _SIDE / 2, 0, 1, 0)
    sheet = sheet.transform(
        sheet.size, Image.Transform.AFFINE, lean, Image.Resampling.BILINEAR, fillcolor=255
    )  # fmt: skip
    sheet = sheet.rotate(rng.uniform(-12, 12), Image.Resampling.BILINEAR, fillcolor=255)
    return np.asarray(sheet.filter(ImageFilter.GaussianBlur(rng.uniform(0, 1.3))))


def _bytes(values: np.ndarray) -> np.ndarray:
    result: np.ndarray = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    return result


def _zero(u: Uniform, form: int) -> list[PenStroke]:
    start = u(-130, -50)
    return [arc(0.3, 0.5, u(0.2, 0.32), u(0.42, 0.5), start, start + 360 + u(-12, 6))]


def _one(u: Uniform, form: int) -> list[PenStroke]:
    lean = u(-0.1, 0.1)
    top, foot = (0.3 + lean, 0.02), (0.3 - lean, 0.98)
    bar = [(foot[0] - u(0.08, 0.2), 0.98), (foot[0] + u(0.08, 0.2), 0.98)]
    rising = [(top[0] - u(0.08, 0.26), u(0.1, 0.3)), top, foot]
    forms: list[list[PenStroke]] = [[[top, foot]], [[top, foot]], [rising], [rising, bar], [[top, foot], bar]]
    return forms[form % 5]


def _two(u: Uniform, form: int) -> list[PenStroke]:
    high = u(0.22, 0.32)
    top = list(arc(0.29, 0.03 + high, u(0.2, 0.27), high, u(165, 205), u(370, 400)))
    loop = list(arc(0.14, 0.86, 0.08, 0.09, 120, u(300, 340)))
    forms: list[list[PenStroke]] = [
        [[*top, (u(0.02, 0.1), 0.95), (u(0.5, 0.6), u(0.92, 0.97))]],
        [[*top, (0.08, 0.9), *loop, (0.56, u(0.88, 0.97))]],
        [[*top, (0.05, 0.96), (0.3, u(0.86, 0.93)), (0.58, 0.96)]],
    ]
    return forms[form % 3]


def _three(u: Uniform, form: int) -> list[PenStroke]:
    waist = u(0.44, 0.54)
    upper, lower = (waist / 2 + 0.01, waist / 2 - 0.01), ((1 + waist) / 2 - 0.01, (1 - waist) / 2 - 0.01)
    belly = list(arc(0.27, lower[0], u(0.24, 0.3), lower[1], -80, u(140, 170)))
    forms: list[list[PenStroke]] = [
        [[*arc(0.27, upper[0], u(0.2, 0.27), upper[1], u(190, 215), 440), *belly]],
        [[(0.06, 0.04), (0.54, 0.04), (u(0.2, 0.32), u(0.36, 0.44)), *arc(0.26, 0.69, 0.28, 0.28, -85, u(135, 160))]],
        [[*arc(0.26, upper[0], 0.24, upper[1], 200, 430), (u(0.18, 0.3), waist), *belly]],
    ]
    return forms[form % 3]


def _four(u: Uniform, form: int) -> list[PenStroke]:
    bar, stem = u(0.5, 0.7), u(0.4, 0.48)
    forms: list[list[PenStroke]] = [
        [
            [(u(0.36, 0.46), 0.02), (u(0.02, 0.08), bar), (0.58, bar + u(-0.03, 0.03))],
            [(0.44, u(0.02, 0.4)), (u(0.38, 0.46), 0.98)],
        ],
        [
            [(u(0.04, 0.14), 0.04), (u(0.04, 0.1), bar - 0.08), (0.56, bar - 0.08 + u(-0.04, 0.04))],
            [(u(0.42, 0.52), u(0.02, 0.3)), (u(0.38, 0.5), 0.98)],
        ],
        [[(stem, 0.98), (stem, 0.02), (0.03, bar), (0.58, bar)]],
    ]
    return forms[form % 3]


def _five(u: Uniform, form: int) -> list[PenStroke]:
    neck = u(0.38, 0.48)
    belly = list(arc(0.27, (neck + 0.97) / 2, u(0.24, 0.3), (0.97 - neck) / 2 + 0.02, u(-130, -95), u(135, 160)))
    down = [(u(0.1, 0.16), 0.05), (u(0.07, 0.13), neck), *belly]
    forms: list[list[PenStroke]] = [
        [[(u(0.48, 0.57), 0.04), *down]],
        [down, [(0.13, 0.05), (u(0.46, 0.58), u(0.02, 0.07))]],
    ]
    return forms[form % 2]


def _six(u: Uniform, form: int) -> list[PenStroke]:
    high, wide = u(0.19, 0.27), u(0.2, 0.26)
    middle = 0.97 - high
    forms: list[list[PenStroke]] = [
        [
            [
                (u(0.3, 0.5), 0.03), (u(0.14, 0.26), 0.3), (0.07, middle - 0.04),
                *arc(0.3, middle, wide, high, 190, u(520, 560)),
            ]
        ],
        [[*arc(0.5, 0.66, 0.43, 0.63, u(255, 268), 175, 20), *arc(0.3, middle, wide, high, 175, -u(170, 200))]],
    ]  # fmt: skip
    return forms[form % 2]


def _seven(u: Uniform, form: int) -> list[PenStroke]:
    plain = [(u(0.02, 0.08), u(0.03, 0.09)), (0.56, u(0.0, 0.08)), (u(0.1, 0.34), 0.98)]
    bar = [(u(0.08, 0.2), u(0.45, 0.55)), (u(0.42, 0.54), u(0.43, 0.52))]
    forms: list[list[PenStroke]] = [
        [plain], [plain, bar], [[(0.03, u(0.12, 0.22)), *plain]], [[*plain[:2], (u(0.28, 0.4), 0.5), plain[2]]],
    ]  # fmt: skip
    return forms[form % 4]


def _eight(u: Uniform, form: int) -> list[PenStroke]:
    waist = u(0.44, 0.54)
    if form % 2:
        begin, narrow = u(0.1, 0.5), u(0.8, 1.0)
        turns = np.linspace(0, 2 * np.pi, 40) + begin
        wide = 0.24 * narrow * np.where(np.cos(turns) < 0, 1.0, 0.85)
        return [
            [(float(0.3 + w * np.sin(2 * t)), float(0.5 - 0.48 * np.cos(t))) for t, w in zip(turns, wide, strict=True)]
        ]
    upper = arc(0.3, waist / 2 + 0.01, u(0.17, 0.24), waist / 2 - 0.01, 90, 450)
    lower = arc(0.3, (1 + waist) / 2, u(0.22, 0.28), (1 - waist) / 2 - 0.02, -90, 270)
    return [[*upper, *lower]]


def _nine(u: Uniform, form: int) -> list[PenStroke]:
    wide, high = u(0.2, 0.26), u(0.2, 0.27)
    middle = 0.03 + high
    right = 0.29 + wide
    forms: list[list[PenStroke]] = [
        [[*arc(0.29, middle, wide, high, 0, -360), (right, middle), (u(0.42, 0.54), 0.98)]],
        [[*arc(0.29, middle, wide, high, -10, -350), (right, 0.06), (right - 0.01, 0.5), (u(0.26, 0.44), 0.98)]],
        [[*arc(0.28, middle, wide, high, 10, -350), *arc(right - 0.37, 0.45, 0.37, 0.5, 0, u(70, 95), 16)]],
    ]
    return forms[form % 3]


_FORMS: tuple[Callable[[Uniform, int], list[PenStroke]], ...] = (
    _zero, _one, _two, _three, _four, _five, _six, _seven, _eight, _nine,
)  # fmt: skip
