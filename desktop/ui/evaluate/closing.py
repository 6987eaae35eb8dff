"""An evaluation and the end of the program: what was answered, and said of labels, is not lost unasked."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer, Slot
from PySide6.QtWidgets import QWidget

from desktop.services.evaluation import EvaluationService
from desktop.ui.kit.closing_question import ClosingQuestion


class EvaluationCloser(QObject):
    """Asks what becomes of the evaluation that runs. ``stop_early`` ends it with what was answered by now."""

    def __init__(self, service: EvaluationService, stop_early: Callable[[], None], parent: QWidget) -> None:
        super().__init__(parent)
        self._service, self._stop_early, self._parent = service, stop_early, parent
        self._waits = self._drops = False
        self.question: ClosingQuestion | None = None
        for ended in (service.finished, service.failed, service.cancelled):
            ended.connect(self._on_end)

    def may_close(self) -> bool:
        """Whether nothing is to be asked; else the question is open, and the window closes with its answer."""
        if not self._service.running or self._drops:
            return True
        if self._waits:
            return False  # the window closes by itself when the result is kept
        self.question = asked = ClosingQuestion(
            self._parent,
            self.tr("The evaluation is not finished. What should happen to it?"),
            self.tr("What is answered by now can be kept as an incomplete result, with what you said of labels."),
        )
        asked.offer(self.tr("Keep it and close")).clicked.connect(self._keep)
        asked.offer(self.tr("Discard"), discards=True).clicked.connect(self._drop)
        asked.ask()
        return False

    @Slot()
    def _keep(self) -> None:
        self._waits = True
        if self._service.running:
            self._stop_early()
        else:
            self._on_end()  # it has ended while the question stood there

    @Slot()
    def _drop(self) -> None:
        self._drops = True
        self._parent.window().close()
        self._drops = False  # another view may keep the window open

    @Slot()
    def _on_end(self) -> None:
        if self._waits:
            self._waits = False
            QTimer.singleShot(0, self._close)  # once whoever else hears of the end has kept what is to be kept

    @Slot()
    def _close(self) -> None:
        self._parent.window().close()
