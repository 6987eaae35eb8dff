"""The filters of a network's first layer as small pictures.

For the Models view: ``sheet.set_filters(read_filters(entry))``, the reading in a thread.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QHelpEvent, QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from desktop.ui.kit.theme import theme
from desktop.ui.kit.widgets import image_of

if TYPE_CHECKING:
    import numpy as np
    from PySide6.QtCore import QEvent

    from desktop.store.store import ModelEntry

_TILE, _GAP = 36, 6
_MOST = 256


def read_filters(entry: ModelEntry) -> np.ndarray | None:
    """The first layer's kernel, float32 (rows, columns, channels, filters), of a model that tells it; for a thread.

    ``None`` where the model has none, or where its file is not what it was.
    """
    from desktop.core.trust.first_layer import FILE, from_json
    from desktop.core.types import StoreError
    from desktop.store.store import read_verified

    if entry.manifest is None or FILE not in entry.manifest.files:
        return None
    try:
        return from_json(read_verified(entry, FILE).read_bytes())
    except (StoreError, OSError):
        return None


class FilterSheet(QWidget):
    """As high as its rows of tiles need in the width that it gets."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._tiles: list[QImage] = []
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.setAccessibleName(self.tr("Filters of the first layer"))
        theme().changed.connect(self.update)
        self.hide()

    def set_filters(self, kernel: np.ndarray | None) -> None:
        """Show other filters; ``None`` hides the sheet."""
        from desktop.core.trust.first_layer import tiles

        self._tiles = [] if kernel is None else [image_of(tile) for tile in tiles(kernel[..., :_MOST])]
        if kernel is not None:
            rows, columns, _, count = kernel.shape
            words = self.tr("{0} filters of {1} × {2} pixels; grey is a weight of 0").format(count, columns, rows)
            self.setAccessibleDescription(words)
        self.setVisible(bool(self._tiles))
        self.updateGeometry()
        self.update()

    def _across(self, width: int) -> int:
        return max(1, (width + _GAP) // (_TILE + _GAP))

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        rows = -(-len(self._tiles) // self._across(width))
        return max(0, rows * (_TILE + _GAP) - _GAP)

    def sizeHint(self) -> QSize:
        return QSize(12 * (_TILE + _GAP), self.heightForWidth(12 * (_TILE + _GAP)))

    def minimumSizeHint(self) -> QSize:
        return QSize(_TILE, self.heightForWidth(max(self.width(), _TILE)))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setPen(QColor(theme().tokens.border))
        for number, tile in enumerate(self._tiles):
            place = self._place(number)
            painter.drawImage(place, tile, QRectF(tile.rect()))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(place)

    def _place(self, number: int) -> QRectF:
        row, column = divmod(number, self._across(self.width()))
        return QRectF(column * (_TILE + _GAP), row * (_TILE + _GAP), _TILE - 1, _TILE - 1)

    def event(self, event: QEvent) -> bool:
        """A tile tells its number."""
        if isinstance(event, QHelpEvent):
            for number in range(len(self._tiles)):
                if self._place(number).contains(event.pos()):
                    QToolTip.showText(event.globalPos(), self.tr("Filter {0}").format(number + 1), self)
                    return True
            QToolTip.hideText()
            return True
        return super().event(event)
