"""Runs one function in a child process that may use so much memory and so much time, and no more.

Whatever a hostile or merely huge file does to it (allocates without end, crashes the native library, never returns),
the process that asked goes on and gets a :class:`ChildError` that says what happened.

The limit of memory holds twice: on Linux the child may not even reserve more (``RLIMIT_DATA``), so that a single
allocation of many gigabytes fails at once; and everywhere the parent looks at the real memory ten times a second.
Light: the window's services import this module; what runs is named as text and imported in the child alone.
"""

from __future__ import annotations

import contextlib
import importlib
import multiprocessing
import os
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from desktop.core.types import FoveaError
from desktop.ml.convert.words import plain
from desktop.system.child_process import ChildProcess
from desktop.system.files import OWN_DISK, is_full, not_written
from desktop.system.memory import memory_of
from desktop.system.words import phrase

_LOOK_S = 0.1
_GRACE_S = 2.0
GIB = 1 << 30


class ChildError(FoveaError):
    """A child process that did not bring its work to an end.

    Kinds: ``too-much-memory``, ``too-long``, ``crashed``, ``cancelled``, ``failed``; else the child's own.
    """


@dataclass(frozen=True, slots=True)
class SandboxLimits:
    """``memory`` in bytes, ``seconds`` of wall clock; a patient child lets every other process go first."""

    memory: int
    seconds: float
    patient: bool = False


def run(
    function: str,
    arguments: tuple[Any, ...],
    limits: SandboxLimits,
    tell: Callable[[Any], None] = lambda event: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Any:
    """Call ``function`` (``module:name``) with ``arguments`` and a last argument ``tell``; returns what it returns.

    Arguments, events and result are pickled on the way, exceptions cross as text. Raises :class:`ChildError`; an error
    for the user that the child raised keeps its kind, message and hint.
    """
    process = ChildProcess(_work, (function, arguments, limits), duplex=False)
    try:
        return _listen(process, limits, tell, cancelled)
    finally:
        process.end(asked=0.05, terminated=_GRACE_S, killed=None)


def _listen(
    process: ChildProcess, limits: SandboxLimits, tell: Callable[[Any], None], cancelled: Callable[[], bool]
) -> Any:
    until = time.monotonic() + limits.seconds
    while True:
        if cancelled():
            raise ChildError("cancelled", "cancelled")
        if time.monotonic() > until:
            raise ChildError("too-long", phrase("it took longer than {seconds:.0f} seconds", seconds=limits.seconds))
        if memory_of(process.pid) > limits.memory:
            raise _too_much(limits)
        process.wait(_LOOK_S)
        message = next(process.receive(), None)
        if message is None:
            if process.over:
                raise _crashed(process.join(_GRACE_S), limits)
            continue
        kind, value = message
        if kind == "event":
            tell(value)
        elif kind == "error":
            raise ChildError(*value)
        else:
            return value


def _too_much(limits: SandboxLimits) -> ChildError:
    return ChildError(
        "too-much-memory",
        phrase("it asks for more than the {memory:.1f} GiB of memory that it may use", memory=limits.memory / GIB),
    )


def _crashed(code: int | None, limits: SandboxLimits) -> ChildError:
    if code == -9:  # the system ends what takes the last memory
        return ChildError("too-much-memory", "the system ended it, most likely for want of memory")
    return ChildError(
        "crashed",
        phrase(
            "the library that reads it crashed; it may have asked for more than the {memory:.1f} "
            "GiB of memory that it may use",
            memory=limits.memory / GIB,
        ),
    )


def _work(connection: Connection, function: str, arguments: tuple[Any, ...], limits: SandboxLimits) -> None:
    """The child itself."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches children as well: the parent decides
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _quiet()
    _limit(limits)
    if limits.patient and hasattr(os, "nice"):
        with contextlib.suppress(OSError):
            os.nice(10)
    try:
        module, _, name = function.partition(":")
        result = getattr(importlib.import_module(module), name)(
            *arguments, lambda event: connection.send(("event", event))
        )
        connection.send(("result", result))
    except FoveaError as error:
        connection.send(("error", (error.kind, error.message, error.hint)))
    except MemoryError:
        connection.send(("error", ("too-much-memory", _too_much(limits).message, "")))
    except Exception as error:
        if isinstance(error, OSError) and is_full(error):
            told = not_written("what was being made", OWN_DISK, error)
            connection.send(("error", (told.kind, told.message, told.hint)))
        else:
            connection.send(("error", ("failed", _plain(error, arguments), "")))
    connection.close()
    # Threads inside native code must not delay the end, and there is nothing to save.
    os._exit(0)


def _end_with_parent() -> None:
    """A parent that was killed looks at this process's memory no more, and nobody waits for the result."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _plain(error: Exception, arguments: tuple[Any, ...]) -> str:
    """The first line of an exception, without the folders of the files that it is about."""
    text = " ".join(str(error).split()) or type(error).__name__
    for argument in arguments:
        path = os.fspath(argument) if isinstance(argument, (str, os.PathLike)) else ""
        if isinstance(path, str) and os.sep in path:
            text = text.replace(path, os.path.basename(path)).replace(os.path.dirname(path) + os.sep, "")
    if "OOM" in text or "bad_alloc" in text or "llocat" in text:
        text = phrase("it needs more memory than it may use ({name})", name=type(error).__name__)
    return plain(text)


def _quiet() -> None:
    """Native libraries write file names to stderr, and a windowed program has none."""
    if os.environ.get("FOVEA_ENGINE_OUTPUT"):
        return
    null = os.open(os.devnull, os.O_WRONLY)
    for descriptor in (1, 2):
        with contextlib.suppress(OSError):
            os.dup2(null, descriptor)
    sys.stdout = sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - for the rest of the process


def _limit(limits: SandboxLimits) -> None:
    if sys.platform != "linux":
        return
    import resource

    with contextlib.suppress(ValueError, OSError):
        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        most = limits.memory + GIB  # threads' stacks and the libraries' own data are reserved, not used
        resource.setrlimit(resource.RLIMIT_DATA, (most if hard < 0 else min(most, hard), hard))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
