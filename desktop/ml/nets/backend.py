"""Chooses Keras' back end before Keras is imported, whatever the user's own Keras settings say.

``FOVEA_BACKEND`` (``tensorflow``, ``torch`` or ``jax``) chooses; TensorFlow is the default. A ``~/.keras/keras.json``
that names another back end or ``channels_first`` is ignored.
"""

from __future__ import annotations

import logging
import os
import platform
import re
import sys
from importlib import metadata
from typing import Any

from desktop.ml.nets.lean_import import without

BACKENDS = ("tensorflow", "torch", "jax")
_OPTIONAL = ("sklearn", "scipy", "matplotlib")
"""Keras imports them where they are installed, for parts of it that are not used here."""


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
    with without(*_OPTIONAL if name == "tensorflow" else ()):  # the others are built on SciPy
        import keras

    if keras.backend.backend() != name:
        raise ValueError(f"Keras already runs on {keras.backend.backend()!r}; restart to use {name!r}")
    if name == "tensorflow":
        logging.getLogger("tensorflow").setLevel(logging.ERROR)  # it warns of every new network in a process
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


def _place() -> str:
    """Where the back end really puts a new tensor, in its own words: ``cpu``, ``cuda:0``, ``mps:0``, ``…GPU:0``."""
    select()
    import keras

    return str(getattr(keras.ops.convert_to_tensor([0.0]), "device", "cpu")).lower()


def is_cpu(place: str) -> bool:
    """Whether a back end means the CPU by ``place``: ``cpu``, ``cpu:0``, ``…/device:cpu:0``, and what JAX once said,
    ``tfrt_cpu_0``."""
    return re.search(r"(?<![a-z])cpu", place) is not None


def accelerated() -> bool:
    """Whether Keras has something faster than the CPU to train on, and uses it."""
    return not is_cpu(_place())


def device() -> str:
    """The device that training really uses, in words (``CPU (x86_64, 2 cores)``, ``GPU (NVIDIA …, cuda:0)``)."""
    place = _place()
    if is_cpu(place):
        return f"CPU ({platform.machine()}, {os.cpu_count()} cores)"
    short = place.rsplit("/", 1)[-1].removeprefix("device:")
    return f"GPU ({', '.join(filter(None, [_gpu_name(), short]))})"


def _gpu_name() -> str:
    """The maker's name of the GPU where the back end tells it: PyTorch does for CUDA."""
    if select() != "torch":
        return ""
    import torch

    if torch.cuda.is_available():
        return str(torch.cuda.get_device_name())
    return "Apple Metal" if torch.backends.mps.is_available() else ""


def gains_from_16_bits() -> bool:
    """Whether the device in use computes faster in bfloat16: GPUs that say so, and CPUs with instructions for it.

    A CPU without them was seen to lose tenfold; one with AVX512-BF16 trained up to 1.7 times as fast. Only Linux tells
    which instructions there are.
    """
    if not accelerated():
        return select() == "tensorflow" and bool(_cpu_flags() & {"avx512_bf16", "amx_bf16"})
    if select() == "torch":
        import torch

        return bool(torch.cuda.is_available() and torch.cuda.is_bf16_supported())
    return True


def _cpu_flags() -> set[str]:
    """What the first CPU can do, by Linux' names; empty elsewhere."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as stream:
            line = next((line for line in stream if line.startswith("flags")), "")
    except OSError:
        return set()
    return set(line.partition(":")[2].split())


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


def reseed(*numbers: int) -> None:
    """Fix PyTorch's own random numbers, which Keras' dropout takes there, by ``numbers``.

    Under other back ends the layers' random state is part of the network, and nothing is to be done.
    """
    if select() == "torch":
        import numpy as np
        import torch

        torch.manual_seed(int(np.random.SeedSequence(list(numbers)).generate_state(1)[0]))


def to_numpy(tensor: Any) -> Any:
    """A tensor of the back end in use, wherever it lies, as a NumPy array."""
    import keras

    return keras.ops.convert_to_numpy(tensor)
