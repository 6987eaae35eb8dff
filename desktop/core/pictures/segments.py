"""Several digits side by side: where each of them lies in a picture, so that they can be read one by one.

Ink that hangs together is one digit, and so is a broken stroke that belongs to it: a 5's loose bar, a 4's open half.
Digits that touch are not taken apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

MOST = 20
"""More pieces than this are a texture or a page of text: they are not read one by one."""

_SPECK = 0.015  # ink of a piece, as a part of the largest one's, below which it is dirt
_TALL = 0.55  # height, as a part of the tallest piece's, above which a piece is a digit rather than a part of one
_ABREAST = 0.5  # part of the lower one's rows from which on two tall pieces share them
_BESIDE = ((0.5, 0.12), (0.7, 0.06))  # up to this ratio of heights a part may stand this far (parts of the height) away


@dataclass(frozen=True, slots=True)
class InkBox:
    """A rectangle in pixels: columns ``x`` to ``x + width``, rows ``y`` to ``y + height``."""

    x: int
    y: int
    width: int
    height: int

    @property
    def right(self) -> int:
        """The first column beyond it."""
        return self.x + self.width

    @property
    def bottom(self) -> int:
        """The first row below it."""
        return self.y + self.height

    def scaled(self, factor: float) -> InkBox:
        """The same one in a picture ``factor`` times as large."""
        x, y = round(self.x * factor), round(self.y * factor)
        return InkBox(x, y, max(1, round(self.right * factor) - x), max(1, round(self.bottom * factor) - y))

    def joined(self, other: InkBox) -> InkBox:
        """The smallest box around both."""
        x, y = min(self.x, other.x), min(self.y, other.y)
        return InkBox(x, y, max(self.right, other.right) - x, max(self.bottom, other.bottom) - y)


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """One digit: its ``box`` in the ink it was found in, and its own ``ink`` alone, float32 (H, W), 0 to 1: what
    :func:`desktop.core.pictures.mnist_layout.lay_out` takes. ``untold`` is 0, or how many pieces it holds that were not
    told apart."""

    box: InkBox
    ink: np.ndarray
    untold: int = 0


def split(ink: np.ndarray | None) -> list[Piece]:
    """The digits of ``ink``, as :func:`desktop.core.pictures.mnist_layout.find_ink` gives it, in reading order: by
    rows, from left to right.

    Ink of one digit comes back as it is, and so does that of more than :data:`MOST` pieces, whose only piece counts
    them; a blank sheet (``None``) gives none.
    """
    from scipy.ndimage import find_objects, label

    if ink is None:
        return []
    found, count = label(ink > 0.3, structure=np.ones((3, 3), int))
    marks = np.asarray(found)
    if not count:
        return []
    weights = np.bincount(marks.ravel(), weights=ink.ravel(), minlength=count + 1)[1:]
    boxes = [InkBox(x.start, y.start, x.stop - x.start, y.stop - y.start) for y, x in find_objects(marks)]
    kept = [i for i in range(count) if weights[i] >= _SPECK * weights.max()]
    if len(kept) > MOST:
        whole = boxes[kept[0]]
        for i in kept:
            whole = whole.joined(boxes[i])
        return [Piece(whole, ink, len(kept))]
    groups = _joined([([i + 1], boxes[i]) for i in kept], marks)
    if len(groups) < 2:
        return [Piece(groups[0][1], ink)]
    return [Piece(group[1], _alone(ink, marks, group)) for group in _in_order(groups)]


def alone(grey: np.ndarray, digits: Sequence[tuple[InkBox, np.ndarray]], number: int) -> np.ndarray:
    """``grey`` (uint8 (H, W)) with all ``digits`` painted out but the one at place ``number``.

    Of each its box and where its ink is, bool, as a :class:`Piece` of this very picture has them (``ink > 0``). NumPy
    alone: the window calls it.
    """
    own, others = np.zeros(grey.shape, bool), np.zeros(grey.shape, bool)
    for place, (box, ink) in enumerate(digits):
        layer = own if place == number else others
        layer[_with_margin(box)] |= ink
    # The palest part of an edge is no ink to the one who splits, but would be seen.
    others = _grown(others, 2) & ~own
    paper = np.median(grey[~own & ~others])
    return np.where(others, paper, grey).astype(np.uint8)


def _grown(mask: np.ndarray, by: int) -> np.ndarray:
    """``mask`` with every pixel that lies at most ``by`` rows and columns beside it."""
    rows = mask.copy()
    for step in range(1, by + 1):
        rows[step:] |= mask[:-step]
        rows[:-step] |= mask[step:]
    both = rows.copy()
    for step in range(1, by + 1):
        both[:, step:] |= rows[:, :-step]
        both[:, :-step] |= rows[:, step:]
    return both


Group = tuple[list[int], InkBox]


def _joined(groups: list[Group], marks: np.ndarray) -> list[Group]:
    """Groups of ``marks``, those that belong together joined, until none is left to join."""
    tallest = max(box.height for _, box in groups)
    merged = True
    while merged:
        merged = False
        for i in range(len(groups)):
            for j in range(i + 1, len(groups)):
                if _belong(groups[i], groups[j], tallest, marks):
                    first, second = groups[i], groups.pop(j)
                    groups[i] = ([*first[0], *second[0]], first[1].joined(second[1]))
                    merged = True
                    break
            if merged:
                break
    return groups


def _belong(first: Group, second: Group, tallest: int, marks: np.ndarray) -> bool:
    """Whether two groups of ``marks`` are parts of one digit; ``tallest`` is the height of the tallest group."""
    a, b = first[1], second[1]
    across = min(a.right, b.right) - max(a.x, b.x)  # below 0: the gap between them
    down = min(a.bottom, b.bottom) - max(a.y, b.y)
    narrow = max(1, min(a.width, b.width))
    low = min(a.height, b.height)
    size = max(a.height, b.height, max(a.width, b.width) // 2)
    both_tall = low > _TALL * tallest
    if both_tall and across > 0 and down >= _ABREAST * low:
        # Boxes of slanted digits overlap although their ink stands side by side in every row.
        gap = _row_gap(first, second, marks)
        across = across if gap is None else -gap
    if across >= 0.5 * narrow and down >= -0.3 * size:
        # One over the other, or nearly so: a bar above its body. Two rows of digits are farther apart.
        return not (both_tall and down < 0.25 * low)
    ratio = low / max(a.height, b.height)
    reach = next((gap for most, gap in _BESIDE if ratio < most), None)
    return reach is not None and down >= -0.08 * size and across >= -reach * size


def _row_gap(first: Group, second: Group, marks: np.ndarray) -> int | None:
    """The smallest gap between two groups in a row of pixels; ``None`` where neither is left of the other in all."""
    top, bottom = max(first[1].y, second[1].y), min(first[1].bottom, second[1].bottom)
    ends = []
    for numbers, _ in (first, second):
        own = np.isin(marks[top:bottom], numbers)
        filled = own.any(axis=1)
        ends.append((filled, own.argmax(axis=1), own.shape[1] - own[:, ::-1].argmax(axis=1)))
    (filled, start, stop), (others, other_start, other_stop) = ends
    rows = filled & others
    if not rows.any():
        return None
    gap = max(int((other_start - stop)[rows].min()), int((start - other_stop)[rows].min()))
    return gap if gap >= 0 else None


def _in_order(groups: list[Group]) -> list[Group]:
    """By rows, from left to right: a group belongs to the row whose last one it overlaps by half its height."""
    rows: list[list[Group]] = []
    for group in sorted(groups, key=lambda item: item[1].y):
        box = group[1]
        for row in rows:
            other = row[-1][1]
            shared = min(box.bottom, other.bottom) - max(box.y, other.y)
            if shared >= 0.4 * min(box.height, other.height):
                row.append(group)
                break
        else:
            rows.append([group])
    return [group for row in rows for group in sorted(row, key=lambda item: item[1].x)]


def _with_margin(box: InkBox) -> tuple[slice, slice]:
    return slice(max(0, box.y - 3), box.bottom + 3), slice(max(0, box.x - 3), box.right + 3)


def _alone(ink: np.ndarray, marks: np.ndarray, group: Group) -> np.ndarray:
    """One group's ink without the others'."""
    from scipy.ndimage import binary_dilation

    numbers, box = group
    rows, columns = _with_margin(box)
    # Soft edges of a stroke lie just outside its mark and belong to it.
    own = binary_dilation(np.isin(marks[rows, columns], numbers), iterations=2)
    alone: np.ndarray = np.where(own, ink[rows, columns], 0.0).astype(np.float32)
    return alone
