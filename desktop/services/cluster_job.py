"""A job on a cluster beside the window: one at a time, in a child process that a thread supervises."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QThread, Signal, Slot

from desktop.cluster.run_events import Connecting, JobEnded, JobOrder, JobProgress, NodeNews, PicturesFound
from desktop.services.events_thread import EventsThread
from desktop.system.words import phrase

if TYPE_CHECKING:
    from desktop.cluster.run_events import JobEvent
    from desktop.cluster.running import JobClient


def _runner(order: JobOrder) -> EventsThread:
    def begin() -> JobClient:
        from desktop.cluster.running import JobClient

        return JobClient(order)

    def failed(reason: str) -> JobEnded:
        return JobEnded("failed", message=phrase("the job could not be started: {reason}", reason=reason))

    return EventsThread("cluster job", begin, failed)


class ClusterJob(QObject):
    """One job at a time. ``changed`` says that what is known of it is another: :attr:`found` pictures, then
    :attr:`progress` and :attr:`nodes`; ``ended`` how it ended."""

    changed = Signal()
    ended = Signal(JobEnded)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.order: JobOrder | None = None
        self.last: JobEnded | None = None
        """How the last job ended; ``None`` before, and while one runs."""
        self.found = 0
        self.progress: JobProgress | None = None
        self.nodes: dict[str, NodeNews] = {}
        """What was last heard of each node, by its name."""
        self.stopping = False
        self._runner: EventsThread | None = None

    @property
    def running(self) -> bool:
        """Whether a job is at work."""
        return self._runner is not None

    def start(self, order: JobOrder) -> None:
        """Begin a job, or go on with one; nothing happens while one runs."""
        if self.running:
            return
        self.order, self.last, self.found, self.progress, self.stopping = order, None, 0, None, False
        self.nodes = {}
        self._runner = _runner(order)
        self._runner.heard.connect(self._on_heard)
        self._runner.finished.connect(self._on_thread_end)
        self._runner.start(QThread.Priority.LowPriority)
        self.changed.emit()

    def stop(self) -> None:
        """End it; what has been answered is kept. ``ended`` follows."""
        if self._runner is not None and not self.stopping:
            self.stopping = True
            self._runner.stop()
            self.changed.emit()

    def close(self) -> None:
        """End it, for the end of the program: blocks for some seconds at most."""
        if self._runner is not None:
            self._runner.halt()
            self._runner.wait(12_000)

    @Slot(object)
    def _on_heard(self, event: JobEvent) -> None:
        if isinstance(event, JobEnded):
            self.last = event
        elif isinstance(event, PicturesFound):
            self.found = event.count
        elif isinstance(event, Connecting):
            self.progress = JobProgress(event.done, event.total, 0, None, None, 0)
        elif isinstance(event, NodeNews):
            self.nodes[event.name] = event
        else:
            self.progress = event
        self.changed.emit()

    @Slot()
    def _on_thread_end(self) -> None:
        runner, self._runner = self._runner, None
        if runner is not None:
            runner.deleteLater()
        self.stopping = False
        if self.last is None:  # halted
            self.last = JobEnded("stopped")
        self.changed.emit()
        self.ended.emit(self.last)
