"""The commands' argument parser; apart from the console, because the window needs that one and not this."""

from __future__ import annotations

import argparse
from typing import Any, NoReturn

from desktop.cli import console


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors point to the help instead of repeating the usage."""

    def error(self, message: str) -> NoReturn:
        console.complain(message, f"'{self.prog} --help' shows the usage.")
        raise SystemExit(2)

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        """As usual; ``data`` with a ``layout`` becomes the address of the two (:mod:`desktop.core.data.layouts`)."""
        options = super().parse_args(args, namespace)
        if getattr(options, "layout", None) and isinstance(getattr(options, "data", None), str):
            from desktop.core.data.layouts import KINDS, address_of

            if options.layout.partition(":")[0] not in KINDS:
                self.error(f"'{options.layout}' is no layout: expected folders, table… or names…")
            options.data = address_of(options.data, options.layout)
        return options


def add_layout(parser: Any) -> None:
    """The option that confirms how labels are read."""
    parser.add_argument(
        "--layout",
        metavar="HOW",
        help="confirm how the labels are read where class folders do not tell them: 'table' (a CSV names the pictures) "
        "or 'names' (the file names carry them), as they were recognised, or in full as Fovea proposes it: "
        "table:FILE:NAMES:LABELS, names:{label}_#; 'folders': each folder is a class, whatever it is called",
    )
