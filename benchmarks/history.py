"""The figures that benchmarks gave, day by day, and the tables of ``docs/benchmarks.md`` that are made of them.

``docs/benchmarks/history.jsonl`` has one line for each run of a benchmark: its date, the commit, whether files were
changed since, a hash of the code that it measures (:func:`benchmarks.measured.code_of`), the machine with its load, the
figures and the bars. Lines are only ever added. The tables show the newest run of each benchmark between two marks; the
words around them stay. Where the code is another one by now, the table says so by itself.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.common import ROOT, environment, machine
from benchmarks.measured import BENCHMARKS, code_of

HISTORY = ROOT / "docs" / "benchmarks" / "history.jsonl"
PAGE = ROOT / "docs" / "benchmarks.md"
OLDER = "**Older than the code that it speaks of.**"
IDLE = 0.7
"""A machine whose load is higher is not idle: figures of it say so."""
_LIMIT_S = 4 * 3600

Run = dict[str, Any]


def read(history: Path | None = None) -> list[Run]:
    """All runs, oldest first. Raises ValueError that names a line which is none."""
    history = history or HISTORY
    if not history.is_file():
        return []
    found = []
    for number, line in enumerate(history.read_text(encoding="utf-8").splitlines(), 1):
        try:
            run: Run = json.loads(line)
            for key in ("benchmark", "date", "commit", "code", "machine", "figures", "bars"):
                run[key]
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"line {number} of {history.name} is no run: {error}") from error
        found.append(run)
    return found


def newest(runs: Sequence[Run]) -> dict[str, Run]:
    """The last run of each benchmark, by its name."""
    return {run["benchmark"]: run for run in runs}


def add(run: Run, history: Path | None = None) -> None:
    """Put a run behind all others."""
    history = history or HISTORY
    history.parent.mkdir(parents=True, exist_ok=True)
    with history.open("a", encoding="utf-8", newline="\n") as stream:
        stream.write(json.dumps(run, ensure_ascii=False) + "\n")


def is_older(run: Run, root: Path = ROOT) -> bool:
    """Whether the code that the figures speak of is another one by now."""
    return bool(run["code"] != code_of(run["benchmark"], root))


# A run


def measure(name: str, more: Sequence[str] = ()) -> Run | None:
    """Run a benchmark in a process of its own; ``None`` where it gave no figures, which was said."""
    about = BENCHMARKS[name]
    code, facts = code_of(name), machine()  # before: the load is not the benchmark's own
    with tempfile.TemporaryDirectory(prefix="fovea-bench-") as scratch:
        file = Path(scratch) / "figures.json"
        command = [sys.executable, "-m", f"benchmarks.{name}", *about.arguments, *[str(file)] * about.file, *more]
        done = subprocess.run(
            command, cwd=ROOT, env=environment(), stdout=subprocess.PIPE, text=True, timeout=_LIMIT_S, check=False
        )
        lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
        text = file.read_text(encoding="utf-8") if about.file and file.is_file() else lines[-1] if lines else ""
    try:
        told = json.loads(text)
        figures, bars = told["figures"], told["bars"]
    except (ValueError, KeyError):
        needs = f"; it needs {about.needs}" if about.needs else ""
        print(f"{name} ended with status {done.returncode} and no figures{needs}", file=sys.stderr)
        return None
    return {
        "benchmark": name,
        "date": time.strftime("%Y-%m-%d"),
        "commit": _git("rev-parse", "HEAD"),
        "changed": bool(_git("status", "--porcelain", "--untracked-files=no")),
        "code": code,
        "machine": facts,
        "model": told.get("model", ""),
        "figures": figures,
        "bars": bars,
    }


def _git(*arguments: str) -> str:
    try:
        done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


# The tables


def table(run: Run, root: Path = ROOT) -> str:
    """What is shown of a run, in Markdown."""
    lines = [_head(run), ""]
    if is_older(run, root):
        lines = [f"{lines[0]} {OLDER}", ""]
    if run["figures"]:
        lines += ["| measured | Fovea | peer | ratio | n |", "|---|---|---|---|---|"]
        lines += [_row(figure) for figure in run["figures"]]
        lines.append("")
    if run["bars"]:
        lines += ["| bar | value | limit | |", "|---|---|---|---|"]
        lines += [_verdict(bar) for bar in run["bars"]]
        lines.append("")
    return "\n".join(lines).rstrip()


def _head(run: Run) -> str:
    facts = run["machine"]
    commit = (run["commit"][:8] or "unknown") + (" and changes" if run.get("changed") else "")
    where = [facts.get("processor", ""), f"{facts['cores']} cores" if facts.get("cores") else ""]
    where.append(f"{facts['memory_gib']} GiB" if facts.get("memory_gib") else "")
    where.append(f"model `{run['model']}`" if run.get("model") else "")
    load = facts.get("load")
    busy = f" **Other programs kept the machine busy: load {load}.**" if load is not None and load > IDLE else ""
    note = f" {run['note']}" if run.get("note") else ""
    return f"{run['date']}, commit {commit}; {', '.join(filter(None, where))}.{busy}{note}"


def _row(figure: dict[str, Any]) -> str:
    peer, ratio = figure.get("peer"), figure.get("ratio")
    beside = "–" if peer is None else ", ".join(filter(None, [number(peer), _cell(figure.get("peer_name", ""))]))
    name = _cell(figure["name"]) + (f", {_cell(figure['unit'])}" if figure.get("unit") else "")
    shown = "–" if ratio is None else number(ratio)
    count = f"{figure['n']:,}" if figure.get("n") else "–"
    return f"| {name} | {number(figure['fovea'])} | {beside} | {shown} | {count} |"


def _verdict(bar: dict[str, Any]) -> str:
    value, limit = bar.get("value"), bar.get("limit")
    held = "holds" if bar["holds"] else "**misses**"
    shown = ["–" if each is None else number(each) for each in (value, limit)]
    return f"| {_cell(bar['name'])} | {shown[0]} | {shown[1]} | {held} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def number(value: float) -> str:
    """A figure with about three digits that say something; what is near one, as many ratios are, with three behind the
    point."""
    size = abs(value)
    if value == int(value) or size >= 100:
        return f"{value:,.0f}"
    return (
        f"{value:.1f}"
        if size >= 10
        else f"{value:.2f}"
        if size >= 2
        else f"{value:.3f}"
        if size >= 0.1
        else f"{value:.3g}"
    )


def marks(name: str) -> tuple[str, str]:
    """The two lines between which the table of a benchmark stands."""
    return f"<!-- {name}: begin; made by `python -m benchmarks --table` -->", f"<!-- {name}: end -->"


def rendered(page: str, runs: Sequence[Run], root: Path = ROOT) -> str:
    """``page`` with the newest table of every benchmark; one that has no place yet gets one at the end."""
    for name, run in sorted(newest(runs).items(), key=lambda each: list(BENCHMARKS).index(each[0])):
        begin, end = marks(name)
        if begin not in page:
            page = f"{page.rstrip()}\n\n## {BENCHMARKS[name].about.capitalize()}\n\n`python -m benchmarks.{name}`\n\n"
            page += f"{begin}\n{end}\n"
        before, _, rest = page.partition(begin)
        inside, found, after = rest.partition(end)
        if not found:
            raise ValueError(f"{PAGE.name} has lost the end of the table of {name}")
        del inside
        page = f"{before}{begin}\n{table(run, root)}\n\n{end}{after}"
    return page


def write() -> bool:
    """Bring the tables up to date; whether that changed anything."""
    text = PAGE.read_text(encoding="utf-8")
    new = rendered(text, read())
    if new == text:
        return False
    part = PAGE.with_suffix(f".{os.getpid()}.part")
    part.write_text(new, encoding="utf-8", newline="\n")
    os.replace(part, PAGE)
    return True
