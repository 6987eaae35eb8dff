"""One training: what it does now, its curves, its facts, and what can be done with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QPushButton, QVBoxLayout, QWidget

from desktop.ui.kit.elided import ElidedLabel
from desktop.ui.kit.motion import at_work
from desktop.ui.kit.theme import theme
from desktop.ui.kit.widgets import make_label, sentence, tip
from desktop.ui.train import words
from desktop.ui.train.curves import CurvesPane
from desktop.ui.train.facts import FactsStrip
from desktop.ui.widgets.notices import ErrorPanel

if TYPE_CHECKING:
    from desktop.services.training_job import TrainingJob


_NOTES = 2  # of what a training told on its way, shown at its end; the rest stands in its log


class JobPage(QWidget):
    """Every signal carries the id of the run that is shown."""

    pause_wanted = Signal(str)
    resume_wanted = Signal(str)
    finish_wanted = Signal(str)
    cancel_wanted = Signal(str)
    continue_wanted = Signal(str)
    remove_wanted = Signal(str)
    move_wanted = Signal(str, int)
    classify_wanted = Signal(str)
    errors_wanted = Signal(str)
    card_wanted = Signal(str)
    export_wanted = Signal(str)

    def __init__(self, way: str = "epoch", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.job: TrainingJob | None = None
        self.title = ElidedLabel()
        self.title.setProperty("role", "title")
        self.state = make_label("", "secondary", wrap=True)
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setAccessibleName(self.tr("Progress of the training"))
        self.failure = ErrorPanel()
        self._note = make_label("", "secondary", wrap=True, selectable=True)
        self.curves = CurvesPane(way)
        self.facts = FactsStrip()
        self.pause = self._button(self.tr("Pause"), self._on_pause, "pause")
        self.finish = self._button(self.tr("Stop after this epoch"), self._on_finish, "stop")
        self.finish.setToolTip(self.tr("End after this epoch and make a model of the best one so far"))
        self.cancel = self._button(self.tr("Cancel…"), self._on_cancel, "cross")
        self.go_on = self._button(self.tr("Go on"), self._on_continue, primary=True)
        self.up = self._button(self.tr("Earlier"), self._on_up)
        self.down = self._button(self.tr("Later"), self._on_down)
        self.remove = self._button(self.tr("Remove from the list"), self._on_remove)
        self.use = self._button(self.tr("Use it in Classify"), self._on_use, primary=True)
        self.errors = self._button(self.tr("See its validation errors"), self._on_errors)
        self.card = self._button(self.tr("Card"), self._on_card)
        self.save = self._button(self.tr("Save curves…"), self._on_save)
        self._lay_out()
        theme().changed.connect(self._dress)
        self._dress()

    def _button(self, text: str, slot: object, icon: str = "", primary: bool = False) -> QPushButton:
        button = QPushButton(text)
        button.setProperty("icon_name", icon)
        if primary:
            button.setProperty("role", "primary")
        button.clicked.connect(slot)
        return button

    def _lay_out(self) -> None:
        names = QVBoxLayout()
        names.setSpacing(0)
        names.addWidget(self.title)
        names.addWidget(self.state)
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addLayout(names, 1)
        self._buttons = (
            self.use, self.errors, self.card, self.go_on, self.up, self.down, self.pause, self.finish, self.cancel,
            self.remove,
        )  # fmt: skip
        for button in self._buttons:
            head.addWidget(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addLayout(head)
        layout.addWidget(self._bar)
        layout.addWidget(self.failure)
        layout.addWidget(self._note)
        layout.addWidget(self.curves, 1)
        layout.addWidget(self.facts)
        self.curves.bar.addWidget(self.save)

    def show_job(self, job: TrainingJob | None) -> None:
        """Show this job, or its news."""
        self.job = job
        if job is None:
            return
        self.title.set_text(job.name)
        self.state.setText(self._state_words(job))
        self._show_bar(job)
        self._show_buttons(job)
        self._show_words(job)
        self.facts.show_job(job)
        ended = job.state in ("done", "cancelled") and job.epochs_done
        by_steps = job.started is None or job.started.batch > 0  # a head that is solved has no rate of learning
        self.curves.set_curves(job.curves, job.epochs_done if ended else job.epochs, job.validation, by_steps)

    def tick(self) -> None:
        """Bring what counts down up to date."""
        if self.job is not None and self.job.active:
            self.state.setText(self._state_words(self.job))
            self.facts.show_job(self.job)

    @staticmethod
    def _state_words(job: TrainingJob) -> str:
        return " · ".join(part for part in (words.state(job), words.left(job)) if part)

    def _show_bar(self, job: TrainingJob) -> None:
        share = job.progress()
        self._bar.setVisible(job.active)
        if share is None:
            at_work(self._bar)
        else:
            self._bar.setRange(0, 1000)
            self._bar.setValue(round(1000 * share))
        self._bar.setAccessibleDescription(words.state(job))

    def _show_buttons(self, job: TrainingJob) -> None:
        pausing = job.state in ("pausing", "paused")
        self.pause.setText(self.tr("Go on") if pausing else self.tr("Pause"))
        self.pause.setProperty("icon_name", "play" if pausing else "pause")
        self.pause.setVisible(job.active)
        self.pause.setEnabled(job.can_pause or pausing)
        self.finish.setVisible(job.active)
        self.finish.setEnabled(job.can_finish)
        self.cancel.setVisible(job.active)
        self.cancel.setEnabled(job.state not in ("stopping", "cancelling"))
        waiting = job.state == "waiting"
        for button in (self.up, self.down):
            button.setVisible(waiting)
        self.remove.setVisible(not job.active)
        self.remove.setText(self.tr("Take out of the queue") if waiting else self.tr("Remove from the list"))
        self.go_on.setVisible(job.can_continue)
        epoch = words.count(job.epochs_done + 1)
        if job.epochs and job.epochs_done >= job.epochs:
            self.go_on.setText(self.tr("Make the model"))
        else:
            again = self.tr("Start again") if job.kind != "left-waiting" else self.tr("Start")
            self.go_on.setText(self.tr("Go on from epoch {0}").format(epoch) if job.epochs_done else again)
        done = job.state == "done" and bool(job.model_id)
        for button in (self.use, self.errors, self.card):
            button.setVisible(done)
        crossed = job.started is not None and job.started.folds
        self.errors.setText(self.tr("See its mistakes") if crossed else self.tr("See its validation errors"))
        self.errors.setToolTip(
            self.tr("Of the cross-validation: each picture was answered by a model that did not learn from it")
            if crossed
            else ""
        )
        self.save.setEnabled(job.curves.done > 0)
        self._dress()

    def _show_words(self, job: TrainingJob) -> None:
        lost = job.state == "interrupted" and job.kind == "trainer-lost"
        if (job.state == "failed" or lost) and job.message:
            self.failure.set_failure(job.message, job.hint, job.kind)
        else:
            self.failure.clear()
        told = job.state in ("done", "stopped") or (job.state == "interrupted" and not lost)
        note = sentence(job.message) if told and job.message else ""
        notes = [sentence(text) for text in job.notes]
        note = notes[-1] if job.active and notes else " ".join([note, *notes[-_NOTES:]] if told else [note])
        self._note.setToolTip(tip("\n".join(notes)))
        self._note.setText(note)
        self._note.setVisible(bool(note))

    @Slot()
    def _dress(self) -> None:
        for button in self._buttons:
            name = button.property("icon_name")
            if name:
                button.setIcon(theme().icon(name, 16))

    # The buttons

    def _id(self) -> str:
        return self.job.id if self.job is not None else ""

    @Slot()
    def _on_pause(self) -> None:
        if self.job is not None and self.job.state in ("pausing", "paused"):
            self.resume_wanted.emit(self._id())
        else:
            self.pause_wanted.emit(self._id())

    @Slot()
    def _on_finish(self) -> None:
        self.finish_wanted.emit(self._id())

    @Slot()
    def _on_cancel(self) -> None:
        self.cancel_wanted.emit(self._id())

    @Slot()
    def _on_continue(self) -> None:
        self.continue_wanted.emit(self._id())

    @Slot()
    def _on_up(self) -> None:
        self.move_wanted.emit(self._id(), -1)

    @Slot()
    def _on_down(self) -> None:
        self.move_wanted.emit(self._id(), 1)

    @Slot()
    def _on_remove(self) -> None:
        self.remove_wanted.emit(self._id())

    @Slot()
    def _on_use(self) -> None:
        if self.job is not None:
            self.classify_wanted.emit(self.job.model_id)

    @Slot()
    def _on_errors(self) -> None:
        self.errors_wanted.emit(self._id())

    @Slot()
    def _on_card(self) -> None:
        if self.job is not None:
            self.card_wanted.emit(self.job.model_id)

    @Slot()
    def _on_save(self) -> None:
        self.export_wanted.emit(self._id())
