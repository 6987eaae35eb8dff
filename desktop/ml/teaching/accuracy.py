"""How good a labelling project's head is, said honestly although most labelled pictures were not drawn at random.

Who labels the doubtful pictures first has a heap of hard ones: heads that had not learned from them have a fifth fewer
of them right than of pictures as they come, and no weighing by how sure a head was mends that (docs/teach.md). So every
picture of a project is drawn once, by its content and the project alone; in the order 'most uncertain' one picture in
:data:`CHECK_EVERY` is the next of that draw, and the accuracy is that of the first ones of the draw, as far as they
have a label. They are a random sample of the project's pictures whatever else was labelled, by whom and why.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from desktop.core.figures.clustered import Persons
from desktop.core.figures.intervals import FEWEST, Estimate, Z, proportion
from desktop.ml.teaching.ridge import solve

CHECK_EVERY = 4
"""In the order 'most uncertain' each so manieth picture is drawn at random."""
PARTS = 10
"""Parts of the cross-validation that held-out answers come from."""
_PASSED_OVER = 0.05  # of the first of the draw may be without a label: what nobody could tell, say
_POINTS = 5
_FIRST_POINT = 10
_DRAWS = 3
_SEED = 1


def drawn(draw: np.ndarray, labelled: np.ndarray) -> np.ndarray:
    """Which pictures the accuracy rests on: bool (n,), those labelled among the first of the draw.

    ``draw`` float (n,), each picture's place in it; ``labelled`` bool (n,). The first ones are as many as can be with
    at most one in twenty without a label.
    """
    order = np.argsort(draw, kind="stable")
    had = np.cumsum(labelled[order])
    count = np.arange(1, len(draw) + 1)
    enough = np.flatnonzero((had >= (1 - _PASSED_OVER) * count) & labelled[order])
    out = np.zeros(len(draw), bool)
    if len(enough):
        first = order[: enough[-1] + 1]
        out[first] = labelled[first]
    return out


def parts_of(targets: np.ndarray, groups: np.ndarray, order: np.ndarray | None = None) -> np.ndarray:
    """The part of a cross-validation that each labelled picture is in: int64 (n,), at most :data:`PARTS` of them.

    ``groups`` int (n,) stay together, and each class is spread evenly over the parts (``order`` float (n,) says how,
    else as they come). Leaving out one picture at a time would make the held-out answers too bad: what it is loses a
    picture with it, and the other classes lose none (on six sets, 120 labels: 1.4 percentage points, at most 3.8).
    """
    listed, inside = np.unique(groups, return_inverse=True)
    first = np.full(len(listed), np.inf)
    np.minimum.at(first, inside, np.arange(len(groups)) if order is None else order)
    kind = np.zeros(len(listed), np.int64)
    kind[inside] = targets
    places = np.lexsort((first, kind))
    part = np.empty(len(listed), np.int64)
    part[places] = np.arange(len(listed)) % PARTS
    return np.asarray(part[inside], np.int64)


def accuracy_of(
    held_out: np.ndarray, targets: np.ndarray, groups: np.ndarray, counted: np.ndarray | None = None
) -> Estimate:
    """The share of pictures that the head has right, with its 95 % interval.

    ``held_out`` float (n, classes): scores of the labelled pictures by heads that had not learned from them nor from
    their ``groups`` int (n,); ``targets`` int (n,) what they are; ``counted`` bool (n,): those :func:`drawn` (``None``:
    all).
    """
    counted = np.ones(len(targets), bool) if counted is None else counted
    right = (held_out.argmax(axis=1) == targets)[counted]
    persons = Persons.among(groups[counted])
    if persons is None:
        return proportion(int(right.sum()), len(right), "no picture that was drawn at random has a label")
    return persons.proportion(right, None, "no picture that was drawn at random has a label")


@dataclass(frozen=True, slots=True)
class MeasuredPoint:
    """The accuracy of heads that learned from ``labels`` pictures."""

    labels: int
    accuracy: Estimate


@dataclass(frozen=True, slots=True)
class LearningCurve:
    """``points`` by rising number of labels; ``then``: what ``more`` labels would probably bring, or ``reason`` why
    that cannot be said."""

    points: tuple[MeasuredPoint, ...]
    more: int
    then: Estimate | None
    reason: str = ""


def curve_of(
    scaled: np.ndarray,
    targets: np.ndarray,
    groups: np.ndarray,
    counted: np.ndarray,
    penalty: float,
    more: int = 50,
    stale: Callable[[], bool] = lambda: False,
) -> LearningCurve | None:
    """Accuracy against the number of labels: heads learn from parts of the labelled pictures, drawn group by group, and
    are checked as :func:`accuracy_of` does; the last point is all of them.

    ``scaled`` float32 (n, size) of the labelled pictures, ``counted`` bool (n,) those :func:`drawn`. What is to come
    follows from a power law a − b·n^−c through the points (Cortes et al. 1993; Figueroa et al. 2012, 'Predicting
    sample size required for classification performance'); its interval joins the last point's to what the law leaves
    unexplained. ``None`` where ``stale`` answered true meanwhile.
    """
    count = len(targets)
    if count < 2 * _FIRST_POINT:
        return LearningCurve((), more, None, f"{2 * _FIRST_POINT} labels are needed for a curve")
    if int(counted.sum()) < FEWEST:
        return LearningCurve((), more, None, f"{FEWEST} labelled pictures that were drawn at random are needed")
    numbers = np.unique(np.geomspace(_FIRST_POINT, count, _POINTS).round().astype(int)).tolist()
    points = []
    for number in numbers:
        values, last = [], None
        for draw in range(_DRAWS if number < count else 1):
            if stale():
                return None
            chosen = _drawn(groups, number, draw)
            found = _checked(scaled, targets, groups, counted, penalty, chosen)
            if found is not None and found.value is not None:
                values.append(found.value)
                last = found
        if last is not None:
            value = float(np.mean(values))
            low, high = last.low or 0.0, last.high or 1.0
            shift = value - float(last.value or 0.0)
            points.append(
                MeasuredPoint(
                    number, Estimate(value, max(0.0, low + shift), min(1.0, high + shift), last.n, None, last.method)
                )
            )
    return _extended(tuple(points), more)


def _drawn(groups: np.ndarray, number: int, draw: int) -> np.ndarray:
    """About ``number`` positions: whole groups."""
    if number >= len(groups):
        return np.arange(len(groups))
    rng = np.random.default_rng([_SEED, draw, number])
    order = {group: place for place, group in enumerate(rng.permutation(np.unique(groups)).tolist())}
    places = np.argsort([order[group] for group in groups.tolist()], kind="stable")
    return np.sort(places[:number])


def _checked(
    scaled: np.ndarray,
    targets: np.ndarray,
    groups: np.ndarray,
    counted: np.ndarray,
    penalty: float,
    chosen: np.ndarray,
) -> Estimate | None:
    classes, inside = np.unique(targets[chosen], return_inverse=True)
    if len(classes) < 2:
        return None
    head = solve(scaled[chosen], inside, len(classes), parts_of(inside, groups[chosen]), (penalty,))
    rest = np.setdiff1d(np.flatnonzero(counted), chosen)
    held_out = np.zeros((len(targets), int(targets.max()) + 1), np.float32)
    held_out[np.ix_(chosen, classes)] = head.held_out
    if len(rest):
        held_out[np.ix_(rest, classes)] = head.scores(scaled[rest])
    return accuracy_of(held_out, targets, groups, counted)


def _extended(points: tuple[MeasuredPoint, ...], more: int) -> LearningCurve:
    known = [(point.labels, point.accuracy.value) for point in points if point.accuracy.value is not None]
    if len(known) < 4:
        return LearningCurve(points, more, None, "more labels are needed to say what others would bring")
    n = np.array([labels for labels, _ in known], np.float64)
    values = np.array([value for _, value in known], np.float64)
    weight = np.sqrt(n / n[-1])  # the last ones tell more
    best: tuple[float, float, float, float] | None = None
    for power in (0.3, 0.5, 0.7, 1.0):
        design = np.stack([np.ones_like(n), -(n**-power)], axis=1) * weight[:, None]
        (top, fall), *_ = np.linalg.lstsq(design, values * weight, rcond=None)
        if fall < 0:
            continue
        error = float((((top - fall * n**-power) - values) ** 2 * weight**2).sum())
        if best is None or error < best[0]:
            best = (error, float(top), float(fall), power)
    last = points[-1].accuracy
    assert last.value is not None
    if best is None:
        return LearningCurve(points, more, last, "labels added lately have changed nothing that could be measured")
    error, _, fall, power = best
    labels = points[-1].labels
    # From what is measured now: the law tells the gain alone, and never more than to have all right.
    gain = fall * (labels**-power - (labels + more) ** -power)
    value = min(1.0, last.value + max(0.0, gain))
    doubt = Z * math.sqrt(error / max(1, len(known) - 2))
    low = max(0.0, (last.low if last.low is not None else last.value) + (value - last.value) - doubt)
    high = min(1.0, (last.high if last.high is not None else last.value) + (value - last.value) + doubt)
    return LearningCurve(points, more, Estimate(value, low, high, last.n, None, "power law"))
