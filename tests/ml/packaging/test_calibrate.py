"""Temperature and thresholds, against their definitions worked out once more."""

from __future__ import annotations

import math

import numpy as np
import pytest

from desktop.ml.packaging import calibrate

# Temperature


def test_without_a_wrong_answer_scores_are_never_raised() -> None:
    logits = np.tile([[1.0, 0.0]], (50, 1))  # all right at a score of .73: cross-entropy alone asks for 1
    assert calibrate.fit_temperature(logits, np.zeros(50, int)) == pytest.approx(1.0, abs=1e-3)
    assert calibrate.fit_temperature(logits, np.repeat([0, 1], [45, 5])) < 0.9


@pytest.mark.parametrize(("right", "wrong"), [(19, 1), (16, 4), (190, 10), (6, 4)])
def test_few_pictures_move_the_temperature_little(right: int, wrong: int) -> None:
    """The minimum of cross-entropy plus a normal prior of 0.5 on ln T, by a grid instead of an optimiser."""
    logits = np.tile([[2.0, -1.0]], (right + wrong, 1))
    labels = np.repeat([0, 1], [right, wrong])

    def cost(log: float) -> float:
        margin = 3.0 / math.exp(log)
        short = math.log1p(math.exp(-margin))  # of a right answer; of a wrong one the margin comes on top
        return right * short + wrong * (margin + short) + log * log / (2 * 0.5**2)

    grid = np.linspace(math.log(0.05), math.log(10), 200_001)
    expected = math.exp(min(grid, key=cost))
    assert calibrate.fit_temperature(logits, labels) == pytest.approx(expected, rel=1e-3)
    free = 3.0 / math.log(right / wrong)  # where cross-entropy alone is least
    assert abs(math.log(expected)) < abs(math.log(free))


def test_the_temperature_stays_between_its_bounds() -> None:
    rng = np.random.default_rng(3)
    sure, none = rng.normal(0, 1000, (5000, 2)), rng.integers(0, 2, 5000)
    assert calibrate.fit_temperature(sure, none) == pytest.approx(10.0, rel=1e-3)
    small = np.repeat([[0.05, 0.0], [0.0, 0.05]], 5000, axis=0)
    labels = np.concatenate([np.repeat([0, 1], [4999, 1]), np.repeat([1, 0], [4999, 1])])
    assert calibrate.fit_temperature(small, labels) == pytest.approx(0.05, rel=1e-3)


# Threshold


@pytest.mark.parametrize(("at_least", "kept"), [(1.0, 0.2), (0.9, 0.2), (0.75, 0.4), (0.74, 0.4), (0.5, 0.6)])
def test_the_threshold_lies_halfway_below_what_it_keeps(at_least: float, kept: float) -> None:
    scores = np.array([0.9, 0.6, 0.4, 0.2, 0.5, 0.3, 0.1])
    positive = np.array([1, 1, 1, 1, 0, 0, 0], bool)
    below = max(s for s in scores if s < kept)

    def odds(p: float) -> float:
        return math.log(p / (1 - p))

    expected = 1 / (1 + math.exp(-(odds(kept) + odds(below)) / 2))
    assert calibrate.sensitive_threshold(scores, positive, at_least) == pytest.approx(expected)


def test_balanced_is_where_both_rates_are_nearest_and_of_ties_the_better_pair() -> None:
    scores = np.array([0.1, 0.3, 0.6, 0.4, 0.7, 0.9])
    positive = np.array([0, 0, 0, 1, 1, 1], bool)
    value = calibrate.balanced_threshold(scores, positive)
    # Sensitivity and specificity are 2/3 each between .4 and .6, and in no other gap alike.
    assert value == pytest.approx(1 / (1 + math.exp(-(math.log(0.4 / 0.6) + math.log(0.6 / 0.4)) / 2)))
    assert calibrate.balanced_threshold(np.array([0.2, 0.2]), np.array([True, False])) == pytest.approx(0.2)


def test_temperature_undoes_overconfidence() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 1.5, (4000, 3))
    labels = np.array([rng.choice(3, p=row) for row in calibrate.softmax(logits)])
    found = calibrate.fit_temperature(logits * 3, labels)
    assert found == pytest.approx(3.0, rel=0.1)
    right = calibrate.softmax(logits).argmax(axis=1) == labels
    after, before = (calibrate.softmax(logits * 3 / t).max(axis=1).mean() for t in (found, 1.0))
    assert abs(after - right.mean()) < 0.02 < abs(before - right.mean())


def test_balanced_threshold_lies_in_the_gap() -> None:
    scores = np.array([0.01, 0.02, 0.1, 0.9, 0.95, 0.99])
    value = calibrate.balanced_threshold(scores, np.array([0, 0, 0, 1, 1, 1], bool))
    assert value == pytest.approx(0.5, abs=1e-6)


def test_sensitive_threshold_keeps_its_promise() -> None:
    rng = np.random.default_rng(1)
    scores, truth = rng.random(500), rng.random(500) < 0.6
    value = calibrate.sensitive_threshold(scores, truth, 0.95)
    assert (scores[truth] >= value).mean() >= 0.95
    higher = scores[truth][scores[truth] > value].min() + 1e-9
    assert (scores[truth] >= higher).mean() < 0.95 + 1 / truth.sum()


@pytest.mark.parametrize("lowest", [1e-30, 1e-9, 0.1, 0.3, 0.7, 1 - 1e-9, 1.0])
def test_sensitive_threshold_is_not_above_a_score_that_it_has_to_keep(lowest: float) -> None:
    scores = np.array([lowest, lowest, min(1.0, lowest * 1.01)])
    value = calibrate.sensitive_threshold(scores, np.ones(3, bool), 1.0)
    assert 0 < value < 1 and (scores >= value).all()


def odds(p: float) -> float:
    return math.log(p / (1 - p))


def between(low: float, high: float) -> float:
    """The threshold in the middle of two scores, in log-odds."""
    return 1 / (1 + math.exp(-(odds(low) + odds(high)) / 2))


def balanced(negative: list[float], positive: list[float]) -> float:
    truth = np.array([False] * len(negative) + [True] * len(positive))
    return calibrate.balanced_threshold(np.array(negative + positive), truth)


def test_softmax_goes_along_the_last_axis() -> None:
    assert calibrate.softmax(np.log([1.0, 3.0])) == pytest.approx([0.25, 0.75])
    assert calibrate.softmax(np.log([[[1.0, 3.0], [2.0, 2.0]]])) == pytest.approx(
        np.array([[[0.25, 0.75], [0.5, 0.5]]])
    )
    assert calibrate.softmax(np.array([1000.0, 1000.0])) == pytest.approx([0.5, 0.5])


def test_a_gap_off_the_middle_is_halved_in_log_odds() -> None:
    assert balanced([0.1, 0.2], [0.3, 0.6]) == pytest.approx(between(0.2, 0.3))
    assert balanced([0.2], [0.7]) == pytest.approx(between(0.2, 0.7))
    assert balanced([0.0], [1.0]) == pytest.approx(0.5)


def test_of_gaps_that_are_as_uneven_the_better_one_is_taken() -> None:
    # Sensitivity 1 and specificity 3/4, or 1/2 and 3/4.
    assert balanced([0.1, 0.2, 0.3, 0.7], [0.5, 0.9]) == pytest.approx(between(0.3, 0.5))
    # 3/4 and 1/2, or 3/4 and 1.
    assert balanced([0.1, 0.5], [0.3, 0.6, 0.7, 0.8]) == pytest.approx(between(0.5, 0.6))
    # 5/8 and 5/9, or 4/8 and 5/9: the latter are nearer by more than a tenth of what their sum lacks.
    negative = [0.1, 0.12, 0.14, 0.16, 0.18, 0.6, 0.62, 0.64, 0.66]
    positive = [0.2, 0.22, 0.24, 0.4, 0.7, 0.72, 0.74, 0.76]
    assert balanced(negative, positive) == pytest.approx(between(0.4, 0.6))


def test_a_promise_of_nothing_keeps_the_highest_score() -> None:
    scores, truth = np.array([0.2, 0.6, 0.9, 0.5]), np.array([True, True, True, False])
    assert calibrate.sensitive_threshold(scores, truth, 0.0) == pytest.approx(between(0.6, 0.9))
    assert calibrate.sensitive_threshold(scores[:1], truth[:1], 1.0) == pytest.approx(0.2)


def test_scores_of_0_leave_the_least_threshold_there_is() -> None:
    found = calibrate.sensitive_threshold(np.zeros(3), np.ones(3, bool), 1.0)
    assert found == np.finfo(np.float64).tiny > 0
    # A score of 0 or 1 counts as one millionth away from it.
    half = calibrate.sensitive_threshold(np.array([0.0, 0.5]), np.array([False, True]), 1.0)
    assert half == pytest.approx(between(1e-6, 0.5))
    assert calibrate.sensitive_threshold(np.array([0.5, 1.0]), np.array([False, True]), 1.0) == pytest.approx(
        between(0.5, 1 - 1e-6)
    )


def test_one_picture_of_a_class_is_all_of_it() -> None:
    assert balanced([0.2, 0.7], [0.5]) == pytest.approx(between(0.2, 0.5))  # 1 and 1/2 rather than 0 and 1/2
    assert balanced([0.5], [0.1, 0.15, 0.2, 0.8]) == pytest.approx(between(0.2, 0.5))  # 1/4 and 0 rather than 1/4 and 1
