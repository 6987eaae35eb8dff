"""The cut into training and validation: stratified, by group, the same for the same seed, and never empty."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from desktop.core.data import splits
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


@pytest.mark.parametrize(
    ("wanted", "count", "size", "passed_over"),
    [
        (10.0, 5, 6, False),  # one too many, five short
        (10.0, 5, 11, True),  # six too many, five short
        (10.0, 5, 10, False),  # as far off either way
        (4.0, 3, 2, False),  # one picture too many does no harm, even where it is as far off
        (4.0, 3, 2.5, True),
        (30.0, 29, 4, False),  # three too many is a tenth of what is wanted
        (30.0, 29, 4.1, True),
        (2.0, 3, 1, True),  # there is enough already: two too many
        (2.0, 3, 0, False),
    ],
)
def test_what_is_passed_over_is_clearly_too_large(wanted: float, count: int, size: float, passed_over: bool) -> None:
    assert splits._overshoots(wanted, count, size) is passed_over  # type: ignore[arg-type]


def test_the_cut_is_the_same_tomorrow() -> None:
    """Runs keep their lists, plans do not: the same seed has to cut the same pictures in a later version."""
    labels, groups = np.arange(24) % 3, [i // 2 for i in range(24)]
    assert cut(labels, groups, 0.25, 7)[1].tolist() == [8, 9, 18, 19, 22, 23]
    assert cut(labels, range(24), 0.25, 7)[1].tolist() == [8, 9, 13, 14, 18, 22]


def test_where_no_group_fits_the_smallest_is_checked_with() -> None:
    labels = np.zeros(60, int)
    people = ["a"] * 30 + ["b"] * 10 + ["c"] * 20
    for seed in range(6):
        assert set(np.array(people)[cut(labels, people, 0.05, seed)[1]]) == {"b"}


def test_a_group_of_two_classes_counts_for_both_and_once() -> None:
    labels = np.array([0] * 10 + [1] * 10)
    people = [f"p{i % 10}" for i in range(20)]  # everybody has a picture of each class
    for seed in range(6):
        chosen = cut(labels, people, 0.3, seed)[1]
        assert np.bincount(labels[chosen]).tolist() == [3, 3]


@pytest.mark.parametrize(("held", "told"), [(10, False), (11, True), (6, False), (5, True)])
def test_of_few_pictures_the_third_more_or_less_than_wanted_is_told(held: int, told: bool) -> None:
    found = deviations(np.zeros(40, int), np.zeros(held, int), 0.2)
    assert found == ([(0, held, 40, 8.0)] if told else [])


def test_of_many_pictures_a_quarter_more_or_less_is_told() -> None:
    labels = np.zeros(200, int)
    assert [bool(deviations(labels, np.zeros(held, int), 0.2)) for held in (30, 50, 29, 51)] == [
        False,
        False,
        True,
        True,
    ]
    nothing = np.empty(0, int)
    assert deviations(nothing, nothing, 0.5) == [] and deviations(np.array([2]), nothing, 0.5) == []
    assert deviations(np.full(10, 2), nothing, 0.5) == [(2, 0, 10, 5.0)]


def test_changes_of_a_runs_pictures_are_counted_and_named() -> None:
    held = SplitLists(3, 0.2, "auto", "cut", "f" * 64, ("a", "b"), ("c",))
    for now, words in ((["a"], "1 are missing and 0 are new"), (["a", "b", "x"], "0 are missing and 1 are new")):
        with pytest.raises(SplitError, match=words) as caught:
            check_same(held, now, held.validation)
        assert "to learn from" in caught.value.message and caught.value.hint
    with pytest.raises(SplitError, match="to validate with"):
        check_same(held, held.train, [])
    with pytest.raises(SplitError, match="the data's fingerprint is eeeeeeeeeeee, ffffffffffff was") as caught:
        check_same(held, held.train, held.validation, "e" * 64)
    assert caught.value.kind == "data-changed"
    unknown = SplitLists(3, 0.2, "auto", "cut", "", ("a", "b"), ("c",))
    check_same(unknown, held.train, held.validation, "e" * 64)
    check_same(held, held.train, held.validation, "")


def test_a_list_of_another_schema_or_none_is_no_list(tmp_path: Path) -> None:
    path = tmp_path / "split.json"
    held = SplitLists(3, 0.2, "auto", "cut", "", ("a",), ("b",))
    assert held.left_out == () and json.loads(held.to_json())["schema"] == 1
    path.write_text(held.to_json().replace('"schema": 1', '"schema": 2'), encoding="ascii")
    with pytest.raises(SplitError, match="cannot be read"):
        read_split(path)
    with pytest.raises(FileNotFoundError):
        read_split(tmp_path / "none.json")


def test_a_part_of_a_picture_more_is_taken() -> None:
    for seed in range(6):  # 2.4 are wanted: the third is nearer than none
        assert len(cut(np.zeros(12, int), range(12), 0.2, seed)[1]) == 3


def test_a_group_that_went_over_with_another_class_counts_once() -> None:
    labels = np.array([0] * 10 + [1] * 20)
    people = [f"p{i % 10}" for i in range(20)] + [f"q{i}" for i in range(10)]
    for seed in range(8):
        assert np.bincount(labels[cut(labels, people, 0.3, seed)[1]])[1] == 6


def test_one_key_is_enough_to_belong_together() -> None:
    assert together(["a", "b", "a", None]) == [0, 1, 0, 3]


def cutting() -> splits.Cutting:
    """Two classes and one more; persons of two pictures each, the last two pictures of class b are copies."""
    labels = np.array([0] * 8 + [1] * 8 + [2] * 4, np.int32)
    contents = np.arange(20, dtype=np.int32)
    contents[15] = contents[14]
    names = tuple(f"{'abc'[label]}/{i}.png" for i, label in enumerate(labels.tolist()))
    return splits.Cutting(("a", "b", "c"), names, labels, (np.arange(20) // 2).astype(np.int32), contents)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_counts_are_those_of_the_cut_itself(seed: int) -> None:
    held = cutting()
    gone, near = ("a/0.png", "b/9.png"), (("a/2.png", "a/4.png"),)
    for by_person in (True, False):
        for learned in (("a", "b"), ("b", "a"), ("c",)):
            rows = [
                at
                for at, name in enumerate(held.names)
                if name not in gone and held.classes[held.labels[at]] in learned
            ]
            labels = np.array([learned.index(held.classes[held.labels[at]]) for at in rows])
            alike = ["near" if held.names[at] in near[0] else None for at in rows]
            people = [held.persons[at] if by_person else None for at in rows]
            groups = together(people, alike, [held.contents[at] for at in rows])
            kept, checked = cut(labels, groups, 0.4, seed)
            expected = [
                (int((labels[kept] == i).sum()), int((labels[checked] == i).sum())) for i in range(len(learned))
            ]
            assert list(held.counts(learned, 0.4, seed, by_person, gone, near)) == expected
    assert held.counts(("a", "b"), 0.4, seed) == held.counts(("a", "b"), 0.4, seed, True, (), ())
    assert held.counts(("x",), 0.4, seed) == ((0, 0),)
    assert held.counts(("a",), 0.4, seed, left_out=held.names) == ((0, 0),)
