"""A job on a cluster in a process of its own, for the window: Ray and Arrow are loaded there, not beside the drawing.

Start a :class:`JobClient`, ask :meth:`~JobClient.events` from a thread until a
:class:`~desktop.cluster.run_events.JobEnded` has come, and :meth:`~JobClient.close` it.
"""

from __future__ import annotations

from desktop.cluster import launch
from desktop.cluster.run_events import JobEnded, JobEvent, JobOrder
from desktop.engine import child
from desktop.engine.child_client import EventsClient
from desktop.system.words import phrase


class JobClient(EventsClient[JobEvent]):
    """One job in a child process; a context manager. One thread uses it, :meth:`stop` may come from any."""

    last_events = (JobEnded,)
    asked_s = 8.0  # Ray takes its time to end what it has begun

    def __init__(self, order: JobOrder) -> None:
        super().__init__(launch.runner, (order,), "fovea-cluster")

    def stop(self) -> None:
        """Ask it to end; what has been answered by then is kept."""
        self._hand_in("stop")

    def _lost(self, code: int | None) -> JobEvent:
        told = phrase("the job's process has ended ({why})", why=child.reason(code))
        return JobEnded("failed", message=told, hint="What was answered is kept: go on with it.")
