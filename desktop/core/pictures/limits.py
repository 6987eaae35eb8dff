"""How large a picture Fovea opens, and the refusals that go with it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from desktop.core.types import DecodeError, Notice
from desktop.system.words import phrase

MAX_PIXELS = 64_000_000
"""The largest picture that is kept, in pixels: 192 MB in memory."""

MAX_REDUCED_PIXELS = 512_000_000
"""The largest picture of a format that can be read at a reduced size (JPEG and TIFF)."""

MAX_FILE_BYTES = 512 << 20
"""The largest file that is opened."""


@dataclass(frozen=True, slots=True)
class Reduction:
    """How a picture beyond :data:`MAX_PIXELS` is read: at 1/``factor`` of each side, and the notice of it."""

    factor: int
    notices: tuple[Notice, ...] = ()


def reduction_of(width: int, height: int, most: int = MAX_PIXELS) -> Reduction:
    """The reduction by which a picture of this size comes down to ``most`` pixels; factor 1 where it need not.

    Depends on the picture alone, never on what asks for it. Raises DecodeError ``too-large`` beyond
    :data:`MAX_REDUCED_PIXELS`, ``damaged`` for a picture without pixels.
    """
    _check_any(width, height)
    if width * height > MAX_REDUCED_PIXELS:
        raise _too_large(width, height, MAX_REDUCED_PIXELS)
    factor = math.ceil(math.sqrt(width * height / most)) if width * height > most else 1
    return Reduction(factor, () if factor == 1 else (reduced_notice(width, height, factor),))


def reduced_notice(width: int, height: int, factor: int) -> Notice:
    """The notice of a picture read at 1/``factor`` of each side because of its size."""
    return Notice(
        "reduced-size",
        phrase(
            "read at 1/{factor} of {width}×{height}, for it is very large", factor=factor, width=width, height=height
        ),
    )


def check_size(width: int, height: int) -> None:
    """Raise DecodeError ``too-large`` for a picture over :data:`MAX_PIXELS`, ``damaged`` for one without pixels."""
    _check_any(width, height)
    if width * height > MAX_PIXELS:
        raise _too_large(width, height, MAX_PIXELS)


def _check_any(width: int, height: int) -> None:
    if width < 1 or height < 1:
        raise DecodeError(
            "damaged",
            phrase(
                "The picture declares a size of {width}×{height} pixels; expected at least 1×1.",
                width=width,
                height=height,
            ),
        )


def _too_large(width: int, height: int, most: int) -> DecodeError:
    return DecodeError(
        "too-large",
        phrase(
            "The picture has {width}×{height} pixels, {width2:,.0f} million; expected at most {most} million.",
            width=width,
            height=height,
            width2=width * height / 1e6,
            most=most // 1_000_000,
        ),
        "Scale it down in another program first.",
    )


def check_file_size(size: int) -> None:
    """Raise DecodeError ``empty`` for a file of no bytes, ``too-large`` for one over :data:`MAX_FILE_BYTES`."""
    if size == 0:
        raise DecodeError("empty", "The file is empty; expected a picture.", "Copy or download it again.")
    if size > MAX_FILE_BYTES:
        raise DecodeError(
            "too-large",
            phrase(
                "The file has {size} MiB; expected at most {max_file_bytes} MiB.",
                size=size >> 20,
                max_file_bytes=MAX_FILE_BYTES >> 20,
            ),
            "Save it smaller in another program first.",
        )


def check_frame(frame: int, frames: int) -> None:
    """Raise DecodeError ``no-such-frame`` unless ``frame`` (0-based) is one of ``frames``."""
    if not 0 <= frame < frames:
        raise DecodeError(
            "no-such-frame",
            phrase(
                "Frame {frame} was asked for; the file has {count} frames.",
                one="Frame {frame} was asked for; the file has one frame.",
                frame=frame + 1,
                count=frames,
            ),
            phrase("Choose frame 1 to {frames}.", frames=frames),
        )
