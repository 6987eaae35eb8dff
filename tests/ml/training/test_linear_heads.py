"""Heads that are solved: what they are worth where the answer is known, and that no shortcut changes them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from desktop.ml.training.linear_heads import CANDIDATES, Candidate, scaling, solve, suiting_temperature


def clouds(count: int, size: int, classes: int, seed: int, apart: float = 3.0) -> tuple[np.ndarray, np.ndarray]:
    """Gaussian clouds with one covariance, not round: ``count`` rows of each class."""
    random = np.random.default_rng(seed)
    middles = np.random.default_rng(99).normal(0, 1, (classes, size)) * apart / np.sqrt(size)
    mix = np.random.default_rng(98).normal(0, 1, (size, size)) / np.sqrt(size)
    labels = np.repeat(np.arange(classes), count)
    return (random.normal(0, 1, (len(labels), size)) @ mix + middles[labels]).astype(np.float32), labels


@pytest.mark.parametrize("candidate", CANDIDATES, ids=str)
@pytest.mark.parametrize("classes", [2, 4])
def test_every_candidate_tells_clouds_apart(candidate: Candidate, classes: int) -> None:
    rows, labels = clouds(40, 20, classes, 1)
    head = solve(candidate, rows, labels, classes, (12, 8), balanced=True)
    fresh, truth = clouds(200, 20, classes, 2)
    right = float(((fresh @ head.kernel + head.bias).argmax(axis=1) == truth).mean())
    assert right > 0.9


def test_a_discriminant_is_the_same_by_pictures_and_by_features() -> None:
    # 30 rows of 20 features are solved by features, of 60 copied features by pictures: the same geometry.
    rows, labels = clouds(15, 20, 2, 3)
    wide = np.concatenate([rows, rows, rows], axis=1)
    narrow = solve(Candidate("discriminant", 0.3), np.tile(rows, (3, 1)), np.tile(labels, 3), 2, (20,), True)
    by_pictures = solve(Candidate("discriminant", 0.3), wide, labels, 2, (60,), True)
    fresh, _ = clouds(100, 20, 2, 4)
    one = (fresh @ narrow.kernel + narrow.bias).argmax(axis=1)
    other = (np.concatenate([fresh] * 3, axis=1) @ by_pictures.kernel + by_pictures.bias).argmax(axis=1)
    assert (one == other).mean() > 0.97


def test_shrunk_discriminants_follow_the_formula() -> None:
    rows, labels = clouds(50, 6, 3, 5)
    head = solve(Candidate("discriminant", 0.25), rows, labels, 3, (6,), balanced=True)
    mean, factor = scaling(rows, (6,))
    scaled = (rows - mean) * factor
    means = np.stack([scaled[labels == k].mean(axis=0) for k in range(3)])
    around = scaled - means[labels]
    covariance = around.T @ around / (len(rows) - 3)
    covariance = 0.75 * covariance + 0.25 * np.trace(covariance) / 6 * np.eye(6)
    inverse = np.linalg.inv(covariance)
    expected = scaled @ inverse @ means.T - 0.5 * np.einsum("kd,de,ke->k", means, inverse, means)
    found = rows @ head.kernel + head.bias
    # Functions that differ by one number a row give the same answers and the same probabilities.
    np.testing.assert_allclose(found - found[:, :1], expected - expected[:, :1], rtol=1e-6, atol=1e-6)


def test_rare_classes_count_alike_only_where_that_is_wanted() -> None:
    rows, labels = clouds(60, 5, 2, 6, apart=0.6)
    keep = np.concatenate([np.flatnonzero(labels == 0), np.flatnonzero(labels == 1)[:6]])
    rows, labels = rows[keep], labels[keep]
    fresh, truth = clouds(300, 5, 2, 7, apart=0.6)
    for kind in ("regression", "discriminant"):
        found = [
            (fresh @ head.kernel + head.bias).argmax(axis=1)[truth == 1].mean()
            for head in (solve(Candidate(kind, 0.5), rows, labels, 2, (5,), balanced=b) for b in (False, True))  # type: ignore[arg-type]
        ]
        assert found[1] > found[0] + 0.2


def test_a_class_without_pictures_is_never_the_answer() -> None:
    rows, labels = clouds(20, 10, 2, 8)
    for candidate in CANDIDATES[:2]:
        head = solve(candidate, rows, labels * 2, 3, (10,), balanced=True)  # none of class 1
        assert not ((rows @ head.kernel + head.bias).argmax(axis=1) == 1).any()
    alone = solve(CANDIDATES[0], rows[labels == 0], labels[labels == 0], 3, (10,), balanced=True)
    assert ((rows @ alone.kernel + alone.bias).argmax(axis=1) == 0).all()


@settings(max_examples=25, deadline=None)
@given(st.floats(1e-3, 1e3), st.integers(0, 1000))
def test_the_unit_of_a_part_does_not_matter(unit: float, seed: int) -> None:
    rows, labels = clouds(20, 12, 3, seed)
    other = rows.copy()
    other[:, 8:] *= unit
    one, two = (solve(Candidate("discriminant", 0.5), r, labels, 3, (8, 4), True) for r in (rows, other))
    np.testing.assert_allclose(
        rows @ one.kernel + one.bias, other @ two.kernel + two.bias, rtol=1e-2, atol=1e-2 * np.abs(one.bias).max()
    )


def test_a_temperature_follows_the_scale_and_never_promises_certainty() -> None:
    random = np.random.default_rng(9)
    labels = random.integers(0, 4, 300)
    logits = random.normal(0, 1, (300, 4))
    logits[np.arange(300), labels] += 1.5
    near = suiting_temperature(logits, labels)
    assert suiting_temperature(logits * 1000, labels) == pytest.approx(1000 * near, rel=1e-3)
    sure = np.eye(4)[labels] * 50.0
    scores = np.exp(sure / suiting_temperature(sure, labels))
    assert (scores.max(axis=1) / scores.sum(axis=1)).max() < 0.9999
