"""In which order pictures are shown to be labelled, to be checked, or because they are like one another."""

from __future__ import annotations

import numpy as np

from desktop.ml.teaching.accuracy import CHECK_EVERY, drawn
from desktop.ml.teaching.learner import Learner, Lesson
from desktop.ml.teaching.pool import Pool
from desktop.ml.teaching.ridge import RidgeHead, unknown_of
from desktop.store.project_rows import FeatureRows

_CANDIDATES = 2_000  # of the least sure or of any: among them those unlike each other are chosen
_BLOCK = 4_096
_UNLIKE_REFERENCE = 3_000
_CANDIDATES_UNSURE = 400  # the least sure, of which those worth most are chosen
_REFERENCE = 1_000  # pictures in doubt that a label may tell of
_PICKED = 60  # chosen one after the other; the rest by margin alone
_MANY = 1_000  # labels from which on half as many candidates are looked at: somebody waits
_REACH = 0.5  # how much it counts what a label says of others, beside how unsure the picture itself is
_ENOUGH_DRAWN, _LATER_EVERY = 100, 10  # so many drawn at random: one in ten from then on


def uncertain(lesson: Lesson, learner: Learner, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Positions of pictures without a label, those first that are worth most to be labelled, and the margin between the
    two likeliest classes of each.

    The least sure (margin sampling, Scheffer, Decomain and Wrobel 2001), weighted by how much a label there would say
    of others that are in doubt as well (the variance that it takes away, Cohn 1996): so a doubtful picture that stands
    for many comes before an odd one, and no two that say the same. One in :data:`CHECK_EVERY` is the next of the
    random draw that the accuracy rests on. Before there is a head those come first that stand for most others.
    """
    pool = lesson.pool
    free = _without_label(pool)
    head = lesson.head
    if head is None:
        chosen, _ = spread(pool, learner, free, most)
        chosen = _with_checks(pool, np.concatenate([chosen, np.setdiff1d(free, chosen)]), most)
        return chosen, np.zeros(len(chosen), np.float32)
    margins = margins_of(lesson.scores[free])
    order = np.argsort(margins, kind="stable")
    if head.inverse is not None and len(free) > 2:
        learned = learner.scaled(pool.places[pool.positions(lesson.labelled)])
        many = len(learned) > _MANY
        first = order[: _CANDIDATES_UNSURE // 2 if many else _CANDIDATES_UNSURE]
        picked = first[_telling(head, learned, learner, pool, free, margins, first, min(most, _PICKED))]
        order = np.concatenate([picked, order[~np.isin(order, picked)]])
    margin_of = np.zeros(len(pool), np.float32)
    margin_of[free] = margins
    chosen = _with_checks(pool, free[order], most)
    return chosen, margin_of[chosen]


def _telling(
    head: RidgeHead,
    learned: np.ndarray,
    learner: Learner,
    pool: Pool,
    free: np.ndarray,
    margins: np.ndarray,
    first: np.ndarray,
    most: int,
) -> np.ndarray:
    """Which of the candidates ``first`` (positions in ``free``) to show, in order: int64 positions in ``first``.
    ``learned``: the scaled features that ``head`` learned from."""
    doubt = np.clip(1.0 - margins, 0.0, 1.0)
    others = np.arange(len(free))
    if len(others) > _REFERENCE:
        others = np.sort(np.random.default_rng(1).choice(others, _REFERENCE, replace=False))
    rows = learner.scaled(pool.places[free[first]], keep=False)
    both = np.concatenate([rows, learner.scaled(pool.places[free[others]], keep=False)])
    covariance, variance = unknown_of(head, learned, rows, both)
    among, covariance = covariance[:, : len(first)], covariance[:, len(first) :]
    weight, own = doubt[others], doubt[first]
    taken = np.zeros(len(first), bool)
    out = []
    for _ in range(min(most, len(first))):
        gain = (covariance**2) @ weight / (variance + head.penalty)
        worth = own * np.maximum(gain, 1e-12) ** _REACH
        worth[taken] = -1.0
        best = int(worth.argmax())
        taken[best] = True
        out.append(best)
        # Whatever its label will be, this much is known then.
        share = among[:, best] / (variance[best] + head.penalty)
        covariance = covariance - np.outer(share, covariance[best])
        variance = np.maximum(variance - share * among[:, best], 1e-6)
        among = among - np.outer(share, among[best])
    return np.array(out, np.int64)


def _with_checks(pool: Pool, order: np.ndarray, most: int) -> np.ndarray:
    """``order`` with the next pictures of the random draw in between: where the number of labels says that it is time
    for one, so that it matters not whether one picture is asked for or a hundred."""
    labelled = int((pool.labels > 0).sum())
    every = CHECK_EVERY if drawn(pool.draw, pool.labels > 0).sum() < _ENOUGH_DRAWN else _LATER_EVERY
    checks = order[np.argsort(pool.draw[order], kind="stable")].tolist()
    out: list[int] = []
    seen: set[int] = set()
    usual, drawn_next = iter(order.tolist()), iter(checks)
    while len(out) < min(most, len(order)):
        source = drawn_next if (labelled + len(out) + 1) % every == 0 else usual
        place = next((place for place in source if place not in seen), None)
        if place is None:
            break
        seen.add(place)
        out.append(place)
    return np.array(out, np.int64)


def spread(pool: Pool, learner: Learner, free: np.ndarray, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Positions among ``free`` that stand for the rest of the pool, the most telling first: each next one takes away
    most of what is still unknown of all of them (the design that minimises the integrated variance of a Gaussian
    process, Cohn 1996); and how much of the unknown is left after it, 0 to 1."""
    if not len(free):
        return free, np.empty(0, np.float32)
    learner.measure(pool)
    rng = np.random.default_rng(1)
    sample = free if len(free) <= _CANDIDATES else np.sort(rng.choice(free, _CANDIDATES, replace=False))
    rows = learner.scaled(pool.places[sample], keep=False)
    labelled = np.flatnonzero(pool.labels > 0)
    covariance = rows @ rows.T
    penalty = 0.3 * float(np.trace(covariance)) / len(rows)
    if len(labelled):
        known = learner.scaled(pool.places[labelled[:_CANDIDATES]], keep=False)
        cross = rows @ known.T
        inner = known @ known.T
        inner[np.diag_indices_from(inner)] += penalty
        covariance -= cross @ np.linalg.solve(inner, cross.T)
    whole = max(1e-9, float(np.trace(covariance)))
    order, left = [], []
    taken = np.zeros(len(rows), bool)
    for _ in range(min(most, len(rows), 200)):
        gain = (covariance**2).sum(axis=1) / (np.diag(covariance) + penalty)
        gain[taken] = -1.0
        best = int(gain.argmax())
        taken[best] = True
        order.append(best)
        column = covariance[:, best].copy()
        covariance -= np.outer(column, column) / (column[best] + penalty)
        left.append(max(0.0, float(np.trace(covariance))) / whole)
    return sample[np.array(order, np.int64)], np.array(left, np.float32)


def mistakes(lesson: Lesson, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Positions of labelled pictures that heads which had not learned from them take for another class, the surest
    mistake first, and the score of the given label ('confident learning', Northcutt, Jiang and Chuang 2021)."""
    if lesson.head is None:
        return np.empty(0, np.int64), np.empty(0, np.float32)
    own = lesson.held_out[np.arange(len(lesson.targets)), lesson.targets]
    wrong = np.flatnonzero(lesson.held_out.argmax(axis=1) != lesson.targets)
    order = wrong[np.argsort(own[wrong], kind="stable")][:most]
    return lesson.pool.positions(lesson.labelled[order]), own[order]


def unlike(pool: Pool, learner: Learner, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Positions of pictures without a label that are least like any labelled one, and their distance (1 − cosine) to
    the nearest; each chosen one counts as known for the next (k-centre, Sener and Savarese 2018)."""
    free = _without_label(pool)
    labelled = np.flatnonzero(pool.labels > 0)
    if not len(free):
        return free, np.empty(0, np.float32)
    learner.measure(pool)
    if not len(labelled):
        return spread(pool, learner, free, most)
    rng = np.random.default_rng(1)
    if len(labelled) > _UNLIKE_REFERENCE:
        labelled = rng.choice(labelled, _UNLIKE_REFERENCE, replace=False)
    known = _unit(learner.scaled(pool.places[labelled], keep=False))
    distance = np.empty(len(free), np.float32)
    for start in range(0, len(free), _BLOCK):
        part = _unit(learner.scaled(pool.places[free[start : start + _BLOCK]], keep=False))
        distance[start : start + _BLOCK] = 1 - (part @ known.T).max(axis=1)
    order = np.argsort(-distance, kind="stable")[: max(4 * most, 64)][:_CANDIDATES]
    rows = _unit(learner.scaled(pool.places[free[order]], keep=False))
    left = distance[order].copy()
    chosen: list[int] = []
    values: list[float] = []
    for _ in range(min(most, len(order))):
        best = int(left.argmax())
        chosen.append(best)
        values.append(float(left[best]))
        left = np.minimum(left, 1 - rows @ rows[best])
        left[chosen] = -1.0
    return free[order[np.array(chosen, np.int64)]], np.array(values, np.float32)


def nearest(
    pool: Pool, learner: Learner, rows: FeatureRows, row: np.ndarray, among: np.ndarray, most: int
) -> tuple[np.ndarray, np.ndarray]:
    """Positions among ``among``, the most like a picture with the features ``row`` float (size,) first, and how alike
    (cosine of scaled features, -1 to 1)."""
    if not len(among):
        return among, np.empty(0, np.float32)
    learner.measure(pool)
    assert learner.scaling is not None
    wanted = _unit(learner.scaling.scaled(row[None]))[0]
    like = np.empty(len(among), np.float32)
    for start in range(0, len(among), _BLOCK):
        like[start : start + _BLOCK] = (
            _unit(learner.scaled(pool.places[among[start : start + _BLOCK]], keep=False)) @ wanted
        )
    order = np.argsort(-like, kind="stable")[:most]
    return among[order], like[order]


def suggested(
    lesson: Lesson, class_id: int, at_least: float, most: int, without_label: bool = True
) -> tuple[np.ndarray, np.ndarray]:
    """Positions of pictures whose suggestion has a score of ``at_least``, the surest first, and that score; of one
    class alone where ``class_id`` is not 0."""
    if lesson.head is None:
        return np.empty(0, np.int64), np.empty(0, np.float32)
    among = _without_label(lesson.pool) if without_label else np.arange(len(lesson.pool))
    scores = lesson.scores[among]
    best, value = scores.argmax(axis=1), scores.max(axis=1)
    good = value >= at_least
    if class_id:
        good &= lesson.classes[best] == class_id
    kept = np.flatnonzero(good)
    order = kept[np.argsort(-value[kept], kind="stable")][:most]
    return among[order], value[order]


def by_draw(pool: Pool, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Positions of pictures without a label in the order of the random draw that the accuracy rests on, and their place
    in it, 0 to 1."""
    free = _without_label(pool)
    order = free[np.argsort(pool.draw[free], kind="stable")][:most]
    return order, pool.draw[order]


def newest(pool: Pool, most: int, without_label: bool) -> tuple[np.ndarray, np.ndarray]:
    """Positions, the picture added last first, and when it was added, in seconds since 1970."""
    among = _without_label(pool) if without_label else np.arange(len(pool))
    order = among[np.lexsort((-pool.ids[among], -pool.added[among]))][:most]
    return order, pool.added[order].astype(np.float64)


def margins_of(scores: np.ndarray) -> np.ndarray:
    """Between the two highest scores of each row: float32 (n,), 0 to 1."""
    if scores.shape[1] < 2:
        return np.ones(len(scores), np.float32)
    two = np.partition(scores, -2, axis=1)[:, -2:]
    return np.asarray(two[:, 1] - two[:, 0], np.float32)


def _unit(rows: np.ndarray) -> np.ndarray:
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9), np.float32)


def _without_label(pool: Pool) -> np.ndarray:
    return np.flatnonzero(pool.labels == 0)
