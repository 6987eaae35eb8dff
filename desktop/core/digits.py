"""Several digits side by side: where each of them lies in a picture, so that they can be read one by one.

Ink that hangs together is one digit, and so is a broken stroke that belongs to it: a 5's loose bar, a 4's open half.
Digits that touch are not taken apart.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from desktop.core.ink import find_ink

MOST = 20
"""More pieces than this are a texture or a page of text: the picture is then read as a whole."""

_SPECK = 0.015  # ink of a piece, as a part of the largest one's, below which it is dirt
_TALL = 0.55  # height, as a part of the tallest piece's, above which a piece is a digit rather than a part of one
_BESIDE = ((0.5, 0.12), (0.7, 0.06))  # up to this ratio of heights a part may stand this far (parts of the height) away
_MARGIN = 0.35  # paper around a digit cut out, as a part of its longer side


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in pixels of the picture: columns ``x`` to ``x + width``, rows ``y`` to ``y + height``."""

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

    def joined(self, other: Box) -> Box:
        """The smallest box around both."""
        x, y = min(self.x, other.x), min(self.y, other.y)
        return Box(x, y, max(self.right, other.right) - x, max(self.bottom, other.bottom) - y)


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """One digit: its ``box`` in the picture, and ``pixels``, uint8 (H, W): its ink alone on the picture's paper."""

    box: Box
    pixels: np.ndarray


def split(grey: np.ndarray) -> list[Piece]:
    """The digits of ``grey`` (uint8 (H, W), any polarity) in reading order: by rows, from left to right.

    A picture with one digit, or with more than :data:`MOST` pieces, comes back as it is; a blank one gives none.
    """
    from scipy.ndimage import find_objects, label

    ink, dark, _ = find_ink(grey)
    if ink is None:
        return []
    marks, count = label(ink > 0.3, structure=np.ones((3, 3), int))
    if not count:
        return []
    weights = np.bincount(marks.ravel(), weights=ink.ravel(), minlength=count + 1)[1:]
    boxes = [Box(x.start, y.start, x.stop - x.start, y.stop - y.start) for y, x in find_objects(marks)]
    kept = [i for i in range(count) if weights[i] >= _SPECK * weights.max()]
    if len(kept) > MOST:
        return [Piece(_around([boxes[i] for i in kept], ink.shape, grey.shape), grey)]
    groups = _joined([([i + 1], boxes[i]) for i in kept])
    if len(groups) < 2:
        return [Piece(_scaled(groups[0][1], ink.shape, grey.shape), grey)]
    paper = int(np.median(grey[_enlarged(ink, grey.shape) == 0])) if (ink == 0).any() else (255 if dark else 0)
    return [_cut(grey, ink, marks, group, paper) for group in _in_order(groups)]


Group = tuple[list[int], Box]


def _joined(groups: list[Group]) -> list[Group]:
    """Groups of marks, those that belong together joined, until none is left to join."""
    tallest = max(box.height for _, box in groups)
    merged = True
    while merged:
        merged = False
        for i in range(len(groups)):
            for j in range(i + 1, len(groups)):
                if _belong(groups[i][1], groups[j][1], tallest):
                    first, second = groups[i], groups.pop(j)
                    groups[i] = ([*first[0], *second[0]], first[1].joined(second[1]))
                    merged = True
                    break
            if merged:
                break
    return groups


def _belong(a: Box, b: Box, tallest: int) -> bool:
    """Whether two pieces are parts of one digit; ``tallest`` is the height of the tallest piece."""
    across = min(a.right, b.right) - max(a.x, b.x)  # below 0: the gap between them
    down = min(a.bottom, b.bottom) - max(a.y, b.y)
    narrow = max(1, min(a.width, b.width))
    size = max(a.height, b.height, max(a.width, b.width) // 2)
    if across >= 0.5 * narrow and down >= -0.3 * size:
        # One over the other, or nearly so: a bar above its body. Two rows of digits are farther apart.
        both_tall = min(a.height, b.height) > _TALL * tallest
        return not (both_tall and down < 0.25 * min(a.height, b.height))
    ratio = min(a.height, b.height) / max(a.height, b.height)
    reach = next((gap for most, gap in _BESIDE if ratio < most), None)
    return reach is not None and down >= -0.08 * size and across >= -reach * size


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


def _cut(grey: np.ndarray, ink: np.ndarray, marks: np.ndarray, group: Group, paper: int) -> Piece:
    """One group's ink on its own, with paper around it."""
    from scipy.ndimage import binary_dilation

    numbers, box = group
    margin = max(3, round(_MARGIN * max(box.width, box.height)))
    top, left = max(0, box.y - margin), max(0, box.x - margin)
    rows, columns = slice(top, box.bottom + margin), slice(left, box.right + margin)
    # Soft edges of a stroke lie just outside its mark and belong to it.
    own = binary_dilation(np.isin(marks[rows, columns], numbers), iterations=2)
    where = _scaled(Box(left, top, own.shape[1], own.shape[0]), ink.shape, grey.shape)
    part = grey[where.y : where.bottom, where.x : where.right]
    alone = np.where(_enlarged(own.astype(np.float32), part.shape) > 0.5, part, paper).astype(np.uint8)
    room = ((margin, margin), (margin, margin))  # a digit at the picture's edge has paper on all sides too
    return Piece(_scaled(box, ink.shape, grey.shape), np.pad(alone, room, constant_values=paper))


def _enlarged(values: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """``values`` at ``shape``, each repeated: only pictures beyond 1,600 pixels were ever reduced."""
    if values.shape == shape:
        return values
    rows = np.minimum(np.arange(shape[0]) * values.shape[0] // shape[0], values.shape[0] - 1)
    columns = np.minimum(np.arange(shape[1]) * values.shape[1] // shape[1], values.shape[1] - 1)
    result: np.ndarray = values[rows[:, None], columns]
    return result


def _around(boxes: list[Box], found: tuple[int, ...], wanted: tuple[int, ...]) -> Box:
    whole = boxes[0]
    for box in boxes[1:]:
        whole = whole.joined(box)
    return _scaled(whole, found, wanted)


def _scaled(box: Box, found: tuple[int, ...], wanted: tuple[int, ...]) -> Box:
    """``box`` in a picture of the shape ``found`` as the same one in the shape ``wanted``."""
    if found == wanted:
        return box
    down, across = wanted[0] / found[0], wanted[1] / found[1]
    x, y = int(box.x * across), int(box.y * down)
    return Box(
        x,
        y,
        max(1, min(round(box.width * across), wanted[1] - x)),
        max(1, min(round(box.height * down), wanted[0] - y)),
    )
