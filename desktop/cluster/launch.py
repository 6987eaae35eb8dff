"""What the process of a job runs first: light, because the window imports it too."""

from __future__ import annotations

from multiprocessing.connection import Connection

from desktop.cluster.run_events import JobOrder
from desktop.engine.launch import begin


def runner(connection: Connection, order: JobOrder) -> None:
    """Have a job answered by a cluster until it is done, told to end, or the pipe closes."""
    begin("cluster")
    from desktop.cluster.runner import serve

    serve(connection, order)
