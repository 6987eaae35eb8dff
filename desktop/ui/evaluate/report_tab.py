"""Saving what was found: a report to hand on, every prediction, all figures."""

from __future__ import annotations

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import (
    QCheckBox,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from desktop.app.exports import CONTEXT, exports_of
from desktop.core.figures.public_names import PublicNames, public_naming
from desktop.ui.evaluate.exports import Exports
from desktop.ui.evaluate.head import titled
from desktop.ui.evaluate.state import EvaluationState
from desktop.ui.kit.motion import at_work
from desktop.ui.kit.tabled import translated
from desktop.ui.kit.theme import theme
from desktop.ui.kit.widgets import make_label


class ReportTab(QWidget):
    """Four files, two options."""

    def __init__(self, state: EvaluationState, exports: Exports, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state, self._exports = state, exports
        self.pictures = QCheckBox(self.tr("Show the worst mistakes with their pictures"))
        self.pictures.setChecked(True)
        self.names = QCheckBox(self.tr("Show all names of files all the same"))
        self.names.toggled.connect(self._say_hidden)
        self.key = QCheckBox(self.tr("Write a key beside it: which number is which file (not to be handed on)"))
        self.hidden = make_label("", "secondary", wrap=True)
        self._naming: PublicNames | None = None
        self._private = make_label("", "secondary", wrap=True)
        grid = QGridLayout()
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(10)
        grid.setColumnStretch(1, 1)
        self.buttons: dict[str, QPushButton] = {}
        for row, export in enumerate(exports_of("evaluation")):
            suffix, about = export.ending, translated(CONTEXT, export.about)
            button = QPushButton(translated(CONTEXT, export.words))
            button.setProperty("suffix", suffix)
            button.setAccessibleDescription(about)
            if row == 0:
                button.setProperty("role", "primary")
            button.clicked.connect(self._on_button)
            self.buttons[suffix] = button
            grid.addWidget(button, row, 0)
            grid.addWidget(make_label(about, "secondary", wrap=True), row, 1)
        self._bar = QProgressBar()
        at_work(self._bar)
        self._bar.setTextVisible(False)
        self._bar.setAccessibleName(self.tr("Writing"))
        self._bar.setFixedWidth(theme().scaled(160))
        self.words = make_label("", "", wrap=True)
        busy = QHBoxLayout()
        busy.addWidget(self._bar)
        self.cancel = QPushButton(self.tr("Cancel"))
        self.cancel.clicked.connect(exports.cancel)
        self.cancel.hide()
        busy.addWidget(self.words, 1)
        busy.addWidget(self.cancel)
        card = QFrame()
        card.setProperty("card", "true")
        card.setMaximumWidth(theme().scaled(820))
        column = QVBoxLayout(card)
        column.setContentsMargins(16, 12, 16, 16)
        column.setSpacing(12)
        column.addWidget(titled(self.tr("Save what was found")))
        column.addWidget(self.hidden)
        column.addWidget(self.names)
        column.addWidget(self.key)
        column.addWidget(self.pictures)
        column.addWidget(self._private)
        column.addLayout(grid)
        column.addLayout(busy)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(card, 0, Qt.AlignmentFlag.AlignTop)
        layout.addStretch(1)
        self._bar.hide()
        exports.began.connect(self._on_began)
        exports.ended.connect(self._on_ended)
        state.changed.connect(self._show)
        state.pictures_changed.connect(self._show)
        self._show()

    @Slot()
    def _show(self) -> None:
        result = self._state.result
        self._naming = public_naming(result) if result is not None else None
        hides = self._naming is not None and bool(self._naming.hidden or self._naming.title_hidden)
        for box in (self.names, self.key):
            box.setVisible(hides)
            box.setChecked(False)
        self._say_hidden()
        self.pictures.setEnabled(self._state.data is not None)
        missing = result is not None and self._state.data is None
        self._private.setText(self.tr("The pictures are not at hand: reports come without them.") if missing else "")
        self._private.setVisible(missing)
        self.words.setText("")

    @Slot()
    def _say_hidden(self) -> None:
        """Exactly what is hidden: said by the rule that hides it."""
        shown = self.names.isChecked()
        naming = PublicNames(hides=False) if shown else self._naming
        self.key.setEnabled(not shown)
        words = self.tr("No path of this computer is written into any of these files.")
        self.hidden.setText(f"{words} {naming.words()}" if naming is not None else words)

    @Slot()
    def _on_button(self) -> None:
        button = self.sender()
        if isinstance(button, QPushButton):
            pictures = self.pictures.isChecked() and self.pictures.isEnabled()
            key = self.key.isChecked() and self.key.isEnabled()
            self._exports.ask_report(button.property("suffix"), pictures, self.names.isChecked(), key)

    @Slot(str)
    def _on_began(self, words: str) -> None:
        self._bar.show()
        self.cancel.show()
        self.words.setText(words)
        for button in self.buttons.values():
            button.setEnabled(False)

    @Slot(str, bool)
    def _on_ended(self, words: str, good: bool) -> None:
        self._bar.hide()
        self.cancel.hide()
        self.words.setText(words)
        for button in self.buttons.values():
            button.setEnabled(True)
