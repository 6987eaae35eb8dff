"""``python -m benchmarks.cluster``: what a Ray cluster of two nodes on this computer answers, and what it survives.

Two nodes of one core each (two raylets) against two engine processes of one core each without Ray, in turns: pictures a
second, once both are warm. Then a large job of linked pictures: how memory grows; a node killed at half; the driver
killed at half, and its job taken up. Each picture must have one row. Pictures are those that Fovea brings along, by
links. ``--plan`` goes on with the times that were recorded: where a larger cluster stops to scale (a simulation).
"""

from __future__ import annotations

import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from benchmarks.cluster_nodes import Nodes
from benchmarks.cluster_plan import simulated
from benchmarks.common import ROOT, Figure, Report, at_least, at_most, finish
from desktop.cli.parser import Parser

MODEL = "mnist-digits"
LINKS, RATE_LINKS = 200_000, 8_000
_BAR = 0.85
_EXTRA_S = 30.0  # for a node or a driver that is killed, beside its share of the work
_FEW = 2_000
_GROWTH = 1.15  # of memory, from the job's second tenth to its last: flat, but for what allocators keep


def main(argv: list[str]) -> int:
    """Run it; the exit status is 0 when every bar holds."""
    parser = Parser(prog="python -m benchmarks.cluster", description=str(__doc__))
    parser.add_argument("--json", action="store_true", help="the report as JSON")
    parser.add_argument("--model", default=MODEL, metavar="ID")
    parser.add_argument("--links", type=int, default=LINKS, metavar="N", help="linked pictures of the large job")
    parser.add_argument("--rate-links", type=int, default=RATE_LINKS, metavar="N", help="pictures of each timed run")
    parser.add_argument("--rounds", type=int, default=3, metavar="N")
    parser.add_argument("--only", choices=("rate", "memory", "node", "driver"), action="append", help="parts to run")
    parser.add_argument("--plan", action="store_true", help="simulate larger clusters with the recorded times")
    values = parser.parse_args(argv)
    parts = values.only or ["rate", "memory", "node", "driver"]
    report = Report("cluster", values.model, values.links < LINKS)
    with tempfile.TemporaryDirectory(prefix="fovea-bench-", ignore_cleanup_errors=True) as scratch:
        bench = _Bench(Path(scratch), values, report)
        for part in parts:
            getattr(bench, part)()
        if values.plan:
            bench.plan()
    return finish(report, values.json)


class _Bench:
    def __init__(self, scratch: Path, values: Any, report: Report) -> None:
        self._scratch, self._values, self._report = scratch, values, report
        self._jobs = 0
        self._spent: list[tuple[int, float]] = []  # pictures of a block and the seconds that a worker took
        self._own: list[float] = []  # seconds of this process for a block

    # Pictures a second

    def rate(self) -> None:
        """Two nodes against two engines without Ray."""
        folder = _links(self._scratch / "rate", self._values.rate_links)
        plain, cluster = [], []
        with Nodes(1, 1, environment={"PYTHONPATH": str(ROOT)}) as nodes:
            for _ in range(self._values.rounds):
                plain.append(self._plain(folder))
                cluster.append(self._timed(nodes, folder))
        share = statistics.median(c / p for c, p in zip(cluster, plain, strict=True))
        self._report.figures += [
            Figure("two engines without Ray", "pictures/s", statistics.median(plain)),
            Figure("two nodes of a cluster", "pictures/s", statistics.median(cluster)),
        ]
        self._report.bars.append(at_least("cluster, share of two engines without Ray", share, _BAR))

    def _plain(self, folder: Path) -> float:
        """Two processes, each with an engine of one core and every second picture."""
        children = [
            subprocess.Popen(
                [sys.executable, "-m", "benchmarks.cluster_side", self._values.model, str(folder), str(side), "2"],
                stdout=subprocess.PIPE, cwd=ROOT, text=True, env={**os.environ, "FOVEA_CORES": "1"},
            )
            for side in range(2)
        ]  # fmt: skip
        return sum(float(json.loads(child.communicate()[0])["rate"]) for child in children)

    def _timed(self, nodes: Nodes, folder: Path) -> float:
        """The pictures a second between the first tenth of a job and its last, in which workers run dry."""
        marks: list[tuple[float, int]] = []
        self._run(nodes, folder, lambda job: marks.append((time.perf_counter(), job.done)))
        total = marks[-1][1]
        first = next(mark for mark in marks if mark[1] >= total * 0.1)
        last = next(mark for mark in marks if mark[1] >= total * 0.9)
        return (last[1] - first[1]) / (last[0] - first[0])

    # A large job

    def memory(self) -> None:
        """How memory grows over a large job."""
        folder = _links(self._scratch / "memory", self._values.links)
        with Nodes(1, 1, environment={"PYTHONPATH": str(ROOT)}) as nodes, _watched(nodes) as seen:
            job = self._run(nodes, folder, lambda _: None)
        self._complete("memory", job)
        for who in ("driver", "workers"):
            values = [sample[who] for sample in seen]
            early = statistics.median(values[len(values) // 10 : len(values) // 5 + 1])
            late = statistics.median(values[-max(1, len(values) // 10) :])
            self._report.figures.append(Figure(f"{who}, last tenth of {self._values.links:,}", "MiB", late / 2**20))
            self._report.bars.append(at_most(f"{who}: memory, last tenth over second tenth", late / early, _GROWTH))

    def node(self) -> None:
        """A node killed at half."""
        folder = _links(self._scratch / "node", self._values.links // 4)
        with Nodes(1, 1, environment={"PYTHONPATH": str(ROOT)}) as nodes:
            begin, half = time.perf_counter(), [0.0]

            def look(job: Any) -> None:
                if not half[0] and job.done >= job.plan.total / 2:
                    half[0] = time.perf_counter()
                    nodes.kill(1)

            job = self._run(nodes, folder, look)
            spent, end = half[0] - begin, time.perf_counter() - half[0]
        self._complete("node", job)
        # The other half takes one node twice as long as it took two.
        self._report.figures.append(Figure("node killed: half with two nodes", "s", spent))
        self._report.figures.append(Figure("node killed: half with the one left", "s", end))
        self._report.bars.append(at_most("node killed: seconds beside its share", end - 2 * spent, _EXTRA_S))

    def driver(self) -> None:
        """The driver killed at half, and its job taken up."""
        folder = _links(self._scratch / "driver", self._values.links // 4)
        out = self._scratch / "driver-job"
        with Nodes(1, 1, environment={"PYTHONPATH": str(ROOT)}) as nodes:
            begin = time.perf_counter()
            asked = ["--model", self._values.model, "--out", str(out), str(folder)]
            child = self._command(nodes, *asked)
            while child.poll() is None and _answered(out) < self._values.links // 8:
                time.sleep(0.1)
            child.send_signal(signal.SIGKILL)
            child.wait()
            spent, begin = time.perf_counter() - begin, time.perf_counter()
            before = _answered(out)
            self._command(nodes, "--resume", str(out)).wait()
            end = time.perf_counter() - begin
        self._complete("driver", out)
        share = spent * (self._values.links // 4 - before) / max(1, before)
        self._report.figures.append(Figure("driver killed: until then", "s", spent))
        self._report.figures.append(Figure("driver killed: the rest", "s", end))
        self._report.bars.append(at_most("driver killed: seconds beside its share", end - share, _EXTRA_S))

    def plan(self) -> None:
        """Larger clusters, with the times of the jobs above."""
        if not self._spent:
            return
        size = statistics.median(count for count, _ in self._spent)
        seconds = [spent for count, spent in self._spent if count == size]
        for row in simulated(int(size), seconds, statistics.median(self._own)):
            self._report.figures.append(Figure(f"simulated, {row.cores:,} cores", "pictures/s", row.rate))

    def _run(self, nodes: Nodes, folder: Path, look: Callable[[Any], None]) -> Path:
        """A whole job in this process; ``look`` is called with it after each block."""
        os.environ.update(nodes.environment)
        from desktop.cluster import predicting
        from desktop.cluster.connection import connected
        from desktop.cluster.job import Job
        from desktop.core.pictures.formats import SUPPORTED_SUFFIXES
        from desktop.core.pictures.walk import walk_images
        from desktop.store.store import ModelStore, check_usable

        self._jobs += 1
        begun = sum(psutil.Process().cpu_times()[:2])
        out, store = self._scratch / f"job-{self._jobs}", ModelStore()
        plan, models = predicting.plan_for(self._values.model, store, 5, 0.1, False, False)
        with Job.begin(out, plan, walk_images([folder], SUPPORTED_SUFFIXES)) as job, connected(nodes.address) as ray:
            manifest = check_usable(store.require(job.plan.model))
            predicting.run(
                ray, job, models, manifest, kept=lambda block: look(job),
                spent=lambda seconds: self._spent.append((job.plan.block, seconds)),
            )  # fmt: skip
            self._own.append((sum(psutil.Process().cpu_times()[:2]) - begun) / job.plan.blocks)
        return out

    def _command(self, nodes: Nodes, *arguments: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "desktop", "predict", "--cluster", nodes.address, *arguments],
            cwd=ROOT, env={**os.environ, **nodes.environment}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def _complete(self, part: str, job: Path) -> None:
        """No picture missing, none twice."""
        import pyarrow.parquet as pq

        found: list[int] = []
        for path in sorted((job / "parts").glob("*.parquet")):
            found += pq.read_table(path, columns=["position"])["position"].to_pylist()
        plan = json.loads((job / "job.json").read_text())
        wrong = len(found) - len(set(found)) + len(set(range(plan["total"])) ^ set(found))
        self._report.bars.append(at_most(f"{part}: pictures missing or twice", float(wrong), 0.0))


def _links(folder: Path, count: int) -> Path:
    """``count`` links to the samples, a thousand in a folder."""
    samples = sorted((ROOT / "resources" / "samples").glob("*.png"))
    for number in range(count):
        place = folder / f"{number // 1000:05d}"
        if number % 1000 == 0:
            place.mkdir(parents=True, exist_ok=True)
        (place / f"{number:08d}.png").symlink_to(samples[number % len(samples)])
    return folder


def _answered(job: Path) -> int:
    """Pictures that a job has answers to, as its folder tells."""
    try:
        plan = json.loads((job / "job.json").read_text())
    except OSError:
        return 0
    blocks = len(list((job / "blocks").glob("*.arrow")))
    for part in (job / "parts").glob("*.parquet"):
        first, last = part.stem.split("-")
        blocks += int(last) - int(first) + 1
    return min(int(plan["total"]), blocks * int(plan["block"]))


@contextmanager
def _watched(nodes: Nodes) -> Iterator[list[dict[str, int]]]:
    """The memory of this process, and of all that the nodes have started, every two seconds."""
    seen: list[dict[str, int]] = []
    over = threading.Event()

    def watch() -> None:
        own = psutil.Process()
        while not over.wait(2.0):
            workers = 0
            for child in psutil.Process(nodes.pid).children(recursive=True):
                try:
                    if "ray::Worker" in " ".join(child.cmdline()) or "spawn_main" in " ".join(child.cmdline()):
                        workers += child.memory_info().rss
                except psutil.Error:
                    continue
            seen.append({"driver": own.memory_info().rss, "workers": workers})

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
