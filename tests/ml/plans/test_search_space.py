"""What a search takes to vary, and what makes two plans the same search."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import pytest

from desktop.cli import search as command_line
from desktop.ml.plans.plan import DataPlan, PlanError, TrainingPlan
from desktop.ml.plans.plan_changes import with_settings
from desktop.ml.plans.presets import PRESETS
from desktop.ml.plans.search_results import SearchError
from desktop.ml.plans.search_space import Choices, Dimension, Range, check, digest_of, shared_by_all


def plan_on(path: str = "/a", **settings: str) -> TrainingPlan:
    data = DataPlan("user", 0.2, "auto", ("cat", "dog"), path, path.strip("/"))
    return with_settings(PRESETS["cifar-simple"].build(("cat", "dog"), (32, 32, 3), data), settings)


MANY = (
    Choices("fit.batch", ("8", "16", "32", "64", "128")),
    Choices("optimizer.rate", ("1e-4", "3e-4", "1e-3", "3e-3", "1e-2")),
    Choices("fit.l2", ("0", "1e-5", "1e-4", "1e-3", "1e-2")),
    Choices("fit.label_smoothing", ("0", "0.05", "0.1", "0.2")),
)


def test_a_value_is_taken_wherever_the_one_that_it_goes_with_stands() -> None:
    base = plan_on(**{"optimizer.schedule": "constant"})
    schedule = Choices("optimizer.schedule", ("constant", "cosine"))
    cycles = Choices("optimizer.cycles", ("1", "2"))
    for order in ([schedule, *MANY, cycles], [*MANY, cycles, schedule], [cycles, *MANY, schedule]):
        check(base, order)
    with pytest.raises(PlanError, match="cycles"):
        check(base, [*MANY, cycles, replace(schedule, values=("constant", "steps"))])


def test_a_value_may_need_two_others_in_any_order() -> None:
    # Over-sampling goes without class weights; a head's epochs go below those in all.
    base = plan_on(**{"fit.class_weights": "balanced", "optimizer.name": "sgd", "optimizer.momentum": "0"})
    needy = Choices("optimizer.nesterov", ("true",))
    space = [needy, Choices("optimizer.momentum", ("0", "0.9")), Choices("fit.sampling", ("over",)),
             Choices("fit.class_weights", ("balanced", "none"))]  # fmt: skip
    for order in permutations(space):
        check(base, order)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("fit.batch=1..inf:int", "numbers"),
        ("fit.batch=nan..8:int", "numbers"),
        ("optimizer.rate=0.1..inf", "numbers"),
        ("fit.patience=0.5..3:log:int", "whole numbers"),
        ("fit.batch=16..16.5:int", "whole numbers"),
        ("fit.batch=1..1e300:int", "whole numbers"),
        ("fit.patience=0..3:log:int", "above 0"),
        ("fit.batch=8..8:int", "smaller number first"),
    ],
)
def test_a_range_that_cannot_be_drawn_from_is_refused(text: str, word: str) -> None:
    space = command_line.space_of(command_line._parser().parse_args(["--range", text]))
    with pytest.raises(SearchError, match=r"the range of .* is") as caught:
        check(plan_on(), space)
    assert word in caught.value.hint


@pytest.mark.parametrize("key", ["seed", "data.validation", "data.group", " data..validation", "data"])
def test_what_decides_the_pictures_to_check_with_is_not_varied(key: str) -> None:
    with pytest.raises(SearchError, match="could be compared") as caught:
        check(plan_on(), [Choices(key, ("0.1", "0.5"))])
    assert "--set" in caught.value.hint
    check(plan_on(), [Choices("data.limit", ("10", "20"))])
    check(plan_on(), [Range("fit.batch", 8, 64, log=True, whole=True)])


def test_what_makes_figures_comparable_is_in_the_digest() -> None:
    plan = plan_on()
    same = replace(plan_on("/elsewhere"), id="other", name="Other", preset="", card={"licence": "MIT"})
    assert digest_of(plan) == digest_of(same)
    assert digest_of(plan) == digest_of(replace(plan, data=replace(plan.data, fingerprint="abc")))
    others = [
        *(plan_on(**{key: text}) for key, text in {"fit.epochs": "99", "data.validation": "0.3", "data.group": "none",
                                                   "seed": "5", "optimizer.rate": "0.5"}.items()),
        replace(plan, architecture=PRESETS["cifar-augmented"].parts((32, 32, 3)).architecture),
        replace(plan, labels=("cat", "cow"), data=replace(plan.data, classes=("cat", "cow"))),
        replace(plan, data=replace(plan.data, left_out=("cat/1.png",))),
        replace(plan, data=replace(plan.data, kept_together=(("cat/1.png", "cat/2.png"),))),
    ]  # fmt: skip
    assert len({digest_of(other) for other in [plan, *others]}) == len(others) + 1


def test_what_is_varied_is_not_compared() -> None:
    space: list[Dimension] = [Choices("fit.epochs", ("3", "6")), Range("optimizer.rate", 0.001, 0.1)]
    first, second = plan_on(**{"fit.epochs": "3"}), plan_on(**{"fit.epochs": "9", "optimizer.rate": "0.02"})
    assert digest_of(shared_by_all(first, space)) == digest_of(shared_by_all(second, space))
