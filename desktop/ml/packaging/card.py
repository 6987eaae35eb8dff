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
from desktop.system.words import Template, phrase

_LISTED = 30  # classes whose pictures are counted one by one
# Whether validation chose the epoch, and the threshold.
_CHOSE = {
    (False, False): Template(
        "The same validation pictures chose the temperature: on new pictures expect a little less."
    ),
    (True, False): Template(
        "The same validation pictures chose the epoch and the temperature: on new pictures expect a little less."
    ),
    (False, True): Template(
        "The same validation pictures chose the temperature and the threshold: on new pictures expect a little less."
    ),
    (True, True): Template(
        "The same validation pictures chose the epoch, the temperature and the threshold: on new pictures expect a "
        "little less."
    ),
}
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
        return phrase(
            "{model} up to {value}, then {own}", model=plan.start.model, value=plan.start.layer or "embedding", own=own
        )
    return own


def _own_words(
    plan: TrainingPlan, gathered: Gathered, figures: Figures, split: str, parent: str | None, cross: bool
) -> dict[str, Any]:
    names: list[str] | str = list(plan.labels[:12])
    if len(plan.labels) > 12:
        names = phrase("{names} and {count} more", names=names, count=len(plan.labels) - 12)
    learned = np.bincount(gathered.train.labels, minlength=len(plan.labels))
    if cross:
        learned += np.bincount(gathered.validation.labels, minlength=len(plan.labels))
    counts: list[str] | str
    counts = [f"{label} {n}" for label, n in zip(plan.labels[:_LISTED], learned[:_LISTED], strict=True)]
    if len(plan.labels) > _LISTED:
        counts = phrase(
            "{counts} and {count} more classes with {sum} pictures",
            counts=counts,
            count=len(plan.labels) - _LISTED,
            sum=learned[_LISTED:].sum(),
        )
    held = len(gathered.validation)
    limits = [
        phrase(
            "Nobody but you has checked this model: its figures come from {n} pictures of the "
            "{split} split of '{title}' and say nothing about other pictures.",
            n=figures.n,
            split=split,
            title=gathered.title,
        ),
        phrase("Whatever it is shown, it answers with one of its {count} classes.", count=len(plan.labels)),
        phrase(
            "Pictures are brought to {width}×{height} grey pixels: what is lost there cannot count."
            if plan.preprocess.colour == "grey"
            else "Pictures are brought to {width}×{height} colour pixels: what is lost there cannot count.",
            width=plan.preprocess.width,
            height=plan.preprocess.height,
        ),
    ]
    if split == HeldOut.CROSS:
        limits.append(
            phrase(
                "The figures are cross-validated: each of the {n} pictures was checked by a last layer "
                "that had not learned from it; the model itself has learned from all of them, and "
                "the same pictures chose the penalty and the temperature.",
                n=figures.n,
            )
        )
    if split == "validation":
        limits.append(phrase(_CHOSE[plan.fit.keep != "last", plan.decision.rule != "argmax"]))
    if figures.n < _FEW:
        limits.append(
            phrase("With {n} pictures to check with the figures are rough; see their intervals.", n=figures.n)
        )
    if plan.data.group == "none" and gathered.kind == "own pictures":
        limits.append(
            phrase("If several pictures show the same person or thing, some may lie on both sides of the split.")
        )
    failures = _failures(plan, figures)
    words: dict[str, Any] = {
        "summary": phrase("Tells apart {names}.", names=names),
        "intended_use": phrase("Pictures like those of '{title}', for learning and trying out.", title=gathered.title),
        "limits": limits,
        "known_failures": failures,
        "population": phrase(
            "{learned} training pictures of '{title}' ({counts}); cross-validated."
            if cross
            else "{learned} training pictures of '{title}' ({counts}); {held} for validation.",
            learned=int(learned.sum()),
            title=gathered.title,
            counts=counts,
            held=held,
        ),
        "must_not": [phrase("Be the only ground for a decision that can harm anybody.")],
    }
    if plan.medical:
        words["notice"] = medical_notice(plan.medical)
        words["must_not"] = ["Diagnose, triage or treat anybody, or replace a physician's reading."]
    if parent:
        words["credits"] = [phrase("Its training began from the model {parent}.", parent=parent)]
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
                phrase(
                    "{matrix} of {total} pictures of '{labels}' were called '{labels2}'.",
                    matrix=matrix[true, told],
                    total=total,
                    labels=plan.labels[true],
                    labels2=plan.labels[told],
                )
            )
    return found or [phrase("No mistake was made on the pictures it was checked with; that is no promise for others.")]
