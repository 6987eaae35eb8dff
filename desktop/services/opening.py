"""From what a user hands over (files, folders, a paste, a drop) to rows of the session."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QDateTime, QLocale, QMimeData, QObject, Signal, Slot

from desktop.services.clipboard import Intake, Packer, read_mime
from desktop.services.scan import ScanDone, ScanFound, ScanService
from desktop.services.session import ImageItem

if TYPE_CHECKING:
    from desktop.core.types import ImageSource
    from desktop.services.session import Session


class Opener(QObject):
    """Lists in ``session`` what is opened and makes the first of it current.

    ``progressed`` carries how many images a scan has found so far, ``finished`` the list of its items and its
    :class:`ScanDone`, ``opened_one`` an image that was opened by itself, ``idle`` that no scan is left, ``said`` a
    sentence where something could not be opened.
    """

    progressed = Signal(int)
    finished = Signal(list, ScanDone)
    idle = Signal()
    opened_one = Signal(ImageItem)
    said = Signal(str)

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._scans = ScanService(self)
        self._packer = Packer(self)
        self._items: dict[int, list[ImageItem]] = {}
        self._pasted = 0
        self._scans.found.connect(self._on_found)
        self._scans.done.connect(self._on_done)
        self._packer.packed.connect(self.add_source)

    @property
    def busy(self) -> bool:
        """Whether folders are still being looked through."""
        return bool(self._items)

    def add_paths(self, paths: Sequence[str]) -> None:
        """List files and what is in folders, looked through in a thread."""
        if paths:
            self._items[self._scans.scan(paths)] = []
            self.progressed.emit(0)

    def add_mime(self, mime: QMimeData) -> None:
        """Open what was dropped or pasted."""
        self.add_intake(read_mime(mime))

    def add_intake(self, intake: Intake) -> None:
        """Open what was found in a drop or on the clipboard."""
        if len(intake.paths) == 1 and os.path.isfile(intake.paths[0]):
            # One file needs no search: it is asked about before the window has drawn itself without the drop's veil.
            self.add_file(intake.paths[0])
        elif intake.paths:
            self.add_paths(intake.paths)
        elif intake.data is not None:
            from desktop.core.types import ImageSource

            self.add_source(ImageSource(name=self._pasted_name(intake.suffix), data=intake.data))
        elif intake.image is not None:
            self._packer.pack(intake.image, self._pasted_name(".png"))
        else:
            self.said.emit(intake.message)

    @Slot(object)
    def add_source(self, source: ImageSource) -> None:
        """List one image and look at it."""
        item = self._session.add([source])[0]
        self._session.set_current(item)
        self.opened_one.emit(item)

    def add_file(self, path: str) -> None:
        """List one file that is known to be there, and look at it."""
        from desktop.core.types import ImageSource

        self.add_source(ImageSource.from_path(path))

    @Slot()
    def cancel(self) -> None:
        """Stop looking through folders; what was found stays listed."""
        self._scans.cancel()
        for waiting in [scan for scan in self._items if scan != self._scans.active]:
            del self._items[waiting]

    def stop(self) -> None:
        """Cancel and wait for the thread: for the end of the program."""
        self._scans.stop()
        self._items.clear()

    def _pasted_name(self, suffix: str) -> str:
        self._pasted += 1
        clock = QLocale().toString(QDateTime.currentDateTime().time(), "HH-mm-ss")
        return self.tr("Pasted {0} {1}").format(self._pasted, clock) + suffix

    @Slot(object)
    def _on_found(self, portion: ScanFound) -> None:
        held = self._items.get(portion.id)
        if held is None:
            return
        items = self._session.add(portion.sources)
        first = not held
        held.extend(items)
        self.progressed.emit(len(held))
        if first and items:
            self._session.set_current(items[0])

    @Slot(object)
    def _on_done(self, done: ScanDone) -> None:
        items = self._items.pop(done.id, None)
        if items is None:
            return
        if not self._items:
            self.idle.emit()
        if done.problem_count:
            first = done.problems[0]
            words = f"{first.name}: {first.message.rstrip('.')}"
            if done.problem_count > 1:
                more = QLocale().toString(done.problem_count - 1)
                words = self.tr("{0}, and {1} more that could not be read").format(words, more)
            self.said.emit(words + ".")
        elif not items and not done.cancelled:
            self.said.emit(self.tr("No images were found there. Fovea opens JPEG, PNG, WebP, TIFF, DICOM and more."))
        self.finished.emit(items, done)
