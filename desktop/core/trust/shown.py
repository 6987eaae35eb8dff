"""Whether a photograph shows anything that a model of tiles knows, by what the everyday network sees in it.

At 32×32 pixels a shoe and a cat differ little, and so do a model's own tiles and photographs of anything at all, once
these are reduced to tiles. The photograph itself says more: the scores of the everyday network's classes under the
words of :data:`KNOWN` add up (:mod:`desktop.core.trust.general_words`), and where they stay below :data:`LEAST` the
picture shows none of the things. Tiles themselves are too coarse for the everyday network: it is asked of larger
pictures alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from desktop.core.trust.domain import LEAST_FLAGGED
from desktop.core.trust.general_words import GeneralWords
from desktop.core.types import DomainVerdict


@dataclass(frozen=True, slots=True)
class Known:
    """What a model knows, in words of the hierarchy, and the pixels a side of its own pictures."""

    words: tuple[str, ...]
    side: int


KNOWN = {
    "cifar10": Known(
        (
            "aircraft", "motor vehicle", "bird", "cat-like animal", "hoofed animal", "dog-like animal", "frog",
            "boat or ship",
        ),
        32,
    ),
}  # fmt: skip
"""By a model's id. Kinds rather than classes: the everyday network need not know a wagon from a lorry."""
LARGER = 3.0
"""Times the side of a model's own pictures: from there on a picture is a photograph."""
LEAST = 0.2
"""Together the scores of what a model knows must reach this (docs/confidence.md)."""


def asked(model_id: str, size: tuple[int, int], verdict: DomainVerdict | None) -> bool:
    """Whether to ask the everyday network of a picture of ``size`` (pixels across and down) that has ``verdict``."""
    known = KNOWN.get(model_id)
    inside = verdict is not None and verdict.inside
    return known is not None and inside and min(size) > LARGER * known.side


def share(model_id: str, words: GeneralWords, scores: np.ndarray) -> float:
    """How much of the everyday network's ``scores`` (classes,) belongs to what the model knows: 0 to 1."""
    rows = [place for place, word in enumerate(words.words) if word in KNOWN[model_id].words]
    return float(scores[words.under[rows].any(axis=0)].sum())


def agreed(verdict: DomainVerdict, found: float) -> DomainVerdict:
    """``verdict``, which took the picture for the model's kind, beside the ``found`` share of what it knows."""
    if found >= LEAST:
        return verdict
    return DomainVerdict(round(LEAST_FLAGGED + (LEAST - found) / LEAST, 4), False)
