"""Converts ``model.keras`` to ``model.tflite``: the only module that needs TensorFlow itself.

A conversion may take gigabytes, so it runs in a process of its own, started by :func:`convert`: whatever happens to it,
the program that asked goes on. The process is spawned, which works in a frozen program too.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
from multiprocessing.connection import Connection
from pathlib import Path

from desktop.core.types import FoveaError


class ExportError(FoveaError):
    """A conversion that failed; the Keras file is still good."""


def convert(source: Path, target: Path, timeout: float = 900.0) -> None:
    """Convert in a child process within ``timeout`` seconds. Raises :class:`ExportError` that says what went wrong."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    child = context.Process(target=_child, args=(theirs, str(source), str(target)), name="fovea-export")
    child.start()
    theirs.close()
    try:
        problem = ours.recv() if ours.poll(timeout) else f"it took longer than {timeout:.0f} s"
    except EOFError:
        child.join()
        problem = f"its process ended with status {child.exitcode}, perhaps for want of memory"
    finally:
        ours.close()
        child.kill()
        child.join()
    if problem is None and not target.is_file():
        problem = "no file came of it"
    if problem is not None:
        raise ExportError("export", f"the conversion to LiteRT failed: {problem}")


def _child(connection: Connection, source: str, target: str) -> None:
    """Convert, and send ``None`` or what went wrong."""
    os.environ["FOVEA_BACKEND"] = os.environ["KERAS_BACKEND"] = "tensorflow"
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"  # a training holds the GPU's memory
    _be_quiet()
    try:
        _convert_here(Path(source), Path(target))
        connection.send(None)
    except ImportError as error:
        connection.send(f"{error.name or 'a package'} is not part of this installation")
    except Exception as error:
        lines = [line for line in str(error).splitlines() if line.strip()]
        connection.send(f"{type(error).__name__}: {lines[-1][:300] if lines else ''}")


def _be_quiet() -> None:
    """The converter writes to both streams; a caller's output may be JSON lines."""
    null = os.open(os.devnull, os.O_WRONLY)
    for descriptor in (1, 2):
        try:
            os.dup2(null, descriptor)
        except OSError:
            continue  # closed from the start
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 - for the whole process


def _convert_here(source: Path, target: Path) -> None:
    from desktop.ml import backend

    backend.select()
    import keras

    model = keras.saving.load_model(source, compile=False)
    model.export(str(target), format="litert", verbose=False)
