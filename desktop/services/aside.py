"""A thread for one piece of work of a Qt object, which it must not be the last to hold.

A thread that ends drops what it was given. Were that the last reference to a dialog or a window, Qt would take it apart
in a thread that it does not belong to, and the program would end with it. So the work is held here as well, and let go
in the thread that asked, once the other has ended.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QObject, Signal, Slot


class _Keeper(QObject):
    _ended = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._held: dict[threading.Thread, Callable[..., Any]] = {}
        self._ended.connect(self._release)

    def run(self, work: Callable[..., Any], arguments: tuple[Any, ...], name: str) -> threading.Thread:
        box = [work]

        def body() -> None:
            try:
                box.pop()(*arguments)
            finally:
                self._ended.emit(threading.current_thread())

        thread = threading.Thread(target=body, name=name, daemon=True)
        self._held[thread] = work
        thread.start()
        return thread

    @Slot(object)
    def _release(self, thread: threading.Thread) -> None:
        thread.join()  # it has nothing left to do
        self._held.pop(thread, None)


_keeper: _Keeper | None = None


def run_aside(work: Callable[..., Any], *arguments: Any, name: str) -> threading.Thread:
    """Call ``work(*arguments)`` in a daemon thread called ``name``; ask from the main thread.

    ``work`` may be a method of a Qt object; what it has to tell it tells by a signal.
    """
    global _keeper
    if _keeper is None:
        _keeper = _Keeper()
    return _keeper.run(work, arguments, name)
