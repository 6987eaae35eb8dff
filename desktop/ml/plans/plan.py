"""A training plan: everything needed to repeat a training, as frozen dataclasses and as JSON.

Reading is strict: a missing or unknown field is an error that names it. Files of schema 1 are read and brought to
schema 2. Nothing here needs Keras, OpenCV or NumPy, so window and services may use it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal

from desktop.core.data.person_names import may_name_a_person
from desktop.core.types import PreprocessSpec
from desktop.ml.plans import augment_spec
from desktop.ml.plans.strict_reader import PlanError, build, changed, loose
from desktop.system import strict_json
from desktop.system.words import english, phrase

__all__ = [
    "SCHEMA",
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
    "with_settings",
]

SCHEMA = 2
SEEDS = 2**32
"""Seeds are below this one: NumPy and Keras take no others."""
SAME = "same"
"""Instead of an architecture: a training that goes on with a model has that model's."""
ARCHITECTURES = ("fast-cnn", "head", "residual-cnn", "sequential")
"""What a network may be built as: by :mod:`desktop.ml.nets.architectures`; :mod:`desktop.ml.plans.nettables` tells of
each."""
STAGES = "stages"
"""As the ``layer`` of a start: a network's embedding and what it knows at the ends of its stages."""
SOLVED: Literal["lbfgs"] = "lbfgs"
"""The optimizer of a head that is solved: softmax regression, its penalty chosen on pictures held out."""
MOST_CROSSED = 3000
"""Up to this many pictures cross-validating a solved head takes seconds; above, a part held out says as much."""
USER = "user"
"""The ``source`` of data that lies in a folder or file of the user's own."""


@dataclass(frozen=True, slots=True)
class DataPlan:
    """Which images.

    ``source`` is a public set known by name to :mod:`desktop.ml.data.public_sets`, or ``user``: then ``path`` is the
    folder, .npz, IDX or CIFAR batches that :func:`desktop.core.data.open_data.open_dataset` opens. ``path`` stays on
    this computer: :meth:`TrainingPlan.public` leaves it out, and ``title`` (the folder's own name) stands for it.
    ``validation`` is the fraction cut from the training images, 0 to 0.9; data with a validation split of its own uses
    that. ``group`` keeps related images on one side of the cut: ``person`` (person or case in the file name or DICOM's
    patient number), ``auto`` (where names or tags carry one) or ``none``.
    ``classes`` are the class folders in the order of the labels; empty where the source numbers its classes.
    ``limit`` takes that many training images, drawn by the seed and in the classes' proportions (0: all).
    ``use_test``: open the data's own test split, where it has one, once at the end.
    ``fingerprint`` identifies the images (:meth:`desktop.core.data.dataset.LabelledDataset.fingerprint`); empty:
    unknown.
    ``left_out`` names pictures inside the data that take no part (copies, wrong labels: what was chosen when the data
    was looked through); like ``path`` they stay on this computer. ``kept_together`` names groups of pictures that are
    nearly the same: each stays on one side where a validation part is cut. They stay on this computer, too; a plan
    without any is written without the field. ``folds``: of up to :data:`MOST_CROSSED` pictures none is held out for
    good; all are cross-validated in that many parts, so that each checks once and the model learns from all of them (0:
    never; only a head that is solved can). A plan with 0 is written without the field. ``project`` is the labelling
    project that the labels come from, its id and the number of the labels' state (``pets#3``); '' for none, and then
    not written.
    """

    source: str
    validation: float
    group: Literal["none", "person", "auto"] = "none"
    classes: tuple[str, ...] = ()
    path: str | None = None
    title: str = ""
    fingerprint: str = ""
    limit: int = 0
    use_test: bool = True
    left_out: tuple[str, ...] = ()
    kept_together: tuple[tuple[str, ...], ...] = ()
    folds: int = 0
    project: str = ""


@dataclass(frozen=True, slots=True)
class StartPlan:
    """Where the weights come from.

    - ``fresh``: random weights by the seed.
    - ``weights``: go on training ``model`` of the store; a new last layer where the classes differ.
    - ``features``: the layers of ``model`` up to ``layer`` stay as they are; what they make of each image is computed
      once and kept, and the plan's architecture ``head`` learns from that. Without augmentation.
    - ``fine-tune``: the head alone for ``head_epochs`` by ``head_optimizer`` at ``head_rate`` as above, then the last
      ``unfreeze`` layers with weights together with the head, by the plan's optimizer, on augmented images. Batch
      normalisation stays in inference mode throughout.

    ``model`` is an id of the store or of the catalogue of ImageNet networks; ``version`` the one meant, ``None`` for
    whichever there is. ``layer`` names a layer of that model; ``None`` stands for its ``embedding``, :data:`STAGES` for
    the embedding beside the pooled ends of its stages, where it gives them.
    """

    kind: Literal["fresh", "weights", "features", "fine-tune"] = "fresh"
    model: str | None = None
    version: int | None = None
    layer: str | None = None
    unfreeze: int = 0
    head_epochs: int = 0
    head_rate: float = 0.001
    head_optimizer: Literal["adam", "rmsprop", "sgd", "lbfgs"] = "adam"


@dataclass(frozen=True, slots=True)
class Step:
    """A named building block with its settings: an architecture, or one augmentation."""

    name: str
    settings: dict[str, Any] = field(default_factory=dict)


CYCLIC = ("triangle", "cosine")
"""The schedules that can run through more than once."""


@dataclass(frozen=True, slots=True)
class OptimizerPlan:
    """``rate`` is the peak of the ``schedule``: ``constant``; ``triangle`` or ``cosine`` with a linear rise over the
    fraction ``warmup`` of all steps; ``steps`` (a tenth after half, a hundredth after three quarters of the steps, the
    same rise). ``cycles``: how often a triangle or cosine runs through, each time in an equal share of the steps and to
    half the peak of the time before ('triangular2' of Smith 2017). ``weight_decay`` is decoupled (times the rate, each
    step). ``momentum`` and ``nesterov`` belong to ``sgd`` alone; ``sgd`` with momentum 0 is plain gradient descent.
    ``lbfgs`` (:data:`SOLVED`) solves a head on features instead of training it: each 'epoch' is one strength of the
    penalty on its weights, the rate says nothing."""

    name: Literal["sgd", "adamw", "adam", "rmsprop", "adagrad", "lbfgs"]
    rate: float
    schedule: Literal["constant", "triangle", "cosine", "steps"] = "constant"
    warmup: float = 0.0
    momentum: float = 0.9
    weight_decay: float = 0.0
    clip_norm: float | None = None
    nesterov: bool = False
    cycles: int = 1


@dataclass(frozen=True, slots=True)
class FitPlan:
    """The loop.

    ``loss``: ``cross-entropy`` after softmax, or ``mse``: mean squared error of the softmax scores against one-hot.
    ``class_weights`` weighs the loss inversely to each class's frequency; ``sampling`` draws the rarer classes more
    often (``over``) or the frequent ones less (``under``) instead. ``ema`` is the decay of the weights' moving average
    per step (0: none); ``swa`` makes the result the mean of the weights (moving averages, where there are some) at the
    ends of that many last epochs, all where there are fewer (stochastic weight averaging, Izmailov et al. 2018; 0:
    none). ``keep`` says which epoch counts in the end; ``patience`` stops after that many epochs without a better one
    (0: never). ``l1`` and ``l2`` penalise the weights of convolutions and dense layers. ``mixed`` computes in 16 bits;
    ``auto`` decides by the device. ``jit`` compiles the network by XLA. ``tensorboard`` writes its logs.
    """

    epochs: int
    batch: int
    label_smoothing: float = 0.0
    class_weights: Literal["none", "balanced"] = "none"
    ema: float = 0.0
    keep: Literal["last", "lowest-loss", "highest-accuracy"] = "last"
    steps_per_execution: int = 8
    loss: Literal["cross-entropy", "mse"] = "cross-entropy"
    sampling: Literal["none", "over", "under"] = "none"
    patience: int = 0
    mixed: Literal["none", "bfloat16", "float16", "auto"] = "none"
    jit: bool = False
    l1: float = 0.0
    l2: float = 0.0
    tensorboard: bool = False
    swa: int = 0


@dataclass(frozen=True, slots=True)
class DecisionPlan:
    """How the answer follows from the scores.

    For two classes a threshold may be chosen on validation: ``balanced`` where sensitivity and specificity are alike,
    ``sensitivity`` the highest one that keeps a sensitivity of ``at_least``; see :mod:`desktop.ml.packaging.calibrate`.
    With ``perturbed`` above 0 it is chosen on that many augmented copies of validation instead of on the pictures as
    they are: pictures from elsewhere differ from validation as validation never differs from training.
    """

    rule: Literal["argmax", "balanced", "sensitivity"] = "argmax"
    positive: int = 1
    at_least: float | None = None
    perturbed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanSettings:
    """How a training goes, whatever its data: the network, what it begins from, and the settings. Unchecked, so that a
    draft may hold what does not fit together yet.

    ``mirrored`` averages each answer with the mirror image's; ``preset`` is the one of
    :mod:`desktop.ml.plans.presets` that the settings came from, empty for none.
    """

    preprocess: PreprocessSpec
    architecture: Step
    augment: tuple[Step, ...]
    optimizer: OptimizerPlan
    fit: FitPlan
    decision: DecisionPlan
    mirrored: bool
    medical: bool
    start: StartPlan = field(default_factory=StartPlan)
    preset: str = ""

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels of the network's input."""
        return self.preprocess.height, self.preprocess.width, self.preprocess.channels


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
        found = problems(self)
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


def problems(plan: TrainingPlan) -> list[str]:
    """What is wrong with a plan, in words; empty for a sound one."""
    checks = (_data, _architecture, _augment, _start, _optimizer, _fit, _decision)
    return [text for check in checks for text in check(plan)]


def _data(plan: TrainingPlan) -> list[str]:
    data, found = plan.data, []
    if plan.schema != SCHEMA:
        found.append(
            phrase(
                "schema {schema} found, {schema2} expected; a newer Fovea may read it",
                schema=plan.schema,
                schema2=SCHEMA,
            )
        )
    if not 0 <= plan.seed < SEEDS:
        found.append(
            phrase("seed {seed} found; expected a whole number from 0 to {seeds}", seed=plan.seed, seeds=SEEDS - 1)
        )
    if len(plan.labels) < 2:
        found.append(phrase("{count} labels found, at least 2 expected", count=len(plan.labels)))
    elif len(set(plan.labels)) != len(plan.labels):
        found.append(phrase("two labels are alike"))
    if data.classes and len(data.classes) != len(plan.labels):
        found.append(
            phrase("{count} classes found for {count2} labels", count=len(data.classes), count2=len(plan.labels))
        )
    if not 0 < data.validation < 0.9:
        found.append(
            phrase("validation {validation} found; expected a fraction between 0 and 0.9", validation=data.validation)
        )
    if data.limit < 0:
        found.append(phrase("limit {limit} found; expected a number of images, or 0 for all", limit=data.limit))
    elif 0 < data.limit < len(plan.labels):
        found.append(
            phrase(
                "limit {limit} found; expected at least one image of each of the {count} classes",
                limit=data.limit,
                count=len(plan.labels),
            )
        )
    return found


def _architecture(plan: TrainingPlan) -> list[str]:
    name = plan.architecture.name
    if plan.start.kind == "weights" and name == SAME:
        return []
    return (
        []
        if name in ARCHITECTURES
        else [
            phrase(
                "there is no architecture '{name}'; known: {architectures}",
                name=name,
                architectures=list(ARCHITECTURES),
            )
        ]
    )


def _augment(plan: TrainingPlan) -> list[str]:
    try:
        augment_spec.check(plan.augment)
    except PlanError as error:
        return [error.message]
    return []


def _start(plan: TrainingPlan) -> list[str]:
    start, found = plan.start, []
    if (start.kind == "fresh") != (start.model is None):
        found.append(
            phrase("the start '{kind}' goes without a model", kind=start.kind)
            if start.kind == "fresh"
            else phrase("the start '{kind}' goes with a model", kind=start.kind)
        )
    if start.unfreeze < 0 or start.head_epochs < 0 or not (start.head_rate > 0 and math.isfinite(start.head_rate)):
        found.append(phrase("unfreeze and head_epochs must be at least 0, and head_rate above 0"))
    if start.kind == "fine-tune" and start.unfreeze < 1:
        found.append(phrase("fine-tuning needs at least one layer to unfreeze"))
    if start.kind == "fine-tune" and start.head_epochs >= plan.fit.epochs:
        found.append(
            phrase(
                "{head_epochs} epochs for the head found; expected fewer than the {epochs} in all",
                head_epochs=start.head_epochs,
                epochs=plan.fit.epochs,
            )
        )
    solved = start.head_optimizer if start.kind == "fine-tune" else plan.optimizer.name
    if solved == SOLVED and (start.kind not in ("features", "fine-tune") or plan.architecture.settings.get("layers")):
        found.append(
            phrase("'{solved}' solves a head without layers of its own, on the features of a model", solved=SOLVED)
        )
    if plan.optimizer.name == SOLVED and start.kind != "features":
        found.append(phrase("'{solved}' cannot train a whole network", solved=SOLVED))
    if plan.data.folds and (plan.data.folds == 1 or plan.data.folds < 0 or solved != SOLVED):
        found.append(
            phrase("folds {folds} found; expected 0, or 2 or more with a head that is solved", folds=plan.data.folds)
        )
    if (start.kind in ("features", "fine-tune")) != (plan.architecture.name == "head"):
        found.append(
            phrase("the architecture 'head' goes with the starts 'features' and 'fine-tune', and with no other")
        )
    return found


def _optimizer(plan: TrainingPlan) -> list[str]:
    chosen, found = plan.optimizer, []
    if not (chosen.rate > 0 and math.isfinite(chosen.rate)) or not 0 <= chosen.warmup < 1:
        found.append(phrase("rate must be above 0 and warmup a fraction below 1"))
    if not 1 <= chosen.cycles <= 20:
        found.append(phrase("{cycles} cycles found; expected 1 to 20", cycles=chosen.cycles))
    elif chosen.cycles > 1 and chosen.schedule not in CYCLIC:
        found.append(
            phrase("cycles repeat a 'triangle' or a 'cosine', not the schedule '{schedule}'", schedule=chosen.schedule)
        )
    if not 0 <= chosen.momentum < 1 or not _counts(chosen.weight_decay):
        found.append(phrase("momentum must be at least 0 and below 1, and weight_decay at least 0"))
    if chosen.nesterov and not chosen.momentum:
        found.append(phrase("nesterov needs a momentum above 0"))
    if chosen.clip_norm is not None and not (chosen.clip_norm > 0 and math.isfinite(chosen.clip_norm)):
        found.append(
            phrase("clip_norm {clip_norm} found; expected a number above 0, or none", clip_norm=chosen.clip_norm)
        )
    return found


def _counts(value: float) -> bool:
    """Whether ``value`` is a number of 0 or more: NaN, which JSON and ``float`` take, would spoil every weight."""
    return value >= 0 and math.isfinite(value)


def _fit(plan: TrainingPlan) -> list[str]:
    fit, found = plan.fit, []
    if fit.epochs < 1 or fit.batch < 1 or fit.steps_per_execution < 1:
        found.append(phrase("epochs, batch and steps_per_execution must be at least 1"))
    if not 0 <= fit.label_smoothing < 1 or not 0 <= fit.ema < 1:
        found.append(phrase("label_smoothing and ema must be at least 0 and below 1"))
    if fit.patience < 0 or fit.swa < 0 or not _counts(fit.l1) or not _counts(fit.l2):
        found.append(phrase("patience, swa, l1 and l2 must be at least 0"))
    if fit.class_weights != "none" and fit.sampling != "none":
        found.append(phrase("class weights and over- or under-sampling both balance the classes: choose one of them"))
    return found


def _decision(plan: TrainingPlan) -> list[str]:
    decision, found = plan.decision, []
    if decision.rule != "argmax" and (len(plan.labels) != 2 or decision.positive not in (0, 1)):
        found.append(
            phrase("the decision '{rule}' goes with two labels and a positive class of 0 or 1", rule=decision.rule)
        )
    if (decision.rule == "sensitivity") != (decision.at_least is not None):
        found.append(phrase("at_least goes with the decision 'sensitivity', and with no other"))
    if not 0 <= decision.perturbed <= 20:
        found.append(phrase("perturbed {perturbed} found; expected 0 to 20 copies", perturbed=decision.perturbed))
    if decision.at_least is not None and not 0 < decision.at_least < 1:
        found.append(
            phrase("at_least {at_least} found; expected a fraction between 0 and 1", at_least=decision.at_least)
        )
    return found


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
