"""What the cells of all galleries of pictures share: the ground, the picture on it, a score as a bar, a line."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPen, QPixmap
from PySide6.QtWidgets import QStyle, QStyleOptionViewItem

from desktop.ui.kit.theme import theme

BAR = 3
"""The height of a bar."""


def paint_ground(painter: QPainter, option: QStyleOptionViewItem) -> QRect:
    """Prepare ``painter``, draw whether the cell is chosen or under the mouse; returns the cell's room."""
    t = theme().tokens
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    ground = option.rect.adjusted(3, 3, -3, -3)
    selected = bool(option.state & QStyle.StateFlag.State_Selected)
    focused = bool(option.state & QStyle.StateFlag.State_HasFocus)
    if selected or option.state & QStyle.StateFlag.State_MouseOver:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(t.soft if selected else t.window))
        painter.drawRoundedRect(ground, 6, 6)
    if focused or selected:
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(QColor(t.accent), 2 if focused else 1))
        painter.drawRoundedRect(ground.adjusted(1, 1, -1, -1), 6, 6)
    return QRect(ground)


def paint_picture(painter: QPainter, box: QRect, pixmap: QPixmap | None, missing: bool) -> None:
    """Draw a small picture as large as ``box`` allows; a sign where it is ``missing``, the ground while awaited."""
    t = theme().tokens
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(t.picture_ground if pixmap is not None else t.window))
    painter.drawRoundedRect(box, 4, 4)
    if pixmap is None:
        if missing:
            mark = QRect(0, 0, 24, 24)
            mark.moveCenter(box.center())
            theme().icon("image", 24, t.secondary).paint(painter, mark)
        return
    size = pixmap.size().scaled(box.size(), Qt.AspectRatioMode.KeepAspectRatio)
    if pixmap.width() * 2 <= size.width():  # far enlarged: pixels stay squares
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
    place = QRect(QPoint(0, 0), size)
    place.moveCenter(box.center())
    painter.drawPixmap(place, pixmap)
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)


def paint_bar(
    painter: QPainter,
    option: QStyleOptionViewItem,
    line: QRect,
    score: float,
    tone: str,
    threshold: float | None = None,
) -> None:
    """Draw a score from 0 to 1 as a bar of :data:`BAR` pixels along the top of ``line``, with a mark at the
    ``threshold`` that decides, where one does."""
    mirrored = option.direction == Qt.LayoutDirection.RightToLeft
    groove = QRectF(line.left(), line.top(), line.width(), BAR)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(theme().tokens.border))
    painter.drawRect(groove)
    painter.setBrush(QColor(tone))
    filled = groove.width() * min(1.0, max(0.0, score))
    left = groove.right() - filled if mirrored else groove.left()
    painter.drawRect(QRectF(left, groove.top(), filled, groove.height()))
    if threshold is not None:
        way = groove.width() * threshold
        at = groove.right() - way if mirrored else groove.left() + way
        painter.setBrush(QColor(theme().tokens.text))
        painter.drawRect(QRectF(at - 0.75, groove.top() - 2, 1.5, groove.height() + 4))


def paint_words(
    painter: QPainter,
    option: QStyleOptionViewItem,
    line: QRect,
    words: str,
    tone: str,
    font: QFont,
    figure: str = "",
    figure_tone: str = "",
) -> None:
    """Draw ``words`` at the beginning of ``line`` and a ``figure`` at its end; the words give way."""
    metrics = QFontMetrics(font)
    painter.setFont(font)
    far = QStyle.visualAlignment(option.direction, Qt.AlignmentFlag.AlignRight) | Qt.AlignmentFlag.AlignVCenter
    near = QStyle.visualAlignment(option.direction, Qt.AlignmentFlag.AlignLeft) | Qt.AlignmentFlag.AlignVCenter
    wide = metrics.horizontalAdvance(figure) + 4 if figure else 0
    if figure:
        painter.setPen(QColor(figure_tone or tone))
        painter.drawText(line, int(far), figure)
    painter.setPen(QColor(tone))
    room = QStyle.visualRect(option.direction, line, line.adjusted(0, 0, -wide, 0))
    painter.drawText(room, int(near), metrics.elidedText(words, Qt.TextElideMode.ElideMiddle, room.width()))
