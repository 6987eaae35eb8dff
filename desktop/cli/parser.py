"""The commands' argument parser; apart from the console, because the window needs that one and not this."""

from __future__ import annotations

import argparse
from typing import NoReturn

from desktop.cli import console


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors point to the help instead of repeating the usage."""

    def error(self, message: str) -> NoReturn:
        console.complain(message, f"'{self.prog} --help' shows the usage.")
        raise SystemExit(2)
