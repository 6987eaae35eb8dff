"""Converts ``model.keras`` to ``model.tflite``: the only module that needs TensorFlow itself.

Runs in the child process that :func:`desktop.ml.convert.convert.convert` starts.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from desktop.ml.convert.convert import ExportError as ExportError
from desktop.ml.convert.convert import Precision
from desktop.ml.convert.convert import convert as convert
from desktop.system.words import phrase


def convert_here(source: str, target: str, precision: Precision, tell: Callable[[Any], None]) -> None:
    """Convert ``source`` into ``target``. Raises :class:`ExportError` where TensorFlow is not installed."""
    os.environ["FOVEA_BACKEND"] = os.environ["KERAS_BACKEND"] = "tensorflow"  # whatever the training ran on
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"  # a training holds the GPU's memory
    from desktop.ml.nets import backend

    try:
        backend.select()
        import keras
        import tensorflow as tf
    except ImportError as error:
        raise ExportError(
            "export", phrase("{value} is not part of this installation", value=error.name or phrase("a package"))
        ) from error

    from desktop.ml.nets.keras_check import check_stored

    model = keras.saving.load_model(check_stored(Path(source)), compile=False)
    half: dict[str, Any] = {
        "optimizations": [tf.lite.Optimize.DEFAULT],
        "target_spec": {"supported_types": [tf.float16]},
    }
    model.export(target, format="litert", verbose=False, **(half if precision == "float16" else {}))
