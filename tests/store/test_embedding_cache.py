"""The cache of embeddings: whole rows or none, within its limit, whatever happens to its file or beside it."""

from __future__ import annotations

import multiprocessing
import os
import sqlite3
import threading
from pathlib import Path

import numpy as np
import pytest

from desktop.store.embedding_cache import EmbeddingCache
from tests.patience import patient

SIZE = 64


def key(number: int) -> bytes:
    return number.to_bytes(32, "big")


def row(number: int) -> np.ndarray:
    return np.random.default_rng(number).normal(size=SIZE).astype(np.float32)


def fill(cache: EmbeddingCache, numbers: range) -> None:
    cache.put({key(n): row(n) for n in numbers})


def test_what_was_kept_is_found_by_another(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "cache.sqlite"
    with EmbeddingCache(file) as cache:
        fill(cache, range(1000))
        cache.put({})
    with EmbeddingCache(file) as cache:
        found = cache.get([key(n) for n in range(-0, 1200)], SIZE)
        assert len(found) == 1000 == len(cache)
        assert all(np.array_equal(found[key(n)], row(n)) for n in range(1000))
        assert cache.get([], SIZE) == {}
        assert cache.get([key(1)], SIZE + 1) == {}  # of another network it would be another length
        assert cache.total_bytes() > 1000 * 4 * SIZE
        cache.clear()
        assert len(cache) == 0 and cache.get([key(1)], SIZE) == {}


def test_rows_that_are_no_numbers_are_not_handed_out(tmp_path: Path) -> None:
    with EmbeddingCache(tmp_path / "c.sqlite") as cache:
        cache.put({key(1): np.full(SIZE, np.nan, np.float32), key(2): row(2)})
        assert list(cache.get([key(1), key(2)], SIZE)) == [key(2)]


def test_the_limit_holds_and_the_oldest_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from desktop.store import embedding_cache

    day = 100
    monkeypatch.setattr(embedding_cache, "_today", lambda: day)
    limit = 2_000_000
    file = tmp_path / "c.sqlite"
    with EmbeddingCache(file, limit) as cache:
        fill(cache, range(2000))
        day = 101
        cache.get([key(n) for n in range(100)], SIZE)  # used again
        for start in range(2000, 12_000, 500):
            fill(cache, range(start, start + 500))
        assert len(cache) * 4 * SIZE < limit
        kept = cache.get([key(n) for n in range(12_000)], SIZE)
        assert not [n for n in range(100, 1000) if key(n) in kept]
        assert all(key(n) in kept for n in range(11_500, 12_000))
    assert file.stat().st_size < 2 * limit  # pages are used again


def _write(path: str, start: int) -> None:
    with EmbeddingCache(Path(path)) as cache:
        for number in range(start, start + 300, 10):
            fill(cache, range(number, number + 10))
            cache.get([key(number)], SIZE)


def test_processes_and_threads_share_it(tmp_path: Path) -> None:
    file = tmp_path / "c.sqlite"
    context = multiprocessing.get_context("spawn")
    children = [context.Process(target=_write, args=(str(file), 1000 * n)) for n in range(2)]
    for child in children:
        child.start()
    with EmbeddingCache(file) as cache:
        threads = [threading.Thread(target=fill, args=(cache, range(5000 + n * 100, 5100 + n * 100))) for n in range(4)]
        for thread in threads:
            thread.start()
        for each in (*threads, *children):
            each.join(patient(60))
        assert [child.exitcode for child in children] == [0, 0]
        assert len(cache) == 2 * 300 + 400


@pytest.mark.parametrize("content", [b"no database at all" * 100, b"SQLite format 3\0" + bytes(4000)])
def test_a_damaged_file_begins_anew(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "c.sqlite"
    file.write_bytes(content)
    with EmbeddingCache(file) as cache:
        cache.get([key(1)], SIZE)
        fill(cache, range(3))
        fill(cache, range(3))
        assert len(cache.get([key(n) for n in range(3)], SIZE)) == 3


def test_damage_while_it_is_open(tmp_path: Path) -> None:
    file = tmp_path / "c.sqlite"
    with EmbeddingCache(file) as cache:
        fill(cache, range(500))
    whole = bytearray(file.read_bytes())
    whole[16384:] = os.urandom(len(whole) - 16384)
    file.write_bytes(whole)
    with EmbeddingCache(file) as cache:
        assert cache.get([key(n) for n in range(500)], SIZE) == {}
        fill(cache, range(5))
        fill(cache, range(5))
        assert len(cache.get([key(n) for n in range(5)], SIZE)) == 5


def test_another_version_is_dropped(tmp_path: Path) -> None:
    file = tmp_path / "c.sqlite"
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE rows (something TEXT)")
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with EmbeddingCache(file) as cache:
        fill(cache, range(3))
        assert len(cache) == 3


def test_a_place_that_cannot_be_written_costs_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with EmbeddingCache(tmp_path / "file" / "c.sqlite") as cache:
        fill(cache, range(3))
        assert cache.get([key(1)], SIZE) == {} and len(cache) == 0


def test_the_users_limit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FOVEA_CACHE_GB", "0.0001")
    with EmbeddingCache(tmp_path / "c.sqlite") as cache:
        fill(cache, range(2000))
        assert 0 < len(cache) * 4 * SIZE < 100_000
