"""What retraining from a folder brings, all defaults: ``python -m benchmarks.retrain``.

Over the sets of ``retrain/`` in the shared data (each with ``train/`` and ``test/``), for 10, 30 and all pictures of a
class and several draws, ``fovea train --data FOLDER`` is run as a user runs it, in a process and a home of its own,
from its start to the model in the store. Its test accuracy stands beside two on the same frozen network and pictures:

- (a) logistic regression on the pooled features (scikit-learn's defaults);
- (b) the usual recipe in Keras: frozen base, pooled features, a dense layer of 128, Adam, 20 epochs. Its accuracy is
  measured on features computed once, which changes nothing; its time is that of a process that imports, decodes, and
  runs base and head for 20 epochs, measured for the first draw of each set and size.

Pictures are linked, never copied into the project. Nothing of a test split chooses anything.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import ROOT, machine

SIZES = (10, 30, 0)
EPOCHS, HIDDEN, BATCH = 20, 128, 32
BASE = "efficientnet-lite0"


def main(argv: list[str]) -> int:
    """Train, measure, print the table and the bars; 0 where all hold."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.retrain", description=__doc__.splitlines()[0])
    parser.add_argument("--sets", nargs="+", metavar="SET", help="these sets (default: all)")
    parser.add_argument("--sizes", nargs="+", type=int, default=list(SIZES), help="pictures of a class; 0: all")
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("--without-times", action="store_true", help="do not run (b) for its time, which takes longest")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write every figure there")
    options = parser.parse_args(argv)
    from desktop import paths

    shared = paths.shared_data()
    if shared is None or not (shared / "retrain.tar.gz").is_file() and not (shared / "retrain").is_dir():
        print("the public image sets are not here; FOVEA_DATA names their folder", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory(prefix="fovea-retrain-", ignore_cleanup_errors=True) as scratch:
        root = _unpacked(shared, Path(scratch))
        names = options.sets or sorted(path.name for path in root.iterdir() if path.is_dir())
        rows = []
        for name in names:
            known = Features(root / name)
            for size in options.sizes:
                # Without a limit every draw is the same pictures.
                for draw in range(options.draws if size else 1):
                    timed = draw == 0 and not options.without_times
                    rows.append(_row(root / name, known, size, draw, timed, Path(scratch)))
                    print(_line(rows[-1]), flush=True)
    bars = _bars(rows)
    for text, holds in bars:
        print(f"{'holds' if holds else 'MISSES'}  {text}")
    if options.json:
        document = {"machine": machine(), "rows": rows, "bars": [{"what": t, "holds": h} for t, h in bars]}
        options.json.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return 0 if all(holds for _, holds in bars) else 1


def _unpacked(shared: Path, scratch: Path) -> Path:
    if (shared / "retrain").is_dir():
        return shared / "retrain"
    with tarfile.open(shared / "retrain.tar.gz") as archive:
        archive.extractall(scratch, filter="data")
    return scratch / "retrain"


class Features:
    """The pooled features of all pictures of one set by the frozen network, float32 (n, 1280), with their classes."""

    def __init__(self, folder: Path) -> None:
        from desktop.core.types import ImageSource
        from desktop.ml.convert.embeddings import Embedder

        self.classes = sorted(path.name for path in (folder / "train").iterdir() if path.is_dir())
        self.files, self.rows, self.labels = {}, {}, {}
        with Embedder.of(BASE) as embedder:
            for part in ("train", "test"):
                found = [
                    (path, number)
                    for number, name in enumerate(self.classes)
                    for path in sorted((folder / part / name).iterdir())
                ]
                self.files[part] = [path for path, _ in found]
                self.labels[part] = np.array([number for _, number in found])
                self.rows[part] = embedder.sources([ImageSource(path.name, path=str(path)) for path, _ in found]).rows

    def drawn(self, size: int, draw: int) -> np.ndarray:
        """Positions in ``train`` of ``size`` pictures of each class (0: all), by ``draw``."""
        random, labels = np.random.default_rng([17, draw]), self.labels["train"]
        picked = [random.permutation(np.flatnonzero(labels == n))[: size or None] for n in range(len(self.classes))]
        return np.sort(np.concatenate(picked))


def _row(folder: Path, known: Features, size: int, draw: int, timed: bool, scratch: Path) -> dict[str, Any]:
    picked = known.drawn(size, draw)
    work = Path(tempfile.mkdtemp(prefix=f"{folder.name}-", dir=scratch))
    for part, positions in (("train", picked), ("test", np.arange(len(known.files["test"])))):
        for position in positions:
            path = known.files[part][position]
            target = work / "data" / part / known.classes[known.labels[part][position]] / path.name
            target.parent.mkdir(parents=True, exist_ok=True)
            os.symlink(path, target)
    ours, seconds = _fovea(work)
    row = {
        "set": folder.name, "size": size, "draw": draw, "pictures": len(picked), "fovea": ours, "seconds": seconds,
        "regression": _regression(known, picked), "recipe": _recipe(known, picked, draw),
    }  # fmt: skip
    if timed:
        row["recipe_seconds"] = _timed_recipe(work)
    return row


def _fovea(work: Path) -> tuple[float, float]:
    """Test accuracy and wall seconds of ``fovea train`` with all defaults."""
    environment = {**os.environ, "FOVEA_HOME": str(work / "home"), "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"}
    began = time.monotonic()
    process = subprocess.run(
        [sys.executable, "-m", "desktop", "train", "--data", str(work / "data"), "--name", "retrained", "--json"],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    seconds = time.monotonic() - began
    lines = [json.loads(line) for line in process.stdout.splitlines() if line.startswith("{")]
    model = next((line for line in lines if line.get("event") == "model"), None)
    if process.returncode or model is None:
        raise SystemExit(
            f"fovea train ended with {process.returncode}: {process.stdout[-500:]} {process.stderr[-500:]}"
        )
    figures = {metric["name"]: metric["value"] for metric in model["metrics"] if metric["split"] == "test"}
    return float(figures["accuracy"]), seconds


def _regression(known: Features, picked: np.ndarray) -> float:
    from sklearn.linear_model import LogisticRegression

    found = LogisticRegression(max_iter=2000).fit(known.rows["train"][picked], known.labels["train"][picked])
    return float((found.predict(known.rows["test"]) == known.labels["test"]).mean())


def _recipe(known: Features, picked: np.ndarray, draw: int) -> float:
    import keras

    keras.utils.set_random_seed(draw + 1)
    model = _head(known.rows["train"].shape[1], len(known.classes))
    model.fit(known.rows["train"][picked], known.labels["train"][picked], epochs=EPOCHS, batch_size=BATCH, verbose=0)
    scores = model.predict(known.rows["test"], batch_size=256, verbose=0)
    return float((scores.argmax(axis=1) == known.labels["test"]).mean())


def _head(size: int, classes: int) -> Any:
    import keras

    model = keras.Sequential(
        [
            keras.Input((size,)),
            keras.layers.Dense(HIDDEN, activation="relu"),
            keras.layers.Dense(classes, activation="softmax"),
        ]
    )
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def _timed_recipe(work: Path) -> float:
    """Wall seconds of the recipe in a process of its own, base and all."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3", "KERAS_BACKEND": "tensorflow"}
    began = time.monotonic()
    command = [sys.executable, "-m", "benchmarks.retrain_recipe", str(work / "data" / "train")]
    subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True)
    return time.monotonic() - began


def _line(row: dict[str, Any]) -> str:
    figures = "  ".join(f"{key} {row[key]:6.1%}" for key in ("fovea", "regression", "recipe"))
    times = f"{row['seconds']:5.0f} s" + (f" beside {row['recipe_seconds']:.0f} s" if "recipe_seconds" in row else "")
    return f"{row['set']:10} {row['size'] or 'all':>4} ({row['pictures']:4})  {figures}  {times}"


def _bars(rows: list[dict[str, Any]]) -> list[tuple[str, bool]]:
    """What must hold, in words with the figures found."""
    cells: dict[tuple[str, int], list[dict[str, Any]]] = {}
    for row in rows:
        cells.setdefault((row["set"], row["size"]), []).append(row)

    def mean(cell: list[dict[str, Any]], key: str) -> float:
        return float(statistics.mean(row[key] for row in cell))

    def better(cell: list[dict[str, Any]]) -> float:
        return max(mean(cell, "regression"), mean(cell, "recipe"))

    gains = {key: mean(cell, "fovea") - better(cell) for key, cell in cells.items()}
    by_set: dict[str, list[float]] = {}
    for (name, _), gain in gains.items():
        by_set.setdefault(name, []).append(gain)
    worst = min(by_set, key=lambda name: statistics.mean(by_set[name]))
    total, lowest = statistics.mean(gains.values()), statistics.mean(by_set[worst])
    bars = [
        (f"mean accuracy above the better of the two: {100 * total:+.2f} points (at least 2)", total >= 0.02),
        (f"on the worst set, {worst}: {100 * lowest:+.2f} points (at least -1)", lowest >= -0.01),
    ]
    timed = [row["seconds"] / row["recipe_seconds"] for row in rows if "recipe_seconds" in row]
    if timed:
        ratio = statistics.median(timed)
        bars.append((f"time beside the recipe's: {ratio:.2f} (median of {len(timed)}; at most 1.0)", ratio <= 1.0))
    around = [row["seconds"] for row in rows if 240 <= row["pictures"] <= 360]
    if around:
        slow = statistics.median(around)
        bars.append((f"seconds for about 300 pictures: {slow:.0f} (median of {len(around)}; at most 60)", slow <= 60))
    return bars


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
