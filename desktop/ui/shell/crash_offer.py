"""The start after a crash offers to show what was noted down, once."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal, Slot

from desktop.services.background import run_aside

if TYPE_CHECKING:
    from desktop.ui.shell.main_window import MainWindow


class CrashOffer(QObject):
    """Looks for reports in a thread when :meth:`look` is called, and offers them in the bar of ``window``."""

    _found = Signal(list)

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._reports: list[Path] = []
        self._found.connect(self._offer)

    @Slot()
    def look(self) -> None:
        """Search the folder of reports."""
        run_aside(self._search, name="crash reports")

    def _search(self) -> None:
        from desktop.system import crash

        reports = crash.mark_seen(crash.unseen())
        if reports:
            with contextlib.suppress(RuntimeError):  # the window was closed meanwhile
                self._found.emit(reports)

    @Slot(object)
    def _offer(self, reports: list[Path]) -> None:
        self._reports = reports
        bar = self._window.messages
        bar.accepted.connect(self._show)
        bar.offer(
            self.tr("Something went wrong in Fovea last time. A report lies on this computer; nothing was sent."),
            self.tr("Show the report"),
        )

    @Slot()
    def _show(self) -> None:
        from desktop.ui.dialogs.crash_report import CrashReportDialog

        self._window.messages.accepted.disconnect(self._show)
        self._window.show_dialog(CrashReportDialog(self._reports, self._window))
