"""The question that stands between a close button and work that is under way."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMessageBox, QPushButton, QWidget


class ClosingQuestion(QMessageBox):
    """What should happen to work under way when Fovea closes: ``text`` and ``detail`` say what it is about,
    :meth:`offer` adds what can be done, :meth:`ask` opens it. Escape and 'Do not close' leave everything as it is."""

    def __init__(self, parent: QWidget | None, text: str, detail: str) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setIcon(QMessageBox.Icon.Question)
        self.setTextFormat(Qt.TextFormat.PlainText)  # a name is a name, whatever it looks like
        self.setWindowTitle(self.tr("Close Fovea"))
        self.setText(text)
        self.setInformativeText(detail)

    def offer(self, words: str, discards: bool = False) -> QPushButton:
        """Add a way out, called ``words``; the first that is offered is taken by Return."""
        role = QMessageBox.ButtonRole
        button = self.addButton(words, role.DestructiveRole if discards else role.AcceptRole)
        if self.defaultButton() is None:
            self.setDefaultButton(button)
        return button

    def ask(self) -> None:
        """Open it over its parent, without waiting for the answer."""
        self.setEscapeButton(self.addButton(self.tr("Do not close"), QMessageBox.ButtonRole.RejectRole))
        self.open()
