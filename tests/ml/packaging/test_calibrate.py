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
