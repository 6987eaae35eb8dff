"""Smaller copies of a large picture, made between the window's events, so that showing all of it is cheap and clean."""

from __future__ import annotations

from collections.abc import Generator

from PySide6.QtCore import QObject, QRect, Qt, Signal
from PySide6.QtGui import QImage

from desktop.services.background import Slices

_SMALL = 512 * 512
"""A picture of at most so many pixels is drawn from itself."""
_CONVERTED_UP_TO = 16_000_000
"""Up to so many pixels a picture is also kept in the format that Qt draws fastest (four bytes a pixel)."""
_STRIP = 200_000
"""Pixels in one step: about two milliseconds. A thread would not help: QImage keeps the interpreter while it scales."""


class Pyramid(QObject):
    """A picture and its halvings; ``grown`` when another one is there."""

    grown = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._image: QImage | None = None
        self._levels: list[QImage] = []
        self._work: Slices | None = None

    def set_image(self, image: QImage | None) -> None:
        """Take another picture, or none; halvings of the earlier one are dropped."""
        self.stop()
        self._image = image
        self._levels = [] if image is None else [image]
        if image is not None and image.width() * image.height() > _SMALL:
            self._work = Slices(self._halve(image), self)
            self._work.answered.connect(self.stop)
            self._work.launch()

    def stop(self) -> None:
        """Make no further halvings."""
        if self._work is not None:
            self._work.stop()
            self._work.deleteLater()
            self._work = None

    @property
    def image(self) -> QImage | None:
        """The picture itself, in its own format."""
        return self._image

    @property
    def busy(self) -> bool:
        """Whether there are halvings to come."""
        return self._work is not None

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

    def _halve(self, image: QImage) -> Generator[None, None, None]:
        if image.width() * image.height() <= _CONVERTED_UP_TO:
            image = yield from _copied(image, 1)
            self._levels[0] = image
            self.grown.emit()
        while image.width() * image.height() > _SMALL and min(image.width(), image.height()) >= 2:
            image = yield from _copied(image, 2)
            self._levels.append(image)
            self.grown.emit()


def _copied(image: QImage, divisor: int) -> Generator[None, None, QImage]:
    """``image`` at a whole fraction of its size, in the format that Qt draws fastest, strip by strip.

    Rows and columns beyond a multiple of ``divisor`` are left out: less than a pixel of the smaller copy.
    """
    form = QImage.Format.Format_ARGB32_Premultiplied if image.hasAlphaChannel() else QImage.Format.Format_RGB32
    width, height = image.width() // divisor, image.height() // divisor
    copy = QImage(width, height, form)
    if copy.isNull():  # no memory for it: the picture is drawn from what there is
        return image
    rows = max(1, _STRIP // (image.width() * divisor))
    bits, line = memoryview(copy.bits()), copy.bytesPerLine()
    for top in range(0, height, rows):
        count = min(rows, height - top)
        strip = image.copy(QRect(0, top * divisor, width * divisor, count * divisor)).convertToFormat(form)
        if divisor > 1:
            ignore, smooth = Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation
            strip = strip.scaled(width, count, ignore, smooth)
        bits[top * line : (top + count) * line] = strip.constBits()
        yield
    return copy
