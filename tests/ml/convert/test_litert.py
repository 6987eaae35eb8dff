"""The exported file run on many pictures: what is not read is not kept."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from desktop import paths
from desktop.core.types import PreprocessSpec
from desktop.ml.convert.litert import LiteRT
from desktop.ml.data.public_sets import Pictures
from desktop.ml.packaging import confidence

OUTPUTS = {"probabilities": 1, "embedding": 0, "map": 2}


class Watched(LiteRT):
    """Notes for how many pictures which outputs were asked for."""

    def __init__(self) -> None:
        super().__init__(paths.bundled_models() / "mnist-digits" / "model.tflite", 1)
        self.asked: list[tuple[int, tuple[int, ...] | None]] = []

    def run(
        self,
        images: np.ndarray,
        batch: int = 64,
        only: tuple[int, ...] | None = None,  # type: ignore[override]
    ) -> list[np.ndarray]:
        self.asked.append((len(images), only))
        return super().run(images, batch, only)


def digits(count: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, 28, 28, 1), dtype=np.uint8)


def test_outputs_are_given_by_position_and_only_those_are_kept() -> None:
    lite, images = Watched(), digits(300)
    whole = lite.run(images)
    assert lite.bytes_each == sum(part[0].nbytes for part in whole)
    last_map, scores = lite.run(images, only=(2, 1))
    np.testing.assert_array_equal(last_map, whole[2])
    np.testing.assert_array_equal(scores, whole[1])
    del whole, last_map
    tracemalloc.start()
    try:
        lite.run(images, only=(1,))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 0.1 * len(images) * lite.bytes_each


def test_fewer_are_looked_at_together_where_the_maps_are_large() -> None:
    lite = LiteRT(paths.bundled_models() / "mnist-digits" / "model.tflite", 1)
    assert lite._most > 1000
    images = digits(10)
    usual = lite.run(images, only=(1,))
    lite._most = 3  # as for a network of large maps
    (few,) = lite.run(images, only=(1,))
    assert lite._size == 2 and np.allclose(few, usual[0], atol=1e-6)


def test_all_pictures_at_once_are_asked_for_their_scores_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    lite, images = Watched(), digits(90)
    labels = np.arange(90) % 10
    pictures = Pictures(images, labels, tuple(f"{i}.png" for i in range(90)))
    each = lite.bytes_each + 4 * 28 * 28
    monkeypatch.setattr("desktop.ml.packaging.gate_pictures._PIECE_BYTES", 40 * each)
    found = confidence.fit(lite, OUTPUTS, PreprocessSpec(28, 28, "grey", "mnist"), pictures, pictures, 0)
    assert found.gate is not None and found.conformal.n == 90
    assert lite.asked[0] == (90, (1,))
    assert all(n <= 32 for n, only in lite.asked if only is None)
