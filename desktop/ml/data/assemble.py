"""The pictures of a plan, ready for training: read, prepared, split, and what a card must say of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from desktop.core.data import fitness
from desktop.core.data.splits import SplitLists, check_same, deviations, read_split, write_split
from desktop.core.progress import Progress, untold
from desktop.ml.data import public_sets
from desktop.ml.data.public_sets import DataError, Pictures
from desktop.ml.plans.events import Phase
from desktop.ml.plans.plan import USER, TrainingPlan
from desktop.store.runs import CHECKPOINT, SPLIT
from desktop.system.files import saying
from desktop.system.words import phrase

_EVERY_S = 0.1


@dataclass(frozen=True, slots=True, eq=False)
class Gathered:
    """All that a training needs to know of its data.

    ``test`` is empty of pictures until :meth:`open_test` is called, once, after everything was chosen. ``title`` is the
    set's name or the folder's own; ``fingerprint`` what identifies the data; ``set_aside`` pictures that could not be
    read, by name and reason; ``own_validation`` says that the data came with a validation split. ``notes`` are what the
    user should know of the split, in words; ``folder`` is the one of own pictures that their names are relative to;
    ``side`` as in :class:`desktop.ml.data.public_sets.Source`.
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
    notes: tuple[str, ...] = ()
    folder: str = ""
    side: int = 0


def told(listener: Callable[[Phase], None], check: Callable[[], None]) -> Progress:
    """A progress that calls ``check`` every time (which may raise, to cancel) and ``listener`` ten times a second."""
    last = 0.0

    def progress(done: int, total: int) -> None:
        nonlocal last
        check()
        now = time.monotonic()
        # Without a total there is nothing to tell yet: names are being read.
        if total and (done in (0, total) or now - last >= _EVERY_S):
            last = now
            listener(Phase("data", done, total))

    return progress


def gather(
    plan: TrainingPlan,
    run: Path,
    root: Path | None = None,
    progress: Progress = untold,
    split_seed: int | None = None,
) -> Gathered:
    """The pictures of ``plan``. ``run`` is the training's folder, ``root`` where the public sets lie.

    ``split_seed`` cuts the validation part off in place of the plan's own seed: trainings that differ in their seed can
    be compared on the same pictures.

    Which pictures are on which side is written to ``split.json`` there, and compared with it where the run has a
    checkpoint. Raises :class:`DataError`, :class:`desktop.core.data.dataset.DatasetError`,
    :class:`desktop.core.data.splits.SplitError` or :class:`desktop.ml.data.cache.CacheError` when the data is not
    there, unfit, no longer what it was, or cannot be prepared; what ``progress`` raises.
    """
    cutting = plan if split_seed is None else replace(plan, seed=split_seed)
    begun = (run / SPLIT).is_file() and (run / CHECKPOINT).is_file()
    held = read_split(run / SPLIT) if begun else None
    if plan.data.source == USER:
        gathered = _own(plan, cutting, progress, held)
    else:
        gathered = _public(plan, cutting, root, progress)
    for problem in fitness.obstacles(plan.labels, gathered.train.labels, gathered.validation.labels):
        raise DataError(problem.kind, problem.message, fitness.HINTS[problem.kind])
    _keep_lists(cutting, gathered, run)
    return replace(gathered, notes=tuple(_notes(plan, gathered)))


def fingerprint(plan: TrainingPlan, root: Path | None = None, progress: Progress = untold) -> str:
    """What identifies the pictures of ``plan`` to learn from and to check with. They are prepared for that, as the
    first training would. Raises what :func:`gather` raises."""
    own = plan.data.source == USER
    return (_own(plan, plan, progress) if own else _public(plan, plan, root, progress)).fingerprint


def copies(gathered: Gathered, others: Pictures, purpose: str) -> str:
    """What to say of exact copies of pictures to learn from among ``others``, which are there to ``purpose``; empty
    where there are none."""
    count = count_copies(gathered.train, others)
    if not count:
        return ""
    return phrase(
        "{count:,} of {count2:,} pictures to {purpose} with are exact copies of pictures "
        "that are learnt from: the figures promise too much",
        count=count,
        count2=len(others),
        purpose=purpose,
    )


def count_copies(train: Pictures, others: Pictures) -> int:
    """How many of ``others`` are exact copies of pictures to learn from, as far as that is known."""
    if train.sha256 is None or others.sha256 is None:
        return 0
    known = {row.tobytes() for row in train.sha256}
    return sum(row.tobytes() in known for row in others.sha256)


def shared_groups(train: Pictures, others: Pictures) -> int:
    """How many persons or cases of ``others`` have pictures to learn from as well, as far as they are known."""
    if train.groups is None or others.groups is None:
        return 0
    return len(np.intersect1d(train.groups, others.groups))


def _notes(plan: TrainingPlan, gathered: Gathered) -> Iterator[str]:
    held = gathered.validation.labels
    for label, count in zip(plan.labels, np.bincount(held, minlength=len(plan.labels)), strict=True):
        if not count:
            yield phrase("validation holds no picture of '{label}': nothing is measured of it", label=label)
    if gathered.own_validation:
        text = copies(gathered, gathered.validation, "check")
        if text:
            yield text
        shared, groups = shared_groups(gathered.train, gathered.validation), gathered.validation.groups
        if shared and groups is not None:
            yield (
                phrase(
                    "{shared:,} of {count:,} persons or cases to check with have pictures that are "
                    "learnt from, as the data's own splits have it: the figures promise too much",
                    shared=shared,
                    count=len(np.unique(groups)),
                )
            )
    elif not plan.data.limit:
        every = np.concatenate([gathered.train.labels, held])
        for number, count, total, wanted in deviations(every, held, plan.data.validation):
            yield (
                phrase(
                    "{count:,} of {total:,} pictures of '{labels}' are to check with, about "
                    "{wanted:,.0f} were asked for: what belongs together stays on one side",
                    count=count,
                    total=total,
                    labels=plan.labels[number],
                    wanted=wanted,
                )
            )


def _keep_lists(plan: TrainingPlan, gathered: Gathered, run: Path) -> None:
    path = run / SPLIT
    if path.is_file() and (run / CHECKPOINT).is_file():
        # A public set's file has a checksum of its own; how it is prepared may change from version to version.
        known = gathered.fingerprint if gathered.kind == "own pictures" else ""
        aside = [name for name, _ in gathered.set_aside]
        check_same(read_split(path), gathered.train.names, gathered.validation.names, known, aside)
        return
    lists = SplitLists(
        plan.seed,
        plan.data.validation,
        plan.data.group,
        "own" if gathered.own_validation else "cut",
        gathered.fingerprint,
        gathered.train.names,
        gathered.validation.names,
        gathered.set_aside,
    )
    with saying("the list of pictures", "the disk of the run", DataError):
        run.mkdir(parents=True, exist_ok=True)
        write_split(path, lists)


def _own(plan: TrainingPlan, cutting: TrainingPlan, progress: Progress, held: SplitLists | None = None) -> Gathered:
    from desktop.ml.data.own_data import OwnData

    own = OwnData(cutting, progress, held)
    return Gathered(
        _limited(own.train, plan),
        own.validation,
        "own pictures",
        own.title,
        "the user's own",
        own.fingerprint,
        own.set_aside,
        own.has_validation,
        own.test if plan.data.use_test else lambda: None,
        folder=own.folder,
    )


def _public(plan: TrainingPlan, cutting: TrainingPlan, root: Path | None, progress: Progress) -> Gathered:
    source = public_sets.source_of(plan.data)
    whole = public_sets.load_split(plan, "train", root, progress)
    train, validation = public_sets.cut_validation(whole, cutting)
    origin = f"file sha256 {source.sha256}" if source.sha256 else "drawn by Fovea"
    return Gathered(
        _limited(train, plan),
        validation,
        "public set",
        source.title,
        source.licence,
        f"{origin}; prepared training split sha256 {whole.fingerprint()}",
        (),
        False,
        lambda: public_sets.load_split(plan, "test", root) if plan.data.use_test else None,
        side=source.side,
    )


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
