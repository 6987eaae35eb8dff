"""The segments of a JPEG stream and its Huffman codes, for the two processes that no decoder at hand covers.

DICOM archives hold JPEG of kinds that ordinary libraries do not open: lossless of up to 16 bits and DCT of 12 bits.
Here is what both have in common; :mod:`desktop.core.pictures.dicom.jpeg_lossless` and
:mod:`desktop.core.pictures.dicom.jpeg_extended` do the rest.
Source of the method: ITU-T T.81 (1992), annexes B and C.

Everything raises ValueError for a stream that breaks the rules. Nothing is allocated by what a stream declares except
lookup tables of fixed size.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

_ENTROPY_END = re.compile(rb"\xff+[^\x00\xff\xd0-\xd7]", re.DOTALL)
_RESTART = re.compile(rb"\xff+[\xd0-\xd7]")
_CHUNK = 1 << 16  # bytes of entropy-coded data looked at in one go
_TAIL = 8


@dataclass(frozen=True, slots=True)
class JpegFrame:
    """A frame header: ``process`` is the low half of its SOF marker (3 is lossless), components in their order."""

    process: int
    precision: int
    rows: int
    columns: int
    components: tuple[int, ...]
    sampling: tuple[int, ...]
    quantisation: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Scan:
    """One scan: its components with their table numbers, its parameters, and its data between restarts."""

    components: tuple[int, ...]
    dc_tables: tuple[int, ...]
    ac_tables: tuple[int, ...]
    start: int
    end: int
    point_transform: int
    restart_interval: int
    segments: tuple[bytes, ...]
    huffman: dict[int, tuple[bytes, bytes]]
    quantisers: dict[int, np.ndarray]


def parse(stream: bytes) -> tuple[JpegFrame, list[Scan]]:
    """The frame header and the scans of ``stream`` (T.81 B.2). Raises ValueError."""
    if stream[:2] != b"\xff\xd8":
        raise ValueError("no JPEG stream")
    frame: JpegFrame | None = None
    scans: list[Scan] = []
    huffman: dict[int, tuple[bytes, bytes]] = {}
    quantisers: dict[int, np.ndarray] = {}
    interval, position = 0, 2
    while position + 4 <= len(stream):
        if stream[position] != 0xFF:
            raise ValueError("no marker where one must be")
        marker = stream[position + 1]
        if marker == 0xFF:
            position += 1
            continue
        if marker == 0xD9:
            break
        length = int.from_bytes(stream[position + 2 : position + 4], "big")
        body = stream[position + 4 : position + 2 + length]
        if length < 2 or len(body) != length - 2:
            raise ValueError("a segment is cut off")
        position += 2 + length
        if marker == 0xC4:
            _read_huffman(body, huffman)
        elif marker == 0xDB:
            _read_quantisers(body, quantisers)
        elif marker == 0xDD:
            interval = int.from_bytes(body[:2], "big")
        elif 0xC0 <= marker <= 0xCF and marker not in (0xC8, 0xCC):
            if frame is not None:
                raise ValueError("two frame headers")
            frame = _read_frame(marker & 15, body)
        elif marker == 0xDA:
            if frame is None or len(scans) >= len(frame.components):
                raise ValueError("a scan too many")
            found = _ENTROPY_END.search(stream, position)
            data = stream[position : found.start() if found else len(stream)]
            position = found.start() if found else len(stream)
            scans.append(_read_scan(body, data, interval, dict(huffman), dict(quantisers)))
    if frame is None or not scans:
        raise ValueError("no frame or no scan")
    return frame, scans


def _read_frame(process: int, body: bytes) -> JpegFrame:
    if len(body) < 6 or len(body) != 6 + 3 * body[5] or not body[5]:
        raise ValueError("a frame header of the wrong length")
    return JpegFrame(
        process,
        body[0],
        int.from_bytes(body[1:3], "big"),
        int.from_bytes(body[3:5], "big"),
        tuple(body[6::3]),
        tuple(body[7::3]),
        tuple(body[8::3]),
    )


def _read_scan(
    body: bytes, data: bytes, interval: int, huffman: dict[int, tuple[bytes, bytes]], quantisers: dict[int, np.ndarray]
) -> Scan:
    count = body[0] if body else 0
    if not count or len(body) != 4 + 2 * count:
        raise ValueError("a scan header of the wrong length")
    selectors = body[2 : 1 + 2 * count : 2]
    start, end, transform = body[-3:]
    parts = _RESTART.split(data) if interval else [data]
    return Scan(
        tuple(body[1 : 1 + 2 * count : 2]),
        tuple(s >> 4 for s in selectors),
        tuple(s & 15 for s in selectors),
        start,
        end,
        transform & 15,
        interval,
        tuple(part.replace(b"\xff\x00", b"\xff") for part in parts),
        huffman,
        quantisers,
    )


def _read_huffman(body: bytes, tables: dict[int, tuple[bytes, bytes]]) -> None:
    """Huffman tables (B.2.4.2) by class and number, ``class << 4 | number``: how many codes of each length, symbols."""
    position = 0
    while position < len(body):
        counts = body[position + 1 : position + 17]
        symbols = body[position + 17 : position + 17 + sum(counts)]
        if len(counts) != 16 or len(symbols) != sum(counts):
            raise ValueError("a Huffman table is cut off")
        tables[body[position]] = counts, symbols
        position += 17 + len(symbols)


def _read_quantisers(body: bytes, tables: dict[int, np.ndarray]) -> None:
    position = 0
    while position < len(body):
        wide, number = body[position] >> 4, body[position] & 15
        size = 128 if wide else 64
        values = body[position + 1 : position + 1 + size]
        if len(values) != size:
            raise ValueError("a quantisation table is cut off")
        tables[number] = np.frombuffer(values, ">u2" if wide else "u1").astype(np.float32)
        position += 1 + size


class Huffman:
    """A Huffman table as lookup tables over the next 16 bits (T.81 C.2), with sizes of what follows each code.

    ``length``: bits of the code, 0 where no code begins so; ``symbol``: what it stands for; ``step``: bits of the code
    and of the additional bits that the low four bits of the symbol (all of it when ``lossless``) announce, 1 where
    there is no code, so that whoever walks along always gets on.
    """

    def __init__(self, counts: bytes, symbols: bytes, *, lossless: bool = False) -> None:
        self.length = np.zeros(65536, np.uint8)
        self.symbol = np.zeros(65536, np.uint8)
        code, index = 0, 0
        for bits, count in enumerate(counts, 1):
            for symbol in symbols[index : index + count]:
                if code >= 1 << bits:
                    raise ValueError("a Huffman table with more codes than fit")
                span = slice(code << (16 - bits), (code + 1) << (16 - bits))
                if not lossless or symbol <= 16:
                    self.length[span], self.symbol[span] = bits, symbol
                code += 1
            index += count
            code <<= 1
        # A lossless difference of category 16 has no additional bits: it is 32768 (H.1.2.2).
        extra = np.where(self.symbol == 16, 0, self.symbol) if lossless else self.symbol & 15
        self.step = np.where(self.length == 0, 1, self.length + extra).astype(np.uint8)

    def values(self, words: np.ndarray, shift: np.ndarray, *, lossless: bool = False) -> np.ndarray:
        """The signed numbers (T.81 F.2.2.1, EXTEND) at places in the data: int32, one for each.

        ``words`` (uint64) holds the 40 bits from the byte in which each place lies, ``shift`` (uint64) how many bits
        into that byte. Raises ValueError where no code begins.
        """
        window = (words >> (24 - shift)) & 0xFFFF
        length = self.length[window].astype(np.uint64)
        if not length.all():
            raise ValueError("bits that are no Huffman code")
        size = self.symbol[window].astype(np.uint64) & (31 if lossless else 15)
        full = size == 16
        size[full] = 0
        bits = (words >> (40 - shift - length - size)) & ((np.uint64(1) << size) - np.uint64(1))
        values: np.ndarray = bits.astype(np.int32)
        negative = (size > 0) & (bits < (np.uint64(1) << (np.maximum(size, 1) - np.uint64(1))))
        values[negative] -= (1 << size[negative].astype(np.int32)) - 1
        values[full] = 32768
        return values


class Chunk:
    """A stretch of entropy-coded data, in which every bit is a place where a code may begin."""

    def __init__(self, data: np.ndarray) -> None:
        wide = data.astype(np.uint32)
        self._words = (wide[:-2] << 16) | (wide[1:-1] << 8) | wide[2:]
        self._data = data

    def lookup(self, table: np.ndarray) -> bytes:
        """``table`` (65,536 of uint8) for the 16 bits from each place on, as bytes that are quick to walk along."""
        out = np.empty((len(self._words), 8), np.uint8)
        for shift in range(8):
            out[:, shift] = table[(self._words >> (8 - shift)) & 0xFFFF]
        return out.tobytes()

    def at(self, places: list[int]) -> tuple[np.ndarray, np.ndarray]:
        """For each place (a bit number) the 40 bits from its byte on, and its bit in that byte, both uint64."""
        where = np.asarray(places, np.int64)
        first = where >> 3
        words = np.zeros(len(where), np.uint64)
        for offset in range(5):
            words = (words << np.uint64(8)) | self._data[first + offset].astype(np.uint64)
        return words, (where & 7).astype(np.uint64)


class Bits:
    """The way through one segment of entropy-coded data, a :class:`Chunk` at a time.

    ``reserve`` is the most bits that a reader takes beyond ``limit``, the place in the current chunk at which it stops.
    Behind the segment lie ones; having read those for data shows in :attr:`overrun`.
    """

    def __init__(self, segment: bytes, reserve: int) -> None:
        self._size = len(segment)
        self._margin = reserve // 8 + _TAIL
        self._data = np.concatenate([np.frombuffer(segment, np.uint8), np.full(self._margin, 255, np.uint8)])
        self._start = 0
        self.place = 0
        self.limit = 0

    def chunk(self) -> Chunk | None:
        """The next stretch, to be read from :attr:`place` on, or None behind the last."""
        if self._start >= self._size:
            return None
        stop = min(self._start + _CHUNK, self._size)
        self.limit = (stop - self._start) * 8
        return Chunk(self._data[self._start : stop + self._margin])

    def move(self, place: int) -> None:
        """Go on at ``place`` of the current chunk."""
        self._start, self.place = self._start + (place >> 3), place & 7

    @property
    def overrun(self) -> bool:
        """Whether more was read than the segment holds."""
        return self._start * 8 + self.place > self._size * 8
