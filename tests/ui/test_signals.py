"""Signals say what they carry, where the class is at hand in the module that sends them."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

DESKTOP = Path(__file__).parents[2] / "desktop"


def _at_hand(tree: ast.Module) -> set[str]:
    """The names that a module defines or imports when it is loaded; not those for type checking alone."""
    names: set[str] = set()
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.ImportFrom):
            names |= {alias.asname or alias.name for alias in node.names}
    return names


def untyped(source: str) -> list[str]:
    """The signals of ``object`` that are sent with a new instance of a class which is at hand, as ``signal: Class``."""
    tree = ast.parse(source)
    known, found = _at_hand(tree), []
    for owner in (node for node in tree.body if isinstance(node, ast.ClassDef)):
        loose = {
            node.targets[0].id
            for node in owner.body
            if isinstance(node, ast.Assign)
            and isinstance(node.targets[0], ast.Name)
            and ast.unparse(node.value) == "Signal(object)"
        }
        for call in (node for node in ast.walk(owner) if isinstance(node, ast.Call) and len(node.args) == 1):
            sent = call.args[0]
            if not (isinstance(call.func, ast.Attribute) and call.func.attr == "emit" and isinstance(sent, ast.Call)):
                continue
            signal = call.func.value
            known_class = isinstance(sent.func, ast.Name) and sent.func.id in known
            if isinstance(signal, ast.Attribute) and signal.attr in loose and known_class:
                found.append(f"{signal.attr}: {ast.unparse(sent.func)}")
    return sorted(set(found))


def loose_failures(source: str) -> list[str]:
    """Signals called ``failed`` of ``object`` in modules that do not send the engine's own ``Failure``."""
    tree = ast.parse(source)
    if "Failure" in source:
        return []
    return [
        ast.unparse(node)
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and ast.unparse(node) in ("failed = Signal(object)",)
    ]


@pytest.mark.parametrize("room", ["services", "ui"])
def test_signals_carry_the_class_that_they_are_sent_with(room: str) -> None:
    found = {}
    for path in (DESKTOP / room).rglob("*.py"):
        source = path.read_text(encoding="utf-8")
        if told := untyped(source) + loose_failures(source):
            found[str(path.relative_to(DESKTOP))] = told
    assert found == {}


def test_an_untyped_signal_would_be_found() -> None:
    head = "class Done: ...\nclass Job(QObject):\n    "
    tail = "\n    def end(self) -> None:\n        self.done.emit(Done())\n"
    assert untyped(f"{head}done = Signal(object){tail}") == ["done: Done"]
    assert untyped(f"{head}done = Signal(Done){tail}") == []
    assert loose_failures("class Job:\n    failed = Signal(object)\n") == ["failed = Signal(object)"]
