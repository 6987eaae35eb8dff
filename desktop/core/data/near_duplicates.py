"""Pictures that are nearly the same: found among a hundred thousand without comparing each with each.

Method: of every picture a grey 16×16 thumbnail is kept. Less the mean thumbnail of the whole set (black margins that
all share say nothing) and its own mean, it is hashed by the signs of random projections (Charikar 2002, 'Similarity
estimation techniques from rounding algorithms'): the share of bits in which two hashes differ is their angle divided by
π. Hashes are cut into bands (Indyk and Motwani 1998); pictures with one band alike are candidates, candidates whose
thumbnails correlate are compared once more, larger, by whoever has the pictures. Copies that were saved again, scaled,
or made a little lighter are found; a mirrored or cropped copy is not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from PIL import Image

SIDE = 16
"""Thumbnails are ``SIDE`` × ``SIDE`` grey levels."""
ALIKE = 0.985
"""Candidates' thumbnails correlate at least so much."""
LARGE = 64
"""Pixels a side at which candidates are compared once more."""
COPY, CLOSER, SERIES = 0.98, 0.99, 8
"""Their correlation there, from which they count as nearly the same; in groups of more than ``SERIES`` (a digit 1 looks
like any other) it takes ``CLOSER``."""
MOST_PAIRS = 40_000
"""More pairs of candidates than this are not followed: such a set holds series, not copies."""

# With 10 bands a pair that correlates by .985 is missed once in 170, one by .995 once in 13,000.
_BANDS, _BITS = 10, 16
_BLOCK = 8192
_MOST_ALIKE = 256  # pictures with one band in common; beyond, only neighbours in the order of the other bands are tried
_FLAT = 2.0  # grey levels of deviation below which a picture shows nothing to compare


def candidates(thumbnails: np.ndarray, cancelled: Callable[[], bool] | None = None) -> tuple[np.ndarray, bool]:
    """Pairs of pictures that may be copies: int64 (pairs, 2), each ``i < j``, the most alike first; whether all of
    them are there (where hundreds are much alike not each is compared with each, nor more than :data:`MOST_PAIRS`).

    ``thumbnails`` is uint8 (n, 256). Ends early, with what it has, when ``cancelled`` answers true.
    """
    count = len(thumbnails)
    if count < 2:
        return np.empty((0, 2), np.int64), True
    mean = thumbnails.mean(axis=0, dtype=np.float64).astype(np.float32)
    hashes, flat = _hashes(thumbnails, mean)
    pairs: list[np.ndarray] = []
    scores: list[np.ndarray] = []
    total = 0
    for first, second in _banded(hashes, flat):
        if cancelled and cancelled():
            break
        like = _correlations(thumbnails, first, second)
        good = like >= ALIKE
        if good.any():
            pairs.append(np.stack([first[good], second[good]], axis=1))
            scores.append(like[good])
            total += int(good.sum())
            if total > 8 * MOST_PAIRS:
                break
    crowded = any(np.bincount(hashes[~flat, band]).max(initial=0) > _MOST_ALIKE for band in range(_BANDS))
    if not pairs:
        return np.empty((0, 2), np.int64), not crowded
    found, index = np.unique(np.concatenate(pairs), axis=0, return_index=True)
    order = np.argsort(-np.concatenate(scores)[index], kind="stable")
    # More pairs than pictures: a series, of which hashes that nearly agree find only a part.
    complete = not crowded and total <= 8 * MOST_PAIRS and len(found) <= min(count, MOST_PAIRS)
    return found[order][:MOST_PAIRS], complete


def thumbnails_of(images: Any) -> np.ndarray:
    """Thumbnails uint8 (n, 256) of pictures of one size, uint8 (n, height, width, channels)."""
    out = np.empty((len(images), SIDE * SIDE), np.uint8)
    for position in range(len(images)):
        out[position] = _grey(images[position], SIDE).reshape(-1)
    return out


def of_images(images: Any, thumbnails: np.ndarray) -> list[list[int]]:
    """Groups of positions of nearly the same pictures among ``images`` uint8 (n, height, width, channels)."""
    found, _ = candidates(thumbnails)
    held: dict[int, np.ndarray] = {}

    def larger(position: int) -> np.ndarray:
        if position not in held:
            if len(held) >= 4096:
                held.clear()
            held[position] = _grey(images[position], LARGE)
        return held[position]

    likes = [correlation(larger(a), larger(b)) for a, b in found.tolist()]
    return joined(confirmed(found, np.array(likes)))


def confirmed(pairs: np.ndarray, likes: np.ndarray) -> np.ndarray:
    """Those of ``pairs`` (n, 2) whose pictures correlate enough when they are compared at :data:`LARGE` pixels a side;
    where that would join many, they are a series of similar subjects, and only the closer pairs count."""
    kept, close = pairs[likes >= COPY], likes[likes >= COPY] >= CLOSER
    series = {i for group in joined(kept) if len(group) > SERIES for i in group}
    alone = np.array([pair[0] not in series for pair in kept.tolist()], bool)
    return kept[close | alone] if len(kept) else kept


def _grey(image: np.ndarray, side: int) -> np.ndarray:
    picture = Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image).convert("L")
    return np.asarray(picture.resize((side, side), Image.Resampling.BOX))


def correlation(first: np.ndarray, second: np.ndarray) -> float:
    """Pearson's correlation of two arrays of one shape, -1 to 1; 0 where one of them is flat."""
    a, b = (np.asarray(x, np.float64).ravel() for x in (first, second))
    a, b = a - a.mean(), b - b.mean()
    size = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / size if size > 0 else 0.0


def joined(pairs: np.ndarray) -> list[list[int]]:
    """The groups that ``pairs`` (n, 2) join, each ascending, in the order of their first member."""
    parent: dict[int, int] = {}

    def root(item: int) -> int:
        while parent.setdefault(item, item) != item:
            parent[item] = parent[parent[item]]
            item = parent[item]
        return item

    for first, second in pairs.tolist():
        a, b = root(first), root(second)
        parent[max(a, b)] = min(a, b)
    groups: dict[int, list[int]] = {}
    for item in sorted(parent):
        groups.setdefault(root(item), []).append(item)
    return list(groups.values())


def _hashes(thumbnails: np.ndarray, mean: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """uint16 (n, bands), and which pictures are flat (bool)."""
    # Fixed: the same data always gives the same pairs.
    directions = np.random.default_rng(20020519).standard_normal((SIDE * SIDE, _BANDS * _BITS)).astype(np.float32)
    weights = (1 << np.arange(_BITS)).astype(np.uint32)
    hashes = np.empty((len(thumbnails), _BANDS), np.uint16)
    flat = np.empty(len(thumbnails), bool)
    for start in range(0, len(thumbnails), _BLOCK):
        raw = thumbnails[start : start + _BLOCK].astype(np.float32)
        flat[start : start + _BLOCK] = raw.std(axis=1) < _FLAT
        part = raw - mean
        part -= part.mean(axis=1, keepdims=True)
        bits = ((part @ directions) > 0).reshape(len(part), _BANDS, _BITS)
        hashes[start : start + _BLOCK] = (bits * weights).sum(axis=2).astype(np.uint16)
    return hashes, flat


def _banded(hashes: np.ndarray, flat: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Pairs of positions that share a band, in portions; flat pictures are in none."""
    places = np.flatnonzero(~flat)
    for band in range(_BANDS):
        others = [hashes[places, (band + step) % _BANDS] for step in range(_BANDS - 1, 0, -1)]
        order = places[np.lexsort((*others, hashes[places, band]))]
        keys = hashes[order, band]
        starts = np.flatnonzero(np.concatenate(([True], keys[1:] != keys[:-1])))
        sizes = np.diff(np.append(starts, len(keys)))
        # The same distance apart within their run: every pair of a run is met once.
        longest = int(min(sizes.max(initial=0), _MOST_ALIKE))
        run = np.repeat(np.arange(len(starts)), sizes)
        for apart in range(1, longest):
            same = np.flatnonzero(run[apart:] == run[:-apart])
            if not len(same):
                break
            for start in range(0, len(same), 4 * _BLOCK):
                picked = same[start : start + 4 * _BLOCK]
                a, b = order[picked], order[picked + apart]
                yield np.minimum(a, b), np.maximum(a, b)


def _correlations(thumbnails: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    a, b = thumbnails[first].astype(np.float32), thumbnails[second].astype(np.float32)
    a -= a.mean(axis=1, keepdims=True)
    b -= b.mean(axis=1, keepdims=True)
    size = np.sqrt((a * a).sum(axis=1) * (b * b).sum(axis=1))
    like: np.ndarray = (a * b).sum(axis=1) / np.maximum(size, 1e-6)
    return like
