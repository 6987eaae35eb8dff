"""Live answers under the stopwatch: ``python -m benchmarks.camera [--model ID] [--seconds N] [VIDEO]`` prints JSON.

The real window, offscreen, plays a video of 640 x 480 pixels at 30 frames a second as if it were a camera (one of its
own, with a moving texture, where none is named) and asks the model about the newest frame, again and again.
``answers_per_s``: answers shown a second; ``frames_per_s``: frames painted a second; ``age_ms``: from a frame's arrival
in the window to its answer, median and the slowest of twenty; ``turn_ms``: the longest that the drawing thread worked
without a look at the window's events, and of a hundred turns the slowest; ``on_s``: from asking for the camera to the
first frame; ``off_ms``: from leaving the view until its process is gone. ``processor_ms``: processor time for each
answer, of the window, the camera's process, and the one that answers with its readers (Linux): what ten answers a
second need is ten times their sum, whatever else the machine does.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.common import Figure, Report, at_least, processor_seconds

LEAST = 10.0  # answers a second


def main(arguments: list[str] | None = None) -> int:
    """Measure; 1 where fewer than ten answers a second came."""
    parser = argparse.ArgumentParser(prog="benchmarks.camera")
    parser.add_argument("--model", default="efficientnet-lite0")
    parser.add_argument("--seconds", type=float, default=15.0)
    parser.add_argument("--screenshot", default="")
    parser.add_argument("--theme", default="light")
    parser.add_argument("video", nargs="?", default="")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        video = options.video or _moving(Path(folder) / "moving.avi", options.seconds + 20)
        found = _measure(video, options)
    report = Report("camera", options.model, False)
    report.figures += [
        Figure("answers shown", "a second", found["answers_per_s"]),
        Figure("frames painted", "a second", found["frames_per_s"]),
        Figure("longest work of the drawing thread", "ms", found["turn_ms"][0]),
        Figure("of a hundred turns the slowest", "ms", found["turn_ms"][1]),
        Figure("from asking for the camera to the first frame", "s", found["on_s"]),
        Figure("from leaving the view until its process is gone", "ms", found["off_ms"]),
    ]
    if found["age_ms"]:
        report.figures.insert(2, Figure("from a frame to its answer, median", "ms", found["age_ms"][0]))
    report.bars.append(at_least("answers a second", found["answers_per_s"], LEAST))
    print(json.dumps({**report.as_json(), **found}), flush=True)
    return 0 if found["answers_per_s"] >= LEAST else 1


def _moving(path: Path, seconds: float) -> str:
    import cv2
    import numpy as np

    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 30, (640, 480))
    texture = np.random.default_rng(7).integers(0, 256, (60, 80, 3), np.uint8)
    ground = cv2.resize(texture, (1280, 960), interpolation=cv2.INTER_CUBIC)
    for number in range(round(30 * seconds)):
        left = abs(number * 4 % 1280 - 640)
        writer.write(np.ascontiguousarray(ground[200:680, left : left + 640]))
    writer.release()
    return str(path)


def _processor_times(camera: int | None) -> dict[str, float]:
    """Seconds of processor time so far, of the window, of the camera's process and of all others of ours."""
    window, with_children = processor_seconds(os.getpid(), alone=True), processor_seconds(os.getpid())
    of_camera = processor_seconds(camera or 0)
    return {"window": window, "camera": of_camera, "answering": with_children - window - of_camera}


def _measure(video: str, options: argparse.Namespace) -> dict[str, Any]:
    import numpy as np
    from PySide6.QtCore import QCoreApplication, QEventLoop

    from desktop.engine.camera_messages import source_of
    from desktop.ui.capture.capture import save, staged, wait_for
    from desktop.ui.widgets.camera_screen import CameraScreen

    painted: list[float] = []
    answers: list[float] = []
    ages: list[float] = []
    turns: list[float] = []
    with staged((1280, 720), options.theme, options.model) as shell:
        view = shell.window.classify
        wait_for(lambda: view.session.model_ready, 60, "the model")
        begin = time.perf_counter()
        view.open_camera()
        pane = view.cameras.pane
        assert pane is not None
        pane.show_source(source_of(video))
        paint = CameraScreen.paintEvent

        def painting(self: CameraScreen, event: Any) -> None:
            paint(self, event)
            painted.append(time.perf_counter())

        CameraScreen.paintEvent = painting  # type: ignore[method-assign]
        wait_for(lambda: pane.screen_of.has_image, 60, "the first frame")
        on_s = time.perf_counter() - begin
        wait_for(lambda: view.cameras.live.rate > 0, 60, "the first answers")
        arrived: dict[bytes, float] = {}
        view.cameras.camera.frame_arrived.connect(
            lambda frame: arrived.__setitem__(frame.bmp[-3000:], time.perf_counter())
        )

        def answered(answer: Any) -> None:
            now = time.perf_counter()
            answers.append(now)
            since = arrived.get(answer.source.data[-3000:])
            if since is not None:
                ages.append(1000 * (now - since))

        view.cameras.live.answered.connect(answered)
        painted.clear()
        runner = view.cameras.camera._runner
        assert runner is not None
        before = _processor_times(runner._client.pid)
        start = time.perf_counter()
        while time.perf_counter() - start < options.seconds:
            turn = time.perf_counter()
            QCoreApplication.processEvents(QEventLoop.ProcessEventsFlag.AllEvents)
            turns.append(1000 * (time.perf_counter() - turn))
            time.sleep(0.001)
        spent = time.perf_counter() - start
        after = _processor_times(runner._client.pid)
        if options.screenshot:
            save(shell.window, options.screenshot)
        leave = time.perf_counter()
        shell.window.show_view("models")
        runner.wait(10_000)
        off_ms = 1000 * (time.perf_counter() - leave)
        CameraScreen.paintEvent = paint  # type: ignore[method-assign]
    return {
        "answers_per_s": round(len(answers) / spent, 1),
        "frames_per_s": round(len(painted) / spent, 1),
        "age_ms": [round(float(np.percentile(ages, part)), 1) for part in (50, 95)] if ages else None,
        "turn_ms": [round(max(turns), 1), round(float(np.percentile(turns, 99)), 1)],
        "processor_ms": {name: round(1000 * (after[name] - before[name]) / max(1, len(answers)), 1) for name in before},
        "load": [round(part, 1) for part in os.getloadavg()] if hasattr(os, "getloadavg") else None,
        "on_s": round(on_s, 2),
        "off_ms": round(off_ms),
    }


if __name__ == "__main__":
    raise SystemExit(main())
