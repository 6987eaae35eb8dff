"""``fovea data``: look through labelled pictures before anything is learnt from them."""

from __future__ import annotations

import argparse
from typing import Any

from desktop.cli import console
from desktop.cli.parser import Parser, add_layout
from desktop.cli.table_words import word
from desktop.core.types import FoveaError
from desktop.system.words import number, phrase

_EPILOG = """\
DATA is a folder with one folder for each class (also below train, val and test), an archive of one, an .npz file, IDX
files, or CIFAR's python batches. Nothing in it is changed, and what is printed names no folder of this computer.

exit status: 0 a model can be trained on it; 1 not as it is (the text says why), or it cannot be read; 2 wrong usage
"""
_STAGES = {
    "reading": phrase("reading names"),
    "opening": phrase("opening pictures"),
    "comparing": phrase("comparing pictures"),
    "grouping": phrase("looking for people"),
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
        what = _STAGES[stage]
        if total:
            bar.update(phrase("{what}: {done:,} of {total:,}", what=what, done=done, total=total))
        else:
            bar.update(phrase("{what}: {done:,}", what=what, done=done))

    try:
        found = inspect(options.data, progress, near=not options.exact)
    except FoveaError as error:
        bar.clear()
        if options.json:
            console.say_json({"error": {"kind": error.kind, "message": error.message, "hint": error.hint}})
        else:
            console.complain(error.message, error.hint)
        return 1
    finally:
        bar.clear()
    if options.json:
        console.say_json(found.to_dict(), indent=1)
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
        console.say_json({"bytes": after, "removed": before - after, "limit": cache.limit_bytes()})
    else:
        most = cache.limit_bytes() + unpack.LIMIT_BYTES
        text = "prepared pictures and unpacked archives take {taken:.2f} GB of at most {most:.0f} GB"
        if options.clear:
            text = (
                "prepared pictures and unpacked archives take {taken:.2f} GB of at most {most:.0f} GB; {removed:.2f} "
                "GB were removed"
            )
        console.say(phrase(text, taken=after / 1e9, most=most / 1e9, removed=(before - after) / 1e9))
    return 0


def _text(found: Any, names: int) -> str:
    text = "{title}: {total:,} pictures in {classes:,} classes"
    if found.broken:
        text = "{title}: {total:,} pictures in {classes:,} classes, {broken:,} more do not open"
    lines = [
        phrase(
            text,
            title=console.printable(found.title),
            total=found.total,
            classes=len(found.classes),
            broken=len(found.broken),
        ),
        "",
        _counts(found),
        "",
    ]
    if found.sizes is not None:
        least, middle, largest = ("{}×{}".format(*each) for each in _sizes(found.sizes))
        if found.sizes.different == 1:
            size = phrase("all {size}", size=middle)
        else:
            size = phrase("{least} to {largest}, in the middle {middle}", least=least, largest=largest, middle=middle)
        lines.append(console.beside("size", 12) + size)
        lines.append(console.beside("colours", 12) + _listed(found.colours))
        lines.append(console.beside("formats", 12) + _listed(found.formats))
    if found.groups is not None:
        lines.append(console.beside("people", 12) + number(found.groups))
    lines += [f"{console.beside('fingerprint', 12)}{found.fingerprint}", ""]
    if not found.findings:
        lines.append(phrase("nothing odd was found"))
    words = {"stops-training": word("STOPS TRAINING"), "caution": word("caution"), "info": word("note")}
    for finding in found.findings:
        lines.append(f"{words[finding.severity]}: {console.printable(finding.message)}")
        if finding.hint:
            lines.append(f"    {finding.hint}")
        shown = [", ".join(group) for group in finding.groups[:names]] or list(finding.names[:names])
        lines += [f"    {console.printable(text)}" for text in shown]
        rest = (len(finding.groups) or len(finding.names)) - len(shown)
        if rest > 0 and shown:
            lines.append("    " + phrase("and {rest:,} more", rest=rest))
    return "\n".join(lines)


def _sizes(sizes: Any) -> tuple[tuple[int, int], ...]:
    return sizes.least, sizes.median, sizes.largest


def _counts(found: Any) -> str:
    splits = list(found.counts)
    head = ("class", *(name or "pictures" for name in splits))
    rows = [head]
    for name in found.classes:
        rows.append((console.printable(name), *(f"{found.counts[split].get(name, 0):,}" for split in splits)))
    return console.table(rows, right=tuple(range(1, len(head))))


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counts.items())
