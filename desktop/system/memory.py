"""How much memory and work another process has taken: for whoever watches a child."""

from __future__ import annotations

import contextlib
import os


def memory_of(pid: int) -> int:
    """Bytes of real memory that a process uses alone; 0 where that cannot be told."""
    try:  # Linux
        with open(f"/proc/{pid}/statm", encoding="ascii") as stream:
            resident, shared = (int(word) for word in stream.read().split()[1:3])
        return (resident - shared) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        return _memory_elsewhere(pid)


def _memory_elsewhere(pid: int) -> int:
    import psutil

    with contextlib.suppress(psutil.Error, OSError):
        told = psutil.Process(pid).memory_info()
        return int(getattr(told, "private", told.rss))  # Windows tells what was promised as well
    return 0


def work_of(pid: int) -> float:
    """Seconds of processor time that a process has used, in the system and outside; 0 where that cannot be told."""
    import psutil

    with contextlib.suppress(psutil.Error, OSError):
        told = psutil.Process(pid).cpu_times()
        return float(told.user + told.system)
    return 0.0
