"""Suggestions are looked up by picture; of a labelled one they are what a head said that had not learned from it."""

from __future__ import annotations

import numpy as np

from desktop.core.figures.intervals import unknown
from desktop.engine.teaching_events import Learned
from desktop.services.suggestions import Suggestions


def test_a_labelled_picture_is_shown_as_a_head_sees_it_that_had_not_learned_from_it() -> None:
    scores = np.array([[0.9, 0.1], [0.2, 0.8], [0.7, 0.3]], np.float32)
    held_out = np.array([[0.25, 0.75]], np.float32)
    learned = Learned(
        1, np.array([5, 6]), np.array([30, 10, 20]), scores, np.array([30]), held_out, unknown("few"), 0, 1
    )
    found = Suggestions.of(learned)
    assert found is not None and found.best_of(30) == (6, 0.75) and found.scores_of(30) == [(6, 0.75), (5, 0.25)]
    assert [class_id for class_id, _ in found.scores_of(10)] == [6, 5] and found.best_of(99) is None
    assert found.sure(np.array([10, 20, 30]), 0, 0.7).tolist() == [10, 20, 30]
    assert np.array_equal(learned.scores, scores) and scores[0, 0] == np.float32(0.9)
