"""What is shown next: doubtful pictures, with pictures of the draw in between, however many are asked for at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

import numpy as np
import pytest

from desktop.ml.teaching import orders
from desktop.ml.teaching.accuracy import CHECK_EVERY, drawn
from desktop.ml.teaching.learner import Learner
from desktop.ml.teaching.pool import Kin, Pool

COUNT, SIZE, CLASSES = 160, 24, 3


class Held:
    def __init__(self, rows: np.ndarray) -> None:
        self.rows = rows

    def take(self, places: Sequence[int] | np.ndarray) -> np.ndarray:
        return np.asarray(self.rows[np.asarray(places, np.int64)])


@pytest.fixture
def told() -> tuple[Learner, Pool, np.ndarray]:
    """A learner, a pool without labels, and the truth."""
    rng = np.random.default_rng(4)
    truth = rng.integers(0, CLASSES, COUNT)
    rows = (rng.normal(size=(CLASSES, SIZE))[truth] * 1.2 + rng.normal(size=(COUNT, SIZE))).astype(np.float32)
    numbers = np.arange(COUNT, dtype=np.int64)
    pool = Pool(
        numbers + 1, numbers, np.zeros(COUNT, np.int64), numbers, np.full(COUNT, -1, np.int64), np.zeros(COUNT),
        rng.random(COUNT),
    )  # fmt: skip
    return Learner(cast(Any, Held(rows)), (SIZE,)), pool, truth


def labelled(pool: Pool, truth: np.ndarray, places: np.ndarray) -> Pool:
    labels = pool.labels.copy()
    labels[places] = truth[places] + 1
    return replace(pool, labels=labels)


def test_one_in_four_is_of_the_draw_whether_asked_for_one_by_one_or_together(
    told: tuple[Learner, Pool, np.ndarray],
) -> None:
    learner, pool, truth = told
    first = np.argsort(pool.draw)
    at_once, _ = orders.uncertain(learner.lesson(pool, Kin.none()), learner, 40)
    assert len(set(at_once.tolist())) == 40
    assert {int(first[n]) for n in range(5)} <= set(at_once.tolist())
    for number in range(60):
        places, _ = orders.uncertain(learner.lesson(pool, Kin.none()), learner, 1)
        (place,) = places.tolist()
        assert pool.labels[place] == 0
        if (number + 1) % CHECK_EVERY == 0:
            waiting = first[pool.labels[first] == 0]
            assert place == waiting[0]
        pool = labelled(pool, truth, places)
    assert drawn(pool.draw, pool.labels > 0).sum() >= 60 // CHECK_EVERY


def test_doubtful_pictures_come_before_sure_ones(told: tuple[Learner, Pool, np.ndarray]) -> None:
    learner, pool, truth = told
    pool = labelled(pool, truth, np.arange(40))
    lesson = learner.lesson(pool, Kin.none())
    places, margins = orders.uncertain(lesson, learner, 20)
    usual = [p for n, p in enumerate(places.tolist()) if (40 + n + 1) % CHECK_EVERY]
    every = orders.margins_of(lesson.scores[pool.labels == 0])
    assert np.mean([margins[places.tolist().index(p)] for p in usual]) < np.median(every)


def test_orders_hold_what_they_say(told: tuple[Learner, Pool, np.ndarray]) -> None:
    learner, pool, truth = told
    places, values = orders.by_draw(pool, 7)
    assert places.tolist() == np.argsort(pool.draw)[:7].tolist() and (np.diff(values) >= 0).all()
    half = labelled(pool, truth, np.arange(0, COUNT, 2))
    wrong = replace(half, labels=np.where(np.arange(COUNT) == 10, (half.labels[10] % CLASSES) + 1, half.labels))
    found, scores = orders.mistakes(learner.lesson(wrong, Kin.none()), 5)
    assert 10 in found.tolist() and (np.diff(scores) >= 0).all()
    far, distance = orders.unlike(half, learner, 6)
    assert (half.labels[far] == 0).all() and (np.diff(distance) <= 1e-6).all()
    sure, value = orders.suggested(learner.lesson(half, Kin.none()), 2, 0.5, 30)
    assert (value >= 0.5).all() and (half.labels[sure] == 0).all()
    telling, left = orders.spread(pool, learner, np.arange(COUNT), 10)
    assert len(set(telling.tolist())) == 10 and (np.diff(left) <= 1e-6).all()
    full = labelled(pool, truth, np.arange(COUNT))
    assert len(orders.newest(full, 5, True)[0]) == len(orders.by_draw(full, 5)[0]) == 0
    assert len(orders.newest(full, 5, False)[0]) == 5
