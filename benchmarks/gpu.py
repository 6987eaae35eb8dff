"""Training on a GPU, measured: ``python -m benchmarks.gpu`` trains on it and on the CPU, compares, keeps the record.

Two trainings, each through PyTorch and JAX and, for comparison, through TensorFlow on the CPU: ``cifar-deep`` of the
reference systems on CIFAR-10, and what Fovea recommends for pictures of one's own (a head on what the installed network
of photographs sees) on cats and dogs. Every one is Fovea's own command in a process of its own, told to take the device
that its library finds. A back end that is not installed, and one that finds no GPU, are told as such: without a GPU
this shows that everything runs and agrees, on the CPU.

Images a second are the median of the epochs, the first left out where there are more. What must hold: the device is the
one that was asked for, and the accuracy lies within the intervals of the CPU's. The record goes into docs/evidence.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.common import ROOT, machine

BACKENDS = ("torch", "jax")
PEER = "tensorflow"
FOLDER = ROOT / "docs" / "evidence" / "gpu"
TRAININGS: dict[str, tuple[str, ...]] = {
    "cifar-deep": ("--preset", "cifar-deep", "--set", "fit.mixed=none"),
    "head on photographs": ("--data", "cats-dogs", "--from", "efficientnet-lite0", "--how", "features"),
}
"""The trainings: options of ``fovea train`` beside name and length."""

_LIMIT_S = 3600.0
Row = dict[str, Any]


def main(argv: list[str]) -> int:
    """Train, print the table, keep the record; the exit status is 0 where everything that must hold does."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.gpu", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--backends", nargs="+", choices=BACKENDS, default=list(BACKENDS), metavar="NAME")
    parser.add_argument("--only", nargs="+", choices=sorted(TRAININGS), default=list(TRAININGS), metavar="TRAINING")
    parser.add_argument("--epochs", type=int, default=3, metavar="N", help="of cifar-deep (default: 3)")
    parser.add_argument(
        "--pictures", type=int, default=0, metavar="N", help="only so many, measured on validation (default: all)"
    )
    parser.add_argument("--name", metavar="NAME", help="of the record in docs/evidence/gpu (default: the device's)")
    parser.add_argument("--dry", action="store_true", help="keep no record")
    options = parser.parse_args(argv)
    rows = []
    for training in options.only:
        for backend in (PEER, *options.backends):
            rows.append(_trained(training, backend, options.epochs, options.pictures))
            print(_line(rows[-1]), flush=True)
    faults = compare(rows)
    for text in faults:
        print(f"DOES NOT HOLD  {text}")
    if not options.dry:
        print(f"kept in {keep(rows, faults, argv, options.name).relative_to(ROOT).as_posix()}")
    return 1 if faults else 0


def _trained(training: str, backend: str, epochs: int, pictures: int) -> Row:
    """One training; the row says ``missing`` or ``failed`` where there is no result."""
    row: Row = {"training": training, "backend": backend}
    if importlib.util.find_spec(backend) is None:
        return {**row, "state": "missing", "detail": f"{backend} is not installed"}
    command = ["train", *TRAININGS[training], "--name", f"measured {backend}", "--json"]
    # With so few the test split, which stays as large as it is, would take longer than all else.
    settings = [f"data.limit={pictures}", "data.use_test=false"] * bool(pictures)
    if training == "cifar-deep":
        command += ["--epochs", str(epochs)]
    if settings:
        command += ["--set", *settings]
    with tempfile.TemporaryDirectory(prefix="fovea-gpu-", ignore_cleanup_errors=True) as home:
        environment = {**os.environ, "FOVEA_HOME": home, "FOVEA_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
        environment["PYTHONPATH"] = str(ROOT)
        if backend == PEER:
            environment["CUDA_VISIBLE_DEVICES"] = "-1"  # the CPU, that the others are compared with
        began = time.monotonic()
        try:
            done = subprocess.run(
                [sys.executable, "-m", "desktop", *command],
                cwd=ROOT, env=environment, capture_output=True, text=True, timeout=_LIMIT_S, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return {**row, "state": "failed", "detail": f"it took more than {_LIMIT_S:.0f} s"}
        seconds = time.monotonic() - began
    events = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode:
        said = events[-1].get("message", "") if events else ""
        return {**row, "state": "failed", "detail": said or done.stderr.strip()[-300:]}
    return {**row, "state": "ok", "seconds": round(seconds, 1), **figures_of(events)}


def figures_of(events: Sequence[dict[str, Any]]) -> Row:
    """Device, images a second, loss and test accuracy (with its interval) of a training's JSON lines."""
    started = next(event for event in events if event.get("event") == "started")
    epochs = [event for event in events if event.get("event") == "epoch-done"]
    model = next(event for event in events if event.get("event") == "model")
    accuracy = next(metric for metric in model["metrics"] if metric["name"] == "accuracy")
    rates = [epoch["images_per_s"] for epoch in (epochs[1:] or epochs) if epoch.get("images_per_s")]
    return {
        "device": started["device"],
        "images_per_s": round(statistics.median(rates), 1) if rates else None,
        "loss": epochs[-1]["loss"] if epochs else None,
        "accuracy": accuracy["value"],
        "low": accuracy["low"],
        "high": accuracy["high"],
        "n": accuracy["n"],
    }


def compare(rows: Sequence[Row]) -> list[str]:
    """What does not hold, in words: a training that failed, or an accuracy whose interval does not meet the CPU's."""
    faults = []
    for row in rows:
        name = f"{row['training']}, {row['backend']}"
        if row["state"] == "failed":
            faults.append(f"{name}: {row['detail']}")
        peer = next((r for r in rows if r["training"] == row["training"] and r["backend"] == PEER), None)
        if row["state"] != "ok" or peer is None or peer["state"] != "ok":
            continue
        if row["high"] < peer["low"] or row["low"] > peer["high"]:
            faults.append(f"{name}: accuracy {row['accuracy']:.2%}, on the CPU {peer['accuracy']:.2%}")
    return faults


def _line(row: Row) -> str:
    head = f"{row['training']:20} {row['backend']:11}"
    if row["state"] != "ok":
        return f"{head} {row['state']}: {row['detail']}"
    rate = f"{row['images_per_s']:,.0f} images/s" if row["images_per_s"] else "solved, no epochs"
    within = f"({row['low']:.2%} to {row['high']:.2%}, n = {row['n']:,})"
    return f"{head} {row['device']}: {rate}, accuracy {row['accuracy']:.2%} {within}, {row['seconds']:.0f} s"


def keep(rows: Sequence[Row], faults: Sequence[str], argv: Sequence[str], name: str | None) -> Path:
    """Write the record: what ran, on what, with which libraries, and what it gave."""
    from installers import evidence

    devices = sorted({row["device"] for row in rows if row["state"] == "ok" and row["backend"] != PEER})
    title = name or ("gpu" if any(device.startswith("GPU") for device in devices) else "cpu")
    record = {
        **evidence.head("gpu"),
        "command": " ".join(["python -m benchmarks.gpu", *argv]),
        "computer": machine(),
        "versions": _versions(),
        "rows": list(rows),
        "faults": list(faults),
        "holds": not faults,
    }
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / f"{title}.json"
    path.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8", newline="\n")
    return path


def _versions() -> dict[str, str]:
    from importlib import metadata

    found = {}
    for package in ("keras", PEER, *BACKENDS):
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
