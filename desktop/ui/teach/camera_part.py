"""The camera in Teach: hold a class's key, or its button, and what the camera sees becomes pictures of that class."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QDateTime, QEvent, QObject, Qt, QTimer, Slot
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QCheckBox, QGridLayout, QPushButton, QSpinBox, QStackedWidget, QWidget

from desktop.services.camera import RATE, Camera
from desktop.services.teaching import Teaching
from desktop.ui.kit.widgets import caption, count, make_label
from desktop.ui.widgets.camera_pane import CameraPane

if TYPE_CHECKING:
    from desktop.core.types import ImageSource
    from desktop.engine.camera_messages import Recorded, RecordingDone
    from desktop.store.project import Project
    from desktop.store.project_facts import ProjectAction, TaughtClass

_ACROSS = 4
_MOST_BUTTONS = 16
_WRITE_MS = 400


class TeachCamera(QObject):
    """Shows the camera in ``place``, in front of ``pictures``. Frames are written in portions, each a step of undo."""

    def __init__(self, teaching: Teaching, place: QStackedWidget, pictures: QWidget) -> None:
        super().__init__(place)
        self._teaching, self._place, self._pictures = teaching, place, pictures
        self.camera = Camera(self)
        self.pane: CameraPane | None = None
        """What shows the camera, once it was opened."""
        self._buttons: list[QPushButton] = []
        self._held: tuple[str, int] | None = None  # the key ('' for a button) and the class that is recorded now
        self._classes: dict[int, int] = {}  # a recording's number -> its class
        self._waiting: list[tuple[bytes, int]] = []
        self._taken = 0
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(_WRITE_MS)
        self._soon.timeout.connect(self._write)
        self.camera.recorded.connect(self._on_recorded)
        self.camera.recording_done.connect(self._on_done)
        self.camera.state_changed.connect(self._on_state)
        teaching.changed_classes.connect(self._fill)
        teaching.closed.connect(self.close)

    @property
    def shown(self) -> bool:
        """Whether the camera stands where the pictures else are."""
        return self.pane is not None and self._place.currentWidget() is self.pane

    @Slot()
    def open(self) -> None:
        """Show what the camera sees."""
        if self._teaching.project is None:
            return
        if self.pane is None:
            self._build()
        pane = self.pane
        assert pane is not None
        self._fill()
        self._place.setCurrentWidget(pane)
        pane.setFocus(Qt.FocusReason.OtherFocusReason)
        pane.begin()

    def _build(self) -> None:
        self.pane = pane = CameraPane(self.camera, keeps=False)
        pane.closed.connect(self.close)
        pane.installEventFilter(self)
        self.rate = QSpinBox()
        self.rate.setRange(1, 15)
        self.rate.setValue(round(RATE))
        self.rate.setSuffix(self.tr(" a second"))
        self.rate.setAccessibleName(self.tr("Frames a second"))
        self.rate.lineEdit().setTextMargins(6, 0, 0, 0)
        self.drop = QCheckBox(self.tr("Leave out frames that are nearly alike"))
        self.drop.setChecked(True)
        self.words = make_label("", "secondary", wrap=True)
        self._grid = QGridLayout()
        self._grid.setSpacing(6)
        pane.tools.addWidget(self.rate)
        pane.below.setSpacing(6)
        pane.below.addLayout(self._grid)
        pane.below.addWidget(self.drop)
        pane.below.addWidget(self.words)
        self._place.addWidget(pane)

    @Slot()
    def close(self) -> None:
        """Turn the camera off and show the pictures again."""
        self._release()
        self.camera.stop()
        self._write()
        self._place.setCurrentWidget(self._pictures)

    def finish(self) -> None:
        """Turn it off and hand over what was recorded; for the end of the program."""
        self._release()
        self.camera.wait()
        self._write()

    @Slot()
    def _fill(self) -> None:
        """A button for each class."""
        if self.pane is None:
            return
        classes = self._teaching.classes[:_MOST_BUTTONS]
        while len(self._buttons) < len(classes):
            button = QPushButton()
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.pressed.connect(partial(self._on_pressed, len(self._buttons)))
            button.released.connect(self._release)
            self._grid.addWidget(button, len(self._buttons) // _ACROSS, len(self._buttons) % _ACROSS)
            self._buttons.append(button)
        for place, button in enumerate(self._buttons):
            button.setVisible(place < len(classes))
            if place < len(classes):
                shown = classes[place]
                key = f"{shown.key.upper()}  " if shown.key else ""
                button.setText(f"{key}{caption(shown.name)}  {count(shown.count)}")
                button.setAccessibleName(self.tr("Hold to record {0}").format(shown.name))
        if not classes:
            self.words.setText(self.tr("Type the name of a class at the left first; then hold its key here."))
        elif self._held is None and not self._taken:
            self.words.setText(
                self.tr("Hold a class's key, or its button, to record what the camera sees as that class.")
            )

    # Holding

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """The keys of the classes, held and let go; leaving the pane lets go."""
        if watched is not self.pane:
            return super().eventFilter(watched, event)
        if isinstance(event, QKeyEvent):
            free = not event.modifiers() & (Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier)
            key = event.text().casefold()
            if event.type() == QEvent.Type.KeyPress and free and key:
                chosen = next((c for c in self._teaching.classes if c.key and c.key.casefold() == key), None)
                if chosen is not None:
                    if not event.isAutoRepeat():
                        self._hold(key, chosen)
                    return True
            elif event.type() == QEvent.Type.KeyRelease and self._held is not None and key == self._held[0]:
                if not event.isAutoRepeat():
                    self._release()
                return True
        elif event.type() in (QEvent.Type.FocusOut, QEvent.Type.Hide):
            self._release()
        return super().eventFilter(watched, event)

    def _on_pressed(self, place: int) -> None:
        if place < len(self._teaching.classes):
            self._hold("", self._teaching.classes[place])

    def _hold(self, key: str, chosen: TaughtClass) -> None:
        self._release()
        number = self.camera.record(self.rate.value(), unlike=6.0 if self.drop.isChecked() else 0.0)
        if not number:
            self.words.setText(self.tr("The camera is off: turn it on first."))
            return
        self._held, self._taken = (key, chosen.id), 0
        self._classes[number] = chosen.id
        if self.pane is not None:
            self.pane.set_recording(True)
        self.words.setText(self.tr("Recording “{0}”…").format(chosen.name))

    @Slot()
    def _release(self) -> None:
        if self._held is not None:
            self._held = None
            self.camera.stop_recording()
            if self.pane is not None:
                self.pane.set_recording(False)

    # What was recorded

    @Slot(object)
    def _on_recorded(self, frame: Recorded) -> None:
        class_id = self._classes.get(frame.id)
        if class_id is None:
            return
        self._waiting.append((frame.png, class_id))
        self._taken = frame.kept
        name = next((c.name for c in self._teaching.classes if c.id == class_id), "")
        self.words.setText(self.tr("“{0}”: {1} frames").format(name, count(frame.kept)))
        if not self._soon.isActive():
            self._soon.start()

    @Slot(object)
    def _on_done(self, done: RecordingDone) -> None:
        if done.id not in self._classes:
            return
        if done.kept >= 0:
            told = self.tr("{0} frames were kept.").format(count(done.kept))
            if done.dropped:
                told += " " + self.tr("{0} were nearly the one before and left out.").format(count(done.dropped))
            self.words.setText(told)
        self._write()

    @Slot()
    def _on_state(self) -> None:
        if not self.camera.is_on:
            self._release()

    @Slot()
    def _write(self) -> None:
        """Put what was recorded into the project."""
        self._soon.stop()
        waiting, self._waiting = self._waiting, []
        if waiting and self._teaching.project is not None:
            from desktop.core.types import ImageSource

            clock = QDateTime.currentDateTime().toString("yyyyMMdd-HHmmss")
            frames = [(ImageSource(f"camera-{clock}.png", data=png), class_id) for png, class_id in waiting]
            self._teaching.change(partial(_add, frames))


def _add(frames: list[tuple[ImageSource, int]], project: Project) -> ProjectAction:
    """Lay frames into the project with their labels: one step."""
    from desktop.app.teaching import add_source

    with project.one_step("label", "camera"):
        labels: dict[int, int | None] = {add_source(project, source, "camera"): label for source, label in frames}
        return project.label_each(labels, "camera")
