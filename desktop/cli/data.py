"""``fovea data``: look through labelled pictures before anything is learnt from them."""

from __future__ import annotations

import argparse
import json
from typing import Any

from desktop.cli import console
from desktop.cli.parser import Parser, add_layout
from desktop.core.types import FoveaError

_EPILOG = """\
DATA is a folder with one folder for each class (also below train, val and test), an archive of one, an .npz file, IDX
files, or CIFAR's python batches. Nothing in it is changed, and what is printed names no folder of this computer.

exit status: 0 a model can be trained on it; 1 not as it is (the text says why), or it cannot be read; 2 wrong usage
"""
_STAGES = {
    "reading": "reading names",
    "opening": "opening pictures",
    "comparing": "comparing pictures",
    "grouping": "looking for people",
}


def main(argv: list[str]) -> int:
    """Run the command; returns its exit status."""
    options = _parser().parse_args(argv)
    return _cache(options) if options.command == "cache" else _inspect(options)


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="fovea data", description="Look through labelled pictures.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    inspect = commands.add_parser(
        "inspect",
        help="say what is in a folder and what is wrong with it",
        description="Count, open and compare labelled pictures; say what is there and what is wrong with it.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    inspect.add_argument("data", metavar="DATA", help="folder or file")
    add_layout(inspect)
    inspect.add_argument("--json", action="store_true", help="one JSON object instead of text")
    inspect.add_argument("--exact", action="store_true", help="look for exact copies only, not for near ones")
    inspect.add_argument("--names", type=int, default=3, metavar="N", help="names shown for each finding (default: 3)")
    cache = commands.add_parser(
        "cache",
        help="how much prepared pictures take on disk; remove them",
        description="Pictures are prepared for training once and kept; they can be made again at any time.",
    )
    cache.add_argument("--clear", action="store_true", help="remove them all")
    cache.add_argument("--json", action="store_true", help="JSON instead of text")
    return parser


def _inspect(options: Any) -> int:
    from desktop.core.data.inspection import inspect

    bar = console.ProgressLine()

    def progress(stage: str, done: int, total: int | None) -> None:
        bar.update(f"{_STAGES[stage]}: {done:,}" + (f" of {total:,}" if total else ""))

    try:
        found = inspect(options.data, progress, near=not options.exact)
    except FoveaError as error:
        bar.clear()
        if options.json:
            console.say(json.dumps({"error": {"kind": error.kind, "message": error.message, "hint": error.hint}}))
        else:
            console.complain(error.message, error.hint)
        return 1
    finally:
        bar.clear()
    if options.json:
        console.say(json.dumps(found.to_dict(), indent=1))
    else:
        console.say(_text(found, max(0, options.names)))
    return 1 if found.stops_training else 0


def _cache(options: Any) -> int:
    from desktop.core.data import unpack
    from desktop.ml.data import cache

    before = cache.total_bytes() + unpack.total_bytes()
    if options.clear:
        cache.clear()
        unpack.clear()
    after = cache.total_bytes() + unpack.total_bytes()
    if options.json:
        console.say(json.dumps({"bytes": after, "removed": before - after, "limit": cache.limit_bytes()}))
    else:
        removed = f"; {(before - after) / 1e9:.2f} GB were removed" if options.clear else ""
        most = cache.limit_bytes() + unpack.LIMIT_BYTES
        taken = f"{after / 1e9:.2f} GB of at most {most / 1e9:.0f} GB"
        console.say(f"prepared pictures and unpacked archives take {taken}{removed}")
    return 0


def _text(found: Any, names: int) -> str:
    lines = [
        f"{console.printable(found.title)}: {found.total:,} pictures in {len(found.classes):,} classes"
        + (f", {len(found.broken):,} more do not open" if found.broken else ""),
        "",
        _counts(found),
        "",
    ]
    if found.sizes is not None:
        sizes, one = found.sizes, found.sizes.different == 1
        text = "all {}×{}".format(*sizes.median) if one else "{}×{} to {}×{}".format(*sizes.least, *sizes.largest)
        lines.append(f"size        {text}" + ("" if one else ", in the middle {}×{}".format(*sizes.median)))
        lines.append("colours     " + _listed(found.colours))
        lines.append("formats     " + _listed(found.formats))
    if found.groups is not None:
        lines.append(f"people      {found.groups:,}")
    lines += [f"fingerprint {found.fingerprint}", ""]
    if not found.findings:
        lines.append("nothing odd was found")
    words = {"stops-training": "STOPS TRAINING", "caution": "caution", "info": "note"}
    for finding in found.findings:
        lines.append(f"{words[finding.severity]}: {console.printable(finding.message)}")
        if finding.hint:
            lines.append(f"    {finding.hint}")
        shown = [", ".join(group) for group in finding.groups[:names]] or list(finding.names[:names])
        lines += [f"    {console.printable(text)}" for text in shown]
        rest = (len(finding.groups) or len(finding.names)) - len(shown)
        if rest > 0 and shown:
            lines.append(f"    and {rest:,} more")
    return "\n".join(lines)


def _counts(found: Any) -> str:
    splits = list(found.counts)
    head = ("class", *(name or "pictures" for name in splits))
    rows = [head]
    for name in found.classes:
        rows.append((console.printable(name), *(f"{found.counts[split].get(name, 0):,}" for split in splits)))
    return console.table(rows, right=tuple(range(1, len(head))))


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counts.items())
