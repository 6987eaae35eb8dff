"""How fast a labelled folder is measured: ``python -m benchmarks.evaluation``.

An evaluation of small pictures beside its own parts run alone (decode and prepare; LiteRT); memory over a very long
folder; the figures beside scikit-learn's on the same predictions. No figure of a model is printed here: train pictures
are as good as any for speed.
"""

from __future__ import annotations

import os
import shutil
import statistics
import sys
import tarfile
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import psutil
from PIL import Image

from benchmarks import common
from desktop import paths
from desktop.core.data.dataset import LabelledDataset
from desktop.core.data.label_map import LabelMap
from desktop.core.data.open_data import open_dataset
from desktop.core.figures.result import EvaluationResult, figures
from desktop.core.pictures.decode import decode
from desktop.core.pictures.preprocess import prepare
from desktop.engine.client import EngineClient
from desktop.engine.evaluation import Evaluator, evaluate
from desktop.engine.messages import Warmed, WarmRequest
from desktop.engine.model import BATCH, LoadedModel
from desktop.store.store import ModelEntry, ModelStore

THROUGHPUT_LIMIT = 0.8
MEMORY_LIMIT = 1.05
FIRST_ROW_LIMIT_S = 0.5
EXACT_LIMIT = 1e-9
OPEN_LIMIT_S = 0.5
FRAME_LIMIT_MS = 50.0
GALLERY_LIMIT_MIB = 400.0


def main(argv: list[str]) -> int:
    """Measure and report; returns 0 when every bar holds."""
    options = common.options(argv, "evaluation", "Throughput, memory and exactness of evaluations.", rounds=3)
    entry = ModelStore().require(options.model)
    report = common.Report("evaluation", options.model, options.quick)
    with tempfile.TemporaryDirectory(prefix="fovea-bench-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        # So many that the domain gate is asked of a part, as in every evaluation that takes more than seconds.
        count = 4000 if options.quick else 10_000
        source = _pictures(folder, count)
        data = open_dataset(source)
        result = _throughput(report, entry, data, options.rounds)
        _exactness(report, result)
        long = _many(folder / "many", data, 2000 if options.quick else 100_000)
        _memory(report, entry, open_dataset(long))
        _gallery(report, long, folder / "home")
    return common.finish(report, options.json)


# Pictures


def _pictures(folder: Path, count: int) -> Path:
    """``count`` pictures of 32×32 in ten class folders: CIFAR's where it is here, else drawn ones."""
    shared = paths.shared_data()
    target = folder / "pictures"
    each = count // 10
    if shared is not None and (shared / "cifar10" / "train").is_dir():
        for place in sorted((shared / "cifar10" / "train").iterdir()):
            (target / place.name).mkdir(parents=True)
            for file in sorted(place.iterdir())[:each]:
                shutil.copy(file, target / place.name / file.name)
        return target
    if shared is not None and (shared / "cifar10-jpeg.tar.gz").is_file():
        _unpack(shared / "cifar10-jpeg.tar.gz", target, each)
        return target
    random = np.random.default_rng(1)
    for number in range(count):
        path = target / f"class {number % 10}" / f"{number:05}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        coarse = Image.fromarray(random.integers(0, 256, (8, 8, 3), np.uint8))
        coarse.resize((32, 32), Image.Resampling.BICUBIC).save(path, quality=75)
    return target


def _unpack(archive: Path, target: Path, each: int) -> None:
    """The first ``each`` train pictures of every class."""
    taken: dict[str, int] = {}
    with tarfile.open(archive) as stream:
        for member in stream:
            parts = member.name.strip("./").split("/")
            if not member.isfile() or len(parts) != 4 or parts[1] != "train" or taken.get(parts[2], 0) >= each:
                continue
            content = stream.extractfile(member)
            if content is not None:
                taken[parts[2]] = taken.get(parts[2], 0) + 1
                (target / parts[2]).mkdir(parents=True, exist_ok=True)
                (target / parts[2] / Path(parts[3]).name).write_bytes(content.read())


def _many(folder: Path, data: LabelledDataset, count: int) -> Path:
    """``count`` files in the same classes: links to what is there."""
    for number in range(count):
        item = data.item(number % len(data))
        place = folder / item.class_name / f"{number:06}.jpg"
        place.parent.mkdir(parents=True, exist_ok=True)
        assert item.source.path is not None
        try:
            os.link(item.source.path, place)
        except OSError:  # no links on this drive
            shutil.copy(item.source.path, place)
    return folder


def _labels(entry: ModelEntry, data: LabelledDataset) -> LabelMap:
    """Class to label by number: what the answers mean does not matter for speed."""
    assert entry.manifest is not None
    return LabelMap(tuple(index % len(entry.manifest.labels) for index in range(len(data.classes))))


# Throughput


def _engine(entry: ModelEntry) -> EngineClient:
    """An engine that has the model loaded."""
    engine = EngineClient()
    engine.start()
    engine.submit(WarmRequest(engine.next_id(), entry.id))
    while not any(isinstance(event, Warmed) for event in engine.events(60.0)):
        pass
    return engine


def _throughput(report: common.Report, entry: ModelEntry, data: LabelledDataset, rounds: int) -> EvaluationResult:
    """Pictures a second of the whole beside each of its halves alone, in turns."""
    assert entry.manifest is not None
    spec = entry.manifest.preprocess
    engine = _engine(entry)
    model = LoadedModel(entry)
    prepared = np.stack([prepare(decode(item.source), spec).pixels for item in data.take(range(10 * BATCH)).items])
    results: list[EvaluationResult] = []
    first_rows: list[float] = []

    def whole() -> float:
        begin = time.perf_counter()
        first: list[float] = []

        def heard(run: Evaluator, rows: np.ndarray) -> None:
            if not first:
                first.append(time.perf_counter() - begin)

        results[:] = [evaluate(engine, entry, data, _labels(entry, data), rows=heard)]
        first_rows.append(first[0])
        return len(data) / (time.perf_counter() - begin)

    def bring_in(position: int) -> None:
        prepare(decode(data.source(position)), spec)

    def decoding() -> float:
        begin = time.perf_counter()
        with ThreadPoolExecutor(max(2, min(8, os.cpu_count() or 2))) as pool:
            for _ in pool.map(bring_in, range(len(data)), chunksize=BATCH):
                pass
        return len(data) / (time.perf_counter() - begin)

    def predicting() -> float:
        begin = time.perf_counter()
        for _ in range(len(data) // len(prepared)):
            model.predict(prepared)
        return len(data) // len(prepared) * len(prepared) / (time.perf_counter() - begin)

    try:
        model.predict(prepared)
        seen = common.take_turns(rounds, {"whole": whole, "decoding": decoding, "predicting": predicting})
    finally:
        engine.close()
    medians = {name: statistics.median(values) for name, values in seen.items()}
    slower = min(("decoding", "predicting"), key=lambda name: medians[name])
    peers = {"decoding": "decode and prepare alone", "predicting": "LiteRT alone"}
    for name in peers:
        unit = "images/s"
        report.compare(f"evaluating {len(data):,} files", unit, seen["whole"], seen[name], peers[name])
    ratio = medians["whole"] / medians[slower]
    report.bars.append(common.at_least(f"evaluation, times {peers[slower]}", ratio, THROUGHPUT_LIMIT))
    report.bars.append(common.at_most("first row, s", statistics.median(first_rows), FIRST_ROW_LIMIT_S))
    return results[0]


# Exactness


def _exactness(report: common.Report, result: EvaluationResult) -> None:
    """The largest difference between Fovea's figures and scikit-learn's on the same predictions."""
    from sklearn import metrics as sk

    begin = time.perf_counter()
    ours = figures(result)
    seconds = time.perf_counter() - begin
    truth, answers = result.truth, result.predicted
    labels = np.arange(len(result.model.labels))
    p, r, f, _ = sk.precision_recall_fscore_support(truth, answers, labels=labels, zero_division=np.nan)
    pairs: list[tuple[float | None, float]] = [
        (ours.accuracy.value, sk.accuracy_score(truth, answers)),
        (ours.balanced_accuracy.value, sk.balanced_accuracy_score(truth, answers)),
        (ours.means.macro_f1.value, float(np.nanmean(f))),
        (ours.brier.value, sk.brier_score_loss(truth, result.scores.astype(np.float64), labels=labels)),
    ]
    for index, c in enumerate(ours.classes):
        pairs += [(c.precision.value, p[index]), (c.recall.value, r[index]), (c.f1.value, f[index])]
    for index, auc in enumerate(ours.class_auc):
        if auc.value is not None:
            pairs.append((auc.value, sk.roc_auc_score(truth == index, result.scores[:, index])))
    known = [(a, b) for a, b in pairs if a is not None]
    assert all(np.isnan(b) for a, b in pairs if a is None)
    largest = max(abs(a - b) for a, b in known)
    report.figures.append(common.Figure(f"all figures of {len(result):,} images", "s", seconds))
    report.bars.append(common.at_most("largest difference from scikit-learn", largest, EXACT_LIMIT))


# Memory


def _memory(report: common.Report, entry: ModelEntry, data: LabelledDataset) -> None:
    """Memory of engine and caller while a long folder is measured: the last tenth beside the second."""
    engine = _engine(entry)
    sizes: list[int] = []
    try:
        assert engine.pid is not None
        processes = [psutil.Process(), psutil.Process(engine.pid)]

        def look(run: object, rows: Sequence[int] | np.ndarray) -> None:
            sizes.append(sum(process.memory_info().rss for process in processes))

        evaluate(engine, entry, data, _labels(entry, data), rows=look)
    finally:
        engine.close()
    tenth = max(1, len(sizes) // 10)
    early, late = statistics.median(sizes[tenth : 2 * tenth] or sizes), statistics.median(sizes[-tenth:])
    name, mib = f"memory over {len(data):,} files", 2**20
    report.figures.append(common.Figure(name, "MiB", late / mib, early / mib, "its own second tenth", len(data)))
    report.bars.append(common.at_most("memory at the end, times its second tenth", late / early, MEMORY_LIMIT))


# The window


def _gallery(report: common.Report, folder: Path, home: Path) -> None:
    """A made-up result over a very long folder in the window: how soon it is there, how smoothly it scrolls."""
    seen = common.ask_child("benchmarks.evaluation_window", str(folder), home=home)
    slowest, count = max(seen["frames_ms"]), seen["listed"]
    name = f"slowest frame of a gallery of {count:,}, other processes' turns included"
    report.figures.append(common.Figure(name, "ms", slowest))
    report.bars.append(common.at_most(f"a gallery of {count:,} opens, s", seen["open_ms"] / 1000, OPEN_LIMIT_S))
    report.bars.append(
        common.at_most("slowest frame while it scrolls, ms of work", max(seen["work_ms"]), FRAME_LIMIT_MS)
    )
    report.bars.append(common.at_most("memory of the window with it, MiB", seen["rss_mib"], GALLERY_LIMIT_MIB))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
