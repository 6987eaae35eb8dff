"""The coloured layer that shows where the network found its answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QSize
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from desktop.ui.kit.theme import theme

if TYPE_CHECKING:
    import numpy as np

_LAYER = 192
WHOLE = (0.0, 0.0, 1.0, 1.0)
"""The place of a layer that covers the whole picture: left, top, right and bottom as parts of it."""


def layer_of(heat: np.ndarray) -> QImage:
    """The coloured layer of a map, in enough pixels to be smooth when enlarged."""
    import numpy as np  # not with the window: it starts without

    from desktop.core.trust.saliency import colours

    pixels = np.ascontiguousarray(colours(heat, _LAYER, max(1, round(_LAYER * heat.shape[0] / heat.shape[1]))))
    height, width = pixels.shape[:2]
    # The copy, because QImage would otherwise look into memory that Python may free.
    return QImage(pixels.data, width, height, 4 * width, QImage.Format.Format_RGBA8888).copy()


class HeatLegend(QWidget):
    """The colours of the map, from nothing to what points most towards the class."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedSize(QSize(140, 12))
        self.setAccessibleName(self.tr("Colours of the map, from nothing to most"))
        self._ramp: QImage | None = None

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._ramp is None:
            import numpy as np

            self._ramp = layer_of(np.linspace(0, 1, 64, dtype=np.float32)[np.newaxis])
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(theme().tokens.picture_ground))
        painter.drawImage(self.rect(), self._ramp)
