"""Tables as CSV or TSV for a spreadsheet as well as for a program: one guard, which no writer can go round.

A spreadsheet takes a cell that begins with = + - or @ for a formula, blanks before it notwithstanding, and a formula
can run programs (OWASP, 'CSV Injection'; CWE-1236). Names of files, classes and models come from strangers.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Iterable
from typing import Any

# The full-width forms are formulas where the input method makes them, in Japanese and Chinese editions.
_FORMULA = frozenset("=+-@＝＋－＠")
_BREAKS = ("\t", "\r", "\n", "\0")
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?|[+-]?(inf|nan)", re.ASCII)


def csv_cell(text: str) -> str:
    """``text`` such that no spreadsheet takes it for a formula: an apostrophe goes before it where it might.

    Blanks, marks that are not seen and control characters before = + - @ count for nothing; a tab, a line's end or a
    NUL at the beginning is guarded by itself. A plain number is left as it is.
    """
    if _NUMBER.fullmatch(text):
        return text
    if text.startswith(_BREAKS):
        return f"'{text}"
    for character in text:
        if character.isspace() or unicodedata.category(character) in ("Cc", "Cf", "Zs"):
            continue
        return f"'{text}" if character in _FORMULA else text
    return text


class CsvWriter:
    """Rows as text into ``stream`` (anything with ``write``; a file is opened with ``newline=""``), each cell guarded.

    RFC 4180: commas, quotes where they are needed; ``end`` is the line's end, ``delimiter`` a tab for TSV.
    """

    def __init__(self, stream: Any, end: str = "\r\n", delimiter: str = ",") -> None:
        self._writer = csv.writer(stream, lineterminator=end, delimiter=delimiter)

    def writerow(self, cells: Iterable[object]) -> None:
        """Write one row; texts are guarded, ``None`` is empty, numbers are written as Python prints them."""
        self._writer.writerow([csv_cell(cell) if isinstance(cell, str) else cell for cell in cells])

    def writerows(self, rows: Iterable[Iterable[object]]) -> None:
        """Write rows."""
        for row in rows:
            self.writerow(row)
