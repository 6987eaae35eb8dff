"""Small things that several widgets share: labels, sentences, pictures from arrays, the focus ring."""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QLocale, QObject, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPen
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QLabel,
    QLayout,
    QLineEdit,
    QPushButton,
    QSpacerItem,
    QWidget,
)

from desktop.system import words
from desktop.ui.kit.theme import theme

if TYPE_CHECKING:
    import numpy as np

_OWN_TIP = "own_tip"  # a property: what a control's tool tip says where it can be used


def make_label(text: str = "", role: str = "", *, wrap: bool = False, selectable: bool = False) -> QLabel:
    """A label of plain text in a role of the stylesheet (``secondary``, ``answer``, ``caution`` …).

    Plain on purpose: class names and file names are written by others and must not be read as markup.
    """
    label = QLabel(text)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setWordWrap(wrap)
    if selectable:
        flags = Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        label.setTextInteractionFlags(flags)
    # A label is a frame too: without this the ground and border of a framed caution would be drawn around its words.
    label.setStyleSheet("border: none; background: transparent;")
    if role:
        label.setProperty("role", role)
    return label


def accept_or_cancel(dialog: QDialog, words: str) -> tuple[QDialogButtonBox, QPushButton]:
    """The buttons of a dialog that does one thing: the one that does it, with ``words`` on it, and Cancel.

    Returns the box, whose ``accepted`` is the caller's to connect, and the first button."""
    box = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
    button = box.addButton(words, QDialogButtonBox.ButtonRole.AcceptRole)
    button.setProperty("role", "primary")
    box.rejected.connect(dialog.reject)
    return box, button


def tip(text: str) -> str:
    """``text`` for a tool tip, shown as it stands: Qt reads as markup whatever looks like it, and class names, file
    names and models' cards are written by others."""
    if "<" not in text and "&" not in text:
        return text
    return f'<p style="white-space: pre">{escape(text, quote=False)}</p>'


def set_usable(control: QWidget, usable: bool, why: str) -> None:
    """Enable a control, or grey it and have its tool tip say ``why``; its own tool tip is back when it can be used."""
    held = control.property(_OWN_TIP)
    own = held if isinstance(held, str) else control.toolTip()
    control.setProperty(_OWN_TIP, own)
    control.setEnabled(usable)
    control.setToolTip(own if usable else tip(why))


def breakable(text: str) -> str:
    """``text`` with places at which an address or a checksum may go on in the next line."""
    return re.sub(r"(?<=[/_.-])(?=\w)|(?<![0-9a-f])([0-9a-f]{16})(?=[0-9a-f])", "\\1\u200b", text)


def caption(text: str) -> str:
    """``text`` for a button or a menu, where a single ampersand would be taken for the mark of a key."""
    return text.replace("&", "&&")


class Sign(QLabel):
    """A small icon in one of the theme's colours (``tone`` names the token); redrawn when these change."""

    def __init__(self, icon: str, tone: str, said: str) -> None:
        super().__init__()
        self._icon, self._tone = icon, tone
        self.setStyleSheet("border: none; background: transparent;")
        self.setFixedSize(QSize(18, 18))
        self.setAccessibleName(said)
        theme().changed.connect(self._draw)
        self._draw()

    def set_sign(self, icon: str, tone: str) -> None:
        """Show another icon, or another colour."""
        self._icon, self._tone = icon, tone
        self._draw()

    def _draw(self) -> None:
        colour = getattr(theme().tokens, self._tone)
        self.setPixmap(theme().icon(self._icon, 18, colour).pixmap(QSize(18, 18), self.devicePixelRatioF()))


def put_beside(layout: QHBoxLayout, sign: Sign, body: QWidget) -> None:
    """Lay out ``body`` with its sign before it, at its first line."""
    layout.setSpacing(8)
    layout.addWidget(sign, 0, Qt.AlignmentFlag.AlignTop)
    layout.addWidget(body, 1)


def hint_in(field: QLineEdit, text: str) -> None:
    """Give an empty field ``text`` to show, and the room for it."""
    field.setPlaceholderText(text)
    field.setMinimumWidth(field.fontMetrics().horizontalAdvance(text) + 24)


def at_least(dialog: QWidget, width: int) -> None:
    """Make ``dialog``, whose layout is there, no narrower than ``width`` and no narrower than what is in it needs: a
    fixed minimum would switch off what Qt keeps free for longer words. :func:`roomy` is done as well."""
    layout = dialog.layout()
    if layout is not None:
        layout.addItem(QSpacerItem(theme().scaled(width), 0))
        layout.setSizeConstraint(QLayout.SizeConstraint.SetMinimumSize)
    roomy(dialog)


def first_size(dialog: QWidget, width: int, height: int = 0) -> None:
    """Open ``dialog`` as large as designed for text of the usual size, larger for larger text, and no larger than the
    screen; without ``height`` as high as it asks for. :func:`roomy` is done as well."""
    screen = dialog.screen()
    room = screen.availableSize() if screen is not None else QSize(width, height)
    wide = max(width, min(theme().scaled(width), room.width() - 80))
    high = max(height, min(theme().scaled(height), room.height() - 80)) if height else dialog.sizeHint().height()
    dialog.resize(wide, high)
    roomy(dialog)


def roomy(dialog: QWidget) -> None:
    """Make ``dialog`` grow while its wrapped texts need more lines than it is high: Qt's layouts ask for the height of
    a text at its own favourite width, not at the width that it gets."""
    dialog.installEventFilter(_Grower(dialog))


class _Grower(QObject):
    """Watches one dialog."""

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Grow when it is shown, when it was made narrower, and when its words have changed."""
        if event.type() in (QEvent.Type.Show, QEvent.Type.Resize, QEvent.Type.LayoutRequest):
            dialog = self.parent()
            layout = dialog.layout() if isinstance(dialog, QWidget) else None
            if isinstance(dialog, QWidget) and isinstance(layout, QLayout) and layout.hasHeightForWidth():
                need = layout.totalMinimumHeightForWidth(dialog.width())
                if dialog.height() < need:
                    dialog.resize(dialog.width(), need)
        return False


def set_role(widget: QWidget, role: str) -> None:
    """Give ``widget`` another role of the stylesheet, at once."""
    if widget.property("role") == role:
        return
    widget.setProperty("role", role)
    style = widget.style()
    style.unpolish(widget)
    style.polish(widget)


def sentence(text: str) -> str:
    """``text`` as a sentence: a capital first letter and a full stop.

    The first word stays as it is where it is a name ('img.png …'): only a plain word is capitalised.
    """
    text = words.worded(text).strip()
    if not text:
        return ""
    first = text.split(maxsplit=1)[0]
    if first.isalpha() and first.islower():
        text = text[0].upper() + text[1:]
    return text if text[-1] in ".!?…:。！？：" else text + ("。" if words.language().startswith(("ja", "zh")) else ".")


def decimals(value: float, places: int = 3) -> str:
    """``value`` with a fixed number of decimals, in the user's way of writing numbers."""
    return QLocale().toString(float(value), "f", places)


def count(value: int) -> str:
    """A whole number with the user's group separators."""
    return QLocale().toString(int(value))


def image_of(pixels: np.ndarray) -> QImage:
    """A picture that owns its memory, from uint8 (H, W), (H, W, 1) or (H, W, 3).

    Raises :class:`ValueError` for any other shape or type.
    """
    if pixels.dtype != "uint8" or pixels.ndim not in (2, 3) or (pixels.ndim == 3 and pixels.shape[2] not in (1, 3)):
        raise ValueError(f"found {pixels.dtype} of shape {pixels.shape}; expected uint8 (H, W), (H, W, 1) or (H, W, 3)")
    height, width = pixels.shape[:2]
    grey = pixels.ndim == 2 or pixels.shape[2] == 1
    step = 1 if grey else 3
    if not pixels.flags.c_contiguous:
        pixels = pixels.copy(order="C")
    form = QImage.Format.Format_Grayscale8 if grey else QImage.Format.Format_RGB888
    # The stride is given because Qt would assume rows padded to four bytes; the copy, because QImage would
    # otherwise look into memory that Python may free.
    return QImage(pixels.data, width, height, width * step, form).copy()


def grey_of(image: QImage) -> np.ndarray:
    """The image in grey, uint8 (H, W): the way back from :func:`image_of`."""
    import numpy as np  # not with the window: it starts without

    grey = image.convertToFormat(QImage.Format.Format_Grayscale8)
    rows = np.frombuffer(grey.constBits(), np.uint8).reshape(grey.height(), grey.bytesPerLine())
    return rows[:, : grey.width()].copy()


def draw_focus_ring(painter: QPainter, widget: QWidget, radius: float = 8.0) -> None:
    """The 2 px ring that shows where the keyboard is, just inside ``widget``."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(QColor(theme().tokens.accent), 2))
    painter.drawRoundedRect(QRectF(widget.rect()).adjusted(1, 1, -1, -1), radius, radius)
