"""The same picture twice, near copies, and pictures taken in one go: keep the sharpest of each."""

from __future__ import annotations

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QDialog, QFrame, QHBoxLayout, QPushButton, QScrollArea, QVBoxLayout, QWidget

from desktop.engine.teaching_events import AskCopies, Copies, CopyGroup, LookedAt, Refused
from desktop.services.teaching import Teaching
from desktop.ui.kit.help_key import give_help
from desktop.ui.kit.widgets import count, first_size, make_label, sentence
from desktop.ui.teach.heaps import Strip
from desktop.ui.teach.pictures_model import PicturesModel


class CopiesDialog(QDialog):
    """``show_wanted`` carries the ids of a group to be looked at in the gallery."""

    show_wanted = Signal(tuple)

    def __init__(self, teaching: Teaching, model: PicturesModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Find Copies"))
        give_help(self, "teach#copies")
        first_size(self, 860, 560)
        self._teaching, self._model = teaching, model
        self.groups: list[CopyGroup] = []
        self._rows: list[QFrame] = []
        about = self.tr(
            "Copies count once when Fovea checks how good it is. Here they can leave the project; the sharpest of each "
            "group stays. Files are not touched, and Undo brings everything back."
        )
        self._state = make_label(self.tr("Looking…"), "secondary", wrap=True)
        self.all = QPushButton()
        self.all.hide()  # until it is known what it would remove
        self.all.clicked.connect(self._on_all)
        close = QPushButton(self.tr("Close"))
        close.clicked.connect(self.accept)
        for button in (self.all, close):
            button.setAutoDefault(False)
        inside = QWidget()
        self._column = QVBoxLayout(inside)
        self._column.setSpacing(6)
        self._column.addStretch(1)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setWidget(inside)
        foot = QHBoxLayout()
        foot.addWidget(self.all)
        foot.addWidget(self._state, 1)
        foot.addWidget(close)
        layout = QVBoxLayout(self)
        layout.setSpacing(8)
        layout.addWidget(make_label(about, wrap=True))
        layout.addWidget(area, 1)
        layout.addLayout(foot)
        teaching.copies.connect(self._on_copies)
        teaching.looked.connect(self._on_looked)
        teaching.refused.connect(self._on_refused)
        self._more, self._left = False, 0  # looked at since the question was asked; still to be looked at
        self._number = teaching.ask(AskCopies)

    @Slot(LookedAt)
    def _on_looked(self, looked: LookedAt) -> None:
        """Pictures are looked at while the dialog is open: theirs are shown as well."""
        self._left = looked.total - looked.done
        self._more = self._more or bool(looked.ids)
        self._ask_again()

    def _ask_again(self) -> None:
        if self._more and not self._number:
            self._more = False
            self._number = self._teaching.ask(AskCopies)

    @Slot(Copies)
    def _on_copies(self, answer: Copies) -> None:
        if answer.number != self._number:
            return
        self._number = 0
        if list(answer.groups) != self.groups:
            self._show_groups(list(answer.groups))
        elif not self.groups:
            self._say()
        self._ask_again()

    def _show_groups(self, groups: list[CopyGroup]) -> None:
        self.groups = groups
        for row in self._rows:
            self._column.removeWidget(row)
            row.hide()
            row.deleteLater()
        self._rows.clear()
        for group in self.groups[:200]:
            row = self._row(group)
            self._column.insertWidget(self._column.count() - 1, row)
            self._rows.append(row)
        self._say()

    def _say(self) -> None:
        spare = len(self._spare())
        self.all.setText(self.tr("Keep the sharpest of each, remove {0}").format(count(spare)))
        self.all.setVisible(spare > 0)
        if not self.groups and (self._more or self._left > 0):
            self._state.setText(self.tr("Looking…"))
        elif not self.groups:
            self._state.setText(self.tr("No copies among the pictures that were looked at."))
        elif len(self.groups) > 200:
            self._state.setText(self.tr("{0} groups; the first 200 are shown.").format(count(len(self.groups))))
        elif len(self.groups) == 1:
            self._state.setText(self.tr("1 group"))
        else:
            self._state.setText(self.tr("{0} groups").format(count(len(self.groups))))

    @Slot(Refused)
    def _on_refused(self, refused: Refused) -> None:
        if refused.number and refused.number == self._number:
            self._number = 0
            self._state.setText(sentence(refused.message))

    def _row(self, group: CopyGroup) -> QFrame:
        words = {
            "same": self.tr("the same"),
            "near": self.tr("near copies"),
            "burst": self.tr("taken in one go"),
        }
        frame = QFrame()
        frame.setProperty("card", "true")
        show = QPushButton(self.tr("Show"))
        show.setProperty("role", "link")
        show.clicked.connect(lambda: self._on_show(group))
        layout = QHBoxLayout(frame)
        layout.setContentsMargins(8, 6, 8, 6)
        # The sharpest first: the one that stays.
        ids = [group.best, *(i for i in group.ids if i != group.best)]
        layout.addWidget(Strip(self._model, ids), 1)
        layout.addWidget(make_label(f"{count(len(group.ids))}, {words[group.kind]}", "secondary"))
        layout.addWidget(show)
        return frame

    def _on_show(self, group: CopyGroup) -> None:
        self.show_wanted.emit(tuple(group.ids))
        self.accept()

    def _spare(self) -> list[int]:
        """All but the sharpest of each group, unless they carry a label and the sharpest does not."""
        spare: dict[int, None] = {}
        kept = {group.best for group in self.groups}
        for group in self.groups:
            named = [i for i in group.ids if self._teaching.label_of(i)]
            stays = {group.best, *(named if not self._teaching.label_of(group.best) else ())}
            spare |= dict.fromkeys(i for i in group.ids if i not in stays and i not in kept)
        return list(spare)

    @Slot()
    def _on_all(self) -> None:
        ids = self._spare()
        self._teaching.change(lambda project: project.remove(ids))
        self.accept()
