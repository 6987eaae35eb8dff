"""Labelled pictures: class folders, ``.npz`` files, IDX files and CIFAR batches behind one interface.

:func:`desktop.core.data.open_data.open_dataset` reads what there is and which class each entry has, no picture's
content: that comes one by one, through :meth:`LabelledDataset.source`. What is odd about the data is said in
``problems``; what cannot be read is listed in ``broken`` and never counted. Names are kept as relative text and classes
as numbers, so 100,000 files cost some twenty megabytes.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol

import numpy as np

from desktop.core.data.class_names import how_alike, is_label
from desktop.core.data.class_names import look_of as look_of
from desktop.core.data.persons import Grouping, Patients, PatientsOf, group_of_name, patients_of_files
from desktop.core.data.split_names import SPLIT_NAMES as SPLIT_NAMES
from desktop.core.data.split_names import Part as Part
from desktop.core.data.split_names import parts_of
from desktop.core.progress import IsCancelled, ReadProgress
from desktop.core.types import FoveaError, ImageSource
from desktop.system.words import hold, phrase

Severity = Literal["info", "caution", "stops-training"]
Kind = Literal["folders", "npz", "idx", "cifar"]

ALL = "all"
"""The name of the split that holds every split's pictures."""

_EVERY = 256  # entries between two looks at the callbacks
_NO_GROUP = "a file's own"
_NEVER_DICOM = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp")  # not opened to be asked


class DatasetError(FoveaError):
    """Data that cannot be read as labelled pictures.

    Kinds: ``not-found``, ``unreadable``, ``unknown-data``, ``unsupported-data``, ``no-images``, ``no-split``,
    ``split-needed``, ``too-large``, ``bad-data``, ``carries-code``, ``hostile``, ``disk-full``, ``needs-layout`` (see
    :class:`desktop.core.data.layouts.LayoutNeededError`), ``bad-layout``, ``no-layout``.
    """


class Interrupted(Exception):  # noqa: N818 - the user's wish, not an error
    """The caller's ``cancelled`` answered true."""


@dataclass(frozen=True, slots=True)
class DatasetProblem:
    """Something odd about the data. ``where`` is a name inside the data, never a path of this computer.

    Kinds: ``one-class``, ``empty-class``, ``classes-look-alike``, ``classes-like-splits``, ``classes-hold-the-same``,
    ``splits-alike``, ``single-image-class``, ``unlabelled``, ``rows-without-picture``, ``layout``, ``other-files``,
    ``clutter``, ``link-out``, ``beside-splits``, ``inner-folder``, ``split-chosen``, ``masks-left-out``,
    ``several-labels``. A severity of ``stops-training``
    still allows an evaluation.
    """

    kind: str
    message: str
    severity: Severity = "info"
    where: str = ""

    def __post_init__(self) -> None:
        hold(self, "message")


@dataclass(frozen=True, slots=True)
class BrokenEntry:
    """An entry that could not be read: its name inside the data, its class (may be empty), and why."""

    name: str
    class_name: str
    kind: str
    message: str

    def __post_init__(self) -> None:
        hold(self, "message")


@dataclass(frozen=True, slots=True)
class Item:
    """One labelled picture: ``position`` in the data, ``name`` inside it, ``target`` the number of its class."""

    position: int
    name: str
    target: int
    class_name: str
    source: ImageSource


class Entries(Protocol):
    """Where the pictures themselves are; positions are those of the whole reading, before any selection."""

    def __len__(self) -> int: ...

    def name(self, position: int) -> str:
        """The name inside the data, unique, with ``/`` between its parts."""
        ...

    def record(self, position: int) -> str:
        """The name as the fingerprint takes it: without the class."""
        ...

    def source(self, position: int) -> ImageSource:
        """What the decoder opens: a file, or lossless PNG bytes made now."""
        ...

    def digest(self, position: int) -> tuple[int, str]:
        """Size in bytes and SHA-256 of the content; ``(-1, "unreadable")`` where it cannot be read."""
        ...


@dataclass(frozen=True, eq=False)
class LabelledDataset:
    """Labelled pictures of one split.

    ``title`` is the last part of the chosen path. ``classes`` are in natural order; ``targets`` is int32 (n,), the
    class number of each entry. ``split`` is what was read, ``splits`` what there is (both empty where data has none).
    ``passed_over`` counts files that are no pictures, by a word for their sort.
    """

    title: str
    kind: Kind
    root: str
    split: str
    splits: tuple[str, ...]
    classes: tuple[str, ...]
    targets: np.ndarray
    entries: Entries = field(repr=False)
    rows: np.ndarray = field(repr=False)
    problems: tuple[DatasetProblem, ...] = ()
    broken: tuple[BrokenEntry, ...] = ()
    passed_over: dict[str, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.targets)

    def name(self, position: int) -> str:
        """The entry's name inside the data, for instance ``cats/cat.12.jpg``; unique."""
        return self.entries.name(int(self.rows[position]))

    def source(self, position: int) -> ImageSource:
        """What the decoder opens: the file, or PNG bytes made for this call (lossless, from uint8 arrays)."""
        return self.entries.source(int(self.rows[position]))

    def digest(self, position: int) -> tuple[int, str]:
        """Size in bytes and SHA-256 of one entry's content; ``(-1, "unreadable")`` where it cannot be read."""
        return self.entries.digest(int(self.rows[position]))

    def split_of(self, position: int) -> str:
        """The split that an entry belongs to; empty where the data has none."""
        return self.name(position).partition("/")[0] if self.split == ALL and self.splits else self.split

    def own_split(self, part: Part) -> str | None:
        """The data's own split for ``part``, where it has one that holds pictures; of data read with all its splits."""
        parts = parts_of(self.splits)
        named = [name for name in self.splits if parts.get(name) == part]
        there = {self.split_of(i) for i in range(len(self))} if named else set()
        return next((name for name in named if name in there), None)

    def item(self, position: int) -> Item:
        """Everything about one entry; ``position`` is 0 to ``len - 1``."""
        target = int(self.targets[position])
        return Item(position, self.name(position), target, self.classes[target], self.source(position))

    @property
    def items(self) -> Iterator[Item]:
        """The entries in order, each made when it is asked for."""
        return (self.item(position) for position in range(len(self)))

    def counts(self) -> np.ndarray:
        """How many entries each class has: int64 (classes,)."""
        return np.bincount(self.targets, minlength=len(self.classes))

    def take(self, positions: Sequence[int] | np.ndarray) -> LabelledDataset:
        """The entries at ``positions``, in that order; classes stay as they are."""
        chosen = np.asarray(positions, dtype=np.int64)
        return replace(self, targets=self.targets[chosen], rows=self.rows[chosen])

    def fingerprint(
        self,
        progress: ReadProgress | None = None,
        cancelled: IsCancelled | None = None,
        known: Callable[[int], tuple[int, str]] | None = None,
    ) -> str:
        """What identifies the data, whatever the folder is called and wherever it lies: 64 hexadecimal digits.

        SHA-256 over the line ``fovea-data-1`` and then one record an entry, sorted: class, name inside the class, size
        in bytes and SHA-256 of the content, joined by NUL and ended by a line feed. Names are UTF-8 in Unicode's
        composed form (macOS writes them decomposed). Array entries are named by their number and hashed as shape and
        pixels. Reads every file once, in pieces; ``known`` gives :meth:`digest` for a position where that was done.
        """
        digest_of = known or self.digest
        records = []
        for position in watched(range(len(self)), len(self), progress, cancelled):
            row = int(self.rows[position])
            size, content = digest_of(position)
            parts = (self.classes[int(self.targets[position])], self.entries.record(row), str(size), content)
            records.append(b"\0".join(_composed(part) for part in parts) + b"\n")
        records.sort()
        digest = hashlib.sha256(b"fovea-data-1\n")
        for record in records:
            digest.update(record)
        return digest.hexdigest()

    def groups(
        self,
        progress: ReadProgress | None = None,
        cancelled: IsCancelled | None = None,
        patients_of: PatientsOf = patients_of_files,
    ) -> Grouping:
        """Which entries belong together (several pictures of one person), for a split that keeps them on one side.

        From DICOM's patient number, which is never kept, or from names that carry a person or case (a file's, or a
        folder's inside its class): people are numbered by first appearance. An entry that says nothing is a group of
        its own. ``patients_of`` gives the patients of files, for callers that read the headers for more than this.
        """
        numbers: dict[tuple[str, str], int] = {}
        above = 2 if self.split == ALL and self.splits else 1  # the split's folder and the class's say no person
        out = np.empty(len(self), dtype=np.int32)
        named = scanned = 0

        def scan(position: int) -> str | None:
            # A scan's own number wins: names such as case_001 or IM-0001-0002 often count files, not people.
            name = self.name(position)
            plain = name.lower().endswith(_NEVER_DICOM) and group_of_name(name.split("/", above)[-1]) is not None
            return None if plain else self.source(position).path

        patients = Patients(scan, len(self), patients_of)
        for position in watched(range(len(self)), len(self), progress, cancelled):
            name = self.name(position)
            key = (_NO_GROUP, name)
            if self.kind == "folders":
                group = group_of_name(name.split("/", above)[-1])
                patient = patients.token(position)
                named += group is not None and patient is None
                scanned += patient is not None
                if group or patient:
                    key = ("patient", patient) if patient else ("name", str(group))
            out[position] = numbers.setdefault(key, len(numbers))
        return Grouping(out, len(numbers), named, scanned)


def watched(
    positions: range, total: int | None, progress: ReadProgress | None, cancelled: IsCancelled | None
) -> Iterator[int]:
    """``positions``, with a word to ``progress`` and a look at ``cancelled`` now and then and at the end."""
    for count, position in enumerate(positions):
        if count % _EVERY == 0:
            if cancelled and cancelled():
                raise Interrupted
            if progress:
                progress(count, total)
        yield position
    if progress:
        progress(len(positions), total)


def choose_split(title: str, splits: Sequence[str], wanted: str | None) -> tuple[str, tuple[DatasetProblem, ...]]:
    """Which of ``splits`` to read for ``wanted``; says so where more than one could have been meant.

    Raises :class:`DatasetError` of kind ``no-split`` or ``split-needed``, naming the splits that there are.
    """
    listing = list(splits)
    if wanted is not None:
        match = [name for name in splits if name == wanted] or [n for n in splits if n.lower() == wanted.lower()]
        if wanted == ALL:
            return (ALL if splits else ""), ()
        if not match:
            there = (
                phrase("Splits there: {listing}.", listing=listing)
                if splits
                else "It has no splits; leave the split out."
            )
            raise DatasetError(
                "no-split", phrase("'{title}' has no split '{wanted}'", title=title, wanted=wanted), there
            )
        return match[0], ()
    if len(splits) <= 1:
        return (splits[0] if splits else ""), ()
    for name in splits:
        if name.lower() == "test":
            note = DatasetProblem(
                "split-chosen",
                phrase("of the splits {listing} the split '{name}' was read", listing=listing, name=name),
                "info",
                name,
            )
            return name, (note,)
    raise DatasetError(
        "split-needed",
        phrase("'{title}' has the splits {listing}", title=title, listing=listing),
        "Say which one is meant.",
    )


def class_problems(classes: Sequence[str], counts: Sequence[int]) -> list[DatasetProblem]:
    """What is odd about the classes and how many pictures each has."""
    problems = []
    if len(classes) == 1:
        text = phrase("there is one class only, '{classes}': a classifier needs two or more", classes=classes[0])
        problems.append(DatasetProblem("one-class", text, "stops-training", classes[0]))
    empty, single = ([name for name, n in zip(classes, counts, strict=True) if n == few] for few in (0, 1))
    if empty:
        text = phrase(
            "{count:,} classes hold no pictures: {names}",
            one="class {names} holds no pictures",
            count=len(empty),
            names=listed(empty),
        )
        problems.append(DatasetProblem("empty-class", text, "stops-training", empty[0]))
    if single:
        text = phrase(
            "{count:,} classes ({names}) hold a single picture: it cannot be both learnt from and checked with",
            one="class {names} holds a single picture: it cannot be both learnt from and checked with",
            count=len(single),
            names=listed(single),
        )
        problems.append(DatasetProblem("single-image-class", text, "caution", single[0]))
    by_look: dict[str, list[str]] = {}
    for name in classes:
        by_look.setdefault(look_of(name), []).append(name)
    alike = [names for names in by_look.values() if len(names) > 1]
    if alike:
        told = some([" = ".join(f"'{name}'" for name in names) for names in alike])
        text = phrase(
            "the names of these classes look the same: {told}; {how}. Rename or merge their folders",
            told=told,
            how=how_alike(alike[0]),
        )
        problems.append(DatasetProblem("classes-look-alike", text, "stops-training", alike[0][0]))
    odd = [name for name in classes if not is_label(name)]
    if odd:
        text = phrase(
            "the names of {count:,} classes ({names}) hold characters that are no text. Rename their folders",
            one="the name of the class {names} holds characters that are no text. Rename its folder",
            count=len(odd),
            names=listed([ascii(name)[1:-1] for name in odd]),
        )
        problems.append(DatasetProblem("class-name-no-text", text, "stops-training", odd[0]))
    return problems


def some(words: Sequence[str], most: int = 8) -> str:
    """The first of ``words``, and how many more there are: a sentence about thousands of classes stays one."""
    rest = len(words) - most
    shown = list(words[:most])
    if rest <= 0:
        return phrase("{names}", names=shown)
    return phrase("{names} and {rest:,} more", names=shown, rest=rest)


def listed(names: Sequence[str], most: int = 8) -> str:
    """:func:`some` of ``names``, each in quotes."""
    return some([f"'{name}'" for name in names], most)


def _composed(text: str) -> bytes:
    return unicodedata.normalize("NFC", text).encode("utf-8", "surrogateescape")
