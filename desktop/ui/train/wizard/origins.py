"""The starting points that a data set may be trained from, as the wizard lists them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QCoreApplication

from desktop.app import expected_time, recipes
from desktop.core.translate import on_card
from desktop.core.types import PreprocessSpec
from desktop.ml.plans import transfer_plans
from desktop.ml.plans.base_models import check_there, usable
from desktop.ml.plans.plan import DecisionPlan, Step, TrainingPlan
from desktop.system.words import worded
from desktop.ui.kit.tabled import translated
from desktop.ui.train.wizard.draft import Draft

if TYPE_CHECKING:
    from desktop.store.manifest import Manifest
    from desktop.store.store import ModelEntry


@dataclass(frozen=True, slots=True)
class Origin:
    """One starting point. ``make`` gives its plan for the data at hand; ``layers`` are names and words of the layers
    whose features can be used; ``rank`` its place in the list, ``model`` what it begins from."""

    id: str
    group: str
    title: str
    words: str
    make: Callable[[], TrainingPlan]
    rank: tuple[int, str]
    reported: str = ""
    layers: tuple[tuple[str, str], ...] = ()
    model: Manifest | None = None


def _tr(text: str) -> str:
    return QCoreApplication.translate("StartingPointPage", text)


def origins(draft: Draft, entries: Sequence[ModelEntry], held: TrainingPlan | None = None) -> list[Origin]:
    """Every starting point for the data of ``draft``; ``held`` is an earlier plan that is repeated with changes."""
    out = []
    if held is not None:
        words = _tr("The settings of the training '{0}'.").format(held.name)
        out.append(Origin("held", _tr("As before"), held.name, words, lambda: _relabelled(held, draft), (0, "")))
    out += _presets(draft)
    begun: dict[str, int] = {}
    for recipe, manifest in recipes.beginnings(usable(entries)):
        place = begun[manifest.id] = begun.get(manifest.id, -1) + 1
        out.append(_upon(recipe, manifest, place, draft))
    return out


def times(draft: Draft, found: Sequence[Origin], slowness: float) -> dict[str, float]:
    """About how many seconds each of ``found`` would take on this computer, whose ``slowness`` is known, by its id,
    where that can be told."""
    from desktop.core.types import FoveaError

    told = {}
    for origin in found:
        try:
            known = expected_time.seconds(origin.make(), sum(draft.learned_counts), slowness, origin.model)
        except FoveaError:  # what cannot be trained says so when it is chosen
            continue
        if known is not None:
            told[origin.id] = known
    return told


def time_of(draft: Draft, slowness: float, model: Manifest | None) -> float | None:
    """About how many seconds the training of ``draft`` takes, which begins from ``model``; ``None``: not known."""
    from desktop.core.types import FoveaError

    try:
        return expected_time.seconds(draft.plan(), sum(draft.learned_counts), slowness, model)
    except FoveaError:
        return None


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
    """The id of the one to begin with: the earlier plan, what suits the pictures, else our own net."""
    ids = [origin.id for origin in found]
    recipe, model = recipes.recommended(seen_of(draft))
    for wanted in ("held", f"{recipe}:{model}"):
        if wanted in ids:
            return wanted
    return min(found, key=lambda origin: origin.rank).id if found else ""


def seen_of(draft: Draft) -> recipes.Seen:
    """What is known of the pictures of ``draft``."""
    return recipes.Seen(draft.data.colour, draft.data.side, draft.drawings, min(draft.learned_counts, default=0))


def _made(draft: Draft, recipe: recipes.RecipeId, **begin: Any) -> TrainingPlan:
    data, name = draft.training_data(), draft.name or draft.data.title
    return recipes.make_plan(recipe, data.plan(), data.labels, seen_of(draft), name=name, seed=draft.seed, **begin)


def _relabelled(held: TrainingPlan, draft: Draft) -> TrainingPlan:
    """An earlier plan for the classes at hand. A threshold for two classes goes where there are more."""
    decision = held.decision if len(draft.learned) == 2 else DecisionPlan()
    return replace(held, labels=draft.learned, data=draft.training_data().plan(), decision=decision, card={})


def _presets(draft: Draft) -> list[Origin]:
    from desktop.ml.plans.presets import DEFAULT, PRESETS

    out = []
    for place, preset in enumerate(PRESETS.values()):
        own = preset.id == DEFAULT
        made_for = _tr("Made for: {0}.").format(worded(preset.data_hint))
        out.append(
            Origin(
                f"preset:{preset.id}",
                translated(recipes.CONTEXT, recipes.RECIPES["fresh"].group) if own else _tr("Published systems"),
                worded(preset.title),
                f"{worded(preset.description)} {made_for}",
                partial(_made, draft, "fresh", preset=preset.id),
                (1 if own else 4, f"{place:03d}"),
                _tr("Its author reports: {0}.").format(worded(preset.reported)) if preset.reported else "",
            )
        )
    return out


_RANKS: dict[recipes.RecipeId, int] = {"features": 2, "fine-tune": 2, "continue": 3}


def _upon(recipe: recipes.Recipe, manifest: Manifest, place: int, draft: Draft) -> Origin:
    """Going on with a model, or building upon it; ``place`` among the ways to begin from it."""
    name = on_card(manifest.name)
    return Origin(
        f"{recipe.id}:{manifest.id}",
        translated(recipes.CONTEXT, recipe.group),
        translated(recipes.CONTEXT, recipe.title).format(name),
        translated(recipes.CONTEXT, recipe.words).format(name),
        partial(_made, draft, recipe.id, model=manifest),
        (_RANKS[recipe.id], f"{name.casefold()} {place}"),
        "",
        _layers(manifest) if recipe.id in ("features", "fine-tune") else (),
        manifest,
    )


def _layers(manifest: Manifest) -> tuple[tuple[str, str], ...]:
    """Layers whose features can be used: the usual ones, and those that the architecture's table names."""
    from desktop.core.types import FoveaError
    from desktop.ml.plans.nettables import layer_table

    found = [("embedding", _tr("what its last layer gets (recommended)")), ("map", _tr("its last spatial map"))]
    if manifest.id.startswith("vgg16-imagenet"):
        found += [(f"block{number}_pool", f"block{number}_pool") for number in (5, 4, 3)]
    architecture = transfer_plans.architecture_of(manifest)
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
