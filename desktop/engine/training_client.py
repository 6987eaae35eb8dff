"""The window's side of one training: starts its process, hands commands in and events out, sees to its end.

No Qt here. Any thread may give commands; one thread calls :meth:`TrainingClient.events`.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from desktop.engine import child
from desktop.engine.child_client import ChildClient
from desktop.ml.plans.control import Command
from desktop.ml.plans.events import Event, Finished
from desktop.system.child_process import KILL, ChildProcess, Outbox
from desktop.system.words import phrase

_PATIENCE_S = 1.5  # for a process that was told to end at once
_TIDY_S = 5.0  # for one that has said its last word
_TERMINATED_S = 0.6  # between asking the system to end it and making it
_COUNTED_S = 0.2  # the system's own count of what it ended for lack of memory may come a moment later


@dataclass(frozen=True, slots=True)
class TrainerLost:
    """The training's process has ended without a word. ``reason`` says in a few words how, ``memory`` whether the
    system ended it for lack of memory. Its last checkpoint is on disk."""

    reason: str
    memory: bool = False


class TrainingClient(ChildClient):
    """One training in a process of its own; a context manager.

    ``folder`` is the run's. Exactly one :class:`Finished` or :class:`TrainerLost` is the last of its events.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._outbox: Outbox[Command] = Outbox()
        self._due: list[tuple[float, Callable[[], None]]] = []
        self._ending: Command | None = None
        self._last: Finished | TrainerLost | None = None
        self._kills = 0

    @property
    def ended(self) -> bool:
        """Whether the last event was handed out."""
        return self._last is not None

    def start(self) -> None:
        """Start the process; returns at once."""
        from desktop.engine import launch

        self._kills = child.memory_kills()
        # A daemon, so that it ends with this process however that ends; it frees itself to have children of its own.
        self._process = ChildProcess(launch.trainer, (str(self._folder),), "fovea-trainer")

    def pause(self) -> None:
        """Wait after the batch at hand until :meth:`resume`."""
        self._outbox.put("pause")

    def resume(self) -> None:
        """Go on after a pause."""
        self._outbox.put("resume")

    def stop_after_epoch(self) -> None:
        """End after the epoch at hand and make a model of the best one so far."""
        self._outbox.put("stop-after-epoch")

    def stop_now(self) -> None:
        """End with a checkpoint to go on from, in less than three seconds: the newest there is by then."""
        self._outbox.put("stop-after-batch")

    def cancel(self) -> None:
        """End without a model, in less than three seconds."""
        self._outbox.put("cancel")

    def events(self, timeout: float | None) -> list[Event | TrainerLost]:
        """Wait up to ``timeout`` seconds (``None``: until something comes) for events; sends what was commanded.

        After the last event an empty list comes back at once.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while self._last is None:
            assert self._process is not None
            self._send_commands(self._process)
            self._process.wait(self._patience(deadline), self._outbox.bell)
            out = self._receive(self._process)
            while self._due and time.monotonic() >= self._due[0][0]:
                self._due.pop(0)[1]()
            if out or (deadline is not None and time.monotonic() >= deadline):
                return out
        return []

    def close(self) -> None:
        """See the process gone: asked first where it still works, then made to."""
        process, self._process = self._process, None
        if process is None:
            return
        if self._last is None:
            process.send("stop-after-batch")
        patience = _PATIENCE_S if self._last is None else _TIDY_S
        process.end(asked=patience, terminated=_TERMINATED_S, killed=_TERMINATED_S)

    # All below runs in the thread that calls events().

    def _send_commands(self, process: ChildProcess) -> None:
        for command in self._outbox.take()[0]:
            process.send(command)
            if command in ("stop-after-batch", "cancel"):
                self._ending = command
                if not self._due:
                    now = time.monotonic()
                    self._due = [
                        (now + _PATIENCE_S, process.terminate),
                        (now + _PATIENCE_S + _TERMINATED_S, process.kill),
                    ]

    def _patience(self, deadline: float | None) -> float | None:
        ends = [moment for moment, _ in self._due[:1]] + ([deadline] if deadline is not None else [])
        return max(0.0, min(ends) - time.monotonic()) if ends else None

    def _receive(self, process: ChildProcess) -> list[Event | TrainerLost]:
        """Every event that is there; after the process's end the last of all."""
        out: list[Event | TrainerLost] = []
        for event in process.receive():
            out.append(event)
            if isinstance(event, Finished):
                self._last = event
                return out
        if process.over:
            self._last = self._bury(process)
            out.append(self._last)
        return out

    def _bury(self, process: ChildProcess) -> Finished | TrainerLost:
        """The process has ended without a word: because it was made to, or not."""
        code = process.collect(_TERMINATED_S)
        if self._ending == "cancel":
            last: Finished | TrainerLost = Finished("cancelled", None, "the training was cancelled")
        elif self._ending is not None:
            last = Finished("stopped", None, "the training was stopped; its last checkpoint is kept")
        else:
            last = TrainerLost(*self._cause(code))
        _end_group(process.pid)
        return last

    def _cause(self, code: int | None) -> tuple[str, bool]:
        if code == -KILL:
            end = time.monotonic() + _COUNTED_S
            while time.monotonic() < end:
                if child.memory_kills() > self._kills:
                    return phrase("the system ended it for lack of memory"), True
                time.sleep(0.02)
        return child.reason(code), False


def _end_group(pid: int) -> None:
    """End what a dead trainer has left behind: a conversion, for instance."""
    if hasattr(os, "killpg"):
        with contextlib.suppress(OSError):
            os.killpg(pid, KILL)
