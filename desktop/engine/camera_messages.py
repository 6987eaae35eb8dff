"""What crosses the pipe between whoever shows a camera and the process that has it open: plain frozen dataclasses."""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

from desktop.system.errors import FoveaError
from desktop.system.words import hold, phrase

MAX_SIDE = 1280
"""Frames with a longer side are scaled down to it: what is shown, answered and recorded is the same picture."""
SCHEMES = ("http", "https", "rtsp")
_HEAD = 54


class CameraError(FoveaError):
    """A source of pictures that cannot be named. Kind: ``no-such-source``."""


@dataclass(frozen=True, slots=True)
class CameraSource:
    """Where moving pictures come from: ``camera`` (``where`` is its number), ``file`` (a path) or ``address`` (a URL).

    ``name`` is what users see; it holds neither a folder nor what may stand in an address beside its host.
    """

    kind: Literal["camera", "file", "address"]
    where: str = field(repr=False)
    name: str


def source_of(text: str) -> CameraSource:
    """What a user wrote: a camera's number, an address, or a file. Raises CameraError."""
    text = text.strip()
    if text.isascii() and text.isdigit() and len(text) < 4:
        return CameraSource("camera", str(int(text)), f"Camera {int(text)}")
    if "://" in text:
        try:
            parts = urlsplit(text)
            scheme, host = parts.scheme.lower(), parts.hostname
        except ValueError:
            scheme, host = "", None
        if scheme not in SCHEMES or not host or not text.isprintable():
            hint = phrase("Expected one that begins with {known}.", known=[f"{each}://" for each in SCHEMES])
            raise CameraError("no-such-source", "that is not the address of a camera", hint)
        return CameraSource("address", text, host)
    if not text or "\0" in text:
        raise CameraError(
            "no-such-source", "no camera was named", "Give a camera's number, a video file or an address."
        )
    path = os.path.abspath(text)
    return CameraSource("file", path, os.path.basename(path))


# To the process


@dataclass(frozen=True, slots=True)
class NextFrame:
    """One frame may be sent, the newest there is: without it none comes, so that none ever waits in a queue."""


@dataclass(frozen=True, slots=True)
class KeepShown:
    """Hand over the frame that was sent last, as a PNG file: comes as :class:`Recorded` with this ``id``."""

    id: int


@dataclass(frozen=True, slots=True)
class Record:
    """Hand over frames as PNG files until :class:`StopRecording`: one every ``every_s`` seconds at most, ``most`` in
    all, and none that is nearly the one kept before.

    Nearly: in none of 16 x 16 fields does the mean grey (0 to 255) differ by ``unlike`` or more; 0 keeps every frame.
    """

    id: int
    every_s: float = 0.2
    most: int = 300
    unlike: float = 6.0


@dataclass(frozen=True, slots=True)
class StopRecording:
    """End the recording that is under way."""


@dataclass(frozen=True, slots=True)
class TurnOff:
    """Let the camera go and end."""


Command = NextFrame | KeepShown | Record | StopRecording | TurnOff

# From the process


@dataclass(frozen=True, slots=True)
class CameraOpened:
    """The first frame is there: its size in pixels, and the frames a second that the source names (0: unknown)."""

    width: int
    height: int
    rate: float


@dataclass(frozen=True, slots=True, eq=False)
class CameraFrame:
    """A frame. ``number`` counts what the source gave, frames that nobody asked for included.

    ``bmp`` is a whole BMP file, so that it can be classified as any other picture is; its rows, top row first, begin
    with :attr:`stride` bytes each at :data:`OFFSET` as blue, green, red.
    """

    number: int
    width: int
    height: int
    bmp: bytes = field(repr=False)

    @property
    def stride(self) -> int:
        """Bytes from one row to the next."""
        return (self.width * 3 + 3) // 4 * 4


@dataclass(frozen=True, slots=True, eq=False)
class Recorded:
    """A frame to keep: ``png`` a whole file. ``kept`` and ``dropped`` count its recording so far; ``dropped`` are those
    that were nearly the one before."""

    id: int
    png: bytes = field(repr=False)
    width: int
    height: int
    kept: int = 1
    dropped: int = 0


@dataclass(frozen=True, slots=True)
class RecordingDone:
    """A recording has ended: asked to, full, or with the camera."""

    id: int
    kept: int
    dropped: int


@dataclass(frozen=True, slots=True)
class CameraFailed:
    """The camera is off, unasked: ``kind``, ``message`` and ``hint`` as in ``FoveaError``.

    Kinds: ``no-camera``, ``not-allowed``, ``busy``, ``no-answer``, ``not-a-video``, ``too-large``, ``lost``,
    ``no-opencv``, ``crashed``.
    """

    kind: str
    message: str
    hint: str = ""

    def __post_init__(self) -> None:
        hold(self, "message", "hint")


@dataclass(frozen=True, slots=True)
class CameraEnded:
    """A video is over, after that many frames; ``early`` where it declared more than a tenth more."""

    frames: int
    early: bool = False


CameraEvent = CameraOpened | CameraFrame | Recorded | RecordingDone | CameraFailed | CameraEnded

OFFSET = _HEAD
"""Where the rows begin in :attr:`CameraFrame.bmp`."""


def bmp_head(width: int, height: int) -> bytes:
    """The head of a BMP file of 24 bits a pixel, top row first; the rows, filled up to four bytes, follow it."""
    size = (width * 3 + 3) // 4 * 4 * height
    info = struct.pack("<IiiHHIIiiII", 40, width, -height, 1, 24, 0, size, 2835, 2835, 0, 0)
    return struct.pack("<2sIHHI", b"BM", _HEAD + size, 0, 0, _HEAD) + info
