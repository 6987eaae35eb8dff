"""The pictures of a plan, ready for training: read, prepared, split, and what a card must say of them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from desktop.core import datasets
from desktop.core.decode import decode
from desktop.core.preprocess import prepare
from desktop.core.types import FoveaError
from desktop.ml import data
from desktop.ml.data import DataError, Pictures
from desktop.ml.plan import USER, TrainingPlan

Progress = Callable[[int, int], None]
"""Hears how many pictures are prepared, and of how many. May raise, for instance to cancel."""

_TRAIN, _VALIDATION, _TEST = ("train", "training"), ("validation", "valid", "val"), ("test", "testing")


@dataclass(frozen=True, slots=True, eq=False)
class Gathered:
    """All that a training needs to know of its data.

    ``test`` is empty of pictures until :meth:`open_test` is called, once, after everything was chosen. ``title`` is the
    set's name or the folder's own; ``fingerprint`` what identifies the data; ``set_aside`` pictures that could not be
    read, by name and reason; ``own_validation`` says that the data came with a validation split.
    """

    train: Pictures
    validation: Pictures
    kind: Literal["public set", "own pictures"]
    title: str
    licence: str
    fingerprint: str
    set_aside: tuple[tuple[str, str], ...]
    own_validation: bool
    open_test: Callable[[], Pictures | None]


def gather(plan: TrainingPlan, run: Path, root: Path | None = None, progress: Progress = lambda d, t: None) -> Gathered:
    """The pictures of ``plan``. ``run`` is the training's folder, ``root`` where the public sets lie.

    Raises :class:`DataError` or :class:`desktop.core.datasets.DatasetError` when the data is not there or unfit.
    """
    return _user(plan, progress) if plan.data.source == USER else _public(plan, root)


def _public(plan: TrainingPlan, root: Path | None) -> Gathered:
    source = data.source_of(plan.data)
    whole = data.load_split(plan, "train", root)
    train, validation = data.cut_validation(whole, plan)
    return Gathered(
        _limited(train, plan),
        validation,
        "public set",
        source.title,
        source.licence,
        f"file sha256 {source.sha256}; prepared training split sha256 {whole.fingerprint()}",
        (),
        False,
        lambda: data.load_split(plan, "test", root) if plan.data.use_test else None,
    )


def _user(plan: TrainingPlan, progress: Progress) -> Gathered:
    if not plan.data.path:
        raise DataError("no-data", "the plan does not say where its pictures lie", "Give the folder with --data.")
    path = plan.data.path
    whole = datasets.open_dataset(path, datasets.ALL)
    names = {name.lower(): name for name in whole.splits}
    own = {
        part: next((names[n] for n in wanted if n in names), None)
        for part, wanted in (("train", _TRAIN), ("validation", _VALIDATION), ("test", _TEST))
    }
    training = datasets.open_dataset(path, own["train"]) if own["train"] else whole
    aside: list[tuple[str, str]] = []
    pictures = _prepared(training, plan, progress, aside)
    held = datasets.open_dataset(path, own["validation"]) if own["train"] and own["validation"] else None
    if held is not None and len(held):
        train, validation = pictures, _prepared(held, plan, progress, aside)
    else:
        train, validation = data.cut_validation(pictures, plan)

    def open_test() -> Pictures | None:
        if not plan.data.use_test or not own["train"] or not own["test"]:
            return None
        return _prepared(datasets.open_dataset(path, own["test"]), plan, progress, [])

    fingerprint = hashlib.sha256((train.fingerprint() + validation.fingerprint()).encode()).hexdigest()
    return Gathered(
        _limited(train, plan),
        validation,
        "own pictures",
        plan.data.title or training.title,
        "the user's own",
        plan.data.fingerprint or f"prepared pictures sha256 {fingerprint}",
        tuple(aside),
        held is not None,
        open_test,
    )


def _prepared(
    found: datasets.LabelledDataset, plan: TrainingPlan, progress: Progress, aside: list[tuple[str, str]]
) -> Pictures:
    wanted = {name: i for i, name in enumerate(plan.data.classes or plan.labels)}
    missing = sorted(set(wanted) - set(found.classes))
    if missing:
        raise DataError("no-data", f"'{found.title}' has no class {', '.join(missing)}", "Make the plan again.")
    images, labels, names = [], [], []
    left_out = set(plan.data.left_out)
    for item in found.items:
        progress(item.position, len(found))
        if item.class_name not in wanted or item.name in left_out:
            continue
        try:
            images.append(prepare(decode(item.source), plan.preprocess).pixels)
        except FoveaError as error:
            aside.append((item.name, error.message))
            continue
        labels.append(wanted[item.class_name])
        names.append(item.name)
    if not images:
        raise DataError("no-data", f"'{found.title}' holds no pictures that can be read")
    return Pictures(np.stack(images), np.array(labels, np.int64), tuple(names))


def _limited(train: Pictures, plan: TrainingPlan) -> Pictures:
    """``data.limit`` of the pictures, drawn by the seed, every class in proportion and with at least one."""
    limit = plan.data.limit
    if not limit or limit >= len(train):
        return train
    rng = np.random.default_rng([plan.seed, 6])
    shuffled = rng.permutation(len(train))
    # Each picture's place within its class, as a fraction: the smallest fractions give every class its share.
    place = np.empty(len(train))
    for label in np.unique(train.labels):
        own = shuffled[train.labels[shuffled] == label]
        place[own] = np.arange(len(own)) / len(own)
    return train.take(np.sort(np.lexsort((shuffled, place))[:limit]))
