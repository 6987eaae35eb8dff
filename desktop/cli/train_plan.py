"""From the options of ``fovea train`` (and of ``search`` and ``study``) to a training plan."""

from __future__ import annotations

import argparse
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from desktop.core.types import FoveaError
from desktop.ml.plans.plan import USER, DataPlan, DecisionPlan, PlanError, Step, TrainingPlan

_BUILD_UPON = ("continue", "features", "fine-tune")


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options that say what to train, on what, and how."""
    data = parser.add_argument_group("pictures")
    data.add_argument(
        "--data",
        metavar="DATA",
        help="a folder of class folders, an .npz, IDX files or CIFAR batches; the name of a public set (mnist, "
        "cifar10-jpeg, chest-xray, cats-dogs, captcha-letters); or, with a plan for a public set, where the sets lie",
    )
    data.add_argument(
        "--split",
        metavar="SPLIT",
        help="the part to validate with where the data has none of its own: a fraction, or fraction:group with group "
        "person, auto or none (default: 0.2:auto)",
    )
    data.add_argument("--size", type=int, metavar="N", help="bring the pictures to N×N pixels")
    data.add_argument("--colour", choices=("rgb", "grey"), help="look at the pictures in colour or in grey")
    what = parser.add_argument_group("what to train (one of these; default: Fovea's small residual net)")
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
        choices=_BUILD_UPON,
        default="continue",
        help="with --from: go on training every layer, learn a head from its features, or fine-tune its last layers",
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

    Raises :class:`PlanError` or another :class:`FoveaError` that says which option is at fault.
    """
    try:
        return _plan_of(options)
    except ValueError as error:  # a PreprocessSpec that cannot be
        raise PlanError("bad-plan", str(error)) from error


def _plan_of(options: Any) -> tuple[TrainingPlan, Path | None]:
    sets = None
    if options.plan is not None:
        from desktop.ml.plans import plan as plans

        chosen = plans.load(options.plan)
        sets = _sets_folder(chosen, options.data)
        if options.data and sets is None:
            data, labels = data_of(options.data)
            chosen = _with_data(chosen, data, labels)
    else:
        own, labels = data_of(options.data) if options.data else (None, ())
        chosen = _fresh(options, own, labels)
    name = getattr(options, "name", None)
    if name:
        from desktop.store.ids import id_of

        chosen = replace(chosen, name=name, id=id_of(name))
    return _with_options(chosen, options), sets


def data_of(given: str) -> tuple[DataPlan, tuple[str, ...]]:
    """The data part of a plan for ``--data``, and its labels. Only names are read here.

    Raises :class:`desktop.core.data.dataset.DatasetError` for a path that holds no labelled pictures.
    """
    public = _public(given)
    if public is not None and not os.path.exists(given):
        return public
    from desktop.core.data.dataset import ALL, open_dataset

    found = open_dataset(given, ALL)
    counts = found.counts()
    classes = tuple(name for name, count in zip(found.classes, counts, strict=True) if count)
    stopping = [p for p in found.problems if p.severity == "stops-training" and p.kind != "empty-class"]
    if stopping:
        raise FoveaError(stopping[0].kind, stopping[0].message, "'fovea data inspect' tells more.")
    return DataPlan(USER, 0.2, "auto", classes, os.path.abspath(given), found.title), classes


def settings_of(pairs: list[str]) -> dict[str, str]:
    """``KEY=VALUE`` words as a dictionary. Raises :class:`PlanError`."""
    out = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key.strip():
            raise PlanError("bad-plan", f"'{pair}' is no KEY=VALUE", "Write for instance --set fit.epochs=10.")
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


def _with_data(plan: TrainingPlan, data: DataPlan, labels: tuple[str, ...]) -> TrainingPlan:
    """``plan`` for other pictures: its own order of classes where they are the same ones."""
    if plan.data.source == USER:  # a public set's own choices say nothing of pictures of the user's
        data = replace(data, group=plan.data.group, limit=plan.data.limit, use_test=plan.data.use_test)
    mine = plan.data.classes or plan.labels
    if set(mine) == set(data.classes or labels):
        left_out, together = plan.data.left_out, plan.data.kept_together
        data = replace(data, classes=mine, left_out=left_out, kept_together=together)
        return replace(plan, data=replace(data, validation=plan.data.validation))
    decision = plan.decision if len(labels) == 2 else DecisionPlan()
    return replace(plan, data=replace(data, validation=plan.data.validation), labels=labels, decision=decision, card={})


def _fresh(options: Any, data: DataPlan | None, labels: tuple[str, ...]) -> TrainingPlan:
    from desktop.ml.plans.presets import DEFAULT, PRESETS, find

    if options.start:
        return _upon(options, _needed(data), labels)
    if options.architecture is None:
        preset = find(options.preset or DEFAULT)
        return preset.build(labels, _shape(options, preset.shape), data)
    data = _needed(data)
    shape = _shape(options, PRESETS[DEFAULT].shape)
    base = PRESETS[DEFAULT].build(labels, shape, data)
    return replace(base, architecture=architecture_of(options.architecture, shape), preset="")


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


def _upon(options: Any, data: DataPlan, labels: tuple[str, ...]) -> TrainingPlan:
    """A plan that begins with a model of the store, or with a network that was installed to build upon.

    Its input stays what that model expects. Raises :class:`PlanError` and :class:`StoreError`.
    """
    from desktop.ml.plans import base_models, transfer_plans

    if options.size is not None or options.colour is not None:
        hint = "Leave --size and --colour out."
        raise PlanError("bad-plan", f"with --from the pictures are prepared as '{options.start}' takes them", hint)
    manifest = base_models.manifest_of(options.start)
    kinds: dict[str, transfer_plans.Kind] = {"continue": "weights", "features": "features", "fine-tune": "fine-tune"}
    if options.how == "continue" and base_models.KERAS_FILE not in manifest.files:
        hint = "Use --how features or --how fine-tune."
        raise PlanError("bad-plan", f"'{manifest.id}' names no classes that could be learned further", hint)
    return transfer_plans.plan_from(manifest, kinds[options.how], labels, data, f"From {manifest.name}")


def _needed(data: DataPlan | None) -> DataPlan:
    if data is None:
        raise PlanError("bad-plan", "there are no pictures to train on", "Give --data DATA.")
    return data


def _shape(options: Any, default: tuple[int, int, int]) -> tuple[int, int, int]:
    height, width, channels = default
    if options.size is not None:
        height = width = options.size
    if options.colour is not None:
        channels = 1 if options.colour == "grey" else 3
    return height, width, channels


def _with_options(plan: TrainingPlan, options: Any) -> TrainingPlan:
    from desktop.ml.plans.plan import with_settings

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
