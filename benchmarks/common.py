"""What the benchmarks share: their subject, pictures to work on, child processes, turns, the report."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from desktop.core.types import PreprocessSpec, StoreError
from desktop.store.store import ModelStore

ROOT = Path(__file__).resolve().parent.parent
DEFAULT_MODEL = "cifar10"
PHOTO_SIZE = (1000, 800)
_LIMIT_S = 900


# The subject


@dataclass(frozen=True, slots=True)
class Subject:
    """The model that both sides load: the same network, as ``.tflite`` for Fovea and ``.keras`` for its peer."""

    id: str
    folder: Path
    keras: Path
    spec: PreprocessSpec
    bundled: bool


def subject(model: str) -> Subject:
    """The model of that id. Raises :class:`StoreError` where it cannot answer or has no ``model.keras``."""
    entry = ModelStore().get(model)
    manifest = ModelStore().require(model).manifest
    assert manifest is not None
    if "model.keras" not in manifest.files:
        raise StoreError("not-installed", f"model '{model}' has no model.keras, which its peer needs")
    return Subject(model, entry.folder, entry.folder / "model.keras", manifest.preprocess, entry.bundled)


@contextlib.contextmanager
def fresh_home(model: Subject) -> Iterator[Path]:
    """A folder for FOVEA_HOME as after a first use: nothing in it but the choice of the model."""
    with tempfile.TemporaryDirectory(prefix="fovea-bench-", ignore_cleanup_errors=True) as name:
        home = Path(name)
        (home / "settings.json").write_text(json.dumps({"model": model.id}), encoding="utf-8")
        if not model.bundled:
            shutil.copytree(model.folder, home / "models" / model.id)
        yield home


# Pictures


def photo(path: Path, seed: int, size: tuple[int, int] = PHOTO_SIZE) -> None:
    """A JPEG as large and as hard to decode as a photograph: detail at every scale, edges, a little grain."""
    random = np.random.default_rng(seed)
    width, height = size
    total = np.zeros((height, width, 3), np.float32)
    for octave in range(2, 8):
        cells = random.normal(0, 1, (2**octave, 2**octave, 3)).astype(np.float32)
        for channel in range(3):
            layer = Image.fromarray(cells[:, :, channel]).resize(size, Image.Resampling.BICUBIC)
            total[:, :, channel] += np.asarray(layer) * (38.0 / octave)
    for _ in range(12):
        left, top = int(random.integers(0, width - 1)), int(random.integers(0, height - 1))
        right, bottom = left + int(random.integers(20, 300)), top + int(random.integers(20, 300))
        total[top:bottom, left:right] += random.normal(0, 35, 3).astype(np.float32)
    total += random.normal(0, 4, (height, width, 1)).astype(np.float32)
    pixels = np.clip(total + 118, 0, 255).astype(np.uint8)
    Image.fromarray(pixels).save(path, "JPEG", quality=88, subsampling=2)


def processor_seconds(pid: int, alone: bool = False) -> float:
    """Processor time that a process has taken so far, with those that it has started and that run still, unless
    ``alone``; 0 where the system does not tell it in Linux's way. What the machine does besides hardly changes it."""
    parents, seconds = {}, {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            facts = entry.read_text(encoding="latin-1").rpartition(")")[2].split()
        except OSError:
            continue
        number = int(entry.parent.name)
        parents[number] = int(facts[1])
        seconds[number] = (int(facts[11]) + int(facts[12])) / os.sysconf("SC_CLK_TCK")
    if alone:
        return seconds.get(pid, 0.0)
    total = 0.0
    for number, spent in seconds.items():
        above = number
        while above not in (pid, 0) and above in parents:
            above = parents[above]
        total += spent if above == pid else 0.0
    return total


def photo_folder(folder: Path, count: int, distinct: int = 60) -> list[str]:
    """``count`` JPEGs of about 1000×800, of which ``distinct`` differ; the rest are links to those."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"photo-{number:05}.jpg" for number in range(count)]
    for number, path in enumerate(paths):
        if number < distinct:
            photo(path, number)
            continue
        try:
            os.link(paths[number % distinct], path)
        except OSError:  # no links on this drive
            shutil.copy(paths[number % distinct], path)
    return [str(path) for path in paths]


def small_pictures(folder: Path, count: int) -> list[str]:
    """``count`` different 32×32 PNG files."""
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(7)
    paths = []
    for number in range(count):
        path = folder / f"small-{number:04}.png"
        coarse = Image.fromarray(random.integers(0, 256, (8, 8, 3), np.uint8))
        coarse.resize((32, 32), Image.Resampling.BICUBIC).save(path)
        paths.append(str(path))
    return paths


# Child processes


def environment(home: Path | None = None) -> dict[str, str]:
    """The environment of every child: no display, quiet libraries, nothing of the user's.

    Compiled modules are kept, as they are wherever nobody forbids it: else every launch would compile Fovea anew, and
    its peers, which come from packages, nothing.
    """
    values = {
        **os.environ,
        "QT_QPA_PLATFORM": "offscreen",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]),
    }
    values.pop("PYTHONDONTWRITEBYTECODE", None)
    if home is not None:
        values["FOVEA_HOME"] = str(home)
    return values


def start_child(module: str, *arguments: str, home: Path | None = None) -> subprocess.Popen[str]:
    """Start ``python -m MODULE ARGUMENTS`` and talk with it in lines."""
    return subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        env=environment(home),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE if not os.environ.get("FOVEA_BENCH_VERBOSE") else None,
        text=True,
    )


def ask_child(module: str, *arguments: str, home: Path | None = None) -> dict[str, Any]:
    """Run a child to its end; its last line of output is its answer, a JSON object.

    ``launched`` in it is when the child was started, on the clock of :func:`time.monotonic`, which all processes of a
    computer share. Raises :class:`RuntimeError` with the child's last words.
    """
    launched = time.monotonic()
    with start_child(module, *arguments, home=home) as process:
        try:
            output, errors = process.communicate(timeout=_LIMIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    found = [line for line in output.splitlines() if line.startswith("{")]
    if process.returncode != 0 or not found:
        raise RuntimeError(f"{module} ended with status {process.returncode}: {(errors or '')[-1500:]}")
    return {"launched": launched, **json.loads(found[-1])}


def take_turns(rounds: int, sides: dict[str, Callable[[], float]]) -> dict[str, list[float]]:
    """Measure every side once a round; who begins changes with the rounds."""
    results: dict[str, list[float]] = {name: [] for name in sides}
    names = list(sides)
    for number in range(rounds):
        for name in names if number % 2 == 0 else reversed(names):
            results[name].append(sides[name]())
    return results


# The report


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured pair: medians of Fovea and of its peer, in ``unit``, from ``n`` measurements of each."""

    name: str
    unit: str
    fovea: float
    peer: float | None = None
    peer_name: str = ""
    n: int = 1

    @property
    def ratio(self) -> float | None:
        """Fovea's figure divided by its peer's."""
        return self.fovea / self.peer if self.peer else None


@dataclass(frozen=True, slots=True)
class Bar:
    """A promise: whether ``value`` keeps to ``limit``; both are ``None`` where its name says all."""

    name: str
    value: float | None
    limit: float | None
    holds: bool


def share_of(name: str, share: float, low: float, high: float, n: int) -> Figure:
    """A share of ``n`` with its interval in its name."""
    return Figure(f"{name} ({low:.1%} to {high:.1%})", "share", share, n=n)


def at_most(name: str, value: float, limit: float) -> Bar:
    """A bar that holds up to ``limit``."""
    return Bar(name, value, limit, value <= limit)


def at_least(name: str, value: float, limit: float) -> Bar:
    """A bar that holds from ``limit`` on."""
    return Bar(name, value, limit, value >= limit)


@dataclass(slots=True)
class Report:
    """What one benchmark found."""

    benchmark: str
    model: str
    quick: bool
    figures: list[Figure] = field(default_factory=list)
    bars: list[Bar] = field(default_factory=list)

    def compare(self, name: str, unit: str, fovea: Sequence[float], peer: Sequence[float], peer_name: str) -> Figure:
        """Add the medians of both sides."""
        figure = Figure(name, unit, statistics.median(fovea), statistics.median(peer), peer_name, len(fovea))
        self.figures.append(figure)
        return figure

    def as_json(self) -> dict[str, Any]:
        """The stable JSON form."""
        figures = [{**asdict(figure), "ratio": figure.ratio} for figure in self.figures]
        return {
            "benchmark": self.benchmark,
            "model": self.model,
            "quick": self.quick,
            "machine": machine(),
            "figures": figures,
            "bars": [asdict(bar) for bar in self.bars],
        }

    def as_text(self) -> str:
        """Two tables: what was measured, and which bars hold."""
        from desktop.cli.console import table

        facts = machine()
        rows: list[tuple[str, ...]] = [("measured", "unit", "Fovea", "peer", "ratio", "n", "peer is")]
        for f in self.figures:
            peer = "" if f.peer is None else f"{f.peer:,.2f}"
            ratio = "" if f.ratio is None else f"{f.ratio:.3f}"
            rows.append((f.name, f.unit, f"{f.fovea:,.2f}", peer, ratio, str(f.n), f.peer_name))
        verdicts: list[tuple[str, ...]] = [("bar", "value", "limit", "")]
        for bar in self.bars:
            shown = ["" if each is None else f"{each:,.3f}" for each in (bar.value, bar.limit)]
            verdicts.append((bar.name, *shown, "holds" if bar.holds else "DOES NOT HOLD"))
        head = f"{self.benchmark}, model {self.model}{', quick: not to be quoted' if self.quick else ''}"
        about = f"{facts['system']}, {facts['processor']}, {facts['cores']} cores, {facts['memory_gib']} GiB"
        return "\n".join([head, about, "", table(rows, right=(2, 3, 4, 5)), "", table(verdicts, right=(1, 2))])


def machine() -> dict[str, Any]:
    """What the figures were measured on; neither names nor numbers that identify one computer."""
    import psutil

    from desktop import __version__

    return {
        "system": f"{platform.system()} {platform.release()}",
        "architecture": platform.machine(),
        "processor": _processor(),
        "cores": os.cpu_count() or 1,
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "load": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        "python": platform.python_version(),
        "fovea": __version__,
    }


def _processor() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or "unknown"


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest of ``values`` that ``share`` of them do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def options(argv: list[str], name: str, about: str, rounds: int) -> argparse.Namespace:
    """The options that every benchmark knows."""
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.{name}", description=about)
    parser.add_argument("--json", action="store_true", help="one JSON object instead of tables")
    parser.add_argument("--quick", action="store_true", help="small sizes: shows that it runs, measures nothing")
    parser.add_argument("--model", default=DEFAULT_MODEL, metavar="ID", help=f"default: {DEFAULT_MODEL}")
    parser.add_argument("--rounds", type=int, metavar="N", help=f"turns of each side (default: {rounds})")
    values = parser.parse_args(argv)
    values.rounds = values.rounds or (1 if values.quick else rounds)
    return values


def finish(report: Report, as_json: bool) -> int:
    """Print the report; the exit status is 0 when every bar holds, else 1."""
    print(json.dumps(report.as_json()) if as_json else report.as_text(), flush=True)
    return 0 if all(bar.holds for bar in report.bars) else 1
