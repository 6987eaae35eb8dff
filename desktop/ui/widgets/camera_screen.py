"""What a camera sees, as large as there is room; and the sign that it is on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from desktop.ui.kit.theme import theme

if TYPE_CHECKING:
    from desktop.engine.camera_messages import CameraFrame

GROUND = "#0E1013"
RECORDING = "#E5484D"


def image_of_frame(frame: CameraFrame) -> QImage:
    """The frame as a picture that owns its memory."""
    from desktop.engine.camera_messages import OFFSET

    rows = memoryview(frame.bmp)[OFFSET:]
    return QImage(rows, frame.width, frame.height, frame.stride, QImage.Format.Format_BGR888).copy()


class CameraScreen(QWidget):
    """The newest frame on the dark ground; words in its middle while there is none."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._image: QImage | None = None
        self._message = ""
        self.recording = False
        """Whether frames are being kept now: drawn as a red frame."""
        self.setMinimumSize(160, 120)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName(self.tr("What the camera sees"))

    @property
    def has_image(self) -> bool:
        """Whether a frame is shown."""
        return self._image is not None

    def show_frame(self, frame: CameraFrame | None) -> None:
        """Show a frame, or none."""
        self._image = image_of_frame(frame) if frame is not None else None
        self.update()

    def set_message(self, text: str) -> None:
        """The words in the middle."""
        if text != self._message:
            self._message = text
            self.setAccessibleDescription(text)
            self.update()

    def sizeHint(self) -> QSize:
        """A usual camera's."""
        return QSize(640, 480)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Ground, frame, words."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(GROUND))
        if self._image is not None:
            size = self._image.size().scaled(self.size(), Qt.AspectRatioMode.KeepAspectRatio)
            place = QRect(0, 0, size.width(), size.height())
            place.moveCenter(self.rect().center())
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawImage(place, self._image)
            if self.recording:
                painter.setPen(QColor(RECORDING))
                for inset in range(4):
                    painter.drawRect(place.adjusted(inset, inset, -inset - 1, -inset - 1))
        if self._message:
            painter.setFont(theme().font("text"))
            painter.setPen(QColor("#E9ECF1"))
            room = self.rect().adjusted(24, 24, -24, -24)
            flags = int(Qt.AlignmentFlag.AlignCenter) | int(Qt.TextFlag.TextWordWrap)
            painter.drawText(room, flags, self._message)
        painter.end()


class OnSign(QWidget):
    """A red dot and 'The camera is on', as long as it is."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._on = self._recording = False
        self.set_on(False)

    def set_on(self, on: bool, recording: bool = False) -> None:
        """Whether the camera is on, and whether frames are being kept."""
        self._on, self._recording = on, recording
        self.setVisible(on)
        self.setAccessibleName(self._words)
        self.updateGeometry()
        self.update()

    @property
    def is_on(self) -> bool:
        """Whether it says that the camera is on."""
        return self._on

    @property
    def _words(self) -> str:
        return self.tr("Recording") if self._recording else self.tr("The camera is on")

    def sizeHint(self) -> QSize:
        """Room for dot and words."""
        metrics = self.fontMetrics()
        widest = max(metrics.horizontalAdvance(words) for words in (self.tr("Recording"), self.tr("The camera is on")))
        return QSize(widest + 24, max(20, metrics.height()))

    def minimumSizeHint(self) -> QSize:
        """It is never cut off."""
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Dot and words."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(RECORDING))
        dot = QRect(0, 0, 10, 10)
        words = self.rect().adjusted(18, 0, 0, 0)
        right = self.layoutDirection() == Qt.LayoutDirection.RightToLeft
        if right:
            words = self.rect().adjusted(0, 0, -18, 0)
        dot.moveCenter(self.rect().center())
        dot.moveLeft(self.rect().right() - 12 if right else 2)
        painter.drawEllipse(dot)
        painter.setPen(QColor(theme().tokens.text))
        side = Qt.AlignmentFlag.AlignRight if right else Qt.AlignmentFlag.AlignLeft
        painter.drawText(words, side | Qt.AlignmentFlag.AlignVCenter, self._words)
        painter.end()
