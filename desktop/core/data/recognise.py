"""The look at data whose folders do not name the classes: what lies there, and how its labels may be read."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from desktop.core.data import read_names, read_tables, unpack
from desktop.core.data.dataset import (
    ALL,
    DatasetError,
    DatasetProblem,
    Interrupted,
    LabelledDataset,
    choose_split,
    class_problems,
    some,
)
from desktop.core.data.layouts import FOLDERS, NAMES, TABLE, LayoutNeededError, ListedPicture, Proposal, address_of
from desktop.core.data.read_folders import Files
from desktop.core.pictures.formats import SUPPORTED_SUFFIXES
from desktop.core.pictures.walk import FoundFile, natural_key, walk_images
from desktop.core.progress import IsCancelled, ReadProgress
from desktop.system.words import Template, phrase

_EVERY = 256
_MOSTLY = 0.8  # of the pictures
_SEVERAL = ("|", ";")  # between the labels of one cell
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
            raise DatasetError(
                "too-large", phrase("'{name}' holds more than {most:,} pictures", name=root.name, most=_MOST)
            )
    return out


def look(root: Path, progress: ReadProgress | None = None, cancelled: IsCancelled | None = None) -> list[Proposal]:
    """How the labels of the pictures below ``root`` may be read: by tables, by names. Empty: nothing tells them."""
    paths = pictures_below(root, progress, cancelled)
    if not paths:
        return []
    found = read_tables.proposals(root, read_tables.PictureIndex(paths))
    return [*found, *read_names.proposals(paths)]


_UNREAD = (".xlsx", ".xls", ".ods", ".mat", ".json", ".xml", ".sqlite", ".db", ".parquet", ".arrow", ".feather")


def unread_tables(root: Path) -> str:
    """What to say of files right in ``root`` that may hold the labels and are of no kind that is read; '' for none."""
    try:
        names = sorted(e.name for e in os.scandir(root) if e.name.lower().endswith(_UNREAD) and e.is_file())
    except OSError:
        return ""
    if not names:
        return ""
    return phrase(
        "{names} lie there: if the labels are in one of them, save it as a CSV table with a column of file names.",
        one="{names} lies there: if the labels are in it, save it as a CSV table with a column of file names.",
        count=len(names),
        names=some([f"'{name}'" for name in names[:4]]),
    )


def data_files(root: Path) -> str:
    """What to say of archives and arrays right in ``root``, each of which may be data of its own; '' for none."""
    endings = (".npz", *unpack.ENDINGS)
    try:
        names = sorted(e.name for e in os.scandir(root) if e.name.lower().endswith(endings) and e.is_file())
    except OSError:
        return ""
    return phrase("Or is it '{name}'? Then give that file.", name=names[0]) if names else ""


def has_tables(root: Path) -> bool:
    """Whether tables lie right in ``root``."""
    try:
        return any(entry.name.lower().endswith(read_tables.SUFFIXES) for entry in os.scandir(root))
    except OSError:
        return False


def contradictions(
    root: Path, found: LabelledDataset, progress: ReadProgress | None = None, cancelled: IsCancelled | None = None
) -> list[Proposal]:
    """Tables that label most of the pictures of ``found``, by a column that is called like a label's, and otherwise
    than their folders: each folder holds several of its labels (parts of a download, cameras, dates). Empty where one
    of the columns says what the folders say."""
    paths = pictures_below(root, progress, cancelled)
    index = read_tables.PictureIndex(paths)
    out = []
    for proposal in read_tables.proposals(root, index):
        rows, _ = read_tables.listing(root, proposal.layout, index)
        if not read_tables.is_usual(proposal.layout) or len(rows) < _MOSTLY * len(paths):
            continue
        labels: dict[str, set[str]] = {}
        for row in rows:
            labels.setdefault(row.path.rpartition("/")[0], set()).add(row.label)
        if all(len(held) == 1 for held in labels.values()):
            return []
        out.append(proposal)
    return out


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
            text = (
                "no table that names pictures was found in '{title}'"
                if kind == TABLE
                else "no pattern was found in the file names of '{title}'"
            )
            raise DatasetError(
                "no-layout",
                phrase(text, title=title),
                "'fovea data inspect' says what is.",
            )
        layout = seen[0].layout
    rows, odd = read_tables.listing(root, layout, index) if kind == TABLE else read_names.listing(layout, paths)
    if not rows:
        raise DatasetError(
            "no-images",
            phrase(
                "'{layout}' labels none of the {count:,} pictures in '{title}'",
                layout=layout,
                count=len(paths),
                title=title,
            ),
        )
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
    problems = [
        *said,
        *_said(layout, rows, there, odd),
        *_several(rows),
        *class_problems(classes, [int(n) for n in counts]),
    ]
    entries = Files(str(root), names, 0, prefixed, listed=True)
    return LabelledDataset(
        title, "folders", address, chosen, splits, classes, targets, entries, np.arange(len(targets)), tuple(problems),
    )  # fmt: skip


def _several(rows: Sequence[ListedPicture]) -> list[DatasetProblem]:
    """A caution where cells hold several labels each."""
    held = [row.label for row in rows if any(by in row.label for by in _SEVERAL)]
    if not held:
        return []
    text = phrase(
        "{count:,} pictures have several labels in one cell ('{label}'): each combination counts as a class of its own",
        one="a picture has several labels in its cell ('{label}'): each combination counts as a class of its own",
        count=len(held),
        label=held[0][:60],
    )
    return [DatasetProblem("several-labels", text, "caution")]


def _said(layout: str, rows: Sequence[ListedPicture], there: int, odd: dict[str, int]) -> list[DatasetProblem]:
    out = [DatasetProblem("layout", phrase("read by the layout '{layout}'", layout=layout), "info")]
    unlisted = there - len(rows) - odd.get("contradicting", 0)
    texts = {
        "unlabelled": (
            max(unlisted, 0),
            Template(
                "{count:,} pictures have no label in it and were not counted",
                "{count:,} picture has no label in it and was not counted",
            ),
        ),
        "missing": (
            odd.get("missing", 0),
            Template(
                "{count:,} rows of the table name pictures that are not there",
                "{count:,} row of the table names a picture that is not there",
            ),
        ),
        "contradicting": (
            odd.get("contradicting", 0),
            Template(
                "{count:,} pictures have several labels in it and were not counted",
                "{count:,} picture has several labels in it and was not counted",
            ),
        ),
    }
    for kind, (count, text) in texts.items():
        if count:
            what = "unlabelled" if kind != "missing" else "rows-without-picture"
            out.append(DatasetProblem(what, phrase(text, count=count), "caution"))
    return out


__all__ = ["FOLDERS", "NAMES", "TABLE", "look", "needed", "pictures_below", "read_listed"]
