"""Does the window answer while it works: ``python -m benchmarks.responsiveness``.

A heart beats every millisecond in the event loop of the real window while a folder is classified. Its peer is an empty
window on the same computer under the same work: what its heart misses is the computer's doing. Then the same while the
window trains a model and shows its curves.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from benchmarks import common, training_window

LONGEST_LIMIT_MS = 100.0
P99_LIMIT_MS = 20.0


def main(argv: list[str]) -> int:
    """Measure and report; returns 0 when every bar holds."""
    options = common.options(argv, "responsiveness", "Pauses of the window while a folder is classified.", rounds=2)
    subject = common.subject(options.model)
    report = common.Report("responsiveness", subject.id, options.quick)
    with tempfile.TemporaryDirectory(prefix="fovea-bench-", ignore_cleanup_errors=True) as name:
        folder = Path(name) / "photos"
        photos = common.photo_folder(folder, 60 if options.quick else 2000, 20 if options.quick else 60)
        own, peer = _measure(subject, folder, len(photos), options.rounds)
    about = f"while {len(photos):,} images are classified"
    pairs = (
        ("longest pause " + about, [max(gaps) for gaps in own], [max(gaps) for gaps in peer]),
        ("99th percentile", [common.quantile(gaps, 0.99) for gaps in own], [common.quantile(g, 0.99) for g in peer]),
        ("median", [common.quantile(gaps, 0.5) for gaps in own], [common.quantile(gaps, 0.5) for gaps in peer]),
    )
    for label, ours, theirs in pairs:
        report.compare(label, "ms", ours, theirs, "empty window, same load")
    longest = max(max(gaps) for gaps in own)
    p99 = common.quantile([gap for gaps in own for gap in gaps], 0.99)
    report.bars.append(common.at_most("longest pause, ms", longest, LONGEST_LIMIT_MS))
    report.bars.append(common.at_most("pauses, 99th percentile, ms", p99, P99_LIMIT_MS))
    training_window.measure(report, subject, options.quick)
    return common.finish(report, options.json)


def _measure(
    subject: common.Subject, folder: Path, count: int, rounds: int
) -> tuple[list[list[float]], list[list[float]]]:
    """The gaps between heartbeats, in ms, of each round: in Fovea, and in the empty window."""
    own: list[list[float]] = []
    peer: list[list[float]] = []

    def fovea() -> float:
        with common.fresh_home(subject) as home:
            seen = common.ask_child("benchmarks.windows", "pulse", str(folder), home=home)
        if seen["answered"] != count:
            raise RuntimeError(f"{seen['answered']} pictures answered, {count} expected")
        own.append(seen["gaps"])
        return float(max(seen["gaps"]))

    def empty() -> float:
        with common.start_child("benchmarks.windows", "empty-pulse") as window:
            assert window.stdout is not None
            window.stdout.readline()
            with common.fresh_home(subject) as home:
                common.ask_child("desktop", "predict", "--json", "--model", subject.id, str(folder), home=home)
            output, _ = window.communicate()
        peer.append(json.loads(output.splitlines()[-1])["gaps"])
        return max(peer[-1])

    common.take_turns(rounds, {"fovea": fovea, "empty": empty})
    return own, peer


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
