"""The printed lines of ruled and squared paper, found so that they are not taken for ink.

A printed line is thin, nearly straight and spans the picture; a pen's stroke is none of this for long. Where a stroke
crosses or covers a line, the ink is thicker than the line, and stays.
"""

from __future__ import annotations

import numpy as np

_SIDE = 480  # lines are looked for at this size of the longer side
_RUN = 0.1  # a line holds unbroken runs of this part of the side; at 2° it climbs less than its own thickness meanwhile
_SPAN = 0.7  # and spans this part of the side in all
_WHOLE = 0.95  # one alone must span nearly everything
_ALONE = 0.6  # with nothing beside its ends: other ink spans at most this part of the side
_THICK = 0.02  # its thickness at most, as a part of the side
_FAINT = 0.06  # darkness from which on something may be a line
_DARKER = 1.3  # times as dark as a line's middle: a pen's
_LEFT = 0.02  # part of the ink that must remain, or the lines were the drawing


def without_rules(ink: np.ndarray) -> tuple[np.ndarray, bool]:
    """``ink`` (float32 (H, W), 0 paper to about 1, the darkest of it beyond) with printed lines taken out; and whether
    there were any.

    Lines across, turned by up to about two degrees: two of them, or one from edge to edge under or over
    something narrower. Lines down the page too
    where there are at least three, or lines across. Without any the very same array is returned.
    """
    if min(ink.shape) < 64:
        return ink, False
    block = -(-max(ink.shape) // _SIDE)
    mask = _largest_of_blocks(ink, block) > _FAINT
    across = _rules(mask, fewest=2)
    down = _rules(mask.T, fewest=3 if across is None else 1)
    if across is None and down is None:
        return ink, False
    result = ink
    if across is not None:
        result = _taken_out(result, across, block)
    if down is not None:
        result = _taken_out(result.T, down, block).T
    if float(result.sum()) < _LEFT * float(ink.sum()):
        return ink, False
    return np.ascontiguousarray(result), True


def _largest_of_blocks(ink: np.ndarray, block: int) -> np.ndarray:
    """The darkest of every ``block`` × ``block`` pixels: an average would lose thin lines."""
    if block == 1:
        return ink
    height, width = (-(-side // block) for side in ink.shape)
    room = ((0, height * block - ink.shape[0]), (0, width * block - ink.shape[1]))
    blocks: np.ndarray = np.pad(ink, room).reshape(height, block, width, block).max(axis=(1, 3))
    return blocks


def _rules(mask: np.ndarray, fewest: int) -> tuple[np.ndarray, float] | None:
    """The pixels around lines across ``mask`` (bool (H, W)) and the lines' thickness in pixels.

    ``None`` where there are fewer than ``fewest`` lines.
    """
    from scipy.ndimage import find_objects, label

    height, width = mask.shape
    thick = max(3.0, _THICK * max(height, width))
    if not _spanned(mask, int(2 * thick)):
        return None
    long = _long_runs(_grown(mask), max(8, round(_RUN * width))) & mask
    found_marks, count = label(long, structure=np.ones((3, 3), int))
    marks = np.asarray(found_marks)
    if not count:
        return None
    spans = np.array([columns.stop - columns.start for _, columns in find_objects(marks)])
    candidates = np.flatnonzero(spans >= _SPAN * width) + 1
    runs = _run_lengths(mask)
    found, thickness = [], []
    for mark in candidates:
        # A stroke that touches the line adds thick columns, seldom most of them.
        least = np.where(np.isin(marks, [mark]), runs, 1 << 20).min(axis=0)
        middle = float(np.median(least[least < 1 << 20]))
        if middle <= thick:
            found.append(mark)
            thickness.append(middle)
    whole = [mark for mark in found if spans[mark - 1] >= _WHOLE * width]
    alone = fewest < 3 and bool(whole) and _is_apart(mask, np.isin(marks, whole[:1]))
    if len(found) < fewest and not alone:
        return None
    # Once there are rules, their pieces beside a wide stroke, in the same rows, are rules too.
    rows = np.flatnonzero(np.isin(marks, found).any(axis=1))
    beside = np.zeros_like(long)
    beside[rows] = long[rows]
    return beside, float(np.median(thickness))


def _is_apart(mask: np.ndarray, line: np.ndarray) -> bool:
    """Whether what else is drawn leaves free the ends of ``line``: a digit's own bar ends where the digit does."""
    rest = np.flatnonzero(mask[~_grown(line).any(axis=1)].any(axis=0))
    return rest.size == 0 or np.ptp(rest) + 1 <= _ALONE * mask.shape[1]


def _grown(mask: np.ndarray) -> np.ndarray:
    """``mask`` with one more pixel above and below."""
    tall = mask.copy()
    tall[1:] |= mask[:-1]
    tall[:-1] |= mask[1:]
    return tall


def _spanned(mask: np.ndarray, band: int) -> bool:
    """Whether some ``band`` of rows holds something in enough columns to be a line; nearly free of cost."""
    sums = np.cumsum(np.pad(mask, ((1, 0), (0, 0))), axis=0, dtype=np.int32)
    band = min(band, mask.shape[0])
    covered = (sums[band:] - sums[:-band]) > 0
    return bool((covered.sum(axis=1) >= _SPAN * mask.shape[1]).any())


def _long_runs(mask: np.ndarray, length: int) -> np.ndarray:
    """The pixels of ``mask`` in horizontal runs of at least ``length``."""
    sums = np.cumsum(np.pad(mask, ((0, 0), (1, 0))), axis=1, dtype=np.int32)
    starts = (sums[:, length:] - sums[:, :-length]) == length
    spread = np.cumsum(np.pad(starts, ((0, 0), (length, length - 1))), axis=1, dtype=np.int32)
    runs: np.ndarray = (spread[:, length:] - spread[:, :-length]) > 0
    return runs[:, : mask.shape[1]]


def _run_lengths(mask: np.ndarray) -> np.ndarray:
    """Int32 of the shape of ``mask``: how long the vertical run is that each of its pixels lies in, 0 elsewhere."""
    down = np.zeros(mask.shape, np.int32)
    count = np.zeros(mask.shape[1], np.int32)
    for row in range(len(mask)):
        count = (count + 1) * mask[row]
        down[row] = count
    for row in range(len(mask) - 2, -1, -1):  # a run's last pixel knows its length: hand it up
        np.copyto(down[row], down[row + 1], where=mask[row] & mask[row + 1])
    return down


def _taken_out(ink: np.ndarray, rules: tuple[np.ndarray, float], block: int) -> np.ndarray:
    """``ink`` without the lines across: around each, what is no thicker and no darker than a line, its soft edges
    included."""
    around, thickness = rules
    near = np.kron(_grown(around), np.ones((block, block), bool)) if block > 1 else _grown(around)
    near = near[: ink.shape[0], : ink.shape[1]]
    runs = _run_lengths(ink > _FAINT)
    thin = runs <= (thickness + 2) * block
    # A thin pen's stroke along or across a faint line is as thin as that, but clearly darker.
    line = float(np.median(_largest_of_blocks(ink, block)[around]))
    return np.where(near & thin & (ink <= _DARKER * line + _FAINT), 0.0, ink).astype(np.float32)
