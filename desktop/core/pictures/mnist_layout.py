"""The ``mnist`` fit: find one digit's ink in any picture and lay it out as MNIST's authors did.

MNIST's digits are light ink on black, scaled to fit 20×20 with their aspect ratio kept, and centred by mass in
28×28 (LeCun, Bottou, Bengio, Haffner 1998, section III.A). A scan or drawing differs in polarity, size, place,
lighting and stroke width; each is measured and undone here. A picture that already is laid out so passes
unchanged, byte for byte, which keeps the measured accuracy on MNIST true for the program.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from desktop.core.pictures import pixels
from desktop.core.pictures.ruled_paper import without_rules
from desktop.core.pictures.segments import MOST, split
from desktop.core.types import Notice, PreparedImage
from desktop.system.words import phrase

SIDE = 28
BOX = 20
_WORK = 320  # the digit's longer side, in pixels, at which stroke width is measured
_THIN, _THICK = 1.7, 3.8  # stroke width in pixels of the 20×20 box that MNIST's writers mostly stay within
_AIM_THIN, _AIM_THICK = 2.3, 3.2
MOST_TONES = 0.06
"""The share of half-tones from which on a picture is no drawing. Drawn and printed digits stay below .02, tight and
blurred cuttings of MNIST below .04 in 99 of 100; of 150 X-rays of a training split 148 had more than .08, of 100
photographs 95 more than .036."""
NOT_INK = "not-ink"
"""The code of the notice that says so."""
SEVERAL = "several"
"""The code of the notice that a picture holds several digits."""
TOO_MANY = "too-many"
"""The code of the notice that a picture holds more pieces of ink than are read."""
SMALL = 40
"""A picture with a shorter side is one digit: it may be laid out already, and passes unchanged then."""


class FoundInk(NamedTuple):
    """What :func:`find_ink` finds, and :func:`lay_out` takes.

    ``ink`` is float32 (H, W), 0 to 1, ``None`` where there is none; ``inverted`` says that it was darker than its
    paper, ``ruled`` that printed lines were taken out. ``tones`` is the share of the picture, 0 to 1, that is neither
    paper nor stroke nor the edge of one.
    """

    ink: np.ndarray | None
    inverted: bool = False
    ruled: bool = False
    tones: float = 0.0


def prepare_ink(grey: np.ndarray) -> PreparedImage:
    """Lay out the ink of ``grey`` (uint8, (H, W), any polarity) as an MNIST input, uint8 (28, 28, 1)."""
    if _is_laid_out(grey):
        return PreparedImage(np.ascontiguousarray(grey[:, :, np.newaxis]))
    found = find_ink(grey)
    whole = lay_out(*found)
    if min(grey.shape) < SMALL or found.tones > MOST_TONES:
        return whole
    pieces = split(found.ink)
    if len(pieces) < 2:
        more = (too_many(pieces[0].untold),) if pieces and pieces[0].untold else ()
        return PreparedImage(whole.pixels, (*more, *whole.notices))
    words = phrase("{count} pieces of ink stand apart, and the model reads one digit", count=len(pieces))
    each = tuple(lay_out(piece.ink, *found[1:]).pixels for piece in pieces)
    return PreparedImage(whole.pixels, (Notice(SEVERAL, words, "caution"), *whole.notices), each)


def too_many(count: int) -> Notice:
    """What to say of a picture that holds ``count`` pieces of ink."""
    words = phrase(
        "{count} pieces of ink, and no more than {most} are read: the answer is for one of them at most",
        count=count,
        most=MOST,
    )
    return Notice(TOO_MANY, words, "caution")


def lay_out(ink: np.ndarray | None, inverted: bool = False, ruled: bool = False, tones: float = 0.0) -> PreparedImage:
    """Lay out ``ink`` as :func:`find_ink` gives it, or a part of it; see :class:`FoundInk`."""
    notices: list[Notice] = []
    if ink is None:
        notices.append(Notice("no-ink", "no ink was found: the picture is blank", "caution"))
        return PreparedImage(np.zeros((SIDE, SIDE, 1), np.uint8), tuple(notices))
    if tones > MOST_TONES:
        words = phrase("{tones:.0%} of the picture is neither paper nor ink: it is no drawing", tones=tones)
        notices.append(Notice(NOT_INK, words, "caution"))
    if inverted:
        notices.append(Notice("inverted", "dark ink on light paper was inverted"))
    if ruled:
        notices.append(Notice("ruled", "the printed lines of the paper were left out"))
    digit, speckled = _crop(ink)
    if speckled:
        notices.append(Notice("despeckled", "marks far from the largest stroke, or much fainter, were left out"))
    digit, width = _normalise_stroke(digit)
    if width is not None:
        text = (
            "thin strokes were thickened (width {width:.1f} of {box})"
            if width < _THIN
            else "thick strokes were thinned (width {width:.1f} of {box})"
        )
        notices.append(Notice("stroke", phrase(text, width=width, box=BOX)))
    notices.append(
        Notice("centred", phrase("the ink was cropped, scaled into {box}×{box} and centred by mass", box=BOX))
    )
    return PreparedImage(_centre(_shrink(digit))[:, :, np.newaxis], tuple(notices))


def _is_laid_out(grey: np.ndarray) -> bool:
    """Whether a 28×28 picture already follows MNIST's layout: black margin, box of 20, mass in the middle.

    The tolerances hold every one of MNIST's 70,000 images and little else.
    """
    if grey.shape != (SIDE, SIDE):
        return False
    border = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    total = float(grey.sum())
    if total == 0 or int(border.max()) > 0 and float(border.mean()) > 10:
        return False
    if float((grey == 0).mean()) < 0.35 or int(grey.max()) < 150:
        return False
    rows, columns = np.nonzero(grey > 60)
    longest = max(np.ptp(rows), np.ptp(columns)) + 1
    axis = np.arange(SIDE)
    centre_y = float((grey.sum(axis=1) * axis).sum()) / total
    centre_x = float((grey.sum(axis=0) * axis).sum()) / total
    return bool(16 <= longest <= 22 and abs(centre_y - 14) < 1.6 and abs(centre_x - 14) < 1.6)


def find_ink(grey: np.ndarray) -> FoundInk:
    """The ink of ``grey`` (uint8 (H, W)).

    The ink has the picture's shape, or that of the picture reduced to a longer side of 1,600 pixels.
    """
    # Beyond this size a digit's strokes are many pixels wide; measuring would only be slower.
    longest = max(grey.shape)
    if longest > 1600:
        factor = 1600 / longest
        grey = np.rint(pixels.shrink(grey, *_scaled(grey, factor))).astype(np.uint8)
    values = grey.astype(np.float32)
    margin = max(1, min(grey.shape) // 20)
    border = np.concatenate(
        [values[:margin].ravel(), values[-margin:].ravel(), values[:, :margin].ravel(), values[:, -margin:].ravel()]
    )
    paper = float(np.median(border))
    low, high = np.percentile(values, [0.2, 99.8])
    low, high = min(low, float(values.min()) + 20), max(high, float(values.max()) - 20)
    if high - low < 24:
        return FoundInk(None)
    # The paper covers more than the ink does: its side of the grey range is the border's, unless the border
    # itself is mixed (a digit cut off by the edge, a frame), where the majority of all pixels decides.
    middle = (low + high) / 2
    votes = float((border > middle).mean())
    dark_ink = votes > 0.5 if abs(votes - 0.5) > 0.15 else float((values > middle).mean()) > 0.5
    darkness = (255.0 - values) if dark_ink else values
    level = 255.0 - paper if dark_ink else paper
    background = _paper_level(darkness, level)
    ink = np.clip(darkness - background, 0.0, None)
    peak = _peak(ink)
    if peak < 12:
        return FoundInk(None, dark_ink)
    ink, ruled = without_rules(ink / peak)
    if ruled:  # the peak may have been the lines'
        ink = ink / _peak(ink)
    ink = np.clip(ink, 0.0, 1.0)
    tones = _half_tones(ink)
    # Paper grain and JPEG noise around the strokes: below a fraction of Otsu's level nothing is ink.
    floor = min(0.35, 0.6 * pixels.otsu((ink * 255).astype(np.uint8)) / 255.0)
    ink = np.clip((ink - floor) / (1.0 - floor), 0.0, 1.0)
    return FoundInk(ink.astype(np.float32), dark_ink, ruled, tones)


def _peak(ink: np.ndarray) -> float:
    """How dark a full stroke of ``ink`` is; 0 for none."""
    darkest = float(ink.max())
    return float(np.percentile(ink[ink > 0.25 * darkest], 90)) if darkest > 0 else 0.0


def _half_tones(ink: np.ndarray) -> float:
    """The share of ``ink`` (float32 (H, W), 0 to 1) that lies between paper and full strokes over more than an edge.

    Measured at 64 pixels, where grain averages out and the soft edge of a stroke is less than three pixels wide.
    """
    scale = 64 / max(ink.shape)
    small = pixels.shrink(ink, *_scaled(ink, scale)) if scale < 1 else ink
    between = ((small > 0.15) & (small < 0.6)).astype(np.uint8)
    return float(pixels.erode(between, pixels.square(1)).mean())


def _paper_level(darkness: np.ndarray, level: float) -> np.ndarray | float:
    """What the paper alone would measure at each pixel: flat, or a plane with shadows where light was uneven."""
    from scipy.ndimage import gaussian_filter

    height, width = darkness.shape
    if min(height, width) < 48:
        return level
    small = _to_64(darkness)
    # Ink is the minority and the darker side: a grey opening by a disc wider than any stroke removes it.
    wide = pixels.disc(12)
    opened = pixels.dilate(pixels.erode(small, wide, edge=True), wide, edge=True)
    if float(np.ptp(opened)) < 16:
        return level
    smooth = gaussian_filter(opened, 6, mode="nearest")
    return pixels.enlarge(smooth, height, width, cubic=False)


def _to_64(values: np.ndarray) -> np.ndarray:
    """``values`` brought to 64×64; a side that is shorter (48 at least) is stretched."""
    height, width = values.shape
    shrunk = pixels.shrink(values, min(height, 64), min(width, 64))
    return shrunk if shrunk.shape == (64, 64) else pixels.enlarge(shrunk, 64, 64, cubic=False)


def _scaled(values: np.ndarray, factor: float) -> tuple[int, int]:
    """Rows and columns of ``values`` at ``factor`` times its size."""
    return max(1, round(values.shape[0] * factor)), max(1, round(values.shape[1] * factor))


def _crop(ink: np.ndarray) -> tuple[np.ndarray, bool]:
    """The ink's bounding box with far or faint marks removed; ``True`` when something was left out."""
    from scipy.ndimage import find_objects, label

    ink = _inked(ink)  # nothing below looks at what is not there
    mask = ink > 0.3
    if not mask.any():
        mask = ink > 0
    labels, count = label(mask, np.ones((3, 3), int))
    boxes = find_objects(labels)
    weights = np.bincount(labels.ravel(), weights=ink.ravel(), minlength=count + 1)
    weights[0] = 0
    main = int(weights.argmax())
    rows, columns = boxes[main - 1]
    reach = 0.25 * max(rows.stop - rows.start, columns.stop - columns.start)
    keep = np.zeros(count + 1, bool)
    for index, (across, along) in enumerate(boxes, 1):
        gap_x = max(columns.start - along.stop, along.start - columns.stop, 0)
        gap_y = max(rows.start - across.stop, across.start - rows.stop, 0)
        keep[index] = index == main or (weights[index] >= 0.02 * weights[main] and max(gap_x, gap_y) <= reach)
    kept = keep[labels]
    # Soft edges of a kept stroke lie just outside the mask and belong to it.
    soft = pixels.dilate(kept.astype(np.uint8), pixels.square(1)) > 0
    ys, xs = np.nonzero(kept)
    box = (slice(ys.min(), ys.max() + 1), slice(xs.min(), xs.max() + 1))
    return np.where(soft, ink, 0.0).astype(np.float32)[box], not bool(keep[1:].all())


def _inked(ink: np.ndarray) -> np.ndarray:
    """``ink`` (H, W) without the rows and columns around it that have none; as it is where all have none."""
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] if rows.size else ink


def _normalise_stroke(digit: np.ndarray) -> tuple[np.ndarray, float | None]:
    """Bring the stroke's width into MNIST's range; returns the digit and the width found, ``None`` if kept.

    The width is twice the median of the distance transform along its ridge, in pixels of the 20×20 box.
    """
    from scipy.ndimage import distance_transform_edt

    scale = _WORK / max(digit.shape)
    resize = pixels.shrink if scale < 1 else pixels.enlarge
    # With room so that a thickened stroke is not cut off at the box.
    work = np.pad(np.clip(resize(digit, *_scaled(digit, scale)), 0.0, 1.0), 48)
    mask = work > 0.45
    if not mask.any():
        return digit, None
    distance = distance_transform_edt(mask).astype(np.float32)
    ridge = (distance >= pixels.dilate(distance, pixels.square(2))) & (distance > 1.0)
    if not ridge.any():
        return digit, None
    pixel = _WORK / BOX
    width = 2.0 * float(np.median(distance[ridge])) / pixel
    if _THIN <= width <= _THICK:
        return digit, None
    aim = _AIM_THIN if width < _THIN else _AIM_THICK
    radius = abs(aim - width) / 2 * pixel
    steps = max(1, round(radius))
    work = pixels.dilate(work, pixels.disc(steps)) if width < _THIN else _thin(work, steps)
    rows, columns = np.nonzero(work > 0.3)
    if rows.size == 0:
        return digit, None
    cropped = work[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    return cropped, width


def _thin(work: np.ndarray, steps: int) -> np.ndarray:
    """Erode, but never break a stroke: where erosion would lose more than two thirds of the ink, keep it."""
    eroded = pixels.erode(work, pixels.disc(steps))
    return eroded if float(eroded.sum()) > 0.33 * float(work.sum()) else work


def _shrink(digit: np.ndarray) -> np.ndarray:
    """The digit scaled to fit 20×20 with its aspect ratio kept, float32 0 to 1."""
    scale = BOX / max(digit.shape)
    if scale < 1:
        return pixels.shrink(digit, *_scaled(digit, scale))
    enlarged: np.ndarray = np.clip(pixels.enlarge(digit, *_scaled(digit, scale)), 0.0, 1.0)
    return enlarged


def _centre(small: np.ndarray) -> np.ndarray:
    """Lay ``small`` (at most 20×20) into 28×28 with its centre of mass in the middle, as uint8."""
    peak = float(small.max())
    if peak > 0:
        # Strokes of one to three pixels never reach full white after averaging; MNIST's do.
        small = np.clip(small / max(0.35, min(peak, float(np.percentile(small[small > 0], 85)))), 0.0, 1.0)
    total = float(small.sum()) or 1.0
    mass_y = float((small.sum(axis=1) * np.arange(small.shape[0])).sum()) / total
    mass_x = float((small.sum(axis=0) * np.arange(small.shape[1])).sum()) / total
    top = min(max(0, round(SIDE / 2 - mass_y)), SIDE - small.shape[0])
    left = min(max(0, round(SIDE / 2 - mass_x)), SIDE - small.shape[1])
    canvas = np.zeros((SIDE, SIDE), np.uint8)
    canvas[top : top + small.shape[0], left : left + small.shape[1]] = np.round(small * 255)
    return canvas
