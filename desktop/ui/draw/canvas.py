"""The sheet of paper: mouse, pen and touch draw on it; every change can be taken back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QEventPoint,
    QFont,
    QImage,
    QInputDevice,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPointingDevice,
    QResizeEvent,
    QTabletEvent,
    QTouchEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from desktop.core.drawings.strokes import MOST_POINTS, THINNEST, WIDEST, Drawing, Stroke, point
from desktop.ui.draw.layer import INK, PAPER, InkLayer, edge_colour, lay_under
from desktop.ui.kit.theme import LIGHT, theme
from desktop.ui.kit.widgets import draw_focus_ring

READ_SIDE = 448
"""The side in pixels of the picture that the network reads: its box of 20 pixels many times over."""
MAX_UNDO = 200


@dataclass(frozen=True, slots=True)
class Mark:
    """A frame on the sheet (parts of its side) with a word at it; ``chosen`` stands out."""

    rect: QRectF
    word: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class _State:
    drawing: Drawing
    under: QImage | None


class DrawingCanvas(QWidget):
    """``changed`` after every new point, undo, clear; ``finished`` when a stroke or another change is complete;
    ``mark_chosen`` carries the number of a mark that was clicked without drawing; ``key_typed`` a character,
    ``step_wanted`` 1 or -1: the next mark or the one before."""

    changed = Signal()
    finished = Signal()
    mark_chosen = Signal(int)
    key_typed = Signal(str)
    step_wanted = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = _State((), None)
        self._undo: list[_State] = []
        self._redo: list[_State] = []
        self._edge = PAPER  # what lies beside the picture below in what is read
        self._growing: list[tuple[float, float, float]] = []
        self._read = InkLayer(READ_SIDE)
        self._picture: QImage | None = None  # of the sheet as it is, once somebody asked for it
        self._seen = InkLayer(16)
        self._marks: Sequence[Mark] = ()
        self._hover: QPointF | None = None
        self._by_pen = False
        self._finger: int | None = None  # the touch that draws
        self._was_erasing = False
        self.pen_width = 0.055
        self.erasing = False
        self.use_pressure = True
        self.hint = ""
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setSizePolicy(policy)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setAttribute(Qt.WidgetAttribute.WA_AcceptTouchEvents)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent, False)
        self.setCursor(Qt.CursorShape.CrossCursor)
        self.setAccessibleName(self.tr("Sheet of paper to draw on"))
        theme().changed.connect(self.update)

    # What is drawn

    @property
    def drawing(self) -> Drawing:
        """The finished strokes."""
        return self._state.drawing

    @property
    def under(self) -> QImage | None:
        """The picture below the strokes."""
        return self._state.under

    @property
    def blank(self) -> bool:
        """Whether there is neither ink nor a picture."""
        return not self._state.drawing and self._state.under is None and not self._growing

    @property
    def can_undo(self) -> bool:
        """Whether a change can be taken back."""
        return bool(self._undo)

    @property
    def can_redo(self) -> bool:
        """Whether a change that was taken back can be done again."""
        return bool(self._redo)

    def set_drawing(self, drawing: Drawing, under: QImage | None = None) -> None:
        """Show another drawing; can be undone."""
        self._do(_State(drawing, under))

    def set_under(self, under: QImage | None) -> None:
        """Put a picture below the strokes, or take it away; can be undone."""
        self._do(_State(self._state.drawing, under))

    def clear(self) -> None:
        """A new sheet; can be undone."""
        self._end_stroke()
        if not self.blank:
            self._do(_State((), None))

    def undo(self) -> None:
        """Take the last change back."""
        self._end_stroke()
        if self._undo:
            self._redo.append(self._state)
            self._show(self._undo.pop())

    def redo(self) -> None:
        """Do the change again that was taken back last."""
        self._end_stroke()
        if self._redo:
            self._undo.append(self._state)
            self._show(self._redo.pop())

    def picture(self) -> QImage:
        """The sheet as the network reads it: grey, :data:`READ_SIDE` pixels square, without marks.

        Beside a picture below, the paper is as dark as that one's edge: of a dark picture on white paper the whole
        rectangle would be ink.
        """
        if self._picture is None:
            self._picture = self._sheet(self._read, self._edge)
        return self._picture

    def large(self, side: int) -> QImage:
        """The sheet for a file or the clipboard, ``side`` pixels square."""
        layer = InkLayer(side)
        layer.show(self._all())
        return self._sheet(layer)

    def set_marks(self, marks: Sequence[Mark]) -> None:
        """Frame what was found."""
        self._marks = tuple(marks)
        self.update()

    # Drawing

    def begin(self, x: float, y: float, pressure: float = 1.0) -> None:
        """Set the pen down at a place of the sheet (0 to 1)."""
        self._end_stroke()
        self._growing = [point(x, y, pressure)]
        self._grow(0)

    def draw_to(self, x: float, y: float, pressure: float = 1.0) -> None:
        """Draw on to a place of the sheet."""
        if not self._growing or len(self._growing) >= MOST_POINTS // 8:
            return
        x, y, pressure = point(x, y, pressure)
        last = self._growing[-1]
        if abs(last[0] - x) + abs(last[1] - y) < 0.001:
            return
        self._growing.append((x, y, pressure))
        self._grow(len(self._growing) - 1)

    def lift(self) -> None:
        """Lift the pen: the stroke is complete."""
        self._end_stroke()

    def _stroke(self) -> Stroke:
        width = min(WIDEST, max(THINNEST, self.pen_width * (2 if self.erasing else 1)))
        return Stroke(tuple(self._growing), width, self.erasing)

    def _all(self) -> Drawing:
        return (*self._state.drawing, self._stroke()) if self._growing else self._state.drawing

    def _grow(self, first: int) -> None:
        stroke = self._stroke()
        for layer in (self._read, self._seen):
            layer.extend(stroke, first)
        self._picture = None
        self._marks = ()
        self.update()
        self.changed.emit()

    def _end_stroke(self) -> None:
        if not self._growing:
            return
        stroke = self._stroke()
        self._growing = []
        self._remember()
        self._state = _State((*self._state.drawing, stroke), self._state.under)
        self.changed.emit()
        self.finished.emit()

    def _remember(self) -> None:
        self._undo = [*self._undo, self._state][-MAX_UNDO:]
        self._redo.clear()

    def _do(self, state: _State) -> None:
        self._end_stroke()
        self._remember()
        self._show(state)

    def _show(self, state: _State) -> None:
        if state.under is not self._state.under:
            self._edge = PAPER if state.under is None else edge_colour(state.under)
        self._state = state
        self._picture = None
        self._marks = ()
        for layer in (self._read, self._seen):
            layer.show(state.drawing)
        self.update()
        self.changed.emit()
        self.finished.emit()

    # Painting

    def _sheet(self, layer: InkLayer, paper: QColor = PAPER) -> QImage:
        side = layer.side
        image = QImage(side, side, QImage.Format.Format_RGB32)
        image.fill(paper)
        painter = QPainter(image)
        if self._state.under is not None:
            lay_under(painter, self._state.under, side)
        painter.drawImage(0, 0, layer.image)
        painter.end()
        return image.convertToFormat(QImage.Format.Format_Grayscale8)

    def sheet_rect(self) -> QRectF:
        """Where the sheet lies in the widget."""
        side = float(min(self.width(), self.height())) - 4
        return QRectF((self.width() - side) / 2, (self.height() - side) / 2, side, side)

    def sizeHint(self) -> QSize:
        return QSize(480, 480)

    def minimumSizeHint(self) -> QSize:
        return QSize(240, 240)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._seen = InkLayer(max(16, round(self.sheet_rect().width() * self.devicePixelRatioF())))
        self._seen.show(self._all())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        rect = self.sheet_rect()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(theme().tokens.border), 1))
        painter.setBrush(PAPER)
        painter.drawRoundedRect(rect, 8, 8)
        if self._state.under is not None:
            painter.save()
            inner = rect.adjusted(1, 1, -1, -1)
            painter.setClipRect(inner)
            scale = inner.width() / max(self._state.under.width(), self._state.under.height())
            size = self._state.under.size() * scale
            place = QRectF(0, 0, size.width(), size.height())
            place.moveCenter(inner.center())
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawImage(place, self._state.under)
            painter.restore()
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(rect, self._seen.image, QRectF(self._seen.image.rect()))
        if self.blank and self.hint:
            painter.setPen(QColor(LIGHT.secondary))
            painter.setFont(theme().font("title"))
            flags = int(Qt.AlignmentFlag.AlignCenter) | int(Qt.TextFlag.TextWordWrap)
            painter.drawText(rect.adjusted(32, 32, -32, -32), flags, self.hint)
        self._paint_marks(painter, rect)
        if self.hasFocus():
            draw_focus_ring(painter, self, 8) if rect.width() + 8 > self.width() else self._ring(painter, rect)
        if self._hover is not None and self.erasing:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(LIGHT.secondary), 1))
            radius = self.pen_width * rect.width()
            painter.drawEllipse(self._hover, radius, radius)

    def _ring(self, painter: QPainter, rect: QRectF) -> None:
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(QColor(theme().tokens.accent), 2))
        painter.drawRoundedRect(rect, 8, 8)

    def _paint_marks(self, painter: QPainter, rect: QRectF) -> None:
        font = QFont(theme().font("text"))
        font.setWeight(QFont.Weight.DemiBold)
        painter.setFont(font)
        metrics = painter.fontMetrics()
        for mark in self._marks:
            box = self._on_screen(mark.rect, rect)
            # The sheet is light in both themes, so its marks are the light theme's.
            painter.setPen(QPen(QColor(LIGHT.accent if mark.chosen else LIGHT.secondary), 2 if mark.chosen else 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(box, 4, 4)
            width = metrics.horizontalAdvance(mark.word) + 10
            label = QRectF(box.left(), max(rect.top(), box.top() - metrics.height() - 2), width, metrics.height() + 2)
            painter.setBrush(QColor(LIGHT.accent if mark.chosen else LIGHT.secondary))
            painter.drawRoundedRect(label, 4, 4)
            painter.setPen(PAPER)
            painter.drawText(label, Qt.AlignmentFlag.AlignCenter, mark.word)

    def _on_screen(self, part: QRectF, rect: QRectF) -> QRectF:
        side = rect.width()
        box = QRectF(rect.x() + part.x() * side, rect.y() + part.y() * side, part.width() * side, part.height() * side)
        return box.adjusted(-5, -5, 5, 5).intersected(rect)

    # Mouse, pen, fingers, keys

    def _place(self, at: QPointF) -> tuple[float, float]:
        rect = self.sheet_rect()
        return (at.x() - rect.x()) / rect.width(), (at.y() - rect.y()) / rect.height()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton or self._by_pen:
            return
        self._press(event.position())

    def _press(self, at: QPointF, pressure: float = 1.0) -> None:
        """Mouse, pen or finger come down: on a mark's word they choose it, elsewhere on the sheet they draw."""
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        if not self.sheet_rect().contains(at):
            return
        number = self._label_at(at)
        if number is not None:
            self.mark_chosen.emit(number)
        else:
            self.begin(*self._place(at), pressure)

    def _label_at(self, at: QPointF) -> int | None:
        """The mark whose word lies at a place: frames may be drawn over, their words are buttons."""
        rect = self.sheet_rect()
        height = self.fontMetrics().height() + 2
        for number, mark in enumerate(self._marks):
            box = self._on_screen(mark.rect, rect)
            width = self.fontMetrics().horizontalAdvance(mark.word) + 12
            if QRectF(box.left(), max(rect.top(), box.top() - height), width, height).contains(at):
                return number
        return None

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._by_pen:
            return
        if self.erasing or self._hover is not None:
            self._hover = event.position() if self.erasing else None
            self.update()
        if event.buttons() & Qt.MouseButton.LeftButton:
            self.draw_to(*self._place(event.position()))
        else:
            over = self._label_at(event.position()) is not None
            self.setCursor(Qt.CursorShape.PointingHandCursor if over else Qt.CursorShape.CrossCursor)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and not self._by_pen:
            self.lift()

    def leaveEvent(self, event: QEvent) -> None:
        self._hover = None
        self.update()
        super().leaveEvent(event)

    def tabletEvent(self, event: QTabletEvent) -> None:
        """A pen: its pressure makes the stroke wider, its other end rubs out."""
        kind = event.type()
        pressure = min(1.0, max(0.0, event.pressure())) if self.use_pressure and _has_pressure(event) else 1.0
        if kind == QEvent.Type.TabletPress and event.button() == Qt.MouseButton.LeftButton:
            self._by_pen = True
            self._was_erasing = self.erasing
            self.erasing = self.erasing or event.pointerType() == QPointingDevice.PointerType.Eraser
            self._press(event.position(), pressure)
        elif kind == QEvent.Type.TabletMove and self._by_pen:
            self.draw_to(*self._place(event.position()), pressure)
        elif kind == QEvent.Type.TabletRelease and self._by_pen:
            self.lift()
            self.erasing = self._was_erasing
            self._by_pen = False
        event.accept()

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QTouchEvent) and not self._by_pen:
            return self._touch(event)
        return super().event(event)

    def _touch(self, event: QTouchEvent) -> bool:
        """The first finger draws; a second one is a hand laid on the screen and draws nothing."""
        event.accept()
        if event.type() == QEvent.Type.TouchCancel:
            self._finger = None
            self.lift()
            return True
        if event.type() == QEvent.Type.TouchBegin and event.points():
            first = event.points()[0]
            self._finger = first.id()
            self._press(first.position())
            return True
        own = next((finger for finger in event.points() if finger.id() == self._finger), None)
        if own is not None:
            self.draw_to(*self._place(own.position()))
        if event.type() == QEvent.Type.TouchEnd or (own is not None and own.state() == QEventPoint.State.Released):
            self._finger = None
            self.lift()
        return True

    def keyPressEvent(self, event: QKeyEvent) -> None:
        plain = event.modifiers() in (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.KeypadModifier)
        shifted = event.modifiers() == Qt.KeyboardModifier.ShiftModifier  # a label may be a capital letter
        if event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace) and plain:
            self.clear()
        elif event.key() == Qt.Key.Key_Escape and self._growing:
            self.lift()
            self.undo()
        elif plain and event.key() in (Qt.Key.Key_Left, Qt.Key.Key_Right) and self._marks:
            self.step_wanted.emit(1 if event.key() == Qt.Key.Key_Right else -1)
        elif (plain or shifted) and event.text().isprintable() and event.text().strip():
            if not event.isAutoRepeat():  # a key held down a little long is meant once
                self.key_typed.emit(event.text())
        else:
            super().keyPressEvent(event)


def _has_pressure(event: QTabletEvent) -> bool:
    return bool(event.device().capabilities() & QInputDevice.Capability.Pressure)


__all__ = ["INK", "READ_SIDE", "DrawingCanvas", "Mark"]
