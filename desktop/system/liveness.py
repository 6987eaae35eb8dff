"""Whether another process lives: for what a process that was ended has left behind."""

from __future__ import annotations

import os
import sys
from typing import Any

_MAY_WAIT = 0x00100000  # SYNCHRONIZE
_NO_SUCH = 87  # ERROR_INVALID_PARAMETER
_ENDED = 0  # WAIT_OBJECT_0: a process is signalled from its end on


def is_alive(pid: int) -> bool:
    """Whether there is a process of that number; ``True`` where the system does not tell."""
    if pid == os.getpid():
        return True
    if sys.platform == "win32":
        import ctypes
        from ctypes import wintypes

        kernel = ctypes.WinDLL("kernel32", use_last_error=True)
        kernel.OpenProcess.restype = wintypes.HANDLE
        kernel.OpenProcess.argtypes = (wintypes.DWORD, wintypes.BOOL, wintypes.DWORD)
        kernel.WaitForSingleObject.restype = wintypes.DWORD
        kernel.WaitForSingleObject.argtypes = (wintypes.HANDLE, wintypes.DWORD)
        kernel.CloseHandle.argtypes = (wintypes.HANDLE,)
        return _told_by_windows(pid, kernel, ctypes.get_last_error)
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True
    return True


def _told_by_windows(pid: int, kernel: Any, last_error: Any) -> bool:
    """By the handle of the process: os.kill would end it on Windows, whatever signal it is given."""
    handle = kernel.OpenProcess(_MAY_WAIT, False, pid)
    if not handle:
        return bool(last_error() != _NO_SUCH)  # one of another user's may not be opened, but is there
    try:
        return bool(kernel.WaitForSingleObject(handle, 0) != _ENDED)
    finally:
        kernel.CloseHandle(handle)
