"""A training plan: everything needed to repeat a training, as frozen dataclasses and as JSON.

Reading is strict: a missing or unknown field is an error that names it. Files of schema 1 are read and brought to
schema 2. Nothing here needs Keras, OpenCV or NumPy, so window and services may use it. What a plan consists of lies in
:mod:`desktop.ml.plans.plan_parts` and is found here as well.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from desktop.core.data.person_names import may_name_a_person
from desktop.ml.plans.plan_checks import problems
from desktop.ml.plans.plan_parts import (
    ARCHITECTURES,
    CYCLIC,
    MOST_CROSSED,
    SAME,
    SEEDS,
    SOLVED,
    STAGES,
    USER,
    DataPlan,
    DecisionPlan,
    FitPlan,
    OptimizerPlan,
    PlanSettings,
    StartPlan,
    Step,
)
from desktop.ml.plans.strict_reader import PlanError, build
from desktop.system import strict_json
from desktop.system.words import english, phrase

__all__ = [
    "ARCHITECTURES",
    "CYCLIC",
    "MOST_CROSSED",
    "SAME",
    "SCHEMA",
    "SEEDS",
    "SOLVED",
    "STAGES",
    "USER",
    "DataPlan",
    "DecisionPlan",
    "FitPlan",
    "OptimizerPlan",
    "PlanError",
    "PlanSettings",
    "StartPlan",
    "Step",
    "TrainingPlan",
    "from_dict",
    "from_json",
    "load",
    "shaping",
]

SCHEMA = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingPlan(PlanSettings):
    """One training from data to a model in the store: settings that fit together, on named data. Raises
    :class:`PlanError` where they do not."""

    id: str
    name: str
    seed: int
    data: DataPlan
    labels: tuple[str, ...]
    card: dict[str, Any]
    schema: int = SCHEMA

    def __post_init__(self) -> None:
        found = problems(self, self.data, self.labels, self.seed)
        if self.schema != SCHEMA:
            text = phrase(
                "schema {schema} found, {schema2} expected; a newer Fovea may read it",
                schema=self.schema,
                schema2=SCHEMA,
            )
            found.insert(0, text)
        if found:
            raise PlanError("bad-plan", phrase("training plan: {found}", found=found[0]))

    @classmethod
    def of(
        cls,
        settings: PlanSettings,
        *,
        id: str,
        name: str,
        seed: int,
        data: DataPlan,
        labels: tuple[str, ...],
        card: dict[str, Any],
    ) -> TrainingPlan:
        """A plan with these settings. Raises :class:`PlanError` that says what does not fit together."""
        return cls(id=id, name=name, seed=seed, data=data, labels=labels, card=card, **_parts(settings))

    @property
    def settings(self) -> PlanSettings:
        """The settings alone."""
        return PlanSettings(**_parts(self))

    def to_dict(self) -> dict[str, Any]:
        """The plan as plain JSON values; what it is called and learned from comes first."""
        told: dict[str, Any] = strict_json.plain(asdict(self))
        settings = _parts(self)
        result = {**{name: value for name, value in told.items() if name not in settings}, **told}
        for name in ("kept_together", "folds", "project"):
            if not result["data"][name]:
                del result["data"][name]
        return result

    def to_json(self) -> str:
        """The plan as indented JSON with a final newline, in ASCII: names that are no text survive as escapes."""
        return json.dumps(english(self.to_dict()), indent=1) + "\n"

    def public(self, title: str | None = None) -> TrainingPlan:
        """The plan for manifests, reports and logs: without the data's place on this computer or names inside it.

        ``title`` is what the data may be called there; without it a title that reads like a person's name is left out.
        """
        if title is None:
            title = "" if may_name_a_person(self.data.title) else self.data.title
        return replace(self, data=replace(self.data, path=None, left_out=(), kept_together=(), title=title))


def _parts(settings: PlanSettings) -> dict[str, Any]:
    return {part.name: getattr(settings, part.name) for part in fields(PlanSettings)}


def shaping(plan: TrainingPlan) -> dict[str, Any]:
    """The part of a plan that shapes the weights; words, decision and export may be mended before a resume, and the
    data may have moved.

    Compared with what a checkpoint holds, which is the public plan: the names of pictures are not in it, and the run's
    ``split.json`` watches over them.
    """
    values = plan.public().to_dict()
    for name in ("path", "title", "use_test"):
        del values["data"][name]
    del values["fit"]["tensorboard"]
    return {k: v for k, v in values.items() if k not in ("name", "card", "decision", "mirrored", "labels", "preset")}


def load(path: Path) -> TrainingPlan:
    """Read a plan from a JSON file. Raises :class:`PlanError` that names the field at fault."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PlanError("bad-plan", phrase("the plan '{name}' cannot be read", name=path.name)) from error
    return from_json(text)


def from_json(text: str) -> TrainingPlan:
    """Read a plan from JSON text. Raises :class:`PlanError` that names the field at fault."""
    try:
        raw = strict_json.loads(text)
    except strict_json.JsonError as error:
        raise PlanError("bad-plan", phrase("the plan cannot be read: {error}", error=error)) from error
    return from_dict(raw)


def from_dict(raw: object) -> TrainingPlan:
    """Read a plan from plain JSON values of schema 1 or 2. Raises :class:`PlanError` that names the field at fault."""
    if isinstance(raw, dict) and raw.get("schema") == 1:
        raw = _upgraded(raw)
    elif isinstance(raw, dict):
        # May be missing: what most plans do without.
        for name, usual in _USUAL.items():
            if isinstance(raw.get(name), dict):
                raw = {**raw, name: {**usual, **raw[name]}}
    return build(TrainingPlan, raw, "plan")


def _upgraded(raw: dict[str, Any]) -> dict[str, Any]:
    """Schema 1 as schema 2. What schema 2 added stands at what schema 1 did: its momentum was Nesterov's."""
    new = {**raw, "schema": SCHEMA}
    for name, cls in (("data", DataPlan), ("optimizer", OptimizerPlan), ("fit", FitPlan)):
        part = new.get(name)
        if isinstance(part, dict):
            added = _ADDED[name]
            stray = sorted(added & part.keys())
            if stray:
                raise PlanError(
                    "bad-plan",
                    phrase("plan.{name}: fields unknown in schema 1: {stray}", name=name, stray=list(stray)),
                )
            defaults = {f.name: f.default for f in fields(cls) if f.name in added}
            defaults = {key: list(value) if isinstance(value, tuple) else value for key, value in defaults.items()}
            new[name] = {**defaults, **part}
    if "start" in raw or "preset" in raw:
        raise PlanError("bad-plan", "plan: fields unknown in schema 1: start, preset")
    new["start"], new["preset"] = asdict(StartPlan()), ""
    optimizer = new.get("optimizer")
    if isinstance(optimizer, dict) and optimizer.get("name") == "sgd":
        optimizer["nesterov"] = bool(optimizer.get("momentum"))
    return new


_USUAL: dict[str, dict[str, Any]] = {
    "data": {"left_out": [], "kept_together": [], "folds": 0, "project": ""},
    "optimizer": {"cycles": 1},
    "fit": {"swa": 0},
}
_ADDED: dict[str, frozenset[str]] = {
    "data": frozenset(
        {"path", "title", "fingerprint", "limit", "use_test", "left_out", "kept_together", "folds", "project"}
    ),
    "optimizer": frozenset({"nesterov", "cycles"}),
    "fit": frozenset({"loss", "sampling", "patience", "mixed", "jit", "l1", "l2", "tensorboard", "swa"}),
}
