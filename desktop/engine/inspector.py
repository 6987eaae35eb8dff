"""What the inspecting child does: looks through labelled pictures and tells the other side of the pipe."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

from desktop.core.types import FoveaError
from desktop.engine.inspection_events import (
    BrokenFound,
    Glimpsed,
    InspectionDone,
    InspectionEvent,
    InspectionFailed,
    InspectionProgress,
)
from desktop.system.words import phrase

if TYPE_CHECKING:
    from desktop.core.data.dataset import BrokenEntry
    from desktop.core.data.inspection import InspectionStage

_EVERY_S = 0.1
_NICE = 5


def serve(connection: Connection, path: str, near: bool) -> None:
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
        text = phrase("the inspection failed unexpectedly ({name})", name=type(error).__name__)
        return InspectionFailed("unexpected", text, "Please report this.")


class _Teller:
    """Tells the other side how it goes, not more often than a window can use."""

    def __init__(self, connection: Connection, stop: threading.Event) -> None:
        self._connection, self._stop = connection, stop
        self._stage, self._at = "", 0.0
        self._count = 0
        self._waiting: list[BrokenEntry] = []

    def progress(self, stage: InspectionStage, done: int, total: int | None) -> None:
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
