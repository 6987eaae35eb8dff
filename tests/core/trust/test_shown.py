"""Whether a photograph shows what a model of tiles knows: the rule, on made-up scores of the everyday network."""

from __future__ import annotations

import numpy as np
import pytest

from desktop.core.trust import general_words, shown
from desktop.core.types import DomainVerdict

TABBY, LABRADOR, PIZZA, DUMBBELL = "n02123045", "n02099712", "n07873807", "n03255030"
INSIDE = DomainVerdict(0.3, True)


def words() -> general_words.GeneralWords:
    found = general_words.for_labels(tuple(general_words.names()))
    assert found is not None
    return found


def scores(**of: float) -> np.ndarray:
    known = tuple(general_words.names())
    row = np.zeros(len(known), np.float32)
    for name, value in of.items():
        row[known.index(name)] = value
    return row


def test_every_word_of_the_table_is_one_of_the_hierarchy() -> None:
    for known in shown.KNOWN.values():
        assert set(known.words) <= set(words().words)


def test_what_the_model_knows_adds_up() -> None:
    table = words()
    assert shown.share("cifar10", table, scores(**{TABBY: 0.15, LABRADOR: 0.15, PIZZA: 0.7})) == pytest.approx(0.3)
    assert shown.share("cifar10", table, scores(**{PIZZA: 0.5, DUMBBELL: 0.5})) == 0.0
    assert shown.agreed(INSIDE, 0.3) is INSIDE
    for found in (0.0, 0.1, 0.1999):
        verdict = shown.agreed(INSIDE, found)
        assert not verdict.inside and 1.0 < verdict.score <= 2.01 and verdict.reasons == ()


def test_it_is_asked_of_photographs_that_the_gate_takes_for_tiles_alone() -> None:
    assert shown.asked("cifar10", (640, 480), INSIDE)
    assert not shown.asked("cifar10", (640, 96), INSIDE)  # little more than a tile
    assert not shown.asked("cifar10", (640, 480), DomainVerdict(1.5, False)) and not shown.asked(
        "cifar10", (9, 9), None
    )
    assert not shown.asked("mnist-digits", (640, 480), INSIDE)
