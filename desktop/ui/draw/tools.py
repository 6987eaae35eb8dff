"""The tools above the sheet: pen or eraser, their width, undo, a new sheet, a picture below."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal, Slot
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QButtonGroup, QCheckBox, QHBoxLayout, QSlider, QToolButton, QVBoxLayout, QWidget

from desktop.ui.kit.flow import FlowLayout
from desktop.ui.kit.theme import theme
from desktop.ui.kit.widgets import make_label

NARROWEST, BROADEST = 8, 160
"""The slider's ends: the pen's width in thousandths of the sheet's side."""
PEN_KEYS = "PE"
"""The keys of pen and eraser, where they are no labels of the model."""


class Tools(QWidget):
    """``erase_chosen`` carries whether the eraser was; ``width_chosen`` thousandths of the sheet's side."""

    erase_chosen = Signal(bool)
    width_chosen = Signal(int)
    pressure_chosen = Signal(bool)
    undo_wanted = Signal()
    redo_wanted = Signal()
    clear_wanted = Signal()
    under_wanted = Signal()
    export_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._icons: dict[QToolButton, str] = {}
        key = QKeySequence.StandardKey
        self.pen = self._button("draw", self.tr("Pen"), PEN_KEYS[0], checkable=True)
        self.eraser = self._button("eraser", self.tr("Eraser"), PEN_KEYS[1], checkable=True)
        pair = QButtonGroup(self)
        pair.setExclusive(True)
        for button in (self.pen, self.eraser):
            pair.addButton(button)
        self.pen.setChecked(True)
        pair.buttonToggled.connect(self._switch)
        self.undo = self._button("undo", self.tr("Undo"), _native(key.Undo))
        self.redo = self._button("redo", self.tr("Redo"), _native(key.Redo))
        self.clear = self._button("remove", self.tr("New sheet"), self.tr("Delete"))
        self.under = self._button("image", self.tr("Picture below the strokes…"), "")
        self.under.setCheckable(True)
        self.export = self._button("export", self.tr("Export the drawing…"), _native("Ctrl+E"))
        for button, signal in (
            (self.undo, self.undo_wanted),
            (self.redo, self.redo_wanted),
            (self.clear, self.clear_wanted),
            (self.under, self.under_wanted),
            (self.export, self.export_wanted),
        ):
            button.clicked.connect(signal)
        self.width_slider = QSlider(Qt.Orientation.Horizontal)
        self.width_slider.setRange(NARROWEST, BROADEST)
        self.width_slider.setAccessibleName(self.tr("Width of the stroke"))
        self.width_slider.setToolTip(self.tr("Width of the stroke"))
        self.width_slider.setMinimumWidth(theme().scaled(70))
        self.width_slider.setMaximumWidth(theme().scaled(160))
        self.width_slider.valueChanged.connect(self._tell_width)
        self._thin, self._thick = make_label(self.tr("Thin"), "secondary"), make_label(self.tr("Thick"), "secondary")
        for end in (self._thin, self._thick):
            end.setMinimumWidth(end.sizeHint().width())
        self.pressure = QCheckBox(self.tr("Pen pressure changes the width"))
        self.pressure.setToolTip(self.tr("For pens of graphics tablets and touch screens"))
        self.pressure.toggled.connect(self.pressure_chosen)
        row = QHBoxLayout()
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        for tool in (self.pen, self.eraser):
            row.addWidget(tool)
        row.addStretch(1)
        for command in (self.undo, self.redo, self.clear, self.under, self.export):
            row.addWidget(command)
        widths = QWidget()
        ends = QHBoxLayout(widths)
        ends.setContentsMargins(4, 0, 0, 0)
        ends.setSpacing(4)
        for part in (self._thin, self.width_slider, self._thick):
            ends.addWidget(part)
        # Below each other where the words are long, and never over each other.
        pen = FlowLayout(spacing=8)
        pen.addWidget(widths)
        pen.addWidget(self.pressure)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addLayout(row)
        layout.addLayout(pen)
        theme().changed.connect(self._dress)
        self._dress()

    def show_state(self, can_undo: bool, can_redo: bool, blank: bool, has_under: bool) -> None:
        """Which of the tools can be used now."""
        self.undo.setEnabled(can_undo)
        self.redo.setEnabled(can_redo)
        self.clear.setEnabled(not blank)
        self.export.setEnabled(not blank)
        self.under.setChecked(has_under)
        words = self.tr("Take the picture below away") if has_under else self.tr("Picture below the strokes…")
        self.under.setToolTip(words)
        self.under.setAccessibleName(words)

    def show_keys(self, pen: bool, eraser: bool) -> None:
        """Whether the keys of :data:`PEN_KEYS` work: a model of letters takes its own."""
        for button, key, works in zip((self.pen, self.eraser), PEN_KEYS, (pen, eraser), strict=True):
            words = button.accessibleName()
            button.setToolTip(f"{words} ({key})" if works else words)

    def pick(self, key: str) -> None:
        """Take the tool whose key of :data:`PEN_KEYS` was pressed."""
        (self.pen if key == PEN_KEYS[0] else self.eraser).setChecked(True)

    def _button(self, icon: str, words: str, keys: str, checkable: bool = False) -> QToolButton:
        button = QToolButton()
        button.setIconSize(QSize(20, 20))
        button.setMinimumSize(32, 32)
        button.setCheckable(checkable)
        button.setAccessibleName(words)
        button.setToolTip(f"{words} ({keys})" if keys else words)
        self._icons[button] = icon
        return button

    @Slot()
    def _switch(self) -> None:
        self._dress()
        self.erase_chosen.emit(self.eraser.isChecked())

    @Slot(int)
    def _tell_width(self, value: int) -> None:
        self.width_slider.setAccessibleDescription(self.tr("{0} % of the sheet").format(round(value / 10)))
        self.width_chosen.emit(value)

    @Slot()
    def _dress(self) -> None:
        t = theme().tokens
        for button, name in self._icons.items():
            marked = button.isCheckable() and button.isChecked()
            button.setIcon(theme().icon(name, 20, t.accent if marked else t.text))


def _native(key: QKeySequence.StandardKey | str) -> str:
    return QKeySequence(key).toString(QKeySequence.SequenceFormat.NativeText)
