"""What a child process does with itself before its work, and how its end reads in words."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from pathlib import Path

from desktop.system.words import phrase

_MOST_OF_MEMORY = 0.9
_FIRST_TO_GO = "700"  # of 1000


def quiet_native_output() -> None:
    """Send the native libraries' chatter nowhere: it names files, and a windowed program has no stderr.

    ``FOVEA_ENGINE_OUTPUT`` leaves it as it is, for whoever looks for a fault.
    """
    if not os.environ.get("FOVEA_ENGINE_OUTPUT"):
        null = os.open(os.devnull, os.O_WRONLY)
        for descriptor in (1, 2):
            try:
                os.dup2(null, descriptor)
            except OSError:
                continue  # closed from the start: nothing to quiet
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # a windowed program: whatever prints would fail
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 - for the whole process


def step_back(nice: int) -> None:
    """Let every other process go first, as far as the system allows. ``nice`` is Unix' scale, 0 (usual) to 19."""
    if sys.platform == "win32":
        import ctypes

        below_normal = 0x4000
        with contextlib.suppress(OSError):
            kernel = ctypes.windll.kernel32
            kernel.SetPriorityClass(kernel.GetCurrentProcess(), below_normal)
        return
    with contextlib.suppress(OSError):  # a sandbox may forbid it; it is only politeness
        os.nice(nice)


def lead_group() -> None:
    """Become the head of a process group: who ends this process can end its own children with it."""
    if hasattr(os, "setpgid"):
        with contextlib.suppress(OSError):
            os.setpgid(0, 0)


def go_first_when_memory_ends() -> None:
    """Ask Linux to end this process, not the window, when there is no memory left. Nothing elsewhere."""
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(_FIRST_TO_GO, encoding="ascii")


def limit_memory() -> int:
    """Let this process and its children take no more than nine tenths of the memory there is; returns the bytes.

    Only Linux keeps such a limit (on what a process may write to, so mapped files do not count); elsewhere, where the
    amount is unknown, and beside a GPU, whose driver reserves addresses far beyond the memory, nothing is limited and
    0 returned.
    """
    total = memory_of_system()
    gpu = any(os.path.exists(device) for device in ("/dev/nvidiactl", "/dev/kfd"))
    if not sys.platform.startswith("linux") or not total or gpu:
        return 0
    import resource

    limit = int(total * _MOST_OF_MEMORY)
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    if hard not in (resource.RLIM_INFINITY, -1) and hard < limit:
        return int(hard)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
        return limit
    return 0


def memory_of_system() -> int:
    """Bytes of main memory that this process may have: the computer's, or its container's. 0 where unknown."""
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return 0
    with contextlib.suppress(OSError, ValueError):
        total = min(total, int(Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii")))
    return max(0, total)


def memory_kills() -> int:
    """How many processes Linux has ended for lack of memory since it was started; 0 where it does not say."""
    with contextlib.suppress(OSError, ValueError):
        for line in Path("/proc/vmstat").read_text(encoding="ascii").splitlines():
            name, _, value = line.partition(" ")
            if name == "oom_kill":
                return int(value)
    return 0


def reason(exitcode: int | None) -> str:
    """An exit status in words."""
    if exitcode is None:
        return phrase("it stopped answering")
    if exitcode < 0:
        try:
            name = signal.Signals(-exitcode).name
        except ValueError:
            name = phrase("signal {number}", number=-exitcode)
        return (
            phrase("{name}: ended by the system, perhaps for lack of memory", name=name) if name == "SIGKILL" else name
        )
    return phrase("exit status {exitcode}", exitcode=exitcode)
