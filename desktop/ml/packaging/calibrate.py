"""From scores on validation to honest answers: temperature and decision threshold."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize_scalar


def softmax(logits: np.ndarray) -> np.ndarray:
    """Probabilities float64 of the same shape, along the last axis."""
    shifted = np.asarray(logits, np.float64)
    powers = np.exp(shifted - shifted.max(axis=-1, keepdims=True))
    result: np.ndarray = powers / powers.sum(axis=-1, keepdims=True)
    return result


_SPREAD = 0.5  # of the logarithm of temperatures that are believed without a picture: e^±.5 is .6 to 1.6


def fit_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """The temperature, 0.05 to 10, that minimises cross-entropy of ``softmax(logits / T)`` (Guo et al. 2017), with a
    normal prior on its logarithm.

    Without the prior, pictures that are (nearly) all right would draw it to its lower bound, whatever the scores: a
    score of .76 became .98 with 100 pictures. Against hundreds of pictures with some errors the prior weighs nothing.
    Where no picture is wrong nothing speaks for higher scores, and the temperature is 1 or above.
    """
    rows = np.arange(len(labels))

    def loss(log_temperature: float) -> float:
        probabilities = softmax(logits / np.exp(log_temperature))
        surprise = float(-np.log(np.clip(probabilities[rows, labels], 1e-12, None)).sum())
        return surprise + (log_temperature / _SPREAD) ** 2 / 2

    lowest = 0.0 if (logits.argmax(axis=1) == labels).all() else np.log(0.05)
    found = minimize_scalar(loss, bounds=(lowest, np.log(10.0)), method="bounded", options={"xatol": 1e-5})
    return float(np.exp(found.x))


def sensitive_threshold(scores: np.ndarray, positive: np.ndarray, at_least: float) -> float:
    """The highest threshold that keeps a sensitivity of ``at_least``, halfway (in log-odds) to the next lower score.

    ``scores`` float (n,) of the positive class, ``positive`` bool (n,), with at least one positive. Never above the
    lowest score that has to be kept, and between 0 and 1: only where that score is 0 is the promise not kept.
    """
    odds = np.sort(_log_odds(scores))
    place = min(int(positive.sum()) - 1, int(np.floor((1 - at_least) * positive.sum() + 1e-9)))
    kept = float(np.sort(np.asarray(scores, np.float64)[positive])[place])
    cut = float(_log_odds(np.array([kept]))[0])
    below = odds[odds < cut]
    middle = (cut + below[-1]) / 2 if len(below) else cut
    # There and back again through log-odds may end a hair above the score itself, and scores near 0 were raised.
    return min(float(1 / (1 + np.exp(-middle))), kept) or float(np.finfo(np.float64).tiny)


def _log_odds(scores: np.ndarray) -> np.ndarray:
    values = np.clip(np.asarray(scores, np.float64), 1e-6, 1 - 1e-6)
    result: np.ndarray = np.log(values / (1 - values))
    return result


def balanced_threshold(scores: np.ndarray, positive: np.ndarray) -> float:
    """The threshold where sensitivity and specificity are nearest to each other, in the middle of its gap.

    ``scores`` float (n,) of the positive class, ``positive`` bool (n,). The midpoint (in log-odds) of the range of
    thresholds with the smallest difference is taken: the widest margin to either side's next picture.
    """
    odds = _log_odds(scores)
    cuts = np.unique(odds)
    middles = (cuts[1:] + cuts[:-1]) / 2 if len(cuts) > 1 else cuts
    true, false = np.sort(odds[positive]), np.sort(odds[~positive])
    sensitivity = 1 - np.searchsorted(true, middles) / max(1, len(true))
    specificity = np.searchsorted(false, middles) / max(1, len(false))
    # A small weight on their sum settles ties in favour of the better pair.
    cost = np.abs(sensitivity - specificity) - 0.1 * (sensitivity + specificity)
    best = np.nonzero(cost <= cost.min() + 1e-9)[0]
    middle = float((middles[best[0]] + middles[best[-1]]) / 2)
    return float(1 / (1 + np.exp(-middle)))
