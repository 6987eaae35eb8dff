"""The filters of a network's first layer, kept beside the model as JSON so that they can be looked at without Keras."""

from __future__ import annotations

import json

import numpy as np

from desktop.core.trust.packed import pack, unpack
from desktop.core.types import StoreError
from desktop.system import strict_json
from desktop.system.words import phrase

FILE = "filters.json"
MAX_BYTES = 4 * 1024 * 1024
_SCHEMA = 1


def to_json(kernel: np.ndarray) -> str:
    """JSON text with a final newline of ``kernel`` float (rows, columns, channels, filters)."""
    return json.dumps({"schema": _SCHEMA, "kernel": pack(kernel)}, indent=1) + "\n"


def from_json(text: bytes | str) -> np.ndarray:
    """The kernel, float32 (rows, columns, channels, filters). Raises :class:`StoreError` of kind ``damaged``."""
    try:
        raw = strict_json.loads_object(text, MAX_BYTES)
        if set(raw) != {"schema", "kernel"} or raw["schema"] != _SCHEMA:
            raise ValueError("other fields than expected")
        kernel = unpack(raw["kernel"])
        if kernel.ndim != 4 or kernel.shape[2] not in (1, 3):
            raise ValueError(f"a kernel of shape {kernel.shape}")
    except (ValueError, KeyError, TypeError, RecursionError, AttributeError) as error:
        raise StoreError("damaged", phrase("'{file}' holds no filters: {error}", file=FILE, error=error)) from error
    return kernel


def tiles(kernel: np.ndarray) -> np.ndarray:
    """Each filter as a small picture: uint8 (filters, rows, columns, channels), mid grey for weights of 0.

    Every filter is scaled by its own largest weight: what is seen is its shape, not its strength.
    """
    filters = np.moveaxis(kernel.astype(np.float32), 3, 0)
    largest = np.abs(filters).max(axis=(1, 2, 3), keepdims=True)
    scaled = filters / np.where(largest > 0, largest, 1.0)
    result: np.ndarray = (127.5 + 127.5 * scaled).round().astype(np.uint8)
    return result
