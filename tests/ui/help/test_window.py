"""The help in the real window: the right page from everywhere, search, the way back, both themes, its place kept."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QColor, QKeySequence
from PySide6.QtWidgets import QApplication, QMenu, QWidget

from desktop import paths
from desktop.app.help_pages import read
from desktop.services.catalog import ModelCatalog
from desktop.services.settings import Settings
from desktop.ui.help.window import HelpWindow
from desktop.ui.kit.help_key import desk
from desktop.ui.kit.theme import theme
from desktop.ui.shell.keys import bare
from desktop.ui.shell.main_window import MainWindow
from desktop.ui.shell.settings_dialog import SettingsDialog
from desktop.ui.shell.shortcuts_dialog import ShortcutsDialog
from desktop.ui.shell.views import LATER
from desktop.ui.train.wizard import wizard as wizard_module

PAGES = list(read(paths.help_pages()).pages.values())


@pytest.fixture
def settings(tmp_path: Path, qapp: QApplication) -> Settings:
    theme().apply(qapp)
    return Settings(tmp_path / "settings.json")


@pytest.fixture
def window(qtbot: Any, settings: Settings) -> Any:
    """The main window without an engine, its menus made."""
    held = MainWindow(settings, ModelCatalog())
    qtbot.addWidget(held)
    held.show()
    assert held.menus is not None
    yield held
    held.close()


@pytest.fixture
def helped(qtbot: Any, settings: Settings) -> Any:
    """The help's window by itself, its pages read, at the first one."""
    held = opened(qtbot, settings)
    yield held
    held.close_down()


def opened(qtbot: Any, settings: Settings, topic: str = "") -> HelpWindow:
    held = HelpWindow(settings, lambda text: text + "\n## Made here\n\n| `Ctrl+9` | nine |\n|---|---|\n")
    qtbot.addWidget(held)
    held.resize(900, 600)
    held.show_topic(topic)
    qtbot.waitUntil(lambda: held.ready and held.page_id != "", timeout=20_000)
    return held


def at(window: MainWindow, qtbot: Any, page: str) -> None:
    qtbot.waitUntil(lambda: window.help_window.page_id == page, timeout=20_000)


def test_the_help_opens_at_the_page_of_the_view(qtbot: Any, window: MainWindow) -> None:
    (action,) = [action for action in window.top_menus[-1].actions() if bare(action.text()) == "Help"]
    for view in ("classify", *(view.id for view in LATER)):
        window.show_view(view)
        window.setFocus()
        action.trigger()
        at(window, qtbot, view)
    window.show_view("train")
    window.later("train").tabs.setCurrentIndex(1)  # type: ignore[attr-defined]
    window.later("train").runs.table.setFocus()  # type: ignore[attr-defined]
    assert window.focusWidget() is window.later("train").runs.table  # type: ignore[attr-defined]
    action.trigger()
    top = window.help_window.page.cursorForPosition(window.help_window.page.viewport().rect().topLeft())
    qtbot.waitUntil(lambda: window.help_window.page.share > 0, timeout=20_000)
    assert top is not None and window.help_window.page_id == "train"
    window.rail.help_requested.emit()
    assert window.help_window.isVisible()


def test_a_dialog_answers_the_same_key(qtbot: Any, window: MainWindow) -> None:
    assert window.menus is not None  # made after the first paint: they hear of the key
    window.show_settings()
    (dialog,) = window.findChildren(SettingsDialog)
    qtbot.waitUntil(dialog.isVisible)
    with qtbot.waitActive(dialog, timeout=20_000):
        dialog.activateWindow()
    keys = [key for key in QKeySequence.keyBindings(QKeySequence.StandardKey.HelpContents) if key.toString() == "F1"]
    assert keys
    qtbot.waitUntil(lambda: dialog.isAncestorOf(QApplication.focusWidget() or window), timeout=20_000)
    held = QApplication.focusWidget()  # keys come where the keyboard is
    assert held is not None
    qtbot.keyClick(held, Qt.Key.Key_F1)
    at(window, qtbot, "settings")
    dialog.close()


def test_each_page_of_the_wizard_has_its_part(qtbot: Any, window: MainWindow, settings: Settings) -> None:
    wizard = wizard_module.TrainingWizard(ModelCatalog(), settings, None, window)
    wizard.show()
    asked: list[str] = []
    desk().asked.connect(asked.append)
    for step, topic in enumerate(wizard_module.TOPICS):
        wizard.currentIdChanged.emit(step)
        wizard.helpRequested.emit()
        page = next(page for page in PAGES if page.id == "train-wizard")
        assert page.section(topic.partition("#")[2]) is not None
    desk().asked.disconnect(asked.append)
    assert tuple(asked) == wizard_module.TOPICS and len(wizard.pages) == len(asked)
    at(window, qtbot, "train-wizard")
    wizard.reject()
    wizard.deleteLater()


def test_the_search_lists_and_marks_what_was_found(qtbot: Any, helped: HelpWindow) -> None:
    qtbot.keyClicks(helped.search, "several dig")
    assert helped.results.isVisible() and helped.results.hits[0].topic == "draw#several-digits"
    assert "1 place" in helped._found.text() or "places" in helped._found.text()
    qtbot.keyClick(helped.search, Qt.Key.Key_Return)
    assert helped.page_id == "draw" and helped.results.hasFocus() and helped.page.marked > 2
    first = helped.page.textCursor().selectedText().lower()
    assert first in ("several", "dig")
    helped._next()
    assert helped.page.textCursor().selectedText().lower() in ("several", "dig")
    helped.search.setText("xylophone")
    assert helped.results.count() == 0 and "Nothing found" in helped._found.text()
    helped._escape()
    assert helped.search.text() == "" and helped.contents.isVisible() and helped.page.marked == 0
    helped._escape()
    assert not helped.isVisible()


def test_links_lead_on_and_the_way_back_keeps_the_place(qtbot: Any, helped: HelpWindow) -> None:
    assert not helped._back.isEnabled()
    helped.page.anchorClicked.emit(QUrl("evaluate.md#compare"))
    assert helped.page_id == "evaluate" and helped.page.verticalScrollBar().value() > 0
    helped.page.anchorClicked.emit(QUrl("scores.md#sets-of-answers"))
    helped.page.verticalScrollBar().setValue(40)
    helped.back()
    assert helped.page_id == "evaluate"
    helped.forward()
    assert helped.page_id == "scores" and helped.page.verticalScrollBar().value() == pytest.approx(40, abs=2)
    helped.page.anchorClicked.emit(QUrl("nothing.md"))
    assert helped.page_id == "scores"
    helped.back()
    helped.back()
    assert helped.page_id == "index" and helped._forward.isEnabled() and not helped._back.isEnabled()
    helped.home()
    assert not helped._forward.isEnabled()


def test_place_size_and_text_are_remembered(qtbot: Any, settings: Settings) -> None:
    first = opened(qtbot, settings, "evaluate")
    first.set_zoom(140)
    first.resize(640, 480)
    QApplication.processEvents()
    bar = first.page.verticalScrollBar()
    bar.setValue(bar.maximum() // 2)
    share = first.page.share
    first.close_down()
    second = HelpWindow(settings, lambda text: text)
    qtbot.addWidget(second)
    second.show_topic("evaluate")
    qtbot.waitUntil(lambda: second.page_id == "evaluate", timeout=20_000)
    assert second.page.zoom == 140 and second.size() == first.size()
    assert second.page.share == pytest.approx(share, abs=0.05)
    second.close_down()


@pytest.mark.parametrize("held", [{"zoom": "x", "geometry": 3, "places": [1]}, {"zoom": 10**9, "places": {"draw": -1}}])
def test_a_damaged_memory_is_passed_over(qtbot: Any, settings: Settings, held: dict[str, Any]) -> None:
    settings.set("help", held)
    window = opened(qtbot, settings, "draw")
    assert 60 <= window.page.zoom <= 300 and window.page_id == "draw"
    window.close_down()


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.id)
def test_every_page_can_be_read_at_twice_the_size(qtbot: Any, helped: HelpWindow, page: Any, mode: str) -> None:
    before = theme().mode
    theme().set_mode(mode)  # type: ignore[arg-type]
    try:
        helped.resize(1024, 640)
        helped.set_zoom(200)
        helped.go(page.id)
        text = helped.page.toPlainText()
        assert page.title in text and "**" not in text and "](" not in text and "|--" not in text
        # Nothing is wider than the window, but a line of commands may be.
        if not re.search(r"^ {4}fovea", page.markdown, re.MULTILINE):
            assert helped.page.horizontalScrollBar().maximum() == 0
        colours = [colour_of(helped.page, section.title) for section in page.sections]
        ground = QColor(theme().tokens.surface)
        assert all(abs(colour.lightnessF() - ground.lightnessF()) > 0.5 for colour in colours)
    finally:
        theme().set_mode(before)  # type: ignore[arg-type]


def colour_of(view: Any, words: str) -> QColor:
    """The colour of a heading as it is drawn."""
    block = view.document().begin()
    while block.isValid() and not (block.blockFormat().headingLevel() and block.text() == words):
        block = block.next()
    assert block.isValid(), words
    brush = block.charFormat().foreground()
    return brush.color() if brush.style() != Qt.BrushStyle.NoBrush else view.palette().text().color()


def commands(menu: QMenu, path: str) -> set[str]:
    found = set()
    for action in menu.actions():
        here = f"{path} › {bare(action.text())}"
        found.add(here)
        below = action.menu()
        if isinstance(below, QMenu):
            found |= commands(below, here)
    return found


def test_commands_that_pages_name_stand_in_the_menus(qtbot: Any, window: MainWindow) -> None:
    there: set[str] = set()
    for menu in window.top_menus:
        there |= commands(menu, bare(menu.title()))
    titles = {bare(menu.title()) for menu in window.top_menus}
    named = {
        " ".join(words.split())
        for page in PAGES
        for words in re.findall(r"\*\*(.+?)\*\*", page.markdown, re.DOTALL)
        if " › " in " ".join(words.split()) and words.split(" › ")[0].strip() in titles
    }
    assert len(named) > 12 and named - there == set()


def test_what_was_not_asked_for_is_not_loaded() -> None:
    import subprocess
    import sys

    code = (
        "import sys\n"
        "import desktop.ui.shell.app, desktop.ui.classify.view, desktop.ui.shell.menus\n"
        "print([name for name in sys.modules if name.startswith('desktop.ui.help') or name.endswith('help_pages')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_dialog_of_shortcuts_is_filtered(qtbot: Any, window: MainWindow) -> None:
    window.show_keys()
    (dialog,) = window.findChildren(ShortcutsDialog)
    every = dialog.rows
    assert len(every) > 50 and ("Open Images…", "Ctrl+O") in every
    dialog.filter.setText("zoom")
    assert {words for words, _ in dialog.rows} == {"Zoom In", "Zoom Out", "Zoom in, zoom out"}
    dialog.filter.setText("eraser")
    assert [words for words, _ in dialog.rows][:1] == ["Pen, eraser (unless a class has that letter)"]
    dialog.close()


def test_no_widget_of_the_help_is_without_a_name(qtbot: Any, helped: HelpWindow) -> None:
    for widget in (helped.search, helped.contents, helped.results, helped.page, *helped._icons):
        assert isinstance(widget, QWidget) and widget.accessibleName()
