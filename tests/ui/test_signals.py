"""Signals say what they carry; where that cannot be said in a class, the line says why."""

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
    """The signals of ``object`` that are always sent with new instances of classes which are at hand, as
    ``signal: Class``."""
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
        sent: dict[str, set[str]] = {}
        for call in (node for node in ast.walk(owner) if isinstance(node, ast.Call) and len(node.args) == 1):
            if isinstance(call.func, ast.Attribute) and call.func.attr == "emit":
                signal, value = call.func.value, call.args[0]
                of = value.func.id if isinstance(value, ast.Call) and isinstance(value.func, ast.Name) else ""
                if isinstance(signal, ast.Attribute) and signal.attr in loose:
                    sent.setdefault(signal.attr, set()).add(of if of in known else "")
        found += [f"{signal}: {', '.join(sorted(of))}" for signal, of in sent.items() if "" not in of]
    return sorted(found)


def unexplained(source: str) -> list[str]:
    """Signals that carry an ``object`` and say in no comment on their line what that is."""
    lines = source.splitlines()
    return [
        lines[node.lineno - 1].strip()
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "Signal"
        and any(isinstance(given, ast.Name) and given.id in ("object", "Any") for given in node.args)
        and len(lines[(node.end_lineno or node.lineno) - 1].partition("#")[2].split()) < 3
    ]


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
        if told := untyped(source) + loose_failures(source) + unexplained(source):
            found[str(path.relative_to(DESKTOP))] = told
    assert found == {}


def test_an_untyped_signal_would_be_found() -> None:
    head = "class Done: ...\nclass Job(QObject):\n    "
    tail = "\n    def end(self) -> None:\n        self.done.emit(Done())\n"
    assert untyped(f"{head}done = Signal(object){tail}") == ["done: Done"]
    assert untyped(f"{head}done = Signal(Done){tail}") == []
    assert loose_failures("class Job:\n    failed = Signal(object)\n") == ["failed = Signal(object)"]
    assert unexplained("class A:\n    a = Signal(str, object)\n    b = Signal(str)\n") == ["a = Signal(str, object)"]
    assert unexplained("class A:\n    a = Signal(object)  # a number, or None\n") == []
