"""The documentation: every link leads somewhere, every path and name that it mentions is there, tables hold."""

from __future__ import annotations

import functools
import gettext
import importlib
import importlib.util
import io
import re
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / ".github").rglob("*.md")])
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_CODE = re.compile(r"`([^`\n]+)`")
_FENCE = re.compile(r"^```.*?^```|^( {4}|\t).*$", re.MULTILINE | re.DOTALL)
_PATH = re.compile(r"(?:desktop|tests|docs|tools|benchmarks|installers|resources|\.github)/[\w./-]*")
_NAME = re.compile(r"(?:desktop|benchmarks|installers)(?:\.\w+)+")
_ROOMS = ("system", "core", "store", "ml", "engine", "report", "services", "ui", "cli")
_SHORT = re.compile(rf"(?:{'|'.join(_ROOMS)})(?:\.\w+)+")
TOP = {"main.py", "Makefile"}


def pages() -> Iterator[tuple[Path, str]]:
    for page in PAGES:
        yield page, page.read_text(encoding="utf-8")


def test_pages_are_found() -> None:
    assert len(PAGES) > 20 and ROOT / "docs" / "contributing.md" in PAGES


def test_every_link_leads_somewhere() -> None:
    broken = []
    for page, text in pages():
        for target in _LINK.findall(text):
            if re.match(r"[a-z]+:", target):
                continue
            path, _, anchor = target.partition("#")
            there = (page.parent / path).resolve() if path else page
            if not there.exists():
                broken.append(f"{page.name}: {target}")
            elif anchor and there.suffix == ".md" and anchor not in anchors(there.read_text(encoding="utf-8")):
                broken.append(f"{page.name}: {target} (no such heading)")
    assert broken == []


def anchors(text: str) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    heads = re.findall(r"^#+ +(.*?) *$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", re.sub(r"[`*]", "", head).lower()).replace(" ", "-") for head in heads}


def test_every_path_is_there() -> None:
    gone = []
    for page, text in pages():
        if page.name == "CHANGELOG.md":
            continue
        for code in _CODE.findall(_FENCE.sub("", text)):
            path = code.rstrip("/")
            if _PATH.fullmatch(path) and "LANGUAGE" not in path and not (ROOT / path).exists():
                gone.append(f"{page.name}: {code}")
    assert gone == []


def there(name: str) -> bool:
    """Whether a dotted name can be imported, or is an attribute of what can."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        module = ".".join(parts[:length])
        try:
            if importlib.util.find_spec(module) is None:
                continue
        except ModuleNotFoundError:
            continue
        rest = parts[length:]
        if not rest:
            return True
        found: object = importlib.import_module(module)
        for part in rest:
            fields = getattr(found, "__dataclass_fields__", {}) if isinstance(found, type) else {}
            if hasattr(found, part):
                found = getattr(found, part)
            elif part not in fields:
                return False
        return True
    return False


def test_every_name_of_the_code_is_there() -> None:
    gone = []
    for page, text in pages():
        if page.name == "CHANGELOG.md":
            continue
        for code in _CODE.findall(_FENCE.sub("", text)):
            name = code.removesuffix("()")
            if _NAME.fullmatch(name) and not there(name) or _SHORT.fullmatch(name) and not there(f"desktop.{name}"):
                gone.append(f"{page.name}: {code}")
    assert gone == []


def test_every_term_of_the_glossary_is_said_once_and_is_in_the_code() -> None:
    text = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in text.splitlines()
        if line.startswith("| ") and not line.startswith("| term ")
    ]
    terms = [term.strip() for row in rows for term in row[0].split(",")]
    assert len(terms) > 60 and len(set(terms)) == len(terms)
    named = [row[2].strip("`") for row in rows if row[2]]
    assert [name for name in named if not there(name)] == []


def test_the_questions_of_contributors_are_answered_in_one_place_or_two() -> None:
    text = (ROOT / "docs" / "contributing.md").read_text(encoding="utf-8")
    part = text.split("## Where do I change")[1].split("\n## ")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in part.splitlines() if line[:3] != "|  "]
    answers = [row for row in rows if row[0].isdigit()]
    assert [int(row[0]) for row in answers] == list(range(1, 18))
    for _, question, answer in answers:
        places = {code for code in _CODE.findall(answer) if "/" in code or code.startswith("desktop.")}
        assert 1 <= len(places) <= 2, question


@pytest.mark.parametrize(
    "name", ["Makefile", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", ".pre-commit-config.yaml"]
)
def test_what_contributors_look_for_first_is_there(name: str) -> None:
    assert (ROOT / name).stat().st_size > 200


@functools.cache
def usage(*command: str) -> str:
    """What ``fovea COMMAND --help`` prints."""
    from desktop import cli

    out = io.StringIO()
    with redirect_stdout(out), redirect_stderr(out):
        cli.main([*command, "--help"])
    return out.getvalue()


def test_commands_that_pages_name_are_there_with_their_options() -> None:
    from desktop import cli

    wrong = []
    for page, text in pages():
        if page.name == "CHANGELOG.md":
            continue
        for line in re.findall(r"^ {4}fovea (.*)$|`fovea ([^`]*)`", text, re.MULTILINE):
            words = re.findall(r"--[a-z][\w-]*|[a-z][\w-]*", "".join(line).split("  #")[0])
            if not words or "  " in "".join(line) or words[0] in ("--help", "--version", "--lang"):
                continue  # what a list names, with its explanation behind it
            if words[0] not in cli.COMMANDS:
                wrong.append(f"{page.name}: fovea {words[0]}")
                continue
            known = usage(words[0]) + usage(*words[:2])
            wrong += [
                f"{page.name}: fovea {words[0]} {option}"
                for option in words
                if option.startswith("--") and not re.search(rf"{re.escape(option)}(?![\w-])", known)
            ]
    assert wrong == []


def test_make_targets_that_pages_name_are_there() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    gone = {
        f"{page.name}: make {name}"
        for page, text in pages()
        for name in re.findall(r"`make ([a-z-]+)", text)
        if name not in targets
    }
    assert gone == set()


def test_decisions_are_listed_and_numbered() -> None:
    folder = ROOT / "docs" / "decisions"
    listed = re.findall(r"\| \[(\d+)\]\((\d{4})-[\w-]+\.md\)", (folder / "README.md").read_text(encoding="utf-8"))
    files = sorted(path.name for path in folder.glob("[0-9]*.md"))
    assert [int(number) for number, _ in listed] == [int(name[:4]) for name in files] == list(range(1, len(files) + 1))
    for name in files:
        text = (folder / name).read_text(encoding="utf-8")
        assert (
            text.startswith(f"# {int(name[:4])}. ") and "## What it costs" in text and "## What would change it" in text
        )


READMES = sorted((ROOT / "docs" / "readme").glob("README.*.md"))
_BLOCK = re.compile(r"^ {4}(\S.*)$", re.MULTILINE)


def _commands(text: str) -> list[str]:
    """What is to be typed, without its explanation."""
    return [line.split("  #")[0].strip() for line in _BLOCK.findall(text)]


def test_readmes_first_part_is_there_in_every_language() -> None:
    languages = {path.stem.removeprefix("fovea_") for path in (ROOT / "resources" / "translations").glob("*.ts")}
    assert {path.name.split(".")[1] for path in READMES} == languages
    first = (ROOT / "README.md").read_text(encoding="utf-8")
    for path in READMES:
        assert f"](docs/readme/{path.name})" in first, path.name
        text = path.read_text(encoding="utf-8")
        others = {other.name for other in READMES if other != path}
        assert others <= set(re.findall(r"\((README\.\w+\.md)\)", text)) and "](../../README.md)" in text


@pytest.mark.parametrize("path", READMES, ids=lambda path: path.name)
def test_readmes_in_other_languages_are_in_step(path: Path) -> None:
    """The same headings one after the other, the same commands to begin with, the same views, the same notice."""
    english, text = (ROOT / "README.md").read_text(encoding="utf-8"), path.read_text(encoding="utf-8")
    assert len(re.findall(r"^#+ ", text, re.MULTILINE)) == 3
    start = english.split("## Start")[1].split("\n## ")[0]
    known = _commands(start)
    assert _commands(text) == known[: len(_commands(text))] and len(_commands(text)) >= 5
    views = english.split("## In the window")[1].split("\n## ")[0]
    rows = re.compile(r"^\| (?!---)[^|]+\|", re.MULTILINE)
    assert len(rows.findall(text)) == len(rows.findall(views))
    language = path.name.split(".")[1]
    assert f"`--lang {language}`" in text
    with (ROOT / "resources" / "translations" / f"fovea_{language}.mo").open("rb") as file:
        words = gettext.GNUTranslations(file)
    shown = [cell.strip() for cell in re.findall(r"^\| ([^|]+)\|", text, re.MULTILINE)[1:]]
    names = ("Classify", "Draw", "Evaluate", "Train", "Teach", "Models")
    assert shown == [words.pgettext("MainWindow", name) for name in names]
