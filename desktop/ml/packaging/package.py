"""From trained weights to a model in the store: calibrate, export, check, evaluate, describe, commit."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from desktop import paths
from desktop.core.figures.intervals import FEWEST
from desktop.core.figures.result import Figures
from desktop.core.figures.table import METRICS
from desktop.core.figures.thresholds import HIGHEST_SCORE, Aim, Gain, gain_of
from desktop.core.trust import neighbours
from desktop.core.trust.domain import FILE as DOMAIN_FILE
from desktop.core.trust.domain import Gate
from desktop.core.trust.first_layer import FILE as FILTERS_FILE
from desktop.core.trust.first_layer import to_json as filters_json
from desktop.core.trust.saliency import FILE as HEAD_FILE
from desktop.core.types import FoveaError
from desktop.ml.convert import deploy
from desktop.ml.convert.export_litert import convert
from desktop.ml.convert.litert import LiteRT, match_outputs
from desktop.ml.convert.selftest import drawn_inputs, write_selftest
from desktop.ml.data import augment
from desktop.ml.data.assemble import Gathered, copies, count_copies, shared_groups
from desktop.ml.data.public_sets import Pictures
from desktop.ml.nets import backend
from desktop.ml.nets.cost import in_pieces, pictures_at_once
from desktop.ml.packaging import calibrate, confidence, evaluate, head_detection
from desktop.ml.packaging.card import write_card
from desktop.ml.plans.events import Event, Note, Phase
from desktop.ml.plans.plan import TrainingPlan
from desktop.ml.training.history import history_csv
from desktop.ml.training.solved import HeldOut
from desktop.ml.training.train import Trained
from desktop.store.manifest import Calibration, Decision, Domain, FileEntry, Manifest, Metric, Parity, Provenance
from desktop.store.store import ModelStore, sha256_of

PARITY_PICTURES = 400
_PARITY_PIECE = 100  # of them looked at together, at most
_SAMPLE_BYTES = 1 << 30  # what the exported file's outputs may take of the pictures that the last layers are judged by
_FEWEST_SAMPLES = 4
_ROUGH_LIMIT = 19  # own pictures, below which no limit flags as few as it is meant to
PARITY_LIMIT = 1e-4  # fp32 on both sides: a larger difference means that the conversion changed the network

Listener = Callable[[Event], None]


class PackageError(FoveaError):
    """A trained network that must not become a model."""


@dataclass(frozen=True, slots=True, eq=False)
class _Calibrated:
    temperature: float
    ece_before: float
    ece_after: float
    decision: Decision
    figures: Figures
    validation: dict[str, Any]
    split: str
    pictures: Pictures
    scores: np.ndarray


def package(
    plan: TrainingPlan,
    trained: Trained,
    gathered: Gathered,
    root: Path,
    work: Path,
    listener: Listener = lambda event: None,
    check: Callable[[], None] = lambda: None,
    version: int | None = None,
) -> Manifest:
    """Make a model of ``trained`` and commit it under ``root`` (a store's folder); ``work`` is scratch space.

    The test split, where the data has one and the plan asks for it, is opened here, once, after everything was chosen;
    else the figures are those of validation, and the card says so. ``version`` is by default one above that of the
    model of this id that there is. ``check`` is called between the steps and may raise, to cancel.

    Raises :class:`PackageError` when the exported file does not answer as the network does,
    :class:`desktop.ml.convert.export_litert.ExportError` when the conversion fails.
    """
    validation = gathered.validation
    listener(Phase("calibrating", 0, 1))
    found = _calibrate(plan, gathered, trained)
    if found.decision.rule == "argmax" and found.decision.reason:
        listener(Note(found.decision.reason))
    model = deploy.finish(trained.model, found.temperature, plan.mirrored)
    listener(Phase("calibrating", 1, 1))
    check()
    listener(Phase("exporting", 0, 2))
    work.mkdir(parents=True, exist_ok=True)
    keras_file, lite_file = work / "model.keras", work / "model.tflite"
    model.save(keras_file)
    lite_file.unlink(missing_ok=True)
    convert(keras_file, lite_file)
    listener(Phase("exporting", 1, 2))
    check()
    lite = LiteRT(lite_file)
    outputs, gap, n = check_parity(model, lite, validation, plan.seed)
    listener(Note(f"largest difference between Keras and LiteRT over {n} validation pictures: {gap:.1e}"))
    listener(Phase("exporting", 2, 2))
    check()

    def looked(done: int, total: int) -> None:
        check()
        listener(Phase("confidence", done, total))

    limits: list[str] = []
    looked_at: list[tuple[Gate, np.ndarray, np.ndarray]] = []
    # Of pictures that were cross-validated the finished head has learned: its own scores would promise too much.
    scored = (found.scores, found.pictures.labels, found.split) if trained.held_out is not None else None
    trust = confidence.fit(
        lite, outputs, plan.preprocess, gathered.train, validation, plan.seed, looked,
        lambda *found: looked_at.append(found), scored,
    )  # fmt: skip
    if trust.trouble:
        listener(Note(f"no domain gate: {trust.trouble}"))
    elif trust.domain is not None and trust.domain.n < _ROUGH_LIMIT:
        rough = (
            f"{trust.domain.n} validation pictures set the limit of what is called foreign: about "
            f"{trust.domain.refused:.0%} of other pictures of the model's own kind will be called so, or more"
        )
        listener(Note(rough))
        limits.append(rough)
    sample = validation.images[: min(PARITY_PICTURES, max(_FEWEST_SAMPLES, _SAMPLE_BYTES // lite.bytes_each))]
    end = head_detection.find(model, sample, lite.run(sample), outputs)
    check()
    listener(Phase("evaluating", 0, 1))
    position, version = outputs["probabilities"], version or _next_version(plan.id, root)
    figures, document, split = found.figures, dict(found.validation), found.split
    sets = trust.conformal
    test = gathered.open_test()
    if test is not None:
        split = "test"
        text = copies(gathered, test, "test")
        if text:
            listener(Note(text))
            limits.append(text)
        (scores,) = lite.run(test.images, only=(position,))
        sets = confidence.checked(sets, found.decision, scores, test.labels, split)
        figures, document = evaluate.measure(
            plan, gathered, found.decision, test, lambda _: scores, split, "LiteRT", sha256_of(lite_file), version
        )
        document["validation"] = found.validation
    listener(Phase("evaluating", 1, 1))
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
    manifest = Manifest(
        id=plan.id,
        name=plan.name,
        task="classification",
        version=version,
        state="weights-not-installed",
        preprocess=plan.preprocess,
        labels=plan.labels,
        activation="softmax",
        outputs=outputs,
        scores=evaluate.score_word(plan, len(found.pictures)),
        decision=found.decision,
        card=write_card(
            plan,
            gathered,
            figures,
            split,
            int(trained.model.count_params()),
            trained.parent,
            limits,
            trained.held_out is not None,
        ),
        provenance=_provenance(plan, gathered, trained.parent),
        metrics=metrics_of(figures, gathered.title, split),
        calibration=Calibration(found.temperature, found.split, len(found.pictures), found.ece_before, found.ece_after),
        parity=Parity(gap, n, f"{gathered.title}, validation"),
        medical=plan.medical,
        conformal=sets,
    )
    ready = _ready(manifest, trust.domain)
    check()
    listener(Phase("writing", 0, 1))
    # In the user's own store nothing is lost by a name used twice; elsewhere, as for recipes, a folder is a folder.
    with ModelStore(user=root).stage(ready, root, keep_replaced=root == paths.user_models()) as folder:
        for file in (keras_file, lite_file):
            (folder / file.name).write_bytes(file.read_bytes())
        (folder / "history.csv").write_text(history_csv(trained.history), encoding="utf-8", newline="\n")
        text = json.dumps(document, indent=1) + "\n"
        (folder / "evaluation.json").write_text(text, encoding="utf-8", newline="\n")
        inputs = drawn_inputs(plan.preprocess)
        write_selftest(folder / "selftest", inputs, lite, outputs["probabilities"])
        if trust.gate is not None:
            (folder / DOMAIN_FILE).write_text(trust.gate.to_json(), encoding="utf-8", newline="\n")
        first = head_detection.filters(model)
        if first is not None:
            (folder / FILTERS_FILE).write_text(filters_json(first), encoding="utf-8", newline="\n")
        if end is not None:
            (folder / HEAD_FILE).write_text(end.to_json(), encoding="utf-8", newline="\n")
    if looked_at and gathered.folder:
        gate, picked, rows = looked_at[0]
        names = [gathered.train.names[index] for index in picked]
        found_at = neighbours.directions(gate, rows)
        network, labels = sha256_of(lite_file), gathered.train.labels[picked]
        neighbours.write(network, found_at, names, labels, gathered.folder)
    listener(Phase("writing", 1, 1))
    return ready


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


def _calibrate(plan: TrainingPlan, gathered: Gathered, trained: Trained) -> _Calibrated:
    held_out = trained.held_out
    if held_out is not None:
        validation, logits, split = held_out.pictures, held_out.logits, HeldOut.CROSS
    else:
        validation, split = gathered.validation, "validation"
        logits = deploy.logits_of(trained.model, validation.images, plan.mirrored, _took(plan))
    temperature = calibrate.fit_temperature(logits, validation.labels)
    before, after = calibrate.softmax(logits), calibrate.softmax(logits / temperature)
    # Cross-validated, each picture was judged by a head that had not seen it, whatever training saw in the end.
    learned = gathered.train if held_out is None else None
    decision = _decide(plan, trained, temperature, after, validation, learned)

    def measured(scores: np.ndarray) -> tuple[Figures, dict[str, Any]]:
        return evaluate.measure(plan, gathered, decision, validation, lambda _: scores, split, "Keras")

    figures, document = measured(after)
    ece = measured(before)[0].ece.value or 0.0
    return _Calibrated(
        temperature, ece, figures.ece.value or 0.0, decision, figures, document, split, validation, after
    )


def _decide(
    plan: TrainingPlan,
    trained: Trained,
    temperature: float,
    scores: np.ndarray,
    validation: Pictures,
    train: Pictures | None = None,
) -> Decision:
    """The decision that the plan asks for, with its threshold from ``scores`` on validation, or on augmented copies.

    Its reason says what pictures of ``train`` have in common with validation's.
    """
    if plan.decision.rule == "argmax":
        return Decision()
    positive = plan.decision.positive
    truth, own, how = validation.labels == positive, scores[:, positive], "on the validation split"
    if truth.all() or not truth.any():
        missing = plan.labels[1 - positive if truth.any() else positive]
        return Decision(reason=f"no threshold could be chosen: validation holds no picture of '{missing}'")
    if plan.decision.perturbed:
        parts = []
        for copy in range(plan.decision.perturbed):
            images = augment.apply(validation.images, plan.augment, np.random.default_rng([plan.seed, 5, copy]))
            logits = deploy.logits_of(trained.model, images, plan.mirrored, _took(plan))
            parts.append(calibrate.softmax(logits / temperature)[:, positive])
        truth, own = np.tile(truth, plan.decision.perturbed), np.concatenate(parts)
        how = f"on {plan.decision.perturbed} copies of the validation split, augmented as in training"
    aim: Aim = "balanced accuracy"
    if plan.decision.rule == "balanced":
        choose: Callable[[np.ndarray, np.ndarray], float] = calibrate.balanced_threshold
        words = "sensitivity and specificity alike"
    else:
        assert plan.decision.at_least is not None
        choose = partial(calibrate.sensitive_threshold, at_least=plan.decision.at_least)
        words = f"the highest threshold with a sensitivity of at least {plan.decision.at_least:.0%}"
    value = choose(own, truth)
    if plan.decision.at_least is not None:
        aim = "sensitivity" if value < HIGHEST_SCORE else "specificity"
        reached = float((own[truth] >= value).mean())
        if reached < plan.decision.at_least:  # scores of exactly 0: no threshold above 0 finds them
            words = f"the lowest threshold there is, with a sensitivity of {reached:.1%}: the plan's cannot be reached"
    gain = gain_of(truth, own, choose, _owners(validation, len(own)), aim)
    if not gain.beyond_chance:
        return Decision(reason=_no_gain(gain, how))
    reason = f"{words} {how} ({len(validation)} pictures; {_known(plan, train, validation)})"
    # Not rounded: of a network that is sure of itself the threshold would become 0 or 1, or rise above a kept score.
    return Decision("threshold", positive, value, reason)


def _owners(validation: Pictures, rows: int) -> np.ndarray:
    """Whose each of the ``rows`` is that copies of ``validation`` make: a person's, else a picture's; int64."""
    own = validation.groups if validation.groups is not None else np.arange(len(validation))
    return np.tile(np.unique(own, return_inverse=True)[1].astype(np.int64), rows // max(1, len(validation)))


def _no_gain(gain: Gain, how: str) -> str:
    """Why the highest score decides after all."""
    if min(gain.positives, gain.negatives) < FEWEST:
        return (
            f"the highest score decides: validation has {gain.positives} and {gain.negatives} pictures or persons of "
            f"the two classes, and {FEWEST} of each are needed to choose a threshold"
        )
    value, low, high = gain.estimate.value, gain.estimate.low, gain.estimate.high
    assert value is not None and low is not None and high is not None
    return (
        f"the highest score decides: a threshold chosen {how} gains no more {gain.what} than chance may "
        f"({100 * value:+.1f} percentage points, 95 % interval {100 * low:+.1f} to {100 * high:+.1f}, cross-validated)"
    )


def _known(plan: TrainingPlan, train: Pictures | None, validation: Pictures) -> str:
    """What training saw of the pictures that a threshold was chosen on, in words."""
    shared = shared_groups(train, validation) if train is not None else 0
    if shared:
        return f"training saw other pictures of {shared:,} of their persons or cases"
    doubled = count_copies(train, validation) if train is not None else 0
    if doubled:
        return f"training saw exact copies of {doubled:,} of them"
    return f"training saw none of their {'persons' if plan.data.group == 'person' else 'pictures'}"


def _took(plan: TrainingPlan) -> int:
    """How many pictures the whole network held in training; of features the head alone was trained."""
    return 1 if plan.start.kind == "features" else plan.fit.batch


def check_parity(model: Any, lite: LiteRT, pictures: Pictures, seed: int) -> tuple[dict[str, int], float, int]:
    """Output positions, largest difference of any probability between ``model`` and ``lite``, number of pictures.

    Raises :class:`PackageError` beyond :data:`PARITY_LIMIT`.
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
    if not gap <= PARITY_LIMIT:
        raise PackageError("parity", f"the exported file differs from the network by {gap:.1e}; at most 1e-4 expected")
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
