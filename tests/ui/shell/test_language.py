"""A translation: collected from the source, compiled, found by the wishes, and seen in the window."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from PySide6.QtCore import QCoreApplication, QLocale

from desktop import paths
from desktop.core.types import ImageSource
from desktop.services.catalog import ModelCatalog
from desktop.services.settings import Settings
from desktop.system import words
from desktop.ui.shell import language
from desktop.ui.shell.app import build_window
from desktop.ui.shell.main_window import MainWindow
from tests.program_texts import program_texts
from tests.ui.conftest import write_image

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tools"))
import translations  # noqa: E402
from texts import Text  # noqa: E402


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of translations in place of the program's."""
    there = tmp_path / "resources" / "translations"
    there.mkdir(parents=True)
    resources = paths.resources()
    for part in resources.iterdir():
        if part.name != "translations":
            (there.parent / part.name).symlink_to(part)
    monkeypatch.setattr(paths, "resources", lambda: there.parent)
    return there


@pytest.fixture
def english(qapp: Any) -> Iterator[None]:
    """English again afterwards."""
    yield
    language.speak(qapp, ["en"])
    QLocale.setDefault(QLocale.c())


def between_marks(path: Path, name: str) -> None:
    """Every text between marks, as the translation into the language ``name``."""
    translations.write(path, name, program_texts())
    tree = ElementTree.parse(path)
    for message in tree.getroot().iter("message"):
        into = message.find("translation")
        assert into is not None
        for form in into.findall("numerusform") or [into]:
            form.text = f"«{message.findtext('source')}»"
        into.attrib.pop("type", None)
    tree.write(path, encoding="utf-8")
    translations.compile_ts(path)


def test_the_windows_own_words_follow(folder: Path, qtbot: Any, qapp: Any, english: None, tmp_path: Path) -> None:
    between_marks(folder / "fovea_eo.ts", "eo")
    assert language.speak(qapp, ["tlh", "eo-XX", "en"]) == "eo"
    window = MainWindow(Settings(tmp_path / "settings.json"), ModelCatalog())
    qtbot.addWidget(window)
    menus = [action.text() for action in window.menuBar().actions()]
    assert menus[0] == "«&File»" and len(menus) == 5
    assert window.menus is not None
    actions = [action.text() for menu in window.top_menus for action in menu.actions() if action.text()]
    assert len(actions) > 20 and all(text.startswith("«") and text.endswith("»") for text in [*menus, *actions]), (
        actions
    )


def test_the_first_wish_that_there_is_a_file_for_is_taken(
    folder: Path, qapp: Any, english: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("pt", "pt_BR", "zh_CN"):
        path = folder / f"fovea_{name}.ts"
        translations.write(path, name, [Text("Here", "Word", "desktop/x.py")])
        text = path.read_text("utf-8").replace(
            '<translation type="unfinished" />', f"<translation>{name}</translation>"
        )
        path.write_text(text, "utf-8")
        translations.compile_ts(path)

    def said(wanted: list[str] | None, chosen: str = "") -> str:
        language.speak(qapp, wanted, chosen)
        return QCoreApplication.translate("Here", "Word")

    assert said(["pt-BR"]) == "pt_BR" and said(["pt-PT", "pt-BR"]) == "pt" and said(["de", "pt_BR"]) == "pt_BR"
    assert said(["zh-Hans-CN"]) == "zh_CN" and said(["zh"]) == "zh_CN" and said(["zh-TW"]) == "Word"
    assert said(["en-GB", "pt"]) == "Word" and said(["de"]) == "Word" and said([]) == "Word"
    assert said(None, "pt") == "pt"
    monkeypatch.setenv(words.VARIABLES[0], "pt_BR.UTF-8")
    assert said(None) == "pt_BR" and said(None, "pt") == "pt_BR"
    (folder / "fovea_de.mo").write_bytes(b"none")
    assert said(["de", "pt"]) == "Word"


def test_a_made_up_language_is_longer_and_may_be_mirrored(qapp: Any, english: None) -> None:
    assert language.speak(qapp, [words.PSEUDO]) == words.PSEUDO and not qapp.layoutDirection().value
    text = QCoreApplication.translate("Here", "Open {0} &images…")
    assert "{0}" in text and "&" in text and len(text) >= 1.2 * len("Open {0} &images…")
    assert language.speak(qapp, [words.PSEUDO_RTL]) == words.PSEUDO_RTL and qapp.layoutDirection().value == 1
    language.speak(qapp, ["en"])
    assert not qapp.layoutDirection().value and QCoreApplication.translate("Here", "Open") == "Open"


def test_the_window_comes_again_in_the_chosen_language_with_what_was_in_it(
    folder: Path, qtbot: Any, qapp: Any, english: None, colours_store: Any, tmp_path: Path
) -> None:
    between_marks(folder / "fovea_eo.ts", "eo")
    held = build_window(mode="light")
    with qtbot.waitSignal(held.window.painted, timeout=20_000):
        held.window.show()
    qtbot.waitUntil(lambda: held.catalog.loaded and held.window.classify.session.engine is not None, timeout=20_000)
    pictures = [ImageSource.from_path(str(write_image(tmp_path / f"{n}.png"))) for n in range(3)]
    items = held.window.classify.session.add(pictures)
    held.window.classify.session.set_current(items[1])
    held.settings.set("language", "eo")
    held.window.change_language("eo")
    assert held.comes_again and not held.window.isVisible()
    again = held.successor(qapp)
    qtbot.addWidget(again.window)
    with qtbot.waitSignal(again.window.painted, timeout=20_000):
        again.window.show()
    session = again.window.classify.session
    qtbot.waitUntil(lambda: len(session.items) == 3 and session.current is session.items[1], timeout=20_000)
    assert again.window.menuBar().actions()[0].text() == "«&File»"
    assert not again.comes_again
    again.window.change_language("eo")  # it speaks that already
    assert again.window.isVisible()
    again.window.close()
    again.close_down()
