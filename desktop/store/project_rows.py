"""What a network made of a project's pictures: rows of features in one file, mapped into memory, found by content.

Rows are written and flushed before the project says where they lie, so a kill leaves rows that nobody knows of, never
places without a row. Half the precision of the network's numbers is kept: it changes no answer, and 100,000 pictures
take 400 MB of disk and no memory of their own.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

import numpy as np

from desktop.core.types import StoreError
from desktop.store.locks import hold
from desktop.store.project_database import ProjectDatabase
from desktop.system.files import OWN_DISK, flush, not_written

_WAIT_S = 30.0
RowKey = tuple[bytes, int]
"""SHA-256 of a picture's content (32 bytes), and its frame."""


class FeatureRows:
    """The rows of ``size`` numbers that the network ``identity`` (hexadecimal) made of a project's pictures."""

    def __init__(self, database: ProjectDatabase, identity: str, size: int) -> None:
        self._database, self._identity, self.size = database, identity[:32], size
        self.path = database.path.with_name(f"{self._identity}.rows")
        self._places: dict[RowKey, int] = {}
        self._asked_to = 0  # places below were asked for
        self._mapped: np.memmap | None = None

    def places(self, refresh: bool = True) -> Mapping[RowKey, int]:
        """Which row each content has. ``refresh`` looks what other processes have added."""
        if refresh:
            with self._database.reading() as connection:
                found = connection.execute(
                    "SELECT sha256, frame, place FROM rows WHERE network = ? AND place >= ?",
                    (self._identity, self._asked_to),
                ).fetchall()
            there = self._there()
            if any(place >= there for _, _, place in found):  # the file was lost or cut: these are made again
                with self._database.changing("looked") as connection:
                    connection.execute("DELETE FROM rows WHERE network = ? AND place >= ?", (self._identity, there))
                found = [row for row in found if row[2] < there]
            self._places.update({(bytes(sha256), frame): place for sha256, frame, place in found})
            self._asked_to = max((place + 1 for _, _, place in found), default=self._asked_to)
        return self._places

    def take(self, places: Sequence[int] | np.ndarray) -> np.ndarray:
        """The rows at ``places``: float32 (n, size)."""
        wanted = np.asarray(places, np.int64)
        if not len(wanted):
            return np.empty((0, self.size), np.float32)
        return self._map(int(wanted.max()) + 1)[wanted].astype(np.float32)

    def add(self, rows: Mapping[RowKey, np.ndarray]) -> None:
        """Keep ``rows``, float (size,) each. Raises :class:`StoreError` (``disk-full``, ``not-writable`` …): then none
        of them is."""
        fresh = {key: row for key, row in rows.items() if key not in self._places}
        if not fresh:
            return
        table = np.stack([np.clip(row, -65504, 65504) for row in fresh.values()]).astype("<f2")
        width = 2 * self.size
        try:
            with hold(self.path.with_suffix(".lock"), _WAIT_S):
                descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o600)
                with os.fdopen(descriptor, "r+b") as stream:
                    # A row that a kill cut off has no place: it is written over.
                    first = stream.seek(0, os.SEEK_END) // width
                    stream.seek(first * width)
                    stream.write(table.tobytes())
                    flush(stream)
        except OSError as error:
            raise not_written("what the network saw", OWN_DISK, error, StoreError) from error
        places = {key: first + number for number, key in enumerate(fresh)}
        with self._database.changing("looked") as connection:
            connection.executemany(
                "INSERT OR IGNORE INTO rows VALUES (?, ?, ?, ?)",
                [(self._identity, sha256, frame, place) for (sha256, frame), place in places.items()],
            )
        self._places.update(places)

    def _map(self, least: int) -> np.ndarray:
        if self._mapped is None or len(self._mapped) < least:
            count = self._there()
            if count < least:
                raise StoreError("damaged", "rows of this project are missing", "Its pictures are looked at again.")
            self._mapped = np.memmap(self.path, "<f2", "r", shape=(count, self.size))
        return self._mapped

    def _there(self) -> int:
        """How many rows the file holds."""
        return self.path.stat().st_size // (2 * self.size) if self.path.is_file() else 0

    def close(self) -> None:
        """Let go of the file."""
        self._mapped = None
