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


def test_a_photograph_begins_beyond_three_times_a_tiles_side() -> None:
    assert (shown.LARGER, shown.LEAST, shown.KNOWN["cifar10"].side) == (3.0, 0.2, 32)
    assert shown.asked("cifar10", (97, 640), INSIDE) and not shown.asked("cifar10", (96, 640), INSIDE)
    assert shown.asked("cifar10", (640, 97), INSIDE)


def test_the_less_is_seen_the_farther_is_the_picture() -> None:
    assert shown.agreed(INSIDE, shown.LEAST) is INSIDE and shown.agreed(INSIDE, 1.0) is INSIDE
    assert shown.agreed(INSIDE, 0.0) == DomainVerdict(2.0001, False)
    assert shown.agreed(INSIDE, 0.05) == DomainVerdict(1.7501, False)
    assert shown.agreed(INSIDE, 0.123456) == DomainVerdict(1.3828, False)  # 1.38282
    assert shown.agreed(INSIDE, 0.2 - 1e-9) == DomainVerdict(1.0001, False)


def test_a_class_under_two_words_counts_once() -> None:
    table = general_words.GeneralWords(
        ("bird", "frog", "food", "aircraft"), np.array([[1, 1, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]], bool)
    )
    assert shown.share("cifar10", table, np.array([0.1, 0.2, 0.4, 0.3])) == pytest.approx(0.6)


@pytest.mark.parametrize(
    ("word", "of"),
    [("passenger plane", 1), ("sports car", 1), ("articulated lorry", 1), ("American robin", 1), ("tabby cat", 1),
     ("ox", 1), ("beagle", 1), ("tree frog", 1), ("container ship", 1), ("teapot", 0), ("car wheel", 0)],
)  # fmt: skip
def test_what_the_ten_classes_are_in_words(word: str, of: int) -> None:
    """An aeroplane, a car, a lorry, a bird, a cat, a hoofed animal, a dog, a frog, a ship, and none of them."""
    (known,) = (each for each, name in general_words.names().items() if name == word)
    assert shown.share("cifar10", words(), scores(**{known: 1.0})) == of
