"""Files that macOS hands to the running program: dropped on its icon, or opened with it in the Finder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject
from PySide6.QtGui import QFileOpenEvent

if TYPE_CHECKING:
    from desktop.ui.shell.main_window import MainWindow


class FileOpener(QObject):
    """An event filter for the application that opens such files in ``window``."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Take what is a file; everything else goes its way."""
        if event.type() == QEvent.Type.FileOpen and isinstance(event, QFileOpenEvent) and event.file():
            self._window.open_paths([event.file()])
            return True
        return False
