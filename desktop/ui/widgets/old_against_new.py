"""An older and a newer model on pictures that neither has learned from: which one is better, and by how much."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QDialog, QGridLayout, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from desktop.services.retraining import OldAgainstNew
from desktop.ui.kit.formatting import interval_of, value_of
from desktop.ui.kit.help_key import give_help
from desktop.ui.kit.widgets import count, make_label


class OldAgainstNewDialog(QDialog):
    """``classify_wanted`` carries the id of a model to go on with, ``evaluate_wanted`` one and the pictures' path."""

    classify_wanted = Signal(str)
    evaluate_wanted = Signal(str, str)

    def __init__(self, found: OldAgainstNew, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(self.tr("Old Against New"))
        give_help(self, "teach#retraining")
        self.setMinimumWidth(480)
        self._found = found
        paired = found.second.paired
        old, new = found.names if found.names[0] != found.names[1] else (self.tr("the old one"), self.tr("the new one"))
        self.sentence = make_label(paired.test.sentence(old, new), "answer", wrap=True, selectable=True)
        about = self.tr("On {0} pictures labelled since the older one was made, from which neither has learned.")
        words = make_label(about.format(count(len(paired.a))), "secondary", wrap=True)
        table = QGridLayout()
        table.setHorizontalSpacing(16)
        table.setVerticalSpacing(6)
        rows = ((self.tr("Old"), found.old, 0), (self.tr("New"), found.new, 1))
        for row, (which, model, place) in enumerate(rows):
            figures = found.second.shared[place]
            table.addWidget(make_label(which, "title"), row, 0)
            table.addWidget(make_label(f"{found.names[place]} ({model})", "secondary", selectable=True), row, 1)
            table.addWidget(make_label(self.tr("{0} right").format(value_of(figures.accuracy))), row, 2)
            table.addWidget(make_label(interval_of(figures.accuracy), "secondary"), row, 3)
        table.setColumnStretch(1, 1)
        self.use = QPushButton(self.tr("Classify with the new one"))
        self.use.setProperty("role", "primary")
        self.use.clicked.connect(self._on_use)
        self.open_pictures = QPushButton(self.tr("Look at them in Evaluate"))
        self.open_pictures.clicked.connect(self._on_open)
        close = QPushButton(self.tr("Close"))
        close.clicked.connect(self.reject)
        foot = QHBoxLayout()
        foot.addWidget(self.open_pictures)
        foot.addStretch(1)
        foot.addWidget(close)
        foot.addWidget(self.use)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 16, 16, 12)
        layout.setSpacing(12)
        layout.addWidget(self.sentence)
        layout.addWidget(words)
        layout.addLayout(table)
        layout.addLayout(foot)
        self.use.setFocus()

    @Slot()
    def _on_use(self) -> None:
        self.classify_wanted.emit(self._found.new)
        self.accept()

    @Slot()
    def _on_open(self) -> None:
        self.evaluate_wanted.emit(self._found.new, self._found.data)
        self.accept()
