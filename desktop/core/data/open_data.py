"""Opening labelled data, whatever it is: which reader takes a path is decided here."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np

from desktop.core.data import layouts, parquet, read_tables, recognise, unpack
from desktop.core.data.dataset import DatasetError, DatasetProblem, LabelledDataset
from desktop.core.data.read_arrays import read_idx, read_npz
from desktop.core.data.read_cifar import read_cifar
from desktop.core.data.read_folders import read_folders
from desktop.core.data.read_labels_file import is_labels_file, read_labels
from desktop.core.progress import IsCancelled, ReadProgress
from desktop.system.words import phrase


def open_dataset(
    path: str | os.PathLike[str],
    split: str | None = None,
    progress: ReadProgress | None = None,
    cancelled: IsCancelled | None = None,
) -> LabelledDataset:
    """Read labelled data: a folder of class folders (with or without split folders), an archive of one, ``.npz``, IDX,
    CIFAR batches, labels of a labelling project; with a layout behind the path (see :mod:`desktop.core.data.layouts`)
    also pictures that a table or their names label.

    ``split`` names one of the data's splits, or :data:`ALL`. Without it the only one is read, or ``test`` where there
    is one; a choice is noted among the problems. Raises :class:`DatasetError`, and :class:`Interrupted` when cancelled.
    """
    place, layout = layouts.split_address(os.fspath(path))
    given = Path(os.path.abspath(place))
    title = given.name or phrase("data")
    try:
        if not given.is_dir() and not given.exists():
            raise DatasetError("not-found", phrase("'{title}' is not there", title=title), "Check the path.")
        found = None if layout else _arrays(given, split)
    except (OSError, ValueError) as error:
        raise DatasetError(
            "unreadable", phrase("'{title}' cannot be read ({name})", title=title, name=type(error).__name__)
        ) from error
    if found is not None:
        return found
    if is_labels_file(given):
        return read_labels(given)
    root = given
    if unpack.is_archive(given):
        root, title = unpack.unpacked(given, progress, cancelled), unpack.title_of(given)
        inner = None if layout else _arrays(root, split)
        if inner is not None:
            return replace(inner, title=title, root=str(given))
    elif parquet.is_parquet(given):
        root, title = parquet.written_out([given], title, progress, cancelled), given.stem
    elif given.is_file():
        root, layout = _of_file(given, title, layout)
    if layout and layout.partition(":")[0] != layouts.FOLDERS:
        return recognise.read_listed(root, layout, split, title, str(given), progress, cancelled)
    return _by_folders(root, given, title, layout, split, progress, cancelled)


def _arrays(given: Path, split: str | None) -> LabelledDataset | None:
    for reader in (read_npz, read_idx, read_cifar):
        found = reader(given, split)
        if found is not None:
            return found
    return None


def _of_file(given: Path, title: str, layout: str) -> tuple[Path, str]:
    """For a single file that holds no pictures itself: the folder and the layout that it stands for."""
    if given.suffix.lower() in read_tables.SUFFIXES and layout:
        return given.parent, layout
    if given.suffix.lower() in read_tables.SUFFIXES:
        seen = [proposal for proposal in recognise.look(given.parent) if proposal.kind == layouts.TABLE]
        if seen:
            raise recognise.needed(title, phrase("a table of labels was found"), seen)
        hint = "Its pictures have to lie in its folder or below, and another column has to name their classes."
        raise DatasetError(
            "unknown-data", phrase("'{title}' is no table that names pictures beside it", title=title), hint
        )
    hint = (
        "Give a folder with one folder for each class, an archive of one, an .npz file, IDX files, CIFAR-10's python "
        "batches, or a folder of pictures with a table of their labels."
    )
    raise DatasetError("unknown-data", phrase("'{title}' is no labelled data that Fovea knows", title=title), hint)


def _by_folders(
    root: Path,
    given: Path,
    title: str,
    layout: str,
    split: str | None,
    progress: ReadProgress | None,
    cancelled: IsCancelled | None,
) -> LabelledDataset:
    """Class folders; where they name no classes, what else may tell them is looked for."""
    address = layouts.address_of(str(given), layout)
    if layout:
        return replace(read_folders(root, split, progress, cancelled, plain=True), title=title, root=address)
    try:
        found = read_folders(root, split, progress, cancelled)
    except DatasetError as error:
        files = parquet.files_of(root) if error.kind in ("no-images", "no-split") and root.is_dir() else []
        if files and not recognise.pictures_below(root, progress, cancelled):
            found = read_folders(parquet.written_out(files, title, progress, cancelled), split, progress, cancelled)
            return replace(found, title=title, root=address)
        if error.kind not in ("no-images", "split-needed"):
            raise
        seen = recognise.look(root, progress, cancelled) if error.kind == "no-images" else []
        if not seen:
            unread = recognise.data_files(root) or recognise.unread_tables(root)
            if not unread:
                raise
            hint = phrase("{hint} {more}", hint=error.hint, more=unread) if error.hint else unread
            raise DatasetError(error.kind, error.message, hint) from error
        raise recognise.needed(title, phrase("pictures without a folder for each class were found"), seen) from error
    doubtful = [p for p in found.problems if p.kind in ("one-class", "classes-like-splits")]
    if not doubtful and np.count_nonzero(found.counts()) < 2:
        doubtful = [p for p in found.problems if p.kind == "empty-class"]
        inner = _only_one_with_pictures(root, given, found, title, split, progress, cancelled) if doubtful else None
        if inner is not None:
            return inner
    if not doubtful and recognise.has_tables(root):
        seen = recognise.contradictions(root, found, progress, cancelled)
        if seen:
            raise recognise.needed(
                title, phrase("a table gives the pictures other classes than their folders do"), seen
            )
    if doubtful:
        seen = recognise.look(root, progress, cancelled)
        if seen:
            raise recognise.needed(title, doubtful[0].message, seen)
    return replace(found, title=title, root=address)


def _only_one_with_pictures(
    root: Path,
    given: Path,
    found: LabelledDataset,
    title: str,
    split: str | None,
    progress: ReadProgress | None,
    cancelled: IsCancelled | None,
) -> LabelledDataset | None:
    """The classes in the one folder of ``root`` that holds pictures (``Images`` beside ``Annotation``); ``None`` where
    it holds no classes."""
    names = [name for name, count in zip(found.classes, found.counts(), strict=True) if count]
    if len(names) != 1 or found.splits or not (root / names[0]).is_dir():
        return None
    try:
        inner = _by_folders(root / names[0], given, title, "", split, progress, cancelled)
    except DatasetError:
        return None
    if np.count_nonzero(inner.counts()) < 2:
        return None
    text = phrase("of the folders there only '{name}' holds pictures: the classes are those in it", name=names[0])
    return replace(inner, problems=(DatasetProblem("inner-folder", text, "info", names[0]), *inner.problems))
