"""How fast Fovea is there: ``python -m benchmarks.startup``.

Launch to first paint beside an empty PySide6 window; launch to the first answer, painted, with a picture on the command
line, beside a plain Keras script that loads the same network and predicts. Every measurement is a new process.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from benchmarks import common

PAINT_LIMIT = 1.5
ANSWER_LIMIT = 0.2


def main(argv: list[str]) -> int:
    """Measure and report; returns 0 when every bar holds."""
    options = common.options(argv, "startup", "Launch to first paint, launch to first answer.", rounds=7)
    subject = common.subject(options.model)
    report = common.Report("startup", subject.id, options.quick)
    with tempfile.TemporaryDirectory(prefix="fovea-bench-") as folder:
        (picture,) = common.small_pictures(Path(folder), 1)
        results = _measure(subject, picture, options.rounds)
    paint = report.compare("launch to first paint", "ms", results["paint"], results["empty"], "empty PySide6 window")
    answer = report.compare("launch to first answer", "ms", results["answer"], results["keras"], "plain Keras script")
    report.bars.append(common.at_most("first paint, times an empty window", paint.ratio or 0.0, PAINT_LIMIT))
    report.bars.append(common.at_most("first answer, times a Keras script", answer.ratio or 0.0, ANSWER_LIMIT))
    return common.finish(report, options.json)


def _measure(subject: common.Subject, picture: str, rounds: int) -> dict[str, list[float]]:
    """Milliseconds of each launch."""
    answers: list[float] = []
    spec = subject.spec

    def fovea() -> float:
        with common.fresh_home(subject) as home:
            seen = common.ask_child("benchmarks.windows", "launch", picture, home=home)
        answers.append((seen["answered"] - seen["launched"]) * 1000)
        return float((seen["painted"] - seen["launched"]) * 1000)

    def empty() -> float:
        seen = common.ask_child("benchmarks.windows", "empty")
        return float((seen["painted"] - seen["launched"]) * 1000)

    def keras() -> float:
        size = (str(spec.width), str(spec.height))
        seen = common.ask_child("benchmarks.keras_script", str(subject.keras), picture, *size, spec.colour)
        return float((seen["answered"] - seen["launched"]) * 1000)

    # The first round is not counted: it fills the computer's file cache and compiles what was never run here.
    results = common.take_turns(rounds + 1, {"paint": fovea, "empty": empty, "keras": keras})
    return {name: values[1:] for name, values in {**results, "answer": answers}.items()}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
