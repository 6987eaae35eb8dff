"""What every page of the wizard has: a question, a sentence below it, and its content."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QHBoxLayout,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
    QWizardPage,
)

from desktop.ui.kit.theme import DARK, theme
from desktop.ui.kit.widgets import make_label
from desktop.ui.train.wizard.state import WizardState


class WizardPage(QWizardPage):
    """``question`` is the page's title, ``intro`` one sentence; subclasses fill :attr:`body`."""

    def __init__(self, state: WizardState, step: str, question: str, intro: str) -> None:
        super().__init__()
        self.state = state
        self.step = step
        self.setAccessibleName(question)
        self.heading = make_label(question, "answer", wrap=True)
        self.intro = make_label(intro, "secondary", wrap=True)
        self.body = QVBoxLayout()
        self.body.setSpacing(12)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(24, 16, 24, 8)
        layout.setSpacing(6)
        layout.addWidget(self.heading)
        layout.addWidget(self.intro)
        layout.addSpacing(6)
        layout.addLayout(self.body, 1)

    @property
    def current(self) -> bool:
        """Whether the wizard is at this page; what is costly to show can wait until then."""
        wizard = self.wizard()
        return wizard is None or wizard.currentPage() is self

    def settled(self) -> bool:
        """Whether all that the page shows has come; for pictures of it."""
        return True


def row(*parts: QWidget, stretch: bool = True, spacing: int = 8) -> QHBoxLayout:
    """Widgets beside each other."""
    line = QHBoxLayout()
    line.setSpacing(spacing)
    for part in parts:
        line.addWidget(part)
    if stretch:
        line.addStretch(1)
    return line


class Folded(QWidget):
    """Details that open with a click: ``title`` on the button, ``content`` below it."""

    def __init__(self, title: str, content: QWidget, opened: bool = False) -> None:
        super().__init__()
        self._button = QToolButton()
        self._button.setText(title)
        self._button.setCheckable(True)
        self._button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self._button.setIconSize(QSize(16, 16))
        self._content = content
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addWidget(self._button, 0, Qt.AlignmentFlag.AlignLeft)
        layout.addWidget(content, 1)
        self._button.toggled.connect(self._toggle)
        theme().changed.connect(self._dress)
        self._button.setChecked(opened)
        self._toggle(opened)

    def _toggle(self, opened: bool) -> None:
        self._content.setVisible(opened)
        self._dress()

    def _dress(self) -> None:
        self._button.setIcon(theme().icon("chevron-down" if self._button.isChecked() else "chevron-right", 16))


class Pixels(QWidget):
    """One small picture on the picture ground, as large as fits: whole device pixels each where it is enlarged."""

    def __init__(self, name: str, side: int = 96) -> None:
        super().__init__()
        self._image: QImage | None = None
        self._broken = False
        self._side = side
        self.setAccessibleName(name)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(48, 48)

    def sizeHint(self) -> QSize:
        return QSize(self._side, self._side)

    def set_image(self, image: QImage | None) -> None:
        """Show ``image``; ``None`` empties the place."""
        self._image, self._broken = image, False
        self.update()

    def set_broken(self) -> None:
        """Show that there is no picture to show."""
        self._image, self._broken = None, True
        self.update()

    @property
    def image(self) -> QImage | None:
        """What is shown."""
        return self._image

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), theme().tokens.picture_ground)
        if self._image is None or self._image.isNull():
            if self._broken:
                theme().icon("error", 24, DARK.wrong).paint(painter, self.rect().adjusted(8, 8, -8, -8))
            return
        ratio = self.devicePixelRatioF()
        room = self.size() * ratio
        scale = min(room.width() / self._image.width(), room.height() / self._image.height())
        if scale >= 2:
            scale = float(int(scale))  # squares, all alike
        size = QSize(max(1, round(self._image.width() * scale)), max(1, round(self._image.height() * scale)))
        mode = Qt.TransformationMode.FastTransformation if scale >= 2 else Qt.TransformationMode.SmoothTransformation
        shown = self._image.scaled(size, Qt.AspectRatioMode.IgnoreAspectRatio, mode)
        shown.setDevicePixelRatio(ratio)
        left, top = (
            round((a - b) / 2 / ratio) for a, b in ((room.width(), size.width()), (room.height(), size.height()))
        )
        painter.drawImage(left, top, shown)


def inset(box: QAbstractSpinBox) -> None:
    """Keep the number away from the box's edge."""
    box.lineEdit().setTextMargins(6, 0, 0, 0)


def link(text: str) -> QPushButton:
    """A button that looks like a link."""
    button = QPushButton(text)
    button.setProperty("role", "link")
    return button
