"""Limits of models' parts: what has as much as is allowed is taken, one more is refused and named."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from desktop.store import model_limits
from desktop.store.manifest import Calibration, Metric
from desktop.store.model_limits import most_bytes, problem_of_files, problem_of_texts
from tests.core.figures.makers import store

MIB = 1024 * 1024
GIB = 1024 * MIB


@pytest.fixture
def described(tmp_path: Path) -> Any:
    """A description whose fields may be set to anything; the real one checks itself."""
    manifest = store(tmp_path).require("colours").manifest
    assert manifest is not None
    return SimpleNamespace(**{field.name: getattr(manifest, field.name) for field in fields(manifest)})


def test_each_file_of_a_model_has_its_limit() -> None:
    assert {name: most_bytes(name) for name in ("model.keras", "model.tflite", "history.csv", "evaluation.json")} == {
        "model.keras": 8 * GIB, "model.tflite": 2 * GIB, "history.csv": 4 * MIB, "evaluation.json": 16 * MIB,
    }  # fmt: skip
    assert {name: most_bytes(name) for name in ("domain.json", "second.json", "head.json", "filters.json")} == {
        "domain.json": 64 * MIB, "second.json": 4 * MIB, "head.json": 256 * MIB, "filters.json": 16 * MIB,
    }  # fmt: skip
    assert most_bytes("selftest/input.png") == 16 * MIB and model_limits.MOST_FILES == 400


def test_a_file_of_its_limit_is_taken_and_one_byte_more_is_not() -> None:
    assert problem_of_files({"history.csv": 4 * MIB, "other": 16 * MIB}) is None
    assert problem_of_files({"other": 16 * MIB + 1, "history.csv": 4 * MIB + 1}) == (
        "'history.csv' has 4,194,305 bytes, at most 4,194,304 expected"
    )
    assert str(problem_of_files({"n" * 80: 16 * MIB + 1})).startswith(f"'{'n' * 60}' has 16,777,217 bytes")
    assert problem_of_files({str(number): 1 for number in range(400)}) is None
    assert problem_of_files({str(number): 1 for number in range(401)}) == "401 files found, at most 400 expected"


@pytest.mark.parametrize("name", ["name", "activation"])
def test_names_have_up_to_200_characters_of_text(name: str, described: Any) -> None:
    setattr(described, name, "n" * 200)
    assert problem_of_texts(described) is None
    setattr(described, name, "n" * 201)
    assert problem_of_texts(described) == (
        f"'{name}' has 201 characters, at most 200 expected ('nnnnnnnnnnnnnnnnnnnnnnnn…')"
    )
    setattr(described, name, "line\nbreak")
    assert problem_of_texts(described) == f"'{name}' holds characters that are no text"


@pytest.mark.parametrize("name", ["labels", "label_ids"])
def test_labels_have_up_to_300_characters_of_text(name: str, described: Any) -> None:
    setattr(described, name, ("a", "n" * 300))
    assert problem_of_texts(described) is None
    setattr(described, name, ("a", "n" * 301))
    assert str(problem_of_texts(described)).startswith(f"one of its '{name}' has 301 characters, at most 300 expected")
    setattr(described, name, ("a", "\0"))
    assert problem_of_texts(described) == f"one of its '{name}' holds characters that are no text"


def test_lists_have_their_limits(described: Any) -> None:
    metric = Metric("accuracy", 0.9, "data", "test", 100)
    card, provenance = described.card, described.provenance
    described.metrics = (metric,) * 500
    assert problem_of_texts(described) is None
    described.metrics = (metric,) * 501
    assert problem_of_texts(described) == "501 metrics found, at most 500 expected"
    described.metrics = ()
    described.provenance = replace(provenance, versions={str(number): "1" for number in range(200)})
    assert problem_of_texts(described) is None
    described.provenance = replace(provenance, versions={str(number): "1" for number in range(201)})
    assert problem_of_texts(described) == "201 versions found, at most 200 expected"
    described.provenance = provenance
    described.card = replace(card, limits=("a limit",) * 100)
    assert problem_of_texts(described) is None
    described.card = replace(card, limits=("a limit",) * 101)
    assert problem_of_texts(described) == "card.limits: 101 sentences found, at most 100 expected"


@pytest.mark.parametrize("count", [4000, 4001])
def test_every_text_has_up_to_4000_characters(count: int, described: Any) -> None:
    long = "t" * count
    metric = Metric("accuracy", 0.9, "data", "test", 100)
    plain = vars(described).copy()
    calibration = Calibration(1.0, "validation", 10, 0.1, 0.1)
    changes: list[dict[str, Any]] = [
        *({"metrics": (replace(metric, **{name: long}),)} for name in ("name", "data", "split")),
        {"decision": replace(plain["decision"], reason=long)},
        *(
            {"provenance": replace(plain["provenance"], **{name: long})}
            for name in ("data", "data_licence", "fingerprint", "device", "created", "parent")
        ),
        {"provenance": replace(plain["provenance"], versions={long: "1"})},
        {"provenance": replace(plain["provenance"], versions={"numpy": long})},
        {"calibration": replace(calibration, split=long)},
    ]
    for change in changes:
        found = problem_of_texts(SimpleNamespace(**{**plain, **change}))
        assert (found is None) is (count == 4000), change.keys()
        if found is not None:
            assert found.startswith("a text has 4,001 characters, at most 4,000 expected")
    for field in ("summary", "limits"):
        card = replace(plain["card"], **{field: (long,) if field == "limits" else long})
        found = problem_of_texts(SimpleNamespace(**{**plain, "card": card}))
        assert (found is None) is (count == 4000) and (found or f"card.{field} has").startswith(f"card.{field} has")
