"""A second opinion: what is inside for the gate may still be foreign, and nothing that is foreign becomes inside."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.special import logsumexp

from desktop.core.trust import second
from desktop.core.types import DomainVerdict, StoreError


def gate() -> second.SecondGate:
    """Foreign is what has a first feature above 0; the limit lies where the odds are even."""
    weights = np.zeros((5, 3), np.float32)
    weights[0] = (-1.0, 1.0, 1.0)
    return second.SecondGate(
        np.zeros(5, np.float32), np.ones(5, np.float32), weights, np.zeros(3, np.float32), ("negative", "turned"),
        -4.0, 0.0,
    )  # fmt: skip


def rows(*values: float) -> np.ndarray:
    return np.array([[value, 0, 0, 0, 0] for value in values], np.float32)


def test_the_worse_of_both_opinions_counts() -> None:
    inside = [DomainVerdict(0.2, True), DomainVerdict(0.9, True), DomainVerdict(-0.5, True)]
    agreed = gate().beside(inside, rows(3.0, -3.0, float("nan")))
    assert [verdict.inside for verdict in agreed] == [False, True, False]
    assert agreed[0].score > 1 and agreed[0].reasons == ()  # why is not known
    assert agreed[1].score == 0.9  # it only adds doubt
    assert agreed[2].score == 99.0  # no number is no reason to trust
    assert gate().beside(inside[:1], rows(float("-inf")))[0] == DomainVerdict(99.0, False)
    barely = gate().beside([DomainVerdict(0.2, True)], rows(1e-6 - np.log(2) / 2))
    assert not barely[0].inside and barely[0].score >= 1.0001  # what is flagged never reads as 1


def test_what_is_written_is_read_again() -> None:
    again = second.from_json(gate().to_json())
    found = rows(-2.0, -0.1, 0.4, 2.0)
    assert np.allclose(again.scores(found), gate().scores(found)) and again.kinds == ("negative", "turned")


@pytest.mark.parametrize(
    "change",
    [
        {"schema": 2}, {"limit": -4.0}, {"limit": "x"}, {"kinds": ["one"]}, {"more": 1},
        {"scale": {"shape": [5], "type": "float32", "data": "AAAAAAAAAAAAAAAAAAAAAAAAAAA="}},
        {"weights": {"shape": [5, 3], "type": "float32", "data": "!"}}, {"shift": {"shape": [2], "type": "float64"}},
    ],
)  # fmt: skip
def test_a_file_that_is_something_else_is_refused(change: dict[str, Any]) -> None:
    raw = json.loads(gate().to_json()) | change
    with pytest.raises(StoreError) as refused:
        second.from_json(json.dumps(raw))
    assert refused.value.kind == "damaged" and second.FILE in refused.value.message


def test_an_empty_file_and_one_without_foreign_kinds_are_refused() -> None:
    none = replace(gate(), weights=np.ones((5, 1), np.float32), bias=np.ones(1, np.float32), kinds=())
    for text in ("", "[]", "{}", none.to_json()):
        with pytest.raises(StoreError):
            second.from_json(text)


def test_the_odds_are_a_softmax_regressions_of_standardised_and_capped_features() -> None:
    rng = np.random.default_rng(3)
    own = second.SecondGate(
        rng.normal(size=6), rng.uniform(0.5, 2, 6), rng.normal(size=(6, 3)), rng.normal(size=3), ("negative", "turned"),
        -4.0, 1.0,
    )  # fmt: skip
    found = rng.normal(size=(5, 6)) * 20
    wanted = []
    for row in found:
        z = [min(8.0, max(-8.0, (value - m) / s)) for value, m, s in zip(row, own.shift, own.scale, strict=True)]
        logits = [sum(a * b for a, b in zip(z, own.weights[:, k], strict=True)) + own.bias[k] for k in range(3)]
        wanted.append(logsumexp(logits[1:]) - logits[0])
    np.testing.assert_allclose(own.odds(found), wanted, rtol=1e-9)
    np.testing.assert_allclose(own.scores(found), [(odds + 4) / 5 for odds in wanted], rtol=1e-9)


def test_what_it_agrees_with_keeps_the_worse_score_and_the_reasons() -> None:
    inside = [DomainVerdict(0.1, True, ("darker",)), DomainVerdict(0.9, True, ("flat",))]
    agreed = gate().beside(
        inside, rows(-1.0 - np.log(2) / 2, -1.0 - np.log(2) / 2)
    )  # odds of -2: half way to the limit
    assert agreed[0] == DomainVerdict(0.5, True, ("darker",)) and agreed[1] == DomainVerdict(0.9, True, ("flat",))
    at_the_limit = replace(gate(), weights=np.zeros((5, 2), np.float32), bias=np.zeros(2), kinds=("one",))
    assert at_the_limit.beside([DomainVerdict(0.1, True)], rows(0.0)) == [DomainVerdict(1.0, True)]


def test_each_number_must_go_with_the_others() -> None:
    raw = json.loads(gate().to_json())
    assert raw["schema"] == 1 and gate().to_json().endswith("}\n")
    good = gate()
    for changed in (
        replace(good, scale=np.ones(4)), replace(good, weights=np.zeros((4, 3))),
        replace(good, weights=np.zeros((5, 2))), replace(good, bias=np.zeros(2)),
        replace(good, scale=np.array([1, 1, 1, 1, 0.0])),
        replace(good, scale=np.array([1, 1, 1, 1, -1.0])), replace(good, limit=-4.0), replace(good, limit=-5.0),
        replace(good, limit=float("inf")), replace(good, centre=float("-inf")), replace(good, shift=np.zeros((5, 1))),
    ):  # fmt: skip
        with pytest.raises(StoreError, match="no second opinion") as refused:
            second.from_json(changed.to_json())
        assert refused.value.kind == "damaged"
    one = replace(good, weights=np.zeros((5, 2)), bias=np.zeros(2), kinds=("one",))
    assert second.from_json(one.to_json()).kinds == ("one",)
    for change in ({"schema": 0}, {"limit": "inf"}, {"centre": "-inf"}, {"limit": "nan"}):
        with pytest.raises(StoreError):
            second.from_json(json.dumps(raw | change))
