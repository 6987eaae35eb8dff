"""Starting a training: an id that takes nobody's place, and a run on disk that says what it comes from."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from desktop.store.ids import free_among, taken_ids
from desktop.store.runs import RunStore
from desktop.store.store import ModelStore

if TYPE_CHECKING:
    from desktop.ml.plans.plan import TrainingPlan
    from desktop.store.run_record import RunRecord


def ids_in_use(models: Iterable[str] | None = None, runs: RunStore | None = None) -> set[str]:
    """The ids that a new training must not have: those of ``models`` (default: of the store's), and of those that
    trainings will still make."""
    known = models if models is not None else (entry.id for entry in ModelStore().entries())
    return taken_ids(known, runs or RunStore())


def free_id(name: str, taken: Collection[str]) -> str:
    """An id made of ``name`` that is not ``taken``."""
    return free_among(name, taken)


def free_name(name: str, taken: Collection[str]) -> str:
    """``name``, or where a model is called so, ``name 2``, ``name 3`` …: of two alike nobody knows which is which."""
    held = {each.casefold() for each in taken}
    numbers = itertools.count(2)
    found = name
    while found.casefold() in held:
        found = f"{name} {next(numbers)}"
    return found


def with_free_id(plan: TrainingPlan, taken: Collection[str] | None = None) -> TrainingPlan:
    """``plan`` under an id that no model has and no unfinished training will give: a repeated plan brings the id of the
    model that it once made, and another training may wait with this one."""
    return replace(plan, id=free_id(plan.id, taken if taken is not None else ids_in_use()))


def facts_of(plan: TrainingPlan, parent: str = "") -> dict[str, Any]:
    """What a run's record says of its plan; ``parent`` is the run that it repeats or goes on from. Data that are called
    as a person may be have no name there; once a training has read their headers it knows better."""
    from desktop.core.data.patient_names import HIDDEN_TITLE  # NumPy, without which the window starts

    shown = plan.public().data.title
    return {
        "epochs": plan.fit.epochs,
        "data": shown or (HIDDEN_TITLE if plan.data.title else plan.data.source),
        "fingerprint": plan.data.fingerprint,
        "parent": parent,
        "preset": plan.preset,
    }


def start_training(
    plan: TrainingPlan, name: str = "", parent: str = "", runs: RunStore | None = None, own_place: bool = False
) -> tuple[TrainingPlan, RunRecord]:
    """Put a training on disk, ready to be taken up; the plan as it was kept, and its run.

    ``own_place``: the model goes into a folder of the user's choice and takes nobody's place in the store. Reads and
    writes files: work for a thread. Raises :class:`desktop.store.runs.RunError`.
    """
    store = runs or RunStore()
    chosen = plan if own_place else with_free_id(plan, ids_in_use(runs=store))
    return chosen, store.create(chosen, name or chosen.name, **facts_of(chosen, parent))
