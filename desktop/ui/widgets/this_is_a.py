"""'This is a …': which class a picture really is, and the Teach project that it goes to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import (
    QComboBox,
    QCompleter,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from desktop.ui.kit.help_key import give_help
from desktop.ui.kit.widgets import at_least, count, hint_in, make_label, tip

if TYPE_CHECKING:
    from desktop.services.corrections import ProjectChoice

_SIDE = 200


class ThisIsA(QDialog):
    """``told`` carries the class's name, the project's id ('' for a new one) and the name of a new one."""

    told = Signal(str, str, str)

    def __init__(
        self, name: str, number: int, labels: Sequence[str], picture: QPixmap | None, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(self.tr("This Is a…"))
        give_help(self, "acting#this-is-a-")
        self._labels = list(labels)
        self._first = ""
        about = make_label(name if number == 1 else self.tr("{0} pictures").format(count(number)), "title", wrap=True)
        self.what = QLineEdit()
        hint_in(self.what, self.tr("Its right class, an old or a new one"))
        self.what.setAccessibleName(self.tr("Its right class"))
        self.what.textChanged.connect(self._check)
        self.project = QComboBox()
        self.project.setAccessibleName(self.tr("Teach project"))
        self.project.currentIndexChanged.connect(self._follow)
        self.new_name = QLineEdit()
        self.new_name.setAccessibleName(self.tr("Name of the new project"))
        self.new_name.textChanged.connect(self._check)
        form = QFormLayout()
        form.setSpacing(8)
        form.addRow(self.tr("It is a"), self.what)
        form.addRow(self.tr("Add to the project"), self.project)
        form.addRow("", self.new_name)
        words = make_label(
            self.tr(
                "A model that is taught by this project learns from it. The picture itself is not changed or copied."
            ),
            "secondary",
            wrap=True,
        )
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.add = QPushButton(self.tr("Add"))
        self.add.setProperty("role", "primary")
        self.add.setDefault(True)
        self.buttons.addButton(self.add, QDialogButtonBox.ButtonRole.AcceptRole)
        self.buttons.accepted.connect(self._tell)
        self.buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 16, 16, 12)
        layout.setSpacing(10)
        if picture is not None and not picture.isNull():
            shown = QLabel()
            shown.setAlignment(Qt.AlignmentFlag.AlignCenter)
            keep, smooth = Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
            shown.setPixmap(picture.scaled(_SIDE, _SIDE, keep, smooth))
            layout.addWidget(shown)
        layout.addWidget(about)
        layout.addLayout(form)
        layout.addWidget(words)
        layout.addWidget(self.buttons)
        at_least(self, 410)
        self.show_projects([])
        self.what.setFocus()

    @Slot(list)
    def show_projects(self, projects: list[ProjectChoice]) -> None:
        """The projects to choose from; the first is offered."""
        self.project.clear()
        classes: list[str] = []
        for place, choice in enumerate(projects):
            self.project.addItem(choice.name, choice.id)
            self.project.setItemData(place, tip(", ".join(choice.classes)), Qt.ItemDataRole.ToolTipRole)
            classes += choice.classes
        self.project.addItem(self.tr("A new project"), "")
        self.new_name.setText("" if projects else self.tr("Corrections"))
        words = list(dict.fromkeys([*(projects[0].classes if projects else ()), *self._labels, *classes]))
        completer = QCompleter(words, self)
        completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        completer.setFilterMode(Qt.MatchFlag.MatchContains)
        self.what.setCompleter(completer)
        self._follow()

    @Slot()
    def _follow(self) -> None:
        self.new_name.setVisible(not self.project.currentData())
        self._check()

    @Slot()
    def _check(self) -> None:
        named = bool(self.project.currentData()) or bool(self.new_name.text().strip())
        self.add.setEnabled(bool(self.what.text().strip()) and named)

    @Slot()
    def _tell(self) -> None:
        if self.add.isEnabled():
            project = self.project.currentData() or ""
            self.told.emit(self.what.text().strip(), project, "" if project else self.new_name.text().strip())
            self.accept()
