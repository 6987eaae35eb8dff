"""Small faults that a test should notice: every one of them is a module's syntax tree with one place changed.

After DeMillo, Lipton and Sayward, 'Hints on test data selection', IEEE Computer 11, 1978. What is changed: comparisons
(their edge and their sense), conditions, `and` and `or`, arithmetic, numbers, truth values, returned values, refusals
(`raise`), the least and the most of something, conditions of comprehensions, kinds of errors; with
``words`` every text.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from dataclasses import dataclass

_EDGES: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
_SENSES: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.GtE, ast.LtE: ast.Gt, ast.Gt: ast.LtE, ast.GtE: ast.Lt,
}  # fmt: skip
_SUMS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult, ast.Mod: ast.Mult,
    ast.Pow: ast.Mult, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.LShift: ast.RShift, ast.RShift: ast.LShift,
}  # fmt: skip
_CALLS = {
    "min": "max", "max": "min", "any": "all", "all": "any", "minimum": "maximum", "maximum": "minimum",
    "argmin": "argmax", "argmax": "argmin", "floor": "ceil", "ceil": "floor",
}  # fmt: skip


@dataclass(frozen=True)
class Mutant:
    """One fault: in ``function`` (its qualified name; '' for the module itself) at ``line`` to ``end``, ``before``
    became ``after``. ``number`` counts faults of the same words within a function, so that (function, before, after,
    number) stays the same when lines move. ``tree`` is the whole module. ``at_import``: in what runs once, when the
    module is imported (constants, defaults, bodies of classes)."""

    function: str
    line: int
    end: int
    before: str
    after: str
    number: int
    tree: ast.Module
    at_import: bool

    @property
    def key(self) -> str:
        """What it is known by, whatever its line."""
        return f"{self.function or '(module)'}: {self.before} → {self.after}" + (
            f" #{self.number}" if self.number else ""
        )


Place = tuple[str, int, ast.AST]


def mutants(source: str, words: bool = False) -> Iterator[Mutant]:
    """Every fault that can be put into ``source``, one at a time."""
    tree = ast.parse(source)
    seen: dict[tuple[str, str, str], int] = {}
    for path, function in _places(tree):
        node = _at(tree, path)
        for changed in _changes(node, words):
            mutated = copy.deepcopy(tree)
            ast.copy_location(changed, node)
            _put(mutated, path, changed)
            ast.fix_missing_locations(mutated)
            before, after = _text(node), _text(changed)
            number = seen.get((function, before, after), 0)
            seen[function, before, after] = number + 1
            placed = node.iter if isinstance(node, ast.comprehension) else node  # the former has no place of its own
            line = getattr(placed, "lineno", 0)
            end = getattr(placed, "end_lineno", line) or line
            yield Mutant(function, line, end, before, after, number, mutated, _at_import(tree, path))


Path = tuple[tuple[str, int | None], ...]


def _places(tree: ast.Module) -> Iterator[tuple[Path, str]]:
    """The path of every node that is no annotation, docstring or import, and the function that it stands in.

    Left out are also what types alone are made of, and the context of words to translate: the window looks for them
    under another one, and what is translated where is the concern of ``tests/ui/shell/test_language.py``.
    """

    def walk(node: ast.AST, path: Path, function: str) -> Iterator[tuple[Path, str]]:
        yield path, function
        for name, value in ast.iter_fields(node):
            if name in ("annotation", "returns", "decorator_list", "format_spec", "op", "ops", "ctx"):
                continue
            for index, child in enumerate(value) if isinstance(value, list) else [(None, value)]:
                if not isinstance(child, ast.AST) or isinstance(child, ast.Import | ast.ImportFrom):
                    continue
                if _is_text(child) or _is_unread(node, name, index):
                    continue
                if isinstance(child, ast.If) and _text(child.test) == "TYPE_CHECKING":
                    continue
                inner = function
                if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                    inner = f"{function}.{child.name}" if function else child.name
                yield from walk(child, (*path, (name, index)), inner)

    return walk(tree, (), "")


def _at_import(tree: ast.AST, path: Path) -> bool:
    """Whether what lies at ``path`` is in the body of no function."""
    return not any(
        name == "body" and isinstance(_at(tree, path[:depth]), ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for depth, (name, _) in enumerate(path)
    )


def _is_unread(parent: ast.AST, name: str, index: int | None) -> bool:
    if isinstance(parent, ast.Subscript):
        return name == "slice" and _text(parent.value) == "Literal"
    return (
        isinstance(parent, ast.Call) and name == "args" and index == 0 and _text(parent.func) == "QT_TRANSLATE_NOOP"
    )  # fmt: skip


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _at(tree: ast.AST, path: Path) -> ast.AST:
    for name, index in path:
        value = getattr(tree, name)
        tree = value if index is None else value[index]
    return tree


def _put(tree: ast.AST, path: Path, new: ast.AST) -> None:
    parent = _at(tree, path[:-1])
    name, index = path[-1]
    if index is None:
        setattr(parent, name, new)
    else:
        getattr(parent, name)[index] = new


def _text(node: ast.AST) -> str:
    if isinstance(node, ast.JoinedStr | ast.Constant) and not isinstance(getattr(node, "value", None), int | float):
        return ast.unparse(ast.Expr(node))[:100]
    if isinstance(node, ast.If | ast.While):
        return f"if {ast.unparse(node.test)}"[:100]
    return " ".join(ast.unparse(node).split())[:100]


def _changes(node: ast.AST, words: bool) -> Iterator[ast.AST]:
    """What can stand in the place of ``node``."""
    if isinstance(node, ast.Compare):
        yield from _compared(node)
    elif isinstance(node, ast.BoolOp):
        yield ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values)
        for left_out in range(len(node.values)):
            kept = [value for i, value in enumerate(node.values) if i != left_out]
            yield kept[0] if len(kept) == 1 else ast.BoolOp(node.op, kept)
    elif isinstance(node, ast.BinOp) and type(node.op) in _SUMS:
        yield ast.BinOp(node.left, _SUMS[type(node.op)](), node.right)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not | ast.USub | ast.Invert):
        yield node.operand
    elif isinstance(node, ast.Constant):
        yield from _valued(node, words)
    elif isinstance(node, ast.If | ast.IfExp) and not isinstance(node.test, ast.Compare):
        opposite = copy.copy(node)
        opposite.test = ast.UnaryOp(ast.Not(), node.test)
        yield opposite
    elif isinstance(node, ast.Return) and node.value is not None and not _is_nothing(node.value):
        yield ast.Return(ast.Constant(None))
    elif isinstance(node, ast.Raise | ast.Continue | ast.Break | ast.AugAssign):
        yield ast.Pass()
    elif isinstance(node, ast.comprehension) and node.ifs:
        yield ast.comprehension(node.target, node.iter, [], node.is_async)
    elif isinstance(node, ast.Call):
        yield from _called(node)


def _compared(node: ast.Compare) -> Iterator[ast.AST]:
    for at, kind in enumerate(node.ops):
        for table in (_EDGES, _SENSES):
            if type(kind) in table:
                yield ast.Compare(
                    node.left, [*node.ops[:at], table[type(kind)](), *node.ops[at + 1 :]], node.comparators
                )


def _valued(node: ast.Constant, words: bool) -> Iterator[ast.AST]:
    value = node.value
    if isinstance(value, bool):
        yield ast.Constant(not value)
    elif isinstance(value, int):
        yield ast.Constant(value + 1)
    elif isinstance(value, float):
        yield ast.Constant(value * 1.5 if value else 1.0)
    elif isinstance(value, str) and value and (words or (" " not in value and "-" in value)):
        yield ast.Constant(f"XX{value}")


def _is_nothing(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _called(node: ast.Call) -> Iterator[ast.AST]:
    called = node.func
    name = called.id if isinstance(called, ast.Name) else called.attr if isinstance(called, ast.Attribute) else ""
    if name in _CALLS:
        other: ast.expr = (
            ast.Name(_CALLS[name], ast.Load())
            if isinstance(called, ast.Name)
            else ast.Attribute(called.value, _CALLS[name], ast.Load())  # type: ignore[attr-defined]
        )
        yield ast.Call(other, node.args, node.keywords)
