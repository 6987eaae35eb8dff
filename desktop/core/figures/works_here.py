"""'Does it work here?': the figures of an evaluation beside those on the model's card, a verdict and a sentence each.

Command line, JSON, reports and window all ask here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from desktop.core.figures.comparison import (
    Compatibility,
    area_here,
    other_decision,
    refused_here,
    works_here,
)
from desktop.core.figures.intervals import FEWEST, Estimate, estimate_json
from desktop.core.figures.table import METRICS, REFUSED
from desktop.system.words import phrase

if TYPE_CHECKING:
    from desktop.core.figures.result import EvaluationResult, Figures


@dataclass(frozen=True, slots=True)
class CardComparison:
    """One figure ``here`` beside the ``listed`` one of the model's card, and what follows."""

    name: str
    here: Estimate
    listed: dict[str, Any]
    verdict: Compatibility


def compatible_with_card(result: EvaluationResult, figures: Figures) -> tuple[CardComparison, ...]:
    """'Does it work here?': each proportion that the card names too, accuracy first; empty where it names none.

    With two classes sensitivity and specificity are compared as well: accuracy alone says little where the classes come
    in other shares than on the card's data. All were measured by the model's own decision: under another threshold
    nothing is compared, and one sentence says so. A cross-validation is what the card's own figures come from.
    """
    if result.data.crossed:  # the card's own figures: there is nothing to compare them with
        return ()
    own, used = result.model.card.get("threshold"), result.model.threshold
    decided = own is not None or used is not None
    rows = [
        row
        for row in METRICS
        if row.card and row.percent and row.group != "kind" and (row.group != "decision" or decided)
    ]
    here = {row.card: estimate for row in rows if (estimate := row.get(figures)) is not None}
    found: list[CardComparison] = []
    for name, estimate in here.items():
        listed = [m for m in result.model.card.get("metrics", ()) if str(m.get("name", "")).lower() == name]
        if not listed:
            continue
        best = next((m for m in listed if str(m.get("split", "")).lower() == "test"), listed[0])
        if own != used:
            held = CardComparison(name, estimate, best, other_decision(used, own, name))
            return (held, *_area(result, figures, False), *_refused(result, figures))
        card = phrase("the card") if found else _named(best)
        verdict = works_here(estimate, float(best["value"]), int(best["n"]), name, card)
        found.append(CardComparison(name, estimate, best, verdict))
    return (*found, *_area(result, figures, bool(found)), *_refused(result, figures))


def _named(listed: Mapping[str, Any]) -> str:
    """The model's card, with the data that its figure was measured on."""
    if listed.get("split"):
        return phrase("the model's card ({data}, split '{split}')", data=listed["data"], split=listed["split"])
    return phrase("the model's card ({data})", data=listed["data"])


def _area(result: EvaluationResult, figures: Figures, named: bool) -> tuple[CardComparison, ...]:
    """The area under the ROC curve beside the card's: it hangs on no threshold."""
    listed = [m for m in result.model.card.get("metrics", ()) if str(m.get("name", "")).lower() == "area under roc"]
    if figures.auc is None or not listed:
        return ()
    best = next((m for m in listed if str(m.get("split", "")).lower() == "test"), listed[0])
    card = phrase("the card") if named else _named(best)
    verdict = area_here(figures.auc, float(best["value"]), best.get("low"), best.get("high"), int(best["n"]), card)
    return (CardComparison("area under ROC", figures.auc, best, verdict),)


def _refused(result: EvaluationResult, figures: Figures) -> tuple[CardComparison, ...]:
    """The share that the domain gate takes for another kind of picture beside what it was made to refuse of its own."""
    gate = result.model.card.get("gate")
    if figures.refused is None or not isinstance(gate, dict):
        return ()
    listed = {"value": gate["refused"], "n": gate["n"], "split": gate["split"], "data": gate.get("data", "")}
    verdict = refused_here(figures.refused, float(gate["refused"]), int(gate["n"]), str(gate["split"]))
    return (CardComparison(REFUSED, figures.refused, listed, verdict),)


def other_kind(result: EvaluationResult, figures: Figures) -> str:
    """That the model's gate takes more of the pictures for another kind than chance explains, in a sentence; empty
    where it does not, or was not asked. Whoever shows figures says it beside them."""
    found = (row.verdict for row in _refused(result, figures))
    return next((verdict.sentence for verdict in found if verdict.verdict == "other-kind"), "")


def works_here_json(result: EvaluationResult, figures: Figures) -> list[dict[str, Any]]:
    """'Does it work here?' as plain JSON values: a verdict, a sentence and the numbers for each figure of the card."""
    return [
        {
            "figure": compared.name,
            "verdict": compared.verdict.verdict,
            "sentence": compared.verdict.sentence,
            "here": estimate_json(compared.here),
            "card": _card_json(compared.listed),
            "difference": estimate_json(compared.verdict.difference),
        }
        for compared in compatible_with_card(result, figures)
    ]


def _card_json(listed: Mapping[str, Any]) -> dict[str, Any]:
    """The card's figure; none where it is of a handful of pictures, as everywhere."""
    few = int(listed.get("n") or 0) < FEWEST
    figure = {key: None if few else listed.get(key) for key in ("value", "low", "high")}
    return figure | {key: listed.get(key) for key in ("n", "data", "split")}
