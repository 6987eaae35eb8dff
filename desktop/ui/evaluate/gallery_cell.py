"""One picture of the gallery with its bars: the right class blue with a tick, a wrong answer red with a cross."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPen
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from desktop.ui.evaluate.gallery_model import GalleryModel, Index
from desktop.ui.kit.formatting import number
from desktop.ui.kit.names import short_name
from desktop.ui.kit.theme import theme

PICTURE = 112
WIDTH = 164
BAR = 24


def cell_size() -> QSize:
    """The size of a cell: picture, two bars, a name."""
    return QSize(WIDTH, PICTURE + 2 * BAR + 40)


class PictureDelegate(QStyledItemDelegate):
    """Draws a cell; nothing is asked of the model that is not in sight."""

    def __init__(self, model: GalleryModel, parent: QWidget) -> None:
        super().__init__(parent)
        self._model = model
        self._font = theme().font("secondary")
        self._metrics = QFontMetrics(self._font)
        theme().changed.connect(self._take_font)

    def _take_font(self) -> None:
        self._font = theme().font("secondary")
        self._metrics = QFontMetrics(self._font)

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return cell_size()

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        row = self._model.row_at(index.row())
        if row < 0:
            return
        t = theme().tokens
        painter.save()
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
        name, truth, answer, score, own = self._model.facts(row)
        painter.setFont(self._font)
        box = QRect(ground.left() + 8, ground.top() + 8, ground.width() - 16, PICTURE)
        self._paint_picture(painter, row, box)
        labels = self._model.labels
        top = box.bottom() + 5
        line = QRect(box.left(), top, box.width(), BAR)
        decided, rule = self._model.by_threshold(row), self._model.rule
        if truth != answer:
            self._paint_bar(painter, option, line, "✗", labels[answer], score, t.wrong, decided, rule, answer)
            line.translate(0, BAR)
        self._paint_bar(
            painter, option, line, "✓", labels[truth], own, t.right, decided if truth == answer else "", rule, truth
        )
        line.translate(0, BAR)
        said = self._model.judgements.get(name)
        painter.setPen(QColor(t.secondary))
        place = QRect(box.left(), ground.bottom() - 21, box.width(), 18)
        # What was said of the label is read whole; the name is in the tip.
        words = self._model.judged_words(said) if said else short_name(name.rsplit("/", 1)[-1], self._metrics, place)
        align = QStyle.visualAlignment(option.direction, Qt.AlignmentFlag.AlignLeft)
        painter.drawText(place, int(align | Qt.AlignmentFlag.AlignVCenter), words)
        painter.restore()

    def _paint_bar(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        line: QRect,
        sign: str,
        label: str,
        score: float,
        tone: str,
        decided: str,
        rule: tuple[int, float] | None,
        which: int,
    ) -> None:
        """One class. ``decided`` stands in place of a score that lost to the other one and is the answer all the same;
        the threshold of ``rule`` is marked on the bar of its class."""
        t = theme().tokens
        metrics = self._metrics
        figure = decided or number(score)
        wide = metrics.horizontalAdvance(figure) + 4
        upper = QRect(line.left(), line.top(), line.width(), 17)
        far = QStyle.visualAlignment(option.direction, Qt.AlignmentFlag.AlignRight) | Qt.AlignmentFlag.AlignVCenter
        near = QStyle.visualAlignment(option.direction, Qt.AlignmentFlag.AlignLeft) | Qt.AlignmentFlag.AlignVCenter
        painter.setPen(QColor(t.text))
        painter.drawText(upper, int(far), figure)
        painter.setPen(QColor(tone))
        room = QStyle.visualRect(option.direction, upper, upper.adjusted(0, 0, -wide, 0))
        words = metrics.elidedText(f"{sign} {label}", Qt.TextElideMode.ElideMiddle, room.width())
        painter.drawText(room, int(near), words)
        groove = QRectF(line.left(), line.top() + 18, line.width(), 3)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(t.border))
        painter.drawRect(groove)
        painter.setBrush(QColor(tone))
        filled = groove.width() * min(1.0, max(0.0, score))
        left = groove.right() - filled if option.direction == Qt.LayoutDirection.RightToLeft else groove.left()
        painter.drawRect(QRectF(left, groove.top(), filled, groove.height()))
        if rule is not None and rule[0] == which:
            mirrored = option.direction == Qt.LayoutDirection.RightToLeft
            way = groove.width() * rule[1]
            at = groove.right() - way if mirrored else groove.left() + way
            painter.setBrush(QColor(t.text))
            painter.drawRect(QRectF(at - 0.75, groove.top() - 2, 1.5, groove.height() + 4))

    def _paint_picture(self, painter: QPainter, row: int, box: QRect) -> None:
        t = theme().tokens
        pixmap = self._model.picture(row)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(t.picture_ground if pixmap is not None else t.window))
        painter.drawRoundedRect(box, 4, 4)
        if pixmap is None:
            if self._model.is_missing(row):
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
