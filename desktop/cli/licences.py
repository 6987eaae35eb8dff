"""``fovea licences``: every component of this program, with its licence and the licence's text."""

from __future__ import annotations

import argparse

from desktop.cli import console
from desktop.cli.parser import Parser
from desktop.core.types import FoveaError
from desktop.system import licences
from desktop.system.words import phrase

_EPILOG = """\
Without names: a table. With names: those components with the texts of their licences. --json gives a list of objects
with name, version, licence (SPDX), kind, homepage, source and texts.

Qt and PySide6 are used under the LGPL, version 3: their libraries lie beside the program as files of their own and may
be replaced by your own build. docs/licences.md has the steps.

exit status: 0; 1 the list cannot be read; 2 there is no such component.
"""


def main(argv: list[str]) -> int:
    """Run the command; returns its exit status (0, 1 unreadable, 2 usage)."""
    parser = Parser(
        prog="fovea licences",
        description="List the components of this program with their licences.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="components whose licence texts are to be shown")
    parser.add_argument("--json", action="store_true", help="one JSON list")
    options = parser.parse_args(argv)
    try:
        parts = licences.components()
    except ValueError as error:
        raise FoveaError("damaged", str(error), "Install Fovea again.") from error
    if options.names:
        wanted = {licences.canonical(name) for name in options.names}
        found = [part for part in parts if licences.canonical(part.name) in wanted]
        missing = wanted - {licences.canonical(part.name) for part in found}
        if missing:
            console.complain(
                phrase("there is no component '{sorted}'", sorted=console.printable(sorted(missing)[0])),
                "'fovea licences' lists them.",
            )
            return 2
        parts = found
    if options.json:
        console.say_json([part.to_dict() for part in parts], indent=1, ensure_ascii=False)
    elif options.names:
        console.say("\n\n".join(_whole(part) for part in parts))
    else:
        rows = [("component", "version", "licence"), *((part.name, part.version, part.licence) for part in parts)]
        console.say(console.table(rows))
    return 0


def _whole(part: licences.Component) -> str:
    lines = [f"{part.name} {part.version}".strip(), part.licence]
    lines += [f"{word}: {value}" for word, value in (("home", part.homepage), ("source", part.source)) if value]
    return "\n\n".join(["\n".join(lines), *(part.texts or (phrase("(this package brings no text of its licence)"),))])
