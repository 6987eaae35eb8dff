"""The other side of a camera's pipe: starts its process, bounds every wait, tells why it ended. No Qt.

The window's thread and the command line drive the same client. One thread calls :meth:`CameraClient.events`; any may
call :meth:`CameraClient.send` and :meth:`CameraClient.interrupt`.
"""

from __future__ import annotations

import time

from desktop.engine import child, launch
from desktop.engine.camera_messages import (
    CameraEnded,
    CameraEvent,
    CameraFailed,
    CameraFrame,
    CameraOpened,
    CameraSource,
    Command,
    NextFrame,
    TurnOff,
)
from desktop.engine.child_client import ChildClient
from desktop.system.child_process import ChildProcess, Outbox
from desktop.system.memory import memory_of
from desktop.system.words import phrase

START_S = 12.0
"""Seconds from asking to the first frame; a source that needs longer is given up."""
STALL_S = 6.0
"""Seconds between two frames."""
_LOOK_S = 0.5
_MEMORY = 1 << 30


class CameraClient(ChildClient):
    """One camera in a process of its own; a context manager. Ends with one CameraFailed or CameraEnded, unless closed.

    A frame comes for each :class:`NextFrame` that was sent, never more than one for all that were sent meanwhile.
    """

    def __init__(self, source: CameraSource, start_s: float = START_S, stall_s: float = STALL_S) -> None:
        self._source = source
        self._start_s, self._stall_s = start_s, stall_s
        self._outbox: Outbox[Command] = Outbox()
        self._opened = False
        self._awaited = False
        self._heard = 0.0
        self.ended = False
        """Whether the last event has come."""

    def start(self) -> None:
        """Start the process; returns at once."""
        self._heard = time.monotonic()
        try:
            self._process = ChildProcess(launch.camera, (self._source,), "fovea-camera")
        except (OSError, MemoryError):
            self._process = None

    def send(self, command: Command) -> None:
        """Hand in a command; never blocks."""
        self._outbox.put(command)

    def interrupt(self) -> None:
        """Make a waiting :meth:`events` return."""
        self._outbox.put()

    def events(self, timeout: float | None) -> list[CameraEvent]:
        """Wait up to ``timeout`` seconds (``None``: until something comes, or :meth:`interrupt`) for events."""
        process, end = self._process, None if timeout is None else time.monotonic() + timeout
        out: list[CameraEvent] = []
        if self.ended:
            return out
        if process is None:
            self.ended = True
            return [CameraFailed("crashed", "no process could be started for the camera", "Close other programs.")]
        while True:
            commands, woken = self._outbox.take()
            for command in commands:
                if isinstance(command, NextFrame) and not self._awaited:
                    self._awaited = True
                    self._heard = time.monotonic() if self._opened else self._heard
                process.send(command)
            left = _LOOK_S if end is None else min(_LOOK_S, max(0.0, end - time.monotonic()))
            process.wait(0.0 if woken else left, self._outbox.bell)
            for event in process.receive():
                self._note(event)
                out.append(event)
            if not self.ended:
                out += self._trouble(process)
            if out or woken or (end is not None and time.monotonic() >= end):
                return out

    def _note(self, event: CameraEvent) -> None:
        self._heard = time.monotonic()
        if isinstance(event, CameraOpened):
            self._opened = True
        elif isinstance(event, CameraFrame):
            self._awaited = False
        elif isinstance(event, CameraFailed | CameraEnded):
            self.ended = True

    def _trouble(self, process: ChildProcess) -> list[CameraEvent]:
        """What a process that tells nothing itself ended of, or is ended for."""
        failure = None
        if process.over:
            reason = child.reason(process.collect(2.0))
            failure = CameraFailed(
                "crashed", phrase("what reads the camera stopped ({reason})", reason=reason), "Turn it on again."
            )
        elif memory_of(process.pid) > _MEMORY:
            failure = CameraFailed(
                "too-large",
                "its pictures need more memory than a camera may have",
                "Scale the video down in another program first.",
            )
        elif not self._opened and time.monotonic() - self._heard > self._start_s:
            failure = CameraFailed(
                "no-answer",
                phrase("no picture came within {seconds:.0f} seconds", seconds=self._start_s),
                "Unplug the camera and plug it in again, or choose another one.",
            )
        elif self._opened and self._awaited and time.monotonic() - self._heard > self._stall_s:
            failure = CameraFailed(
                "lost", "the camera gives no more pictures: was it unplugged, or switched off?", "Turn it on again."
            )
        if failure is None:
            return []
        self.ended = True
        process.kill()
        return [failure]

    def close(self) -> None:
        """Turn the camera off: it is asked to, and ended in the same breath."""
        self.ended = True
        process, self._process = self._process, None
        if process is not None:
            process.send(TurnOff())
            process.hang_up()
            process.end(asked=0.3, terminated=0.3, killed=1.0)
