"""Walking through a picture file's blocks without decoding it: frame counts, depths, and damage Pillow overlooks.

Pillow counts the frames of a GIF or TIFF by visiting each, which a hostile file can make last for hours, and does not
look at the checksums of a PNG's pixel data. The walkers here are bounded and read only what they need. Each takes a
seekable binary file and leaves its position anywhere.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from desktop.core.types import DecodeError

MAX_FRAMES = 10_000
"""Counting stops here; further frames of a file cannot be chosen."""

_MAX_CHUNKS = 1_000_000
_PART = 1 << 20


class PngFacts(NamedTuple):
    """What a PNG's chunks say: bits per channel; the number of frames (1 for a still picture); whether the first of
    them is a still picture that stands outside the animation; and the four bytes of its cICP chunk, or none."""

    bits: int
    frames: int
    apart: bool = False
    code_points: bytes = b""


def walk_png(file: BinaryIO) -> PngFacts:
    """The facts of a PNG whose critical chunks are complete and have right checksums (PNG specification, 5.3 and 5.4).

    Raises DecodeError ``truncated`` when the file ends before its end mark, ``damaged`` on a wrong checksum.
    """
    bits, frames, apart, pixels, code_points = 8, 0, True, False, b""
    file.seek(8)
    for _ in range(_MAX_CHUNKS):
        start = file.read(8)
        if len(start) < 8:
            raise DecodeError("truncated", "The PNG ends before its end mark.", "Copy or download it again.")
        length, kind = int.from_bytes(start[:4], "big"), start[4:]
        if kind in (b"IHDR", b"PLTE", b"IDAT", b"acTL"):
            crc, left, first = zlib.crc32(kind), length, b""
            while left:
                part = file.read(min(left, _PART))
                if not part:
                    raise DecodeError(
                        "truncated", "The PNG ends in the middle of its pixel data.", "Copy or download it again."
                    )
                crc, left, first = zlib.crc32(part, crc), left - len(part), first or part
            if file.read(4) != crc.to_bytes(4, "big") and kind != b"acTL":
                raise DecodeError("damaged", "A checksum of the PNG is wrong.", "Copy or download it again.")
            if kind == b"IHDR" and len(first) >= 9:
                bits = first[8]
            elif kind == b"acTL" and len(first) >= 4 and not pixels:
                frames = int.from_bytes(first[:4], "big")
            pixels = pixels or kind == b"IDAT"
        elif kind == b"IEND":
            if not 0 < frames <= 0x7FFFFFFF:  # no animation, or one that decoders pass over
                return PngFacts(bits, 1, False, code_points)
            return PngFacts(bits, max(1, min(frames + apart, MAX_FRAMES)), apart, code_points)
        elif kind == b"cICP" and length == 4 and not pixels:
            code_points = file.read(8)[:4]
        else:
            if kind == b"fcTL" and not pixels:
                apart = False  # without a frame's control before it, the pixel data are no part of the animation
            file.seek(length + 4, 1)
    raise DecodeError("damaged", "The PNG is split into more than a million chunks.", "Save it again.")


class GifFrame(NamedTuple):
    """A frame of a GIF: where its image descriptor lies in the file, and what its control extension asks for: the index
    that is transparent (None for none) and what becomes of the frame's area before the next one (GIF89a, 23.c.iv)."""

    position: int
    transparent: int | None
    disposal: int


def walk_gif(file: BinaryIO) -> Iterator[GifFrame]:
    """The frames of a GIF (GIF89a, appendix B), at most :data:`MAX_FRAMES`; of a file that ends early, those it has."""
    file.seek(10)
    flags = file.read(3)[:1]
    if flags and flags[0] & 0x80:
        file.seek(3 << ((flags[0] & 7) + 1), 1)
    frames, transparent, disposal = 0, None, 0
    while frames < MAX_FRAMES:
        block = file.read(1)
        if block == b"\x21":
            label = file.read(1)
            if label == b"\xf9":
                control = file.read(6)
                if len(control) == 6 and control[0] == 4:
                    transparent = control[4] if control[1] & 1 else None
                    disposal = control[1] >> 2 & 7
                    file.seek(-1, 1)  # the terminator is read below
                else:
                    file.seek(-len(control), 1)
        elif block == b"\x2c":
            frames += 1
            position = file.tell()
            yield GifFrame(position, transparent, disposal)
            transparent, disposal = None, 0
            file.seek(position)
            flags = file.read(9)[8:]
            if flags and flags[0] & 0x80:
                file.seek(3 << ((flags[0] & 7) + 1), 1)
            file.seek(1, 1)
        elif block == b"\x00":
            continue  # padding between blocks, which decoders forgive
        else:
            break
        while length := file.read(1):
            if length == b"\x00":
                break
            file.seek(length[0], 1)


def count_gif(file: BinaryIO) -> int:
    """The number of frames of a GIF, at least 1 and at most :data:`MAX_FRAMES`; a file that ends early counts as far as
    it goes."""
    return max(1, sum(1 for _ in walk_gif(file)))


def count_tiff(file: BinaryIO) -> int:
    """The number of pages of a TIFF or BigTIFF (TIFF 6.0, section 2), at least 1 and at most :data:`MAX_FRAMES`.

    A chain of pages that runs in a circle or out of the file counts as far as it goes.
    """
    file.seek(0)
    head = file.read(16)
    order = "<" if head[:2] == b"II" else ">"
    big = head[2:4] in (b"+\x00", b"\x00+")
    count_format, offset_format, entry = (order + "Q", order + "Q", 20) if big else (order + "H", order + "I", 12)
    count_size, offset_size = struct.calcsize(count_format), struct.calcsize(offset_format)
    seen: set[int] = set()
    try:
        (offset,) = struct.unpack_from(offset_format, head, 8 if big else 4)
        while 0 < offset < 1 << 62 and offset not in seen and len(seen) < MAX_FRAMES:
            file.seek(offset)
            (entries,) = struct.unpack(count_format, file.read(count_size))
            if entries == 0 or entries > 65_535:
                break
            seen.add(offset)
            file.seek(entries * entry, 1)
            (offset,) = struct.unpack(offset_format, file.read(offset_size))
    except struct.error:
        pass
    return max(1, len(seen))


def webp_size(head: bytes) -> tuple[int, int] | None:
    """Width and height that a WebP's first 30 bytes declare (RFC 9649, sections 2.5 to 2.7), or None when unclear.

    Needed beforehand because the decoder allocates its canvas as soon as the file is opened.
    """
    kind = head[12:16]
    if len(head) < 30:
        return None
    if kind == b"VP8X":
        return 1 + int.from_bytes(head[24:27], "little"), 1 + int.from_bytes(head[27:30], "little")
    if kind == b"VP8L":
        packed = int.from_bytes(head[21:25], "little")
        return 1 + (packed & 0x3FFF), 1 + (packed >> 14 & 0x3FFF)
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", head, 26)
        return width & 0x3FFF, height & 0x3FFF
    return None
