"""Figures: equal to scikit-learn's, right by hand on small cases, silent where the data cannot tell."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from desktop.core.figures import calibration, metrics, thresholds
from desktop.core.figures.comparison import mcnemar, works_here
from desktop.core.figures.intervals import Estimate, delong_auc, f1_estimate, mean_of, percentile, proportion, wilson
from desktop.core.figures.thresholds import Aim, ThresholdTable, gain_of, predictive_values

CLOSE = 1e-9


def same(found: float | None, expected: float) -> None:
    if math.isnan(expected):
        assert found is None
    else:
        assert found is not None and abs(found - expected) < CLOSE


def holds(estimate: Estimate) -> None:
    assert estimate.value is not None and estimate.low is not None and estimate.high is not None
    assert 0 <= estimate.low <= estimate.value + 1e-12 <= estimate.high + 2e-12


@st.composite
def answers(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, int]:
    """Truth and answers over up to five classes, of which some may be empty or never answered."""
    classes = draw(st.integers(2, 5))
    pairs = draw(st.lists(st.tuples(st.integers(0, classes - 1), st.integers(0, classes - 1)), min_size=1, max_size=40))
    return np.array([t for t, _ in pairs]), np.array([p for _, p in pairs]), classes


@settings(deadline=None, max_examples=60)
@given(answers())
def test_per_class_and_means_are_scikit_learns(case: tuple[np.ndarray, np.ndarray, int]) -> None:
    truth, predicted, classes = case
    labels = np.arange(classes)
    matrix = metrics.confusion(truth, predicted, classes)
    figures = metrics.per_class(matrix, tuple(str(i) for i in labels))
    means = metrics.means(matrix, figures, seed=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        arguments = {"labels": labels, "zero_division": np.nan}
        p, r, f, s = sk.precision_recall_fscore_support(truth, predicted, **arguments)
        for index, c in enumerate(figures):
            same(c.precision.value, p[index])
            same(c.recall.value, r[index])
            same(c.f1.value, f[index])
            assert c.support == s[index] and c.tp + c.fn == c.support
        macro = sk.precision_recall_fscore_support(truth, predicted, average="macro", **arguments)
        for found, expected in zip((means.macro_precision, means.macro_recall, means.macro_f1), macro, strict=False):
            same(found.value, expected)
            holds(found)
        weighted = sk.precision_recall_fscore_support(truth, predicted, average="weighted", **arguments)
        for found, expected in zip(
            (means.weighted_precision, means.weighted_recall, means.weighted_f1), weighted, strict=False
        ):
            if found.value is None:
                # Only classes without an image have the figure; scikit-learn then averages them as if they had.
                assert not any(c.support and c.precision.value is not None for c in figures)
            else:
                same(found.value, expected)
        same(metrics.balanced_accuracy(figures).value, sk.balanced_accuracy_score(truth, predicted))
        same(metrics.accuracy(matrix).value, sk.accuracy_score(truth, predicted))


def test_by_hand_with_an_empty_class_and_one_never_answered() -> None:
    # cat: 3 of 4 right; dog: never answered; eel: no image, answered once.
    truth, predicted = np.array([0, 0, 0, 0, 1, 1]), np.array([0, 0, 0, 2, 0, 0])
    cat, dog, eel = metrics.per_class(metrics.confusion(truth, predicted, 3), ("cat", "dog", "eel"))
    assert (cat.tp, cat.fp, cat.fn, cat.tn) == (3, 2, 1, 0)
    assert cat.recall.value == 0.75 and cat.precision.value == 0.6 and cat.specificity.value == 0.0
    assert cat.fpr.value == 1.0 and cat.fnr.value == 0.25
    assert dog.precision.value is None and dog.precision.reason == "never answered"
    assert dog.recall.value == 0.0 and dog.f1.value == 0.0
    assert eel.recall.value is None and eel.recall.reason == "no image of this class"
    assert eel.precision.value == 0.0 and eel.support == 0


def test_no_image_at_all_gives_no_figure() -> None:
    none = np.empty(0, np.int32)
    matrix = metrics.confusion(none, none, 2)
    assert matrix.sum() == 0 and metrics.accuracy(matrix).value is None
    assert metrics.means(matrix, metrics.per_class(matrix, ("a", "b")), 0).macro_f1.value is None
    assert calibration.ece(np.empty(0), np.empty(0, bool), 0).value is None


def test_shares_by_row_and_column_leave_empty_ones_open() -> None:
    matrix = np.array([[3, 1], [0, 0]])
    np.testing.assert_allclose(metrics.shares(matrix, "truth")[0], [0.75, 0.25])
    assert np.isnan(metrics.shares(matrix, "truth")[1]).all()
    np.testing.assert_allclose(metrics.shares(matrix, "answer")[:, 1], [1.0, 0.0])


@pytest.mark.parametrize("digits", [1, 2, 7])
def test_auc_ap_brier_and_top5_are_scikit_learns_with_ties(digits: int) -> None:
    rng = np.random.default_rng(digits)
    positive = rng.random(400) < 0.3
    scores = np.clip(rng.normal(0.4 + 0.2 * positive, 0.2), 0, 1).round(digits)
    curves = metrics.curves(positive, scores, seed=0)
    assert curves is not None
    same(curves.auc.value, sk.roc_auc_score(positive, scores))
    same(curves.average_precision.value, sk.average_precision_score(positive, scores))
    holds(curves.auc)
    holds(curves.average_precision)
    two = np.stack([1 - scores, scores], axis=1)
    same(calibration.brier(positive.astype(int), two).value, sk.brier_score_loss(positive, scores))
    many = rng.dirichlet(np.ones(12), 300).round(digits + 1)
    truth = rng.integers(0, 12, 300)
    same(metrics.top_accuracy(truth, many).value, sk.top_k_accuracy_score(truth, many, k=5, labels=np.arange(12)))
    exact = rng.dirichlet(np.ones(12), 300)
    same(calibration.brier(truth, exact).value, sk.brier_score_loss(truth, exact, labels=np.arange(12)))


def test_bootstrap_of_average_precision_agrees_with_resampling_by_scikit_learn() -> None:
    rng = np.random.default_rng(5)
    positive = rng.random(60) < 0.4
    scores = rng.random(60).round(1)
    found = metrics._resampled_ap(positive, scores, seed=9)[:20]
    generator = np.random.default_rng(9)
    for value in found:
        counts = np.bincount(generator.integers(0, 60, 60), minlength=60)
        expected = sk.average_precision_score(positive, scores, sample_weight=counts)
        assert abs(value - expected) < CLOSE


def test_delong_variance_is_the_one_of_the_definition() -> None:
    rng = np.random.default_rng(2)
    high, low = rng.normal(1, 1, 30).round(1), rng.normal(0, 1, 40).round(1)
    wins = (high[:, None] > low[None, :]) + 0.5 * (high[:, None] == low[None, :])
    variance = wins.mean(axis=1).var(ddof=1) / 30 + wins.mean(axis=0).var(ddof=1) / 40
    auc = wins.mean()
    half = 1.959963984540054 * math.sqrt(variance) / (auc * (1 - auc))
    centre = math.log(auc / (1 - auc))
    found = delong_auc(np.array([True] * 30 + [False] * 40), np.concatenate([high, low]))
    same(found.value, auc)
    same(found.low, 1 / (1 + math.exp(half - centre)))
    same(found.high, 1 / (1 + math.exp(-half - centre)))


def test_auc_of_one_class_is_unknown_and_of_perfect_order_has_an_honest_interval() -> None:
    alone = delong_auc(np.ones(5, bool), np.linspace(0, 1, 5))
    assert alone.value is None and "only positive" in alone.reason
    assert metrics.curves(np.ones(5, bool), np.linspace(0, 1, 5), 0) is None
    perfect = delong_auc(np.array([False] * 5 + [True] * 5), np.arange(10.0))
    assert perfect.value == 1.0 and perfect.high == 1.0 and perfect.low is not None and 0.5 < perfect.low < 0.9
    flat = delong_auc(np.array([False, True, True]), np.full(3, 0.5))
    assert flat.value == 0.5 and flat.low is not None and flat.low < 0.5


def test_wilson_by_hand() -> None:
    low, high = wilson(8, 10)
    assert low == pytest.approx(0.4901625, abs=1e-6) and high == pytest.approx(0.9433178, abs=1e-6)
    assert wilson(0, 10)[0] == 0.0 and wilson(10, 10)[1] == 1.0 and wilson(10, 10)[0] < 0.8
    assert proportion(0, 0, "nothing there") == Estimate(None, reason="nothing there")


@given(st.integers(0, 50), st.integers(0, 50), st.integers(0, 50))
def test_f1_interval_holds_its_value(tp: int, fp: int, fn: int) -> None:
    estimate = f1_estimate(tp, fp, fn)
    if tp + fp + fn:
        holds(estimate)
    else:
        assert estimate.value is None


def test_mean_of_perfect_recalls_still_has_an_interval() -> None:
    estimate = mean_of([proportion(10, 10, ""), proportion(12, 12, ""), Estimate(None, reason="none")])
    assert estimate.value == 1.0 and estimate.low is not None and 0.75 < estimate.low < 1.0


def test_macro_f1_interval_of_all_right_is_no_point() -> None:
    truth = np.array([0, 1, 2] * 10)
    matrix = metrics.confusion(truth, truth, 3)
    means = metrics.means(matrix, metrics.per_class(matrix, ("a", "b", "c")), 0)
    assert means.macro_f1.value == 1.0 and means.macro_f1.low is not None and means.macro_f1.low < 0.99


def test_bootstrap_is_repeatable() -> None:
    matrix = np.array([[30, 5], [8, 20]])
    classes = metrics.per_class(matrix, ("a", "b"))
    assert metrics.means(matrix, classes, 4) == metrics.means(matrix, classes, 4)


# Thresholds


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(st.booleans(), st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.75, 1.0])), min_size=1, max_size=30),
    st.sampled_from([0.0, 0.1, 0.2, 0.5, 0.75, 0.9, 1.0]),
)
def test_a_threshold_is_at_least(pairs: list[tuple[bool, float]], threshold: float) -> None:
    positive = np.array([p for p, _ in pairs])
    scores = np.array([s for _, s in pairs])
    table = ThresholdTable.of(positive, scores)
    point = table.at(threshold)
    called = scores >= threshold
    assert (point.tp, point.fp) == (int((called & positive).sum()), int((called & ~positive).sum()))
    assert (point.fn, point.tn) == (int((~called & positive).sum()), int((~called & ~positive).sum()))
    for target in (0.5, 0.9, 1.0):
        chosen = table.for_sensitivity(target)
        if positive.any():
            assert chosen is not None and chosen.sensitivity.value is not None and chosen.sensitivity.value >= target
        chosen = table.for_specificity(target)
        if chosen is not None:
            assert chosen.specificity.value is not None and chosen.specificity.value >= target
    best = table.youden()
    if best is not None:
        assert best.youden is not None
        every = [table.at(float(t)).youden for t in table.thresholds]
        assert best.youden == pytest.approx(max(j for j in every if j is not None))


def test_presets_by_hand() -> None:
    positive = np.array([1, 1, 1, 0, 1, 0, 0, 0], bool)
    scores = np.array([0.9, 0.8, 0.7, 0.65, 0.6, 0.3, 0.2, 0.1])
    table = ThresholdTable.of(positive, scores)
    assert table.youden() == table.at(0.7)  # 3/4 + 4/4 - 1, as much as 4/4 + 3/4 - 1 at 0.6: the higher one
    assert table.for_sensitivity(0.9) == table.at(0.6)
    assert table.for_specificity(0.75) == table.at(0.6)
    assert table.for_specificity(1.0) == table.at(0.7)
    assert ThresholdTable.of(np.ones(3, bool), scores[:3]).youden() is None


def test_predictive_values_follow_bayes_and_hold_their_figures() -> None:
    scores = np.array([1.0] * 90 + [0.0] * 10 + [1.0] * 20 + [0.0] * 80)
    point = ThresholdTable.of(np.arange(200) < 100, scores).at(0.5)
    ppv, npv = predictive_values(point, 0.1)
    same(ppv.value, 0.9 * 0.1 / (0.9 * 0.1 + 0.2 * 0.9))
    same(npv.value, 0.8 * 0.9 / (0.8 * 0.9 + 0.1 * 0.1))
    holds(ppv)
    holds(npv)
    never = ThresholdTable.of(np.arange(200) < 100, scores).at(1.1)
    assert predictive_values(never, 0.1)[0].value is None
    perfect = ThresholdTable.of(np.arange(20) < 10, np.repeat([1.0, 0.0], 10)).at(0.5)
    sure, _ = predictive_values(perfect, 0.01)
    assert sure.value == 1.0 and sure.high == 1.0 and sure.low is not None and sure.low < 0.5
    with pytest.raises(ValueError, match="prevalence"):
        predictive_values(point, 0.0)


# Calibration


def test_ece_and_reliability_by_hand() -> None:
    confidence = np.array([0.95, 0.95, 0.55, 0.55, 1.0, 0.0])
    right = np.array([True, False, True, True, True, False])
    bins = calibration.reliability(confidence, right, bins=10)
    assert [b.n for b in bins] == [1, 0, 0, 0, 0, 2, 0, 0, 0, 3]
    assert bins[9].accuracy.value == pytest.approx(2 / 3) and bins[1].confidence is None
    gaps = [1 * 0.0, 2 * abs(1 - 0.55), 3 * abs(2 / 3 - 2.9 / 3)]
    found = calibration.ece(confidence, right, 0, bins=10)
    same(found.value, sum(gaps) / 6)
    holds(found)


def test_resamples_that_are_alike_give_the_calibration_error_no_interval() -> None:
    right = np.ones(4, bool)
    for sure in (np.ones(4), np.array([0.99999, 1.0, 0.99998, 1.0]), np.full(4, 0.7)):
        found = calibration.ece(sure, right, 0)
        same(found.value, abs(1 - float(sure.mean())))
        assert (found.low, found.high, found.n, found.method) == (None, None, 4, "") and found.reason
    holds(calibration.ece(np.ones(4), np.array([True, True, True, False]), 0))
    assert percentile(0.5, np.full(200, 0.5), 4).low is None
    assert percentile(0.5, np.full(200, 0.5), 4, proportion(2, 4, "")).method == "wilson"


def test_risk_coverage_answers_equal_scores_together() -> None:
    curve = calibration.risk_coverage(np.array([0.9, 0.9, 0.8, 0.5]), np.array([True, False, True, False]))
    np.testing.assert_allclose(curve.coverage, [0.5, 0.75, 1.0])
    np.testing.assert_allclose(curve.accuracy, [0.5, 2 / 3, 0.5])
    assert curve.area == pytest.approx((2 * 0.5 + 1 / 3 + 0.5) / 4)


# Comparing


def test_mcnemar_is_exact_for_few_and_chi_square_for_many() -> None:
    from scipy.stats import binomtest, chi2

    few = mcnemar(np.array([True] * 8 + [False] * 2 + [True] * 5), np.array([False] * 8 + [True] * 2 + [True] * 5))
    assert (few.only_a, few.only_b, few.both, few.neither, few.exact) == (8, 2, 5, 0, True)
    same(few.p, binomtest(8, 10).pvalue)
    many = mcnemar(np.array([True] * 40 + [False] * 20), np.array([False] * 40 + [True] * 20))
    assert not many.exact
    same(many.p, float(chi2.sf(19**2 / 60, 1)))
    alike = mcnemar(np.ones(5, bool), np.ones(5, bool))
    assert alike.p == 1.0 and "same images" in alike.sentence("A", "B")
    assert alike.difference.value == 0.0 and alike.difference.low is not None and alike.difference.low < 0


def test_does_it_work_here_in_one_sentence() -> None:
    fine = works_here(proportion(56, 60, ""), 0.93, 624)
    assert fine.verdict == "compatible" and "56 of 60" in fine.sentence and "cannot rule out" in fine.sentence
    assert works_here(proportion(30, 60, ""), 0.93, 624).verdict == "worse"
    assert works_here(proportion(100, 100, ""), 0.7, 624).verdict == "better"
    few = works_here(proportion(49, 49, ""), 0.93, 624)
    assert few.verdict == "too-few" and "50 or more" in few.sentence
    assert works_here(proportion(0, 0, "no image was answered"), 0.9, 10).verdict == "no-figure"
    assert works_here(proportion(50, 60, ""), None, 0).verdict == "no-figure"
    handful = works_here(proportion(50, 60, ""), 0.5, 6)  # which the card itself does not call 50 %
    assert handful.verdict == "too-few" and "3 of 6 images" in handful.sentence and "50.0" not in handful.sentence


def _middle(scores: np.ndarray, positive: np.ndarray) -> float:
    """A threshold between the means of both classes."""
    return float((scores[positive].mean() + scores[~positive].mean()) / 2)


@pytest.mark.parametrize("aim", ["balanced accuracy", "sensitivity", "specificity"])
def test_a_threshold_that_chance_alone_made_is_not_relied_on(aim: Aim) -> None:
    """Scores of a model whose best threshold is .5: a choice on a few pictures must rarely seem to gain."""
    rng = np.random.default_rng(7)
    taken = 0
    for _ in range(200):
        positive = np.arange(60) % 2 == 0
        scores = 1 / (1 + np.exp(-(rng.normal(0, 1, 60) + np.where(positive, 0.7, -0.7))))
        taken += gain_of(positive, scores, _middle, aim=aim).beyond_chance
    assert taken <= 8, f"{taken} of 200"


def test_a_threshold_that_truly_helps_is_found_where_there_is_enough_evidence() -> None:
    rng = np.random.default_rng(8)
    positive = np.arange(400) % 2 == 0
    scores = 1 / (1 + np.exp(-(rng.normal(0, 1, 400) + np.where(positive, 0, -3))))  # .5 finds only half of the ill
    gain = gain_of(positive, scores, _middle)
    assert gain.beyond_chance and gain.estimate.value is not None and 0.1 < gain.estimate.value < 0.35
    assert not gain_of(positive[:30], scores[:30], _middle).beyond_chance  # 15 of each class
    same = np.arange(400) // 40  # ten persons in all
    assert not gain_of(positive, scores, _middle, same).beyond_chance


def test_pictures_of_one_person_stay_in_one_part() -> None:
    rng = np.random.default_rng(9)
    owners = rng.integers(0, 30, 200)
    parts = thresholds._folds(rng.random(200) < 0.5, owners)
    for owner in np.unique(owners):
        assert len(np.unique(parts[owners == owner])) == 1
