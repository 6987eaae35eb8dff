"""Row 34: classes and labels are matched plainly or as told, never guessed."""

from __future__ import annotations

import pickle

import pytest

from desktop.core.data.label_map import LEFT_OUT, LabelMismatch, match_labels, parse_pairs
from desktop.core.types import FoveaError


def test_equal_names_and_names_that_differ_in_case_only() -> None:
    assert match_labels(("b", "a"), ("a", "b")).targets == (1, 0)
    found = match_labels(("NORMAL", "PNEUMONIA"), ("Normal", "Pneumonia"))
    assert found.targets == (0, 1) and len(found.notes) == 2 and "case only" in found.notes[0]
    assert found.as_dict(("NORMAL", "PNEUMONIA"), ("Normal", "Pneumonia")) == {
        "NORMAL": "Normal",
        "PNEUMONIA": "Pneumonia",
    }


@pytest.mark.parametrize(
    ("classes", "labels"),
    [
        (("cats", "dogs"), ("cat", "dog")),
        (("CAT",), ("cat", "Cat")),
        (("Cat", "CAT"), ("cat", "dog")),
        (("cat ", "dog"), ("cat", "dog")),
        (("0", "1"), ("plane", "car")),
    ],
)
def test_what_is_not_plain_is_asked_for(classes: tuple[str, ...], labels: tuple[str, ...]) -> None:
    with pytest.raises(LabelMismatch) as caught:
        match_labels(classes, labels)
    error = caught.value
    assert error.kind == "labels-differ" and error.labels == labels and set(error.unmatched) <= set(classes)
    assert all(repr(name)[1:-1] in error.message for name in (*classes, *labels)) and "--map" in error.hint
    assert pickle.loads(pickle.dumps(error)).unmatched == error.unmatched


def test_the_hint_is_a_line_that_works() -> None:
    with pytest.raises(LabelMismatch) as caught:
        match_labels(("cats", "dogs"), ("cat", "dog"))
    assert '--map "cats=cat" --map "dogs=dog"' in caught.value.hint
    told = parse_pairs(["cats=cat", "dogs=dog"], ("cats", "dogs"))
    assert match_labels(("cats", "dogs"), ("cat", "dog"), told).targets == (0, 1)


def test_told_mappings_go_first_and_may_join_or_leave_out() -> None:
    classes, labels = ("bacteria", "virus", "Normal", "odd"), ("Normal", "Pneumonia")
    told = {"bacteria": "Pneumonia", "virus": "Pneumonia", "odd": ""}
    found = match_labels(classes, labels, told)
    assert found.targets == (1, 1, 0, LEFT_OUT) and any("left out" in note for note in found.notes)


def test_numbers_by_order_only_when_asked() -> None:
    assert match_labels(("0", "2"), ("plane", "car", "bird"), by_number=True).targets == (0, 2)


@pytest.mark.parametrize(
    ("pairs", "word"), [(["cat"], "class=label"), (["x=cat"], "no class"), (["cat=x"], "no label"), (["cat="], "left")]
)
def test_wrong_mappings_are_refused(pairs: list[str], word: str) -> None:
    with pytest.raises(FoveaError) as caught:
        match_labels(("cat",), ("cat",), parse_pairs(pairs, ("cat",)))
    assert caught.value.kind == "bad-map" and word in caught.value.message + caught.value.hint


def test_a_class_may_hold_an_equals_sign() -> None:
    assert parse_pairs(["a=b=c"], ("a=b",)) == {"a=b": "c"}
    with pytest.raises(FoveaError):
        parse_pairs(["a=b", "a=c"], ("a",))
