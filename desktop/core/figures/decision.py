"""The one rule by which scores become an answer: the highest score, or a threshold for two classes.

Engine, evaluation, packaging and the window decide by it, so that a picture has one answer wherever it is asked for.
NumPy is imported where arrays come in: the window reads models' descriptions before it is there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


def answer_of(scores: Sequence[float] | np.ndarray, positive: int | None, threshold: float | None) -> int:
    """The class number that one row of ``scores`` (finite, one a class) gives.

    With a threshold: ``positive`` where its score is at least that, else the other of the two. Without: the class with
    the highest score, the first of equals. Scores are compared as 64-bit floats.
    """
    if threshold is None or positive is None:
        return max(range(len(scores)), key=lambda index: float(scores[index]))
    return positive if float(scores[positive]) >= threshold else 1 - positive


def in_place_of_score(
    answer: int,
    score: float,
    highest: float,
    positive: int | None,
    threshold: float | None,
    number: Callable[[float], str],
) -> str:
    """What stands beside an ``answer`` whose ``score`` is below the ``highest``: the threshold that made it, '≥ 0.275'
    or '< 0.9'; '' where the score itself may stand there. A losing score is never shown as the answer's."""
    if threshold is None or positive is None or score >= highest:
        return ""
    return f"{'≥' if answer == positive else '<'} {number(threshold)}"


def answers_of(scores: np.ndarray, positive: int | None, threshold: float | None) -> np.ndarray:
    """:func:`answer_of` for every row of ``scores`` (n, classes): int32 (n,)."""
    import numpy as np

    if threshold is None or positive is None:
        return np.asarray(scores.argmax(axis=1) if len(scores) else np.empty(0), dtype=np.int32)
    return np.where(scores[:, positive].astype(np.float64) >= threshold, positive, 1 - positive).astype(np.int32)
