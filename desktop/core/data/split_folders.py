"""Where in a folder the labelled data lies: the splits in it, and the folders that only wrap them."""

from __future__ import annotations

import os
from pathlib import Path

from desktop.core.data.dataset import DatasetError, DatasetProblem, listed
from desktop.core.data.split_names import Part, part_of, parts_of, says_nothing
from desktop.core.pictures.formats import SUPPORTED_SUFFIXES
from desktop.core.pictures.walk import CLUTTER, is_picture, natural_key
from desktop.system.words import phrase

_PARTS: tuple[Part, ...] = ("train", "validation", "test")
_DEEPEST = 4  # folders that only wrap others


def find_splits(root: Path, notes: list[DatasetProblem]) -> tuple[Path, dict[str, str]]:
    """The folder to read from, and the splits in it with the place of each one's class folders; an archive's wrapping
    folder is looked through."""
    splits = _split_folders(root)
    inner = "" if splits else _wrapped(root)
    if inner:
        text = phrase(
            "the data was found {count} folders deeper, in '{inner}'",
            one="the data was found one folder deeper, in '{inner}'",
            count=inner.count("/") + 1,
            inner=inner,
        )
        notes.append(DatasetProblem("inner-folder", text, "info", inner))
        root = root / inner
        splits = _split_folders(root)
    if splits:
        beside = [name for name in visible_folders(root) if name not in splits]
        if beside:
            text = phrase(
                "{count:,} folders ({names}) beside the splits: not read",
                one="folder {names} beside the splits: not read",
                count=len(beside),
                names=listed(beside),
            )
            notes.append(DatasetProblem("beside-splits", text, "caution", beside[0]))
        notes += _alike(splits)
    return root, splits


def _wrapped(root: Path) -> str:
    """The folder in ``root`` that holds the classes or splits where all above it only wrap it (``archive/data``); empty
    where ``root`` holds several itself, or one class alone."""
    place, inner = root, ""
    for _ in range(_DEEPEST):
        folders = visible_folders(place)
        if len(folders) != 1 or _has_pictures(place):
            return ""
        place, inner = place / folders[0], f"{inner}/{folders[0]}" if inner else folders[0]
        if len(visible_folders_or_none(place)) > 1 and not _has_pictures(place):
            return inner
    return ""


def _alike(splits: dict[str, str]) -> list[DatasetProblem]:
    """Several splits for one purpose: which of them is meant is not guessed."""
    by_part: dict[str, list[str]] = {}
    for name, part in parts_of(list(splits)).items():
        by_part.setdefault(part, []).append(name)
    words = {
        "train": "{names} are both called like the pictures to learn from: merge them, or take one away",
        "validation": "{names} are both called like the pictures to validate with: merge them, or take one away",
        "test": "{names} are both called like the pictures to test with: merge them, or take one away",
    }
    return [
        DatasetProblem(
            "splits-alike",
            phrase(words[part], names=listed(names)),
            "stops-training",
            names[0],
        )
        for part, names in by_part.items()
        if len(names) > 1
    ]


def _split_folders(root: Path) -> dict[str, str]:
    """Folders that are called like a split and hold class folders, in the order train, validation, test; each with the
    place of its class folders (``seg_train/seg_train`` where a folder of its own name lies between).

    A class may be called 'train', too: a folder with pictures right in it is a split only where another split or its
    brothers say so. A few pictures that strayed beside the class folders change nothing.
    """
    names = visible_folders(root)
    parts = parts_of(names)
    inner: dict[str, tuple[str, list[str]]] = {}
    for name in parts:
        place, folders = name, visible_folders(root / name)
        if len(folders) == 1 and (folders[0] == name or part_of(folders[0]) == parts[name]):
            deeper = visible_folders(root / name / folders[0])
            if deeper and not _has_pictures(root / name):
                place, folders = f"{name}/{folders[0]}", deeper
        if folders:
            inner[name] = (place, folders)
    found = {}
    for name, (place, folders) in inner.items():
        others = {other for brother, (_, held) in inner.items() if brother != name for other in held}
        if len(folders) == 1 and says_nothing(folders[0]) and len(others - set(folders)) > 1:
            continue  # 'test/images' beside 'train' with its classes: these have none
        sure = bool(others & set(folders)) or set(names) <= set(parts)
        if sure or not _has_pictures(root / place):
            found[name] = place
    return dict(sorted(found.items(), key=lambda item: (_PARTS.index(parts[item[0]]), natural_key(item[0]))))


def visible_folders(folder: Path) -> list[str]:
    """The names of the folders right in ``folder``, without hidden ones and what systems leave, in natural order.
    Raises :class:`DatasetError` ``unreadable``."""
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in entries if not is_clutter(entry.name) and is_folder(entry)]
    except OSError as error:
        raise DatasetError(
            "unreadable", phrase("folder '{name}' cannot be read", name=folder.name), _advice(error)
        ) from error
    return sorted(names, key=natural_key)


def visible_folders_or_none(folder: Path) -> list[str]:
    """The same; none where they cannot be read."""
    try:
        return visible_folders(folder)
    except DatasetError:
        return []  # the walk tells of it


def _has_pictures(folder: Path) -> bool:
    with os.scandir(folder) as entries:
        return any(
            not is_clutter(e.name) and not is_folder(e) and is_picture(e.path, SUPPORTED_SUFFIXES) for e in entries
        )


def is_clutter(name: str) -> bool:
    """Whether a file or folder of this name is what a system left, or hidden."""
    return name.startswith(".") or name.casefold() in CLUTTER


def is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether ``entry`` is one, or a link to one; not where that cannot be told."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def _advice(error: OSError) -> str:
    return (
        phrase("This user may not read it.")
        if isinstance(error, PermissionError)
        else phrase("Check the drive and the folder.")
    )
