"""The figures of a training by epoch, as CSV."""

from __future__ import annotations

import io

from desktop.system.csv_cells import CsvWriter

History = list[dict[str, float]]

COLUMNS = ("epoch", "loss", "accuracy", "val_loss", "val_accuracy", "rate", "seconds")


def history_csv(history: History) -> str:
    """The history as CSV text, one row an epoch; epochs count from 1."""
    stream = io.StringIO()
    writer = CsvWriter(stream, "\n")
    writer.writerow(COLUMNS)
    for row in history:
        writer.writerow([_figure(name, row[name]) if name in row else "" for name in COLUMNS])
    return stream.getvalue()


def _figure(name: str, value: float) -> str:
    return str(int(value)) if name == "epoch" else f"{value:.6g}"
