"""The cut into training and validation: stratified, by group, the same for the same seed, and never empty."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from desktop.core.data.splits import (
    SplitError,
    SplitLists,
    check_same,
    cut,
    deviations,
    read_split,
    together,
    write_split,
)


@settings(max_examples=150, deadline=None)
@given(
    rows=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 12)), min_size=2, max_size=80),
    fraction=st.floats(0.05, 0.8),
    seed=st.integers(0, 5),
)
def test_groups_stay_together_and_something_is_left_of_every_class(
    rows: list[tuple[int, int]], fraction: float, seed: int
) -> None:
    labels, groups = np.array([row[0] for row in rows]), [row[1] for row in rows]
    train, validation = cut(labels, groups, fraction, seed)
    assert sorted([*train.tolist(), *validation.tolist()]) == list(range(len(rows)))
    assert not {groups[i] for i in train} & {groups[i] for i in validation}
    assert set(labels[train]) == set(labels)
    again = cut(labels, groups, fraction, seed)
    assert np.array_equal(train, again[0]) and np.array_equal(validation, again[1])


def test_every_class_has_its_share_and_the_seed_decides() -> None:
    labels = np.repeat([0, 1, 2], [100, 50, 10])
    train, validation = cut(labels, range(160), 0.2, 3)
    assert np.bincount(labels[validation]).tolist() == [20, 10, 2]
    assert np.array_equal(np.setdiff1d(np.arange(160), validation), train)
    assert not np.array_equal(cut(labels, range(160), 0.2, 4)[1], validation)


def test_a_class_of_one_person_is_learnt_from() -> None:
    labels = np.array([0, 0, 0, 1, 1, 1])
    train, validation = cut(labels, ["a", "a", "a", "x", "y", "z"], 0.3, 0)
    assert {0, 1, 2} <= set(train.tolist()) and len(validation) == 1


def test_what_is_alike_in_anything_goes_together() -> None:
    people, content = ["p", "q", None, "p", None, None], ["1", "2", "2", "3", "4", "5"]
    assert together(people, content) == [0, 1, 1, 0, 4, 5]


def test_lists_come_back_as_they_were(tmp_path: Path) -> None:
    path = tmp_path / "split.json"
    held = SplitLists(3, 0.2, "auto", "cut", "f" * 64, ("a/日本.png", "a/\udc80.png"), ("b/1.png",), (("c", "empty"),))
    write_split(path, held)
    assert read_split(path) == held
    check_same(held, held.train, held.validation)
    check_same(held, held.train, held.validation, "f" * 64, ["c"])
    check_same(held, held.train, held.validation, "e" * 64)  # what took no part is gone: its content is in there
    with pytest.raises(SplitError, match="eeeeeeeeeeee, ffffffffffff was expected"):
        check_same(held, held.train, held.validation, "e" * 64, ["c"])
    with pytest.raises(SplitError, match="1 are missing and 1 are new") as caught:
        check_same(held, held.train, ["b/2.png"])
    assert caught.value.kind == "data-changed"
    with pytest.raises(SplitError, match="order"):
        check_same(held, held.train[::-1], held.validation)


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"schema": 2}', '{"schema": 1, "train": 3}', "\u00e9"])
def test_a_damaged_list_is_refused_in_words(tmp_path: Path, text: str) -> None:
    path = tmp_path / "split.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SplitError) as caught:
        read_split(path)
    assert caught.value.kind == "bad-split"


@pytest.mark.parametrize("seed", range(8))
def test_a_group_larger_than_the_share_is_learnt_from(seed: int) -> None:
    labels = np.repeat([0, 1], 100)
    people = ["a"] * 95 + ["b"] * 5 + ["c"] * 95 + ["d"] * 5
    _, validation = cut(labels, people, 0.2, seed)
    assert np.bincount(labels[validation]).tolist() == [5, 5]
    found = deviations(labels, labels[validation], 0.2)
    assert [(row[0], row[1], row[2]) for row in found] == [(0, 5, 100), (1, 5, 100)]
    even = cut(labels, ["a"] * 50 + ["b"] * 50 + ["c"] * 60 + ["d"] * 40, 0.2, seed)[1]
    assert np.bincount(labels[even]).tolist() == [50, 40]  # none fits: the smallest
    mixed = ["p"] * 10 + [f"x{i}" for i in range(90)] + ["p"] * 80 + [f"y{i}" for i in range(20)]
    assert np.bincount(labels[cut(labels, mixed, 0.2, seed)[1]]).tolist() == [20, 20]  # p is too large for class 1


def test_small_deviations_are_not_worth_a_word() -> None:
    labels = np.repeat([0, 1], [100, 9])
    assert deviations(labels, np.repeat([0, 1], [23, 2]), 0.2) == []
    assert [row[0] for row in deviations(labels, np.repeat([0], [40]), 0.2)] == [0]
