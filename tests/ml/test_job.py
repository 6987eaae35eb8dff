"""A whole job over a folder of the user's own: from pictures to a model in the store, its card and its record."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from desktop.core.trust.neighbours import Neighbours
from desktop.engine.model import LoadedModel
from desktop.ml.plans import plan as plans
from desktop.ml.plans.events import Checkpointed, EpochDone, Event, Finished, Note, Phase, Started
from desktop.store.runs import RunStore
from desktop.store.store import ModelStore
from tests.ml.training.test_training import RECIPES, After, InsideEpoch

keras = pytest.importorskip("keras")

from desktop.ml import job  # noqa: E402


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two classes, red and blue pictures, in folders of their own, and a file that is no picture."""
    root = tmp_path_factory.mktemp("own") / "colours"
    random = np.random.default_rng(0)
    for name, channel in (("blue", 2), ("red", 0)):
        (root / name).mkdir(parents=True)
        for number in range(30):
            pixels = random.integers(0, 120, (20, 24, 3), np.uint8)
            pixels[..., channel] += 100
            Image.fromarray(pixels).save(root / name / f"{number:03d}.png")
    (root / "red" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n cut off")
    return root


def own_plan(folder: Path, **fit: object) -> plans.TrainingPlan:
    recipe = plans.load(RECIPES / "cifar10.json")
    settings = {**recipe.architecture.settings, "widths": [4, 8], "residual": False}
    return replace(
        recipe,
        id="red-or-blue",
        name="Red or blue",
        data=plans.DataPlan("user", 0.25, "auto", ("blue", "red"), str(folder), folder.name),
        preprocess=replace(recipe.preprocess, height=16, width=16),
        labels=("blue", "red"),
        architecture=replace(recipe.architecture, settings=settings),
        augment=(plans.Step("flip"),),
        optimizer=plans.OptimizerPlan("adam", 0.01),
        fit=replace(plans.FitPlan(epochs=3, batch=10, steps_per_execution=2), **fit),  # type: ignore[arg-type]
        decision=plans.DecisionPlan("balanced", 1),
        mirrored=False,
        card={},
    )


@pytest.mark.timeout(240)
def test_from_a_folder_to_a_model(folder: Path, fovea_home: Path) -> None:
    runs = RunStore()
    record = runs.create(own_plan(folder, tensorboard=True), "Red or blue")
    told: list[Event] = []
    place = runs.folder(record.id)
    stopped = job.execute(place, told.append, After(4, "stop-after-batch"))
    assert stopped.state == "stopped" and told[-1] == stopped
    assert runs.get(record.id).state == "stopped"
    finished = job.execute(place, told.append)
    assert finished == Finished("done", "red-or-blue", "the model 'Red or blue' is in the store")

    found = runs.get(record.id)
    assert found.state == "done" and found.model_id == "red-or-blue" and found.epochs_done == 3
    assert found.data == "colours" and 0.5 < found.figures["val_accuracy"] <= 1.0 and found.seconds > 0
    assert [e.epoch for e in told if isinstance(e, EpochDone)] == [0, 1, 2]
    assert any(isinstance(e, Started) and e.batch == 10 for e in told)
    assert any(isinstance(e, Checkpointed) for e in told)
    assert any(isinstance(e, Note) and "broken.png" in e.text for e in told)
    assert "broken.png" not in (place / "log.txt").read_text(encoding="utf-8")
    phases = {e.name for e in told if isinstance(e, Phase)}
    assert phases >= {"data", "calibrating", "exporting", "confidence", "evaluating", "writing"}

    assert len(list((place / "tensorboard").iterdir())) == 2  # started twice

    entry = ModelStore().require("red-or-blue")
    manifest = entry.manifest
    assert manifest is not None and not entry.bundled
    text = (entry.folder / "model.json").read_text(encoding="utf-8")
    assert str(folder) not in text and folder.parent.name not in text and "colours" in text
    assert "Nobody but you has checked" in " ".join(manifest.card.limits)
    assert {metric.split for metric in manifest.metrics} == {"validation"}
    assert manifest.decision.rule == "argmax" and "8 and 8 pictures" in manifest.decision.reason
    assert manifest.parity is not None
    assert manifest.domain is not None and manifest.domain.n == 16 and 1 / 17 - 1e-4 < manifest.domain.refused < 0.5
    assert manifest.conformal is not None and manifest.conformal.n == 16 and manifest.conformal.cutoffs[0] == 0
    assert {"domain.json", "head.json", "filters.json"} <= manifest.files.keys()
    known = Neighbours.read(manifest.files["model.tflite"].sha256)
    model = LoadedModel(entry, 1)
    noise = np.random.default_rng(1).integers(0, 256, (1, 16, 16, 3), dtype=np.uint8)
    verdict = model.answer(noise, gated=True).verdicts[0]
    assert verdict is not None and not verdict.inside
    nearest = model.nearest(noise[0])
    assert known is not None and len(nearest) == 3
    assert all(n.path is not None and n.name.split("/")[0] == manifest.labels[n.label] for n in nearest)
    evaluation = json.loads((entry.folder / "evaluation.json").read_text(encoding="utf-8"))
    assert sum(map(sum, evaluation["confusion"])) == evaluation["n"] == 16
    log = (place / "log.txt").read_text(encoding="utf-8")
    assert "epoch 3/3" in log and str(folder.parent) not in log


def test_a_run_whose_pictures_moved_learns_where_once_they_are_its_own(folder: Path, tmp_path: Path) -> None:
    runs = RunStore()
    plan = own_plan(folder)
    record = runs.create(plan, "Red or blue")
    place = runs.folder(record.id)
    stop = InsideEpoch(1, 1)
    assert job.execute(place, stop, stop).state == "stopped"
    other = shutil.copytree(folder, tmp_path / "other")
    (other / "red" / "000.png").rename(other / "red" / "another.png")
    refused = job.execute(place, moved=other)
    assert (refused.state, refused.kind) == ("failed", "data-changed") and plans.load(place / "plan.json") == plan
    same = shutil.copytree(folder, tmp_path / "same")
    assert job.execute(place, control=After(1, "stop-after-batch"), moved=same).state == "stopped"
    assert plans.load(place / "plan.json").data.path == str(same)


def test_cancel_leaves_no_model(folder: Path, fovea_home: Path) -> None:
    runs = RunStore()
    record = runs.create(own_plan(folder), "Red or blue")
    finished = job.execute(runs.folder(record.id), control=After(3, "cancel"))
    assert finished.state == "cancelled" and runs.get(record.id).state == "stopped"
    assert not ModelStore().user_root.exists()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda p: replace(p, data=replace(p.data, path=p.data.path + "-gone")), "is not there"),
        (lambda p: replace(p, data=replace(p.data, path=None)), "does not say where"),
        (lambda p: replace(p, data=replace(p.data, classes=("blue", "green"))), "has no class green"),
        (lambda p: replace(p, optimizer=plans.OptimizerPlan("sgd", 1e30, momentum=0.0)), "no longer a number"),
    ],
)
def test_failures_are_told_in_words(
    folder: Path, fovea_home: Path, change: Callable[[plans.TrainingPlan], plans.TrainingPlan], words: str
) -> None:
    runs = RunStore()
    record = runs.create(change(own_plan(folder)), "Red or blue")
    finished = job.execute(runs.folder(record.id))
    assert finished.state == "failed" and words in finished.message
    found = runs.get(record.id)
    assert found.state == "failed" and words in found.message and str(folder.parent) not in found.message
