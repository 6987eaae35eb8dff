"""From trained weights to a model in the store: calibrate, export, check, evaluate, describe, commit."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from desktop import paths
from desktop.core.figures.intervals import FEWEST
from desktop.core.figures.result import Figures
from desktop.core.figures.table import METRICS
from desktop.core.trust import neighbours
from desktop.core.trust.domain import FILE as DOMAIN_FILE
from desktop.core.trust.domain import Gate
from desktop.core.trust.first_layer import FILE as FILTERS_FILE
from desktop.core.trust.first_layer import to_json as filters_json
from desktop.core.trust.saliency import FILE as HEAD_FILE
from desktop.core.trust.saliency import Head
from desktop.core.trust.second import FILE as SECOND_FILE
from desktop.core.types import FoveaError
from desktop.ml.convert import deploy
from desktop.ml.convert.convert import Precision
from desktop.ml.convert.export_litert import convert
from desktop.ml.convert.litert import LiteRT, match_outputs
from desktop.ml.convert.selftest import drawn_inputs, write_selftest
from desktop.ml.data import drawn_digits
from desktop.ml.data.assemble import Gathered, copies
from desktop.ml.data.public_sets import Pictures
from desktop.ml.data.second_look import SecondLook
from desktop.ml.nets import backend
from desktop.ml.nets.cost import in_pieces, pictures_at_once
from desktop.ml.packaging import confidence, crossed, evaluate, head_detection
from desktop.ml.packaging.card import write_card
from desktop.ml.packaging.confidence import Confidence
from desktop.ml.packaging.decide import Calibrated, calibrated
from desktop.ml.plans.events import Event, Note, Phase, PhaseName
from desktop.ml.plans.plan import TrainingPlan
from desktop.ml.training.history import history_csv
from desktop.ml.training.train import Trained
from desktop.store.catalogue import EVERYDAY
from desktop.store.manifest import Calibration, Conformal, Domain, FileEntry, Manifest, Metric, Parity, Provenance
from desktop.store.store import ModelStore, sha256_of
from desktop.system.words import english, phrase

PARITY_PICTURES = 400
_PARITY_PIECE = 100  # of them looked at together, at most
_SAMPLE_BYTES = 1 << 30  # what the exported file's outputs may take of the pictures that the last layers are judged by
_FEWEST_SAMPLES = 4
_ROUGH_LIMIT = 19  # own pictures, below which no limit flags as few as it is meant to
PARITY_LIMIT = 1e-4  # fp32 on both sides: a larger difference means that the conversion changed the network
PARITY_LIMIT_HALF = 1e-2

Listener = Callable[[Event], None]


class PackageError(FoveaError):
    """A trained network that must not become a model."""


@dataclass(frozen=True, slots=True, eq=False)
class _Job:
    """What all phases need: the training, whom they tell, and what may end them."""

    plan: TrainingPlan
    trained: Trained
    gathered: Gathered
    work: Path
    listener: Listener
    check: Callable[[], None]
    precision: Precision = "float32"
    limits: list[str] = field(default_factory=list)
    """What the card says of limits that were met on the way."""

    def tell(self, phase: PhaseName, done: int, total: int) -> None:
        self.listener(Phase(phase, done, total))

    def note(self, text: str, limit: bool = False) -> None:
        self.listener(Note(text))
        if limit:
            self.limits.append(text)


@dataclass(frozen=True, slots=True, eq=False)
class _Exported:
    """The network in its two forms, its outputs' places, and how far both differ over ``compared`` pictures."""

    model: Any
    keras_file: Path
    lite_file: Path
    lite: LiteRT
    outputs: dict[str, int]
    gap: float
    compared: int


@dataclass(frozen=True, slots=True, eq=False)
class _Judged:
    """What says how far answers can be trusted. ``looked_at``: the gate, which training pictures it saw, and how."""

    trust: Confidence
    head: Head | None
    looked_at: tuple[Gate, np.ndarray, np.ndarray] | None


@dataclass(frozen=True, slots=True, eq=False)
class _Measured:
    figures: Figures
    document: dict[str, Any]
    split: str
    sets: Conformal


def package(
    plan: TrainingPlan,
    trained: Trained,
    gathered: Gathered,
    root: Path,
    work: Path,
    listener: Listener = lambda event: None,
    check: Callable[[], None] = lambda: None,
    version: int | None = None,
    precision: Precision = "float32",
) -> Manifest:
    """Make a model of ``trained`` and commit it under ``root`` (a store's folder); ``work`` is scratch space.

    The test split, where the data has one and the plan asks for it, is opened here, once, after everything was chosen;
    else the figures are those of validation, and the card says so. ``version`` is by default one above that of the
    model of this id that there is. ``precision`` is that of the exported file's weights. ``check`` is called between
    the steps and may raise, to cancel.

    Raises :class:`PackageError` when the exported file does not answer as the network does,
    :class:`desktop.ml.convert.export_litert.ExportError` when the conversion fails.
    """
    job = _Job(plan, trained, gathered, work, listener, check, precision)
    found, model = _calibrate(job)
    exported = _export(job, model)
    judged = _judge(job, exported, found)
    version = version or _next_version(plan.id, root)
    measured = _evaluate(job, exported, found, judged.trust.conformal, version)
    ready = _ready(_described(job, exported, found, measured, version), judged.trust.domain)
    check()
    _write(job, exported, judged, measured, ready, root)
    _keep_crossed(job, exported, found, ready)
    return ready


def _calibrate(job: _Job) -> tuple[Calibrated, Any]:
    """Temperature and decision rule, and the finished network with the temperature in it."""
    job.tell("calibrating", 0, 1)
    found = calibrated(job.plan, job.gathered, job.trained)
    if found.decision.rule == "argmax" and found.decision.reason:
        job.note(found.decision.reason)
    model = deploy.finish(job.trained.model, found.temperature, job.plan.mirrored)
    job.tell("calibrating", 1, 1)
    job.check()
    return found, model


def _export(job: _Job, model: Any) -> _Exported:
    job.tell("exporting", 0, 2)
    job.work.mkdir(parents=True, exist_ok=True)
    keras_file, lite_file = job.work / "model.keras", job.work / "model.tflite"
    model.save(keras_file)
    lite_file.unlink(missing_ok=True)
    convert(keras_file, lite_file, precision=job.precision)
    job.tell("exporting", 1, 2)
    job.check()
    lite = LiteRT(lite_file)
    limit = PARITY_LIMIT if job.precision == "float32" else PARITY_LIMIT_HALF
    outputs, gap, n = check_parity(model, lite, job.gathered.validation, job.plan.seed, limit)
    job.note(
        phrase(
            "largest difference between the trained model and its exported form over {n} validation "
            "pictures: {gap:.1e}",
            n=n,
            gap=gap,
        )
    )
    job.tell("exporting", 2, 2)
    job.check()
    return _Exported(model, keras_file, lite_file, lite, outputs, gap, n)


def _judge(job: _Job, exported: _Exported, found: Calibrated) -> _Judged:
    """Domain gate, answer sets and the last layers, from what the exported file answers."""
    validation, lite, outputs = job.gathered.validation, exported.lite, exported.outputs

    def looked(done: int, total: int) -> None:
        job.check()
        job.tell("confidence", done, total)

    looked_at: list[tuple[Gate, np.ndarray, np.ndarray]] = []
    # Of pictures that were cross-validated the finished head has learned: its own scores would promise too much.
    scored = (found.scores, found.pictures.labels, found.split) if job.trained.held_out is not None else None
    # What stands on the everyday network's features needs no second look by it.
    second = SecondLook.of() if job.plan.start.model != EVERYDAY else None
    trust = confidence.fit(
        lite, outputs, job.plan.preprocess, job.gathered.train, validation, job.plan.seed, looked,
        lambda *seen: looked_at.append(seen), scored, job.gathered.side,
        second.features if second is not None else None, job.plan.labels == drawn_digits.LABELS,
    )  # fmt: skip
    if trust.trouble:
        job.note(phrase("no domain gate: {trouble}", trouble=trust.trouble))
    elif trust.domain is not None and trust.domain.n < _ROUGH_LIMIT:
        rough = phrase(
            "{n} validation pictures set the limit of what is called foreign: about "
            "{refused:.0%} of other pictures of the model's own kind will be called so, or more",
            n=trust.domain.n,
            refused=trust.domain.refused,
        )
        job.note(rough, limit=True)
    sample = validation.images[: min(PARITY_PICTURES, max(_FEWEST_SAMPLES, _SAMPLE_BYTES // lite.bytes_each))]
    head = head_detection.find(exported.model, sample, lite.run(sample), outputs)
    job.check()
    return _Judged(trust, head, looked_at[0] if looked_at else None)


def _evaluate(job: _Job, exported: _Exported, found: Calibrated, sets: Conformal, version: int) -> _Measured:
    """The figures that the model is shown with: of the test split, opened here, else those of validation."""
    job.tell("evaluating", 0, 1)
    figures, document, split = found.figures, dict(found.validation), found.split
    test = job.gathered.open_test()
    if test is not None:
        split = "test"
        text = copies(job.gathered, test, "test")
        if text:
            job.note(text, limit=True)
        (scores,) = exported.lite.run(test.images, only=(exported.outputs["probabilities"],))
        sets = confidence.checked(sets, found.decision, scores, test.labels, split)
        figures, document = evaluate.measure(
            job.plan, job.gathered, found.decision, test, lambda _: scores, split, "LiteRT",
            sha256_of(exported.lite_file), version,
        )  # fmt: skip
        document["validation"] = found.validation
    job.tell("evaluating", 1, 1)
    document |= {
        "schema": 1,
        "calibration": {
            "temperature": found.temperature,
            "ece_before": found.ece_before,
            "ece_after": found.ece_after,
            "split": found.split,
            "n": len(found.pictures),
        },
    }
    return _Measured(figures, document, split, sets)


def _described(job: _Job, exported: _Exported, found: Calibrated, measured: _Measured, version: int) -> Manifest:
    plan, trained, title = job.plan, job.trained, job.gathered.title
    parameters, crossed = int(trained.model.count_params()), trained.held_out is not None
    return Manifest(
        id=plan.id,
        name=plan.name,
        task="classification",
        version=version,
        state="weights-not-installed",
        preprocess=plan.preprocess,
        labels=plan.labels,
        activation="softmax",
        outputs=exported.outputs,
        scores=evaluate.score_word(plan, len(found.pictures)),
        decision=found.decision,
        card=write_card(
            plan, job.gathered, measured.figures, measured.split, parameters, trained.parent, job.limits, crossed
        ),
        provenance=_provenance(plan, job.gathered, trained.parent),
        metrics=metrics_of(measured.figures, title, measured.split),
        calibration=Calibration(found.temperature, found.split, len(found.pictures), found.ece_before, found.ece_after),
        parity=Parity(exported.gap, exported.compared, f"{title}, validation"),
        medical=plan.medical,
        conformal=measured.sets,
    )


def _write(
    job: _Job, exported: _Exported, judged: _Judged, measured: _Measured, manifest: Manifest, root: Path
) -> None:
    """Commit the model, and keep the training pictures' places beside the data that they come from."""
    job.tell("writing", 0, 1)
    # In the user's own store nothing is lost by a name used twice; elsewhere, as for recipes, a folder is a folder.
    with ModelStore(user=root).stage(manifest, root, keep_replaced=root == paths.user_models()) as folder:
        for file in (exported.keras_file, exported.lite_file):
            (folder / file.name).write_bytes(file.read_bytes())
        texts = {
            "history.csv": history_csv(job.trained.history),
            "evaluation.json": json.dumps(english(measured.document), indent=1) + "\n",
        }
        if judged.trust.gate is not None:
            texts[DOMAIN_FILE] = judged.trust.gate.to_json()
        if judged.trust.second is not None:
            texts[SECOND_FILE] = judged.trust.second.to_json()
        first = head_detection.filters(exported.model)
        if first is not None:
            texts[FILTERS_FILE] = filters_json(first)
        if judged.head is not None:
            texts[HEAD_FILE] = judged.head.to_json()
        for name, text in texts.items():
            (folder / name).write_text(text, encoding="utf-8", newline="\n")
        inputs = drawn_inputs(job.plan.preprocess)
        write_selftest(folder / "selftest", inputs, exported.lite, exported.outputs["probabilities"])
    if judged.looked_at is not None and job.gathered.folder:
        gate, picked, rows = judged.looked_at
        train = job.gathered.train
        names = [train.names[index] for index in picked]
        found_at = neighbours.directions(gate, rows)
        neighbours.write(sha256_of(exported.lite_file), found_at, names, train.labels[picked], job.gathered.folder)
    job.tell("writing", 1, 1)


def _keep_crossed(job: _Job, exported: _Exported, found: Calibrated, manifest: Manifest) -> None:
    """Of the user's own pictures, what a cross-validation said of each; the model is whole without."""
    if job.trained.held_out is None or not job.gathered.folder:
        return
    try:
        crossed.keep(job.plan, job.gathered, found, manifest, sha256_of(exported.lite_file))
    except FoveaError as error:
        job.note(
            phrase("what the cross-validation said of single pictures is not kept: {message}", message=error.message)
        )


def _next_version(model_id: str, root: Path) -> int:
    for entry in ModelStore(user=root).entries():
        if entry.id == model_id and entry.manifest is not None:
            return entry.manifest.version + 1
    return 1


def _ready(manifest: Manifest, gate: Domain | None) -> Manifest:
    """``manifest`` in the state that it will have once its files lie beside it."""
    # A ready manifest must name its weights; the store replaces these by the real checksums on commit.
    names = ["model.tflite"] + ([gate.file] if gate is not None else [])
    return replace(manifest, state="ready", files={name: FileEntry("0" * 64, 0) for name in names}, domain=gate)


def check_parity(
    model: Any, lite: LiteRT, pictures: Pictures, seed: int, limit: float = PARITY_LIMIT
) -> tuple[dict[str, int], float, int]:
    """Output positions, largest difference of any probability between ``model`` and ``lite``, number of pictures.

    Raises :class:`PackageError` beyond ``limit``.
    """
    rng = np.random.default_rng([seed, 4])
    picked = np.sort(rng.permutation(len(pictures))[:PARITY_PICTURES])

    def compared(start: int, end: int) -> tuple[dict[str, int], float]:
        images = np.asarray(pictures.images[picked[start:end]])
        expected = [np.asarray(part) for part in model.predict_on_batch(images)]
        found = lite.run(images)
        outputs = match_outputs(found, expected, deploy.outputs_of(model))
        return outputs, float(np.abs(found[outputs["probabilities"]] - expected[0]).max())

    found = list(in_pieces(compared, len(picked), pictures_at_once(model, _PARITY_PIECE)))
    outputs, gap = found[0][0], float(np.max([each for _, each in found]))  # NaN stays
    if not gap <= limit:
        raise PackageError(
            "parity",
            phrase(
                "the exported file differs from the model by {facts:.1e} in a score; {limit:.0e} at most expected",
                facts=gap,
                limit=limit,
            ),
        )
    return outputs, gap, len(picked)


def _provenance(plan: TrainingPlan, gathered: Gathered, parent: str | None) -> Provenance:
    return Provenance(
        data=gathered.title,
        data_licence=gathered.licence,
        fingerprint=gathered.fingerprint,
        plan=plan.public(gathered.title).to_dict(),
        seed=plan.seed,
        parent=parent,
        versions=backend.versions(),
        device=backend.device(),
        created=evaluate.now(),
    )


def metrics_of(found: Figures, title: str, split: str) -> tuple[Metric, ...]:
    """The figures that a card shows, from those over a split of the data called ``title``. Sensitivity and specificity
    of fewer than :data:`~desktop.core.figures.intervals.FEWEST` pictures are none: the card names no such figure."""
    named = {row.card: row.get(found) for row in METRICS if row.card}
    return tuple(
        Metric(name, estimate.value, title, split, estimate.n, estimate.low, estimate.high)
        for name, estimate in named.items()
        if estimate is not None and estimate.value is not None
        if name not in ("sensitivity", "specificity") or estimate.n >= FEWEST
    )
