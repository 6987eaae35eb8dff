"""What validation decides of a trained network: its temperature, its decision rule, and the figures that follow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from desktop.core.figures.intervals import FEWEST
from desktop.core.figures.result import Figures
from desktop.core.figures.thresholds import HIGHEST_SCORE, Aim, Gain, gain_of
from desktop.ml.convert import deploy
from desktop.ml.data import augment
from desktop.ml.data.assemble import Gathered, count_copies, shared_groups
from desktop.ml.data.public_sets import Pictures
from desktop.ml.packaging import calibrate, evaluate
from desktop.ml.plans.plan import TrainingPlan
from desktop.ml.training.solved import HeldOut
from desktop.ml.training.train import Trained
from desktop.store.manifest import Decision
from desktop.system.words import phrase


@dataclass(frozen=True, slots=True, eq=False)
class Calibrated:
    """Temperature and decision, from ``pictures`` of ``split``, whose ``scores`` are float (n, classes).

    ``figures`` and the document ``validation`` say how good these are; ``ece_before`` and ``ece_after`` are the
    calibration error without the temperature and with it.
    """

    temperature: float
    ece_before: float
    ece_after: float
    decision: Decision
    figures: Figures
    validation: dict[str, Any]
    split: str
    pictures: Pictures
    scores: np.ndarray


def calibrated(plan: TrainingPlan, gathered: Gathered, trained: Trained) -> Calibrated:
    """Fit the temperature on validation, or on what a cross-validation said, and decide by it."""
    held_out = trained.held_out
    if held_out is not None:
        validation, logits, split = held_out.pictures, held_out.logits, HeldOut.CROSS
    else:
        validation, split = gathered.validation, "validation"
        logits = deploy.logits_of(trained.model, validation.images, plan.mirrored, _took(plan))
    temperature = calibrate.fit_temperature(logits, validation.labels)
    before, after = calibrate.softmax(logits), calibrate.softmax(logits / temperature)
    # Cross-validated, each picture was judged by a head that had not seen it, whatever training saw in the end.
    learned = gathered.train if held_out is None else None
    decision = decide(plan, trained, temperature, after, validation, learned)

    def measured(scores: np.ndarray) -> tuple[Figures, dict[str, Any]]:
        return evaluate.measure(plan, gathered, decision, validation, lambda _: scores, split, "Keras")

    figures, document = measured(after)
    ece = measured(before)[0].ece.value or 0.0
    return Calibrated(temperature, ece, figures.ece.value or 0.0, decision, figures, document, split, validation, after)


def decide(
    plan: TrainingPlan,
    trained: Trained,
    temperature: float,
    scores: np.ndarray,
    validation: Pictures,
    train: Pictures | None = None,
) -> Decision:
    """The decision that the plan asks for, with its threshold from ``scores`` on validation, or on augmented copies.

    Its reason says what pictures of ``train`` have in common with validation's.
    """
    if plan.decision.rule == "argmax":
        return Decision()
    positive = plan.decision.positive
    truth, own, how = validation.labels == positive, scores[:, positive], phrase("on the validation split")
    if truth.all() or not truth.any():
        missing = plan.labels[1 - positive if truth.any() else positive]
        return Decision(
            reason=phrase("no threshold could be chosen: validation holds no picture of '{missing}'", missing=missing)
        )
    if plan.decision.perturbed:
        parts = []
        for copy in range(plan.decision.perturbed):
            images = augment.apply(validation.images, plan.augment, np.random.default_rng([plan.seed, 5, copy]))
            logits = deploy.logits_of(trained.model, images, plan.mirrored, _took(plan))
            parts.append(calibrate.softmax(logits / temperature)[:, positive])
        truth, own = np.tile(truth, plan.decision.perturbed), np.concatenate(parts)
        how = phrase(
            "on {perturbed} copies of the validation split, augmented as in training", perturbed=plan.decision.perturbed
        )
    aim: Aim = "balanced accuracy"
    if plan.decision.rule == "balanced":
        choose: Callable[[np.ndarray, np.ndarray], float] = calibrate.balanced_threshold
        words = phrase("sensitivity and specificity alike")
    else:
        assert plan.decision.at_least is not None
        choose = partial(calibrate.sensitive_threshold, at_least=plan.decision.at_least)
        words = phrase(
            "the highest threshold with a sensitivity of at least {at_least:.0%}", at_least=plan.decision.at_least
        )
    value = choose(own, truth)
    if plan.decision.at_least is not None:
        aim = "sensitivity" if value < HIGHEST_SCORE else "specificity"
        reached = float((own[truth] >= value).mean())
        if reached < plan.decision.at_least:  # scores of exactly 0: no threshold above 0 finds them
            words = phrase(
                "the lowest threshold there is, with a sensitivity of {reached:.1%}: the plan's cannot be reached",
                reached=reached,
            )
    gain = gain_of(truth, own, choose, _owners(validation, len(own)), aim)
    if not gain.beyond_chance:
        return Decision(reason=_no_gain(gain, how))
    reason = f"{words} {how} ({len(validation)} pictures; {known(plan, train, validation)})"
    # Not rounded: of a network that is sure of itself the threshold would become 0 or 1, or rise above a kept score.
    return Decision("threshold", positive, value, reason)


def _owners(validation: Pictures, rows: int) -> np.ndarray:
    """Whose each of the ``rows`` is that copies of ``validation`` make: a person's, else a picture's; int64."""
    own = validation.groups if validation.groups is not None else np.arange(len(validation))
    return np.tile(np.unique(own, return_inverse=True)[1].astype(np.int64), rows // max(1, len(validation)))


def _no_gain(gain: Gain, how: str) -> str:
    """Why the highest score decides after all."""
    if min(gain.positives, gain.negatives) < FEWEST:
        return phrase(
            "the highest score decides: validation has {positives} and {negatives} pictures or "
            "persons of the two classes, and {fewest} of each are needed to choose a threshold",
            positives=gain.positives,
            negatives=gain.negatives,
            fewest=FEWEST,
        )
    value, low, high = gain.estimate.value, gain.estimate.low, gain.estimate.high
    assert value is not None and low is not None and high is not None
    return phrase(
        "the highest score decides: a threshold chosen {how} gains no more {what} than "
        "chance may ({value:+.1f} percentage points, 95 % interval {value2:+.1f} to "
        "{value3:+.1f}, cross-validated)",
        how=how,
        what=gain.what,
        value=100 * value,
        value2=100 * low,
        value3=100 * high,
    )


def known(plan: TrainingPlan, train: Pictures | None, validation: Pictures) -> str:
    """What training saw of the pictures that a threshold was chosen on, in words."""
    shared = shared_groups(train, validation) if train is not None else 0
    if shared:
        return phrase("training saw other pictures of {shared:,} of their persons or cases", shared=shared)
    doubled = count_copies(train, validation) if train is not None else 0
    if doubled:
        return phrase("training saw exact copies of {doubled:,} of them", doubled=doubled)
    if plan.data.group == "person":
        return phrase("training saw none of their persons")
    return phrase("training saw none of their pictures")


def _took(plan: TrainingPlan) -> int:
    """How many pictures the whole network held in training; of features the head alone was trained."""
    return 1 if plan.start.kind == "features" else plan.fit.batch
