"""Which pictures of an evaluation are looked at, and in which order: one rule for gallery, reports and lists."""

from __future__ import annotations

from typing import Literal

import numpy as np

Mode = Literal["losses", "cell", "unsure", "labels"]
SURE = 0.9
"""From this score on a wrong answer makes its label doubtful."""


def in_order(
    mode: Mode,
    rows: np.ndarray,
    truth: np.ndarray,
    predicted: np.ndarray,
    scores: np.ndarray,
    cell: tuple[int | None, int | None] = (None, None),
    sure: float = SURE,
) -> np.ndarray:
    """Those of ``rows`` (int64) that ``mode`` shows, in its order; equal ones keep theirs.

    ``truth`` and ``predicted`` int (n,) and ``scores`` float (n, classes) are indexed by row. ``losses``: the wrong
    answers, the smallest score of the truth (the largest loss) first. ``unsure``: the right ones, the least sure first.
    ``labels``: the wrong ones whose score is at least ``sure``, the surest first. ``cell``: those of a cell of the
    confusion matrix (truth, answer; ``None``: any), the surest first.
    """
    true, told = truth[rows], predicted[rows]
    if mode == "cell":
        keep = np.ones(len(rows), bool)
        for wanted, held in zip(cell, (true, told), strict=True):
            if wanted is not None:
                keep &= held == wanted
    else:
        keep = (true == told) if mode == "unsure" else (true != told)
    rows, true, told = rows[keep], true[keep], told[keep]
    if mode == "losses":
        key = scores[rows, true]
    elif mode == "unsure":
        key = scores[rows, told]
    else:
        key = -scores[rows, told].astype(np.float64)
        if mode == "labels":
            doubtful = -key >= sure
            rows, key = rows[doubtful], key[doubtful]
    result: np.ndarray = rows[np.argsort(key, kind="stable")]
    return result
