"""What the child processes run first: light, because the window imports it too."""

from __future__ import annotations

from multiprocessing.connection import Connection
from typing import Any


def _begin(process: str) -> None:
    """Ctrl-C in a terminal reaches children as well: the parent decides. A crash leaves a report where it watches."""
    import atexit
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    from desktop.system import crash

    crash.watch_child(process)
    atexit.register(crash.unwatch)


def engine(connection: Connection, bundled: str, user: str, threads: int | None, patient: bool) -> None:
    """Run the engine until the pipe closes."""
    _begin("engine")
    from desktop.engine.worker import serve

    serve(connection, bundled, user, threads, patient)


def explainer(connection: Connection, bundled: str, user: str, threads: int | None, patient: bool) -> None:
    """Explain answers by gradients until the pipe closes. ``threads`` and ``patient`` say nothing to it."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    from desktop.engine.gradients import serve

    serve(connection, bundled, user)


def trainer(connection: Connection, folder: str) -> None:
    """Train the run in ``folder`` until it is done, told to end, or the pipe closes."""
    _begin("trainer")
    from desktop.engine.trainer import serve

    serve(connection, folder)


def inspector(connection: Connection, path: str, near: bool) -> None:
    """Look through the labelled pictures at ``path`` and tell the other side of the pipe."""
    _begin("inspector")
    from desktop.engine.inspector import serve

    serve(connection, path, near)


def searcher(connection: Connection, name: str, plan: str, space: tuple[Any, ...], trials: int, prune: bool) -> None:
    """Search over settings until all trials are done, it is told to end, or the pipe closes."""
    _begin("search")
    from desktop.engine.searcher import serve

    serve(connection, name, plan, space, trials, prune)


def teacher(connection: Connection, folder: str, network: str, threads: int | None) -> None:
    """Learn from the labels of the project in ``folder`` until the pipe closes."""
    _begin("teacher")
    from desktop.engine.teacher import serve

    serve(connection, folder, network, threads)
