"""The samples of a TIFF page, a band of rows at a time: strips or tiles, interleaved or planar, unpacked and in order.

Source of the method: TIFF 6.0 (1992), sections 2, 14 and 15; Adobe's technical notes 1 (tiles), 2 (JPEG) and 3 (the
floating-point predictor). Deflate and LZMA are Python's; LZW, PackBits and Zstandard are libtiff's, JPEG, JPEG 2000 and
WebP those of Pillow: libtiff undoes a compression whatever the samples mean, when the bytes of a strip are given to it
as a grey picture of 8 bits, so every depth that it does not know as a picture is read all the same.

At no time are more than a few bands in memory besides what the caller keeps.
"""

from __future__ import annotations

import dataclasses
import io
import lzma
import struct
import zlib
from collections.abc import Iterator, Sequence
from typing import BinaryIO

import numpy as np
from PIL import Image

from desktop.core.pictures.tiff import tags
from desktop.core.pictures.tiff.tags import TiffPage
from desktop.core.types import DecodeError
from desktop.system.words import phrase

_BAND = 16 << 20  # bytes of samples decoded in one go, where strips and tiles allow
_PACKED_BAND = 1 << 20
_MAX_SEGMENT = 200 << 20
_MAX_TILE_ROW = 256 << 20

NONE, JPEG, WEBP = 1, 7, 50001
_LIBTIFF = frozenset((5, 32773, 50000))
_DEFLATE = frozenset((8, 32946))
_LZMA = 34925
_PICTURES = {JPEG: "JPEG", 33003: "JPEG2000", 33005: "JPEG2000", 34712: "JPEG2000", WEBP: "WEBP"}
KNOWN = frozenset((NONE, _LZMA, *_LIBTIFF, *_DEFLATE, *_PICTURES))
"""Compressions that are read here."""

EIGHT_BIT = frozenset(_PICTURES)
"""Those of them that hold pictures of 8 bits a channel."""

PILLOWLESS = frozenset((33003, 33005, 34712, WEBP, _LZMA))
"""Those of them that Pillow does not open, or not in all of its builds."""

_REVERSED = bytes(int(f"{i:08b}"[::-1], 2) for i in range(256))


def predictor_of(page: TiffPage) -> int:
    """The predictor that was applied before compression: as libtiff has it, none without LZW, Deflate or their like."""
    return page.predictor if page.compression in (5, 50000, _LZMA, *_DEFLATE) else 1


def dtype_of(page: TiffPage) -> np.dtype:
    """The dtype, in the machine's byte order, in which samples of ``page`` come."""
    bits, kind = page.bits[0], page.formats[0]
    letter = {tags.SIGNED: "i", tags.FLOAT: "f"}.get(kind, "u")
    size = 1 if bits <= 8 else 2 if bits <= 16 else 4 if bits <= 32 else 8
    return np.dtype(f"{letter}{size}")


def bands(file: BinaryIO, page: TiffPage, keep: Sequence[int], blank: float) -> Iterator[np.ndarray]:
    """The page from top to bottom, as arrays (rows, width, len(keep)) of :func:`dtype_of`.

    ``keep`` names the samples wanted; strips and tiles that the file leaves out come filled with ``blank``. Raises
    DecodeError, and whatever the decoders raise on damaged data.
    """
    file.seek(0, 2)
    size = file.tell()
    page = _subdivided(page)
    if page.planar:
        planes = [_plane(file, page, size, index, blank) for index in keep]
        for parts in zip(*planes, strict=True):
            yield np.concatenate(parts, axis=2)
        return
    chosen = list(keep)
    whole = chosen == list(range(page.samples))
    for band in _plane(file, page, size, 0, blank):
        yield band if whole else band[..., chosen]


def _subdivided(page: TiffPage) -> TiffPage:
    """``page`` with strips of no more than a band where they lie uncompressed: any row of such a strip can be found."""
    if page.compression != NONE or page.tile is not None:
        return page
    row = _row_bytes(page, page.width)
    rows = max(1, (_PACKED_BAND if page.bits[0] % 8 else _BAND) // row)
    if rows >= page.rows:
        return page
    starts, each = [], -(-page.height // page.rows)
    for index, offset in enumerate(page.offsets[: each * (page.samples if page.planar else 1)].tolist()):
        top = index % each * page.rows
        inside = min(page.rows, page.height - top)
        starts += [(offset + first * row if offset else 0) for first in range(0, inside, rows)]
    if page.rows % rows and each > 1:
        return page  # then sub-strips would not all have one height but the last; such strips are not large together
    return dataclasses.replace(page, rows=rows, offsets=np.array(starts, np.int64), counts=np.zeros(0, np.int64))


def _row_bytes(page: TiffPage, width: int) -> int:
    return (width * (1 if page.planar else page.samples) * page.bits[0] + 7) // 8


def _plane(file: BinaryIO, page: TiffPage, size: int, plane: int, blank: float) -> Iterator[np.ndarray]:
    """The bands of one plane (or of all samples, where they are interleaved): (rows, width, samples of the plane)."""
    width, length = page.tile or (page.width, page.rows)
    across, down = -(-page.width // width), -(-page.height // length)
    row = _row_bytes(page, width)
    samples = 1 if page.planar else page.samples
    first = plane * across * down if page.planar else 0
    if first + across * down > len(page.offsets):
        raise DecodeError(
            "damaged",
            phrase(
                "The TIFF says where {count} pieces of its picture lie; expected {first}.",
                count=len(page.offsets),
                first=first + across * down,
            ),
            "Copy or export it again.",
        )
    if page.tile and row * length * across > _MAX_TILE_ROW:
        raise DecodeError(
            "too-large",
            phrase(
                "One row of the TIFF's tiles takes {row} MiB; expected at most {max_tile_row} MiB.",
                row=row * length * across >> 20,
                max_tile_row=_MAX_TILE_ROW >> 20,
            ),
            "Save it again in strips or smaller tiles.",
        )
    limit = _PACKED_BAND if page.bits[0] % 8 else _BAND
    if page.compression in _DEFLATE and page.tile is None and row * length > limit:
        yield from _inflated_strips(file, page, size, first, row, limit)
        return
    if page.compression != NONE and row * length > _MAX_SEGMENT:
        raise DecodeError(
            "too-large",
            phrase(
                "The TIFF's picture is compressed in pieces of {row} MiB; expected at most {max_segment} MiB.",
                row=row * length >> 20,
                max_segment=_MAX_SEGMENT >> 20,
            ),
            "Save it again in strips or tiles, or uncompressed.",
        )
    group = max(1, limit // (row * length * across))
    for top in range(0, down, group):
        count = min(group, down - top)
        last = length if page.tile else min(length, page.height - (top + count - 1) * length)
        numbers = range(first + top * across, first + (top + count) * across)
        values = _samples(file, page, size, numbers, width, length, last, blank)
        if page.tile:
            grid = values.reshape(count, across, length, width, samples)
            values = grid.swapaxes(1, 2).reshape(count * length, across * width, samples)
            values = values[: page.height - top * length, : page.width]
        yield values


def _samples(
    file: BinaryIO, page: TiffPage, size: int, numbers: range, width: int, length: int, last: int, blank: float
) -> np.ndarray:
    """The samples of some strips or tiles under each other: (rows, width, samples), the last of ``last`` rows."""
    row = _row_bytes(page, width)
    samples = 1 if page.planar else page.samples
    need = [row * length] * (len(numbers) - 1) + [row * last]
    parts = [_stored(file, page, size, number, want) for number, want in zip(numbers, need, strict=True)]
    if any(part is None for part in parts):
        # Left out by a writer of sparse files: each piece on its own.
        pieces = []
        for part, want in zip(parts, need, strict=True):
            rows = want // row
            if part is None:
                pieces.append(np.full((rows, width, samples), _castable(blank, dtype_of(page)), dtype_of(page)))
            else:
                pieces.append(_unpacked(_decompressed(page, [part], row, rows, rows), page, rows, width))
        return np.concatenate(pieces)
    kept = [part for part in parts if part is not None]
    rows = length * (len(numbers) - 1) + last
    if page.compression in _PICTURES:
        pictures = [
            _picture(page, part, width, last if number == numbers[-1] else length)
            for number, part in zip(numbers, kept, strict=True)
        ]
        return np.concatenate(pictures)
    return _unpacked(_decompressed(page, kept, row, length, last), page, rows, width)


def _castable(value: float, dtype: np.dtype) -> float:
    if dtype.kind == "f":
        return value
    info = np.iinfo(dtype)
    return value if info.min <= value <= info.max else 0


def _stored(file: BinaryIO, page: TiffPage, size: int, number: int, want: int) -> bytes | None:
    """The bytes of strip or tile ``number`` as they lie in the file; None for one that a sparse file leaves out."""
    offset = int(page.offsets[number])
    known = number < len(page.counts)
    count = int(page.counts[number]) if known else size - offset
    if offset == 0 or known and count == 0:
        return None
    if page.compression == NONE:
        count = want
    file.seek(max(offset, 0))
    # A compressed piece that is larger than twice its content plus its tables holds something else as well.
    data = file.read(max(0, min(count, 2 * want + (1 << 20), size)))
    if len(data) < (want if page.compression == NONE else 1):
        raise DecodeError("truncated", "The TIFF ends before its picture does.", "Copy or download it again.")
    return data.translate(_REVERSED) if page.fill_order == 2 and page.compression not in _PICTURES else data


def _decompressed(page: TiffPage, parts: list[bytes], row: int, length: int, last: int) -> np.ndarray:
    """The bytes of strips or tiles, uint8 (rows, ``row``)."""
    rows = length * (len(parts) - 1) + last
    if page.compression in _LIBTIFF:
        return _through_libtiff(parts, row, length, last, page.compression)
    if page.compression != NONE:
        inflate = _inflate if page.compression in _DEFLATE else _unlzma
        wanted = [row * length] * (len(parts) - 1) + [row * last]
        parts = [inflate(part, want) for part, want in zip(parts, wanted, strict=True)]
    data = parts[0] if len(parts) == 1 else b"".join(parts)
    return np.frombuffer(data, np.uint8, rows * row).reshape(rows, row)


def _inflate(data: bytes, want: int) -> bytes:
    out = zlib.decompressobj().decompress(data, want)
    if len(out) < want:
        raise EOFError
    return out


def _unlzma(data: bytes, want: int) -> bytes:
    out = lzma.LZMADecompressor(memlimit=256 << 20).decompress(data, want)
    if len(out) < want:
        raise EOFError
    return out


def _inflated_strips(
    file: BinaryIO, page: TiffPage, size: int, first: int, row: int, limit: int
) -> Iterator[np.ndarray]:
    """The bands of deflated strips that are large: each is inflated a band at a time."""
    step = max(1, limit // row)
    for number in range(-(-page.height // page.rows)):
        rows = min(page.rows, page.height - number * page.rows)
        data = _stored(file, page, size, first + number, row * rows)
        inflate, tail = zlib.decompressobj(), data or b""
        for top in range(0, rows, step):
            count = min(step, rows - top)
            if data is None:
                yield np.zeros((count, page.width, 1 if page.planar else page.samples), dtype_of(page))
                continue
            part = inflate.decompress(tail, row * count)
            tail = inflate.unconsumed_tail
            if len(part) < row * count:
                raise EOFError
            yield _unpacked(np.frombuffer(part, np.uint8).reshape(count, row), page, count, page.width)


def _through_libtiff(parts: list[bytes], row: int, length: int, last: int, compression: int) -> np.ndarray:
    """The bytes of compressed strips, uint8 (rows, ``row``): a TIFF of 8 bits is built around them and read."""
    rows = length * (len(parts) - 1) + last
    channels = 4 if row % 4 == 0 else 1  # as many bytes, fewer pixels
    offsets, position = [], 8
    for part in parts:
        offsets.append(position)
        position += len(part)
    count = len(parts)
    arrays = struct.pack(f"<{count}I", *offsets) + struct.pack(f"<{count}I", *map(len, parts))
    depths = struct.pack("<4H", 8, 8, 8, 8)
    at = position + position % 2
    fields = [
        (256, 4, 1, row // channels),
        (257, 4, 1, rows),
        (258, 3, channels, 8 if channels == 1 else at + len(arrays)),
        (259, 3, 1, compression),
        (262, 3, 1, 1 if channels == 1 else 5),
        (273, 4, count, offsets[0] if count == 1 else at),
        (277, 3, 1, channels),
        (278, 4, 1, length),
        (279, 4, count, len(parts[0]) if count == 1 else at + 4 * count),
    ]
    out = io.BytesIO()
    out.write(struct.pack("<2sHI", b"II", 42, at + len(arrays) + len(depths)))
    for part in parts:
        out.write(part)
    out.write(b"\0" * (at - position) + arrays + depths + struct.pack("<H", len(fields)))
    for field in fields:
        out.write(struct.pack("<HHII", *field))
    out.write(b"\0\0\0\0")
    out.seek(0)
    with Image.open(out, formats=("TIFF",)) as picture:
        return np.asarray(picture).reshape(rows, row)


def _picture(page: TiffPage, data: bytes, width: int, rows: int) -> np.ndarray:
    """A strip or tile that is a whole picture: uint8 (rows, width, samples)."""
    kind = _PICTURES[page.compression]
    samples = 1 if page.planar else page.samples
    if kind == "JPEG":
        data = _whole_jpeg(page, data)
    with Image.open(io.BytesIO(data), formats=(kind,)) as picture:
        if picture.width < width or picture.height < rows or picture.width * picture.height > 4 * width * max(rows, 64):
            raise DecodeError(
                "damaged", "A piece of the TIFF's picture is not of the size declared.", "Copy or export it again."
            )
        if kind == "WEBP" and picture.mode != {3: "RGB", 4: "RGBA"}.get(samples):
            return np.asarray(picture.convert("RGBA" if samples == 4 else "RGB"))[:rows, :width]
        values = np.asarray(picture)
    values = values.reshape(*values.shape[:2], -1)
    if values.dtype != np.uint8 or values.shape[2] != samples:
        raise DecodeError(
            "unsupported-format",
            phrase(
                "The TIFF's pieces are {kind} of {shape} channels in {itemsize} bits, its header "
                "declares {samples} of {bits}.",
                kind=kind,
                shape=values.shape[2],
                itemsize=values.dtype.itemsize * 8,
                samples=samples,
                bits=page.bits[0],
            ),
            "Save it again as an uncompressed TIFF or as PNG.",
        )
    if page.compression == 33003:  # Aperio: YCbCr inside
        values = np.asarray(Image.fromarray(values, "YCbCr").convert("RGB"))
    return values[:rows, :width]


def _whole_jpeg(page: TiffPage, data: bytes) -> bytes:
    """A piece of JPEG with the tables of the page, told apart by Adobe's marker: YCbCr, or colour as it is."""
    shared = page.jpeg_tables
    body = data[2:] if data[:2] == b"\xff\xd8" else data
    if shared[:2] == b"\xff\xd8":
        shared = shared[2:]
    if shared[-2:] == b"\xff\xd9":
        shared = shared[:-2]
    samples = 1 if page.planar else page.samples
    transform = 1 if page.photometric == 6 else 0
    marker = b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00" + bytes((transform,)) if samples >= 3 else b""
    return b"\xff\xd8" + marker + shared + body


def _unpacked(rows_of_bytes: np.ndarray, page: TiffPage, rows: int, width: int) -> np.ndarray:
    """Bytes, uint8 (rows, bytes of a row), as samples (rows, width, samples), the predictor undone."""
    samples = 1 if page.planar else page.samples
    bits, dtype = page.bits[0], dtype_of(page)
    predictor = predictor_of(page)
    if predictor == 3:
        return _float_predicted(rows_of_bytes, dtype, samples).reshape(rows, width, samples)
    if bits in (8, 16, 32, 64):
        stored = np.ascontiguousarray(rows_of_bytes).view(dtype.newbyteorder("<" if page.order == "<" else ">"))
        values = stored.astype(dtype).reshape(rows, width, samples)
    elif bits == 24:
        triples = rows_of_bytes.reshape(rows, width * samples, 3).astype(np.uint32)
        upper, lower = (2, 0) if page.order == "<" else (0, 2)
        values = triples[..., upper] << 16 | triples[..., 1] << 8 | triples[..., lower]
        values = _signed(values, 24, dtype).reshape(rows, width, samples)
    else:
        count = width * samples
        flags = np.unpackbits(rows_of_bytes, axis=1)[:, : count * bits].reshape(rows, count, bits)
        values = np.zeros((rows, count), f"u{dtype.itemsize}")
        for bit in range(bits):
            values <<= 1
            values |= flags[:, :, bit]
        values = _signed(values, bits, dtype).reshape(rows, width, samples)
    if predictor == 2:
        whole = values.view(f"u{dtype.itemsize}")
        np.cumsum(whole, axis=1, dtype=whole.dtype, out=whole)
    return values


def _signed(values: np.ndarray, bits: int, dtype: np.dtype) -> np.ndarray:
    if dtype.kind != "i":
        return values
    spare = dtype.itemsize * 8 - bits
    return (values << spare).view(dtype) >> spare


def _float_predicted(rows_of_bytes: np.ndarray, dtype: np.dtype, samples: int) -> np.ndarray:
    """Rows whose bytes were sorted by weight, the most significant first, and differenced (Adobe, note 3)."""
    rows, row = rows_of_bytes.shape
    values = rows_of_bytes.reshape(rows, row // samples, samples).copy()
    np.cumsum(values, axis=1, dtype=np.uint8, out=values)
    sorted_bytes = values.reshape(rows, dtype.itemsize, row // dtype.itemsize)
    whole = np.ascontiguousarray(sorted_bytes.swapaxes(1, 2))
    return whole.view(dtype.newbyteorder(">")).astype(dtype)
