"""Work that would hold up the drawing thread: the only module that begins threads for it.

- :class:`Task`: one piece of work in a thread, with an answer; may be cancelled.
- :class:`DiskWork`: small work with the disk, in the order in which it was asked for.
- :class:`Slices`: Python code, a few milliseconds at a time on the drawing thread itself.
- :func:`run_aside`: what may be left behind at the end of the program (a server that does not answer).

A thread is for work outside the interpreter (scaling pictures, waiting for a disk). Python code in a thread would hold
up the window all the same: each Qt call gives the interpreter away and waits up to 5 ms to have it back. Such work
is cut into slices instead. Child processes have supervisors of their own beside the service that starts them, some of
them a :class:`ChildThread`.
"""

from __future__ import annotations

import atexit
import threading
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

from PySide6.QtCore import QObject, Qt, QThread, QTimer, Signal, Slot

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

SLICE = 0.005
"""Seconds of work between two looks at the window's events."""

Work = Callable[["Task"], Any]


class Task(QThread):
    """One piece of work: ``work(task)`` runs in a thread and may call ``task.progressed.emit(...)``.

    It should look at ``task.cancelled`` now and then. Exactly one of ``answered`` (its result) and ``failed`` (the
    exception) follows. Connect these to bound methods of objects of the drawing thread. Work must not touch widgets.
    """

    progressed = Signal(object)  # whatever the work tells
    answered = Signal(object)  # whatever the work gives
    failed = Signal(Exception)

    def __init__(self, work: Work) -> None:
        super().__init__()
        self._work: Work | None = work

    @property
    def cancelled(self) -> bool:
        """Whether the work should end early."""
        return self.isInterruptionRequested()

    def launch(self) -> None:
        """Begin, behind whatever the user is doing; the task keeps itself alive until it has ended."""
        _the_tasks().keep(self)
        self.start(QThread.Priority.LowPriority)

    def cancel(self) -> None:
        """Ask the work to end early; its answer may still come."""
        self.requestInterruption()

    def run(self) -> None:
        """The thread itself."""
        assert self._work is not None
        try:
            result = self._work(self)
        except Exception as error:
            self.failed.emit(error)
        else:
            self.answered.emit(result)

    def let_go(self) -> None:
        """Drop the work, and whatever Qt object it was the last to hold, in the main thread once the task has ended."""
        self._work = None


class Slices(QObject):
    """Runs a generator a few milliseconds at a time, between the window's events.

    Each step should take a millisecond or less. ``stepped`` carries the last value of a slice, ``answered`` what the
    generator returned, ``failed`` its exception; the last two end the work.
    """

    stepped = Signal(object)  # whatever the work yields
    answered = Signal(object)  # whatever the work gives
    failed = Signal(Exception)

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


class ChildThread(QThread):
    """A thread that drives a child process, called ``name``: kept while it runs, even where whoever started it is gone,
    and halted before the program ends."""

    _running: ClassVar[set[ChildThread]] = set()

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setObjectName(name)
        self._running.add(self)
        self.finished.connect(self._release)

    @Slot()
    def _release(self) -> None:
        self._running.discard(self)

    def halt(self) -> None:
        """Ask it to end its child and itself."""
        self.requestInterruption()

    @classmethod
    def running(cls) -> list[Self]:
        """Those of this class that have not ended."""
        return [thread for thread in cls._running if isinstance(thread, cls)]

    @classmethod
    def wait_for_all(cls, milliseconds: int) -> None:
        """Wait for the end of each of this class."""
        for thread in cls.running():
            thread.wait(milliseconds)


@atexit.register
def _end_children() -> None:
    for thread in ChildThread.running():
        thread.halt()
    ChildThread.wait_for_all(30_000)  # a busy computer takes its time to start and to end a child


class _Tasks(QObject):
    """Holds the running tasks: a QThread must outlive its run even where whoever started it is gone."""

    def __init__(self) -> None:
        super().__init__()
        self._tasks: set[Task] = set()

    def keep(self, task: Task) -> None:
        self._tasks.add(task)
        task.finished.connect(self._sweep, Qt.ConnectionType.QueuedConnection)

    def _sweep(self) -> None:
        for task in [task for task in self._tasks if task.isFinished()]:
            task.let_go()
            self._tasks.discard(task)

    def end_all(self) -> None:
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            task.wait(5000)
        self._tasks.clear()


_tasks: _Tasks | None = None


def _the_tasks() -> _Tasks:
    global _tasks
    if _tasks is None:
        _tasks = _Tasks()
        atexit.register(_tasks.end_all)
    return _tasks


class DiskWork(QObject):
    """``run(work, then, failed)``: ``work`` in a thread, then ``then`` with its result, or ``failed`` with the
    exception, in the thread of this object. Lives in the main thread."""

    _back = Signal(int)  # the number of what is done

    def __init__(self, name: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._name = name
        self._pool: ThreadPoolExecutor | None = None
        self._number = 0
        # Held here and let go in the main thread: the pool's thread must not be the last to hold a Qt object.
        self._open: dict[int, _Piece] = {}
        self._back.connect(self._on_back)

    @property
    def busy(self) -> bool:
        """Whether something that was asked for has not come back yet."""
        return bool(self._open)

    def run(
        self,
        work: Callable[[], Any],
        then: Callable[[Any], None] | None = None,
        failed: Callable[[Exception], None] | None = None,
    ) -> None:
        """Ask for ``work``. Without ``failed`` an exception is dropped: for what is only tried."""
        if self._pool is None:
            from concurrent.futures import ThreadPoolExecutor  # not before the first paint

            self._pool = ThreadPoolExecutor(1, self._name)
        self._number += 1
        self._open[self._number] = _Piece(work, then, failed)
        self._pool.submit(self._do, self._number)

    def stop(self) -> None:
        """Wait until all is done; what comes back after this is dropped."""
        if self._pool is not None:
            self._pool.shutdown(wait=True)
            self._pool = None

    def _do(self, number: int) -> None:
        self._open[number].do()
        self._back.emit(number)

    @Slot(int)
    def _on_back(self, number: int) -> None:
        self._open.pop(number).tell()


@dataclass
class _Piece:
    """One piece of a :class:`DiskWork`: done in its thread, told in the main thread."""

    work: Callable[[], Any]
    then: Callable[[Any], None] | None
    failed: Callable[[Exception], None] | None
    value: Any = None
    good: bool = True

    def do(self) -> None:
        try:
            self.value = self.work()
        except Exception as error:
            self.value, self.good = error, False

    def tell(self) -> None:
        listener = self.then if self.good else self.failed
        if listener is not None:
            listener(self.value)


class _Aside(QObject):
    """Holds what threads work with. A thread that ends drops what it was given; were that the last reference to a
    window, Qt would take it apart in a thread that it does not belong to, and the program would end with it. So the
    work is held here as well, and let go in the thread that asked, once the other has ended."""

    _ended = Signal(threading.Thread)

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


_aside: _Aside | None = None


Aside = threading.Thread
"""What :func:`run_aside` gives: may be asked whether it is alive, and waited for."""


def run_aside(work: Callable[..., Any], *arguments: Any, name: str) -> threading.Thread:
    """Call ``work(*arguments)`` in a daemon thread called ``name``; ask from the main thread.

    ``work`` may be a method of a Qt object; what it has to tell it tells by a signal.
    """
    global _aside
    if _aside is None:
        _aside = _Aside()
    return _aside.run(work, arguments, name)
