"""Sorting the images by their answers: what will happen is seen first, file by file; then it is done, or not."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt, QTimer, Signal, Slot
from PySide6.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QComboBox,
    QDialog,
    QDoubleSpinBox,
    QGridLayout,
    QHBoxLayout,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QRadioButton,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from desktop.services.settings import Settings
from desktop.services.sorting import Sorter
from desktop.ui.kit.drops import make_editable
from desktop.ui.kit.file_dialogs import FileDialog
from desktop.ui.kit.help_key import give_help
from desktop.ui.kit.tables import make_even, make_quiet
from desktop.ui.kit.widgets import count, first_size, make_label, sentence
from desktop.ui.widgets.notices import CautionStrip, MedicalNotice

if TYPE_CHECKING:
    from desktop.app.sorting import Answered, How, SortPlan, SortRow
    from desktop.store.file_actions import FileOutcome
    from desktop.store.manifest import Manifest

AnyIndex = QModelIndex | QPersistentModelIndex
_NOWHERE = QModelIndex()
_WAIT_MS = 200


class PlanModel(QAbstractTableModel):
    """The pictures of a plan: name, where it goes, and why not where it is left."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._rows: list[SortRow] = []
        self._root = ""
        self._into_folders = False
        self._outcome: dict[int, str] = {}

    def show_plan(self, plan: SortPlan | None) -> None:
        """Show a plan: first what goes somewhere, then what is left."""
        self.beginResetModel()
        self._rows = [*plan.going, *plan.left] if plan is not None else []
        self._root = os.path.abspath(plan.rule.folder) if plan is not None and plan.rule.folder else ""
        self._into_folders = plan is not None and plan.rule.how != "rename" and plan.rule.by_answer
        self._outcome = {}
        self.endResetModel()

    def show_outcome(self, outcome: FileOutcome) -> None:
        """Say beside each row what became of it."""
        self._outcome = {**dict.fromkeys(outcome.done, "✓"), **outcome.left}
        if self._rows:
            self.dataChanged.emit(self.index(0, 2), self.index(len(self._rows) - 1, 2))

    def rowCount(self, parent: AnyIndex = _NOWHERE) -> int:
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: AnyIndex = _NOWHERE) -> int:
        return 0 if parent.isValid() else 3

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if role == Qt.ItemDataRole.DisplayRole and orientation == Qt.Orientation.Horizontal:
            return (self.tr("Picture"), self.tr("Goes to"), self.tr("Note"))[section]
        return None

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if role not in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole) or not index.isValid():
            return None
        row = self._rows[index.row()]
        if index.column() == 0:
            return row.source.name
        if index.column() == 1:
            return self._place(row) if row.target else self.tr("stays where it is")
        return self._outcome.get(index.row(), row.why)

    def _place(self, row: SortRow) -> str:
        if self._root and row.target.startswith(self._root):
            return os.path.relpath(row.target, self._root)
        folder, name = os.path.split(row.target)
        return os.path.join(os.path.basename(folder), name) if self._into_folders else name


class SortDialog(QDialog):
    """``moved`` carries where files lie now by where they lay; ``undone`` the same after taking it back."""

    moved = Signal(object)  # new places by old: a map of Qt's loses names that are no text

    def __init__(
        self,
        pictures: Sequence[Answered],
        manifest: Manifest | None,
        sorter: Sorter,
        settings: Settings,
        parent: QWidget | None = None,
        how: How | None = None,
    ) -> None:
        super().__init__(parent)
        self._pictures, self._manifest, self._sorter, self._settings = list(pictures), manifest, sorter, settings
        self._plan: SortPlan | None = None
        self._outcome: FileOutcome | None = None
        self._undoing = False
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(self.tr("Sort by Answer"))
        give_help(self, "acting#sorting-by-answer")
        self.model = PlanModel(self)
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(_WAIT_MS)
        self._soon.timeout.connect(self._ask)
        self._build(how or settings.get("sort_how"))
        sorter.planned.connect(self._show_plan)
        sorter.progressed.connect(self._show_progress)
        sorter.ended.connect(self._on_ended)
        sorter.failed.connect(self._on_failed)
        first_size(self, 860, 620)
        self._follow()

    def _build(self, how: str) -> None:
        self._show_what_will_be()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 16, 16, 12)
        layout.setSpacing(10)
        layout.addLayout(self._ways(how))
        layout.addLayout(self._place_and_names(how))
        layout.addLayout(self._choices())
        layout.addWidget(self.doubtful)
        layout.addWidget(self._medical)
        layout.addWidget(self._table, 1)
        layout.addWidget(self.summary)
        layout.addWidget(self.caution)
        layout.addLayout(self._foot())
        self.caution.hide()
        self._bar.hide()
        self.back.hide()

    def _ways(self, how: str) -> QHBoxLayout:
        """Copy, move or rename."""
        self.ways = QButtonGroup(self)
        ways = QHBoxLayout()
        ways.setSpacing(16)
        self.copy = QRadioButton(self.tr("Copy into folders"))
        self.move_files = QRadioButton(self.tr("Move into folders"))
        self.rename = QRadioButton(self.tr("Rename where they are"))
        for button, name in ((self.copy, "copy"), (self.move_files, "move"), (self.rename, "rename")):
            self.ways.addButton(button)
            button.setProperty("how", name)
            button.setChecked(name == how)
            button.toggled.connect(self._follow)
            ways.addWidget(button)
        ways.addStretch(1)
        return ways

    def _place_and_names(self, how: str) -> QGridLayout:
        """The folder that the files go to, and how they are called there."""
        self.folder = QLineEdit(self._settings.get("sort_folder"))
        self.folder.setAccessibleName(self.tr("Folder"))
        self.folder.setPlaceholderText(self.tr("The folder that shall hold the folders of the answers"))
        self.folder.textChanged.connect(self._follow)
        self._browse = QPushButton(self.tr("Choose…"))
        self._browse.clicked.connect(self._choose)
        self.pattern = QComboBox()
        make_editable(self.pattern)
        self.pattern.setAccessibleName(self.tr("Names"))
        for pattern in ("{name}", "{answer} {number}", "{answer} {score} {name}", "{name} {answer}"):
            self.pattern.addItem(pattern)
        self.pattern.setEditText(self._settings.get("sort_pattern") if how == "rename" else "{name}")
        self.pattern.editTextChanged.connect(self._follow)
        fields = make_label(
            self.tr("{name} is the name so far; {answer}, {score}, {number} and {model} are filled in for each."),
            "secondary",
            wrap=True,
        )
        form = QGridLayout()
        form.setHorizontalSpacing(8)
        form.setVerticalSpacing(8)
        self._folder_label = make_label(self.tr("Folder"))
        self._folder_label.setBuddy(self.folder)
        names = make_label(self.tr("Names"))
        names.setBuddy(self.pattern)
        form.addWidget(self._folder_label, 0, 0)
        form.addWidget(self.folder, 0, 1)
        form.addWidget(self._browse, 0, 2)
        form.addWidget(names, 1, 0)
        form.addWidget(self.pattern, 1, 1)
        form.addWidget(fields, 2, 1, 1, 2)
        return form

    def _choices(self) -> QHBoxLayout:
        """Which pictures go, into which folders, and what happens where a name is taken."""
        self.by_answer = QCheckBox(self.tr("A folder for each answer"))
        self.by_answer.setChecked(True)
        self.by_answer.toggled.connect(self._follow)
        self.limit = QCheckBox(self.tr("Only scores of at least"))
        self.limit.toggled.connect(self._follow)
        self.at_least = QDoubleSpinBox()
        self.at_least.setRange(0.0, 1.0)
        self.at_least.setSingleStep(0.05)
        self.at_least.setValue(0.5)
        self.at_least.setMinimumSize(82, 32)
        self.at_least.lineEdit().setTextMargins(6, 0, 0, 0)
        self.at_least.setAccessibleName(self.tr("Lowest score"))
        self.at_least.valueChanged.connect(self._follow)
        self.doubtful = QCheckBox(self.tr("Also what is not its kind, or not sure, into folders of their own"))
        self.doubtful.toggled.connect(self._follow)
        self.taken = QComboBox()
        self.taken.setAccessibleName(self.tr("If the name is taken"))
        self.taken.addItem(self.tr("number the new one"), False)
        self.taken.addItem(self.tr("leave the picture"), True)
        self.taken.currentIndexChanged.connect(self._follow)
        taken = make_label(self.tr("If the name is taken"))
        taken.setBuddy(self.taken)
        choices = QHBoxLayout()
        choices.setSpacing(8)
        choices.addWidget(self.by_answer)
        choices.addSpacing(8)
        choices.addWidget(self.limit)
        choices.addWidget(self.at_least)
        choices.addStretch(1)
        choices.addWidget(taken)
        choices.addWidget(self.taken)
        return choices

    def _show_what_will_be(self) -> None:
        """The notice of the model, the list of files, and what is to be said of it."""
        self._medical = MedicalNotice()
        manifest = self._manifest
        self._medical.show_for(manifest is not None and manifest.medical, manifest.card.notice if manifest else "")
        self._table = QTableView()
        self._table.setModel(self.model)
        self._table.setAccessibleName(self.tr("What will happen"))
        make_quiet(self._table)
        make_even(self._table)
        self._table.setWordWrap(False)
        self._table.setStyleSheet("QTableView::item { padding: 0 6px; border: none; }")
        self._table.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self._table.setColumnWidth(0, 260)
        self._table.setColumnWidth(1, 320)
        self.summary = make_label("", "secondary", wrap=True, selectable=True)
        self.caution = CautionStrip()

    def _foot(self) -> QHBoxLayout:
        """How far it is, and the buttons."""
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setAccessibleName(self.tr("Progress"))
        self.go = QPushButton()
        self.go.setProperty("role", "primary")
        self.go.clicked.connect(self._start)
        self.back = QPushButton(self.tr("Take it back"))
        self.back.clicked.connect(self._undo)
        self.leave = QPushButton(self.tr("Cancel"))
        self.leave.clicked.connect(self._leave)
        foot = QHBoxLayout()
        foot.setSpacing(8)
        foot.addWidget(self._bar, 1)
        foot.addStretch(1)
        for widget in (self.back, self.leave, self.go):
            foot.addWidget(widget)
        return foot

    # The rule

    @property
    def how(self) -> str:
        """``copy``, ``move`` or ``rename``."""
        button = self.ways.checkedButton()
        return str(button.property("how")) if button is not None else "copy"

    @Slot()
    def _follow(self) -> None:
        """Something was chosen: the plan is another."""
        rename = self.how == "rename"
        for widget in (self._folder_label, self.folder, self._browse, self.by_answer):
            widget.setEnabled(not rename)
        self.at_least.setEnabled(self.limit.isChecked())
        if rename and self.pattern.currentText() == "{name}":
            self.pattern.setEditText(self._settings.get("sort_pattern"))
        self.go.setEnabled(False)
        self._plan = None
        self._soon.start()

    @Slot()
    def _choose(self) -> None:
        dialog = FileDialog(self, self.tr("Where the Folders Are to Be"), "folder", self.folder.text())
        dialog.fileSelected.connect(self.folder.setText)
        dialog.open()

    @Slot()
    def _ask(self) -> None:
        from desktop.app.sorting import SortRule

        rule = SortRule(
            self.how,  # type: ignore[arg-type]
            "" if self.how == "rename" else self.folder.text().strip(),
            self.pattern.currentText(),
            self.by_answer.isChecked(),
            self.at_least.value() if self.limit.isChecked() else 0.0,
            self.doubtful.isChecked(),
            bool(self.taken.currentData()),
        )
        self._sorter.plan(self._pictures, rule, self._manifest.id if self._manifest is not None else "")

    @Slot(object)
    def _show_plan(self, plan: SortPlan) -> None:
        if self._outcome is not None or self._soon.isActive():
            return
        self._plan = plan
        self.model.show_plan(plan)
        going, folders = len(plan.going), len(plan.folders)
        if plan.rule.how == "rename":
            told = [self.tr("{0} pictures get a new name.").format(count(going))]
        else:
            words = self.tr("{0} pictures go into {1} folders.")
            if folders == 1:
                words = self.tr("{0} pictures go into one folder.")
            told = [words.format(count(going), count(folders))]
        told += [f"{count(number)}: {why}." for why, number in plan.reasons.items()]
        self.summary.setText(" ".join(told))
        self._say(sentence(plan.trouble))
        self.go.setText(self._verb(going))
        self.go.setEnabled(going > 0 and not plan.trouble)

    def _verb(self, number: int) -> str:
        words = {
            "copy": self.tr("Copy {0} pictures"),
            "move": self.tr("Move {0} pictures"),
            "rename": self.tr("Rename {0} pictures"),
        }
        return words[self.how].format(count(number))

    def _say(self, text: str) -> None:
        self.caution.set_text(text)
        self.caution.setVisible(bool(text))

    # Doing

    @Slot()
    def _start(self) -> None:
        if self._plan is None:
            return
        self._settings.set("sort_how", self.how)
        if self.how == "rename":
            self._settings.set("sort_pattern", self.pattern.currentText())
        else:
            self._settings.set("sort_folder", os.path.abspath(self.folder.text().strip()))
        self._work(len(self._plan.going))
        self._sorter.carry_out(self._plan)

    def _work(self, steps: int) -> None:
        fixed: list[QWidget] = [self.copy, self.move_files, self.rename, self.folder, self._browse, self.pattern]
        fixed += [self.go, self.by_answer, self.limit, self.at_least, self.doubtful, self.taken, self.back]
        for widget in fixed:
            widget.setEnabled(False)
        self._bar.setRange(0, max(1, steps))
        self._bar.setValue(0)
        self._bar.show()
        self.leave.setText(self.tr("Stop"))

    @Slot(int, int)
    def _show_progress(self, done: int, total: int) -> None:
        self._bar.setRange(0, max(1, total))
        self._bar.setValue(done)

    @Slot(object, object)
    def _on_ended(self, outcome: FileOutcome, places: dict[str, str]) -> None:
        self._bar.hide()
        self.leave.setText(self.tr("Close"))
        self.leave.setEnabled(True)
        self.go.hide()
        if places:
            self.moved.emit(places)
        if self._undoing:
            told = self.tr("{0} taken back.").format(count(len(outcome.done)))
        else:
            self._outcome = outcome
            self.model.show_outcome(outcome)
            self.back.setVisible(bool(outcome.done))
            self.back.setEnabled(True)
            told = self.tr("{0} done. It can be taken back here, later under Edit › Files Sorted…").format(
                count(len(outcome.done))
            )
        self.summary.setText(told)
        left = self.tr("{0} were left: {1}").format(count(len(outcome.left)), next(iter(outcome.left.values()), ""))
        self._say(sentence(left) if outcome.left else sentence(outcome.stopped))
        self.leave.setFocus(Qt.FocusReason.OtherFocusReason)

    @Slot()
    def _undo(self) -> None:
        if self._outcome is not None:
            self._undoing = True
            self._work(len(self._outcome.done))
            self.back.hide()
            self._sorter.undo(self._outcome.id)

    @Slot(Exception)
    def _on_failed(self, error: Exception) -> None:
        from desktop.system.errors import FoveaError

        told = f"{sentence(error.message)} {error.hint}" if isinstance(error, FoveaError) else type(error).__name__
        self.model.show_plan(None)
        self.summary.clear()
        self._say(told)
        self._bar.hide()
        self.leave.setText(self.tr("Close"))

    @Slot()
    def _leave(self) -> None:
        if self._sorter.working:
            self.leave.setEnabled(False)
            self._sorter.cancel()
        else:
            self.reject()

    def reject(self) -> None:
        """Escape stops what runs first."""
        if self._sorter.working:
            self._leave()
        else:
            super().reject()
