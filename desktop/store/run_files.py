"""The curves of a run: ``history.csv`` (a row an epoch) and ``batches.csv`` (a row now and then inside the epochs)."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import TextIO

from desktop.system.files import write_atomically

MOST_BATCH_ROWS = 20_000
"""A longer ``batches.csv`` is thinned to every second row."""
_MOST_CHARACTERS = 4 << 20
MOST_CURVE_ROWS = 100_000
"""More rows of a curve are not read, however short they are."""
_MOST_COLUMNS = 40
BATCH_COLUMNS = ("epoch", "step", "steps", "loss", "accuracy", "rate", "images_per_s", "memory_bytes")


def read_curve(path: Path) -> dict[str, list[float]]:
    """A CSV of numbers as columns; empty where it is missing or damaged. A torn last row is left out."""
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            text = stream.read(_MOST_CHARACTERS)
    except (OSError, UnicodeDecodeError):
        return {}
    if text and not text.endswith("\n"):
        text = text[: text.rfind("\n") + 1]
    rows = csv.reader(io.StringIO(text))
    try:
        head = next(rows, None)
        if not head or len(head) > _MOST_COLUMNS:
            return {}
        columns: dict[str, list[float]] = {name: [] for name in head}
        for row in islice(rows, MOST_CURVE_ROWS):
            if len(row) != len(head):
                continue
            try:
                values = [float(cell) if cell else float("nan") for cell in row]
            except ValueError:
                continue
            for name, value in zip(head, values, strict=True):
                columns[name].append(value)
    except csv.Error:
        return {}
    return columns


class BatchLog:
    """Writes ``batches.csv`` as a training goes on; its length stays bounded however long that is.

    A row is one line, written at once; rows of epochs from ``epoch`` on (0-based) that were left from before
    it was taken up are taken away, for they will come again.
    """

    def __init__(self, path: Path, epoch: int = 0) -> None:
        self._path = path
        kept = [row for row in _rows(path) if row["epoch"] < epoch]
        self._rows = len(kept)
        self._every, self._skipped = 1, 0
        self._stream = self._rewrite(kept)

    def add(self, row: Mapping[str, float]) -> None:
        """Add one row; keys are :data:`BATCH_COLUMNS`, missing ones stay empty."""
        self._skipped += 1
        if self._skipped < self._every:
            return
        self._skipped = 0
        self._stream.write(_line(row))
        self._stream.flush()
        self._rows += 1
        if self._rows > MOST_BATCH_ROWS:
            self._thin()

    def close(self) -> None:
        """End the writing."""
        self._stream.close()

    def _thin(self) -> None:
        self._stream.close()
        kept = _rows(self._path)[::2]
        self._rows, self._every = len(kept), self._every * 2
        self._stream = self._rewrite(kept)

    def _rewrite(self, rows: list[dict[str, float]]) -> TextIO:
        text = ",".join(BATCH_COLUMNS) + "\n" + "".join(map(_line, rows))
        write_atomically(self._path, text)
        return self._path.open("a", encoding="utf-8", newline="\n")


def append_line(path: Path, text: str) -> None:
    """Add one line of words to a run's log. What is no text in them, as names of folders may be, is written escaped."""
    with path.open("a", encoding="utf-8", errors="backslashreplace", newline="\n") as stream:
        stream.write(text.replace("\n", " ") + "\n")


def _rows(path: Path) -> list[dict[str, float]]:
    columns = read_curve(path)
    if "epoch" not in columns:
        return []
    return [{name: values[i] for name, values in columns.items()} for i in range(len(columns["epoch"]))]


def _line(row: Mapping[str, float]) -> str:
    cells = []
    for name in BATCH_COLUMNS:
        value = row.get(name)
        cells.append("" if value is None or value != value else f"{value:.9g}")
    return ",".join(cells) + "\n"
