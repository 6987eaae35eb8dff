"""Teach measured: ``python -m benchmarks.teach``.

- *label*: a project of 4,000 pictures of which 2,000 in 20 classes are labelled; one more label, until the learning
  process has told its new suggestions and accuracy. Bars: median at most 1 s, 95 of 100 within 2 s.
- *open*: a project of 100,000 pictures with their features, in a fresh process, as the window opens it. Bars: at most
  2 s and 600 MiB. Beside it: until the learning process has suggestions for all of them, and its memory.
- *look*: pictures a second through the learning process (decoding, facts, features, all on disk) beside LiteRT alone on
  prepared pictures, in turns. Bar: at least 0.9 times.
- *key*: in the real window, from a key that labels until the next picture is painted, in the gallery and large. Bar:
  50 ms for each.
- *labeller*: on each set of the shared ``retrain/`` a labeller who knows the truth labels pictures of ``train`` in the
  order 'most uncertain' and at random; ``test`` tells the accuracy. Bars: with 'most uncertain' at most 0.6 × the
  labels until 95 % of the accuracy that all labels give (mean over sets and draws), and the program's own accuracy has
  the true one within its interval in at least 90 of 100 runs.

All but the last need no data; they make their own. Beside times stands the processor time of the learning process:
what the machine does besides hardly changes that. ``--features FOLDER`` keeps what the network makes of ``retrain/``.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import ROOT, Bar, machine, photo_folder, processor_seconds
from benchmarks.teach_window import key
from desktop.engine.teaching import TeachClient
from desktop.engine.teaching_events import Learned, LookAgain, LookedAt, TeachEvent, TeachingEnded
from desktop.ml.teaching.learner import Learner, Lesson
from desktop.ml.teaching.pool import Kin, Pool
from desktop.store.catalogue import EVERYDAY
from desktop.store.project import Project
from desktop.store.project_facts import PictureState
from desktop.store.project_rows import FeatureRows
from desktop.store.projects import ProjectStore

WIDTHS = (1280, 744)
_REACHED = 0.95
_MARKS = (60, 90, 120)


def main(argv: list[str]) -> int:
    """Measure what is asked for, print it and the bars; 0 where all hold."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.teach", description="Teach measured.")
    parser.add_argument("parts", nargs="*", choices=("label", "open", "look", "key", "labeller", []), default=[])
    parser.add_argument("--labels", type=int, default=60, help="labels that are timed")
    parser.add_argument("--pictures", type=int, default=100_000, help="pictures of the project that is opened")
    parser.add_argument("--photos", type=int, default=240, help="pictures that are looked at")
    parser.add_argument("--turns", type=int, default=3, help="how often looking and LiteRT are measured in turn")
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--every", type=int, default=2, help="the labeller asks for a new order after so many labels")
    parser.add_argument("--sets", nargs="+", metavar="SET")
    parser.add_argument("--features", type=Path, metavar="FOLDER")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--opened", metavar="FOLDER", help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if options.opened:
        return _opened(Path(options.opened))
    parts = options.parts or ["label", "open", "look", "key", "labeller"]
    found: dict[str, Any] = {}
    bars: list[tuple[str, bool]] = []
    with tempfile.TemporaryDirectory(prefix="fovea-teach-", ignore_cleanup_errors=True) as scratch:
        work: dict[str, Callable[[Any, Path], tuple[dict[str, Any], list[tuple[str, bool]]]]] = {
            "label": label, "open": open_large, "look": look, "key": key, "labeller": labeller,
        }  # fmt: skip
        for part in parts:
            place = Path(scratch) / part
            place.mkdir()
            found[part], more = work[part](options, place)
            bars += more
            print(json.dumps({part: found[part]}), flush=True)
    for text, holds in bars:
        print(f"{'holds' if holds else 'MISSES'}  {text}")
    if options.json:
        verdicts = [asdict(Bar(text, None, None, holds)) for text, holds in bars]
        document = {"machine": machine(), **found, "figures": [], "bars": verdicts}
        options.json.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return 0 if all(holds for _, holds in bars) else 1


# Projects whose pictures were looked at, made up: the features of classes that overlap


def made_up(root: Path, count: int, classes: int, labelled: int, seed: int = 3) -> Project:
    """A project of ``count`` pictures, looked at, ``labelled`` of them in ``classes`` classes."""
    from desktop.ml.data.embeddings import Embedder
    from desktop.store.store import ModelStore

    with Embedder(ModelStore().require(EVERYDAY), None, 1, stages=True) as embedder:
        identity, size = embedder.identity, embedder.size
    rng = np.random.default_rng(seed)
    project = ProjectStore(root).create("measured")
    rows = FeatureRows(project.database, identity, size)
    middles = rng.normal(0, 0.35, (classes, size)).astype(np.float32)
    truth = rng.integers(0, classes, count)
    ids = project.add((f"/pictures/{n // 1000:04d}/picture-{n:06d}.jpg", n + 1, n) for n in range(count))
    digests = [hashlib.sha256(str(n).encode()).digest() for n in range(count)]
    for start in range(0, count, 2_000):
        part = range(start, min(count, start + 2_000))
        made = middles[truth[start : part.stop]] + rng.normal(0, 0.8, (len(part), size)).astype(np.float32)
        rows.add({(digests[n], 0): row for n, row in zip(part, made, strict=True)})
    with project.database.changing("looked") as connection:
        connection.executemany(
            "UPDATE pictures SET state = ?, sha256 = ?, width = 640, height = 480, sharpness = 1, thumbnail = ? "
            "WHERE id = ?",
            ((PictureState.READY, digests[n], rng.bytes(256), ids[n]) for n in range(count)),
        )
    names = [project.class_named(f"class {n}").id for n in range(classes)]
    project.label_each({ids[n]: names[truth[n]] for n in range(labelled)})
    project.set_fact("truth", truth.astype(np.int16).tobytes())
    return project


def _wait(client: TeachClient, done: Callable[[TeachEvent], bool], seconds: float = 600) -> TeachEvent:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for event in client.events(0.5):
            if done(event):
                return event
            if isinstance(event, TeachingEnded):
                raise RuntimeError(event.message)
    raise TimeoutError


def label(options: Any, place: Path) -> tuple[dict[str, Any], list[tuple[str, bool]]]:
    """From a label to new suggestions."""
    project = made_up(place, 4_000, 20, 2_000)
    truth = np.frombuffer(project.fact("truth"), np.int16)
    classes = [c.id for c in project.classes()]
    seconds, written, works = [], [], []
    with TeachClient(project.folder) as client:
        _wait(client, lambda event: isinstance(event, Learned))
        for number in range(options.labels):
            worked, begin = processor_seconds(client.pid or 0), time.perf_counter()
            picture = 2_001 + number
            project.label([picture], classes[int(truth[picture - 1])])
            written.append(time.perf_counter() - begin)
            revision = project.revision
            client.send(LookAgain())
            _wait(client, lambda event, r=revision: isinstance(event, Learned) and event.revision >= r)  # type: ignore[misc]
            seconds.append(time.perf_counter() - begin)
            works.append(processor_seconds(client.pid or 0) - worked)
    project.close()
    median, late = statistics.median(seconds), float(np.quantile(seconds, 0.95))
    found = {
        "labels": len(seconds), "median_s": median, "p95_s": late, "written_ms": 1000 * statistics.median(written),
        "processor_s": [statistics.median(works), float(np.quantile(works, 0.95))],
    }  # fmt: skip
    return found, [
        (f"a label to new suggestions, median {median:.2f} s of at most 1 s", median <= 1),
        (f"95 of 100 within {late:.2f} s of at most 2 s", late <= 2),
    ]


def open_large(options: Any, place: Path) -> tuple[dict[str, Any], list[tuple[str, bool]]]:
    """Opening a large project."""
    project = made_up(place, options.pictures, 20, 2_000)
    folder = project.folder
    project.close()
    runs = []
    for _ in range(3):
        command = [sys.executable, "-m", "benchmarks.teach", "--opened", str(folder)]
        said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        runs.append(json.loads(said.stdout.splitlines()[-1]))
    begin = time.perf_counter()
    with TeachClient(folder) as client:
        _wait(client, lambda event: isinstance(event, Learned) and len(event.ids) == options.pictures)
        learned, memory = time.perf_counter() - begin, _memory_of(client.pid or 0)
        work = processor_seconds(client.pid or 0)
    seconds, mebibytes = statistics.median(run["seconds"] for run in runs), max(run["mebibytes"] for run in runs)
    found = {
        "seconds": seconds, "mebibytes": mebibytes, "suggestions_s": learned, "learning_mebibytes": memory,
        "processor_s": statistics.median(run["processor"] for run in runs), "learning_processor_s": work,
    }  # fmt: skip
    return found, [
        (f"{options.pictures:,} pictures open in {seconds:.2f} s of at most 2 s", seconds <= 2),
        (f"in {mebibytes:.0f} MiB of at most 600 MiB", mebibytes <= 600),
    ]


def _opened(folder: Path) -> int:
    begin, worked = time.perf_counter(), time.process_time()
    with Project(folder) as project:
        index = project.index()
        project.classes()
        project.pictures(index.ids[:200].tolist())
        seconds = time.perf_counter() - begin
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)
    work = time.process_time() - worked
    print(json.dumps({"seconds": seconds, "processor": work, "mebibytes": most, "pictures": len(index)}))
    return 0


def _memory_of(pid: int) -> float:
    """Private memory of a process in MiB: mapped features, which the system may drop at any time, do not count."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return float("nan")
    return sum(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) / 1024


def look(options: Any, place: Path) -> tuple[dict[str, Any], list[tuple[str, bool]]]:
    """Pictures a second, beside LiteRT alone."""
    from desktop.core.types import ImageSource
    from desktop.ml.data.embeddings import Embedder
    from desktop.store.store import ModelStore

    files = photo_folder(place / "photos", options.photos, options.photos)
    with Embedder(ModelStore().require(EVERYDAY), None, stages=True) as embedder:
        from desktop.core.pictures.decode_in_child import bring_in

        one = bring_in(ImageSource.from_path(files[0]), embedder.spec).prepared.pixels
        images = np.repeat(one[None], len(files), axis=0)
        ratios, rates, works = [], [], []
        for turn in range(options.turns):
            begin, worked = time.perf_counter(), time.process_time()
            embedder.prepared(images)
            alone = len(files) / (time.perf_counter() - begin)
            work = 1000 * (time.process_time() - worked) / len(files)
            ours, all_work = _looking(place / f"projects-{turn}", files)
            ratios.append(ours / alone)
            rates.append((ours, alone))
            works.append((all_work, work))
    ratio = statistics.median(ratios)
    found = {
        "ratio": ratio, "ours": [round(r, 1) for r, _ in rates], "litert": [round(r, 1) for _, r in rates],
        "processor_ms_a_picture": [[round(part, 1) for part in pair] for pair in works],
    }  # fmt: skip
    return found, [(f"looking at pictures, {ratio:.2f} × LiteRT alone, at least 0.9", ratio >= 0.9)]


def _looking(root: Path, files: Sequence[str]) -> tuple[float, float]:
    """Pictures a second, and milliseconds of processor time for each."""
    from desktop.app.teaching import add_pictures

    with tempfile.TemporaryDirectory(prefix="fovea-cache-") as home:
        import os

        before = os.environ.get("FOVEA_HOME")
        prepared = os.environ.get("FOVEA_PREPARED_MODELS")
        os.environ["FOVEA_HOME"] = home  # an empty cache
        try:
            with ProjectStore(root).create("looking") as project:
                add_pictures(project, files[:16])
                with TeachClient(project.folder) as client:
                    _wait(client, lambda event: isinstance(event, LookedAt) and event.done >= 16)
                    worked, begin = processor_seconds(client.pid or 0), time.perf_counter()
                    add_pictures(project, files[16:])
                    client.send(LookAgain())
                    _wait(client, lambda event: isinstance(event, LookedAt) and event.done >= len(files))
                    spent, count = time.perf_counter() - begin, len(files) - 16
                    return count / spent, 1000 * (processor_seconds(client.pid or 0) - worked) / count
        finally:
            for name, value in (("FOVEA_HOME", before), ("FOVEA_PREPARED_MODELS", prepared)):
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value


# A labeller who knows the truth


class Held:
    """Features in memory, as a project has them on disk."""

    def __init__(self, rows: np.ndarray) -> None:
        self._rows = rows

    def take(self, places: Sequence[int] | np.ndarray) -> np.ndarray:
        """The rows at ``places``."""
        return self._rows[np.asarray(places, np.int64)].astype(np.float32)


class Simulated:
    """One set: pictures to label, pictures that tell the truth."""

    def __init__(self, train: np.ndarray, truth: np.ndarray, test: np.ndarray, answers: np.ndarray) -> None:
        self.train, self.truth, self.test, self.answers = train, truth, test, answers
        self.classes = int(truth.max()) + 1

    def pool(self, draw: int) -> Pool:
        """All pictures without a label; ``draw`` decides which are drawn first."""
        count = len(self.train)
        numbers = np.arange(count, dtype=np.int64)
        random = np.random.default_rng([29, draw]).random(count)
        nobody = np.full(count, -1, np.int64)
        return Pool(numbers + 1, numbers, np.zeros(count, np.int64), numbers, nobody, np.zeros(count), random)

    def accuracy(self, lesson: Lesson, learner: Learner) -> float:
        """How many of the test pictures the head has right."""
        assert lesson.head is not None and learner.scaling is not None
        scores = lesson.head.scores(learner.scaling.scaled(self.test))
        return float((lesson.classes[scores.argmax(axis=1)] == self.answers + 1).mean())

    def run(self, order: str, draw: int, every: int, most: int, target: float) -> dict[str, Any]:
        """Label until ``target`` is reached and the last mark is passed."""
        from dataclasses import replace

        from desktop.ml.teaching import orders

        learner, pool = Learner(Held(self.train), WIDTHS), self.pool(draw)  # type: ignore[arg-type]
        curve: list[tuple[int, float]] = []
        claims: list[tuple[int, int, float, float, float, float]] = []
        while True:
            lesson = learner.lesson(pool, Kin.none())
            labelled = int((pool.labels > 0).sum())
            if lesson.head is not None:
                curve.append((labelled, self.accuracy(lesson, learner)))
                claim = lesson.accuracy
                if (
                    any(labelled - every < mark <= labelled for mark in _MARKS)
                    and claim.low is not None
                    and claim.n >= 20
                ):
                    assert claim.high is not None
                    claims.append((labelled, claim.n, round(float(claim.value or 0), 3), round(claim.low, 3),
                                   round(claim.high, 3), round(curve[-1][1], 3)))  # fmt: skip
            reached = _first(curve, target)
            if labelled >= most or (reached is not None and labelled >= _MARKS[-1]):
                return {"reached": reached if reached is not None else most, "curve": curve, "claims": claims}
            chosen = orders.uncertain if order == "uncertain" else None
            places = chosen(lesson, learner, every)[0] if chosen else orders.by_draw(pool, every)[0]
            labels = pool.labels.copy()
            labels[places] = self.truth[places] + 1
            pool = replace(pool, labels=labels)

    def all_labels(self) -> float:
        """The accuracy with every label."""
        from dataclasses import replace

        learner, pool = Learner(Held(self.train), WIDTHS), self.pool(0)  # type: ignore[arg-type]
        lesson = learner.lesson(replace(pool, labels=self.truth + 1), Kin.none())
        return self.accuracy(lesson, learner)


def _first(curve: list[tuple[int, float]], target: float) -> int | None:
    """The number of labels from which the accuracy reaches ``target`` twice in a row."""
    for (labels, one), (_, two) in itertools.pairwise(curve):
        if one >= target and two >= target:
            return labels
    return None


def labeller(options: Any, place: Path) -> tuple[dict[str, Any], list[tuple[str, bool]]]:
    """The simulated labeller."""
    rows: list[dict[str, Any]] = []
    claims: list[bool] = []
    ratios = []
    for name, held in _sets(options, place).items():
        full = held.all_labels()
        row: dict[str, Any] = {"set": name, "pictures": len(held.train), "all": round(full, 4)}
        for order in ("random", "uncertain"):
            runs = [
                held.run(order, draw, options.every, len(held.train), _REACHED * full) for draw in range(options.draws)
            ]
            row[order] = statistics.mean(run["reached"] for run in runs)
            row[f"{order}_claims"] = [run["claims"] for run in runs]
            # One of each run, so that a hundred runs are a hundred claims.
            last = [run["claims"][-1] for run in runs if run["claims"]]
            claims += [low <= true <= high for _, _, _, low, high, true in last]
        row["ratio"] = row["uncertain"] / row["random"]
        ratios.append(row["ratio"])
        rows.append(row)
        print(json.dumps(row), flush=True)
    ratio, share = statistics.mean(ratios), sum(claims) / max(1, len(claims))
    found = {"sets": rows, "ratio": ratio, "claims": len(claims), "within": share}
    return found, [
        (f"'most uncertain' takes {ratio:.2f} × the labels of random, at most 0.6", ratio <= 0.6),
        (
            f"the true accuracy is within the program's interval in {100 * share:.0f} of 100 runs, at least 90",
            share >= 0.9,
        ),
    ]


def _sets(options: Any, place: Path) -> dict[str, Simulated]:
    kept = options.features or place
    kept.mkdir(parents=True, exist_ok=True)
    missing = not any(kept.glob("*.npz"))
    if missing:
        _compute(kept, place)
    out = {}
    for file in sorted(kept.glob("*.npz")):
        if options.sets and file.stem not in options.sets:
            continue
        with np.load(file) as held:
            out[file.stem] = Simulated(held["train"], held["truth"], held["test"], held["answers"])
    return out


def _compute(kept: Path, scratch: Path) -> None:
    """What the network makes of the sets of ``retrain/``."""
    from benchmarks.retrain import _unpacked
    from desktop import paths
    from desktop.core.types import ImageSource
    from desktop.ml.data.embeddings import Embedder
    from desktop.store.embedding_cache import EmbeddingCache
    from desktop.store.store import ModelStore

    shared = paths.shared_data()
    if shared is None:
        raise SystemExit("the public image sets are not here; FOVEA_DATA names their folder")
    root = _unpacked(shared, scratch)
    with Embedder(ModelStore().require(EVERYDAY), EmbeddingCache(), stages=True) as embedder:
        for folder in sorted(path for path in root.iterdir() if path.is_dir()):
            classes = sorted(path.name for path in (folder / "train").iterdir() if path.is_dir())
            made = {}
            for part, rows, labels in (("train", "train", "truth"), ("test", "test", "answers")):
                files = [(f, n) for n, c in enumerate(classes) for f in sorted((folder / part / c).iterdir())]
                found = embedder.sources([ImageSource.from_path(str(file)) for file, _ in files])
                made[rows], made[labels] = found.rows, np.array([number for _, number in files], np.int64)
            np.savez(kept / f"{folder.name}.npz", **made)  # type: ignore[arg-type]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
