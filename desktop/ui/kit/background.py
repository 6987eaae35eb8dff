"""Work that would hold up the drawing thread: in a thread of its own (:class:`Task`) or in slices (:class:`Slices`).

A thread is for work outside the interpreter (scaling pictures, waiting for a disk). Python code in a thread would hold
up the window all the same: each Qt call gives the interpreter away and waits up to 5 ms to have it back. Such work
is cut into slices on the drawing thread instead.
"""

from __future__ import annotations

import atexit
import time
from collections.abc import Callable, Generator
from typing import Any

from PySide6.QtCore import QObject, Qt, QThread, QTimer, Signal

SLICE = 0.005
"""Seconds of work between two looks at the window's events."""

Work = Callable[["Task"], Any]


class Task(QThread):
    """One piece of work: ``work(task)`` runs in a thread and may call ``task.progressed.emit(...)``.

    It should look at ``task.cancelled`` now and then. Exactly one of ``answered`` (its result) and ``failed`` (the
    exception) follows. Connect these to bound methods of objects of the drawing thread. Work must not touch widgets.
    """

    progressed = Signal(object)
    answered = Signal(object)
    failed = Signal(object)

    def __init__(self, work: Work) -> None:
        super().__init__()
        self._work: Work | None = work

    @property
    def cancelled(self) -> bool:
        """Whether the work should end early."""
        return self.isInterruptionRequested()

    def launch(self) -> None:
        """Begin, behind whatever the user is doing; the task keeps itself alive until it has ended."""
        _the_keeper().keep(self)
        self.start(QThread.Priority.LowPriority)

    def cancel(self) -> None:
        """Ask the work to end early; its answer may still come."""
        self.requestInterruption()

    def run(self) -> None:
        """The thread itself."""
        work, self._work = self._work, None
        assert work is not None
        try:
            result = work(self)
        except Exception as error:
            self.failed.emit(error)
        else:
            self.answered.emit(result)


class Slices(QObject):
    """Runs a generator a few milliseconds at a time, between the window's events.

    Each step should take a millisecond or less. ``stepped`` carries the last value of a slice, ``answered`` what the
    generator returned, ``failed`` its exception; the last two end the work.
    """

    stepped = Signal(object)
    answered = Signal(object)
    failed = Signal(object)

    def __init__(self, work: Generator[Any, None, Any], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._work: Generator[Any, None, Any] | None = work
        self._timer = QTimer(self)
        self._timer.setInterval(0)
        self._timer.timeout.connect(self._turn)

    def launch(self) -> None:
        """Begin with the next turn of the event loop."""
        self._timer.start()

    def stop(self) -> None:
        """Drop the work; no signal follows."""
        self._timer.stop()
        if self._work is not None:
            self._work.close()
            self._work = None

    def _turn(self) -> None:
        until = time.perf_counter() + SLICE
        value: Any = None
        try:
            while self._work is not None and time.perf_counter() < until:
                value = next(self._work)
        except StopIteration as end:
            self.stop()
            self.answered.emit(end.value)
        except Exception as error:
            self.stop()
            self.failed.emit(error)
        else:
            self.stepped.emit(value)


class _Keeper(QObject):
    """Holds the running tasks: a QThread must outlive its run even where whoever started it is gone."""

    def __init__(self) -> None:
        super().__init__()
        self._tasks: set[Task] = set()

    def keep(self, task: Task) -> None:
        self._tasks.add(task)
        task.finished.connect(self._sweep, Qt.ConnectionType.QueuedConnection)

    def _sweep(self) -> None:
        self._tasks = {task for task in self._tasks if not task.isFinished()}

    def end_all(self) -> None:
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            task.wait(5000)
        self._tasks.clear()


_keeper: _Keeper | None = None


def _the_keeper() -> _Keeper:
    global _keeper
    if _keeper is None:
        _keeper = _Keeper()
        atexit.register(_keeper.end_all)
    return _keeper
