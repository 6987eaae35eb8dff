"""Plans of schema 2: upgrade of schema 1, single settings, what never leaves this computer; and the events."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest

from desktop.ml.plans import events, plan
from desktop.ml.plans.plan import PlanError, StartPlan
from desktop.ml.plans.plan_changes import with_settings

RECIPES = Path(__file__).resolve().parents[3] / "resources" / "recipes"


@pytest.fixture
def recipe() -> plan.TrainingPlan:
    return plan.load(RECIPES / "cifar10.json")


def test_schema_1_keeps_its_meaning() -> None:
    raw = json.loads((RECIPES / "cifar10.json").read_text(encoding="utf-8"))
    for name, added in plan._ADDED.items():
        raw[name] = {k: v for k, v in raw[name].items() if k not in added}
    old = {k: v for k, v in raw.items() if k not in ("start", "preset")} | {"schema": 1}
    found = plan.from_dict(old)
    assert found.schema == plan.SCHEMA and found.start == StartPlan()
    assert found.optimizer.nesterov and found.optimizer.momentum == 0.9  # schema 1 meant Nesterov's momentum
    with pytest.raises(PlanError, match="unknown in schema 1: jit"):
        plan.from_dict(old | {"fit": {**old["fit"], "jit": True}})
    with pytest.raises(PlanError, match="newer Fovea"):
        plan.from_dict(found.to_dict() | {"schema": 3})


def test_the_place_of_the_data_stays_here(recipe: plan.TrainingPlan) -> None:
    own = replace(recipe, data=replace(recipe.data, source="user", path="/home/somebody/patients", title="patients"))
    assert plan.from_json(own.to_json()) == own
    assert "somebody" not in own.public().to_json() and own.public().data.title == "patients"


def test_settings_as_text(recipe: plan.TrainingPlan) -> None:
    changed = with_settings(
        recipe,
        {
            "fit.epochs": "3",
            "optimizer.name": "rmsprop",
            "optimizer.rate": "0.001",
            "optimizer.nesterov": "false",
            "optimizer.clip_norm": "none",
            "mirrored": "no",
            "architecture.dropout": "0.25",
            "augment.affine.rotate": "30",
            "augment.shift": "none",
            "preprocess.height": "48",
        },
    )
    assert changed.fit.epochs == 3 and changed.optimizer.name == "rmsprop" and changed.optimizer.rate == 0.001
    assert changed.optimizer.clip_norm is None and changed.mirrored is False
    assert changed.architecture.settings["dropout"] == 0.25 and changed.preprocess.height == 48
    assert {s.name: s.settings for s in changed.augment}["affine"]["rotate"] == 30
    assert "shift" not in {s.name for s in changed.augment}
    assert with_settings(changed, {"augment": "none"}).augment == ()


@pytest.mark.parametrize(
    ("key", "text", "words"),
    [
        ("fit.epochs", "many", "fit.epochs: 'many' found, a whole number expected"),
        ("fit.epoch", "3", "no setting 'fit.epoch'"),
        ("fit", "3", "group of settings"),
        ("optimizer.name", "magic", "expected one of sgd"),
        ("mirrored", "perhaps", "true or false"),
        ("fit.epochs", "0", "at least 1"),
        ("seed.x", "0", "no settings below"),
        ("preprocess.height", "0", "input size"),
        ("card", "{}", "cannot be set"),
        ("", "1", "no setting"),
        ("seed", "-1", "seed -1 found; expected a whole number from 0 to 4294967295"),
        ("seed", str(2**32), "seed 4294967296 found"),
        ("optimizer.weight_decay", "nan", "weight_decay at least 0"),
        ("optimizer.weight_decay", "inf", "weight_decay at least 0"),
        ("optimizer.clip_norm", "nan", "clip_norm nan found"),
        ("fit.l1", "nan", "l1 and l2"),
        ("fit.l2", "inf", "l1 and l2"),
        ("start.head_rate", "inf", "head_rate"),
    ],
)
def test_bad_settings_say_what_is_expected(recipe: plan.TrainingPlan, key: str, text: str, words: str) -> None:
    with pytest.raises(PlanError, match=words):
        with_settings(recipe, {key: text})


@pytest.mark.parametrize(
    "settings",
    [
        {"fit.class_weights": "none", "fit.sampling": "over"},
        {"start.kind": "features", "start.model": "cifar10", "architecture.name": "head", "augment": "none"},
        {"decision.rule": "sensitivity", "decision.at_least": "0.9", "labels": "no,yes", "data.classes": "no,yes"},
        {"preprocess.fit": "center_crop", "preprocess.resize_shorter": "64"},
    ],
    ids=lambda settings: next(iter(settings)),
)
def test_settings_that_go_together_come_in_any_order(recipe: plan.TrainingPlan, settings: dict[str, str]) -> None:
    balanced = replace(recipe, fit=replace(recipe.fit, class_weights="balanced"))
    made = with_settings(balanced, settings)
    assert made == with_settings(balanced, dict(reversed(settings.items()))) != balanced


def test_settings_of_one_dictionary_add_up(recipe: plan.TrainingPlan) -> None:
    made = with_settings(recipe, {"architecture.dropout": "0.25", "architecture.settings.new": "[1]", "seed": "4"})
    assert made.architecture.settings == {**recipe.architecture.settings, "dropout": 0.25, "new": [1]}
    assert made.seed == 4


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"start": StartPlan("weights")}, "goes with a model"),
        ({"start": StartPlan("fine-tune", "cifar10")}, "at least one layer"),
        ({"start": StartPlan("features", "cifar10")}, "'head' goes with"),
    ],
)
def test_starts_are_checked(recipe: plan.TrainingPlan, change: dict[str, object], words: str) -> None:
    with pytest.raises(PlanError, match=words):
        replace(recipe, **change)


@pytest.mark.parametrize("name", ["", "magic"])
def test_only_known_architectures_make_a_plan(recipe: plan.TrainingPlan, name: str) -> None:
    with pytest.raises(PlanError, match=f"no architecture '{name}'; known: fast-cnn, head, residual-cnn, sequential"):
        replace(recipe, architecture=plan.Step(name))


def test_events_survive_json() -> None:
    told = [
        events.Started("CPU", 10, 5, 2, 0, 3, "tensorflow", 4),
        events.TrainBatchDone(0, 1, 2, math.nan, 0.5),
        events.EpochDone(0, 3, 0.1, 0.9, 0.2, 0.8, 0.01, 1.0, best=True),
        events.Phase("data", 1, 2),
        events.Note("words"),
        events.Paused(),
        events.Resumed(),
        events.Checkpointed(1, 4),
        events.Finished("done", "tiny"),
    ]
    for event in told:
        line = json.dumps(event.to_dict(), allow_nan=False)
        back = events.from_dict(json.loads(line))
        assert type(back) is type(event) and repr(back) == repr(event)
    for bad in ({}, {"event": "party"}, {"event": "note"}, {"event": "note", "text": "a", "more": 1}, []):
        with pytest.raises(events.EventError):
            events.from_dict(bad)


def test_pictures_left_out_stay_on_this_computer_and_older_files_have_none(recipe: plan.TrainingPlan) -> None:
    assert recipe.data.left_out == ()
    chosen = replace(recipe, data=replace(recipe.data, left_out=("cats/person7_a.jpg",), path="/somewhere"))
    assert plan.from_dict(chosen.to_dict()).data.left_out == ("cats/person7_a.jpg",)
    assert "person7" not in chosen.public().to_json() and "somewhere" not in chosen.public().to_json()
    without = chosen.to_dict()
    del without["data"]["left_out"]
    assert plan.from_dict(without).data.left_out == ()


def test_names_that_are_no_text_are_written_and_read() -> None:
    recipe = plan.load(RECIPES / "mnist-digits.json")
    odd = replace(recipe, data=replace(recipe.data, path="/p/\udc80", title="\udc80", left_out=("a/\udcff.png",)))
    assert plan.from_json(odd.to_json()) == odd
    odd.to_json().encode("utf-8")
