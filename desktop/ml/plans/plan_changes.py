"""Single settings of a plan changed, by their names in its JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from desktop.ml.plans.plan import Step, TrainingPlan
from desktop.ml.plans.strict_reader import PlanError, changed, loose
from desktop.system.words import phrase


def with_settings(plan: TrainingPlan, settings: Mapping[str, str]) -> TrainingPlan:
    """``plan`` with single settings changed, as ``--set key=value`` gives them.

    Keys are the JSON's own names joined by dots (``fit.epochs``, ``optimizer.name``, ``data.validation``), and two
    shorter forms: ``architecture.SETTING`` and ``augment.STEP.SETTING`` (a step that is not there is added;
    ``augment=none`` removes all). What results is looked at as a whole, so settings that go together may come in any
    order. Raises :class:`PlanError` that names the key and what it takes.
    """
    augmented, others = plan.augment, list[tuple[list[str], str]]()
    for key, text in settings.items():
        path = [part for part in key.strip().split(".") if part]
        if not path:
            raise PlanError("bad-plan", phrase("'{key}' is no setting", key=key), "Write for instance fit.epochs=10.")
        if path[0] == "augment":
            augmented = _augmented(augmented, path[1:], text, key)
        elif path[0] == "architecture" and len(path) == 2 and path[1] not in ("name", "settings"):
            others.append((["architecture", "settings", path[1]], text))
        elif path[0] in ("schema", "card"):
            raise PlanError(
                "bad-plan", phrase("'{key}' cannot be set this way", key=key), "Change it in the plan's file."
            )
        else:
            others.append((path, text))
    return changed(plan, others, augment=augmented)


def _augmented(steps: tuple[Step, ...], path: list[str], text: str, key: str) -> tuple[Step, ...]:
    if not path and text.lower() in ("none", "[]", ""):
        return ()
    if not path:
        raise PlanError(
            "bad-plan",
            phrase("augment: {text} found, 'none' expected", text=repr(text)),
            "Or set augment.STEP.SETTING.",
        )
    if len(path) == 1:
        if text.lower() not in ("none", "on"):
            raise PlanError(
                "bad-plan", phrase("{key}: {text} found, 'on' or 'none' expected", key=key, text=repr(text))
            )
        rest = tuple(step for step in steps if step.name != path[0])
        return rest if text.lower() == "none" else (*rest, Step(path[0]))
    name, setting = path[0], ".".join(path[1:])
    if all(step.name != name for step in steps):
        steps = (*steps, Step(name))
    return tuple(
        replace(step, settings={**step.settings, setting: loose(text)}) if step.name == name else step for step in steps
    )
