"""Augmentation of uint8 batches on the CPU, each step a function of a batch, a generator and its settings.

All take and return uint8 (n, height, width, channels), values 0 to 255. The generator alone decides, so the
same seed gives the same pictures: a resumed training sees what an uninterrupted one would have seen.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import cv2
import numpy as np

from desktop.ml.data.arrays import Images
from desktop.ml.data.batch_facts import BatchFacts
from desktop.ml.data.mixing import cutmix, mixup
from desktop.ml.plans.augment_spec import check, settings_of
from desktop.ml.plans.plan import PlanError, Step
from desktop.system.words import phrase

__all__ = ["AUGMENTATIONS", "BatchFacts", "apply", "check", "settings_of"]

cv2.setNumThreads(1)  # one worker thread a batch; OpenCV's own threads would fight the training for the cores

Function = Callable[..., np.ndarray]
_BORDERS = {
    "constant": cv2.BORDER_CONSTANT,
    "nearest": cv2.BORDER_REPLICATE,
    "reflect": cv2.BORDER_REFLECT_101,
    "wrap": cv2.BORDER_WRAP,
}


def apply(
    batch: Images, steps: Sequence[Step], rng: np.random.Generator, facts: BatchFacts | None = None
) -> np.ndarray:
    """All ``steps`` in order. ``batch`` itself is left as it is."""
    result = np.array(batch, copy=True)
    for step in steps:
        known = {"facts": facts} if step.name in _NEED_FACTS else {}
        result = AUGMENTATIONS[step.name](result, rng, **step.settings, **known)
    return result


def _chosen(count: int, rng: np.random.Generator, p: float) -> Any:
    return np.flatnonzero(rng.random(count) < p)


def _keep_axis(picture: np.ndarray, like: np.ndarray) -> np.ndarray:
    return picture.reshape(like.shape)  # OpenCV drops a single channel's axis


def flip(
    batch: np.ndarray,
    rng: np.random.Generator,
    p: float = 0.5,
    alternate: bool = False,
    *,
    facts: BatchFacts | None = None,
) -> np.ndarray:
    """Mirror left and right with probability ``p``, or ``alternate``: every picture in every second epoch, so that two
    epochs show both sides of each (Jordan 2024)."""
    if alternate and facts is not None:
        # The bits of a multiplicative hash stand for a fair coin a picture; the epoch turns all coins over.
        picked = np.flatnonzero(((facts.numbers * 2654435761 >> 16) + facts.epoch) % 2)
    else:
        picked = _chosen(len(batch), rng, p)
    batch[picked] = batch[picked, :, ::-1]
    return batch


def flip_vertical(batch: np.ndarray, rng: np.random.Generator, p: float = 0.5) -> np.ndarray:
    """Mirror top and bottom with probability ``p``: for pictures that have no way up, taken through a microscope."""
    picked = _chosen(len(batch), rng, p)
    batch[picked] = batch[picked, ::-1]
    return batch


def shift(batch: np.ndarray, rng: np.random.Generator, pixels: int = 2) -> np.ndarray:
    """Shift by up to ``pixels`` whole pixels each way; what comes in is mirrored from the picture."""
    count, height, width, _ = batch.shape
    padded = np.pad(batch, ((0, 0), (pixels, pixels), (pixels, pixels), (0, 0)), mode="reflect")
    rows = rng.integers(0, 2 * pixels + 1, (count, 1)) + np.arange(height)
    columns = rng.integers(0, 2 * pixels + 1, (count, 1)) + np.arange(width)
    return np.ascontiguousarray(padded[np.arange(count)[:, None, None], rows[:, :, None], columns[:, None, :]])


def affine(
    batch: np.ndarray,
    rng: np.random.Generator,
    p: float = 1.0,
    rotate: float = 0.0,
    shear: float = 0.0,
    zoom: tuple[float, float] = (1.0, 1.0),
    aspect: float = 0.0,
    shift: float = 0.0,
    border: str = "constant",
) -> np.ndarray:
    """Rotate (± degrees), shear (± degrees), zoom (range; above 1 enlarges), change the aspect ratio (± fraction) and
    shift (± fraction of the side) in one bilinear resampling."""
    _, height, width, _ = batch.shape
    picked = _chosen(len(batch), rng, p)
    matrices = _matrices(rng.random((len(picked), 6)), height, width, rotate, shear, zoom, aspect, shift)
    for i, matrix in zip(picked, matrices, strict=True):
        warped = cv2.warpAffine(batch[i], matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=_BORDERS[border])
        batch[i] = _keep_axis(warped, batch[i])
    return batch


def _matrices(
    draws: np.ndarray,
    height: int,
    width: int,
    rotate: float,
    shear: float,
    zoom: tuple[float, float],
    aspect: float,
    shift: float,
) -> np.ndarray:
    """Affine matrices float64 (n, 2, 3) about the pictures' middle, from six numbers 0 to 1 each."""
    angle, slant, scale, stretch, right, down = draws.T

    def between(low: float, high: float, share: np.ndarray) -> np.ndarray:
        return low + (high - low) * share

    angle = np.deg2rad(between(-rotate, rotate, angle))
    slant = np.tan(np.deg2rad(between(-shear, shear, slant)))
    scale = np.exp(between(np.log(zoom[0]), np.log(zoom[1]), scale))
    stretch = np.exp(between(-aspect, aspect, stretch) / 2)
    cos, sin = np.cos(angle), np.sin(angle)
    wide, tall = scale * stretch, scale / stretch
    # Rotation times shear times scale; then the middle back to the middle, and the shift.
    full = np.empty((len(draws), 2, 3))
    full[:, 0, 0], full[:, 0, 1] = cos * wide, (cos * slant - sin) * tall
    full[:, 1, 0], full[:, 1, 1] = sin * wide, (sin * slant + cos) * tall
    centre = np.array([(width - 1) / 2, (height - 1) / 2])
    move = np.stack([between(-shift, shift, right) * width, between(-shift, shift, down) * height], axis=1)
    full[:, :, 2] = centre - full[:, :, :2] @ centre + move
    return full


def elastic(
    batch: np.ndarray, rng: np.random.Generator, p: float = 0.5, strength: float = 1.5, cells: int = 4
) -> np.ndarray:
    """Bend smoothly: random shifts (deviation ``strength`` pixels) on a grid of ``cells``, interpolated (after Simard
    et al. 2003)."""
    _, height, width, _ = batch.shape
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    for i in _chosen(len(batch), rng, p):
        field = rng.normal(0, strength, (cells, cells, 2)).astype(np.float32)
        smooth = cv2.resize(field, (width, height), interpolation=cv2.INTER_CUBIC)
        bent = cv2.remap(batch[i], columns + smooth[..., 0], rows + smooth[..., 1], cv2.INTER_LINEAR)
        batch[i] = _keep_axis(bent, batch[i])
    return batch


def stroke(
    batch: np.ndarray, rng: np.random.Generator, p: float = 0.5, thicker: float = 1.0, thinner: float = 0.7
) -> np.ndarray:
    """Make light ink on black thicker or thinner: a mix of the picture and its 3×3 dilation or erosion, up to the
    given share of the latter."""
    cross = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
    for i in _chosen(len(batch), rng, p):
        amount = rng.uniform(-thinner, thicker)
        other = cv2.dilate(batch[i], cross) if amount > 0 else cv2.erode(batch[i], cross)
        mixed = cv2.addWeighted(batch[i], 1 - abs(amount), other, abs(amount), 0)
        batch[i] = _keep_axis(mixed, batch[i])
    return batch


def european(
    batch: np.ndarray,
    rng: np.random.Generator,
    p: float = 0.25,
    one: int = 1,
    seven: int = 7,
    *,
    facts: BatchFacts | None = None,
) -> np.ndarray:
    """Write light digits on black as Europeans do: an upstroke (and at times a foot) on pictures of the class ``one``,
    a bar across those of ``seven``; then laid into the middle again. Needs the labels.

    Raises :class:`PlanError` for pictures that are not 28×28 grey.
    """
    if facts is None:
        return batch
    if batch.shape[1:] != (28, 28, 1):
        shape = "×".join(str(n) for n in batch.shape[1:])
        raise PlanError(
            "bad-plan", phrase("augmentation 'european' found pictures of {shape}; 28×28×1 expected", shape=shape)
        )
    for i in _chosen(len(batch), rng, p):
        if facts.labels[i] in (one, seven):
            add = _upstroke if facts.labels[i] == one else _bar
            batch[i] = _keep_axis(_laid_in(add(cv2.resize(batch[i], None, fx=4, fy=4), rng)), batch[i])
    return batch


def _upstroke(large: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """``large`` (four times MNIST's size) with a line from its tip down to the left, and at times a foot."""
    rows, columns = np.nonzero(large > 110)
    if rows.size == 0:
        return large
    top, bottom = int(rows.min()), int(rows.max())
    tall = bottom - top + 1
    tip = float(np.mean(columns[rows <= top + 6]))
    weight = int(rng.integers(7, 13))
    angle, long = np.deg2rad(rng.uniform(25, 62)), rng.uniform(0.22, 0.68) * tall
    room = 80
    grown = cv2.copyMakeBorder(large, room, room, room, room, cv2.BORDER_CONSTANT, value=0)
    start = (round(tip + room), round(top + room + weight / 3))
    end = (round(start[0] - np.sin(angle) * long), round(start[1] + np.cos(angle) * long))
    level = int(rng.integers(200, 256))
    cv2.line(grown, start, end, level, weight, cv2.LINE_AA)
    if rng.random() < 0.3:
        foot = float(np.mean(columns[rows >= bottom - 6])) + room
        half = rng.uniform(0.15, 0.38) * tall
        height = round(bottom + room - weight / 3)
        lean = rng.uniform(-4, 4)
        left, right = (round(foot - half), round(height - lean)), (round(foot + half), round(height + lean))
        cv2.line(grown, left, right, level, weight, cv2.LINE_AA)
    return grown


def _bar(large: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """``large`` (four times MNIST's size) with a short line across the middle of its stem."""
    rows, columns = np.nonzero(large > 110)
    if rows.size == 0:
        return large
    top, bottom = int(rows.min()), int(rows.max())
    height = round(top + rng.uniform(0.42, 0.62) * (bottom - top))
    near = columns[np.abs(rows - height) <= 3]
    if near.size == 0:
        return large
    middle, half = float(near.mean()), rng.uniform(0.16, 0.34) * (bottom - top + 1)
    lean = rng.uniform(-0.35, 0.15) * half
    left, right = (round(middle - half), round(height - lean)), (round(middle + half), round(height + lean))
    grown = np.ascontiguousarray(large)
    cv2.line(grown, left, right, int(rng.integers(200, 256)), int(rng.integers(6, 11)), cv2.LINE_AA)
    return grown


def _laid_in(large: np.ndarray) -> np.ndarray:
    """Light ink on black of any size as MNIST lays it out: longer side 20, centre of mass in the middle of 28×28."""
    rows, columns = np.nonzero(large > 60)
    cropped = large[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    scale = 20 / max(cropped.shape)
    size = (max(1, round(cropped.shape[1] * scale)), max(1, round(cropped.shape[0] * scale)))
    small = cv2.resize(cropped, size, interpolation=cv2.INTER_AREA)
    total = max(1.0, float(small.sum()))
    corner = []
    for axis in (0, 1):
        mass = float((small.sum(axis=1 - axis) * np.arange(small.shape[axis])).sum()) / total
        corner.append(min(max(0, round(14 - mass)), 28 - small.shape[axis]))
    result = np.zeros((28, 28), np.uint8)
    result[corner[0] : corner[0] + small.shape[0], corner[1] : corner[1] + small.shape[1]] = small
    return result


def tone(
    batch: np.ndarray,
    rng: np.random.Generator,
    p: float = 1.0,
    brightness: float = 0.0,
    contrast: float = 0.0,
    gamma: float = 0.0,
) -> np.ndarray:
    """Change brightness (± fraction of the range), contrast (± log factor about the mean grey) and gamma (± log)."""
    ramp = np.arange(256, dtype=np.float32) / 255.0
    for i in _chosen(len(batch), rng, p):
        curve = ramp ** np.exp(rng.uniform(-gamma, gamma))
        curve = (curve - 0.5) * np.exp(rng.uniform(-contrast, contrast)) + 0.5 + rng.uniform(-brightness, brightness)
        batch[i] = np.clip(curve * 255.0 + 0.5, 0, 255).astype(np.uint8)[batch[i]]
    return batch


def colour(
    batch: np.ndarray, rng: np.random.Generator, p: float = 0.3, saturation: float = 0.3, gain: float = 0.08
) -> np.ndarray:
    """Change saturation (± fraction) and the gain of each colour channel (± fraction)."""
    picked = _chosen(len(batch), rng, p)
    if len(picked) == 0:
        return batch
    part = batch[picked].astype(np.float32)
    grey = part.mean(axis=3, keepdims=True)
    amount = rng.uniform(1 - saturation, 1 + saturation, (len(picked), 1, 1, 1)).astype(np.float32)
    gains = rng.uniform(1 - gain, 1 + gain, (len(picked), 1, 1, part.shape[3])).astype(np.float32)
    batch[picked] = np.clip((grey + (part - grey) * amount) * gains + 0.5, 0, 255).astype(np.uint8)
    return batch


def resample(
    batch: np.ndarray, rng: np.random.Generator, p: float = 0.15, smallest: float = 0.6, sharpen: float = 0.8
) -> np.ndarray:
    """Vary sharpness as other cameras and scalers do: shrink and enlarge again, or sharpen by an unsharp mask."""
    _, height, width, _ = batch.shape
    for i in _chosen(len(batch), rng, p):
        if rng.random() < 0.5:
            factor = rng.uniform(smallest, 0.95)
            small = cv2.resize(batch[i], (round(width * factor), round(height * factor)), interpolation=cv2.INTER_AREA)
            changed = cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
        else:
            amount = rng.uniform(0.1, sharpen)
            changed = cv2.addWeighted(batch[i], 1 + amount, cv2.GaussianBlur(batch[i], (0, 0), 0.8), -amount, 0)
        batch[i] = _keep_axis(changed, batch[i])
    return batch


def blur(batch: np.ndarray, rng: np.random.Generator, p: float = 0.3, sigma: float = 0.8) -> np.ndarray:
    """Blur by a Gaussian of up to ``sigma`` pixels."""
    for i in _chosen(len(batch), rng, p):
        batch[i] = _keep_axis(cv2.GaussianBlur(batch[i], (0, 0), rng.uniform(0.3, sigma)), batch[i])
    return batch


def jpeg(batch: np.ndarray, rng: np.random.Generator, p: float = 0.15, quality: int = 50) -> np.ndarray:
    """Encode as JPEG of a quality between ``quality`` and 95, and decode again."""
    for i in _chosen(len(batch), rng, p):
        _, data = cv2.imencode(".jpg", batch[i], [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(quality, 96))])
        mode = cv2.IMREAD_GRAYSCALE if batch.shape[3] == 1 else cv2.IMREAD_COLOR
        decoded = cv2.imdecode(data, mode)
        if decoded is not None:
            batch[i] = _keep_axis(decoded, batch[i])
    return batch


def noise(batch: np.ndarray, rng: np.random.Generator, p: float = 0.3, deviation: float = 6.0) -> np.ndarray:
    """Add normal noise of up to ``deviation`` grey levels."""
    for i in _chosen(len(batch), rng, p):
        grain = rng.standard_normal(batch[i].shape, dtype=np.float32) * rng.uniform(1, deviation)
        batch[i] = np.clip(batch[i] + grain + 0.5, 0, 255).astype(np.uint8)
    return batch


def erase(batch: np.ndarray, rng: np.random.Generator, p: float = 0.5, side: float = 0.25) -> np.ndarray:
    """Cover one rectangle, up to ``side`` of the picture's side, with a random grey (DeVries and Taylor 2017)."""
    _, height, width, _ = batch.shape
    for i in _chosen(len(batch), rng, p):
        h, w = (max(1, round(rng.uniform(0.05, side) * s)) for s in (height, width))
        top, left = rng.integers(0, height - h + 1), rng.integers(0, width - w + 1)
        batch[i, top : top + h, left : left + w] = rng.integers(0, 256)
    return batch


def borders(batch: np.ndarray, rng: np.random.Generator, p: float = 0.2, widest: float = 0.08) -> np.ndarray:
    """Cover some edges with a plain black or light bar, as films, scanners and screen copies have."""
    _, height, width, _ = batch.shape
    for i in _chosen(len(batch), rng, p):
        value = int(rng.choice([0, 0, 0, 20, 255]))
        top, bottom = (int(rng.uniform(0, widest) * height * (rng.random() < 0.5)) for _ in range(2))
        left, right = (int(rng.uniform(0, widest) * width * (rng.random() < 0.5)) for _ in range(2))
        batch[i, :top], batch[i, height - bottom :] = value, value
        batch[i, :, :left], batch[i, :, width - right :] = value, value
    return batch


def letters(batch: np.ndarray, rng: np.random.Generator, p: float = 0.3) -> np.ndarray:
    """Burn a side marker or a word into a corner, so that the network does not lean on one hospital's markers."""
    _, height, width, _ = batch.shape
    words = ("R", "L", "R", "L", "A-P", "PA", "P", "PORTABLE", "SUPINE", "AP", "D")
    for i in _chosen(len(batch), rng, p):
        word = words[rng.integers(len(words))]
        scale = rng.uniform(0.25, 0.7) * height / 128 * (0.6 if len(word) > 3 else 1.0)
        x = int(rng.uniform(0.01, 0.15) * width) if rng.random() < 0.5 else int(rng.uniform(0.68, 0.9) * width)
        y = int(rng.uniform(0.08, 0.28) * height) if rng.random() < 0.7 else int(rng.uniform(0.8, 0.97) * height)
        level, thickness = int(rng.integers(150, 256)), int(rng.integers(1, 3))
        picture = np.ascontiguousarray(batch[i])
        cv2.putText(picture, word, (x, y), cv2.FONT_HERSHEY_SIMPLEX, scale, (level,) * 3, thickness, cv2.LINE_AA)
        batch[i] = picture
    return batch


AUGMENTATIONS: dict[str, Function] = {
    function.__name__: function
    for function in (
        flip, flip_vertical, shift, affine, elastic, stroke, european, tone, colour, resample, blur, jpeg, noise, erase,
        borders, letters, cutmix, mixup,
    )
}  # fmt: skip

_NEED_FACTS = frozenset(
    name for name, function in AUGMENTATIONS.items() if "facts" in inspect.signature(function).parameters
)
