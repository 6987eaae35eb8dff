"""Keeps ``None``, ``True`` and ``False`` alive under Python 3.11, where PySide6 6.12 lets go of them too often.

Since Python 3.12 these objects are immortal, and PySide6 6.12 counts on it: nearly every call that returns ``None``
and every emitted signal drops one reference that it does not own. Under 3.11 that count is real. It starts in the
thousands, a window at work uses it up within minutes, and the interpreter then ends with 'deallocating None'.
Making them immortal by hand, as 3.12 does, is enough: no other object was seen to lose references.
"""

from __future__ import annotations

import sys

_MANY = 1 << 40
"""References given away in advance: a million a second would last for twelve days."""


def keep_alive() -> bool:
    """Make the three objects immortal where Python does not; say whether that was needed. Safe to call again."""
    if sys.version_info >= (3, 12) or sys.implementation.name != "cpython":
        return False
    import ctypes

    for thing in (None, True, False):
        if sys.getrefcount(thing) < _MANY // 2:
            # In CPython 3.11 an object begins with its reference count, a Py_ssize_t.
            ctypes.c_ssize_t.from_address(id(thing)).value += _MANY
    return True
