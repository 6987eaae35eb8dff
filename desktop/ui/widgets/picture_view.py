"""The picture: fitted or at any zoom, panned and pinched, its pixels as squares when enlarged."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QAccessible,
    QAccessibleEvent,
    QBrush,
    QColor,
    QImage,
    QInputDevice,
    QKeyEvent,
    QMouseEvent,
    QNativeGestureEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPixmap,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QGestureEvent, QPinchGesture, QSizePolicy, QWidget

from desktop.ui.kit.theme import DARK, theme
from desktop.ui.kit.widgets import decimals, draw_focus_ring
from desktop.ui.widgets._pyramid import Pyramid

MAX_ZOOM = 64.0
_STEP = 1.25
_SQUARES_ABOVE = 2.0
_MARGIN = 12
_SMOOTH_UP_TO = 2_000_000


class PictureView(QWidget):
    """Shows one picture on the dark ground of both themes.

    ``zoom`` counts device pixels for one pixel of the picture: 1.0 is 100 % on every screen. Until the user zooms,
    the picture is fitted and stays so when the window changes. ``zoom_changed`` carries the zoom;
    ``pixel_hovered`` the column, row and value under the pointer (-1, -1 and '' when it leaves). While it is one of
    several frames (:meth:`set_stepping`) the wheel and the arrows up and down ask for others with ``stepped``, which
    carries how many on; with Ctrl the wheel zooms.
    """

    zoom_changed = Signal(float)
    stepped = Signal(int)
    pixel_hovered = Signal(int, int, str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._pyramid = Pyramid(self)
        self._pyramid.grown.connect(self.update)
        self._size = QSize()
        self._message = ""
        self._stepping = False
        self._turned = 0  # of the wheel, in eighths of a degree, below a step
        self._zoom = 1.0
        self._fitted = True
        self._centre = QPointF()
        self._drag: QPointF | None = None
        self._checks: QPixmap | None = None
        self._name = self.tr("Picture")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self._layer: tuple[QImage, tuple[float, float, float, float], float] | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(120, 90)
        self.grabGesture(Qt.GestureType.PinchGesture)
        theme().changed.connect(self.update)
        self._describe()

    # What is shown

    def set_image(self, image: QImage | None, original_size: tuple[int, int] | None = None) -> None:
        """Show ``image``, fitted; ``None`` empties the view.

        ``original_size`` (width, height in pixels) is given where ``image`` is a reduced copy: zoom and positions
        then count the original's pixels. A better copy of the same picture keeps zoom and position: use
        :meth:`refine` for that.
        """
        self._take(image, original_size)
        self._fitted = True
        self._centre = QPointF(self._size.width() / 2, self._size.height() / 2)
        self._zoom = self._fit_zoom()
        self._after_change()

    def refine(self, image: QImage, original_size: tuple[int, int] | None = None) -> None:
        """Replace the shown copy by a better one of the same picture; zoom and position stay."""
        before = self._size
        self._take(image, original_size)
        if self._size != before:
            self._fitted = True
            self._centre = QPointF(self._size.width() / 2, self._size.height() / 2)
        self._after_change()

    def set_layer(self, layer: QImage | None, box: tuple[float, float, float, float], opacity: float) -> None:
        """Lay ``layer`` over the part ``box`` (left, top, right, bottom, in fractions of the picture) at ``opacity`` 0
        to 1; what lies outside of the box is darkened. ``None`` takes it away."""
        self._layer = (layer, box, opacity) if layer is not None else None
        self.update()

    def set_stepping(self, several: bool) -> None:
        """Whether the picture is one of several frames."""
        self._stepping, self._turned = several, 0

    def set_message(self, text: str) -> None:
        """Words in place of a picture (nothing chosen, cannot be opened); '' for none. A picture goes before them."""
        self._message = text
        self._describe()
        self.update()

    @property
    def has_image(self) -> bool:
        """Whether there is a picture."""
        return self._pyramid.image is not None

    @property
    def zoom(self) -> float:
        """Device pixels for one pixel of the picture."""
        return self._zoom

    @property
    def is_fitted(self) -> bool:
        """Whether the picture follows the size of the view."""
        return self._fitted

    # Zoom

    def fit(self) -> None:
        """Show the whole picture, and keep doing so when the view changes its size."""
        self._fitted = True
        self._centre = QPointF(self._size.width() / 2, self._size.height() / 2)
        self._after_change()

    def actual_size(self) -> None:
        """100 %: one pixel of the picture on one pixel of the screen."""
        self.set_zoom(1.0)

    def zoom_in(self) -> None:
        """One step nearer, about the middle."""
        self.set_zoom(self._stepped(_STEP))

    def zoom_out(self) -> None:
        """One step farther, about the middle."""
        self.set_zoom(self._stepped(1 / _STEP))

    def set_zoom(self, zoom: float, anchor: QPointF | None = None) -> None:
        """Set the zoom, kept between the fitted size (or 100 %) and 6,400 %; ``anchor`` (view position) stays put."""
        if not self.has_image:
            return
        zoom = min(max(zoom, min(self._fit_zoom(), 1.0)), MAX_ZOOM)
        anchor = anchor if anchor is not None else QPointF(self.width() / 2, self.height() / 2)
        held = self.to_picture(anchor)
        self._zoom = zoom
        self._fitted = False
        ratio = self.devicePixelRatioF()
        middle = QPointF(self.width() / 2, self.height() / 2)
        self._centre = held - (anchor - middle) * (ratio / zoom)
        self._after_change()

    def to_picture(self, position: QPointF) -> QPointF:
        """The position in the picture (in its pixels) under a position in the view."""
        middle = QPointF(self.width() / 2, self.height() / 2)
        return self._centre + (position - middle) * (self.devicePixelRatioF() / self._zoom)

    def picture_size(self) -> QSize:
        """The picture's own size in pixels."""
        return QSize(self._size)

    def picture_rect(self) -> QRectF:
        """Where the whole picture lies, in the view's coordinates; it may reach far outside."""
        ratio = self.devicePixelRatioF()
        scale = self._zoom / ratio
        middle = QPointF(self.width() / 2, self.height() / 2)
        corner = middle - self._centre * scale
        # On a device pixel, so that 100 % really maps pixel to pixel.
        corner = QPointF(round(corner.x() * ratio) / ratio, round(corner.y() * ratio) / ratio)
        return QRectF(corner.x(), corner.y(), self._size.width() * scale, self._size.height() * scale)

    def _stepped(self, factor: float) -> float:
        """The next zoom; 100 % is never jumped over."""
        target = self._zoom * factor
        return 1.0 if (self._zoom < 1.0 < target) or (self._zoom > 1.0 > target) else target

    def _fit_zoom(self) -> float:
        if self._size.isEmpty():
            return 1.0
        ratio = self.devicePixelRatioF()
        width = max(1.0, (self.width() - 2 * _MARGIN) * ratio)
        height = max(1.0, (self.height() - 2 * _MARGIN) * ratio)
        zoom = min(width / self._size.width(), height / self._size.height(), MAX_ZOOM)
        # Small pictures are enlarged in whole steps: uneven squares would look like a fault of the picture.
        return float(int(zoom)) if zoom > _SQUARES_ABOVE else zoom

    def _take(self, image: QImage | None, original_size: tuple[int, int] | None) -> None:
        if image is not None and image.isNull():
            image = None
        self._size = QSize() if image is None else QSize(*original_size) if original_size else image.size()
        self._drag = None
        self._pyramid.set_image(image)

    def _after_change(self) -> None:
        before = self._zoom
        if self._fitted:
            self._zoom = self._fit_zoom()
        self._keep_in_sight()
        if self.has_image:
            self.setCursor(Qt.CursorShape.OpenHandCursor if self._can_pan() else Qt.CursorShape.ArrowCursor)
        else:
            self.unsetCursor()
        self._describe()
        self.update()
        if abs(before - self._zoom) > 1e-9 or self._announced != self._zoom:
            self._announced = self._zoom
            self.zoom_changed.emit(self._zoom)

    _announced = -1.0

    def _keep_in_sight(self) -> None:
        """Centre a direction in which the picture is smaller than the view; else let no border come inside."""
        scale = self._zoom / self.devicePixelRatioF()

        def kept(centre: float, length: int, room: int) -> float:
            half = room / 2 / scale
            return length / 2 if half * 2 >= length else min(max(centre, half), length - half)

        self._centre = QPointF(
            kept(self._centre.x(), self._size.width(), self.width()),
            kept(self._centre.y(), self._size.height(), self.height()),
        )

    def _can_pan(self) -> bool:
        rect = self.picture_rect()
        return rect.width() > self.width() + 0.5 or rect.height() > self.height() + 0.5

    def pan(self, dx: float, dy: float) -> None:
        """Move the picture by so many pixels of the view."""
        self._centre -= QPointF(dx, dy) * (self.devicePixelRatioF() / self._zoom)
        self._keep_in_sight()
        self.update()

    def _describe(self) -> None:
        if self.has_image:
            text = self.tr("{width} × {height} pixels, shown at {zoom} %").format(
                width=self._size.width(), height=self._size.height(), zoom=decimals(self._zoom * 100, 0)
            )
        else:
            text = self._message or self.tr("No picture")
        self.setAccessibleName(self._name)
        if text != self.accessibleDescription():
            self.setAccessibleDescription(text)
            if QAccessible.isActive():
                QAccessible.updateAccessibility(QAccessibleEvent(self, QAccessible.Event.DescriptionChanged))

    # Painting

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(theme().tokens.picture_ground))
        if self.has_image:
            self._paint_picture(painter, QRectF(event.rect()))
        elif self._message:
            # The ground is dark in both themes, and so the words are the dark theme's.
            painter.setPen(QColor(DARK.secondary))
            flags = int(Qt.AlignmentFlag.AlignCenter) | int(Qt.TextFlag.TextWordWrap)
            painter.drawText(self.rect().adjusted(24, 24, -24, -24), flags, self._message)
        if self.hasFocus():
            draw_focus_ring(painter, self, 0)

    def _paint_picture(self, painter: QPainter, exposed: QRectF) -> None:
        whole = self.picture_rect()
        seen = whole.intersected(exposed)
        full = self._pyramid.image
        if seen.isEmpty() or full is None:
            return
        reduced = full.width() / self._size.width()
        zoom = self._zoom / reduced
        level = self._pyramid.level_for(zoom) or full
        # Only whole pixels of the copy are asked for: half ones would shift the squares while panning.
        across, down = level.width() / whole.width(), level.height() / whole.height()
        left = int((seen.left() - whole.left()) * across)
        top = int((seen.top() - whole.top()) * down)
        right = min(level.width(), int((seen.right() - whole.left()) * across) + 2)
        bottom = min(level.height(), int((seen.bottom() - whole.top()) * down) + 2)
        source = QRectF(left, top, right - left, bottom - top)
        target = QRectF(
            whole.left() + left / across,
            whole.top() + top / down,
            (right - left) / across,
            (bottom - top) / down,
        )
        if full.hasAlphaChannel():
            self._paint_checks(painter, seen, whole.topLeft())
        smooth = zoom <= _SQUARES_ABOVE and abs(zoom - 1.0) > 1e-6
        # Smooth scaling far down reads every pixel of the copy: a second for a large one. Until a smaller copy is
        # there, a moment later, every so many-th pixel has to do.
        if across > 2.5 and (right - left) * (bottom - top) > _SMOOTH_UP_TO:
            smooth = False
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, smooth)
        painter.drawImage(target, level, source)
        if self._layer is not None:
            self._paint_layer(painter, whole)

    def _paint_layer(self, painter: QPainter, whole: QRectF) -> None:
        assert self._layer is not None
        layer, (left, top, right, bottom), opacity = self._layer
        place = QRectF(
            whole.left() + left * whole.width(),
            whole.top() + top * whole.height(),
            (right - left) * whole.width(),
            (bottom - top) * whole.height(),
        )
        painter.save()
        painter.setClipRect(whole)
        unseen = QPainterPath()
        unseen.addRect(whole)
        seen = QPainterPath()
        seen.addRect(place)
        painter.fillPath(unseen.subtracted(seen), QColor(0, 0, 0, 140))
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.setOpacity(opacity)
        painter.drawImage(place, layer, QRectF(layer.rect()))
        painter.restore()

    def _paint_checks(self, painter: QPainter, area: QRectF, origin: QPointF) -> None:
        """The checkerboard behind transparency."""
        if self._checks is None:
            self._checks = QPixmap(16, 16)
            self._checks.fill(QColor("#FFFFFF"))
            with QPainter(self._checks) as tile:
                tile.fillRect(0, 0, 8, 8, QColor("#D5D9E0"))
                tile.fillRect(8, 8, 8, 8, QColor("#D5D9E0"))
        painter.setBrushOrigin(origin)
        painter.fillRect(area, QBrush(self._checks))

    # Pointer and keyboard

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._after_change()

    def wheelEvent(self, event: QWheelEvent) -> None:
        if self._stepping and not event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self._turned -= event.angleDelta().y()
            steps = int(self._turned / 120)
            self._turned -= steps * 120
            if steps:
                self.stepped.emit(steps)
            event.accept()
            return
        if not self.has_image:
            event.ignore()
            return
        delta = event.pixelDelta()
        trackpad = event.device() is not None and event.device().type() == QInputDevice.DeviceType.TouchPad
        scrolled = not delta.isNull() and (trackpad or event.phase() != Qt.ScrollPhase.NoScrollPhase)
        if scrolled and not event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            # Two fingers move the picture; the pinch, which comes as a gesture, zooms it.
            self.pan(delta.x(), delta.y())
        elif event.angleDelta().y():
            self.set_zoom(self._zoom * _STEP ** (event.angleDelta().y() / 120), event.position())
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() in (Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton) and self._can_pan():
            self._drag = event.position()
            self.setCursor(Qt.CursorShape.ClosedHandCursor)
            event.accept()
        else:
            super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._drag is not None:
            step = event.position() - self._drag
            self._drag = event.position()
            self.pan(step.x(), step.y())
        self._tell_pixel(event.position())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._drag is not None:
            self._drag = None
            self.setCursor(Qt.CursorShape.OpenHandCursor)
        super().mouseReleaseEvent(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if self.has_image and event.button() == Qt.MouseButton.LeftButton:
            if self._fitted:
                self.set_zoom(1.0, event.position())
            else:
                self.fit()

    def leaveEvent(self, event: QEvent) -> None:
        self.pixel_hovered.emit(-1, -1, "")
        super().leaveEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = event.key()
        step = 10 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 60
        arrows: dict[int, QPoint] = {
            Qt.Key.Key_Left: QPoint(step, 0),
            Qt.Key.Key_Right: QPoint(-step, 0),
            Qt.Key.Key_Up: QPoint(0, step),
            Qt.Key.Key_Down: QPoint(0, -step),
        }
        steps: dict[int, int] = {
            Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1, Qt.Key.Key_PageUp: -10, Qt.Key.Key_PageDown: 10,
            Qt.Key.Key_Home: -1_000_000, Qt.Key.Key_End: 1_000_000,
        }  # fmt: skip
        if self._stepping and key in steps:
            self.stepped.emit(steps[key])
        elif self.has_image and key in arrows and self._can_pan():
            self.pan(arrows[key].x(), arrows[key].y())
        elif self.has_image and key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self.zoom_in()
        elif self.has_image and key in (Qt.Key.Key_Minus, Qt.Key.Key_Underscore):
            self.zoom_out()
        elif self.has_image and key == Qt.Key.Key_0:
            self.fit()
        elif self.has_image and key == Qt.Key.Key_1:
            self.actual_size()
        else:
            super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QNativeGestureEvent):
            if event.gestureType() == Qt.NativeGestureType.ZoomNativeGesture and self.has_image:
                self.set_zoom(self._zoom * (1 + event.value()), event.position())
                return True
        elif isinstance(event, QGestureEvent):
            pinch = event.gesture(Qt.GestureType.PinchGesture)
            if isinstance(pinch, QPinchGesture) and self.has_image:
                anchor = QPointF(self.mapFromGlobal(pinch.centerPoint().toPoint()))
                self.set_zoom(self._zoom * pinch.scaleFactor(), anchor)
                return True
        elif event.type() == QEvent.Type.DevicePixelRatioChange:
            self._after_change()
        return super().event(event)

    def _tell_pixel(self, position: QPointF) -> None:
        image = self._pyramid.image
        if image is None:
            return
        spot = self.to_picture(position)
        column, row = int(spot.x()), int(spot.y())
        if not (0 <= spot.x() < self._size.width() and 0 <= spot.y() < self._size.height()):
            self.pixel_hovered.emit(-1, -1, "")
            return
        colour = image.pixelColor(
            min(image.width() - 1, column * image.width() // self._size.width()),
            min(image.height() - 1, row * image.height() // self._size.height()),
        )
        grey = image.format() == QImage.Format.Format_Grayscale8
        value = f"{colour.red()}" if grey else f"{colour.red()} {colour.green()} {colour.blue()}"
        self.pixel_hovered.emit(column, row, value)
