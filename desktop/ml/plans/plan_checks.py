"""What does not fit together in a training plan, in words."""

from __future__ import annotations

import math
from collections.abc import Sequence

from desktop.ml.plans import augment_spec
from desktop.ml.plans.plan_parts import (
    ARCHITECTURES,
    CYCLIC,
    SAME,
    SEEDS,
    SOLVED,
    DataPlan,
    DecisionPlan,
    FitPlan,
    OptimizerPlan,
    PlanSettings,
)
from desktop.ml.plans.strict_reader import PlanError
from desktop.system.words import phrase


def problems(settings: PlanSettings, data: DataPlan, labels: Sequence[str], seed: int) -> list[str]:
    """What is wrong with a plan of these ``settings``, in words; empty for a sound one."""
    return [
        *_data(data, labels, seed),
        *_architecture(settings),
        *_augment(settings),
        *_start(settings),
        *_solved(settings, data),
        *_optimizer(settings.optimizer),
        *_fit(settings.fit),
        *_decision(settings.decision, labels),
    ]


def _data(data: DataPlan, labels: Sequence[str], seed: int) -> list[str]:
    found = []
    if not 0 <= seed < SEEDS:
        found.append(phrase("seed {seed} found; expected a whole number from 0 to {seeds}", seed=seed, seeds=SEEDS - 1))
    if len(labels) < 2:
        found.append(phrase("{count} labels found, at least 2 expected", count=len(labels)))
    elif len(set(labels)) != len(labels):
        found.append(phrase("two labels are alike"))
    if data.classes and len(data.classes) != len(labels):
        found.append(phrase("{count} classes found for {count2} labels", count=len(data.classes), count2=len(labels)))
    if not 0 < data.validation < 0.9:
        found.append(
            phrase("validation {validation} found; expected a fraction between 0 and 0.9", validation=data.validation)
        )
    if data.limit < 0:
        found.append(phrase("limit {limit} found; expected a number of images, or 0 for all", limit=data.limit))
    elif 0 < data.limit < len(labels):
        found.append(
            phrase(
                "limit {limit} found; expected at least one image of each of the {count} classes",
                limit=data.limit,
                count=len(labels),
            )
        )
    return found


def _architecture(settings: PlanSettings) -> list[str]:
    name = settings.architecture.name
    if settings.start.kind == "weights" and name == SAME:
        return []
    return (
        []
        if name in ARCHITECTURES
        else [
            phrase(
                "there is no architecture '{name}'; known: {architectures}",
                name=name,
                architectures=list(ARCHITECTURES),
            )
        ]
    )


def _augment(settings: PlanSettings) -> list[str]:
    try:
        augment_spec.check(settings.augment)
    except PlanError as error:
        return [error.message]
    return []


def _start(settings: PlanSettings) -> list[str]:
    start, found = settings.start, []
    if (start.kind == "fresh") != (start.model is None):
        found.append(
            phrase("the start '{kind}' goes without a model", kind=start.kind)
            if start.kind == "fresh"
            else phrase("the start '{kind}' goes with a model", kind=start.kind)
        )
    if start.unfreeze < 0 or start.head_epochs < 0 or not (start.head_rate > 0 and math.isfinite(start.head_rate)):
        found.append(phrase("unfreeze and head_epochs must be at least 0, and head_rate above 0"))
    if start.kind == "fine-tune" and start.unfreeze < 1:
        found.append(phrase("fine-tuning needs at least one layer to unfreeze"))
    if start.kind == "fine-tune" and start.head_epochs >= settings.fit.epochs:
        found.append(
            phrase(
                "{head_epochs} epochs for the head found; expected fewer than the {epochs} in all",
                head_epochs=start.head_epochs,
                epochs=settings.fit.epochs,
            )
        )
    if (start.kind in ("features", "fine-tune")) != (settings.architecture.name == "head"):
        found.append(
            phrase("the architecture 'head' goes with the starts 'features' and 'fine-tune', and with no other")
        )
    return found


def _solved(settings: PlanSettings, data: DataPlan) -> list[str]:
    """What keeps a head from being solved, or is asked for and goes with a solved one alone."""
    start, found = settings.start, []
    solved = start.head_optimizer if start.kind == "fine-tune" else settings.optimizer.name
    if solved == SOLVED and (
        start.kind not in ("features", "fine-tune") or settings.architecture.settings.get("layers")
    ):
        found.append(
            phrase("'{solved}' solves a head without layers of its own, on the features of a model", solved=SOLVED)
        )
    if settings.optimizer.name == SOLVED and start.kind != "features":
        found.append(phrase("'{solved}' cannot train a whole network", solved=SOLVED))
    if data.folds and (data.folds == 1 or data.folds < 0 or solved != SOLVED):
        found.append(
            phrase("folds {folds} found; expected 0, or 2 or more with a head that is solved", folds=data.folds)
        )
    return found


def _optimizer(chosen: OptimizerPlan) -> list[str]:
    found = []
    if not (chosen.rate > 0 and math.isfinite(chosen.rate)) or not 0 <= chosen.warmup < 1:
        found.append(phrase("rate must be above 0 and warmup a fraction below 1"))
    if not 1 <= chosen.cycles <= 20:
        found.append(phrase("{cycles} cycles found; expected 1 to 20", cycles=chosen.cycles))
    elif chosen.cycles > 1 and chosen.schedule not in CYCLIC:
        found.append(
            phrase("cycles repeat a 'triangle' or a 'cosine', not the schedule '{schedule}'", schedule=chosen.schedule)
        )
    if not 0 <= chosen.momentum < 1 or not _counts(chosen.weight_decay):
        found.append(phrase("momentum must be at least 0 and below 1, and weight_decay at least 0"))
    if chosen.nesterov and not chosen.momentum:
        found.append(phrase("nesterov needs a momentum above 0"))
    if chosen.clip_norm is not None and not (chosen.clip_norm > 0 and math.isfinite(chosen.clip_norm)):
        found.append(
            phrase("clip_norm {clip_norm} found; expected a number above 0, or none", clip_norm=chosen.clip_norm)
        )
    return found


def _counts(value: float) -> bool:
    """Whether ``value`` is a number of 0 or more: NaN, which JSON and ``float`` take, would spoil every weight."""
    return value >= 0 and math.isfinite(value)


def _fit(fit: FitPlan) -> list[str]:
    found = []
    if fit.epochs < 1 or fit.batch < 1 or fit.steps_per_execution < 1:
        found.append(phrase("epochs, batch and steps_per_execution must be at least 1"))
    if not 0 <= fit.label_smoothing < 1 or not 0 <= fit.ema < 1:
        found.append(phrase("label_smoothing and ema must be at least 0 and below 1"))
    if fit.patience < 0 or fit.swa < 0 or not _counts(fit.l1) or not _counts(fit.l2):
        found.append(phrase("patience, swa, l1 and l2 must be at least 0"))
    if fit.class_weights != "none" and fit.sampling != "none":
        found.append(phrase("class weights and over- or under-sampling both balance the classes: choose one of them"))
    return found


def _decision(decision: DecisionPlan, labels: Sequence[str]) -> list[str]:
    found = []
    if decision.rule != "argmax" and (len(labels) != 2 or decision.positive not in (0, 1)):
        found.append(
            phrase("the decision '{rule}' goes with two labels and a positive class of 0 or 1", rule=decision.rule)
        )
    if (decision.rule == "sensitivity") != (decision.at_least is not None):
        found.append(phrase("at_least goes with the decision 'sensitivity', and with no other"))
    if not 0 <= decision.perturbed <= 20:
        found.append(phrase("perturbed {perturbed} found; expected 0 to 20 copies", perturbed=decision.perturbed))
    if decision.at_least is not None and not 0 < decision.at_least < 1:
        found.append(
            phrase("at_least {at_least} found; expected a fraction between 0 and 1", at_least=decision.at_least)
        )
    return found
