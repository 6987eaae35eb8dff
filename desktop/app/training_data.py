"""Labelled pictures as a training takes them: look through them, decide what is left out and what stays together.

:func:`inspect_and_group` is what ``fovea train`` does; the window looks through a folder in a process of its own
(:mod:`desktop.engine.inspecting`) and hands what was found to :func:`grouped`. Both end in a :class:`TrainingData`,
whose :meth:`~TrainingData.plan` is the one builder of a plan's data part for pictures of the user's.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from desktop.core.drawings import kept
from desktop.core.types import FoveaError
from desktop.ml.plans.plan import USER, DataPlan

if TYPE_CHECKING:
    from desktop.core.data.dataset import LabelledDataset
    from desktop.core.data.inspection import Inspection, StageProgress
    from desktop.core.progress import IsCancelled

Group = Literal["none", "person", "auto"]


@dataclass(frozen=True, slots=True)
class TrainingData:
    """What a plan needs to know of labelled pictures at ``path``.

    ``classes`` are those learned, in order, ``counts`` the pictures of each. ``colour`` says that most pictures are in
    colour, ``side`` is the median of their shorter sides in pixels (0: not known). ``own_validation`` and ``own_test``
    say that the data has such a split. ``left_out`` names pictures that take no part, ``kept_together`` groups that
    stay on one side of the split; the other fields are those of :class:`desktop.ml.plans.plan.DataPlan`.
    """

    path: str
    title: str
    classes: tuple[str, ...]
    counts: tuple[int, ...] = ()
    colour: bool = True
    side: int = 0
    own_validation: bool = False
    own_test: bool = False
    fingerprint: str = ""
    left_out: tuple[str, ...] = ()
    kept_together: tuple[tuple[str, ...], ...] = ()
    validation: float = 0.2
    group: Group = "auto"
    limit: int = 0
    use_test: bool = True
    project: str = ""

    @property
    def drawings(self) -> bool:
        """Whether these are drawings that the user kept in the Draw view: ink, of which the size says nothing."""
        return kept.are_own(self.path)

    @property
    def labels(self) -> tuple[str, ...]:
        """What the classes are called: their folders' names, which for kept drawings are coded."""
        return kept.labels_of(self.classes) if self.drawings else self.classes

    @property
    def smallest(self) -> int:
        """The pictures of the smallest class."""
        return min(self.counts, default=0)

    def plan(self) -> DataPlan:
        """The data part of a plan."""
        return DataPlan(
            source=USER,
            validation=self.validation,
            group=self.group,
            classes=self.classes,
            path=self.path or None,
            title=self.title,
            fingerprint=self.fingerprint,
            limit=self.limit,
            use_test=self.use_test,
            left_out=self.left_out,
            kept_together=self.kept_together,
            project=self.project,
        )


def open_training_data(path: str) -> TrainingData:
    """What the names below ``path`` tell. Raises :class:`desktop.core.data.dataset.DatasetError` for a path that holds
    no labelled pictures, and :class:`FoveaError` where something must be mended first."""
    from desktop.core.data.dataset import ALL
    from desktop.core.data.open_data import open_dataset

    whole = open_dataset(path, ALL)
    stopping = [p for p in whole.problems if p.severity == "stops-training"]
    if stopping:
        raise FoveaError(stopping[0].kind, stopping[0].message, "'fovea data inspect' tells more.")
    train, validation, test = (whole.own_split(part) for part in ("train", "validation", "test"))
    learned = whole if train is None else open_dataset(path, train)
    there = [(name, int(n)) for name, n in zip(learned.classes, learned.counts(), strict=True) if n]
    _check_learnt(whole, dict(there))
    return TrainingData(
        path=os.path.abspath(whole.root),
        title=whole.title,
        classes=tuple(name for name, _ in there),
        counts=tuple(n for _, n in there),
        own_validation=train is not None and validation is not None,
        own_test=train is not None and test is not None,
    )


def _check_learnt(whole: LabelledDataset, counts: Mapping[str, int]) -> None:
    """Raise :class:`FoveaError` for a class that only pictures to check or test with have, as the look does."""
    import numpy as np

    from desktop.core.data import fitness

    names = [name for name, count in zip(whole.classes, whole.counts(), strict=True) if count]
    learnt = np.repeat(np.arange(len(names)), [counts.get(name, 0) for name in names])
    for problem in fitness.obstacles(names, learnt, np.zeros(1, np.int64)):
        raise FoveaError(problem.kind, problem.message, fitness.HINTS[problem.kind])


def grouped(data: TrainingData, found: Inspection, choices: Mapping[str, str] | None = None) -> TrainingData:
    """``data`` with what a look through it tells: pictures that do not open and spare copies are left out, near copies
    stay together. ``choices`` says otherwise for a kind of finding; what it does not name is done as recommended."""
    left_out = found.left_out(choices)
    return replace(
        data,
        fingerprint=found.fingerprint,
        colour=mostly_colour(found),
        side=usual_side(found),
        left_out=left_out,
        kept_together=found.kept_together(left_out),
    )


def mostly_colour(found: Inspection) -> bool:
    """Whether most pictures are in colour."""
    return 2 * found.colours.get("colour", 0) > found.total


def usual_side(found: Inspection) -> int:
    """The shorter side of the median size in pixels; 0 where no picture opens."""
    return min(found.sizes.median) if found.sizes is not None else 0


def inspect_and_group(
    data: TrainingData,
    near: bool = True,
    progress: StageProgress | None = None,
    cancelled: IsCancelled | None = None,
) -> TrainingData:
    """Look through ``data`` in this process, and do what is recommended about what is found.

    ``near`` also looks for nearly the same pictures. Raises :class:`desktop.core.data.dataset.DatasetError`.
    """
    from desktop.core.data.inspection import inspect

    return grouped(data, inspect(data.path, progress, cancelled, near=near))
