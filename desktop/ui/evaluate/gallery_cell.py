"""One picture of the gallery with its bars: the right class blue with a tick, a wrong answer red with a cross."""

from __future__ import annotations

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from desktop.ui.evaluate.gallery_model import GalleryModel, Index
from desktop.ui.kit.formatting import number
from desktop.ui.kit.names import short_name
from desktop.ui.kit.theme import theme
from desktop.ui.widgets.picture_cells import paint_bar, paint_ground, paint_picture, paint_words

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
        ground = paint_ground(painter, option)
        name, truth, answer, score, own = self._model.facts(row)
        painter.setFont(self._font)
        box = QRect(ground.left() + 8, ground.top() + 8, ground.width() - 16, PICTURE)
        paint_picture(painter, box, self._model.picture(row), self._model.is_missing(row))
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
        upper = QRect(line.left(), line.top(), line.width(), 17)
        text = theme().tokens.text
        paint_words(painter, option, upper, f"{sign} {label}", tone, self._font, decided or number(score), text)
        marked = rule[1] if rule is not None and rule[0] == which else None
        paint_bar(painter, option, line.translated(0, 18), score, tone, marked)
