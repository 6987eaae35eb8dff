"""Small arrays of numbers inside JSON files that lie beside a model: read strictly, whatever the file says."""

from __future__ import annotations

import base64
import json
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_TYPES = ("float16", "float32")
_LONGEST = 1_000_000


def pack(array: np.ndarray) -> dict[str, Any]:
    """A float array as JSON values; one of more than 4,096 numbers at half precision, a smaller one at single."""
    kind = np.float16 if array.size > 4096 else np.float32
    data = np.ascontiguousarray(array, np.dtype(kind).newbyteorder("<")).tobytes()
    return {
        "shape": list(array.shape),
        "type": np.dtype(kind).name,
        "data": base64.b64encode(data).decode("ascii"),
    }


def to_json(numbers: DataclassInstance, schema: int) -> str:
    """The fields of a dataclass and its ``schema`` as JSON text with a final newline, arrays packed."""
    values: dict[str, Any] = {"schema": schema}
    for field in fields(numbers):
        value = getattr(numbers, field.name)
        values[field.name] = pack(value) if isinstance(value, np.ndarray) else value
    return json.dumps(values, indent=1) + "\n"


def read_fields(raw: dict[str, Any], names: set[str]) -> dict[str, Any]:
    """What :func:`to_json` wrote of the fields ``names``, arrays unpacked. Raises :class:`ValueError` for a file with
    other fields, and what :func:`unpack` raises."""
    if set(raw) != names | {"schema"}:
        raise ValueError("other fields than expected")
    return {name: unpack(raw[name]) if isinstance(raw[name], dict) else raw[name] for name in names}


def unpack(value: Any) -> np.ndarray:
    """The array, float32. Raises :class:`ValueError`, :class:`KeyError` or :class:`TypeError` for anything else."""
    if value["type"] not in _TYPES:
        raise ValueError(f"arrays of type {value['type']!r}")
    shape = tuple(int(side) for side in value["shape"])
    if not all(0 < side <= _LONGEST for side in shape):
        raise ValueError(f"an array of shape {shape}")
    data = np.frombuffer(base64.b64decode(value["data"], validate=True), np.dtype(value["type"]).newbyteorder("<"))
    array = data.reshape(shape).astype(np.float32)
    if not np.isfinite(array).all():
        raise ValueError("an array holds infinity or no number")
    return array
