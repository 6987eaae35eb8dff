"""Cutting labelled pictures into a part to learn from and a part to check with, so that the check is honest.

Every class keeps its share, pictures that belong together (one person, copies of one file) stay on one side, and the
seed alone decides: the same data and seed always give the same cut.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from desktop.core.types import FoveaError
from desktop.system import strict_json
from desktop.system.files import write_atomically
from desktop.system.words import phrase

SCHEMA = 1
_MOST_BYTES = 256 << 20


class SplitError(FoveaError):
    """A stored split that does not fit the pictures any more, or cannot be read. Kinds: ``data-changed``,
    ``bad-split``, ``one-group``."""


def cut(labels: np.ndarray, groups: Sequence[Hashable], fraction: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Positions to learn from and to check with, both int64 and ascending.

    ``labels`` int (n,), 0 and up; equal ``groups`` stay together; ``fraction`` of each class, 0 to 1, is to be checked
    with. Groups are drawn at random, class by class, until a class has its share; a group with pictures in several
    classes goes over with all of them. One that is so large that stopping short comes nearer to the share than taking
    it is passed over; where that leaves a class without any, its smallest group goes. A class of one group only stays
    to be learnt from, and of the others something always does.
    """
    rng = np.random.default_rng([seed, 1])
    sizes: dict[Hashable, dict[int, int]] = {}  # of each group, its pictures of each class
    members: dict[int, dict[Hashable, None]] = {}  # of each class, its groups in the order of the pictures
    for group, label in zip(groups, labels.tolist(), strict=True):
        held = sizes.setdefault(group, {})
        held[label] = held.get(label, 0) + 1
        members.setdefault(label, {})[group] = None
    wanted = {label: fraction * sum(sizes[group][label] for group in held) for label, held in members.items()}
    count = dict.fromkeys(members, 0)
    left = {label: len(held) for label, held in members.items()}  # groups to learn from
    taken: set[Hashable] = set()

    def last(group: Hashable) -> bool:
        return any(left[label] == 1 for label in sizes[group])

    def take(group: Hashable) -> None:
        taken.add(group)
        for label, size in sizes[group].items():
            count[label] += size
            left[label] -= 1

    def too_large(group: Hashable) -> bool:
        return any(_overshoots(wanted[label], count[label], size) for label, size in sizes[group].items())

    for label in sorted(members):
        order = list(members[label])
        rng.shuffle(order)
        for group in order:
            if count[label] >= wanted[label]:
                break
            if group not in taken and not last(group) and not too_large(group):
                take(group)
        if not count[label]:
            free = [group for group in order if not last(group)]
            if free:
                take(min(free, key=lambda group: sum(sizes[group].values())))
    chosen = np.array([i for i, group in enumerate(groups) if group in taken], np.int64)
    rest = np.setdiff1d(np.arange(len(labels)), chosen)
    return rest, chosen


def folds(labels: np.ndarray, groups: Sequence[Hashable], parts: int, seed: int) -> np.ndarray:
    """The part, 0 to ``parts`` − 1, in which each picture is checked in a cross-validation: int64 (n,).

    ``labels`` int (n,); equal ``groups`` stay in one part; every part gets its share of each class as far as the groups
    allow. Fewer parts where there are fewer groups. Raises :class:`SplitError` for fewer than two groups.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    numbers = {group: number for number, group in enumerate(dict.fromkeys(groups))}
    if len(numbers) < 2:
        raise SplitError("one-group", "all pictures belong together: none can check what was learned from the others")
    chosen = StratifiedGroupKFold(min(parts, len(numbers)), shuffle=True, random_state=seed)
    places = np.zeros(len(labels), np.int64)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a class with fewer pictures than parts is missing in some of them
        order = [numbers[group] for group in groups]
        for part, (_, inside) in enumerate(chosen.split(np.zeros(len(labels)), labels, order)):
            places[inside] = part
    return places


def _overshoots(wanted: float, count: int, size: int) -> bool:
    """Whether ``size`` more than ``count`` is clearly too many: further off than stopping short, and by more than one
    picture and a tenth of what is wanted (a little more than asked for does no harm)."""
    over, short = count + size - wanted, max(0.0, wanted - count)
    return over > short and over > max(1.0, wanted / 10)


def deviations(before: np.ndarray, held: np.ndarray, fraction: float) -> list[tuple[int, int, int, float]]:
    """Classes of which clearly another share than ``fraction`` is checked with: number, pictures held, of how many,
    and how many were wanted. ``before`` and ``held`` are class numbers, int (n,), of all pictures and of those held."""
    count = int(before.max(initial=-1)) + 1
    out = []
    all_of, held_of = np.bincount(before, minlength=count), np.bincount(held, minlength=count)
    for label, (total, found) in enumerate(zip(all_of.tolist(), held_of.tolist(), strict=True)):
        wanted = fraction * total
        if total and abs(found - wanted) > max(2.0, wanted / 4):
            out.append((label, found, total, wanted))
    return out


def together(*keys: Sequence[Hashable]) -> list[int]:
    """One group number a picture, joining pictures that are alike in any of ``keys`` (each of n entries; ``None`` says
    nothing). Numbers follow the first picture of each group."""
    count = len(keys[0])
    parent = list(range(count))

    def root(item: int) -> int:
        while parent[item] != item:
            parent[item] = parent[parent[item]]
            item = parent[item]
        return item

    for column in keys:
        first: dict[Hashable, int] = {}
        for position, key in enumerate(column):
            if key is not None:
                a, b = root(first.setdefault(key, position)), root(position)
                parent[max(a, b)] = min(a, b)
    return [root(position) for position in range(count)]


@dataclass(frozen=True, slots=True, eq=False)
class Cutting:
    """What :func:`cut` needs to know of labelled pictures, all of them that open, in the order of the data.

    ``names`` (n,) inside the data; ``labels`` int32 (n,) numbers of ``classes``; ``persons`` and ``contents`` int32
    (n,): equal numbers are of one person or case, or have the same content.
    """

    classes: tuple[str, ...]
    names: tuple[str, ...]
    labels: np.ndarray
    persons: np.ndarray
    contents: np.ndarray

    def counts(
        self,
        learned: Sequence[str],
        fraction: float,
        seed: int,
        by_person: bool = True,
        left_out: Iterable[str] = (),
        near: Iterable[Sequence[str]] = (),
    ) -> tuple[tuple[int, int], ...]:
        """How many pictures of each class of ``learned`` are learned from and checked with: as a training cuts them."""
        number = {name: at for at, name in enumerate(learned)}
        own = np.array([number.get(name, -1) for name in self.classes], np.int64)[self.labels]
        gone = set(left_out)
        rows = [at for at in np.flatnonzero(own >= 0).tolist() if self.names[at] not in gone]
        labels = own[rows]
        alike = {name: at for at, names in enumerate(near) for name in names}
        persons = self.persons[rows].tolist() if by_person else [None] * len(rows)
        groups = together(persons, [alike.get(self.names[at]) for at in rows], self.contents[rows].tolist())
        kept, held = cut(labels, groups, fraction, seed) if rows else (np.empty(0, np.int64), np.empty(0, np.int64))
        sides = [np.bincount(labels[side], minlength=len(learned)).tolist() for side in (kept, held)]
        return tuple(zip(*sides, strict=True))


@dataclass(frozen=True, slots=True)
class SplitLists:
    """Which pictures were on which side, by their names inside the data; kept with a run as ``split.json``.

    ``origin`` of the validation part: ``cut`` (by ``seed``, ``fraction`` and ``group``) or ``own`` (the data's own).
    ``left_out`` are pictures that took no part, with the reason.
    """

    seed: int
    fraction: float
    group: str
    origin: str
    fingerprint: str
    train: tuple[str, ...]
    validation: tuple[str, ...]
    left_out: tuple[tuple[str, str], ...] = ()

    def to_json(self) -> str:
        """JSON text; names that are no text survive."""
        raw: dict[str, Any] = {"schema": SCHEMA, **{name: getattr(self, name) for name in self.__dataclass_fields__}}
        return json.dumps(raw, indent=0) + "\n"


def write_split(path: Path, split: SplitLists) -> None:
    """Write ``split.json`` in one step. Raises OSError."""
    write_atomically(path, split.to_json())


def read_split(path: Path) -> SplitLists:
    """Read ``split.json``. Raises :class:`SplitError` ``bad-split``; FileNotFoundError where there is none."""
    try:
        raw = strict_json.read_object(path, _MOST_BYTES)
        if raw.pop("schema") != SCHEMA:
            raise ValueError("schema")
        train, validation = (tuple(map(str, raw.pop(key))) for key in ("train", "validation"))
        aside = tuple((str(name), str(reason)) for name, reason in raw.pop("left_out"))
        return SplitLists(**raw, train=train, validation=validation, left_out=aside)
    except FileNotFoundError:
        raise
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise SplitError("bad-split", phrase("'{name}' of this run cannot be read", name=path.name)) from error


def check_same(
    held: SplitLists,
    train: Iterable[str],
    validation: Iterable[str],
    fingerprint: str = "",
    left_out: Iterable[str] = (),
) -> None:
    """Raise :class:`SplitError` ``data-changed`` unless the pictures are those that ``held`` lists.

    ``fingerprint`` and the names ``left_out`` are those of the data now; where either side has no fingerprint, names
    alone are compared.
    """
    for side, before, now in (("train", held.train, tuple(train)), ("validate", held.validation, tuple(validation))):
        if before != now:
            gone, new = len(set(before) - set(now)), len(set(now) - set(before))
            what = (
                phrase("{gone:,} are missing and {new:,} are new", gone=gone, new=new)
                if gone or new
                else phrase("their order is another")
            )
            raise SplitError(
                "data-changed",
                phrase(
                    "the pictures to learn from have changed since this run began: {what}"
                    if side == "train"
                    else "the pictures to validate with have changed since this run began: {what}",
                    what=what,
                ),
                "Put them back as they were, or begin a new run.",
            )
    # It covers pictures that take no part as well: those may come and go.
    same_aside = [name for name, _ in held.left_out] == list(left_out)
    if held.fingerprint and fingerprint and held.fingerprint != fingerprint and same_aside:
        raise SplitError(
            "data-changed",
            phrase(
                "pictures have other content than when this run began, under the same names: the "
                "data's fingerprint is {fingerprint}, {fingerprint2} was expected",
                fingerprint=fingerprint[:12],
                fingerprint2=held.fingerprint[:12],
            ),
            "Put them back as they were, or begin a new run.",
        )
