"""Finding the pictures and series of dropped files and folders in a thread, in portions the window can take."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QThread, Signal, Slot

CHUNK = 400
CHUNK_S = 0.1
MAX_PROBLEMS = 200


if TYPE_CHECKING:
    from desktop.core.pictures.dicom.series import DicomSeries
    from desktop.core.pictures.studies import Found
    from desktop.core.types import ImageSource


@dataclass(frozen=True, slots=True)
class ScanFound:
    """Some pictures and series of the scan ``id``, in order."""

    id: int
    sources: list[ImageSource | DicomSeries] = field(repr=False)


@dataclass(frozen=True, slots=True)
class ScanProblem:
    """A file or folder that could not be looked at: its ``name`` without folders, and one sentence."""

    name: str
    kind: str
    message: str


@dataclass(frozen=True, slots=True)
class ScanReading:
    """The scan ``id`` reads headers of DICOM files: ``done`` of ``total``."""

    id: int
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class ScanDone:
    """The scan ``id`` has ended. ``problems`` holds at most :data:`MAX_PROBLEMS`, ``problem_count`` counts all;
    ``left_out`` are objects of studies that hold no picture."""

    id: int
    found: int
    cancelled: bool
    problem_count: int
    problems: tuple[ScanProblem, ...]
    folders: tuple[str, ...]
    left_out: int = 0


class _Walker(QThread):
    """One walk. Emits from its own thread; receivers are bound slots in the main thread."""

    found = Signal(ScanFound)
    reading = Signal(ScanReading)
    done = Signal(ScanDone)

    def __init__(self, scan_id: int, paths: Sequence[str]) -> None:
        super().__init__()
        self.setObjectName("scan")
        self._id = scan_id
        self._paths = tuple(paths)

    def run(self) -> None:
        """Walk, hand out portions, stop when asked to."""
        from desktop.core.pictures.formats import SUPPORTED_SUFFIXES
        from desktop.core.pictures.studies import DIRECTORY_NAME, FoundSeries, LeftOut, ReadingHeads, find_studies
        from desktop.core.pictures.walk import FoundFile, walk_images
        from desktop.core.types import ImageSource

        chunk: list[ImageSource | DicomSeries] = []
        problems: list[ScanProblem] = []
        total = problem_count = left_out = 0
        since = time.monotonic()
        lone = len(self._paths) == 1 and os.path.isfile(self._paths[0])
        if lone and os.path.basename(self._paths[0]).casefold() != DIRECTORY_NAME:
            # A file by itself belongs to nothing: its answer need not wait for its header.
            items: Iterable[Found] = walk_images(self._paths, SUPPORTED_SUFFIXES)
        else:
            items = find_studies(self._paths, SUPPORTED_SUFFIXES, cancelled=self.isInterruptionRequested)
        for item in items:
            if self.isInterruptionRequested():
                break
            if isinstance(item, FoundFile):
                chunk.append(ImageSource.from_path(item.path))
            elif isinstance(item, FoundSeries):
                # A file that stands for itself is called by its name; opening it tells how many frames it has.
                alone = not item.series.belongs
                chunk.append(ImageSource.from_path(item.series.frames[0][0]) if alone else item.series)
            elif isinstance(item, LeftOut):
                left_out += item.count
            elif isinstance(item, ReadingHeads):
                self.reading.emit(ScanReading(self._id, item.done, item.total))
            else:
                problem_count += 1
                if len(problems) < MAX_PROBLEMS:
                    problems.append(ScanProblem(os.path.basename(item.path) or item.path, item.kind, item.message))
            if chunk and (len(chunk) >= CHUNK or time.monotonic() - since > CHUNK_S):
                total += len(chunk)
                self.found.emit(ScanFound(self._id, chunk))
                chunk = []
                since = time.monotonic()
        cancelled = self.isInterruptionRequested()
        if chunk and not cancelled:
            total += len(chunk)
            self.found.emit(ScanFound(self._id, chunk))
        folders = tuple(os.path.abspath(path) for path in self._paths if os.path.isdir(path))
        out = ScanDone(self._id, total, cancelled, problem_count, tuple(problems), folders, left_out)
        self.done.emit(out)


class ScanService(QObject):
    """Scans, one after another; lives in the main thread.

    ``found``, ``reading`` and ``done`` carry :class:`ScanFound`, :class:`ScanReading` and :class:`ScanDone`. What a
    cancelled scan still had on its way is dropped.
    """

    found = Signal(ScanFound)
    reading = Signal(ScanReading)
    done = Signal(ScanDone)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._next_id = 0
        self._waiting: list[tuple[int, list[str]]] = []
        self._walker: _Walker | None = None
        self._active = 0
        self._cancelled = False

    @property
    def busy(self) -> bool:
        """Whether a scan is under way."""
        return self._walker is not None

    @property
    def active(self) -> int:
        """The id of the scan under way, or of the last one."""
        return self._active

    def scan(self, paths: Sequence[str]) -> int:
        """Look through files and folders; returns the scan's id. Waits for the scan before it."""
        self._next_id += 1
        self._waiting.append((self._next_id, list(paths)))
        self._start_next()
        return self._next_id

    def cancel(self) -> None:
        """Stop the scan under way and forget those that wait; ``done`` still comes for the one under way."""
        self._waiting.clear()
        if self._walker is not None:
            self._cancelled = True
            self._walker.requestInterruption()

    def stop(self) -> None:
        """Cancel and wait for the thread: for the end of the program."""
        self.cancel()
        if self._walker is not None:
            self._walker.wait()

    def _start_next(self) -> None:
        if self._walker is not None or not self._waiting:
            return
        self._active, paths = self._waiting.pop(0)
        self._cancelled = False
        walker = _Walker(self._active, paths)
        walker.setParent(self)
        walker.found.connect(self._relay_found)
        walker.reading.connect(self._relay_reading)
        walker.done.connect(self._relay_done)
        walker.finished.connect(self._clean_up)
        self._walker = walker
        walker.start()

    @Slot(object)
    def _relay_found(self, portion: ScanFound) -> None:
        if portion.id == self._active and not self._cancelled:
            self.found.emit(portion)

    @Slot(object)
    def _relay_reading(self, reading: ScanReading) -> None:
        if reading.id == self._active and not self._cancelled:
            self.reading.emit(reading)

    @Slot(object)
    def _relay_done(self, summary: ScanDone) -> None:
        if summary.id == self._active:
            self.done.emit(summary)

    @Slot()
    def _clean_up(self) -> None:
        if self._walker is not None:
            self._walker.deleteLater()
            self._walker = None
        self._start_next()
