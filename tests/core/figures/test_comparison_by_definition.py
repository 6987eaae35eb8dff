"""Two models on the same images, one model on two sets: against scipy, enumeration, or worked out by hand."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binomtest, norm

from desktop.core.figures.clustered import Persons
from desktop.core.figures.comparison import FEW, McNemar, area_here, mcnemar, works_here
from desktop.core.figures.intervals import Estimate, wilson


def answers(*persons: tuple[int, int, int]) -> tuple[np.ndarray, np.ndarray, Persons]:
    """Images of persons: for each how many A alone got right, how many B alone, and how many both did."""
    a, b, of = [], [], []
    for number, (only_a, only_b, both) in enumerate(persons):
        a += [True] * only_a + [False] * only_b + [True] * both
        b += [False] * only_a + [True] * only_b + [True] * both
        of += [number] * (only_a + only_b + both)
    return np.array(a, bool), np.array(b, bool), Persons(np.array(of), len(persons))


def by_all_signs(sums: list[int]) -> float:
    """Fisher's test, every choice of signs looked at."""
    total, held = abs(sum(sums)), [abs(s) for s in sums if s]
    ways = [
        abs(sum(s * w for s, w in zip(held, signs, strict=True)))
        for signs in itertools.product((-1, 1), repeat=len(held))
    ]
    return sum(way >= total for way in ways) / len(ways)


@pytest.mark.parametrize(
    "persons",
    [
        [(3, 0, 1), (2, 1, 0), (0, 1, 4), (4, 0, 0), (1, 1, 2), (0, 0, 3)],
        [(1, 0, 1)] * 6 + [(0, 1, 1)],
        [(15, 0, 0)] + [(0, 1, 1)] * 10,
        [(10, 0, 0)] + [(0, 1, 1)] * 10,
        [(2, 0, 0), (0, 2, 0)],
    ],
)
def test_images_of_few_persons_are_compared_exactly(persons: list[tuple[int, int, int]]) -> None:
    a, b, groups = answers(*persons)
    found = mcnemar(a, b, groups)
    sums = [only_a - only_b for only_a, only_b, _ in persons]
    assert found.exact and found.by_person
    assert found.p == pytest.approx(by_all_signs(sums), abs=1e-12)
    assert (found.only_a, found.only_b) == (sum(p[0] for p in persons), sum(p[1] for p in persons))


def test_persons_of_one_image_each_are_compared_as_images_are() -> None:
    for more, less in ((9, 2), (5, 5), (1, 0), (12, 3)):
        a, b, groups = answers(*[(1, 0, 2)] * more, *[(0, 1, 2)] * less)
        assert mcnemar(a, b, groups).p == pytest.approx(binomtest(more, more + less).pvalue, abs=1e-12)
        assert mcnemar(a, b).p == pytest.approx(binomtest(more, more + less).pvalue, abs=1e-12)


def test_no_model_is_called_better_that_is_right_on_fewer_images() -> None:
    """One person speaks for A on fifteen images, ten for B on one each: chance would do as much."""
    a, b, groups = answers((15, 0, 0), *[(0, 1, 1)] * 10)
    assert "no more than chance explains" in mcnemar(a, b, groups).sentence("A", "B")


@pytest.mark.parametrize(("more", "less", "exact"), [(20, 4, True), (20, 5, False), (40, 10, False)])
def test_many_persons_are_compared_by_the_normal_distribution(more: int, less: int, exact: bool) -> None:
    a, b, groups = answers(*[(2, 0, 1)] * more, *[(0, 1, 1)] * less, (0, 0, 5))
    found = mcnemar(a, b, groups)
    sums = np.array([2.0] * more + [-1.0] * less)
    assert found.exact is exact
    if not exact:
        assert found.p == pytest.approx(2 * norm.sf(abs(sums.sum()) / math.sqrt((sums**2).sum())), rel=1e-9)


def test_the_differences_interval_over_persons() -> None:
    persons = [(3, 0, 2), (1, 2, 1), (0, 1, 3), (2, 0, 0), (0, 0, 4)]
    a, b, groups = answers(*persons)
    found = mcnemar(a, b, groups).difference
    sizes, sums = np.array([sum(p) for p in persons]), np.array([p[0] - p[1] for p in persons])
    n, value = sizes.sum(), sums.sum() / sizes.sum()
    spread = math.sqrt(5 / 4 * ((sums - value * sizes) ** 2).sum()) / n
    assert found.value == pytest.approx(value) and found.n == n and found.method == "normal by person"
    assert found.low == pytest.approx(value - norm.ppf(0.975) * spread, abs=1e-6)
    assert found.high == pytest.approx(value + norm.ppf(0.975) * spread, abs=1e-6)


def test_an_interval_over_persons_stays_between_the_worst_and_the_best() -> None:
    a, b, groups = answers((4, 0, 0), (0, 0, 1))
    both = mcnemar(a, b, groups).difference, mcnemar(b, a, groups).difference
    assert both[0].value == pytest.approx(0.8) and both[0].high == 1.0 and both[1].low == -1.0
    assert both[0].low is not None and both[0].low < 0.8, "two persons allow an interval"
    lone = mcnemar(a, b, Persons(np.zeros(5, np.int64), 1))
    assert lone.difference.value == pytest.approx(0.8) and lone.difference.low is lone.difference.high is None
    assert "one person" in lone.difference.reason and lone.difference.n == 5 and lone.p == 1.0


def test_where_nothing_differs_the_interval_is_that_of_images() -> None:
    right = np.array([True, True, False, True])
    found = mcnemar(right, right, Persons(np.array([0, 0, 1, 1]), 2))
    assert found.p == 1.0 and found.difference == mcnemar(right, right).difference and found.by_person
    assert found.difference.method == "bonett-price" and not mcnemar(right, right).by_person


def test_one_image_bounds_nothing_but_by_the_worst_and_the_best() -> None:
    yes, no = np.array([True]), np.array([False])
    assert mcnemar(yes, no).difference.high == 1.0 and mcnemar(no, yes).difference.low == -1.0


@pytest.mark.parametrize(
    ("p", "words"),
    [
        (0.0009, "'A' is better on these images (p < 0.001,"),
        (0.001, "(p = 0.001,"),
        (0.0012, "(p = 0.001,"),
        (0.0499, "'A' is better"),
        (0.05, "no more than chance explains (p = 0.050"),
        (0.06, "no more than chance explains"),
    ],
)
def test_what_is_said_of_two_models(p: float, words: str) -> None:
    assert words in McNemar(5, 9, 2, 1, p, True, Estimate(0.4)).sentence("A", "B")


HERE = Estimate(0.9, *wilson(90, 100), 100, 90, "wilson")


@pytest.mark.parametrize("name", ["value", "low", "high", "hits"])
def test_what_has_no_figure_is_not_held_against_a_card(name: str) -> None:
    assert works_here(replace(HERE, **{name: None}), 0.9, 500).verdict == "no-figure"
    if name != "hits":
        assert area_here(replace(HERE, **{name: None}), 0.9, 0.8, 0.95, 500).verdict == "no-figure"


def test_a_card_without_figure_or_images_is_not_compared_with() -> None:
    assert works_here(HERE, None, 500).verdict == "no-figure" and works_here(HERE, 0.9, 0).verdict == "no-figure"
    assert [works_here(HERE, 1.0, n).verdict for n in (1, 19, 20)] == ["too-few", "too-few", "compatible"]
    assert area_here(HERE, 0.9, None, 0.95, 500).verdict == area_here(HERE, 0.9, 0.8, None, 500).verdict == "no-figure"


@pytest.mark.parametrize(("hits", "card_value", "card_n"), [(90, 0.0, 80), (90, 1.0, 80), (45, 0.62, 2345)])
def test_newcombes_interval_of_the_difference_to_the_card(hits: int, card_value: float, card_n: int) -> None:
    def score(k: float, n: int) -> tuple[float, float]:
        """Wilson's interval by his formula."""
        z, p = float(norm.ppf(0.975)), k / n
        middle, half = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        return (middle - half) / (1 + z * z / n), (middle + half) / (1 + z * z / n)

    here = Estimate(hits / 100, *score(hits, 100), 100, hits, "wilson")
    found = works_here(here, card_value, card_n).difference
    (l1, u1), (l2, u2) = score(hits, 100), score(round(card_value * card_n), card_n)
    gap = hits / 100 - card_value
    assert found.low == pytest.approx(gap - math.hypot(hits / 100 - l1, u2 - card_value), abs=1e-6)
    assert found.high == pytest.approx(gap + math.hypot(u1 - hits / 100, card_value - l2), abs=1e-6)


def area(value: float, low: float, high: float, n: int = 200) -> Estimate:
    return Estimate(value, low, high, n, None, "delong")


def test_an_area_that_is_worse_better_or_compatible_here() -> None:
    worse = area_here(area(0.80, 0.70, 0.88), 0.90, 0.85, 0.94, 500)
    low, high = -0.1 - math.hypot(0.1, 0.04), -0.1 + math.hypot(0.08, 0.05)
    assert worse.verdict == "worse" and "worse here, by 0.006 to 0.208" in worse.sentence
    assert (worse.difference.value, worse.difference.low, worse.difference.high) == pytest.approx((-0.1, low, high))
    better = area_here(area(0.90, 0.85, 0.94), 0.80, 0.70, 0.88, 500)
    assert better.verdict == "better" and "better here, by 0.006 to 0.208" in better.sentence
    assert (better.difference.value, better.difference.low, better.difference.high) == pytest.approx((0.1, -high, -low))
    alike = area_here(area(0.88, 0.80, 0.93), 0.90, 0.85, 0.94, 500)
    assert alike.verdict == "compatible" and "up to 0.109 worse here" in alike.sentence
    assert alike.difference.low == pytest.approx(-0.02 - math.hypot(0.08, 0.04))
    exact = area_here(area(0.9, 0.9, 0.9), 0.9, 0.9, 0.9, 500)
    assert exact.verdict == "compatible" and "up to 0.000 worse" in exact.sentence


def test_an_area_of_few_images_has_no_answer() -> None:
    few, enough = (area_here(area(0.5, 0.4, 0.6, n), 0.9, 0.85, 0.94, 500) for n in (FEW - 1, FEW))
    assert few.verdict == "too-few" and few.difference.value is None and enough.verdict == "worse"
