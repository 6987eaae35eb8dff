"""The header of a DICOM file as a table; what tells who the patient is stays hidden until it is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QCheckBox, QDialog, QDialogButtonBox, QLineEdit, QVBoxLayout, QWidget

from desktop.ui.kit.help_key import give_help
from desktop.ui.kit.tables import FiguresModel, fit_columns, table, words
from desktop.ui.kit.widgets import first_size, make_label

if TYPE_CHECKING:
    from desktop.core.pictures.dicom.study import HeaderRow


class HeaderDialog(QDialog):
    """``reveal_wanted`` asks for the header with, or without, personal values; :meth:`show_rows` answers it."""

    reveal_wanted = Signal(bool)

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("DICOM header"))
        give_help(self, "xrays#the-header-of-a-dicom-file")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        first_size(self, 760, 560)
        self._rows: tuple[HeaderRow, ...] = ()
        self.filter = QLineEdit()
        self.filter.setPlaceholderText(self.tr("Filter by tag, name or value"))
        self.filter.setAccessibleName(self.tr("Filter the header"))
        self.filter.setClearButtonEnabled(True)
        self.filter.textChanged.connect(self._show)
        self.reveal = QCheckBox(self.tr("Show names, numbers and dates of the patient and of the examination"))
        self.reveal.toggled.connect(self.reveal_wanted)
        self.model = FiguresModel([self.tr("Tag"), self.tr("Name"), self.tr("Value")], self)
        self.table = table(self.model, self.tr("Header of the file"), sortable=True)
        self._count = make_label("", "secondary")
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setSpacing(8)
        layout.addWidget(make_label(title, "title", wrap=True))
        layout.addWidget(self.filter)
        layout.addWidget(self.table, 1)
        layout.addWidget(self._count)
        layout.addWidget(self.reveal)
        layout.addWidget(buttons)

    def show_rows(self, rows: tuple[HeaderRow, ...]) -> None:
        """Show these lines."""
        self._rows = rows
        self._show()
        fit_columns(self.table, 420)

    @Slot()
    def _show(self) -> None:
        text = self.filter.text().strip().casefold()
        hidden = self.tr("hidden")
        lines = [(row.tag, row.name, row.value if row.value or not row.personal else hidden) for row in self._rows]
        kept = [line for line in lines if not text or any(text in part.casefold() for part in line)]
        self.model.set_rows([[words(part) for part in line] for line in kept])
        closed = sum(row.personal and not row.value for row in self._rows)
        self._count.setText(self.tr("{0} lines, {1} of them hidden").format(len(kept), closed))
