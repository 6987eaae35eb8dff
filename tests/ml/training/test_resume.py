"""Taking up again: data of which pictures were left out, and weights that are no numbers any more."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from desktop.core.data.inspection import inspect
from desktop.ml.data.assemble import gather
from desktop.ml.plans import plan as plans
from desktop.ml.plans.events import EpochDone, Event
from tests.ml.data.test_own_data import picture
from tests.ml.training.test_loop import pictures, small_plan
from tests.ml.training.test_training import After, InsideEpoch

keras = pytest.importorskip("keras")

from desktop.ml.training import checkpoint, train  # noqa: E402
from desktop.ml.training.loop import StepWatch  # noqa: E402


def test_a_run_that_leaves_copies_out_is_taken_up_again(tmp_path: Path, fovea_home: Path) -> None:
    root, run = tmp_path / "pets", tmp_path / "run"
    for number in range(12):
        for step, name in enumerate(("cats", "dogs", "hens")):
            picture(root / name / f"{number}.png", 100 * step + number)
    picture(root / "dogs" / "copy.png", 104)
    left_out = inspect(root).left_out()
    assert left_out == ("dogs/copy.png",) or left_out == ("dogs/4.png",)
    data = plans.DataPlan("user", 0.25, "auto", ("cats", "dogs", "hens"), str(root), "pets", left_out=left_out)
    plan = replace(small_plan(), data=data)
    first = gather(plan, run)
    assert not train.run(plan, first.train, first.validation, run, control=After(4, "stop-after-batch")).complete
    held = checkpoint.read(run / train.CHECKPOINT)
    assert left_out[0] not in str(held.plan)  # names stay out of what may be handed on
    again = gather(plan, run)
    assert train.run(plan, again.train, again.validation, run, resume=True).complete


@pytest.mark.parametrize("ema", [0.0, 0.9])
def test_weights_that_break_in_the_last_step_are_not_kept(
    ema: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, told = small_plan(ema=ema, keep="lowest-loss"), list[Event]()
    real = StepWatch.on_train_batch_end

    def broken(self: StepWatch, batch: int, logs: dict[str, Any] | None = None) -> None:
        real(self, batch, logs)
        if self._epoch == 1 and self.step == self._loop.compiled.steps:
            kernel = self._loop.model.trainable_variables[0]
            kernel.assign(np.full(kernel.shape, np.nan, np.float32))

    monkeypatch.setattr(StepWatch, "on_train_batch_end", broken)
    with pytest.raises(train.TrainingError, match="no longer a number in epoch 2") as caught:
        train.run(plan, pictures(50), pictures(12, 1), tmp_path, told.append)
    assert caught.value.kind == "not-finite" and "the last good epoch was kept" in caught.value.hint
    held = checkpoint.read(tmp_path / train.CHECKPOINT)
    assert held.epoch == 1 and held.best_epoch == 0 and np.isfinite(held.best_value)
    assert all(np.isfinite(array).all() for array in (*held.model, *held.best, *held.average))
    assert [event.epoch for event in told if isinstance(event, EpochDone)] == [0]
    monkeypatch.setattr(StepWatch, "on_train_batch_end", real)
    assert train.run(plan, pictures(50), pictures(12, 1), tmp_path, resume=True).complete


def test_a_stop_inside_an_epoch_does_not_keep_broken_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stop, end = InsideEpoch(1, 1), StepWatch.on_train_batch_end

    def broken(self: StepWatch, batch: int, logs: dict[str, Any] | None = None) -> None:
        end(self, batch, logs)
        if self._loop.context.steering.stop_after_batch:
            kernel = self._loop.model.trainable_variables[0]
            kernel.assign(np.full(kernel.shape, np.nan, np.float32))

    monkeypatch.setattr(StepWatch, "on_train_batch_end", broken)
    with pytest.raises(train.TrainingError, match="no longer a number"):
        train.run(small_plan(), pictures(50), pictures(12, 1), tmp_path, stop, control=stop)
    held = checkpoint.read(tmp_path / train.CHECKPOINT)
    assert held.epoch == 1 and held.step == 0
