"""Small work with the disk, off the drawing thread and in the order in which it was asked for."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from PySide6.QtCore import QObject, Signal, Slot


class Errands(QObject):
    """``run(work, then, failed)``: ``work`` in a thread, then ``then`` with its result, or ``failed`` with the
    exception, in the thread of this object. Lives in the main thread."""

    _back = Signal(object, object)

    def __init__(self, name: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._name = name
        self._pool: ThreadPoolExecutor | None = None
        self._open = 0
        self._back.connect(self._on_back)

    @property
    def busy(self) -> bool:
        """Whether something that was asked for has not come back yet."""
        return self._open > 0

    def run(
        self,
        work: Callable[[], Any],
        then: Callable[[Any], None] | None = None,
        failed: Callable[[Exception], None] | None = None,
    ) -> None:
        """Ask for ``work``. Without ``failed`` an exception is dropped: for what is only tried."""
        if self._pool is None:
            self._pool = ThreadPoolExecutor(1, self._name)
        self._open += 1
        self._pool.submit(self._do, work, then, failed)

    def stop(self) -> None:
        """Wait until all is done; what comes back after this is dropped."""
        if self._pool is not None:
            self._pool.shutdown(wait=True)
            self._pool = None

    def _do(
        self,
        work: Callable[[], Any],
        then: Callable[[Any], None] | None,
        failed: Callable[[Exception], None] | None,
    ) -> None:
        try:
            result = work()
        except Exception as error:
            self._back.emit(failed, error)
        else:
            self._back.emit(then, result)

    @Slot(object, object)
    def _on_back(self, tell: Callable[[Any], None] | None, value: Any) -> None:
        self._open -= 1
        if tell is not None:
            tell(value)
