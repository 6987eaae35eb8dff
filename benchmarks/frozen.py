"""The frozen program beside the same program unfrozen: ``python -m benchmarks.frozen --program dist/Fovea-viewer``.

Launch to first paint and to first answer, by ``fovea stopwatch`` on both sides, in turns, warm: the first round is not
counted. And the sizes of the editions that are there.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import common
from installers import bundle

PAINT_LIMIT = ANSWER_LIMIT = 1.3
_ROUNDS = 7


def main(argv: list[str]) -> int:
    """Measure and report; returns 0 when every bar holds."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.frozen", description=__doc__.splitlines()[0])
    parser.add_argument("--program", type=Path, default=Path("dist/Fovea-viewer"), help="default: dist/Fovea-viewer")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of tables")
    parser.add_argument("--quick", action="store_true", help="one round: shows that it runs, measures nothing")
    parser.add_argument("--model", default=common.DEFAULT_MODEL, metavar="ID")
    parser.add_argument("--rounds", type=int, metavar="N", help=f"turns of each side (default: {_ROUNDS})")
    options = parser.parse_args(argv)
    program = options.program.resolve()
    executable = program / (f"{bundle.PROGRAM}.exe" if os.name == "nt" else bundle.PROGRAM)
    if not executable.is_file():
        print(f"{options.program} holds no program; FOVEA_FLAVOUR=viewer make package builds one", file=sys.stderr)
        return 2
    rounds = options.rounds or (1 if options.quick else _ROUNDS)
    subject = common.subject(options.model)
    report = common.Report("frozen", subject.id, options.quick)
    sides = {"frozen": [str(executable)], "unfrozen": [sys.executable, "-m", "desktop"]}
    painted: dict[str, list[float]] = {name: [] for name in sides}
    answered: dict[str, list[float]] = {name: [] for name in sides}
    with tempfile.TemporaryDirectory(prefix="fovea-bench-") as folder:
        (picture,) = common.small_pictures(Path(folder), 1)
        for number in range(rounds + 1):
            for name in sides if number % 2 == 0 else reversed(list(sides)):
                seen = _launch(sides[name], picture, subject)
                if number:  # the first one fills the computer's file cache
                    painted[name].append(seen[0])
                    answered[name].append(seen[1])
    for words, times, limit in (("paint", painted, PAINT_LIMIT), ("answer", answered, ANSWER_LIMIT)):
        figure = report.compare(f"launch to first {words}", "ms", times["frozen"], times["unfrozen"], "unfrozen")
        report.bars.append(common.at_most(f"first {words}, times the unfrozen program", figure.ratio or 0.0, limit))
    for flavour in bundle.FLAVOURS:
        built = program.parent / f"Fovea-{flavour}"
        if built.is_dir():
            megabytes = bundle.size(built) / bundle.MB
            report.figures.append(common.Figure(f"size of {flavour}", "MB", megabytes))
            report.bars.append(common.at_most(f"size of {flavour}, MB", megabytes, bundle.CEILINGS[flavour]))
    return common.finish(report, options.json)


def _launch(command: list[str], picture: str, subject: common.Subject) -> tuple[float, float]:
    """Milliseconds from the launch to first paint and to first answer. Raises :class:`RuntimeError`."""
    with common.fresh_home(subject) as home:
        launched = time.monotonic()
        done = subprocess.run(
            [*command, "stopwatch", picture],
            cwd=common.ROOT, env=common.environment(home), capture_output=True, text=True, timeout=600, check=False,
        )  # fmt: skip
    found = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode or not found:
        raise RuntimeError(f"{command[0]} ended with status {done.returncode}: {done.stderr[-1500:]}")
    seen = json.loads(found[-1])
    return (seen["painted"] - launched) * 1000, (seen["answered"] - launched) * 1000


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
