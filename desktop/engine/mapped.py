"""Gives back the memory of a file that is mapped and was copied from: the weights of a large network.

LiteRT maps a model's file and packs its weights into the order that its kernels want: from then on they are in memory
twice, and the mapped pages are not read again. The system would take them back when memory gets short; until then they
count as the process's own and look like waste. Linux alone lets one say so from outside of the library.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys

_DONT_NEED = 4  # MADV_DONTNEED: pages of an unchanged file mapping are simply read again, should they be wanted


def release(path: str) -> int:
    """Tell the system that the mapped pages of the file ``path`` are not needed now; returns their bytes.

    Harmless where they are: they are read from the file again. 0 where nothing could be done.
    """
    if sys.platform != "linux":
        return 0
    wanted, released = os.path.realpath(path), 0
    with contextlib.suppress(OSError, ValueError):
        libc = ctypes.CDLL(None, use_errno=True)
        libc.madvise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
        with open("/proc/self/maps", encoding="utf-8", errors="surrogateescape") as stream:
            for line in stream:
                parts = line.rstrip("\n").split(maxsplit=5)
                # Only mappings that cannot have been written to: private changes would be lost.
                if len(parts) < 6 or parts[5] != wanted or "w" in parts[1]:
                    continue
                start, end = (int(side, 16) for side in parts[0].split("-"))
                if libc.madvise(start, end - start, _DONT_NEED) == 0:
                    released += end - start
    return released
