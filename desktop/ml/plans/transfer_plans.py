"""Plans that begin from a model of the store: to go on training it, to use its features, to fine-tune it.

Pure Python: the window's process may use it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

from desktop.ml.plans import nettables
from desktop.ml.plans import plan as plans
from desktop.ml.plans.netspec import LayerRow
from desktop.ml.plans.plan import (
    DataPlan,
    DecisionPlan,
    FitPlan,
    OptimizerPlan,
    PlanError,
    StartPlan,
    Step,
    TrainingPlan,
    from_dict,
)
from desktop.store.ids import id_of
from desktop.store.manifest import Manifest

Kind = Literal["weights", "features", "fine-tune"]

SAME = Step(plans.SAME)
"""The architecture of a plan that goes on with a model: whatever that model is."""

_FLIP = Step("flip", {"p": 0.5})
_MOVE = Step("affine", {"p": 0.9, "rotate": 10, "zoom": [0.9, 1.15], "shift": 0.08, "border": "reflect"})


def plan_from(
    manifest: Manifest,
    kind: Kind,
    classes: Sequence[str],
    data: DataPlan,
    name: str,
    seed: int = 1,
    model_id: str = "",
) -> TrainingPlan:
    """A plan that begins from a model. ``classes`` are the labels of the new one, ``data`` its pictures.

    ``weights`` suits more pictures of the same classes, ``features`` few pictures of new ones (seconds an epoch),
    ``fine-tune`` some hundred pictures. Pictures are prepared as the model takes them. Raises :class:`PlanError`.
    """
    if not classes:
        raise PlanError("bad-plan", "a plan needs to be told its classes")
    parts = {"weights": _weights, "features": _features, "fine-tune": _tuning}[kind](manifest)
    parent = plan_of(manifest)
    labels = tuple(classes)
    return TrainingPlan(
        id=model_id or id_of(name),
        name=name,
        seed=seed,
        data=data,
        preprocess=manifest.preprocess,
        labels=labels,
        decision=DecisionPlan("balanced" if len(labels) == 2 else "argmax", 1),
        mirrored=bool(kind == "weights" and parent and parent.mirrored),
        medical=manifest.medical,
        card={},
        **parts,
    )


def may_flip(manifest: Manifest) -> bool:
    """Whether mirrored pictures suit a model: not where it learned from straight ones alone, as of digits."""
    parent = plan_of(manifest)
    return parent is None or any(step.name == _FLIP.name for step in parent.augment)


def _augment(manifest: Manifest) -> tuple[Step, ...]:
    return (_FLIP, _MOVE) if may_flip(manifest) else (_MOVE,)


def _weights(manifest: Manifest) -> dict[str, Any]:
    return {
        "architecture": SAME,
        "augment": _augment(manifest),
        "optimizer": OptimizerPlan("adam", 0.0003, "cosine", 0.05),
        "fit": FitPlan(10, 32, keep="lowest-loss", class_weights="balanced"),
        "start": StartPlan("weights", manifest.id, manifest.version),
    }


def _features(manifest: Manifest) -> dict[str, Any]:
    return {
        "architecture": Step("head", {"layers": ["drop.2"]}),
        "augment": (),
        "optimizer": OptimizerPlan("adam", 0.003, "cosine", 0.05, weight_decay=0.01),
        "fit": FitPlan(40, 32, keep="lowest-loss", class_weights="balanced"),
        "start": StartPlan("features", manifest.id, manifest.version),
    }


def _tuning(manifest: Manifest) -> dict[str, Any]:
    return {
        "architecture": Step("head", {"layers": ["drop.2"]}),
        "augment": _augment(manifest),
        "optimizer": OptimizerPlan("sgd", 0.002, "cosine", 0.05, 0.9, nesterov=True),
        "fit": FitPlan(30, 32, keep="lowest-loss", class_weights="balanced"),
        "start": StartPlan("fine-tune", manifest.id, manifest.version, unfreeze=6, head_epochs=15, head_rate=0.003),
    }


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
    raise PlanError("bad-plan", f"there is no layer '{layer}'", f"Layers there: {', '.join(r.name for r in table)}.")
