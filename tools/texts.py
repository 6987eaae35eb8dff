"""Every text of Fovea that is translated, collected from its source for :mod:`tools.translations`.

In the window a text stands in ``tr()``, in tables in ``QT_TRANSLATE_NOOP``. Below it stands in ``phrase()``, or as a
plain text where errors, notices and findings are made (:data:`SPEAKING`) and where the command line speaks
(:data:`CONSOLE`); names are followed to the texts that they stand for. The cards of the bundled models are JSON.
"""

from __future__ import annotations

import ast
import functools
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
OWN = ("tr", "_tr")
MARK = "QT_TRANSLATE_NOOP"
PHRASE, TEMPLATE = "phrase", "Template"
BELOW = "Fovea"  # desktop.system.words.CONTEXT
CARDS = "Cards"  # desktop.store.manifest.CARDS
CLASSES = "Classes"  # desktop.ui.dialogs._card_text.CLASSES
FEW = 20  # classes of a model that a card explains in the language of the window
SPEAKING: dict[str, tuple[int | str, ...]] = {
    "Notice": (1, "text"),
    "Finding": (1, 3, "message", "hint"),
    "DatasetProblem": (1, "message"),
    "BrokenEntry": (3, "message"),
    "Failure": (2, 3, "message", "hint"),
    "Note": (0, "text"),
    "Phase": (0, "text"),
    "Finished": (2, 3, "message", "hint"),
    "SearchEnded": (1, 2, "message", "hint"),
    "InspectionFailed": (1, 2, "message", "hint"),
    "Problem": (2, "message"),
    "Compatibility": (1, "sentence"),
    "Check": (2,),
    "unknown": (0, 1, "reason"),
    "proportion": (2, 3, "reason", "none"),
    "Estimate": ("reason",),
    "check_room": (2, "what"),
    "change": ("message", "hint"),
    "Preset": (1, 2, 3, 4),
    "_of_mnist": (1, 2, 3),
    "_of_cifar": (1, 2, 3),
    "Card": ("summary", "intended_use", "limits", "known_failures", "must_not", "population", "credits"),
    "not_written": (1,),
    "saying": (0,),
    "JsonStore": (1,),
    "sentences": (0,),
}
"""What takes a sentence, and in which places: positions and names of its arguments. Errors are found beside these."""
CONSOLE: dict[str, tuple[int | str, ...]] = {
    "say": (0,),
    "note": (0,),
    "complain": (0, 1),
    "update": (0,),
    "error": (0,),
    "Interrupts": (0,),
    "add_argument": ("help",),
    "add_parser": ("help", "description", "epilog"),
    "add": ("help",),
    "add_argument_group": (0,),
    "Parser": ("description", "epilog"),
}
"""The same of the command line."""


class Text(NamedTuple):
    """A text to translate: ``context`` and ``source`` as the program looks it up; ``one`` its English form for one,
    where it has plural forms; ``comment`` for translators; the file that it stands in."""

    context: str
    source: str
    file: str
    one: str = ""
    comment: str = ""


def every(root: Path = ROOT) -> list[Text]:
    """All texts, each once, with what it needs to be told."""
    texts = [*collect(root / "desktop"), *cards(root), *captions(root), *installer(root)]
    held: dict[tuple[str, str], Text] = {}
    for text in texts:
        key = text.context, text.source
        before = held.get(key)
        if before is None or (text.comment and not before.comment):
            held[key] = text if before is None or not before.one else text._replace(one=before.one)
    return list(held.values())


def cards(root: Path) -> Iterator[Text]:
    """The sentences of the bundled models' cards, and what the catalogue of networks says of each."""
    for path in sorted((root / "model_store").glob("*/model.json")):
        raw = json.loads(path.read_text("utf-8"))
        name = path.relative_to(root).as_posix()
        yield Text(CARDS, raw["name"], name, comment="The name of a model.")
        for key in ("summary", "intended_use", "limits", "known_failures", "must_not", "population", "notice"):
            held = raw["card"].get(key) or ()
            for sentence in [held] if isinstance(held, str) else held:
                yield Text(CARDS, sentence, name, comment=f"{raw['name']}: {key.replace('_', ' ')}.")
        if len(raw["labels"]) <= FEW:
            for label in raw["labels"]:
                if label.isalpha():
                    yield Text(CLASSES, label, name, comment=f"{raw['name']}: a class, explained on the model's card.")
        if raw["decision"].get("reason"):
            yield Text(CARDS, raw["decision"]["reason"], name, comment=f"{raw['name']}: why this threshold.")
    catalogue = root / "resources" / "catalogue.json"
    if catalogue.is_file():
        for network in json.loads(catalogue.read_text("utf-8"))["networks"]:
            for key in ("name", "summary", "reported"):
                if network.get(key):
                    yield Text(CARDS, network[key], "resources/catalogue.json", comment=f"A network's {key}.")


def captions(root: Path) -> Iterator[Text]:
    """What the samples are called: their files' names in words, and those of the two photographs of scikit-learn."""
    for stem in ("china", "flower", *sorted(path.stem for path in (root / "resources" / "samples").glob("*.*"))):
        words = stem.replace("-", " ").replace("_", " ")
        yield Text(
            "Samples", words[:1].upper() + words[1:], "resources/samples", comment="The name of a sample picture."
        )


def installer(root: Path) -> Iterator[Text]:
    """The words of the desktop's entry (``installers.linux.LOCALISED``) and of the pages of the installer for Windows
    (``installers.windows.WORDS``)."""
    pages = root / "installers" / "windows.py"
    if pages.is_file():
        for node in ast.parse(pages.read_text("utf-8")).body:
            if isinstance(node, ast.AnnAssign) and name_of(node.target) == "WORDS" and isinstance(node.value, ast.Dict):
                for value in node.value.values:
                    yield Text(
                        "Installer",
                        text_of(value) or "",
                        "installers/windows.py",
                        comment="A page of the installer for Windows.",
                    )
    name = "installers/linux_files/fovea.desktop"
    if (root / name).is_file():
        for line in (root / name).read_text("utf-8").splitlines():
            key, _, words = line.partition("=")
            if key in ("GenericName", "Comment", "Keywords"):
                told = "Words to search for, each ended by ';'." if key == "Keywords" else "In the menu of programs."
                yield Text("Installer", words, name, comment=told)


def collect(folder: Path) -> Iterator[Text]:
    """Every text of the Python files below ``folder`` that is looked up in a translation."""
    root = folder.parent
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in sorted(folder.rglob("*.py"))}
    contexts = {path: _own_context(tree) for path, tree in trees.items()}
    errors = _errors(trees.values())
    constants = {path: _constants(tree) for path, tree in trees.items()}
    for path, tree in trees.items():
        name = path.relative_to(root).as_posix()
        own = contexts[path] or next((c for c in map(contexts.get, _imported(tree, root)) if c), "")
        for context, text, comment in _found(tree, own, _speaking(tree, root, contexts)):
            yield Text(context, text, name, comment=comment)
        if name.startswith("desktop/ui/") and not _uses(tree, PHRASE):
            continue
        known = {**_from_elsewhere(tree, root, constants), **constants[path]}
        speaking = SPEAKING | (CONSOLE if name.startswith(("desktop/cli/", "desktop/__main__")) else {})
        for text, one, comment in _Below(tree, known, speaking, errors).texts():
            yield Text(BELOW, text, name, one, comment)
    _nodes.cache_clear()


@functools.cache
def _nodes(tree: ast.Module) -> tuple[ast.ImportFrom | ast.ClassDef | ast.Call, ...]:
    """What is looked for anywhere in a module, again and again: walking through it is most of the work."""
    return tuple(node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom | ast.ClassDef | ast.Call))


class _Below:
    """The texts of a module below the window."""

    def __init__(
        self,
        tree: ast.Module,
        known: dict[str, list[str]],
        speaking: dict[str, tuple[int | str, ...]],
        errors: set[str],
    ) -> None:
        self._tree, self._known, self._speaking, self._errors = tree, known, speaking, errors
        self._templates_are_words = not any(  # Python's own fills in pages
            isinstance(node, ast.ImportFrom) and node.module == "string" for node in _nodes(tree)
        )

    def texts(self) -> Iterator[tuple[str, str, str]]:
        """Text, its form for one, and what translators are told."""
        yield from self._walk(self._tree, {})

    def _walk(self, node: ast.AST, local: dict[str, list[str]]) -> Iterator[tuple[str, str, str]]:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            local = {**local, **_assigned(node)}
        if isinstance(node, ast.Call):
            name = name_of(node.func)
            if name == TEMPLATE and self._templates_are_words:
                texts = [text_of(argument) or "" for argument in node.args]
                yield texts[0], texts[1] if len(texts) > 1 else "", ""
            elif name == PHRASE and node.args:
                comment = next((text_of(k.value) or "" for k in node.keywords if k.arg == "about"), "")
                one = next((text_of(k.value) or "" for k in node.keywords if k.arg == "one"), "")
                for text in self._texts(node.args[0], local):
                    yield text, one, comment
            else:
                places = self._speaking.get(name, ())
                if name in self._errors:
                    places = (1, 2, "message", "hint")
                for place in places:
                    for argument in _at(node, place):
                        for text in self._texts(argument, local):
                            yield text, "", ""
        for child in ast.iter_child_nodes(node):
            yield from self._walk(child, local)

    def _texts(self, node: ast.AST, local: dict[str, list[str]]) -> list[str]:
        """The texts that an argument may be."""
        plain = text_of(node)
        if plain is not None:
            return [plain] if any(c.isalpha() for c in plain) else []
        if isinstance(node, ast.IfExp):
            return self._texts(node.body, local) + self._texts(node.orelse, local)
        if isinstance(node, ast.BoolOp):
            return [text for value in node.values for text in self._texts(value, local)]
        if isinstance(node, ast.Name):
            return local.get(node.id) or self._known.get(node.id, [])
        if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id in local:
            return local[node.value.id]
        if isinstance(node, ast.Subscript | ast.Attribute):
            inner = node.value
            return self._known.get(node.attr if isinstance(node, ast.Attribute) else name_of(inner), [])
        if isinstance(node, ast.Call) and name_of(node.func) == "get" and isinstance(node.func, ast.Attribute):
            return self._known.get(name_of(node.func.value), [])
        if isinstance(node, ast.Starred):
            return self._texts(node.value, local)
        if isinstance(node, ast.Tuple | ast.List):
            return [text for value in node.elts for text in self._texts(value, local)]
        return []


def _at(node: ast.Call, place: int | str) -> Iterator[ast.AST]:
    if isinstance(place, int):
        if place < len(node.args):
            yield node.args[place]
    else:
        yield from (keyword.value for keyword in node.keywords if keyword.arg == place)


def _values(node: ast.AST) -> list[str]:
    """The texts that a value is made of: itself, both sides of a choice, the entries of a table."""
    plain = text_of(node)
    if plain is not None:
        return [plain] if any(c.isalpha() for c in plain) else []
    if isinstance(node, ast.IfExp):
        return _values(node.body) + _values(node.orelse)
    if isinstance(node, ast.Dict):
        return [text for value in node.values for text in _values(value)]
    if isinstance(node, ast.Tuple | ast.List):
        return [text for value in node.elts for text in _values(value)]
    return []


def _assigned(function: ast.AST) -> dict[str, list[str]]:
    held: dict[str, list[str]] = {}
    for node in ast.walk(function):
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                if isinstance(target, ast.Name):
                    held.setdefault(target.id, []).extend(_values(node.value))
                elif isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                    for name, value in zip(target.elts, node.value.elts, strict=False):
                        if isinstance(name, ast.Name):
                            held.setdefault(name.id, []).extend(_values(value))
    return {name: texts for name, texts in held.items() if texts}


def _constants(tree: ast.Module) -> dict[str, list[str]]:
    held: dict[str, list[str]] = {}
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                if isinstance(target, ast.Name):
                    texts = _values(node.value)
                    if texts:
                        held[target.id] = texts
    return held


def _from_elsewhere(tree: ast.Module, root: Path, constants: dict[Path, dict[str, list[str]]]) -> dict[str, list[str]]:
    held: dict[str, list[str]] = {}
    for node in _nodes(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            place = root / Path(*node.module.split("."))
            there = constants.get(place.with_suffix(".py"), {})
            for alias in node.names:
                if alias.name in there:
                    held[alias.asname or alias.name] = there[alias.name]
                else:  # a module: its tables are named through it
                    held.update(constants.get((place / alias.name).with_suffix(".py"), {}))
    return held


def _errors(trees: Iterable[ast.Module]) -> set[str]:
    """The names of FoveaError and all that descend from it, and of functions that return one as they are called."""
    bases: dict[str, set[str]] = {}
    for tree in trees:
        for node in _nodes(tree):
            if isinstance(node, ast.ClassDef):
                bases.setdefault(node.name, set()).update(map(name_of, node.bases))
    found, grown = {"FoveaError"}, True
    while grown:
        more = {name for name, own in bases.items() if own & found} - found
        found |= more
        grown = bool(more)
    return found


def _uses(tree: ast.Module, name: str) -> bool:
    return any(isinstance(node, ast.Call) and name_of(node.func) == name for node in _nodes(tree))


def _own_context(tree: ast.Module) -> str:
    """The context of a module's own ``tr`` or ``_tr``; '' where it has none."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name in OWN:
            for call in ast.walk(node):
                if isinstance(call, ast.Call) and name_of(call.func) == "translate":
                    return text_of(call.args[0]) or ""
    return ""


def _imported(tree: ast.Module, root: Path) -> Iterator[Path]:
    """The files that a module takes a ``tr`` from."""
    for node in _nodes(tree):
        if isinstance(node, ast.ImportFrom) and node.module and any(alias.name in OWN for alias in node.names):
            yield root / Path(*node.module.split(".")).with_suffix(".py")


def _speaking(tree: ast.Module, root: Path, contexts: dict[Path, str]) -> dict[str, str]:
    """Names under which a module has others whose ``tr`` it calls (``words.tr``), with the context of each."""
    held = {}
    for node in _nodes(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            place = root / Path(*node.module.split("."))
            for alias in node.names:
                context = contexts.get((place / alias.name).with_suffix(".py"))
                if context:
                    held[alias.asname or alias.name] = context
    return held


def _found(tree: ast.Module, own: str, speaking: dict[str, str]) -> Iterator[tuple[str, str, str]]:
    """Context, text and what translators are told (the second argument of ``tr``)."""
    classes = [node.name for node in tree.body if isinstance(node, ast.ClassDef)]
    marks = {"translate", MARK}
    for node in tree.body:  # tables call it T
        if isinstance(node, ast.Assign) and name_of(node.value) == MARK:
            marks |= {name_of(target) for target in node.targets}
        elif isinstance(node, ast.ImportFrom):
            marks |= {alias.asname for alias in node.names if alias.name == MARK and alias.asname}

    def walk(node: ast.AST, inside: str) -> Iterator[tuple[str, str, str]]:
        if isinstance(node, ast.ClassDef):
            inside = node.name
        if isinstance(node, ast.Call):
            name, arguments = name_of(node.func), [text_of(argument) for argument in node.args]
            if name in marks and len(arguments) > 1 and arguments[0] and arguments[1]:
                yield arguments[0], arguments[1], (arguments[2] if len(arguments) > 2 else "") or ""
            elif name in OWN and arguments and arguments[0]:
                told = (arguments[1] if len(arguments) > 1 else "") or ""
                method = isinstance(node.func, ast.Attribute)
                at = name_of(node.func.value) if isinstance(node.func, ast.Attribute) else ""
                if at in speaking:
                    yield speaking[at], arguments[0], told
                elif method and inside and at == "self":
                    yield inside, arguments[0], told
                elif not method and own:
                    yield own, arguments[0], told
                else:  # handed from one of the module's classes, or to whichever widget shows it
                    for each in [*classes, ""]:
                        yield each, arguments[0], told
        for child in ast.iter_child_nodes(node):
            yield from walk(child, inside)

    return walk(tree, "")


def name_of(node: ast.AST) -> str:
    """The last part of a name."""
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def text_of(node: ast.AST) -> str | None:
    """A plain text."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None
