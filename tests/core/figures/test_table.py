"""The table of figures row by row, and how a figure is written."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from desktop.core.figures import table
from desktop.core.figures.intervals import FEWEST, Estimate, proportion, unknown

ALL = {
    "accuracy": "accuracy", "balanced_accuracy": "balanced_accuracy", "top5": "top5",
    "sensitivity": "point.sensitivity", "specificity": "point.specificity", "ppv": "point.ppv", "npv": "point.npv",
    "auc": "auc", "average_precision": "average_precision",
    "macro_precision": "means.macro_precision", "macro_recall": "means.macro_recall", "macro_f1": "means.macro_f1",
    "weighted_precision": "means.weighted_precision", "weighted_recall": "means.weighted_recall",
    "weighted_f1": "means.weighted_f1", "ece": "ece", "brier": "brier", "refused": "refused",
}  # fmt: skip


TITLES = {
    "accuracy": "Accuracy", "balanced_accuracy": "Balanced accuracy",
    "top5": "Right among the first five (top-5 accuracy)", "sensitivity": "Sensitivity for '{label}'",
    "specificity": "Specificity for '{label}'", "ppv": "Positive predictive value, in this data",
    "npv": "Negative predictive value, in this data", "auc": "Area under the ROC curve (AUC)",
    "average_precision": "Average precision", "macro_precision": "Macro precision", "macro_recall": "Macro recall",
    "macro_f1": "Macro F1", "weighted_precision": "Weighted precision", "weighted_recall": "Weighted recall",
    "weighted_f1": "Weighted F1", "ece": "Calibration error (ECE)", "brier": "Brier score",
    "refused": "Refused as not its kind",
}  # fmt: skip


def holding(paths: list[str]) -> Any:
    """Something that holds an estimate under each of ``paths``, its ``n`` the place in the list."""
    held = SimpleNamespace(point=None, means=None)
    for place, path in enumerate(paths):
        *inside, last = path.split(".")
        at = held
        for name in inside:
            if getattr(at, name, None) is None:
                setattr(at, name, SimpleNamespace())
            at = getattr(at, name)
        setattr(at, last, Estimate(0.5, n=1000 + place))
    return held


def test_every_row_reads_its_own_figure() -> None:
    rows = table.rows_of(holding(list(ALL.values())))
    assert [row.key for row, _ in rows] == list(ALL)
    assert [estimate.n for _, estimate in rows] == [1000 + place for place in range(len(ALL))]
    assert [row.key for row, _ in table.rows_of(holding(["accuracy", "ece"]))] == ["accuracy", "ece"]


def test_titles_units_and_senses() -> None:
    rows = {row.key: row for row in table.METRICS}
    assert {key for key, row in rows.items() if row.unit == "number"} == {
        "auc", "average_precision", "macro_f1", "weighted_f1", "ece", "brier",
    }  # fmt: skip
    assert {key for key, row in rows.items() if row.unit == "count"} == {"refused"} and rows["refused"].percent
    assert {key for key, row in rows.items() if row.lower} == {"ece", "brier", "refused"}
    assert {row.card: key for key, row in rows.items() if row.card} == {
        "accuracy": "accuracy", "sensitivity": "sensitivity", "specificity": "specificity", "area under ROC": "auc",
        "calibration error": "ece", "refused as not its kind": "refused",
    }  # fmt: skip
    assert {row.group for row in rows.values()} == {"answers", "decision", "ranking", "means", "calibration", "kind"}
    assert rows["ppv"].group == "decision" and rows["top5"].group == "answers" and rows["auc"].group == "ranking"
    assert rows["sensitivity"].titled("sick") == "Sensitivity for 'sick'"
    assert rows["specificity"].titled() == "Specificity" and rows["ppv"].brief == "PPV in this data"
    assert rows["npv"].named == "Negative predictive value, in this data"
    assert rows["auc"].titled() == "Area under the ROC curve (AUC)" and rows["brier"].brief == "Brier score"
    assert table.CONTEXT == "Metrics" and not any(row.wide for row in rows.values())
    assert {key: row.title for key, row in rows.items()} == TITLES
    assert [row.title for row in table.POINT_METRICS] == [
        *(TITLES[key] for key in ("sensitivity", "specificity", "ppv", "npv")), "Accuracy in this data",
    ]  # fmt: skip
    assert [row.title for row in table.CLASS_METRICS] == ["Precision", "Recall", "Specificity", "F1", "FPR", "FNR"]
    assert {key: row.short for key, row in rows.items() if row.short} == {
        "top5": "Top-5 accuracy", "sensitivity": "Sensitivity", "specificity": "Specificity", "ppv": "PPV in this data",
        "npv": "NPV in this data", "auc": "AUC", "ece": "ECE",
    }  # fmt: skip
    assert {key: row.group for key, row in rows.items() if row.group != "answers"} == {
        **dict.fromkeys(("sensitivity", "specificity", "ppv", "npv"), "decision"),
        **dict.fromkeys(("auc", "average_precision"), "ranking"),
        **{key: "means" for key in rows if key.startswith(("macro_", "weighted_"))},
        **dict.fromkeys(("ece", "brier"), "calibration"), "refused": "kind",
    }  # fmt: skip
    of_class = {row.key: row for row in table.CLASS_METRICS}
    assert list(of_class) == ["precision", "recall", "specificity", "f1", "fpr", "fnr"]
    assert [key for key, row in of_class.items() if row.lower] == ["fpr", "fnr"]
    assert [key for key, row in of_class.items() if row.wide] == ["fpr", "fnr"]
    assert [key for key, row in of_class.items() if not row.percent] == ["f1"]
    assert [row.key for row in table.POINT_METRICS] == ["sensitivity", "specificity", "ppv", "npv", "accuracy"]
    assert all(row.percent and not row.lower and row.group == "decision" for row in table.POINT_METRICS)


def test_the_figures_that_matter_most() -> None:
    everything = list(ALL.values())
    keys = [row.key for row, _ in table.leading(holding(everything))]
    assert keys == ["sensitivity", "specificity", "auc"]
    many = [path for path in everything if not path.startswith("point.")]
    assert [row.key for row, _ in table.leading(holding(many))] == ["accuracy", "balanced_accuracy", "top5"]
    few = [path for path in many if path != "top5"]
    assert [row.key for row, _ in table.leading(holding(few))] == ["accuracy", "balanced_accuracy", "macro_f1"]


def test_a_cards_figure_is_found_whatever_its_capitals() -> None:
    found = table.of_card("Accuracy")
    assert found is not None and found.key == "accuracy"
    assert table.of_card("") is None and table.of_card("speed") is None


@pytest.mark.parametrize(
    ("key", "estimate", "digits", "value", "bounds"),
    [
        ("accuracy", Estimate(0.98765, 0.9, 0.99999, 1234), None, "98.77 %", "90.00 to 100.00 %, n = 1,234"),
        ("accuracy", Estimate(0.98765, 0.9, 0.99999, 1234), 0, "99 %", "90 to 100 %, n = 1,234"),
        ("accuracy", Estimate(0.98765, 0.9, 0.99999, 1234), 1, "98.8 %", "90.0 to 100.0 %, n = 1,234"),
        ("auc", Estimate(0.98765, 0.9, 0.99999, 1234), None, "0.9877", "0.9000 to 1.0000, n = 1,234"),
        ("auc", Estimate(0.5, 0.25, 0.75, 40), 2, "0.50", "0.25 to 0.75, n = 40"),
        ("ece", Estimate(0.01, n=500, reason="no interval"), None, "0.0100", "no interval"),
        ("ece", Estimate(0.01, low=0.0, n=500), None, "0.0100", ""),
        ("ece", Estimate(0.01, high=0.5, n=500), None, "0.0100", ""),
        ("refused", Estimate(0.25, 0.1, 0.5, 2000, 500), None, "500 of 2,000 (25.00 %)", "10.00 to 50.00 %, n = 2,000"),
        ("refused", Estimate(0.25, 0.1, 0.5, 2000), None, "25.00 %", "10.00 to 50.00 %, n = 2,000"),
        ("refused", Estimate(0.0, 0.0, 0.5, 2000, 0), None, "0 of 2,000 (0.00 %)", "0.00 to 50.00 %, n = 2,000"),
        ("accuracy", Estimate(0.5, 0.1, 0.9, 2000, 1000), None, "50.00 %", "10.00 to 90.00 %, n = 2,000"),
        ("accuracy", unknown("no class is known", 3), None, "–", "no class is known"),
    ],
)
def test_a_figure_in_words(key: str, estimate: Estimate, digits: int | None, value: str, bounds: str) -> None:
    row = table.by_key(table.METRICS, key)
    assert table.written(row, estimate, digits) == (value, bounds)
    if estimate.value is None:
        assert table.in_one(row, estimate) == f"not known: {bounds}"
    else:
        assert table.in_one(row, estimate, digits) == (f"{value} ({bounds})" if bounds else value)


def test_of_too_few_pictures_no_figure_is_written() -> None:
    row = table.by_key(table.METRICS, "accuracy")
    few, enough = proportion(2, FEWEST - 1, ""), proportion(2, FEWEST, "")
    assert table.written(row, few) == ("–", f"2 of {FEWEST - 1}: too few for a figure")
    assert table.in_one(row, few) == f"not known: 2 of {FEWEST - 1}: too few for a figure"
    assert table.written(row, enough)[0] == f"{200 / FEWEST:.2f} %"
    assert table.in_one(row, None) == "–"


def test_an_accuracy_and_a_cards_figure_with_their_titles() -> None:
    assert table.accuracy_words(0.9, 1000) == "90.00 % (87.98 to 91.71 %, n = 1,000)"
    assert table.accuracy_words(0.9, 0, 1) == "90.0 % (of how many is not known)"
    assert table.card_words("accuracy", Estimate(0.5, 0.4, 0.6, 100)) == "Accuracy 50.00 % (40.00 to 60.00 %, n = 100)"
    assert table.card_words("mean_error", Estimate(0.5, n=100)) == "Mean error 0.5000"
    assert table.card_words("sensitivity", Estimate(1.0, n=100)) == "Sensitivity 100.00 %"


def test_a_row_may_bring_its_own_computation(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []

    def compute(*given: Any) -> Estimate:
        seen.append(given)
        return Estimate(0.25, n=7)

    row = table._row("own", "Own", compute=compute)
    monkeypatch.setattr(table, "METRICS", (*table.METRICS, row))
    truth, answers, scores = np.zeros(3, np.int32), np.ones(3, np.int32), np.zeros((3, 2), np.float32)
    assert table.computed(truth, answers, scores, None, 5) == {"own": Estimate(0.25, n=7)}
    assert [part is given for part, given in zip(seen[0], (truth, answers, scores), strict=False)] == [True] * 3
    assert seen[0][3:] == (None, 5)
    held = holding(["accuracy"])
    held.more = {"own": Estimate(0.25, n=7)}
    assert table.rows_of(held)[-1] == (row, Estimate(0.25, n=7))
    held.more = {}
    assert [row.key for row, _ in table.rows_of(held)] == ["accuracy"]
