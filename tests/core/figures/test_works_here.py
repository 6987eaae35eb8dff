"""'Does it work here?': which figures of an evaluation are held against which of the model's card, and what is said."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from desktop.core.figures.comparison import area_here, other_decision, refused_here, works_here
from desktop.core.figures.intervals import proportion
from desktop.core.figures.result import CROSSED, EvaluationResult, Figures, figures
from desktop.core.figures.table import REFUSED
from desktop.core.figures.works_here import _card_json, compatible_with_card, other_kind, works_here_json
from tests.core.figures.makers import made_up, two_classes


def metric(name: str, value: float = 0.9, **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "value": value,
        "n": 500,
        "data": "Kermany",
        "split": "test",
        "low": 0.88,
        "high": 0.92,
    } | more


def evaluated(*metrics: dict[str, Any], used: float | None = None, **card: Any) -> tuple[EvaluationResult, Figures]:
    """Two classes answered at the threshold ``used``, by a model whose card names ``metrics``."""
    result = made_up(*two_classes(), threshold=used)
    result = replace(result, model=replace(result.model, card={"metrics": list(metrics), **card}))
    return result, figures(result)


def test_a_card_without_figures_is_held_against_nothing() -> None:
    assert compatible_with_card(*evaluated()) == ()
    result, measured = evaluated()
    assert compatible_with_card(replace(result, model=replace(result.model, card={})), measured) == ()
    assert works_here_json(result, measured) == []


def test_every_share_that_the_card_names_is_compared_accuracy_first() -> None:
    names = ("Specificity", "sensitivity", "ACCURACY", "balanced accuracy", "calibration error", "top-5 accuracy")
    result, measured = evaluated(*map(metric, names), used=0.5, threshold=0.5)
    found = compatible_with_card(result, measured)
    assert [one.name for one in found] == ["accuracy", "sensitivity", "specificity"]
    point = measured.point
    assert point is not None
    assert [one.here for one in found] == [measured.accuracy, point.sensitivity, point.specificity]
    assert [one.listed["name"] for one in found] == ["ACCURACY", "sensitivity", "Specificity"]


def test_the_test_splits_figure_is_taken_and_else_the_first() -> None:
    first, second = metric("accuracy", 0.7, split="validation"), metric("accuracy", 0.8, split="Test")
    assert compatible_with_card(*evaluated(first, second))[0].listed == second
    other = metric("accuracy", 0.6, split="train")
    assert compatible_with_card(*evaluated(first, other))[0].listed == first


def test_the_first_sentence_names_the_card_with_its_data_and_the_others_do_not() -> None:
    result, measured = evaluated(metric("accuracy"), metric("sensitivity"), used=0.5, threshold=0.5)
    one, two = compatible_with_card(result, measured)
    named = "the model's card (Kermany, split 'test')"
    assert one.verdict == works_here(measured.accuracy, 0.9, 500, "accuracy", named)
    assert measured.point is not None
    assert two.verdict == works_here(measured.point.sensitivity, 0.9, 500, "sensitivity", "the card")
    for split in ("", None):
        (bare,) = compatible_with_card(*evaluated(metric("accuracy", split=split)))
        assert "the model's card (Kermany)" in bare.verdict.sentence


def test_sensitivity_hangs_on_a_decision_that_somebody_made() -> None:
    """Without a threshold on either side the highest score decides, and the card's figure is at some threshold."""
    assert compatible_with_card(*evaluated(metric("sensitivity"))) == ()
    for used, own in ((0.5, None), (None, 0.5)):
        (held,) = compatible_with_card(*evaluated(metric("sensitivity"), used=used, threshold=own))
        assert held.verdict.verdict == "other-threshold"


def test_under_another_threshold_one_sentence_says_why_nothing_is_compared() -> None:
    result, measured = evaluated(metric("accuracy"), metric("sensitivity"), used=0.3, threshold=0.5)
    (held,) = compatible_with_card(result, measured)
    assert held.name == "accuracy" and held.here == measured.accuracy and held.listed == metric("accuracy")
    assert held.verdict == other_decision(0.3, 0.5, "accuracy")


def test_the_area_is_compared_under_any_threshold() -> None:
    area = metric("Area under ROC", 0.95, low=0.93, high=0.97)
    for used in (0.3, 0.5):
        result, measured = evaluated(metric("accuracy"), area, used=used, threshold=0.5)
        found = compatible_with_card(result, measured)
        assert [one.name for one in found] == ["accuracy", "area under ROC"]
        assert measured.auc is not None
        card = "the card" if used == 0.5 else "the model's card (Kermany, split 'test')"
        assert found[1].verdict == area_here(measured.auc, 0.95, 0.93, 0.97, 500, card)
        assert found[1].here == measured.auc and found[1].listed == area
    (alone,) = compatible_with_card(*evaluated(area))
    assert "the model's card (Kermany, split 'test')" in alone.verdict.sentence
    validation = metric("area under ROC", 0.5, split="validation")
    assert compatible_with_card(*evaluated(validation, area))[0].listed == area
    assert compatible_with_card(*evaluated(validation, validation | {"value": 0.6}))[0].listed == validation


def test_of_three_classes_there_is_no_area() -> None:
    rng = np.random.default_rng(0)
    result = made_up(rng.integers(0, 3, 60), rng.dirichlet(np.ones(3), 60), ("a", "b", "c"))
    card = {"metrics": [metric("area under ROC"), metric("accuracy")]}
    result = replace(result, model=replace(result.model, card=card))
    assert [one.name for one in compatible_with_card(result, figures(result))] == ["accuracy"]


def test_what_the_gate_refuses_is_held_against_what_it_was_made_to_refuse() -> None:
    gate = {"refused": 0.05, "n": 300, "split": "validation", "data": "Kermany"}
    result, measured = evaluated(gate=gate)
    assert compatible_with_card(result, measured) == ()  # it was not asked
    measured = replace(measured, refused=proportion(20, 80, ""))
    (held,) = compatible_with_card(result, measured)
    assert held.name == REFUSED and held.here == measured.refused
    assert held.listed == {"value": 0.05, "n": 300, "split": "validation", "data": "Kermany"}
    assert held.verdict == refused_here(proportion(20, 80, ""), 0.05, 300, "validation")
    assert held.verdict.verdict == "other-kind"
    for other in (None, [], "gate"):
        changed = replace(result, model=replace(result.model, card={"metrics": [], "gate": other}))
        assert compatible_with_card(changed, measured) == ()
    bare = {key: value for key, value in gate.items() if key != "data"}
    changed = replace(result, model=replace(result.model, card={"metrics": [], "gate": bare}))
    assert compatible_with_card(changed, measured)[0].listed["data"] == ""
    late = evaluated(metric("accuracy"), used=0.3, threshold=0.5, gate=gate)
    assert [one.name for one in compatible_with_card(late[0], replace(late[1], refused=proportion(1, 80, "")))] == [
        "accuracy", REFUSED,
    ]  # fmt: skip


def test_as_json_each_is_a_verdict_a_sentence_and_numbers() -> None:
    result, measured = evaluated(metric("accuracy", more="told to nobody"))
    (found,), (told,) = compatible_with_card(result, measured), works_here_json(result, measured)
    assert told["figure"] == "accuracy" and told["verdict"] == found.verdict.verdict
    assert told["sentence"] == found.verdict.sentence and told["here"]["value"] == measured.accuracy.value
    assert told["card"] == {key: metric("accuracy")[key] for key in ("value", "low", "high", "n", "data", "split")}
    assert told["difference"]["value"] == pytest.approx(measured.accuracy.value - 0.9)  # type: ignore[operator]
    assert set(told) == {"figure", "verdict", "sentence", "here", "card", "difference"}


def test_a_cross_validation_is_held_against_nothing() -> None:
    """Its figures are those on the card."""
    result, measured = evaluated(metric("accuracy"))
    crossed = replace(result, data=replace(result.data, split=CROSSED))
    assert compatible_with_card(crossed, measured) == () and works_here_json(crossed, measured) == []


def test_a_figure_that_the_card_does_not_name_is_compared_with_nothing() -> None:
    assert compatible_with_card(*evaluated(metric(""))) == ()
    result, measured = evaluated(metric(REFUSED))  # what the gate refuses is no figure of answers
    assert compatible_with_card(result, replace(measured, refused=proportion(20, 80, ""))) == ()


@pytest.mark.parametrize("listed", [None, 19, 20])
def test_as_json_the_cards_figure_of_a_handful_is_not_told(listed: int | None) -> None:
    told = _card_json(metric("accuracy", n=listed))
    values = (told["value"], told["low"], told["high"])
    assert values == ((0.9, 0.88, 0.92) if listed == 20 else (None, None, None)) and told["n"] == listed


def test_that_the_gate_refuses_more_than_chance_explains_is_said() -> None:
    result, measured = evaluated(gate={"refused": 0.05, "n": 300, "split": "validation", "data": "Kermany"})
    assert other_kind(result, measured) == ""
    assert other_kind(result, replace(measured, refused=proportion(4, 80, ""))) == ""
    many = proportion(20, 80, "")
    assert other_kind(result, replace(measured, refused=many)) == refused_here(many, 0.05, 300, "validation").sentence
