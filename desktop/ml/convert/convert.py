"""Has ``model.keras`` converted to ``model.tflite`` by :mod:`desktop.ml.convert.export_litert`, in a child process.

A conversion may take gigabytes, so it runs in a process of its own with a limit of memory, started by :func:`convert`:
whatever happens to it, the program that asked goes on. The process is spawned, which works in a frozen program too.

Light: neither Keras nor TensorFlow is imported here, so the window's services may ask for a conversion.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

from desktop.core.types import FoveaError
from desktop.ml.convert.sandbox import GIB, ChildError, SandboxLimits, run
from desktop.system.words import phrase

Precision = Literal["float32", "float16"]


class ExportError(FoveaError):
    """A conversion that failed; the Keras file is still good."""


def memory_for(size: int) -> int:
    """Bytes of memory that the conversion of a Keras file of ``size`` bytes may use: it holds several copies of it.

    Measured: VGG16 (553 MB) holds 5.3 GB at its peak, of which TensorFlow itself has 0.7, and reserves more than 7.
    What is reserved counts, too (:mod:`desktop.ml.convert.sandbox`).
    """
    return 3 * GIB + 12 * size


def convert(
    source: Path,
    target: Path,
    timeout: float = 900.0,
    precision: Precision = "float32",
    cancelled: Callable[[], bool] = lambda: False,
    patient: bool = False,
) -> None:
    """Convert in a child process within ``timeout`` seconds. Raises :class:`ExportError` that says why not.

    ``float16`` halves the file by keeping weights in 16 bits; arithmetic stays in 32 bits. ``patient`` lets every other
    process go first.
    """
    limits = SandboxLimits(memory_for(source.stat().st_size), timeout, patient)
    try:
        run(
            "desktop.ml.convert.export_litert:convert_here",
            (str(source), str(target), precision),
            limits,
            cancelled=cancelled,
        )
    except ChildError as error:
        if error.kind == "cancelled":
            raise
        raise ExportError(
            "export", phrase("the conversion to LiteRT failed: {message}", message=error.message)
        ) from error
    if not target.is_file():
        raise ExportError("export", "the conversion to LiteRT failed: it wrote nothing")
