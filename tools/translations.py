"""Brings the translations up to date: ``python tools/translations.py [LANGUAGE ...]`` (``make translations``).

Collects every word of the window from the source, in the contexts that it is looked up by, into
``resources/translations/fovea_LANGUAGE.ts``, keeps what is translated there, and makes the ``.qm`` file that the
program loads. Without a language: those that are there. Qt Linguist (``pyside6-linguist``) edits ``.ts`` files.
"""

from __future__ import annotations

import argparse
import ast
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "resources" / "translations"
_LANGUAGE = re.compile(r"[a-z]{2,3}(_[A-Z]{2})?")
_OWN = ("tr", "_tr")
_MARK = "QT_TRANSLATE_NOOP"


class Text(NamedTuple):
    """A text to translate, in the context that the program looks it up by, and where it stands."""

    context: str
    source: str
    file: str
    line: int


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the files; exit status 2 for a language that is none."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("languages", nargs="*", metavar="LANGUAGE", help="de, pt_BR … (without: all that are there)")
    options = parser.parse_args(arguments)
    there = sorted(path.stem.removeprefix("fovea_") for path in FOLDER.glob("fovea_*.ts"))
    for language in options.languages:
        if not _LANGUAGE.fullmatch(language):
            parser.error(f"'{language}' is no language; expected something like de or pt_BR")
    texts = list(collect(ROOT / "desktop"))
    for language in options.languages or there:
        FOLDER.mkdir(exist_ok=True)
        path = FOLDER / f"fovea_{language}.ts"
        done, every = write(path, language, texts)
        compile_ts(path)
        print(f"{language}: {done} of {every} texts are translated")
    return 0


def collect(folder: Path) -> Iterator[Text]:
    """Every text of the Python files below ``folder`` that is looked up in a translation."""
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in sorted(folder.rglob("*.py"))}
    contexts = {path: _own_context(tree) for path, tree in trees.items()}
    for path, tree in trees.items():
        name = path.relative_to(folder.parent).as_posix()
        own = contexts[path] or next((c for c in map(contexts.get, _imported(tree, folder.parent)) if c), "")
        for context, text, line in _found(tree, own):
            yield Text(context, text, name, line)


def _own_context(tree: ast.Module) -> str:
    """The context of a module's own ``tr`` or ``_tr``; '' where it has none."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name in _OWN:
            for call in ast.walk(node):
                if isinstance(call, ast.Call) and _name(call.func) == "translate":
                    return _text(call.args[0]) or ""
    return ""


def _imported(tree: ast.Module, root: Path) -> Iterator[Path]:
    """The files that a module takes a ``tr`` from."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and any(alias.name in _OWN for alias in node.names):
            yield root / Path(*node.module.split(".")).with_suffix(".py")


def _found(tree: ast.Module, own: str) -> Iterator[tuple[str, str, int]]:
    classes = [node.name for node in tree.body if isinstance(node, ast.ClassDef)]
    marks = {"translate", _MARK}
    for node in tree.body:  # tables call it T
        if isinstance(node, ast.Assign) and _name(node.value) == _MARK:
            marks |= {_name(target) for target in node.targets}

    def walk(node: ast.AST, inside: str) -> Iterator[tuple[str, str, int]]:
        if isinstance(node, ast.ClassDef):
            inside = node.name
        if isinstance(node, ast.Call):
            name, arguments = _name(node.func), [_text(argument) for argument in node.args]
            if name in marks and len(arguments) > 1 and arguments[0] and arguments[1]:
                yield arguments[0], arguments[1], node.lineno
            elif name in _OWN and arguments and arguments[0]:
                method = isinstance(node.func, ast.Attribute)
                if method and inside and _name(node.func.value) == "self":  # type: ignore[attr-defined]
                    yield inside, arguments[0], node.lineno
                elif not method and own:
                    yield own, arguments[0], node.lineno
                else:  # handed from one of the module's classes, or to whichever widget shows it
                    for each in [*classes, ""]:
                        yield each, arguments[0], node.lineno
        for child in ast.iter_child_nodes(node):
            yield from walk(child, inside)

    return walk(tree, "")


def _name(node: ast.AST) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def _text(node: ast.AST) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def write(path: Path, language: str, texts: Sequence[Text]) -> tuple[int, int]:
    """Bring ``path`` up to date with ``texts``; how many are translated, of how many.

    Translations of texts that are gone are kept as vanished: the words may come back.
    """
    held = _held(path)
    root = ElementTree.Element("TS", version="2.1", language=language, sourcelanguage="en")
    every = {(text.context, text.source): text for text in texts}
    done = 0
    for context in sorted({*(key[0] for key in every), *(key[0] for key in held)}):
        part = ElementTree.SubElement(root, "context")
        ElementTree.SubElement(part, "name").text = context
        mine = {key for key in {**every, **held} if key[0] == context}
        for key in sorted(mine, key=lambda key: (key not in every, key[1])):
            words = held.get(key, "")
            if key not in every and not words:
                continue
            message = ElementTree.SubElement(part, "message")
            if key in every:
                ElementTree.SubElement(message, "location", filename=f"../../{every[key].file}")
            ElementTree.SubElement(message, "source").text = key[1]
            into = ElementTree.SubElement(message, "translation")
            into.text = words
            if key not in every:
                into.set("type", "vanished")
            elif not words:
                into.set("type", "unfinished")
            else:
                done += 1
    ElementTree.indent(root, " ")
    text = ElementTree.tostring(root, encoding="unicode")
    path.write_text(f'<?xml version="1.0" encoding="utf-8"?>\n<!DOCTYPE TS>\n{text}\n', encoding="utf-8", newline="\n")
    return done, len(every)


def _held(path: Path) -> dict[tuple[str, str], str]:
    if not path.is_file():
        return {}
    found = {}
    for context in ElementTree.parse(path).getroot().iter("context"):
        for message in context.iter("message"):
            found[context.findtext("name") or "", message.findtext("source") or ""] = (
                message.findtext("translation") or ""
            )
    return found


def compile_ts(path: Path) -> Path:
    """The ``.qm`` file beside ``path``, as Qt loads it."""
    target = path.with_suffix(".qm")
    tool = "from PySide6.scripts.pyside_tool import lrelease; lrelease()"  # wherever the system keeps its scripts
    subprocess.run([sys.executable, "-c", tool, "-silent", str(path), "-qm", str(target)], check=True)
    return target


if __name__ == "__main__":
    sys.exit(main())
