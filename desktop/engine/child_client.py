"""What every client of a child process has: it starts the child when its block is entered and sees it gone after it.

:class:`ChildClient` leaves open what is said; an :class:`EventsClient` is for a child that does one thing and tells
events, the last of which ends it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from types import TracebackType
from typing import Any, ClassVar, Generic, Self, TypeVar

from desktop.system.child_process import ChildProcess, Outbox

_Event = TypeVar("_Event")
_END_S = 1.0


class ChildClient(ABC):
    """This side of a child process; a context manager around :meth:`start` and :meth:`close`."""

    _process: ChildProcess | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def pid(self) -> int | None:
        """The child's process id, ``None`` while there is none."""
        return self._process.pid if self._process is not None else None

    @abstractmethod
    def start(self) -> None:
        """Start the child; returns at once."""

    @abstractmethod
    def close(self) -> None:
        """End the child, whatever it does; nothing else may follow."""


class EventsClient(ChildClient, Generic[_Event]):
    """A child that tells events until the last one has come, of a type in ``last_events``.

    One thread uses it; :meth:`_hand_in` may be called from any.
    """

    last_events: ClassVar[tuple[type, ...]]
    asked_s: ClassVar[float] = _END_S
    """Seconds that the child has to end by itself when it is closed."""

    def __init__(self, target: Callable[..., None], arguments: tuple[Any, ...], name: str) -> None:
        self._child = target, arguments, name
        self._outbox: Outbox[Any] = Outbox()
        self.ended = False
        """Whether the last event has come."""

    def start(self) -> None:
        """Start the child; returns at once. Raises OSError where the system has no process left."""
        target, arguments, name = self._child
        self._process = ChildProcess(target, arguments, name)

    def events(self, timeout: float | None = None) -> list[_Event]:
        """Wait up to ``timeout`` seconds for events; empty when none came. After the end: empty at once.

        Sends what was handed in meanwhile. Where the child ends without a last event, that of :meth:`_lost` is it.
        """
        process = self._process
        if self.ended or process is None:
            return []
        process.wait(timeout, self._outbox.bell)
        for message in self._outbox.take()[0]:
            process.send(message)
        out: list[_Event] = list(process.receive())
        self.ended = bool(out) and isinstance(out[-1], self.last_events)
        if process.over and not self.ended:
            out.append(self._lost(process.join(_END_S)))
            self.ended = True
        return out

    def close(self) -> None:
        """End the child: told by the pipe's end first, then terminated, then killed."""
        self.ended = True
        process, self._process = self._process, None
        if process is not None:
            process.hang_up()
            process.end(asked=self.asked_s, terminated=_END_S, killed=_END_S)

    def _hand_in(self, *messages: Any) -> None:
        """Have messages sent by the thread that waits for events; returns at once. Any thread may."""
        self._outbox.put(*messages)

    @abstractmethod
    def _lost(self, code: int | None) -> _Event:
        """The last event of a child that has ended without one; ``code`` is its exit status, ``None``: not known."""
