"""The look at data whose folders do not name the classes: what lies there, and how its labels may be read."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

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
    some,
)
from desktop.core.data.layouts import FOLDERS, NAMES, TABLE, LayoutNeededError, ListedPicture, Proposal, address_of
from desktop.core.data.read_folders import Files
from desktop.core.pictures.formats import SUPPORTED_SUFFIXES
from desktop.core.pictures.walk import FoundFile, natural_key, walk_images
from desktop.core.progress import IsCancelled, ReadProgress
from desktop.system.words import Template, phrase

_EVERY = 256
_MOST = 2_000_000  # pictures
_FOOTER = 4 << 20  # bytes at the end of a Parquet file that are looked at


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
    """How the labels of the pictures below ``root`` may be read: by tables, by names. Empty: nothing tells them.

    Raises :class:`DatasetError` for data of a kind that is known and not read (Parquet), in words that say so.
    """
    paths = pictures_below(root, progress, cancelled)
    if not paths:
        parquet = sorted(path for path in root.glob("**/*.parquet"))[:1]
        if parquet:
            raise parquet_refusal(parquet[0])
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
    problems = [*said, *_said(layout, rows, there, odd), *class_problems(classes, [int(n) for n in counts])]
    entries = Files(str(root), names, 0, prefixed, listed=True)
    return LabelledDataset(
        title, "folders", address, chosen, splits, classes, targets, entries, np.arange(len(targets)), tuple(problems),
    )  # fmt: skip


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


def parquet_refusal(path: Path) -> DatasetError:
    """What to say of a Parquet file: what it holds, as far as its end tells, and how to make folders of it."""
    told = _features(path)
    what = f" ({told})" if told else ""
    hint = (
        "Write its pictures into a folder for each class with the package that made it, for instance: "
        "from datasets import load_dataset; rows = load_dataset('parquet', data_files=FILE)['train']; "
        "for i, row in enumerate(rows): row['image'].save(f'out/{row[\"label\"]}/{i}.png')."
    )
    return DatasetError(
        "unsupported-data",
        phrase("'{name}' is a Parquet file{what}, which Fovea does not read", name=path.name, what=what),
        hint,
    )


def _features(path: Path) -> str:
    """The columns that Hugging Face's note at the end of a Parquet file names, in words; empty where it has none."""
    try:
        with path.open("rb") as stream:
            size = stream.seek(0, os.SEEK_END)
            stream.seek(max(0, size - _FOOTER))
            footer = stream.read()
        text = footer.decode("utf-8", "replace")
        start = text.find('{"info"')
        if start < 0:
            return ""
        value: Any = json.JSONDecoder().raw_decode(text[start:])[0]
        features = value["info"]["features"]
        parts = []
        for name, facts in list(features.items())[:8]:
            kind = facts.get("_type", "") if isinstance(facts, dict) else ""
            names = facts.get("names") if isinstance(facts, dict) else None
            if kind == "Image":
                parts.append(phrase("pictures in column '{name}'", name=name))
            elif kind == "ClassLabel" and isinstance(names, list):
                parts.append(
                    phrase("classes in column '{name}': {value}", name=name, value=some([str(n) for n in names]))
                )
        return ", ".join(parts)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return ""


__all__ = ["FOLDERS", "NAMES", "TABLE", "look", "needed", "parquet_refusal", "pictures_below", "read_listed"]
