"""From a point of a stroke to its answer on the drawing pad: ``python -m benchmarks.draw``.

The real window with a real engine; its peer reads the same sheet in this very process (prepare, then LiteRT), without
a window, a pipe or a second process: the ratio says what those cost.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from math import cos, pi, sin
from typing import Any

from benchmarks import common

LIMIT_MS = 50.0
MODEL = "mnist-digits"
_POINTS = 60


def main(argv: list[str]) -> int:
    """Measure and report; returns 0 when every bar holds."""
    options = common.options([*argv, "--model", MODEL], "draw", "From the stroke to the answer.", rounds=3)
    report = common.Report("draw", MODEL, options.quick)
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    with tempfile.TemporaryDirectory(prefix="fovea-bench-", ignore_cleanup_errors=True) as home:
        os.environ["FOVEA_HOME"] = home
        one, three, sheets = _window(options.rounds, 4 if options.quick else 30)
    peer_one, peer_three = (_bare(sheet, 5 if options.quick else 40) for sheet in sheets)
    report.compare("a new point of one digit", "ms", one, peer_one, "the same sheet, in one process")
    report.compare("a new sheet of three digits", "ms", three, peer_three, "the same sheet, in one process")
    report.bars.append(common.at_most("a new point of one digit, median, ms", statistics.median(one), LIMIT_MS))
    report.bars.append(common.at_most("the same, 95 of 100, ms", common.quantile(one, 0.95), LIMIT_MS))
    return common.finish(report, options.json)


def _window(rounds: int, sheets: int) -> tuple[list[float], list[float], tuple[bytes, bytes]]:
    """Milliseconds to each answer: a 3 drawn point by point, then sheets with three of them; and both sheets as BMP."""
    from desktop.core.drawings.strokes import Stroke
    from desktop.ui.capture.capture import staged, wait_for
    from desktop.ui.draw.exporting import encoded

    path = [(0.5 + 0.18 * sin(a), 0.32 - 0.16 * cos(a)) for a in (pi * i / 30 for i in range(_POINTS // 2))]
    path += [(0.5 + 0.2 * sin(a), 0.66 - 0.18 * cos(a)) for a in (pi * i / 30 for i in range(_POINTS // 2))]
    with staged((1280, 720), "light", MODEL) as shell:
        shell.window.show_view("draw")
        view: Any = shell.window.later("draw")
        wait_for(lambda: bool(view.reader.model), 60, "the model")
        answers: list[float] = []
        view.reader.read.connect(lambda _: answers.append(time.perf_counter()))

        def timed(change: Callable[[], None]) -> float:
            before, begin = len(answers), time.perf_counter()
            change()
            wait_for(lambda: len(answers) > before and not view.reader.busy, 60, "an answer")
            return (answers[before] - begin) * 1000

        one: list[float] = []
        for turn in range(rounds + 1):
            view.canvas.clear()
            for index, (x, y) in enumerate(path):
                draw = view.canvas.draw_to if index else view.canvas.begin
                spent = timed(partial(draw, x, y))
                if turn:  # the first 3 loads the model
                    one.append(spent)
            view.canvas.lift()
            wait_for(lambda: view.answered, 60, "the answer")
        single = encoded(view.canvas.picture())
        three = []
        for number in range(sheets):
            digits = tuple(
                Stroke(tuple((left + 0.5 * (x - 0.3), y, 1.0) for x, y in path), 0.03 + number / 10_000)
                for left in (0.05, 0.35, 0.65)
            )
            three.append(timed(partial(view.canvas.set_drawing, digits)))
        return one, three, (single, encoded(view.canvas.picture()))


def _bare(sheet: bytes, repeats: int) -> Sequence[float]:
    """Milliseconds to read ``sheet`` here, warm."""
    from desktop.core.types import ImageSource
    from desktop.engine.messages import ReadRequest
    from desktop.engine.model import LoadedModel
    from desktop.engine.reading import read
    from desktop.store.store import ModelStore

    model = LoadedModel(ModelStore().require(MODEL))
    request = ReadRequest(1, MODEL, ImageSource("drawing", data=sheet))
    read(request, model)
    return [read(request, model).total_ms for _ in range(repeats)]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
