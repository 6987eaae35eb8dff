"""A thread that drives a child which does one thing: starts it, hands its events on until the last one, stops it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import Signal

from desktop.services.background import ChildThread
from desktop.system.errors import FoveaError

_WAIT_S = 0.5


class EventsThread(ChildThread):
    """Called ``name``. ``begin`` makes, in the thread, an :class:`desktop.engine.child_client.EventsClient` that has a
    ``stop``; ``failed`` makes its last event from the reason why that could not be. ``heard`` carries each event."""

    heard = Signal(object)  # one of the events that the client tells

    def __init__(self, name: str, begin: Callable[[], Any], failed: Callable[[str], Any]) -> None:
        super().__init__(name)
        self._begin, self._failed = begin, failed
        self._client: Any = None
        self._stopped = False

    def stop(self) -> None:
        """Ask the child to end by itself, also one that is only being started; its last event follows."""
        self._stopped = True
        if self._client is not None:
            self._client.stop()

    def run(self) -> None:
        """Start the child, hand its events on until the last one."""
        try:
            with self._begin() as client:
                self._client = client
                if self._stopped:
                    client.stop()
                while not client.ended and not self.isInterruptionRequested():
                    for event in client.events(_WAIT_S):
                        self.heard.emit(event)
        except Exception as error:  # no process, no pipe, a full disk: whoever waits must hear of it
            told = error.message if isinstance(error, FoveaError) else getattr(error, "strerror", None)
            self.heard.emit(self._failed(told or type(error).__name__))
