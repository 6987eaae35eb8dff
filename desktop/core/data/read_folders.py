"""Class folders as labelled data: ``<class>/…`` or ``<split>/<class>/…``, through all levels below a class."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from pathlib import Path

import numpy as np

from desktop.core.data.dataset import (
    ALL,
    SPLIT_NAMES,
    BrokenEntry,
    Cancelled,
    DatasetError,
    DatasetProblem,
    Interrupted,
    LabelledDataset,
    Progress,
    choose_split,
    class_problems,
    listed,
    some,
)
from desktop.core.pictures.formats import SUPPORTED_SUFFIXES
from desktop.core.pictures.walk import Found, is_picture, natural_key, walk_images
from desktop.core.types import ImageSource

_SPLITS = tuple(name for names in SPLIT_NAMES.values() for name in names)
_SYSTEM = frozenset({"thumbs.db", "ehthumbs.db", "desktop.ini", ".ds_store", "__macosx", "$recycle.bin"})
_EVERY = 256
_MOST = 12  # names or sorts in a sentence


class _Files:
    """Files below ``base``; a name holds ``skip`` folders (a split), its class's folder, the file's own part."""

    def __init__(self, base: str, names: list[str], skip: int) -> None:
        self._base = base
        self._names = names
        self._skip = skip

    def __len__(self) -> int:
        return len(self._names)

    def name(self, position: int) -> str:
        return self._names[position]

    def record(self, position: int) -> str:
        parts = self._names[position].split("/", self._skip + 1)
        return "/".join([*parts[: self._skip], parts[-1]])

    def path(self, position: int) -> str:
        return os.path.join(self._base, *self._names[position].split("/"))

    def source(self, position: int) -> ImageSource:
        return ImageSource.from_path(self.path(position))

    def digest(self, position: int) -> tuple[int, str]:
        try:
            with open(self.path(position), "rb", buffering=0) as stream:
                digest = hashlib.file_digest(stream, "sha256")
                return stream.tell(), digest.hexdigest()
        except OSError:
            return -1, "unreadable"


def read_folders(
    root: Path, split: str | None, progress: Progress | None = None, cancelled: Cancelled | None = None
) -> LabelledDataset:
    """The labelled pictures below ``root``. Raises :class:`DatasetError` where there are none, or no such split."""
    title = root.name or "data"
    notes: list[DatasetProblem] = []
    base, splits = _find_splits(root, notes)
    chosen, said = choose_split(title, splits, split)
    notes.extend(said)
    scan = _Scan(base, progress, cancelled)
    if chosen == ALL and splits:
        for name in splits:
            scan.classes(base / name, f"{name}/")
    else:
        scan.classes(base / chosen if chosen else base, "")
    return scan.finish(title, root, chosen, splits, notes, skip=int(chosen == ALL and bool(splits)))


def _find_splits(root: Path, notes: list[DatasetProblem]) -> tuple[Path, tuple[str, ...]]:
    """The folder to read from, and the split folders in it; an archive's wrapping folder is looked through."""
    splits = _split_folders(root)
    if not splits:
        inner = _visible_folders(root)
        if len(inner) == 1 and _split_folders(root / inner[0]):
            text = f"the data was found one folder deeper, in '{inner[0]}'"
            notes.append(DatasetProblem("inner-folder", text, "info", inner[0]))
            root = root / inner[0]
            splits = _split_folders(root)
    if splits:
        beside = [name for name in _visible_folders(root) if name not in splits]
        if beside:
            whose = f"folder '{beside[0]}'" if len(beside) == 1 else f"{len(beside):,} folders ({listed(beside)})"
            text = f"{whose} beside the splits: not read"
            notes.append(DatasetProblem("beside-splits", text, "caution", beside[0]))
    return root, splits


def _split_folders(root: Path) -> tuple[str, ...]:
    """Folders that are called like a split and hold folders, not pictures: a class may be called 'train', too."""
    found = []
    for name in _visible_folders(root):
        if name.lower() in _SPLITS and _visible_folders(root / name) and not _has_pictures(root / name):
            found.append(name)
    return tuple(sorted(found, key=lambda name: _SPLITS.index(name.lower())))


def _visible_folders(folder: Path) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in entries if not _is_clutter(entry.name) and _is_folder(entry)]
    except OSError as error:
        raise DatasetError("unreadable", f"folder '{folder.name}' cannot be read", _advice(error)) from error
    return sorted(names, key=natural_key)


def _has_pictures(folder: Path) -> bool:
    with os.scandir(folder) as entries:
        return any(
            not _is_clutter(e.name) and not _is_folder(e) and is_picture(e.path, SUPPORTED_SUFFIXES) for e in entries
        )


def _is_clutter(name: str) -> bool:
    return name.startswith(".") or name.casefold() in _SYSTEM


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _advice(error: OSError) -> str:
    return "This user may not read it." if isinstance(error, PermissionError) else "Check the drive and the folder."


class _Scan:
    """One reading: collects names and classes, and what is odd."""

    def __init__(self, base: Path, progress: Progress | None, cancelled: Cancelled | None) -> None:
        self._base = base
        self._real_base = os.path.realpath(base)
        self._progress = progress
        self._cancelled = cancelled
        self._names: list[str] = []
        self._class_of: list[str] = []
        self._classes: set[str] = set()
        self._broken: list[BrokenEntry] = []
        self._problems: list[DatasetProblem] = []
        self._passed: Counter[str] = Counter()
        self._loops: list[str] = []
        self._strays: Counter[str] = Counter()  # pictures of other classes, reached by links of a class
        self._seen = 0

    def classes(self, folder: Path, prefix: str) -> None:
        """Read every class folder of ``folder``; names get ``prefix`` (a split, with its slash) before them."""
        self._beside(folder)
        for name in _visible_folders(folder):
            place = folder / name
            if _holds(os.path.realpath(place), self._real_base):
                self._loops.append(name)
                continue
            self._classes.add(name)
            self._one_class(place, name, prefix)
            self._clutter(place)

    def _one_class(self, place: Path, name: str, prefix: str) -> None:
        inside = _Inside(place, self._real_base)
        start = len(str(place)) + 1
        left_out = 0
        for found in walk_images([str(place)], SUPPORTED_SUFFIXES):
            self._tick()
            inner = found.path[start:].replace(os.sep, "/")
            entry = f"{prefix}{name}/{inner}" if inner else f"{prefix}{name}"
            if not isinstance(found, Found):
                self._broken.append(BrokenEntry(entry, name, found.kind, found.message))
            elif inside.holds(os.path.dirname(found.path)):
                self._names.append(entry)
                self._class_of.append(name)
            else:
                left_out += 1
        if left_out:
            self._strays[name] += left_out

    def _tick(self) -> None:
        if self._seen % _EVERY == 0:
            if self._cancelled and self._cancelled():
                raise Interrupted
            if self._progress:
                self._progress(self._seen, None)
        self._seen += 1

    def _beside(self, folder: Path) -> None:
        """Pictures that lie beside the class folders have no class; clutter there is counted as everywhere."""
        loose = 0
        with os.scandir(folder) as entries:
            for entry in entries:
                if _is_folder(entry) and not _is_clutter(entry.name):
                    continue
                loose += self._sort_out(entry.path) == "picture"
        if loose:
            text = f"{loose:,} pictures lie beside the class folders: they have no class and were not counted"
            self._problems.append(DatasetProblem("unlabelled", text, "caution"))

    def _clutter(self, place: Path) -> None:
        for folder, folders, files in os.walk(place, followlinks=False):
            for name in [*files, *(f for f in folders if _is_clutter(f))]:
                self._sort_out(os.path.join(folder, name))
            folders[:] = [f for f in folders if not _is_clutter(f)]
            if self._cancelled and self._cancelled():
                raise Interrupted

    def _sort_out(self, path: str) -> str:
        """Count what is no picture; returns its sort."""
        name = os.path.basename(path)
        suffix = os.path.splitext(name)[1].lower()
        if name.casefold() in _SYSTEM:
            sort = "system files"
        elif name.startswith("."):
            sort = "hidden files"
        elif suffix in SUPPORTED_SUFFIXES or is_picture(path, SUPPORTED_SUFFIXES):
            return "picture"
        else:
            sort = "files without a suffix" if suffix in ("", ".") or suffix[1:].isdigit() else f"{suffix} files"
        self._passed[sort] += 1
        return sort

    def finish(
        self,
        title: str,
        root: Path,
        split: str,
        splits: tuple[str, ...],
        notes: list[DatasetProblem],
        skip: int,
    ) -> LabelledDataset:
        """The data as read."""
        if self._progress:
            self._progress(self._seen, self._seen)
        if not self._names and not self._broken:
            raise DatasetError("no-images", *self._nothing(title))
        classes = tuple(sorted(self._classes, key=natural_key))
        number = {name: index for index, name in enumerate(classes)}
        targets = np.fromiter((number[name] for name in self._class_of), dtype=np.int32, count=len(self._class_of))
        counts = np.bincount(targets, minlength=len(classes))
        problems = notes + self._problems + class_problems(classes, [int(c) for c in counts]) + self._said()
        base = self._base / split if split and split != ALL else self._base
        entries = _Files(str(base), self._names, skip)
        return LabelledDataset(
            title, "folders", str(root), split, splits, classes, targets, entries, np.arange(len(targets)),
            tuple(problems), tuple(self._broken), dict(self._passed),
        )  # fmt: skip

    def _nothing(self, title: str) -> tuple[str, str]:
        hint = "Expected: a folder for each class, named after it, with that class's pictures inside."
        if any(problem.kind == "unlabelled" for problem in self._problems):
            return f"'{title}' holds pictures but no class folders with pictures", hint
        if self._classes:
            return f"the class folders of '{title}' ({some(sorted(self._classes), _MOST)}) hold no pictures", hint
        return f"'{title}' holds no class folders", hint

    def _said(self) -> list[DatasetProblem]:
        out = []
        if self._loops:
            text = f"links back to the data itself, not read: {listed(self._loops)}"
            out.append(DatasetProblem("link-out", text, "caution", self._loops[0]))
        if self._strays:
            names, number = list(self._strays), self._strays.total()
            text = f"links to folders of other classes in {listed(names)}: {number:,} pictures there were left out"
            out.append(DatasetProblem("link-out", text, "caution", names[0]))
        clutter = {sort: n for sort, n in self._passed.items() if sort in ("system files", "hidden files")}
        other = {sort: n for sort, n in self._passed.items() if sort not in clutter}
        for kind, counts, severity in (("clutter", clutter, "info"), ("other-files", other, "caution")):
            if counts:
                listing = some([f"{count:,} {sort}" for sort, count in sorted(counts.items())], _MOST)
                text = f"passed over, for they are no pictures: {listing}"
                out.append(DatasetProblem(kind, text, "info" if severity == "info" else "caution"))
        return out


class _Inside:
    """Whether folders met in the walk really belong to a class: a link may lead into another class's pictures."""

    def __init__(self, place: Path, base: str) -> None:
        self._real = os.path.realpath(place)
        self._base = base
        self._known: dict[str, bool] = {str(place): True}

    def holds(self, folder: str) -> bool:
        """The verdict over a folder at or below the class's own; one reached through another class is out."""
        chain = []
        while folder not in self._known:
            chain.append(folder)
            folder = os.path.dirname(folder)
        verdict = self._known[folder]
        for folder in reversed(chain):
            if verdict:
                real = os.path.realpath(folder)
                verdict = _holds(self._real, real) or not _holds(self._base, real)
            self._known[folder] = verdict
        return verdict


def _holds(outer: str, inner: str) -> bool:
    """Whether ``inner`` is ``outer`` or lies in it; both real paths."""
    return inner == outer or inner.startswith(outer.rstrip(os.sep) + os.sep)
