"""Maps: exact where they claim to be, and drawn where the network looked."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from desktop.core.pictures.preprocess import prepare
from desktop.core.trust.saliency import Head, class_map, colours, head_from_json, levels, overlay, seen_box
from desktop.core.types import PreprocessSpec, StoreError


@pytest.mark.parametrize("pooling", ["average", "maximum"])
def test_the_places_of_a_class_map_sum_to_the_classs_logit_above_the_mean(pooling: str) -> None:
    rng = np.random.default_rng(1)
    last_map, kernel = rng.normal(size=(4, 5, 7)).astype(np.float32), rng.normal(size=(7, 3)).astype(np.float32)
    pooled = last_map.mean(axis=(0, 1)) if pooling == "average" else last_map.max(axis=(0, 1))
    logits = pooled @ kernel
    for index in range(3):
        heat = class_map(last_map, Head(kernel, pooling), index)  # type: ignore[arg-type]
        assert heat.shape == (4, 5)
        assert heat.sum() == pytest.approx(logits[index] - logits.mean(), abs=1e-5)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(20, 400),
    st.integers(20, 400),
    st.sampled_from(["stretch", "center_crop", "letterbox"]),
    st.booleans(),
    st.integers(0, 3),
)
def test_a_spot_lies_where_the_box_says(width: int, height: int, fit: str, shorter: bool, corner: int) -> None:
    resize = 40 if shorter and fit == "center_crop" else None
    spec = PreprocessSpec(32, 24, "grey", fit, "area", resize)  # type: ignore[arg-type]
    box = seen_box((width, height), spec)
    assert box is not None
    # A bright spot in the seen part of the picture must turn up at the same place of the input.
    left, top = max(box[0], 0.0), max(box[1], 0.0)
    right, bottom = min(box[2], 1.0), min(box[3], 1.0)
    x = left + (right - left) * (0.25 if corner % 2 else 0.75)
    y = top + (bottom - top) * (0.25 if corner < 2 else 0.75)
    picture = np.zeros((height, width), np.uint8)
    radius_x, radius_y = max(1, int((right - left) * width / 10)), max(1, int((bottom - top) * height / 10))
    cy, cx = int(y * height), int(x * width)
    picture[max(0, cy - radius_y) : cy + radius_y, max(0, cx - radius_x) : cx + radius_x] = 255
    seen = prepare(picture, spec).pixels[..., 0].astype(np.float64)
    rows, columns = np.mgrid[0:32, 0:24]
    found_y = (seen * (rows + 0.5)).sum() / seen.sum() / 32
    found_x = (seen * (columns + 0.5)).sum() / seen.sum() / 24
    assert found_x == pytest.approx((x - box[0]) / (box[2] - box[0]), abs=0.1)
    assert found_y == pytest.approx((y - box[1]) / (box[3] - box[1]), abs=0.1)


def test_ink_has_no_box() -> None:
    assert seen_box((100, 80), PreprocessSpec(28, 28, "grey", "mnist")) is None


def test_only_what_speaks_for_the_class_is_coloured() -> None:
    heat = np.array([[-1.0, 0.0], [0.5, 1.0]], np.float32)
    np.testing.assert_allclose(levels(heat), [[0, 0], [0.5, 1]])
    layer = colours(heat, 40, 40)
    assert layer.shape == (40, 40, 4) and layer[2, 2, 3] == 0 and layer[37, 37, 3] > 200
    assert not colours(-np.ones((2, 2), np.float32), 8, 8)[..., 3].any()


def test_an_overlay_changes_the_hot_place_and_darkens_what_was_not_seen() -> None:
    picture = np.full((60, 100, 3), 120, np.uint8)
    heat = np.zeros((4, 4), np.float32)
    heat[0, 0] = 1
    drawn = overlay(picture, heat, (0.2, 0.0, 0.8, 1.0), 0.8)
    assert drawn.shape == (60, 100, 3)
    assert (drawn[:, :18] < 60).all() and (drawn[50, 70] == 120).all()
    assert abs(drawn[4, 24].astype(int) - 120).max() > 40
    assert Image.fromarray(drawn).size == (100, 60)


def test_a_padded_box_may_lie_beyond_the_picture() -> None:
    drawn = overlay(np.zeros((20, 40), np.uint8), np.ones((2, 2), np.float32), (0.0, -0.5, 1.0, 1.5), 1.0)
    assert drawn.shape == (20, 40, 3) and drawn.any()


@pytest.mark.parametrize("text", ["", "{}", '{"schema": 1, "pooling": "none", "kernel": {}}', "[1]"])
def test_what_is_no_head_is_refused(text: str) -> None:
    with pytest.raises(StoreError):
        head_from_json(text)


def test_a_head_is_read_as_it_was_written() -> None:
    head = Head(np.arange(6, dtype=np.float32).reshape(3, 2), "maximum")
    read = head_from_json(head.to_json())
    np.testing.assert_array_equal(read.kernel, head.kernel)
    assert read.pooling == "maximum"
