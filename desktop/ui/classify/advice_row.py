"""Under the headline of a picture of another kind: which model would suit it, and a button that takes that model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QPushButton, QVBoxLayout, QWidget

from desktop.core.translate import on_card
from desktop.core.trust import suiting
from desktop.ui.kit.tabled import translated
from desktop.ui.kit.widgets import make_label, tip

if TYPE_CHECKING:
    from desktop.services.advising import Adviser
    from desktop.services.catalog import ModelCatalog


class AdviceRow(QWidget):
    """``model_selected`` carries the id of the model that the user takes."""

    model_selected = Signal(str)

    def __init__(self, adviser: Adviser, catalog: ModelCatalog, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._adviser, self._catalog = adviser, catalog
        self._words = make_label("", wrap=True, selectable=True)
        self._words.setAccessibleName(self.tr("Which model would suit"))
        self._take = QPushButton()
        self._take.clicked.connect(self._choose)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 4, 0, 4)
        layout.setSpacing(4)
        layout.addWidget(self._words)
        layout.addWidget(self._take, 0, Qt.AlignmentFlag.AlignLeft)
        adviser.changed.connect(self._show)
        self._show()

    @property
    def words(self) -> str:
        """What is said, '' while nothing is."""
        return "" if self.isHidden() else self._words.text()

    @Slot()
    def _show(self) -> None:
        entry = self._catalog.entry(self._adviser.suits) if self._adviser.suits else None
        if entry is None or entry.manifest is None or self._adviser.suits not in suiting.WORDS:
            self.hide()
            return
        words = translated(suiting.CONTEXT, suiting.WORDS[self._adviser.suits])
        if entry.manifest.medical:
            words += " " + self.tr("A medical model is never chosen by itself.")
        self._words.setText(words)
        self._take.setText(self.tr("Use that model"))
        self._take.setToolTip(tip(on_card(entry.manifest.name)))
        self._take.setAccessibleName(self.tr("Use the model {0}").format(on_card(entry.manifest.name)))
        self.show()

    @Slot()
    def _choose(self) -> None:
        if self._adviser.suits:
            self.model_selected.emit(self._adviser.suits)
