"""What a training has reached: best epoch, averages of weights, metrics over the parts of an epoch."""

from __future__ import annotations

import numpy as np
import pytest

from desktop.ml.training.progress_state import Averages, Best, Within


def test_the_first_value_is_the_best_and_an_equal_one_is_not_better() -> None:
    assert Best().beaten_by(9.0)
    best = Best([], 2.0, 3)
    assert best.beaten_by(1.9) and not best.beaten_by(2.0) and not best.beaten_by(float("nan"))


def test_metrics_of_both_parts_of_an_epoch_are_weighed_by_their_batches() -> None:
    assert Within().whole(1.0, 0.5, 4) == (1.0, 0.5)
    held = Within(step=3, partial=(2.0, 0.2))
    assert held.whole(1.0, 0.6, 4) == pytest.approx((2.0 * 0.75 + 1.0 * 0.25, 0.2 * 0.75 + 0.6 * 0.25))
    assert held.whole(7.0, 0.9, 3) == (2.0, 0.2)  # nothing was done since


def test_a_moving_average_follows_fast_at_first_and_then_by_its_share() -> None:
    early = Averages([np.zeros(2)])
    early.blend([np.ones(2)], keep=0.99, done=1, steps=1)
    np.testing.assert_allclose(early.moving[0], 1 - 2 / 11)
    late = Averages([np.zeros(2)])
    late.blend([np.ones(2)], keep=0.5, done=10_000, steps=2)
    np.testing.assert_allclose(late.moving[0], 1 - 0.5**2)


def test_the_mean_of_the_last_epochs_takes_each_alike_and_owns_its_arrays() -> None:
    averages, first = Averages(), np.array([1.0, 3.0])
    averages.take_in([first], 0)
    averages.take_in([np.array([3.0, 5.0])], 1)
    averages.take_in([np.array([8.0, 1.0])], 2)
    np.testing.assert_allclose(averages.mean[0], [4.0, 3.0])
    np.testing.assert_array_equal(first, [1.0, 3.0])
    assert averages.any is averages.mean


def test_with_a_moving_average_the_mean_is_of_that() -> None:
    averages = Averages([np.array([2.0])])
    averages.take_in([np.array([9.0])], 0)
    np.testing.assert_allclose(averages.any[0], [2.0])
