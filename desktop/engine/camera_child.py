"""The process that has a camera open: a driver, a damaged video or an absurd one can take it down, and nothing else.

One thread reads commands from the pipe. Another reads frames and sends one where one was asked for: always the newest,
never a queue. Only here is OpenCV's ``VideoCapture`` used.
"""

from __future__ import annotations

import contextlib
import errno
import math
import os
import sys
import threading
import time
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any

from desktop.core.pictures.limits import MAX_PIXELS
from desktop.engine import child
from desktop.engine.camera_messages import (
    MAX_SIDE,
    CameraEnded,
    CameraEvent,
    CameraFailed,
    CameraFrame,
    CameraOpened,
    CameraSource,
    KeepShown,
    NextFrame,
    Record,
    Recorded,
    RecordingDone,
    StopRecording,
    TurnOff,
    bmp_head,
)
from desktop.system.words import phrase

if TYPE_CHECKING:
    import numpy as np

MEMORY = 1 << 30
"""Bytes that a camera's process may have."""
_TIMEOUT_MS = 5000  # for an address to open, and for each of its frames
_TRIES = 10  # frames in a row that a camera may fail to give
_RATES = (1.0, 60.0)  # frames a second at which a video is played, whatever it says of itself
_USUAL_RATE = 30.0
_FIELDS = 16
# Containers of moving pictures. No playlists: those would name further files and addresses.
_FORMATS = "mov,mp4,m4a,3gp,3g2,mj2,avi,matroska,webm,mpeg,mpegvideo,mpegts,ogg,flv,asf,gif,m4v,h264,hevc,mjpeg"
_OPTIONS = {
    "file": f"protocol_whitelist;file|format_whitelist;{_FORMATS}",
    "address": "protocol_whitelist;tcp,tls,http,https,httpproxy,rtp,udp,rtsp|format_whitelist;"
    f"{_FORMATS},mpjpeg,rtsp,rtp,sdp|rtsp_transport;tcp",
}


def serve(connection: Connection, source: CameraSource) -> None:
    """Entry point of the child process; returns never."""
    child.quiet_native_output()
    child.go_first_when_memory_ends()
    _limit_memory()
    os.environ["OPENCV_FFMPEG_CAPTURE_OPTIONS"] = _OPTIONS.get(source.kind, "")
    os.environ["OPENCV_FFMPEG_THREADS"] = "1"
    camera = _Camera(connection, source)
    threading.Thread(target=camera.listen, daemon=True).start()
    camera.run()
    os._exit(0)  # threads inside native code must not delay the end; the system lets go of the camera


def find(connection: Connection, most: int) -> None:
    """Open one number after the other for a moment and send those that are there; two in a row that are not end it."""
    child.quiet_native_output()
    _limit_memory()
    try:
        import cv2
    except ImportError:
        os._exit(0)
    missing = 0
    for number in range(most):
        capture = cv2.VideoCapture(number, _backend(cv2))
        there = capture.isOpened()
        capture.release()
        missing = 0 if there else missing + 1
        if there:
            connection.send(CameraSource("camera", str(number), f"Camera {number}"))
        if missing == 2:
            break
    connection.close()
    os._exit(0)


def _limit_memory() -> None:
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if sys.platform == "linux":
            _, hard = resource.getrlimit(resource.RLIMIT_DATA)
            resource.setrlimit(resource.RLIMIT_DATA, (MEMORY if hard < 0 else min(MEMORY, hard), hard))


def _backend(cv2: Any) -> int:
    """The system's own way to its cameras: the others would be tried in turn, each with its own wait."""
    names = {"linux": "CAP_V4L2", "win32": "CAP_MSMF", "darwin": "CAP_AVFOUNDATION"}
    return int(getattr(cv2, names.get(sys.platform, "CAP_ANY")))


class _GaveUp(Exception):  # noqa: N818 - carries what is told
    def __init__(self, kind: str, message: str, hint: str) -> None:
        super().__init__(message)
        self.told = CameraFailed(kind, message, hint)


class _Camera:
    def __init__(self, connection: Connection, source: CameraSource) -> None:
        self._connection, self._source = connection, source
        self._lock = threading.Lock()
        self._off = threading.Event()
        self._asked = False
        self._keep: list[int] = []
        self._recording: _Recording | None = None
        self._over: list[_Recording] = []
        self._shown: np.ndarray | None = None
        self._number = 0

    # The thread of the pipe

    def listen(self) -> None:
        """Take commands until the pipe ends; then so does this process, whatever the other thread is in."""
        while True:
            try:
                command = self._connection.recv()
            except (EOFError, OSError):
                os._exit(0)
            with self._lock:
                match command:
                    case NextFrame():
                        self._asked = True
                    case KeepShown():
                        self._keep.append(command.id)
                    case Record():
                        self._end_recording()
                        self._recording = _Recording(command)
                    case StopRecording():
                        self._end_recording()
                    case TurnOff():
                        os._exit(0)

    def _end_recording(self) -> None:
        if self._recording is not None:
            self._over.append(self._recording)
            self._recording = None

    # The thread of the frames

    def run(self) -> None:
        """Open, read, send; tells why it ended."""
        try:
            ended: CameraEvent = self._play()
        except _GaveUp as failure:
            ended = failure.told
        except MemoryError:
            ended = CameraFailed("too-large", "its pictures need more memory than a camera may have", _SMALLER)
        except Exception as error:  # OpenCV's own text may hold a path
            small = "Insufficient memory" in str(error)
            ended = (
                CameraFailed("too-large", "its pictures need more memory than a camera may have", _SMALLER)
                if small
                else CameraFailed(
                    "lost", phrase("the camera stopped with a fault ({fault})", fault=type(error).__name__), _AGAIN
                )
            )
        with self._lock:
            self._end_recording()
            over, self._over = self._over, []
        for recording in over:
            self._send(recording.done())
        self._send(ended)

    def _send(self, event: CameraEvent) -> None:
        try:
            self._connection.send(event)
        except OSError:
            os._exit(0)

    def _play(self) -> CameraEvent:
        try:
            import cv2
        except ImportError as error:
            raise _GaveUp(
                "no-opencv",
                "this edition of Fovea comes without OpenCV, which reads cameras",
                "The full edition has it.",
            ) from error
        cv2.setNumThreads(1)
        capture = self._open(cv2)
        video = self._source.kind == "file"
        rate = float(capture.get(cv2.CAP_PROP_FPS))
        if not math.isfinite(rate) or rate <= 0:
            rate = 0.0
        step = 1.0 / min(max(rate or _USUAL_RATE, _RATES[0]), _RATES[1])
        declared = float(capture.get(cv2.CAP_PROP_FRAME_COUNT)) if video else 0.0
        due, failed, opened = time.monotonic(), 0, False
        while True:
            there, frame = capture.read()
            if not there or frame is None or frame.size == 0:
                if video and self._number:
                    return CameraEnded(self._number, 0 < declared < 1e9 and declared > 1.1 * self._number)
                failed += 1
                if video or failed >= _TRIES:
                    raise self._silent()
                self._off.wait(0.05)
                continue
            failed = 0
            self._number += 1
            frame = _fitting(cv2, frame)
            if not opened:
                opened = True
                height, width = frame.shape[:2]
                self._send(CameraOpened(width, height, rate))
            self._serve(cv2, frame)
            if video:
                due += step
                wait = due - time.monotonic()
                if wait > 0:
                    self._off.wait(wait)
                while time.monotonic() - due > step and capture.grab():  # as a camera would: what is late is left out
                    due += step
                    self._number += 1

    def _open(self, cv2: Any) -> Any:
        source = self._source
        if source.kind == "camera":
            return self._open_camera(cv2, int(source.where))
        if source.kind == "file":
            try:
                with open(source.where, "rb"):
                    pass
            except OSError as error:
                gone = error.errno == errno.ENOENT
                reason = phrase("there is no such file") if gone else phrase("the file cannot be read")
                told = phrase("{name}: {reason}", name=source.name, reason=reason)
                raise _GaveUp("not-a-video", told, "Choose another one.") from error
        settings = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, _TIMEOUT_MS, cv2.CAP_PROP_READ_TIMEOUT_MSEC, _TIMEOUT_MS]
        since = time.monotonic()
        capture = cv2.VideoCapture(source.where, cv2.CAP_FFMPEG, settings)
        if not capture.isOpened():
            if source.kind == "file":
                raise self._no_video()
            slow = time.monotonic() - since >= 0.9 * _TIMEOUT_MS / 1000
            told = phrase("{name} gives no moving pictures", name=source.name)
            if slow:
                told = phrase("{name} does not answer", name=source.name)
            raise _GaveUp("no-answer", told, "Check the address, and whether the camera is on.")
        self._check(capture.get(cv2.CAP_PROP_FRAME_WIDTH), capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
        return capture

    def _open_camera(self, cv2: Any, number: int) -> Any:
        if sys.platform.startswith("linux"):
            device = f"/dev/video{number}"
            if not os.path.exists(device):
                raise self._no_camera(number)
            if not os.access(device, os.R_OK | os.W_OK):
                raise _GaveUp(
                    "not-allowed",
                    "this user may not use the camera",
                    "Ask who looks after this computer for access (on Linux: the group 'video').",
                )
        capture = cv2.VideoCapture(number, _backend(cv2))
        if not capture.isOpened():
            if sys.platform.startswith("linux"):
                raise self._busy()
            raise self._no_camera(number)
        capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        return capture

    @staticmethod
    def _check(width: float, height: float) -> None:
        if width * height > MAX_PIXELS:
            raise _GaveUp(
                "too-large",
                phrase(
                    "its pictures have {width:.0f}×{height:.0f} pixels; expected at most {most} million",
                    width=width,
                    height=height,
                    most=MAX_PIXELS // 10**6,
                ),
                _SMALLER,
            )

    @staticmethod
    def _no_camera(number: int) -> _GaveUp:
        told = phrase("there is no camera number {number}", number=number)
        return _GaveUp("no-camera", told, "Plug it in, then look for cameras again.")

    @staticmethod
    def _busy() -> _GaveUp:
        return _GaveUp(
            "busy",
            "the camera gives no pictures; another program may be using it",
            "Close other programs that use it, or unplug it and plug it in again.",
        )

    def _no_video(self) -> _GaveUp:
        return _GaveUp(
            "not-a-video",
            phrase(
                "{name} cannot be opened as a video: it is damaged, or of a kind that Fovea does not read",
                name=self._source.name,
            ),
            "MP4, AVI, MKV, WebM and MOV are read.",
        )

    def _silent(self) -> _GaveUp:
        """No frame came, or none any more."""
        if self._source.kind == "file":
            return self._no_video()
        if self._number:
            return _GaveUp("lost", "the camera gives no more pictures: was it unplugged, or switched off?", _AGAIN)
        return self._busy() if self._source.kind == "camera" else _GaveUp("no-answer", "no picture came", _AGAIN)

    def _serve(self, cv2: Any, frame: np.ndarray) -> None:
        """Do with a new frame what is asked for."""
        with self._lock:
            asked, self._asked = self._asked, False
            keep, self._keep = self._keep, []
            recording, over = self._recording, self._over
            self._over = []
        for ended in over:
            self._send(ended.done())
        if keep:
            shown = self._shown if self._shown is not None else frame
            png = _png(cv2, shown)
            for number in keep:
                self._send(Recorded(number, png, shown.shape[1], shown.shape[0]))
        if recording is not None and recording.wants(cv2, frame):
            recording.kept += 1
            height, width = frame.shape[:2]
            png = _png(cv2, frame)
            self._send(Recorded(recording.asked.id, png, width, height, recording.kept, recording.dropped))
            if recording.kept >= recording.asked.most:
                with self._lock:
                    if self._recording is recording:
                        self._end_recording()
        if asked:
            self._shown = frame
            height, width = frame.shape[:2]
            self._send(CameraFrame(self._number, width, height, bmp_head(width, height) + _rows(cv2, frame)))


class _Recording:
    """A recording under way."""

    def __init__(self, asked: Record) -> None:
        self.asked = asked
        self.kept = self.dropped = 0
        self._last = -math.inf
        self._fields: np.ndarray | None = None

    def wants(self, cv2: Any, frame: np.ndarray) -> bool:
        """Whether ``frame`` is to be kept: it is time, and it is not nearly the one before."""
        now = time.monotonic()
        if now - self._last < self.asked.every_s:
            return False
        grey = cv2.cvtColor(cv2.resize(frame, (_FIELDS, _FIELDS), interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2GRAY)
        fields = grey.astype("float32")
        if self._fields is not None and float(abs(fields - self._fields).max()) < self.asked.unlike:
            self.dropped += 1
            self._last = now
            return False
        self._last, self._fields = now, fields
        return True

    def done(self) -> RecordingDone:
        return RecordingDone(self.asked.id, self.kept, self.dropped)


_AGAIN = "Turn it on again."
_SMALLER = "Scale the video down in another program first."


def _fitting(cv2: Any, frame: np.ndarray) -> np.ndarray:
    """A frame as uint8 (H, W, 3), blue first, no side over :data:`MAX_SIDE`. Raises _GaveUp for an absurd one."""
    if frame.ndim == 2:
        frame = cv2.cvtColor(frame, cv2.COLOR_GRAY2BGR)
    if frame.dtype != "uint8" or frame.ndim != 3 or frame.shape[2] != 3:
        raise _GaveUp("not-a-video", "its pictures are of a kind that Fovea does not read", "")
    height, width = frame.shape[:2]
    _Camera._check(width, height)
    most = max(width, height)
    if most > MAX_SIDE:
        size = max(1, round(width * MAX_SIDE / most)), max(1, round(height * MAX_SIDE / most))
        frame = cv2.resize(frame, size, interpolation=cv2.INTER_AREA)
    return frame


def _rows(cv2: Any, frame: np.ndarray) -> bytes:
    over = -frame.shape[1] * 3 % 4
    if not over:
        return frame.tobytes()
    flat = frame.reshape(frame.shape[0], -1)
    return bytes(cv2.copyMakeBorder(flat, 0, 0, 0, over, cv2.BORDER_CONSTANT, value=0).tobytes())


def _png(cv2: Any, frame: np.ndarray) -> bytes:
    there, data = cv2.imencode(".png", frame, [cv2.IMWRITE_PNG_COMPRESSION, 1])
    if not there:
        raise _GaveUp("lost", "a frame could not be kept", _AGAIN)
    return bytes(data.tobytes())
