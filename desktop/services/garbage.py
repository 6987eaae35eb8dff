"""Python's garbage is collected in the main thread alone, between two events of the window.

Left to itself Python collects in whichever thread happens to make the next object. Widgets that only refer to each
other are then taken apart in a thread that they do not belong to, or in the middle of Qt's own walk through them, and
the program ends with a segmentation fault. So the collector's own starts are switched off where there is a window,
and a timer of the main thread does its work.
"""

from __future__ import annotations

import gc

from PySide6.QtCore import QObject, QTimer, Slot

YOUNG = 5_000
"""So many new objects are looked through at once."""
YOUNG_AND_OLDER = 100_000
"""After so many, those that outlived the looks so far are looked through as well."""
ALL = 100_000_000
"""After so many, everything: with 100,000 pictures listed that takes 150 ms and frees next to nothing."""
EVERY_MS = 100


class GarbageKeeper(QObject):
    """Collects garbage from when it is made until it is gone; a child of the application, made in the main thread."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        gc.disable()
        self._since_older = 0
        self._since_all = 0
        self._timer = QTimer(self)
        self._timer.setInterval(EVERY_MS)
        self._timer.timeout.connect(self.look)
        self._timer.start()

    @Slot()
    def look(self) -> int:
        """Collect where enough was made since; returns how many objects went."""
        made = gc.get_count()[0]
        if made < YOUNG:
            return 0
        self._since_older += made
        self._since_all += made
        if self._since_all >= ALL:
            self._since_older = self._since_all = 0
            return gc.collect(2)
        if self._since_older >= YOUNG_AND_OLDER:
            self._since_older = 0
            return gc.collect(1)
        return gc.collect(0)
