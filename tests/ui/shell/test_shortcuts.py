"""Keys: every one is in the list, none has two meanings, and the help's page is the list."""

from __future__ import annotations

import ast
import collections
import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtGui import QAction, QKeySequence, QShortcut
from PySide6.QtWidgets import QMenu

from desktop.services.catalog import ModelCatalog
from desktop.services.settings import Settings
from desktop.ui.shell.keys import KEYS, groups, keys_of
from desktop.ui.shell.main_window import MainWindow
from desktop.ui.shell.views import LATER

ROOT = Path(__file__).resolve().parents[3]
# Keys without a meaning of their own: a button's or a list's usual ones, and keys that others hear.
USUAL = {
    "desktop/ui/shell/main_window.py",
    "desktop/ui/kit/help_key.py",  # the help's own key, in dialogs
    "desktop/ui/shell/keys.py",
    "desktop/ui/shell/menus.py",
    "desktop/ui/widgets/empty_state.py",  # names the key that pastes
    "desktop/ui/draw/tools.py",  # names keys in tips
    "desktop/ui/teach/picture_menu.py",  # shows the keys that the gallery hears
    "desktop/ui/help/page_view.py",  # writes keys as the system does
}
# One key in two places of one view: the nearer one is heard, and both mean the same kind of thing.
SHARED = {"Ctrl+C"}


@pytest.fixture
def window(qtbot: Any, tmp_path: Path) -> Iterator[MainWindow]:
    held = MainWindow(Settings(tmp_path / "settings.json"), ModelCatalog())
    qtbot.addWidget(held)
    assert held.classify is not None and held.menus is not None
    yield held
    held.close()


def actions(menus: list[QMenu]) -> Iterator[QAction]:
    for menu in menus:
        for action in menu.actions():
            below = action.menu()
            if isinstance(below, QMenu):
                yield from actions([below])
            yield action


def test_no_key_has_two_meanings(window: MainWindow) -> None:
    counted = collections.Counter(key for action in actions(window.top_menus) for key in keys_of(action))
    assert len(counted) > 15 and [key for key, count in counted.items() if count > 1] == []
    for where in dict.fromkeys(key.where for key in KEYS):
        own = collections.Counter(text for key in KEYS if key.where == where for text in key.keys.split())
        assert [text for text, count in own.items() if count > 1] == [], where
        if "help" not in where:  # a window of its own
            portable = {QKeySequence(text).toString() for text in own} - SHARED
            assert portable & set(counted) == set(), where


def test_every_key_of_the_menus_is_listed(window: MainWindow) -> None:
    listed = {key for group in groups(window.top_menus) for keys, _ in group.rows for key in keys}
    for action in actions(window.top_menus):
        if keys := keys_of(action):
            assert keys[0] in listed, action.text()


def test_every_shortcut_of_a_view_is_listed(window: MainWindow) -> None:
    """What the made views hold of shortcuts and commands with keys stands in the menus or in the table."""
    for view in LATER:
        window.later(view.id)
    listed = {QKeySequence(text).toString() for key in KEYS for text in key.keys.split()}
    listed |= {key for action in actions(window.top_menus) for key in keys_of(action)}
    found = {key.key().toString() for key in window.findChildren(QShortcut)}
    found |= {key for action in window.findChildren(QAction) for key in keys_of(action)}
    assert found - listed - {""} == set()


def hears_keys(tree: ast.Module) -> bool:
    """Whether a module names keys: ``Qt.Key.Key_…``, a shortcut, a standard key."""
    return any(
        isinstance(node, ast.Attribute) and (node.attr.startswith("Key_") or node.attr == "StandardKey")
        for node in ast.walk(tree)
    )


def test_every_module_that_hears_keys_is_in_the_table() -> None:
    """Which keys it hears cannot be read off a source; that it is listed can. A new one adds rows to KEYS."""
    hearing = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "desktop" / "ui").rglob("*.py")
        if hears_keys(ast.parse(path.read_text(encoding="utf-8")))
    }
    listed = {f"desktop/ui/{key.module.replace('.', '/')}.py" for key in KEYS}
    assert all((ROOT / module).is_file() for module in listed)
    assert hearing - listed - USUAL == set(), "add their keys to KEYS in desktop/ui/shell/keys.py"


def test_the_page_of_the_help_is_the_list(qapp: Any) -> None:
    spec = importlib.util.spec_from_file_location("shortcuts_tool", ROOT / "tools" / "shortcuts.py")
    assert spec is not None and spec.loader is not None
    tool = importlib.util.module_from_spec(spec)
    sys.modules["shortcuts_tool"] = tool
    spec.loader.exec_module(tool)
    assert tool.renewed() == tool.PAGE.read_text(encoding="utf-8"), "run: make shortcuts"
