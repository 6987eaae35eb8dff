"""Intervals over persons against their formulas, written down here once more with loops."""

from __future__ import annotations

import math

import numpy as np
import pytest

from desktop.core.figures import clustered, metrics
from desktop.core.figures.clustered import Persons
from desktop.core.figures.intervals import Estimate, Z, newcombe_auc, percentile, wilson
from desktop.core.figures.thresholds import OperatingPoint


def held(of: list[int]) -> Persons:
    return Persons(np.array(of), max(of) + 1)


def test_the_share_of_one_person_alone_tells_as_much_as_one_image() -> None:
    found = held([0] * 5).proportion(np.array([1, 1, 1, 0, 0], bool), None, "")
    assert found.value == 0.6 and found.effective == 1 and (found.low, found.high) == wilson(0.6, 1)


def test_where_all_or_none_are_right_each_person_is_one_image() -> None:
    persons = held([0, 0, 0, 1, 1, 2])
    for right in (True, False):
        found = persons.proportion(np.full(6, right), None, "")
        assert found.effective == 3 and (found.low, found.high) == wilson(3 * right, 3)


@pytest.mark.parametrize(
    ("of", "right"),
    [
        ([0, 0, 0, 0, 1, 1, 1, 1], [1, 1, 1, 0, 0, 0, 0, 1]),
        ([0, 0, 1, 1, 2, 2, 3, 3], [1, 1, 0, 0, 1, 1, 1, 0]),
        ([0, 0, 1, 1, 2, 2, 3, 3], [1, 0, 1, 0, 0, 1, 1, 0]),  # persons alike: no narrower than without them
    ],
)
def test_the_design_effect_by_its_formula(of: list[int], right: list[int]) -> None:
    n, p, m = len(of), sum(right) / len(of), max(of) + 1
    rest = [sum(r - p for r, person in zip(right, of, strict=True) if person == one) for one in range(m)]
    variance = m / (m - 1) * sum(r * r for r in rest) / n**2
    effect = max(1.0, variance / (p * (1 - p) / n))
    found = held(of).proportion(np.array(right, bool), None, "")
    assert found.effective == pytest.approx(n / effect)
    assert (found.low, found.high) == pytest.approx(wilson(p * n / effect, n / effect))


def test_the_mean_over_persons_by_its_formula() -> None:
    values, of = np.array([0.1, 0.4, 0.2, 0.9, 0.3, 0.0]), [0, 0, 1, 1, 2, 2]
    plain = Estimate(float(values.mean()), 0.0, 1.0, 6, None, "normal")
    rest = [sum(v - values.mean() for v, p in zip(values, of, strict=True) if p == one) for one in range(3)]
    half = Z * math.sqrt(3 / 2 * sum(r * r for r in rest)) / 6
    found = held(of).mean(plain, values)
    assert found.low == pytest.approx(max(0.0, values.mean() - half)) and found.high == pytest.approx(
        values.mean() + half
    )
    two = held([0, 0, 0, 1, 1, 1]).mean(plain, values)
    assert two.method == "normal by person" and two.low is not None and two.low >= 0
    sure = held(of).mean(Estimate(5.0, 4.0, 6.0, 6), values + 5 - values.mean())
    assert sure.low == pytest.approx(5 - half)
    for without in (Estimate(None, reason="none"), Estimate(0.3, n=1, reason="one")):
        assert (
            held(of).mean(without, values) is without and held(of).bootstrap(without, lambda w: 1.0, 10, 1) is without
        )
    assert held([0] * 6).mean(plain, values) is plain


def obuchowski(positive: np.ndarray, scores: np.ndarray, of: list[int]) -> tuple[float, float]:
    """The area and its variance (Obuchowski 1997), pair by pair."""
    yes, no = np.flatnonzero(positive), np.flatnonzero(~positive)
    wins = {(i, j): 1.0 if scores[i] > scores[j] else 0.5 if scores[i] == scores[j] else 0.0 for i in yes for j in no}
    auc, m, n = sum(wins.values()) / len(wins), len(yes), len(no)
    v10 = {i: sum(wins[i, j] for j in no) / n for i in yes}
    v01 = {j: sum(wins[i, j] for i in yes) / m for j in no}
    people = sorted(set(of))
    a = {p: sum(v10[i] - auc for i in yes if of[i] == p) for p in people}
    b = {p: sum(v01[j] - auc for j in no if of[j] == p) for p in people}
    with_a, with_b = len({of[i] for i in yes}), len({of[j] for j in no})
    s10 = with_a / ((with_a - 1) * m) * sum(x * x for x in a.values())
    s01 = with_b / ((with_b - 1) * n) * sum(x * x for x in b.values())
    s11 = len(people) / (len(people) - 1) * sum(a[p] * b[p] for p in people)
    return auc, s10 / m + s01 / n + 2 * s11 / (m * n)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_area_over_persons_by_its_formula(seed: int) -> None:
    """Most persons have images of both classes, so that theirs go together."""
    rng = np.random.default_rng(seed)
    of = [int(x) for x in np.sort(rng.integers(0, 9, 40))]
    of = np.unique(of, return_inverse=True)[1].tolist()
    positive = rng.random(40) < 0.5
    scores = np.round(rng.normal(positive * 1.0 + np.array(of) % 3 * 0.5, 0.8), 1)
    auc, variance = obuchowski(positive, scores, of)
    half, centre = Z * math.sqrt(variance) / (auc * (1 - auc)), math.log(auc / (1 - auc))
    found = held(of).auc(positive, scores)
    assert found.value == pytest.approx(auc) and found.method == "delong by person"
    assert found.low == pytest.approx(1 / (1 + math.exp(half - centre)))
    assert found.high == pytest.approx(1 / (1 + math.exp(-half - centre)))


def test_an_area_without_variance_is_bounded_by_the_number_of_persons() -> None:
    positive = np.array([True, True, False, False, False])
    perfect = held([0, 0, 1, 2, 2]).auc(positive, np.array([0.9, 0.8, 0.3, 0.2, 0.1]))
    assert perfect.value == 1.0 and (perfect.low, perfect.high) == newcombe_auc(1.0, 1, 2)
    assert perfect.method == "newcombe by person"
    wrong = held([0, 1, 2, 3, 4]).auc(positive, np.array([0.1, 0.2, 0.3, 0.4, 0.5]))
    assert wrong.value == 0.0 and (wrong.low, wrong.high) == newcombe_auc(0.0, 2, 3)
    one = held([0, 0, 1, 2, 2]).auc(positive, np.array([0.9, 0.2, 0.3, 0.25, 0.1]))
    assert one.value == pytest.approx(4 / 6) and (one.low, one.high) == newcombe_auc(4 / 6, 1, 2)
    two = held([0, 1, 2, 3, 3]).auc(positive, np.array([0.9, 0.2, 0.3, 0.25, 0.1]))
    assert two.method == "delong by person"
    even = held([0, 1, 2, 3, 4]).auc(positive, np.full(5, 0.5))
    assert even.value == 0.5 and (even.low, even.high) == newcombe_auc(0.5, 2, 3)


def drawn() -> tuple[np.ndarray, np.ndarray, list[int]]:
    rng = np.random.default_rng(6)
    truth = rng.integers(0, 3, 120)
    predicted = np.where(rng.random(120) < 0.7, truth, rng.integers(0, 3, 120))
    return truth, predicted, (np.arange(120) // 3).tolist()


def test_figures_of_classes_are_those_without_persons_with_other_bounds() -> None:
    truth, predicted, of = drawn()
    matrix = metrics.confusion(truth, predicted, 4)
    plain = metrics.per_class(matrix, ("a", "b", "c", "d"))  # nothing is of the fourth
    persons = held(of)
    for before, after in zip(plain, persons.per_class(truth, predicted, plain), strict=True):
        for name in ("precision", "recall", "specificity", "fpr", "fnr", "f1"):
            one, other = getattr(before, name), getattr(after, name)
            assert one.value == pytest.approx(other.value) if one.value is not None else other.value is None, name
            if one.value is not None and name != "specificity":
                assert other.low <= one.value <= other.high and "by person" in other.method, name
    is_it, said = truth == 0, predicted == 0
    share = persons.proportion(is_it & said, is_it | said, "")
    f1 = persons.per_class(truth, predicted, plain)[0].f1
    assert share.low is not None and f1.low == pytest.approx(2 * share.low / (1 + share.low))


def test_means_over_classes_by_their_definition_in_every_resample() -> None:
    truth, predicted, of = drawn()
    persons, matrix = held(of), metrics.confusion(truth, predicted, 3)
    classes = metrics.per_class(matrix, ("a", "b", "c"))
    plain, balanced = metrics.means(matrix, classes, 5), metrics.balanced_accuracy(classes)
    rows = []
    for weights in persons.drawn(4 * 120, 5):
        counts = np.zeros((3, 3))
        np.add.at(counts, (truth, predicted), weights)
        right, there, said = np.diag(counts), counts.sum(axis=1), counts.sum(axis=0)
        precision, recall, f1 = right / said, right / there, 2 * right / (said + there)
        support = there / there.sum()
        rows.append([precision.mean(), recall.mean(), f1.mean(), precision @ support, f1 @ support])
    draws = np.array(rows)
    found, mean_recall = persons.means(truth, predicted, plain, balanced, 5)
    for estimate, before, column in (
        (found.macro_precision, plain.macro_precision, 0),
        (found.macro_recall, plain.macro_recall, 1),
        (mean_recall, balanced, 1),
        (found.macro_f1, plain.macro_f1, 2),
        (found.weighted_precision, plain.weighted_precision, 3),
        (found.weighted_f1, plain.weighted_f1, 4),
    ):
        assert before.value is not None
        wanted = percentile(before.value, draws[:, column], 120, before)
        assert (estimate.low, estimate.high) == pytest.approx((wanted.low, wanted.high)), column
        assert estimate.method == "bootstrap by person"
    nothing = Estimate(None, reason="no")
    assert persons.means(truth, predicted, plain, nothing, 5)[1] is nothing


def test_each_person_is_drawn_as_often_as_any_other() -> None:
    persons = held([0, 1, 2, 2])
    weights = np.array(list(persons.drawn(10, 1)))
    assert len(weights) == 1000 and (weights[:, 2] == weights[:, 3]).all()
    assert (weights[:, :3].sum(axis=1) == 3).all() and weights.mean(axis=0) == pytest.approx(np.ones(4), abs=0.1)


def test_an_area_of_one_class_alone_is_unknown() -> None:
    found = held([0, 0, 1]).auc(np.ones(3, bool), np.array([0.1, 0.2, 0.3]))
    assert found.value is None and found.reason
    lone = held([0, 1, 2, 2]).auc(np.array([True, True, False, False]), np.array([0.9, 0.8, 0.3, 0.2]))
    assert (lone.low, lone.high) == newcombe_auc(1.0, 2, 1)


@pytest.mark.parametrize("turned", [False, True])
def test_means_where_a_class_is_never_answered_or_never_there(turned: bool) -> None:
    """Of three classes one is never right: its share is nothing in every resample."""
    truth, predicted = np.array([0, 0, 1, 1, 2, 2] * 4), np.array([0, 1, 1, 1, 0, 1] * 4)
    truth, predicted = (predicted, truth) if turned else (truth, predicted)
    matrix = metrics.confusion(truth, predicted, 3)
    classes = metrics.per_class(matrix, ("a", "b", "c"))
    persons = held((np.arange(24) // 3).tolist())
    plain = metrics.means(matrix, classes, 2)
    found, _ = persons.means(truth, predicted, plain, metrics.balanced_accuracy(classes), 2)
    rows = []
    for weights in persons.drawn(4 * 24, 2):
        counts = np.zeros((3, 3))
        np.add.at(counts, (truth, predicted), weights)
        there, said = counts.sum(axis=1), counts.sum(axis=0)
        f1 = [2 * counts[c, c] / (there[c] + said[c]) for c in range(3) if there[c] + said[c]]
        rows.append(sum(f1) / len(f1))
    assert plain.macro_f1.value is not None
    wanted = percentile(plain.macro_f1.value, np.array(rows), 24, plain.macro_f1)
    assert (found.macro_f1.low, found.macro_f1.high) == pytest.approx((wanted.low, wanted.high))


@pytest.mark.parametrize("groups", [None, np.zeros(0, int), np.arange(4)])
def test_where_no_two_images_are_of_one_person_nothing_changes(groups: np.ndarray | None) -> None:
    assert Persons.among(groups) is None


def test_persons_are_numbered_whatever_their_groups_are_called() -> None:
    found = Persons.among(np.array([7, -3, 7, 12]))
    assert found is not None and (found.of.tolist(), found.count) == ([1, 0, 1, 2], 3)
    assert clustered.FEW == 20  # persons; as many pictures as a figure is of at least


def test_a_bootstrap_is_of_the_statistic_in_every_sample() -> None:
    persons, values = held([0, 0, 1, 2, 2, 3]), np.array([0.1, 0.9, 0.4, 0.3, 0.8, 0.2])

    def mean(weights: np.ndarray) -> float:
        return float(values @ weights / weights.sum())

    plain = Estimate(float(values.mean()), 0.0, 1.0, 6, None, "bootstrap")
    found = persons.bootstrap(plain, mean, 6, 3)
    draws = np.array([mean(weights) for weights in persons.drawn(6, 3)])
    wanted = percentile(float(values.mean()), draws, 6, plain)
    assert (found.value, found.low, found.high) == (plain.value, wanted.low, wanted.high)
    assert found.method == "bootstrap by person"


def test_an_operating_point_by_its_shares() -> None:
    truth, predicted, of = drawn()
    persons, positive, said = held(of), truth == 1, predicted == 1
    none = Estimate(None, reason="none")
    plain = OperatingPoint(0.5, 0, 0, 0, 0, none, none, none, none, none, 0.3)
    found = persons.point(plain, positive, said)
    assert found.threshold == 0.5
    for name, hits, among in (
        ("sensitivity", said, positive), ("specificity", ~said, ~positive), ("ppv", positive, said),
        ("npv", ~positive, ~said), ("accuracy", said == positive, np.ones(120, bool)),
    ):  # fmt: skip
        share = getattr(found, name)
        assert share == persons.proportion(hits, among, "none") and share.value is not None, name
    nothing = persons.point(plain, np.zeros(120, bool), said)
    assert nothing.sensitivity.value is None and nothing.sensitivity.reason == "none"
