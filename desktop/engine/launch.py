"""What the child processes run first: light, because the window imports it too."""

from __future__ import annotations

from multiprocessing.connection import Connection
from typing import Any

from desktop.system.child_process import compute_alone

_NICE = 5  # on Unix: 0 is usual, 19 the most patient
_AWAITED = 3  # children that open pictures which somebody waits for: one an answer, one to look at, one small


def begin(process: str) -> None:
    """Ctrl-C in a terminal reaches children as well: the parent decides. A crash leaves a report where it watches."""
    import atexit
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    from desktop.system import crash

    crash.watch_child(process)
    atexit.register(crash.unwatch)


def engine(connection: Connection, bundled: str, user: str, threads: int | None, patient: bool) -> None:
    """Run the engine until the pipe closes."""
    begin("engine")
    compute_alone()
    from desktop.core.pictures.decode_in_child import WARM
    from desktop.engine import child
    from desktop.system.workers import Workers

    child.quiet_native_output()
    child.lead_group()  # who ends this process ends its children as well
    if patient:
        child.step_back(_NICE)
    # The first child comes up beside this process, whose own imports take as long.
    decoders = Workers(_AWAITED, keep=1)
    decoders.warm(*WARM)
    from desktop.engine.worker import serve

    serve(connection, bundled, user, threads, decoders)


def explainer(connection: Connection, bundled: str, user: str, threads: int | None, patient: bool) -> None:
    """Explain answers by gradients until the pipe closes. ``threads`` and ``patient`` say nothing to it."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    from desktop.engine.gradients import serve

    serve(connection, bundled, user)


def trainer(connection: Connection, folder: str) -> None:
    """Train the run in ``folder`` until it is done, told to end, or the pipe closes."""
    begin("trainer")
    from desktop.engine.trainer import serve

    serve(connection, folder)


def inspector(connection: Connection, path: str, near: bool) -> None:
    """Look through the labelled pictures at ``path`` and tell the other side of the pipe."""
    begin("inspector")
    from desktop.engine.inspector import serve

    serve(connection, path, near)


def searcher(connection: Connection, name: str, plan: str, space: tuple[Any, ...], trials: int, prune: bool) -> None:
    """Search over settings until all trials are done, it is told to end, or the pipe closes."""
    begin("search")
    from desktop.engine.searcher import serve

    serve(connection, name, plan, space, trials, prune)


def camera(connection: Connection, source: Any) -> None:
    """Have a camera open and hand its frames over until told to end, or the pipe closes."""
    begin("camera")
    from desktop.engine.camera_child import serve

    serve(connection, source)


def camera_finder(connection: Connection, most: int) -> None:
    """Try one camera's number after the other and tell which there are."""
    begin("cameras")
    from desktop.engine.camera_child import find

    find(connection, most)


def teacher(connection: Connection, folder: str, network: str, threads: int | None) -> None:
    """Learn from the labels of the project in ``folder`` until the pipe closes."""
    begin("teacher")
    from desktop.engine.teacher import serve

    serve(connection, folder, network, threads)


def similar(connection: Connection, wanted: Any, sources: Any, model: str) -> None:
    """Find which of some pictures are like one, tell, and end."""
    begin("similar")
    from desktop.engine.similar_child import serve

    serve(connection, wanted, sources, model)
