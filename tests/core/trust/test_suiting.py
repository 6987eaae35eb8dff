"""Which model at hand would suit: the rule, and that every model of the table has its words."""

from __future__ import annotations

import numpy as np

from desktop.core.trust import suiting
from desktop.core.trust.general_words import Wording
from desktop.core.types import DomainVerdict
from desktop.store import catalogue


def test_of_those_whose_gates_take_it_the_nearest_is_offered() -> None:
    inside, nearer = DomainVerdict(0.8, True), DomainVerdict(-0.1, True)
    assert suiting.claimed({"a": DomainVerdict(1.4, False), "b": None}) == ""
    assert suiting.claimed({"a": inside, "b": DomainVerdict(1.4, False)}) == "a"
    assert suiting.claimed({"a": inside, "b": nearer}) == "b"


def test_an_everyday_photo_has_colours_and_shows_something_known() -> None:
    rng = np.random.default_rng(1)
    coloured = rng.integers(0, 256, (20, 20, 3), dtype=np.uint8)
    grey = np.repeat(coloured[..., :1], 3, axis=2)
    known, unsure = Wording("word", "dog", 0.9), Wording("unsure", "", 0.2)
    assert suiting.everyday(coloured, known)
    assert not suiting.everyday(grey, known)
    assert not suiting.everyday(coloured, unsure) and not suiting.everyday(coloured, None)


def test_every_model_that_may_be_offered_has_words() -> None:
    assert set(suiting.WORDS) == {*suiting.CLAIMING, suiting.EVERYDAY}
    assert suiting.EVERYDAY == catalogue.EVERYDAY


def test_colour_is_the_mean_of_both_opponent_channels_from_six_of_255_on() -> None:
    known = Wording("word", "dog", 0.9)

    def shade(red: int, green: int, blue: int) -> np.ndarray:
        return np.full((4, 4, 3), (red, green, blue), np.uint8)

    assert suiting.everyday(shade(104, 100, 100), known)  # red minus green 4, yellow minus blue 2: 6
    assert not suiting.everyday(shade(103, 100, 100), known)  # 3 and 1.5
    assert suiting.everyday(shade(100, 100, 106), known) and not suiting.everyday(shade(100, 100, 105), known)
    assert suiting.everyday(shade(100, 104, 102), known) is False  # 4 and 0
    half = shade(100, 100, 100)
    half[:2] = shade(108, 100, 100)[:2]
    assert suiting.everyday(half, known)  # the mean of 12 and 0
    assert suiting.everyday(shade(200, 10, 10), Wording("class", "", 0.9))
