"""What the pages of the wizard fill in: the parts of a plan themselves, nothing told twice, and not yet checked."""

from __future__ import annotations

from dataclasses import fields

import pytest

from desktop.app.training_data import TrainingData
from desktop.ml.plans.plan import FitPlan, PlanError, PlanSettings, Step, TrainingPlan
from desktop.ml.plans.presets import DEFAULT, PRESETS
from desktop.ui.train.wizard.draft import Draft


def test_a_draft_tells_nothing_that_its_parts_tell() -> None:
    own = {part.name for part in fields(Draft)}
    told = {part.name for of in (PlanSettings, TrainingData) for part in fields(of)}
    assert not own & told


def draft() -> Draft:
    data = TrainingData("/data/fruit", "fruit", ("a", "b", "c"), (10, 20, 30), left_out=("c/1.png",))
    held = PRESETS[DEFAULT].build(("a", "b", "c"), data=data.plan())
    return Draft(data, name="Fruit", seed=9, counts_left_out=(0, 0, 1)).with_plan(held)


def test_a_plan_takes_the_drafts_settings_as_they_are() -> None:
    plan = draft().plan()
    assert plan.settings == draft().settings and plan.seed == 9 and plan.id == "fruit"
    assert plan.data.left_out == ("c/1.png",) and plan.data.classes == plan.labels == ("a", "b", "c")
    assert TrainingPlan.of(
        plan.settings, id=plan.id, name=plan.name, seed=9, data=plan.data, labels=plan.labels, card={}
    ) == plan  # fmt: skip
    assert list(plan.to_dict())[:4] == ["id", "name", "seed", "data"]


def test_classes_that_are_not_learned_take_their_pictures_along() -> None:
    without = Draft(draft().data, draft().settings, unlearned=("a",), name="Fruit", counts_left_out=(0, 0, 1))
    assert without.learned == ("b", "c") and without.learned_counts == (20, 29)
    assert without.training_data().counts == (20, 29) and without.data.counts == (10, 20, 30)


def test_what_does_not_fit_together_may_stand_in_a_draft_but_is_no_plan() -> None:
    odd = draft().with_settings(fit=FitPlan(0, 32), architecture=Step("", {}))
    assert odd.settings.fit.epochs == 0
    with pytest.raises(PlanError):
        odd.plan()
