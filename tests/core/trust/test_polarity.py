"""The network that tells negatives: the same numbers whatever the batch, and drawn pictures told apart."""

from __future__ import annotations

import itertools
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


def same(x: np.ndarray, kernel: np.ndarray, stride: int) -> np.ndarray:
    """A 3×3 convolution of ``x`` (rows, rows, c) with zeros around it where Keras' ``same`` puts them: what is over, at
    the end."""
    side = -(-len(x) // stride)
    total = (side - 1) * stride + 3 - len(x)
    padded = np.pad(x, (*((total // 2, total - total // 2),) * 2, (0, 0)))
    places = range(0, side * stride, stride)
    return np.array([[np.tensordot(padded[r : r + 3, c : c + 3], kernel, 3) for c in places] for r in places])


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("size", [7, 8])
def test_a_convolution_is_the_sum_over_each_place(size: int, stride: int) -> None:
    rng = np.random.default_rng(3)
    x, kernel = rng.normal(size=(2, size, size, 3)).astype(np.float32), rng.normal(size=(3, 3, 3, 5)).astype(np.float32)
    wanted = np.stack([same(picture, kernel, stride) for picture in x])
    np.testing.assert_allclose(polarity._convolved(x, kernel, stride), wanted, rtol=1e-4, atol=1e-4)


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "polarity.npz"
    broken.write_bytes(b"nothing")
    with pytest.raises(StoreError, match="polarity"):
        polarity.odds(np.zeros((1, 32, 32, 3), np.uint8), broken)


def network(path: Path) -> tuple[list[tuple[np.ndarray, np.ndarray]], np.ndarray, float]:
    """Five small layers, the last bias and weights such that no rectifier hides a sign."""
    rng = np.random.default_rng(5)
    widths = (3, 2, 3, 2, 3, 2)
    layers = [
        (rng.normal(size=(3, 3, a, b)).astype(np.float32), rng.normal(size=b).astype(np.float32))
        for a, b in itertools.pairwise(widths)
    ]
    weights, bias = rng.normal(size=2).astype(np.float32), 0.75
    arrays = {f"kernel{i}": kernel for i, (kernel, _) in enumerate(layers)}
    arrays |= {f"offset{i}": offset for i, (_, offset) in enumerate(layers)}
    np.savez(path, **arrays, weights=weights, bias=np.float32(bias))  # type: ignore[arg-type]
    return layers, weights, bias


def test_the_network_is_convolutions_rectifiers_a_mean_and_one_unit(tmp_path: Path) -> None:
    layers, weights, bias = network(tmp_path / "own.npz")
    pictures = np.random.default_rng(6).integers(0, 256, (5, 32, 32, 3)).astype(np.uint8)
    found = polarity.odds(pictures, tmp_path / "own.npz")
    assert polarity.STRIDES == (1, 2, 1, 2, 2) and polarity.SIDE == 32
    for picture, odds in zip(pictures, found, strict=True):
        x = picture.astype(np.float64) / 127.5 - 1
        for (kernel, offset), stride in zip(layers, polarity.STRIDES, strict=True):
            x = np.maximum(same(x, kernel, stride) + offset, 0)
        assert odds == pytest.approx(x.mean(axis=(0, 1)) @ weights + bias, rel=1e-3)


@pytest.mark.parametrize("lacking", ["kernel4", "offset0", "weights", "bias"])
def test_a_network_that_lacks_a_part_is_damaged(lacking: str, tmp_path: Path) -> None:
    network(tmp_path / "own.npz")
    with np.load(tmp_path / "own.npz") as held:
        arrays = {name: held[name] for name in held.files if name != lacking}
    np.savez(tmp_path / "less.npz", **arrays)  # type: ignore[arg-type]
    with pytest.raises(StoreError) as refused:
        polarity.odds(np.zeros((1, 32, 32, 3), np.uint8), tmp_path / "less.npz")
    assert refused.value.kind == "damaged"
    with pytest.raises(StoreError):
        polarity.odds(np.zeros((1, 32, 32, 3), np.uint8), tmp_path / "none.npz")


def test_an_empty_or_a_cut_file_is_damaged(tmp_path: Path) -> None:
    network(tmp_path / "own.npz")
    whole = (tmp_path / "own.npz").read_bytes()
    for number, part in enumerate((b"", whole[:100], whole[:-40])):
        path = tmp_path / f"{number}.npz"  # a network that was read once is kept
        path.write_bytes(part)
        with pytest.raises(StoreError, match="missing or broken") as refused:
            polarity.odds(np.zeros((1, 32, 32, 3), np.uint8), path)
        assert refused.value.kind == "damaged" and refused.value.hint == "Install Fovea again."


def test_a_network_that_holds_objects_is_damaged(tmp_path: Path) -> None:
    """Objects are built by code that a file names; they are never read."""
    network(tmp_path / "own.npz")
    with np.load(tmp_path / "own.npz") as held:
        arrays = {name: held[name] for name in held.files}
    np.savez(tmp_path / "objects.npz", **{**arrays, "bias": np.array(0.75, object)})  # type: ignore[arg-type]
    with pytest.raises(StoreError, match="missing or broken"):
        polarity.odds(np.zeros((1, 32, 32, 3), np.uint8), tmp_path / "objects.npz")
