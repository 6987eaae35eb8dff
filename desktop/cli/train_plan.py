"""From the options of ``fovea train`` (and of ``search`` and ``study``) to a training plan."""

from __future__ import annotations

import argparse
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from desktop.cli import console
from desktop.cli.parser import add_layout
from desktop.ml.plans.plan import USER, DataPlan, PlanError, Step, TrainingPlan
from desktop.system.words import phrase

if TYPE_CHECKING:
    from desktop.app import recipes
    from desktop.app.training_data import TrainingData
    from desktop.ml.plans.presets import Shape


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options that say what to train, on what, and how."""
    from desktop.app import recipes

    data = parser.add_argument_group("pictures")
    data.add_argument(
        "--data",
        metavar="DATA",
        help="a folder of class folders, an archive of one, an .npz, IDX files, CIFAR batches, or pictures with a "
        "table of their labels (see --layout); the name of a public set (mnist, cifar10-jpeg, chest-xray, cats-dogs, "
        "captcha-letters); or, with a plan for a public set, where the sets lie",
    )
    add_layout(data)
    data.add_argument(
        "--split",
        metavar="SPLIT",
        help="the part to validate with where the data has none of its own: a fraction, or fraction:group with group "
        "person, auto or none (default: 0.2:auto)",
    )
    data.add_argument("--size", type=int, metavar="N", help="bring the pictures to N×N pixels")
    data.add_argument("--colour", choices=("rgb", "grey"), help="look at the pictures in colour or in grey")
    what = parser.add_argument_group("what to train (one of these; default: what suits the pictures)")
    choice = what.add_mutually_exclusive_group()
    choice.add_argument("--preset", metavar="ID", help="a named system; 'fovea train --list-presets' shows them")
    choice.add_argument(
        "--architecture",
        metavar="NAME",
        help="residual-cnn, fast-cnn, the net of a preset, or layers such as C32k3s,P2,flatten,D128",
    )
    choice.add_argument("--from", dest="start", metavar="MODEL", help="begin with a model of the store")
    choice.add_argument("--plan", type=Path, metavar="FILE", help="a training plan (JSON)")
    what.add_argument(
        "--how",
        choices=recipes.UPON,
        default="continue",
        help="with --from: " + "; ".join(f"{name}: {recipes.RECIPES[name].option}" for name in recipes.UPON),
    )
    how = parser.add_argument_group("settings")
    how.add_argument("--epochs", type=int, metavar="N")
    how.add_argument("--batch-size", type=int, metavar="N")
    how.add_argument("--seed", type=int, metavar="N")
    how.add_argument(
        "--set",
        nargs="+",
        action="extend",
        default=[],
        metavar="KEY=VALUE",
        help="any field of the plan: optimizer.rate=0.01 fit.patience=5 augment.affine.rotate=15 …",
    )


def plan_of(options: Any) -> tuple[TrainingPlan, Path | None]:
    """The plan that the options describe, and the folder of public sets where ``--data`` names one.

    Pictures of the user's are looked through first, as the wizard does it. Raises :class:`PlanError` or another
    :class:`FoveaError` that says which option is at fault.
    """
    try:
        return _plan_of(options)
    except ValueError as error:  # a PreprocessSpec that cannot be
        raise PlanError("bad-plan", str(error)) from error


def _plan_of(options: Any) -> tuple[TrainingPlan, Path | None]:
    from desktop.app import recipes

    sets = None
    if options.plan is not None:
        from desktop.ml.plans import plan as plans

        chosen = plans.load(options.plan)
        sets = _sets_folder(chosen, options.data)
        if options.data and sets is None:
            data, labels, _ = _pictures(options)
            chosen = recipes.with_pictures(chosen, data, labels)
    else:
        chosen = _fresh(options)
    name = getattr(options, "name", None)
    if name:
        from desktop.store.ids import id_of

        chosen = replace(chosen, name=name, id=id_of(name))
    return _with_options(chosen, options), sets


def _pictures(options: Any) -> tuple[DataPlan, tuple[str, ...], recipes.Seen]:
    """The data part of a plan for ``--data``, its labels, and what was seen of the pictures.

    Raises :class:`desktop.core.data.dataset.DatasetError` for a path that holds no labelled pictures.
    """
    from desktop.app import recipes

    public = _public(options.data)
    if public is not None and not os.path.exists(options.data):
        return *public, recipes.Seen()
    data = look_through(options.data, near=not getattr(options, "exact", False))
    return data.plan(), data.labels, recipes.seen_of(data)


def looked_at(options: Any) -> tuple[DataPlan, tuple[str, ...], recipes.Seen, int]:
    """The data part of a plan for ``--data``, its labels, what was seen of the pictures, and how many they are.

    Raises :class:`PlanError` for a public set, whose pictures nobody has counted yet, and what reading raises.
    """
    from desktop.app import recipes

    if _public(options.data) is not None and not os.path.exists(options.data):
        raise PlanError("bad-plan", "the starting points are listed for pictures of your own", "Name their folder.")
    data = look_through(options.data, near=not getattr(options, "exact", False))
    return data.plan(), data.labels, recipes.seen_of(data), sum(data.counts)


def look_through(path: str, near: bool = True) -> TrainingData:
    """The pictures at ``path`` as a training takes them; says what is left out and what stays together."""
    from desktop.app import training_data

    bar = console.ProgressLine()

    def progress(stage: str, done: int, total: int | None) -> None:
        bar.update(
            phrase("looking through the pictures, {stage}: {done:,}", stage=stage, done=done)
            + (phrase(" of {total:,}", total=total) if total else "")
        )

    try:
        data = training_data.inspect_and_group(training_data.open_training_data(path), near, progress)
    finally:
        bar.clear()
    if data.kept_together:
        console.note(
            phrase(
                "{count:,} groups of nearly the same pictures: each stays on one side of the split (--exact: do not "
                "look)",
                one="one group of nearly the same pictures: it stays on one side of the split (--exact: do not look)",
                count=len(data.kept_together),
            )
        )
    if data.left_out:
        console.note(
            phrase(
                "{count:,} pictures are left out: broken, there twice, or in several classes ('fovea data inspect' "
                "lists them)",
                one="one picture is left out: broken, there twice, or in several classes ('fovea data inspect' lists "
                "it)",
                count=len(data.left_out),
            )
        )
    return data


def settings_of(pairs: list[str]) -> dict[str, str]:
    """``KEY=VALUE`` words as a dictionary. Raises :class:`PlanError`."""
    out = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key.strip():
            raise PlanError(
                "bad-plan", phrase("'{pair}' is no KEY=VALUE", pair=pair), "Write for instance --set fit.epochs=10."
            )
        out[key.strip()] = as_setting(key.strip(), value.strip())
    return out


def as_setting(key: str, value: str) -> str:
    """``value`` as the plan reads it: layers may be written with commas alone."""
    if key.endswith("architecture.layers") and value and not value.startswith("["):
        import json

        return json.dumps([word.strip() for word in value.split(",") if word.strip()])
    return value


def _public(name: str) -> tuple[DataPlan, tuple[str, ...]] | None:
    from desktop.ml.plans.presets import PRESETS

    for preset in PRESETS.values():
        if preset.data is not None and preset.data.source == name:
            return replace(preset.data, limit=0), preset.labels
    return None


def _sets_folder(plan: TrainingPlan, given: str | None) -> Path | None:
    """The folder of public sets, where ``given`` is one that holds the plan's own set."""
    if given is None or plan.data.source == USER:
        return None
    from desktop.ml.data.public_sets import source_of

    source, root = source_of(plan.data), Path(given)
    there = any(name and (root / name).exists() for name in (source.file, source.folder))
    return root if there else None


def _fresh(options: Any) -> TrainingPlan:
    from desktop.app import recipes
    from desktop.ml.plans.presets import DEFAULT, find

    if options.start:
        return _upon(options)
    preset = find(options.preset or DEFAULT)
    data, labels, seen = _pictures(options) if options.data else (preset.data, (), None)
    if data is None:
        raise PlanError("bad-plan", "there are no pictures to train on", "Give --data DATA.")
    own = not options.preset and options.architecture is None and options.size is None and options.colour is None
    if own and seen is not None and data.source == USER:
        upon = _recommended(data, labels, seen)
        if upon is not None:
            return upon
    shape = _shape(options, seen.shape if seen is not None and preset.id == DEFAULT else None, preset.shape)
    plan = recipes.make_plan("fresh", data, labels, seen, preset=preset.id, shape=shape)
    if options.architecture is None:
        return plan
    shape = shape or plan.shape
    return replace(plan, architecture=architecture_of(options.architecture, shape), preset="")


def _recommended(data: DataPlan, labels: tuple[str, ...], seen: recipes.Seen) -> TrainingPlan | None:
    """The plan that the pictures suggest, as the wizard's; ``None``: Fovea's own net, or the base is missing."""
    from desktop.app import recipes
    from desktop.core.types import StoreError
    from desktop.ml.plans import base_models

    recipe, base = recipes.recommended(seen)
    if not base:
        return None
    try:
        model = base_models.manifest_of(base)
    except StoreError as error:
        console.note(
            phrase(
                "fovea: {message}: training a network from nothing instead ({hint})",
                message=error.message,
                hint=error.hint,
            )
        )
        return None
    console.note(
        phrase(
            "a head on what '{name}' sees in each picture (--preset, --architecture, --from, "
            "--size and --colour choose otherwise)",
            name=model.name,
        )
    )
    return recipes.make_plan(recipe, data, labels, seen, model=model)


def architecture_of(text: str, shape: tuple[int, int, int]) -> Step:
    """The network that ``--architecture`` names, for pictures of ``shape``. Raises :class:`PlanError`."""
    from desktop.ml.plans.nettables import layer_table
    from desktop.ml.plans.presets import PRESETS, small_residual

    if text in PRESETS:
        return PRESETS[text].parts(shape).architecture
    if text == "residual-cnn":
        return small_residual(shape)
    if text == "fast-cnn":
        grey = {"mean": [0.45] * shape[2], "deviation": [0.25] * shape[2]}
        return Step(
            "fast-cnn", {"widths": [32, 64, 128], "residual": True, "dropout": 0.2, "activation": "relu", **grey}
        )
    step = Step("sequential", {"layers": [word.strip() for word in text.split(",") if word.strip()]})
    layer_table(step, shape, 2)  # refuses in words what is no net
    return step


def _upon(options: Any) -> TrainingPlan:
    """A plan that begins with a model of the store, or with a network that was installed to build upon.

    Its input stays what that model expects. Raises :class:`PlanError` and :class:`StoreError`.
    """
    from desktop.app import recipes
    from desktop.ml.plans import base_models

    if not options.data:
        raise PlanError("bad-plan", "there are no pictures to train on", "Give --data DATA.")
    if options.size is not None or options.colour is not None:
        hint = "Leave --size and --colour out."
        raise PlanError(
            "bad-plan",
            phrase("with --from the pictures are prepared as '{start}' takes them", start=options.start),
            hint,
        )
    model = base_models.manifest_of(options.start)
    refusal = recipes.why_not(options.how, model)
    if refusal is not None:
        raise refusal
    data, labels, seen = _pictures(options)
    return recipes.make_plan(options.how, data, labels, seen, model=model)


def _shape(options: Any, fitting: Shape | None, usual: Shape) -> Shape | None:
    """The input that is asked for; ``None`` where nothing is, and the recipe decides."""
    if options.size is None and options.colour is None:
        return None
    height, width, channels = fitting or usual
    if options.size is not None:
        height = width = options.size
    if options.colour is not None:
        channels = 1 if options.colour == "grey" else 3
    return height, width, channels


def _with_options(plan: TrainingPlan, options: Any) -> TrainingPlan:
    from desktop.ml.plans.plan_changes import with_settings

    settings: dict[str, str] = {}
    if options.plan is not None:  # elsewhere the shape is the preset's own affair
        if options.size is not None:
            settings |= {"preprocess.height": str(options.size), "preprocess.width": str(options.size)}
        if options.colour is not None:
            settings["preprocess.colour"] = options.colour
    if options.split is not None:
        fraction, _, group = options.split.partition(":")
        settings["data.validation"] = fraction
        if group:
            settings["data.group"] = group
    for key, value in (("fit.epochs", options.epochs), ("fit.batch", options.batch_size), ("seed", options.seed)):
        if value is not None:
            settings[key] = str(value)
    if options.epochs is not None and plan.start.head_epochs >= options.epochs > 0:
        # As large a share of the epochs as the plan gives its head.
        share = plan.start.head_epochs / plan.fit.epochs
        settings["start.head_epochs"] = str(min(options.epochs - 1, max(1, round(share * options.epochs))))
    return with_settings(plan, {**settings, **settings_of(options.set)})
