"""The map of where a network looked as a picture of its own: over the picture, with its legend and what it is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QCoreApplication, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QImage, QPainter

from desktop.ui.kit.tabled import notice
from desktop.ui.kit.theme import DARK, theme
from desktop.ui.kit.widgets import image_of
from desktop.ui.widgets.heat import layer_of

if TYPE_CHECKING:
    from desktop.engine.messages import Explanation
    from desktop.store.manifest import Manifest

_SMALLEST = 560
_LARGEST = 2048
_MARGIN = 14
_BAR = 12


def heat_picture(picture: QImage, found: Explanation, manifest: Manifest, opacity: float) -> QImage:
    """``picture`` with the map ``found`` over it at ``opacity`` (0 to 1), and the legend below.

    Where the map lies on the network's input alone, that is the picture. Small ones are enlarged so that the words
    can be read.
    """
    ground, box = (picture, found.box) if found.box is not None else (image_of(found.prepared), (0.0, 0.0, 1.0, 1.0))
    size = _sized(ground.size())
    words = _words(found, manifest)
    width = max(size.width(), _SMALLEST)
    font = theme().font("text")
    metrics = QFontMetrics(font)
    text = QRect(_MARGIN, 0, width - 2 * _MARGIN, 10_000)
    flags = int(Qt.TextFlag.TextWordWrap)
    heights = [metrics.boundingRect(text, flags, line).height() + 4 for line in words]
    foot = _MARGIN + max(_BAR, metrics.height()) + 8 + sum(heights) + _MARGIN
    sheet = QImage(width, size.height() + foot, QImage.Format.Format_RGB32)
    sheet.fill(QColor(DARK.picture_ground))
    painter = QPainter(sheet)
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, size.width() < ground.width())
    place = QRect((width - size.width()) // 2, 0, size.width(), size.height())
    painter.drawImage(place, ground)
    left, top, right, bottom = box
    over = QRectF(
        place.left() + left * place.width(),
        place.top() + top * place.height(),
        (right - left) * place.width(),
        (bottom - top) * place.height(),
    )
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    painter.setClipRect(place)
    painter.setOpacity(opacity)
    painter.drawImage(over, layer_of(found.heat))
    painter.setOpacity(1.0)
    painter.setClipping(False)
    painter.setFont(font)
    painter.setPen(QColor(DARK.text))
    _draw_legend(painter, metrics, size.height() + _MARGIN)
    y = size.height() + _MARGIN + max(_BAR, metrics.height()) + 8
    for line, height in zip(words, heights, strict=True):
        painter.drawText(QRect(_MARGIN, y, width - 2 * _MARGIN, height), flags, line)
        y += height
    painter.end()
    return sheet


def _draw_legend(painter: QPainter, metrics: QFontMetrics, top: int) -> None:
    translate = QCoreApplication.translate
    low, high = translate("HeatPicture", "nothing"), translate("HeatPicture", "speaks most for the class")
    line = metrics.height()
    x = _MARGIN
    painter.drawText(x, top + metrics.ascent(), low)
    x += metrics.horizontalAdvance(low) + 8
    bar = QRect(x, top + (line - _BAR) // 2, 160, _BAR)
    painter.fillRect(bar, QColor("#000000"))
    painter.drawImage(bar, layer_of(np.linspace(0, 1, 64, dtype=np.float32)[np.newaxis]))
    painter.drawText(bar.right() + 9, top + metrics.ascent(), high)


def _words(found: Explanation, manifest: Manifest) -> list[str]:
    translate = QCoreApplication.translate
    how = {
        "cam": translate("HeatPicture", "class activation map"),
        "grad-cam": translate("HeatPicture", "Grad-CAM"),
        "occlusion": translate("HeatPicture", "occlusion"),
    }[found.method]
    told = translate("HeatPicture", "Bright: what speaks for ‘{0}’ ({1}, model {2})").format(
        manifest.labels[found.index], how, manifest.name
    )
    if found.done < found.total:
        told += " " + translate("HeatPicture", "– not finished: {0} of {1} parts").format(found.done, found.total)
    lines = [told, translate("HeatPicture", "It shows where the network looked, not that its answer is right.")]
    own = notice("medical") if manifest.medical else manifest.card.notice
    return [*lines, own] if own else lines


def _sized(size: QSize) -> QSize:
    longest = max(size.width(), size.height(), 1)
    factor = min(_LARGEST / longest, max(1.0, _SMALLEST / longest))
    return QSize(max(1, round(size.width() * factor)), max(1, round(size.height() * factor)))
