"""Learning from a project's labels: a head after each change, scores for every picture, scores held out, and
accuracy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from desktop.core.figures.intervals import Estimate, unknown
from desktop.ml.teaching.accuracy import accuracy_of, drawn
from desktop.ml.teaching.kernels import Kernels, KnownSystem
from desktop.ml.teaching.pool import Kin, Pool, groups_of
from desktop.ml.teaching.ridge import PENALTIES, RidgeHead, Scaling, solve
from desktop.store.project_rows import FeatureRows

_SEED = 1
_SCALED_ON = 2_000  # pictures that tell the features' scale
_GROWN = 1.2  # times as many pictures: the scale is measured anew
_ALL_PENALTIES_UP_TO = 800  # labels: beyond, the usual one is used while somebody labels
_AT_ONCE = 4096


@dataclass(frozen=True, slots=True, eq=False)
class Lesson:
    """What was learned. Arrays as those of :class:`desktop.engine.teaching_events.Learned`; ``head`` is ``None``, and
    ``waiting_for`` says why, where there is nothing to learn from yet. ``groups``: how many the labelled pictures fall
    into that belong together."""

    pool: Pool
    classes: np.ndarray
    head: RidgeHead | None
    scores: np.ndarray
    labelled: np.ndarray
    held_out: np.ndarray
    accuracy: Estimate
    groups: int = 0
    waiting_for: str = ""
    group_of: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))
    targets: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))
    counted: np.ndarray = field(default_factory=lambda: np.empty(0, bool))

    @property
    def method(self) -> str:
        """How the head was solved, in words."""
        return (
            "" if self.head is None else f"ridge regression on the network's features (penalty {self.head.penalty:g})"
        )


class Learner:
    """Learns from a pool; keeps the scaled features of labelled pictures between lessons. For one thread."""

    def __init__(self, rows: FeatureRows, widths: Sequence[int]) -> None:
        self._rows, self._widths = rows, tuple(widths)
        self.scaling: Scaling | None = None
        self._scaled_on = 0
        self._held: dict[int, np.ndarray] = {}  # scaled rows by place
        self._kernels = Kernels()

    def lesson(self, pool: Pool, kin: Kin) -> Lesson:
        """Learn from ``pool``'s labels."""
        labelled = np.flatnonzero(pool.labels > 0)
        classes, targets = np.unique(pool.labels[labelled], return_inverse=True)
        none = np.empty((0, len(classes)), np.float32)
        missing = _missing(len(pool), len(labelled), len(classes))
        if missing:
            return Lesson(pool, classes, None, none, pool.ids[:0], none, unknown(missing), waiting_for=missing)
        self.measure(pool)
        scaled = self.scaled(pool.places[labelled])
        group_of = groups_of(pool, labelled, kin)
        penalties = PENALTIES if len(labelled) <= _ALL_PENALTIES_UP_TO else PENALTIES[:1]
        # Each group is a part of its own: a head that had not seen it says what it thinks of it.
        known = None
        if len(scaled) <= scaled.shape[1]:
            known = KnownSystem(self._kernels, pool.places[labelled], scaled)
        head = solve(scaled, targets, len(classes), group_of, penalties, known)
        scores = self.scores(head, pool.places)
        groups = len(np.unique(group_of))
        counted = drawn(pool.draw, pool.labels > 0)[labelled]
        accuracy = accuracy_of(head.held_out, targets, group_of, counted)
        return Lesson(
            pool,
            classes,
            head,
            scores,
            pool.ids[labelled],
            head.held_out,
            accuracy,
            groups,
            "",
            group_of,
            targets,
            counted,
        )

    def scores(self, head: RidgeHead, places: np.ndarray) -> np.ndarray:
        """The head's scores for the pictures whose features lie at ``places``: float32 (n, classes)."""
        assert self.scaling is not None
        out = np.empty((len(places), head.kernel.shape[1]), np.float32)
        # Scaling folded into the head: the features of a hundred thousand pictures need not be scaled.
        kernel = self.scaling.factor[:, None] * head.kernel
        bias = head.bias - self.scaling.mean @ kernel
        folded = RidgeHead(kernel, bias, head.sharpness, head.penalty, head.held_out)
        for start in range(0, len(places), _AT_ONCE):
            out[start : start + _AT_ONCE] = folded.scores(self._rows.take(places[start : start + _AT_ONCE]))
        return out

    def scaled(self, places: np.ndarray, keep: bool = True) -> np.ndarray:
        """Scaled features of the pictures whose rows lie at ``places``: float32 (n, size)."""
        assert self.scaling is not None
        if not keep:
            return self.scaling.scaled(self._rows.take(places))
        fresh = [place for place in dict.fromkeys(places.tolist()) if place not in self._held]
        if fresh:
            self._held.update(zip(fresh, self.scaling.scaled(self._rows.take(fresh)), strict=True))
        return np.stack([self._held[place] for place in places.tolist()])

    def measure(self, pool: Pool) -> None:
        """See to it that there is a :attr:`scaling` that suits the pictures of ``pool``, of which there is one."""
        if self.scaling is not None and (len(pool) < _GROWN * self._scaled_on or self._scaled_on >= _SCALED_ON):
            return
        rng = np.random.default_rng(_SEED)
        chosen = pool.places if len(pool) <= _SCALED_ON else np.sort(rng.choice(pool.places, _SCALED_ON, replace=False))
        self.scaling = Scaling.of(self._rows.take(chosen), self._widths)
        self._scaled_on = len(chosen)
        self._held = {}
        self._kernels = Kernels()


def _missing(pictures: int, labels: int, classes: int) -> str:
    if not pictures:
        return "pictures"
    if classes < 2:
        return "labels" if not labels else "a second class"
    return ""
