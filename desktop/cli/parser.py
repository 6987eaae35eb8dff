"""The commands' argument parser; apart from the console, because the window needs that one and not this."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NoReturn

from desktop.cli import console
from desktop.core.translate import QT_TRANSLATE_NOOP as T
from desktop.system.words import phrase, translated, worded

CONTEXT = "argparse"
"""The context of the words that Python's parser brings itself."""

OWN_WORDS = (
    T("argparse", "usage: "), T("argparse", "positional arguments"), T("argparse", "options"),
    T("argparse", "show this help message and exit"), T("argparse", "unrecognized arguments: %s"),
    T("argparse", "the following arguments are required: %s"), T("argparse", "one of the arguments %s is required"),
    T("argparse", "not allowed with argument %s"), T("argparse", "expected one argument"),
    T("argparse", "expected at most one argument"), T("argparse", "expected at least one argument"),
    T("argparse", "invalid choice: %(value)r (choose from %(choices)s)"),
    T("argparse", "invalid %(type)s value: %(value)r"), T("argparse", "argument %(argument_name)s: %(message)s"),
    T("argparse", "ambiguous option: %(option)s could match %(matches)s"),
)  # fmt: skip


class Parser(argparse.ArgumentParser):
    """An argument parser that speaks the language of the process, and whose errors point to the help instead of
    repeating the usage."""

    def format_help(self) -> str:
        """The help, in the language of the process."""
        with _own_words():
            self.description, self.epilog = worded(self.description or ""), worded(self.epilog or "")
            for group in self._action_groups:
                group.title = worded(group.title or "")
                for action in group._group_actions:
                    _word(action)
            return super().format_help()

    def error(self, message: str) -> NoReturn:
        console.complain(message, phrase("'{prog} --help' shows the usage.", prog=self.prog))
        raise SystemExit(2)

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        """As usual; ``data`` with a ``layout`` becomes the address of the two (:mod:`desktop.core.data.layouts`)."""
        with _own_words():
            options = super().parse_args(args, namespace)
        if getattr(options, "layout", None) and isinstance(getattr(options, "data", None), str):
            from desktop.core.data.layouts import KINDS, address_of

            if options.layout.partition(":")[0] not in KINDS:
                self.error(phrase("'{layout}' is no layout: expected folders, table… or names…", layout=options.layout))
            options.data = address_of(options.data, options.layout)
        return options


def _word(action: argparse.Action) -> None:
    if action.help and action.help is not argparse.SUPPRESS:
        with_own = translated(CONTEXT, action.help)
        action.help = with_own if with_own != action.help else worded(action.help)
    for choice in getattr(action, "_choices_actions", ()):  # the lines of subcommands
        choice.help = worded(choice.help or "")


@contextlib.contextmanager
def _own_words() -> Iterator[None]:
    """Have Python's parser ask Fovea's catalogue for its own words: it would ask for one of its own, which no
    installation of Python brings. The name is argparse's since Python 2.7."""
    before = argparse._  # type: ignore[attr-defined]
    argparse._ = partial(translated, CONTEXT)  # type: ignore[attr-defined]
    try:
        yield
    finally:
        argparse._ = before  # type: ignore[attr-defined]


def share(name: str) -> Callable[[str], float]:
    """The type of an option that is a number from 0 to 1, called ``name`` where it is refused."""

    def read(text: str) -> float:
        value = float(text)
        if not 0 <= value <= 1:
            raise ValueError
        return value

    read.__name__ = name  # argparse names the type in its error: "invalid score value: '2'"
    return read


def add_layout(parser: Any) -> None:
    """The option that confirms how labels are read."""
    parser.add_argument(
        "--layout",
        metavar="HOW",
        help="confirm how the labels are read where class folders do not tell them: 'table' (a CSV names the pictures) "
        "or 'names' (the file names carry them), as they were recognised, or in full as Fovea proposes it: "
        "table:FILE:NAMES:LABELS, names:{label}_#; 'folders': each folder is a class, whatever it is called",
    )
