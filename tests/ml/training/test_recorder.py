"""The figures that a run's record shows are those of one epoch: the one that the plan keeps."""

from __future__ import annotations

from pathlib import Path

import pytest

from desktop.cli import runs as runs_command
from desktop.ml import trial
from desktop.ml.plans.events import EpochDone, Note
from desktop.ml.plans.plan import DataPlan, TrainingPlan
from desktop.ml.plans.plan_changes import with_settings
from desktop.ml.plans.presets import PRESETS
from desktop.ml.training.recorder import Recorder
from desktop.store.run_files import read_curve
from desktop.store.runs import HISTORY, LOG, RunStore
from tests.cli.test_train import planned
from tests.cli.tools import noise

EPOCHS = ((0.60, 0.9), (0.95, 0.5), (0.70, 0.3), (0.65, 0.4))  # accuracy and loss on validation


def plan_that_keeps(keep: str) -> TrainingPlan:
    data = DataPlan("user", 0.2, "auto", ("a", "b"), "/x", "x")
    plan = PRESETS["cifar-simple"].build(("a", "b"), (32, 32, 3), data)
    return with_settings(plan, {"fit.keep": keep})


@pytest.mark.parametrize(
    ("keep", "bests", "shown"),
    [
        ("lowest-loss", (True, True, True, False), (0, 1, 2, 2)),
        ("highest-accuracy", (True, True, False, False), (0, 1, 1, 1)),
        ("last", (True, True, True, False), (0, 1, 2, 3)),
    ],
)
def test_a_running_training_shows_the_epoch_that_counts_so_far(
    keep: str, bests: tuple[bool, ...], shown: tuple[int, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    store = RunStore()
    run = store.create(plan_that_keeps(keep), "n", epochs=4).id
    for epoch, (accuracy, loss) in enumerate(EPOCHS):
        # Each by a recorder of its own: a run that is taken up knows no more than its record.
        recorder = Recorder(store.folder(run), lambda event: None)
        recorder(EpochDone(epoch, 4, 0.1, 0.9, loss, accuracy, 0.01, 1.0, best=bests[epoch]))
        recorder.close()
        expected = EPOCHS[shown[epoch]]
        assert (store.get(run).figures["val_accuracy"], store.get(run).figures["val_loss"]) == expected
        assert runs_command.main(["list"]) == 0
        assert f"{expected[0]:.4f}" in capsys.readouterr().out
    assert store.get(run).epochs_done == 4


def test_a_class_whose_name_is_no_text_does_not_end_a_run(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, lambda event: None)
    recorder(Note("validation holds no picture of 'caf\udce9'"))
    recorder(Note("and on it goes"))
    recorder.close()
    first, second = (tmp_path / LOG).read_text(encoding="utf-8").splitlines()
    assert "'caf\\udce9'" in first and "on it goes" in second


@pytest.mark.timeout(240)
@pytest.mark.parametrize("keep", ["lowest-loss", "last"])
def test_in_the_end_a_run_shows_the_epoch_whose_weights_are_kept(keep: str, tmp_path: Path) -> None:
    for name in ("a", "b"):
        for number in range(16):
            noise(tmp_path / "pets" / name / f"{number}.png", number + 100 * (name == "b"), (8, 8))
    plan = planned(
        "--data", tmp_path / "pets", "--architecture", "flatten,D8", "--size", "8", "--epochs", "5", "--batch-size",
        "8", "--set", "augment=none", "optimizer.name=adam", "optimizer.rate=0.02", "optimizer.schedule=constant",
        "fit.ema=0", f"fit.keep={keep}",
    )  # fmt: skip
    store = RunStore()
    run = store.create(plan, "n", epochs=5).id
    outcome = trial.run_trial(plan, store.folder(run))
    held = read_curve(store.folder(run) / HISTORY)
    losses, accuracies = held["val_loss"], held["val_accuracy"]
    kept = len(losses) - 1 if keep == "last" else losses.index(min(losses))
    figures = store.get(run).figures
    assert (figures["val_accuracy"], figures["val_loss"]) == (outcome.val_accuracy, outcome.val_loss)
    assert figures["val_loss"] == pytest.approx(losses[kept], rel=1e-4)
    assert figures["val_accuracy"] == pytest.approx(accuracies[kept], rel=1e-4)
    # So does one that was recorded otherwise before, when it is taken up.
    store.update(run, figures={"val_accuracy": 1.0, "val_loss": 0.0})
    trial.run_trial(plan, store.folder(run))
    assert store.get(run).figures == figures
