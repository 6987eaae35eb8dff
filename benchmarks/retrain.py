"""What retraining from a folder brings, all defaults: ``python -m benchmarks.retrain``.

Over the sets of ``retrain/`` in the shared data (each with ``train/`` and ``test/``), for 10, 30 and all pictures of a
class and several draws, ``fovea train --data FOLDER`` is run as a user runs it, in a process and a home of its own,
from its start to the model in the store. Its test accuracy stands beside two on the same frozen network and pictures:

- (a) logistic regression on the pooled features (scikit-learn's defaults);
- (b) the usual recipe in Keras: frozen base, pooled features, a dense layer of 128, Adam, 20 epochs. Its accuracy is
  measured on features computed once, which changes nothing; its time is that of a process that imports, decodes, and
  runs base and head for 20 epochs, measured for the first draw of each set and size.

Pictures are linked, never copied into the project. Nothing of a test split chooses anything.

All of it takes hours, so every figure is written to a ledger (``--ledger FILE``) as soon as it is there; with
``--resume`` what stands in it is not measured again, with ``--again`` Fovea's own figures alone are. The first draw of
all sets and sizes comes before the second of any: a whole table is there early.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import ROOT, Bar, machine
from desktop.system.files import write_atomically

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
    parser.add_argument(
        "--heads",
        action="store_true",
        help="Fovea's figure is that of the head which a training would choose, found here on features computed once: "
        "minutes instead of hours; no times, and no figure of a finished model",
    )
    parser.add_argument("--ledger", type=Path, metavar="FILE", help="write every figure there as soon as it is known")
    parser.add_argument("--resume", action="store_true", help="what stands in the ledger is not measured again")
    parser.add_argument("--again", action="store_true", help="with --resume: but Fovea's own figures are")
    parser.add_argument("--json", action="store_true", help="one JSON object at the end, as every benchmark gives one")
    options = parser.parse_args(argv)
    if options.resume and options.ledger is None:
        parser.error("--resume needs --ledger FILE")
    ledger = Ledger(options.ledger, options.resume, options.again)
    from desktop import paths

    shared = paths.shared_data()
    if shared is None or not (shared / "retrain.tar.gz").is_file() and not (shared / "retrain").is_dir():
        print("the public image sets are not here; FOVEA_DATA names their folder", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory(prefix="fovea-retrain-", ignore_cleanup_errors=True) as scratch:
        root = _unpacked(shared, Path(scratch))
        names = options.sets or sorted(path.name for path in root.iterdir() if path.is_dir())
        known: dict[str, Features] = {}
        rows = []
        # Without a limit every draw is the same pictures.
        for draw, name, size in itertools.product(range(options.draws), names, options.sizes):
            if draw and not size:
                continue
            row = ledger.row(name, size, draw)
            timed = draw == 0 and not options.without_times and not options.heads
            if _wanting(row, timed):
                if name not in known:
                    known[name] = Features(root / name)
                if options.heads:
                    _measure_head(row, known[name], ledger.write)
                else:
                    _measure(row, root / name, known[name], timed, Path(scratch), ledger.write)
            rows.append(row)
            print(_line(row), flush=True)
    bars = bars_of(rows)
    for text, holds in bars:
        print(f"{'holds' if holds else 'MISSES'}  {text}")
    if options.json:
        verdicts = [asdict(Bar(text, None, None, holds)) for text, holds in bars]
        print(json.dumps({"machine": machine(), "model": BASE, "figures": [], "bars": verdicts}), flush=True)
    return 0 if all(holds for _, holds in bars) else 1


Row = dict[str, Any]
_OWN = ("fovea", "seconds", "load", "head")


class Ledger:
    """The figures found so far, in a JSON file (or in memory alone, without one), a row for each set, size and draw.

    With ``resume`` those of an earlier run are taken over, with ``again`` all but Fovea's own.
    """

    def __init__(self, path: Path | None, resume: bool, again: bool) -> None:
        self._path = path
        self._rows: list[Row] = []
        if resume and path is not None and path.is_file():
            self._rows = json.loads(path.read_text(encoding="utf-8"))["rows"]
        if again:
            self._rows = [{key: value for key, value in row.items() if key not in _OWN} for row in self._rows]

    def row(self, name: str, size: int, draw: int) -> Row:
        """The row of a set, size and draw: what is known of it, to be filled in."""
        wanted = {"set": name, "size": size, "draw": draw}
        for row in self._rows:
            if all(row[key] == value for key, value in wanted.items()):
                return row
        self._rows.append(dict(wanted))
        return self._rows[-1]

    def write(self) -> None:
        """Put all rows on the disk."""
        if self._path is not None:
            bars = [{"what": text, "holds": holds} for text, holds in bars_of(self._rows)]
            document = {"machine": machine(), "rows": self._rows, "bars": bars}
            write_atomically(self._path, json.dumps(document, indent=1) + "\n")


def _wanting(row: Row, timed: bool) -> bool:
    wanted = ["fovea", "regression", "recipe", *(["recipe_seconds"] if timed else [])]
    return any(key not in row for key in wanted)


def _unpacked(shared: Path, scratch: Path) -> Path:
    if (shared / "retrain").is_dir():
        return shared / "retrain"
    with tarfile.open(shared / "retrain.tar.gz") as archive:
        archive.extractall(scratch, filter="data")
    return scratch / "retrain"


class Features:
    """The pooled features of all pictures of one set by the frozen network, float32 (n, 1280), with their classes."""

    def __init__(self, folder: Path) -> None:
        self.classes = sorted(path.name for path in (folder / "train").iterdir() if path.is_dir())
        self.files: dict[str, list[Path]] = {}
        self.labels: dict[str, np.ndarray] = {}
        self.rows: dict[str, np.ndarray] = {}
        self._knows: dict[tuple[str, bool], np.ndarray] = {}
        self.widths: tuple[int, ...] = ()
        for part in ("train", "test"):
            found = [
                (path, number)
                for number, name in enumerate(self.classes)
                for path in sorted((folder / part / name).iterdir())
            ]
            self.files[part] = [path for path, _ in found]
            self.labels[part] = np.array([number for _, number in found])
            self.rows[part] = self._pooled(part)

    def _pooled(self, part: str) -> np.ndarray:
        known = self.knows(part, False)
        return known[:, : self.widths[0]]

    def knows(self, part: str, mirrored: bool) -> np.ndarray:
        """What a training's head sees of the pictures of ``part`` (``mirrored``: of their mirror images), (n, d)."""
        if (part, mirrored) not in self._knows:
            from desktop.core.types import ImageSource
            from desktop.ml.convert.embeddings import Embedder
            from desktop.store.embedding_cache import EmbeddingCache
            from desktop.store.store import ModelStore

            with Embedder(ModelStore().require(BASE), EmbeddingCache(), stages=True, mirrored=mirrored) as embedder:
                sources = [ImageSource(path.name, path=str(path)) for path in self.files[part]]
                self._knows[part, mirrored], self.widths = embedder.sources(sources).rows, embedder.widths
        return self._knows[part, mirrored]

    def drawn(self, size: int, draw: int) -> np.ndarray:
        """Positions in ``train`` of ``size`` pictures of each class (0: all), by ``draw``."""
        random, labels = np.random.default_rng([17, draw]), self.labels["train"]
        picked = [random.permutation(np.flatnonzero(labels == n))[: size or None] for n in range(len(self.classes))]
        return np.sort(np.concatenate(picked))


def _measure(row: Row, folder: Path, known: Features, timed: bool, scratch: Path, kept: Callable[[], None]) -> None:
    """Fill in what ``row`` lacks; ``kept`` is called after each figure."""
    picked = known.drawn(row["size"], row["draw"])
    row["pictures"] = len(picked)
    with tempfile.TemporaryDirectory(prefix=f"{folder.name}-", dir=scratch, ignore_cleanup_errors=True) as name:
        work = Path(name)
        for part, positions in (("train", picked), ("test", np.arange(len(known.files["test"])))):
            for position in positions:
                path = known.files[part][position]
                target = work / "data" / part / known.classes[known.labels[part][position]] / path.name
                target.parent.mkdir(parents=True, exist_ok=True)
                os.symlink(path, target)
        if "fovea" not in row:
            load = os.getloadavg()[0]
            row["fovea"], row["seconds"] = _fovea(work)
            row["load"] = round(max(load, os.getloadavg()[0]), 2)
            kept()
        if "regression" not in row:
            row["regression"] = _regression(known, picked)
        if "recipe" not in row:
            row["recipe"] = _recipe(known, picked, row["draw"])
            kept()
        if timed and "recipe_seconds" not in row:
            row["recipe_seconds"] = _timed_recipe(work)
            kept()


def _measure_head(row: Row, known: Features, kept: Callable[[], None]) -> None:
    """Fill in what ``row`` lacks, Fovea's figure from the head alone."""
    picked = known.drawn(row["size"], row["draw"])
    row["pictures"] = len(picked)
    if "fovea" not in row:
        row["fovea"], row["head"] = _head_alone(known, picked), True
    if "regression" not in row:
        row["regression"] = _regression(known, picked)
    if "recipe" not in row:
        row["recipe"] = _recipe(known, picked, row["draw"])
    kept()


def _head_alone(known: Features, picked: np.ndarray) -> float:
    """Test accuracy of the head that a training with all defaults chooses for the pictures at ``picked``."""
    from desktop.app import recipes
    from desktop.ml.data.public_sets import Pictures
    from desktop.ml.plans import base_models
    from desktop.ml.plans.control import Steering, Undisturbed
    from desktop.ml.plans.plan import USER, DataPlan
    from desktop.ml.training import solved

    data = DataPlan(USER, 0.2, classes=tuple(known.classes), path="pictures", title="pictures")
    model = base_models.manifest_of(BASE)
    plan = recipes.make_plan("features", data, known.classes, model=model)
    labels = known.labels["train"][picked]
    pictures = Pictures(np.zeros((len(picked), 1, 1, 1), np.uint8), labels, tuple(f"picture {n}" for n in picked))
    rows, mirrored = known.knows("train", False)[picked], known.knows("train", True)[picked]
    found = solved.Features(rows, mirrored, pictures, known.widths)
    none = found.take(np.zeros(0, int))
    solving = solved.Solving(
        plan, plan.fit.epochs, found, none, plan.data.folds, lambda event: None, Steering(Undisturbed())
    )
    solving.run()
    assert solving.head is not None
    logits = known.knows("test", False) @ solving.head.kernel + solving.head.bias
    return float((logits.argmax(axis=1) == known.labels["test"]).mean())


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
    times = f"{row['seconds']:5.0f} s" if "seconds" in row else ""
    times += f" beside {row['recipe_seconds']:.0f} s" if "recipe_seconds" in row else ""
    return f"{row['set']:10} {row['size'] or 'all':>4} ({row['pictures']:4})  {figures}  {times}"


def bars_of(rows: list[Row]) -> list[tuple[str, bool]]:
    """What must hold, in words with the figures found; rows that are not finished count for nothing."""
    rows = [row for row in rows if all(key in row for key in ("fovea", "regression", "recipe"))]
    if not rows:
        return []
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
    timed = [row["seconds"] / row["recipe_seconds"] for row in rows if "recipe_seconds" in row and "seconds" in row]
    if timed:
        ratio = statistics.median(timed)
        bars.append((f"time beside the recipe's: {ratio:.2f} (median of {len(timed)}; at most 1.0)", ratio <= 1.0))
    around = [row["seconds"] for row in rows if "seconds" in row and 240 <= row["pictures"] <= 360]
    if around:
        slow = statistics.median(around)
        bars.append((f"seconds for about 300 pictures: {slow:.0f} (median of {len(around)}; at most 60)", slow <= 60))
    return bars


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
