"""The help's pages: every link leads somewhere, everything that they name is there, words are found."""

from __future__ import annotations

import functools
import gettext
import io
import re
import shlex
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop import cli, paths
from desktop.app import help_pages
from desktop.app.help_pages import Help, in_terminal, marks_of, parse, read, terms
from desktop.core.types import FoveaError
from desktop.ui.shell.keys import bare as without_mark
from desktop.ui.shell.views import LATER
from tests.program_texts import program_texts

ROOT = Path(__file__).resolve().parents[2]
HELP = read(ROOT / "docs" / "help")
PAGES = list(HELP.pages.values())
_LINK = re.compile(r"(!?)\[[^\]]*\]\(([^)\s]+)\)")
_BOLD = re.compile(r"\*\*(.+?)\*\*", re.DOTALL)
_COMMAND = re.compile(r"^ {4}(fovea .*)$|`(fovea [^`]*)`", re.MULTILINE)


@functools.cache
def words_of_the_window() -> frozenset[str]:
    """Every text that the window can show, as its source has them: without the marks of keys and of places to fill."""
    return frozenset(plain(text.source) for text in program_texts())


def plain(words: str) -> str:
    """As it is compared: no mark of a key, no full stop, one blank."""
    return " ".join(without_mark(words).split()).rstrip(".")


def test_the_first_page_names_all_others() -> None:
    text = (ROOT / "docs" / "help" / "index.md").read_text(encoding="utf-8")
    named = {target.removesuffix(".md") for _, target in _LINK.findall(text)}
    assert named == set(HELP.pages) - {"index"}


def test_every_view_has_its_page() -> None:
    assert {"classify", *(view.id for view in LATER)} <= set(HELP.pages), "docs/help/VIEW.md, named in index.md"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.id)
def test_links_stay_within_the_help_and_lead_somewhere(page: help_pages.HelpPage) -> None:
    for picture, target in _LINK.findall((ROOT / "docs" / "help" / f"{page.id}.md").read_text(encoding="utf-8")):
        if picture:
            assert (ROOT / "docs" / "help" / target).resolve().is_file(), target
        else:
            HELP.at(page.id + target if target.startswith("#") else target.replace(".md", ""))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.id)
def test_what_a_page_names_stands_in_the_window(page: help_pages.HelpPage) -> None:
    """**Bold** is a text of the window, word for word; of a path each part (where the menus have it: tests/ui/help)."""
    named = [plain(part) for words in _BOLD.findall(page.markdown) for part in words.split(" › ")]
    assert [part for part in named if part not in words_of_the_window()] == []


@functools.cache
def usage(*command: str) -> str:
    """What ``fovea COMMAND --help`` prints."""
    out = io.StringIO()
    with redirect_stdout(out), redirect_stderr(out):
        cli.main([*command, "--help"])
    return out.getvalue()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.id)
def test_commands_that_a_page_names_are_there_with_their_options(page: help_pages.HelpPage) -> None:
    for found in _COMMAND.findall(page.markdown):
        words = shlex.split("".join(found), comments=True)[1:]
        if words[0] in ("COMMAND", "--help", "--version"):
            continue
        assert words[0] in cli.COMMANDS, words
        command, known = words[:1], usage(words[0])
        below = re.compile(rf"^ +{re.escape(words[1])}\b", re.MULTILINE) if words[1:] and words[1].isalpha() else None
        if below is not None and "COMMAND" in known and below.search(known):
            command.append(words[1])
        options = [word for word in words if word.startswith("--")]
        text = usage(*command)
        assert all(re.search(rf"{re.escape(option)}\b", text) for option in options), " ".join(words)
        head = re.sub(r"\[[^\]]*\]|\([^)]*\)", "", text.split("\n\n")[0])
        if found[0] and "usage:" in head:  # in a block, to be typed as it stands; in a sentence a name is enough
            assert set(re.findall(r"--[a-z][a-z-]*", head)) <= set(options), " ".join(words)


def test_every_topic_that_the_window_asks_for_is_there() -> None:
    asked = set()
    for path in (ROOT / "desktop" / "ui").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        asked |= set(re.findall(r"(?:give_help|explain)\(\s*[\w.]+,\s*\"([^\"]+)\"", text))
    from desktop.ui.evaluate import results
    from desktop.ui.train.wizard import wizard

    asked |= {*wizard.TOPICS, *results._TOPICS.values()}
    assert len(asked) > 20
    for topic in asked:
        HELP.at(topic)


def test_every_dialog_says_what_explains_it() -> None:
    silent = []
    for path in (ROOT / "desktop" / "ui").rglob("*.py"):
        for part in re.split(r"^(?=class )", path.read_text(encoding="utf-8"), flags=re.MULTILINE):
            if re.match(r"class \w+\((?:QDialog|QWizard)\)", part) and "give_help(" not in part:
                silent.append(f"{path.name}: {part.split('(')[0]}")
    assert silent == []


# Searching


def test_words_are_found_by_their_beginnings_whatever_case_and_accents() -> None:
    page = parse(
        "p", "# Bäume\n\nÜber Straßen.\n\n## Äste\n\nViele **Zweige**.\n\n| a | b |\n|---|---|\n| x | Größe |\n"
    )
    held = Help([page])
    assert [hit.topic for hit in held.find("zweig")] == ["p#äste"]
    assert [hit.topic for hit in held.find("BAUME uber")] == ["p"]
    assert [hit.topic for hit in held.find("grosse")] == [] and [hit.topic for hit in held.find("große")] == ["p#äste"]
    assert held.find("") == [] and held.find("…") == [] and held.find("weige") == []


def test_headings_come_before_mentions() -> None:
    hits = HELP.find("calibration")
    assert hits[0].topic == "evaluate#calibration"
    assert all(hit.marks or "calibration" in hit.section.title.lower() for hit in hits)
    first = HELP.find("several digits")[0]
    assert first.topic == "draw#several-digits"


@given(st.text(max_size=60), st.text(max_size=8))
def test_marks_lie_within_the_text(text: str, words: str) -> None:
    for begin, end in marks_of(text, terms(words)):
        assert 0 <= begin < end <= len(text)


def test_topics_that_are_not_there_are_refused_with_what_comes_close() -> None:
    with pytest.raises(FoveaError, match="no topic 'evalute'") as caught:
        HELP.at("evalute")
    assert "evaluate" in caught.value.hint
    with pytest.raises(FoveaError, match="no part 'nothing'"):
        HELP.at("draw#nothing")


def test_pages_that_are_missing_or_damaged_are_said(tmp_path: Path) -> None:
    with pytest.raises(FoveaError, match="missing or damaged"):
        read(tmp_path)
    (tmp_path / "index.md").write_bytes(b"\xff\xfe")
    with pytest.raises(FoveaError, match="missing or damaged"):
        read(tmp_path)


# In the terminal


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.id)
def test_a_page_in_the_terminal_is_narrow_and_without_marks(page: help_pages.HelpPage) -> None:
    text = in_terminal(page, width=72)
    assert text.startswith(page.title + "\n=") and "**" not in text and "](" not in text and "|---" not in text
    assert all(len(line) <= 72 for line in text.splitlines() if not line.startswith("    fovea"))
    for section in page.sections:
        assert section.title in text


def run(*arguments: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        status = cli.main(["help", *arguments])
    return status, out.getvalue(), err.getvalue()


def test_the_command_prints_topics_pages_parts_and_what_was_found() -> None:
    status, listed, _ = run()
    assert status == 0 and all(page.id in listed for page in PAGES if page.id != "index")
    status, text, _ = run("draw#several-digits")
    assert status == 0 and text.startswith("Several digits\n") and "Keeping" not in text
    status, text, _ = run("--search", "matrix", "gallery")
    assert status == 0 and text.startswith("evaluate#mistakes: ")
    status, _, said = run("--search", "xylophone")
    assert status == 1 and "xylophone" in said
    status, _, said = run("drow")
    assert status == 2 and "draw" in said
    assert run("--nothing")[0] == 2


def test_the_pages_come_with_the_program(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where a wheel and a frozen program have them, and that both are told to bring them."""
    assert paths.help_pages() == ROOT / "docs" / "help"
    monkeypatch.setattr(paths, "program_root", lambda: tmp_path)
    assert paths.help_pages() == tmp_path / "docs" / "help"
    assert '"docs/help" = "desktop/_data/docs/help"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert '("docs/help", "docs/help")' in (ROOT / "build.spec").read_text(encoding="utf-8")


def test_samples_are_copied_and_nothing_is_written_over(tmp_path: Path, capsys: Any) -> None:
    from PIL import Image

    assert cli.main(["samples", "digits", str(tmp_path)]) == 0
    assert "digits" in capsys.readouterr().out
    folders = {path.parent.name for path in (tmp_path / "digits").rglob("*.png")}
    assert folders == set("0123456789")
    held = sorted(tmp_path.rglob("*"))
    assert cli.main(["samples", "digits", str(tmp_path)]) == 1
    assert sorted(tmp_path.rglob("*")) == held and "digits" in capsys.readouterr().err
    assert cli.main(["samples", "shapes", str(tmp_path / "new" / "place")]) == 0
    shapes = list((tmp_path / "new" / "place" / "shapes").rglob("*.png"))
    assert len(shapes) == 270
    with Image.open(shapes[0]) as picture:
        assert picture.size == (40, 40)
    assert cli.main(["samples", "nothing", str(tmp_path)]) == 2


# Other languages

TRANSLATED = sorted((ROOT / "docs" / "help").glob("*/*.md"))


def _told(language: str) -> frozenset[str]:
    """Every text that the window can show in a language."""
    with (ROOT / "resources" / "translations" / f"fovea_{language}.mo").open("rb") as file:
        held = gettext.GNUTranslations(file)._catalog  # type: ignore[attr-defined]
    return frozenset(plain(text) for text in held.values())


def test_pages_of_other_languages_are_of_languages_that_there_are() -> None:
    there = {path.stem.removeprefix("fovea_") for path in (ROOT / "resources" / "translations").glob("*.ts")}
    assert {path.parent.name for path in TRANSLATED} == there and {path.stem for path in TRANSLATED} <= set(HELP.pages)


@pytest.mark.parametrize("path", TRANSLATED, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_page_in_another_language_is_the_same_page(path: Path) -> None:
    held = read(ROOT / "docs" / "help", path.parent.name)
    page, english = held.pages[path.stem], HELP.pages[path.stem]
    assert page.language == path.parent.name, "its headings are not those of the English page"
    assert [part.anchor for part in page.sections] == [part.anchor for part in english.sections]
    targets = [target for _, target in _LINK.findall(english.markdown)]
    assert [target for _, target in _LINK.findall(page.markdown)] == targets
    assert _COMMAND.findall(page.markdown) == _COMMAND.findall(english.markdown)
    named = [plain(part) for words in _BOLD.findall(page.markdown) for part in words.split(" › ")]
    told = _told(path.parent.name)
    assert [part for part in named if part not in told] == []


def test_a_page_that_is_not_translated_says_so_and_keeps_its_topics(tmp_path: Path) -> None:
    folder = tmp_path / "help"
    (folder / "de").mkdir(parents=True)
    (folder / "index.md").write_text("# Help\n\n[Draw](draw.md)\n", encoding="utf-8")
    (folder / "draw.md").write_text("# Draw\n\nDraw.\n\n## Several digits\n\nMany.\n", encoding="utf-8")
    (folder / "de" / "index.md").write_text("# Hilfe\n\n[Zeichnen](../draw.md)\n", encoding="utf-8")
    held = read(folder, "de")
    assert held.pages["index"].title == "Hilfe" and "](draw.md)" in held.pages["index"].markdown
    assert "it is in English" in held.pages["draw"].markdown and held.at("draw#several-digits")[1] == "several-digits"
    (folder / "de" / "draw.md").write_text("# Zeichnen\n\nA.\n\n## Mehrere Ziffern\n\nViele.\n", encoding="utf-8")
    page, anchor = read(folder, "de").at("draw#several-digits")
    assert (page.title, page.language) == ("Zeichnen", "de")
    assert "Viele." in in_terminal(page, anchor) and "A." not in in_terminal(page, anchor)
    (folder / "de" / "draw.md").write_text("# Zeichnen\n\nOhne Teile.\n", encoding="utf-8")
    assert read(folder, "de").pages["draw"].language == "en", "another page than the English one"
