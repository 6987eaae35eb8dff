"""The window while it trains: roles of :mod:`benchmarks.windows`, and their part of the responsiveness report.

A small net is really trained on drawn shapes, its curves are shown and grow, and a heart beats in the event loop
meanwhile. Then the trainer is killed (how soon does the window know?) and, taken up again, cancelled (how soon is it
gone?).
"""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from benchmarks import common

if TYPE_CHECKING:
    from desktop.ui.train.view import TrainView

LONGEST_LIMIT_MS = 60.0
P99_LIMIT_MS = 16.0
NOTICED_LIMIT_S = 1.0
CANCELLED_LIMIT_S = 3.0
_SECONDS, _QUICK_SECONDS = 60, 6
_LIMIT_MS = 840_000
_NEVER_DONE = 100_000  # epochs


def endless_plan(data: Path) -> Any:
    """A training of the drawn shapes that keeps every core busy for longer than any measurement."""
    from desktop.ml.plans.plan import FitPlan, Step
    from desktop.ui.capture.capture_train import shapes_plan

    plan = shapes_plan(data)
    settings = {**plan.architecture.settings, "widths": [32, 64, 128]}
    fit = FitPlan(epochs=_NEVER_DONE, batch=20, steps_per_execution=1, keep="lowest-loss")
    return replace(plan, architecture=Step("fast-cnn", settings), fit=fit)


def train_pulse(arguments: list[str]) -> dict[str, Any]:
    """``train-pulse FOLDER SECONDS``: gaps between heartbeats while a training starts and while it runs."""
    from PySide6.QtCore import QTimer

    from benchmarks.windows import Beat, Fovea

    fovea = Fovea(_LIMIT_MS)
    fovea.window.show_view("train")
    view = cast("TrainView", fovea.window.later("train"))
    seconds = float(arguments[1])
    result: dict[str, Any] = {}
    beat = Beat()

    def running() -> None:
        job = view.service.jobs[0]
        if not job.active:
            raise RuntimeError(f"the training ended: {job.message}")
        if "starting" not in result and job.epochs_done >= 1:
            beat.stop()
            result["starting"], beat.gaps = beat.gaps, []
            result["starting_busy"], beat.busy = beat.busy, []
            result["epochs_before"] = job.epochs_done
            beat.start()
            QTimer.singleShot(round(1000 * seconds), fovea.done)

    view.service.heard.connect(running)
    beat.start()
    view.service.submit(endless_plan(Path(arguments[0])), "Endless")
    fovea.run()
    beat.stop()
    view.service.heard.disconnect(running)
    job = view.service.jobs[0]
    result |= {
        "gaps": beat.gaps,
        "busy": beat.busy,
        "epochs": job.epochs_done - result.pop("epochs_before"),
        "device": job.started.device if job.started is not None else "",
    }

    def ended(held: Any) -> None:
        result[f"{held.state}_s"] = time.monotonic() - result.pop("moment")
        QTimer.singleShot(0, fovea.done)

    view.service.ended.connect(ended)
    result["moment"] = time.monotonic()
    trainer = view.service.trainer_pid(job.id)
    assert trainer is not None
    os.kill(trainer, getattr(signal, "SIGKILL", signal.SIGTERM))
    fovea.run()

    def again() -> None:
        if view.service.jobs[0].epochs_done and view.service.jobs[0].state == "training":
            view.service.heard.disconnect(again)
            result["moment"] = time.monotonic()
            view.service.cancel(view.service.jobs[0].id, discard=False)

    while view.service.trainer_pid(job.id) is not None or view.service.disk_work.busy:
        QTimer.singleShot(20, fovea.done)
        fovea.run()
    view.service.heard.connect(again)
    view.continue_run(job.id)
    fovea.run()
    while view.service.trainer_pid(job.id) is not None:
        QTimer.singleShot(5, fovea.done)
        fovea.run()
    fovea.close()
    return result


def train_alone(arguments: list[str]) -> dict[str, Any]:
    """``train-alone FOLDER``: the same training without a window, until the input ends."""
    import threading

    from desktop.engine.training_client import TrainingClient
    from desktop.ml.plans.events import EpochDone
    from desktop.store.runs import RunStore

    store = RunStore()
    record = store.create(endless_plan(Path(arguments[0])), "Endless")
    with TrainingClient(store.folder(record.id)) as client:

        def until_the_end() -> None:
            sys.stdin.read()
            client.cancel()

        threading.Thread(target=until_the_end, daemon=True).start()
        told = False
        while not client.ended:
            for event in client.events(None):
                if isinstance(event, EpochDone) and not told:
                    told = True
                    print(json.dumps({"training": True}), flush=True)
    return {}


def measure(report: common.Report, subject: common.Subject, quick: bool) -> None:
    """Add figures and bars of the window during a training."""
    from desktop.app.sample_sets import draw_shapes

    seconds = _QUICK_SECONDS if quick else _SECONDS
    with tempfile.TemporaryDirectory(prefix="fovea-bench-", ignore_cleanup_errors=True) as name:
        folder = Path(name) / "shapes"
        draw_shapes(folder)
        with common.fresh_home(subject) as home:
            own = common.ask_child("benchmarks.windows", "train-pulse", str(folder), str(seconds), home=home)
        with common.fresh_home(subject) as home:
            peer = _peer(folder, seconds, home)
    about = f"while it trains for {seconds} s"
    empty = "empty window, same load"
    for label, take in (
        ("longest pause", max),
        ("99th percentile", lambda gaps: common.quantile(gaps, 0.99)),
        ("median", lambda gaps: common.quantile(gaps, 0.5)),
    ):
        report.compare(f"{label} {about}", "ms", [take(own["gaps"])], [take(peer)], empty)
    report.figures.append(common.Figure("longest work of the drawing thread meanwhile", "ms", max(own["busy"])))
    report.figures.append(common.Figure("longest pause while a training starts", "ms", max(own["starting"])))
    report.figures.append(common.Figure("epochs drawn meanwhile", "", own["epochs"]))
    report.bars.append(common.at_most("training: longest pause, ms", max(own["gaps"]), LONGEST_LIMIT_MS))
    p99 = common.quantile(own["gaps"], 0.99)
    report.bars.append(common.at_most("training: pauses, 99th percentile, ms", p99, P99_LIMIT_MS))
    report.bars.append(common.at_most("training: kill noticed, s", own["interrupted_s"], NOTICED_LIMIT_S))
    report.bars.append(common.at_most("training: cancel to idle, s", own["cancelled_s"], CANCELLED_LIMIT_S))


def _peer(folder: Path, seconds: float, home: Path) -> list[float]:
    """The heart of an empty window while the same training runs beside it."""
    with common.start_child("benchmarks.windows", "train-alone", str(folder), home=home) as load:
        assert load.stdout is not None
        if "training" not in load.stdout.readline():
            raise RuntimeError("the training beside the empty window did not start")
        with common.start_child("benchmarks.windows", "empty-pulse") as window:
            assert window.stdout is not None
            window.stdout.readline()
            time.sleep(seconds)  # the time of the measurement
            output, _ = window.communicate()
        load.communicate()
    gaps: list[float] = json.loads(output.splitlines()[-1])["gaps"]
    return gaps
