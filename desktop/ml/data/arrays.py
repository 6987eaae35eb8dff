"""Prepared pictures with their labels, whether they lie in memory or are mapped from disk."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

_PIECE = 4096  # pictures


class Rows:
    """Some rows of an array, in some order, without a copy: indexing copies what is asked for and nothing else.

    ``base`` is (n, …), usually mapped from disk; ``rows`` int64 positions in it. Behaves like the array ``base[rows]``
    for ``len``, ``shape``, ``dtype``, indexing by numbers, slices and arrays, and ``numpy.asarray`` (which reads all).
    """

    def __init__(self, base: np.ndarray, rows: np.ndarray, mirrored: bool = False) -> None:
        self._base = base
        self._rows = np.asarray(rows, np.int64)
        self._mirrored = mirrored

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the array that this stands for."""
        return (len(self._rows), *self._base.shape[1:])

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of its values."""
        return self._base.dtype

    @property
    def ndim(self) -> int:
        """The number of its dimensions."""
        return self._base.ndim

    def __getitem__(self, key: Any) -> np.ndarray:
        found: np.ndarray = np.asarray(self._base[self._rows[key]])
        return np.ascontiguousarray(found[..., ::-1, :]) if self._mirrored else found

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        found = self[:]
        return found if dtype is None else found.astype(dtype)

    def take(self, indices: np.ndarray) -> Rows:
        """The rows at ``indices``, in that order, without a copy."""
        return Rows(self._base, self._rows[indices], self._mirrored)

    def same_base(self, others: Rows) -> bool:
        """Whether both are rows of one array, turned alike."""
        return self._base is others._base and self._mirrored == others._mirrored

    def and_then(self, others: Rows) -> Rows:
        """These rows and then ``others`` of the same array."""
        return Rows(self._base, np.concatenate([self._rows, others._rows]), self._mirrored)

    @staticmethod
    def mirror(images: Images) -> Rows:
        """The mirror images of pictures (n, height, width, channels), turned when they are asked for."""
        if isinstance(images, Rows):
            return Rows(images._base, images._rows, not images._mirrored)
        return Rows(images, np.arange(len(images)), True)


Images = np.ndarray | Rows
"""Pictures as an array or as rows of a mapped one."""


@dataclass(frozen=True, slots=True, eq=False)
class Pictures:
    """Prepared pictures: ``images`` uint8 (n, height, width, channels), an array or :class:`Rows` of a mapped one;
    ``labels`` int64 (n,); ``names`` of the files inside their set (never a path of this computer); ``sha256`` uint8
    (n, 32) of the files' content and ``groups`` int64 (n,), equal for pictures of one person or case, where these are
    known; ``clusters`` int64 (n,), equal for all that stayed together where they were divided (persons, copies, near
    copies, bursts)."""

    images: Images
    labels: np.ndarray
    names: tuple[str, ...]
    sha256: np.ndarray | None = None
    groups: np.ndarray | None = None
    clusters: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, indices: np.ndarray) -> Pictures:
        """The pictures at ``indices``, in that order. Mapped ones are not copied."""
        images = self.images.take(indices) if isinstance(self.images, Rows) else self.images[indices]
        sha256 = None if self.sha256 is None else self.sha256[indices]
        groups = None if self.groups is None else self.groups[indices]
        clusters = None if self.clusters is None else self.clusters[indices]
        return Pictures(images, self.labels[indices], tuple(self.names[i] for i in indices), sha256, groups, clusters)

    def joined(self, others: Pictures) -> Pictures:
        """These and then ``others``, which were taken from the same set: mapped ones are not copied."""
        a, b = self.images, others.images
        if isinstance(a, Rows) and isinstance(b, Rows) and a.same_base(b):
            images: Images = a.and_then(b)
        else:
            images = np.concatenate([np.asarray(a), np.asarray(b)])
        return Pictures(
            images,
            np.concatenate([self.labels, others.labels]),
            self.names + others.names,
            _both(self.sha256, others.sha256),
            _both(self.groups, others.groups),
            _both(self.clusters, others.clusters),
        )

    def pieces(self, size: int = _PIECE) -> Iterator[np.ndarray]:
        """All images in order, at most ``size`` at a time: for work over sets that need not fit into memory."""
        for start in range(0, len(self), size):
            yield np.asarray(self.images[start : start + size])

    def fingerprint(self) -> str:
        """SHA-256 over the prepared bytes and labels, 64 hexadecimal digits."""
        digest = hashlib.sha256()
        for piece in self.pieces():
            digest.update(np.ascontiguousarray(piece).data)
        digest.update(self.labels.astype("<i8").tobytes())
        return digest.hexdigest()


def _both(first: np.ndarray | None, second: np.ndarray | None) -> np.ndarray | None:
    return None if first is None or second is None else np.concatenate([first, second])
