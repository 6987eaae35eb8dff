"""Figures of scores and answers, against scikit-learn or worked out by hand: blocks, edges, classes without images."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, brier_score_loss, top_k_accuracy_score

from desktop.core.figures.calibration import BINS, bin_of, brier_losses, ece, risk_steps
from desktop.core.figures.intervals import ALIKE
from desktop.core.figures.metrics import (
    class_auc,
    confusion,
    curves,
    in_top,
    means,
    per_class,
    shares,
    top_accuracy,
    weighted_ap,
)

MANY = 9001
"""More than two blocks of those that the work is done in."""


def drawn(classes: int, n: int = MANY) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(5)
    return rng.integers(0, classes, n), rng.dirichlet(np.ones(classes), n).astype(np.float32)


def test_the_truth_among_the_highest_scores_of_very_many() -> None:
    truth, scores = drawn(20)
    hits = in_top(truth, scores, 5)
    expected = [
        t in sorted(range(20), key=lambda c: -row[c])[:5] for t, row in zip(truth, scores.tolist(), strict=True)
    ]
    assert hits.tolist() == expected
    value = top_accuracy(truth, scores, 5).value
    assert value == pytest.approx(top_k_accuracy_score(truth, scores, k=5, labels=range(20)), abs=1e-12)


def test_the_brier_score_of_very_many() -> None:
    truth, scores = drawn(2)
    for positive in (0, 1):
        expected = brier_score_loss(truth == positive, scores[:, positive].astype(np.float64))
        assert brier_losses(truth, scores, positive).mean() == pytest.approx(expected, rel=1e-9)
    assert brier_losses(truth, scores).tolist() == brier_losses(truth, scores, 1).tolist()
    truth, scores = drawn(4)
    one_hot = np.eye(4)[truth]
    assert brier_losses(truth, scores) == pytest.approx(((scores.astype(np.float64) - one_hot) ** 2).sum(axis=1))


def test_shares_of_rows_and_columns() -> None:
    matrix = np.array([[3, 1, 0], [0, 0, 0], [1, 3, 0]])
    assert shares(matrix, "truth")[[0, 2]].tolist() == [[0.75, 0.25, 0.0], [0.25, 0.75, 0.0]]
    assert np.isnan(shares(matrix, "truth")[1]).all()
    assert shares(matrix, "answer")[:, :2].T.tolist() == [[0.75, 0.0, 0.25], [0.25, 0.0, 0.75]]
    assert np.isnan(shares(matrix, "answer")[:, 2]).all()


def test_means_say_over_how_many_classes_they_are() -> None:
    """Of four classes one has no images, one is never answered, one is neither."""
    matrix = confusion(np.array([0, 0, 0, 1, 1]), np.array([0, 0, 2, 0, 0]), 4)
    found = means(matrix, per_class(matrix, ("a", "b", "c", "d")), 1)
    assert (found.precision_classes, found.recall_classes, found.f1_classes) == (2, 2, 3)
    assert found.macro_precision.value == pytest.approx((2 / 4 + 0) / 2)
    assert found.macro_recall.value == pytest.approx((2 / 3 + 0) / 2)
    assert found.macro_f1.value == pytest.approx((4 / 7 + 0 + 0) / 3)


@pytest.mark.parametrize("all_are", [True, False])
def test_one_class_alone_has_no_curves(all_are: bool) -> None:
    assert curves(np.full(5, all_are), np.linspace(0, 1, 5), 1) is None


@pytest.mark.parametrize(
    "positive",
    [[True, False, False, False], [False, False, False, True], [False, True, True, False], [True, True, True, False]],
)
def test_average_precision_with_weights_is_that_of_repeated_images(positive: list[bool]) -> None:
    """One positive alone, the last in order, equal scores: as scikit-learn has it."""
    hit, scores = np.array(positive), np.array([0.9, 0.5, 0.5, 0.1])
    area = weighted_ap(hit, scores)
    for weights in ([1, 1, 1, 1], [1, 2, 1, 3], [2, 0, 1, 1], [1, 1, 3, 2]):
        times = np.array(weights)
        expected = average_precision_score(np.repeat(hit, times), np.repeat(scores, times))
        assert area(times) == pytest.approx(expected, abs=1e-12)
    assert np.isnan(area(np.where(hit, 0, 1)))


def test_bins_are_closed_above() -> None:
    edges = np.linspace(0, 1, BINS + 1)
    assert BINS == 15  # as in the paper
    assert bin_of(edges[1:]).tolist() == list(range(15)) and bin_of(np.array([0.0])).tolist() == [0]
    assert bin_of(np.nextafter(edges[1:-1], 1)).tolist() == list(range(1, 15))


def test_the_calibration_error_by_its_definition() -> None:
    rng = np.random.default_rng(8)
    scores = rng.random(400)
    right = rng.random(400) < scores**2
    expected = 0.0
    for number in range(15):
        inside = (scores > number / 15) & (scores <= (number + 1) / 15)
        if inside.any():
            expected += inside.mean() * abs(scores[inside].mean() - right[inside].mean())
    assert ece(scores, right, 1).value == pytest.approx(expected, abs=1e-12)


def test_resamples_that_tell_of_nothing_but_the_scores_spread_give_no_interval() -> None:
    """Less than one image more or less: however large the error itself is."""
    right = np.ones(50, bool)
    none = ece(np.linspace(0.90, 0.92, 50), right, 1)
    assert none.value == pytest.approx(0.09) and none.low is None and none.reason == ALIKE
    # Their spread makes an interval between one image and two.
    some = ece(np.linspace(0.853, 0.947, 200), np.ones(200, bool), 1)
    assert some.low is not None and some.high is not None and 1 / 200 < some.high - some.low < 2 / 200


def test_the_shares_answered_that_are_told() -> None:
    """Of 100 images with scores of their own, the sure ones right: what is left to a person."""
    scores = np.arange(1, 101) / 100
    steps = risk_steps(scores, scores > 0.3)
    assert [step.coverage for step in steps] == [1.0, 0.95, 0.9, 0.8, 0.7, 0.5, 0.25]
    assert [step.threshold for step in steps] == pytest.approx([0.01, 0.06, 0.11, 0.21, 0.31, 0.51, 0.76])
    assert [step.accuracy.value for step in steps] == pytest.approx([70 / 100, 70 / 95, 70 / 90, 70 / 80, 1, 1, 1])


def test_a_mean_is_over_the_classes_that_have_a_figure() -> None:
    matrix = np.array([[3, 1, 0], [1, 2, 0], [1, 0, 0]])  # c is never answered
    found = means(matrix, per_class(matrix, ("a", "b", "c")), 1)
    assert (found.precision_classes, found.recall_classes, found.f1_classes) == (2, 3, 3)


def test_the_area_of_one_class_is_that_of_its_own_score_against_all_others() -> None:
    truth = np.arange(60) % 3
    scores = np.random.default_rng(3).random((60, 3)).astype(np.float32)
    scores[np.arange(60), truth] += np.float32(0.3)
    for index in range(3):
        own, other = scores[truth == index, index], scores[truth != index, index]
        pairs = (own[:, None] > other[None, :]).mean()
        assert class_auc(truth, scores, index).value == pytest.approx(pairs)
