"""The look at data whose folders do not name the classes: what lies there, and how its labels may be read."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from desktop.core.data import read_names, read_tables
from desktop.core.data.dataset import (
    ALL,
    DatasetError,
    DatasetProblem,
    Interrupted,
    LabelledDataset,
    choose_split,
    class_problems,
)
from desktop.core.data.layouts import FOLDERS, NAMES, TABLE, LayoutNeededError, ListedPicture, Proposal, address_of
from desktop.core.data.read_folders import Files
from desktop.core.pictures.formats import SUPPORTED_SUFFIXES
from desktop.core.pictures.walk import FoundFile, natural_key, walk_images
from desktop.core.progress import IsCancelled, ReadProgress

_EVERY = 256
_MOST = 2_000_000  # pictures


def pictures_below(root: Path, progress: ReadProgress | None = None, cancelled: IsCancelled | None = None) -> list[str]:
    """The paths of all pictures below ``root``, from there, with ``/`` between their parts."""
    start = len(str(root).rstrip(os.sep)) + 1
    out: list[str] = []
    for number, found in enumerate(walk_images([str(root)], SUPPORTED_SUFFIXES)):
        if number % _EVERY == 0:
            if cancelled and cancelled():
                raise Interrupted
            if progress:
                progress(number, None)
        if isinstance(found, FoundFile):
            out.append(found.path[start:].replace(os.sep, "/"))
        if len(out) > _MOST:
            raise DatasetError("too-large", f"'{root.name}' holds more than {_MOST:,} pictures")
    return out


def look(root: Path, progress: ReadProgress | None = None, cancelled: IsCancelled | None = None) -> list[Proposal]:
    """How the labels of the pictures below ``root`` may be read: by tables, by names. Empty: nothing tells them."""
    paths = pictures_below(root, progress, cancelled)
    if not paths:
        return []
    found = read_tables.proposals(root, read_tables.PictureIndex(paths))
    return [*found, *read_names.proposals(paths)]


def needed(title: str, found: str, proposals: Sequence[Proposal]) -> LayoutNeededError:
    """The stop with proposals."""
    return LayoutNeededError(title, found, proposals)


def read_listed(
    root: Path,
    layout: str,
    split: str | None,
    title: str,
    address: str,
    progress: ReadProgress | None = None,
    cancelled: IsCancelled | None = None,
) -> LabelledDataset:
    """The pictures below ``root`` as ``layout`` labels them; a bare ``table`` or ``names`` is the look's first proposal
    of that kind. ``address`` is where the data lies for the user. Raises :class:`DatasetError`."""
    kind = layout.partition(":")[0]
    paths = pictures_below(root, progress, cancelled)
    index = read_tables.PictureIndex(paths)
    if layout == kind:
        seen = read_tables.proposals(root, index) if kind == TABLE else read_names.proposals(paths)
        if not seen:
            what = "table that names pictures" if kind == TABLE else "pattern in the file names"
            raise DatasetError("no-layout", f"no {what} was found in '{title}'", "'fovea data inspect' says what is.")
        layout = seen[0].layout
    rows, odd = read_tables.listing(root, layout, index) if kind == TABLE else read_names.listing(layout, paths)
    if not rows:
        raise DatasetError("no-images", f"'{layout}' labels none of the {len(paths):,} pictures in '{title}'")
    return _dataset(root, layout, rows, len(paths), odd, split, title, address_of(address, layout))


def _dataset(
    root: Path,
    layout: str,
    rows: Sequence[ListedPicture],
    there: int,
    odd: dict[str, int],
    split: str | None,
    title: str,
    address: str,
) -> LabelledDataset:
    splits = tuple(sorted({row.split for row in rows if row.split}, key=natural_key))
    chosen, said = choose_split(title, splits, split)
    classes = tuple(sorted({row.label for row in rows}, key=natural_key))
    number = {name: place for place, name in enumerate(classes)}
    kept = [row for row in rows if chosen in ("", ALL, row.split)]
    names, prefixed = [], {}
    for row in kept:
        whole = bool(splits) and chosen == ALL and not row.path.startswith(f"{row.split}/")
        name = f"{row.split}/{row.path}" if whole else row.path
        if whole:
            prefixed[name] = row.path
        names.append(name)
    targets = np.fromiter((number[row.label] for row in kept), dtype=np.int32, count=len(kept))
    counts = np.bincount(targets, minlength=len(classes))
    problems = [*said, *_said(layout, rows, there, odd), *class_problems(classes, [int(n) for n in counts])]
    entries = Files(str(root), names, 0, prefixed, listed=True)
    return LabelledDataset(
        title, "folders", address, chosen, splits, classes, targets, entries, np.arange(len(targets)), tuple(problems),
    )  # fmt: skip


def _said(layout: str, rows: Sequence[ListedPicture], there: int, odd: dict[str, int]) -> list[DatasetProblem]:
    out = [DatasetProblem("layout", f"read by the layout '{layout}'", "info")]
    unlisted = there - len(rows) - odd.get("contradicting", 0)
    texts = {
        "unlabelled": (max(unlisted, 0), "pictures have no label in it and were not counted"),
        "missing": (odd.get("missing", 0), "rows of the table name pictures that are not there"),
        "contradicting": (odd.get("contradicting", 0), "pictures have several labels in it and were not counted"),
    }
    for kind, (count, text) in texts.items():
        if count:
            what = "unlabelled" if kind != "missing" else "rows-without-picture"
            out.append(DatasetProblem(what, f"{count:,} {text}", "caution"))
    return out


__all__ = ["FOLDERS", "NAMES", "TABLE", "look", "needed", "pictures_below", "read_listed"]
