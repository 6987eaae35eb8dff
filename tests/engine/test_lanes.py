"""The same network in several threads at once: equal answers, and only where memory allows."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from desktop.engine import model as engine_model
from desktop.engine.model import BATCH, LoadedModel
from desktop.store.store import ModelEntry, ModelStore
from tests.store.makers import add_colours


@pytest.fixture
def entry(tmp_path: Path) -> ModelEntry:
    store = ModelStore(tmp_path / "bundled", tmp_path / "user")
    add_colours(store)
    return store.require("colours")


def test_lanes_answer_as_the_one_network_does(entry: ModelEntry) -> None:
    model = LoadedModel(entry, threads=3)
    assert model.lanes == 3 and model.lane_call == BATCH
    pictures = np.random.default_rng(5).integers(0, 256, (7 * BATCH + 3, 8, 8, 3), np.uint8)
    parts = [pictures[start : start + BATCH] for start in range(0, len(pictures), BATCH)]
    with ThreadPoolExecutor(3) as pool:
        apart = np.concatenate(list(pool.map(model.predict_apart, parts)))
    np.testing.assert_allclose(apart, model.predict(pictures), atol=1e-6)
    model.close_lanes()
    np.testing.assert_allclose(model.predict_apart(parts[0]), apart[:BATCH], atol=1e-6)


def test_a_network_too_large_for_lanes_has_none(entry: ModelEntry, monkeypatch: pytest.MonkeyPatch) -> None:
    assert LoadedModel(entry, threads=1).lanes == 0
    assert entry.manifest is not None
    weights = 2 * entry.manifest.files["model.tflite"].size
    largest = LoadedModel(entry, threads=2)._main.runner(1).largest_bytes
    for each, call in ((16, 16), (15, 8), (4, 4), (3, 0)):
        monkeypatch.setattr(engine_model, "_LANES_BYTES", 2 * (weights + 3 * each * largest))
        model = LoadedModel(entry, threads=2)
        assert (model.lane_call, model.lanes) == (call, 2 if call else 0)
