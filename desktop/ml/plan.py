"""A training plan: everything needed to repeat a training, as frozen dataclasses and as JSON.

Reading is strict: a missing or unknown field is an error that names it.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar, get_type_hints

from desktop.core.types import FoveaError, PreprocessSpec


class PlanError(FoveaError):
    """A plan that cannot be read or does not make sense."""


@dataclass(frozen=True, slots=True)
class DataPlan:
    """Which images: ``source`` is a name known to :mod:`desktop.ml.data`; ``validation`` the fraction cut from train.

    ``group`` keeps related images on one side of that cut: ``none``, or ``person`` (person or case
    in the file name, see :mod:`desktop.core.groups`).
    ``classes`` are the class folders in the order of the labels; empty where the source numbers its classes.
    """

    source: str
    validation: float
    group: Literal["none", "person"] = "none"
    classes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """A named building block with its settings: an architecture, or one augmentation."""

    name: str
    settings: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OptimizerPlan:
    """``rate`` is the peak of the ``schedule``: ``constant``, ``triangle`` or ``cosine``, the latter two with a linear
    rise over the fraction ``warmup`` of all steps. ``weight_decay`` is decoupled (times the rate, each step)."""

    name: Literal["sgd", "adamw", "adam", "rmsprop"]
    rate: float
    schedule: Literal["constant", "triangle", "cosine"] = "constant"
    warmup: float = 0.0
    momentum: float = 0.9
    weight_decay: float = 0.0
    clip_norm: float | None = None


@dataclass(frozen=True, slots=True)
class FitPlan:
    """The loop: ``ema`` is the decay of the weights' moving average per step (0: none); ``keep`` which epoch counts."""

    epochs: int
    batch: int
    label_smoothing: float = 0.0
    class_weights: Literal["none", "balanced"] = "none"
    ema: float = 0.0
    keep: Literal["last", "lowest-loss"] = "last"
    steps_per_execution: int = 8


@dataclass(frozen=True, slots=True)
class DecisionPlan:
    """How the answer follows from the scores.

    For two classes a threshold may be chosen on validation: ``balanced`` where sensitivity and specificity are alike,
    ``sensitivity`` the highest one that keeps a sensitivity of ``at_least``; see :mod:`desktop.ml.calibrate`. With
    ``perturbed`` above 0 it is chosen on that many augmented copies of validation instead of on the pictures as they
    are: pictures from elsewhere differ from validation as validation never differs from training.
    """

    rule: Literal["argmax", "balanced", "sensitivity"] = "argmax"
    positive: int = 1
    at_least: float | None = None
    perturbed: int = 0


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """One training from data to a model in the store. ``mirrored`` averages each answer with the mirror image's."""

    id: str
    name: str
    seed: int
    data: DataPlan
    preprocess: PreprocessSpec
    labels: tuple[str, ...]
    architecture: Step
    augment: tuple[Step, ...]
    optimizer: OptimizerPlan
    fit: FitPlan
    decision: DecisionPlan
    mirrored: bool
    medical: bool
    card: dict[str, Any]
    schema: int = 1

    def __post_init__(self) -> None:
        problem = _problem(self)
        if problem:
            raise PlanError("bad-plan", f"training plan: {problem}")

    def to_dict(self) -> dict[str, Any]:
        """The plan as plain JSON values."""
        result: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return result

    def to_json(self) -> str:
        """The plan as indented JSON with a final newline."""
        return json.dumps(self.to_dict(), indent=1, ensure_ascii=False) + "\n"


def _problem(plan: TrainingPlan) -> str | None:
    if plan.schema != 1:
        return f"schema {plan.schema} found, 1 expected; a newer Fovea may read it"
    if len(plan.labels) < 2:
        return f"{len(plan.labels)} labels found, at least 2 expected"
    if plan.data.classes and len(plan.data.classes) != len(plan.labels):
        return f"{len(plan.data.classes)} classes found for {len(plan.labels)} labels"
    if not 0 < plan.data.validation < 0.9:
        return f"validation {plan.data.validation} found; expected a fraction between 0 and 0.9"
    if plan.fit.epochs < 1 or plan.fit.batch < 1 or plan.fit.steps_per_execution < 1:
        return "epochs, batch and steps_per_execution must be at least 1"
    if not 0 <= plan.fit.label_smoothing < 1 or not 0 <= plan.fit.ema < 1:
        return "label_smoothing and ema must be at least 0 and below 1"
    if plan.optimizer.rate <= 0 or not 0 <= plan.optimizer.warmup < 1:
        return "rate must be above 0 and warmup a fraction below 1"
    decision = plan.decision
    if decision.rule != "argmax" and (len(plan.labels) != 2 or decision.positive not in (0, 1)):
        return f"the decision '{decision.rule}' goes with two labels and a positive class of 0 or 1"
    if (decision.rule == "sensitivity") != (decision.at_least is not None):
        return "at_least goes with the decision 'sensitivity', and with no other"
    if not 0 <= decision.perturbed <= 20:
        return f"perturbed {decision.perturbed} found; expected 0 to 20 copies"
    if decision.at_least is not None and not 0 < decision.at_least < 1:
        return f"at_least {decision.at_least} found; expected a fraction between 0 and 1"
    return None


def load(path: Path) -> TrainingPlan:
    """Read a plan from a JSON file. Raises :class:`PlanError` that names the field at fault."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PlanError("bad-plan", f"the plan '{path.name}' cannot be read") from error
    return from_json(text)


def from_json(text: str) -> TrainingPlan:
    """Read a plan from JSON text. Raises :class:`PlanError` that names the field at fault."""
    try:
        raw = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise PlanError("bad-plan", "the plan is not valid JSON") from error
    return _build(TrainingPlan, raw, "plan")


T = TypeVar("T")


def _build(cls: type[T], raw: object, where: str) -> T:
    if not isinstance(raw, dict):
        raise PlanError("bad-plan", f"{where} is not an object")
    hints = get_type_hints(cls)
    names = {f.name for f in fields(cls)}  # type: ignore[arg-type]
    missing, unknown = sorted(names - raw.keys()), sorted(raw.keys() - names)
    if missing or unknown:
        parts = [f"missing: {', '.join(missing)}"] * bool(missing) + [f"unknown: {', '.join(unknown)}"] * bool(unknown)
        raise PlanError("bad-plan", f"{where}: fields {'; '.join(parts)}")
    values = {name: _convert(hints[name], raw[name], f"{where}.{name}") for name in names}
    try:
        return cls(**values)
    except (TypeError, ValueError) as error:
        raise PlanError("bad-plan", f"{where}: {error}") from error


def _convert(hint: Any, value: Any, where: str) -> Any:
    """``value`` as the type ``hint`` wants it, or a :class:`PlanError`."""
    if is_dataclass(hint) and isinstance(hint, type):
        return _build(hint, value, where)
    origin, arguments = getattr(hint, "__origin__", None), getattr(hint, "__args__", ())
    if origin is tuple:
        if not isinstance(value, list):
            raise PlanError("bad-plan", f"{where}: expected a list, found {type(value).__name__}")
        return tuple(_convert(arguments[0], item, f"{where}[{i}]") for i, item in enumerate(value))
    if origin is Literal:
        if value not in arguments:
            raise PlanError("bad-plan", f"{where}: {value!r} found; expected one of {', '.join(map(str, arguments))}")
        return value
    if origin is dict or hint is dict:
        allowed: tuple[type, ...] = (dict,)
    elif arguments:  # a union such as float | None
        allowed = tuple(arguments)
    else:
        allowed = (hint,)
    if float in allowed:
        allowed = (*allowed, int)
    if not isinstance(value, allowed) or (isinstance(value, bool) and bool not in allowed):
        raise PlanError("bad-plan", f"{where}: {type(value).__name__} found, {hint} expected")
    return value
