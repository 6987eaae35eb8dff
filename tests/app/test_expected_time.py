"""How long a training is expected to take: what it grows with, and what is not told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from desktop.app import expected_time, recipes
from desktop.ml.plans.plan import USER, DataPlan, TrainingPlan
from desktop.store.store import ModelStore

DATA = DataPlan(USER, 0.2, path="photos", title="photos")
LABELS = ("cat", "dog")


def plan_of(recipe: recipes.RecipeId, model: str = "cifar10") -> TrainingPlan:
    manifest = ModelStore().require(model).manifest
    return recipes.make_plan(recipe, DATA, LABELS, model=manifest if recipes.RECIPES[recipe].upon else None)


def test_it_grows_with_pictures_epochs_and_a_slower_computer() -> None:
    plan = plan_of("fresh")
    base = expected_time.seconds(plan, 300, 1.0)
    assert base is not None and base > 5
    more = expected_time.seconds(plan, 3000, 1.0)
    longer = expected_time.seconds(replace(plan, fit=replace(plan.fit, epochs=10 * plan.fit.epochs)), 300, 1.0)
    assert more is not None and longer is not None and min(more, longer) > 1.5 * base
    assert expected_time.seconds(plan, 300, 4.0) == pytest.approx(4 * base)
    limited = expected_time.seconds(replace(plan, data=replace(plan.data, limit=300)), 3000, 1.0)
    assert limited == pytest.approx(base)


def test_a_head_takes_less_than_tuning_and_less_than_going_on() -> None:
    model = ModelStore().require("cifar10").manifest
    head, tuned, further = (
        expected_time.seconds(plan_of(recipe), 3000, 1.0, model) for recipe in ("features", "fine-tune", "continue")
    )
    assert head is not None and tuned is not None and further is not None
    assert head < tuned and head < further


def test_a_base_that_nothing_is_known_of_has_no_time() -> None:
    model = ModelStore().require("cifar10").manifest
    assert model is not None
    unknown = replace(model, id="elsewhere", provenance=replace(model.provenance, plan={}))
    assert expected_time.of_base(unknown) is None
    assert expected_time.seconds(plan_of("features"), 300, 1.0, unknown) is None
    assert expected_time.of_base(replace(unknown, id="efficientnet-lite0")) == pytest.approx(0.385e9)


def test_every_network_of_the_catalogue_has_a_size() -> None:
    from desktop.store import catalogue

    assert all(5e7 < network.multiplications < 2e10 for network in catalogue.load().networks)


def test_the_trial_tells_how_long_its_work_took_beside_others() -> None:
    def told(share: float) -> float:
        moments: Iterator[float] = iter(n * 0.01 / share for n in range(1000))
        spent: Iterator[float] = iter(n * 0.01 for n in range(1000))
        return expected_time.trial(lambda: next(moments), lambda: next(spent))

    alone = told(1.0)
    assert alone > 0 and told(0.25) == pytest.approx(4 * alone)
    assert told(0.01) == pytest.approx(100 * alone)  # it gives up after a second, and says what it knows then
