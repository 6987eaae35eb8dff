"""Opening labelled data, whatever it is: which reader takes a path is decided here."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from desktop.core.data import layouts, read_tables, recognise, unpack
from desktop.core.data.dataset import DatasetError, LabelledDataset
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
    title = given.name or "data"
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
    if given.suffix.lower() == ".parquet":
        raise recognise.parquet_refusal(given)
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
        if error.kind not in ("no-images", "split-needed"):
            raise
        seen = recognise.look(root, progress, cancelled) if error.kind == "no-images" else []
        if not seen:
            raise
        raise recognise.needed(title, phrase("pictures without a folder for each class were found"), seen) from error
    doubtful = [p for p in found.problems if p.kind in ("one-class", "classes-like-splits")]
    if doubtful:
        seen = recognise.look(root, progress, cancelled)
        if seen:
            raise recognise.needed(title, doubtful[0].message, seen)
    return replace(found, title=title, root=address)
