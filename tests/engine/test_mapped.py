"""Mapped pages of a file are given back, and read again when they are wanted."""

from __future__ import annotations

import mmap
import sys
from pathlib import Path

import pytest

from desktop.engine.mapped import release

SIZE = 8 << 20


def resident(path: Path) -> int:
    """KiB of the mapping of ``path`` that are in memory now."""
    lines = iter(Path("/proc/self/smaps").read_text(encoding="utf-8").splitlines())
    for line in lines:
        if line.endswith(str(path)):
            return next(int(fact.split()[1]) for fact in lines if fact.startswith("Rss:"))
    return 0


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the system decides by itself")
def test_pages_of_a_file_are_given_back_and_still_right(tmp_path: Path) -> None:
    path = tmp_path / "weights with a space.bin"
    path.write_bytes(bytes(range(256)) * (SIZE // 256))
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, prot=mmap.PROT_READ) as held:
        assert sum(held[::4096]) >= 0 and resident(path) * 1024 >= SIZE
        assert release(str(path)) == SIZE
        assert resident(path) * 1024 < SIZE // 4
        assert held[255] == 255 and held[SIZE - 1] == 255
    assert release(str(path)) == 0 and release(str(tmp_path / "none")) == 0
