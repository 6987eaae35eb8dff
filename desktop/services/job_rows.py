"""The answers of a cluster's job for a table: a million rows, of which those that are looked at are read.

Files are read in a thread of this object's own, one wish after another; what is shown comes page by page.
"""

from __future__ import annotations

import collections
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from desktop.core.types import FoveaError
from desktop.services.background import DiskWork
from desktop.system.words import phrase

if TYPE_CHECKING:
    from desktop.cluster.results import Counted, JobRows, Wanted

PAGE = 100
"""Rows that are read together."""
_PAGES_KEPT = 100


class JobTable(QObject):
    """The rows of the job in ``folder``. ``found`` says that the rows, or their order, are others now; ``loaded`` that
    some between a first and a last row can be shown; ``failed`` carries a :class:`FoveaError`."""

    found = Signal()
    loaded = Signal(int, int)
    failed = Signal(Exception)

    def __init__(self, folder: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.folder = folder
        self.answers: list[Counted] = []
        self.total = self.count = 0
        self._rows: JobRows | None = None
        self._disk = DiskWork("job-rows", self)
        self._pages: collections.OrderedDict[int, list[dict[str, Any]]] = collections.OrderedDict()
        self._coming: set[int] = set()
        self._turn = 0  # which order the pages are of: older ones that still come are dropped
        self._disk.run(self._open, self._opened, self._refused)

    def find(self, wanted: Wanted, by: str = "position", descending: bool = False) -> None:
        """Have other rows, or in another order; ``found`` follows."""
        self._turn += 1
        turn = self._turn

        def look() -> int:
            assert self._rows is not None
            # What is wished for meanwhile comes instead.
            done = self._rows.find(wanted, by, descending, lambda: turn != self._turn)
            return len(self._rows) if done else -1

        self._disk.run(look, lambda count: self._found(count, turn), self._refused)

    def row(self, at: int) -> dict[str, Any] | None:
        """A row, ``None`` until it has been read: ``loaded`` follows."""
        page = at // PAGE
        held = self._pages.get(page)
        if held is not None:
            self._pages.move_to_end(page)
            return held[at - page * PAGE] if at - page * PAGE < len(held) else None
        if page not in self._coming and self._rows is not None and at < self.count:
            self._coming.add(page)
            turn, first, last = self._turn, page * PAGE, min((page + 1) * PAGE, self.count)
            rows = self._rows
            self._disk.run(
                lambda: [rows.row(number) for number in range(first, last)] if turn == self._turn else [],
                lambda read: self._loaded(page, read, turn),
                self._refused,
            )
        return None

    def close(self) -> None:
        """Let go of the files."""
        self._turn += 1
        self._disk.stop()
        if self._rows is not None:
            self._rows.close()
            self._rows = None

    def _open(self) -> tuple[JobRows, list[Counted]]:
        try:
            from desktop.cluster.results import JobRows, answers_counted
        except ImportError as error:
            raise FoveaError(
                "no-arrow",
                "this installation cannot read the results of a cluster",
                'Install what it takes: pip install "fovea-classifier[cluster]".',
            ) from error
        parts = sorted((self.folder / "parts").glob("*.parquet"))
        if not parts:
            raise FoveaError(
                "no-results",
                phrase("'{name}' holds no results of a cluster", name=self.folder.name),
                phrase("Choose the folder of a job that has ended."),
            )
        try:
            return JobRows(parts), answers_counted(parts)
        except Exception as error:  # Arrow's own, of files that are damaged
            raise FoveaError(
                "damaged", phrase("the results in '{name}' cannot be read", name=self.folder.name)
            ) from error

    def _opened(self, opened: tuple[JobRows, list[Counted]]) -> None:
        self._rows, self.answers = opened
        self.total = self.count = self._rows.total
        self.found.emit()

    def _found(self, count: int, turn: int) -> None:
        if count < 0 or turn != self._turn:
            return
        self.count = count
        self._pages.clear()
        self._coming.clear()
        self.found.emit()

    def _loaded(self, page: int, rows: list[dict[str, Any]], turn: int) -> None:
        if turn != self._turn or page not in self._coming:
            return
        self._coming.discard(page)
        self._pages[page] = rows
        while len(self._pages) > _PAGES_KEPT:
            self._pages.popitem(last=False)
        self.loaded.emit(page * PAGE, page * PAGE + len(rows) - 1)

    def _refused(self, error: Exception) -> None:
        self.failed.emit(error)
