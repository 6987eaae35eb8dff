"""The faults that `make mutants` puts in: each is another program, none is put where nothing can notice it."""

from __future__ import annotations

import ast
import importlib.util
import sys
import types
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCE = '''\
"""Words."""
from __future__ import annotations
from functools import cache
LIMIT = 3

class Kept:
    """Words too."""
    most: int = 2

def choose(value: float, other: float = 1.5) -> str:
    """More words."""
    if value >= LIMIT and other:
        raise ValueError("too-much")
    return "plenty" if min(value, other) > 0 else "a-little"

@cache
def kept_once() -> int:
    return 7
'''


def tool(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(name, ROOT / "tools" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def mutate(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    return tool("mutate")


def test_every_fault_is_another_program_with_a_name_of_its_own(mutate: Any) -> None:
    found = list(mutate.mutants(SOURCE))
    texts = {ast.unparse(one.tree) for one in found}
    assert len(texts) == len(found) == len({one.key for one in found})
    assert ast.unparse(ast.parse(SOURCE)) not in texts
    keys = {one.key for one in found}
    assert {
        "(module): 3 → 4",
        "Kept: 2 → 3",
        "choose: 1.5 → 2.25",
        "choose: value >= LIMIT → value > LIMIT",
        "choose: value >= LIMIT → value < LIMIT",
        "choose: value >= LIMIT and other → value >= LIMIT or other",
        "choose: value >= LIMIT and other → value >= LIMIT",
        "choose: raise ValueError('too-much') → pass",
        "choose: min(value, other) → max(value, other)",
        "choose: 'a-little' → 'XXa-little'",
    } <= keys
    assert not any("Words" in key or "words" in key or "plenty'" in key.split("→")[0][-9:] for key in keys)
    assert {one.function for one in found if one.at_import} == {"", "Kept", "choose"}  # of choose the default alone
    assert "choose: 'plenty' → 'XXplenty'" in {one.key for one in mutate.mutants(SOURCE, words=True)}


def test_a_fault_reaches_whoever_holds_the_function_already(mutate: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    mutants = tool("mutants")
    module = types.ModuleType("told")
    module.__file__, module.__package__, module.__loader__ = "told.py", "", None
    monkeypatch.setitem(sys.modules, "told", module)
    exec(compile(SOURCE, "told.py", "exec", dont_inherit=True), module.__dict__)
    choose, kept = module.choose, module.Kept
    by_key = {one.key: one for one in mutate.mutants(SOURCE)}
    with pytest.raises(ValueError, match="too-much"):
        choose(3)
    mutants.put_in(module, by_key["choose: value >= LIMIT → value > LIMIT"].tree)
    assert choose(3) == "plenty"
    mutants.put_in(module, by_key["Kept: 2 → 3"].tree)
    assert kept.most == 3 and module.Kept is kept
    mutants.put_in(module, by_key["(module): 3 → 4"].tree)
    assert module.LIMIT == 4
    mutants.put_in(module, by_key["choose: 1.5 → 2.25"].tree)
    assert choose.__defaults__ == (2.25,)
    once = module.kept_once
    assert once() == 7
    mutants.put_in(module, by_key["kept_once: 7 → 8"].tree)
    assert once() == 8


def test_modules_and_tests_of_the_table_are_there(mutate: Any) -> None:
    mutants = tool("mutants")
    for target in mutants.TARGETS:
        assert (ROOT / Path(*target.module.split("."))).with_suffix(".py").is_file(), target.module
        assert all((ROOT / name).exists() for name in target.tests), target.module
    for module, faults in mutants._alike().items():
        assert module in {target.module for target in mutants.TARGETS} and all(faults.values())
