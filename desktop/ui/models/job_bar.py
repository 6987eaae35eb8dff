"""The bar of the job that runs: what it does, how far it is, Pause and Cancel."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QFrame, QHBoxLayout, QProgressBar, QPushButton, QVBoxLayout, QWidget

from desktop.ui.kit.motion import at_work
from desktop.ui.kit.widgets import make_label
from desktop.ui.models import words


class JobBar(QFrame):
    """Hidden while nothing runs."""

    pause_wanted = Signal()
    cancel_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("card", "true")
        self._title = make_label("", "", wrap=True)
        self._facts = make_label("", "secondary")
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setFixedHeight(6)
        self._bar.setAccessibleName(self.tr("Progress"))
        self.pause = QPushButton(self.tr("Pause"))
        self.pause.clicked.connect(self.pause_wanted)
        self.cancel = QPushButton(self.tr("Cancel"))
        self.cancel.clicked.connect(self.cancel_wanted)
        text = QVBoxLayout()
        text.setSpacing(4)
        text.addWidget(self._title)
        text.addWidget(self._bar)
        text.addWidget(self._facts)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 8, 12, 8)
        layout.setSpacing(8)
        layout.addLayout(text, 1)
        layout.addWidget(self.pause, 0, Qt.AlignmentFlag.AlignVCenter)
        layout.addWidget(self.cancel, 0, Qt.AlignmentFlag.AlignVCenter)
        self.hide()

    @property
    def text(self) -> str:
        """What it says now."""
        return f"{self._title.text()} {self._facts.text()}".strip()

    def begin(self, title: str) -> None:
        """A job has begun."""
        self._title.setText(title)
        self._facts.clear()
        at_work(self._bar)
        self.pause.hide()
        self.set_paused(False)
        self.cancel.setEnabled(True)
        self.show()

    def end(self) -> None:
        """It is over."""
        self.hide()

    def set_paused(self, paused: bool) -> None:
        """What the Pause button does now."""
        self.pause.setText(self.tr("Go on") if paused else self.tr("Pause"))
        if paused:
            self._facts.setText(self.tr("Paused. What was fetched is kept."))

    def leave(self) -> None:
        """It was asked to end."""
        self.cancel.setEnabled(False)
        self._facts.setText(self.tr("Ending…"))

    @Slot(object)
    def tell(self, event: Any) -> None:
        """Show an event of the job."""
        from desktop.ml.plans.job_steps import JobStep, StepSaid
        from desktop.store.download import Transfer

        if isinstance(event, Transfer):
            self.pause.show()
            self._bar.setRange(0, 1000)
            self._bar.setValue(int(1000 * event.done / max(1, event.total)))
            self._facts.setText(words.transfer(event))
        elif isinstance(event, JobStep):
            self.pause.hide()
            at_work(self._bar)
            self._facts.setText(words.step(event.name))
        elif isinstance(event, StepSaid):
            self._facts.setText(event.text)
