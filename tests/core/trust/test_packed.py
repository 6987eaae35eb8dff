"""Arrays inside JSON: little-endian, at half precision where they are large, and read strictly."""

from __future__ import annotations

import base64
import json
import struct
from dataclasses import dataclass

import numpy as np
import pytest

from desktop.core.trust.packed import pack, read_fields, to_json, unpack


def data(*numbers: float, form: str = "f") -> str:
    return base64.b64encode(struct.pack(f"<{len(numbers)}{form}", *numbers)).decode()


def test_an_array_is_its_shape_and_its_bytes_lowest_first() -> None:
    assert pack(np.array([[1.5, -2.0]])) == {"shape": [1, 2], "type": "float32", "data": data(1.5, -2.0)}
    assert pack(np.array([[1.0, 2.0], [3.0, 4.0]]).T)["data"] == data(1.0, 3.0, 2.0, 4.0)
    assert unpack({"shape": [2, 1], "type": "float32", "data": data(1.5, -2.0)}).tolist() == [[1.5], [-2.0]]
    halves = unpack({"shape": [2], "type": "float16", "data": data(0.25, 3.0, form="e")})
    assert halves.tolist() == [0.25, 3.0] and halves.dtype == np.float32


def test_more_than_4096_numbers_are_kept_at_half_precision() -> None:
    assert pack(np.zeros(4096))["type"] == "float32"
    assert pack(np.zeros((4097, 1)))["type"] == "float16"


@pytest.mark.parametrize(
    "value",
    [
        {"shape": [1], "type": "float64", "data": base64.b64encode(bytes(8)).decode()},
        {"shape": [0], "type": "float32", "data": ""},
        {"shape": [2, 0], "type": "float32", "data": ""},
        {"shape": [-1], "type": "float32", "data": data(1.0)},  # NumPy would find the length itself
        {"shape": [2], "type": "float32", "data": data(1.0)},
        {"shape": [1], "type": "float32", "data": "!" + data(1.0)},
        {"shape": [1], "type": "float32", "data": data(float("inf"))},
        {"shape": [1], "type": "float32", "data": data(float("nan"))},
        {"shape": [2], "type": "float32", "data": data(float("nan"), 1.0)},
        {"shape": [1], "type": "float32"},
        {"shape": [1_000_001], "type": "float16", "data": base64.b64encode(bytes(2_000_002)).decode()},
    ],
)
def test_what_is_no_array_is_refused(value: dict[str, object]) -> None:
    with pytest.raises((ValueError, KeyError)):
        unpack(value)


def test_a_million_in_a_row_are_read() -> None:
    held = {"shape": [1_000_000], "type": "float16", "data": base64.b64encode(bytes(2_000_000)).decode()}
    assert unpack(held).shape == (1_000_000,)


@dataclass
class Two:
    """Fields as those of a gate."""

    weights: np.ndarray
    kinds: tuple[str, ...]


def test_fields_are_read_as_they_were_written_and_no_others() -> None:
    text = to_json(Two(np.ones((2, 3)), ("a", "b")), 7)
    raw = json.loads(text)
    assert text.endswith("}\n") and set(raw) == {"schema", "weights", "kinds"} and raw["schema"] == 7
    read = read_fields(raw, {"weights", "kinds"})
    assert set(read) == {"weights", "kinds"} and read["kinds"] == ["a", "b"] and read["weights"].shape == (2, 3)
    for other in ({"schema": 7, "weights": 1}, raw | {"more": 1}, {"weights": 1, "kinds": 2}):
        with pytest.raises(ValueError, match="other fields"):
            read_fields(other, {"weights", "kinds"})
