"""A column that scrolls: where there is room for all of it, it does not."""

from __future__ import annotations

from typing import Any

from PySide6.QtWidgets import QFrame, QListWidget, QPushButton, QVBoxLayout, QWidget

from desktop.ui.kit.scrolled import Scrolled
from desktop.ui.kit.widgets import make_label


def test_words_that_get_longer_have_the_room_that_there_is(qtbot: Any, qapp: Any) -> None:
    card = QFrame()
    inside = QVBoxLayout(card)
    about = make_label("Short.", "secondary", wrap=True)
    inside.addWidget(about)
    inside.addWidget(QPushButton("Make it a model"))
    held = Scrolled(whole=True)
    held.setWidget(card)
    left = QWidget()
    column = QVBoxLayout(left)
    column.addWidget(QListWidget(), 1)
    column.addWidget(held)
    qtbot.addWidget(left)
    left.resize(240, 600)
    left.show()
    qtbot.waitUntil(lambda: held.height() >= card.height() > 0)
    for words in ("Label some of those that were drawn at random. " * 4, "Short again.", "Labels " * 60):
        about.setText(words)
        qtbot.waitUntil(lambda: not held.verticalScrollBar().isVisible() and held.height() >= card.height())
