"""The JSON form of figures and the CSV of answers, value by value."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from desktop.core.data.dataset import BrokenEntry
from desktop.core.figures.intervals import estimate_json
from desktop.core.figures.public_names import public_naming
from desktop.core.figures.result import INSIDE, NOT_ASKED, OUTSIDE, EvaluationResult, figures
from desktop.core.figures.result_files import class_json, figures_json, point_json, write_csv
from desktop.core.figures.table import CLASS_METRICS, METRICS, POINT_METRICS
from tests.core.figures.makers import made_up, two_classes

SKIPPED = (BrokenEntry("Normal/broken.png", "Normal", "truncated", "The file ends early."),)


def table(result: EvaluationResult, **how: Any) -> list[list[str]]:
    stream = io.StringIO(newline="")
    write_csv(result, stream, **how)
    return list(csv.reader(io.StringIO(stream.getvalue(), newline="")))


def test_every_figure_stands_once_as_a_number_and_once_with_its_interval() -> None:
    result = made_up(*two_classes(), threshold=0.5, skipped=SKIPPED)
    measured = figures(result)
    value = figures_json(result, measured)
    plain = [row for row in METRICS if row.group != "decision"]
    for row in plain:
        estimate = row.get(measured)
        assert value[row.key] == (estimate.value if estimate is not None else None), row.key
        assert value["intervals"].get(row.key) == estimate_json(estimate), row.key
    assert value["intervals"].keys() == {row.key for row in plain if row.get(measured) is not None}
    assert "sensitivity" not in value and value["top5"] is None and value["refused"] is None
    assert (value["n"], value["skipped"], value["complete"]) == (80, 1, True)
    assert value["confusion"] == measured.matrix.tolist() and value["labels"] == ["Normal", "Pneumonia"]
    assert (value["positive"], value["threshold"]) == ("Pneumonia", 0.5)
    assert value["operating_point"] == point_json(measured.point)
    assert [entry["label"] for entry in value["per_class"]] == ["Normal", "Pneumonia"]
    assert value["per_class"][0] == class_json(measured.classes[0])  # two classes have one area, at the top
    means = measured.means
    assert value["class_means_over"] == {
        "precision": means.precision_classes, "recall": means.recall_classes, "f1": means.f1_classes,
    }  # fmt: skip
    assert value["risk_coverage_area"] == measured.risk.area
    assert [(b["low"], b["high"], b["n"], b["confidence"], b["accuracy"]) for b in value["reliability"]] == [
        (b.low, b.high, b.n, b.confidence, b.accuracy.value) for b in measured.reliability
    ]
    steps = value["accuracy_by_share_answered"]
    assert [(step["share"], step["score_from"], step["accuracy"], step["interval"]) for step in steps] == [
        (step.coverage, step.threshold, step.accuracy.value, estimate_json(step.accuracy))
        for step in measured.risk_steps
    ]
    assert value["skipped_items"] == [
        {"name": "Normal/broken.png", "class": "Normal", "kind": "truncated", "message": "The file ends early."}
    ]
    assert (value["notice"], value["medical"]) == ("", False)
    assert (value["intervals_by_person"], value["persons"], value["groups"]) == (False, None, result.data.groups)
    assert (value["model"], value["model_version"], value["model_sha256"]) == ("tester", 1, "ab" * 32)
    assert value["names"] == public_naming(result).words() and value["created"] == result.created


def test_of_three_classes_there_is_an_area_for_each_and_no_operating_point() -> None:
    rng = np.random.default_rng(0)
    result = made_up(rng.integers(0, 3, 60), rng.dirichlet(np.ones(3), 60), ("a", "b", "c"), groups=np.arange(60) // 2)
    measured = figures(result)
    value = figures_json(result, measured)
    assert value["operating_point"] is None and value["positive"] is None and value["auc"] is None
    for entry, of_class, auc in zip(value["per_class"], measured.classes, measured.class_auc, strict=True):
        assert entry == class_json(of_class, auc) and entry["auc"] == auc.value
    assert value["intervals_by_person"] and value["persons"] == 30


def test_a_medical_models_notice_comes_first_and_its_names_are_numbers() -> None:
    result = made_up(*two_classes(4), medical=True, skipped=SKIPPED, title="Ward 3")
    value = figures_json(result, figures(result))
    assert next(iter(value)) == "notice" and "medical" in value["notice"] and value["data"] == "data"
    assert value["skipped_items"][0]["name"] == "picture 5"
    kept = figures_json(result, figures(result), public_naming(result, keep=True))
    assert kept["skipped_items"][0]["name"] == "Normal/broken.png" and kept["data"] == "Ward 3"


def test_a_class_is_counts_figures_and_intervals() -> None:
    found = figures(made_up(*two_classes())).classes[1]
    told = class_json(found)
    assert {key: told[key] for key in ("label", "support", "predicted", "tp", "fp", "fn", "tn")} == {
        "label": "Pneumonia", "support": found.support, "predicted": found.predicted,
        "tp": found.tp, "fp": found.fp, "fn": found.fn, "tn": found.tn,
    }  # fmt: skip
    for row in CLASS_METRICS:
        estimate = row.get(found)
        assert estimate is not None and told[row.key] == estimate.value
        assert told["intervals"][row.key] == estimate_json(estimate)
    assert told["sensitivity"] == told["recall"] and "auc" not in told
    assert told["intervals"].keys() == {*(row.key for row in CLASS_METRICS), "sensitivity"}


def test_an_operating_point_is_counts_figures_and_intervals() -> None:
    assert point_json(None) is None
    point = figures(made_up(*two_classes(), threshold=0.4)).point
    assert point is not None
    told = point_json(point)
    assert told is not None
    assert [told[key] for key in ("threshold", "tp", "fp", "tn", "fn", "prevalence")] == [
        0.4, point.tp, point.fp, point.tn, point.fn, point.prevalence,
    ]  # fmt: skip
    for row in POINT_METRICS:
        estimate = row.get(point)
        assert estimate is not None and told[row.key] == estimate.value
        assert told["intervals"][row.key] == estimate_json(estimate)


def test_the_table_row_by_row() -> None:
    scores = np.array([[0.9, 0.1], [0.8, 0.2]])
    result = made_up(np.array([0, 1]), scores, skipped=SKIPPED)
    result = replace(result, data=replace(result.data, mapping={"Normal": "healthy"}))
    assert table(result) == [
        ["name", "truth", "answer", "right", "score", "loss", "score Normal", "score Pneumonia", "problem"],
        ["Normal/0.png", "Normal", "Normal", "1", "0.900000", "0.105361", "0.900000", "0.100000", ""],
        ["Pneumonia/1.png", "Pneumonia", "Normal", "0", "0.800000", "1.609438", "0.800000", "0.200000", ""],
        ["Normal/broken.png", "healthy", "", "", "", "", "", "", "The file ends early."],
    ]
    unmapped = replace(result, data=replace(result.data, mapping={}))
    assert table(unmapped)[3][1] == "Normal"


def test_where_the_gate_was_asked_a_column_says_what_it_said() -> None:
    scores = np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7]])
    outside = np.array([INSIDE, OUTSIDE, NOT_ASKED], np.int8)
    rows = table(replace(made_up(np.array([0, 1, 1]), scores, skipped=SKIPPED), outside=outside))
    assert rows[0][-2:] == ["of its kind", "problem"] and [row[-2] for row in rows[1:]] == ["yes", "no", "", ""]
    assert len({len(row) for row in rows}) == 1


@pytest.mark.parametrize(("count", "every"), [(20, True), (21, False)])
def test_up_to_twenty_labels_have_a_column_each(count: int, every: bool) -> None:
    labels = tuple(f"c{i}" for i in range(count))
    scores = np.full((1, count), 0.01)
    scores[0, [3, 7]] = 0.3, 0.2
    head, row = table(made_up(np.array([7]), scores, labels))
    assert head[6:-1] == ([f"score {label}" for label in labels] if every else [f"top {i}" for i in range(1, 6)])
    if not every:  # equal scores in the order of the labels
        assert row[6:-1] == ["c3 0.300000", "c7 0.200000", "c0 0.010000", "c1 0.010000", "c2 0.010000"]


def test_names_are_written_as_the_naming_says() -> None:
    result = made_up(np.array([0]), np.array([[0.9, 0.1]]), medical=True)
    assert table(result)[1][0] == "picture 1"
    assert table(result, naming=public_naming(result, keep=True))[1][0] == "Normal/0.png"
