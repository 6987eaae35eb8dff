"""The cache of prepared pictures: whole or not there, bounded, and the same pictures as without it."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys
from collections import namedtuple
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from desktop.core.pictures.preprocess import prepare
from desktop.core.types import ImageSource, PreprocessSpec
from desktop.ml.data import cache
from desktop.ml.data.arrays import Pictures, Rows
from desktop.ml.data.cache import CacheError, CacheItem

SPEC = PreprocessSpec(8, 6, "grey", "stretch")
ROOT = Path(__file__).parents[3]


class Feed:
    """Noise, in which every seventh picture does not open."""

    def __init__(self, count: int = 50, broken: int = 7) -> None:
        self.names: Sequence[str] = [f"c/{i:03}.png" for i in range(count)]
        self.labels = np.arange(count) % 3
        self._broken = broken

    def picture(self, position: int) -> np.ndarray:
        return np.random.default_rng(position).integers(0, 256, (12, 10), np.uint8)

    def item(self, position: int) -> CacheItem:
        digest = (bytes([position]) * 32).hex()
        if self._broken and position % self._broken == 0:
            return ImageSource("empty.png", data=b""), (0, digest)
        return self.picture(position), (120, digest)


def test_what_is_kept_is_what_preparing_gives() -> None:
    feed, seen = Feed(), []
    sizes = []
    made = cache.make("a" * 32, feed, SPEC, lambda done, total: seen.append((done, total)), _facts(sizes))
    good = [i for i in range(50) if i % 7]
    assert made.names == tuple(feed.names[i] for i in good) and made.labels.tolist() == [i % 3 for i in good]
    assert isinstance(made.images, np.memmap) and made.images.dtype == np.uint8
    for row, position in enumerate(good):
        np.testing.assert_array_equal(made.images[row], prepare(feed.picture(position), SPEC).pixels)
        assert made.sha256[row].tobytes() == bytes([position]) * 32
    assert [name for name, _ in made.set_aside] == [feed.names[i] for i in range(0, 50, 7)]
    assert made.facts == {"n": 50} and sizes == [120 * bool(i % 7) for i in range(50)]
    assert seen[0] == (0, 50) and seen[-1] == (50, 50) and seen == sorted(seen)
    again = cache.find("a" * 32)
    assert again is not None and again.names == made.names and again.facts == made.facts
    with pytest.raises(ValueError, match="read-only"):
        again.images[0] = 0


def _facts(sizes: list[int]):  # type: ignore[no-untyped-def]
    def finish(found: np.ndarray, sha256: np.ndarray) -> dict[str, int]:
        sizes.extend(found.tolist())
        return {"n": len(sha256)}

    return finish


@pytest.mark.parametrize("damage", ["images.npy", "names.json", "labels.npy", "meta.json", "sha256.npy"])
def test_a_damaged_set_counts_as_none(damage: str) -> None:
    cache.make("a" * 32, Feed(), SPEC)
    path = cache._root() / ("a" * 32) / damage
    path.write_bytes(path.read_bytes()[:-9])
    assert cache.find("a" * 32) is None
    assert len(cache.make("a" * 32, Feed(), SPEC).names) == 42


def test_the_sets_used_longest_ago_make_room(monkeypatch: pytest.MonkeyPatch) -> None:
    for number, key in enumerate(("a" * 32, "b" * 32, "c" * 32)):
        cache.make(key, Feed(200, 0), SPEC)
        os.utime(cache._root() / key / "meta.json", (1000 + number, 1000 + number))
        for part in (cache._root() / key).iterdir():
            os.utime(part, (1000 + number, 1000 + number))
    assert cache.find("a" * 32) is not None  # used just now
    monkeypatch.setenv("FOVEA_CACHE_GB", str(cache.total_bytes() * 0.99 / 1e9))
    cache.make("d" * 32, Feed(200, 0), SPEC)
    assert cache.find("b" * 32) is None
    assert all(cache.find(key * 32) is not None for key in "ad")
    cache.clear()
    assert cache.total_bytes() == 0


def test_a_disk_without_room_is_told_before_anything_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10, 9, 1))
    with pytest.raises(CacheError) as caught:
        cache.make("a" * 32, Feed(), SPEC)
    assert caught.value.kind == "disk-full" and "has 1 bytes free" in caught.value.message
    assert list(cache._root().iterdir()) == []


def test_a_disk_that_fills_up_meanwhile_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CacheError) as caught:
        cache.make("a" * 32, Feed(), SPEC)
    assert caught.value.kind == "disk-full"
    assert cache.find("a" * 32) is None and list(cache._root().iterdir()) == []


def test_cancelling_leaves_nothing_and_nothing_to_read_is_said() -> None:
    def stop(done: int, total: int) -> None:
        if done >= 16:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cache.make("a" * 32, Feed(), SPEC, stop)
    assert list(cache._root().iterdir()) == []
    with pytest.raises(CacheError) as caught:
        cache.make("a" * 32, Feed(10, 1), SPEC)
    assert caught.value.kind == "no-data"


_KILLED = """
import os, signal, sys
import desktop.ml.data.cache as module
from tests.ml.data.test_cache import SPEC, Feed
victim, count = sys.argv[1], int(sys.argv[2])
calls = 0
class Os:
    def __getattr__(self, name):
        real = getattr(os, name)
        if name != victim:
            return real
        def call(*arguments, **keywords):
            global calls
            calls += 1
            if calls == count:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*arguments, **keywords)
        return call
from desktop.system import files
module.os = files.os = Os()
module.make("a" * 32, Feed(), SPEC)
"""


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL")
@pytest.mark.parametrize("step", [("fsync", 1), ("fsync", 4), ("rename", 1)])
def test_a_kill_leaves_no_half_set(fovea_home: Path, monkeypatch: pytest.MonkeyPatch, step: tuple[str, int]) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    run = subprocess.run([sys.executable, "-c", _KILLED, *map(str, step)], cwd=ROOT, env=environment, check=False)
    assert run.returncode == -signal.SIGKILL
    assert cache.find("a" * 32) is None
    monkeypatch.setattr(cache, "_YOUNG_S", -1.0)
    assert len(cache.make("a" * 32, Feed(), SPEC).names) == 42
    assert [path.name for path in cache._root().iterdir()] == ["a" * 32]  # what the dead one left is gone


def test_rows_stand_for_the_array_and_copy_nothing() -> None:
    base = np.random.default_rng(0).integers(0, 256, (20, 4, 3, 1), np.uint8)
    rows = Rows(base, np.array([5, 3, 19, 3]))
    same = base[[5, 3, 19, 3]]
    assert rows.shape == same.shape and rows.dtype == np.uint8 and len(rows) == 4 and rows.ndim == 4
    for key in (0, slice(1, 3), np.array([2, 0]), np.array([True, False, True, True])):
        np.testing.assert_array_equal(rows[key], same[key])
    np.testing.assert_array_equal(np.asarray(rows), same)
    np.testing.assert_array_equal(np.asarray(rows.take(np.array([3, 0]))), same[[3, 0]])
    names, labels = tuple("abcd"), np.array([0, 1, 0, 1])
    mapped, held = Pictures(rows, labels, names), Pictures(same, labels, names)
    assert mapped.fingerprint() == held.fingerprint()
    assert mapped.take(np.array([1, 2])).fingerprint() == held.take(np.array([1, 2])).fingerprint()
    assert [len(piece) for piece in mapped.pieces(3)] == [3, 1]
