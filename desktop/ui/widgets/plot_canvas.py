"""The widget that a plot's drawing is shown in; import it only where matplotlib may be imported."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_qtagg import FigureCanvasQTAgg
from matplotlib.figure import Figure
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent

from desktop.ui.kit.theme import theme


class PlotCanvas(FigureCanvasQTAgg):
    """Shows the last finished drawing, whatever its size: its owner draws the next one in parts."""

    def __init__(self, figure: Figure) -> None:
        super().__init__(figure)
        self._picture: QImage | None = None
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent, True)
        self.setMouseTracking(True)

    def draw_idle(self) -> None:
        """Nothing: matplotlib would draw all of it at once."""

    def show_over(self, region: Any, axes: Axes, artists: Sequence[Artist]) -> None:
        """Show ``artists`` of ``axes`` over ``region``, a drawing of the figure's present size."""
        renderer = self.get_renderer()
        renderer.restore_region(region)
        for artist in artists:
            axes.draw_artist(artist)
        width, height = self.get_width_height(physical=True)
        picture = QImage(self.buffer_rgba(), width, height, QImage.Format.Format_RGBA8888).copy()
        picture.setDevicePixelRatio(self.device_pixel_ratio)
        self._picture = picture
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """The drawing on its ground."""
        painter = QPainter(self)
        painter.fillRect(event.rect(), QColor(theme().tokens.surface))
        if self._picture is not None:
            painter.drawImage(0, 0, self._picture)
        painter.end()
