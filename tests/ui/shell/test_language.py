"""A translation: collected from the source, compiled, found by the system's wish, seen in the window."""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from PySide6.QtCore import QCoreApplication

from desktop import paths
from desktop.services.catalog import ModelCatalog
from desktop.services.settings import Settings
from desktop.ui.shell import language
from desktop.ui.shell.main_window import MainWindow

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def tool() -> Any:
    spec = importlib.util.spec_from_file_location("translations", ROOT / "tools" / "translations.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["translations"] = module
    spec.loader.exec_module(module)
    return module


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


def between_marks(tool: Any, path: Path, name: str) -> None:
    """Every word of the window between marks, as the translation into the language ``name``."""
    tool.write(path, name, list(tool.collect(ROOT / "desktop")))
    tree = ElementTree.parse(path)
    for message in tree.getroot().iter("message"):
        into = message.find("translation")
        assert into is not None
        into.text = f"«{message.findtext('source')}»"
        into.attrib.pop("type", None)
    tree.write(path, encoding="utf-8")
    tool.compile_ts(path)


@pytest.fixture
def installed(qapp: Any) -> Iterator[list[Any]]:
    held: list[Any] = []
    yield held
    for translator in held:
        qapp.removeTranslator(translator)


def test_the_windows_own_words_follow(
    tool: Any, folder: Path, qtbot: Any, qapp: Any, installed: list[Any], tmp_path: Path
) -> None:
    between_marks(tool, folder / "fovea_eo.ts", "eo")
    translator = language.speak(qapp, ["tlh", "eo-XX", "en"])
    assert translator is not None
    installed.append(translator)
    window = MainWindow(Settings(tmp_path / "settings.json"), ModelCatalog())
    qtbot.addWidget(window)
    menus = [action.text() for action in window.menuBar().actions()]
    actions = [action.text() for menu in window.top_menus for action in menu.actions() if action.text()]
    assert menus[0] == "«&File»" and len(menus) == 5
    assert window.menus is not None
    actions = [action.text() for menu in window.top_menus for action in menu.actions() if action.text()]
    assert len(actions) > 20 and all(text.startswith("«") and text.endswith("»") for text in [*menus, *actions]), (
        actions
    )


def test_the_first_wish_that_there_is_a_file_for_is_taken(
    tool: Any, folder: Path, qapp: Any, installed: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("pt", "pt_BR"):
        path = folder / f"fovea_{name}.ts"
        tool.write(path, name, [tool.Text("Here", "Word", "desktop/x.py", 1)])
        path.write_text(
            path.read_text("utf-8").replace('<translation type="unfinished" />', f"<translation>{name}</translation>")
        )
        tool.compile_ts(path)

    def said(wanted: list[str] | None) -> str:
        translator = language.speak(qapp, wanted)
        found = QCoreApplication.translate("Here", "Word")
        if translator is not None:
            qapp.removeTranslator(translator)
        return found

    assert said(["pt-BR"]) == "pt_BR" and said(["pt-PT", "pt-BR"]) == "pt" and said(["de", "pt_BR"]) == "pt_BR"
    assert said(["en-GB", "pt"]) == "Word" and said(["de"]) == "Word" and said([]) == "Word"
    monkeypatch.setenv(language.VARIABLE, "pt")
    assert said(None) == "pt"
    (folder / "fovea_de.qm").write_bytes(b"none")
    assert said(["de", "pt"]) == "pt"


def test_what_is_translated_is_kept_and_what_is_gone_may_come_back(tool: Any, tmp_path: Path) -> None:
    path = tmp_path / "fovea_de.ts"
    one, two = (tool.Text("Here", text, "desktop/x.py", 1) for text in ("One", "Two & <three>"))
    assert tool.write(path, "de", [one, two]) == (0, 2)
    text = path.read_text("utf-8")
    path.write_text(
        re.sub("(<source>One</source>\\s*)<translation[^>]*>", "\\1<translation>Eins</translation>", text), "utf-8"
    )
    assert tool.write(path, "de", [two]) == (0, 1) and 'type="vanished"' in path.read_text("utf-8")
    assert tool.write(path, "de", [one, two]) == (1, 2)
    assert tool._held(path) == {("Here", "One"): "Eins", ("Here", "Two & <three>"): ""}


def test_every_text_has_a_context(tool: Any) -> None:
    found = list(tool.collect(ROOT / "desktop"))
    assert len(found) > 1000 and {"MainWindow", "Menus", "Evaluate"} <= {text.context for text in found}
    named = {text.source for text in found if text.context}
    assert {text.source for text in found} == named


def test_words_of_tables_are_collected_in_the_context_that_they_are_looked_up_by(tool: Any) -> None:
    from desktop.app import exports, recipes
    from desktop.core import notices
    from desktop.core.figures import table

    found = list(tool.collect(ROOT / "desktop"))
    for module in (notices, table, recipes, exports):
        name = str(Path(module.__file__ or "").relative_to(ROOT).as_posix())
        contexts = {text.context for text in found if text.file == name}
        assert contexts == {module.CONTEXT}, name
    words = {text.source for text in found if text.context == notices.CONTEXT}
    assert {part for told in notices.NOTICES.values() for part in (told.brief, told.rest) if part} <= words
