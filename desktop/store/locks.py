"""Locks between processes that end with their holder: the system's own file locks, not files that outlive a crash."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

_STEP_S = 0.02


class Busy(Exception):  # noqa: N818 - an answer, not a fault
    """Somebody else holds the lock."""


@contextlib.contextmanager
def hold(path: Path, wait_s: float = 0.0) -> Iterator[None]:
    """Hold the lock of the file ``path`` (made where it is missing), waiting up to ``wait_s`` seconds for it.

    Raises :class:`Busy` when it stays taken, by another process or by another opening of this one; OSError where the
    drive cannot lock at all. The system frees it when the holder dies, however that happens; the file stays.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)  # not inherited by children (PEP 446)
    try:
        end = time.monotonic() + wait_s
        while not _try(descriptor):
            if time.monotonic() >= end:
                raise Busy
            time.sleep(_STEP_S)
        yield
    finally:
        os.close(descriptor)  # which frees the lock


def is_held(path: Path) -> bool:
    """Whether somebody holds the lock of ``path`` now. Nothing is made; a file that is not there is not held."""
    try:
        descriptor = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return False
    except OSError:
        return True  # on Windows a locked file may refuse even this; anywhere else nothing can be told
    try:
        return not _try(descriptor)
    finally:
        os.close(descriptor)


if sys.platform == "win32":
    import msvcrt

    def _try(descriptor: int) -> bool:
        os.lseek(descriptor, 0, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except PermissionError:
            return False
        return True

else:
    import fcntl

    def _try(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
