"""'That was a …': keeps a drawing with its true label among the user's own, and says how many there are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from desktop.ui.widgets._kit import count, make_label

_ACROSS = 5
MOST = 40
"""Models with more labels than this get no button a label."""


class TruthPanel(QFrame):
    """``label_chosen`` carries the true label; the others ask for the folder and for taking the last one back."""

    label_chosen = Signal(str)
    folder_wanted = Signal()
    undo_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("card", "true")
        self._labels: tuple[str, ...] = ()
        self._buttons: list[QPushButton] = []
        self._title = make_label(self.tr("That was a …"), "title")
        self._about = make_label(
            self.tr("A button or its key keeps the drawing, with its true label, for training."), "secondary", wrap=True
        )
        self._grid = QGridLayout()
        self._grid.setSpacing(4)
        self._kept = make_label("", "secondary", wrap=True)
        self._folder = QPushButton(self.tr("Open the folder"))
        self._folder.setProperty("role", "link")
        self._folder.clicked.connect(self.folder_wanted)
        self._undo = QPushButton(self.tr("Take the last one back"))
        self._undo.setProperty("role", "link")
        self._undo.clicked.connect(self.undo_wanted)
        links = QHBoxLayout()
        links.setSpacing(4)
        links.addWidget(self._folder)
        links.addWidget(self._undo)
        links.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 10, 12, 10)
        layout.setSpacing(6)
        layout.addWidget(self._title)
        layout.addWidget(self._about)
        layout.addLayout(self._grid)
        layout.addWidget(self._kept)
        layout.addLayout(links)
        self.setAccessibleName(self.tr("Keep the drawing with its true label"))
        self.show_kept({}, can_undo=False)

    def set_labels(self, labels: Sequence[str]) -> None:
        """A button for each of the model's labels."""
        if tuple(labels) == self._labels:
            return
        self._labels = tuple(labels)
        while self._buttons:
            self._buttons.pop().deleteLater()
        for number, label in enumerate(labels[:MOST]):
            button = QPushButton(label)
            button.setMinimumWidth(36)
            button.setProperty("label", label)
            button.setAccessibleName(self.tr("That was a {0}").format(label))
            button.setToolTip(self.tr("Keep the drawing as {0}").format(label))
            button.clicked.connect(self._tell)
            self._grid.addWidget(button, number // _ACROSS, number % _ACROSS)
            self._buttons.append(button)
        self.setVisible(0 < len(labels) <= MOST)

    def set_usable(self, usable: bool) -> None:
        """Whether there is a drawing to keep."""
        for button in self._buttons:
            button.setEnabled(usable)

    def show_kept(self, counts: Mapping[str, int], can_undo: bool) -> None:
        """Say how many drawings were kept."""
        total = sum(counts.values())
        if total:
            each = ", ".join(f"{label}: {count(number)}" for label, number in sorted(counts.items()))
            self._kept.setText(self.tr("{0} kept ({1})").format(count(total), each))
        else:
            self._kept.setText(self.tr("None kept yet."))
        self._folder.setVisible(total > 0)
        self._undo.setVisible(can_undo)

    @Slot()
    def _tell(self) -> None:
        button = self.sender()
        if isinstance(button, QPushButton):
            self.label_chosen.emit(button.property("label"))
