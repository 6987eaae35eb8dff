"""What lets a model say how far its answers can be trusted: domain gate and answer sets, made once it is exported.

Only the exported file's outputs are used, so bundled models get theirs from the same code without being trained again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from desktop.core.progress import Progress, untold
from desktop.core.trust import conformal
from desktop.core.trust.domain import TONES, Gate, features, views_for
from desktop.core.trust.second import SecondGate
from desktop.core.types import PreprocessSpec
from desktop.ml.convert.litert import LiteRT
from desktop.ml.data.public_sets import Pictures
from desktop.ml.packaging import fit_domain_gate
from desktop.ml.packaging.gate_pictures import DomainError
from desktop.store.manifest import Conformal, Decision, Domain


@dataclass(frozen=True, slots=True, eq=False)
class Confidence:
    """A model's gate with its manifest entry, ``None`` where it could not be made (``trouble`` says why), the cutoffs
    of its answer sets, and a second opinion where that is worth its time."""

    gate: Gate | None
    domain: Domain | None
    conformal: Conformal
    trouble: str = ""
    second: SecondGate | None = None


def fit(
    lite: LiteRT,
    outputs: dict[str, int],
    spec: PreprocessSpec,
    train: Pictures,
    validation: Pictures,
    seed: int,
    progress: Progress = untold,
    seen: Callable[[Gate, np.ndarray, np.ndarray], None] = lambda gate, picked, rows: None,
    scored: tuple[np.ndarray, np.ndarray, str] | None = None,
    side: int = 0,
    second_look: Callable[[np.ndarray], np.ndarray] | None = None,
    digits: bool = False,
) -> Confidence:
    """Gate and answer sets of an exported network (its ``outputs`` as in the manifest), from what it was trained on.

    ``progress`` hears how many pictures were looked at; it may raise, to cancel. ``seen`` as in
    :func:`desktop.ml.packaging.fit_domain_gate.fit`. ``scored``: scores float (n, classes), labels and what they were
    called, for the answer sets, where the network has learned from validation in the end (cross-validated). ``side`` is
    that of the pictures, where they are tiles (:class:`desktop.store.manifest.Conformal`). ``second_look`` and
    ``digits`` as in :func:`desktop.ml.packaging.fit_domain_gate.fit_both`.
    """
    if scored is None:
        (scores,) = lite.run(validation.images, only=(outputs["probabilities"],))
        scored = scores, validation.labels, "validation"
    sets = replace(_sets(*scored), side=side)
    toned = TONES in views_for(spec)

    def look(images: np.ndarray) -> np.ndarray:
        return features_of(images, lite.run(images), outputs, toned)

    try:
        gate, entry, second = fit_domain_gate.fit_both(
            train.images, train.labels, validation.images, spec, look, second_look, seed, progress, seen,
            lite.bytes_each, digits,
        )  # fmt: skip
    except DomainError as error:
        return Confidence(None, None, sets, error.message)
    return Confidence(gate, entry, sets, second=second)


def features_of(images: np.ndarray, found: list[np.ndarray], outputs: dict[str, int], toned: bool) -> np.ndarray:
    """:func:`desktop.core.trust.domain.features` of prepared ``images`` and the network's outputs for them."""
    embedding = found[outputs["embedding"]] if "embedding" in outputs else None
    last_map = found[outputs["map"]] if "map" in outputs else None
    return features(images, embedding, last_map, toned)


def _sets(scores: np.ndarray, labels: np.ndarray, split: str) -> Conformal:
    true = scores[np.arange(len(scores)), labels]
    found = conformal.cutoffs(true.tolist())
    return Conformal(conformal.METHOD, split, len(true), conformal.RATES, found)


def checked(sets: Conformal, decision: Decision, scores: np.ndarray, labels: np.ndarray, split: str) -> Conformal:
    """``sets`` with the coverage and the mean size that they have on pictures that had no part in their cutoffs."""
    answers = [decision.choose(row) for row in scores]
    covered, sizes = [], []
    for cutoff in sets.cutoffs:
        inside = scores >= np.float32(cutoff) if cutoff else np.ones(scores.shape, bool)
        inside[np.arange(len(answers)), answers] = True
        covered.append(round(float(inside[np.arange(len(labels)), labels].mean()), 4))
        sizes.append(round(float(inside.sum(axis=1).mean()), 4))
    return replace(sets, checked_split=split, checked=len(labels), covered=tuple(covered), sizes=tuple(sizes))
