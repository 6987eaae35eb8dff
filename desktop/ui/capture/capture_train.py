"""The Train view as a picture: with nothing, with a run of the user's, or with a real training made for it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from desktop.app.sample_sets import SHAPES, draw_shapes
from desktop.core.types import FoveaError, PreprocessSpec
from desktop.ml.plans import plan as plans
from desktop.ui.capture.capture import save, staged, wait_for

if TYPE_CHECKING:
    from desktop.ui.train.view import TrainView

_SIDE = 24


def capture_train(
    run: str, demo: bool, tab: str, size: tuple[int, int], theme: str, out: str, timeout_s: float = 600
) -> None:
    """Save the Train view as PNG; see :func:`desktop.ui.capture.capture.staged`.

    ``run`` is a run's id ('' for none): it is looked at, in the tab Runs. With ``demo`` a small net is really trained
    on drawn shapes in a temporary home, and shown. ``tab`` is 'jobs', 'runs' or 'searches'. Raises
    :class:`FoveaError`: of kind ``no-such-run``, those that ended the training, and those of ``staged`` and ``save``.
    """
    if demo:
        with _temporary_home() as home:
            _capture(run, home, tab, size, theme, out, timeout_s)
    else:
        _capture(run, None, tab, size, theme, out, timeout_s)


def _capture(
    run: str, home: Path | None, tab: str, size: tuple[int, int], theme: str, out: str, timeout_s: float
) -> None:
    from desktop.ui.widgets.plotting import plotting

    with staged(size, theme) as shell:
        shell.window.show_view("train")
        view: TrainView = shell.window.later("train")  # type: ignore[assignment]
        failures: list[FoveaError] = []
        view.service.failed.connect(failures.append)
        if home is not None:
            _train_two(view, home, failures, timeout_s)
        wait_for(lambda: not view.service.disk_work.busy, timeout_s, "the runs")
        if run:
            if all(held.id != run for held in view.runs.runs):
                raise FoveaError(
                    "no-such-run", f"there is no run '{run}'", "'fovea runs list' shows the runs there are."
                )
            tab = "runs"
        if tab == "runs":
            view.show_runs()
            wait_for(lambda: not view.service.disk_work.busy, timeout_s, "the runs")
            view.runs.choose([run] if run else [held.id for held in view.runs.runs[:2]])
            wait_for(lambda: not view.service.disk_work.busy, timeout_s, "the curves")
        if tab == "searches":
            view.tabs.setCurrentWidget(view.searches)
            wait_for(lambda: not view.service.disk_work.busy, timeout_s, "the searches")
        shown = view.runs.loss if tab == "runs" else view.jobs.page.curves.loss
        if shown.isVisible():
            wait_for(lambda: plotting().there, timeout_s, "the plots")
        shell.window.messages.clear()
        page = view.jobs.page.curves
        plots = (view.runs.loss, view.runs.accuracy) if tab == "runs" else (page.loss, page.accuracy)
        wait_for(lambda: all(plot.settled for plot in plots), timeout_s, "the plots")
        save(shell.window, out)


def _train_two(view: TrainView, home: Path, failures: list[FoveaError], timeout_s: float) -> None:
    data = home / "shapes"
    draw_shapes(data)
    plan = shapes_plan(data)
    for name, chosen in (
        ("Shapes, small", plan),
        ("Shapes, higher rate", replace(plan, optimizer=replace(plan.optimizer, rate=0.01))),
    ):
        view.service.submit(chosen, name)

    def ended() -> bool:
        jobs = view.service.jobs
        return bool(failures) or (len(jobs) == 2 and not any(job.active or job.state == "waiting" for job in jobs))

    wait_for(ended, timeout_s, "the training")
    for job in view.service.jobs:
        if job.state != "done":
            raise FoveaError(job.kind or "failed", job.message, job.hint)
    if failures:
        raise failures[0]


def shapes_plan(data: Path) -> plans.TrainingPlan:
    """A plan for the drawn shapes: a small net, a few seconds an epoch."""
    return plans.TrainingPlan(
        id="drawn-shapes",
        name="Drawn shapes",
        seed=3,
        data=plans.DataPlan("user", 0.25, "none", SHAPES, str(data), data.name),
        preprocess=PreprocessSpec(_SIDE, _SIDE, "grey", "stretch"),
        labels=SHAPES,
        architecture=plans.Step(
            "fast-cnn",
            {
                "widths": [8, 16], "residual": False, "dropout": 0.1, "activation": "relu", "mean": [0.5],
                "deviation": [0.25],
            },
        ),
        augment=(plans.Step("flip"),),
        optimizer=plans.OptimizerPlan("adam", 0.003),
        fit=plans.FitPlan(epochs=12, batch=15, steps_per_execution=1, keep="lowest-loss"),
        decision=plans.DecisionPlan(),
        mirrored=False,
        medical=False,
        card={},
    )  # fmt: skip


@contextmanager
def _temporary_home() -> Iterator[Path]:
    before = os.environ.get("FOVEA_HOME")
    with tempfile.TemporaryDirectory(prefix="fovea-demo-", ignore_cleanup_errors=True) as folder:
        os.environ["FOVEA_HOME"] = folder
        try:
            yield Path(folder)
        finally:
            if before is None:
                del os.environ["FOVEA_HOME"]
            else:
                os.environ["FOVEA_HOME"] = before
