"""What a training runs on and how fast: a row of figures, each below its name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel, QWidget

from desktop.ui.kit.widgets import make_label
from desktop.ui.train import words

if TYPE_CHECKING:
    from desktop.services.training_job import TrainingJob


class FactsStrip(QFrame):
    """``show_job`` as often as there is news."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("card", "true")
        self.setAccessibleName(self.tr("Facts of the training"))
        self._values: dict[str, QLabel] = {}
        grid = QGridLayout(self)
        grid.setContentsMargins(12, 8, 12, 8)
        grid.setHorizontalSpacing(20)
        grid.setVerticalSpacing(2)
        names = {
            "device": self.tr("Device"),
            "speed": self.tr("Speed"),
            "left": self.tr("Time left"),
            "rate": self.tr("Learning rate"),
            "memory": self.tr("Memory"),
            "images": self.tr("Images"),
            "size": self.tr("Parameters"),
        }
        for column, (key, name) in enumerate(names.items()):
            head = make_label(name, "secondary")
            value = make_label("–", wrap=key in ("device", "images"), selectable=True)
            value.setAccessibleName(name)
            grid.addWidget(head, 0, column)
            grid.addWidget(value, 1, column, Qt.AlignmentFlag.AlignTop)
            grid.setColumnStretch(column, 3 if key in ("device", "images") else 2)
            self._values[key] = value

    def text(self, key: str) -> str:
        """The figure shown below a name; for tests and screen readers."""
        return self._values[key].text()

    def show_job(self, job: TrainingJob) -> None:
        """Show this job's facts as they are now."""
        started, batch, epoch = job.started, job.batch, job.epoch
        speed = batch.images_per_s if batch is not None else epoch.images_per_s if epoch is not None else 0.0
        memory = batch.memory_bytes if batch is not None else epoch.memory_bytes if epoch is not None else 0
        rate = batch.rate if batch is not None else epoch.rate if epoch is not None else 0.0
        device = "–"
        if started is not None:
            device = started.device
            self._values["device"].setToolTip(started.backend)
        images = "–"
        if started is not None:
            images = self.tr("{0} to learn from, {1} to check").format(
                words.count(started.train), words.count(started.validation)
            )
            if started.folds:
                images = self.tr("{0}, each checked once").format(words.count(started.train))
        seconds = job.left_s()
        running = job.state in ("training", "finishing")
        values = {
            "device": device,
            "speed": self.tr("{0} images/s").format(words.count(round(speed))) if speed and running else "–",
            "left": words.duration(seconds) if seconds is not None else "–",
            # A head that is solved takes no steps, and has no rate of learning.
            "rate": words.rate(rate) if rate and (started is None or started.batch) else "–",
            "memory": words.megabytes(memory) if memory else "–",
            "images": images,
            "size": words.count(started.parameters) if started is not None else "–",
        }
        for key, value in values.items():
            self._values[key].setText(value)
