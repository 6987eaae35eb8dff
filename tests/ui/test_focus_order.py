"""Tab goes through a view as it is read: along a row, then down; and never back up within a column."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtWidgets import QAbstractButton, QComboBox, QLineEdit, QWidget

from desktop.ui.shell.app import Shell
from tests.ui.test_accessible import VIEWS, shell

__all__ = ["shell"]
_CONTROLS = QAbstractButton | QComboBox | QLineEdit


def stops(window: QWidget, inside: QWidget) -> list[QWidget]:
    """The controls of ``inside`` in the order in which Tab comes to them."""
    found, widget = [], window.nextInFocusChain()
    while widget is not window:
        takes = widget.focusPolicy() & Qt.FocusPolicy.TabFocus and widget.isEnabled() and widget.isVisibleTo(window)
        if takes and isinstance(widget, _CONTROLS) and inside.isAncestorOf(widget):
            found.append(widget)
        widget = widget.nextInFocusChain()
    return found


def jumps_back(window: QWidget, order: list[QWidget]) -> list[str]:
    """Where Tab goes against the reading within one parent: up in a column, or back in a row."""
    found = []
    for one, other in pairwise(order):
        if one.parentWidget() is not other.parentWidget():
            continue  # from pane to pane
        a, b = (QRect(widget.mapTo(window, QPoint(0, 0)), widget.size()) for widget in (one, other))
        side = max(a.left(), b.left()) < min(a.right(), b.right())
        level = max(a.top(), b.top()) < min(a.bottom(), b.bottom())
        if (side and not level and b.bottom() <= a.top()) or (level and not side and b.right() <= a.left()):
            found.append(f"{name_of(one)} → {name_of(other)}")
    return found


def name_of(widget: QWidget) -> str:
    """What a person would call a control."""
    text = widget.text() if isinstance(widget, QAbstractButton) else ""
    return f"{type(widget).__name__} '{widget.accessibleName() or text}'"


@pytest.mark.parametrize("view", VIEWS)
def test_tab_follows_the_reading(shell: Shell, qtbot: Any, view: str) -> None:
    window = shell.window
    window.resize(1280, 720)
    window.host.show_view(view)
    qtbot.wait(1)
    order = stops(window, window.views.currentWidget())
    assert jumps_back(window, order) == []
