"""The stable JSON form of an evaluation's figures, and the CSV of its predictions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TextIO

import numpy as np

from desktop.core.figures.intervals import Estimate, estimate_json
from desktop.core.figures.metrics import ClassFigures
from desktop.core.figures.public_names import PublicNames, public_naming, public_result
from desktop.core.figures.result import INSIDE, NOT_ASKED, OUTSIDE, EvaluationResult, Figures
from desktop.core.figures.table import CLASS_METRICS, METRICS, POINT_METRICS
from desktop.core.figures.thresholds import OperatingPoint
from desktop.core.figures.works_here import works_here_json
from desktop.core.notices import medical_notice
from desktop.system.csv_cells import CsvWriter

_ALL_SCORES = 20  # classes up to which a CSV row holds every score
_KIND = {INSIDE: "yes", OUTSIDE: "no", NOT_ASKED: ""}


def figures_json(result: EvaluationResult, figures: Figures, naming: PublicNames | None = None) -> dict[str, Any]:
    """All figures: plain numbers at the top, their intervals under ``intervals``; ``None`` where there is no figure.

    Names are shown as ``naming`` says, by default as others may see them.
    """
    naming = naming if naming is not None else public_naming(result)
    result = public_result(result, naming)
    model, data = result.model, result.data
    means = figures.means
    named = {row.key: row.get(figures) for row in METRICS if row.group != "decision"}  # these: the operating point
    return {
        "notice": medical_notice(model.medical),
        "n": figures.n,
        "skipped": len(result.skipped),
        "unanswered": result.unanswered,
        "complete": result.complete,
        **_values(named),
        "intervals": {name: estimate_json(estimate) for name, estimate in named.items() if estimate},
        "works_here": works_here_json(result, figures),
        "labels": list(model.labels),
        "confusion": figures.matrix.tolist(),
        "per_class": [
            class_json(c, figures.class_auc[i] if figures.class_auc else None) for i, c in enumerate(figures.classes)
        ],
        "class_means_over": {
            "precision": means.precision_classes, "recall": means.recall_classes, "f1": means.f1_classes,
        },
        "positive": model.labels[model.positive] if model.positive is not None else None,
        "threshold": model.threshold,
        "threshold_reason": model.reason,
        "operating_point": point_json(figures.point),
        "reliability": [
            {"low": b.low, "high": b.high, "n": b.n, "confidence": b.confidence, "accuracy": b.accuracy.value}
            for b in figures.reliability
        ],
        "risk_coverage_area": figures.risk.area,
        "accuracy_by_share_answered": [
            {"share": step.coverage, "score_from": step.threshold, "accuracy": step.accuracy.value,
             "interval": estimate_json(step.accuracy)}
            for step in figures.risk_steps
        ],
        "skipped_items": [
            {"name": s.name, "class": s.class_name, "kind": s.kind, "message": s.message} for s in result.skipped
        ],
        "names": naming.words(),
        "data": data.title,
        "split": data.split,
        "answered_by": result.how,
        "data_fingerprint": data.fingerprint,
        "mapping": data.mapping,
        "problems": list(data.problems),
        "groups": data.groups,
        "intervals_by_person": figures.persons is not None,
        "persons": figures.persons,
        "model": model.id,
        "model_name": model.name,
        "model_version": model.version,
        "model_sha256": model.sha256,
        "scores_are": model.scores,
        "medical": model.medical,
        "device": result.device,
        "versions": result.versions,
        "created": result.created,
        "elapsed_s": result.elapsed_s,
    }  # fmt: skip


def class_json(figures: ClassFigures, auc: Estimate | None = None) -> dict[str, Any]:
    """One class: counts and figures as plain numbers, intervals beside."""
    named = {row.key: row.get(figures) for row in CLASS_METRICS}
    named["sensitivity"] = named["recall"]  # the same figure under both of its names
    if auc is not None:
        named["auc"] = auc
    return {
        "label": figures.label,
        "support": figures.support,
        "predicted": figures.predicted,
        "tp": figures.tp,
        "fp": figures.fp,
        "fn": figures.fn,
        "tn": figures.tn,
        **_values(named),
        "intervals": {name: estimate_json(estimate) for name, estimate in named.items()},
    }


def _values(named: Mapping[str, Estimate | None]) -> dict[str, float | None]:
    return {name: estimate.value if estimate else None for name, estimate in named.items()}


def point_json(point: OperatingPoint | None) -> dict[str, Any] | None:
    """An operating point: counts, figures, intervals."""
    if point is None:
        return None
    named = {row.key: row.get(point) for row in POINT_METRICS}
    return {
        "threshold": point.threshold,
        "tp": point.tp,
        "fp": point.fp,
        "tn": point.tn,
        "fn": point.fn,
        "prevalence": point.prevalence,
        **_values(named),
        "intervals": {name: estimate_json(estimate) for name, estimate in named.items()},
    }


def write_csv(result: EvaluationResult, stream: TextIO, naming: PublicNames | None = None) -> None:
    """A row for every picture: name, truth, answer, right, loss, scores, whether it is of the model's kind (where its
    gate was asked); then those without an answer, with the reason.

    With more than 20 labels the five highest scores stand in for all. ``stream`` is text, opened with ``newline=""``.
    A text that a spreadsheet would take for a formula is guarded.
    """
    labels = result.model.labels
    result = public_result(result, naming if naming is not None else public_naming(result))
    every = len(labels) <= _ALL_SCORES
    columns = [f"score {label}" for label in labels] if every else [f"top {i}" for i in range(1, 6)]
    writer = CsvWriter(stream)
    kinds = [] if result.outside is None else ["of its kind"]
    writer.writerow(["name", "truth", "answer", "right", "score", "loss", *columns, *kinds, "problem"])
    losses, confidence = result.losses(), result.confidence()
    for index, name in enumerate(result.names):
        row = result.scores[index]
        if every:
            scores = [f"{float(value):.6f}" for value in row]
        else:
            best = np.argsort(-row, kind="stable")[:5]
            scores = [f"{labels[int(i)]} {float(row[i]):.6f}" for i in best]
        truth, answer = labels[int(result.truth[index])], labels[int(result.predicted[index])]
        figures = [int(truth == answer), f"{confidence[index]:.6f}", f"{losses[index]:.6f}"]
        kind = [] if result.outside is None else [_KIND[int(result.outside[index])]]
        writer.writerow([name, truth, answer, *figures, *scores, *kind, ""])
    for item in result.skipped:
        mapped = result.data.mapping.get(item.class_name, item.class_name)
        blank = [""] * (len(columns) + len(kinds))
        writer.writerow([item.name, mapped, "", "", "", "", *blank, item.message])
