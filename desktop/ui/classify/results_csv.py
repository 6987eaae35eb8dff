"""A batch as a CSV file: for a spreadsheet on a desk as well as for a program.

UTF-8 with a byte-order mark: without one Excel on Windows, where most of these files are opened with a double
click, reads UTF-8 as the system's old code page and garbles every umlaut. pandas, readr and LibreOffice skip the
mark; plain Python reads it with ``encoding="utf-8-sig"``. Commas and decimal points whatever the locale, so that
the same file means the same everywhere.
"""

from __future__ import annotations

import io
import os
from codecs import BOM_UTF8
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Literal

from desktop.app.batch_columns import FAILED, INSIDE, OUTSIDE, PENDING, UNKNOWN, BatchColumns
from desktop.core.types import FoveaError
from desktop.system.csv_cells import CsvWriter
from desktop.system.files import disk_of, saying, write_atomically

if TYPE_CHECKING:
    from desktop.core.figures.public_names import NameHider, PublicNames
    from desktop.services.background import Task

PathStyle = Literal["public", "relative", "full"]
"""How pictures are called: as others may see it, by their place in the chosen folder, or by their whole path."""


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


def hider_of(batch: BatchColumns, style: PathStyle) -> NameHider | None:
    """What decides how the pictures of ``batch`` are called in a table that others may see; else ``None``."""
    from desktop.core.figures.public_names import NameHider

    return NameHider(batch.medical) if style == "public" else None


def csv_rows(
    batch: BatchColumns, style: PathStyle, rows: Sequence[int] | None = None, hider: NameHider | None = None
) -> Iterator[bytes]:
    """The table line by line, the header first; pictures without an answer yet are left out.

    ``rows`` are the positions to write, in order; by default all. ``hider`` is that of :func:`hider_of`.
    """
    hider = hider if hider is not None else hider_of(batch, style)
    line = io.StringIO(newline="")
    writer = CsvWriter(line)
    mark = BOM_UTF8
    for at in chain([-1], rows if rows is not None else range(len(batch))):
        if at >= 0 and batch.state[at] == PENDING:
            continue
        writer.writerow(_row(batch, at, style, hider) if at >= 0 else header(batch))
        # A file name may hold bytes that are no text at all; they must not end the export.
        yield mark + line.getvalue().encode("utf-8", "replace")
        mark = b""
        line.seek(0)
        line.truncate()


def header(batch: BatchColumns) -> list[str]:
    """The column names; one a class at the end where the scores of all classes are kept.

    ``answer`` is what the window says: 'no answer' where the picture is not of the model's kind or could not be read,
    a general word where the model cannot decide between kinds. ``label`` is the class by the model's decision rule. Of
    a model that knows words ``general_word`` is what it answers where it cannot decide between kinds, empty elsewhere.
    ``star`` and ``note`` are the user's own; the note of a picture whose name is hidden is left out. ``in_domain`` and
    ``domain_score`` are those of ``fovea predict --json``; empty where the model cannot tell.
    """
    names = ["path", *(name for name, _ in _columns(batch))]
    if batch.scores is not None:
        # Two classes may share a name; then their ids tell them apart.
        distinct = len(set(batch.labels)) == len(batch.labels)
        classes = batch.labels if distinct or not batch.label_ids else batch.label_ids
        names += [f"score {label}" for label in classes]
    return names


def _row(batch: BatchColumns, at: int, style: PathStyle, hider: NameHider | None) -> Iterator[str]:
    name = _path(batch, at, style)
    # The number is that of the list, so that a part of the table and the whole of it agree.
    shown = hider.take(name, at + 1) if hider is not None else name
    yield shown
    failed = batch.state[at] == FAILED
    for column, value in _columns(batch):
        text = value(batch, at) if column in _OF_ALL or failed == (column in _OF_FAILED) else ""
        if column == "note" and shown != name:
            text = ""  # whose name must be hidden is hidden: a note in free words may say it
        # An error names the file; it is called there as it is called before.
        yield text.replace(name.rsplit("/", 1)[-1], shown) if column == "error" and shown != name else text
    if batch.scores is not None:
        yield from [""] * len(batch.labels) if failed else map(_number, batch.scores[at].tolist())


def _answer(batch: BatchColumns, at: int) -> str:
    return "no answer" if batch.state[at] == FAILED or batch.inside[at] == OUTSIDE else batch.label(at)


def _columns(batch: BatchColumns) -> tuple[tuple[str, Callable[[BatchColumns, int], str]], ...]:
    return (*_COLUMNS, *_WORDED) if batch.worded else _COLUMNS


def _number(value: float) -> str:
    """Nine digits: enough to tell one float32 from another."""
    return f"{float(value):.9g}"


_OF_ALL = ("answer", "model", "star", "note")
_OF_FAILED = ("error_kind", "error")
"""The columns that pictures without an answer fill beside their name and the model; all others are empty there."""
_COLUMNS: tuple[tuple[str, Callable[[BatchColumns, int], str]], ...] = (
    ("answer", lambda batch, at: _answer(batch, at)),
    ("model", lambda batch, at: batch.model),
    ("label", lambda batch, at: batch.class_label(at)),
    ("score", lambda batch, at: _number(batch.label_score[at])),
    ("second_label", lambda batch, at: batch.labels[batch.second[at]] if batch.second[at] >= 0 else ""),
    ("second_score", lambda batch, at: _number(batch.second_score[at]) if batch.second[at] >= 0 else ""),
    ("notices", lambda batch, at: batch.notices(at)),
    ("error_kind", lambda batch, at: batch.errors[at][0]),
    ("error", lambda batch, at: batch.errors[at][1]),
    ("width", lambda batch, at: str(batch.size[at, 0])),
    ("height", lambda batch, at: str(batch.size[at, 1])),
    ("elapsed_ms", lambda batch, at: f"{float(batch.elapsed[at]):.3f}"),
    ("prepared_sha256", lambda batch, at: bytes(batch.sha[at]).hex()),
    ("in_domain", lambda batch, at: {INSIDE: "true", OUTSIDE: "false"}.get(int(batch.inside[at]), "")),
    ("domain_score", lambda batch, at: _number(batch.domain_score[at]) if batch.inside[at] != UNKNOWN else ""),
    ("star", lambda batch, at: "true" if batch.starred(at) else ""),
    ("note", lambda batch, at: batch.note(at)),
)
"""The file's columns after the picture's name: what each holds of a picture. A new one is a row here."""
_WORDED: tuple[tuple[str, Callable[[BatchColumns, int], str]], ...] = (
    ("general_word", lambda batch, at: batch.general_word(at)),
    ("general_score", lambda batch, at: _number(batch.score[at]) if batch.general_word(at) else ""),
)
"""Of models that know words."""


def _path(batch: BatchColumns, at: int, style: PathStyle) -> str:
    """Relative to the chosen folder with forward slashes; the name alone where none was chosen; or in full."""
    source = batch.sources[at]
    if source.path is None:
        return source.name
    if style == "full":
        return source.path
    folder = batch.folder(at).replace("\\", "/") if batch.has_root else ""
    if os.path.isabs(folder):
        return source.name  # outside the chosen folder
    return f"{folder}/{source.name}" if folder else source.name
