"""The order in which several workers take up the test files."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from tests.conftest import pytest_collection_modifyitems as order

TESTS = Path(__file__).resolve().parent
NAMES = [line for line in (TESTS / "longest_first.txt").read_text("utf-8").splitlines() if not line.startswith("#")]


def test_the_files_that_take_longest_are_there() -> None:
    assert NAMES and [name for name in NAMES if not (TESTS.parent / name).is_file()] == []
    assert len(set(NAMES)) == len(NAMES)


def test_workers_begin_with_them_and_one_process_keeps_the_order() -> None:
    asked = ["tests/a.py::test_1", f"{NAMES[1]}::test_2", "tests/a.py::test_0", f"{NAMES[0]}::T::test_1[x::y]"]
    items: list[Any] = [SimpleNamespace(nodeid=name) for name in asked]
    alone: Any = SimpleNamespace()
    order(alone, items)
    assert [item.nodeid for item in items] == asked
    worker: Any = SimpleNamespace(workerinput={})
    order(worker, items)
    assert [item.nodeid for item in items] == [asked[3], asked[1], asked[0], asked[2]]
