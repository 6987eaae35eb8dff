"""The window drawn without a display, in a process of its own.

Qt ends the process that it cannot serve (no platform plugin, a missing system library), and it allows one application a
process: so each picture of the window is made by a spawned child, and its end is told as text.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path

from desktop.core.types import FoveaError

_GRACE_S = 30.0  # beyond the capture's own limit: a cold start of Qt, the end of the engine


def capture(
    images: Sequence[str], model: str, size: tuple[int, int], theme: str, out: Path, timeout_s: float = 60.0
) -> None:
    """Draw the Classify view with its real answers for ``images`` into the PNG file ``out``.

    ``size`` is the window's, in pixels; ``theme`` ``light`` or ``dark``. Raises :class:`FoveaError` of kind
    ``no-window`` that says why where there is no picture at the end.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_child, args=(theirs, list(images), model, size, theme, str(out), timeout_s))
    process.start()
    theirs.close()
    try:
        trouble = _verdict(ours, timeout_s + _GRACE_S)
        if trouble is None:
            process.join(_GRACE_S)
    finally:
        ours.close()
        if process.is_alive():
            process.terminate()
            process.join(5.0)
        if process.is_alive():
            process.kill()
        process.join()
    if trouble is None and not out.is_file():
        trouble = "no picture was written"
    if trouble is not None:
        raise FoveaError("no-window", f"the window could not be drawn: {trouble}")


def _verdict(connection: Connection, timeout_s: float) -> str | None:
    """What the child says: ``None`` when all went well."""
    if not connection.poll(timeout_s):
        return f"no answer within {timeout_s:.0f} seconds"
    try:
        text: str = connection.recv()
    except EOFError:
        return "its process ended; on Linux, Qt needs libEGL, libGL, libxkbcommon, libdbus-1 and libfontconfig"
    return text or None


def _child(
    connection: Connection,
    images: list[str],
    model: str,
    size: tuple[int, int],
    theme: str,
    out: str,
    timeout_s: float,
) -> None:
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    try:
        from desktop.ui.capture import capture_classify

        capture_classify(images, model, size, theme, out, timeout_s)
    except FoveaError as error:
        connection.send(error.message)
    except Exception as error:
        connection.send(f"{type(error).__name__}: {error}")
    else:
        connection.send("")
