"""One look into every picture of a data set: does it open, how large, which colours, which content.

Files are read once and decoded on all cores, in children that a hostile file may take down; what is kept of a picture
is some three hundred bytes, so memory stays flat whatever the pictures' size.
"""

from __future__ import annotations

import collections
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
from PIL import Image

from desktop.core.data.dataset import BrokenEntry, Interrupted, LabelledDataset
from desktop.core.data.near_duplicates import SIDE
from desktop.core.pictures import decode_in_child
from desktop.core.pictures.decode_in_child import content_of
from desktop.core.progress import IsCancelled, ReadProgress
from desktop.core.types import FoveaError, ImageSource
from desktop.system import workers as system_workers

COLOUR_KINDS = ("grey", "grey stored as colour", "colour")
_AT_ONCE = 64  # pictures in one piece of work
_ASK_S = 0.2  # between two looks at ``cancelled`` while a picture takes its time
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
    thumbnail: bytes


@dataclass(frozen=True, slots=True)
class _Look:
    """What one entry gave: its content's size and checksum, and what was seen or why nothing was."""

    size: int
    sha256: bytes
    seen: _Seen | FoveaError


def look_at(
    data: LabelledDataset,
    progress: ReadProgress | None = None,
    cancelled: IsCancelled | None = None,
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
    stop = threading.Event()
    workers = workers or system_workers.cores()
    with ThreadPoolExecutor(workers, thread_name_prefix="inspect") as pool:
        try:
            for start, looks in _ahead(pool, data, count, cancelled, stop, 2 * workers):
                for position, look in enumerate(looks, start):
                    entry = _note(facts, data, position, look)
                    if entry is not None and broken is not None:
                        broken(entry)
                if progress:
                    progress(min(start + _AT_ONCE, count), count)
        finally:
            stop.set()  # ends what is still at work: nobody, not even Ctrl-C, waits for a picture that hangs
    return facts


def glimpse(data: LabelledDataset, cancelled: IsCancelled | None = None) -> tuple[bool, int]:
    """Whether most of a handful of pictures, spread over ``data``, are in colour, and the median of their shorter sides
    in pixels: known long before all have been opened. Colour and 0 where none of them opens."""
    places = np.unique(np.linspace(0, len(data) - 1, _GLIMPSED).round().astype(int)) if len(data) else ()
    colours, sides = [], []
    if cancelled and cancelled():
        raise Interrupted
    try:
        looks = _looks(data, [int(position) for position in places], cancelled or _never)
    except system_workers.WorkCancelled:
        raise Interrupted from None
    for seen in (look.seen for look in looks):
        if isinstance(seen, _Seen):
            colours.append(COLOUR_KINDS[seen.colour] == "colour")
            sides.append(min(seen.size))
    return (2 * sum(colours) > len(colours), int(np.median(sides))) if colours else (True, 0)


def _never() -> bool:
    return False


def _ahead(
    pool: ThreadPoolExecutor,
    data: LabelledDataset,
    count: int,
    cancelled: IsCancelled | None,
    stop: threading.Event,
    ahead: int,
) -> Iterator[tuple[int, list[_Look]]]:
    """Pieces of work in order, some of them begun before they are asked for."""
    waiting: collections.deque[tuple[int, Future[list[_Look]]]] = collections.deque()
    starts = iter(range(0, count, _AT_ONCE))
    try:
        while True:
            while len(waiting) < ahead and (start := next(starts, None)) is not None:
                piece = range(start, min(start + _AT_ONCE, count))
                waiting.append((start, pool.submit(_looks, data, piece, stop.is_set)))
            if cancelled and cancelled():
                raise Interrupted
            if not waiting:
                return
            start, future = waiting.popleft()
            while True:
                if cancelled and cancelled():
                    raise Interrupted
                try:
                    looks = future.result(timeout=_ASK_S)
                    break
                except TimeoutError:  # a picture that takes its time
                    continue
            yield start, looks
    finally:
        for _, future in waiting:
            future.cancel()


def _looks(data: LabelledDataset, positions: Sequence[int], cancelled: Callable[[], bool]) -> list[_Look]:
    """What the entries at ``positions`` give, each opened in a child."""
    items = []
    for position in positions:
        source = data.source(position)
        items.append((source, data.digest(position) if source.path is None else None))
    found = decode_in_child.each("desktop.core.data.picture_facts:_look", items, cancelled=cancelled)
    looks = []
    for item, told in zip(items, found, strict=True):
        if isinstance(told, FoveaError):  # it ended its child: its content is known all the same
            _, size, digest = content_of(*item)
            looks.append(_Look(size, digest, told))
        else:
            size, digest, seen = told
            looks.append(_Look(size, digest, seen if isinstance(seen, FoveaError) else _Seen(*seen)))
    return looks


_Told = tuple[int, bytes, FoveaError | tuple[str, tuple[int, int], tuple[str, ...], int, bytes]]
"""What crosses the pipe: the fields of a look, in types that cost little on the way."""


def _look(item: tuple[ImageSource, tuple[int, str] | None]) -> _Told:
    """In the child: open one entry."""
    from desktop.core.pictures.decode import decode

    source, size, digest = content_of(*item)
    try:
        image = decode(source, reduce_to=_SMALL)
    except FoveaError as error:
        return size, digest, error
    picture = Image.fromarray(image.pixels)
    codes = tuple(notice.code for notice in image.notices)
    colour = 0 if picture.mode == "L" else _colour_of(picture)
    thumbnail = picture.convert("L").resize((SIDE, SIDE), Image.Resampling.BOX).tobytes()
    return size, digest, (image.format, image.original_size, codes, colour, thumbnail)


def _colour_of(picture: Image.Image) -> int:
    reduced = picture.resize((min(64, picture.width), min(64, picture.height)), Image.Resampling.BOX)
    # Plane by plane: NumPy takes ten times as long for the same along a last axis of three.
    red, green, blue = np.moveaxis(np.asarray(reduced), 2, 0)
    least, most = np.minimum(np.minimum(red, green), blue), np.maximum(np.maximum(red, green), blue)
    return 1 if int((most - least).max()) <= _GREY_TOLERANCE else 2


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
    facts.thumbnails[position] = np.frombuffer(seen.thumbnail, np.uint8)
    facts.formats[seen.format] += 1
    for code in seen.codes:
        facts.notices[code] += 1
        held = facts.noticed.setdefault(code, [])
        if len(held) < _EXAMPLES:
            held.append(position)
    return None
