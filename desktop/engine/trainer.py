"""The process of one training: runs the job, tells of it through a pipe, and hears commands meanwhile.

What crosses the pipe towards the window are the events of :mod:`desktop.ml.plans.events`, towards the trainer the words
of :data:`desktop.ml.plans.control.Command`. When the other side is gone, the training stops after the batch with a
checkpoint.
"""

from __future__ import annotations

import collections
import contextlib
import multiprocessing
import os
import threading
import time
import traceback
from multiprocessing.connection import Connection
from pathlib import Path

from desktop.core.types import FoveaError
from desktop.engine import child
from desktop.ml.plans.control import Command
from desktop.ml.plans.events import Event, Finished, TrainBatchDone
from desktop.store.run_files import append_line
from desktop.store.runs import LOG, RunStore
from desktop.system.words import phrase

_NICE = 10
_BATCH_EVERY_S = 0.1
_LAST_S = 3.0


def serve(connection: Connection, folder: str) -> None:
    """Entry point of the child process; when it returns, the process ends within moments."""
    child.quiet_native_output()
    # Started as a daemon so that it ends with the window; but its job has children of its own (conversions).
    multiprocessing.current_process().daemon = False
    child.lead_group()
    child.step_back(_NICE)
    child.go_first_when_memory_ends()
    child.limit_memory()
    link = Link(connection)
    link.listen()
    finished = run(Path(folder), link)
    link.tell(finished)
    if link.alone and finished.state == "stopped":
        # Nobody stopped it: its window has gone. So it shall be offered at the next start.
        with contextlib.suppress(FoveaError):
            RunStore(Path(folder).parent).update(Path(folder).name, state="interrupted", message=phrase("Fovea ended"))
    connection.close()
    # Threads inside native code must not delay the end, and everything is on disk.
    threading.Thread(target=_end_anyway, name="end", daemon=True).start()


def _end_anyway() -> None:
    time.sleep(_LAST_S)
    os._exit(0)


def run(folder: Path, link: Link) -> Finished:
    """The whole job; whatever goes wrong becomes a :class:`Finished` with words."""
    try:
        from desktop.ml import job

        return job.execute(folder, link.hear, link)
    except FoveaError as error:
        return Finished("failed", None, error.message, error.hint, error.kind)
    except MemoryError:
        return Finished(
            "failed",
            None,
            "there is not enough memory for this training",
            "Use a smaller batch or smaller pictures, or close other programs; then go on from the last checkpoint.",
            "out-of-memory",
        )
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        return Finished(
            "failed",
            None,
            phrase("training needs {package}, which is not part of this installation", package=package),
            "The full edition of Fovea has it.",
            "not-installed",
        )
    except Exception as error:
        # The text of a foreign exception may hold a path or a name: where it happened says enough.
        _log(folder, error)
        return Finished(
            "failed",
            None,
            phrase("an unexpected fault stopped the training ({name})", name=type(error).__name__),
            "The run's log says where. The last checkpoint is kept.",
            "internal",
        )


def _log(folder: Path, error: Exception) -> None:
    frames = traceback.extract_tb(error.__traceback__)
    places = " > ".join(f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames)
    try:
        append_line(folder / LOG, f"{type(error).__name__} at {places}")
    except OSError:
        return  # a full disk must not hide the failure itself


class Link:
    """The trainer's end of the pipe: events out, commands in; it is the job's ``Control``.

    ``alone``: the other side is gone.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._sending = threading.Lock()
        self._waiting: collections.deque[Command] = collections.deque()
        self._told_batch = 0.0
        self.alone = False

    def listen(self) -> None:
        """Begin to read commands, in a thread of its own."""
        threading.Thread(target=self._read, name="commands", daemon=True).start()

    def command(self) -> Command | None:
        """The next command, once each and in order; ``None`` while there is none."""
        return self._waiting.popleft() if self._waiting else None

    def hear(self, event: Event) -> None:
        """Pass an event on: of batches at most ten a second, of all others every one. The end is told by its owner."""
        if isinstance(event, Finished):
            return
        if isinstance(event, TrainBatchDone):
            now = time.monotonic()
            if now - self._told_batch < _BATCH_EVERY_S:
                return
            self._told_batch = now
        self.tell(event)

    def tell(self, event: Event) -> None:
        """Send one event; nobody to hear it is no reason to fail."""
        if self.alone:
            return
        try:
            with self._sending:
                self._connection.send(event)
        except (BrokenPipeError, OSError):
            self.alone = True

    def _read(self) -> None:
        try:
            while True:
                self._waiting.append(self._connection.recv())
        except (EOFError, OSError):
            self.alone = True
            self._waiting.append("stop-after-batch")
