"""Cutting labelled pictures into a part to learn from and a part to check with, so that the check is honest.

Every class keeps its share, pictures that belong together (one person, copies of one file) stay on one side, and the
seed alone decides: the same data and seed always give the same cut.
"""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from desktop.core.evaluation_json import write_atomically
from desktop.core.types import FoveaError

SCHEMA = 1


class SplitError(FoveaError):
    """A stored split that does not fit the pictures any more, or cannot be read. Kinds: ``data-changed``,
    ``bad-split``."""


def cut(labels: np.ndarray, groups: Sequence[Hashable], fraction: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Positions to learn from and to check with, both int64 and ascending.

    ``labels`` int (n,), 0 and up; equal ``groups`` stay together; ``fraction`` of each class, 0 to 1, is to be checked
    with. Groups are drawn at random, class by class, until a class has its share; a group with pictures in several
    classes goes over with all of them. A class of one group only stays to be learnt from, and of the others something
    always does.
    """
    rng = np.random.default_rng([seed, 1])
    taken: set[Hashable] = set()
    left: dict[int, set[Hashable]] = {}
    for position, label in enumerate(labels.tolist()):
        left.setdefault(label, set()).add(groups[position])
    classes_of: dict[Hashable, set[int]] = {}
    for label, held in left.items():
        for group in held:
            classes_of.setdefault(group, set()).add(label)
    for label in range(int(labels.max(initial=-1)) + 1):
        members: dict[Hashable, list[int]] = {}
        for index in np.nonzero(labels == label)[0]:
            members.setdefault(groups[int(index)], []).append(int(index))
        order = list(members)
        rng.shuffle(order)
        wanted = fraction * int((labels == label).sum())
        count = 0
        for group in order:
            if count >= wanted:
                break
            if any(len(left[other] - {group}) == 0 for other in classes_of[group]):
                continue  # the last of a class: nothing would be left to learn it from
            taken.add(group)
            for other in classes_of[group]:
                left[other].discard(group)
            count += len(members[group])
    chosen = np.array([i for i, group in enumerate(groups) if group in taken], np.int64)
    rest = np.setdiff1d(np.arange(len(labels)), chosen)
    return rest, chosen


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

    def write(part: Path) -> None:
        part.write_text(split.to_json(), encoding="ascii", newline="\n")

    write_atomically(path, write)


def read_split(path: Path) -> SplitLists:
    """Read ``split.json``. Raises :class:`SplitError` ``bad-split``; FileNotFoundError where there is none."""
    try:
        raw = json.loads(path.read_text(encoding="ascii"))
        if raw.pop("schema") != SCHEMA:
            raise ValueError("schema")
        train, validation = (tuple(map(str, raw.pop(key))) for key in ("train", "validation"))
        aside = tuple((str(name), str(reason)) for name, reason in raw.pop("left_out"))
        return SplitLists(**raw, train=train, validation=validation, left_out=aside)
    except FileNotFoundError:
        raise
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise SplitError("bad-split", f"'{path.name}' of this run cannot be read") from error


def check_same(held: SplitLists, train: Iterable[str], validation: Iterable[str]) -> None:
    """Raise :class:`SplitError` ``data-changed`` unless the pictures are those that ``held`` lists."""
    for side, before, now in (("train", held.train, tuple(train)), ("validate", held.validation, tuple(validation))):
        if before != now:
            gone, new = len(set(before) - set(now)), len(set(now) - set(before))
            what = f"{gone:,} are missing and {new:,} are new" if gone or new else "their order is another"
            raise SplitError(
                "data-changed",
                f"the pictures to {side} with have changed since this run began: {what}",
                "Put them back as they were, or begin a new run.",
            )
