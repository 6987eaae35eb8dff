"""Two models on the same images, and one model on two sets: McNemar's test and 'does it work here?'."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from desktop.core.figures.intervals import FEWEST, Estimate, Z, shown, wilson
from desktop.system.words import Template, phrase

if TYPE_CHECKING:
    from desktop.core.figures.clustered import Persons

FEW = 50
"""Below this many local images 'does it work here?' has no answer."""
_EXACT_BELOW = 25
_ALPHA = 0.05


@dataclass(frozen=True, slots=True)
class McNemar:
    """Two models, A and B, on the same images: ``only_a`` images that A alone got right, ``only_b`` B alone.

    ``p`` is two-sided: how often chance alone would split the images on which they differ at least so unevenly.
    ``difference`` is accuracy of A minus B. ``exact`` says that the binomial test was used, ``by_person`` that several
    images of one person count together.
    """

    both: int
    only_a: int
    only_b: int
    neither: int
    p: float
    exact: bool
    difference: Estimate
    by_person: bool = False

    def sentence(self, a: str, b: str) -> str:
        """The result in words."""
        differ = self.only_a + self.only_b
        if differ == 0:
            return phrase("'{a}' and '{b}' are right and wrong on the same images.", a=a, b=b)
        text = phrase(
            "'{a}' alone is right on {only_a:,} images, '{b}' alone on {only_b:,}",
            a=a,
            only_a=self.only_a,
            b=b,
            only_b=self.only_b,
        )
        p = "p < 0.001" if self.p < 0.001 else f"p = {self.p:.3f}"
        test = phrase("McNemar by person") if self.by_person else "McNemar"
        if self.p >= _ALPHA:
            return phrase("{text}: no more than chance explains ({p}, {test}).", text=text, p=p, test=test)
        return phrase(
            "{text}: '{which}' is better on these images ({p}, {test}).",
            text=text,
            which=a if self.only_a > self.only_b else b,
            p=p,
            test=test,
        )


def mcnemar(right_a: np.ndarray, right_b: np.ndarray, persons: Persons | None = None) -> McNemar:
    """McNemar's test (1947) for two bool arrays (n,) over the same images.

    Exact (binomial) below 25 images on which they differ, else chi-square with Edwards' continuity correction (1948).
    The difference's interval is Bonett and Price's (2012). Where several images belong to one of ``persons`` their
    differences are added up first (Yang, Sun and Hardin, 'A note on the tests for clustered matched-pair binary
    data', Biometrical Journal 52, 2010), and the interval is the normal one over persons.
    """
    only_a, only_b = int((right_a & ~right_b).sum()), int((~right_a & right_b).sum())
    both, n = int((right_a & right_b).sum()), len(right_a)
    differ = only_a + only_b
    exact = differ < _EXACT_BELOW
    if differ == 0:
        p = 1.0
    elif exact:
        tail = sum(math.comb(differ, k) for k in range(min(only_a, only_b) + 1))
        p = min(1.0, 2 * tail / 2**differ)
    else:
        chi_square = max(0, abs(only_a - only_b) - 1) ** 2 / differ
        p = math.erfc(math.sqrt(chi_square / 2))
    difference = _paired_difference(only_a, only_b, n)
    if persons is not None and differ:
        p, exact, difference = _clustered(right_a, right_b, persons, difference)
    return McNemar(both, only_a, only_b, n - both - differ, p, exact, difference, persons is not None)


def _clustered(
    right_a: np.ndarray, right_b: np.ndarray, persons: Persons, plain: Estimate
) -> tuple[float, bool, Estimate]:
    """p, exact, difference from each person's sum of differences; fewer than 25 persons who differ: an exact test.

    Both tests ask of the same number, the images that A alone got right less those of B: one that counted persons
    would call a model better that is right on fewer images.
    """
    assert plain.value is not None
    sums, n = persons.sums(right_a.astype(np.int8) - right_b.astype(np.int8)), len(right_a)
    exact = int(np.count_nonzero(sums)) < _EXACT_BELOW
    if exact:
        p = _by_signs(sums.astype(np.int64))
    else:
        p = math.erfc(abs(float(sums.sum())) / math.sqrt(2 * float((sums**2).sum())))
    if persons.count < 2:
        return p, exact, Estimate(plain.value, n=n, reason=phrase("one person allows no interval"))
    rest = sums - plain.value * persons.sums(np.ones(n))
    half = Z * math.sqrt(persons.count / (persons.count - 1) * float((rest**2).sum())) / n
    bounds = (max(-1.0, plain.value - half), min(1.0, plain.value + half))
    return p, exact, Estimate(plain.value, *bounds, n, None, "normal by person")


def _by_signs(sums: np.ndarray) -> float:
    """How often the total of ``sums``, int64 (persons,), would be at least so far from 0 if chance chose each sign:
    Fisher's randomization test ('The Design of Experiments', 1935, section 21), worked out in full."""
    chances = np.ones(1)  # of each total of what was added so far, from the least on, in steps of 2
    for size in np.abs(sums[sums != 0]).tolist():
        longer = np.zeros(len(chances) + size)
        longer[: len(chances)] += chances / 2
        longer[size:] += chances / 2
        chances = longer
    most = len(chances) - 1
    totals = 2 * np.arange(most + 1) - most
    return min(1.0, float(chances[np.abs(totals) >= abs(int(sums.sum()))].sum()))


def _paired_difference(only_a: int, only_b: int, n: int) -> Estimate:
    if n == 0:
        return Estimate(None, reason=phrase("no image was answered by both"))
    value = (only_a - only_b) / n
    pa, pb = (only_a + 1) / (n + 2), (only_b + 1) / (n + 2)
    half = Z * math.sqrt((pa + pb - (pa - pb) ** 2) / (n + 2))
    return Estimate(value, max(-1.0, pa - pb - half), min(1.0, pa - pb + half), n, None, "bonett-price")


Verdict = Literal["compatible", "worse", "better", "too-few", "no-figure", "other-threshold", "same-data", "other-kind"]


@dataclass(frozen=True, slots=True)
class Compatibility:
    """Whether a figure measured here agrees with the one on the model's card.

    ``difference`` is here minus card; its interval is Newcombe's hybrid score interval (1998, method 10).
    """

    verdict: Verdict
    sentence: str
    difference: Estimate


def works_here(
    here: Estimate, card_value: float | None, card_n: int, what: str = "accuracy", card: str = "its card"
) -> Compatibility:
    """'Does it work here?': ``here`` is a proportion measured on local images, ``card_value`` of ``card_n`` images the
    figure on the model's card. One plain sentence with the numbers."""
    none = Estimate(None, reason="not compared")
    if here.value is None or here.hits is None or here.low is None or here.high is None:
        return Compatibility(
            "no-figure", phrase("There is no {what} here: {reason}.", what=what, reason=here.reason), none
        )
    local = _counted(here)
    if card_value is None or card_n < 1:
        return Compatibility(
            "no-figure",
            phrase("Here the {what} is {local}; {card} names none to compare with.", what=what, local=local, card=card),
            none,
        )
    if card_n < FEWEST:  # no figure, as everywhere
        counted = phrase("{hits:,} of {n:,} images", hits=round(card_value * card_n), n=card_n)
        text = phrase(
            "Here the {what} is {local}; {card} says {counted}, too few to compare with.",
            what=what,
            local=local,
            card=card,
            counted=counted,
        )
        return Compatibility("too-few", text, none)
    listed = phrase("{card} says {percent} on {card_n:,}", card=card, percent=_percent(card_value), card_n=card_n)
    if here.n < FEW:
        text = phrase(
            "Here the {what} is {local} and {listed}; {few} or more images are needed for an answer.",
            what=what,
            local=local,
            listed=listed,
            few=FEW,
        )
        return Compatibility("too-few", text, none)
    difference = _difference(here, card_value, card_n)
    if here.n == card_n:
        # Nobody's own pictures are as many as the card's by chance: most likely they are the card's.
        numbers = (
            phrase("the very same numbers") if here.hits == round(card_value * card_n) else phrase("as many images")
        )
        text = phrase(
            "Here the {what} is {local}; {listed}: {numbers}, so this may be the data that the "
            "card was made on. Then it tells nothing about other pictures.",
            what=what,
            local=local,
            listed=listed,
            numbers=numbers,
        )
        return Compatibility("same-data", text, difference)
    start = phrase("Here the {what} is {local}; {listed}", what=what, local=local, listed=listed)
    return _judged(start, difference, here.n)


def _judged(start: str, difference: Estimate, n: int) -> Compatibility:
    """What follows from the ``difference`` between a share of ``n`` images here and the card's; ``start`` says both."""
    assert difference.low is not None and difference.high is not None
    if difference.high < 0:
        end = phrase(
            "{start}; it does worse here, by {points} to {points2} percentage points.",
            start=start,
            points=_points(-difference.high),
            points2=_points(-difference.low),
        )
        return Compatibility("worse", end, difference)
    if difference.low > 0:
        end = phrase(
            "{start}; it does better here, by {points} to {points2} percentage points.",
            start=start,
            points=_points(difference.low),
            points2=_points(difference.high),
        )
        return Compatibility("better", end, difference)
    end = phrase(
        "{start}; the two are compatible; {n:,} images cannot rule out that it is up to {points} percentage "
        "points worse.",
        start=start,
        n=n,
        points=_points(-difference.low),
    )
    return Compatibility("compatible", end, difference)


def area_here(
    here: Estimate, value: float, low: float | None, high: float | None, n: int, card: str = "its card"
) -> Compatibility:
    """As :func:`works_here` for the area under the ROC curve: ``here`` measured on local images, ``value`` with its
    interval ``low`` to ``high`` of ``n`` images on the card. The difference's interval is put together from both (Zou
    and Donner, 'Construction of confidence limits about effect measures', Statistics in Medicine 27, 2008)."""
    none = Estimate(None, reason="not compared")
    if here.value is None or here.low is None or here.high is None:
        return Compatibility(
            "no-figure", phrase("There is no area under the ROC curve here: {reason}.", reason=here.reason), none
        )
    local = phrase(
        "{value:.3f} of {n:,} images (95 % interval {low:.3f} to {high:.3f})",
        value=here.value,
        n=here.n,
        low=here.low,
        high=here.high,
    )
    if n < FEWEST:
        text = phrase(
            "Here the area under the ROC curve is {local}; {card} has none: {n} images are too few for it.",
            local=local,
            card=card,
            n=n,
        )
        return Compatibility("too-few", text, none)
    if low is None or high is None:
        text = phrase(
            "Here the area under the ROC curve is {local}; {card} says {value:.3f} without an interval.",
            local=local,
            card=card,
            value=value,
        )
        return Compatibility("no-figure", text, none)
    start = phrase(
        "Here the area under the ROC curve is {local}; {card} says {value:.3f} ({low:.3f} to {high:.3f}) on {n:,}",
        local=local,
        card=card,
        value=value,
        low=low,
        high=high,
        n=n,
    )
    if here.n < FEW:
        return Compatibility(
            "too-few", phrase("{start}; {few} or more images are needed for an answer.", start=start, few=FEW), none
        )
    gap = here.value - value
    below = gap - math.hypot(here.value - here.low, high - value)
    above = gap + math.hypot(here.high - here.value, value - low)
    difference = Estimate(gap, max(-1.0, below), min(1.0, above), here.n, None, "mover")
    if above < 0:
        return Compatibility(
            "worse",
            phrase(
                "{start}; it does worse here, by {value:.3f} to {value2:.3f}.", start=start, value=-above, value2=-below
            ),
            difference,
        )
    if below > 0:
        return Compatibility(
            "better",
            phrase(
                "{start}; it does better here, by {below:.3f} to {above:.3f}.", start=start, below=below, above=above
            ),
            difference,
        )
    end = phrase("the two are compatible; it may be up to {value:.3f} worse here.", value=max(0.0, -below))
    return Compatibility("compatible", f"{start}; {end}", difference)


def refused_here(here: Estimate, expected: float, n: int, split: str) -> Compatibility:
    """As :func:`works_here` for the pictures that the model's domain gate takes for another kind: ``here`` is their
    share, ``expected`` the one that was to be expected of the model's own kind, on ``n`` pictures of ``split``. Fewer
    than expected is no fault."""
    none = Estimate(None, reason="not compared")
    if here.value is None or here.hits is None or here.low is None or here.high is None:
        text = Template("The model's gate says nothing of these pictures: {reason}.")
        return Compatibility("no-figure", phrase(text, reason=here.reason), none)
    local = _counted(here)
    start = phrase(
        "The model takes {local} for another kind of picture than its own; of its own, {percent} were to be expected "
        "(on {n:,} of split '{split}')",
        local=local,
        percent=_percent(expected),
        n=n,
        split=split,
    )
    difference = _difference(here, expected, n)
    assert difference.low is not None
    if here.n < FEW and difference.low <= 0:  # few are enough where all of them are refused
        text = Template("{start}; {few} or more images are needed for an answer.")
        return Compatibility("too-few", phrase(text, start=start, few=FEW), none)
    if difference.low > 0:
        text = Template(
            "{start}; more than chance explains: these differ from what it has learned from. They count in all figures "
            "here."
        )
        return Compatibility("other-kind", phrase(text, start=start), difference)
    return Compatibility(
        "compatible", phrase("{start}; that is no more than chance explains.", start=start), difference
    )


def _counted(here: Estimate) -> str:
    """A proportion that has a value, in words: how many of how many, and where those are enough its interval."""
    assert here.value is not None and here.hits is not None and here.low is not None and here.high is not None
    if shown(here).value is None:
        return phrase("{hits:,} of {n:,} images", hits=here.hits, n=here.n)
    return phrase(
        "{hits:,} of {n:,} images ({percent}, 95 % interval {span})",
        hits=here.hits,
        n=here.n,
        percent=_percent(here.value),
        span=_span(here.low, here.high),
    )


def other_decision(used: float | None, own: float | None, what: str = "accuracy") -> Compatibility:
    """Why figures at the threshold ``used`` are not held against a card whose figures are by the model's ``own``
    decision; ``None``: the highest score."""
    ways = [
        phrase("by the highest score") if value is None else phrase("at a threshold of {value:.4g}", value=value)
        for value in (used, own)
    ]
    text = phrase(
        "The {what} is not compared: here it was measured {ways}, on the model's card by the "
        "model's own decision, {ways2}.",
        what=what,
        ways=ways[0],
        ways2=ways[1],
    )
    return Compatibility("other-threshold", text, Estimate(None, reason="not compared"))


def _difference(here: Estimate, card_value: float, card_n: int) -> Estimate:
    assert here.value is not None and here.low is not None and here.high is not None
    low, high = wilson(min(card_n, max(0, round(card_value * card_n))), card_n)
    value = here.value - card_value
    below = math.hypot(here.value - here.low, high - card_value)
    above = math.hypot(here.high - here.value, card_value - low)
    return Estimate(value, max(-1.0, value - below), min(1.0, value + above), here.n, None, "newcombe")


def _percent(value: float) -> str:
    return f"{100 * value:.1f} %"


def _span(low: float, high: float) -> str:
    return f"{100 * low:.1f} to {100 * high:.1f} %"


def _points(value: float) -> str:
    return f"{100 * value:.1f}"
