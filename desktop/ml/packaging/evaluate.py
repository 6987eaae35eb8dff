"""What a finished model is worth on one split: the program's own figures, over arrays instead of files."""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal

import numpy as np

from desktop.core.data.persons import group_of_name
from desktop.core.figures.decision import answers_of
from desktop.core.figures.result import DataFacts, EvaluationResult, Figures, ModelFacts, figures
from desktop.core.figures.result_files import figures_json
from desktop.ml.data.arrays import Images
from desktop.ml.data.assemble import Gathered
from desktop.ml.data.public_sets import Pictures
from desktop.ml.nets import backend
from desktop.ml.plans.plan import TrainingPlan
from desktop.ml.training.solved import HeldOut
from desktop.store.manifest import Decision

CALIBRATED_FROM = 100
"""Fewer validation pictures say too little about how often a score holds: the numbers are then called model scores."""


def measure(
    plan: TrainingPlan,
    gathered: Gathered,
    decision: Decision,
    pictures: Pictures,
    answer: Callable[[Images], np.ndarray],
    split: str,
    engine: str,
    file_sha256: str = "",
    version: int = 1,
) -> tuple[Figures, dict[str, Any]]:
    """All figures of a model over ``pictures``, and their JSON form (:mod:`desktop.core.figures.result_files`).

    ``answer`` maps uint8 (n, height, width, channels) to scores float (n, classes), rows summing to 1. ``engine`` says
    what computed them. Names of single pictures do not enter the figures.
    """
    began = time.monotonic()
    scores = np.asarray(answer(pictures.images), np.float32)
    result = result_of(plan, gathered, decision, pictures, scores, split, engine, file_sha256, version)
    result = replace(result, elapsed_s=round(time.monotonic() - began, 3))
    found = figures(result, plan.seed)
    return found, figures_json(result, found)


def result_of(
    plan: TrainingPlan,
    gathered: Gathered,
    decision: Decision,
    pictures: Pictures,
    scores: np.ndarray,
    split: str,
    engine: str,
    file_sha256: str = "",
    version: int = 1,
) -> EvaluationResult:
    """The answers that ``scores`` (float32 (n, classes), rows summing to 1) give for ``pictures``, as an evaluation;
    its pictures' names are relative to the data's folder."""
    threshold = decision.value if decision.rule == "threshold" else None
    groups = _people(pictures, plan)
    if groups is not None and len(np.unique(groups)) == len(groups):
        groups = None  # each alone: nothing tells of people who have several pictures
    return EvaluationResult(
        model=ModelFacts(
            id=plan.id,
            name=plan.name,
            version=version,
            sha256=file_sha256,
            labels=plan.labels,
            positive=decision.positive,
            threshold=threshold,
            reason=decision.reason,
            scores=score_word(plan, len(pictures) if split == HeldOut.CROSS else len(gathered.validation)),
            medical=plan.medical,
        ),
        data=DataFacts(
            title=gathered.title,
            split=split,
            fingerprint=pictures.fingerprint(),
            classes=plan.data.classes or plan.labels,
            mapping=dict(zip(plan.data.classes or plan.labels, plan.labels, strict=True)),
            kind=gathered.kind,
            root="",
            groups=len(np.unique(groups)) if groups is not None else None,
        ),
        names=pictures.names,
        positions=np.arange(len(pictures)),
        truth=pictures.labels.astype(np.int32),
        predicted=answers_of(scores, decision.positive, threshold),
        scores=scores,
        skipped=(),
        complete=True,
        elapsed_s=0.0,
        created=now(),
        device=engine,
        versions=backend.versions(),
        groups=groups,
    )


def score_word(plan: TrainingPlan, calibrated: int) -> Literal["probability", "model score"]:
    """What the model's numbers may be called: a probability only where enough pictures ``calibrated`` it."""
    enough = calibrated >= CALIBRATED_FROM
    return "probability" if enough and not plan.medical else "model score"


def now() -> str:
    """The time in UTC, to the second, as ISO 8601."""
    return datetime.datetime.now(datetime.UTC).replace(microsecond=0).isoformat().replace("+00:00", "Z")


def _people(pictures: Pictures, plan: TrainingPlan) -> np.ndarray | None:
    """A person's or case's number for each picture, int64 (n,), ``None`` where the plan knows none.

    As the data tells, else by names; a class's own folder is nobody, whatever it is called.
    """
    if plan.data.group == "none":
        return None
    if pictures.groups is not None:
        return pictures.groups
    classes = plan.data.classes or plan.labels
    inside = (
        name.partition(f"{classes[label]}/")[2] or name
        for name, label in zip(pictures.names, pictures.labels.tolist(), strict=True)
    )
    numbers: dict[tuple[bool, str], int] = {}
    groups = (group_of_name(part) for part in inside)
    keys = ((group is not None, group or name) for group, name in zip(groups, pictures.names, strict=True))
    return np.array([numbers.setdefault(key, len(numbers)) for key in keys], np.int64)
