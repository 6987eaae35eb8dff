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

import contextlib
import os
import threading
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from types import TracebackType
from typing import TYPE_CHECKING

from desktop.core.types import FoveaError
from desktop.system.child_process import ChildProcess

if TYPE_CHECKING:
    from desktop.core.data.dataset import BrokenEntry
    from desktop.core.data.inspection import Inspection, Stage

_EVERY_S = 0.1
_PATIENCE_S = 1.0
_NICE = 5


@dataclass(frozen=True, slots=True)
class InspectionProgress:
    """How far it is: ``done`` entries of ``total`` (``None``: not known) in ``stage``, ``broken`` found so far. At most
    ten a second, and one at each stage's end."""

    stage: Stage
    done: int
    total: int | None
    broken: int


@dataclass(frozen=True, slots=True)
class BrokenFound:
    """Pictures that do not open, as they are met."""

    entries: tuple[BrokenEntry, ...]


@dataclass(frozen=True, slots=True)
class Glimpsed:
    """What a handful of pictures told before all are opened: whether most are in ``colour``, and the median of their
    shorter sides in pixels (0: none of them opened)."""

    colour: bool
    side: int


@dataclass(frozen=True, slots=True)
class InspectionDone:
    """The result; always the last event."""

    inspection: Inspection


@dataclass(frozen=True, slots=True)
class InspectionFailed:
    """No result, always the last event. Kinds: those of :class:`desktop.core.data.dataset.DatasetError`, ``cancelled``,
    ``inspector-died``, ``unexpected``."""

    kind: str
    message: str
    hint: str = ""


InspectionEvent = InspectionProgress | BrokenFound | Glimpsed | InspectionDone | InspectionFailed


def serve_inspection(connection: Connection, path: str, near: bool) -> None:
    """The child process: inspect, tell the other side, end. Ends early when told to, or when nobody listens."""
    if hasattr(os, "nice"):
        with contextlib.suppress(OSError):
            os.nice(_NICE)
    stop = threading.Event()
    threading.Thread(target=_listen, args=(connection, stop), daemon=True).start()
    answer = _inspect(connection, path, near, stop)
    with contextlib.suppress(OSError):
        connection.send(answer)
    connection.close()
    os._exit(0)  # threads inside native code must not delay the end, and there is nothing to save


def _listen(connection: Connection, stop: threading.Event) -> None:
    with contextlib.suppress(EOFError, OSError):
        connection.recv()
    stop.set()


def _inspect(connection: Connection, path: str, near: bool, stop: threading.Event) -> InspectionEvent:
    from desktop.core.data.dataset import Interrupted
    from desktop.core.data.inspection import inspect

    teller = _Teller(connection, stop)
    try:
        return InspectionDone(inspect(path, teller.progress, stop.is_set, teller.broken, near, teller.glimpsed))
    except Interrupted:
        return InspectionFailed("cancelled", "the inspection was cancelled")
    except FoveaError as error:
        return InspectionFailed(error.kind, error.message, error.hint)
    except Exception as error:  # its text may hold a path: the type has to do
        text = f"the inspection failed unexpectedly ({type(error).__name__})"
        return InspectionFailed("unexpected", text, "Please report this.")


class _Teller:
    """Tells the other side how it goes, not more often than a window can use."""

    def __init__(self, connection: Connection, stop: threading.Event) -> None:
        self._connection, self._stop = connection, stop
        self._stage, self._at = "", 0.0
        self._count = 0
        self._waiting: list[BrokenEntry] = []

    def progress(self, stage: Stage, done: int, total: int | None) -> None:
        now = time.monotonic()
        if stage == self._stage and now - self._at < _EVERY_S and done != total:
            return
        self._stage, self._at = stage, now
        try:
            if self._waiting:
                self._connection.send(BrokenFound(tuple(self._waiting)))
                self._waiting.clear()
            self._connection.send(InspectionProgress(stage, done, total, self._count))
        except OSError:
            self._stop.set()  # nobody listens any more

    def glimpsed(self, colour: bool, side: int) -> None:
        try:
            self._connection.send(Glimpsed(colour, side))
        except OSError:
            self._stop.set()

    def broken(self, entry: BrokenEntry) -> None:
        self._count += 1
        self._waiting.append(entry)


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
        from desktop.engine import launch

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
            text = f"the inspection ended without a result (exit status {process.join(_PATIENCE_S)})"
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
