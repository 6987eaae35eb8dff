"""Which edition of Fovea this is: the full one, or the viewer, which does not train."""

from __future__ import annotations

from importlib.util import find_spec


def trains() -> bool:
    """Whether Keras and TensorFlow are part of this program. Looked for, not imported."""
    return all(_is_there(name) for name in ("keras", "tensorflow"))


def _is_there(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except (ImportError, ValueError):
        return False
