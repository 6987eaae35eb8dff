"""Looking through a folder in a process of its own, so that the window neither waits nor falls with a bad picture.

For the window: start an :class:`InspectionClient`, ask :meth:`~InspectionClient.events` from a thread until one of
:class:`InspectionDone` and :class:`InspectionFailed` has come, and :meth:`~InspectionClient.close` it. Cancelling is
:meth:`~InspectionClient.cancel` (an :class:`InspectionFailed` of kind ``cancelled`` follows) or just closing.

    with InspectionClient(folder) as client:
        while not client.ended:
            for event in client.events(timeout=0.2):
                ...
"""

from __future__ import annotations

import threading
from types import TracebackType

from desktop.engine import launch
from desktop.engine.inspection_events import InspectionDone, InspectionEvent, InspectionFailed
from desktop.system.child_process import ChildProcess
from desktop.system.words import phrase

_PATIENCE_S = 1.0


class InspectionClient:
    """One inspection in a child process; a context manager. One thread uses it, :meth:`cancel` may come from any."""

    def __init__(self, path: str, near: bool = True) -> None:
        self._arguments = (str(path), near)
        self._process: ChildProcess | None = None
        self._lock = threading.Lock()
        self.ended = False
        """Whether the last event has come."""

    def __enter__(self) -> InspectionClient:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def pid(self) -> int | None:
        """The child's process id, ``None`` where there is none."""
        return self._process.pid if self._process is not None else None

    def start(self) -> None:
        """Start the child; returns at once."""
        self._process = ChildProcess(launch.inspector, self._arguments, "fovea-inspector")

    def events(self, timeout: float | None = None) -> list[InspectionEvent]:
        """Wait up to ``timeout`` seconds for events; empty when none came. After the end: empty at once."""
        process = self._process
        if self.ended or process is None:
            return []
        process.wait(timeout)
        out: list[InspectionEvent] = list(process.receive())
        self.ended = bool(out) and isinstance(out[-1], InspectionDone | InspectionFailed)
        if process.over and not self.ended:
            text = phrase(
                "the inspection ended without a result (exit status {patience_s})", patience_s=process.join(_PATIENCE_S)
            )
            hint = "A picture or the lack of memory may have ended it: try a part of the data."
            out.append(InspectionFailed("inspector-died", text, hint))
            self.ended = True
        return out

    def cancel(self) -> None:
        """Ask the child to stop; an :class:`InspectionFailed` of kind ``cancelled`` follows soon."""
        with self._lock:
            if self._process is not None:
                self._process.send("cancel")

    def close(self) -> None:
        """End the child, whatever it does: asked first, then terminated, then killed."""
        self.ended = True
        with self._lock:
            process, self._process = self._process, None
        if process is not None:
            process.hang_up()
            process.end(asked=_PATIENCE_S, terminated=_PATIENCE_S, killed=_PATIENCE_S)
