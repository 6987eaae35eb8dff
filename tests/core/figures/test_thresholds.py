"""Thresholds and what they mean elsewhere, against the papers' formulas written out once more."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop.core.figures.intervals import Estimate, Z
from desktop.core.figures.thresholds import OperatingPoint, ThresholdTable, predictive_values


def point_of(tp: int, fn: int, fp: int, tn: int) -> OperatingPoint:
    positive = np.array([True] * (tp + fn) + [False] * (fp + tn), bool)
    scores = np.array([0.9] * tp + [0.1] * fn + [0.9] * fp + [0.1] * tn, float)
    return ThresholdTable.of(positive, scores).at(0.5)


def test_an_equal_score_is_called_positive() -> None:
    table = ThresholdTable.of(np.array([True, False]), np.array([0.5, 0.25]))
    assert (table.at(0.5).tp, table.at(np.nextafter(0.5, 1)).tp) == (1, 0)
    assert (table.at(0.25).fp, table.at(np.nextafter(0.25, 1)).fp) == (1, 0)


def test_youden_and_the_share_of_positives() -> None:
    point = point_of(8, 2, 3, 12)
    assert point.youden == pytest.approx(0.8 + 0.8 - 1) and point.prevalence == pytest.approx(0.4)
    for alone in (point_of(3, 1, 0, 0), point_of(0, 0, 1, 3)):
        assert alone.youden is None and alone.prevalence in (0.0, 1.0)
    nothing = ThresholdTable.of(np.empty(0, bool), np.empty(0)).at(0.5)
    assert nothing.prevalence is None and nothing.accuracy.reason == "no image was answered"
    assert nothing.ppv.reason == "nothing was called positive" and nothing.npv.reason == "nothing was called negative"
    assert nothing.sensitivity.reason == "no positive image" and nothing.specificity.reason == "no negative image"


def test_a_share_outside_0_to_1_is_no_target() -> None:
    table = ThresholdTable.of(np.array([True, False, True]), np.array([0.9, 0.5, 0.2]))
    assert table.for_sensitivity(0.0) == table.at(0.9) and table.for_sensitivity(1.0) == table.at(0.2)
    for target in (-0.01, 1.01):
        with pytest.raises(ValueError, match="expected 0 to 1"):
            table.for_sensitivity(target)
    # 0.9 of 10 is 9, though 0.9 * 10 - 1e-9 and 0.1 + 0.2 tell otherwise in binary.
    ten = ThresholdTable.of(np.ones(10, bool), np.linspace(1, 0.1, 10))
    assert [ten.for_sensitivity(t).tp for t in (0.1 + 0.2, 0.9, 0.9001)] == [3, 9, 10]  # type: ignore[union-attr]


def mercaldo(sens: float, spec: float, n1: float, n0: float, p: float) -> tuple[tuple[float, float], ...]:
    """PPV's and NPV's bounds as Mercaldo, Lau and Zhou (2007) give them, with adjusted counts."""
    k = Z * Z
    a, b = (sens * n1 + k / 2) / (n1 + k), (spec * n0 + k / 2) / (n0 + k)
    ppv = math.log(a * p / ((1 - b) * (1 - p)))
    npv = math.log(b * (1 - p) / ((1 - a) * p))
    of_ppv = math.sqrt((1 - a) / a / (n1 + k) + b / (1 - b) / (n0 + k))
    of_npv = math.sqrt(a / (1 - a) / (n1 + k) + (1 - b) / b / (n0 + k))
    return tuple(
        (1 / (1 + math.exp(-(middle - Z * half))), 1 / (1 + math.exp(-(middle + Z * half))))
        for middle, half in ((ppv, of_ppv), (npv, of_npv))
    )


@given(st.integers(0, 40), st.integers(0, 40), st.integers(0, 40), st.integers(0, 40), st.floats(0.001, 0.999))
def test_predictive_values_are_those_of_the_paper(tp: int, fn: int, fp: int, tn: int, prevalence: float) -> None:
    point = point_of(tp, fn, fp, tn)
    found = predictive_values(point, prevalence)
    if not (tp + fn and fp + tn):
        missing = "no positive image" if not tp + fn else "no negative image"
        assert [each.value for each in found] == [None, None] and all(each.reason == missing for each in found)
        return
    sens, spec = tp / (tp + fn), tn / (tn + fp)
    bounds = mercaldo(sens, spec, tp + fn, tn + fp, prevalence)
    shares = ((sens * prevalence, (1 - spec) * (1 - prevalence)), (spec * (1 - prevalence), (1 - sens) * prevalence))
    for each, (right, wrong), (low, high) in zip(found, shares, bounds, strict=True):
        if right + wrong == 0:
            assert each.value is None and each.reason == "nothing gets this answer" and each.n == tp + fn + fp + tn
            continue
        value = right / (right + wrong)
        assert each.value == pytest.approx(value) and each.n == tp + fn + fp + tn and each.method == "logit"
        assert each.low == pytest.approx(min(low, value)) and each.high == pytest.approx(max(high, value))


def test_predictive_values_of_several_images_a_person_rest_on_what_they_tell() -> None:
    plain = point_of(30, 10, 5, 55)
    fewer = OperatingPoint(
        0.5, 30, 5, 55, 10,
        Estimate(0.75, 0.5, 0.9, 40, 30, effective=20.0), Estimate(55 / 60, 0.7, 0.99, 60, 55, effective=15.0),
        plain.ppv, plain.npv, plain.accuracy, 0.4,
    )  # fmt: skip
    for each, (low, high) in zip(predictive_values(fewer, 0.2), mercaldo(0.75, 55 / 60, 20.0, 15.0, 0.2), strict=True):
        assert (each.low, each.high) == (pytest.approx(low), pytest.approx(high))


@pytest.mark.parametrize("prevalence", [0.0, 1.0, -0.1, 1.5])
def test_a_prevalence_is_between_0_and_1(prevalence: float) -> None:
    with pytest.raises(ValueError, match="more than 0 and less than 1"):
        predictive_values(point_of(3, 1, 1, 3), prevalence)
