"""What the child processes run first: light, because the window imports it too."""

from __future__ import annotations

from multiprocessing.connection import Connection


def engine(connection: Connection, bundled: str, user: str, threads: int | None, patient: bool) -> None:
    """Run the engine until the pipe closes. Ctrl-C in a terminal reaches children as well: the parent decides."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    from desktop.engine.worker import serve

    serve(connection, bundled, user, threads, patient)


def trainer(connection: Connection, folder: str) -> None:
    """Train the run in ``folder`` until it is done, told to end, or the pipe closes."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    from desktop.engine.trainer import serve

    serve(connection, folder)


def inspector(connection: Connection, path: str, near: bool) -> None:
    """Look through the labelled pictures at ``path`` and tell the other side of the pipe."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    from desktop.engine.inspecting import serve_inspection

    serve_inspection(connection, path, near)
