"""What a model's card says: the plan's own words, and where it has none, what follows from data and figures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from desktop.core.figures.result import Figures
from desktop.core.notices import medical_notice
from desktop.ml.data.assemble import Gathered
from desktop.ml.plans import nettables
from desktop.ml.plans.plan import TrainingPlan
from desktop.ml.training.solved import HeldOut
from desktop.store.manifest import Card

_LISTED = 30  # classes whose pictures are counted one by one
_FEW = 100  # validation pictures below which figures are rough


def write_card(
    plan: TrainingPlan,
    gathered: Gathered,
    figures: Figures,
    split: str,
    parameters: int,
    parent: str | None,
    found: Sequence[str] = (),
    cross: bool = False,
) -> Card:
    """The card. ``figures`` are those of ``split``, the ones that the model is judged by. ``cross``: all pictures were
    cross-validated and then learned from.

    The notes on the split and what else was ``found``, in words, are limits of every model, whoever wrote its card.
    """
    words: dict[str, Any] = dict(plan.card)
    if not words.get("limits"):
        own = _own_words(plan, gathered, figures, split, parent, cross)
        words = {**own, **{k: v for k, v in words.items() if v}}
    for name in ("limits", "known_failures", "must_not", "credits"):
        words[name] = tuple(words.get(name, ()))
    words["limits"] += tuple(f"{text[:1].upper()}{text[1:]}." for text in (*gathered.notes, *found))
    return Card(
        **{"summary": plan.name, "intended_use": "", **words},
        architecture=_architecture(plan),
        parameters=parameters,
    )


def _architecture(plan: TrainingPlan) -> str:
    own = f"{plan.architecture.name} ({nettables.describe(plan.architecture.settings)})"
    if plan.start.kind in ("features", "fine-tune"):
        return f"{plan.start.model} up to {plan.start.layer or 'embedding'}, then {own}"
    return own


def _own_words(
    plan: TrainingPlan, gathered: Gathered, figures: Figures, split: str, parent: str | None, cross: bool
) -> dict[str, Any]:
    names = ", ".join(plan.labels[:12]) + (f" and {len(plan.labels) - 12} more" if len(plan.labels) > 12 else "")
    learned = np.bincount(gathered.train.labels, minlength=len(plan.labels))
    if cross:
        learned += np.bincount(gathered.validation.labels, minlength=len(plan.labels))
    counts = ", ".join(f"{label} {n}" for label, n in zip(plan.labels[:_LISTED], learned[:_LISTED], strict=True))
    if len(plan.labels) > _LISTED:
        counts += f" and {len(plan.labels) - _LISTED} more classes with {learned[_LISTED:].sum()} pictures"
    held = len(gathered.validation)
    limits = [
        f"Nobody but you has checked this model: its figures come from {figures.n} pictures of the {split} split of "
        f"'{gathered.title}' and say nothing about other pictures.",
        f"Whatever it is shown, it answers with one of its {len(plan.labels)} classes.",
        f"Pictures are brought to {plan.preprocess.width}×{plan.preprocess.height} pixels "
        f"({'grey' if plan.preprocess.colour == 'grey' else 'colour'}): what is lost there cannot count.",
    ]
    if split == HeldOut.CROSS:
        limits.append(
            f"The figures are cross-validated: each of the {figures.n} pictures was checked by a head that had not "
            "learned from it; the model itself has learned from all of them, and the same pictures chose the penalty "
            "and the temperature."
        )
    if split == "validation":
        chosen = "the epoch, " if plan.fit.keep != "last" else ""
        limits.append(
            f"The same validation pictures chose {chosen}the temperature"
            f"{' and the threshold' if plan.decision.rule != 'argmax' else ''}: on new pictures expect a little less."
        )
    if figures.n < _FEW:
        limits.append(f"With {figures.n} pictures to check with the figures are rough; see their intervals.")
    if plan.data.group == "none" and gathered.kind == "own pictures":
        limits.append("If several pictures show the same person or thing, some may lie on both sides of the split.")
    failures = _failures(plan, figures)
    words: dict[str, Any] = {
        "summary": f"Tells apart {names}.",
        "intended_use": f"Pictures like those of '{gathered.title}', for learning and trying out.",
        "limits": limits,
        "known_failures": failures,
        "population": f"{int(learned.sum())} training pictures of '{gathered.title}' ({counts}); "
        + ("cross-validated." if cross else f"{held} for validation."),
        "must_not": ["Be the only ground for a decision that can harm anybody."],
    }
    if plan.medical:
        words["notice"] = medical_notice(plan.medical)
        words["must_not"] = ["Diagnose, triage or treat anybody, or replace a physician's reading."]
    if parent:
        words["credits"] = [f"Its training began from the model {parent}."]
    return words


def _failures(plan: TrainingPlan, figures: Figures) -> list[str]:
    """The three most frequent confusions, in words."""
    matrix = np.array(figures.matrix, np.int64)
    np.fill_diagonal(matrix, 0)
    order = np.argsort(matrix, axis=None)[::-1][:3]
    found = []
    for position in order:
        true, told = np.unravel_index(position, matrix.shape)
        if matrix[true, told]:
            total = int(figures.matrix[true].sum())
            found.append(
                f"{matrix[true, told]} of {total} pictures of '{plan.labels[true]}' were called '{plan.labels[told]}'."
            )
    return found or ["No mistake was made on the pictures it was checked with; that is no promise for others."]
