"""How fast Fovea trains: ``python -m benchmarks.training``.

Images a second, batch 128, on the four-convolution net of the reference systems and on Fovea's small residual net: with
rotation, shift and mirroring, beside a plain PyTorch loop without any (the faster of its two memory layouts), beside
the classic ``ImageDataGenerator`` recipe with the same, and beside Fovea itself without any. All sides take turns.
``--settings`` measures instead what handing over several steps at once and compiling by XLA do on this computer.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import statistics
import subprocess
import sys
from collections.abc import Callable
from typing import Any

from benchmarks import common

NETWORKS = ("cifar-deep", "fovea-small-residual")
TORCH_LIMIT = 0.9
GENERATOR_LIMIT = 2.0
OWN_LIMIT = 0.95
BATCH = 128


def main(argv: list[str]) -> int:
    """Measure and report; returns 0 when every bar holds."""
    settings = "--settings" in argv
    argv = [word for word in argv if word != "--settings"]
    about = "Images a second while training, beside its peers (--settings: beside other settings of its own)."
    options = common.options(argv, "training", about, rounds=5)
    report = common.Report("training", "two networks trained from random weights", options.quick)
    for network in NETWORKS:
        measure = _settings if settings else _network
        measure(report, network, options.rounds, *((8, 16) if options.quick else (40, BATCH)))
    return common.finish(report, options.json)


def _network(report: common.Report, network: str, rounds: int, steps: int, batch: int) -> None:
    with contextlib.ExitStack() as stack:
        fovea = stack.enter_context(Side("fovea", network, steps, batch))
        generator = stack.enter_context(Side("generator", network, steps, batch))
        turns: dict[str, Callable[[], float]] = {
            "augmented": fovea.turn("augmented"),
            "plain": fovea.turn("plain"),
            "float32": fovea.turn("float32"),
            "generator": generator.turn("augmented"),
        }
        with_torch = importlib.util.find_spec("torch") is not None
        if with_torch:
            torch = stack.enter_context(Side("torch", network, steps, batch))
            turns |= {"torch first": torch.turn("first"), "torch last": torch.turn("last")}
        speeds = common.take_turns(rounds, turns)
    own, name = speeds["augmented"], f"{network}, augmented"
    if with_torch:
        layout = max(("torch first", "torch last"), key=lambda side: statistics.median(speeds[side]))
        peer = f"PyTorch eager, channels {layout.split()[1]}, not augmented"
        figure = report.compare(name, "images/s", own, speeds[layout], peer)
        _bar(report, f"{network}: of PyTorch's speed", figure, TORCH_LIMIT)
    figure = report.compare(name, "images/s", own, speeds["generator"], "ImageDataGenerator, same augmentation")
    _bar(report, f"{network}: times the classic recipe", figure, GENERATOR_LIMIT)
    figure = report.compare(name, "images/s", own, speeds["plain"], "Fovea, not augmented")
    _bar(report, f"{network}: of its own speed without augmentation", figure, OWN_LIMIT)
    report.compare(name, "images/s", own, speeds["float32"], "Fovea, augmented, in float32")


def _settings(report: common.Report, network: str, rounds: int, steps: int, batch: int) -> None:
    variants = ("augmented", "steps-1", "steps-2", "steps-4", "steps-8", "jit")
    with Side("fovea", network, steps, batch) as fovea:
        for variant in variants[1:]:
            fovea.turn(variant)()  # builds and compiles it
        speeds = common.take_turns(rounds, {variant: fovea.turn(variant) for variant in variants})
    for variant in variants[1:]:
        report.compare(f"{network}, as it is", "images/s", speeds["augmented"], speeds[variant], f"Fovea, {variant}")


def _bar(report: common.Report, name: str, figure: common.Figure, limit: float) -> None:
    report.bars.append(common.at_least(name, figure.ratio or 0.0, limit))


class Side:
    """A process that trains when it is told to."""

    def __init__(self, side: str, network: str, steps: int, batch: int) -> None:
        arguments = (side, network, str(steps), str(batch))
        self._process = common.start_child("benchmarks.training_side", *arguments)

    def __enter__(self) -> Side:
        self._answer()
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()

    def turn(self, variant: str) -> Callable[[], float]:
        """A round of that variant: images a second."""

        def work() -> float:
            assert self._process.stdin is not None
            self._process.stdin.write(variant + "\n")
            self._process.stdin.flush()
            return float(self._answer()["images_per_s"])

        return work

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith("{"):
                answer: dict[str, Any] = json.loads(line)
                return answer
        errors = self._process.stderr.read() if self._process.stderr else ""
        raise RuntimeError(f"a side of the benchmark ended: {errors[-1500:]}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
