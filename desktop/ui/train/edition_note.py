"""What the Train view of the viewer edition says: this one does not train."""

from __future__ import annotations

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QFrame, QHBoxLayout, QWidget

from desktop.ui.kit.theme import theme
from desktop.ui.kit.widgets import Sign, make_label, put_beside


class EditionNote(QFrame):
    """A framed sentence above the trainings."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("editionNote")
        text = self.tr(
            "This edition of Fovea classifies, draws and evaluates; it does not train. To train, install the full "
            "edition in its place: your models, runs and settings stay."
        )
        self.setAccessibleName(text)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 8, 12, 8)
        put_beside(layout, Sign("info", "caution", self.tr("Note")), make_label(text, "caution", wrap=True))
        theme().changed.connect(self._dress)
        self._dress()

    @Slot()
    def _dress(self) -> None:
        t = theme().tokens
        self.setStyleSheet(f"#editionNote {{ background: {t.caution_ground}; border-bottom: 1px solid {t.border}; }}")
