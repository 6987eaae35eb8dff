"""How long 'Why?' takes once warm, by model and way, through the real engine process; and the gate's own time.

    python -m benchmarks.explain [--quick] [--json]

Medians over repeated requests; the bar is one second for each way. On a computer that is busy only the ratio to the
plain prediction beside it means something.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from pathlib import Path

import numpy as np

from benchmarks import common
from desktop import paths
from desktop.core.trust import domain
from desktop.core.types import ImageSource
from desktop.engine import messages as m
from desktop.engine.client import EngineClient
from desktop.engine.model import LoadedModel
from desktop.store.store import ModelStore

BAR_MS = 1000.0
_PICTURES = {
    "mnist-digits": "digit-3-pen.png",
    "cifar10": "pattern-ship.png",
    "chest-xray-pneumonia": "phantom-chest.png",
}


def _asked(client: EngineClient, request: m.Request) -> float:
    """Milliseconds from a request to its last answer. Raises :class:`RuntimeError` with a failure's words."""
    begin = time.perf_counter()
    client.submit(request)
    while True:
        for event in client.events(300):
            if isinstance(event, m.Failure):
                raise RuntimeError(event.message)
            if isinstance(event, m.Prediction) or isinstance(event, m.Explanation) and event.done == event.total:
                return (time.perf_counter() - begin) * 1000


def measure(model_id: str, path: Path, rounds: int) -> dict[str, float]:
    """Median milliseconds of a prediction and of each way to explain it, asked in turns; and of the gate alone."""
    entry = ModelStore().require(model_id)
    assert entry.manifest is not None
    source = ImageSource.from_path(str(path))
    ways: list[m.Method] = ["occlusion"]
    if "head.json" in entry.manifest.files:
        ways.insert(0, "cam")
    spent: dict[str, list[float]] = {name: [] for name in ("prediction", *ways, "grad-cam")}
    with EngineClient() as engine, EngineClient(gradients=True) as gradients:
        for turn in range(rounds + 2):
            found = {"prediction": _asked(engine, m.PredictRequest(engine.next_id(), model_id, source))}
            for way in ways:
                found[way] = _asked(engine, m.ExplainRequest(engine.next_id(), model_id, source, way))
            request = m.ExplainRequest(gradients.next_id(), model_id, source, "grad-cam")
            found["grad-cam"] = _asked(gradients, request)
            if turn >= 2:  # the first ones load and warm up
                for name, value in found.items():
                    spent[name].append(value)
    result = {name: statistics.median(values) for name, values in spent.items()}
    model = LoadedModel(entry, 1)
    if model.gate is not None:
        pixels = np.random.default_rng(0).integers(0, 256, (1, *_shape(model)), dtype=np.uint8)
        seen = model.outputs(pixels)
        times = []
        for _ in range(20 * rounds):
            begin = time.perf_counter()
            model.gate.verdicts(domain.features(pixels, seen.get("embedding"), seen.get("map"), model.gate.toned))
            times.append((time.perf_counter() - begin) * 1000)
        result["gate"] = statistics.median(times)
    return result


def _shape(model: LoadedModel) -> tuple[int, int, int]:
    spec = model.manifest.preprocess
    return spec.height, spec.width, spec.channels


def main() -> int:
    """Print the table; returns 1 where a way takes longer than the bar."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="3 rounds instead of 15")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.add_argument("--model", choices=sorted(_PICTURES), action="append", help="which models (default: all)")
    options = parser.parse_args()
    table, rounds = {}, 3 if options.quick else 15
    for model_id in options.model or sorted(_PICTURES):
        path = paths.resources() / "samples" / _PICTURES[model_id]
        table[model_id] = measure(model_id, path, rounds)
    slow = [f"{i}: {way} {ms:.0f} ms" for i, row in table.items() for way, ms in row.items() if ms > BAR_MS]
    if options.json:
        report = common.Report("explain", "", options.quick)
        for model_id, row in table.items():
            report.figures += [common.Figure(f"{model_id}, {way}", "ms", ms, n=rounds) for way, ms in row.items()]
            report.bars += [common.at_most(f"{model_id}, {way}, ms", ms, BAR_MS) for way, ms in row.items()]
        print(json.dumps({**report.as_json(), "median_ms": table, "slow": slow}))
    else:
        for model_id, row in table.items():
            print(model_id, "  ".join(f"{way} {ms:.1f} ms" for way, ms in row.items()))
        print(f"bar: {BAR_MS:.0f} ms" + (f"; missed: {'; '.join(slow)}" if slow else "; held"), file=sys.stderr)
    return 1 if slow else 0


if __name__ == "__main__":
    raise SystemExit(main())
