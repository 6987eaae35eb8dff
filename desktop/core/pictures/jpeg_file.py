"""JPEG files: opened at a reduced size where they are very large, completed where only their end mark is missing, and
told apart by their process where Pillow has no decoder for it.

Source of the method: ITU-T T.81 (1992), annexes B and G; libjpeg's scaled inverse DCT (1/2, 1/4, 1/8).
"""

from __future__ import annotations

import io
import re
import struct
from typing import BinaryIO, NamedTuple

import numpy as np
from PIL import Image, JpegImagePlugin

from desktop.core.pictures.limits import MAX_PIXELS, reduced_notice, reduction_of
from desktop.core.types import DecodeError, Notice
from desktop.system.words import phrase

_PIXELS_A_BYTE = 1000
"""More than this and a large JPEG is an empty promise: an even block of 64 pixels takes about a bit a channel."""

_MAX_COEFFICIENTS = 700 << 20
"""What libjpeg keeps of a progressive picture: two bytes a sample, whatever the size of the result."""

_MAX_HEAD = 64 << 20
_OWN_ZEROS = 3
_END = b"\xff\xd9"
_SCAN_END = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]", re.DOTALL)
_FILLERS = (b"\xff\x00" * 64, b"\x5a" * 128, b"\xa5" * 128)
_MISSING_END = Notice("no-end-mark", "the file's end mark is missing, nothing of the picture is", "caution")

_NAMES = {
    0xC3: phrase("lossless JPEG"),
    0xC5: phrase("hierarchical JPEG"),
    0xC6: phrase("hierarchical JPEG"),
    0xC7: phrase("hierarchical lossless JPEG"),
    0xCB: phrase("arithmetic-coded lossless JPEG"),
    0xCD: phrase("hierarchical JPEG"),
    0xCE: phrase("hierarchical JPEG"),
    0xCF: phrase("hierarchical lossless JPEG"),
    0xF7: "JPEG-LS",
}


class JpegFacts(NamedTuple):
    """A frame header: the marker of its process, bits of a sample, size, and the sampling of each component."""

    process: int
    precision: int
    width: int
    height: int
    sampling: tuple[int, ...]
    ids: tuple[int, ...]
    jfif: bool
    adobe: int | None

    @property
    def progressive(self) -> bool:
        """Whether the picture comes in scans that refine each other."""
        return self.process in (0xC2, 0xCA)


def read_facts(file: BinaryIO) -> JpegFacts | None:
    """The frame header of the JPEG in ``file``, from its start; None where there is none in its first segments."""
    file.seek(2)
    jfif, adobe, total = False, None, 0
    while total < _MAX_HEAD:
        mark = file.read(2)
        while len(mark) == 2 and mark == b"\xff\xff":
            mark = b"\xff" + file.read(1)
        if len(mark) < 2 or mark[0] != 0xFF:
            return None
        marker = mark[1]
        if marker == 0x01 or 0xD0 <= marker <= 0xD8:
            total += 2
            continue
        if marker in (0xD9, 0xDA):
            return None
        length = int.from_bytes(file.read(2), "big")
        if length < 2:
            return None
        total += length + 2
        frame = marker == 0xF7 or 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC)
        if not frame and marker not in (0xE0, 0xEE):
            file.seek(length - 2, 1)
            continue
        body = file.read(length - 2)
        if marker == 0xE0:
            jfif = jfif or body.startswith(b"JFIF\0")
        elif marker == 0xEE:
            adobe = body[11] if body.startswith(b"Adobe") and len(body) >= 12 else adobe
        elif len(body) >= 6 and len(body) >= 6 + 3 * body[5]:
            height, width = struct.unpack_from(">HH", body, 1)
            end = 6 + 3 * body[5]
            return JpegFacts(marker, body[0], width, height, tuple(body[7:end:3]), tuple(body[6:end:3]), jfif, adobe)
        else:
            return None
    return None


def open_jpeg(file: BinaryIO, size: int) -> tuple[Image.Image, tuple[int, int], tuple[Notice, ...]]:
    """The JPEG in ``file`` (seekable, binary, ``size`` bytes), not yet loaded, at the scale its size asks for; its own
    (width, height); and the notice of a reduction.

    Raises DecodeError ``too-large`` beyond the limits, ``unsupported-format`` for a process without a decoder;
    SyntaxError or OSError of Pillow's for a damaged header.
    """
    facts = read_facts(file)
    if facts is not None:
        _check_process(facts)
        reduction = reduction_of(max(1, facts.width), max(1, facts.height))
        if reduction.factor > 1:
            _check_promise(facts, size)
    file.seek(0)
    # Not by Image.open: its own limit knows nothing of a reduced size.
    picture: Image.Image = JpegImagePlugin.JpegImageFile(file)
    stored = picture.size
    reduction = reduction_of(*stored)
    if reduction.factor == 1:
        return picture, stored, ()
    if facts is None:
        raise DecodeError("damaged", "The JPEG's header is damaged.", "Copy or download it again.")
    _check_promise(facts, size)
    factor = next((f for f in (2, 4, 8) if -(-stored[0] // f) * -(-stored[1] // f) <= MAX_PIXELS), 8)
    picture.draft(None, (stored[0] // factor, stored[1] // factor))
    return picture, stored, (reduced_notice(*stored, factor),)


def _check_process(facts: JpegFacts) -> None:
    name = _NAMES.get(facts.process)
    if name is None and facts.precision != 8:
        name = phrase("JPEG of {precision} bits", precision=facts.precision)
    if name is not None:
        raise DecodeError(
            "unsupported-format",
            phrase("This is {name}, for which Fovea has no decoder outside DICOM; it is not damaged.", name=name),
            "Save it as PNG or as an ordinary JPEG first.",
        )


def _check_promise(facts: JpegFacts, size: int) -> None:
    pixels = facts.width * facts.height
    if pixels > size * _PIXELS_A_BYTE:
        raise DecodeError(
            "too-large",
            phrase(
                "The JPEG declares {width}×{height} pixels, {pixels:,.0f} million, in {size:,} "
                "bytes; expected at most {max_pixels} million in so small a file.",
                width=facts.width,
                height=facts.height,
                pixels=pixels / 1e6,
                size=size,
                max_pixels=MAX_PIXELS // 1_000_000,
            ),
            "Copy or download it again.",
        )
    largest = max((s >> 4) * (s & 15) for s in facts.sampling) or 1
    samples = sum((s >> 4) * (s & 15) / largest for s in facts.sampling) * pixels
    if facts.progressive and samples * 2 > _MAX_COEFFICIENTS:
        raise DecodeError(
            "too-large",
            phrase(
                "The JPEG has {pixels:,.0f} million pixels and is progressive: decoding it takes "
                "{samples:.1f} GiB of memory; expected at most {max_coefficients:.1f}.",
                pixels=pixels / 1e6,
                samples=samples * 2 / 2**30,
                max_coefficients=_MAX_COEFFICIENTS / 2**30,
            ),
            "Save it as an ordinary (baseline) JPEG, or scale it down.",
        )


def lacks_end(file: BinaryIO, size: int) -> bool:
    """Whether the JPEG in ``file`` (``size`` bytes) ends inside a scan, or in what a copy that broke off was padded
    with: decoders take such padding for picture. What follows a picture (previews, videos) does not count."""
    file.seek(max(0, size - 2))
    if file.read(2) == _END:
        return False
    file.seek(0)
    data = file.read()
    return _end_of_picture(data) == len(data)


def _end_of_picture(data: bytes) -> int | None:
    """Where the end mark of the picture in ``data`` lies, their length where there is none; None where the segments are
    in no order that this walk knows."""
    position = 2
    while position + 4 <= len(data):
        if data[position] != 0xFF:
            return None  # the decoder's affair
        marker = data[position + 1]
        if marker == 0xD9:
            return position
        if marker == 0xFF or marker == 0x01 or 0xD0 <= marker <= 0xD8:
            position += 1 if marker == 0xFF else 2
            continue
        position += 2 + int.from_bytes(data[position + 2 : position + 4], "big")
        if marker == 0xDA:
            found = _SCAN_END.search(data, position)
            if found is None:
                return len(data)
            position = found.start()
    return position if data[position : position + 2] == _END else len(data)


def stops_early(picture: Image.Image, file: BinaryIO) -> bool:
    """Whether ``picture``, loaded from the JPEG in ``file``, lacks its last part although an end mark follows, as where
    a program closed what a transfer had cut: decoders fill the rest with an even grey and say nothing."""
    width, height = picture.size
    corner = np.asarray(picture.crop((max(0, width - 8), max(0, height - 8), width, height)))
    if int(corner.min()) < 126 or int(corner.max()) > 129:
        return False
    file.seek(0)
    data = file.read()
    end = _end_of_picture(data)
    return end is not None and _compared(data[:end], picture.size) is None


def completed(file: BinaryIO, draft: tuple[int, int]) -> tuple[Image.Image, Notice] | None:
    """The loaded picture of a JPEG that ends without its end mark and lacks nothing else; None for any other.

    ``draft`` is the (width, height) at which it was being read. Whether pixels are missing is told by what the decoder
    makes of different bytes behind the end: where all blocks are there, it reads none of them.
    """
    file.seek(0)
    data = file.read()
    bare = data.rstrip(b"\0")
    if bare.endswith(_END) or not _all_scans(bare):
        return None
    # The last zeros may be the picture's own; a last FF has its stuffed zero, or is the first half of the end mark.
    readings = [data[:end] for end in range(len(bare), min(len(data), len(bare) + _OWN_ZEROS) + 1)]
    readings += [bare.rstrip(b"\xff")] * bare.endswith(b"\xff")
    for reading in readings:
        picture = _compared(reading, draft)
        if picture is not None:
            return picture, _MISSING_END
    return None


def _compared(data: bytes, draft: tuple[int, int]) -> Image.Image | None:
    """The loaded picture of ``data``, a JPEG without its end mark; None where what comes behind them changes it."""
    best: Image.Image | None = None
    for filler in (b"", *_FILLERS):
        picture = JpegImagePlugin.JpegImageFile(io.BytesIO(data + filler + _END))
        factor = round(max(picture.size) / max(draft))
        if factor > 1:
            picture.draft(None, (picture.width // factor, picture.height // factor))
        try:
            picture.load()
        except (OSError, SyntaxError):
            return None
        if best is None:
            best = picture
        elif not _same(best, picture):
            return None
    return best


def _same(one: Image.Image, other: Image.Image) -> bool:
    # The end alone can differ, but progressive scans that lack it differ anywhere.
    return one.size == other.size and bool(np.array_equal(np.asarray(one), np.asarray(other)))


def _all_scans(data: bytes) -> bool:
    """Whether every coefficient of every component has had its scans, down to its last bit (T.81, G.1.1.1)."""
    position, components = 2, b""
    left: dict[tuple[int, int], int] = {}  # (component, coefficient) to the bits still to come, 99 for all
    progressive = False
    while position + 4 <= len(data):
        if data[position] != 0xFF:
            # Entropy-coded data: on to the next marker that is none of theirs.
            position = data.find(b"\xff", position)
            if position < 0:
                break
            if position + 1 < len(data) and (data[position + 1] == 0 or 0xD0 <= data[position + 1] <= 0xD7):
                position += 2
            continue
        marker = data[position + 1]
        if marker in (0x00, 0x01, 0xFF) or 0xD0 <= marker <= 0xD8:
            position += 1 if marker == 0xFF else 2
            continue
        if marker == 0xD9:
            break
        length = int.from_bytes(data[position + 2 : position + 4], "big")
        body = data[position + 4 : position + 2 + length]
        if length < 2 or len(body) != length - 2:
            return False
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC) and len(body) >= 6:
            components, progressive = body[6::3], marker in (0xC2, 0xCA)
            left = {(c, k): 99 for c in components for k in range(64 if progressive else 1)}
        elif marker == 0xDA and len(body) >= 4:
            start, end, approximation = body[-3:]
            for component in body[1 : 1 + 2 * body[0] : 2]:
                for k in range(start, min(end, 63) + 1) if progressive else (0,):
                    if (component, k) in left:
                        left[component, k] = approximation & 15 if progressive else 0
        position += 2 + length
    return bool(components) and not any(left.values())
