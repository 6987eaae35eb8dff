"""How long a test waits before it calls something hung: limits that grow with what else the machine has to do."""

from __future__ import annotations

import os

WAIT = 120_000
"""Milliseconds for something in a window to come; a test that passes never waits that long."""


def patient(seconds: float) -> float:
    """``seconds``, meant for a machine of one's own, times what the load of this one asks for; at least four times: it
    may become busy while one waits."""
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    return seconds * max(4.0, 3.0 * load / (os.cpu_count() or 1))


def milliseconds(asked: int = 0) -> int:
    """Milliseconds for something in a window to come, by the machine's load; not less than ``asked``."""
    return max(asked, WAIT, round(1000 * patient(20)))
