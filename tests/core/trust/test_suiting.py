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
