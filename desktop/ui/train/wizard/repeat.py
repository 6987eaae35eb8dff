"""A training that is repeated with changes: what of an earlier plan's choices goes with the data at hand.

The network and its settings come as a starting point (:mod:`desktop.ui.train.wizard.origins`); here is what concerns
the data: how it is divided, and what was left out of it.
"""

from __future__ import annotations

import collections
import os
from dataclasses import replace
from typing import TYPE_CHECKING

from desktop.ui.train.wizard.draft import Draft

if TYPE_CHECKING:
    from desktop.core.data.dataset import LabelledDataset
    from desktop.core.data.inspection import Inspection
    from desktop.ml.plans.plan import TrainingPlan


def same_place(plan: TrainingPlan, path: str) -> bool:
    """Whether the plan's data lay at ``path``; there may be other pictures by now."""
    return bool(plan.data.path) and os.path.realpath(str(plan.data.path)) == os.path.realpath(path)


def same_pictures(plan: TrainingPlan, found: Inspection) -> bool:
    """Whether the look through the data found the very pictures that the plan was made for."""
    return bool(plan.data.fingerprint) and plan.data.fingerprint == found.fingerprint


def still_of(plan: TrainingPlan | None, path: str, found: Inspection) -> TrainingPlan | None:
    """``plan`` where there is one and the data at ``path`` is what it was made for, changed or not."""
    return plan if plan is not None and (same_place(plan, path) or same_pictures(plan, found)) else None


def divided_as(draft: Draft, plan: TrainingPlan) -> Draft:
    """The draft with the share, seed and grouping of ``plan``, whatever the data is."""
    data = plan.data
    divided = draft.with_data(validation=data.validation, group=data.group, use_test=data.use_test, limit=data.limit)
    return replace(divided, seed=plan.seed)


def before_the_look(draft: Draft, plan: TrainingPlan, data: LabelledDataset) -> Draft:
    """``draft`` for ``plan`` while nothing but names is known of ``data``: the pictures to learn from.

    At the plan's own place its name and the pictures that it left out stay.
    """
    draft = divided_as(draft, plan)
    if not same_place(plan, draft.data.path):
        return draft
    draft = replace(draft, name=plan.name)
    unwanted = set(plan.data.left_out)
    if not unwanted:
        return draft
    prefix = f"{data.split}/" if data.split and data.splits and data.split != "all" else ""
    gone: collections.Counter[int] = collections.Counter(
        int(data.targets[i]) for i in range(len(data)) if prefix + data.name(i) in unwanted
    )
    draft = draft.with_data(left_out=plan.data.left_out, kept_together=plan.data.kept_together)
    return replace(draft, counts_left_out=tuple(gone[number] for number in range(len(data.classes))))


def choices_of(plan: TrainingPlan, found: Inspection) -> dict[str, str]:
    """For each kind of finding the choice that comes nearest to what ``plan`` left out."""
    unwanted = set(plan.data.left_out)
    out: dict[str, str] = {}
    for finding in found.findings:
        told = {choice: finding.left_out(choice) for choice in finding.choices}
        about = set().union(*told.values()) & unwanted
        if told:
            out[finding.kind] = min(told, key=lambda choice: len(told[choice] ^ about))
    return out


def further_left_out(plan: TrainingPlan, found: Inspection) -> tuple[str, ...]:
    """Pictures that ``plan`` left out for no reason that was found: chosen by hand, where the pictures are the same."""
    if not same_pictures(plan, found):
        return ()
    told = {entry.name for entry in found.broken}
    for finding in found.findings:
        for choice in finding.choices:
            told |= finding.left_out(choice)
    return tuple(name for name in plan.data.left_out if name not in told)


def classes_left_out(plan: TrainingPlan, found: Inspection) -> tuple[str, ...]:
    """Classes that ``plan`` did not learn although they were there, where the pictures are the same."""
    wanted = set(plan.data.classes or plan.labels)
    if not same_pictures(plan, found) or len(wanted & set(found.classes)) < 2:
        return ()
    return tuple(name for name in found.classes if name not in wanted)
