"""The trainings of this window: the list of them at the left, the one that is looked at beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QSplitter, QStackedWidget, QVBoxLayout, QWidget

from desktop.ui.kit.theme import theme
from desktop.ui.kit.widgets import make_label
from desktop.ui.train.job_list import JobList, JobsModel
from desktop.ui.train.job_page import JobPage

if TYPE_CHECKING:
    from desktop.services.training import TrainingService

_TICK_MS = 1000


class EmptyJobs(QFrame):
    """No training yet: what one is, and the buttons that begin one."""

    new_wanted = Signal()
    plan_wanted = Signal()
    runs_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("trainEmpty")
        self._sign = QLabel()
        self._sign.setAccessibleName(self.tr("No training yet"))
        self._sign.setAlignment(Qt.AlignmentFlag.AlignCenter)
        title = make_label(self.tr("Teach Fovea your own classes"), "answer", wrap=True)
        words = make_label(
            self.tr(
                "You need a folder that holds one folder of example images for each class. Training runs in the "
                "background while you go on working, and can be paused, stopped and taken up again. "
                "Nothing leaves this computer; your files are never changed."
            ),
            "secondary",
            wrap=True,
        )
        for label in (title, words):
            label.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.button = QPushButton(self.tr("New training…"))
        self.button.setProperty("role", "primary")
        self.button.clicked.connect(self.new_wanted)
        self.plan = plan = QPushButton(self.tr("Or start from a plan file…"))
        plan.setProperty("role", "link")
        plan.clicked.connect(self.plan_wanted)
        self._runs = QPushButton(self.tr("Earlier runs"))
        self._runs.setProperty("role", "link")
        self._runs.clicked.connect(self.runs_wanted)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(24, 24, 24, 24)
        layout.setSpacing(12)
        layout.addStretch(3)
        layout.addWidget(self._sign)
        layout.addWidget(title)
        middle = QHBoxLayout()
        middle.addStretch(1)
        middle.addWidget(words, 2)
        middle.addStretch(1)
        layout.addLayout(middle)
        layout.addSpacing(8)
        layout.addWidget(self.button, 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addWidget(plan, 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addWidget(self._runs, 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addStretch(4)
        theme().changed.connect(self._dress)
        self._dress()

    @Slot()
    def _dress(self) -> None:
        t = theme().tokens
        icon = theme().icon("train", 48, t.secondary)
        self._sign.setPixmap(icon.pixmap(QSize(48, 48), self.devicePixelRatioF()))
        self.setStyleSheet(
            f"#trainEmpty {{ border: 2px dashed {t.border}; border-radius: 8px; background: {t.surface}; }}"
        )


class JobsTab(QWidget):
    """``refresh`` after the jobs have changed, ``news`` after one has new figures."""

    def __init__(self, service: TrainingService, way: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._service = service
        self.empty = EmptyJobs()
        self.model = JobsModel(service)
        self.list = JobList(self.model)
        self.page = JobPage(way)
        self.new = QPushButton(self.tr("New training…"))
        self.new.setProperty("role", "primary")
        self.plan = QPushButton(self.tr("Start from a plan file…"))
        self.plan.setProperty("role", "link")
        left = QWidget()
        column = QVBoxLayout(left)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self.new)
        column.addWidget(self.list, 1)
        column.addWidget(self.plan)
        self.list.setMinimumWidth(theme().scaled(190))
        self.split = QSplitter(Qt.Orientation.Horizontal)
        self.split.addWidget(left)
        self.split.addWidget(self.page)
        self.split.setChildrenCollapsible(False)
        self.split.setHandleWidth(12)
        self.split.setStretchFactor(1, 1)
        self.split.setSizes([250, 900])
        self.parts = QStackedWidget()
        self.parts.addWidget(self.empty)
        self.parts.addWidget(self.split)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 12, 12, 12)
        layout.addWidget(self.parts)
        self.list.chosen.connect(self.look_at)
        self._clock = QTimer(self)
        self._clock.setInterval(_TICK_MS)
        self._clock.timeout.connect(self._tick)
        self.refresh()

    @Slot()
    def refresh(self) -> None:
        """Jobs came, went, moved or changed their state."""
        held = self.page.job.id if self.page.job is not None else ""
        self.model.refresh()
        jobs = self._service.jobs
        self.parts.setCurrentWidget(self.split if jobs else self.empty)
        if self._service.job(held) is None:
            held = jobs[0].id if jobs else ""
        if held != self.list.current_id:
            self.list.choose(held)
        self.page.show_job(self._service.job(held))
        if any(job.active for job in jobs):
            self._clock.start()
        else:
            self._clock.stop()

    @Slot(str)
    def look_at(self, run_id: str) -> None:
        """Show this job."""
        job = self._service.job(run_id)
        if job is not None:
            if self.list.current_id != run_id:
                self.list.choose(run_id)
            self.page.show_job(job)

    @Slot(str)
    def news(self, run_id: str) -> None:
        """A job has new figures."""
        if not self.isVisible():
            return
        self.model.touch()
        if self.page.job is not None and self.page.job.id == run_id:
            self.page.show_job(self.page.job)

    def showEvent(self, event: QShowEvent) -> None:
        """What came while nobody looked is in every part at once."""
        super().showEvent(event)
        self.refresh()

    @Slot()
    def _tick(self) -> None:
        if self.isVisible():
            self.model.touch()
            self.page.tick()

    def focus_first(self) -> None:
        """Give the keyboard to what comes first."""
        target = self.list if self._service.jobs else self.empty.button
        target.setFocus(Qt.FocusReason.OtherFocusReason)
