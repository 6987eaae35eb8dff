"""Own pictures disturbed: still the same pictures, of the same form, each time the same."""

from __future__ import annotations

import numpy as np
import pytest

from desktop.core.pictures.preprocess import prepare
from desktop.core.types import PreprocessSpec
from desktop.ml.data import disturbed
from tests.core.pictures.test_mnist_layout import alike, seven

DIGITS = PreprocessSpec(28, 28, "grey", "mnist")


def wave(side: int, channels: int) -> np.ndarray:
    """A soft pattern with detail in all directions, uint8 (side, side, channels)."""
    y, x = np.mgrid[0:side, 0:side] / side
    grey = 127 + 60 * np.sin(9 * x + 4 * y) + 40 * np.cos(6 * y * x) + 9 * np.sin(99 * x)
    return np.repeat(np.clip(grey, 0, 255).astype(np.uint8)[..., None], channels, axis=2)


@pytest.mark.parametrize("kind", disturbed.KINDS)
@pytest.mark.parametrize(("side", "channels"), [(32, 3), (160, 1), (160, 3)])
def test_a_disturbed_picture_is_another_one_but_shows_the_same(kind: str, side: int, channels: int) -> None:
    picture = wave(side, channels)
    spec = PreprocessSpec(side, side, "grey" if channels == 1 else "rgb", "stretch")
    made = disturbed.copies(np.stack([picture] * 8), kind, spec, np.random.default_rng(1))
    assert made.shape == (8, side, side, channels) and made.dtype == np.uint8
    assert sum((copy != picture).any() for copy in made) > 6  # a size may happen to stay
    for copy in made:
        assert np.corrcoef(copy.ravel(), picture.ravel())[0, 1] > 0.75
    again = disturbed.copies(np.stack([picture] * 8), kind, spec, np.random.default_rng(1))
    np.testing.assert_array_equal(made, again)


def test_small_pictures_get_no_text() -> None:
    assert "text" not in disturbed.kinds_for(DIGITS)
    assert "text" in disturbed.kinds_for(PreprocessSpec(64, 80, "grey", "stretch"))


def test_negatives_are_of_digits_alone() -> None:
    """Of other pictures a negative is another picture; of a digit, whose ink is found, it is the same one."""
    assert disturbed.NEGATIVE in disturbed.kinds_for(DIGITS)
    assert disturbed.NEGATIVE not in disturbed.kinds_for(PreprocessSpec(64, 80, "grey", "stretch"))
    assert disturbed.NEGATIVE not in disturbed.kinds_for(PreprocessSpec(28, 28, "grey", "stretch"))


@pytest.mark.parametrize("kind", disturbed.kinds_for(DIGITS))
def test_a_digit_stays_the_digit(kind: str) -> None:
    digit = prepare(np.asarray(seven()), DIGITS).pixels
    for copy in disturbed.copies(np.stack([digit] * 6), kind, DIGITS, np.random.default_rng(2)):
        assert alike(copy[..., 0], digit[..., 0]) > 0.85
