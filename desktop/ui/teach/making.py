"""'Make it a model': what it will be called, in which way, and what is missing before it can be made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QDialog, QLineEdit, QRadioButton, QVBoxLayout, QWidget

from desktop.services.teaching import Teaching
from desktop.ui.kit.help_key import give_help
from desktop.ui.kit.widgets import accept_or_cancel, at_least, count, make_label, sentence

if TYPE_CHECKING:
    from desktop.app.teaching_models import ReadyToMake


class MakingDialog(QDialog):
    """``made`` carries the name and the way: ``features`` or ``fine-tune``."""

    made = Signal(str, str)

    def __init__(self, teaching: Teaching, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Make It a Model"))
        give_help(self, "teach#making-a-model")
        counts = [c for c in teaching.classes if c.count]
        total = sum(c.count for c in counts)
        about = make_label(
            self.tr(
                "A model of {0} classes from {1} labelled pictures, with calibrated scores, a check whether a picture "
                "is of its kind, and a card that says how good it is. It appears among your models and works without "
                "this project."
            ).format(count(len(counts)), count(total)),
            wrap=True,
        )
        self.name = QLineEdit(teaching.name)
        self.name.setMaxLength(120)
        self.name.setAccessibleName(self.tr("Name of the model"))
        self.quick = QRadioButton(self.tr("Quick: what it has learned here (well under a minute)"))
        self.tune = QRadioButton(self.tr("Thorough: the network itself learns your pictures as well (many minutes)"))
        self.quick.setChecked(True)
        self.problem = make_label("", "caution", wrap=True)
        self.problem.hide()
        buttons, self.make = accept_or_cancel(self, self.tr("Make the model"))
        buttons.accepted.connect(self._on_accept)
        layout = QVBoxLayout(self)
        layout.setSpacing(10)
        layout.addWidget(about)
        layout.addWidget(make_label(self.tr("Name"), "secondary"))
        layout.addWidget(self.name)
        layout.addWidget(self.quick)
        layout.addWidget(self.tune)
        layout.addWidget(self.problem)
        layout.addWidget(buttons)
        at_least(self, 430)

    def set_ready(self, ready: ReadyToMake) -> None:
        """What is missing, if anything."""
        self.problem.setText(sentence(ready.reason))
        self.problem.setVisible(bool(ready.reason))
        self.make.setEnabled(not ready.reason)

    @Slot()
    def _on_accept(self) -> None:
        name = self.name.text().strip()
        if name:
            self.made.emit(name, "fine-tune" if self.tune.isChecked() else "features")
            self.accept()
