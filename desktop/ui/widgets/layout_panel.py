"""How labels were recognised where folders do not tell them: shown with examples, to be confirmed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QFrame, QGridLayout, QPushButton, QVBoxLayout, QWidget

from desktop.system.words import listed
from desktop.ui.kit.formatting import count
from desktop.ui.kit.widgets import make_label

if TYPE_CHECKING:
    from desktop.core.data.layouts import Proposal

_CLASSES = 8


class LayoutPanel(QFrame):
    """The proposals of a look; ``chosen`` carries the layout that was confirmed, ``other_wanted`` asks for other data.
    Hidden while there is none."""

    chosen = Signal(str)
    other_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("card", "true")
        self.setAccessibleName(self.tr("How the labels were recognised"))
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(16, 12, 16, 12)
        self._layout.setSpacing(8)
        self._parts: list[QWidget] = []
        self.buttons: list[QPushButton] = []
        self.hide()

    def show_proposals(self, proposals: Sequence[Proposal]) -> None:
        """Show these in place of the earlier ones; none hides the panel."""
        self.clear()
        if not proposals:
            return
        self._add(make_label(self.tr("The folders do not name the classes. This was recognised:"), "title", wrap=True))
        for proposal in proposals:
            self._show(proposal)
        self._add(
            make_label(
                self.tr("Compare the examples with your pictures before you confirm. Your files stay as they are."),
                "secondary",
                wrap=True,
            )
        )
        other = QPushButton(self.tr("No: open another folder…"))
        other.setProperty("role", "link")
        other.clicked.connect(self.other_wanted)
        self._add(other, left=True)
        self.show()
        self.buttons[0].setFocus()

    def clear(self) -> None:
        """Nothing is proposed: the panel hides."""
        for part in self._parts:
            self._layout.removeWidget(part)
            part.deleteLater()
        self._parts, self.buttons = [], []
        self.hide()

    def _show(self, proposal: Proposal) -> None:
        words = proposal.words[:1].upper() + proposal.words[1:] + "."
        self._add(make_label(words, wrap=True, selectable=True))
        total = sum(number for _, number in proposal.counts)
        classes = [f"{name} ({count(number)})" for name, number in proposal.counts[:_CLASSES]]
        if len(proposal.counts) > _CLASSES:
            classes.append(self.tr("and {0} more").format(count(len(proposal.counts) - _CLASSES)))
        told = self.tr("{0} pictures in {1} classes: {2}").format(
            count(total), count(len(proposal.counts)), listed(classes)
        )
        self._add(make_label(told, "secondary", wrap=True, selectable=True))
        self._add(self._examples(proposal))
        button = QPushButton(self.tr("Yes, read the labels this way"))
        button.setProperty("role", "primary" if not self.buttons else "")
        button.setProperty("wayToRead", proposal.layout)
        button.setAccessibleDescription(words)
        button.clicked.connect(self._choose)
        self.buttons.append(button)
        self._add(button, left=True)

    def _examples(self, proposal: Proposal) -> QWidget:
        box = QWidget()
        grid = QGridLayout(box)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(24)
        grid.setVerticalSpacing(2)
        grid.setColumnStretch(2, 1)
        for place, head in enumerate((self.tr("Picture"), self.tr("Class"))):
            grid.addWidget(make_label(head, "secondary"), 0, place)
        for number, (name, label) in enumerate(proposal.examples, 1):
            grid.addWidget(make_label(name, selectable=True), number, 0)
            grid.addWidget(make_label(label, selectable=True), number, 1)
        return box

    def _add(self, part: QWidget, left: bool = False) -> None:
        self._parts.append(part)
        self._layout.addWidget(part, 0, Qt.AlignmentFlag.AlignLeft if left else Qt.AlignmentFlag(0))

    @Slot()
    def _choose(self) -> None:
        self.chosen.emit(str(self.sender().property("wayToRead")))
