"""Answer sets hold the truth as often as they promise, whatever the scores are like."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from desktop.core.trust.conformal import DEFAULT_RATE, RATES, AnswerSet, answer_set, cutoffs, like_those, nearest_rate
from desktop.store.manifest import Conformal


def sets(*values: float, rates: tuple[float, ...] = RATES, n: int = 2000) -> Conformal:
    return Conformal("least ambiguous set", "validation", n, rates, values)


def test_a_cutoff_is_the_conformal_quantile_of_the_true_scores() -> None:
    # With 19 pictures the k-th highest, k = ceil(20 * 0.95) = 19, is the lowest; 1 % needs 99 pictures.
    true = [round(0.05 * i, 2) for i in range(1, 20)]
    assert cutoffs(true, (0.01, 0.05, 0.5)) == (0.0, 0.05, 0.5)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 6), st.floats(0.3, 4.0))
def test_sets_cover_the_truth_of_exchangeable_pictures(seed: int, classes: int, sharpness: float) -> None:
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, sharpness, (4000, classes))
    truth = np.array([rng.choice(classes, p=np.exp(row) / np.exp(row).sum()) for row in logits])
    # The network believes itself too much: coverage must hold all the same.
    wrong = np.exp(2.5 * logits)
    scores = wrong / wrong.sum(axis=1, keepdims=True)
    known = scores[np.arange(2000), truth[:2000]]
    found = sets(*cutoffs(known.tolist()))
    for rate in RATES:
        held = [
            truth[i] in answer_set(scores[i], int(scores[i].argmax()), found, rate).classes for i in range(2000, 4000)
        ]
        # Beta-distributed coverage with 2,000 pictures, and the count of 2,000 more: four deviations.
        assert np.mean(held) > 1 - rate - 4 * np.sqrt(2 * rate * (1 - rate) / 2000)


def test_the_models_answer_always_belongs_and_the_order_is_by_score() -> None:
    found = sets(0.4, rates=(0.1,))
    assert answer_set([0.5, 0.45, 0.05], 0, found, 0.1) == AnswerSet((0, 1), 0.1)
    # A threshold may answer with the lower score.
    assert answer_set([0.8, 0.2], 1, found, 0.1) == AnswerSet((0, 1), 0.1, weak=True)
    assert answer_set([0.35, 0.33, 0.32], 0, found, 0.1) == AnswerSet((0,), 0.1, weak=True)


def test_cutoffs_keep_seven_digits() -> None:
    assert cutoffs([0.123456789, 0.987654321, 0.000123456789], (0.1, 0.5, 0.8)) == (0.0, 0.1234567, 0.9876543)
    assert cutoffs([0.000123456789], (0.5,)) == (0.0001234567,)


def test_everything_is_said_only_where_no_class_can_be_left_out() -> None:
    few = sets(0.3, rates=(0.05,), n=5)  # of a model made elsewhere: too few pictures, and yet a cutoff
    assert answer_set([0.9, 0.1], 0, few, 0.05) == AnswerSet((0,), 0.05)
    assert (AnswerSet((0,), 0.1).weak, AnswerSet((0,), 0.1).everything) == (False, False)
    assert DEFAULT_RATE == 0.05 and DEFAULT_RATE in RATES


def test_too_few_pictures_give_every_class() -> None:
    few = sets(0.0, rates=(0.01,), n=98)
    assert answer_set([0.9, 0.1], 0, few, 0.01) == AnswerSet((0, 1), 0.01, everything=True)


def test_a_network_too_sure_of_itself_is_not_taken_for_too_few_pictures() -> None:
    true = [1.0] * 990 + [float(np.float32(score)) for score in (3e-8, 1.2345678e-11, *[1e-40] * 7, 0.0)]
    found = cutoffs(true, (0.001, 0.01))
    known = sets(*found, rates=(0.001, 0.01), n=len(true))
    assert found[0] == 0 and 2.9999e-8 < found[1] <= true[990]
    assert answer_set([1.0, 2e-8, 4e-8], 0, known, 0.01) == AnswerSet((0, 2), 0.01)
    # A true class had a score of 0: no class can be left out, but pictures there were enough.
    assert answer_set([1.0, 0.0, 0.0], 0, known, 0.001) == AnswerSet((0, 1, 2), 0.001)


@given(st.lists(st.floats(0, 1, width=32), min_size=1, max_size=30))
def test_a_cutoff_is_rounded_down_and_little(scores: list[float]) -> None:
    ranked = sorted(scores, reverse=True)
    for rate, cutoff in zip(RATES, cutoffs(scores), strict=True):
        place = int(np.ceil((len(scores) + 1) * (1 - rate) - 1e-9))
        if place <= len(scores):
            score = ranked[place - 1]
            assert score * (1 - 1.01e-6) <= cutoff <= score


def test_a_rate_that_was_not_calibrated_is_an_error_and_the_nearest_one_is_found() -> None:
    with pytest.raises(ValueError, match="no cutoff"):
        answer_set([0.9, 0.1], 0, sets(0.5, rates=(0.1,)), 0.05)
    assert nearest_rate(sets(0.5, 0.6, rates=(0.05, 0.15)), 0.1) == 0.05
    assert nearest_rate(sets(0.5, 0.6, rates=(0.05, 0.15)), 0.2) == 0.15


def test_sets_are_made_of_pictures_up_to_twice_the_side_of_those_that_were_calibrated_on() -> None:
    of_tiles = Conformal("least ambiguous set", "validation", 100, (0.1,), (0.5,), side=32)
    assert like_those(of_tiles, (64, 64)) and like_those(of_tiles, (64, 900)) and like_those(of_tiles, (900, 64))
    assert not like_those(of_tiles, (65, 65)) and not like_those(of_tiles, (65, 900))
    assert like_those(sets(0.5, rates=(0.1,)), (9000, 9000))  # of an older model the side is not known


def test_a_score_that_is_the_cutoff_belongs_and_equal_scores_stand_in_the_classes_order() -> None:
    found = sets(0.3, rates=(0.1,))
    assert answer_set([0.3, 0.4, 0.3], 1, found, 0.1) == AnswerSet((1, 0, 2), 0.1)
    assert answer_set([0.2, 0.4, 0.4], 0, found, 0.1) == AnswerSet((1, 2, 0), 0.1, weak=True)
    assert RATES == (0.01, 0.02, 0.05, 0.1, 0.2)
    assert cutoffs([0.9] * 8, (0.1,)) == (0.0,) and cutoffs([0.9] * 9, (0.1,)) == (0.9,)  # nine of ten need nine
