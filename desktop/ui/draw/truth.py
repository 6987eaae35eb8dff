"""'That was a …': keeps a drawing with its true label among the user's own, and says how many there are."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QUrl, Signal, Slot
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFrame, QGridLayout, QPushButton, QVBoxLayout, QWidget

from desktop.core.types import FoveaError
from desktop.services.drawings import OwnDrawings
from desktop.system.words import listed
from desktop.ui.kit.flow import FlowLayout
from desktop.ui.kit.widgets import caption, count, make_label, set_usable, tip

_ACROSS = 5
MOST = 40
"""Models with more labels than this get no button a label."""


class TruthPanel(QFrame):
    """``label_chosen`` carries the true label that was told; ``said`` tells what went wrong."""

    label_chosen = Signal(str)
    said = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("card", "true")
        self._own: OwnDrawings | None = None
        self._all: dict[str, OwnDrawings] = {}  # by model: each knows what it kept last
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
        self._folder.clicked.connect(self._open_folder)
        self._undo = QPushButton(self.tr("Take the last one back"))
        self._undo.setProperty("role", "link")
        self._undo.clicked.connect(self.take_back)
        links = FlowLayout(spacing=4)
        links.addWidget(self._folder)
        links.addWidget(self._undo)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 10, 12, 10)
        layout.setSpacing(6)
        layout.addWidget(self._title)
        layout.addWidget(self._about)
        layout.addLayout(self._grid)
        layout.addWidget(self._kept)
        layout.addLayout(links)
        self.setAccessibleName(self.tr("Keep the drawing with its true label"))
        self.show_kept()

    def set_model(self, model_id: str, labels: Sequence[str]) -> None:
        """Keep drawings for this model (none: empty): a button for each of its labels."""
        if model_id and model_id not in self._all:
            self._all[model_id] = OwnDrawings(model_id)
        self._own = self._all.get(model_id)
        self.show_kept()
        if tuple(labels) == self._labels:
            return
        self._labels = tuple(labels)
        while self._buttons:
            self._buttons.pop().deleteLater()
        for number, label in enumerate(labels[:MOST]):
            button = QPushButton(caption(label))
            button.setMinimumWidth(36)
            button.setProperty("label", label)
            button.setAccessibleName(self.tr("That was a {0}").format(label))
            button.setToolTip(tip(self.tr("Keep the drawing as {0}").format(label)))
            button.clicked.connect(self._tell)
            self._grid.addWidget(button, number // _ACROSS, number % _ACROSS)
            self._buttons.append(button)
        self.setVisible(0 < len(labels) <= MOST)

    def set_usable(self, usable: bool) -> None:
        """Whether there is a drawing to keep; buttons that are grey say why."""
        for button in self._buttons:
            set_usable(button, usable, self.tr("Draw something first: the sheet is blank."))

    @property
    def own(self) -> OwnDrawings | None:
        """Where the drawings of the model that is shown are kept."""
        return self._own

    @Slot()
    def take_back(self) -> None:
        """Delete the drawing that was kept last."""
        if self._own is None:
            return
        try:
            self._own.undo()
        except FoveaError as error:
            self.said.emit(error.message + ".")
        self.show_kept()

    @Slot()
    def show_kept(self) -> None:
        """Say how many there are now."""
        counts = self._own.counts() if self._own is not None else {}
        total = sum(counts.values())
        if total:
            each = listed([f"{label}: {count(number)}" for label, number in sorted(counts.items())])
            words = self.tr("{0} kept ({1})").format(count(total), each)
        else:
            words = self.tr("None kept yet.")
        self._kept.setText(words)
        self._folder.setVisible(total > 0)
        self._undo.setVisible(self._own is not None and self._own.can_undo)

    @Slot()
    def _open_folder(self) -> None:
        if self._own is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._own.folder)))

    @Slot()
    def _tell(self) -> None:
        button = self.sender()
        if isinstance(button, QPushButton):
            self.label_chosen.emit(button.property("label"))
