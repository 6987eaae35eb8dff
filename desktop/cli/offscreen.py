"""The window drawn without a display, in a process of its own.

Qt ends the process that it cannot serve (no platform plugin, a missing system library), and it allows one application a
process: so each picture of the window is made by a spawned child, and its end is told as text.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from importlib import import_module
from multiprocessing.connection import Connection
from pathlib import Path

from desktop.core.types import FoveaError
from desktop.system.child_process import ChildProcess
from desktop.system.words import phrase

_GRACE_S = 30.0  # beyond the capture's own limit: a cold start of Qt, the end of the engine


def capture(
    images: Sequence[str],
    model: str,
    size: tuple[int, int],
    theme: str,
    out: Path,
    timeout_s: float = 60.0,
    why: str = "",
    frame: int = 0,
) -> None:
    """Draw the Classify view with its real answers for ``images`` into the PNG file ``out``.

    ``size`` is the window's, in pixels; ``theme`` ``light`` or ``dark``; ``why`` opens the map of where the network
    looked (a method, or ``quickest``); ``frame`` chooses one of a series. Raises :class:`FoveaError` of kind
    ``no-window`` that says why where there is no picture at the end.
    """
    values = (list(images), model, size, theme, str(out), timeout_s, why, frame)
    draw("desktop.ui.capture.capture:capture_classify", values, out, timeout_s)


def capture_evaluation(
    data: str,
    model: str,
    size: tuple[int, int],
    theme: str,
    out: Path,
    split: str | None = None,
    tab: str = "pictures",
    timeout_s: float = 3600.0,
) -> None:
    """Draw the Evaluate view with the real result of ``model`` on ``data`` ('' draws the empty view); as above."""
    draw(
        "desktop.ui.capture.capture:capture_evaluate",
        (data, model, size, theme, str(out), timeout_s, split, tab),
        out,
        timeout_s,
    )


def capture_wizard(
    data: str,
    page: int,
    size: tuple[int, int],
    theme: str,
    out: Path,
    origin: str = "",
    timeout_s: float = 600.0,
) -> None:
    """Draw page ``page`` of the training wizard with ``data`` opened ('' draws it as it begins); as above."""
    values = (data, page, size, theme, str(out), timeout_s, origin)
    draw("desktop.ui.capture.capture_wizard:capture_wizard", values, out, timeout_s)


def capture_teaching(
    project: str, order: str, size: tuple[int, int], theme: str, out: Path, timeout_s: float = 600.0
) -> None:
    """Draw the Teach view with a project of the user's ('' for the list of projects); as above."""
    draw(
        "desktop.ui.capture.capture_teach:capture_teach",
        (project, order, size, theme, str(out), timeout_s),
        out,
        timeout_s,
    )


def capture_training(
    run: str, demo: bool, tab: str, size: tuple[int, int], theme: str, out: Path, timeout_s: float = 1800.0
) -> None:
    """Draw the Train view with a run of the user's ('' for none), or (``demo``) with a real small training."""
    values = (run, demo, tab, size, theme, str(out), timeout_s)
    draw("desktop.ui.capture.capture_train:capture_train", values, out, timeout_s)


def capture_drawing(
    file: str, model: str, size: tuple[int, int], theme: str, out: Path, under: str = "", timeout_s: float = 60.0
) -> None:
    """Draw the Draw view with the strokes of ``file`` ('' for an empty sheet) over the picture ``under``; as above."""
    values = (file, model, size, theme, str(out), timeout_s, under)
    draw("desktop.ui.capture.capture_draw:capture_draw", values, out, timeout_s)


def capture_models(
    model: str, tab: str, size: tuple[int, int], theme: str, out: Path, timeout_s: float = 120.0
) -> None:
    """Draw the Models view with ``model`` chosen ('' for the first) at its tab ``tab``; as above."""
    draw(
        "desktop.ui.capture.capture_models:capture_models",
        (model, tab, size, theme, str(out), timeout_s),
        out,
        timeout_s,
    )


def draw(name: str, values: tuple[object, ...], out: Path, timeout_s: float) -> None:
    """Call the function ``name`` (``module:function``), which writes ``out``, with ``values`` in a child.

    Raises :class:`FoveaError` of kind ``no-window`` that says why where there is no picture at the end.
    """
    with tempfile.TemporaryDirectory(prefix="fovea-window-", ignore_cleanup_errors=True) as folder:
        words = Path(folder) / "words.txt"
        # No daemon: the window has an engine, a child of its own.
        process = ChildProcess(_child, (str(words), name, values), daemon=False, duplex=False)
        try:
            trouble = _verdict(process, timeout_s + _GRACE_S, words)
            if trouble is None:
                process.join(_GRACE_S)
        finally:
            process.end(terminated=5.0, killed=None)
    if trouble is None and not out.is_file():
        trouble = phrase("no picture was written")
    if trouble is not None:
        raise FoveaError("no-window", phrase("the window could not be drawn: {trouble}", trouble=trouble))


def _verdict(process: ChildProcess, timeout_s: float, words: Path) -> str | None:
    """What the child says: ``None`` when all went well. ``words`` holds what Qt said before it ended the process."""
    process.wait(timeout_s)
    for text in process.receive():
        return text or None
    if not process.over:
        return phrase("no answer within {timeout_s:.0f} seconds", timeout_s=timeout_s)
    said = words.read_text(encoding="utf-8", errors="replace").split("\n") if words.is_file() else []
    last = next((line.strip() for line in reversed(said) if line.strip()), phrase("nothing was said about it"))
    return phrase("its process ended: {last}", last=last)


def _child(connection: Connection, words: str, name: str, values: tuple[object, ...]) -> None:
    """Draw, and send what went wrong, or an empty text."""
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    # Qt's remarks about its offscreen platform are for nobody; its last words before an end are.
    os.dup2(os.open(words, os.O_WRONLY | os.O_CREAT, 0o600), 2)
    try:
        module, _, function = name.partition(":")
        getattr(import_module(module), function)(*values)
    except FoveaError as error:
        connection.send(error.message)
    except Exception as error:
        connection.send(f"{type(error).__name__}: {error}")
    else:
        connection.send("")
