"""Which model at hand would suit: the rule, and that every model of the table has its words."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from desktop.core.trust import suiting
from desktop.core.types import DomainVerdict, StoreError
from desktop.store import catalogue


def test_of_those_whose_gates_take_it_the_nearest_is_offered() -> None:
    inside, nearer = DomainVerdict(0.8, True), DomainVerdict(-0.1, True)
    assert suiting.claimed({"a": DomainVerdict(1.4, False), "b": None}) == ""
    assert suiting.claimed({"a": inside, "b": DomainVerdict(1.4, False)}) == "a"
    assert suiting.claimed({"a": inside, "b": nearer}) == "b"


def test_what_the_everyday_network_sees_must_agree() -> None:
    inside = {"mnist-digits": DomainVerdict(0.1, True), "chest-xray-pneumonia": DomainVerdict(0.8, True)}
    digit, x_ray, nothing = np.array([0.9, 0.1, 0, 0]), np.array([0.1, 0.8, 0.1, 0]), np.array([0.1, 0.1, 0.4, 0.4])
    assert suiting.claimed(inside, digit) == "mnist-digits"
    assert suiting.claimed(inside, x_ray) == "chest-xray-pneumonia"
    assert suiting.claimed(inside, nothing) == ""
    assert suiting.everyday(np.array([0.0, 0.1, 0.9, 0.0])) and not suiting.everyday(np.array([0.1, 0.1, 0.7, 0.1]))
    assert not suiting.everyday(nothing)


def test_the_classifier_that_comes_with_the_program_is_whole() -> None:
    kinds = suiting.Kinds.load()
    shares = kinds.shares(np.random.default_rng(1).random((3, len(kinds.kernel)), np.float32))
    assert shares.shape == (3, len(suiting.KINDS)) and np.allclose(shares.sum(axis=1), 1)


@pytest.mark.parametrize("damage", ["missing", "text", "shape"])
def test_a_damaged_classifier_is_told(tmp_path: Path, damage: str) -> None:
    path = tmp_path / suiting.FILE
    if damage == "text":
        path.write_text("no archive")
    elif damage == "shape":
        np.savez(path, kernel=np.zeros((5, 3)), bias=np.zeros(4))
    with pytest.raises(StoreError, match="damaged"):
        suiting.Kinds.load(path)


def test_every_model_that_may_be_offered_has_words() -> None:
    assert set(suiting.WORDS) == {*suiting.CLAIMING, suiting.EVERYDAY}
    assert suiting.EVERYDAY == catalogue.EVERYDAY
