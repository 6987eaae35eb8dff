"""RECIPES: what a training may begin from, and the settings that go with each. :func:`make_plan` makes every plan.

Going on with a model had two recipes under one name (the wizard's: AdamW at 0.0005, 20 epochs, smoothing, a moving
average of the weights; the command line's: Adam at 0.0003, 10 epochs, zoom). There is one now; ``docs/training.md``
says how it was chosen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from desktop.core.translate import QT_TRANSLATE_NOOP
from desktop.core.types import PreprocessSpec
from desktop.ml.plans import base_models, presets, transfer_plans
from desktop.ml.plans.plan import (
    SOLVED,
    STAGES,
    USER,
    DataPlan,
    DecisionPlan,
    FitPlan,
    OptimizerPlan,
    PlanError,
    StartPlan,
    Step,
    TrainingPlan,
)
from desktop.ml.plans.presets import DEFAULT, Shape
from desktop.store.catalogue import EVERYDAY
from desktop.store.ids import id_of
from desktop.system.words import phrase

if TYPE_CHECKING:
    from desktop.app.training_data import TrainingData
    from desktop.store.manifest import Manifest

CONTEXT = "Recipes"
"""The context in which a window translates the words of this table."""

RecipeId = Literal["fresh", "continue", "features", "fine-tune"]

WAYS = 9
"""How many heads are tried on the features of a model (:mod:`desktop.ml.training.linear_heads`)."""
FOLDS = 5
SMALL = 40
"""Grey pictures with a shorter side of at most this many pixels are read like drawings by a net of their own, once"""
MANY = 500
"""there are this many of the smallest class: then a network from nothing is better than features of photographs."""

_FLIP = Step("flip", {"p": 0.5})
_MOVE = Step("affine", {"p": 0.9, "rotate": 10, "zoom": [0.9, 1.15], "shift": 0.08, "border": "reflect"})


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known of the pictures: whether most are in ``colour``, the median of their shorter ``side``s (0: not
    known), whether they are ``drawings`` that were kept in the Draw view, and how many the ``smallest`` class has."""

    colour: bool = True
    side: int = 0
    drawings: bool = False
    smallest: int = 0

    @property
    def shape(self) -> Shape | None:
        """Height, width and channels that suit the pictures: small ones need no large input, grey ones no colour,
        drawings what the Draw view reads. ``None`` where the size is not known."""
        if self.drawings:
            return 28, 28, 1
        if not self.side:
            return None
        side = 32 if self.side <= 40 else 64 if self.side <= 72 else 96
        return side, side, 3 if self.colour else 1


@dataclass(frozen=True, slots=True)
class Recipe:
    """One way to begin. ``group``, ``title`` and ``words`` are shown; ``{0}`` stands for the model begun from.
    ``option`` says it in the help of ``--how``. ``parts`` are the settings of a plan for a model and the pictures;
    ``None`` for a fresh network, whose preset has them.
    """

    id: RecipeId
    group: str
    title: str
    words: str
    option: str
    parts: Callable[[Manifest, Seen], dict[str, Any]] | None = None

    @property
    def upon(self) -> bool:
        """Whether it begins from a model."""
        return self.parts is not None


def _moved(manifest: Manifest, seen: Seen) -> tuple[Step, ...]:
    """Mirrored pictures suit neither drawings, which are read, nor a model that learned from straight ones alone."""
    parent = transfer_plans.plan_of(manifest)
    flips = parent is None or any(step.name == _FLIP.name for step in parent.augment)
    return (_FLIP, _MOVE) if flips and not seen.drawings else (_MOVE,)


def _continue(manifest: Manifest, seen: Seen) -> dict[str, Any]:
    return {
        "architecture": transfer_plans.architecture_of(manifest) or transfer_plans.SAME,
        "augment": _moved(manifest, seen),
        "optimizer": OptimizerPlan("adam", 0.0003, "cosine", 0.05),
        "fit": FitPlan(10, 32, keep="lowest-loss", class_weights="balanced"),
        "start": StartPlan("weights", manifest.id, manifest.version),
    }


def _features(manifest: Manifest, seen: Seen) -> dict[str, Any]:
    """A linear head, solved in :data:`WAYS` ways: on six sets of a few hundred pictures it was better than one trained
    by Adam with dropout, and takes seconds (docs/training.md)."""
    return {
        "architecture": Step("head", {"layers": []}),
        "augment": tuple(step for step in _moved(manifest, seen) if step.name == _FLIP.name),
        "optimizer": OptimizerPlan(SOLVED, 1.0),
        "fit": FitPlan(WAYS, 32, keep="lowest-loss", class_weights="balanced"),
        "start": StartPlan("features", manifest.id, manifest.version, _layer(manifest)),
    }


def _tuned(manifest: Manifest, seen: Seen) -> dict[str, Any]:
    return {
        "architecture": Step("head", {"layers": []}),
        "augment": _moved(manifest, seen),
        "optimizer": OptimizerPlan("sgd", 0.002, "cosine", 0.05, 0.9, nesterov=True),
        "fit": FitPlan(WAYS + 15, 32, keep="lowest-loss", class_weights="balanced"),
        "start": StartPlan(
            "fine-tune", manifest.id, manifest.version, _layer(manifest), unfreeze=6, head_epochs=WAYS,
            head_optimizer=SOLVED,
        ),
    }  # fmt: skip


def _layer(manifest: Manifest) -> str | None:
    return STAGES if STAGES in manifest.outputs else None


RECIPES: dict[RecipeId, Recipe] = {
    recipe.id: recipe
    for recipe in (
        Recipe(
            "fresh",
            QT_TRANSLATE_NOOP("Recipes", "Fovea's own"),
            "",
            "",
            phrase("a network of its own, from random weights"),
        ),
        Recipe(
            "continue",
            QT_TRANSLATE_NOOP("Recipes", "Go on with a model"),
            "{0}",
            QT_TRANSLATE_NOOP("Recipes", "Every layer goes on learning from where {0} stands, with your pictures."),
            phrase("go on training every layer"),
            _continue,
        ),
        Recipe(
            "features",
            QT_TRANSLATE_NOOP("Recipes", "Build upon a model"),
            QT_TRANSLATE_NOOP("Recipes", "Build upon {0}"),
            QT_TRANSLATE_NOOP(
                "Recipes",
                "{0} stays as it is; only a new last layer learns from what it sees in each picture. Needs few "
                "pictures, and an epoch takes seconds.",
            ),
            phrase("learn a head from its features"),
            _features,
        ),
        Recipe(
            "fine-tune",
            QT_TRANSLATE_NOOP("Recipes", "Build upon a model"),
            QT_TRANSLATE_NOOP("Recipes", "{0}, fine-tuned"),
            QT_TRANSLATE_NOOP(
                "Recipes",
                "First a new last layer learns alone, then the last layers of {0} are tuned slowly with it. For "
                "some hundred pictures or more.",
            ),
            phrase("fine-tune its last layers"),
            _tuned,
        ),
    )
}
"""Every way to begin a training, by its id."""

UPON: tuple[RecipeId, ...] = tuple(recipe.id for recipe in RECIPES.values() if recipe.upon)
"""The ways that begin from a model."""


def make_plan(
    recipe: RecipeId,
    data: DataPlan,
    labels: Sequence[str],
    seen: Seen | None = None,
    *,
    preset: str = DEFAULT,
    shape: Shape | None = None,
    model: Manifest | None = None,
    name: str = "",
    seed: int = 1,
    model_id: str = "",
) -> TrainingPlan:
    """The plan of a training on ``data`` by a recipe.

    A fresh network is that of ``preset``; of Fovea's own the input follows what was ``seen`` of the pictures unless
    ``shape`` is given. All others begin from ``model``, and pictures are prepared as that takes them. ``labels`` may be
    left empty for a public set's own preset. Raises :class:`PlanError`.
    """
    seen = seen or Seen()
    chosen = RECIPES[recipe]
    title = name or (data.title if data.source == USER else "")
    if chosen.parts is None:
        return _fresh(preset, data, labels, seen, shape, title, seed, model_id)
    if model is None:
        raise PlanError("bad-plan", phrase("'{recipe}' begins from a model, and none is named", recipe=recipe))
    refusal = why_not(recipe, model)
    if refusal is not None:
        raise refusal
    if not labels:
        raise PlanError("bad-plan", "a plan needs to be told its classes")
    parent = transfer_plans.plan_of(model)
    title = title or f"From {model.name}"
    return TrainingPlan(
        id=model_id or id_of(title),
        name=title,
        seed=seed,
        data=with_folds(data, chosen.parts(model, seen)["optimizer"]),
        preprocess=model.preprocess,
        labels=tuple(labels),
        decision=_decision(labels),
        # Only the whole network that was made to be asked twice still is.
        mirrored=bool(recipe == "continue" and parent and parent.mirrored and not seen.drawings),
        medical=model.medical,
        card={},
        **chosen.parts(model, seen),
    )


def with_folds(data: DataPlan, optimizer: OptimizerPlan) -> DataPlan:
    """``data`` as a head is checked that ``optimizer`` makes: cross-validated where it is solved, in seconds."""
    return replace(data, folds=FOLDS if optimizer.name == SOLVED else 0)


def by_steps(plan: TrainingPlan) -> TrainingPlan:
    """A plan whose head is solved, with one that is trained by steps instead: with layers of its own, if wanted."""
    return replace(
        plan,
        architecture=Step("head", {"layers": ["drop.2"]}),
        augment=() if plan.start.kind == "features" else plan.augment,
        optimizer=OptimizerPlan("adam", 0.003, "cosine", 0.05, weight_decay=0.01),
        fit=FitPlan(40, 32, keep="lowest-loss", class_weights="balanced"),
        data=replace(plan.data, folds=0),
    )


def why_not(recipe: RecipeId, model: Manifest) -> PlanError | None:
    """Why ``recipe`` cannot begin from ``model``; ``None`` where it can."""
    if recipe == "continue" and base_models.KERAS_FILE not in model.files:
        hint = "Use --how features or --how fine-tune."
        return PlanError("bad-plan", phrase("'{id}' names no classes that could be learned further", id=model.id), hint)
    return None


def beginnings(models: Iterable[Manifest]) -> list[tuple[Recipe, Manifest]]:
    """Every way to begin from each of ``models``, in the order of :data:`RECIPES`."""
    upon = [recipe for recipe in RECIPES.values() if recipe.upon]
    return [(recipe, model) for model in models for recipe in upon if why_not(recipe.id, model) is None]


def seen_of(data: TrainingData) -> Seen:
    """What is known of the pictures of ``data``."""
    return Seen(data.colour, data.side, data.drawings, data.smallest)


def with_pictures(plan: TrainingPlan, data: DataPlan, labels: Sequence[str]) -> TrainingPlan:
    """``plan`` for other pictures: with its own order of classes and what it leaves out, where the classes are the
    same."""
    if plan.data.source == USER:  # a public set's own choices say nothing of pictures of the user's
        data = replace(data, group=plan.data.group, limit=plan.data.limit, use_test=plan.data.use_test)
    data = replace(data, validation=plan.data.validation)
    mine = plan.data.classes or plan.labels
    if set(mine) == set(data.classes or labels):
        if plan.data.left_out or plan.data.kept_together:
            data = replace(data, left_out=plan.data.left_out, kept_together=plan.data.kept_together)
        return replace(plan, data=replace(data, classes=mine))
    decision = plan.decision if len(labels) == 2 else DecisionPlan()
    return replace(plan, data=data, labels=tuple(labels), decision=decision, card={})


def taken_further(plan: TrainingPlan, model: Manifest) -> TrainingPlan:
    """The plan that trains ``model``, which came of ``plan``, further on the same pictures."""
    seen = Seen(drawings=plan.preprocess.fit == "mnist")
    made = make_plan("continue", plan.data, plan.labels, seen, model=model, name=plan.name, seed=plan.seed)
    return replace(made, decision=plan.decision, preset=plan.preset)


def recommended(seen: Seen) -> tuple[RecipeId, str]:
    """The recipe to begin with and the model it begins from ('' for none).

    A head on what the network of everyday photographs knows, in colour or grey, whatever the size: it won on every set
    that was tried but where there are many small grey pictures like those of digits, for which Fovea's own net learns
    everything by itself. So do kept drawings, which are read."""
    small_grey = not seen.colour and 0 < seen.side <= SMALL and seen.smallest >= MANY
    return ("fresh", "") if seen.drawings or small_grey else ("features", EVERYDAY)


def _decision(labels: Sequence[str]) -> DecisionPlan:
    return DecisionPlan("balanced" if len(labels) == 2 else "argmax", 1)


def _fresh(
    preset_id: str,
    data: DataPlan,
    labels: Sequence[str],
    seen: Seen,
    shape: Shape | None,
    name: str,
    seed: int,
    model_id: str,
) -> TrainingPlan:
    """A preset's plan. Of drawings the ink is found as the Draw view finds it, and none is mirrored: it is read."""
    preset = presets.find(preset_id)
    fitting = shape or (seen.shape if preset.id == DEFAULT and data.source == USER else None)
    plan = preset.build(labels, fitting, data, name, seed, model_id)
    if not seen.drawings:
        return plan
    spec = PreprocessSpec(28, 28, "grey", "mnist", "area") if plan.shape == (28, 28, 1) else plan.preprocess
    augment = tuple(step for step in plan.augment if step.name != _FLIP.name)
    return replace(plan, preprocess=spec, augment=augment, mirrored=False)
