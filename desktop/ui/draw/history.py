"""The strip of earlier sheets with what was read on them; a click lays one on the desk again."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QSize, Qt, Signal, Slot
from PySide6.QtGui import QColor, QIcon, QImage, QPainter, QPaintEvent, QPixmap
from PySide6.QtWidgets import QListView, QListWidget, QListWidgetItem, QWidget

from desktop.core.drawings.strokes import Drawing
from desktop.ui.kit.theme import theme
from desktop.ui.kit.widgets import tip

MOST = 60
_SIDE = 44


@dataclass(slots=True, eq=False)
class Sheet:
    """A drawing with what was read on it."""

    drawing: Drawing
    under: QImage | None
    answer: str


class DrawingHistory(QListWidget):
    """``sheet_chosen`` carries a :class:`Sheet`. The newest sheet, which still grows, is the first."""

    sheet_chosen = Signal(Sheet)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._sheets: list[Sheet] = []
        self._open = False
        self.setFlow(QListView.Flow.LeftToRight)
        self.setViewMode(QListView.ViewMode.IconMode)
        self.setMovement(QListView.Movement.Static)
        self.setWrapping(False)
        self.setIconSize(QSize(_SIDE, _SIDE))
        self.setGridSize(QSize(_SIDE + 44, _SIDE + 28))
        self.setFixedHeight(_SIDE + 46)
        self.setHorizontalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.setAccessibleName(self.tr("Earlier drawings and their answers"))
        self.itemClicked.connect(self._choose)
        self.itemActivated.connect(self._choose)

    @property
    def sheets(self) -> list[Sheet]:
        """The sheets, newest first."""
        return list(self._sheets)

    def show_sheet(self, drawing: Drawing, under: QImage | None, picture: QImage, answer: str) -> Sheet:
        """The present sheet looks like this now and was read so; returns it."""
        if not self._open:
            self._sheets.insert(0, Sheet((), None, ""))
            self.insertItem(0, QListWidgetItem())
            self._open = True
            while len(self._sheets) > MOST:
                self._sheets.pop()
                self.takeItem(self.count() - 1)
        self._sheets[0] = Sheet(drawing, under, answer)
        item = self.item(0)
        ratio = self.devicePixelRatioF()
        side = round(_SIDE * ratio)
        small = picture.scaled(
            side, side, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
        )
        pixmap = QPixmap.fromImage(small)
        pixmap.setDevicePixelRatio(ratio)
        item.setIcon(QIcon(pixmap))
        item.setText(answer)
        item.setToolTip(tip(self.tr("Draw on: {0}").format(answer)))
        return self._sheets[0]

    def set_answer(self, sheet: Sheet, answer: str) -> None:
        """An earlier sheet was read so."""
        if sheet in self._sheets:
            sheet.answer = answer
            item = self.item(self._sheets.index(sheet))
            item.setText(answer)
            item.setToolTip(tip(self.tr("Draw on: {0}").format(answer)))

    def end_sheet(self) -> None:
        """The next sheet is another one."""
        self._open = False

    def paintEvent(self, event: QPaintEvent) -> None:
        """Say what will lie here, while nothing does."""
        super().paintEvent(event)
        if not self._sheets:
            painter = QPainter(self.viewport())
            painter.setPen(QColor(theme().tokens.secondary))
            words = self.tr("Each sheet and what was read on it is kept here until Fovea is closed.")
            painter.drawText(self.viewport().rect(), Qt.AlignmentFlag.AlignCenter, words)

    @Slot(QListWidgetItem)
    def _choose(self, item: QListWidgetItem) -> None:
        row = self.row(item)
        if row == 0 and self._open:
            return  # it lies on the desk
        self.sheet_chosen.emit(self._sheets[row])
