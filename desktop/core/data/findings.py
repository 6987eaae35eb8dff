"""What an inspection says of labelled pictures: each oddity with its pictures, and what may be done about it."""

from __future__ import annotations

import collections
from dataclasses import dataclass
from typing import Literal

import numpy as np

from desktop.core.data import bursts, fitness, near_duplicates
from desktop.core.data.dataset import LabelledDataset, Severity, listed, some
from desktop.core.data.persons import Grouping
from desktop.core.data.picture_facts import COLOUR_KINDS, PictureFacts
from desktop.core.data.split_names import parts_of
from desktop.system.words import Template, hold, phrase

Choice = Literal["keep", "keep-one", "leave-out"]
NEAR_KINDS = ("near-copies", "near-copies-across-splits", "near-label-conflict")
"""Findings whose groups are nearly the same pictures."""

_IMBALANCED, _VERY_IMBALANCED = 3.0, 10.0  # the largest class against the smallest
_FEW = 20  # pictures of a class below which little can be learnt
_TINY = 16  # pixels
# Of several pictures, and of one.
_CHANGED = {
    "windowed": Template(
        "{count:,} pictures have more than 8 bits and are windowed to 8",
        "{count:,} picture has more than 8 bits and is windowed to 8",
    ),
    "reduced-depth": Template(
        "{count:,} pictures have more than 8 bits and are reduced to 8",
        "{count:,} picture has more than 8 bits and is reduced to 8",
    ),
    "frames": Template(
        "{count:,} pictures have several frames: the first one is used",
        "{count:,} picture has several frames: the first one is used",
    ),
    "alpha": Template(
        "{count:,} pictures have transparent parts, which are laid on white",
        "{count:,} picture has transparent parts, which are laid on white",
    ),
    "cmyk": Template(
        "{count:,} pictures are in printing colours (CMYK) and are converted",
        "{count:,} picture is in printing colours (CMYK) and is converted",
    ),
    "upright": Template(
        "{count:,} pictures lie on their side and are turned upright",
        "{count:,} picture lies on its side and is turned upright",
    ),
    "inverted": Template(
        "{count:,} pictures are stored inverted and are turned over",
        "{count:,} picture is stored inverted and is turned over",
    ),
    "reduced-size": Template(
        "{count:,} pictures are very large and are read at a reduced size",
        "{count:,} picture is very large and is read at a reduced size",
    ),
    "no-data": Template(
        "{count:,} pictures have pixels without data, which are black",
        "{count:,} picture has pixels without data, which are black",
    ),
    "extra-bands": Template(
        "{count:,} pictures have more bands than are shown", "{count:,} picture has more bands than are shown"
    ),
    "window-shows-nothing": Template(
        "{count:,} pictures have a window of their own that shows nothing of them; it is left aside",
        "{count:,} picture has a window of its own that shows nothing of it; it is left aside",
    ),
    "no-end-mark": Template(
        "{count:,} pictures lack their end marks, nothing else", "{count:,} picture lacks its end mark, nothing else"
    ),
}
# Of copies, exact or near, all found or at least so many: in several classes, on both sides, in one class.
_SAME = {
    (True, True): (
        Template("the same picture in several classes: {count:,} times", "the same picture in several classes: once"),
        Template(
            "the same picture on both sides of a split: {count:,} times",
            "the same picture on both sides of a split: once",
        ),
        Template("the same picture more than once in a class: {count:,} spare"),
    ),
    (True, False): (
        Template(
            "the same picture in several classes: at least {count:,} times",
            "the same picture in several classes: at least once",
        ),
        Template(
            "the same picture on both sides of a split: at least {count:,} times",
            "the same picture on both sides of a split: at least once",
        ),
        Template("the same picture more than once in a class: at least {count:,} spare"),
    ),
    (False, True): (
        Template(
            "nearly the same picture in several classes: {count:,} times",
            "nearly the same picture in several classes: once",
        ),
        Template(
            "nearly the same picture on both sides of a split: {count:,} times",
            "nearly the same picture on both sides of a split: once",
        ),
        Template("nearly the same picture more than once in a class: {count:,} spare"),
    ),
    (False, False): (
        Template(
            "nearly the same picture in several classes: at least {count:,} times",
            "nearly the same picture in several classes: at least once",
        ),
        Template(
            "nearly the same picture on both sides of a split: at least {count:,} times",
            "nearly the same picture on both sides of a split: at least once",
        ),
        Template("nearly the same picture more than once in a class: at least {count:,} spare"),
    ),
}
_BY_NAMES = Template(
    "by the names of files and folders the pictures belong to {people:,} people or cases, {several:,} of them with "
    "several pictures: validation is cut by person"
)
_BY_NUMBERS = Template(
    "by DICOM's patient number the pictures belong to {people:,} people or cases, {several:,} of them with several "
    "pictures: validation is cut by person"
)
_BY_BOTH = Template(
    "by the names of files and folders and DICOM's patient numbers the pictures belong to {people:,} people or cases, "
    "{several:,} of them with several pictures: validation is cut by person"
)
_DOUBTS = ("test", "validation")


@dataclass(frozen=True, slots=True)
class Finding:
    """One oddity. ``names`` are entries it is about, ``groups`` entries that belong together (copies of one picture).

    ``choices`` are what may be done, the default first; empty where there is nothing to choose: ``keep`` all,
    ``keep-one`` of each group (its first), ``leave-out`` all. Kinds: those of
    :class:`~desktop.core.data.dataset.DatasetProblem`, and ``broken``, ``label-conflict``, ``copies-across-splits``,
    ``near-copies-across-splits``, ``copies``, ``near-copies``, ``near-label-conflict``, ``people-across-splits``,
    ``people``, ``bursts``, ``bursts-across-splits``, ``class-not-learnt`` and ``nothing-to-check-with`` (what
    :mod:`~desktop.core.data.fitness` finds), ``class-missing-in-split``, ``imbalance``, ``small-class``,
    ``tiny-pictures``, ``mixed-sizes``, ``mixed-colours``, ``changed-on-opening``.
    """

    kind: str
    message: str
    severity: Severity = "info"
    hint: str = ""
    names: tuple[str, ...] = ()
    groups: tuple[tuple[str, ...], ...] = ()
    choices: tuple[Choice, ...] = ()

    def __post_init__(self) -> None:
        hold(self, "message", "hint")

    def left_out(self, choice: str) -> set[str]:
        """The names that a training leaves out under ``choice``; none for a choice that this finding does not offer."""
        if choice not in self.choices or choice == "keep":
            return set()
        if choice == "keep-one":
            return {name for group in self.groups for name in group[1:]}
        return {*self.names, *(name for group in self.groups for name in group)}


def of(
    data: LabelledDataset, facts: PictureFacts, grouping: Grouping, near: np.ndarray, near_complete: bool
) -> tuple[Finding, ...]:
    """All findings, the gravest first. ``near`` int64 (pairs, 2): positions of nearly the same pictures."""
    found = [Finding(p.kind, p.message, p.severity) for p in data.problems]
    found += _broken(data, facts)
    exact, alike = _exact_groups(facts), near_duplicates.joined(near)
    found += _copies(data, exact, exact=True)
    found += _copies(data, alike, exact=False, complete=near_complete)
    found += _people(data, grouping)
    shots = _shots(data, facts)
    found += _bursts(data, shots)
    firm = [grouping.numbers.tolist(), _numbered(len(data), exact)]
    learn, check = fitness.sides(data, facts.opened, firm, [shots, _numbered(len(data), alike)])
    found += _obstacles(data, facts, learn, check)
    found += _classes(data, facts, learn, check)
    found += _looks(data, facts)
    rank = {"stops-training": 0, "caution": 1, "info": 2}
    return tuple(sorted(found, key=lambda f: rank[f.severity]))


def _numbered(count: int, groups: list[list[int]]) -> list[int | None]:
    out: list[int | None] = [None] * count
    for group in groups:
        for position in group:
            out[position] = group[0]
    return out


def _shots(data: LabelledDataset, facts: PictureFacts) -> list[int | None]:
    """The number of each picture's burst, where it is of one."""
    if data.kind != "folders":
        return [None] * len(data)
    names = [data.name(position) for position in range(len(data))]
    return bursts.keys(names, facts.thumbnails, lambda position: data.source(position).path)


def _bursts(data: LabelledDataset, shots: list[int | None]) -> list[Finding]:
    groups: dict[int, list[int]] = {}
    for position, number in enumerate(shots):
        if number is not None:
            groups.setdefault(number, []).append(position)
    if not groups:
        return []
    many = sum(map(len, groups.values()))
    text = phrase(
        "frames of one video or shots of one burst: {many:,} pictures in {count:,} groups", many=many, count=len(groups)
    )
    hint = "Each group stays on one side of the split: a frame says little of a network that learnt from the next one."
    out = [Finding("bursts", text, "info", hint, (), _named(data, list(groups.values())), ())]
    across = [group for group in groups.values() if len({data.split_of(i) for i in group}) > 1]
    if across:
        text = phrase(
            "frames of one video or shots of one burst on both sides of a split: {count:,} times",
            one="frames of one video or shots of one burst on both sides of a split: once",
            count=len(across),
        )
        hint = "Figures measured on such a split promise too much."
        out.append(Finding("bursts-across-splits", text, "caution", hint, (), _named(data, across), ("keep",)))
    return out


def _obstacles(data: LabelledDataset, facts: PictureFacts, learn: np.ndarray, check: np.ndarray) -> list[Finding]:
    """What training itself would refuse; classes without any picture that opens are told of elsewhere."""
    good = np.bincount(data.targets[facts.opened], minlength=len(data.classes)) > 0
    names = [name for name, there in zip(data.classes, good, strict=True) if there]
    number = np.cumsum(good) - 1
    learnt, checked = (number[data.targets[side]] for side in (learn, check))
    return [
        Finding(problem.kind, problem.message, problem.severity, fitness.HINTS[problem.kind])
        for problem in (fitness.obstacles(names, learnt, checked) if names else ())
    ]


def _broken(data: LabelledDataset, facts: PictureFacts) -> list[Finding]:
    entries = data.broken + tuple(facts.broken)
    out = []
    if entries:
        reasons = collections.Counter(entry.kind for entry in entries)
        listing = [f"{kind} {count:,}" for kind, count in reasons.most_common()]
        text = phrase(
            "pictures that do not open: {count:,} ({listing}); they are left out", count=len(entries), listing=listing
        )
        hint = "Copy them again from where they came, or go on without them."
        out.append(Finding("broken", text, "caution", hint, tuple(entry.name for entry in entries)))
    good = np.bincount(data.targets[facts.opened], minlength=len(data.classes))
    shut = [name for name, n, there in zip(data.classes, good, data.counts(), strict=True) if there and not n]
    if shut:
        text = phrase(
            "no picture of {count:,} classes ({names}) opens",
            one="no picture of class {names} opens",
            count=len(shut),
            names=listed(shut),
        )
        hint = "Put pictures that open into each of their folders."
        out.append(Finding("empty-class", text, "stops-training", hint))
    return out


def _exact_groups(facts: PictureFacts) -> list[list[int]]:
    keys = facts.sha256.view("V32").reshape(-1)
    held: dict[bytes, list[int]] = {}
    for position in np.flatnonzero(facts.opened).tolist():
        held.setdefault(keys[position].tobytes(), []).append(position)
    return [group for group in held.values() if len(group) > 1]


def _copies(data: LabelledDataset, groups: list[list[int]], exact: bool, complete: bool = True) -> list[Finding]:
    conflicts, across, same = [], [], []
    for group in groups:
        if len({int(data.targets[i]) for i in group}) > 1:
            conflicts.append(group)
        elif len({data.split_of(i) for i in group}) > 1:
            across.append(group)
        else:
            same.append(group)
    prefix = "" if exact else "near-"
    in_classes, on_sides, in_one = _SAME[exact, complete]
    out = []
    if conflicts:
        text = phrase(in_classes, count=len(conflicts))
        hint = "One of the labels is wrong: correct the folders, or leave these pictures out."
        choices: tuple[Choice, ...] = ("leave-out", "keep") if exact else ("keep", "leave-out")
        out.append(
            Finding(
                prefix + "label-conflict",
                text,
                "caution",
                hint,
                (),
                _named(data, conflicts),
                choices,
            )
        )
    if across:
        text = phrase(on_sides, count=len(across))
        hint = "What is checked with must not be learnt from: keep one of each."
        groups_named = _named(data, across)
        choices = ("keep-one", "keep") if exact else ("keep", "keep-one")
        out.append(Finding(prefix + "copies-across-splits", text, "caution", hint, (), groups_named, choices))
    if same:
        spare = sum(len(group) - 1 for group in same)
        text = phrase(in_one, count=spare)
        hint = "They are kept on one side of the split in any case."
        if not exact:
            hint = "Each group stays on one side of the split."
        choices = ("keep-one", "keep") if exact else ("keep", "keep-one")
        out.append(Finding(prefix + "copies", text, "info", hint, (), _named(data, same), choices))
    return out


def _named(data: LabelledDataset, groups: list[list[int]]) -> tuple[tuple[str, ...], ...]:
    """Names of each group; first the one to keep: a picture to check with goes before one to learn from."""

    parts = parts_of(data.splits)

    def rank(position: int) -> tuple[int, int]:
        part = parts.get(data.split_of(position), "train")
        return (_DOUBTS.index(part) if part in _DOUBTS else len(_DOUBTS)), position

    return tuple(tuple(data.name(i) for i in sorted(group, key=rank)) for group in groups)


def _people(data: LabelledDataset, grouping: Grouping) -> list[Finding]:
    if not grouping.tells:
        return []
    by = _BY_NAMES if grouping.named else _BY_NUMBERS
    if grouping.named and grouping.patients:
        by = _BY_BOTH
    splits: dict[int, set[str]] = {}
    members: dict[int, list[int]] = {}
    for position, number in enumerate(grouping.numbers.tolist()):
        splits.setdefault(number, set()).add(data.split_of(position))
        members.setdefault(number, []).append(position)
    several = [group for group in members.values() if len(group) > 1]
    out = [Finding("people", phrase(by, people=grouping.count, several=len(several)))]
    crossing = [members[number] for number, names in splits.items() if len(names) > 1]
    if crossing:
        text = phrase("people or cases with pictures on both sides of a split: {count:,}", count=len(crossing))
        hint = "Figures measured on such a split promise too much, unless each split numbers its people anew."
        out.append(Finding("people-across-splits", text, "caution", hint, (), _named(data, crossing), ("keep",)))
    return out


def _classes(data: LabelledDataset, facts: PictureFacts, learn: np.ndarray, check: np.ndarray) -> list[Finding]:
    """What the numbers of pictures to learn from say; where the data has no split to check with, those that will be cut
    off count as well."""
    out = []
    own = data.own_split("train") is not None and data.own_split("validation") is not None
    learning = learn if own else np.concatenate([learn, check])
    counts = np.bincount(data.targets[learning], minlength=len(data.classes))
    there = counts[counts > 0]
    there_at_all = np.bincount(data.targets[facts.opened], minlength=len(data.classes))
    if len(there) > 1:
        ratio = float(there.max() / there.min())
        if ratio >= _IMBALANCED:
            large, small = (data.classes[int(np.flatnonzero(counts == n)[0])] for n in (there.max(), there.min()))
            text = phrase(
                "class '{large}' has {ratio:.3g} times as many pictures as '{small}'",
                large=large,
                ratio=ratio,
                small=small,
            )
            severity: Severity = "caution" if ratio >= _VERY_IMBALANCED else "info"
            out.append(Finding("imbalance", text, severity, "Weigh the classes, or add pictures to the small ones."))
    few = [f"'{name}' ({n})" for name, n in zip(data.classes, counts, strict=True) if 1 < n < _FEW]
    if few:
        text = phrase("few pictures to learn from: {few}", few=some(few))
        out.append(Finding("small-class", text, "caution", "Add pictures, or start from a model that has learnt."))
    if data.splits and len(data):
        seen: dict[str, set[int]] = {}
        for position in np.flatnonzero(facts.opened).tolist():
            seen.setdefault(data.split_of(position), set()).add(int(data.targets[position]))
        for split, classes in seen.items():
            lacking = [n for i, n in enumerate(data.classes) if i not in classes and there_at_all[i]]
            if lacking:
                text = phrase(
                    "split '{split}' holds no picture of {count:,} classes: {names}",
                    one="split '{split}' holds no picture of class {names}",
                    split=split,
                    count=len(lacking),
                    names=listed(lacking),
                )
                out.append(Finding("class-missing-in-split", text, "caution"))
    return out


def _looks(data: LabelledDataset, facts: PictureFacts) -> list[Finding]:
    out = []
    good = np.flatnonzero(facts.opened)
    small = good[np.minimum(facts.width[good], facts.height[good]) < _TINY]
    if len(small):
        text = phrase("pictures of less than {tiny} pixels a side: {count:,}", tiny=_TINY, count=len(small))
        out.append(Finding("tiny-pictures", text, "caution", "", _names(data, small), (), ("keep", "leave-out")))
    sizes = {(w, h) for w, h in zip(facts.width[good].tolist(), facts.height[good].tolist(), strict=True)}
    if len(sizes) > 1:
        out.append(
            Finding(
                "mixed-sizes",
                phrase("the pictures have {count:,} different sizes; all are brought to one", count=len(sizes)),
            )
        )
    kinds = np.bincount(facts.colour[good], minlength=len(COLOUR_KINDS))
    if kinds[2] and kinds[0] + kinds[1]:
        grey, colour = int(kinds[0] + kinds[1]), int(kinds[2])
        text = phrase("grey pictures ({grey:,}) and colour pictures ({colour:,}) are mixed", grey=grey, colour=colour)
        rare = good[facts.colour[good] == 2] if colour < grey else good[facts.colour[good] < 2]
        hint = "If colour goes with one class only, the network may learn that instead of the subject."
        out.append(Finding("mixed-colours", text, "info", hint, _names(data, rare[:100])))
    for code, template in _CHANGED.items():
        if facts.notices[code]:
            number = facts.notices[code]
            text = phrase(template, count=number)
            names = tuple(data.name(i) for i in facts.noticed[code])
            out.append(Finding("changed-on-opening", text, "info", "", names))
    return out


def _names(data: LabelledDataset, positions: np.ndarray) -> tuple[str, ...]:
    return tuple(data.name(int(i)) for i in positions)
