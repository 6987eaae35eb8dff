"""Maps: exact where they claim to be, and drawn where the network looked."""

from __future__ import annotations

import json

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


def test_a_head_is_refused_for_whatever_it_lacks() -> None:
    whole = json.loads(Head(np.ones((3, 2), np.float32), "average").to_json())
    assert whole["schema"] == 1 and Head(np.ones((1, 1), np.float32), "average").to_json().endswith("}\n")
    vector = json.loads(Head(np.ones(3, np.float32), "average").to_json())["kernel"]
    for changed in (
        whole | {"schema": 2},
        whole | {"more": 1},
        whole | {"pooling": "most"},
        whole | {"kernel": vector},
    ):
        with pytest.raises(StoreError) as refused:
            head_from_json(json.dumps(changed))
        assert refused.value.kind == "damaged"


def test_where_several_places_are_alike_a_feature_counts_once() -> None:
    heat = class_map(np.ones((2, 2, 1), np.float32), Head(np.array([[3.0, 1.0]], np.float32), "maximum"), 0)
    assert heat.tolist() == [[1.0, 0.0], [0.0, 0.0]]


@pytest.mark.parametrize(
    ("size", "spec", "box"),
    [
        ((100, 50), PreprocessSpec(25, 25, "grey", "stretch"), (0, 0, 1, 1)),
        ((100, 50), PreprocessSpec(25, 25, "grey", "center_crop"), (0.25, 0, 0.75, 1)),
        ((100, 50), PreprocessSpec(25, 25, "grey", "center_crop", "area", 50), (0.375, 0.25, 0.625, 0.75)),
        ((50, 100), PreprocessSpec(25, 25, "grey", "center_crop", "area", 50), (0.25, 0.375, 0.75, 0.625)),
        ((100, 50), PreprocessSpec(25, 25, "grey", "letterbox"), (0, -0.5, 1, 1.5)),
        ((50, 100), PreprocessSpec(20, 40, "grey", "letterbox"), (-1.5, 0, 2.5, 1)),
    ],
)
def test_where_the_input_lies(size: tuple[int, int], spec: PreprocessSpec, box: tuple[float, ...]) -> None:
    assert seen_box(size, spec) == pytest.approx(box)


def test_levels_take_what_is_no_number_for_nothing() -> None:
    assert levels(np.array([[np.nan, 2.0], [-1.0, 1.0]], np.float32)).tolist() == [[0.0, 1.0], [0.0, 0.5]]
    assert levels(np.array([[0.25, 0.5]], np.float32)).tolist() == [[0.5, 1.0]]
    assert levels(np.zeros((0, 3), np.float32)).shape == (0, 3) and not levels(np.full((2, 2), -1.0)).any()


def test_colours_go_evenly_through_the_stops_and_fade_in_over_the_lower_half() -> None:
    """Where the map has one value the layer has one colour: at the six stops, and halfway between two."""
    for level, rgb, alpha in (
        (0.0, (20, 8, 48), 0), (0.1, (56, 15, 79), 51), (0.2, (92, 22, 110), 102), (0.4, (170, 42, 96), 204),
        (0.5, (198, 64, 74), 255), (0.6, (226, 86, 52), 255), (0.8, (250, 158, 32), 255), (1.0, (252, 240, 140), 255),
    ):  # fmt: skip
        heat = np.full((1, 40), level, np.float32)
        heat[0, -1] = 1.0  # what the others are relative to
        assert colours(heat, 40, 1)[0, 5].tolist() == [*rgb, alpha], level
    edge = colours(np.array([[1.0, 1.0, 0.0, 0.0]], np.float32), 40, 4)  # a curve through such values overshoots
    assert edge[..., :3].max(axis=(0, 1)).tolist() == [252, 240, 140]


def test_an_overlay_mixes_by_opacity_and_darkens_the_rest_to_45_percent() -> None:
    picture = np.full((10, 20), 100, np.uint8)
    heat = np.ones((2, 2), np.float32)
    drawn = overlay(picture, heat, (0.5, 0.2, 1.0, 0.8), 0.5)
    assert drawn[5, 15].tolist() == [176, 170, 120]  # half the picture, half the brightest stop
    assert drawn[5, 10].tolist() == drawn[2, 15].tolist() == drawn[7, 19].tolist() == [176, 170, 120]
    for row, column in ((5, 9), (1, 15), (8, 15), (0, 0)):
        assert drawn[row, column].tolist() == [45, 45, 45]
    assert overlay(picture, heat, (0, 0, 1, 1), 0.0).tolist() == np.repeat(picture[..., None], 3, axis=2).tolist()
    thin = overlay(picture, heat, (0.5, 0.5, 0.5, 0.5), 1.0)
    assert thin[5, 10].tolist() == [252, 240, 140] and (thin == 45).all(axis=2).sum() == 199  # never less than a pixel


def test_a_faint_place_is_mixed_in_by_its_own_share_of_the_opacity() -> None:
    heat = np.full((1, 40), 0.1, np.float32)
    heat[0, -1] = 1.0
    drawn = overlay(np.full((1, 40), 100, np.uint8), heat, (0, 0, 1, 1), 0.25)
    assert drawn[0, 5].tolist() == [98, 96, 99]  # a twentieth of (56, 15, 79)


def test_a_map_is_drawn_the_same_whatever_lies_around_its_box() -> None:
    rng = np.random.default_rng(4)
    picture, heat = rng.integers(0, 256, (20, 20, 3)).astype(np.uint8), rng.random((3, 5)).astype(np.float32)
    part = overlay(picture[4:16, 10:], heat, (0, 0, 1, 1), 0.6)
    np.testing.assert_array_equal(overlay(picture, heat, (0.5, 0.2, 1, 0.8), 0.6)[4:16, 10:], part)
    whole = overlay(picture, heat, (0, 0, 1, 1), 0.6)
    np.testing.assert_array_equal(overlay(picture[5:15, 5:15], heat, (-0.5, -0.5, 1.5, 1.5), 0.6), whole[5:15, 5:15])
