"""The trained models that come with Fovea: what their papers say holds, and they read what users draw."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from desktop import paths
from desktop.engine.model import LoadedModel
from desktop.ml.data.public_sets import load_split
from desktop.ml.plans import plan
from desktop.store.store import ModelStore
from tests.ml.packaging.digit_styles import measure

FLOORS = {"mnist-digits": 0.9965, "cifar10": 0.90, "chest-xray-pneumonia": 0.94}
LARGEST = {"mnist-digits": 2_000_000, "cifar10": 12_000_000, "chest-xray-pneumonia": 12_000_000}


@pytest.fixture(scope="module")
def store() -> ModelStore:
    """The bundled models alone."""
    return ModelStore(user=Path("no-such-folder"))


def evaluation(store: ModelStore, model_id: str) -> dict[str, Any]:
    """The stored figures on the official test split."""
    found: dict[str, Any] = json.loads((store.require(model_id).folder / "evaluation.json").read_text("utf-8"))
    return found


@pytest.mark.parametrize("model_id", FLOORS)
def test_files_papers_and_figures(store: ModelStore, model_id: str) -> None:
    entry = store.require(model_id)
    manifest = entry.manifest
    assert manifest is not None
    assert all(check.verdict == "ok" for check in store.verify(model_id))
    assert manifest.files["model.tflite"].size <= LARGEST[model_id]
    assert manifest.parity is not None and manifest.parity.n >= 200 and manifest.parity.largest_difference < 1e-5
    found = evaluation(store, model_id)
    assert found["split"] == "test" and found["accuracy"] >= FLOORS[model_id]
    assert sum(map(sum, found["confusion"])) == found["n"]
    assert {"model.keras", "history.csv", "evaluation.json", "selftest/expected.json"} <= manifest.files.keys()
    assert manifest.card.intended_use and manifest.card.limits and manifest.card.known_failures
    recipe = plan.load(paths.resources() / "recipes" / f"{model_id}.json")
    assert plan.from_json(json.dumps(manifest.provenance.plan)) == recipe
    assert manifest.calibration is not None and manifest.calibration.split == "validation"


def test_the_medical_model_says_what_it_is_not(store: ModelStore) -> None:
    manifest = store.require("chest-xray-pneumonia").manifest
    assert manifest is not None and manifest.medical and manifest.scores == "model score"
    assert "not a medical device" in manifest.card.notice and "not a diagnosis" in manifest.card.notice
    assert manifest.decision.rule == "threshold" and "validation" in manifest.decision.reason
    assert evaluation(store, "chest-xray-pneumonia")["auc"] >= 0.985


@pytest.mark.slow
def test_digits_in_other_hands_pens_and_fonts(store: ModelStore) -> None:
    found = measure(store.require("mnist-digits").folder, repeats=1)
    right, total = sum(r for r, _, _ in found.values()), sum(t for _, t, _ in found.values())
    assert right / total >= 0.97, found


@pytest.mark.parametrize("model_id", ["mnist-digits", "chest-xray-pneumonia"])
def test_stored_figures_are_measured_again(store: ModelStore, model_id: str, shared_data: Path) -> None:
    entry = store.require(model_id)
    manifest = entry.manifest
    assert manifest is not None
    recipe = plan.load(paths.resources() / "recipes" / f"{model_id}.json")
    pictures = load_split(recipe, "test", shared_data)
    scores = LoadedModel(entry).predict(pictures.images)
    answers = np.array([manifest.decision.choose(row) for row in scores])
    stored = evaluation(store, model_id)["accuracy"]
    # One picture may sit on the edge and fall the other way on another processor.
    assert abs(float((answers == pictures.labels).mean()) - stored) * len(pictures) <= 1.5
