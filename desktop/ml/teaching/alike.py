"""Sorting what nobody labelled: heaps of pictures that are alike, copies and bursts, and the sharpest of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from desktop.ml.teaching.learner import Learner
from desktop.ml.teaching.pool import Kin, Pool
from desktop.store.project import Project

_DIRECTIONS = 64
_MOST_FITTED = 10_000
_TRIED = (2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 25, 30)
_JUDGED = 2_000
_SEED = 1


@dataclass(frozen=True, slots=True)
class AlikeHeap:
    """Ids of pictures that are alike, those nearest to the middle first; ``tightness`` 0 to 1."""

    ids: tuple[int, ...]
    tightness: float


@dataclass(frozen=True, slots=True)
class SameGroup:
    """Pictures that belong together, the sharpest first."""

    kind: Literal["same", "near", "burst"]
    ids: tuple[int, ...]


def heaps(pool: Pool, learner: Learner, chosen: np.ndarray, wanted: int = 0) -> list[AlikeHeap]:
    """Group the pictures at the positions ``chosen`` by k-means on the principal directions of their features; where
    ``wanted`` is 0 into as many heaps as the silhouette (Rousseeuw 1987) speaks for. The largest heap first."""
    from sklearn.cluster import KMeans, MiniBatchKMeans
    from sklearn.decomposition import PCA

    count = len(chosen)
    if count < 2:
        return [AlikeHeap(tuple(pool.ids[chosen].tolist()), 1.0)] if count else []
    learner.measure(pool)
    rng = np.random.default_rng(_SEED)
    fitted = chosen if count <= _MOST_FITTED else np.sort(rng.choice(chosen, _MOST_FITTED, replace=False))
    sample = _unit(learner.scaled(pool.places[fitted], keep=False))
    directions = PCA(min(_DIRECTIONS, len(sample) - 1, sample.shape[1]), random_state=_SEED).fit(sample)
    points = np.concatenate(
        [
            directions.transform(_unit(learner.scaled(pool.places[chosen[start : start + 4096]], keep=False)))
            for start in range(0, count, 4096)
        ]
    )

    def grouped(number: int) -> tuple[np.ndarray, np.ndarray]:
        kind = KMeans if count <= _MOST_FITTED else MiniBatchKMeans
        made = kind(number, n_init=3, random_state=_SEED).fit(points)
        return made.labels_, made.cluster_centers_

    number = min(wanted, count) if wanted else _suiting(points, rng)
    labels, centres = grouped(number)
    spread = float(((points - points.mean(axis=0)) ** 2).sum(axis=1).mean()) or 1.0
    out = []
    for heap in range(number):
        inside = np.flatnonzero(labels == heap)
        if not len(inside):
            continue
        distance = ((points[inside] - centres[heap]) ** 2).sum(axis=1)
        order = inside[np.argsort(distance, kind="stable")]
        tightness = max(0.0, 1.0 - float(distance.mean()) / spread)
        out.append(AlikeHeap(tuple(pool.ids[chosen[order]].tolist()), tightness))
    return sorted(out, key=lambda heap: len(heap.ids), reverse=True)


def _suiting(points: np.ndarray, rng: np.random.Generator) -> int:
    """The number of heaps with the best silhouette."""
    from sklearn.cluster import KMeans
    from sklearn.metrics import silhouette_score

    sample = points if len(points) <= _JUDGED else points[rng.choice(len(points), _JUDGED, replace=False)]
    best, chosen = -1.0, 2
    for number in _TRIED:
        if number >= len(sample):
            break
        labels = KMeans(number, n_init=1, random_state=_SEED).fit_predict(sample)
        if len(np.unique(labels)) < 2:
            continue
        value = float(silhouette_score(sample, labels))
        if value > best:
            best, chosen = value, number
    return min(chosen, len(points))


def same_groups(project: Project, pool: Pool, kin: Kin) -> list[SameGroup]:
    """Pictures of the same content, near copies and bursts: each group once, the sharpest picture first."""
    with project.database.reading() as connection:
        sharp = dict(connection.execute("SELECT id, coalesce(sharpness, 0) FROM pictures WHERE removed = 0").fetchall())
    out = []
    seen: set[tuple[int, ...]] = set()
    kinds: Sequence[tuple[Literal["same", "near", "burst"], np.ndarray, np.ndarray]] = (
        ("same", pool.ids, pool.contents),
        ("near", kin.ids, kin.near),
        ("burst", kin.ids, kin.shots),
    )
    for kind, ids, numbers in kinds:
        groups: dict[int, list[int]] = {}
        for number, group in zip(ids.tolist(), numbers.tolist(), strict=True):
            if group >= 0 and number in sharp:
                groups.setdefault(group, []).append(number)
        for members in groups.values():
            key = tuple(sorted(members))
            if len(members) > 1 and key not in seen:
                seen.add(key)
                ordered = sorted(members, key=lambda number: (-sharp[number], number))
                out.append(SameGroup(kind, tuple(ordered)))
    return sorted(out, key=lambda group: len(group.ids), reverse=True)


def _unit(rows: np.ndarray) -> np.ndarray:
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9), np.float32)
