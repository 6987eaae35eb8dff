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
    assert found.targets == (1, 1, 0, LEFT_OUT) and found.notes == ("class 'odd' was left out, as asked",)
    assert found.as_dict(classes, labels) == {**told, "Normal": "Normal"}
    with pytest.raises(ValueError, match="shorter|longer"):
        found.as_dict(classes[:3], labels)


def test_numbers_by_order_only_when_asked() -> None:
    assert match_labels(("0", "2"), ("plane", "car", "bird"), by_number=True).targets == (0, 2)
    assert match_labels(("1", "plane"), ("plane", "car"), by_number=True).targets == (1, 0)
    with pytest.raises(LabelMismatch) as caught:
        match_labels(("0", "2"), ("plane", "car"), by_number=True)
    assert caught.value.unmatched == ("2",)


@pytest.mark.parametrize(
    ("pairs", "word"), [(["cat"], "class=label"), (["x=cat"], "no class"), (["cat=x"], "no label"), (["cat="], "left")]
)
def test_wrong_mappings_are_refused(pairs: list[str], word: str) -> None:
    with pytest.raises(FoveaError) as caught:
        match_labels(("cat",), ("cat",), parse_pairs(pairs, ("cat",)))
    assert caught.value.kind == "bad-map" and word in caught.value.message + caught.value.hint


def test_a_class_may_hold_an_equals_sign() -> None:
    assert parse_pairs(["a=b=c"], ("a=b",)) == {"a=b": "c"}
    assert parse_pairs(["a=b", "a=b"], ("a",)) == {"a": "b"}
    with pytest.raises(FoveaError, match="'a' is mapped twice") as caught:
        parse_pairs(["a=b", "a=c"], ("a",))
    assert caught.value.kind == "bad-map"


@pytest.mark.parametrize(
    ("classes", "labels", "lines"),
    [
        (("cat", "cats"), ("cat", "dog"), '--map "cats=LABEL"'),  # cat is taken
        (("cat", "dog", "cats"), ("cat", "dog"), '--map "cats=cat"'),  # all are taken: two classes may mean one
        (("dogs_2", "x"), ("dog", "lung"), '--map "dogs_2=dog" --map "x=LABEL"'),
        (("Q1", "Q2", "Q3", "Q4", "Q5"), ("lung",), " ".join(f'--map "Q{n}=LABEL"' for n in range(1, 5))),
    ],
)
def test_the_hint_takes_free_labels_that_are_alike(
    classes: tuple[str, ...], labels: tuple[str, ...], lines: str
) -> None:
    with pytest.raises(LabelMismatch) as caught:
        match_labels(classes, labels)
    assert f"for instance: {lines} (an empty" in caught.value.hint and "--map-numbers" not in caught.value.hint


def test_numbers_are_offered_where_all_classes_are_numbers() -> None:
    for classes, offered in ((("0", "1"), True), (("0", "car"), False)):
        with pytest.raises(LabelMismatch) as caught:
            match_labels(classes, ("plane", "bird"))
        assert ("--map-numbers" in caught.value.hint) is offered


@pytest.mark.parametrize(("count", "told"), [(20, ""), (21, " and 1 more"), (25, " and 5 more")])
def test_long_lists_of_classes_are_cut(count: int, told: str) -> None:
    names = tuple(f"class {number}" for number in range(count))
    with pytest.raises(LabelMismatch) as caught:
        match_labels(names, ("lung",))
    listed = ", ".join(f"'{name}'" for name in names[:20]) + told
    assert f"label of the model: {listed}. Data: {listed}. Model: 'lung'" in caught.value.message
