"""What the network saw: the prepared input itself, pixel for pixel, with what was done to get there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QLabel, QSizePolicy, QVBoxLayout, QWidget

from desktop.ui.kit.help_key import give_help
from desktop.ui.kit.theme import DARK, theme
from desktop.ui.kit.widgets import draw_focus_ring, first_size, image_of, make_label
from desktop.ui.widgets.picture_view import PictureView

if TYPE_CHECKING:
    import numpy as np

    from desktop.engine.messages import Prediction
    from desktop.store.manifest import Manifest

translate = QCoreApplication.translate


class PreparedView(QWidget):
    """The input in whole-number steps as square pixels, a title and the facts. A click or Enter enlarges it."""

    enlarged = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._facts: list[str] = []
        self._title = make_label(self.tr("What the network saw"), wrap=True)
        self._pixels = _Pixels(self)
        self._pixels.pressed.connect(self.enlarge)
        self._lines: list[QLabel] = []
        self._fact_box = QVBoxLayout()
        self._fact_box.setSpacing(2)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(5)
        layout.addWidget(self._title)
        layout.addWidget(self._pixels)
        layout.addLayout(self._fact_box)
        layout.addStretch(1)
        self.setMinimumWidth(theme().scaled(96))
        self.setAccessibleName(self.tr("What the network saw"))
        self.show_prepared(None, [])

    def show_prepared(self, array: np.ndarray | None, facts: Sequence[str]) -> None:
        """Show ``array``, uint8 (H, W, 1), (H, W, 3) or (H, W), with one line for each fact; ``None`` empties the view.

        Raises :class:`ValueError` for another shape or type.
        """
        self._facts = list(facts)
        image = None if array is None else image_of(array)
        self._pixels.set_image(image)
        while len(self._lines) < len(self._facts):
            self._lines.append(make_label("", "secondary", wrap=True))
            self._fact_box.addWidget(self._lines[-1])
        for number, line in enumerate(self._lines):
            line.setVisible(number < len(self._facts))
            line.setText(self._facts[number] if number < len(self._facts) else "")
        description = ", ".join(self._facts) if image is not None else self.tr("Nothing yet")
        self.setAccessibleDescription(description)
        self._pixels.setAccessibleDescription(description)

    def set_layer(self, layer: QImage | None, opacity: float) -> None:
        """Lay ``layer`` over the input at ``opacity`` 0 to 1; ``None`` takes it away."""
        self._pixels.layer = (layer, opacity) if layer is not None else None
        self._pixels.update()

    @property
    def image(self) -> QImage | None:
        """The input as a picture, one pixel a pixel."""
        return self._pixels.image

    def enlarge(self) -> None:
        """Show the input large, in a window of its own where it can be zoomed."""
        if self._pixels.image is None:
            return
        dialog = _Enlarged(self._pixels.image, self._facts, self.window())
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.enlarged.emit()
        dialog.open()


class _Pixels(QWidget):
    """The pixels alone. As wide as its parent lets it, as high as the pixels then need."""

    pressed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.image: QImage | None = None
        self.layer: tuple[QImage, float] | None = None
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.setAccessibleName(self.tr("Enlarge what the network saw"))
        theme().changed.connect(self.update)

    def set_image(self, image: QImage | None) -> None:
        self.image = image
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus if image is not None else Qt.FocusPolicy.NoFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor if image is not None else Qt.CursorShape.ArrowCursor)
        self.setToolTip(self.tr("Click to enlarge") if image is not None else "")
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(180, 180)

    def minimumSizeHint(self) -> QSize:
        return QSize(64, 64)

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        if self.image is None:
            return max(64, min(width, 180))
        return max(64, round(self._scaled(width, 1 << 20).height()) + 2 * _EDGE)

    def _scaled(self, width: float, height: float) -> QRectF:
        """The pixels' size in a room of ``width`` by ``height``: whole device pixels each, where they fit."""
        assert self.image is not None
        ratio = self.devicePixelRatioF()
        across = (width - 2 * _EDGE) * ratio / self.image.width()
        down = (height - 2 * _EDGE) * ratio / self.image.height()
        scale = max(min(across, down), 1 / max(self.image.width(), self.image.height()))
        if scale >= 1:
            scale = float(int(scale))
        return QRectF(0, 0, self.image.width() * scale / ratio, self.image.height() * scale / ratio)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(theme().tokens.picture_ground))
        if self.image is None:
            painter.setPen(QColor(DARK.secondary))
            flags = int(Qt.AlignmentFlag.AlignCenter) | int(Qt.TextFlag.TextWordWrap)
            painter.drawText(self.rect().adjusted(8, 8, -8, -8), flags, self.tr("Nothing yet"))
            return
        ratio = self.devicePixelRatioF()
        rect = self._scaled(self.width(), self.height())
        left = round((self.width() - rect.width()) / 2 * ratio) / ratio
        top = round((self.height() - rect.height()) / 2 * ratio) / ratio
        smooth = rect.width() * ratio < self.image.width() - 0.5
        source = self.image
        if smooth:
            size = QSize(max(1, round(rect.width() * ratio)), max(1, round(rect.height() * ratio)))
            mode = Qt.TransformationMode.SmoothTransformation
            source = source.scaled(size, Qt.AspectRatioMode.IgnoreAspectRatio, mode)
        painter.drawImage(rect.translated(left, top), source, QRectF(source.rect()))
        if self.layer is not None:
            layer, opacity = self.layer
            painter.setOpacity(opacity)
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawImage(rect.translated(left, top), layer, QRectF(layer.rect()))
            painter.setOpacity(1.0)
        if self.hasFocus():
            draw_focus_ring(painter, self, 0)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self.rect().contains(event.position().toPoint()):
            self.pressed.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.pressed.emit()
        else:
            super().keyPressEvent(event)


_EDGE = 8


class _Enlarged(QDialog):
    """The input in a zoomable view."""

    def __init__(self, image: QImage, facts: Sequence[str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("What the network saw"))
        give_help(self, "classify#what-the-network-saw")
        view = PictureView(self)
        view.set_image(image)
        lines = make_label(" · ".join(facts), "secondary", wrap=True, selectable=True)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 12, 12, 12)
        layout.setSpacing(12)
        layout.addWidget(view, 1)
        layout.addWidget(lines)
        layout.addWidget(buttons)
        view.setFocus()
        first_size(self, 720, 640)


def facts_of(prediction: Prediction, manifest: Manifest) -> list[str]:
    """What was done to the picture before the network saw it, one short line each.

    The first line is the size and colour of the input; then how the picture was fitted, and every notice of the
    preparing that went with it (inverted, cropped, enlarged …).
    """
    spec = manifest.preprocess
    colour = translate("PreparedView", "grey") if spec.colour == "grey" else translate("PreparedView", "colour")
    facts = [f"{spec.width}×{spec.height} · {colour}"]
    fits = {
        "stretch": translate("PreparedView", "stretched to fit"),
        "center_crop": translate("PreparedView", "cut from the middle"),
        "letterbox": translate("PreparedView", "whole picture, padded"),
        "mnist": translate("PreparedView", "ink found and centred"),
    }
    said = {"stretch": "stretched", "center_crop": "cropped", "letterbox": "padded", "mnist": "centred"}[spec.fit]
    codes = {notice.code for notice in prediction.notices}
    same = prediction.original_size == (spec.width, spec.height)
    if said not in codes and not (same and spec.fit != "mnist"):
        facts.append(fits[spec.fit])
    facts += [notice.text for notice in prediction.notices if notice.code in PREPARING_CODES]
    return facts


PREPARING_CODES = frozenset(
    {"grey", "grey-as-rgb", "stretched", "cropped", "padded", "enlarged", "extreme-shape"}
    | {"no-ink", "not-ink", "too-many", "inverted", "ruled", "despeckled", "stroke", "centred"}
)
"""Notices of the preparing, shown beside the input; the others are about the file and belong to the picture."""
