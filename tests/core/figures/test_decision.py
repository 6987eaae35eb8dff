"""One rule decides: a row by itself and a row among others get the same answer."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from desktop.core.figures.decision import answer_of, answers_of, in_place_of_score
from desktop.store.manifest import Decision

score = st.floats(0, 1, width=32)


@given(st.lists(st.lists(score, min_size=5, max_size=5), min_size=1))
def test_the_highest_score_decides_alike(rows: list[list[float]]) -> None:
    scores = np.array(rows, np.float32)
    assert answers_of(scores, None, None).tolist() == [answer_of(row, None, None) for row in scores]


@given(st.lists(st.tuples(score, score), min_size=1), st.sampled_from([0, 1]), st.floats(0, 1))
def test_a_threshold_decides_alike(rows: list[tuple[float, float]], positive: int, threshold: float) -> None:
    scores = np.array(rows, np.float32)
    alone = [Decision("threshold", positive, threshold).choose(row) for row in scores]
    assert answers_of(scores, positive, threshold).tolist() == alone


def test_the_threshold_itself_counts_and_the_first_of_equals_wins() -> None:
    third = float(np.float32(0.3))
    assert answer_of([1 - third, third], 1, third) == 1
    assert answer_of([1 - third, third], 1, np.nextafter(third, 1)) == 0
    assert answer_of([0.2, 0.4, 0.4], None, None) == 1
    assert Decision().choose([0.5, 0.5]) == 0
    assert answers_of(np.empty((0, 3), np.float32), None, None).shape == (0,)


def test_half_a_rule_is_none_so_the_highest_score_decides() -> None:
    for positive, threshold in ((1, None), (0, None), (None, 0.9), (None, 0.1)):
        assert answer_of([0.25, 0.75], positive, threshold) == 1
        assert answer_of([0.75, 0.25], positive, threshold) == 0
    scores = np.array([[0.25, 0.75], [0.75, 0.25]], np.float32)
    for positive, threshold in ((1, None), (0, None), (None, 0.9), (None, 0.1)):
        assert answers_of(scores, positive, threshold).tolist() == [1, 0]


def test_a_losing_score_is_never_shown_as_the_answers() -> None:
    def beside(answer: int, score: float, positive: int | None = 1, threshold: float | None = 0.25) -> str:
        return in_place_of_score(answer, score, 0.7, positive, threshold, lambda value: f"{value:.3f}")

    assert beside(1, 0.3) == "≥ 0.250" and beside(0, 0.3) == "< 0.250"
    assert beside(0, 0.3, positive=0) == "≥ 0.250" and beside(1, 0.3, positive=0) == "< 0.250"
    assert beside(1, 0.7) == "" == beside(1, 0.8)  # the highest may stand there
    assert beside(1, 0.3, positive=None) == "" == beside(1, 0.3, threshold=None)
