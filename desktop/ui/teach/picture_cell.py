"""One picture of a project: its label, or what is suggested for it, and how sure that is."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPen
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from desktop.services.teaching import Teaching
from desktop.store.project_facts import PictureState
from desktop.ui.kit.formatting import number
from desktop.ui.kit.theme import theme
from desktop.ui.teach.pictures_model import Index, PicturesModel

PICTURE = 112
WIDTH = 136


def cell_size() -> QSize:
    """The size of a cell: a picture and a line."""
    return QSize(WIDTH, PICTURE + 46)


class TaughtDelegate(QStyledItemDelegate):
    """Draws a cell: a label with a tick, a suggestion in quiet letters with a question mark and a bar."""

    def __init__(self, model: PicturesModel, teaching: Teaching, parent: QWidget) -> None:
        super().__init__(parent)
        self._model, self._teaching = model, teaching
        theme().changed.connect(self._take_font)
        self._take_font()

    def _take_font(self) -> None:
        self._font = theme().font("secondary")
        self._strong = QFont(self._font)
        self._strong.setWeight(QFont.Weight.DemiBold)

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return cell_size()

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        picture_id = self._model.id_at(index.row())
        if not picture_id:
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
        box = QRect(ground.left() + 6, ground.top() + 6, ground.width() - 12, PICTURE)
        _name, label, state, star = self._model.facts(picture_id)
        self._paint_picture(painter, picture_id, box)
        if star:
            self._paint_mark(painter, option, box, "★")
        line = QRect(box.left(), box.bottom() + 4, box.width(), 18)
        problem = self._model.state_words(state)
        if label:
            known = self._teaching.class_of(label)
            words = f"✓ {known.name}" if known is not None else ""
            self._paint_words(painter, option, line, words, "", t.text, self._strong)
            if problem:
                self._paint_words(painter, option, line.translated(0, 16), problem, "", t.caution, self._font)
        elif problem:
            self._paint_words(painter, option, line, problem, "", t.caution, self._font)
        else:
            self._paint_suggestion(painter, option, line, picture_id)
        painter.restore()

    def _paint_suggestion(self, painter: QPainter, option: QStyleOptionViewItem, line: QRect, picture_id: int) -> None:
        t = theme().tokens
        suggestions = self._teaching.suggestions
        best = suggestions.best_of(picture_id) if suggestions is not None else None
        found = self._teaching.class_of(best[0]) if best is not None else None
        if best is None or found is None:
            return
        self._paint_words(painter, option, line, f"{found.name}?", number(best[1], 2), t.secondary, self._font)
        groove = QRectF(line.left(), line.bottom() + 2, line.width(), 3)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(t.border))
        painter.drawRect(groove)
        painter.setBrush(QColor(t.accent))
        filled = groove.width() * min(1.0, max(0.0, best[1]))
        left = groove.right() - filled if option.direction == Qt.LayoutDirection.RightToLeft else groove.left()
        painter.drawRect(QRectF(left, groove.top(), filled, groove.height()))

    def _paint_words(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        line: QRect,
        words: str,
        figure: str,
        tone: str,
        font: QFont,
    ) -> None:
        metrics = QFontMetrics(font)
        painter.setFont(font)
        painter.setPen(QColor(tone))
        far = QStyle.visualAlignment(option.direction, Qt.AlignmentFlag.AlignRight) | Qt.AlignmentFlag.AlignVCenter
        near = QStyle.visualAlignment(option.direction, Qt.AlignmentFlag.AlignLeft) | Qt.AlignmentFlag.AlignVCenter
        wide = metrics.horizontalAdvance(figure) + 4 if figure else 0
        if figure:
            painter.drawText(line, int(far), figure)
        room = QStyle.visualRect(option.direction, line, line.adjusted(0, 0, -wide, 0))
        painter.drawText(room, int(near), metrics.elidedText(words, Qt.TextElideMode.ElideMiddle, room.width()))

    def _paint_mark(self, painter: QPainter, option: QStyleOptionViewItem, box: QRect, sign: str) -> None:
        t = theme().tokens
        place = QStyle.visualRect(option.direction, box, QRect(box.right() - 23, box.top() + 4, 20, 20))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(t.surface))
        painter.drawEllipse(place)
        painter.setPen(QColor(t.accent))
        painter.setFont(self._strong)
        painter.drawText(place, int(Qt.AlignmentFlag.AlignCenter), sign)

    def _paint_picture(self, painter: QPainter, picture_id: int, box: QRect) -> None:
        t = theme().tokens
        pixmap = self._model.picture(picture_id)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(t.picture_ground if pixmap is not None else t.window))
        painter.drawRoundedRect(box, 4, 4)
        if pixmap is None:
            state = self._model.facts(picture_id)[2]
            if self._model.is_missing(picture_id) or state in (PictureState.BROKEN, PictureState.MISSING):
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
