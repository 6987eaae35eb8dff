"""The SQLite file of a labelling project: its tables, its transactions, and what a disk refuses, in words.

A transaction is on the disk when it returns: the write-ahead log is flushed at each commit (``synchronous = FULL``,
https://www.sqlite.org/wal.html), so a kill or a power cut loses nothing that was said to be done and leaves nothing
half done. Several processes may have one project open; writers wait for each other.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

from desktop.core.types import StoreError
from desktop.system.files import OWN_DISK
from desktop.system.words import phrase

DATABASE = "project.sqlite"
SCHEMA = 1
_WAIT_S = 10.0  # for another process that is writing
_APPLICATION = 0x466F7665  # 'Fove': what marks the file as a project's

_TABLES = """
CREATE TABLE facts (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE classes (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    key TEXT NOT NULL DEFAULT '',
    position INTEGER NOT NULL,
    removed INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE pictures (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    path BLOB NOT NULL,
    frame INTEGER NOT NULL DEFAULT 0,
    added REAL NOT NULL,
    size INTEGER NOT NULL DEFAULT -1,
    mtime INTEGER NOT NULL DEFAULT 0,
    sha256 BLOB,
    state INTEGER NOT NULL DEFAULT 0,
    problem TEXT NOT NULL DEFAULT '',
    label INTEGER,
    labelled REAL,
    labelled_sha256 BLOB,
    removed INTEGER NOT NULL DEFAULT 0,
    star INTEGER NOT NULL DEFAULT 0,
    note TEXT NOT NULL DEFAULT '',
    width INTEGER NOT NULL DEFAULT 0,
    height INTEGER NOT NULL DEFAULT 0,
    sharpness REAL,
    person TEXT NOT NULL DEFAULT '',
    thumbnail BLOB
);
CREATE UNIQUE INDEX pictures_by_place ON pictures (path, frame);
CREATE INDEX pictures_by_content ON pictures (sha256);
CREATE INDEX pictures_by_label ON pictures (label) WHERE label IS NOT NULL;
CREATE INDEX pictures_by_state ON pictures (state);
CREATE TABLE actions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at REAL NOT NULL,
    kind TEXT NOT NULL,
    how TEXT NOT NULL DEFAULT '',
    count INTEGER NOT NULL DEFAULT 0,
    text TEXT NOT NULL DEFAULT '',
    state TEXT NOT NULL DEFAULT 'done'
);
CREATE TABLE changes (
    action INTEGER NOT NULL,
    subject TEXT NOT NULL,
    id INTEGER NOT NULL,
    field TEXT NOT NULL,
    before,
    after
);
CREATE INDEX changes_by_action ON changes (action);
CREATE INDEX changes_by_subject ON changes (subject, id);
CREATE TABLE rows (
    network TEXT NOT NULL,
    sha256 BLOB NOT NULL,
    frame INTEGER NOT NULL,
    place INTEGER NOT NULL,
    PRIMARY KEY (network, sha256, frame)
) WITHOUT ROWID;
"""


class ProjectDatabase:
    """The open database in ``folder``. May be used from any thread, by one at a time; a forked child opens it anew.

    Raises :class:`StoreError` (``not-found``, ``damaged``, ``newer``, ``not-writable``, ``busy``) when it is opened.
    """

    def __init__(self, folder: Path, create: bool = False) -> None:
        self.path = folder / DATABASE
        self._lock = threading.RLock()
        self._owner = os.getpid()
        self._depth = 0
        if not create and not self.path.is_file():
            raise StoreError("not-found", "this project is not there any more", "Look among the deleted ones.")
        with explained(phrase("opened")):
            self._held = sqlite3.connect(self.path, _WAIT_S, isolation_level=None, check_same_thread=False)
            try:
                self._prepare(create)
            except BaseException:
                self._held.close()
                raise

    def _prepare(self, create: bool) -> None:
        self._held.execute("PRAGMA journal_mode = WAL")  # where the drive cannot, SQLite keeps its older way
        self._held.execute("PRAGMA synchronous = FULL")
        self._held.execute("PRAGMA foreign_keys = OFF")
        (schema,) = self._held.execute("PRAGMA user_version").fetchone()
        if schema > SCHEMA:
            text = "this project was written by a newer Fovea"
            raise StoreError("newer", text, "Install that version, or ask for an export of the project.")
        if schema == 0:
            if not create:
                raise StoreError("damaged", "this project is damaged: it has no tables", "Delete it.")
            self._held.execute("BEGIN IMMEDIATE")
            for statement in _TABLES.split(";"):
                if statement.strip():
                    self._held.execute(statement)
            self._held.execute(f"PRAGMA application_id = {_APPLICATION}")
            self._held.execute(f"PRAGMA user_version = {SCHEMA}")
            self._held.execute("COMMIT")

    @contextlib.contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """The connection, to ask. Raises :class:`StoreError`."""
        with self._lock, explained(phrase("read")):
            yield self._connection()

    @contextlib.contextmanager
    def changing(self, counted: str = "revision") -> Iterator[sqlite3.Connection]:
        """The connection, within one transaction: when this context ends without an error, all of it is on the disk;
        otherwise none. Contexts within one belong to it. ``counted`` is the fact that grows by one: ``revision`` for
        what people say, ``looked`` for what was found out about pictures. Raises :class:`StoreError` (``disk-full``,
        ``not-writable``, ``busy``, ``damaged``)."""
        with self._lock, explained(phrase("saved")):
            connection = self._connection()
            if self._depth:
                yield connection
                return
            connection.execute("BEGIN IMMEDIATE")
            self._depth = 1
            try:
                yield connection
                connection.execute("UPDATE facts SET value = value + 1 WHERE name = ?", (counted,))
                connection.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):
                    connection.execute("ROLLBACK")
                raise
            finally:
                self._depth = 0

    def backup(self, target: Path) -> None:
        """Write the database, as it is at one moment, into the file ``target``. Raises :class:`StoreError`."""
        with self._lock, explained(phrase("copied")):
            copy = sqlite3.connect(target)
            try:
                self._connection().backup(copy)
            finally:
                copy.close()

    def close(self) -> None:
        """Let go of the file."""
        with self._lock, contextlib.suppress(sqlite3.Error):
            if self._owner == os.getpid():
                self._held.close()

    def _connection(self) -> sqlite3.Connection:
        if self._owner != os.getpid():  # what a parent opened must not be used, nor closed, by its fork
            raise StoreError("not-open", "the project was opened by another process")
        return self._held


@contextlib.contextmanager
def explained(what: str) -> Iterator[None]:
    """Within this context SQLite's refusals become :class:`StoreError`; ``what`` was to be done to the project."""
    try:
        yield
    except sqlite3.OperationalError as error:
        raise _in_words(what, error) from error
    except sqlite3.DatabaseError as error:
        text = phrase("the project is damaged and could not be {what}", what=what)
        raise StoreError("damaged", text, "Take it back from a copy of Fovea's folder, or delete it.") from error


def _in_words(what: str, error: sqlite3.OperationalError) -> StoreError:
    code = (getattr(error, "sqlite_errorcode", 0) or 0) & 0xFF
    if code == sqlite3.SQLITE_FULL:
        text = phrase("the project could not be {what}: {own_disk} is full", what=what, own_disk=OWN_DISK)
        return StoreError("disk-full", text, "Free some space, then try again: what was said before is kept.")
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN):
        text = phrase("the project could not be {what}: {own_disk} may not be written to", what=what, own_disk=OWN_DISK)
        return StoreError("not-writable", text, "Look at the rights of Fovea's own data folder.")
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        text = phrase("the project could not be {what}: another window of Fovea is writing to it", what=what)
        return StoreError("busy", text, "Wait for that one, then try again.")
    if code == sqlite3.SQLITE_IOERR:
        text = phrase(
            "the project could not be {what}: {own_disk} does not answer as it should", what=what, own_disk=OWN_DISK
        )
        return StoreError("not-saved", text, "Look whether the drive is still connected, then try again.")
    return StoreError("damaged", phrase("the project is damaged and could not be {what}", what=what), "Delete it.")
