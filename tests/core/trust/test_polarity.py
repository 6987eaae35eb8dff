"""The network that tells negatives: the same numbers whatever the batch, and drawn pictures told apart."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from desktop.core.trust import polarity
from desktop.core.types import StoreError

SAMPLES = Path(__file__).parents[3] / "resources" / "samples"


def test_one_picture_and_many_give_the_same() -> None:
    pictures = np.random.default_rng(1).integers(0, 256, (70, 32, 32, 3)).astype(np.uint8)
    found = polarity.odds(pictures)
    assert found.shape == (70,) and found.dtype == np.float32 and np.isfinite(found).all()
    np.testing.assert_allclose(found[68:], polarity.odds(pictures[68:]), rtol=1e-4, atol=1e-4)
    assert polarity.odds(pictures[:0]).shape == (0,)


def test_larger_inputs_are_reduced_to_the_mean_of_what_a_pixel_covers() -> None:
    pictures = np.random.default_rng(2).integers(0, 256, (2, 32, 32, 3)).astype(np.uint8)
    larger = pictures.repeat(3, axis=1).repeat(3, axis=2)
    np.testing.assert_allclose(polarity.odds(larger), polarity.odds(pictures), rtol=1e-4, atol=1e-4)
    assert polarity.odds(np.zeros((1, 20, 50, 3), np.uint8)).shape == (1,)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("size", [7, 8])
def test_a_convolution_is_that_of_keras(size: int, stride: int) -> None:
    keras = pytest.importorskip("keras")
    rng = np.random.default_rng(3)
    x, kernel = rng.normal(size=(2, size, size, 3)).astype(np.float32), rng.normal(size=(3, 3, 3, 5)).astype(np.float32)
    wanted = keras.ops.convert_to_numpy(keras.ops.conv(x, kernel, stride, "same"))
    np.testing.assert_allclose(polarity._convolved(x, kernel, stride), wanted, rtol=1e-4, atol=1e-4)


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "polarity.npz"
    broken.write_bytes(b"nothing")
    with pytest.raises(StoreError, match="polarity"):
        polarity.odds(np.zeros((1, 32, 32, 3), np.uint8), broken)
