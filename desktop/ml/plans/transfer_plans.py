"""What the plan of a model of the store tells of its network, for trainings that begin from it.

Pure Python: the window's process may use it.
"""

from __future__ import annotations

from dataclasses import replace

from desktop.ml.plans import nettables
from desktop.ml.plans import plan as plans
from desktop.ml.plans.netspec import LayerRow
from desktop.ml.plans.plan import (
    PlanError,
    Step,
    TrainingPlan,
    from_dict,
)
from desktop.store.manifest import Manifest
from desktop.system.words import phrase

SAME = Step(plans.SAME)
"""The architecture of a plan that goes on with a model: whatever that model is."""


def architecture_of(manifest: Manifest) -> Step | None:
    """What the model was built as, where its plan tells: a head that builds upon another model tells it not."""
    plan = plan_of(manifest)
    known = plan is not None and plan.architecture.name not in ("head", SAME.name)
    return plan.architecture if plan is not None and known else None


def plan_of(manifest: Manifest) -> TrainingPlan | None:
    """The plan that a model was trained by, where it says one."""
    try:
        return from_dict(manifest.provenance.plan)
    except PlanError:
        return None


def table_of(manifest: Manifest) -> list[LayerRow] | None:
    """The layer table of a model as far as its plan tells it; ``None`` where only the network itself could."""
    plan = plan_of(manifest)
    if plan is None or plan.start.kind != "fresh":
        return None
    try:
        return nettables.layer_table(plan.architecture, plan.shape, len(plan.labels))
    except PlanError:
        return None


def table_for(plan: TrainingPlan, parent: Manifest | None = None) -> list[LayerRow] | None:
    """The layer table of what ``plan`` trains. For plans that begin from ``parent``: its layers up to the named one,
    then the head's; ``None`` where the parent's own plan does not tell them. Raises :class:`PlanError`.
    """
    if plan.start.kind == "fresh":
        return nettables.layer_table(plan.architecture, plan.shape, len(plan.labels))
    below = table_of(parent) if parent is not None else None
    if below is None:
        return None
    if plan.start.kind == "weights":
        last = below[-1]
        units = last.multiplications // last.output_shape[0]
        classes = len(plan.labels)
        return [*below[:-1], replace(last, output_shape=(classes,), parameters=(units + 1) * classes,
                                     multiplications=units * classes)]  # fmt: skip
    cut = _cut(below, plan.start.layer)
    head = nettables.layer_table(plan.architecture, cut[-1].output_shape, len(plan.labels))
    return [*cut, *(replace(row, name=f"head: {row.name}") for row in head)]


def _cut(table: list[LayerRow], layer: str | None) -> list[LayerRow]:
    if layer in (None, "embedding"):
        end = len(table) - 1
        while table[end - 1].kind == "dropout":
            end -= 1
        return table[:end]
    if layer == "map":
        return table[: 1 + max(i for i, row in enumerate(table) if len(row.output_shape) == 3)]
    for position, row in enumerate(table):
        if row.name == layer:
            return table[: position + 1]
    raise PlanError(
        "bad-plan",
        phrase("there is no layer '{layer}'", layer=layer),
        phrase("Layers there: {value}.", value=[r.name for r in table]),
    )
