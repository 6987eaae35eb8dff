"""``python -m benchmarks.scanning``: how fast a large data set is looked through, and what its size costs in memory.

Three levels are timed on the same folder, warm: listing (names, classes, oddities of the folders), fingerprint (listing
and the SHA-256 of every file), inspection (every picture opened and compared). The trainer's memory is measured in
processes of their own on a quarter of the files and on all of them: what grows is said apart from the map of the cache.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.common import ROOT, Figure, Report, at_least, at_most, environment, finish, options

FILES, QUICK = 50_000, 2_000
_CLASSES = 10
_BAR = 3_000.0  # files a second
_GROWTH = 1_500.0  # bytes of the trainer's own memory for every further file: its name, label and checksum


def main(argv: list[str]) -> int:
    """Run it; the exit status is 0 when every bar holds."""
    values = options(argv, "scanning", str(__doc__), rounds=3)
    count = QUICK if values.quick else FILES
    report = Report("scanning", "no model", values.quick)
    with tempfile.TemporaryDirectory(prefix="fovea-bench-", ignore_cleanup_errors=True) as scratch:
        root = Path(scratch) / "pictures"
        _pictures(root, count)
        _rates(report, root, count, values.rounds)
        few, many = (_memory(Path(scratch), root, share) for share in (0.25, 1.0))
    for label, found in (("a quarter of the files", few), ("all files", many)):
        report.figures.append(Figure(f"trainer, {label}: own memory", "MiB", found["own"] / 2**20))
        report.figures.append(Figure(f"trainer, {label}: cache on disk", "MiB", found["cache"] / 2**20))
    growth = (many["own"] - few["own"]) / (many["files"] - few["files"])
    report.bars.append(at_most("own memory for every further file (bytes)", growth, _GROWTH))
    return finish(report, values.json)


def _pictures(root: Path, count: int) -> None:
    """``count`` different JPEG files of 32×32 in ten class folders."""
    random = np.random.default_rng(11)
    for number in range(count):
        folder = root / f"class{number % _CLASSES}"
        if number < _CLASSES:
            folder.mkdir(parents=True)
        coarse = Image.fromarray(random.integers(0, 256, (8, 8, 3), np.uint8))
        coarse.resize((32, 32), Image.Resampling.BILINEAR).save(folder / f"{number:06}.jpg", quality=75)


def _rates(report: Report, root: Path, count: int, rounds: int) -> None:
    from desktop.core.data.dataset import ALL
    from desktop.core.data.inspection import inspect
    from desktop.core.data.open_data import open_dataset

    def listing() -> None:
        open_dataset(root, ALL)

    def fingerprint() -> None:
        open_dataset(root, ALL).fingerprint()

    def inspection() -> None:
        inspect(root)

    levels = (("listing", listing), ("listing and fingerprint", fingerprint), ("full inspection", inspection))
    for name, work in levels:
        rates = []
        for number in range(rounds + 1):
            began = time.perf_counter()
            work()
            if number:  # the first one warms the system's cache
                rates.append(count / (time.perf_counter() - began))
            if name == "full inspection" and number:
                break  # it takes as long as the others together
        figure = Figure(name, "files/s", statistics.median(rates), n=len(rates))
        report.figures.append(figure)
        report.bars.append(at_least(f"{name} (files/s)", figure.fovea, _BAR))


def _memory(scratch: Path, root: Path, share: float) -> dict[str, Any]:
    if share < 1:
        part = scratch / f"part{share}"
        step = round(1 / share)
        for number, path in enumerate(sorted(root.glob("*/*.jpg"), key=lambda path: path.name)):
            if number // _CLASSES % step == 0:
                target = part / path.relative_to(root)
                target.parent.mkdir(parents=True, exist_ok=True)
                os.link(path, target)
        root = part
    arguments = [sys.executable, "-m", "benchmarks.scanning", "--trainer", str(root)]
    home = environment(scratch / f"home{share}")
    process = subprocess.run(arguments, cwd=ROOT, env=home, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(process.stdout.splitlines()[-1])
    return found


def _trainer(root: str) -> int:
    """In a process of its own: prepare the pictures, read one epoch of batches, say what memory that took.

    Own memory is what is no map of a file (``RssAnon`` where the system tells, else all that is resident less the map).
    """
    import psutil

    from desktop.ml.data.assemble import gather
    from desktop.ml.data.batches import Batches
    from desktop.ml.plans.plan import DataPlan
    from desktop.ml.plans.presets import DEFAULT, find

    classes = tuple(f"class{i}" for i in range(_CLASSES))
    plan = find(DEFAULT).build(classes, (32, 32, 3), DataPlan("user", 0.1, "auto", classes, root))
    with tempfile.TemporaryDirectory() as run:
        gathered = gather(plan, Path(run))
        batches = Batches(gathered.train, plan, 0)
        for index in range(len(batches)):
            batches[index]
        files = len(gathered.train) + len(gathered.validation)
        size = files * 32 * 32 * 3
        own = _anonymous()
        if own is None:
            own = psutil.Process().memory_info().rss - size
    print(json.dumps({"files": files, "own": own, "cache": size}))
    return 0


def _anonymous() -> int | None:
    try:
        for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
            if line.startswith("RssAnon:"):
                return int(line.split()[1]) * 1024
    except OSError:
        return None
    return None


if __name__ == "__main__":
    if sys.argv[1:2] == ["--trainer"]:
        sys.exit(_trainer(sys.argv[2]))
    sys.exit(main(sys.argv[1:]))
