"""Smaller copies of a large picture, made off the drawing thread, so that showing all of it stays cheap and clean."""

from __future__ import annotations

from PySide6.QtCore import QObject, QSize, Qt, Signal
from PySide6.QtGui import QImage

from desktop.ui.widgets._task import Task

_SMALL = 512 * 512
"""A picture of at most so many pixels is drawn from itself: Qt scales that in a few milliseconds."""


class _Halvings:
    """The work: halve ``image`` until it is small. QImage, unlike QPixmap, may be used in any thread."""

    def __init__(self, generation: int, image: QImage) -> None:
        self._generation = generation
        self._image = image

    def __call__(self, task: Task) -> None:
        image = self._image
        while image.width() * image.height() > _SMALL and not task.cancelled:
            half = QSize(max(1, image.width() // 2), max(1, image.height() // 2))
            image = image.scaled(half, Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation)
            task.progressed.emit((self._generation, image))


class Pyramid(QObject):
    """A picture and its halvings; ``grown`` when another one is there."""

    grown = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._levels: list[QImage] = []
        self._generation = 0
        self._task: Task | None = None

    def set_image(self, image: QImage | None) -> None:
        """Take another picture, or none; halvings of the earlier one are dropped."""
        self._generation += 1
        self.stop()
        self._levels = [] if image is None else [image]
        if image is not None and image.width() * image.height() > _SMALL:
            self._task = Task(_Halvings(self._generation, image))
            self._task.progressed.connect(self._take, Qt.ConnectionType.QueuedConnection)
            self._task.launch()

    def stop(self) -> None:
        """Make no further halvings."""
        if self._task is not None:
            self._task.cancel()
            self._task = None

    @property
    def image(self) -> QImage | None:
        """The picture itself."""
        return self._levels[0] if self._levels else None

    def level_for(self, scale: float) -> QImage | None:
        """The smallest copy that still has a pixel for every pixel of the picture drawn at ``scale``."""
        if not self._levels:
            return None
        wanted = self._levels[0].width() * scale
        best = self._levels[0]
        for level in self._levels[1:]:
            if level.width() < wanted:
                break
            best = level
        return best

    def _take(self, step: tuple[int, QImage]) -> None:
        generation, image = step
        if generation == self._generation:
            self._levels.append(image)
            self.grown.emit()
