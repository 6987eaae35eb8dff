"""One meaning a word: a public class has a name of its own, wherever in the program it is defined."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from pathlib import Path

_ROOT = Path(__file__).parents[1]
_ALIAS = re.compile(r"[A-Z][A-Za-z]*[a-z][A-Za-z]*")

TWICE: dict[str, str] = {}
"""Names that are defined more than once on purpose, and why; none is."""


def _named(tree: ast.Module) -> tuple[set[str], set[str]]:
    """The public classes of a module, and its names for types."""
    classes = {node.name for node in tree.body if isinstance(node, ast.ClassDef) and not node.name.startswith("_")}
    targets = [node.targets[0] for node in tree.body if isinstance(node, ast.Assign) and len(node.targets) == 1]
    aliases = {target.id for target in targets if isinstance(target, ast.Name) and _ALIAS.fullmatch(target.id)}
    return classes, aliases


def _doubled(modules: dict[str, str]) -> dict[str, list[str]]:
    """Class names that more than one of ``modules`` (their texts by name) defines, with these."""
    classes, all_names = defaultdict(list), defaultdict(list)
    for module, text in modules.items():
        own, aliases = _named(ast.parse(text))
        for name in own:
            classes[name].append(module)
        for name in own | aliases:
            all_names[name].append(module)
    return {name: all_names[name] for name in classes if len(all_names[name]) > 1}


def test_each_public_class_is_defined_once() -> None:
    found = _doubled(
        {str(p.relative_to(_ROOT)): p.read_text(encoding="utf-8") for p in (_ROOT / "desktop").rglob("*.py")}
    )
    assert {name: places for name, places in found.items() if name not in TWICE} == {}
    assert set(TWICE) <= set(found)  # a reason that is no longer needed goes


def test_a_name_used_twice_would_be_found() -> None:
    twice = {"a": "class Step: ...\nclass _Own: ...", "b": "class Step: ...\nclass _Own: ...", "c": "class Other: ..."}
    assert _doubled(twice) == {"Step": ["a", "b"]}
    assert _doubled({"a": "class Progress: ...", "b": "Progress = int"}) == {"Progress": ["a", "b"]}


def test_words_of_one_meaning_have_one_definition() -> None:
    """What says how far work is, and what asks whether it shall end: one name for it each, in one place."""
    found = [
        str(path.relative_to(_ROOT))
        for path in (_ROOT / "desktop").rglob("*.py")
        if re.search(r"^\w*(Progress|Cancelled) = Callable", path.read_text(encoding="utf-8"), re.M)
    ]
    # That of looking through data names the stage as well.
    assert sorted(found) == ["desktop/core/data/inspection.py", "desktop/core/progress.py"]
