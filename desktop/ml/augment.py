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

from desktop.ml.plan import PlanError, Step

cv2.setNumThreads(1)  # one worker thread a batch; OpenCV's own threads would fight the training for the cores

Function = Callable[..., np.ndarray]
_BORDERS = {
    "constant": cv2.BORDER_CONSTANT,
    "nearest": cv2.BORDER_REPLICATE,
    "reflect": cv2.BORDER_REFLECT_101,
}


def check(steps: Sequence[Step]) -> None:
    """Raise :class:`PlanError` for an unknown augmentation or setting, before a training starts."""
    for step in steps:
        if step.name not in AUGMENTATIONS:
            known = ", ".join(sorted(AUGMENTATIONS))
            raise PlanError("bad-plan", f"there is no augmentation '{step.name}'", f"Known ones: {known}.")
        allowed = set(list(inspect.signature(AUGMENTATIONS[step.name]).parameters)[2:])
        unknown = sorted(step.settings.keys() - allowed)
        if unknown:
            raise PlanError("bad-plan", f"augmentation '{step.name}' has no setting {', '.join(unknown)}")


def apply(batch: np.ndarray, steps: Sequence[Step], rng: np.random.Generator) -> np.ndarray:
    """All ``steps`` in order. ``batch`` itself is left as it is."""
    result = np.array(batch, copy=True)
    for step in steps:
        result = AUGMENTATIONS[step.name](result, rng, **step.settings)
    return result


def _chosen(count: int, rng: np.random.Generator, p: float) -> Any:
    return np.flatnonzero(rng.random(count) < p)


def _keep_axis(picture: np.ndarray, like: np.ndarray) -> np.ndarray:
    return picture.reshape(like.shape)  # OpenCV drops a single channel's axis


def flip(batch: np.ndarray, rng: np.random.Generator, p: float = 0.5) -> np.ndarray:
    """Mirror left and right with probability ``p``."""
    picked = _chosen(len(batch), rng, p)
    batch[picked] = batch[picked, :, ::-1]
    return batch


def shift(batch: np.ndarray, rng: np.random.Generator, pixels: int = 2) -> np.ndarray:
    """Shift by up to ``pixels`` whole pixels each way; what comes in is mirrored from the picture."""
    count, height, width, _ = batch.shape
    padded = np.pad(batch, ((0, 0), (pixels, pixels), (pixels, pixels), (0, 0)), mode="reflect")
    rows = rng.integers(0, 2 * pixels + 1, count)[:, None] + np.arange(height)
    columns = rng.integers(0, 2 * pixels + 1, count)[:, None] + np.arange(width)
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
    centre = np.array([(width - 1) / 2, (height - 1) / 2])
    for i in _chosen(len(batch), rng, p):
        angle, slant = np.deg2rad(rng.uniform(-rotate, rotate)), np.tan(np.deg2rad(rng.uniform(-shear, shear)))
        scale = np.exp(rng.uniform(np.log(zoom[0]), np.log(zoom[1])))
        stretch = np.exp(rng.uniform(-aspect, aspect) / 2)
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        matrix = turn @ np.array([[1, slant], [0, 1]]) @ np.diag([scale * stretch, scale / stretch])
        move = rng.uniform(-shift, shift, 2) * (width, height)
        full = np.column_stack([matrix, centre - matrix @ centre + move])
        warped = cv2.warpAffine(batch[i], full, (width, height), flags=cv2.INTER_LINEAR, borderMode=_BORDERS[border])
        batch[i] = _keep_axis(warped, batch[i])
    return batch


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
        flip, shift, affine, elastic, stroke, tone, colour, resample, blur, jpeg, noise, erase, borders, letters,
    )
}  # fmt: skip


def settings_of(name: str) -> dict[str, Any]:
    """The settings of one augmentation with their defaults, for a form."""
    parameters = list(inspect.signature(AUGMENTATIONS[name]).parameters.values())[2:]
    return {parameter.name: parameter.default for parameter in parameters}
