"""The card of a model: what a person should know before trusting its answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QPushButton, QTextBrowser, QVBoxLayout, QWidget

from desktop.core.translate import on_card
from desktop.ui.dialogs._card_text import card_html
from desktop.ui.kit.help_key import give_help
from desktop.ui.kit.theme import theme
from desktop.ui.kit.widgets import first_size, make_label

if TYPE_CHECKING:
    from desktop.store.store import ModelEntry


class ModelCardDialog(QDialog):
    """Shows the card of ``entry``, whatever its state; its text can be selected and copied as a whole."""

    def __init__(self, entry: ModelEntry, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._entry = entry
        name = on_card(entry.manifest.name) if entry.manifest else entry.id
        self.setWindowTitle(self.tr("About {name}").format(name=name))
        give_help(self, "models#the-card")
        self._name = make_label(name, "answer", wrap=True)
        self._page = QTextBrowser()
        self._page.setOpenLinks(False)
        self._page.setAccessibleName(self.tr("Model card"))
        self._page.setAccessibleDescription(name)
        self._page.document().setDocumentMargin(14)
        # Without a handled link there is nothing for Tab to stop at but the page as a whole.
        self._page.setTabChangesFocus(True)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        copy = QPushButton(self.tr("Copy text"))
        copy.setAutoDefault(False)
        copy.clicked.connect(self._copy)
        buttons.addButton(copy, QDialogButtonBox.ButtonRole.ActionRole)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 16, 16, 12)
        layout.setSpacing(12)
        layout.addWidget(self._name)
        layout.addWidget(self._page, 1)
        layout.addWidget(buttons)
        theme().changed.connect(self._render)
        self._render()
        self._page.setFocus(Qt.FocusReason.OtherFocusReason)
        first_size(self, 760, 620)

    @property
    def text(self) -> str:
        """The whole card as plain text."""
        return f"{self._name.text()}\n\n{self._page.toPlainText()}"

    def _render(self) -> None:
        self._page.setHtml(card_html(self._entry))

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self.text)
