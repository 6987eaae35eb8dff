"""A small question for a name."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QInputDialog, QWidget

from desktop.ui.kit.theme import theme


def ask_name(parent: QWidget, title: str, words: str, text: str, then: Callable[[str], object]) -> QInputDialog:
    """Ask for one line of text; ``then`` is called with it unless it is empty or the user does not want to."""
    dialog = QInputDialog(parent)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.setWindowTitle(title)
    dialog.setLabelText(words)
    dialog.setTextValue(text)
    dialog.setMinimumWidth(theme().scaled(380))
    dialog.textValueSelected.connect(lambda value: then(value.strip()) if value.strip() else None)
    dialog.open()
    return dialog
