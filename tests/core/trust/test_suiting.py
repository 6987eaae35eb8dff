"""Which model at hand would suit: the rule, and that every model of the table has its words."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.special import softmax

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


def test_a_kind_needs_half_and_a_photograph_four_fifths() -> None:
    inside = {"mnist-digits": DomainVerdict(0.1, True)}
    assert suiting.claimed(inside, np.array([0.5, 0.3, 0.1, 0.1])) == "mnist-digits"
    assert suiting.claimed(inside, np.array([0.499, 0.301, 0.1, 0.1])) == ""
    assert suiting.everyday(np.array([0.1, 0.05, 0.8, 0.05])) and not suiting.everyday(
        np.array([0.1, 0.051, 0.799, 0.05])
    )
    assert (
        suiting.claimed({"own": DomainVerdict(0.1, True)}, np.array([0, 0, 0, 1.0])) == "own"
    )  # of it no kind is known
    assert suiting.claimed(inside) == "mnist-digits"  # what it is like was not asked
    assert suiting.claimed({}) == "" == suiting.claimed({"a": None}, np.zeros(4))
    assert suiting.claimed({"b": DomainVerdict(0.1, True), "a": DomainVerdict(0.1, True)}) == "a"


def test_shares_are_the_softmax_of_a_linear_classifier() -> None:
    kernel, bias = np.array([[1.0, 0, 2, -1], [0.5, 1, 0, 3]], np.float32), np.array([0.1, 0.2, -0.3, 0], np.float32)
    rows = np.array([[1.0, 2.0], [300.0, -200.0]], np.float32)
    wanted = softmax(rows.astype(float) @ kernel + bias, axis=1)
    np.testing.assert_allclose(suiting.Kinds(kernel, bias).shares(rows), wanted, rtol=1e-5, atol=1e-12)
    assert suiting.KINDS == ("digit", "x-ray", "photo", "other")


def test_it_is_said_what_a_picture_looks_like() -> None:
    assert suiting.WORDS == {
        "mnist-digits": "This looks like a handwritten digit.",
        "chest-xray-pneumonia": "This looks like a chest X-ray.",
        "efficientnet-lite0": "This looks like an everyday photo.",
    }
    assert suiting.CONTEXT == "Suiting"


def test_an_empty_or_a_cut_file_is_damaged_and_its_arrays_must_go_together(tmp_path: Path) -> None:
    path = tmp_path / "own.npz"
    for kernel, bias in (((5, 4), 3), ((5, 3), 3), ((5, 3), 4)):
        np.savez(path, kernel=np.zeros(kernel), bias=np.zeros(bias))
        with pytest.raises(StoreError) as wrong:
            suiting.Kinds.load(path)
        assert wrong.value.message == "'own.npz' is missing or damaged"
    np.savez(path, kernel=np.zeros((5, 4)), bias=np.zeros(4))
    assert suiting.Kinds.load(path).kernel.dtype == np.float32
    whole = path.read_bytes()
    for part in (b"", whole[:100]):
        path.write_bytes(part)
        with pytest.raises(StoreError) as refused:
            suiting.Kinds.load(path)
        assert refused.value.kind == "damaged"
