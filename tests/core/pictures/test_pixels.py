"""Resampling and morphology, held against OpenCV's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from desktop.core.pictures import pixels

cv2 = pytest.importorskip("cv2")

side = st.integers(1, 90)


def noise(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(height * 1000 + width).random((height, width), dtype=np.float32)


@given(side, side, side, side)
@settings(max_examples=60, deadline=None)
def test_sizes(height: int, width: int, rows: int, columns: int) -> None:
    image = noise(height, width)
    small = (min(height, rows), min(width, columns))
    expected = cv2.resize(image, small[::-1], interpolation=cv2.INTER_AREA).reshape(small)
    assert np.allclose(pixels.shrink(image, *small), expected, atol=1e-5)
    large = (max(height, rows), max(width, columns))
    for cubic, method in ((True, cv2.INTER_CUBIC), (False, cv2.INTER_LINEAR)):
        expected = cv2.resize(image, large[::-1], interpolation=method).reshape(large)
        assert np.allclose(pixels.enlarge(image, *large, cubic=cubic), expected, atol=1e-4)


@given(side, side, st.integers(1, 30), st.booleans())
@settings(max_examples=60, deadline=None)
def test_discs(height: int, width: int, radius: int, edge: bool) -> None:
    image = noise(height, width)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    shape = pixels.disc(radius)
    # OpenCV's own default stands for 'nothing beyond the border'.
    options = {"borderType": cv2.BORDER_REPLICATE} if edge else {}
    assert np.array_equal(pixels.dilate(image, shape, edge), cv2.dilate(image, kernel, **options))
    assert np.array_equal(pixels.erode(image, shape, edge), cv2.erode(image, kernel, **options))


def test_squares_of_whole_numbers() -> None:
    mask = (noise(40, 50) > 0.95).astype(np.uint8)
    assert np.array_equal(pixels.dilate(mask, pixels.square(2)), cv2.dilate(mask, np.ones((5, 5), np.uint8)))
    assert pixels.erode(mask, pixels.square(2)).dtype == np.uint8


@given(st.lists(st.integers(0, 255), min_size=2, max_size=300))
@settings(max_examples=80, deadline=None)
def test_otsu(values: list[int]) -> None:
    image = np.array(values, np.uint8)
    level = pixels.otsu(image)
    best, _ = cv2.threshold(image.reshape(1, -1), 0, 255, cv2.THRESH_OTSU)

    def apart(threshold: float) -> float:
        low, high = image[image <= threshold], image[image > threshold]
        return len(low) * len(high) * (low.mean() - high.mean()) ** 2 if len(low) and len(high) else 0.0

    # Several levels may part the values equally well.
    assert apart(level) == pytest.approx(apart(best))
