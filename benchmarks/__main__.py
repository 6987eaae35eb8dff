"""``python -m benchmarks [NAME …]``: run benchmarks one after another, keep their figures, write the tables.

    python -m benchmarks                         # the four that most people ask for, as tables
    python -m benchmarks startup draw            # these
    python -m benchmarks --all --record          # all of them: hours, on an idle machine
    python -m benchmarks --table                 # only bring docs/benchmarks.md up to date

With ``--record`` the figures go into ``docs/benchmarks/history.jsonl``, and the tables of ``docs/benchmarks.md`` are
made anew. It begins when the machine is idle, and waits for that up to ``--patience`` minutes; figures of a busy one
say so.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time

from benchmarks import history
from benchmarks.common import ROOT, environment, machine
from benchmarks.measured import BENCHMARKS

USUAL = ("startup", "inference", "responsiveness", "training")
_LOOK_S = 15.0


def main(argv: list[str]) -> int:
    """Run them; the exit status is 0 when every bar holds and every benchmark gave figures."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"these: {', '.join(BENCHMARKS)}")
    parser.add_argument("--all", action="store_true", help="every one")
    parser.add_argument("--record", action="store_true", help="keep the figures, write the tables")
    parser.add_argument("--table", action="store_true", help="run nothing, write the tables")
    parser.add_argument("--list", action="store_true", help="show what there is, and how old its figures are")
    parser.add_argument("--quick", action="store_true", help="small sizes: shows that they run; never recorded")
    parser.add_argument("--json", action="store_true", help="one object instead of tables, from each")
    parser.add_argument(
        "--patience", type=float, default=60, metavar="MINUTES", help="how long to wait for an idle machine"
    )
    options = parser.parse_args(argv)
    wrong = [name for name in options.names if name not in BENCHMARKS]
    if wrong:
        parser.error(f"there is no benchmark {', '.join(wrong)}; there are {', '.join(BENCHMARKS)}")
    if options.record and options.quick:
        parser.error("figures of --quick are not to be kept")
    if options.list:
        _list()
        return 0
    names = list(BENCHMARKS) if options.all else options.names or list(USUAL)
    if options.table:
        print("docs/benchmarks.md was brought up to date" if history.write() else "docs/benchmarks.md is up to date")
        return 0
    if options.record:
        return max(_record(name, options.patience) for name in names)
    more = [word for word, wanted in (("--quick", options.quick), ("--json", options.json)) if wanted]
    return max(_shown(name, more) for name in names)


def _record(name: str, patience: float) -> int:
    _wait_until_idle(60 * patience)
    print(f"{name}: {BENCHMARKS[name].about}", flush=True)
    run = history.measure(name)
    if run is None:
        return 1
    history.add(run)  # each at once: an interruption loses one
    history.write()
    missed = [bar["name"] for bar in run["bars"] if not bar["holds"]]
    print(f"    {len(run['figures'])} figures; " + (f"missed: {'; '.join(missed)}" if missed else "every bar holds"))
    return 1 if missed else 0


def _shown(name: str, more: list[str]) -> int:
    command = [sys.executable, "-m", f"benchmarks.{name}", *more]
    return subprocess.run(command, cwd=ROOT, env=environment(), check=False).returncode


def _wait_until_idle(seconds: float) -> None:
    until = time.monotonic() + seconds
    told = False
    while (load := machine()["load"]) is not None and load > history.IDLE and time.monotonic() < until:
        if not told:
            print(f"waiting for an idle machine: load {load}", flush=True)
            told = True
        time.sleep(_LOOK_S)


def _list() -> None:
    newest = history.newest(history.read())
    for name, about in BENCHMARKS.items():
        run = newest.get(name)
        when = "never recorded" if run is None else run["date"] + (", older than the code" * history.is_older(run))
        print(f"{name:16} {about.about}; {when}" + (f"; needs {about.needs}" if about.needs else ""))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
