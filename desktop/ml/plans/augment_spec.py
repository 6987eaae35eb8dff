"""What the augmentations are called, what they take, and within which bounds: for forms, and to check plans.

The augmentations themselves are in :mod:`desktop.ml.data.augment`; a test holds the two together. Nothing here needs
OpenCV or NumPy, so window and services may use it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from desktop.ml.plans.strict_reader import PlanError
from desktop.system.words import phrase

BORDERS = ("constant", "nearest", "reflect", "wrap")
"""What comes in from outside the picture: black, its edge again, its mirror image, its other side."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: ``kind``, its ``default``, bounds ``low`` to ``high`` for numbers, ``choices`` for words.

    A ``range`` is a pair of numbers, the smaller one first.
    """

    kind: Literal["number", "whole", "range", "choice", "switch"]
    default: Any
    low: float = 0.0
    high: float = 1.0
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Augmentation:
    """One augmentation: its settings by name, in the order of the function's own."""

    name: str
    words: str
    settings: Mapping[str, Setting]


def _share(default: float) -> Setting:
    return Setting("number", default)


_ALL = (
    Augmentation("flip", phrase("mirror left and right"), {"p": _share(0.5), "alternate": Setting("switch", False)}),
    Augmentation("flip_vertical", phrase("mirror top and bottom"), {"p": _share(0.5)}),
    Augmentation("shift", phrase("shift by whole pixels"), {"pixels": Setting("whole", 2, 0, 64)}),
    Augmentation(
        "affine",
        phrase("rotate, shift, shear, zoom"),
        {
            "p": _share(1.0),
            "rotate": Setting("number", 0.0, 0, 180),
            "shear": Setting("number", 0.0, 0, 60),
            "zoom": Setting("range", (1.0, 1.0), 0.1, 10),
            "aspect": Setting("number", 0.0, 0, 2),
            "shift": Setting("number", 0.0, 0, 1),
            "border": Setting("choice", "constant", choices=BORDERS),
        },
    ),
    Augmentation(
        "elastic",
        phrase("bend smoothly"),
        {"p": _share(0.5), "strength": Setting("number", 1.5, 0, 50), "cells": Setting("whole", 4, 2, 64)},
    ),
    Augmentation(
        "stroke",
        phrase("thicker and thinner ink"),
        {"p": _share(0.5), "thicker": Setting("number", 1.0, 0, 1), "thinner": Setting("number", 0.7, 0, 1)},
    ),
    Augmentation(
        "european",
        phrase("digits as Europeans write them"),
        {"p": _share(0.25), "one": Setting("whole", 1, 0, 10_000), "seven": Setting("whole", 7, 0, 10_000)},
    ),
    Augmentation(
        "tone",
        phrase("brightness and contrast"),
        {
            "p": _share(1.0),
            "brightness": Setting("number", 0.0, 0, 1),
            "contrast": Setting("number", 0.0, 0, 3),
            "gamma": Setting("number", 0.0, 0, 3),
        },
    ),
    Augmentation(
        "colour",
        phrase("saturation and colour cast"),
        {"p": _share(0.3), "saturation": Setting("number", 0.3, 0, 1), "gain": Setting("number", 0.08, 0, 1)},
    ),
    Augmentation(
        "resample",
        phrase("softer and sharper"),
        {"p": _share(0.15), "smallest": Setting("number", 0.6, 0.05, 0.94), "sharpen": Setting("number", 0.8, 0.1, 5)},
    ),
    Augmentation("blur", "blur", {"p": _share(0.3), "sigma": Setting("number", 0.8, 0.3, 20)}),
    Augmentation("jpeg", phrase("traces of JPEG"), {"p": _share(0.15), "quality": Setting("whole", 50, 1, 95)}),
    Augmentation("noise", "grain", {"p": _share(0.3), "deviation": Setting("number", 6.0, 1, 128)}),
    Augmentation("erase", phrase("cover a part"), {"p": _share(0.5), "side": Setting("number", 0.25, 0.05, 1)}),
    Augmentation(
        "borders", phrase("plain bars at the edges"), {"p": _share(0.2), "widest": Setting("number", 0.08, 0, 0.5)}
    ),
    Augmentation("letters", phrase("burnt-in markers"), {"p": _share(0.3)}),
    Augmentation(
        "cutmix",
        phrase("a part of another picture, with its label's share"),
        {"p": _share(0.5), "alpha": Setting("number", 1.0, 0.01, 100)},
    ),
    Augmentation(
        "mixup",
        phrase("blended with another picture and its label"),
        {"p": _share(0.5), "alpha": Setting("number", 0.4, 0.01, 100)},
    ),
)

AUGMENTATIONS: dict[str, Augmentation] = {item.name: item for item in _ALL}
"""Every augmentation by its name, in the order in which they are usually applied."""


def settings_of(name: str) -> dict[str, Any]:
    """The settings of one augmentation with their defaults."""
    return {key: setting.default for key, setting in AUGMENTATIONS[name].settings.items()}


def check(steps: Iterable[Any]) -> None:
    """Raise :class:`PlanError` for an unknown augmentation or setting, or a value out of its bounds.

    ``steps`` are :class:`desktop.ml.plans.plan.Step`.
    """
    for step in steps:
        if step.name not in AUGMENTATIONS:
            known = sorted(AUGMENTATIONS)
            raise PlanError(
                "bad-plan",
                phrase("there is no augmentation '{name}'", name=step.name),
                phrase("Known ones: {known}.", known=known),
            )
        allowed = AUGMENTATIONS[step.name].settings
        unknown = sorted(step.settings.keys() - allowed.keys())
        if unknown:
            hint = phrase("Settings there: {allowed}.", allowed=list(allowed))
            raise PlanError(
                "bad-plan",
                phrase("augmentation '{name}' has no setting {unknown}", name=step.name, unknown=list(unknown)),
                hint,
            )
        for key, value in step.settings.items():
            wanted = _unfit(allowed[key], value)
            if wanted:
                raise PlanError(
                    "bad-plan",
                    phrase(
                        "augmentation '{name}': {key} is {value}; expected {wanted}",
                        name=step.name,
                        key=key,
                        value=repr(value),
                        wanted=wanted,
                    ),
                )


def _unfit(setting: Setting, value: object) -> str:
    """What was expected instead of ``value``; empty where it fits."""
    if setting.kind == "choice":
        return "" if value in setting.choices else phrase("one of {choices}", choices=list(setting.choices))
    if setting.kind == "switch":
        return "" if isinstance(value, bool) else phrase("true or false")
    within = phrase("from {low:g} to {high:g}", low=setting.low, high=setting.high)
    if setting.kind == "range":
        pair = list(value) if isinstance(value, list | tuple) else []
        good = len(pair) == 2 and all(_is_number(v) and setting.low <= v <= setting.high for v in pair)
        return "" if good and pair[0] <= pair[1] else phrase("two numbers {within}, the smaller first", within=within)
    whole = setting.kind == "whole"
    good = _is_number(value) and (not whole or isinstance(value, int))
    if good and isinstance(value, int | float) and setting.low <= value <= setting.high:
        return ""
    return f"a {'whole ' if whole else ''}number {within}"


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
