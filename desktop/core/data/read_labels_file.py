"""Labels in a file of Fovea's own (``.fovea-labels``): pictures anywhere on this computer, each with its class.

A labelling project hands its labels on in it, as they are at one moment: JSON lines, the first ``{"fovea-labels": 1,
"title": …}``, each other one ``[path, class]``. In ASCII: names that are no text survive as escapes.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from desktop.core.data.dataset import DatasetError, DatasetProblem, LabelledDataset, class_problems
from desktop.core.data.read_folders import Files
from desktop.core.pictures.walk import natural_key
from desktop.system import strict_json
from desktop.system.files import write_atomically
from desktop.system.words import phrase

SUFFIX = ".fovea-labels"
_SCHEMA = 1
_MOST_BYTES = 1 << 30
_MOST_LINE = 1 << 16
_MOST = 2_000_000


def is_labels_file(path: Path) -> bool:
    """Whether ``path`` is such a file, by its name."""
    return path.suffix.lower() == SUFFIX and path.is_file()


def write_labels(path: Path, title: str, rows: Iterable[tuple[str, str]]) -> None:
    """Write absolute paths with their classes; whole or not at all. Raises OSError."""

    def lines() -> Iterator[bytes]:
        yield json.dumps({"fovea-labels": _SCHEMA, "title": title}).encode("ascii") + b"\n"
        for file, label in rows:
            yield json.dumps([file, label]).encode("ascii") + b"\n"

    write_atomically(path, lines())


def read_labels(path: Path) -> LabelledDataset:
    """The labelled pictures of such a file, without splits. Raises :class:`DatasetError` (``bad-data``, ``too-large``,
    ``no-images``, ``unreadable``)."""
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise DatasetError(
                "too-large", phrase("'{name}' is larger than {most} MiB", name=path.name, most=_MOST_BYTES >> 20)
            )
        title, rows = _rows(path)
    except OSError as error:
        raise DatasetError(
            "unreadable", phrase("'{name}' cannot be read ({fault})", name=path.name, fault=type(error).__name__)
        ) from error
    if not rows:
        raise DatasetError("no-images", phrase("'{name}' names no pictures", name=path.name), "Label some first.")
    files = [file for file, _ in rows]
    root = common_folder(files)
    classes = tuple(sorted({label for _, label in rows}, key=natural_key))
    number = {name: place for place, name in enumerate(classes)}
    targets = np.fromiter((number[label] for _, label in rows), np.int32, len(rows))
    names = [relative(file, root) for file in files]
    counts = [int(n) for n in np.bincount(targets, minlength=len(classes))]
    problems = [DatasetProblem("layout", "labels of a labelling project"), *class_problems(classes, counts)]
    moved = {} if root else dict(zip(names, files, strict=True))
    entries = Files(root, names, 0, moved, listed=True)
    return LabelledDataset(
        title, "folders", str(path), "", (), classes, targets, entries, np.arange(len(rows)), tuple(problems)
    )


def common_folder(files: Sequence[str]) -> str:
    """The folder that holds all of ``files`` (absolute paths); '' where there is none (drives of Windows)."""
    try:
        return os.path.commonpath([os.path.dirname(path) for path in files]) if files else ""
    except ValueError:
        return ""


def relative(file: str, root: str) -> str:
    """``file`` from ``root`` on, with ``/`` between folders; the whole path where there is no root."""
    return os.path.relpath(file, root).replace(os.sep, "/") if root else file.replace(os.sep, "/")


def _rows(path: Path) -> tuple[str, list[tuple[str, str]]]:
    rows: dict[str, str] = {}
    with path.open("rb") as stream:
        head = _line(path, stream.readline(_MOST_LINE))
        if not isinstance(head, dict) or head.get("fovea-labels") != _SCHEMA:
            raise _bad(path)
        for line in iter(lambda: stream.readline(_MOST_LINE), b""):
            row = _line(path, line)
            if not (isinstance(row, list) and len(row) == 2 and all(isinstance(cell, str) and cell for cell in row)):
                raise _bad(path)
            if not os.path.isabs(row[0]) or "\0" in row[0]:
                raise _bad(path)
            rows[os.path.normpath(row[0])] = row[1]
            if len(rows) > _MOST:
                raise DatasetError(
                    "too-large", phrase("'{name}' names more than {most:,} pictures", name=path.name, most=_MOST)
                )
    title = head.get("title")
    return (title if isinstance(title, str) and title else path.stem), list(rows.items())


def _line(path: Path, line: bytes) -> object:
    try:
        return strict_json.loads(line, _MOST_LINE)
    except strict_json.JsonError as error:
        raise _bad(path) from error


def _bad(path: Path) -> DatasetError:
    return DatasetError(
        "bad-data", phrase("'{name}' is damaged, or no list of labels", name=path.name), "Hand the project on again."
    )
