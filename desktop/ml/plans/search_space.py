"""What a search tries: settings with values or ranges, and whether they can be tried at all.

Nothing here needs Optuna or Keras.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from desktop.ml.plans.plan import PlanError, TrainingPlan, shaping
from desktop.ml.plans.plan_changes import with_settings
from desktop.ml.plans.search_results import SearchError
from desktop.system.words import phrase

_PAIRS = 10_000  # pairs of other values beside which a value is looked for a place: some seconds
_COMBINED = 400  # whole combinations, where no pair gives it one
_LARGEST = 2**53  # beyond it a float no longer tells whole numbers apart


@dataclass(frozen=True, slots=True)
class Choices:
    """A setting of the plan with the values to try, as text."""

    key: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Range:
    """A setting of the plan with the numbers to try: ``low`` to ``high``, evenly or by order of magnitude (``log``)."""

    key: str
    low: float
    high: float
    log: bool = False
    whole: bool = False


Dimension = Choices | Range


def grid_size(space: Sequence[Dimension]) -> int:
    """The number of points of a grid. Raises :class:`SearchError` where a dimension is a range."""
    ranges = [dimension.key for dimension in space if isinstance(dimension, Range)]
    if ranges:
        hint = "Give the values to try: --vary KEY=a|b|c."
        raise SearchError(
            "bad-search", phrase("a grid needs values, and {ranges} is a range", ranges=list(ranges)), hint
        )
    return math.prod(len(dimension.values) for dimension in space if isinstance(dimension, Choices))


def check(plan: TrainingPlan, space: Sequence[Dimension]) -> None:
    """Refuse now what would fail in every trial: a value that goes neither with the plan nor with other values; and
    what would make trials that cannot be compared.

    Raises :class:`SearchError` and :class:`PlanError`.
    """
    for dimension in space:
        _check_comparable(dimension.key)
    tried = {dimension.key: _tried(dimension) for dimension in space}
    for key, values in tried.items():
        others = {other: held for other, held in tried.items() if other != key}
        for value in values:
            try:
                with_settings(plan, {key: value})
            except PlanError:
                if not any(_goes(plan, {key: value, **rest}) for rest in _beside(others, plan.seed)):
                    raise


def shared_by_all(plan: TrainingPlan, space: Sequence[Dimension]) -> TrainingPlan:
    """``plan`` with the first value of everything that is varied: what it says there itself is of no account."""
    try:
        return with_settings(plan, {dimension.key: _tried(dimension)[0] for dimension in space})
    except PlanError:  # the first values do not go together
        return plan


def digest_of(plan: TrainingPlan) -> str:
    """A digest of what decides a training's figures, the pictures themselves apart: of two plans with the same one the
    figures can be compared."""
    shared = shaping(plan)
    del shared["id"]  # every trial has its own
    del shared["data"]["fingerprint"]  # not every plan carries it
    shared["classes"] = plan.data.classes or plan.labels
    shared["left_out"] = sorted(plan.data.left_out)
    shared["kept_together"] = sorted(sorted(group) for group in plan.data.kept_together)
    return hashlib.sha256(json.dumps(shared, sort_keys=True).encode()).hexdigest()


def _check_comparable(key: str) -> None:
    """Refuse a setting that decides which pictures a trial is checked with."""
    path = [part for part in key.strip().split(".") if part]  # as with_settings reads it
    if path == ["seed"] or (path[:1] == ["data"] and path[1:] != ["limit"]):
        text = phrase(
            "'{key}' cannot be varied: each trial would be checked with other pictures, and none could be compared",
            key=key,
        )
        hint = "Set it for all trials with --set; of the data, data.limit can be varied."
        raise SearchError("bad-search", text, hint)


def _tried(dimension: Dimension) -> tuple[str, ...]:
    """The values, or the ends of the range. Raises :class:`SearchError` for a range that is none."""
    if isinstance(dimension, Choices):
        return dimension.values
    low, high = float(dimension.low), float(dimension.high)
    hint = ""
    if not (math.isfinite(low) and math.isfinite(high)):
        hint = "Both ends must be numbers."
    elif dimension.whole and not (low.is_integer() and high.is_integer() and max(abs(low), abs(high)) <= _LARGEST):
        hint = "Both ends of a range of whole numbers must be whole numbers."
    elif not low < high or (dimension.log and low <= 0):
        hint = "The smaller number first; above 0 with log."
    if hint:
        raise SearchError(
            "bad-search",
            phrase("the range of {key} is {low:g} to {high:g}", key=dimension.key, low=low, high=high),
            hint,
        )
    ends = (low, high)
    return tuple(map(str, (int(end) for end in ends) if dimension.whole else ends))


def _beside(others: dict[str, tuple[str, ...]], seed: int) -> Iterator[dict[str, str]]:
    """Values of other settings beside which one may go: each alone, each two, and at last a sample of all together.

    The order in which settings and values were given decides nothing.
    """
    single = [(key, value) for key in sorted(others) for value in sorted(others[key])]
    yield from ({key: value} for key, value in single)
    draw = random.Random(seed)
    pairs = [dict(two) for two in itertools.combinations(single, 2) if two[0][0] != two[1][0]]
    yield from pairs if len(pairs) <= _PAIRS else draw.sample(pairs, _PAIRS)
    if len(others) > 2:
        for _ in range(_COMBINED):
            yield {key: draw.choice(sorted(others[key])) for key in sorted(others)}


def _goes(plan: TrainingPlan, settings: dict[str, str]) -> bool:
    try:
        with_settings(plan, settings)
    except PlanError:
        return False
    return True
