"""A drop is a copy: Fovea reads what is dropped and never takes it away from where it lies."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QComboBox

_HARMLESS = (Qt.DropAction.CopyAction, Qt.DropAction.LinkAction)


def take_a_copy(event: QDropEvent) -> bool:
    """Accept a drag or a drop as a copy, whatever the other program proposes.

    Many file managers propose to move within one disk, and delete their file once a move was accepted. Where the other
    program allows nothing but a move the drop is refused: ``False``.
    """
    for action in _HARMLESS:
        if event.possibleActions() & action:
            event.setDropAction(action)
            event.accept()
            return True
    event.ignore()
    return False


def make_editable(box: QComboBox) -> None:
    """Let ``box`` be typed into, but take no drop: a field for text takes a file's name, and the file with it where the
    other program proposes a move. What is dropped there is the window's, as it is over every other field (see the
    stylesheet, which does not reach the field inside a box)."""
    box.setEditable(True)
    line = box.lineEdit()
    if line is not None:
        line.setAcceptDrops(False)
