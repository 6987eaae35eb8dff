"""Chooses Keras' back end before Keras is imported, whatever the user's own Keras settings say.

``FOVEA_BACKEND`` (``tensorflow``, ``torch`` or ``jax``) chooses; TensorFlow is the default. A ``~/.keras/keras.json``
that names another back end or ``channels_first`` is ignored.
"""

from __future__ import annotations

import os
import platform
import sys
from importlib import metadata

BACKENDS = ("tensorflow", "torch", "jax")


def select() -> str:
    """Set the back end and import Keras under it; returns the name of the back end in use.

    Raises :class:`ValueError` for an unknown name, or when Keras was already imported under another back end.
    """
    name = os.environ.get("FOVEA_BACKEND", "tensorflow").strip().lower()
    if name not in BACKENDS:
        raise ValueError(f"FOVEA_BACKEND is {name!r}; expected one of {', '.join(BACKENDS)}")
    if "keras" not in sys.modules:
        os.environ["KERAS_BACKEND"] = name  # goes before keras.json
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    import keras

    if keras.backend.backend() != name:
        raise ValueError(f"Keras already runs on {keras.backend.backend()!r}; restart to use {name!r}")
    keras.config.set_image_data_format("channels_last")
    keras.config.set_floatx("float32")
    return name


def versions() -> dict[str, str]:
    """Version numbers of Python and of the packages that shape a trained model."""
    found = {"python": platform.python_version()}
    for package in ("keras", "tensorflow", "torch", "jax", "numpy", "pillow", "ai-edge-litert"):
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def accelerated() -> bool:
    """Whether Keras has something faster than the CPU to train on, and uses it."""
    select()
    import keras

    return any(not name.lower().startswith("cpu") for name in keras.distribution.list_devices())


def device() -> str:
    """The device that training really uses, in words (``CPU (x86_64, 2 cores)``, ``GPU: …``)."""
    select()
    import keras

    accelerators = [d for d in keras.distribution.list_devices() if not d.lower().startswith("cpu")]
    if accelerators:
        return f"{len(accelerators)} accelerator(s): {', '.join(accelerators)}"
    return f"CPU ({platform.machine()}, {os.cpu_count()} cores)"


def gains_from_16_bits() -> bool:
    """Whether the device in use computes faster in bfloat16: GPUs that say so; CPUs were seen to lose tenfold."""
    if not accelerated():
        return False
    if select() == "torch":
        import torch

        return bool(torch.cuda.is_available() and torch.cuda.is_bf16_supported())
    return True


def out_of_memory(error: BaseException) -> bool:
    """Whether ``error`` says, in any back end's way, that a device's memory did not suffice."""
    names = {cls.__name__ for cls in type(error).__mro__}
    if names & {"ResourceExhaustedError", "OutOfMemoryError", "MemoryError"}:
        return True
    words = str(error).lower()
    return "RuntimeError" in names and ("out of memory" in words or "resource_exhausted" in words)


def free_memory() -> None:
    """Give back what Keras and its back end keep of networks that nobody uses any more."""
    import keras

    keras.utils.clear_session(free_memory=True)
    if keras.backend.backend() == "torch":
        import torch

        if torch.cuda.is_available():
            torch.cuda.empty_cache()
