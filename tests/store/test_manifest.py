"""A model's description: how an answer follows from scores, and every fault that makes it be refused."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import Any

import pytest

from desktop.core.types import MAX_CLASSES, StoreError
from desktop.store import model_limits
from desktop.store.manifest import (
    MAX_MANIFEST_BYTES,
    QUANTILES,
    SCHEMA_VERSION,
    Conformal,
    Decision,
    Domain,
    FileEntry,
    Manifest,
    Metric,
    from_json,
)
from tests.store.makers import manifest

GATE = Domain("domain.json", "gmm", "validation", 100, 0.05, tuple(i / 10 for i in range(QUANTILES)))
SETS = Conformal("least", "validation", 100, (0.05, 0.1), (0.3, 0.6), "test", 50, (0.96, 0.9), (1.2, 1.0))
GATED = {"model.tflite": FileEntry("0" * 64, 0), "domain.json": FileEntry("0" * 64, 0)}


@pytest.mark.parametrize("positive", [0, 1])
def test_a_threshold_is_reached_by_an_equal_score(positive: int) -> None:
    rule = Decision("threshold", positive, 0.25)
    for score, answer in ((0.25, positive), (0.24999, 1 - positive), (0.2500001, positive), (1.0, positive)):
        scores = [0.0, 0.0]
        scores[positive], scores[1 - positive] = score, 1 - score
        assert rule.choose(scores) == answer


def test_the_highest_score_decides_and_of_equal_ones_the_first() -> None:
    assert [Decision().choose(row) for row in ([0.2, 0.5, 0.3], [0.4, 0.4, 0.2], [0.1, 0.1, 0.8])] == [1, 0, 2]


METRIC = '{"name": "accuracy", "value": 0.9, "data": "d", "split": "test", "n": 9, "low": null, "high": null}'


def two(**changes: Any) -> dict[str, Any]:
    return {"labels": ("a", "b"), "decision": Decision("threshold", 1, 0.5, "why")} | changes


@pytest.mark.parametrize(
    "changes",
    [
        {"labels": tuple(map(str, range(MAX_CLASSES)))},
        {"labels": ("a", "b")},
        {"id": "a" * 64},
        {"id": "0"},
        {"labels": ("a", "a", "b"), "label_ids": ("n1", "n2", "n3")},
        {"scores": "probability"},
        {"state": "weights-not-installed", "files": {}},
        {"files": {"model.tflite": FileEntry("0" * 64, 0), "a/b/c/d.npy": FileEntry("0" * 64, 0)}},
        two(),
        two(decision=Decision("threshold", 0, 1e-300, "")),
        two(decision=Decision("threshold", 0, 1 - 1e-16, "")),
        {"metrics": (Metric("accuracy", 0.9, "d", "test", 10),)},
        {"domain": GATE, "files": GATED},
        {"domain": replace(GATE, refused=0.0), "files": GATED},
        {"domain": replace(GATE, refused=1.0), "files": GATED},
        {"domain": GATE, "state": "weights-not-installed", "files": {}},
        {"domain": replace(GATE, quantiles=(0.5,) * QUANTILES), "files": GATED},
        {"conformal": SETS},
        {"conformal": replace(SETS, cutoffs=(0.0, 1.0))},
        {"conformal": replace(SETS, covered=(), sizes=())},
        {"conformal": replace(SETS, sizes=())},
    ],
)
def test_what_is_sound_is_read_as_it_was_written(changes: dict[str, Any]) -> None:
    made = manifest(**changes)
    assert from_json(made.to_json()) == made and made.to_json().endswith("}\n")


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"schema": SCHEMA_VERSION - 1}, "schema 1 found, 2 expected"),
        ({"schema": SCHEMA_VERSION + 1}, "a newer Fovea"),
        ({"id": "Colours"}, "id 'Colours'"),
        ({"id": "-colours"}, "id '-colours'"),
        ({"id": ""}, "id ''"),
        ({"id": "a" * 65}, "id 'aaa"),
        ({"id": "colours\n"}, "id 'colours"),
        ({"task": "detection"}, "task 'detection'"),
        ({"labels": ("a",)}, "1 labels found, 2 to"),
        ({"labels": tuple(map(str, range(MAX_CLASSES + 1)))}, "labels found, 2 to"),
        ({"labels": ("a", "a")}, "two labels are alike"),
        ({"labels": ("a", "a"), "label_ids": ("n", "n")}, "two labels are alike"),
        ({"label_ids": ("n1",)}, "1 label ids found for 3 labels"),
        ({"state": "half"}, "state 'half'"),
        ({"scores": "certainty"}, "scores are called 'certainty'"),
        ({"outputs": {}}, "name no 'probabilities'"),
        ({"decision": Decision("coin")}, "rule 'coin'"),  # type: ignore[arg-type]
        ({"decision": Decision("threshold", 1, 0.5)}, "two labels"),
        (two(decision=Decision("threshold", 2, 0.5)), "positive class"),
        (two(decision=Decision("threshold", None, 0.5)), "positive class"),
        (two(decision=Decision("threshold", 1, None)), "between 0 and 1"),
        (two(decision=Decision("threshold", 1, 0.0)), "between 0 and 1"),
        (two(decision=Decision("threshold", 1, 1.0)), "between 0 and 1"),
        ({"files": GATED | {"../up": FileEntry("0", 0)}}, "not allowed"),
        ({"files": GATED | {"a/b/c/d/e": FileEntry("0", 0)}}, "not allowed"),
        ({"files": GATED | {"a\n": FileEntry("0", 0)}}, "not allowed"),
        ({"files": {}}, "no checksum for model.tflite"),
        ({"metrics": (Metric("accuracy", float("nan"), "d", "test", 10),)}, "'accuracy' is not a number"),
        ({"domain": GATE}, "no checksum for the domain gate's file"),
        ({"domain": replace(GATE, quantiles=(0.0,) * (QUANTILES - 1)), "files": GATED}, "rising order"),
        ({"domain": replace(GATE, quantiles=GATE.quantiles[::-1]), "files": GATED}, "rising order"),
        ({"domain": replace(GATE, quantiles=(*GATE.quantiles[:-1], float("inf"))), "files": GATED}, "in their range"),
        ({"domain": replace(GATE, refused=1.001), "files": GATED}, "in their range"),
        ({"domain": replace(GATE, refused=-0.001), "files": GATED}, "in their range"),
        ({"conformal": replace(SETS, rates=(), cutoffs=(), covered=(), sizes=())}, "error rates"),
        ({"conformal": replace(SETS, rates=(0.1, 0.05))}, "error rates"),
        ({"conformal": replace(SETS, rates=(0.1, 0.1))}, "error rates"),
        ({"conformal": replace(SETS, rates=(0.0, 0.1))}, "error rates"),
        ({"conformal": replace(SETS, rates=(0.1, 1.0))}, "error rates"),
        ({"conformal": replace(SETS, cutoffs=(0.3,))}, "1 cutoffs of answer sets found"),
        ({"conformal": replace(SETS, cutoffs=(-0.1, 0.3))}, "one from 0 to 1"),
        ({"conformal": replace(SETS, cutoffs=(0.3, 1.1))}, "one from 0 to 1"),
        ({"conformal": replace(SETS, covered=(0.9,))}, "coverage and sizes"),
        ({"conformal": replace(SETS, sizes=(1.0, 1.0, 1.0))}, "coverage and sizes"),
    ],
)
def test_every_fault_is_named(changes: dict[str, Any], word: str) -> None:
    with pytest.raises(StoreError, match=word) as refused:
        manifest(**changes)
    assert refused.value.kind == "bad-manifest"


def raw(**changes: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(manifest(domain=GATE, files=GATED, conformal=SETS).to_json())
    return found | changes


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"schema": 3}, "schema 3; this Fovea reads 2"),
        ({"schema": None}, "schema None"),
        ({"id": 3}, "'id' is not of type str"),
        ({"name": None}, "'name' is not of type str"),
        ({"task": 1}, "'task' is not of type str"),
        ({"version": "1"}, "'version' is not of type int"),
        ({"version": True}, "'version' is not of type int"),
        ({"activation": 1}, "'activation' is not of type str"),
        ({"medical": 0}, "'medical' is neither true nor false"),
        ({"metrics": {}}, "'metrics' is not a list"),
        ({"files": []}, "'files' is not an object"),
        ({"labels": "ab"}, "'labels' is not a list"),
        ({"labels": ["a", 1]}, "'labels' holds something that is no text"),
        ({"labels": ["a", ""]}, "'labels' holds something that is no text"),
        ({"label_ids": [1]}, "'label_ids' holds something that is no text"),
        ({"outputs": []}, "'outputs' is not an object of numbers"),
        ({"outputs": {"probabilities": -1}}, "'outputs' is not an object of numbers"),
        ({"outputs": {"probabilities": 0.0}}, "'outputs' is not an object of numbers"),
        ({"outputs": {"probabilities": 0, "map": -1}}, "'outputs' is not an object of numbers"),
        ({"outputs": {"probabilities": True}}, "'outputs' is not an object of numbers"),
        ({"surprise": 1}, "fields unknown: surprise"),
        ({"files": {"model.tflite": {"sha256": 1, "size": 0}}}, "files.model.tflite.sha256: int found, str expected"),
        ({"files": {"model.tflite": {"sha256": "", "size": True}}}, "size: bool found, int expected"),
        ({"files": {"model.tflite": {"sha256": ""}}}, "fields missing: size"),
        ({"preprocess": json.loads(manifest().to_json())["preprocess"] | {"height": 0}}, "preprocess: "),
        ({"metrics": [json.loads(METRIC) | {"value": 10**400}]}, "is too large"),
        ({"domain": asdict(GATE) | {"quantiles": [10**400] * QUANTILES}}, "is too large"),
        ({"decision": "argmax"}, "decision is not an object"),
        ({"domain": asdict(GATE) | {"quantiles": ["0"] * QUANTILES}}, "expected a list of numbers"),
        ({"domain": asdict(GATE) | {"quantiles": [True] * QUANTILES}}, "expected a list of numbers"),
        ({"domain": asdict(GATE) | {"quantiles": [float("inf")] * QUANTILES}}, "Infinity is no number"),
        ({"card": json.loads(manifest().to_json())["card"] | {"limits": [1]}}, "expected a list of texts"),
        ({"card": json.loads(manifest().to_json())["card"] | {"limits": "none"}}, "str found, tuple"),
    ],
)
def test_every_field_that_is_no_such_thing_is_named(change: dict[str, Any], word: str) -> None:
    with pytest.raises(StoreError, match=word) as refused:
        from_json(json.dumps(raw(**change)))
    assert refused.value.kind == ("newer-schema" if "schema" in change else "bad-manifest")


def test_schema_1_is_read_as_a_model_without_gate_and_sets() -> None:
    old = {name: value for name, value in raw(schema=1).items() if name not in ("domain", "conformal")}
    assert (from_json(json.dumps(old)).domain, from_json(json.dumps(old)).schema) == (None, SCHEMA_VERSION)
    with pytest.raises(StoreError, match="fields unknown: domain") as refused:
        from_json(json.dumps(old | {"domain": None}))
    assert refused.value.kind == "bad-manifest"


def test_what_is_no_description_is_refused() -> None:
    for text in ("", "{", "[]", "3", "[" * 100_000, b"\xff"):
        with pytest.raises(StoreError) as refused:
            from_json(text)
        assert refused.value.kind == "bad-manifest"
    made = manifest()
    fits = made.to_json() + " " * (MAX_MANIFEST_BYTES - len(made.to_json()))
    assert from_json(fits) == made
    with pytest.raises(StoreError, match="at most") as refused:
        from_json(fits + " ")
    assert refused.value.kind == "bad-manifest"


def test_what_is_not_said_is_not_claimed() -> None:
    """What a description holds that is made without them; in a file each has to be there."""
    assert (manifest().medical, manifest().label_ids, manifest().metrics) == (False, (), ())
    assert (manifest().domain, manifest().conformal, manifest().calibration, manifest().parity) == (None,) * 4
    assert Decision() == Decision("argmax", None, None, "")
    bare = Conformal("least", "validation", 9, (0.1,), (0.5,))
    assert (bare.checked_split, bare.checked, bare.covered, bare.sizes) == ("", 0, (), ())


def test_the_side_of_tiles_is_told_where_there_is_one_and_absent_elsewhere() -> None:
    """Descriptions of earlier versions do not say it, and earlier versions read what does not."""
    for side in (0, 32):
        known = manifest(conformal=replace(SETS, side=side))
        assert from_json(known.to_json()) == known
        assert ('"side"' in known.to_json()) == bool(side)
    with pytest.raises(StoreError, match="side"):
        from_json(manifest(conformal=replace(SETS, side=-1)).to_json())


def test_numbers_that_are_none_are_not_written() -> None:
    odd = manifest(metrics=(Metric("accuracy", 0.9, "d", "test", 10, low=float("nan")),))
    with pytest.raises(ValueError, match="not JSON compliant"):
        odd.to_json()


def test_a_manifest_is_checked_when_it_is_made_from_another() -> None:
    assert isinstance(manifest(), Manifest)
    with pytest.raises(StoreError):
        replace(manifest(), labels=("only one",))


@pytest.mark.parametrize("positive", [0, 1])
def test_an_answer_that_is_not_the_highest_score_is_told(positive: int) -> None:
    rule, scores = Decision("threshold", positive, 0.25), [0.0, 0.0]
    for own, overruled in ((0.3, True), (0.5, False), (0.6, False), (0.2, False)):
        scores[positive], scores[1 - positive] = own, 1 - own
        assert rule.overrules(scores) is overruled
    assert Decision("threshold", positive, 0.75).overrules([0.4, 0.6][:: 1 if positive else -1])
    assert not Decision().overrules([0.2, 0.8]) and not Decision().overrules([0.2, 0.3, 0.5])


def test_a_kept_figure_is_shown_as_a_measured_one() -> None:
    from desktop.core.figures.intervals import Estimate, shown

    kept = Metric("accuracy", 0.9, "data", "test", 40, 0.8, 0.95)
    assert kept.shown() == shown(Estimate(0.9, 0.8, 0.95, 40, hits=36))


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"name": "x" * (model_limits.MOST_NAME + 1)}, "'name'"),
        ({"labels": ("a", "b", "x" * (model_limits.MOST_LABEL + 1))}, "one of its 'labels'"),
        ({"files": {"model.tflite": FileEntry("0" * 64, model_limits.most_bytes("model.tflite") + 1)}}, "at most"),
    ],
)
def test_what_is_longer_or_larger_than_it_may_be_is_refused(changes: dict[str, Any], word: str) -> None:
    with pytest.raises(StoreError, match=word):
        manifest(**changes)
    exact = FileEntry("0" * 64, model_limits.most_bytes("model.tflite"))
    assert manifest(name="x" * model_limits.MOST_NAME, files={"model.tflite": exact}).name


def test_large_numbers_are_refused_where_they_are_none() -> None:
    with pytest.raises(StoreError, match="is too large"):
        from_json(json.dumps(raw(decision={"rule": 10**400, "positive": None, "value": None, "reason": ""})))
    largest = json.loads(METRIC) | {"low": 1.7976931348623157e308, "n": 10**12, "value": 1}
    assert from_json(json.dumps(raw(metrics=[largest]))).metrics[0].low == 1.7976931348623157e308


def test_of_few_pictures_a_card_s_share_is_written_in_counts_as_everywhere() -> None:
    """Runs said '5 of 5', the list of models '–'."""
    few = Metric("accuracy", 0.8, "mine", "validation", 5, 0.38, 0.96).shown()
    assert few.value is None and few.hits == 4 and few.reason.startswith("4 of 5")
    assert Metric("area under ROC", 0.8, "mine", "validation", 5, 0.38, 0.96).shown().hits is None
    assert Metric("accuracy", 0.8, "mine", "validation", 50, 0.67, 0.89).shown().value == 0.8
