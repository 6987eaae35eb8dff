"""Whether a model can be trained on labelled pictures: one rule for looking through data and for training itself."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np

from desktop.core.data.dataset import DatasetProblem, LabelledDataset, listed
from desktop.core.data.splits import cut, together
from desktop.system.words import phrase

FRACTION = 0.2
"""The part that is cut off to check with where nobody asked for another."""


def obstacles(classes: Sequence[str], learnt: np.ndarray, checked: np.ndarray) -> list[DatasetProblem]:
    """What keeps a training from starting; empty where nothing does.

    ``learnt`` and ``checked`` are the class numbers, int (n,), of the pictures to learn from and to check with, after
    the cut. Kinds: ``class-not-learnt``, ``nothing-to-check-with``.
    """
    out = []
    counts = np.bincount(learnt, minlength=len(classes)) if len(learnt) else np.zeros(len(classes), int)
    lacking = [name for name, count in zip(classes, counts, strict=True) if not count]
    if lacking:
        text = phrase(
            "there is no picture of {count:,} classes to learn from: {names}",
            one="there is no picture of {names} to learn from",
            count=len(lacking),
            names=listed(lacking),
        )
        out.append(DatasetProblem("class-not-learnt", text, "stops-training", lacking[0]))
    if not len(checked):
        most = int(counts.max(initial=0))
        text = (
            phrase("nothing is left to check with: each class has a single picture")
            if most <= 1
            else phrase(
                "nothing is left to check with: the pictures of each class belong together (one person's, copies, or "
                "frames of one video)"
            )
        )
        out.append(DatasetProblem("nothing-to-check-with", text, "stops-training"))
    return out


HINTS = {
    "class-not-learnt": "Add pictures of it to those to learn from, or leave the class out.",
    "nothing-to-check-with": "Add other pictures of each class, or pictures to check with in a folder 'val'.",
}
"""What to do about each kind of :func:`obstacles`."""


Columns = Sequence[Sequence[Hashable]]
"""Keys of n entries each; equal ones belong together, ``None`` says nothing."""


def groups_of(labels: np.ndarray, firm: Columns, alike: Columns, fraction: float, seed: int) -> list[int]:
    """The group of each picture for :func:`~desktop.core.data.splits.cut`: what ``firm`` joins (persons, copies), and
    what ``alike`` joins (near copies, shots in one go) except in classes of which that would leave none to check with,
    because all their pictures look alike. ``labels`` int (n,)."""
    sure = together(*firm) if firm else list(range(len(labels)))
    if not any(key is not None for column in alike for key in column):
        return sure
    every = together(*firm, *alike) if firm else together(*alike)
    wanted, found = (set(labels[cut(labels, groups, fraction, seed)[1]].tolist()) for groups in (sure, every))
    lost = wanted - found
    if not lost:
        return every
    free = np.isin(labels, list(lost)).tolist()
    rest = [[None if off else key for key, off in zip(column, free, strict=True)] for column in alike]
    return together(*firm, *rest) if firm else together(*rest)


def sides(data: LabelledDataset, opened: np.ndarray, firm: Columns, alike: Columns) -> tuple[np.ndarray, np.ndarray]:
    """The positions to learn from and to check with, int64, as a training that is asked for nothing else has them.

    ``opened`` bool (n,): which pictures open; ``firm`` and ``alike`` as :func:`groups_of` takes them.
    """
    train_name, check_name = data.own_split("train"), data.own_split("validation")
    where = np.array([data.split_of(position) for position in range(len(data))], dtype=object)
    train = np.flatnonzero(opened if train_name is None else opened & (where == train_name))
    if train_name is not None and check_name is not None:
        return train, np.flatnonzero(opened & (where == check_name))
    firm, alike = ([[column[i] for i in train.tolist()] for column in columns] for columns in (firm, alike))
    labels = data.targets[train]
    learn, check = cut(labels, groups_of(labels, firm, alike, FRACTION, 0), FRACTION, 0)
    return train[learn], train[check]
