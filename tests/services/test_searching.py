"""Searches beside the window: what one was begun with is kept, a child process tries, and says why it cannot."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from desktop.engine.searching import SearchEnded
from desktop.ml.plans import plan as plans
from desktop.ml.plans.search_results import folder, read_kept
from desktop.ml.plans.search_space import Choices, Range
from desktop.services.searching import Order, Searching
from tests.patience import WAIT
from tests.pets import paint_pets

RECIPE = Path(__file__).resolve().parents[2] / "resources" / "recipes" / "cifar10.json"


def pets_plan(path: Path) -> plans.TrainingPlan:
    recipe = plans.load(RECIPE)
    settings_of = {**recipe.architecture.settings, "widths": [4, 8], "residual": False}
    return replace(
        recipe,
        id="pets",
        name="Pets",
        data=plans.DataPlan("user", 0.25, "none", ("blue", "red"), str(path), "pets"),
        preprocess=replace(recipe.preprocess, height=16, width=16),
        labels=("blue", "red"),
        architecture=replace(recipe.architecture, settings=settings_of),
        augment=(),
        fit=plans.FitPlan(epochs=2, batch=12),
        mirrored=False,
        card={},
    )


def test_what_a_search_was_begun_with_comes_back(fovea_home: Path, tmp_path: Path) -> None:
    space = (Range("optimizer.rate", 0.001, 0.1, log=True), Choices("fit.batch", ("8", "16")))
    order = Order("pets", pets_plan(tmp_path), space, 7, False)
    assert Order.load("pets") is None and not Order.known("pets")
    order.save()
    held = Order.load("pets")
    assert held is not None and Order.known("pets")
    assert (held.plan, held.space, held.trials, held.prune) == (order.plan, space, 7, False)


@given(st.binary(max_size=200))
@settings(max_examples=40, deadline=None)
def test_a_damaged_order_is_none(raw: bytes) -> None:
    folder().mkdir(parents=True, exist_ok=True)
    (folder() / "odd.order").write_bytes(raw)
    assert Order.load("odd") is None


def test_a_search_that_cannot_begin_says_why(qtbot: Any, fovea_home: Path, tmp_path: Path) -> None:
    service = Searching()
    order = Order("lost", pets_plan(tmp_path / "nowhere"), (Choices("fit.batch", ("8", "16")),), 2, True)
    with qtbot.waitSignal(service.ended, timeout=4 * WAIT) as ended:
        service.start(order)
        assert service.running
    (told,) = ended.args
    assert isinstance(told, SearchEnded) and told.state == "failed" and told.message
    assert str(tmp_path) not in told.message and not service.running
    assert Order.known("lost"), "it can go on once the pictures are there again"


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_two_trials_are_tried_told_live_and_kept(qtbot: Any, fovea_home: Path, tmp_path: Path) -> None:
    service = Searching()
    data = paint_pets(tmp_path, 16)
    order = Order("pets", pets_plan(data), (Choices("fit.batch", ("8", "16")),), 2, False)
    live: list[Any] = []
    service.told.connect(live.append)
    with qtbot.waitSignal(service.ended, timeout=500_000) as ended:
        service.start(order)
    assert ended.args[0].state == "done", ended.args[0].message
    found = read_kept("pets")
    assert found is not None and [trial.state for trial in found.trials] == ["done", "done"]
    assert found.best_trial is not None and {told.number for told in live} == {0, 1}
    assert all(1 <= told.epoch <= told.epochs == 2 for told in live)
