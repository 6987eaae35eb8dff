"""Looking through a folder beside the window: a thread supervises the child process that opens every picture."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QThread, Signal, Slot

from desktop.core.data.inspection import Inspection
from desktop.services.background import ChildThread

if TYPE_CHECKING:
    from desktop.core.data.dataset import BrokenEntry

_WAIT_S = 0.2


class _Runner(ChildThread):
    progressed = Signal(str, int, object, float)  # the number in all may be None
    glimpsed = Signal(bool, int)
    broken = Signal(tuple)
    done = Signal(Inspection)
    failed = Signal(Exception)

    def __init__(self, path: str) -> None:
        super().__init__("inspection")
        self._path = path

    def run(self) -> None:
        """Start the child, hand its events on until the last one or until told to stop."""
        from desktop.core.types import FoveaError
        from desktop.engine.inspecting import InspectionClient
        from desktop.engine.inspection_events import (
            BrokenFound,
            Glimpsed,
            InspectionDone,
            InspectionFailed,
            InspectionProgress,
        )

        stage, since = "", 0.0
        with InspectionClient(self._path) as client:
            while not client.ended and not self.isInterruptionRequested():
                for event in client.events(_WAIT_S):
                    if isinstance(event, InspectionProgress):
                        if event.stage != stage:
                            stage, since = event.stage, time.monotonic()
                        spent = time.monotonic() - since
                        left = spent / event.done * (event.total - event.done) if event.total and event.done else 0.0
                        self.progressed.emit(event.stage, event.done, event.total, left)
                    elif isinstance(event, Glimpsed):
                        self.glimpsed.emit(event.colour, event.side)
                    elif isinstance(event, BrokenFound):
                        self.broken.emit(event.entries)
                    elif isinstance(event, InspectionDone):
                        self.done.emit(event.inspection)
                    elif isinstance(event, InspectionFailed):
                        self.failed.emit(FoveaError(event.kind, event.message, event.hint))


class Inspector(QObject):
    """One inspection at a time; the newest wins. Lives in the main thread.

    ``progressed`` carries the stage, how many entries of it are done, of how many (``None``: not known) and the seconds
    left in it; ``glimpsed`` early, from a handful of pictures, whether most are in colour and the median of their
    shorter sides; ``broken`` a tuple of ``BrokenEntry`` as they are met; ``finished`` the ``Inspection``; ``failed`` a
    :class:`desktop.core.types.FoveaError`. After :meth:`stop` nothing more is heard.
    """

    progressed = Signal(str, int, object, float)  # the number in all may be None
    glimpsed = Signal(bool, int)
    broken = Signal(tuple)
    finished = Signal(Inspection)
    failed = Signal(Exception)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._runner: _Runner | None = None

    @property
    def running(self) -> bool:
        """Whether a folder is being looked through."""
        return self._runner is not None

    def start(self, path: str) -> None:
        """Look through the data at ``path``."""
        self.stop()
        self._runner = _Runner(path)
        self._runner.progressed.connect(self._on_progress)
        self._runner.glimpsed.connect(self._on_glimpse)
        self._runner.broken.connect(self._on_broken)
        self._runner.done.connect(self._on_done)
        self._runner.failed.connect(self._on_failed)
        self._runner.start(QThread.Priority.LowPriority)

    @Slot()
    def stop(self) -> None:
        """Look no further."""
        runner, self._runner = self._runner, None
        if runner is not None:
            runner.requestInterruption()

    def wait(self) -> None:
        """Stop, and wait until nothing of it runs any more: for the end of the program."""
        self.stop()
        _Runner.wait_for_all(10_000)

    @Slot(str, int, object, float)
    def _on_progress(self, stage: str, done: int, total: int | None, left_s: float) -> None:
        if self.sender() is self._runner:
            self.progressed.emit(stage, done, total, left_s)

    @Slot(bool, int)
    def _on_glimpse(self, colour: bool, side: int) -> None:
        if self.sender() is self._runner:
            self.glimpsed.emit(colour, side)

    @Slot(object)
    def _on_broken(self, entries: tuple[BrokenEntry, ...]) -> None:
        if self.sender() is self._runner:
            self.broken.emit(entries)

    @Slot(object)
    def _on_done(self, found: object) -> None:
        if self.sender() is self._runner:
            self._runner = None
            self.finished.emit(found)

    @Slot(object)
    def _on_failed(self, error: object) -> None:
        if self.sender() is self._runner:
            self._runner = None
            self.failed.emit(error)
