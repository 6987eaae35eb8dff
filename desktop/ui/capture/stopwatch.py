"""The real window under a stopwatch: when it was first painted, and when the first answer was."""

from __future__ import annotations

import time

from PySide6.QtCore import QObject, QTimer, Slot

from desktop.core.types import FoveaError
from desktop.services.settings import Settings
from desktop.ui.kit.theme import MODES, theme
from desktop.ui.shell.app import Shell, make_application


class Stopwatch(QObject):
    """Opens the window with ``picture`` and ends when its answer is painted.

    ``painted`` and ``answered`` are moments on the clock of :func:`time.monotonic`, 0.0 while they have not come.
    """

    def __init__(self, picture: str, limit_s: float) -> None:
        super().__init__()
        self.painted = self.answered = 0.0
        self._app = make_application(())
        settings = Settings()
        wanted = settings.get("theme")
        theme().set_mode(wanted if wanted in MODES else "system")
        theme().set_text(settings.get("text_percent"))
        theme().apply(self._app, sheet=False)
        self._shell = Shell(settings, [picture])
        theme().dress()
        self._shell.window.painted.connect(self._on_paint)
        self._limit = QTimer(self)
        self._limit.setSingleShot(True)
        self._limit.setInterval(int(limit_s * 1000))
        self._limit.timeout.connect(self._app.quit)

    def run(self) -> None:
        """Show the window. Raises :class:`FoveaError` of kind ``no-answer`` when nothing was answered in time."""
        self._limit.start()
        self._shell.window.show()
        self._app.exec()
        self._shell.window.close()
        self._shell.close_down()
        if not self.answered:
            raise FoveaError("no-answer", "the window gave no answer in time", "'fovea selftest' may say why.")

    @Slot()
    def _on_paint(self) -> None:
        self.painted = time.monotonic()
        self._shell.window.classify.session.prediction_changed.connect(self._on_answer)

    @Slot()
    def _on_answer(self) -> None:
        view = self._shell.window.classify
        if self.answered or view.session.prediction is None:
            return
        view.answer.bars.repaint()
        self.answered = time.monotonic()
        self._app.quit()
