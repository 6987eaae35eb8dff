"""Filters of a first layer: read as they were written, shown by their shape."""

from __future__ import annotations

import json

import numpy as np
import pytest

from desktop.core.trust.first_layer import from_json, tiles, to_json
from desktop.core.types import StoreError


def test_filters_are_read_as_they_were_written() -> None:
    kernel = np.random.default_rng(0).normal(size=(5, 4, 3, 7)).astype(np.float32)
    np.testing.assert_array_equal(from_json(to_json(kernel)), kernel)


def test_a_tile_shows_the_sign_and_the_place_of_each_weight() -> None:
    kernel = np.zeros((2, 2, 1, 3), np.float32)
    kernel[0, 1, 0, 0], kernel[1, 0, 0, 1] = 0.5, -4.0
    shown = tiles(kernel)
    assert shown.shape == (3, 2, 2, 1) and shown.dtype == np.uint8
    assert shown[0, 0, 1, 0] == 255 and shown[1, 1, 0, 0] == 0
    assert (shown[2] == 128).all()


@pytest.mark.parametrize("text", ["", "{}", "[]", to_json(np.zeros((2, 2, 5, 3))), to_json(np.zeros((2, 2)))])
def test_what_holds_no_filters_is_refused(text: str) -> None:
    with pytest.raises(StoreError):
        from_json(text)


def test_grey_and_colour_are_taken_and_another_schema_or_field_is_not() -> None:
    for channels in (1, 3):
        assert from_json(to_json(np.ones((2, 2, channels, 4)))).shape == (2, 2, channels, 4)
    for channels in (2, 4):
        with pytest.raises(StoreError, match="shape"):
            from_json(to_json(np.ones((2, 2, channels, 4))))
    whole = json.loads(to_json(np.ones((2, 2, 1, 4))))
    for changed in (whole | {"schema": 2}, whole | {"more": 1}, {"schema": 1}):
        with pytest.raises(StoreError) as refused:
            from_json(json.dumps(changed))
        assert refused.value.kind == "damaged"
    assert whole["schema"] == 1 and to_json(np.ones((1, 1, 1, 1))).endswith("}\n")


def test_each_tile_is_scaled_by_its_own_largest_weight() -> None:
    kernel = np.array([[[[1.0, 100.0]], [[-0.5, 25.0]]]], np.float32)  # one row, two columns, two filters
    assert tiles(kernel)[..., 0].tolist() == [[[255, 64]], [[255, 159]]]
