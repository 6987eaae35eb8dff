"""A head that is solved: what is held out, what is learned from, what figures it gives, and where it stops."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from desktop.app import recipes
from desktop.cli import main
from desktop.core.data.splits import SplitError, folds
from desktop.core.figures.result import figures
from desktop.core.figures.store import EvaluationStore
from desktop.core.figures.works_here import compatible_with_card
from desktop.ml.data.public_sets import belonging_together
from desktop.ml.plans import plan as plans
from desktop.ml.plans.events import EpochDone, Event, Note, Started
from desktop.ml.plans.plan import PlanError, Step
from desktop.store.model_facts import model_facts
from desktop.store.store import ModelStore
from tests.pets import paint_pets

pytest.importorskip("keras")

from desktop.ml.training import train
from tests.ml.training.test_training import InsideEpoch
from tests.ml.training.test_transfer import CLASSES, pictures


def solved_plan(model_id: str = "cifar10", **data: object) -> plans.TrainingPlan:
    manifest = ModelStore().require(model_id).manifest
    assert manifest is not None
    own = plans.DataPlan("user", 0.2, classes=CLASSES, path="/nowhere", title="colours")
    plan = recipes.make_plan("features", own, CLASSES, model=manifest, name="Blue or red")
    return replace(plan, data=replace(plan.data, **data))  # type: ignore[arg-type]


def test_parts_of_a_cross_validation_keep_groups_together_and_share_the_classes() -> None:
    labels = np.repeat([0, 1, 2], 40)
    groups = [i // 4 for i in range(120)]
    found = folds(labels, groups, 5, 1)
    assert sorted(set(found.tolist())) == [0, 1, 2, 3, 4]
    for group in set(groups):
        assert len({found[i] for i in range(120) if groups[i] == group}) == 1
    for part in range(5):
        assert np.bincount(labels[found == part], minlength=3).min() >= 4
    assert (folds(labels, groups, 5, 1) == found).all() and (folds(labels, groups, 5, 2) != found).any()
    with pytest.raises(SplitError) as caught:
        folds(labels, [0] * 120, 5, 1)
    assert caught.value.kind == "one-group"


def test_what_stayed_together_in_the_cut_stays_together_in_the_parts() -> None:
    plan = solved_plan()
    held = pictures(24, plan.shape, 1)
    known = replace(held, clusters=np.arange(24) // 6)
    joined = known.take(np.arange(12)).joined(known.take(np.arange(12, 24)))
    found = belonging_together(joined, plan)
    assert [len({found[i] for i in range(24) if i // 6 == group}) for group in range(4)] == [1] * 4
    assert len(set(found)) == 4 and len(set(belonging_together(held, plan))) == 24


def test_few_pictures_are_cross_validated_and_all_of_them_learned(tmp_path: Path) -> None:
    plan = solved_plan()
    learn, check = pictures(24, plan.shape, 1), pictures(8, plan.shape, 2)
    told: list[Event] = []
    trained = train.run(plan, learn, check, tmp_path, told.append)
    assert trained.complete and trained.held_out is not None and trained.held_out.folds == 5
    assert len(trained.held_out.pictures) == 32 and trained.held_out.logits.shape == (32, 2)
    assert [e.epoch for e in told if isinstance(e, EpochDone)] == list(range(recipes.WAYS))
    (started,) = [e for e in told if isinstance(e, Started)]
    assert (started.train, started.validation, started.folds) == (32, 32, 5), "all learn, and all check"
    notes = [e.text for e in told if isinstance(e, Note)]
    assert any("32 pictures is checked once" in text for text in notes)
    assert any("the best of 9 ways" in text for text in notes)
    best = min(trained.history, key=lambda row: row["val_loss"])
    right = float((trained.held_out.logits.argmax(axis=1) == trained.held_out.pictures.labels).mean())
    assert right == pytest.approx(best["val_accuracy"])


def test_a_validation_part_of_the_data_s_own_is_never_learned_from(tmp_path: Path) -> None:
    plan = solved_plan()
    learn, check = pictures(24, plan.shape, 1), pictures(8, plan.shape, 2)
    trained = train.run(plan, learn, check, tmp_path, own_validation=True)
    assert trained.held_out is None


def test_it_stops_between_two_ways_and_goes_on(tmp_path: Path) -> None:
    plan = solved_plan()
    learn, check = pictures(24, plan.shape, 1), pictures(8, plan.shape, 2)
    straight = train.run(plan, learn, check, tmp_path / "a")
    stop = InsideEpoch(1, 1)
    trained = train.run(plan, learn, check, tmp_path / "b", stop, control=stop)
    if not trained.complete:
        trained = train.run(plan, learn, check, tmp_path / "b", resume=True)
    assert trained.complete
    for one, other in zip(straight.model.get_weights(), trained.model.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


@pytest.mark.parametrize(
    "change",
    [
        lambda p: replace(p, architecture=Step("head", {"layers": ["D8"]})),
        lambda p: replace(p, data=replace(p.data, folds=1)),
        lambda p: replace(p, optimizer=plans.OptimizerPlan("adam", 0.01)),  # folds without a solved head
    ],
)
def test_what_cannot_be_solved_is_refused(change: object) -> None:
    with pytest.raises(PlanError):
        change(solved_plan())  # type: ignore[operator]


def test_a_plan_with_and_without_folds_reads_back() -> None:
    plan = solved_plan()
    assert plans.from_json(plan.to_json()) == plan and plan.data.folds == recipes.FOLDS
    without = solved_plan(folds=0)
    assert "folds" not in without.to_dict()["data"] and plans.from_json(without.to_json()) == without


def test_a_folder_becomes_a_model_whose_figures_say_how_they_were_got(
    tmp_path: Path, fovea_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = paint_pets(tmp_path, 20)
    arguments = ["train", "--data", str(folder), "--from", "cifar10", "--how", "features", "--name", "pets", "--json"]
    assert main(arguments) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    model = next(line for line in lines if line.get("event") == "model")
    assert {metric["split"] for metric in model["metrics"]} == {"cross-validation"}
    manifest = ModelStore().require("pets").manifest
    assert manifest is not None and manifest.calibration is not None and manifest.conformal is not None
    assert manifest.calibration.split == "cross-validation" == manifest.conformal.split
    every = next(metric for metric in manifest.metrics if metric.name == "accuracy").n
    assert manifest.calibration.n == every == manifest.conformal.n
    assert any("cross-validated" in limit for limit in manifest.card.limits)
    # What was said of each picture is kept like any evaluation, by names inside the folder, beside the model's own.
    (kept,) = EvaluationStore().entries()
    accuracy = next(metric.value for metric in manifest.metrics if metric.name == "accuracy")
    assert kept.data.crossed and kept.n == every and kept.right / kept.n == pytest.approx(accuracy)
    result = EvaluationStore().load(kept.key)
    assert all((folder / name).is_file() for name in result.names) and len(set(result.names)) == every
    assert result.model.answers_as(model_facts(manifest)) and compatible_with_card(result, figures(result)) == ()
    assert EvaluationStore().find(model_facts(manifest), result.data.fingerprint, result.data.mapping) is None
    table, told = tmp_path / "answers.csv", tmp_path / "figures.json"
    assert main(["evaluate", "--model", "pets", "--cross-validation", "--csv", str(table), "--json", str(told)]) == 0
    assert f"{every} images" in (said := capsys.readouterr().out) and "did not learn from it" in said
    assert len(table.read_text("utf-8").splitlines()) == every + 1 and str(tmp_path) not in table.read_text("utf-8")
    figure = json.loads(told.read_text("utf-8"))
    assert figure["accuracy"] == pytest.approx(accuracy) and figure["split"] == "cross-validation"
    assert "did not learn from it" in figure["answered_by"] and str(tmp_path) not in told.read_text("utf-8")


def test_a_model_without_a_cross_validation_says_so(fovea_home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "--model", "cifar10", "--cross-validation"]) == 1
    assert "nothing is kept of a cross-validation" in capsys.readouterr().err
    for wrong in (["--cross-validation", "folder"], [], ["--cross-validation", "--compare", "cifar10"]):
        assert main(["evaluate", "--model", "cifar10", *wrong]) == 2


def test_window_and_command_line_recommend_the_same() -> None:
    everyday = ("features", "efficientnet-lite0")
    assert recipes.recommended(recipes.Seen(True, 300, False, 30)) == everyday
    assert recipes.recommended(recipes.Seen(False, 200, False, 30)) == everyday
    assert recipes.recommended(recipes.Seen(False, 28, False, 30)) == everyday
    assert recipes.recommended(recipes.Seen(False, 28, False, 5000)) == ("fresh", "")
    assert recipes.recommended(recipes.Seen(False, 28, True, 30)) == ("fresh", "")
