"""Learning from a project's labels in a process of its own: features ahead of the eye, a new head after each label.

    with TeachClient(project.folder) as client:
        client.send(LookAgain())
        while not client.ended:
            for event in client.events(timeout=0.2):
                ...

The child looks at the project's pictures as soon as it is started, and learns from the labels that are there. After
each change that was made through :class:`desktop.store.project.Project` say :class:`LookAgain`; several that come
while it is learning count as one.
"""

from __future__ import annotations

import threading
from pathlib import Path
from types import TracebackType

from desktop.engine import child, launch
from desktop.engine.teaching_events import Request, TeachEvent, TeachingEnded
from desktop.store.catalogue import EVERYDAY
from desktop.system.child_process import ChildProcess, Outbox
from desktop.system.words import phrase

_PATIENCE_S = 2.0
_END_S = 1.0


class TeachClient:
    """The process that learns from the project in ``folder``; a context manager. One thread asks :meth:`events`,
    :meth:`send` may come from any. ``network`` is the model whose features are learned from."""

    def __init__(self, folder: Path, network: str = EVERYDAY, threads: int | None = None) -> None:
        self._arguments = (str(folder), network, threads)
        self._process: ChildProcess | None = None
        self._outbox: Outbox[Request] = Outbox()
        self._lock = threading.Lock()
        self.ended = False
        """Whether the last event has come."""

    def __enter__(self) -> TeachClient:
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
        self._process = ChildProcess(launch.teacher, self._arguments, "fovea-teacher")

    def send(self, *requests: Request) -> None:
        """Hand requests in; returns at once."""
        self._outbox.put(*requests)

    def events(self, timeout: float | None = None) -> list[TeachEvent]:
        """Wait up to ``timeout`` seconds for events; empty when none came. After the end: empty at once."""
        process = self._process
        if self.ended or process is None:
            return []
        process.wait(timeout, self._outbox.bell)
        requests, _ = self._outbox.take()
        for request in requests:
            process.send(request)
        out: list[TeachEvent] = list(process.receive())
        self.ended = bool(out) and isinstance(out[-1], TeachingEnded)
        if process.over and not self.ended:
            why = child.reason(process.join(_END_S))
            text = phrase("the process that learns from labels has ended ({why})", why=why)
            out.append(TeachingEnded(text, "Every label is kept. Open the project again: it goes on."))
            self.ended = True
        return out

    def close(self) -> None:
        """End the child: told first, then terminated, then killed."""
        self.ended = True
        with self._lock:
            process, self._process = self._process, None
        if process is not None:
            process.hang_up()
            process.end(asked=_PATIENCE_S, terminated=_END_S, killed=_END_S)
