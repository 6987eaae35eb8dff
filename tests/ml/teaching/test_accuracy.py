"""How good a head is, and what more labels would bring: each figure worked out beside."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from desktop.core.figures.clustered import Persons
from desktop.core.figures.intervals import FEWEST, Estimate, Z, proportion
from desktop.ml.teaching import accuracy
from desktop.ml.teaching.accuracy import LearningCurve, MeasuredPoint, accuracy_of, curve_of, drawn, parts_of
from desktop.ml.teaching.ridge import solve


@pytest.mark.parametrize(
    ("missing", "labelled", "rests_on"),
    [
        ((), 20, 20),
        ((10,), 20, 19),  # one in twenty
        ((10,), 19, 10),  # one in nineteen is more: those before it count
        ((0,), 19, 0),
        ((0,), 20, 19),
        ((5, 30), 40, 38),
        ((5, 6), 20, 5),
    ],
)
def test_at_most_one_in_twenty_of_the_draw_is_without_a_label(
    missing: tuple[int, ...], labelled: int, rests_on: int
) -> None:
    draw = np.random.default_rng(1).permutation(60).astype(float)
    has = draw < labelled
    has[np.isin(draw, missing)] = False
    found = drawn(draw, has)
    assert int(found.sum()) == rests_on and not (found & ~has).any()
    assert not found.any() or draw[found].max() < labelled


def test_parts_go_round_the_classes_in_the_order_told() -> None:
    targets = np.repeat([0, 1], [12, 3])
    order = np.arange(15.0)[::-1]
    parts = parts_of(targets, np.arange(15), order)
    # The first class from its last picture on, then the second: places 0 to 14, ten parts.
    assert parts.tolist() == [1, 0, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 4, 3, 2]
    assert parts_of(targets, np.arange(15)).tolist() == [*range(10), 0, 1, 2, 3, 4]
    # A group goes where its first picture is.
    assert parts_of(np.zeros(4, int), np.array([5, 6, 7, 5]), np.array([3.0, 1.0, 2.0, 0.0])).tolist() == [0, 1, 2, 0]


def held(right: list[bool]) -> tuple[np.ndarray, np.ndarray]:
    targets = np.arange(len(right)) % 2
    said = np.where(right, targets, 1 - targets)
    return np.eye(2)[said].astype(np.float32), targets


def test_an_accuracy_is_of_those_that_were_drawn() -> None:
    scores, targets = held([True] * 20 + [False] * 10 + [True] * 10)
    counted = np.arange(40) < 30
    alone = np.arange(40)
    reason = "no picture that was drawn at random has a label"
    assert accuracy_of(scores, targets, alone, counted) == proportion(20, 30, reason)
    assert accuracy_of(scores, targets, alone) == proportion(30, 40, reason)
    pairs = alone // 2
    persons = Persons.among(pairs[:30])
    assert persons is not None
    assert accuracy_of(scores, targets, pairs, counted) == persons.proportion(np.arange(30) < 20, None, reason)
    nothing = accuracy_of(scores, targets, alone, np.zeros(40, bool))
    assert nothing.value is None and nothing.reason == reason


def learned(count: int = 60) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    targets = np.arange(count) % 3
    middles = rng.normal(size=(3, 30)) * 0.5
    return (middles[targets] + rng.normal(size=(count, 30))).astype(np.float32), targets


def asked(count: int, counted: int, **more: Any) -> LearningCurve | None:
    rows, targets = learned(count)
    return curve_of(rows, targets, np.arange(count), np.arange(count) < counted, 30.0, **more)


def test_of_how_many_labels_a_curve_is_made() -> None:
    few, undrawn = asked(19, 19), asked(60, FEWEST - 1)
    assert few == LearningCurve((), 50, None, "20 labels are needed for a curve")
    assert undrawn == LearningCurve((), 50, None, "20 labelled pictures that were drawn at random are needed")
    least, drawn_least = asked(20, 20, more=7), asked(60, FEWEST)
    assert least is not None and [point.labels for point in least.points] == [10, 12, 14, 17, 20] and least.more == 7
    assert drawn_least is not None and [point.labels for point in drawn_least.points] == [10, 16, 24, 38, 60]


def test_each_point_is_the_mean_of_three_draws_with_the_interval_of_the_last() -> None:
    rows, targets = learned()
    groups, counted = np.arange(60) // 2, np.arange(60) % 5 > 0
    curve = curve_of(rows, targets, groups, counted, 30.0)
    assert curve is not None
    for point in curve.points:
        found = [by_hand(rows, targets, groups, counted, point.labels, draw) for draw in range(3)]
        found = found if point.labels < 60 else found[:1]
        value = float(np.mean([one.value for one in found if one.value is not None]))
        last, got = found[-1], point.accuracy
        assert last.value is not None and last.low is not None and last.high is not None
        shift = value - last.value
        assert got.value == pytest.approx(value) and (got.n, got.hits, got.method) == (48, None, last.method)
        assert got.low == pytest.approx(max(0.0, last.low + shift))
        assert got.high == pytest.approx(min(1.0, last.high + shift))


def test_a_draw_of_one_class_alone_is_passed_over() -> None:
    """One picture is of a class of its own: draws without it teach nothing, and a point may be missing."""
    rows, _ = learned()
    groups = np.arange(60)
    drawings = {n: [accuracy._drawn(groups, n, draw).tolist() for draw in range(3)] for n in (10, 16, 24, 38)}
    rare = next(at for at in range(60) if any(at not in found for found in drawings[38]) and at in drawings[24][0])
    targets = (groups == rare).astype(int)
    curve = curve_of(rows, targets, groups, np.ones(60, bool), 30.0)
    assert curve is not None
    assert [point.labels for point in curve.points] == [
        *(n for n, draws in drawings.items() if any(rare in found for found in draws)), 60,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("found", "point"),
    [
        ([(0.0, 0.0, 0.1)], (0.0, 0.0, 0.1)),
        ([(0.5, None, None)], (0.5, 0.0, 1.0)),
        ([(1.0, 0.9, 1.0), (1.0, 0.9, 1.0), (0.7, 0.6, 0.95)], (0.9, 0.8, 1.0)),
        ([(0.1, 0.0, 0.2), (0.1, 0.0, 0.2), (0.4, 0.25, 0.5)], (0.2, 0.05, 0.3)),
        ([(0.1, 0.0, 0.2), (0.1, 0.0, 0.2), (0.4, 0.1, 0.5)], (0.2, 0.0, 0.3)),
    ],
)
def test_a_points_interval_moves_with_its_mean_and_stays_a_share(
    found: list[tuple[Any, ...]], point: tuple[float, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    told = iter([*(found * 3)[:3], *[found[-1]] * 12])
    monkeypatch.setattr(accuracy, "_checked", lambda *given: Estimate(*next(told), 30, None, "so"))
    curve = asked(60, 60)
    assert curve is not None
    got = curve.points[0].accuracy
    assert (got.value, got.low, got.high) == pytest.approx(point) and (got.n, got.method) == (30, "so")


def by_hand(
    rows: np.ndarray, targets: np.ndarray, groups: np.ndarray, counted: np.ndarray, number: int, draw: int
) -> Estimate:
    chosen = accuracy._drawn(groups, number, draw)
    assert len(chosen) == number and (np.diff(chosen) > 0).all()
    inside = np.bincount(groups[chosen])
    assert (inside == 1).sum() == number % 2, "whole groups, but for the last"
    head = solve(rows[chosen], targets[chosen], 3, parts_of(targets[chosen], groups[chosen]), (30.0,))
    said = head.scores(rows).argmax(axis=1)
    said[chosen] = head.held_out.argmax(axis=1)
    persons = Persons.among(groups[counted])
    assert persons is not None
    return persons.proportion((said == targets)[counted], None, "")


def test_draws_differ_and_are_the_same_every_time() -> None:
    groups = np.arange(60)
    one, again, other = (accuracy._drawn(groups, 20, draw).tolist() for draw in (0, 0, 1))
    assert one == again != other and accuracy._drawn(groups, 60, 2).tolist() == groups.tolist()


def test_one_class_alone_teaches_nothing() -> None:
    rows, targets = learned()
    chosen = np.flatnonzero(targets == 1)
    assert accuracy._checked(rows, targets, np.arange(60), np.ones(60, bool), 30.0, chosen) is None


def test_classes_are_told_by_their_own_numbers() -> None:
    """A head that learned from the second and third class alone can be right of those only."""
    rows, targets = learned()
    chosen = np.flatnonzero(targets > 0)[:20]
    found = accuracy._checked(rows, targets, np.arange(60), np.ones(60, bool), 30.0, chosen)
    head = solve(rows[chosen], targets[chosen] - 1, 2, parts_of(targets[chosen] - 1, chosen), (30.0,))
    said = head.scores(rows).argmax(axis=1) + 1
    said[chosen] = head.held_out.argmax(axis=1) + 1
    assert found == proportion(int((said == targets).sum()), 60, "")


def points(values: list[float], low: float | None = 0.1, high: float | None = 0.05) -> tuple[MeasuredPoint, ...]:
    numbers = (10, 20, 40, 80, 160)
    return tuple(
        MeasuredPoint(n, Estimate(v, None if low is None else v - low, None if high is None else v + high, 50))
        for n, v in zip(numbers, values, strict=False)
    )


@pytest.mark.parametrize("power", [0.3, 0.5, 0.7, 1.0])
def test_what_lies_on_a_power_law_goes_on_along_it(power: float) -> None:
    values = [0.8 - 1.2 * n**-power for n in (10, 20, 40, 80, 160)]
    found = accuracy._extended(points(values), 40).then
    assert found is not None and found.value is not None and found.low is not None and found.high is not None
    then = 0.8 - 1.2 * 200**-power
    assert found.value == pytest.approx(then) and (found.n, found.method) == (50, "power law")
    assert (found.low, found.high) == (pytest.approx(then - 0.1, abs=1e-6), pytest.approx(then + 0.05, abs=1e-6))


def test_what_the_law_leaves_unexplained_widens_the_interval() -> None:
    values = [0.5, 0.62, 0.6, 0.71, 0.72]
    n, y = np.array([10.0, 20, 40, 80, 160]), np.array(values)
    w = n / 160
    best = None
    for power in (0.3, 0.5, 0.7, 1.0):
        x = -(n**-power)
        mx, my = (w * x).sum() / w.sum(), (w * y).sum() / w.sum()
        fall = (w * (x - mx) * (y - my)).sum() / (w * (x - mx) ** 2).sum()
        error = (w * (y - my - fall * (x - mx)) ** 2).sum()
        if best is None or error < best[0]:
            best = (error, fall, power)
    assert best is not None
    error, fall, power = best
    gain, doubt = fall * (160**-power - 210**-power), Z * math.sqrt(error / 3)
    found = accuracy._extended(points(values), 50).then
    assert found is not None
    wanted = (0.72 + gain, 0.72 - 0.1 + gain - doubt, 0.72 + 0.05 + gain + doubt)
    assert (found.value, found.low, found.high) == pytest.approx(wanted)
    bare = accuracy._extended(points(values, None, None), 50).then
    assert bare is not None and (bare.low, bare.high) == pytest.approx((0.72 + gain - doubt, 0.72 + gain + doubt))


def test_no_more_than_all_and_no_less_than_none() -> None:
    values = [0.97, 0.98, 0.99, 0.995, 0.999]
    found = accuracy._extended(points(values, 1.0, 0.001), 1_000_000).then
    assert found is not None and found.value is not None and found.value <= 1.0 == found.high and found.low == 0.0
    steep = [0.1, 0.4, 0.7, 0.9, 0.999]
    found = accuracy._extended(points(steep), 1_000_000).then
    assert found is not None and found.value == 1.0


def test_where_nothing_more_can_be_said() -> None:
    few = accuracy._extended(points([0.5, 0.6, 0.7]), 50)
    assert few.then is None and few.reason == "more labels are needed to say what others would bring"
    four = accuracy._extended(points([0.5, 0.6, 0.7, 0.72]), 50)
    assert four.then is not None and four.then.method == "power law" and not four.reason
    falling = points([0.9, 0.8, 0.7, 0.6, 0.5])
    flat = accuracy._extended(falling, 50)
    assert flat.then == falling[-1].accuracy and flat.points == falling and flat.more == 50
    assert flat.reason == "labels added lately have changed nothing that could be measured"
