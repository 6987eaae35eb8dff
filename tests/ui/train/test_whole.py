"""A real training through the real window: from drawn pictures to a model that answers as it did in validation."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from desktop.ml.plans.plan import FitPlan, Step, TrainingPlan
from desktop.services.training_job import TrainingJob
from desktop.store.run_files import read_curve
from desktop.store.runs import HISTORY, RunStore
from desktop.store.store import ModelStore
from desktop.ui.capture.capture_train import draw_shapes, shapes_plan
from desktop.ui.shell.app import Shell, build_window
from desktop.ui.train.view import TrainView

pytest.importorskip("keras")
pytestmark = pytest.mark.timeout(600)
WAIT = 300_000


@pytest.fixture
def shell(qtbot: Any, qapp: Any, fovea_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    from desktop import paths

    monkeypatch.setattr(paths, "bundled_models", lambda: tmp_path / "bundled")
    held = build_window(mode="light")
    qtbot.addWidget(held.window)
    held.window.show()
    qtbot.waitUntil(lambda: held.catalog.loaded, timeout=WAIT)
    yield held
    held.close_down()


@pytest.fixture
def view(shell: Shell) -> TrainView:
    shell.window.show_view("train")
    shown = shell.window.shown
    assert isinstance(shown, TrainView)
    return shown


def small(data: Path, epochs: int) -> TrainingPlan:
    plan = shapes_plan(data)
    settings = {**plan.architecture.settings, "widths": [4, 6]}
    fit = FitPlan(epochs=epochs, batch=15, steps_per_execution=1, keep="lowest-loss")
    return replace(plan, architecture=Step("fast-cnn", settings), fit=fit)


def submitted(qtbot: Any, view: TrainView, plan: TrainingPlan, name: str) -> TrainingJob:
    with qtbot.waitSignal(view.service.added, timeout=WAIT) as added:
        view.service.submit(plan, name)
    job = view.service.job(added.args[0])
    assert job is not None
    return job


def test_from_pictures_to_answers(qtbot: Any, shell: Shell, view: TrainView, tmp_path: Path) -> None:
    draw_shapes(tmp_path / "shapes")
    job = submitted(qtbot, view, small(tmp_path / "shapes", 3), "Shapes")
    qtbot.waitUntil(lambda: job.epochs_done >= 1 or not job.active, timeout=WAIT)
    assert job.started is not None and job.started.device.startswith(("CPU", "GPU", "1 acc"))
    qtbot.waitUntil(lambda: not job.active, timeout=WAIT)
    assert job.state == "done", job.message
    assert [int(epoch) for epoch in job.curves.epochs["epoch"]] == [1, 2, 3]
    assert view.jobs.page.curves.model.rowCount() == 3 or not view.jobs.page.curves.isVisible()
    qtbot.waitUntil(lambda: shell.catalog.entry(job.model_id) is not None, timeout=WAIT)
    entry = ModelStore().require(job.model_id)
    assert entry.manifest is not None
    measured = next(metric for metric in entry.manifest.metrics if metric.name == "accuracy")
    assert measured.split == "validation"
    # In Evaluate the model answers its validation pictures as the training measured.
    qtbot.waitUntil(lambda: view.jobs.page.errors.isVisible(), timeout=WAIT)
    view.jobs.page.errors.click()
    evaluate = shell.window.evaluate
    qtbot.waitUntil(lambda: evaluate.state.result is not None, timeout=WAIT)
    result = evaluate.state.result
    assert result is not None and len(result) == measured.n and shell.window.host.in_evaluate
    assert float(result.right.mean()) == pytest.approx(measured.value, abs=1e-12)
    # And in Classify it gives one of them the same scores.
    session = shell.window.classify.session
    shell.window.host.classify_with(job.model_id)
    shell.window.open_paths([str(tmp_path / "shapes" / result.names[0])])
    qtbot.waitUntil(lambda: session.prediction is not None, timeout=WAIT)
    assert session.prediction is not None and session.prediction.model == job.model_id
    assert session.prediction.probabilities == pytest.approx(result.scores[0], abs=1e-5)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals to kill with")
def test_killed_and_taken_up_it_reaches_the_same_figures(
    qtbot: Any, shell: Shell, view: TrainView, tmp_path: Path
) -> None:
    draw_shapes(tmp_path / "shapes")
    plan = small(tmp_path / "shapes", 6)
    whole = submitted(qtbot, view, plan, "Unbroken")
    qtbot.waitUntil(lambda: not whole.active and whole.state != "waiting", timeout=WAIT)
    job = cut = submitted(qtbot, view, plan, "Cut off")
    for killed_after in (1, 3):
        qtbot.waitUntil(lambda held=job, epochs=killed_after: held.epochs_done >= epochs, timeout=WAIT)  # type: ignore[misc]
        pid = view.service.trainer_pid(cut.id)
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        qtbot.waitUntil(lambda held=job: held.state == "interrupted", timeout=WAIT)  # type: ignore[misc]
        qtbot.waitUntil(
            lambda: view.service.trainer_pid(cut.id) is None and not view.service.disk_work.busy, timeout=WAIT
        )
        view.continue_run(cut.id)
        qtbot.waitUntil(lambda held=job: view.service.job(cut.id) not in (None, held), timeout=WAIT)  # type: ignore[misc]
        again = view.service.job(cut.id)
        assert again is not None
        job = again
    qtbot.waitUntil(lambda: not view.service.running, timeout=WAIT)
    store = RunStore()
    first, second = (read_curve(store.folder(run_id) / HISTORY) for run_id in (whole.id, cut.id))
    for column in ("loss", "accuracy", "val_loss", "val_accuracy", "rate"):
        assert second[column] == pytest.approx(first[column], abs=1e-6), column
    assert store.get(cut.id).state == "done"
    assert json.loads(store.plan_text(cut.id)) == json.loads(store.plan_text(whole.id))
