"""One look into every picture of a data set: does it open, how large, which colours, which content.

Files are read once and decoded on all cores; what is kept of a picture is some three hundred bytes, so memory stays
flat whatever the pictures' size.
"""

from __future__ import annotations

import collections
import hashlib
import os
import stat
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
from PIL import Image

from desktop.core.data.dataset import BrokenEntry, Cancelled, Interrupted, LabelledDataset, Progress
from desktop.core.data.near_duplicates import SIDE
from desktop.core.pictures.decode import decode
from desktop.core.types import FoveaError, ImageSource

COLOUR_KINDS = ("grey", "grey stored as colour", "colour")
_AT_ONCE = 32  # pictures in one piece of work
_WHOLE_FILE = 32 << 20  # bytes; larger files are not held in memory
_GLIMPSED = 16  # pictures opened first of all
_SMALL = 64  # shorter side that is enough to judge by
_EXAMPLES = 12  # positions kept for each notice
_GREY_TOLERANCE = 6  # JPEG's colour planes are never quite alike


@dataclass(slots=True)
class PictureFacts:
    """Facts by position: ``opened`` bool; ``width``, ``height`` int32; ``colour`` uint8 (index into
    :data:`COLOUR_KINDS`); ``sha256`` uint8 (n, 32) and ``size`` int64 of the content; ``thumbnails`` uint8 (n, 256).

    ``formats`` and ``notices`` (code to count) are totals, ``noticed`` some positions for each code; ``broken`` says
    what did not open, and why.
    """

    opened: np.ndarray
    width: np.ndarray
    height: np.ndarray
    colour: np.ndarray
    sha256: np.ndarray
    size: np.ndarray
    thumbnails: np.ndarray
    formats: collections.Counter[str] = field(default_factory=collections.Counter)
    notices: collections.Counter[str] = field(default_factory=collections.Counter)
    noticed: dict[str, list[int]] = field(default_factory=dict)
    broken: list[BrokenEntry] = field(default_factory=list)

    def digest(self, position: int) -> tuple[int, str]:
        """Size and SHA-256 of one entry, as :meth:`desktop.core.data.dataset.Entries.digest` gives them."""
        size = int(self.size[position])
        return size, "unreadable" if size < 0 else self.sha256[position].tobytes().hex()


@dataclass(frozen=True, slots=True)
class _Seen:
    """What is kept of a picture that opened."""

    format: str
    size: tuple[int, int]
    codes: tuple[str, ...]
    colour: int
    thumbnail: np.ndarray


@dataclass(frozen=True, slots=True)
class _Look:
    """What one entry gave: its content's size and checksum, and what was seen or why nothing was."""

    size: int
    sha256: bytes
    seen: _Seen | FoveaError


def look_at(
    data: LabelledDataset,
    progress: Progress | None = None,
    cancelled: Cancelled | None = None,
    broken: Callable[[BrokenEntry], None] | None = None,
    workers: int | None = None,
) -> PictureFacts:
    """Open every picture of ``data``. ``broken`` hears of each that does not open, at once.

    Raises :class:`Interrupted` within some pictures' time when ``cancelled`` answers true.
    """
    count = len(data)
    facts = PictureFacts(
        np.zeros(count, bool), np.zeros(count, np.int32), np.zeros(count, np.int32), np.zeros(count, np.uint8),
        np.zeros((count, 32), np.uint8), np.full(count, -1, np.int64), np.zeros((count, SIDE * SIDE), np.uint8),
    )  # fmt: skip
    workers = workers or max(2, min(8, os.cpu_count() or 2))
    with ThreadPoolExecutor(workers, thread_name_prefix="inspect") as pool:
        for start, looks in _ahead(pool, data, count, 2 * workers, cancelled):
            for position, look in enumerate(looks, start):
                entry = _note(facts, data, position, look)
                if entry is not None and broken is not None:
                    broken(entry)
            if progress:
                progress(min(start + _AT_ONCE, count), count)
    return facts


def glimpse(data: LabelledDataset, cancelled: Cancelled | None = None) -> tuple[bool, int]:
    """Whether most of a handful of pictures, spread over ``data``, are in colour, and the median of their shorter sides
    in pixels: known long before all have been opened. Colour and 0 where none of them opens."""
    places = np.unique(np.linspace(0, len(data) - 1, _GLIMPSED).round().astype(int)) if len(data) else ()
    colours, sides = [], []
    for position in places:
        if cancelled and cancelled():
            raise Interrupted
        seen = _look(data, int(position)).seen
        if isinstance(seen, _Seen):
            colours.append(COLOUR_KINDS[seen.colour] == "colour")
            sides.append(min(seen.size))
    return (2 * sum(colours) > len(colours), int(np.median(sides))) if colours else (True, 0)


def _ahead(
    pool: ThreadPoolExecutor, data: LabelledDataset, count: int, ahead: int, cancelled: Cancelled | None
) -> Iterator[tuple[int, list[_Look]]]:
    """Pieces of work in order, some of them begun before they are asked for."""
    waiting: collections.deque[tuple[int, Future[list[_Look]]]] = collections.deque()
    starts = iter(range(0, count, _AT_ONCE))
    try:
        while True:
            while len(waiting) < ahead and (start := next(starts, None)) is not None:
                waiting.append((start, pool.submit(_piece, data, start, min(start + _AT_ONCE, count))))
            if not waiting:
                return
            if cancelled and cancelled():
                raise Interrupted
            start, future = waiting.popleft()
            yield start, future.result()
    finally:
        for _, future in waiting:
            future.cancel()


def _piece(data: LabelledDataset, start: int, end: int) -> list[_Look]:
    return [_look(data, position) for position in range(start, end)]


def _look(data: LabelledDataset, position: int) -> _Look:
    source, size, digest = content_of(data, position)
    try:
        image = decode(source, reduce_to=_SMALL)
    except FoveaError as error:
        return _Look(size, digest, error)
    picture = Image.fromarray(image.pixels)
    codes = tuple(notice.code for notice in image.notices)
    colour = 0 if picture.mode == "L" else _colour_of(picture)
    thumbnail = np.asarray(picture.convert("L").resize((SIDE, SIDE), Image.Resampling.BOX)).reshape(-1)
    return _Look(size, digest, _Seen(image.format, image.original_size, codes, colour, thumbnail))


def _colour_of(picture: Image.Image) -> int:
    reduced = picture.resize((min(64, picture.width), min(64, picture.height)), Image.Resampling.BOX)
    # Plane by plane: NumPy takes ten times as long for the same along a last axis of three.
    red, green, blue = np.moveaxis(np.asarray(reduced), 2, 0)
    least, most = np.minimum(np.minimum(red, green), blue), np.maximum(np.maximum(red, green), blue)
    return 1 if int((most - least).max()) <= _GREY_TOLERANCE else 2


def content_of(data: LabelledDataset, position: int) -> tuple[ImageSource, int, bytes]:
    """What to decode, and size and SHA-256 (32 bytes) of the content: the file is read once where it is not huge.

    A size of -1 says that it cannot be read; decoding what is returned tells why.
    """
    source = data.source(position)
    if source.path is None:
        size, text = data.digest(position)
        return source, size, bytes.fromhex(text)
    return content(source)


def content(source: ImageSource) -> tuple[ImageSource, int, bytes]:
    """As :func:`content_of`, of a picture that belongs to no data."""
    if source.data is not None:
        return source, len(source.data), hashlib.sha256(source.data).digest()
    assert source.path is not None  # ImageSource sees to it
    try:
        if not stat.S_ISREG(os.stat(source.path).st_mode):
            return source, -1, bytes(32)  # a pipe is never opened: it might not end
        with open(source.path, "rb", buffering=0) as stream:
            size = os.fstat(stream.fileno()).st_size
            if size <= _WHOLE_FILE:
                held = stream.read()
                whole = ImageSource(source.name, data=held, frame=source.frame) if held else source
                return whole, len(held), hashlib.sha256(held).digest()
            return source, size, hashlib.file_digest(stream, "sha256").digest()
    except (OSError, ValueError):
        return source, -1, bytes(32)  # decoding will say what is wrong with it


def _note(facts: PictureFacts, data: LabelledDataset, position: int, look: _Look) -> BrokenEntry | None:
    facts.size[position] = look.size
    facts.sha256[position] = np.frombuffer(look.sha256, np.uint8)
    seen = look.seen
    if isinstance(seen, FoveaError):
        class_name = data.classes[int(data.targets[position])]
        entry = BrokenEntry(data.name(position), class_name, seen.kind, seen.message)
        facts.broken.append(entry)
        return entry
    facts.opened[position] = True
    facts.width[position], facts.height[position] = seen.size
    facts.colour[position] = seen.colour
    facts.thumbnails[position] = seen.thumbnail
    facts.formats[seen.format] += 1
    for code in seen.codes:
        facts.notices[code] += 1
        held = facts.noticed.setdefault(code, [])
        if len(held) < _EXAMPLES:
            held.append(position)
    return None
