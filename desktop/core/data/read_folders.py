"""Class folders as labelled data: ``<class>/…`` or ``<split>/<class>/…``, through all levels below a class."""

from __future__ import annotations

import hashlib
import os
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from desktop.core.data.boxes import boxes
from desktop.core.data.dataset import (
    ALL,
    BrokenEntry,
    DatasetError,
    DatasetProblem,
    Interrupted,
    LabelledDataset,
    choose_split,
    class_problems,
    listed,
    some,
)
from desktop.core.data.persons import group_of_name
from desktop.core.data.split_folders import find_splits, is_clutter, is_folder, visible_folders, visible_folders_or_none
from desktop.core.data.split_names import part_of, parts_of
from desktop.core.pictures.formats import SUPPORTED_SUFFIXES
from desktop.core.pictures.walk import CLUTTER, FoundFile, is_picture, natural_key, walk_images
from desktop.core.progress import IsCancelled, ReadProgress
from desktop.core.types import ImageSource
from desktop.system.words import Template, phrase

_EVERY = 256
_MOST = 12  # names or sorts in a sentence
_MASK = re.compile(r"(.+?)[ ._-]*(?:mask|masks|seg|segmentation|groundtruth|ground[ _-]truth|gt|overlay)(?:[ _-]?\d+)?")
_SYSTEM, _HIDDEN, _BARE = "system files", "hidden files", "files without a suffix"
_SORTS = {
    _SYSTEM: Template("{count:,} system files"),
    _HIDDEN: Template("{count:,} hidden files"),
    _BARE: Template("{count:,} files without a suffix"),
}
_OF_SUFFIX = Template("{count:,} {suffix} files")


class Files:
    """Files below ``base``; a name holds ``skip`` folders (a split), its class's folder, the file's own part.

    ``moved`` tells the paths of those whose name is not their path; ``listed`` names hold no class's folder.
    """

    def __init__(
        self, base: str, names: list[str], skip: int, moved: dict[str, str] | None = None, listed: bool = False
    ) -> None:
        self._base = base
        self._names = names
        self._skip = skip
        self._moved = moved or {}
        self._listed = listed

    def __len__(self) -> int:
        return len(self._names)

    def name(self, position: int) -> str:
        return self._names[position]

    def record(self, position: int) -> str:
        if self._listed:
            return self._names[position]
        parts = self._names[position].split("/", self._skip + 1)
        return "/".join([*parts[: self._skip], parts[-1]])

    def path(self, position: int) -> str:
        name = self._names[position]
        return os.path.join(self._base, *self._moved.get(name, name).split("/"))

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
    root: Path,
    split: str | None,
    progress: ReadProgress | None = None,
    cancelled: IsCancelled | None = None,
    plain: bool = False,
) -> LabelledDataset:
    """The labelled pictures below ``root``. ``plain``: each folder in it is a class, whatever it is called and holds.

    Raises :class:`DatasetError` where there are none, or no such split.
    """
    title = root.name or "data"
    notes: list[DatasetProblem] = []
    base, splits = (root, {}) if plain else find_splits(root, notes)
    chosen, said = choose_split(title, tuple(splits), split)
    notes.extend(said)
    scan = _Scan(base, progress, cancelled)
    if chosen == ALL and splits:
        for place in splits.values():
            scan.classes(base / place, f"{place}/")
    else:
        scan.classes(base / splits[chosen] if chosen else base, "")
    if not plain:
        scan.leave_out_masks()
        notes += [*_doubts(base, scan, bool(splits)), *boxes(root)]
    below = splits.get(chosen, "")
    return scan.finish(title, root, chosen, tuple(splits), notes, below, skip=int(chosen == ALL and bool(splits)))


def _doubts(base: Path, scan: _Scan, splits: bool) -> list[DatasetProblem]:
    """What makes it doubtful that the folders are the classes: then training stops, with a proposal."""
    out = []
    names = sorted(scan.found, key=natural_key)
    parts = parts_of(names)
    if parts and (len(parts) > 1 or len(names) > 1):
        which = listed([name for name in names if name in parts])
        text = phrase(
            "folders called like splits of the data ({which}) lie where classes were expected: "
            "inside them there has to be a folder for each class; if they are classes, confirm "
            "it with the layout 'folders'",
            which=which,
        )
        out.append(DatasetProblem("classes-like-splits", text, "stops-training", next(iter(parts))))
    shared = _shared_folders(scan.found)
    if shared:
        first, others = shared
        text = phrase(
            "the folders {others} hold folders of the same names ({first}): perhaps those are "
            "the classes, or splits, or masks beside the pictures. Make them the upper folders, "
            "or leave one kind out; if all they hold belongs to the upper folder's class, "
            "confirm it with the layout 'folders'",
            others=listed(others),
            first=listed(first),
        )
        out.append(DatasetProblem("classes-hold-the-same", text, "stops-training", others[0]))
    return out


def _shared_folders(found: dict[str, set[str]]) -> tuple[list[str], list[str]] | None:
    """Folder names that several classes hold right below them, and those classes: two such names or more, or one that
    is called like a split. Numbers and persons are no such names: each class may count its own."""
    holders: dict[str, list[str]] = {}
    for name, inner in sorted(found.items(), key=lambda item: natural_key(item[0])):
        for folder in inner:
            if not any(letter.isalpha() for letter in folder) or group_of_name(folder) or folder[-1:].isdigit():
                continue
            holders.setdefault(folder.casefold(), []).append(name)
    several = {folder: names for folder, names in holders.items() if len(names) > 1}
    if len(several) < 2 and not any(part_of(folder) for folder in several):
        return None
    names = sorted({name for names in several.values() for name in names}, key=natural_key)
    return sorted(several, key=natural_key), names


class _Scan:
    """One reading: collects names and classes, and what is odd."""

    def __init__(self, base: Path, progress: ReadProgress | None, cancelled: IsCancelled | None) -> None:
        self._base = base
        self._real_base = os.path.realpath(base)
        self._progress = progress
        self._cancelled = cancelled
        self._names: list[str] = []
        self._class_of: list[str] = []
        self.found: dict[str, set[str]] = {}  # of each class, the folders right below it
        self._broken: list[BrokenEntry] = []
        self._problems: list[DatasetProblem] = []
        self._passed: Counter[str] = Counter()
        self._loops: list[str] = []
        self._strays: Counter[str] = Counter()  # pictures of other classes, reached by links of a class
        self._seen = 0

    def classes(self, folder: Path, prefix: str) -> None:
        """Read every class folder of ``folder``; names get ``prefix`` (a split, with its slash) before them."""
        self._beside(folder)
        for name in visible_folders(folder):
            place = folder / name
            if _holds(os.path.realpath(place), self._real_base):
                self._loops.append(name)
                continue
            self.found.setdefault(name, set()).update(visible_folders_or_none(place))
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
            if not isinstance(found, FoundFile):
                self._broken.append(BrokenEntry(entry, name, found.kind, found.message))
            elif inside.holds(os.path.dirname(found.path)):
                self._names.append(entry)
                self._class_of.append(name)
            else:
                left_out += 1
        if left_out:
            self._strays[name] += left_out

    def leave_out_masks(self) -> None:
        """Leave out what is called like the mask of a picture beside it ('x_mask.png' of 'x.png')."""
        stems = {os.path.splitext(name)[0].casefold() for name in self._names}
        masks = []
        for place, name in enumerate(self._names):
            folder, _, file = os.path.splitext(name)[0].casefold().rpartition("/")
            matched = _MASK.fullmatch(file)
            if matched and f"{folder}/{matched[1]}" in stems:
                masks.append(place)
        if not masks:
            return
        text = phrase(
            "{count:,} pictures that are called like the masks of others ('{name}') were left out; if they are "
            "pictures of their own, confirm that with the layout 'folders'",
            one="a picture that is called like the mask of another ('{name}') was left out; if it is a picture of its "
            "own, confirm that with the layout 'folders'",
            count=len(masks),
            name=self._names[masks[0]],
        )
        self._problems.append(DatasetProblem("masks-left-out", text, "caution"))
        gone = set(masks)
        self._names = [name for place, name in enumerate(self._names) if place not in gone]
        self._class_of = [name for place, name in enumerate(self._class_of) if place not in gone]

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
                if is_folder(entry) and not is_clutter(entry.name):
                    continue
                loose += self._sort_out(entry.path) == "picture"
        if loose:
            text = phrase(
                "{loose:,} pictures lie beside the class folders: they have no class and were not counted", loose=loose
            )
            self._problems.append(DatasetProblem("unlabelled", text, "caution"))

    def _clutter(self, place: Path) -> None:
        for folder, folders, files in os.walk(place, followlinks=False):
            for name in [*files, *(f for f in folders if is_clutter(f))]:
                self._sort_out(os.path.join(folder, name))
            folders[:] = [f for f in folders if not is_clutter(f)]
            if self._cancelled and self._cancelled():
                raise Interrupted

    def _sort_out(self, path: str) -> str:
        """Count what is no picture; returns its sort."""
        name = os.path.basename(path)
        suffix = os.path.splitext(name)[1].lower()
        if name.casefold() in CLUTTER:
            sort = _SYSTEM
        elif name.startswith("."):
            sort = _HIDDEN
        elif suffix in SUPPORTED_SUFFIXES or is_picture(path, SUPPORTED_SUFFIXES):
            return "picture"
        else:
            sort = _BARE if suffix in ("", ".") or suffix[1:].isdigit() else f"{suffix} files"
        self._passed[sort] += 1
        return sort

    def finish(
        self,
        title: str,
        root: Path,
        split: str,
        splits: tuple[str, ...],
        notes: list[DatasetProblem],
        below: str,
        skip: int,
    ) -> LabelledDataset:
        """The data as read."""
        if self._progress:
            self._progress(self._seen, self._seen)
        if not self._names and not self._broken:
            raise DatasetError("no-images", *self._nothing(title))
        merged = _merged(self.found)
        classes = tuple(sorted(set(merged.values()), key=natural_key))
        number = {name: classes.index(one) for name, one in merged.items()}
        targets = np.fromiter((number[name] for name in self._class_of), dtype=np.int32, count=len(self._class_of))
        counts = np.bincount(targets, minlength=len(classes))
        same = sorted(name for name, one in merged.items() if name != one)
        if same:
            told = listed(sorted({merged[name] for name in same}))
            text = phrase("folders whose names are written in two ways (accents) are one class: {told}", told=told)
            notes = [*notes, DatasetProblem("classes-merged", text, "info", same[0])]
        problems = notes + self._problems + class_problems(classes, [int(c) for c in counts]) + self._said()
        base = self._base / below if below else self._base
        entries = Files(str(base), self._names, skip)
        return LabelledDataset(
            title, "folders", str(root), split, splits, classes, targets, entries, np.arange(len(targets)),
            tuple(problems), tuple(self._broken), dict(self._passed),
        )  # fmt: skip

    def _nothing(self, title: str) -> tuple[str, str]:
        hint = phrase("Expected: a folder for each class, named after it, with that class's pictures inside.")
        if any(problem.kind == "unlabelled" for problem in self._problems):
            return phrase("'{title}' holds pictures but no class folders with pictures", title=title), hint
        if self.found:
            return phrase(
                "the class folders of '{title}' ({most}) hold no pictures",
                title=title,
                most=some(sorted(self.found), _MOST),
            ), hint
        return phrase("'{title}' holds no class folders", title=title), hint

    def _said(self) -> list[DatasetProblem]:
        out = []
        if self._loops:
            text = phrase("links back to the data itself, not read: {loops}", loops=listed(self._loops))
            out.append(DatasetProblem("link-out", text, "caution", self._loops[0]))
        if self._strays:
            names, number = list(self._strays), self._strays.total()
            text = phrase(
                "links to folders of other classes in {names}: {number:,} pictures there were left out",
                names=listed(names),
                number=number,
            )
            out.append(DatasetProblem("link-out", text, "caution", names[0]))
        clutter = {sort: n for sort, n in self._passed.items() if sort in (_SYSTEM, _HIDDEN)}
        other = {sort: n for sort, n in self._passed.items() if sort not in clutter}
        for kind, counts, severity in (("clutter", clutter, "info"), ("other-files", other, "caution")):
            if counts:
                listing = some(
                    [
                        phrase(_SORTS.get(sort, _OF_SUFFIX), count=count, suffix=sort.removesuffix(" files"))
                        for sort, count in sorted(counts.items())
                    ],
                    _MOST,
                )
                text = phrase("passed over, for they are no pictures: {listing}", listing=listing)
                out.append(DatasetProblem(kind, text, "info" if severity == "info" else "caution"))
        return out


def _merged(names: Iterable[str]) -> dict[str, str]:
    """Each folder's class: its name, and one for names that differ only in how their accents are composed."""
    held = list(names)
    composed = Counter(unicodedata.normalize("NFC", name) for name in held)
    return {name: one if composed[one := unicodedata.normalize("NFC", name)] > 1 else name for name in held}


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
