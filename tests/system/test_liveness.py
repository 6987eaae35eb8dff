"""Which processes live: this one, another, one that has ended; and what Windows would say of them."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest

from desktop.system import liveness


def test_this_process_and_a_child_live_until_they_end() -> None:
    assert liveness.is_alive(os.getpid())
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    assert liveness.is_alive(child.pid)
    child.communicate(b"\n")
    assert not liveness.is_alive(child.pid)
    assert not liveness.is_alive(10**18)


class Kernel:
    """What Windows answers: a handle or none, and whether the process behind it is signalled."""

    def __init__(self, handle: int, waited: int) -> None:
        self._handle, self._waited, self.closed = handle, waited, 0

    def OpenProcess(self, access: int, inherit: bool, pid: int) -> int:
        assert access == 0x00100000 and not inherit and pid == 77
        return self._handle

    def WaitForSingleObject(self, handle: int, wait_ms: int) -> int:
        assert handle == self._handle and wait_ms == 0
        return self._waited

    def CloseHandle(self, handle: int) -> None:
        self.closed += 1


@pytest.mark.parametrize(
    ("handle", "waited", "error", "alive"),
    [(4, 258, 0, True), (4, 0, 0, False), (0, 0, 87, False), (0, 0, 5, True)],
    ids=["runs", "has ended", "no such process", "another user's"],
)
def test_windows_is_asked_by_handle(handle: int, waited: int, error: int, alive: bool) -> None:
    kernel: Any = Kernel(handle, waited)
    assert liveness._told_by_windows(77, kernel, lambda: error) is alive
    assert kernel.closed == bool(handle)
