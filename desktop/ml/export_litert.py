"""Converts ``model.keras`` to ``model.tflite``: the only module that needs TensorFlow itself.

Run as a program of its own (``python -m desktop.ml.export_litert IN OUT``), because a conversion may take gigabytes:
whatever happens to it, the program that asked goes on. :func:`convert` starts it so.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from desktop.core.types import FoveaError


class ExportError(FoveaError):
    """A conversion that failed; the Keras file is still good."""


def convert(source: Path, target: Path, timeout: float = 900.0) -> None:
    """Convert in a child process within ``timeout`` seconds. Raises :class:`ExportError` with its last line."""
    program = [sys.executable, "-m", "desktop.ml.export_litert", str(source), str(target)]
    environment = dict(os.environ, KERAS_BACKEND="tensorflow", FOVEA_BACKEND="tensorflow")
    root = Path(__file__).resolve().parents[2]
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(root), environment.get("PYTHONPATH", "")]))
    try:
        ended = subprocess.run(program, env=environment, capture_output=True, text=True, timeout=timeout, check=False)
    except subprocess.TimeoutExpired as error:
        raise ExportError("export", f"the conversion to LiteRT took longer than {timeout:.0f} s") from error
    if ended.returncode or not target.is_file():
        lines = [line for line in ended.stderr.splitlines() if line.strip()]
        raise ExportError("export", f"the conversion to LiteRT failed: {lines[-1] if lines else ended.returncode}")


def _convert_here(source: Path, target: Path) -> None:
    from desktop.ml import backend

    backend.select()
    import keras

    model = keras.saving.load_model(source, compile=False)
    model.export(str(target), format="litert", verbose=False)


if __name__ == "__main__":
    _convert_here(Path(sys.argv[1]), Path(sys.argv[2]))
