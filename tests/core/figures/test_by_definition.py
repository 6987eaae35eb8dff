"""Figures and intervals against their definitions, written out once more in another way."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm, rankdata

from desktop.core.figures import calibration, intervals, metrics
from desktop.core.figures.comparison import FEW, mcnemar, other_decision, works_here
from desktop.core.figures.intervals import Estimate, mean_of, percentile, proportion, resamples, unknown, wilson

Z = float(norm.ppf(0.975))


def test_the_quantile_is_the_one_of_95_percent() -> None:
    assert pytest.approx(Z) == intervals.Z and intervals.LEVEL == 0.95


@given(st.integers(0, 400), st.integers(1, 400))
def test_wilson_bounds_are_where_the_score_test_turns(hits: int, n: int) -> None:
    hits = min(hits, n)
    low, high = wilson(hits, n)
    # (p - q)² = z² q (1 - q) / n, as a quadratic equation in q
    roots = np.roots([1 + Z * Z / n, -(2 * hits / n + Z * Z / n), (hits / n) ** 2])
    expected = sorted(float(np.real(root)) for root in roots)
    assert (low, high) == (pytest.approx(expected[0], abs=1e-7), pytest.approx(expected[1], abs=1e-7))
    assert 0 <= low <= hits / n <= high <= 1
    assert (low == 0.0) == (hits == 0) and (high == 1.0) == (hits == n)


def test_wilson_takes_effective_numbers_that_are_not_whole() -> None:
    low, high = wilson(3.6, 7.2)
    assert low == pytest.approx(1 - high) and wilson(3, 6)[0] < low < wilson(4, 8)[0]


def test_an_estimate_and_its_complement() -> None:
    share = proportion(3, 8, "")
    other = share.complement()
    assert (other.value, other.hits, other.n, other.method) == (5 / 8, 5, 8, "wilson")
    assert (other.low, other.high) == (pytest.approx(1 - share.high), pytest.approx(1 - share.low))  # type: ignore[operator]
    plain = Estimate(0.25, 0.1, 0.5, 8, None, "mover", effective=4.5).complement()
    assert (plain.value, plain.low, plain.high, plain.hits, plain.effective) == (0.75, 0.5, 0.9, None, 4.5)
    for open_ in (
        unknown("why", 3),
        Estimate(0.5, n=3),
        Estimate(0.5, low=0.1),
        Estimate(0.5, high=0.9),
        Estimate(None, 0.1, 0.9),
    ):
        assert open_.complement() is open_
    assert unknown("why", 3) == Estimate(None, None, None, 3, None, "", "why") and unknown("why").n == 0


@given(st.integers(0, 30), st.integers(0, 30), st.integers(0, 30))
def test_f1_is_twice_the_overlap_over_the_sum(tp: int, fp: int, fn: int) -> None:
    found = intervals.f1_estimate(tp, fp, fn)
    if not tp + fp + fn:
        assert found == unknown("no image of this class, and none was taken for it")
        return
    jaccard = proportion(tp, tp + fp + fn, "")
    assert found.value == pytest.approx(2 * tp / (2 * tp + fp + fn)) and (found.n, found.method) == (
        tp + fp + fn,
        "wilson",
    )
    for bound, of in ((found.low, jaccard.low), (found.high, jaccard.high)):
        assert of is not None and bound == pytest.approx(2 * of / (1 + of))


def mover(estimates: Sequence[Estimate], weights: Sequence[float]) -> tuple[float, float, float]:
    """Zou and Donner 2008, equation 3, for a weighted mean."""
    shares = np.array(weights) / sum(weights)
    value, low, high = (np.array([getattr(e, part) for e in estimates]) for part in ("value", "low", "high"))
    centre = float(shares @ value)
    return (
        centre,
        max(0.0, centre - float(np.sqrt(shares**2 @ (value - low) ** 2))),
        min(1.0, centre + float(np.sqrt(shares**2 @ (high - value) ** 2))),
    )


def test_means_recover_their_variance_from_the_parts() -> None:
    parts = [proportion(3, 10, ""), proportion(18, 20, ""), proportion(5, 7, "")]
    for weights in (None, [1.0, 2.0, 3.0], [0.5, 0.0, 4.0]):
        found = mean_of([*parts, unknown("nothing")], None if weights is None else [*weights, 9.0])
        used = [(e, w) for e, w in zip(parts, weights or [1.0] * 3, strict=True) if w]
        expected = mover([e for e, _ in used], [w for _, w in used])
        assert (found.value, found.low, found.high) == tuple(map(pytest.approx, expected))
        assert found.n == sum(e.n for e, _ in used) and found.method == "mover" and found.hits is None
    sure = [Estimate(1.0, 0.9, 1.0, 5), Estimate(0.0, 0.0, 0.4, 5)]
    assert mean_of(sure[:1]).high == 1.0 and mean_of(sure[1:]).low == 0.0
    for none in ([], [unknown("x")], [proportion(1, 2, "")]):
        assert mean_of(none, [0.0] * len(none)) == unknown("no class has this figure")
    with pytest.raises(ValueError, match="zip"):
        mean_of(parts, [1.0])


def test_fewer_resamples_of_more_entries() -> None:
    assert [resamples(n) for n in (0, 1, 20_000, 40_000, 50_000, 100_000, 10**9)] == [
        1000,
        1000,
        1000,
        500,
        400,
        200,
        200,
    ]


def test_the_percentile_interval_lies_between_its_quantiles_and_holds_the_value() -> None:
    draws = np.linspace(0, 1, 1001)
    found = percentile(0.5, draws, 40)
    assert (found.low, found.high, found.n, found.method) == (
        pytest.approx(0.025),
        pytest.approx(0.975),
        40,
        "bootstrap",
    )
    assert percentile(0.01, draws, 40).low == 0.01 and percentile(0.99, draws, 40).high == 0.99
    gaps = np.concatenate([np.full(5000, np.nan), np.full(10, np.inf), draws[:99]])
    few = percentile(0.5, gaps, 40)
    assert few == Estimate(0.5, n=40, reason="too few usable resamples for an interval")
    assert percentile(0.5, np.append(gaps, 0.7), 40).low is not None  # a hundred are enough
    alike, lent = np.full(500, 0.5), proportion(6, 12, "")
    assert percentile(0.5, alike, 40, lent) == Estimate(0.5, lent.low, lent.high, 40, None, "wilson")
    assert percentile(0.5, alike, 40).reason == intervals.ALIKE == percentile(0.5, alike, 40, unknown("x")).reason


def test_resampled_matrices_are_drawn_image_by_image(monkeypatch: pytest.MonkeyPatch) -> None:
    matrix = np.array([[6, 2, 0], [1, 5, 0], [0, 3, 4]])

    def kept(hits: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        return hits @ [1.0, 10.0, 100.0] + rows @ [1e4, 1e6, 1e8] + columns @ [1e10, 1e12, 1e14]

    found = intervals.resampled_confusion(matrix, kept, 3)
    cells = [(r, c) for r in range(3) for c in range(3) if matrix[r, c]]
    drawn = np.random.default_rng(3).multinomial(21, [matrix[cell] / 21 for cell in cells], size=1000)
    expected = []
    for row in drawn.astype(float):
        one = np.zeros((3, 3))
        for cell, count in zip(cells, row, strict=True):
            one[cell] = count
        expected.append(kept(np.diag(one)[None], one.sum(axis=1)[None], one.sum(axis=0)[None])[0])
    np.testing.assert_array_equal(found, expected)


def test_matrices_of_many_classes_are_drawn_in_portions() -> None:
    matrix = np.diag(np.arange(1500) % 3 + 1)
    found = intervals.resampled_confusion(matrix, lambda hits, rows, columns: hits @ np.arange(1500.0), 2)
    weights = matrix.diagonal() / matrix.sum()
    drawn = np.random.default_rng(2).multinomial(matrix.sum(), weights, size=1000)
    np.testing.assert_allclose(found, drawn @ np.arange(1500.0))


def test_areas_rest_on_all_images() -> None:
    rng = np.random.default_rng(0)
    positive = np.arange(50) < 20
    assert intervals.delong_auc(positive, rng.random(50)).n == 50
    assert intervals.delong_auc(np.zeros(3, bool), rng.random(3)).n == 3
    assert intervals.delong_auc(np.ones(4, bool), rng.random(4)).n == 4


def test_scores_that_are_all_alike_give_no_point_for_an_interval() -> None:
    flat = intervals.delong_auc(np.arange(8) < 4, np.full(8, 0.5))
    assert (flat.value, flat.method) == (0.5, "newcombe") and (flat.low, flat.high) == intervals.newcombe_auc(0.5, 4, 4)


def test_midranks_are_those_of_scipy() -> None:
    values = np.random.default_rng(0).normal(size=200).round(1)
    np.testing.assert_array_equal(intervals.midranks(values), rankdata(values))


@pytest.mark.parametrize(("auc", "m", "n"), [(0.8, 12, 30), (0.5, 5, 5), (0.97, 4, 90), (0.3, 7, 2)])
def test_newcombes_bounds_are_where_his_test_turns(auc: float, m: int, n: int) -> None:
    def spread(t: float) -> float:
        """Method 5: Hanley and McNeil's variance with both numbers replaced by their mean."""
        k = (m + n) / 2 - 1
        return Z * math.sqrt(t * (1 - t) * (1 + k * (1 - t) / (2 - t) + k * t / (1 + t)) / (m * n))

    low, high = intervals.newcombe_auc(auc, m, n)
    assert low < auc < high and auc - low == pytest.approx(spread(low)) and high - auc == pytest.approx(spread(high))
    assert intervals.newcombe_auc(0.0, m, n)[0] == 0.0 and intervals.newcombe_auc(1.0, m, n)[1] == 1.0


def test_one_image_of_a_class_has_newcombes_interval() -> None:
    for positive in ([True, False, False, False], [True, True, True, False]):
        scores = np.array([0.6, 0.7, 0.2, 0.1])
        found = intervals.delong_auc(np.array(positive), scores)
        assert found.value is not None and found.method == "newcombe" and found.n == 4
        low, high = intervals.newcombe_auc(found.value, sum(positive), 4 - sum(positive))
        assert (found.low, found.high) == (low, high)
    assert intervals.delong_auc(np.zeros(3, bool), np.zeros(3)).reason.startswith("there are only negative images")


# Calibration


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=30), st.integers(1, 20))
def test_bins_are_open_below_and_closed_above(pairs: list[tuple[float, bool]], bins: int) -> None:
    confidence, right = np.array([c for c, _ in pairs]), np.array([r for _, r in pairs])
    edges = np.linspace(0, 1, bins + 1)
    found = calibration.reliability(confidence, right, bins)
    error = 0.0
    for i, each in enumerate(found):
        inside = (confidence > edges[i]) & (confidence <= edges[i + 1]) | ((confidence == 0) & (i == 0))
        assert each.n == inside.sum() and (each.low, each.high) == (
            pytest.approx(i / bins),
            pytest.approx((i + 1) / bins),
        )
        if each.n:
            assert each.confidence == pytest.approx(confidence[inside].mean())
            assert each.accuracy == proportion(int(right[inside].sum()), each.n, "")
            error += abs(confidence[inside].mean() - right[inside].mean()) * each.n / len(pairs)
        else:
            assert each.confidence is None and each.accuracy.reason == "no image in this range"
    assert calibration.ece(confidence, right, 0, bins).value == pytest.approx(error)
    assert calibration.weighted_ece(confidence, right, bins)(np.ones(len(pairs))) == pytest.approx(error)


def test_the_calibration_errors_interval_is_the_bootstraps() -> None:
    rng = np.random.default_rng(1)
    confidence = rng.random(40)
    right = rng.random(40) < confidence**2
    found = calibration.ece(confidence, right, 5)
    index, generator = calibration.bin_of(confidence), np.random.default_rng(5)
    draws = []
    for _ in range(1000):
        picked = generator.integers(0, 40, 40)
        gaps = [abs((confidence[picked] - right[picked])[index[picked] == b].sum()) for b in range(calibration.BINS)]
        draws.append(sum(gaps) / 40)
    assert found.value is not None
    low, high = np.quantile(draws, [0.025, 0.975])
    assert (found.low, found.high) == (pytest.approx(min(low, found.value)), pytest.approx(max(high, found.value)))
    assert calibration.ece(np.empty(0), np.empty(0, bool), 0) == unknown("no image was answered")


def test_a_weight_says_how_often_an_image_counts() -> None:
    confidence, right = np.array([0.9, 0.9, 0.2]), np.array([True, False, True])
    of = calibration.weighted_ece(confidence, right)
    assert of(np.array([2.0, 0.0, 1.0])) == pytest.approx((2 * 0.1 + 0.8) / 3)
    assert of(np.zeros(3)) == 0.0


def test_the_brier_score_has_the_interval_of_a_mean() -> None:
    scores = np.array([[0.2, 0.8], [0.6, 0.4], [0.1, 0.9]])
    found = calibration.brier(np.array([1, 0, 0]), scores)
    losses = np.array([0.04, 0.16, 0.81])
    half = Z * losses.std(ddof=1) / math.sqrt(3)
    assert found.value == pytest.approx(losses.mean()) and (found.n, found.method) == (3, "normal")
    assert (found.low, found.high) == (max(0.0, losses.mean() - half), pytest.approx(losses.mean() + half))
    np.testing.assert_allclose(calibration.brier_losses(np.array([1, 0, 0]), scores, 0), losses)
    one = calibration.brier(np.array([1]), scores[:1])
    assert (one.value, one.low, one.n) == (
        pytest.approx(0.04),
        None,
        1,
    ) and one.reason == "one image allows no interval"
    assert calibration.brier(np.empty(0, int), np.empty((0, 2))) == unknown("no image was answered")
    sharp = calibration.brier(np.tile([0, 1], 50), np.tile([[0.6, 0.4], [0.4, 0.6]], (50, 1)))
    assert sharp.low == pytest.approx(0.16) == sharp.high


@given(st.lists(st.tuples(st.sampled_from([0.1, 0.4, 0.5, 0.9, 1.0]), st.booleans()), max_size=40))
def test_shares_answered_are_the_surest_and_equal_scores_go_together(pairs: list[tuple[float, bool]]) -> None:
    confidence, right = np.array([c for c, _ in pairs]), np.array([r for _, r in pairs], bool)
    steps = calibration.risk_steps(confidence, right)
    thresholds = []
    for wanted in calibration.STEPS if pairs else ():
        enough = [
            t for t in sorted(set(confidence), reverse=True) if (confidence >= t).sum() >= wanted * len(pairs) - 1e-9
        ]
        thresholds.append(enough[0])
    assert [step.threshold for step in steps] == list(dict.fromkeys(thresholds))
    for step in steps:
        answered = confidence >= step.threshold
        assert step.coverage == pytest.approx(answered.mean())
        assert step.accuracy == proportion(int(right[answered].sum()), int(answered.sum()), "")
    curve = calibration.risk_coverage(confidence, right)
    for coverage, accuracy, threshold in zip(curve.coverage, curve.accuracy, curve.threshold, strict=True):
        answered = confidence >= threshold
        assert (coverage, accuracy) == (pytest.approx(answered.mean()), pytest.approx(right[answered].mean()))
    assert len(curve.threshold) == len(set(confidence)) and (curve.area is None) == (not pairs)


def test_the_curve_of_many_scores_is_thinned_to_both_ends() -> None:
    confidence = np.linspace(0.5, 1, 4000)
    curve = calibration.risk_coverage(confidence, confidence > 0.6, points=50)
    assert len(curve.coverage) == 50 and (curve.coverage[0], curve.coverage[-1]) == (1 / 4000, 1.0)
    assert len(calibration.risk_coverage(confidence, confidence > 0.6).coverage) == 500
    wrong = 1 - np.cumsum((confidence > 0.6)[::-1]) / np.arange(1, 4001)
    assert curve.area == pytest.approx(wrong.mean())


# Metrics


def test_the_truth_is_among_the_best_of_many_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(4)
    scores, truth = rng.random((5000, 12)), rng.integers(0, 12, 5000)
    for k in (1, 3):
        expected = [t in np.argsort(row)[-k:] for row, t in zip(scores, truth, strict=True)]
        np.testing.assert_array_equal(metrics.in_top(truth, scores, k), expected)
    assert metrics.top_accuracy(truth, scores) == proportion(int(metrics.in_top(truth, scores, 5).sum()), 5000, "")
    assert metrics.top_accuracy(np.empty(0, int), np.empty((0, 12))).reason == "no image was answered"
    assert (metrics.TOP, metrics.MANY_CLASSES) == (5, 10)


def test_means_of_resamples_are_those_of_each_matrix() -> None:
    rng = np.random.default_rng(6)
    for kind in ("precision", "recall", "f1"):
        for weighted in (False, True):
            some = rng.integers(0, 4, (40, 3, 3)) * (rng.random((40, 3, 3)) < 0.6)
            hits, rows, columns = some.diagonal(axis1=1, axis2=2), some.sum(axis=2), some.sum(axis=1)
            found = metrics.mean_statistic(hits, rows, columns, kind, weighted)
            for value, matrix in zip(found, some, strict=True):
                classes = metrics.per_class(matrix, ("a", "b", "c"))
                parts = [getattr(c, kind) for c in classes]
                expected = mean_of(parts, [float(c.support) for c in classes] if weighted else None).value
                assert math.isnan(value) if expected is None else value == pytest.approx(expected)


def test_average_precision_of_weighted_images_is_scikit_learns() -> None:
    from sklearn.metrics import average_precision_score

    rng = np.random.default_rng(7)
    positive, scores = rng.random(50) < 0.4, rng.random(50).round(1)
    area = metrics.weighted_ap(positive, scores)
    for _ in range(5):
        weights = rng.integers(0, 4, 50).astype(float)
        assert area(weights) == pytest.approx(average_precision_score(positive, scores, sample_weight=weights))
    assert math.isnan(area(np.where(positive, 0.0, 1.0))) and area(np.where(positive, 1.0, 0.0)) == 1.0


def test_curves_are_thinned_to_both_ends_and_perfect_order_has_a_bound() -> None:
    rng = np.random.default_rng(8)
    positive = rng.random(30_000) < 0.5
    found = metrics.curves(positive, rng.random(30_000), 0)
    assert found is not None and len(found.fpr) == len(found.tpr) == 1000 >= len(found.recall) == len(found.precision)
    assert (found.fpr[0], found.tpr[0], found.fpr[-1], found.tpr[-1]) == (0, 0, 1, 1)
    assert found.recall[0] == 1 and found.recall[-1] == 0
    order = metrics.curves(np.array([True] * 6 + [False] * 4), np.linspace(1, 0, 10), 0)
    assert order is not None and order.average_precision.value == 1.0
    assert order.average_precision.low == proportion(6, 6, "").low and order.average_precision.method == "wilson"


# Comparing


def test_the_difference_of_pairs_is_bonett_and_prices() -> None:
    a, b = np.array([True] * 9 + [False] * 3 + [True] * 5), np.array([False] * 9 + [True] * 3 + [True] * 5)
    found = mcnemar(a, b).difference
    pa, pb, n = 10 / 19, 4 / 19, 17
    half = Z * math.sqrt((pa + pb - (pa - pb) ** 2) / (n + 2))
    assert found.value == pytest.approx(6 / 17) and (found.n, found.method) == (17, "bonett-price")
    assert (found.low, found.high) == (pytest.approx(pa - pb - half), pytest.approx(pa - pb + half))
    nothing = mcnemar(np.empty(0, bool), np.empty(0, bool))
    assert nothing.difference == Estimate(None, reason="no image was answered by both") and nothing.p == 1.0


@pytest.mark.parametrize(("only_a", "only_b"), [(12, 12), (14, 10), (13, 12), (24, 0), (15, 10)])
def test_25_differing_images_are_enough_for_chi_square(only_a: int, only_b: int) -> None:
    from scipy.stats import binomtest, chi2

    a = np.array([True] * only_a + [False] * only_b)
    found = mcnemar(a, ~a)
    assert found.exact == (only_a + only_b < 25)
    corrected = max(0, abs(only_a - only_b) - 1) ** 2 / (only_a + only_b)
    expected = binomtest(only_a, only_a + only_b).pvalue if found.exact else chi2.sf(corrected, 1)
    assert found.p == pytest.approx(expected) and (found.both, found.neither) == (0, 0)


def test_the_test_says_who_is_better_and_how_sure() -> None:
    a = np.array([True] * 40 + [False] * 10)
    sure = mcnemar(a, ~a)
    assert sure.sentence("A", "B") == (
        "'A' alone is right on 40 images, 'B' alone on 10: 'A' is better on these images (p < 0.001, McNemar)."
    )
    assert "'B' is better" in mcnemar(~a, a).sentence("A", "B")
    even = mcnemar(a[30:], ~a[30:])
    assert even.sentence("A", "B").endswith("no more than chance explains (p = 1.000, McNemar).")
    some = np.array([True] * 9 + [False])
    assert mcnemar(some, ~some).sentence("A", "B").endswith("(p = 0.021, McNemar).")


def test_working_here_is_judged_by_newcombes_difference() -> None:
    here, low, high = proportion(45, 60, ""), *wilson(93, 100)
    found = works_here(here, 0.93, 100)
    assert here.low is not None and here.high is not None and found.difference.value == pytest.approx(0.75 - 0.93)
    assert found.difference.low == pytest.approx(0.75 - 0.93 - math.hypot(0.75 - here.low, high - 0.93))
    assert found.difference.high == pytest.approx(0.75 - 0.93 + math.hypot(here.high - 0.75, 0.93 - low))
    assert found.difference.method == "newcombe" and found.difference.n == 60 and found.verdict == "worse"
    worse = f"by {-100 * found.difference.high:.1f} to {-100 * found.difference.low:.1f} percentage points."
    assert found.sentence == (
        "Here the accuracy is 45 of 60 images "
        f"(75.0 %, 95 % interval {100 * here.low:.1f} to {100 * here.high:.1f} %); "
        f"its card says 93.0 % on 100; it does worse here, {worse}"
    )
    better = works_here(proportion(59, 60, ""), 0.8, 100, "sensitivity", "the card")
    assert better.verdict == "better" and better.sentence.startswith("Here the sensitivity is 59 of 60")
    assert "the card says 80.0 % on 100; it does better here, by " in better.sentence
    alike = works_here(proportion(48, 60, ""), 0.8, 61)
    assert alike.verdict == "compatible" and alike.difference.low is not None and "the very same" not in alike.sentence
    assert f"up to {-100 * alike.difference.low:.1f} percentage points worse" in alike.sentence
    same, as_many = (works_here(proportion(hits, 60, ""), 0.8, 60) for hits in (48, 20))
    assert same.verdict == as_many.verdict == "same-data" and "tells nothing about other pictures" in same.sentence
    assert "the very same numbers" in same.sentence and ": as many images, so" in as_many.sentence
    assert works_here(proportion(FEW - 1, FEW - 1, ""), 0.5, 100).verdict == "too-few"
    assert works_here(proportion(FEW, FEW, ""), 0.5, 100).verdict == "better" and FEW == 50
    assert works_here(proportion(50, 60, ""), 0.9, 0).verdict == "no-figure"
    assert works_here(Estimate(0.5, n=60), 0.9, 10).verdict == "no-figure"


def test_another_decision_is_not_compared() -> None:
    found = other_decision(0.25, None)
    assert found.verdict == "other-threshold" and found.difference.reason == "not compared"
    assert "measured at a threshold of 0.25, on the model's card" in found.sentence
    assert found.sentence.endswith("by the model's own decision, by the highest score.")
    assert "The specificity is not compared" in other_decision(None, 0.5, "specificity").sentence
