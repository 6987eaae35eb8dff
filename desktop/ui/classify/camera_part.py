"""The camera in Classify: where the picture else is, with the model's answer to every frame beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QDateTime, QLocale, QObject, Qt, Signal, Slot

from desktop.services.camera import Camera
from desktop.services.live import LiveAnswers

if TYPE_CHECKING:
    from desktop.engine.camera_messages import Recorded
    from desktop.engine.messages import Failure, Prediction
    from desktop.ui.classify.whole import Whole
    from desktop.ui.widgets.camera_pane import CameraPane


class CameraPart(QObject):
    """Opens and closes the camera's pane in ``view``. ``said`` carries a sentence on a frame that was kept."""

    said = Signal(str)

    def __init__(self, view: Whole, parent: QObject) -> None:
        super().__init__(parent)
        self._view = view
        self.camera = Camera(self)
        self.live = LiveAnswers(view.session, self.camera, self)
        self.pane: CameraPane | None = None
        """What shows the camera, once it was opened."""
        self._kept = 0  # frames, for their names

    @property
    def shown(self) -> bool:
        """Whether the camera stands where the picture else is."""
        return self.pane is not None and self._view.stack.currentWidget() is self.pane

    def open(self) -> None:
        """Show what a camera sees; choosing an image leaves it."""
        view = self._view
        if self.pane is None:
            from desktop.ui.widgets.camera_pane import CameraPane

            self.pane = CameraPane(self.camera)
            self.pane.closed.connect(self.close)
            self.pane.kept.connect(self._keep)
            view.stack.addWidget(self.pane)
            self.live.answered.connect(self._show_answer)
            self.live.failed.connect(self._show_answer)
            view.session.current_changed.connect(self._leave)
        view.session.set_current(None)
        view.list.forget_current()
        view.answer.set_live(True)
        view.stack.setCurrentWidget(self.pane)
        self.pane.setFocus(Qt.FocusReason.OtherFocusReason)
        self.pane.begin()

    @Slot()
    def close(self) -> None:
        """Turn the camera off and show the images again."""
        view = self._view
        if not self.shown:
            return
        self.camera.stop()
        view.stack.setCurrentIndex(1 if view.session.items else 0)
        view.answer.set_live(False)
        if view.session.current is None and view.session.items:
            view.session.set_current(view.session.items[-1])
        view.take_focus()

    @Slot()
    def _leave(self) -> None:
        if self._view.session.current is not None:
            self.close()

    @Slot(object)
    def _show_answer(self, answer: Prediction | Failure) -> None:
        if self.shown:
            self._view.answer.show_live(answer, self.live.rate)

    @Slot(object)
    def _keep(self, kept: Recorded) -> None:
        """A frame becomes an image of the list, classified as any other."""
        from desktop.core.types import ImageSource

        self._kept += 1
        clock = QLocale().toString(QDateTime.currentDateTime().time(), "HH-mm-ss")
        name = self.tr("Camera {0} {1}").format(self._kept, clock) + ".png"
        items = self._view.session.add([ImageSource(name=name, data=kept.png)])
        self.said.emit(self.tr("Kept as {0}; it is an image of the list now.").format(name))
        self._view.classifying.take(items, None)
