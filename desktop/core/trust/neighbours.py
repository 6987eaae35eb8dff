"""A user's own training pictures that are nearest to a picture, for a model that was trained on them here.

The list lies in the user's own folder, never in the model: names of files may be names of people, and a model is
passed on. It is found by the checksum of the model's network, holds names relative to the data's folder and directions
in the space of the gate's features, and no picture.
"""

from __future__ import annotations

import contextlib
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from desktop import paths
from desktop.core.trust.domain import CLIP, Gate
from desktop.system.files import write_atomically

_FOLDER = "neighbours"
_SHOWN = 3
MOST = 4000


@dataclass(frozen=True, slots=True)
class Neighbour:
    """One training picture: its ``name`` within the data, its class, its file (``None``: gone, or in an archive)."""

    name: str
    label: int
    path: str | None


def place(network_sha256: str) -> Path:
    """Where the list for a network lies, whether there is one or not."""
    return paths.user_data() / _FOLDER / f"{network_sha256[:32]}.npz"


def directions(gate: Gate, rows: np.ndarray) -> np.ndarray:
    """Features (n, d) as unit vectors float16 (n, k) in the space that the gate measures distances in."""
    z = np.clip((rows - gate.shift) / gate.scale, -CLIP, CLIP) @ gate.axes @ gate.within
    size = np.linalg.norm(z, axis=1, keepdims=True)
    result: np.ndarray = (z / np.maximum(size, 1e-6)).astype(np.float16)
    return result


def write(network_sha256: str, found: np.ndarray, names: list[str], labels: np.ndarray, root: str) -> None:
    """Keep the list: ``found`` from :func:`directions`; ``root`` is the folder that names are relative to.

    A full or read-only disk costs the list and nothing else.
    """
    target = place(network_sha256)
    arrays = {"vectors": found, "names": np.array(names), "labels": labels.astype(np.int32), "root": np.array(root)}

    def save(part: Path) -> None:
        with part.open("wb") as stream:
            np.savez(stream, allow_pickle=False, **arrays)

    with contextlib.suppress(OSError):
        target.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(target, save)


class Neighbours:
    """The list of one model, read once."""

    def __init__(self, vectors: np.ndarray, names: list[str], labels: np.ndarray, root: str) -> None:
        self._vectors, self._names, self._labels, self._root = vectors.astype(np.float32), names, labels, root

    @classmethod
    def read(cls, network_sha256: str) -> Neighbours | None:
        """The list for a network; ``None`` where there is none, or it cannot be read."""
        try:
            with np.load(place(network_sha256), allow_pickle=False) as held:
                vectors, names, labels = held["vectors"], held["names"].tolist(), held["labels"]
                root = str(held["root"])
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return None
        if vectors.ndim != 2 or not len(vectors) == len(names) == len(labels) or len(names) > 100_000:
            return None
        return cls(vectors, [str(name) for name in names], labels, root)

    def nearest(self, gate: Gate, row: np.ndarray) -> tuple[Neighbour, ...]:
        """The three training pictures nearest to one with features ``row`` (d,), the nearest first."""
        wanted = directions(gate, row[np.newaxis])[0].astype(np.float32)
        if wanted.shape[0] != self._vectors.shape[1]:
            return ()
        order = np.argsort(-(self._vectors @ wanted), kind="stable")[:_SHOWN]
        return tuple(Neighbour(self._names[i], int(self._labels[i]), self._path(self._names[i])) for i in order)

    def _path(self, name: str) -> str | None:
        """The picture's file, if it is still there and inside of the data's folder."""
        root = Path(self._root)
        path = root / name
        try:
            inside = path.resolve().is_relative_to(root.resolve())
            return str(path) if inside and path.is_file() else None
        except OSError:
            return None
