"""``fovea samples``: the pictures that come with Fovea as folders, to learn the program with."""

from __future__ import annotations

import argparse
from pathlib import Path

from desktop.app.sample_sets import SETS, write
from desktop.cli import console
from desktop.cli.parser import Parser

_EPILOG = (
    "sets:\n"
    + "\n".join(f"  {held.id:<9} {held.words}" for held in SETS)
    + """

A new folder of the set's name is made in DIR; what is there is never written over.

exit status: 0 the samples are there (their place is printed); 1 they could not be written; 2 wrong usage.
"""
)


def main(argv: list[str]) -> int:
    """Run the command; returns its exit status (0 written, 1 not written, 2 usage)."""
    parser = Parser(
        prog="fovea samples",
        description="Copy samples into a folder: pictures to try, to evaluate a model on, to train on.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("kind", choices=[held.id for held in SETS], metavar="SET", help="which samples (see below)")
    parser.add_argument("folder", type=Path, metavar="DIR", help="where the new folder is made")
    options = parser.parse_args(argv)
    place, number = write(options.kind, options.folder)
    console.say(f"{place}: {number} {'picture' if number == 1 else 'pictures'}")
    return 0
