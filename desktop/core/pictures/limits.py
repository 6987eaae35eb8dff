"""How large a picture Fovea opens, and the refusals that go with it."""

from __future__ import annotations

from desktop.core.types import DecodeError

MAX_PIXELS = 64_000_000
"""The largest picture that is opened, in pixels; beyond any camera of note, and 192 MB in memory."""

MAX_FILE_BYTES = 512 << 20
"""The largest file that is opened."""


def check_size(width: int, height: int) -> None:
    """Raise DecodeError ``too-large`` for a picture over :data:`MAX_PIXELS`, ``damaged`` for one without pixels."""
    if width < 1 or height < 1:
        raise DecodeError("damaged", f"The picture declares a size of {width}×{height} pixels; expected at least 1×1.")
    if width * height > MAX_PIXELS:
        raise DecodeError(
            "too-large",
            f"The picture has {width}×{height} pixels, {width * height / 1e6:,.0f} million; "
            f"expected at most {MAX_PIXELS // 1_000_000} million.",
            "Scale it down in another program first.",
        )


def check_file_size(size: int) -> None:
    """Raise DecodeError ``empty`` for a file of no bytes, ``too-large`` for one over :data:`MAX_FILE_BYTES`."""
    if size == 0:
        raise DecodeError("empty", "The file is empty; expected a picture.", "Copy or download it again.")
    if size > MAX_FILE_BYTES:
        raise DecodeError(
            "too-large",
            f"The file has {size >> 20} MiB; expected at most {MAX_FILE_BYTES >> 20} MiB.",
            "Save it smaller in another program first.",
        )


def check_frame(frame: int, frames: int) -> None:
    """Raise DecodeError ``no-such-frame`` unless ``frame`` (0-based) is one of ``frames``."""
    if not 0 <= frame < frames:
        have = "one frame" if frames == 1 else f"{frames} frames"
        raise DecodeError(
            "no-such-frame", f"Frame {frame + 1} was asked for; the file has {have}.", f"Choose frame 1 to {frames}."
        )
