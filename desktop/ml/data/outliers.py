"""Foreign pictures made by program from a model's own training pictures, for its domain gate to learn from.

Nothing of anybody else is needed: pictures are inverted, laid over each other, given another picture's outline in
frequency space, grey ones also scrambled and cut together, or drawn. Real foreign kinds (photographs, X-rays, letters)
stay unseen and are what a gate is judged by.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw

from desktop.core.pictures.preprocess import prepare
from desktop.core.types import PreprocessSpec
from desktop.ml.data import invented

KINDS = (
    "negative", "jumbled", "shuffled", "cut", "double", "cloud", "noise", "scribble", "flat", "mirrored", "figure",
    "turned", "invented", "script",
)  # fmt: skip


def make(images: np.ndarray, spec: PreprocessSpec, each: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """About ``each`` foreign pictures of every kind that suits ``spec``: uint8 (n, height, width, channels) by kind.

    ``images`` are prepared training pictures of the same form. For the ``mnist`` fit every picture is laid out again,
    as a drawing would be; a negative is then the same digit and not foreign.
    """
    found: dict[str, np.ndarray] = {}

    def some(count: int = each) -> np.ndarray:
        return images[rng.permutation(len(images))[:count]]

    found["cloud"] = _clouds(some(), rng)
    if spec.channels == 1:
        # In colour a photograph that fills its frame looks like pieces of photographs, and was refused for it.
        found["jumbled"] = _scrambled(some(), 2, rng)
        found["shuffled"] = _scrambled(some(), 4, rng)
        found["cut"] = _cut(some(), some(), rng)
    if spec.fit == "mnist":
        found["double"] = np.maximum(some(), some())
        found["mirrored"] = some()[:, :, ::-1]
        found = {kind: np.stack([_laid_out(picture[..., 0]) for picture in made]) for kind, made in found.items()}
        found["scribble"] = np.stack([_laid_out(_scribble(rng, 80)) for _ in range(2 * each)])
        found["figure"] = np.stack([_laid_out(_figure(rng, 80)) for _ in range(2 * each)])
        found["invented"] = np.stack([_laid_out(invented.character(rng)) for _ in range(3 * each)])
        found["script"] = np.stack([_laid_out(invented.foreign_letter(rng)) for _ in range(2 * each)])
        return {kind: kept for kind, made in found.items() if len(kept := invented.unlike(made, images))}
    if spec.channels == 1:
        # Grey pictures come from machines that hold them upright; of photographs none can be sure.
        found["turned"] = np.concatenate([some()[:, ::-1], some()[:, ::-1, ::-1]])
    found["negative"] = 255 - some()
    found["double"] = ((some().astype(np.uint16) + some()) // 2).astype(np.uint8)
    shape = (spec.height, spec.width, spec.channels)
    found["noise"] = rng.integers(0, 256, (each, *shape), dtype=np.uint8)
    sketches = [prepare(255 - _scribble(rng, 96), spec).pixels for _ in range(max(1, each // 2))]
    found["scribble"] = np.stack(sketches)
    tones = rng.integers(0, 256, (max(1, each // 2), 1, 1, spec.channels)).astype(np.float32)
    grain = rng.uniform(0, 20, (len(tones), 1, 1, 1)) * rng.standard_normal((len(tones), *shape), dtype=np.float32)
    found["flat"] = np.clip(tones + grain, 0, 255).astype(np.uint8)
    return found


def _laid_out(picture: np.ndarray) -> np.ndarray:
    """Light strokes on black, uint8 (H, W), as an MNIST input: cropped, scaled into 20×20, centred by mass.

    Simpler than what a drawing goes through, because there is neither paper nor dirt; and hundreds are needed.
    """
    rows, columns = np.nonzero(picture > 60)
    if rows.size == 0:
        return np.zeros((28, 28, 1), np.uint8)
    ink = picture[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    scale = 20 / max(ink.shape)
    size = (max(1, round(ink.shape[1] * scale)), max(1, round(ink.shape[0] * scale)))
    small = np.asarray(Image.fromarray(ink).resize(size, Image.Resampling.BOX), np.float32)
    small = np.clip(small * (255 / max(90.0, float(np.percentile(small[small > 0], 85)))), 0, 255)
    height, width = small.shape
    total = float(small.sum()) or 1.0
    top = round(14 - float((small.sum(axis=1) * np.arange(height)).sum()) / total)
    left = round(14 - float((small.sum(axis=0) * np.arange(width)).sum()) / total)
    top, left = min(max(0, top), 28 - height), min(max(0, left), 28 - width)
    result = np.zeros((28, 28, 1), np.uint8)
    result[top : top + height, left : left + width, 0] = small.round()
    return result


def _scrambled(pictures: np.ndarray, parts: int, rng: np.random.Generator) -> np.ndarray:
    """Each picture's ``parts`` × ``parts`` tiles in another order."""
    result = pictures.copy()
    n, height, width, channels = pictures.shape
    tall, wide = height // parts, width // parts
    if not tall or not wide:
        return result
    for index in range(n):
        inner = result[index, : tall * parts, : wide * parts]
        tiles = inner.reshape(parts, tall, parts, wide, channels).swapaxes(1, 2).reshape(-1, tall, wide, channels)
        tiles = tiles[rng.permutation(len(tiles))].reshape(parts, parts, tall, wide, channels).swapaxes(1, 2)
        result[index, : tall * parts, : wide * parts] = tiles.reshape(tall * parts, wide * parts, channels)
    return result


def _cut(first: np.ndarray, second: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The upper or left half of one picture with the other half of another."""
    result = first.copy()
    upright = rng.random(len(first)) < 0.5
    result[upright, first.shape[1] // 2 :] = second[upright, first.shape[1] // 2 :]
    result[~upright, :, first.shape[2] // 2 :] = second[~upright, :, first.shape[2] // 2 :]
    return result


def _clouds(pictures: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Pictures with the frequencies of the given ones and random phases: their grain and colours, nothing to see."""
    result = np.empty_like(pictures)
    for index, picture in enumerate(pictures):
        strengths = np.abs(np.fft.fft2(picture.astype(np.float32), axes=(0, 1)))
        phases = np.angle(np.fft.fft2(rng.standard_normal(picture.shape[:2]), axes=(0, 1)))[..., None]
        made = np.real(np.fft.ifft2(strengths * np.exp(1j * phases), axes=(0, 1)))
        result[index] = np.clip(made, 0, 255).astype(np.uint8)
    return result


def _scribble(rng: np.random.Generator, side: int) -> np.ndarray:
    """One to three strokes at random, straight, bent or round, light on black: uint8 (side, side)."""
    large = 4 * side
    sheet = Image.new("L", (large, large), 0)
    pen = ImageDraw.Draw(sheet)
    width = max(2, int(large * rng.uniform(0.05, 0.12)))
    strokes: tuple[Callable[[], np.ndarray], ...] = (
        lambda: rng.uniform(0.12, 0.88, (int(rng.integers(2, 6)), 2)),
        lambda: _bent(rng.uniform(0.12, 0.88, (int(rng.integers(3, 6)), 2))),
        lambda: _arc(rng),
    )
    for _ in range(int(rng.integers(1, 4))):
        points = strokes[int(rng.choice(3, p=(0.45, 0.3, 0.25)))]() * large
        pen.line([(float(x), float(y)) for x, y in points], fill=255, width=width, joint="curve")
        for x, y in (points[0], points[-1]):
            pen.ellipse((x - width / 2, y - width / 2, x + width / 2, y + width / 2), fill=255)
    return np.asarray(sheet.resize((side, side), Image.Resampling.BOX))


def _figure(rng: np.random.Generator, side: int) -> np.ndarray:
    """A sign rather than a scribble, light on black, uint8 (side, side): strokes and their mirror image, or a closed
    polygon, now and then with a stroke across."""
    if rng.random() < 0.6:
        half = _scribble(rng, side)
        mirrored: np.ndarray = np.maximum(half, half[:, ::-1])
        return mirrored
    large = 4 * side
    sheet = Image.new("L", (large, large), 0)
    pen = ImageDraw.Draw(sheet)
    width = max(2, int(large * rng.uniform(0.04, 0.1)))
    angles = np.sort(rng.uniform(0, 2 * np.pi, int(rng.integers(3, 9))))
    radii = rng.uniform(0.15, 0.38, len(angles))
    corners = [
        (float(large * (0.5 + r * np.cos(a))), float(large * (0.5 + r * np.sin(a))))
        for a, r in zip(angles, radii, strict=True)
    ]
    pen.line([*corners, corners[0], corners[1]], fill=255, width=width, joint="curve")
    if rng.random() < 0.3:
        ends = rng.uniform(0.15, 0.85, (2, 2)) * large
        pen.line([(float(x), float(y)) for x, y in ends], fill=255, width=width)
    return np.asarray(sheet.resize((side, side), Image.Resampling.BOX))


def _bent(corners: np.ndarray) -> np.ndarray:
    """A polyline with its corners rounded by a running mean."""
    steps = np.linspace(0, len(corners) - 1, 30)
    line = [np.interp(steps, np.arange(len(corners)), corners[:, axis]) for axis in (0, 1)]
    return np.stack([np.convolve(np.pad(part, 3, "edge"), np.ones(7) / 7, "valid") for part in line], axis=1)


def _arc(rng: np.random.Generator) -> np.ndarray:
    """Part of an ellipse, or all of it."""
    angles = np.linspace(0, rng.uniform(3.0, 6.6), 30) + rng.uniform(0, 6)
    radii = rng.uniform(0.1, 0.3, 2)
    around: np.ndarray = np.stack([radii[0] * np.cos(angles), radii[1] * np.sin(angles)], axis=1)
    around += rng.uniform(0.3, 0.7, 2)
    return around
