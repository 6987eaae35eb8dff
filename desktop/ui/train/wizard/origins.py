"""The starting points that a data set may be trained from, as the wizard lists them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from PySide6.QtCore import QCoreApplication

from desktop.core.types import PreprocessSpec
from desktop.ml.plans.base_models import bare_manifests, check_there
from desktop.ml.plans.plan import DataPlan, DecisionPlan, FitPlan, OptimizerPlan, StartPlan, Step, TrainingPlan
from desktop.ml.plans.transfer_plans import may_flip, plan_from
from desktop.ui.train.wizard.draft import Draft

if TYPE_CHECKING:
    from desktop.ml.plans.presets import Preset
    from desktop.store.manifest import Manifest
    from desktop.store.store import ModelEntry

EVERYDAY = "cifar10"
"""The bundled network that has seen photographs of things: the base for few pictures in colour."""

FEW = 200
"""Below this many pictures of the smallest class a network that has learned already is recommended as the base."""


@dataclass(frozen=True, slots=True)
class Origin:
    """One starting point. ``make`` gives its plan for the data at hand; ``layers`` are names and words of the layers
    whose features can be used; ``rank`` its place in the list."""

    id: str
    group: str
    title: str
    words: str
    make: Callable[[], TrainingPlan]
    rank: tuple[int, str]
    reported: str = ""
    layers: tuple[tuple[str, str], ...] = ()


def _tr(text: str) -> str:
    return QCoreApplication.translate("StartPage", text)


def origins(draft: Draft, entries: Sequence[ModelEntry], held: TrainingPlan | None = None) -> list[Origin]:
    """Every starting point for the data of ``draft``; ``held`` is an earlier plan that is repeated with changes."""
    out = []
    if held is not None:
        words = _tr("The settings of the training '{0}'.").format(held.name)
        out.append(Origin("held", _tr("As before"), held.name, words, lambda: _relabelled(held, draft), (0, "")))
    out += _presets(draft)
    for entry in entries:
        manifest = entry.manifest
        if entry.state == "ready" and manifest is not None and "model.keras" in manifest.files:
            out += _upon(manifest, draft)
    for manifest in bare_manifests():
        out += _upon(manifest, draft)
    return out


def trouble_of(plan: TrainingPlan, entries: Sequence[ModelEntry]) -> str:
    """Why a training of ``plan`` could not begin, in words; empty where it can.

    Its layers do not fit each other or the input, or the model to begin from is not there.
    """
    from desktop.core.types import FoveaError

    if plan.start.model is None:
        return layers_trouble(plan.architecture, plan.preprocess, len(plan.labels))
    try:
        check_there(plan.start.model, entries)
    except FoveaError as error:
        return f"{error.message}. {error.hint}" if error.hint else error.message
    return ""


def layers_trouble(architecture: Step, spec: PreprocessSpec, classes: int) -> str:
    """Why a network cannot be built for this input, in words; empty where it can, and before one is chosen."""
    from desktop.core.types import FoveaError
    from desktop.ml.plans.nettables import layer_table

    if not architecture.name or classes < 2:
        return ""
    try:
        layer_table(architecture, (spec.height, spec.width, spec.channels), classes)
    except FoveaError as error:
        return f"the network does not fit this input: {error.message}"
    return ""


def recommended(draft: Draft, found: Sequence[Origin]) -> str:
    """The id of the one to begin with: the earlier plan, a base that has learned where pictures are few, else our own
    net."""
    ids = [origin.id for origin in found]
    few = min(draft.learned_counts, default=0) < FEW
    for wanted in ("held", *([f"features:{EVERYDAY}"] if few and draft.colour and not draft.drawings else [])):
        if wanted in ids:
            return wanted
    return min(found, key=lambda origin: origin.rank).id if found else ""


def data_of(draft: Draft) -> DataPlan:
    """The data part of a plan for ``draft``."""
    return DataPlan("user", draft.validation, draft.group, draft.learned, draft.path or None, draft.title)


def fitting_shape(draft: Draft) -> tuple[int, int, int]:
    """Height, width and channels that suit the pictures: small ones need no large input, grey ones no colour, drawings
    what the Draw view reads."""
    if draft.drawings:
        return 28, 28, 1
    side = 32 if 0 < draft.side <= 40 else 64 if 0 < draft.side <= 72 else 96
    return side, side, 3 if draft.colour else 1


def _relabelled(held: TrainingPlan, draft: Draft) -> TrainingPlan:
    """An earlier plan for the classes at hand. A threshold for two classes goes where there are more."""
    decision = held.decision if len(draft.learned) == 2 else DecisionPlan()
    return replace(held, labels=draft.learned, data=data_of(draft), decision=decision, card={})


def _presets(draft: Draft) -> list[Origin]:
    from desktop.ml.plans.presets import DEFAULT, PRESETS

    out = []
    for place, preset in enumerate(PRESETS.values()):
        own = preset.id == DEFAULT
        made_for = _tr("Made for: {0}.").format(preset.data_hint)
        out.append(
            Origin(
                f"preset:{preset.id}",
                _tr("Fovea's own") if own else _tr("Published systems"),
                preset.title,
                f"{preset.description} {made_for}",
                partial(_preset, preset, fitting_shape(draft) if own else None, draft),
                (1 if own else 4, f"{place:03d}"),
                _tr("Its author reports: {0}.").format(preset.reported) if preset.reported else "",
            )
        )
    return out


def _preset(preset: Preset, shape: tuple[int, int, int] | None, draft: Draft) -> TrainingPlan:
    """A preset's plan. Of drawings the ink is found as the Draw view finds it, and none is mirrored: it is read."""
    plan = preset.build(draft.learned, shape, data_of(draft))
    if not draft.drawings:
        return plan
    spec = PreprocessSpec(28, 28, "grey", "mnist", "area") if plan.shape == (28, 28, 1) else plan.preprocess
    return replace(plan, preprocess=spec, augment=_unmirrored(plan.augment), mirrored=False)


def _unmirrored(augment: tuple[Step, ...]) -> tuple[Step, ...]:
    return tuple(step for step in augment if step.name != "flip")


def _upon(manifest: Manifest, draft: Draft) -> list[Origin]:
    """Going on with a model, and building upon it."""
    name = manifest.name
    layers = _layers(manifest)
    out = [
        Origin(
            f"features:{manifest.id}",
            _tr("Build upon a model"),
            _tr("Features of {0}").format(name),
            _tr(
                "{0} stays as it is; a small head learns from what it sees in each picture. Needs few pictures, and an "
                "epoch takes seconds."
            ).format(name),
            partial(_build_upon, manifest, "features", draft),
            (2, name.casefold()),
            "",
            layers,
        ),
        Origin(
            f"fine-tune:{manifest.id}",
            _tr("Build upon a model"),
            _tr("{0}, fine-tuned").format(name),
            _tr(
                "First a new head learns alone, then the last layers of {0} are tuned slowly with it. For some hundred "
                "pictures or more."
            ).format(name),
            partial(_build_upon, manifest, "fine-tune", draft),
            (2, name.casefold() + "2"),
            "",
            layers,
        ),
    ]
    if architecture_of(manifest) is not None:
        out.append(
            Origin(
                f"weights:{manifest.id}",
                _tr("Go on with a model"),
                name,
                _tr("Every layer goes on learning from where {0} stands, with your pictures.").format(name),
                partial(_weights, manifest, draft),
                (3, name.casefold()),
            )
        )
    return out


def architecture_of(manifest: Manifest) -> Step | None:
    """What the model was built as, where its plan tells."""
    held = manifest.provenance.plan.get("architecture") if isinstance(manifest.provenance.plan, dict) else None
    if isinstance(held, dict) and isinstance(held.get("name"), str) and held["name"] != "head":
        return Step(held["name"], dict(held.get("settings") or {}))
    return None


def _layers(manifest: Manifest) -> tuple[tuple[str, str], ...]:
    """Layers whose features can be used: the usual ones, and those that the architecture's table names."""
    from desktop.core.types import FoveaError
    from desktop.ml.plans.nettables import layer_table

    found = [("embedding", _tr("what its last layer gets (recommended)")), ("map", _tr("its last spatial map"))]
    if manifest.id.startswith("vgg16-imagenet"):
        found += [(f"block{number}_pool", f"block{number}_pool") for number in (5, 4, 3)]
    architecture = architecture_of(manifest)
    if architecture is not None:
        try:
            spec = manifest.preprocess
            table = layer_table(architecture, (spec.height, spec.width, spec.channels), len(manifest.labels))
        except FoveaError:
            return tuple(found)
        for line in table:
            if len(line.output_shape) == 3 and line.kind in ("convolution", "max-pool", "average-pool", "add"):
                found.append((line.name, f"{line.name} · {'×'.join(map(str, line.output_shape))}"))
    return tuple(found)


def _base(manifest: Manifest, draft: Draft, **parts: Any) -> TrainingPlan:
    decision = DecisionPlan("balanced") if len(draft.learned) == 2 else DecisionPlan()
    return TrainingPlan(
        id="new",
        name=draft.name or draft.title or "new",
        seed=draft.seed,
        data=data_of(draft),
        preprocess=manifest.preprocess,
        labels=draft.learned,
        decision=decision,
        mirrored=False,
        medical=manifest.medical,
        card={},
        **parts,
    )


def _build_upon(manifest: Manifest, kind: Literal["features", "fine-tune"], draft: Draft) -> TrainingPlan:
    title = draft.name or draft.title or "new"
    plan = plan_from(manifest, kind, draft.learned, data_of(draft), title, draft.seed)
    return replace(plan, augment=_unmirrored(plan.augment)) if draft.drawings else plan


def _weights(manifest: Manifest, draft: Draft) -> TrainingPlan:
    architecture = architecture_of(manifest)
    assert architecture is not None
    augment = (Step("flip", {"p": 0.5}), Step("affine", {"rotate": 10.0, "shift": 0.08, "border": "reflect"}))
    return _base(
        manifest,
        draft,
        architecture=architecture,
        augment=augment if may_flip(manifest) and not draft.drawings else _unmirrored(augment),
        optimizer=OptimizerPlan("adamw", 0.0005, "cosine", 0.1, weight_decay=0.01, clip_norm=1.0),
        fit=FitPlan(20, 32, label_smoothing=0.05, class_weights="balanced", ema=0.99, keep="lowest-loss"),
        start=StartPlan("weights", manifest.id, manifest.version),
    )
