"""Keeping a drawing with its true label, at once: what was told is written whether or not an answer ever comes."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QRect, Signal, Slot
from PySide6.QtGui import QImage

from desktop.core.types import FoveaError
from desktop.services.background import Aside, run_aside
from desktop.services.drawings import OwnDrawings
from desktop.ui.draw.exporting import png
from desktop.ui.kit.widgets import grey_of, image_of

if TYPE_CHECKING:
    import numpy as np

    from desktop.core.pictures.segments import InkBox

_PATIENCE = 20.0
"""Seconds that the program's end waits for a drawing to be written."""


class Keeping(QObject):
    """Cuts drawings out and writes them in a thread. ``kept`` says that one more lies there, ``failed`` why not."""

    kept = Signal()
    failed = Signal(str)
    _done = Signal(Aside, str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._threads: set[Aside] = set()
        self._done.connect(self._on_done)

    @property
    def busy(self) -> bool:
        """Whether a drawing is still being written."""
        return bool(self._threads)

    def keep(self, own: OwnDrawings, picture: QImage, number: int, label: str) -> None:
        """Write ``picture`` as it is now, or of several digits on it the one at place ``number``, under ``label``."""
        thread = run_aside(self._write, own, picture.copy(), number, label, name="keep a drawing")
        self._threads.add(thread)

    def wait(self) -> None:
        """Wait until all is written; for the end of the program."""
        for thread in tuple(self._threads):
            thread.join(_PATIENCE)

    def _write(self, own: OwnDrawings, picture: QImage, number: int, label: str) -> None:
        trouble = ""
        try:
            places = find(picture)
            if places is None:
                trouble = self.tr("No ink was found: there is nothing to keep.")
            else:
                own.keep(png(cut_out(picture, places, min(number, max(0, len(places) - 1)))), label)
        except FoveaError as error:
            trouble = f"{error.message}. {error.hint}"
        self._done.emit(threading.current_thread(), trouble)

    @Slot(object, str)
    def _on_done(self, thread: Aside, trouble: str) -> None:
        self._threads.discard(thread)
        if trouble:
            self.failed.emit(trouble)
        else:
            self.kept.emit()


def find(picture: QImage) -> list[tuple[InkBox, np.ndarray]] | None:
    """The digits of a sheet as the engine finds them: box and ink of each where there are several, nothing for one,
    ``None`` for a sheet without ink."""
    from desktop.core.pictures.mnist_layout import find_ink
    from desktop.core.pictures.segments import split

    found = find_ink(grey_of(picture))
    pieces = split(found.ink)
    if not pieces or found.ink is None:
        return None
    if len(pieces) < 2 or found.ink.shape[1] != picture.width():  # of a reduced picture the ink lies elsewhere
        return []
    return [(piece.box, piece.ink > 0) for piece in pieces]


def cut_out(picture: QImage, places: Sequence[tuple[InkBox, np.ndarray]], number: int) -> QImage:
    """The whole sheet, or of several digits the one at place ``number`` with some paper around it."""
    if len(places) < 2:
        return picture
    from desktop.core.pictures.segments import alone  # NumPy, without which the window starts

    box = places[number][0]
    inside = QRect(box.x, box.y, box.width, box.height)
    room = max(4, max(box.width, box.height) // 12)
    image = image_of(alone(grey_of(picture), places, number))
    return image.copy(inside.adjusted(-room, -room, room, room).intersected(picture.rect()))
