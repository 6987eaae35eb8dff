"""Sentences below the window: a template and its values, worded where they are shown, English in files and children."""

from __future__ import annotations

import ast
import json
import pickle
import re
import string
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from desktop import paths
from desktop.core.pictures.decode import decode
from desktop.core.types import DecodeError, ImageSource, Notice
from desktop.system import words
from desktop.system.errors import FoveaError
from desktop.system.words import Sentence, Template, english, phrase, worded

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tools"))
import translations  # noqa: E402
from texts import BELOW, Text  # noqa: E402


@pytest.fixture
def german(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A little German."""
    folder = tmp_path / "translations"
    folder.mkdir()
    texts = [
        Text(BELOW, "{count:,} pictures of {what}", "x", one="{count:,} picture of {what}"),
        Text(BELOW, "a PDF document", "x"),
        Text(BELOW, "This is {name}; expected {expected}.", "x"),
        Text(BELOW, "share {share:.2f}", "x"),
        Text(BELOW, "broken", "x"),
    ]
    forms = [["{count:,} Bild von {what}", "{count:,} Bilder von {what}"], "ein PDF-Dokument",
             "Das ist {name}; erwartet wird {expected}.", "Anteil {share:.2f}", "kaputt {missing}"]  # fmt: skip
    path, sheet = folder / "fovea_de.ts", tmp_path / "sheet.json"
    rows = [
        {"source": text.source, "where": [BELOW], "translation": form} for text, form in zip(texts, forms, strict=True)
    ]
    sheet.write_text(json.dumps(rows), "utf-8")
    translations.write(path, "de", texts)
    translations.take(path, "de", texts, sheet)
    translations.compile_ts(path)
    monkeypatch.setattr(paths, "resources", lambda: tmp_path)
    assert words.speak(["de_AT.UTF-8"]) == "de"
    yield
    words.speak(["en"])


def test_a_sentence_is_english_where_nothing_else_is_spoken() -> None:
    said = phrase("{count:,} pictures of {what}", one="{count:,} picture of {what}", count=1, what="cats")
    assert said == "1 picture of cats" and isinstance(said, str)
    assert phrase("{count:,} pictures of {what}", count=12345, what=["cats", "dogs"]) == "12,345 pictures of cats, dogs"
    assert phrase(Template("many", "one"), count=1) == "one" and phrase("100 % {x}", x=1) == "100 % 1"


def test_a_sentence_is_worded_with_its_values(german: None) -> None:
    inner = phrase("a PDF document")
    said = phrase("{count:,} pictures of {what}", one="{count:,} picture of {what}", count=12345, what=inner)
    assert said == "12.345 Bilder von ein PDF-Dokument"
    assert said.english == "12,345 pictures of a PDF document"
    assert phrase("share {share:.2f}", share=np.float64(0.5)) == "Anteil 0,50"
    assert words.number(1234.5, ",.1f") == "1.234,5"


def test_a_wrong_place_in_a_translation_costs_the_translation_not_the_sentence(german: None) -> None:
    assert phrase("broken", x=1) == "broken"


def test_what_crosses_a_process_is_worded_where_it_arrives(german: None) -> None:
    words.speak(["en"])  # as a child does
    with pytest.raises(DecodeError) as caught:
        decode(ImageSource("x", data=b"%PDF-1.7 and so on, long enough for a head"))
    crossing = pickle.dumps((caught.value, Notice("alpha", "a PDF document")))
    words.speak(["de"])
    error, notice = pickle.loads(crossing)
    assert error.message.startswith("Das ist ein PDF-Dokument; erwartet wird JPEG") and error.kind == caught.value.kind
    assert notice.text == "ein PDF-Dokument" and error.message.english == str(caught.value.message)
    assert str(error) == error.message


def test_json_stays_english(german: None) -> None:
    error = FoveaError("x", phrase("This is {name}; expected {expected}.", name=phrase("a PDF document"), expected="y"))
    assert error.message == "Das ist ein PDF-Dokument; erwartet wird y."
    told = json.loads(json.dumps(english({"message": error.message, "more": [error.message, ("plain", 1)]})))
    assert told == {"message": "This is a PDF document; expected y.", "more": [told["message"], ["plain", 1]]}


def test_a_change_of_language_words_it_anew(german: None) -> None:
    said = phrase("a PDF document")
    words.speak(["en"])
    assert (
        said == "ein PDF-Dokument" and worded(said) == "a PDF document" and worded("nothing known") == "nothing known"
    )


def test_what_comes_from_a_file_in_english_is_recognised(german: None) -> None:
    assert worded("This is a PDF document; expected PNG or JPEG.") == (
        "Das ist ein PDF-Dokument; erwartet wird PNG or JPEG."
    )
    assert worded("12,345 pictures of cats") == "12,345 Bilder von cats"
    assert worded("many pictures of cats") == "many pictures of cats"  # 'many' is no number
    words.speak(["en"])
    assert worded("This is a PDF document; expected y.") == "This is a PDF document; expected y."


@pytest.mark.parametrize(
    ("wish", "names"),
    [
        ("pt-BR.UTF-8", ["pt_BR", "pt"]),
        ("de", ["de"]),
        ("zh_Hans_CN", ["zh_Hans_CN", "zh_Hans", "zh", "zh_CN"]),
        ("zh-TW", ["zh_TW", "zh"]),
        ("../../x", []),
        ("", []),
    ],
)
def test_wishes(wish: str, names: list[str]) -> None:
    assert words.candidates(wish) == names


# Rooms in which every sentence can be translated; the list only grows.
ROOMS = (
    "core/data", "core/figures", "core/pictures", "core/trust", "core/drawings", "store", "ml", "engine", "app",
    "system", "cli", "report",
)  # fmt: skip
_SPEAKING = re.compile(r"(Error|Refused|Mismatch)$")
_FOR_PEOPLE = frozenset({"Notice", "Finding", "DatasetProblem", "note", "complain", "Note", "Finished", "Problem"})
_NOT_FOR_PEOPLE = frozenset(
    {"ValueError", "TypeError", "RuntimeError", "KeyError", "IndexError", "AssertionError", "LinAlgError",
     "UnpicklingError", "NotImplementedError", "OSError", "JsonError"}
)  # fmt: skip


def test_no_sentence_for_people_is_put_together_where_it_cannot_be_translated() -> None:
    found = []
    for room in ROOMS:
        for path in sorted((ROOT / "desktop" / room).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if not isinstance(node, ast.Call):
                    continue
                name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
                if name in _NOT_FOR_PEOPLE or not (_SPEAKING.search(name) or name in _FOR_PEOPLE):
                    continue
                for argument in [*node.args, *(keyword.value for keyword in node.keywords)]:
                    if isinstance(argument, ast.JoinedStr) and _has_words(argument):
                        found.append(f"{path.relative_to(ROOT)}:{argument.lineno}")
    assert found == [], "an f-string cannot be translated; say phrase('… {name} …', name=value)"


def _has_words(node: ast.JoinedStr) -> bool:
    plain = " ".join(
        part.value for part in node.values if isinstance(part, ast.Constant) and isinstance(part.value, str)
    )
    return bool(re.search(r"[A-Za-z]{2,}", re.sub(r"--[a-z-]+|\bfovea\b", "", plain)))


_SHOWING = frozenset(
    {"setText", "setWindowTitle", "setToolTip", "setAccessibleName", "setAccessibleDescription", "setPlaceholderText",
     "setTitle", "addAction", "addTab", "setStatusTip", "QLabel", "QPushButton", "QCheckBox", "QRadioButton",
     "QToolButton", "QGroupBox", "make_label"}
)  # fmt: skip


def test_no_visible_text_of_the_window_bypasses_its_translation() -> None:
    found = []
    for path in sorted((ROOT / "desktop" / "ui").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            if name not in _SHOWING or not node.args:
                continue
            first = node.args[0]
            plain = first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else ""
            if plain == "Fovea":
                continue
            if re.search(r"[A-Za-z]{2,}", plain) or (isinstance(first, ast.JoinedStr) and _has_words(first)):
                found.append(f"{path.relative_to(ROOT)}:{first.lineno}: {ast.unparse(first)[:70]}")
    assert found == []


def test_every_part_of_a_sentence_crosses_a_pipe() -> None:
    said = phrase("{a} {b} {c}", a=np.int64(3), b=Path("x"), c=ValueError(phrase("why")), d=ValueError("plain"))
    assert isinstance(said, Sentence) and said.values == {"a": 3, "b": "x", "c": "why", "d": "plain"}
    assert all(type(value) in (int, str, Sentence) for value in said.values.values())
    assert pickle.loads(pickle.dumps(said)) == said


def test_every_place_of_a_template_has_its_value() -> None:
    wrong = []
    for path in sorted((ROOT / "desktop").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            name = node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""
            if name != "phrase" or not isinstance(node, ast.Call) or not node.args:
                continue
            given = {keyword.arg for keyword in node.keywords} - {"one"}
            forms = [keyword.value for keyword in node.keywords if keyword.arg == "one"] + [node.args[0]]
            templates = [text for form in forms for text in _constants(form)]
            if not given or not templates or None in given:
                continue
            for template in templates:
                places = {place for _, place, _, _ in string.Formatter().parse(template) if place is not None}
                if not places <= given:
                    wrong.append(f"{path.relative_to(ROOT)}:{node.lineno}: {sorted(places - given)}")
    assert wrong == []


def _constants(node: ast.expr) -> list[str]:
    if isinstance(node, ast.IfExp):
        return _constants(node.body) + _constants(node.orelse)
    return [node.value] if isinstance(node, ast.Constant) and isinstance(node.value, str) else []


_NAMES_AND_UNITS = frozenset(
    {"*.npz *.zip *.tar *.tar.gz *.tgz *.csv *.tsv *.jsonl *.parquet", '<a style="color:;" href=""></a>',
     "config.json", "model.weights.h5", "embedding", "sigmoid", "softmax", "bfloat16", "none", "McNemar", " MB", " GiB",
     "p < 0.001", "p = ", " at :", "labelsidx1", "labels", "idx1", ".png"}
)  # fmt: skip
"""What is the same in every language: names of files, of layers and of tests, units, signs of formulas."""


def test_no_english_word_is_put_into_a_translated_sentence() -> None:
    found = []
    for path in sorted((ROOT / "desktop").rglob("*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        for function in [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]:
            plain = _plain_values(function)
            for call in [node for node in ast.walk(function) if isinstance(node, ast.Call)]:
                for value in _given(call):
                    texts = _english(value) + (plain.get(value.id, []) if isinstance(value, ast.Name) else [])
                    found += [
                        f"{path.relative_to(ROOT)}:{call.lineno}: {text!r}"
                        for text in texts
                        if text not in _NAMES_AND_UNITS
                    ]
    assert sorted(set(found)) == [], "choose between two whole sentences, or make the value a phrase or a list"


def _given(call: ast.Call) -> list[ast.expr]:
    """The values that a sentence is filled with: those of ``phrase()`` and of ``tr("…").format()``."""
    name = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
    if name == "phrase":
        return [keyword.value for keyword in call.keywords if keyword.arg not in ("one", "about")]
    if name == "format" and isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Call):
        asked = call.func.value.func
        if (asked.id if isinstance(asked, ast.Name) else getattr(asked, "attr", "")) in ("tr", "_tr", "translated"):
            return [*call.args, *(keyword.value for keyword in call.keywords)]
    return []


def _plain_values(function: ast.FunctionDef) -> dict[str, list[str]]:
    held: dict[str, list[str]] = {}
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            held.setdefault(node.targets[0].id, []).extend(_english(node.value))
    return held


def _english(node: ast.expr) -> list[str]:
    """The words that an expression gives without having been translated."""
    if isinstance(node, ast.Constant):
        return [node.value] if isinstance(node.value, str) and any(c.isalpha() for c in node.value) else []
    if isinstance(node, ast.IfExp):
        return _english(node.body) + _english(node.orelse)
    if isinstance(node, ast.BoolOp):
        return [text for value in node.values for text in _english(value)]
    if isinstance(node, ast.BinOp):
        return _english(node.left) + _english(node.right)
    if isinstance(node, ast.JoinedStr):
        plain = "".join(part.value for part in node.values if isinstance(part, ast.Constant))
        return [plain] if any(c.isalpha() for c in plain) else []
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "join":
        by = node.func.value
        return ["', '.join: give the list"] if isinstance(by, ast.Constant) and by.value == ", " else []
    return []
