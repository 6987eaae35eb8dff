"""Going through the frames of a series, or of a file of several: slider, number, neighbours, an answer for each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QSignalBlocker, QSize, Qt, Signal, Slot
from PySide6.QtWidgets import (
    QHBoxLayout,
    QPushButton,
    QSizePolicy,
    QSlider,
    QSpinBox,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from desktop.services.session import ImageItem
from desktop.ui.kit.flow import FlowLayout
from desktop.ui.kit.theme import theme
from desktop.ui.kit.widgets import make_label

if TYPE_CHECKING:
    from desktop.services.session import Session


class FrameBar(QWidget):
    """Below the picture while it is one of several frames. ``every_wanted`` asks for the answers of all of them."""

    every_wanted = Signal(ImageItem)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.back = self._step(self.tr("Frame before (↑ or the wheel)"), -1)
        self.on = self._step(self.tr("Next frame (↓ or the wheel)"), 1)
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setAccessibleName(self.tr("Frame"))
        self.slider.setMinimumWidth(theme().scaled(60))
        self.slider.setPageStep(10)
        self.slider.valueChanged.connect(self._choose)
        self.number = QSpinBox()
        self.number.setAccessibleName(self.tr("Frame"))
        self.number.setToolTip(self.tr("Frame"))
        self.number.setPrefix(self.tr("Frame "))
        self.number.setKeyboardTracking(False)
        self.number.lineEdit().setTextMargins(6, 0, 0, 0)
        self.number.valueChanged.connect(self._choose)
        self.every = QPushButton(self.tr("Answer every frame"))
        self.every.setToolTip(self.tr("Classifies each frame by itself and lists the answers in the table"))
        self.every.clicked.connect(self._ask_every)
        self.facts = make_label("", "secondary", wrap=True)
        through = QWidget()
        line = QHBoxLayout(through)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(4)
        line.addWidget(self.back)
        line.addWidget(self.slider, 1)
        line.addWidget(self.on)
        through.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        through.setMinimumWidth(theme().scaled(170))
        row = FlowLayout(spacing=4)
        for part in (through, self.number, self.every):
            row.addWidget(part)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addLayout(row)
        column.addWidget(self.facts)
        session.current_changed.connect(self.show_frames)
        session.preview_changed.connect(self.show_frames)
        session.model_changed.connect(self.show_frames)
        theme().changed.connect(self._dress)
        self._dress()
        self.hide()

    def _step(self, words: str, step: int) -> QToolButton:
        button = QToolButton()
        button.setIconSize(QSize(20, 20))
        button.setMinimumSize(32, 32)
        button.setToolTip(words)
        button.setAccessibleName(words)
        button.setAutoRepeat(True)
        button.clicked.connect(lambda: self.step(step))
        return button

    @property
    def several(self) -> bool:
        """Whether there are frames to go through."""
        item = self._session.current
        return item is not None and item.count > 1

    def step(self, by: int) -> None:
        """So many frames on, or back; at most to the last and the first."""
        item = self._session.current
        if item is not None and item.count > 1:
            self._session.set_frame(min(max(0, item.at + by), item.count - 1))

    @Slot()
    def show_frames(self) -> None:
        """Follow the session."""
        item = self._session.current
        self.setVisible(self.several)
        if item is None or item.count < 2:
            return
        at = item.at
        for part in (self.slider, self.number):
            with QSignalBlocker(part):
                part.setRange(1, item.count)
                part.setValue(at + 1)
        self.number.setSuffix(self.tr(" of {0}").format(self.locale().toString(item.count)))
        self.every.setEnabled(self._session.model_ready)
        self.back.setEnabled(at > 0)
        self.on.setEnabled(at < item.count - 1)
        facts = item.stack.facts() if item.stack is not None else []
        self.facts.setText(" · ".join(facts))
        self.facts.setVisible(bool(facts))

    @Slot(int)
    def _choose(self, number: int) -> None:
        self._session.set_frame(number - 1)
        self.show_frames()

    @Slot()
    def _ask_every(self) -> None:
        if self._session.current is not None:
            self.every_wanted.emit(self._session.current)

    @Slot()
    def _dress(self) -> None:
        mirrored = self.isRightToLeft()
        for button, left in ((self.back, not mirrored), (self.on, mirrored)):
            button.setIcon(theme().icon("chevron-left" if left else "chevron-right", 20))
