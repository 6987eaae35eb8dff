"""What strangers' folders asked of a training and it stood: many classes, few of one, the same names everywhere, a
folder that goes meanwhile, a step that gives no number. Real files, the real reading, the real loop."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("keras")

from desktop.core.data.inspection import inspect
from desktop.ml.data.own_data import OwnData
from desktop.ml.plans.events import Event, TrainBatchDone
from desktop.ml.plans.plan import DataPlan, OptimizerPlan, TrainingPlan
from desktop.ml.training import train
from desktop.ml.training.recorder import Recorder
from desktop.ml.training.train import Trained
from desktop.store.runs import RunStore
from tests.ml.training.test_loop import small_plan


def draw(root: Path, counts: dict[str, int], names: str = "{number}.png") -> None:
    """Pictures of 8×8 pixels, each class of a grey of its own under noise."""
    random = np.random.default_rng(len(counts))
    for at, (name, count) in enumerate(counts.items()):
        (root / name).mkdir(parents=True)
        level = 20 + 200 * at // max(1, len(counts) - 1)
        for number in range(count):
            pixels = np.clip(level + random.integers(-15, 16, (8, 8)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(root / name / names.format(number=number))


def planned(root: Path, classes: tuple[str, ...], **fit: object) -> TrainingPlan:
    plan = small_plan(OptimizerPlan("adam", 0.05), ("flatten", f"D{len(classes)}"), **fit)
    return replace(plan, data=DataPlan("user", 0.2, "none", classes, str(root), "own"), labels=classes, augment=())


def trained(plan: TrainingPlan, folder: Path, listen: object = None) -> tuple[OwnData, Trained]:
    """Read the pictures, train, and return both."""
    data = OwnData(plan)
    store = RunStore(folder / "runs")
    place = store.folder(store.create(plan, "case").id)
    recorder = Recorder(place, listen if callable(listen) else lambda event: None)
    try:
        return data, train.run(plan, data.train, data.validation, place, recorder)
    finally:
        recorder.close()


def test_250_classes_of_few_pictures(tmp_path: Path) -> None:
    counts = {f"class {number}": 3 for number in range(250)}
    draw(tmp_path / "own", counts)
    found = inspect(tmp_path / "own", near=False)
    assert len(found.classes) == 250 and found.total == 750
    data, result = trained(planned(tmp_path / "own", tuple(counts), epochs=1), tmp_path)
    assert len(data.train) + len(data.validation) == 750
    assert set(data.train.labels.tolist()) == set(range(250))
    assert result.complete and np.isfinite(result.history[0]["val_loss"])


def test_a_class_fifty_times_as_large_as_another(tmp_path: Path) -> None:
    draw(tmp_path / "own", {"many": 200, "few": 4})
    data, result = trained(planned(tmp_path / "own", ("many", "few"), epochs=2, class_weights="balanced"), tmp_path)
    for side in (data.train, data.validation):
        assert set(side.labels.tolist()) == {0, 1}
    assert result.complete and len(result.history) == 2


def test_every_class_calls_its_pictures_the_same(tmp_path: Path) -> None:
    draw(tmp_path / "own", {"a": 15, "b": 15}, "IMG_{number:04}.png")
    data, result = trained(planned(tmp_path / "own", ("a", "b"), epochs=1), tmp_path)
    names = [*data.train.names, *data.validation.names]
    assert len(set(names)) == len(names) == 30 and result.complete
    # Each kept its own pixels: the two greys are far apart.
    for side in (data.train, data.validation):
        for image, label in zip(side.images, side.labels, strict=True):
            assert (float(np.asarray(image).mean()) > 120) == bool(label)


def test_the_folder_may_go_while_it_learns(tmp_path: Path) -> None:
    draw(tmp_path / "own", {"a": 20, "b": 20})
    gone: list[bool] = []

    def listen(event: Event) -> None:
        if isinstance(event, TrainBatchDone) and not gone:
            shutil.rmtree(tmp_path / "own")
            gone.append(True)

    _, result = trained(planned(tmp_path / "own", ("a", "b"), epochs=3), tmp_path, listen)
    assert gone and result.complete and len(result.history) == 3
