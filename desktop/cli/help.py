"""``fovea help``: the pages of the window's help, in the terminal."""

from __future__ import annotations

import argparse
import shutil

from desktop.app.help_pages import START, Help, in_terminal, the_help
from desktop.cli import console
from desktop.cli.parser import Parser
from desktop.core.types import FoveaError
from desktop.system.words import phrase

_WIDEST = 100
_EPILOG = """\
Without a topic: the list of topics. TOPIC#PART prints one part of a page. 'fovea --help' lists the commands,
'fovea COMMAND --help' the options of one.

exit status: 0; 1 nothing was found, or the pages cannot be read; 2 there is no such topic.
"""


def main(argv: list[str]) -> int:
    """Run the command; returns its exit status (0 printed, 1 nothing found, 2 usage or no such topic)."""
    parser = Parser(
        prog="fovea help",
        description="Print a page of the help, or look for words in it.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("topic", nargs="?", default="", metavar="TOPIC", help="a page, as the list names it")
    parser.add_argument("--search", nargs="+", default=[], metavar="WORD", help="list the parts that hold all words")
    options = parser.parse_args(argv)
    held = the_help()
    if options.search:
        return _search(held, " ".join(options.search))
    if not options.topic:
        console.say(_overview(held))
        return 0
    try:
        page, anchor = held.at(options.topic)
    except FoveaError as error:
        console.complain(console.printable(error.message), console.printable(error.hint))
        return 2
    console.say(in_terminal(page, anchor, _width()))
    return 0


def _overview(held: Help) -> str:
    rows = [("topic", "page"), *((page.id, page.title) for page in held.pages.values() if page.id != START)]
    return console.table(rows) + "\n\n'fovea help TOPIC' prints one, 'fovea help --search WORD' looks for words."


def _search(held: Help, words: str) -> int:
    hits = held.find(words)
    if not hits:
        console.complain(
            phrase("nothing in the help holds '{words}'", words=console.printable(words)),
            "'fovea help' lists its topics.",
        )
        return 1
    for hit in hits:
        title = hit.page.title if not hit.section.anchor else f"{hit.page.title} › {hit.section.title}"
        console.say(f"{hit.topic}: {title}\n    {hit.excerpt}")
    return 0


def _width() -> int:
    return max(40, min(_WIDEST, shutil.get_terminal_size().columns))
