"""One picture of a project: its label, or what is suggested for it, and how sure that is."""

from __future__ import annotations

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QColor, QFont, QPainter
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from desktop.services.teaching import Teaching
from desktop.store.project_facts import PictureState
from desktop.ui.kit.formatting import number
from desktop.ui.kit.theme import theme
from desktop.ui.teach.pictures_model import Index, PicturesModel
from desktop.ui.widgets.picture_cells import paint_bar, paint_ground, paint_picture, paint_words

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
        ground = paint_ground(painter, option)
        box = QRect(ground.left() + 6, ground.top() + 6, ground.width() - 12, PICTURE)
        _name, label, state, star = self._model.facts(picture_id)
        missing = self._model.is_missing(picture_id) or state in (PictureState.BROKEN, PictureState.MISSING)
        paint_picture(painter, box, self._model.picture(picture_id), missing)
        signs = ("★" if star else "") + ("✎" if self._model.note(picture_id) else "")
        for place, sign in enumerate(signs):
            self._paint_mark(painter, option, box.translated(0, 22 * place), sign)
        line = QRect(box.left(), box.bottom() + 4, box.width(), 18)
        problem = self._model.state_words(state)
        if label:
            known = self._teaching.class_of(label)
            words = f"✓ {known.name}" if known is not None else ""
            paint_words(painter, option, line, words, t.text, self._strong)
            if problem:
                paint_words(painter, option, line.translated(0, 16), problem, t.caution, self._font)
        elif problem:
            paint_words(painter, option, line, problem, t.caution, self._font)
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
        paint_words(painter, option, line, f"{found.name}?", t.secondary, self._font, number(best[1], 2))
        paint_bar(painter, option, line.translated(0, line.height() + 1), best[1], t.accent)

    def _paint_mark(self, painter: QPainter, option: QStyleOptionViewItem, box: QRect, sign: str) -> None:
        t = theme().tokens
        place = QStyle.visualRect(option.direction, box, QRect(box.right() - 23, box.top() + 4, 20, 20))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(t.surface))
        painter.drawEllipse(place)
        painter.setPen(QColor(t.accent))
        painter.setFont(self._strong)
        painter.drawText(place, int(Qt.AlignmentFlag.AlignCenter), sign)
