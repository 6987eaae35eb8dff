"""A process started for some work, seen from the one that starts it: the pipe to it, its death and its end.

Light: the window, the command line and the import of models drive their children with it alike.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection, wait
from typing import Any, Generic, TypeVar

KILL = getattr(signal, "SIGKILL", signal.SIGTERM)  # Windows knows one way only
_Message = TypeVar("_Message")


def compute_alone() -> None:
    """In a child: NumPy's library of linear algebra is to have one thread. Work is spread over processes and lanes
    already; more threads would fight for the cores, and wait for each other in busy loops."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"
    if "numpy" in sys.modules:  # a script's own child has imported what the script imports: it is too late for names
        with contextlib.suppress(ImportError):
            from threadpoolctl import threadpool_limits

            threadpool_limits(1, "blas")


class ChildProcess:
    """A spawned process, started at once, and this side of the pipe to it.

    One thread uses it; another may :meth:`send`, if its owner keeps that apart from :meth:`hang_up` and :meth:`end`.
    The child calls ``target`` with its side of the pipe and ``arguments``, all pickled on the way. A ``daemon`` ends
    with this process and may have no children; where not ``duplex`` only the child speaks.
    """

    def __init__(
        self,
        target: Callable[..., None],
        arguments: tuple[Any, ...],
        name: str | None = None,
        *,
        daemon: bool = True,
        duplex: bool = True,
    ) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe(duplex)
        self._process = context.Process(target=target, args=(theirs, *arguments), name=name, daemon=daemon)
        self._process.start()
        theirs.close()  # else the pipe would not end when the child does
        assert self._process.pid is not None  # it runs
        self.pid = self._process.pid
        self._dead = False
        self._pipe_ended = False

    def send(self, message: Any) -> None:
        """Send ``message``; nothing where the child hears no more: its end is noticed by who listens."""
        with contextlib.suppress(OSError):
            self._connection.send(message)

    def wait(self, timeout: float | None, *others: Connection) -> None:
        """Wait up to ``timeout`` seconds (``None``: as long as it takes) for a message, for the child's end, or for
        one of ``others``."""
        ready = wait([self._connection, self._process.sentinel, *others], timeout)
        self._dead = self._process.sentinel in ready

    def receive(self) -> Iterator[Any]:
        """The messages that are there, one by one, without waiting."""
        try:
            while self._connection.poll(0):
                yield self._connection.recv()
        except (EOFError, OSError):
            self._pipe_ended = True

    @property
    def over(self) -> bool:
        """Whether nothing will follow what was received: the pipe has ended, or the last :meth:`wait` found the child
        dead and no message of it is left."""
        return self._pipe_ended or self._dead and not self._has_more()

    def _has_more(self) -> bool:
        try:
            return self._connection.poll(0)
        except OSError:
            return False

    def join(self, timeout: float | None) -> int | None:
        """Wait for its end. Returns its exit status, minus the signal that ended it, or ``None`` while it goes on."""
        self._process.join(timeout)
        return self._process.exitcode

    def terminate(self) -> None:
        """Ask the system to end it."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """Make the system end it."""
        self._signal(KILL)

    def _signal(self, number: int) -> None:
        """To a child that leads a process group: to its own children as well."""
        if self._process.exitcode is not None:
            return
        if hasattr(os, "killpg"):
            with contextlib.suppress(OSError):
                if os.getpgid(self.pid) == self.pid:
                    os.killpg(self.pid, number)
                    return
        with contextlib.suppress(OSError):
            self._process.kill() if number == KILL else self._process.terminate()

    def collect(self, patience: float) -> int | None:
        """The exit status of a child whose pipe has ended: it has ``patience`` seconds to end as well."""
        if self.join(patience) is None:
            self.kill()
        return self.join(None)

    def hang_up(self) -> None:
        """Close this side of the pipe: to a child that listens, the sign to end."""
        self._connection.close()

    def end(self, *, asked: float = 0.0, terminated: float = 0.0, killed: float | None = 0.0) -> None:
        """See it gone and let go of it; nothing else may follow. To be asked politely is the caller's part.

        It has ``asked`` seconds to end by itself, ``terminated`` when the system has asked it, ``killed`` (``None``: as
        long as it takes) when it was made to. A child that survives all that is left to the system.
        """
        code = self.join(asked)
        for end, patience in ((self.terminate, terminated), (self.kill, killed)):
            if code is None:
                end()
                code = self.join(patience)
        self._connection.close()
        if code is not None:
            self._process.close()


class Outbox(Generic[_Message]):
    """What any thread hands in for the one thread that drives a child, so that no other waits for its pipe.

    ``bell``, to be given to :meth:`ChildProcess.wait`, is ready from a :meth:`put` to the next :meth:`take`.
    """

    def __init__(self) -> None:
        self.bell, self._ringer = multiprocessing.Pipe(duplex=False)
        self._lock = threading.Lock()
        self._messages: list[_Message] = []
        self._rung = False

    def put(self, *messages: _Message) -> None:
        """Hand in messages, or none just to wake the thread that waits. Any thread may; returns at once."""
        with self._lock:
            self._messages.extend(messages)
            silent = not self._rung
            self._rung = True
        if silent:
            self._ringer.send_bytes(b"\0")

    def take(self) -> tuple[list[_Message], bool]:
        """All messages in their order, and whether there was any :meth:`put` since the last time."""
        with self._lock:
            messages, self._messages = self._messages, []
            rung, self._rung = self._rung, False
        if rung:
            self.bell.recv_bytes()
        return messages, rung
