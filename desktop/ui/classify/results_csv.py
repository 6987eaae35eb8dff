"""A batch as a CSV file: for a spreadsheet on a desk as well as for a program.

The rows are :mod:`desktop.app.batch_csv`'s; here they become a file, whole or not at all.
"""

from __future__ import annotations

import io
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from desktop.app.batch_csv import PathStyle, csv_rows
from desktop.core.types import FoveaError
from desktop.system.files import disk_of, saying, write_atomically

if TYPE_CHECKING:
    from desktop.app.batch_columns import BatchColumns
    from desktop.core.figures.public_names import PublicNames
    from desktop.services.background import Task


class ExportCancelledError(FoveaError):
    """The user stopped the export; the file that was there is as it was."""

    def __init__(self) -> None:
        super().__init__("cancelled", "the export was cancelled", "A file that was there is unchanged.")


def write_csv(path: str, batch: BatchColumns, style: PathStyle = "relative") -> int:
    """Write the finished pictures of ``batch`` to ``path`` at once and return their number; see :func:`write_whole`."""
    lines = list(csv_rows(batch, style))
    write_whole(path, lines)
    return len(lines) - 1


def write_key(path: str, naming: PublicNames) -> None:
    """Write which hidden name is which beside the table ``path``; raises as :func:`write_whole` does."""
    from desktop.core.figures.public_names import key_file

    text = io.StringIO(newline="")
    naming.write_key(text)
    write_whole(str(key_file(Path(path))), [BOM_UTF8, text.getvalue().encode("utf-8", "replace")])


def write_whole(path: str, chunks: Iterable[bytes]) -> None:
    """Write ``chunks`` to ``path`` such that the file appears whole or not at all.

    Raises :class:`FoveaError` (``disk-full``, ``not-writable``, ``not-saved``, or whatever ``chunks`` raises); the
    earlier file is then unchanged.
    """
    with saying(f"'{Path(path).name}'", disk_of(path)):
        write_atomically(path, chunks)


def received(pipe: SimpleQueue[bytes | None], task: Task) -> Iterator[bytes]:
    """What comes through ``pipe`` up to ``None``. Raises :class:`ExportCancelledError` once ``task`` is cancelled."""
    while True:
        try:
            chunk = pipe.get(timeout=0.2)
        except Empty:
            chunk = b""
        if task.cancelled:
            raise ExportCancelledError
        if chunk is None:
            return
        yield chunk
