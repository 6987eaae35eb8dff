"""Intervals where several images belong to one person: against doubled data, simulation and scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest

from desktop.core.figures import calibration, metrics
from desktop.core.figures.clustered import Persons
from desktop.core.figures.comparison import mcnemar
from desktop.core.figures.intervals import delong_auc, wilson
from desktop.core.figures.result import compare, figures, operating_point
from desktop.core.figures.thresholds import ThresholdTable, predictive_values
from tests.core.figures.makers import made_up, two_classes


def doubled(times: int, n: int = 60) -> tuple[np.ndarray, np.ndarray, Persons]:
    """``n`` images, each there ``times`` times as images of one person: they tell no more than ``n`` images."""
    truth, scores = two_classes(n)
    persons = Persons.among(np.repeat(np.arange(n), times))
    assert persons is not None and persons.count == n
    return np.repeat(truth == 1, times), np.repeat(scores[:, 1].astype(np.float64), times), persons


def test_images_of_different_persons_need_no_persons() -> None:
    assert Persons.among(None) is None
    assert Persons.among(np.empty(0, np.int32)) is None
    assert Persons.among(np.array([7, 3, 9])) is None
    held = Persons.among(np.array([7, 3, 7]))
    assert held is not None and held.count == 2 and held.of.tolist() == [1, 0, 1]


def test_doubling_every_image_adds_no_certainty() -> None:
    positive, score, persons = doubled(4)
    single, alone = positive[::4], score[::4]
    said = score >= 0.5
    share = persons.proportion(said, None, "")
    n = len(alone)
    assert share.value == np.mean(alone >= 0.5) and share.n == 4 * n and share.hits == said.sum()
    # The variance over persons has n − 1 below: the one difference from n independent images.
    low, high = wilson(int((alone >= 0.5).sum()) * (n - 1) / n, n - 1)
    assert share.low == pytest.approx(low) and share.high == pytest.approx(high)
    auc, plain = persons.auc(positive, score), delong_auc(single, alone)
    assert auc.value == pytest.approx(plain.value)
    assert (auc.low, auc.high) == pytest.approx((plain.low, plain.high))
    ece = calibration.ece(score, positive, 0)
    by_person = persons.bootstrap(ece, calibration.weighted_ece(score, positive), len(score), 0)
    once = calibration.ece(alone, single, 0)
    assert (by_person.value, by_person.low, by_person.high) == pytest.approx((once.value, once.low, once.high))
    losses = (score - positive) ** 2
    plain_mean = calibration.brier(positive.astype(int), np.stack([1 - score, score], 1).astype(np.float32))
    wide = persons.mean(plain_mean, losses)
    assert plain_mean.low is not None and wide.low is not None and wide.low < plain_mean.low


def test_where_nothing_is_wrong_each_person_counts_once() -> None:
    persons = Persons.among(np.repeat(np.arange(10), 5))
    assert persons is not None
    right = np.ones(50, bool)
    assert persons.proportion(right, None, "").low == pytest.approx(wilson(10, 10)[0])
    assert persons.proportion(right, np.zeros(50, bool), "none").reason == "none"
    positive = np.repeat([True, False], 25)
    perfect = persons.auc(positive, positive.astype(np.float64))
    assert perfect.value == 1 and perfect.high == 1 and perfect.method == "newcombe by person"
    assert perfect.low is not None and perfect.low < (delong_auc(positive, positive.astype(float)).low or 0)


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    rng = np.random.default_rng(3)
    held = {"persons": 0, "images": 0, "auc": 0}
    rounds, true_auc = 400, 0.760  # P(X > Y) for normal scores one standard deviation apart
    for _ in range(rounds):
        numbers = np.repeat(np.arange(40), 5)
        # Each person has a share of right answers of their own, 2/3 in the mean.
        chance = rng.beta(1, 0.5, 40)[numbers]
        right = rng.random(200) < chance
        persons = Persons.among(numbers)
        assert persons is not None
        by_person, (low, high) = persons.proportion(right, None, ""), wilson(int(right.sum()), 200)
        assert by_person.low is not None and by_person.high is not None
        held["persons"] += by_person.low <= 2 / 3 <= by_person.high
        held["images"] += low <= 2 / 3 <= high
        positive = np.repeat(rng.random(40) < 0.5, 5)
        score = positive + rng.normal(0, 0.8, 40)[numbers] + rng.normal(0, 0.6, 200)
        area = persons.auc(positive, score)
        assert area.low is not None and area.high is not None
        held["auc"] += area.low <= true_auc <= area.high
    assert 0.92 <= held["persons"] / rounds <= 0.98
    assert held["images"] / rounds < 0.85
    assert 0.91 <= held["auc"] / rounds <= 0.98


def test_all_figures_keep_their_values_and_rest_on_persons() -> None:
    truth, scores = two_classes(90)
    result = made_up(truth, scores, threshold=0.45)
    plain, grouped = figures(result), figures(made_up(truth, scores, threshold=0.45, groups=np.arange(90) // 3))
    assert grouped.persons == 30 and plain.persons is None
    pairs = [
        (plain.accuracy, grouped.accuracy), (plain.balanced_accuracy, grouped.balanced_accuracy),
        (plain.auc, grouped.auc), (plain.average_precision, grouped.average_precision), (plain.ece, grouped.ece),
        (plain.brier, grouped.brier), (plain.means.macro_f1, grouped.means.macro_f1),
        (plain.means.weighted_precision, grouped.means.weighted_precision),
        (plain.classes[0].f1, grouped.classes[0].f1), (plain.point.npv, grouped.point.npv),  # type: ignore[union-attr]
    ]  # fmt: skip
    for before, after in pairs:
        assert before is not None and after is not None and before.value == after.value
        assert "person" in after.method and "person" not in before.method
        assert after.low is not None and after.high is not None and after.low <= after.value <= after.high  # type: ignore[operator]
    assert grouped.point is not None
    table = ThresholdTable.of(truth == 1, scores[:, 1].astype(np.float64))
    live = operating_point(made_up(truth, scores, threshold=0.45, groups=np.arange(90) // 3), table, 0.45)
    assert live == grouped.point
    wide, narrow = predictive_values(live, 0.1)[0], predictive_values(table.at(0.45), 0.1)[0]
    assert wide.value == narrow.value and wide.high - wide.low >= narrow.high - narrow.low  # type: ignore[operator]


def test_average_precision_of_many_classes_and_few_persons_is_told() -> None:
    rng = np.random.default_rng(1)
    truth = rng.integers(0, 12, 120)
    scores = rng.random((120, 12)).astype(np.float32)
    scores /= scores.sum(axis=1, keepdims=True)
    labels = tuple(f"c{i}" for i in range(12))
    found = figures(made_up(truth, scores, labels, groups=np.arange(120) // 30))
    assert found.persons == 4 and found.top5 is not None and found.top5.method == "wilson by person"
    assert all(area.method.endswith("by person") for area in found.class_auc if area.value is not None)


def test_mcnemar_counts_a_person_once() -> None:
    rng = np.random.default_rng(2)
    a, b = rng.random(80) < 0.9, rng.random(80) < 0.6
    alone = mcnemar(a, b)
    persons = Persons.among(np.repeat(np.arange(80), 3))
    many = mcnemar(np.repeat(a, 3), np.repeat(b, 3), persons)
    assert many.by_person and many.difference.value == alone.difference.value
    assert many.p == pytest.approx(alone.p, abs=0.02) and "McNemar by person" in many.sentence("A", "B")
    assert mcnemar(np.repeat(a, 3), np.repeat(b, 3)).p < many.p / 10
    few = mcnemar(np.array([1, 1, 1, 0], bool), np.array([0, 0, 1, 0], bool), Persons.among(np.array([0, 0, 1, 1])))
    assert few.exact and few.p == 1.0  # one person alone differs
    truth, scores = two_classes(60)
    first, second = (made_up(truth, s, groups=np.arange(60) // 2) for s in (scores, scores[:, ::-1]))
    assert compare(first, second).test.by_person


def test_means_are_those_of_scikit_learn_on_the_same_sample() -> None:
    from sklearn import metrics as sk

    truth, scores = two_classes(50, 4)
    predicted = (scores[:, 1] > 0.5).astype(np.int32)
    persons = Persons.among(np.arange(50) // 2)
    assert persons is not None
    weights = next(persons.drawn(50, 0))
    p, r, f, _ = sk.precision_recall_fscore_support(truth, predicted, sample_weight=weights, zero_division=np.nan)
    hits = np.bincount(truth[truth == predicted], weights[truth == predicted], 2)[None]
    rows, columns = np.bincount(truth, weights, 2)[None], np.bincount(predicted, weights, 2)[None]
    for kind, expected in (("precision", p), ("recall", r), ("f1", f)):
        assert metrics.mean_statistic(hits, rows, columns, kind, False)[0] == pytest.approx(np.mean(expected))
    area = metrics.weighted_ap(truth == 1, scores[:, 1].astype(np.float64))(weights)
    assert area == pytest.approx(sk.average_precision_score(truth, scores[:, 1], sample_weight=weights))


def test_accuracy_by_share_answered_follows_the_curve() -> None:
    truth, scores = two_classes(200)
    result = made_up(truth, scores, threshold=0.45)
    confidence = result.confidence()
    curve, steps = calibration.risk_coverage(confidence, result.right, 10_000), figures(result).risk_steps
    assert [round(step.coverage, 2) for step in steps] == list(calibration.STEPS)
    for step in steps:
        at = int(np.flatnonzero(curve.coverage == step.coverage)[0])
        assert step.accuracy.value == pytest.approx(curve.accuracy[at]) and step.threshold == curve.threshold[at]
    tied = calibration.risk_steps(np.array([0.9, 0.5, 0.5, 0.5]), np.array([True, True, False, True]))
    assert [(step.coverage, step.accuracy.value) for step in tied] == [(1.0, 0.75), (0.25, 1.0)]
    assert calibration.risk_steps(np.empty(0), np.empty(0, bool)) == []
    grouped = figures(made_up(truth, scores, threshold=0.45, groups=np.arange(200) // 4))
    assert [step.accuracy.method for step in grouped.risk_steps] == ["wilson by person"] * len(steps)
    assert {b.accuracy.method for b in grouped.reliability if b.n} == {"wilson by person"}


def test_without_any_right_answer_there_are_figures() -> None:
    truth = np.array([0, 0, 1, 1])
    scores = np.array([[0.1, 0.9], [0.2, 0.8], [0.9, 0.1], [0.8, 0.2]])
    found = figures(made_up(truth, scores, groups=np.array([0, 0, 1, 1])))
    assert found.persons == 2 and found.accuracy.value == 0
    assert found.means.macro_f1.value == found.balanced_accuracy.value == 0
