"""The pictures of a labelling project as a head sees them: arrays of one length, kept up to date with the project's
file."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

import numpy as np

from desktop.core.data import bursts, near_duplicates
from desktop.core.data.splits import together
from desktop.core.progress import IsCancelled
from desktop.store.project import Project
from desktop.store.project_facts import PictureState
from desktop.store.project_rows import FeatureRows

_ALIKE_FEATURES = 0.9
"""Pictures whose thumbnails agree are near copies where the network sees the same as well: this much cosine."""


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """All pictures that were looked at, opened and not removed: ``ids`` int64 (n,) ascending, ``places`` int64, their
    rows of features, ``labels`` int64 (ids of classes, 0 for none), ``contents`` and ``persons`` int64: equal numbers
    have the same content, or show the same person or case (-1: not known), ``added`` float64 times, ``draw`` float64 0
    to 1: the picture's place in a draw of all, by its content and the project (:mod:`desktop.ml.teaching.accuracy`)."""

    ids: np.ndarray
    places: np.ndarray
    labels: np.ndarray
    contents: np.ndarray
    persons: np.ndarray
    added: np.ndarray
    draw: np.ndarray

    def __len__(self) -> int:
        return len(self.ids)

    def positions(self, ids: np.ndarray) -> np.ndarray:
        """Where ``ids`` are, int64; -1 for those that are not here."""
        wanted = np.asarray(ids, np.int64)
        if not len(self.ids):
            return np.full(len(wanted), -1, np.int64)
        found = np.minimum(np.searchsorted(self.ids, wanted), len(self.ids) - 1)
        return np.where(self.ids[found] == wanted, found, -1)

    def labelled_now(self, project: Project) -> Pool:
        """The same pictures with the labels of this moment: a matter of milliseconds."""
        with project.database.reading() as connection:
            found = connection.execute(
                "SELECT id, label FROM pictures WHERE label IS NOT NULL AND removed = 0 AND state = ?",
                (PictureState.READY,),
            ).fetchall()
        labels = np.zeros(len(self.ids), np.int64)
        if found:
            table = np.array(found, np.int64)
            at = self.positions(table[:, 0])
            labels[at[at >= 0]] = table[at >= 0, 1]
        return replace(self, labels=labels)


def load(project: Project, rows: FeatureRows) -> Pool:
    """Read the pool: 100,000 pictures in about a second."""
    known = rows.places()
    secret = bytes(project.fact("secret", b"fovea"))
    with project.database.reading() as connection:
        found = connection.execute(
            "SELECT id, sha256, frame, coalesce(label, 0), person, added FROM pictures"
            " WHERE removed = 0 AND state = ? ORDER BY id",
            (PictureState.READY,),
        ).fetchall()
    contents: dict[tuple[bytes, int], int] = {}
    persons: dict[str, int] = {"": -1}
    table = []
    added = []
    draw = []
    for number, sha256, frame, label, person, when in found:
        key = (sha256, frame)
        place = known.get(key, -1)
        if place < 0:
            continue  # its row was lost with the disk: it is looked at again
        table.append((number, place, label, contents.setdefault(key, len(contents)),
                      persons.setdefault(person, len(persons) - 1)))  # fmt: skip
        added.append(when)
        value = hashlib.blake2b(sha256, key=secret, digest_size=6).digest()
        draw.append(int.from_bytes(value, "big") / 2**48)
    columns = np.array(table, np.int64).reshape(-1, 5)
    ids, places, labels, same, people = (np.ascontiguousarray(columns[:, i]) for i in range(5))
    return Pool(ids, places, labels, same, people, np.array(added, np.float64), np.array(draw, np.float64))


@dataclass(frozen=True, slots=True, eq=False)
class Kin:
    """Which pictures of a pool are nearly the same (``near``) or were taken in one go (``shots``): int64 (n,) numbers,
    -1 for those that stand alone; by ``ids``."""

    ids: np.ndarray
    near: np.ndarray
    shots: np.ndarray

    @classmethod
    def none(cls) -> Kin:
        """Nothing is known yet."""
        return cls(*(np.empty(0, np.int64) for _ in range(3)))


def kin_of(project: Project, pool: Pool, rows: FeatureRows, cancelled: IsCancelled = lambda: False) -> Kin:
    """Look for near copies and bursts among the pictures of ``pool``: by thumbnails, what the network saw, names and
    times. Seconds for tens of thousands."""
    facts: dict[int, tuple[bytes, str]] = {}
    with project.database.reading() as connection:
        for number, thumbnail, path in connection.execute(
            "SELECT id, thumbnail, path FROM pictures WHERE removed = 0 AND state = ?", (PictureState.READY,)
        ):
            if thumbnail is not None:
                facts[number] = (thumbnail, project.path_of(path))
    side = near_duplicates.SIDE**2
    thumbnails = np.zeros((len(pool), side), np.uint8)
    paths = [""] * len(pool)
    for place, number in enumerate(pool.ids.tolist()):
        if number in facts:
            thumbnails[place] = np.frombuffer(facts[number][0], np.uint8)
            paths[place] = facts[number][1]
    pairs, _ = near_duplicates.candidates(thumbnails, cancelled)
    near = np.full(len(pool), -1, np.int64)
    for group in near_duplicates.joined(_seen_alike(pairs, pool, rows)):
        near[group] = group[0]
    names = [path.replace("\\", "/") for path in paths]
    shots = bursts.keys(names, thumbnails, lambda place: paths[place])
    return Kin(pool.ids, near, np.array([-1 if key is None else key for key in shots], np.int64))


def _seen_alike(pairs: np.ndarray, pool: Pool, rows: FeatureRows) -> np.ndarray:
    if not len(pairs):
        return pairs
    kept = []
    for start in range(0, len(pairs), 2048):
        part = pairs[start : start + 2048]
        first, second = (rows.take(pool.places[part[:, side]]) for side in (0, 1))
        like = (first * second).sum(axis=1) / np.maximum(
            np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1), 1e-9
        )
        kept.append(part[like >= _ALIKE_FEATURES])
    return np.concatenate(kept)


def groups_of(pool: Pool, positions: np.ndarray, kin: Kin) -> np.ndarray:
    """Which of the pictures at ``positions`` belong together: int64 (n,), equal numbers. The same content, the same
    person or case, near copies, and pictures taken in one go."""

    def column(values: np.ndarray) -> list[int | None]:
        return [None if value < 0 else value for value in values.tolist()]

    ids = pool.ids[positions]
    keys: list[list[int | None]] = [column(pool.contents[positions]), column(pool.persons[positions])]
    if len(kin.ids):
        at = np.minimum(np.searchsorted(kin.ids, ids), len(kin.ids) - 1)
        there = kin.ids[at] == ids
        keys += [column(np.where(there, values[at], -1)) for values in (kin.near, kin.shots)]
    return np.array(together(*keys), np.int64)
