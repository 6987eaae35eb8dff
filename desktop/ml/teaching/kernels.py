"""What a lesson needs of the one before: how alike the labelled pictures are, and the inverse that solves for the head.

One more label adds a row to both. Of two thousand labels the first lesson takes a second of work, each further one a
tenth of that.
"""

from __future__ import annotations

import numpy as np

from desktop.ml.teaching.ridge import inverse_of, kernel_of

_STALE, _ROOM = 1.5, 50  # times as many kept as are wanted, and so many more: they are thrown away
_FEW = 24  # rows that came and went, up to which the inverse is mended
_MENDED = 64  # rows after which it is made anew: errors of rounding add up


class Kernels:
    """The kernel of labelled pictures, and its inverse with a diagonal, kept by the ``places`` of their features."""

    def __init__(self) -> None:
        self._at: dict[int, int] = {}  # rows by place
        self._rows = np.empty((0, 0), np.float32)  # scaled
        self._values = np.empty((0, 0), np.float32)
        self._solved: np.ndarray | None = None
        self._solved_of: list[int] = []
        self._diagonal = np.empty(0, np.float32)
        self._mended = 0

    def kernel(self, places: np.ndarray, scaled: np.ndarray) -> np.ndarray:
        """:func:`desktop.ml.teaching.ridge.kernel_of` the rows ``scaled`` at ``places`` and themselves."""
        listed = places.tolist()
        if len(self._at) > _STALE * len(listed) + _ROOM:  # labels that were taken back
            self._at = {}
        fresh = [at for at, place in enumerate(listed) if place not in self._at]
        if fresh:
            known, new = len(self._at), scaled[fresh]
            rows = np.concatenate([self._rows, new]) if known else new
            values = np.empty((len(rows), len(rows)), np.float32)
            if known:
                values[:known, :known] = self._values
            values[known:] = kernel_of(new, rows)
            values[:known, known:] = values[known:, :known].T
            self._at.update((listed[at], known + number) for number, at in enumerate(fresh))
            self._rows, self._values = rows, values
        order = np.array([self._at[place] for place in listed], np.int64)
        return self._values[np.ix_(order, order)]

    def inverse(self, kernel: np.ndarray, places: np.ndarray, diagonal: np.ndarray) -> np.ndarray:
        """The inverse of ``kernel`` (that of ``places``) with ``diagonal`` float32 (n,) added to it; mended, where few
        rows came or went since it was asked for last."""
        mended = self._mend(kernel, places.tolist(), diagonal)
        if mended is None:
            system = kernel.copy()
            system[np.diag_indices_from(system)] += diagonal
            mended, self._mended = inverse_of(system), 0
        self._solved, self._solved_of, self._diagonal = mended, places.tolist(), diagonal
        return mended

    def _mend(self, kernel: np.ndarray, places: list[int], diagonal: np.ndarray) -> np.ndarray | None:
        before = {place: at for at, place in enumerate(self._solved_of)}
        now = set(places)
        gone = np.array([at for place, at in before.items() if place not in now], np.int64)
        fresh = np.array([at for at, place in enumerate(places) if place not in before], np.int64)
        if self._solved is None or len(gone) + len(fresh) > _FEW or self._mended > _MENDED or len(fresh) == len(places):
            return None
        old = np.array([at for at, place in enumerate(places) if place in before], np.int64)
        was = np.array([before[places[at]] for at in old.tolist()], np.int64)
        if not np.array_equal(diagonal[old], self._diagonal[was]):
            return None
        inverse = self._solved[np.ix_(was, was)]
        if len(gone):  # the block of the rest: less what those that went explained
            across, own = self._solved[np.ix_(was, gone)], self._solved[np.ix_(gone, gone)]
            inverse = inverse - across @ np.linalg.solve(own, across.T)
        if not len(fresh):
            return inverse
        border, corner = kernel[np.ix_(old, fresh)], kernel[np.ix_(fresh, fresh)].copy()
        corner[np.diag_indices_from(corner)] += diagonal[fresh]
        known = inverse @ border
        rest = np.linalg.inv(corner - border.T @ known)
        side = -known @ rest
        whole = np.empty((len(places), len(places)), np.float32)
        whole[np.ix_(old, old)] = inverse - side @ known.T
        whole[np.ix_(old, fresh)] = side
        whole[np.ix_(fresh, old)] = side.T
        whole[np.ix_(fresh, fresh)] = rest
        self._mended += len(gone) + len(fresh)
        return whole


class KnownSystem:
    """The system of one lesson in :class:`Kernels`: ``scaled`` float32 (n, size) at ``places``."""

    def __init__(self, kernels: Kernels, places: np.ndarray, scaled: np.ndarray) -> None:
        self._kernels, self._places = kernels, places
        self._kernel = kernels.kernel(places, scaled)

    def inverse(self, diagonal: np.ndarray) -> np.ndarray:
        """The inverse of the kernel with ``diagonal`` float32 (n,) added to it."""
        return self._kernels.inverse(self._kernel, self._places, diagonal)
