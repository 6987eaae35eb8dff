"""The clean aperture of an AVIF: the part of its picture that is meant to be seen, which Pillow does not cut out.

Source of the method: ISO/IEC 14496-12, 8.11 (meta box, item properties) and 12.1.4 (clean aperture); ISO/IEC 23008-12.
An aperture that is fractional, empty or reaches beyond the picture is passed over, as libavif and browsers do. The
walk is bounded: boxes lie inside each other at most four deep, and none is entered twice.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from fractions import Fraction
from typing import BinaryIO

_MAX_META = 16 << 20
_MAX_BOXES = 100_000

CropBox = tuple[int, int, int, int]


def clean_aperture(file: BinaryIO, size: tuple[int, int]) -> CropBox | None:
    """(left, top, right, bottom) to be cut out of the primary picture of ``size`` (width, height); None for all of it.

    ``file`` is seekable and binary; its position is left anywhere. Never raises for what the file holds.
    """
    try:
        meta = _meta(file)
        return _aperture(meta, size) if meta else None
    except (struct.error, IndexError, ZeroDivisionError):
        return None


def _meta(file: BinaryIO) -> bytes:
    """The content of the file's meta box."""
    file.seek(0)
    for _ in range(_MAX_BOXES):
        head = file.read(8)
        if len(head) < 8:
            break
        length, kind = struct.unpack(">I4s", head)
        inner = 8
        if length == 1:
            length, inner = struct.unpack(">Q", file.read(8))[0], 16
        if kind == b"meta":
            return file.read(min(length - inner, _MAX_META)) if length > inner else b""
        if length < inner:
            break  # 0: to the end of the file
        file.seek(length - inner, 1)
    return b""


def _boxes(data: bytes, position: int) -> Iterator[tuple[bytes, bytes]]:
    """Kind and content of the boxes that follow each other in ``data``."""
    while position + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, position)
        if length < 8 or position + length > len(data):
            return
        yield kind, data[position + 8 : position + length]
        position += length


def _aperture(meta: bytes, size: tuple[int, int]) -> CropBox | None:
    inside = dict(_boxes(meta, 4))
    primary = inside.get(b"pitm", b"")
    item = struct.unpack_from(">H" if primary[0] == 0 else ">I", primary, 4)[0]
    parts = list(_boxes(inside.get(b"iprp", b""), 0))
    properties = list(_boxes(dict(parts).get(b"ipco", b""), 0))
    for kind, content in parts:
        if kind == b"ipma":
            for index in _associated(content, item):
                if 0 < index <= len(properties) and properties[index - 1][0] == b"clap":
                    return _box(properties[index - 1][1], size)
    return None


def _associated(content: bytes, item: int) -> list[int]:
    """The numbers (from 1) of the properties of ``item`` in an ipma box."""
    wide_item, wide_index = content[0] > 0, content[3] & 1
    (entries,) = struct.unpack_from(">I", content, 4)
    position = 8
    for _ in range(min(entries, _MAX_BOXES)):
        (found,) = struct.unpack_from(">I" if wide_item else ">H", content, position)
        position += 4 if wide_item else 2
        count = content[position]
        position += 1
        form, mask, step = (">H", 0x7FFF, 2) if wide_index else (">B", 0x7F, 1)
        if found == item:
            return [struct.unpack_from(form, content, position + i * step)[0] & mask for i in range(count)]
        position += count * step
    return []


def _box(content: bytes, size: tuple[int, int]) -> CropBox | None:
    numbers = struct.unpack_from(">8i", content)
    width, height, across, down = (Fraction(numbers[i], numbers[i + 1]) for i in range(0, 8, 2))
    left = Fraction(size[0] - width, 2) + across
    top = Fraction(size[1] - height, 2) + down
    edges = left, top, left + width, top + height
    if any(edge.denominator != 1 for edge in edges) or width < 1 or height < 1:
        return None
    box = int(edges[0]), int(edges[1]), int(edges[2]), int(edges[3])
    if box[0] < 0 or box[1] < 0 or box[2] > size[0] or box[3] > size[1] or box == (0, 0, *size):
        return None
    return box
