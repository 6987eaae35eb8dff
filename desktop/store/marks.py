"""Stars and notes on pictures, kept by content: they are found again after renaming, moving and copying.

One SQLite file in the user's data, ``marks.sqlite``. A mark is on the disk when the call returns. Which picture a file
holds is found out by its SHA-256; files whose place, size and time are known are not read again, and of others only
those that have the size of a marked one. Work for a thread.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from desktop import paths
from desktop.core.types import ImageSource, StoreError
from desktop.system.files import OWN_DISK, reason_of
from desktop.system.words import phrase

LONGEST_NOTE = 2000
_WAIT_S = 10.0
_SCHEMA = 1
_AT_ONCE = 400
_TABLES = """
CREATE TABLE marks (sha256 BLOB PRIMARY KEY, size INTEGER NOT NULL, star INTEGER NOT NULL, note TEXT NOT NULL,
    changed REAL NOT NULL) WITHOUT ROWID;
CREATE INDEX marks_by_size ON marks (size);
CREATE TABLE places (path BLOB PRIMARY KEY, size INTEGER NOT NULL, mtime INTEGER NOT NULL, sha256 BLOB NOT NULL)
    WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class PictureMark:
    """What a user has put on a picture."""

    star: bool = False
    note: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to keep."""
        return not self.star and not self.note


class MarkStore:
    """The marks in ``file`` (default: the user's own). Any thread, one at a time."""

    def __init__(self, file: Path | None = None) -> None:
        self._file = file if file is not None else paths.user_data() / "marks.sqlite"

    def put(self, source: ImageSource, mark: PictureMark) -> None:
        """Put ``mark`` on the picture, in place of what was there. Raises StoreError: gone, or not to be written."""
        size, sha256, place = self._identify(source)
        note = mark.note.strip()[:LONGEST_NOTE]
        with self._open(create=True) as connection:
            assert connection is not None
            with connection:
                if mark.is_empty:
                    connection.execute("DELETE FROM marks WHERE sha256 = ?", (sha256,))
                else:
                    row = (sha256, size, int(mark.star), note, time.time())
                    connection.execute("INSERT OR REPLACE INTO marks VALUES (?, ?, ?, ?, ?)", row)
                if place is not None:
                    connection.execute("INSERT OR REPLACE INTO places VALUES (?, ?, ?, ?)", (*place, sha256))

    def find(self, sources: Sequence[ImageSource]) -> dict[int, PictureMark]:
        """The marks of ``sources`` by their places in the list; only those that have one. Never raises."""
        with contextlib.suppress(StoreError), self._open() as connection:
            if connection is None:
                return {}
            sizes = {row[0] for row in connection.execute("SELECT DISTINCT size FROM marks")}
            return dict(self._found(connection, sources, sizes)) if sizes else {}
        return {}

    def _found(
        self, connection: sqlite3.Connection, sources: Sequence[ImageSource], sizes: set[int]
    ) -> Iterator[tuple[int, PictureMark]]:
        fresh: list[tuple[bytes, int, int, bytes]] = []
        for at, source in enumerate(sources):
            facts = _facts(source)
            if facts is None or facts[0] not in sizes:
                continue
            sha256 = self._known(connection, source, facts)
            if sha256 is None:
                sha256 = _sha256(source)
                if sha256 is None:
                    continue
                if source.path is not None:
                    fresh.append((os.fsencode(os.path.abspath(source.path)), *facts, sha256))
            row = connection.execute("SELECT star, note FROM marks WHERE sha256 = ?", (sha256,)).fetchone()
            if row is not None:
                yield at, PictureMark(bool(row[0]), str(row[1]))
        if fresh:
            with contextlib.suppress(sqlite3.Error), connection:
                connection.executemany("INSERT OR REPLACE INTO places VALUES (?, ?, ?, ?)", fresh)

    @staticmethod
    def _known(connection: sqlite3.Connection, source: ImageSource, facts: tuple[int, int]) -> bytes | None:
        if source.path is None:
            return None
        path = os.fsencode(os.path.abspath(source.path))
        row = connection.execute("SELECT size, mtime, sha256 FROM places WHERE path = ?", (path,)).fetchone()
        return bytes(row[2]) if row is not None and (row[0], row[1]) == facts else None

    def _identify(self, source: ImageSource) -> tuple[int, bytes, tuple[bytes, int, int] | None]:
        facts, sha256 = _facts(source), _sha256(source)
        if facts is None or sha256 is None:
            raise StoreError(
                "not-found",
                phrase("'{name}' is not there any more", name=source.name),
                "Open it again where it is now.",
            )
        place = None
        if source.path is not None:
            place = (os.fsencode(os.path.abspath(source.path)), *facts)
        return facts[0], sha256, place

    @contextlib.contextmanager
    def _open(self, create: bool = False) -> Iterator[sqlite3.Connection | None]:
        if not create and not self._file.is_file():
            yield None
            return
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(self._file, _WAIT_S)
            try:
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = FULL")
                if connection.execute("PRAGMA user_version").fetchone()[0] == 0:
                    with connection:
                        connection.executescript(f"BEGIN; {_TABLES} PRAGMA user_version = {_SCHEMA}; COMMIT;")
                yield connection
            finally:
                connection.close()
        except sqlite3.OperationalError as error:
            text = phrase("the star or note was not kept: {disk} may be full, or may not be written to", disk=OWN_DISK)
            raise StoreError("not-saved", text, "Free some space, then try again.") from error
        except sqlite3.DatabaseError as error:
            text = "the file of stars and notes is damaged"
            raise StoreError(
                "damaged", text, phrase("Move '{name}' away from Fovea's data.", name=self._file.name)
            ) from error
        except OSError as error:
            raise StoreError(
                "not-saved", phrase("the star or note was not kept: {reason}", reason=reason_of(error))
            ) from error


def _facts(source: ImageSource) -> tuple[int, int] | None:
    if source.data is not None:
        return len(source.data), 0
    try:
        facts = os.stat(source.path or "")
    except OSError:
        return None
    return facts.st_size, facts.st_mtime_ns


def _sha256(source: ImageSource) -> bytes | None:
    if source.data is not None:
        return hashlib.sha256(source.data).digest()
    try:
        with open(source.path or "", "rb") as stream:
            return hashlib.file_digest(stream, "sha256").digest()
    except OSError:
        return None
