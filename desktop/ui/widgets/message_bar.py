"""One sentence above the view: what could not be opened or saved, and, in quieter dress, what was done. Stays until
closed or replaced."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal, Slot
from PySide6.QtGui import QAccessible, QAccessibleEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QToolButton, QWidget

from desktop.ui.kit.theme import theme


class MessageBar(QFrame):
    """Hidden while there is nothing to say. ``closed`` is emitted when the user closes it, ``accepted`` when the button
    of an offer is pressed."""

    closed = Signal()
    accepted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("messageBar")
        self.level = "caution"
        self.setAccessibleName(self.tr("Message"))
        self._sign = QLabel()
        self._text = QLabel()
        self._text.setTextFormat(Qt.TextFormat.PlainText)
        self._text.setWordWrap(True)
        self._act = QPushButton()
        self._act.hide()
        self._act.clicked.connect(self._on_act)
        self._close = QToolButton()
        self._close.setAccessibleName(self.tr("Close the message"))
        self._close.setToolTip(self.tr("Close the message"))
        self._close.clicked.connect(self._on_close)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 4, 8, 4)
        layout.setSpacing(8)
        layout.addWidget(self._sign)
        layout.addWidget(self._text, 1)
        layout.addWidget(self._act)
        layout.addWidget(self._close)
        theme().changed.connect(self._dress)
        self._dress()
        self.hide()

    @property
    def text(self) -> str:
        """What is said now."""
        return self._text.text()

    def offer(self, text: str, button: str) -> None:
        """Show a sentence with a button beside it."""
        self.tell(text)
        self._act.setText(button)
        self._act.show()

    @Slot(str)
    def say(self, text: str) -> None:
        """Show a sentence; '' hides the bar."""
        self._show(text, "caution")

    @Slot(str)
    def tell(self, text: str) -> None:
        """Show a sentence on what was done: no caution."""
        self._show(text, "done")

    def _show(self, text: str, level: str) -> None:
        self._act.hide()
        self.level = level
        self._dress()
        self._text.setText(text)
        self.setAccessibleDescription(text)
        self.setVisible(bool(text))
        if text and QAccessible.isActive():
            QAccessible.updateAccessibility(QAccessibleEvent(self, QAccessible.Event.Alert))

    def clear(self) -> None:
        """Nothing more to say."""
        self.say("")

    @Slot()
    def _on_act(self) -> None:
        self.clear()
        self.accepted.emit()

    @Slot()
    def _on_close(self) -> None:
        self.clear()
        self.closed.emit()

    @Slot()
    def _dress(self) -> None:
        t = theme().tokens
        done = self.level == "done"
        tone, ground = (t.text, t.soft) if done else (t.caution, t.caution_ground)
        icon = theme().icon("check" if done else "caution", 20, t.accent if done else t.caution)
        self._sign.setPixmap(icon.pixmap(QSize(20, 20), self.devicePixelRatioF()))
        self._close.setIcon(theme().icon("cross", 16))
        self.setStyleSheet(
            f"#messageBar {{ background: {ground}; border-bottom: 1px solid {t.border}; }}"
            f"#messageBar QLabel {{ color: {tone}; }}"
        )
