"""Which cameras there are, without switching any of them on where the system can tell."""

from __future__ import annotations

import contextlib
import os
import struct
import sys
import time
from pathlib import Path

from desktop.engine import launch
from desktop.engine.camera_messages import CameraSource
from desktop.system.child_process import ChildProcess

_PATIENCE_S = 8.0
_QUERY = 0x80685600  # VIDIOC_QUERYCAP of Linux' videodev2.h; its answer has 104 bytes
_CAPTURES = 0x1 | 0x1000  # V4L2_CAP_VIDEO_CAPTURE, and the same in several planes
_LISTS = sys.platform.startswith("linux")  # whether the system tells its cameras
MOST = 8
"""Numbers that are tried where the system has no list."""


def cameras(patience_s: float = _PATIENCE_S) -> list[CameraSource]:
    """The cameras of this computer; for a thread. Returns after ``patience_s`` seconds at the latest.

    Linux tells them by itself. Elsewhere a child process opens one number after the other for a moment; it is ended
    when the time is over, and what it had found by then is the answer.
    """
    listed = Path("/sys/class/video4linux")
    return cameras_of_linux(listed, Path("/dev")) if _LISTS else _tried(patience_s)


def cameras_of_linux(listed: Path, devices: Path) -> list[CameraSource]:
    """The cameras among the video devices: ``listed`` is sysfs' folder of them, ``devices`` where their files lie."""
    found: list[tuple[int, str]] = []
    with contextlib.suppress(OSError):
        for place in listed.iterdir():
            number = place.name.removeprefix("video")
            if not (number.isascii() and number.isdigit()):
                continue
            if _line(place / "index") in ("", "0") and _captures(devices / place.name):
                found.append((int(number), _line(place / "name")))
    return [CameraSource("camera", str(number), name or f"Camera {number}") for number, name in sorted(found)]


def _line(file: Path) -> str:
    try:
        text = file.read_text(encoding="utf-8", errors="replace")[:200]
    except OSError:
        return ""
    return "".join(letter for letter in text if letter.isprintable()).strip()


def _captures(device: Path) -> bool:
    """Whether a device gives pictures; ``True`` where it cannot be asked: opening it will say why."""
    import fcntl

    answer = bytearray(104)
    try:
        handle = os.open(device, os.O_RDWR | os.O_NONBLOCK)
    except OSError:
        return True
    try:
        fcntl.ioctl(handle, _QUERY, answer)
    except OSError:
        return True
    finally:
        os.close(handle)
    everything, this = struct.unpack_from("<II", answer, 84)
    return bool((this if everything & 0x80000000 else everything) & _CAPTURES)


def _tried(patience_s: float) -> list[CameraSource]:
    end = time.monotonic() + patience_s
    found: list[CameraSource] = []
    try:
        process = ChildProcess(launch.camera_finder, (MOST,), "fovea-cameras", duplex=False)
    except (OSError, MemoryError):
        return found
    while not process.over and time.monotonic() < end:
        process.wait(max(0.0, end - time.monotonic()))
        found += list(process.receive())
    process.kill()
    process.end(killed=1.0)
    return found
