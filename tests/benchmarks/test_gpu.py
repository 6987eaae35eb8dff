"""What the measurement on a GPU makes of a training's events, and when it says that something does not hold."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks import gpu
from desktop.cli import train, train_plan
from desktop.core.types import StoreError
from desktop.ml.plans.events import EpochDone, Started
from desktop.store.store import ModelStore


def events(accuracy: float = 0.8, epochs: int = 3) -> list[dict[str, Any]]:
    done = [
        EpochDone(n, epochs, 1.0 / (n + 1), 0.5, 1.0, 0.5, 0.001, 2.0, images_per_s=rate)
        for n, rate in zip(range(epochs), (10.0, 200.0, 300.0), strict=False)
    ]
    metric = {"name": "accuracy", "value": accuracy, "low": accuracy - 0.02, "high": accuracy + 0.02, "n": 100}
    model = {"event": "model", "metrics": [{"name": "calibration error", "value": 0.1}, metric]}
    return [Started("GPU (X, cuda:0)", 5, 90, 10, 0, epochs).to_dict(), *(each.to_dict() for each in done), model]


def row(backend: str, accuracy: float = 0.8, training: str = "cifar-deep") -> gpu.Row:
    found = gpu.figures_of(events(accuracy))
    return {"training": training, "backend": backend, "state": "ok", "seconds": 9.0, **found}


def test_a_training_s_events_become_a_row() -> None:
    found = gpu.figures_of(events())
    assert found["device"] == "GPU (X, cuda:0)" and found["images_per_s"] == 250.0, "the first epoch warms up"
    assert found["accuracy"] == 0.8 and found["loss"] == pytest.approx(1 / 3)
    assert gpu.figures_of(events(epochs=1))["images_per_s"] == 10.0
    assert "250 images/s, accuracy 80.00% (78.00% to 82.00%, n = 100)" in gpu._line(row("torch"))


def test_a_result_beside_the_cpu_s_and_a_failure_are_faults() -> None:
    failed = {"training": "cifar-deep", "backend": "jax", "state": "failed", "detail": "why"}
    missing = {**failed, "state": "missing"}
    assert gpu.compare([row("tensorflow"), row("torch", 0.83), missing]) == []
    faults = gpu.compare([row("tensorflow"), row("torch", 0.7), failed])
    assert faults == ["cifar-deep, torch: accuracy 70.00%, on the CPU 80.00%", "cifar-deep, jax: why"]
    assert gpu.compare([row("tensorflow", training="other"), row("torch", 0.1)]) == []


def test_the_record_says_what_ran_on_what(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu, "FOLDER", tmp_path)
    path = gpu.keep([row("tensorflow"), row("torch")], [], ["--epochs", "2"], None)
    held = json.loads(path.read_text(encoding="utf-8"))
    assert path.name == "gpu.json" and held["holds"] and held["command"] == "python -m benchmarks.gpu --epochs 2"
    assert held["versions"]["keras"] and held["computer"]["cores"] and len(held["rows"]) == 2
    slow = {**row("torch"), "device": "CPU (x86_64, 2 cores)"}
    assert gpu.keep([slow], ["a fault"], [], None).name == "cpu.json"


@pytest.mark.parametrize("training", gpu.TRAININGS)
def test_its_trainings_are_ones_that_fovea_takes(training: str) -> None:
    if training != "cifar-deep":
        try:
            ModelStore().require("efficientnet-lite0")
        except StoreError as error:
            pytest.skip(error.message)
    plan, _ = train_plan.plan_of(train._parser().parse_args([*gpu.TRAININGS[training], "--name", "x"]))
    assert plan.data.use_test, "the accuracy is that of the test split"


def test_a_library_that_is_not_installed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert gpu._trained("cifar-deep", "jax", 1, 0)["detail"] == "jax is not installed"
