"""The colours of a DICOM with a palette (PS3.3, C.7.6.3.1.5 and .6), read from its tables.

pydicom's own way reads tables of 16-bit entries as if every file were little-endian, wraps samples of 16 bits into
tables of 8-bit entries, and refuses an odd number of these. Tables in segments (C.7.9.2) are still expanded by it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

_COLOURS = ("Red", "Green", "Blue")


def coloured(stored: np.ndarray, dataset: Any) -> np.ndarray:
    """``stored`` (rows, columns), whole numbers, through the tables of ``dataset``: uint8 (rows, columns, 3).

    Raises ValueError for tables that contradict their description, AttributeError where there are none.
    """
    if "RedPaletteColorLookupTableData" not in dataset:
        from pydicom.pixels.processing import apply_color_lut

        shown = apply_color_lut(stored, dataset)[..., :3]
        return _upper(shown, int(shown.max()))
    count, first, _ = (int(value) for value in dataset.RedPaletteColorLookupTableDescriptor)
    count = count & 0xFFFF or 1 << 16
    if stored.dtype.kind == "i" and first > 0x7FFF:
        first -= 1 << 16
    tables = [_table(dataset, colour, count) for colour in _COLOURS]
    index = np.clip(stored.astype(np.int64) - first, 0, count - 1)
    most = max(int(table.max()) for table in tables)
    return np.stack([_upper(table, most)[index] for table in tables], axis=2)


def _table(dataset: Any, colour: str, count: int) -> np.ndarray:
    """The ``count`` entries of one colour, uint8 or uint16."""
    element = dataset[f"{colour}PaletteColorLookupTableData"]
    data = bytes(element.value)
    big = dataset.original_encoding[1] is False
    if len(data) >= 2 * count:
        return np.frombuffer(data, ">u2" if big else "<u2", count)
    if len(data) < count:
        raise ValueError("a table shorter than it says")
    if big and element.VR == "OW":  # two entries a word, the first in its lower byte
        data = np.frombuffer(data[: len(data) // 2 * 2], ">u2").astype("<u2").tobytes()
    return np.frombuffer(data, np.uint8, min(count, len(data)))


def _upper(entries: np.ndarray, most: int) -> np.ndarray:
    """Entries as uint8. Some writers put those of 8 bits into tables of 16."""
    return (entries >> 8 if most > 255 else entries).astype(np.uint8)
