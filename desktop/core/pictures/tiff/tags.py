"""The directory of a TIFF page: what its tags say about the picture, read with a bound on everything.

Source of the method: TIFF 6.0 (1992), sections 2 and 8 to 23; BigTIFF (2007); GDAL's tag 42113 for the no-data value.
Classic and BigTIFF, both byte orders. Nothing is allocated by what a tag declares, only by what the file holds.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np

from desktop.core.pictures.containers import MAX_FRAMES
from desktop.core.types import DecodeError
from desktop.system.words import phrase

MAX_PROFILE = (4 << 20) + 1
"""How much of a colour profile is read: one byte more than is taken, so that a longer one is known as such."""

_MAX_ENTRIES = 4096
_MAX_SEGMENTS = 1 << 22
_MAX_PLAIN = 1 << 12

# Type: its size in bytes and NumPy's letter for it; rationals are not needed.
_TYPES = {
    1: (1, "u1"),
    2: (1, "u1"),
    3: (2, "u2"),
    4: (4, "u4"),
    6: (1, "i1"),
    7: (1, "u1"),
    8: (2, "i2"),
    9: (4, "i4"),
    13: (4, "u4"),
    16: (8, "u8"),
    17: (8, "i8"),
    18: (8, "u8"),
}

SUBFILE_TYPE, WIDTH, LENGTH, BITS, COMPRESSION, PHOTOMETRIC, FILL_ORDER = 254, 256, 257, 258, 259, 262, 266
STRIP_OFFSETS, ORIENTATION, SAMPLES, ROWS_PER_STRIP, STRIP_COUNTS, PLANAR = 273, 274, 277, 278, 279, 284
PREDICTOR, COLOUR_MAP, TILE_WIDTH, TILE_LENGTH, TILE_OFFSETS, TILE_COUNTS = 317, 320, 322, 323, 324, 325
SUB_IFDS, INK_SET, EXTRA_SAMPLES, SAMPLE_FORMAT, JPEG_TABLES, SUBSAMPLING = 330, 332, 338, 339, 347, 530
PROFILE, NO_DATA, DNG_VERSION = 34675, 42113, 50706

_LIMITS = {
    STRIP_OFFSETS: _MAX_SEGMENTS,
    STRIP_COUNTS: _MAX_SEGMENTS,
    TILE_OFFSETS: _MAX_SEGMENTS,
    TILE_COUNTS: _MAX_SEGMENTS,
    COLOUR_MAP: 3 << 16,
    PROFILE: MAX_PROFILE,
    JPEG_TABLES: 1 << 16,
}

UNSIGNED, SIGNED, FLOAT, UNDEFINED = 1, 2, 3, 4
"""Values of SampleFormat (TIFF 6.0, section 19)."""


_PLACES = (STRIP_OFFSETS, STRIP_COUNTS, TILE_OFFSETS, TILE_COUNTS)
_DECISIVE = frozenset((BITS, SAMPLE_FORMAT, EXTRA_SAMPLES, COLOUR_MAP, SUBSAMPLING, JPEG_TABLES, *_PLACES))
"""Tags without whose values a picture would be shown wrongly."""


@dataclass(frozen=True, slots=True)
class TiffPage:
    """One page of a TIFF, by its tags.

    ``order`` is ``<`` or ``>``. ``bits`` and ``formats`` hold a value for each sample of a pixel, ``extra`` the meaning
    of those beyond the colour. ``nameless``: the colour model is not said, but guessed. ``tile`` is (width, length) or
    None for strips of ``rows`` rows. ``offsets`` and ``counts`` are int64, one for each strip or tile. ``no_data`` is
    the text of GDAL's tag, or ''.
    """

    order: str
    big: bool
    width: int
    height: int
    bits: tuple[int, ...]
    formats: tuple[int, ...]
    compression: int
    photometric: int
    nameless: bool
    fill_order: int
    planar: bool
    predictor: int
    extra: tuple[int, ...]
    orientation: int
    rows: int
    tile: tuple[int, int] | None
    offsets: np.ndarray
    counts: np.ndarray
    colour_map: np.ndarray | None
    subsampling: tuple[int, int]
    ink_set: int
    jpeg_tables: bytes
    profile: bytes | None
    no_data: str
    thumbnail: bool
    raw: bool

    @property
    def samples(self) -> int:
        """Samples of a pixel."""
        return len(self.bits)


def read_page(file: BinaryIO, number: int) -> TiffPage:
    """Page ``number`` (0-based) of the TIFF in ``file`` (seekable, binary; its position is left anywhere).

    Raises DecodeError ``damaged`` where there is no such directory or it makes no sense.
    """
    file.seek(0)
    head = file.read(16)
    order = "<" if head[:2] == b"II" else ">"
    big = head[2:4] in (b"+\x00", b"\x00+")
    try:
        tags = _read_tags(file, head, order, big, number)
    except struct.error:
        raise _damaged(phrase("ends before its directory does")) from None
    return _page(tags, order, big)


def _damaged(what: str) -> DecodeError:
    return DecodeError("damaged", phrase("The TIFF {what}.", what=what), "Copy or export it again.")


def _read_tags(file: BinaryIO, head: bytes, order: str, big: bool, number: int) -> dict[int, np.ndarray]:
    count_format, offset_format = (order + "Q", order + "Q") if big else (order + "H", order + "I")
    entry_format = order + ("HHQ8s" if big else "HHI4s")
    size = struct.calcsize(entry_format)
    (offset,) = struct.unpack_from(offset_format, head, 8 if big else 4)
    for page in range(min(number, MAX_FRAMES) + 1):
        if not 0 < offset < 1 << 62:
            raise _damaged(phrase("has no directory where one must be"))
        file.seek(offset)
        (entries,) = struct.unpack(count_format, file.read(struct.calcsize(count_format)))
        if not 0 < entries <= 65_535:
            raise _damaged(phrase("has a directory without entries"))
        if page < number:
            file.seek(entries * size, 1)
            (offset,) = struct.unpack(offset_format, file.read(struct.calcsize(offset_format)))
    table = file.read(min(entries, _MAX_ENTRIES) * size)
    if len(table) < min(entries, _MAX_ENTRIES) * size:
        raise DecodeError("truncated", "The TIFF ends before its directory does.", "Copy or export it again.")
    tags: dict[int, np.ndarray] = {}
    for start in range(0, len(table) - size + 1, size):
        tag, kind, count, inline = struct.unpack_from(entry_format, table, start)
        if not (tag or kind or count or any(inline)):  # a copy that broke off and was padded to its size
            raise DecodeError("truncated", "The TIFF ends before its directory does.", "Copy or export it again.")
        if kind not in _TYPES or tag in tags:
            continue
        width, letter = _TYPES[kind]
        need = min(count, _LIMITS.get(tag, _MAX_PLAIN)) * width
        if count * width <= len(inline):
            data = inline[:need]
        else:
            file.seek(struct.unpack(offset_format, inline)[0])
            data = file.read(need)
        if len(data) < need and tag in _DECISIVE:
            raise DecodeError("truncated", "The TIFF ends before its directory does.", "Copy or export it again.")
        data = data[: len(data) // width * width]
        tags[tag] = np.frombuffer(data, order + letter if width > 1 else letter)
    return tags


def _page(tags: dict[int, np.ndarray], order: str, big: bool) -> TiffPage:
    def first(tag: int, default: int) -> int:
        values = tags.get(tag)
        return int(values[0]) if values is not None and len(values) else default

    def every(tag: int, count: int, default: int) -> tuple[int, ...]:
        values = tags.get(tag)
        found = [int(v) for v in values[:count]] if values is not None and len(values) else [default]
        return tuple(found + [found[-1]] * (count - len(found)))

    def octets(tag: int) -> bytes:
        values = tags.get(tag)
        return values.tobytes() if values is not None else b""

    width, height, samples = first(WIDTH, 0), first(LENGTH, 0), first(SAMPLES, 1)
    if width < 1 or height < 1:
        raise _damaged(
            phrase("declares a size of {width}×{height} pixels; expected at least 1×1", width=width, height=height)
        )
    if not 1 <= samples <= 4096:
        raise _damaged(phrase("declares {samples} samples a pixel", samples=samples))
    tiled = TILE_WIDTH in tags and TILE_LENGTH in tags
    nothing = np.zeros(0, np.int64)
    # Some writers give tiles under the tags of strips.
    offsets = tags.get(TILE_OFFSETS, tags.get(STRIP_OFFSETS, nothing)).astype(np.int64)
    counts = tags.get(TILE_COUNTS, tags.get(STRIP_COUNTS, nothing)).astype(np.int64)
    if not len(offsets):
        raise _damaged(phrase("does not say where its picture lies"))
    bits = every(BITS, samples, 1)
    if 0 in bits:
        raise _damaged(phrase("declares samples of 0 bits"))
    rows = first(ROWS_PER_STRIP, height)
    extra = tags.get(EXTRA_SAMPLES)
    subsampling = every(SUBSAMPLING, 2, 2)
    return TiffPage(
        order=order,
        big=big,
        width=width,
        height=height,
        bits=bits,
        formats=every(SAMPLE_FORMAT, samples, UNSIGNED),
        compression=first(COMPRESSION, 1),
        photometric=first(PHOTOMETRIC, 1 if samples < 3 else 2),
        nameless=PHOTOMETRIC not in tags,
        fill_order=first(FILL_ORDER, 1),
        planar=first(PLANAR, 1) == 2 and samples > 1,
        predictor=first(PREDICTOR, 1),
        extra=tuple(int(v) for v in extra[:samples]) if extra is not None else (),
        orientation=first(ORIENTATION, 1),
        rows=min(rows, height) if rows > 0 else height,
        tile=(first(TILE_WIDTH, 0), first(TILE_LENGTH, 0)) if tiled else None,
        offsets=offsets,
        counts=counts,
        colour_map=tags.get(COLOUR_MAP),
        subsampling=(subsampling[0], subsampling[1]),
        ink_set=first(INK_SET, 1),
        jpeg_tables=octets(JPEG_TABLES),
        profile=octets(PROFILE) or None,
        no_data=octets(NO_DATA)[:64].split(b"\0")[0].decode("ascii", "replace").strip(),
        thumbnail=bool(first(SUBFILE_TYPE, 0) & 1) and SUB_IFDS in tags,
        raw=DNG_VERSION in tags,
    )
