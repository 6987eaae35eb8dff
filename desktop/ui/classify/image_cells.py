"""How an image looks in the list: a cell of the grid, or a row, with its marks and what the batch said of it."""

from __future__ import annotations

from PySide6.QtCore import QObject, QPoint, QRect, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPalette, QPen
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from desktop.services.session import ImageItem
from desktop.ui.classify.images_model import ITEM_ROLE, ImagesModel
from desktop.ui.kit.names import short_name
from desktop.ui.kit.theme import theme
from desktop.ui.widgets.gallery import AnyIndex

THUMBNAIL = 84
"""The small picture's side in the grid, in pixels."""
ROW = 32
"""The height of a row, in pixels."""


class ImageDelegate(QStyledItemDelegate):
    """Draws a cell: the small picture, the name, what the batch said."""

    def __init__(self, model: ImagesModel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self.as_rows = False

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        """Paint one cell."""
        item: ImageItem | None = index.data(ITEM_ROLE)
        if item is None:
            return
        t = theme().tokens
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        ground = option.rect.adjusted(2, 2, -2, -2)
        selected = bool(option.state & QStyle.StateFlag.State_Selected)
        if selected or option.state & QStyle.StateFlag.State_MouseOver:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(t.soft if selected else t.window))
            painter.drawRoundedRect(ground, 6, 6)
        if option.state & QStyle.StateFlag.State_HasFocus or selected and not self.as_rows:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(t.accent), 2 if option.state & QStyle.StateFlag.State_HasFocus else 1))
            painter.drawRoundedRect(ground.adjusted(1, 1, -1, -1), 6, 6)
        if self.as_rows:
            self._paint_row(painter, option, item, ground)
        else:
            self._paint_cell(painter, option, item, ground)
        painter.restore()

    def sizeHint(self, option: QStyleOptionViewItem, index: AnyIndex) -> QSize:
        """All alike; the view decides."""
        return QSize(98, ROW if self.as_rows else 116)

    def _paint_cell(self, painter: QPainter, option: QStyleOptionViewItem, item: ImageItem, ground: QRect) -> None:
        font = theme().font("secondary")
        painter.setFont(font)
        line = painter.fontMetrics().height()
        box = QRect(0, 0, THUMBNAIL, THUMBNAIL - 4)
        box.moveTop(ground.top() + 6)
        box.moveLeft(ground.center().x() - box.width() // 2 + 1)
        self._paint_picture(painter, item, box)
        painter.setPen(option.palette.color(QPalette.ColorRole.Text))
        text = QRect(ground.left() + 6, box.bottom() + 3, ground.width() - 12, line)
        name = short_name(item.name, painter.fontMetrics(), text, self._model.prefix)
        painter.drawText(text, Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignVCenter, name)

    def _paint_row(self, painter: QPainter, option: QStyleOptionViewItem, item: ImageItem, ground: QRect) -> None:
        t = theme().tokens
        direction = option.direction
        side = ground.height() - 4
        box = QRect(ground.left() + 4, ground.top() + 2, side, side)
        inner = QRect(box.right() + 8, ground.top(), ground.right() - box.right() - 14, ground.height())
        self._paint_picture(painter, item, QStyle.visualRect(direction, ground, box))
        inner = QStyle.visualRect(direction, ground, inner)
        metrics = option.fontMetrics
        align = QStyle.visualAlignment(direction, Qt.AlignmentFlag.AlignLeft) | Qt.AlignmentFlag.AlignVCenter
        far = QStyle.visualAlignment(direction, Qt.AlignmentFlag.AlignRight) | Qt.AlignmentFlag.AlignVCenter
        painter.setFont(option.font)
        name_width = inner.width()
        said = self._model.said(item)
        if said is not None:
            # A class that is not to be relied on is not named as if it were.
            tone = t.wrong if said.failed else t.caution if said.unlike else t.secondary
            painter.setPen(QColor(tone))
            words = self.tr("no result") if said.failed else self.tr("unfamiliar kind") if said.unlike else said.answer
            words = metrics.elidedText(words, Qt.TextElideMode.ElideRight, inner.width() // 2 - 8)
            painter.drawText(inner, far, words)
            name_width -= metrics.horizontalAdvance(words) + 12
        painter.setPen(option.palette.color(QPalette.ColorRole.Text))
        name = short_name(item.name, metrics, max(20, name_width), self._model.prefix)
        painter.drawText(inner, align, name)

    def _paint_picture(self, painter: QPainter, item: ImageItem, box: QRect) -> None:
        self._paint_small(painter, item, box)
        mark = self._model.marked(item)
        if mark is None:
            return
        t, side = theme().tokens, min(18, box.height() - 6)
        for place, (shown, icon) in enumerate(((mark.star, "star-full"), (bool(mark.note), "note"))):
            if shown:
                sign = QRect(box.left() + 2 + place * (side + 5), box.top() + 2, side, side)
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(QColor(t.surface))
                painter.drawEllipse(sign.adjusted(-2, -2, 2, 2))
                theme().icon(icon, 18, t.accent).paint(painter, sign)

    def _paint_small(self, painter: QPainter, item: ImageItem, box: QRect) -> None:
        t = theme().tokens
        pixmap = self._model.thumbnail(item)
        if pixmap is None:
            painter.setPen(QPen(QColor(t.border), 1))
            painter.setBrush(QColor(t.window))
            painter.drawRoundedRect(box.adjusted(1, 1, -1, -1), 4, 4)
            if self._model.is_unreadable(item):
                side = min(24, box.height() - 4)
                mark = QRect(0, 0, side, side)
                mark.moveCenter(box.center())
                theme().icon("caution", 24, t.caution).paint(painter, mark)
            return
        size = pixmap.size().scaled(box.size(), Qt.AspectRatioMode.KeepAspectRatio)
        place = QRect(QPoint(0, 0), size)
        place.moveCenter(box.center())
        painter.drawPixmap(place, pixmap)
        said = self._model.said(item)
        if said is not None and (said.failed or said.unlike):
            mark = QRect(box.right() - 20, box.top() + 2, 18, 18)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(t.surface))  # the picture below may have any colour, the sign's own as well
            painter.drawEllipse(mark.adjusted(-2, -2, 2, 2))
            theme().icon("caution", 18, t.caution).paint(painter, mark)
