"""Keeps out of a first import what nobody uses there: Keras opens scikit-learn, SciPy and matplotlib if they are here.

Keras does so for parts that Fovea never touches (wrappers for scikit-learn, galleries of pictures), and they are two
fifths of what its import takes: in every process that trains, teaches or explains.
"""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Iterator, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType


class _Withheld(MetaPathFinder):
    """Says of some packages that they are not installed, to one thread: others may need them at the same time."""

    def __init__(self, packages: frozenset[str]) -> None:
        self._packages = packages
        self._thread = threading.get_ident()

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname in self._packages and threading.get_ident() == self._thread:
            raise ModuleNotFoundError("not wanted here", name=fullname)
        return None


@contextlib.contextmanager
def without(*packages: str) -> Iterator[None]:
    """What is imported inside takes ``packages`` for not installed, unless they were imported before; whoever asks for
    them afterwards, or in another thread, gets them."""
    finder = _Withheld(frozenset(packages))
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
