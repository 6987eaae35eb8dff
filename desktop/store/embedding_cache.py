"""What networks made of pictures, kept by content: looking at ten thousand pictures again costs no pass.

One SQLite file in the user's cache, ``embeddings.sqlite``: rows of float32 by a key of 32 bytes for network, preparing
and picture. Several processes and threads may use it at once; a kill leaves every row whole or absent; at its
limit the rows used longest ago make room. A disk that is full or read-only, or a file that is damaged, costs what was
kept and nothing else: nothing here raises for it.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from desktop import paths

LIMIT_BYTES = 1 << 30
"""The most that all rows together may take: about 200,000 pictures at 1,280 numbers each."""

_log = logging.getLogger(__name__)
_SCHEMA = 1
_PAGE = 16384  # three rows of 1,280 numbers, with little left over
_WAIT_S = 10.0  # for another process that is writing
_AT_ONCE = 400  # keys in one question
_KEPT_AT_LIMIT = 0.75
_DAY_S = 86400


class EmbeddingCache:
    """The cache in the file ``path`` (default: the user's), of at most ``limit_bytes``. May be used from any thread."""

    def __init__(self, path: Path | None = None, limit_bytes: int | None = None) -> None:
        self._path = path if path is not None else paths.cache() / "embeddings.sqlite"
        self._limit = limit_bytes if limit_bytes is not None else _limit()
        self._lock = threading.Lock()
        self._held: sqlite3.Connection | None = None
        self._owner = 0

    def get(self, keys: Sequence[bytes], size: int) -> dict[bytes, np.ndarray]:
        """The rows of ``size`` numbers, float32 (size,), that are there for ``keys``; missing and damaged ones are left
        out. Marks them as used."""
        found: dict[bytes, np.ndarray] = {}
        stale: list[bytes] = []
        today = _today()
        with self._guarded("read") as connection:
            if connection is None:
                return {}
            for start in range(0, len(keys), _AT_ONCE):
                part = keys[start : start + _AT_ONCE]
                asked = f"SELECT key, row, used FROM rows WHERE key IN ({','.join('?' * len(part))})"
                for key, row, used in connection.execute(asked, part):
                    if len(row) == 4 * size and np.isfinite(values := np.frombuffer(row, "<f4")).all():
                        found[bytes(key)] = values
                    if used < today:  # written once a day: reading must not wait for whoever writes
                        stale.append(key)
            if stale:
                with connection:
                    connection.executemany("UPDATE rows SET used = ? WHERE key = ?", [(today, key) for key in stale])
        return found

    def put(self, rows: Mapping[bytes, np.ndarray]) -> None:
        """Keep ``rows``, float32 (size,) by key: all of them or, where the disk refuses, none."""
        if not rows:
            return
        today = _today()
        listed = [(key, np.ascontiguousarray(row, "<f4").tobytes(), today) for key, row in rows.items()]
        with self._guarded("kept") as connection:
            if connection is None:
                return
            with connection:
                connection.executemany("INSERT OR REPLACE INTO rows (key, row, used) VALUES (?, ?, ?)", listed)
            self._keep_to_limit(connection)

    def close(self) -> None:
        """Let go of the file. The cache may be used again afterwards."""
        with self._lock:
            self._let_go()

    def __enter__(self) -> EmbeddingCache:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __len__(self) -> int:
        """How many rows there are."""
        count = 0
        with self._guarded("counted") as connection:
            if connection is not None:
                (count,) = connection.execute("SELECT count(*) FROM rows").fetchone()
        return count

    def clear(self) -> None:
        """Remove everything."""
        with self._lock:
            self._let_go()
            self._remove()

    def total_bytes(self) -> int:
        """What the cache takes on disk now."""
        return sum(part.stat().st_size for part in self._files() if part.is_file())

    @contextlib.contextmanager
    def _guarded(self, what: str) -> Iterator[sqlite3.Connection | None]:
        """The open file for one piece of work, ``None`` where it cannot be had. What SQLite refuses ends the work."""
        with self._lock:
            try:
                connection = self._connection()
            except (sqlite3.Error, OSError) as error:
                _log.info("the cache of embeddings cannot be opened: %s", type(error).__name__)
                connection = None
            try:
                yield connection
            except sqlite3.OperationalError as error:  # full, read-only, locked for long: as it was
                _log.info("embeddings could not be %s: %s", what, error)
            except sqlite3.DatabaseError as error:
                _log.warning("the cache of embeddings is damaged and begins anew: %s", error)
                self._let_go()
                self._remove()

    def _connection(self) -> sqlite3.Connection:
        if self._held is not None and self._owner == os.getpid():
            return self._held
        self._held = None  # a forked child must not use, nor close, what its parent opened
        self._path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._held = self._open()
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError:  # not one of SQLite's files, or a broken one
            self._remove()
            self._held = self._open()
        self._owner = os.getpid()
        return self._held

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, _WAIT_S, check_same_thread=False)
        try:
            connection.execute(f"PRAGMA page_size = {_PAGE}")
            connection.execute("PRAGMA journal_mode = WAL")  # where the drive cannot, SQLite keeps its older way
            connection.execute("PRAGMA synchronous = NORMAL")
            (schema,) = connection.execute("PRAGMA user_version").fetchone()
            with connection:
                if schema not in (0, _SCHEMA):
                    connection.execute("DROP TABLE IF EXISTS rows")
                connection.execute(
                    "CREATE TABLE IF NOT EXISTS rows (key BLOB PRIMARY KEY, row BLOB NOT NULL, used INTEGER NOT NULL)"
                )
                connection.execute(f"PRAGMA user_version = {_SCHEMA}")
        except BaseException:
            connection.close()
            raise
        return connection

    def _keep_to_limit(self, connection: sqlite3.Connection) -> None:
        """Above the limit the rows used longest ago go until three quarters are left; their pages are used again."""
        pages, free, size = (
            int(connection.execute(f"PRAGMA {name}").fetchone()[0])
            for name in ("page_count", "freelist_count", "page_size")
        )
        taken = (pages - free) * size
        if taken <= self._limit:
            return
        (count,) = connection.execute("SELECT count(*) FROM rows").fetchone()
        gone = int(count - count * self._limit * _KEPT_AT_LIMIT / taken)
        with connection:
            connection.execute(
                "DELETE FROM rows WHERE rowid IN (SELECT rowid FROM rows ORDER BY used, rowid LIMIT ?)", (gone,)
            )

    def _let_go(self) -> None:
        if self._held is not None and self._owner == os.getpid():
            with contextlib.suppress(sqlite3.Error):
                self._held.close()
        self._held = None

    def _files(self) -> list[Path]:
        return [self._path.with_name(self._path.name + ending) for ending in ("", "-wal", "-shm", "-journal")]

    def _remove(self) -> None:
        for part in self._files():
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)


def _today() -> int:
    return int(time.time() // _DAY_S)


def _limit() -> int:
    """The limit; where the user allows Fovea's cache less (``FOVEA_CACHE_GB``) that."""
    try:
        return min(LIMIT_BYTES, int(float(os.environ["FOVEA_CACHE_GB"]) * 1e9))
    except (KeyError, ValueError, OverflowError):
        return LIMIT_BYTES
