"""The figures of a training by epoch, as CSV, and text files that are never torn."""

from __future__ import annotations

import csv
import io
import os
from pathlib import Path

History = list[dict[str, float]]

COLUMNS = ("epoch", "loss", "accuracy", "val_loss", "val_accuracy", "rate", "seconds")


def history_csv(history: History) -> str:
    """The history as CSV text, one row an epoch; epochs count from 1."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for row in history:
        writer.writerow({k: int(v) if k == "epoch" else f"{v:.6g}" for k, v in row.items()})
    return stream.getvalue()


def write_text(path: Path, text: str) -> None:
    """Put ``text`` in place of the file at ``path`` in one step."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_text(text, encoding="utf-8", newline="\n")
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
