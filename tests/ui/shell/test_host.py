"""The views beside Classify as a part of the window: it needs no more than it is handed."""

from __future__ import annotations

import ast
from pathlib import Path

from desktop.ui.shell.app import Shell

SHELL = Path(__file__).parents[3] / "desktop" / "ui" / "shell"


def test_views_are_made_on_their_first_visit_and_get_the_engine(shell: Shell) -> None:
    host = shell.window.host
    assert host.visited == () and host.shown is None
    host.show_view("models")
    assert host.visited == ("models",) and host.shown is host.later("models")
    host.show_view("classify")
    assert host.shown is None and shell.window.views.currentWidget() is shell.window.classify


def test_parts_of_the_window_leave_its_private_fields_alone() -> None:
    """Helpers are handed what they need: none reaches for what begins with an underscore in another's object."""
    found = []
    for path in (SHELL.parent).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            holder = node.value if isinstance(node, ast.Attribute) else None
            if not isinstance(node, ast.Attribute) or not node.attr.startswith("_") or node.attr.startswith("__"):
                continue
            name = (
                holder.attr if isinstance(holder, ast.Attribute) else holder.id if isinstance(holder, ast.Name) else ""
            )
            if name.lstrip("_") in ("view", "window", "frame", "host"):
                found.append(f"{path.name}:{node.lineno} {name}.{node.attr}")
    assert found == []
