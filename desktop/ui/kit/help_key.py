"""F1: which page of the help explains what one is at, and the way from every window to it.

A widget says its topic (:func:`explain`), a window asks for it with F1 (:func:`give_help`); the main window hears
``desk().asked`` and opens the page. A topic is a page of ``docs/help``, or a part of one: ``evaluate#calibration``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal, Slot

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

PROPERTY = "helpTopic"


class Desk(QObject):
    """``asked`` carries the topic that was asked for, '' where nothing was said."""

    asked = Signal(str)

    @Slot()
    def hear(self) -> None:
        """A key of a window, or the window itself, asks for the page of where the keyboard is in it."""
        from PySide6.QtGui import QShortcut
        from PySide6.QtWidgets import QWidget

        sender = self.sender()
        window = sender.parent() if isinstance(sender, QShortcut) else sender
        if isinstance(window, QWidget):
            held = window.focusWidget()
            self.asked.emit(topic_at(held if held is not None and held.isVisible() else window))


_desk: Desk | None = None


def desk() -> Desk:
    """The one object of its kind."""
    global _desk
    if _desk is None:
        _desk = Desk()
    return _desk


def explain(widget: QWidget, topic: str) -> None:
    """Say which topic explains ``widget`` and what lies in it."""
    widget.setProperty(PROPERTY, topic)


def give_help(window: QWidget, topic: str) -> None:
    """The same for a window of its own (a dialog, the wizard), which then answers the help's key."""
    from PySide6.QtGui import QKeySequence, QShortcut

    explain(window, topic)
    key = QShortcut(QKeySequence(QKeySequence.StandardKey.HelpContents), window)
    key.activated.connect(desk().hear)


def topic_at(widget: QWidget | None) -> str:
    """The topic of ``widget`` or of the nearest around it that has one, no further than its window; '' for none."""
    while widget is not None:
        topic = widget.property(PROPERTY)
        if isinstance(topic, str) and topic:
            return topic
        if widget.isWindow():
            break
        widget = widget.parentWidget()
    return ""
