"""Decoding where a hostile file does no harm: in a child with limits (:mod:`desktop.system.workers`).

Whoever opens a file that is not Fovea's own comes here; :func:`desktop.core.pictures.decode.decode` itself runs in the
children, in tests and on what the program has drawn. A file that its decoder crashes on, never comes to an end with or
wants too much memory for becomes a :class:`~desktop.core.types.DecodeError` like any other, and the work goes on:

- ``took-too-long``    more than ten seconds of processor time, or a drive that did not answer for a minute
- ``decoder-crashed``  the library that opens it crashed, three times, alone
- ``too-large``        it needs more than the memory that one picture may take

The functions at the end are what the children do; each takes one item, pickled on the way.
"""

from __future__ import annotations

import hashlib
import os
import stat
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from desktop.core.types import DecodeError, FoveaError, ImageSource, Notice, PreparedImage, PreprocessSpec
from desktop.system import workers
from desktop.system.words import phrase
from desktop.system.workers import Fault, WorkerLimits, Workers

if TYPE_CHECKING:
    import numpy as np

LIMITS = WorkerLimits()
"""What one picture may take: ten seconds of processor time, a gigabyte."""

_WHOLE_FILE = 32 << 20  # bytes; larger files are not held in memory beside their picture
_HERE = "desktop.core.pictures.decode_in_child"
_SAVE_AGAIN = phrase("Open it in another program and save it again.")


WARM = (
    "desktop.core.pictures.decode:decode",
    "desktop.core.pictures.raster:decode_raster",
    "desktop.core.pictures.preprocess:prepare",
    f"{_HERE}:_bring_in",
    # What Pillow imports when it opens its first picture.
    "PIL.BmpImagePlugin:BmpImageFile",
    "PIL.GifImagePlugin:GifImageFile",
    "PIL.JpegImagePlugin:JpegImageFile",
    "PIL.PngImagePlugin:PngImageFile",
    "PIL.PpmImagePlugin:PpmImageFile",
)
"""What a child has to import before it opens its first picture, for :meth:`~desktop.system.workers.Workers.warm`."""


def each(
    function: str,
    items: Sequence[Any],
    pool: Workers | None = None,
    cancelled: Callable[[], bool] = lambda: False,
    enough_s: float | None = None,
) -> list[Any]:
    """The results of ``function`` for ``items`` as :meth:`~desktop.system.workers.Workers.run` gives them, with every
    fault as a :class:`DecodeError`. ``pool``: the whole process's without one.

    Raises :class:`~desktop.system.workers.WorkCancelled` and :class:`~desktop.system.workers.NoWorkerError`.
    """
    known = [_remembered(item) for item in items] if _faulty else [None] * len(items)
    wanted = [item for item, error in zip(items, known, strict=True) if error is None]
    results = iter((pool or workers.shared()).run(function, wanted, cancelled, enough_s))
    found: list[Any] = []
    for item, error in zip(items, known, strict=True):
        try:
            result = error or next(results)
        except StopIteration:  # it was enough
            break
        if isinstance(result, Fault):
            result = explained(result)
            _remember(item, result)
        found.append(result)
    return found


_faulty: dict[str, tuple[tuple[int, int], DecodeError]] = {}
"""Files that ended a child, by path, with their size and time of change then: each is tried once in this process."""
_MOST_FAULTY = 1000


def _state_of(item: Any) -> tuple[str, tuple[int, int]] | None:
    source = item[0] if isinstance(item, tuple) else item
    path = source.path if isinstance(source, ImageSource) else None
    try:
        facts = os.stat(path) if path else None
    except (OSError, ValueError):
        return None
    return (path, (facts.st_size, facts.st_mtime_ns)) if path and facts else None


def _remember(item: Any, error: DecodeError) -> None:
    state = _state_of(item)
    if state is not None and len(_faulty) < _MOST_FAULTY:
        _faulty[state[0]] = (state[1], error)


def _remembered(item: Any) -> DecodeError | None:
    source = item[0] if isinstance(item, tuple) else item
    held = _faulty.get(source.path or "") if isinstance(source, ImageSource) else None
    return held[1] if held is not None and _state_of(item) == (source.path, held[0]) else None


def one(function: str, item: Any, pool: Workers | None = None, cancelled: Callable[[], bool] = lambda: False) -> Any:
    """The result for a single item; raises the error where :func:`each` gives one."""
    (result,) = each(function, [item], pool, cancelled)
    if isinstance(result, FoveaError):
        raise result
    return result


def explained(fault: Fault) -> DecodeError:
    """A fault in words for the user."""
    if fault.kind == "too-long":
        return DecodeError(
            "took-too-long",
            phrase(
                "Opening the picture took more than {work_s:.0f} seconds of work and was given up.",
                work_s=LIMITS.work_s,
            ),
            phrase("Its data are most likely damaged. {save_again}", save_again=_SAVE_AGAIN),
        )
    if fault.kind == "too-much-memory":
        return DecodeError(
            "too-large",
            phrase(
                "The picture needs more than the {memory:,} MiB of memory that Fovea gives to one picture.",
                memory=LIMITS.memory >> 20,
            ),
            "Scale it down in another program first.",
        )
    return DecodeError(
        "decoder-crashed",
        phrase("The library that opens this format ended with an unexpected fault ({detail}).", detail=fault.detail)
        if fault.kind == "unexpected"
        else phrase("The library that opens this format crashed ({detail}).", detail=fault.detail),
        phrase("The picture's data are most likely damaged. {save_again}", save_again=_SAVE_AGAIN),
    )


# What callers ask for


@dataclass(frozen=True, slots=True, eq=False)
class PreparedFile:
    """A prepared picture with its facts; not its pixels, of which many may wait at once. Times in milliseconds."""

    prepared: PreparedImage
    original_size: tuple[int, int]
    format: str
    frames: int
    notices: tuple[Notice, ...]
    decode_ms: float
    prepare_ms: float


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """A picture to look at: ``pixels`` uint8 (H, W) or (H, W, 3), upright sRGB, C-contiguous; with its facts."""

    pixels: np.ndarray
    original_size: tuple[int, int]
    format: str
    frames: int
    notices: tuple[Notice, ...]


def bring_in_each(
    sources: Sequence[ImageSource],
    spec: PreprocessSpec,
    pool: Workers | None = None,
    cancelled: Callable[[], bool] = lambda: False,
    enough_s: float | None = None,
) -> list[PreparedFile | FoveaError]:
    """Decode and prepare pictures; with ``enough_s`` perhaps not all of them, but one at least."""
    return each(f"{_HERE}:_bring_in", [(source, spec) for source in sources], pool, cancelled, enough_s)


def bring_in(
    source: ImageSource,
    spec: PreprocessSpec,
    pool: Workers | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> PreparedFile:
    """Decode and prepare one picture. Raises what that raises."""
    found: PreparedFile = one(f"{_HERE}:_bring_in", (source, spec), pool, cancelled)
    return found


def show(
    source: ImageSource,
    max_side: int,
    reduce_to: int | None = None,
    pool: Workers | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Shown:
    """The picture with its longer side at most ``max_side``; ``reduce_to`` as for ``decode``. Raises
    :class:`DecodeError`."""
    found: Shown = one(f"{_HERE}:_show", (source, max_side, reduce_to), pool, cancelled)
    return found


def bring_in_shown(
    source: ImageSource,
    spec: PreprocessSpec,
    max_side: int,
    pool: Workers | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> tuple[Shown, PreparedImage]:
    """One picture to look at, and prepared as a training does it. Raises what decoding and preparing raise."""
    found: tuple[Shown, PreparedImage] = one(f"{_HERE}:_bring_in_shown", (source, spec, max_side), pool, cancelled)
    return found


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of a data set, prepared: ``size`` (-1: it cannot be read) and ``sha256`` (32 bytes) of its content;
    ``pixels``, the bytes of the prepared picture in row order, or why there are none."""

    size: int
    sha256: bytes
    pixels: bytes | FoveaError


def prepare_each(
    items: Sequence[tuple[ImageSource | np.ndarray, tuple[int, str] | None]],
    spec: PreprocessSpec,
    cancelled: Callable[[], bool] = lambda: False,
) -> list[Entry]:
    """Decode and prepare the entries of a data set. An item is what to open, or bare pixels; with the size and
    hexadecimal SHA-256 of content that is no file."""
    found = each(f"{_HERE}:_prepare_entry", [(*item, spec) for item in items], cancelled=cancelled)
    out: list[Entry] = []
    for (source, known), entry in zip(items, found, strict=True):
        if isinstance(entry, FoveaError):  # its content is known all the same
            _, size, digest = content_of(source, known) if isinstance(source, ImageSource) else (None, *_known(known))
            entry = Entry(size, digest, entry)
        out.append(entry)
    return out


def _known(known: tuple[int, str] | None) -> tuple[int, bytes]:
    return (known[0], bytes.fromhex(known[1])) if known is not None else (-1, bytes(32))


# What the children do


def _prepare_entry(item: tuple[ImageSource | np.ndarray, tuple[int, str] | None, PreprocessSpec]) -> Entry:
    from desktop.core.pictures.decode import decode
    from desktop.core.pictures.preprocess import prepare

    source, known, spec = item
    if not isinstance(source, ImageSource):
        return Entry(*_known(known), prepare(source, spec).pixels.tobytes())
    held, size, digest = content_of(source, known)
    try:
        return Entry(size, digest, prepare(decode(held), spec).pixels.tobytes())
    except FoveaError as error:
        return Entry(size, digest, error)


def _bring_in(item: tuple[ImageSource, PreprocessSpec]) -> PreparedFile:
    from desktop.core.pictures.decode import decode
    from desktop.core.pictures.preprocess import prepare

    source, spec = item
    begin = time.perf_counter()
    # In full: what a decoder shrinks prepares a little differently, and scores move.
    image = decode(source)
    decoded = time.perf_counter()
    prepared = prepare(image, spec)
    return PreparedFile(
        prepared,
        image.original_size,
        image.format,
        image.frames,
        image.notices + prepared.notices,
        (decoded - begin) * 1000,
        (time.perf_counter() - decoded) * 1000,
    )


def _show(item: tuple[ImageSource, int, int | None]) -> Shown:
    import numpy as np

    from desktop.core.pictures.decode import decode

    source, max_side, reduce_to = item
    image = decode(source, reduce_to=reduce_to)
    pixels = np.ascontiguousarray(shrunk(image.pixels, max_side))
    return Shown(pixels, image.original_size, image.format, image.frames, image.notices)


def _bring_in_shown(item: tuple[ImageSource, PreprocessSpec, int]) -> tuple[Shown, PreparedImage]:
    import numpy as np

    from desktop.core.pictures.decode import decode
    from desktop.core.pictures.preprocess import prepare

    source, spec, max_side = item
    image = decode(source)
    prepared = prepare(image, spec)
    pixels = np.ascontiguousarray(shrunk(image.pixels, max_side))
    return Shown(pixels, image.original_size, image.format, image.frames, image.notices), prepared


def shrunk(pixels: np.ndarray, side: int) -> np.ndarray:
    """``pixels`` with its longer side at most ``side``, antialiased."""
    import numpy as np
    from PIL import Image

    height, width = pixels.shape[:2]
    scale = side / max(height, width)
    if scale >= 1:
        return pixels
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0))


def content_of(source: ImageSource, known: tuple[int, str] | None = None) -> tuple[ImageSource, int, bytes]:
    """What to decode, and size and SHA-256 (32 bytes) of the content: a file is read once where it is not huge.

    ``known`` are the size and hexadecimal SHA-256 of what is held in memory. A size of -1 says that the file cannot be
    read; decoding what is returned tells why.
    """
    if source.path is None:
        data = source.data or b""
        if known is not None:
            return source, known[0], bytes.fromhex(known[1])
        return source, len(data), hashlib.sha256(data).digest()
    try:
        if not stat.S_ISREG(os.stat(source.path).st_mode):
            return source, -1, bytes(32)  # reading a pipe or a device might never return
        with open(source.path, "rb", buffering=0) as stream:
            if os.fstat(stream.fileno()).st_size <= _WHOLE_FILE:
                content = stream.read()
                held = ImageSource(source.name, data=content, frame=source.frame) if content else source
                return held, len(content), hashlib.sha256(content).digest()
            digest = hashlib.file_digest(stream, "sha256")
            return source, stream.tell(), digest.digest()
    except (OSError, ValueError):
        return source, -1, bytes(32)  # decoding will say what is wrong with it
