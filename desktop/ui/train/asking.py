"""The questions of the Train view: how a training shall end, and what becomes of it when the window closes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QMessageBox, QWidget

from desktop.ui.train import words

if TYPE_CHECKING:
    from desktop.services.training_job import TrainingJob
    from desktop.store.run_record import RunRecord


class CancelQuestion(QMessageBox):
    """What becomes of a training that is cancelled. ``kept`` or ``discarded`` follows, or nothing."""

    kept = Signal()
    discarded = Signal()

    def __init__(self, job: TrainingJob, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setIcon(QMessageBox.Icon.Question)
        self.setTextFormat(Qt.TextFormat.PlainText)  # a name is a name, whatever it looks like
        self.setWindowTitle(self.tr("Cancel the training"))
        self.setText(self.tr("End the training “{0}” now?").format(job.name))
        done = job.epochs_done
        if done:
            told = self.tr("{0} of {1} epochs are done. It can be taken up from there later.").format(
                words.count(done), words.count(job.epochs)
            )
        else:
            told = self.tr("No epoch is done yet.")
        self.setInformativeText(told + " " + self.tr("No model is made either way."))
        role = QMessageBox.ButtonRole
        self.keep_button = self.addButton(self.tr("End and keep what it learned"), role.AcceptRole)
        self.discard_button = self.addButton(self.tr("End and discard"), role.DestructiveRole)
        stay = self.addButton(self.tr("Go on training"), role.RejectRole)
        self.setDefaultButton(stay)
        self.setEscapeButton(stay)
        self.buttonClicked.connect(self._on_clicked)

    def _on_clicked(self) -> None:
        if self.clickedButton() is self.keep_button:
            self.kept.emit()
        elif self.clickedButton() is self.discard_button:
            self.discarded.emit()


class CloseQuestion(QMessageBox):
    """The window shall close while trainings run. ``finish``: after this epoch, with a model; ``later``: now, to go on
    at the next start; ``discard``: now, for good. Nothing follows when the window stays."""

    finish = Signal()
    later = Signal()
    discard = Signal()

    def __init__(self, running: list[TrainingJob], waiting: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setIcon(QMessageBox.Icon.Question)
        self.setTextFormat(Qt.TextFormat.PlainText)  # a name is a name, whatever it looks like
        self.setWindowTitle(self.tr("Close Fovea"))
        if len(running) == 1:
            self.setText(self.tr("“{0}” is still training. What should happen to it?").format(running[0].name))
        else:
            self.setText(
                self.tr("Trainings are still running: {0}. What should happen to them?").format(
                    words.count(len(running))
                )
            )
        parts = [
            self.tr("Stop after this epoch: Fovea closes when the best model so far is in the store."),
            self.tr("Go on at the next start: what it learned so far is kept and Fovea closes now."),
        ]
        if waiting:
            parts.append(self.tr("Waiting trainings stay in the queue: {0}.").format(words.count(waiting)))
        self.setInformativeText("\n".join(parts))
        role = QMessageBox.ButtonRole
        self.finish_button = self.addButton(self.tr("Stop after this epoch"), role.AcceptRole)
        self.later_button = self.addButton(self.tr("Go on at the next start"), role.AcceptRole)
        self.discard_button = self.addButton(self.tr("Discard"), role.DestructiveRole)
        stay = self.addButton(self.tr("Do not close"), role.RejectRole)
        # What is under way cannot end after an epoch while images are still being prepared.
        self.finish_button.setEnabled(any(job.can_finish or job.state in ("finishing", "packaging") for job in running))
        self.setDefaultButton(self.later_button)
        self.setEscapeButton(stay)
        self.buttonClicked.connect(self._on_clicked)

    def _on_clicked(self) -> None:
        clicked = self.clickedButton()
        if clicked is self.finish_button:
            self.finish.emit()
        elif clicked is self.later_button:
            self.later.emit()
        elif clicked is self.discard_button:
            self.discard.emit()


class LeftQuestion(QMessageBox):
    """Trainings were cut off when Fovea ended last, and nobody was asked what shall become of them. ``go_on`` follows,
    or nothing: then they stay listed and can be taken up at any time."""

    go_on = Signal()

    def __init__(self, records: list[RunRecord], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setIcon(QMessageBox.Icon.Question)
        self.setTextFormat(Qt.TextFormat.PlainText)  # of the text alone: no name may stand in the informative text
        self.setWindowTitle(self.tr("Unfinished trainings"))
        first = records[0]
        if len(records) == 1:
            self.setText(self.tr("“{0}” was cut off when Fovea ended last. Go on with it?").format(first.name))
            told = self.tr("{0} of {1} epochs are done; it goes on from there, with its curves.")
            self.setInformativeText(told.format(words.count(first.epochs_done), words.count(first.epochs)))
        else:
            names = ", ".join(f"“{record.name}”" for record in records[:3]) + (" …" if len(records) > 3 else "")
            told = self.tr("Trainings were cut off when Fovea ended last: {0}. Go on with them?")
            self.setText(f"{told.format(words.count(len(records)))}\n\n{names}")
        role = QMessageBox.ButtonRole
        self.go_button = self.addButton(self.tr("Go on"), role.AcceptRole)
        self.not_now = self.addButton(self.tr("Not now"), role.RejectRole)
        self.setDefaultButton(self.go_button)
        self.setEscapeButton(self.not_now)
        self.buttonClicked.connect(self._on_clicked)

    def _on_clicked(self) -> None:
        if self.clickedButton() is self.go_button:
            self.go_on.emit()
