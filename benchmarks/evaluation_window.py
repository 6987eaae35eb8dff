"""The Evaluate view's gallery under the stopwatch: ``python -m benchmarks.evaluation_window FOLDER`` prints JSON.

A made-up result over the pictures of a labelled folder is shown in the real window, offscreen, and scrolled from top to
bottom while its small pictures come in. ``open_ms``: from showing the result until its first pictures' cells are
painted; ``frames_ms``: each turn of the event loop while scrolling, painting included; ``work_ms``: what of it the
drawing thread itself worked, whatever else the computer did meanwhile; ``rss_mib``: the window's process at the end.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

_FRAMES = 300
_WAIT_S = 60.0


def main(arguments: list[str]) -> int:
    """Measure the folder named; 0 always."""
    print(json.dumps(_measure(arguments[0])), flush=True)
    return 0


def _measure(folder: str) -> dict[str, Any]:
    import psutil
    from PySide6.QtCore import QCoreApplication, QEventLoop

    from desktop.core.data.open_data import open_dataset
    from desktop.core.figures.result import figures
    from desktop.services.answers import GalleryChoice
    from desktop.ui.shell.app import build_window, make_application

    make_application(())
    data = open_dataset(folder)
    result = _made_up(data)
    measured = figures(result)
    shell = build_window()
    window = shell.window
    window.resize(1280, 720)
    window.show()

    def turn() -> None:
        QCoreApplication.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, 20)

    def until(condition: Any) -> None:
        end = time.monotonic() + _WAIT_S
        while not condition() and time.monotonic() < end:
            turn()

    until(lambda: shell.engine is not None and shell.catalog.loaded)
    window.host.show_evaluate()
    turn()
    view = window.evaluate
    view.pages.setCurrentWidget(view.results)
    turn()
    gallery = view.results.gallery
    begin = time.perf_counter()
    view.state.show(result, measured, data)
    until(lambda: gallery.model.rowCount() > 0)
    gallery.view.viewport().repaint()
    opened = (time.perf_counter() - begin) * 1000
    gallery.choose(GalleryChoice("all"))
    until(lambda: gallery.model.rowCount() == len(result))
    for _ in range(5):
        turn()
    bar = gallery.view.verticalScrollBar()
    frames, work = [], []
    for number in range(_FRAMES):
        start, spent = time.perf_counter(), time.thread_time()
        # Steps of a wheel at first, then long ones: the whole length is seen.
        bar.setValue(bar.value() + 120 if number < _FRAMES // 2 else bar.maximum() * number // (_FRAMES - 1))
        turn()
        gallery.view.viewport().repaint()
        frames.append((time.perf_counter() - start) * 1000)
        work.append((time.thread_time() - spent) * 1000)
    size = psutil.Process().memory_info().rss / 2**20
    listed = gallery.model.rowCount()
    window.close()
    shell.close_down()
    return {"open_ms": opened, "frames_ms": frames, "work_ms": work, "rss_mib": size, "listed": listed}


def _made_up(data: Any) -> Any:
    """A result over all of ``data``, right two times of three."""
    import numpy as np

    from desktop.core.figures.result import DataFacts, EvaluationResult, ModelFacts

    rng = np.random.default_rng(0)
    n, classes = len(data), len(data.classes)
    scores = rng.random((n, classes), dtype=np.float32)
    scores[np.arange(n), data.targets] += (rng.random(n) < 2 / 3).astype(np.float32)
    scores /= scores.sum(axis=1, keepdims=True)
    model = ModelFacts("made-up", "Made up", 1, "0" * 64, data.classes, None, None, "", "model score", False)
    facts = DataFacts(
        data.title, data.split, "0" * 64, data.classes, {name: name for name in data.classes}, data.kind, data.root
    )
    names = tuple(data.name(position) for position in range(n))
    answers = scores.argmax(axis=1).astype(np.int32)
    truth = data.targets.astype(np.int32)
    return EvaluationResult(
        model, facts, names, np.arange(n), truth, answers, scores, (), True, 1.0, "2026-01-01T00:00:00+00:00", "none"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
