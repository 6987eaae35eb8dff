"""Filters of a first layer: read as they were written, shown by their shape."""

from __future__ import annotations

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
