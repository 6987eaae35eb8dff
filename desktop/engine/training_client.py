"""The window's side of one training: starts its process, hands commands in and events out, sees to its end.

No Qt here. Any thread may give commands; one thread calls :meth:`TrainingClient.events`.
"""

from __future__ import annotations

import collections
import contextlib
import multiprocessing
import os
import signal
import threading
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from desktop.engine import child
from desktop.ml.control import Command
from desktop.ml.events import Event, Finished

_PATIENCE_S = 1.5  # for a process that was told to end at once
_TIDY_S = 5.0  # for one that has said its last word
_TERMINATED_S = 0.6  # between asking the system to end it and making it
_KILL = getattr(signal, "SIGKILL", signal.SIGTERM)  # Windows knows one way only
_COUNTED_S = 0.2  # the system's own count of what it ended for lack of memory may come a moment later


@dataclass(frozen=True, slots=True)
class TrainerLost:
    """The training's process has ended without a word. ``reason`` says in a few words how, ``memory`` whether the
    system ended it for lack of memory. Its last checkpoint is on disk."""

    reason: str
    memory: bool = False


class TrainingClient:
    """One training in a process of its own; a context manager.

    ``folder`` is the run's. Exactly one :class:`Finished` or :class:`TrainerLost` is the last of its events.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._commands: collections.deque[Command] = collections.deque()
        self._wake_in, self._wake_out = multiprocessing.Pipe(duplex=False)
        self._process: Any = None
        self._connection: Connection | None = None
        self._due: list[tuple[float, int]] = []
        self._ending: Command | None = None
        self._last: Finished | TrainerLost | None = None
        self._kills = 0

    def __enter__(self) -> TrainingClient:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def pid(self) -> int | None:
        """The process id of the trainer, ``None`` while there is none."""
        return self._process.pid if self._process is not None else None

    @property
    def ended(self) -> bool:
        """Whether the last event was handed out."""
        return self._last is not None

    def start(self) -> None:
        """Start the process; returns at once."""
        from desktop.engine import launch

        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe(duplex=True)
        self._kills = child.memory_kills()
        # A daemon, so that it ends with this process however that ends; it frees itself to have children of its own.
        process = context.Process(
            target=launch.trainer, args=(theirs, str(self._folder)), name="fovea-trainer", daemon=True
        )
        process.start()
        theirs.close()
        self._process, self._connection = process, ours

    def pause(self) -> None:
        """Wait after the batch at hand until :meth:`resume`."""
        self._give("pause")

    def resume(self) -> None:
        """Go on after a pause."""
        self._give("resume")

    def stop_after_epoch(self) -> None:
        """End after the epoch at hand and make a model of the best one so far."""
        self._give("stop-after-epoch")

    def stop_now(self) -> None:
        """End with a checkpoint to go on from, in less than three seconds: the newest there is by then."""
        self._give("stop-after-batch")

    def cancel(self) -> None:
        """End without a model, in less than three seconds."""
        self._give("cancel")

    def events(self, timeout: float | None) -> list[Event | TrainerLost]:
        """Wait up to ``timeout`` seconds (``None``: until something comes) for events; sends what was commanded.

        After the last event an empty list comes back at once.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while self._last is None:
            assert self._connection is not None and self._process is not None
            self._send_commands()
            ready = wait([self._connection, self._process.sentinel, self._wake_in], self._patience(deadline))
            if self._wake_in in ready:
                self._wake_in.recv_bytes()
            out = self._receive() if self._connection in ready else []
            if self._last is None and self._process.sentinel in ready:
                out += self._receive()
                if self._last is None:
                    out.append(self._bury())
            self._do_what_is_due()
            if out or (deadline is not None and time.monotonic() >= deadline):
                return out
        return []

    def close(self) -> None:
        """See the process gone: asked first where it still works, then made to."""
        process, self._process = self._process, None
        connection, self._connection = self._connection, None
        if process is None:
            return
        if self._last is None and connection is not None:
            with contextlib.suppress(OSError, ValueError):
                connection.send("stop-after-batch")
        process.join(_PATIENCE_S if self._last is None else _TIDY_S)
        for number in (signal.SIGTERM, _KILL):
            if process.exitcode is None:
                _end(process, number)
                process.join(_TERMINATED_S)
        if connection is not None:
            connection.close()
        if process.exitcode is not None:
            process.close()

    # All below runs in the thread that calls events().

    def _give(self, command: Command) -> None:
        with self._lock:
            self._commands.append(command)
        self._wake_out.send_bytes(b"\0")

    def _send_commands(self) -> None:
        with self._lock:
            commands = list(self._commands)
            self._commands.clear()
        for command in commands:
            with contextlib.suppress(OSError):  # it has died: the sentinel says so
                if self._connection is not None:
                    self._connection.send(command)
            if command in ("stop-after-batch", "cancel"):
                self._ending = command
                if not self._due:
                    now = time.monotonic()
                    self._due = [
                        (now + _PATIENCE_S, signal.SIGTERM),
                        (now + _PATIENCE_S + _TERMINATED_S, _KILL),
                    ]

    def _patience(self, deadline: float | None) -> float | None:
        ends = [moment for moment, _ in self._due[:1]] + ([deadline] if deadline is not None else [])
        return max(0.0, min(ends) - time.monotonic()) if ends else None

    def _do_what_is_due(self) -> None:
        while self._due and time.monotonic() >= self._due[0][0]:
            _end(self._process, self._due.pop(0)[1])

    def _receive(self) -> list[Event | TrainerLost]:
        """Every event that is there; at the pipe's end nothing more."""
        out: list[Event | TrainerLost] = []
        assert self._connection is not None
        try:
            while self._connection.poll(0):
                event: Event = self._connection.recv()
                out.append(event)
                if isinstance(event, Finished):
                    self._last = event
                    break
        except (EOFError, OSError):
            # The pipe has ended: the process is about to.
            self._process.join(_TERMINATED_S)
            if self._process.exitcode is None:
                _end(self._process, _KILL)
                self._process.join()
            if self._last is None:
                out.append(self._bury())
        return out

    def _bury(self) -> Finished | TrainerLost:
        """The process has ended without a word: because it was made to, or not."""
        self._process.join()
        if self._ending == "cancel":
            self._last = Finished("cancelled", None, "the training was cancelled")
        elif self._ending is not None:
            self._last = Finished("stopped", None, "the training was stopped; its last checkpoint is kept")
        else:
            self._last = TrainerLost(*self._cause())
        _end_group(self._process.pid)
        return self._last

    def _cause(self) -> tuple[str, bool]:
        code = self._process.exitcode
        if code == -_KILL:
            end = time.monotonic() + _COUNTED_S
            while time.monotonic() < end:
                if child.memory_kills() > self._kills:
                    return "the system ended it for lack of memory", True
                time.sleep(0.02)
        return child.reason(code), False


def _end(process: Any, number: int) -> None:
    """End the process with its own children, which share its group."""
    if process.exitcode is not None:
        return
    if hasattr(os, "killpg"):
        with contextlib.suppress(OSError):
            if os.getpgid(process.pid) == process.pid:
                os.killpg(process.pid, number)
                return
    with contextlib.suppress(OSError):
        process.kill() if number == _KILL else process.terminate()


def _end_group(pid: int) -> None:
    """End what a dead trainer has left behind: a conversion, for instance."""
    if hasattr(os, "killpg"):
        with contextlib.suppress(OSError):
            os.killpg(pid, _KILL)
