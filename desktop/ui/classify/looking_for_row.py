"""The line below the list of images that says what is looked for, and ends it."""

from __future__ import annotations

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QWidget


class LookingForRow(QWidget):
    """How far the search for images, the reading of headers or the comparing with other images is; hidden at first.
    ``cancelled`` is emitted where the user has enough of it."""

    cancelled = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._words = QLabel()
        self._words.setProperty("role", "secondary")
        self._words.setWordWrap(True)
        cancel = QPushButton(self.tr("Cancel"))
        cancel.clicked.connect(self.cancelled)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 0, 4, 12)
        layout.addWidget(self._words, 1)
        layout.addWidget(cancel)
        self.hide()

    @Slot(int)
    def show_found(self, found: int) -> None:
        """So many images were found till now."""
        self.show()
        if found:
            self._words.setText(self.tr("{0} images found…").format(self.locale().toString(found)))
        else:
            self._words.setText(self.tr("Looking for images…"))

    @Slot(int, int)
    def show_reading(self, done: int, total: int) -> None:
        """So many headers of DICOM files are read."""
        number = self.locale().toString
        words = self.tr("Reading the headers of DICOM files: {0} of {1}…")
        self._words.setText(words.format(number(done), number(total)))

    @Slot(int, int)
    def show_compared(self, done: int, total: int) -> None:
        """How far 'find similar' is."""
        self.show()
        number, of = self.locale().toString(done), self.locale().toString(total)
        self._words.setText(self.tr("Comparing {0} of {1} images…").format(number, of))
