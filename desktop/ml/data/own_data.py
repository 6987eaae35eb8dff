"""The user's own pictures, prepared for a plan: every split that the data has, kept in the cache."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from desktop.core.data import bursts, dataset, near_duplicates
from desktop.core.data.dataset import ALL, LabelledDataset
from desktop.core.data.fitness import groups_of
from desktop.core.data.open_data import open_dataset
from desktop.core.data.patient_names import problem_of_names, public_title
from desktop.core.data.splits import SplitLists
from desktop.core.progress import Progress, untold
from desktop.ml.data import cache
from desktop.ml.data.public_sets import DataError, Pictures, cut_validation, mapped
from desktop.ml.plans.plan import TrainingPlan
from desktop.system.words import phrase


class OwnData:
    """The data at a plan's ``path``. Names are those of an inspection: with the split before them, where there is one.

    A split of the data's own for training, validation or testing is respected; without one for training all pictures
    are for training, without one for validation a part of the training pictures is cut off. ``set_aside`` are pictures
    that do not open, with the reason, and those that the plan leaves out. ``fingerprint`` covers the pictures to learn
    from and to validate with, as they lie on disk. ``folder`` is the one that names are relative to (an archive's inner
    folder, where it has one); of arrays, their file.

    Raises :class:`DataError`, :class:`desktop.core.data.dataset.DatasetError`,
    :class:`desktop.ml.data.cache.CacheError`; what ``progress`` raises.
    """

    def __init__(self, plan: TrainingPlan, progress: Progress = untold, held: SplitLists | None = None) -> None:
        if not plan.data.path:
            raise DataError("no-data", "the plan does not say where its pictures lie", "Give the folder with --data.")
        self._plan = plan
        self._data = _opened(plan, progress)
        for names, what in ((plan.labels, "class"), ((plan.name,), "model")):
            problem = problem_of_names(self._data, names, what)
            if problem is not None:
                raise problem
        self.title = public_title(self._data, plan.data.title or self._data.title)
        self.folder = _folder_of(self._data)
        self._split_names = np.array([self._data.split_of(i) for i in range(len(self._data))], dtype=object)
        own = {part: self._data.own_split(part) for part in dataset.SPLIT_NAMES}
        self.has_validation = own["train"] is not None and own["validation"] is not None
        wanted = [own["train"], own["validation"]] if self.has_validation else [own["train"]]
        learning = self._part(wanted if own["train"] is not None else None)
        self._test_name = own["test"] if own["train"] is not None else None
        prepared = _prepared(learning, plan, progress)
        self.fingerprint = str(prepared.facts["fingerprint"])
        pictures, left_out = _without(mapped(prepared), plan.data.left_out)
        self.set_aside = prepared.set_aside + left_out
        pictures = _grouped(learning, pictures, plan, progress)
        if self.has_validation:
            checked = np.array([name.partition("/")[0] == own["validation"] for name in pictures.names])
            self.train, self.validation = (pictures.take(np.flatnonzero(side)) for side in (~checked, checked))
        else:
            alone = [None] * len(pictures)  # everybody for himself, where the plan wants no groups
            firm = [alone if pictures.groups is None else pictures.groups.tolist()]
            if pictures.sha256 is not None:
                firm.append([row.tobytes() for row in pictures.sha256])
            alike = _in_one_go(learning, pictures)
            taken = groups_of(pictures.labels, firm, alike, plan.data.validation, plan.seed)
            pictures = replace(pictures, clusters=np.array(taken, np.int64))
            again = _as_held(pictures, held)
            self.train, self.validation = again if again is not None else cut_validation(pictures, plan, taken)

    def test(self) -> Pictures | None:
        """The data's own test pictures, prepared now; ``None`` where it has none."""
        if self._test_name is None:
            return None
        part = self._part([self._test_name])
        if not len(part):
            return None
        pictures, _ = _without(mapped(_prepared(part, self._plan)), self._plan.data.left_out)
        return _grouped(part, pictures, self._plan, untold)

    def _part(self, splits: Sequence[str | None] | None) -> LabelledDataset:
        """The pictures of some splits (``None``: all of them) that belong to the plan's classes."""
        wanted = set(self._plan.data.classes or self._plan.labels)
        known = np.array([name in wanted for name in self._data.classes])
        good = known[self._data.targets]
        if splits is not None:
            good &= np.isin(self._split_names, [name for name in splits if name is not None])
        return self._data.take(np.flatnonzero(good))


class _Feed:
    """A part of the data, for the cache."""

    def __init__(self, data: LabelledDataset, classes: Sequence[str]) -> None:
        self._data = data
        number = {name: index for index, name in enumerate(classes)}
        self.names = [data.name(i) for i in range(len(data))]
        self.labels = np.array([number.get(name, -1) for name in data.classes], np.int64)[data.targets]

    def item(self, position: int) -> cache.CacheItem:
        source = self._data.source(position)
        return source, self._data.digest(position) if source.path is None else None


def _opened(plan: TrainingPlan, progress: Progress) -> LabelledDataset:
    assert plan.data.path is not None
    data = open_dataset(plan.data.path, ALL, lambda done, total: progress(0, 0))
    missing = sorted(set(plan.data.classes or plan.labels) - set(data.classes))
    if missing:
        raise DataError(
            "no-data",
            phrase("'{title}' has no class {missing}", title=data.title, missing=list(missing)),
            "Make the plan again.",
        )
    return data


def _folder_of(data: LabelledDataset) -> str:
    """The folder that the names of ``data`` are relative to: in an archive's inner folder they are to that."""
    if data.kind == "folders" and len(data):
        path, parts = data.source(0).path, data.name(0).split("/")
        if path is not None and os.path.normpath(path).split(os.sep)[-len(parts) :] == parts:
            return str(Path(path).parents[len(parts) - 1])
    return data.root


def _prepared(part: LabelledDataset, plan: TrainingPlan, progress: Progress = untold) -> cache.Prepared:
    if not len(part):
        raise DataError(
            "no-data",
            phrase("'{title}' holds no pictures to learn from", title=part.title),
            "'fovea data inspect' says why.",
        )
    classes = plan.data.classes or plan.labels
    key = cache.key_of([_state(part), list(classes)], plan.preprocess)
    found = cache.find(key)
    if found is not None:
        if not any(_opens(part, position) for position in found.facts.get("unread", ())):
            return found
        found = None  # lets go of its files: Windows keeps those that are mapped
        cache.drop(key)  # a file that could not be read then can be now

    def finish(sizes: np.ndarray, sha256: np.ndarray) -> dict[str, Any]:
        def known(position: int) -> tuple[int, str]:
            size = int(sizes[position])
            return size, sha256[position].tobytes().hex() if size >= 0 else "unreadable"

        return {"fingerprint": part.fingerprint(known=known), "unread": np.flatnonzero(sizes < 0).tolist()}

    return cache.make(key, _Feed(part, classes), plan.preprocess, progress, finish)


def _opens(part: LabelledDataset, position: int) -> bool:
    """Whether the file of an entry that could not be read can be read now."""
    path = part.source(position).path
    try:
        with open(path or "", "rb", buffering=0) as stream:
            return stream.read(1) is not None
    except (OSError, ValueError):
        return False


def _state(part: LabelledDataset) -> str:
    """What tells that the data is still what was prepared: of files their names, sizes and times (their content is not
    read again), of arrays the content."""
    if part.kind != "folders":
        return part.fingerprint()
    digest = hashlib.sha256(os.path.realpath(part.root).encode("utf-8", "surrogateescape"))
    for position in range(len(part)):
        path = part.source(position).path
        try:
            facts = os.stat(path) if path else None
        except OSError:
            facts = None
        told = (facts.st_size, facts.st_mtime_ns) if facts else None
        digest.update(f"{part.name(position)}\0{told}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def _in_one_go(part: LabelledDataset, pictures: Pictures) -> list[list[int | None]]:
    """Which ``pictures`` are nearly the same, and which were taken in one go: they stay on one side of a cut, whoever
    asks for it and whatever a look before has found. Of arrays nothing but their order is known, and they are left."""
    if part.kind != "folders":
        return []
    place = {part.name(i): i for i in range(len(part))}
    thumbnails = near_duplicates.thumbnails_of(pictures.images)
    alike: list[int | None] = [None] * len(pictures)
    for group in near_duplicates.of_images(pictures.images, thumbnails):
        for position in group:
            alike[position] = group[0]
    shots = bursts.keys(pictures.names, thumbnails, lambda position: part.source(place[pictures.names[position]]).path)
    return [alike, shots]


def _as_held(pictures: Pictures, held: SplitLists | None) -> tuple[Pictures, Pictures] | None:
    """The sides as a run that is taken up has them, where it has just these pictures: another version may cut
    otherwise."""
    if held is None or held.origin != "cut":
        return None
    place = {name: position for position, name in enumerate(pictures.names)}
    if len(place) != len(held.train) + len(held.validation) or place.keys() != {*held.train, *held.validation}:
        return None
    return (
        pictures.take(np.array([place[name] for name in held.train], np.int64)),
        pictures.take(np.array([place[name] for name in held.validation], np.int64)),
    )


def _without(pictures: Pictures, names: Sequence[str]) -> tuple[Pictures, tuple[tuple[str, str], ...]]:
    """The pictures without those of ``names``, and which these were, with the reason."""
    if not names:
        return pictures, ()
    unwanted = set(names)
    gone = np.array([name in unwanted for name in pictures.names], bool)
    left_out = tuple((pictures.names[i], "left out by the plan") for i in np.flatnonzero(gone))
    return pictures.take(np.flatnonzero(~gone)), left_out


def _grouped(part: LabelledDataset, pictures: Pictures, plan: TrainingPlan, progress: Progress) -> Pictures:
    """``pictures`` with a person's or case's number each, unless the plan wants none."""
    if plan.data.group == "none":
        return pictures
    place = {part.name(i): i for i in range(len(part))}
    kept = part.take([place[name] for name in pictures.names])
    grouping = kept.groups(lambda done, total: progress(0, 0))
    return replace(pictures, groups=grouping.numbers.astype(np.int64))
