"""Which pictures a gallery, a report and a list show, and in which order."""

from __future__ import annotations

import numpy as np
import pytest

from desktop.core.figures.gallery_order import Mode, in_order
from desktop.services.answers import GalleryChoice, ResultAnswers, arrange
from tests.core.figures.makers import made_up

TRUTH = np.array([0, 0, 1, 1, 0, 1, 0])
SCORES = np.array([[0.9, 0.1], [0.6, 0.4], [0.95, 0.05], [0.8, 0.2], [0.05, 0.95], [0.4, 0.6], [0.6, 0.4]], np.float32)
PREDICTED = SCORES.argmax(axis=1)


@pytest.mark.parametrize(
    ("mode", "cell", "expected"),
    [
        ("losses", (None, None), [2, 4, 3]),
        ("unsure", (None, None), [1, 5, 6, 0]),
        ("labels", (None, None), [2, 4]),
        ("cell", (0, 0), [0, 1, 6]),
        ("cell", (1, None), [2, 3, 5]),
        ("cell", (None, 1), [4, 5]),
    ],
)
def test_the_order(mode: Mode, cell: tuple[int | None, int | None], expected: list[int]) -> None:
    assert in_order(mode, np.arange(7), TRUTH, PREDICTED, SCORES, cell).tolist() == expected


def test_only_the_rows_asked_for_in_their_order() -> None:
    assert in_order("unsure", np.array([6, 5, 1]), TRUTH, PREDICTED, SCORES).tolist() == [6, 5, 1]
    assert in_order("labels", np.arange(7), TRUTH, PREDICTED, SCORES, sure=0.96).tolist() == []
    at = float(SCORES[2, 0])  # a score that is the limit itself is sure
    assert in_order("labels", np.arange(7), TRUTH, PREDICTED, SCORES, sure=at).tolist() == [2, 4]
    assert in_order("labels", np.arange(7), TRUTH, PREDICTED, SCORES, sure=np.nextafter(at, 1)).tolist() == []


def test_a_result_and_a_gallery_show_the_same_order() -> None:
    result = made_up(TRUTH, SCORES)
    answers = ResultAnswers(result, None)  # type: ignore[arg-type]
    pairs: list[tuple[np.ndarray, GalleryChoice]] = [
        (result.top_losses(), GalleryChoice("losses")),
        (result.least_confident_right(), GalleryChoice("unsure")),
        (result.likely_wrong_labels(), GalleryChoice("labels")),
        (result.cell(1, 0), GalleryChoice("cell", 1, 0)),
    ]
    for own, choice in pairs:
        assert own.tolist() == arrange(answers, choice).tolist()
