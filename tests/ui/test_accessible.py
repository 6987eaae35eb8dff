"""What a screen reader gets of every view and dialog: a role and a name of every control."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from PySide6.QtGui import QAccessible, QAccessibleInterface
from PySide6.QtWidgets import QApplication, QDialog, QWidget

from desktop.services.settings import Settings
from desktop.ui.shell.app import Shell, build_window
from desktop.ui.shell.views import LATER
from tests.ui.test_layout import DIALOGS

VIEWS = ["classify", *(later.id for later in LATER)]
Role = QAccessible.Role
CONTROLS = frozenset(
    {Role.Button, Role.CheckBox, Role.RadioButton, Role.ComboBox, Role.EditableText, Role.SpinBox, Role.Slider,
     Role.List, Role.Table, Role.Tree, Role.PageTab, Role.Link, Role.ButtonMenu, Role.ButtonDropDown, Role.ProgressBar,
     Role.Graphic, Role.Chart, Role.Dial}
)  # fmt: skip
INNER = frozenset({Role.ListItem, Role.Cell, Role.TreeItem, Role.ColumnHeader, Role.RowHeader, Role.ScrollBar})


@pytest.fixture
def shell(qtbot: Any, colours_store: Any) -> Iterator[Shell]:
    """The window, without its engine."""
    held = build_window(Settings(), mode="light")
    qtbot.addWidget(held.window)
    held.window.painted.disconnect()
    held.window.show()
    held.catalog.refresh()
    qtbot.waitUntil(lambda: held.catalog.loaded, timeout=20_000)
    held.window.classify.complete()
    yield held
    held.window.close()
    held.close_down()


def nameless(root: QWidget) -> list[str]:
    """Controls below ``root``, as a screen reader walks them, that have no name; and focusable ones without a role."""
    found: list[str] = []

    def walk(node: QAccessibleInterface, depth: int) -> None:
        state = node.state()
        if state.invisible or depth > 40 or node.role() in INNER:
            return
        thing = node.object()
        name = node.text(QAccessible.Text.Name)
        inside = type(thing).__name__ if thing is not None else "?"
        where = f"{inside} ({node.role().name}) in {type(thing.parent()).__name__ if thing is not None else '?'}"
        if node.role() in CONTROLS and not name and not _part_of_another(thing):
            found.append(f"{where} has no name")
        if state.focusable and node.role() in (Role.NoRole, Role.Client) and not name:
            found.append(f"{where} can have the keyboard and has neither role nor name")
        for place in range(node.childCount()):
            child = node.child(place)
            if child is not None:
                walk(child, depth + 1)

    start = QAccessible.queryAccessibleInterface(root)
    assert start is not None and start.childCount()
    walk(start, 0)
    return found


def _part_of_another(thing: Any) -> bool:
    """Parts of compound controls that are read with them."""
    name = getattr(thing, "objectName", str)()
    parent = thing.parent() if thing is not None else None
    return name.startswith("qt_") or type(parent).__name__ in ("QSpinBox", "QDoubleSpinBox", "QComboBox", "QTabBar")


@pytest.mark.parametrize("view", VIEWS)
def test_every_control_of_a_view_has_a_name(shell: Shell, qtbot: Any, view: str) -> None:
    shell.window.host.show_view(view)
    qtbot.wait(1)
    assert nameless(shell.window) == []


@pytest.mark.parametrize("name", DIALOGS)
def test_every_control_of_a_dialog_has_a_name(shell: Shell, qtbot: Any, name: str) -> None:
    DIALOGS[name](shell)
    qtbot.wait(1)
    dialogs = [w for w in QApplication.topLevelWidgets() if isinstance(w, QDialog) and w.isVisible()]
    assert dialogs
    found = nameless(dialogs[0])
    dialogs[0].close()
    assert found == []
