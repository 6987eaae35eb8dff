"""Pictures of many kinds, to ask of each model whether it knows its own: public sets, and pictures drawn here.

The drawn ones depend on a seed alone. They are other drawings than those that a gate may learn from at the end of a
training (:mod:`desktop.ml.packaging.fit_domain_gate`), so that what is measured is not what was taught.
"""

from __future__ import annotations

import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from desktop.core.pictures.decode import decode
from desktop.core.pictures.preprocess import prepare
from desktop.core.types import ImageSource, PreparedImage, PreprocessSpec

LOOKALIKES = frozenset("OoQDIlijZzSsBbgqJ")
"""Letters that are drawn like a digit: no picture of one can be told from that digit."""

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SIDE = 160


def photos(root: Path, count: int) -> Iterator[np.ndarray]:
    """Photographs of cats and dogs (test split), decoded: uint8 (H, W, 3)."""
    return _packed(root / "cats-dogs-160.tar.gz", "/test/", count)


def x_rays(root: Path, count: int) -> Iterator[np.ndarray]:
    """Chest X-rays (official test split), decoded."""
    return _packed(root / "chest-xray-224.tar.gz", "/test/", count)


def tiles(root: Path, count: int) -> Iterator[np.ndarray]:
    """CIFAR-10 (JPEG) test pictures, decoded: uint8 (32, 32, 3)."""
    return _packed(root / "cifar10-jpeg.tar.gz", "/test/", count)


def digits(root: Path, count: int) -> Iterator[np.ndarray]:
    """MNIST test digits as they are: uint8 (28, 28), light on black."""
    with np.load(root / "mnist.npz", allow_pickle=False) as held:
        images = held["x_test"]
    for index in np.linspace(0, len(images) - 1, count).astype(int):
        yield images[index]


def other_photos(root: Path, count: int) -> Iterator[np.ndarray]:
    """Photographs that show no animal and no vehicle (test splits): waste, clothing, textures, hand signs."""
    each = -(-count // 4)
    for name in ("waste", "clothing", "textures", "signs"):
        yield from _packed(root / "retrain.tar.gz", f"/{name}/test/", each)


def close_ups(root: Path, count: int) -> Iterator[np.ndarray]:
    """Steel surfaces and blood cells (test splits)."""
    for name in ("steel", "blood"):
        yield from _packed(root / "retrain.tar.gz", f"/{name}/test/", -(-count // 2))


def two_digits(root: Path, count: int) -> Iterator[np.ndarray]:
    """Two MNIST test digits beside each other, dark on light paper: uint8 (140, 252)."""
    held = list(digits(root, 2 * count))
    for left, right in zip(held[::2], held[1::2], strict=True):
        pair = np.concatenate([left[:, :25], right[:, 3:]], axis=1)
        pair = np.pad(pair, ((0, 0), (1, 1)))
        large = Image.fromarray(pair).resize((5 * pair.shape[1], 5 * pair.shape[0]), Image.Resampling.BICUBIC)
        yield np.asarray(Image.eval(large, lambda value: 255 - value))


def _packed(archive: Path, part: str, count: int) -> Iterator[np.ndarray]:
    """``count`` pictures spread evenly over those of ``archive`` whose name holds ``part``."""
    with tarfile.open(archive) as packed:
        members = [m for m in packed.getmembers() if m.isfile() and part in f"/{m.name}" and "/." not in m.name]
        chosen = {members[i].name for i in np.linspace(0, len(members) - 1, min(count, len(members))).astype(int)}
        for member in members:
            if member.name in chosen:
                stream = packed.extractfile(member)
                assert stream is not None
                yield decode(ImageSource(name="picture", data=stream.read())).pixels


def fonts() -> list[str]:
    """The upright text fonts that come with matplotlib, and their bold and oblique cuts."""
    import matplotlib

    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    wanted = ("DejaVuSans", "DejaVuSerif", "STIXGeneral", "cmr10", "cmss10", "cmtt10")
    return sorted(str(path) for path in folder.glob("*.ttf") if path.stem.startswith(wanted))


def letters(count: int, seed: int, wanted: Callable[[str], bool] = lambda letter: True) -> Iterator[np.ndarray]:
    """Latin letters in many fonts, slanted, turned, thick and thin, dark on light paper: uint8 (160, 160)."""
    rng = np.random.default_rng([seed, 1])
    known, names = fonts(), [letter for letter in _LETTERS if wanted(letter)]
    for _ in range(count):
        font = ImageFont.truetype(known[rng.integers(len(known))], int(rng.integers(80, 130)))
        yield _inked(names[rng.integers(len(names))], font, rng)


def hand_letters(count: int, seed: int) -> Iterator[np.ndarray]:
    """Letters drawn as a hand would, from strokes with a tremble: A E F H K M N R T W X Y, uint8 (160, 160)."""
    rng = np.random.default_rng([seed, 2])
    names = list(_STROKES)
    for _ in range(count):
        yield _drawn(_STROKES[names[rng.integers(len(names))]], rng)


def symbols(count: int, seed: int) -> Iterator[np.ndarray]:
    """Signs drawn with one pen: cross, arrow, triangle, square, star, wave, tick, smile, house: uint8 (160, 160)."""
    rng = np.random.default_rng([seed, 3])
    names = list(_SIGNS)
    for _ in range(count):
        yield _drawn(_SIGNS[names[rng.integers(len(names))]], rng)


def noise(count: int, seed: int) -> Iterator[np.ndarray]:
    """Noise of any grain, grey or coloured, flat or normal: uint8 (160, 160) or (160, 160, 3)."""
    rng = np.random.default_rng([seed, 4])
    for index in range(count):
        shape = (_SIDE, _SIDE, 3) if index % 2 else (_SIDE, _SIDE)
        raw = rng.integers(0, 256, shape) if index % 3 else rng.normal(rng.uniform(60, 190), rng.uniform(20, 70), shape)
        values = np.clip(raw, 0, 255).astype(np.uint8)
        grain = float(rng.choice([0.0, 1.0, 2.0, 4.0, 8.0]))
        if grain:
            soft = np.asarray(Image.fromarray(values).filter(ImageFilter.GaussianBlur(grain)), np.float32)
            soft = (soft - soft.mean()) / max(1.0, float(soft.std())) * rng.uniform(20, 70) + rng.uniform(80, 170)
            values = np.clip(soft, 0, 255).astype(np.uint8)
        yield values


def blanks(count: int, seed: int) -> Iterator[np.ndarray]:
    """Nothing to see: one tone or colour, with at most a trace of grain or a faint slope."""
    rng = np.random.default_rng([seed, 5])
    for index in range(count):
        colour = rng.integers(0, 256, 3) if index % 3 == 2 else np.full(3, [0, 255, rng.integers(1, 255)][index % 3])
        picture = np.ones((_SIDE, _SIDE, 3)) * colour
        if index % 2:
            picture += np.linspace(-6, 6, _SIDE)[:, None, None] + rng.normal(0, rng.uniform(0, 2), picture.shape)
        yield np.clip(picture, 0, 255).astype(np.uint8)


def patterns(count: int, seed: int) -> Iterator[np.ndarray]:
    """Regular things: stripes, boards, rings, gradients: uint8 (160, 160, 3)."""
    rng = np.random.default_rng([seed, 6])
    y, x = np.mgrid[0:_SIDE, 0:_SIDE] / _SIDE
    for index in range(count):
        angle, cycles = rng.uniform(0, np.pi), rng.uniform(1.5, 16)
        along = x * np.cos(angle) + y * np.sin(angle)
        across = -x * np.sin(angle) + y * np.cos(angle)
        kinds = (
            np.sin(2 * np.pi * cycles * along) > 0,
            (np.sin(2 * np.pi * cycles * along) > 0) ^ (np.sin(2 * np.pi * cycles * across) > 0),
            np.sin(2 * np.pi * cycles * np.hypot(x - rng.uniform(), y - rng.uniform())) > 0,
            (along - along.min()) / np.ptp(along),
        )
        share = np.asarray(kinds[index % 4], np.float64)[:, :, None]
        first, second = rng.integers(0, 256, 3), rng.integers(0, 256, 3)
        yield np.clip(share * first + (1 - share) * second, 0, 255).astype(np.uint8)


def pages(count: int, seed: int) -> Iterator[np.ndarray]:
    """Pages of text and simple charts, as scanned or taken from a screen: uint8 (200, 160, 3)."""
    rng = np.random.default_rng([seed, 7])
    known = fonts()
    for index in range(count):
        paper = tuple(int(v) for v in rng.integers(225, 256, 3))
        page = Image.new("RGB", (_SIDE, 200), paper)
        pen = ImageDraw.Draw(page)
        font = ImageFont.truetype(known[rng.integers(len(known))], int(rng.integers(9, 15)))
        if index % 2:
            line = int(font.size) + int(rng.integers(2, 6))
            for top in range(10, 190 - line, line):
                words = " ".join(
                    "".join(rng.choice(list(_LETTERS[26:]), rng.integers(2, 9))) for _ in range(rng.integers(2, 6))
                )
                pen.text((10, top), words[: int(rng.integers(8, 24))], fill=(20, 20, 30), font=font)
        else:
            pen.line([(20, 15), (20, 180), (150, 180)], fill=(30, 30, 30), width=2)
            for bar in range(5):
                height = int(rng.integers(20, 150))
                fill = tuple(int(v) for v in rng.integers(20, 220, 3))
                pen.rectangle((30 + bar * 24, 180 - height, 46 + bar * 24, 179), fill=fill)
        yield np.asarray(page)


def inverted(pictures: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
    """The negative of each picture."""
    for pixels in pictures:
        yield 255 - pixels


def upside_down(pictures: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
    """Each picture turned by 180 degrees."""
    for pixels in pictures:
        yield np.ascontiguousarray(pixels[::-1, ::-1])


def prepared(pictures: Iterator[np.ndarray], spec: PreprocessSpec) -> list[PreparedImage]:
    """What a network sees of the pictures, and what was noticed on the way."""
    return [prepare(np.ascontiguousarray(pixels), spec) for pixels in pictures]


def _inked(text: str, font: ImageFont.FreeTypeFont, rng: np.random.Generator) -> np.ndarray:
    """One letter in the middle of a sheet, slanted and turned a little, its stroke widened now and then."""
    sheet = Image.new("L", (_SIDE, _SIDE), 255)
    width = int(rng.integers(0, 4))
    pen = ImageDraw.Draw(sheet)
    pen.text((_SIDE / 2, _SIDE / 2), text, fill=0, font=font, anchor="mm", stroke_width=width)
    slant, angle = rng.uniform(-0.2, 0.2), rng.uniform(-12, 12)
    sheet = sheet.transform(
        sheet.size,
        Image.Transform.AFFINE,
        (1, slant, -slant * _SIDE / 2, 0, 1, 0),
        Image.Resampling.BILINEAR,
        fillcolor=255,
    )
    sheet = sheet.rotate(angle, Image.Resampling.BILINEAR, fillcolor=255)
    return np.asarray(sheet.filter(ImageFilter.GaussianBlur(rng.uniform(0, 1.5))))


def _drawn(strokes: list[list[tuple[float, float]]], rng: np.random.Generator) -> np.ndarray:
    """Polylines in a unit square, trembling, turned and scaled, with a round pen: uint8 (160, 160), dark on light."""
    large = 3
    sheet = Image.new("L", (_SIDE * large, _SIDE * large), 255)
    pen = ImageDraw.Draw(sheet)
    width = int(rng.integers(5, 15)) * large
    angle, size = np.radians(rng.uniform(-12, 12)), rng.uniform(55, 105, 2)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    for stroke in strokes:
        points = (np.array(stroke) - 0.5 + rng.normal(0, 0.03, (len(stroke), 2))) * size
        steps = np.linspace(0, len(points) - 1, 24 * (len(points) - 1))
        line = np.stack([np.interp(steps, np.arange(len(points)), points[:, axis]) for axis in (0, 1)], axis=1)
        tremble = np.cumsum(rng.normal(0, 0.25, line.shape), axis=0)
        path = ((line + tremble) @ turn.T + _SIDE / 2) * large
        pen.line([tuple(point) for point in path], fill=0, width=width, joint="curve")
        for px, py in (path[0], path[-1]):
            pen.ellipse((px - width / 2, py - width / 2, px + width / 2, py + width / 2), fill=0)
    return np.asarray(sheet.resize((_SIDE, _SIDE), Image.Resampling.BOX))


def _ring(start: float, end: float, cx: float, cy: float, r: float) -> list[tuple[float, float]]:
    return [(cx + r * np.cos(t), cy + r * np.sin(t)) for t in np.linspace(start, end, 14)]


_STROKES: dict[str, list[list[tuple[float, float]]]] = {
    "A": [[(0, 1), (0.5, 0), (1, 1)], [(0.2, 0.62), (0.8, 0.62)]],
    "E": [[(0.9, 0), (0, 0), (0, 1), (0.9, 1)], [(0, 0.5), (0.7, 0.5)]],
    "F": [[(0.9, 0), (0, 0), (0, 1)], [(0, 0.45), (0.7, 0.45)]],
    "H": [[(0, 0), (0, 1)], [(1, 0), (1, 1)], [(0, 0.5), (1, 0.5)]],
    "K": [[(0, 0), (0, 1)], [(0.9, 0), (0, 0.55), (0.95, 1)]],
    "M": [[(0, 1), (0.05, 0), (0.5, 0.6), (0.95, 0), (1, 1)]],
    "N": [[(0, 1), (0, 0), (1, 1), (1, 0)]],
    "R": [[(0, 1), (0, 0), (0.6, 0), (0.9, 0.25), (0.6, 0.5), (0, 0.5)], [(0.4, 0.5), (0.95, 1)]],
    "T": [[(0, 0), (1, 0)], [(0.5, 0), (0.5, 1)]],
    "W": [[(0, 0), (0.25, 1), (0.5, 0.35), (0.75, 1), (1, 0)]],
    "X": [[(0, 0), (1, 1)], [(1, 0), (0, 1)]],
    "Y": [[(0, 0), (0.5, 0.5), (1, 0)], [(0.5, 0.5), (0.5, 1)]],
}
_SIGNS: dict[str, list[list[tuple[float, float]]]] = {
    "cross": [[(0.5, 0), (0.5, 1)], [(0, 0.5), (1, 0.5)]],
    "arrow": [[(0, 0.5), (1, 0.5)], [(0.65, 0.15), (1, 0.5), (0.65, 0.85)]],
    "triangle": [[(0.5, 0), (1, 0.95), (0, 0.95), (0.5, 0)]],
    "square": [[(0, 0), (1, 0), (1, 1), (0, 1), (0, 0)]],
    "star": [[(0.2, 1), (0.5, 0), (0.8, 1), (0, 0.38), (1, 0.38), (0.2, 1)]],
    "wave": [[(t / 12, 0.5 + 0.35 * np.sin(t * 1.4)) for t in range(13)]],
    "tick": [[(0, 0.6), (0.35, 1), (1, 0)]],
    "smile": [
        _ring(0, 2 * np.pi, 0.5, 0.5, 0.5),
        _ring(0.4, 2.7, 0.5, 0.5, 0.28),
        [(0.35, 0.3), (0.35, 0.4)],
        [(0.65, 0.3), (0.65, 0.4)],
    ],
    "house": [[(0, 1), (0, 0.45), (0.5, 0), (1, 0.45), (1, 1), (0, 1)]],
    "hash": [[(0.3, 0), (0.3, 1)], [(0.7, 0), (0.7, 1)], [(0, 0.3), (1, 0.3)], [(0, 0.7), (1, 0.7)]],
}
