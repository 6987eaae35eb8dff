"""The lower middle: the progress of a folder, its results, and what they belong to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, QTimer, Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QPushButton, QToolButton, QVBoxLayout, QWidget

from desktop.core.translate import on_card
from desktop.services.folder_job import FolderJob
from desktop.services.session import Session
from desktop.ui.classify.panes import show_failure
from desktop.ui.kit.elided import ElidedLabel
from desktop.ui.kit.formatting import duration
from desktop.ui.kit.theme import theme
from desktop.ui.widgets.notices import CautionStrip, ErrorPanel
from desktop.ui.widgets.results_table import ResultsTable

if TYPE_CHECKING:
    from desktop.engine.messages import Failure
    from desktop.services.catalog import ModelCatalog

_TICK_MS = 250


class ResultsPane(QWidget):
    """``again`` asks to classify the list with the model chosen now; ``closed`` to hide the pane."""

    again = Signal()
    closed = Signal()

    def __init__(self, session: Session, job: FolderJob, catalog: ModelCatalog, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._job = job
        self._catalog = catalog
        self.table = ResultsTable()
        self._build()
        self._tick = QTimer(self)
        self._tick.setInterval(_TICK_MS)
        self._tick.timeout.connect(self._show_progress)
        job.began.connect(self._begin)
        job.answered.connect(self.table.show_answers)
        job.failed.connect(self._fail)
        job.ended.connect(self._end)
        session.current_changed.connect(self._follow)
        session.model_changed.connect(self._compare_model)
        theme().changed.connect(self._dress)
        self._dress()

    def _build(self) -> None:
        self._title = QLabel(self.tr("Results"))
        self._title.setProperty("role", "title")
        self._of = ElidedLabel()
        self._of.setProperty("role", "secondary")
        self._words = QLabel()
        self._words.setProperty("role", "secondary")
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setMinimumWidth(theme().scaled(80))
        self._bar.setMaximumWidth(theme().scaled(220))
        self._bar.setAccessibleName(self.tr("Progress of the folder"))
        self._cancel = QPushButton(self.tr("Cancel"))
        self._cancel.clicked.connect(self._job.cancel)
        self._close = QToolButton()
        self._close.setIconSize(QSize(18, 18))
        self._close.setToolTip(self.tr("Hide the results"))
        self._close.setAccessibleName(self.tr("Hide the results"))
        self._close.clicked.connect(self.closed)
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(self._title)
        head.addWidget(self._of, 1)
        for widget in (self._words, self._bar, self._cancel, self._close):
            head.addWidget(widget)
        self._other = QWidget()
        other = QHBoxLayout(self._other)
        other.setContentsMargins(0, 0, 0, 0)
        self._other_words = CautionStrip()
        self._again = QPushButton(self.tr("Classify all again"))
        self._again.clicked.connect(self.again)
        other.addWidget(self._other_words, 1)
        other.addWidget(self._again)
        self._other.hide()
        self._failure = ErrorPanel()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 6, 8, 12)
        layout.setSpacing(6)
        layout.addLayout(head)
        layout.addWidget(self._other)
        layout.addWidget(self._failure)
        layout.addWidget(self.table, 1)
        self._show_running(False)

    def _show_running(self, running: bool) -> None:
        for widget in (self._words, self._bar, self._cancel):
            widget.setVisible(running)

    def _model_name(self, model_id: str) -> str:
        entry = self._catalog.entry(model_id)
        return on_card(entry.manifest.name) if entry is not None and entry.manifest else model_id

    @Slot(bool)
    def _begin(self, goes_on: bool) -> None:
        answers = self._job.answers
        if answers is None:
            return
        self._failure.clear()
        self._other.hide()
        self.table.begin(answers, goes_on)
        self._of.set_text(answers.model_name)
        self._bar.setRange(0, max(1, len(self._job.items)))
        self._bar.setValue(0)
        self._words.setMinimumWidth(0)
        self._show_running(True)
        self._show_progress()
        self._tick.start()
        if len(self._job.items) > 1:  # of one image all is said beside it; it can be exported all the same
            self.setVisible(True)
        self._follow()

    @Slot()
    def _show_progress(self) -> None:
        progress = self._job.progress()
        locale = self.locale()
        words = [self.tr("{0} of {1}").format(locale.toString(progress.done), locale.toString(progress.total))]
        if progress.rate is not None and progress.left_s is not None:
            digits = 0 if progress.rate >= 10 else 1
            words.append(self.tr("{0} images/s").format(locale.toString(progress.rate, "f", digits)))
            words.append(self.tr("{0} left").format(duration(max(1.0, progress.left_s))))
        self._words.setText(" · ".join(words))
        # What stands beside it does not jump with each figure: the words keep the most room that they have had.
        self._words.setMinimumWidth(max(self._words.minimumWidth(), self._words.sizeHint().width()))
        self._bar.setValue(progress.done)

    @Slot(object)
    def _fail(self, failure: Failure) -> None:
        show_failure(self._failure, failure)

    @Slot(bool)
    def _end(self, cancelled: bool) -> None:
        self._tick.stop()
        self._show_running(False)
        self.table.finish(cancelled)

    def catch_up(self) -> None:
        """Show the batch that was begun before this pane was made, where there is one."""
        if self._job.answers is None:
            return
        self._begin(False)
        if not self._job.running:
            self._end(False)
        self._compare_model()

    @Slot()
    def _follow(self) -> None:
        current = self._session.current
        self.table.select_source(current.source if current is not None else None)

    @Slot()
    def _compare_model(self) -> None:
        """Results of the model before are marked as such, in words."""
        other = bool(self._job.items) and self._job.model_id != self._session.model_id
        self._other.setVisible(other)
        if other:
            name = self._model_name(self._session.model_id)
            self._other_words.set_text(
                self.tr("These are the results of {0}, not of {1}.").format(self._model_name(self._job.model_id), name)
            )
            self._again.setEnabled(self._session.model_ready)

    @Slot()
    def _dress(self) -> None:
        self._close.setIcon(theme().icon("cross", 18))
