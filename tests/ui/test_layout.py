"""Every view, dialog and page of the wizard with words that are 40 % longer, and from right to left: nothing is cut
off, nothing overlaps, everything is mirrored."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from PySide6.QtCore import QLocale
from PySide6.QtWidgets import QWidget

from desktop.services.settings import Settings
from desktop.system import words
from desktop.ui.kit.theme import theme
from desktop.ui.shell import language
from desktop.ui.shell.app import Shell, build_window
from desktop.ui.shell.views import LATER
from tests.ui.layout import faults, unmirrored

SIZES = [(1024, 700), (1280, 720), (1920, 1080)]
SMALL = SIZES[:1]
VIEWS = ["classify", *(later.id for later in LATER)]


@pytest.fixture(params=[words.PSEUDO, words.PSEUDO_RTL])
def spoken(request: Any, qapp: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A language that nobody speaks."""
    monkeypatch.setenv(words.VARIABLES[0], request.param)
    yield request.param
    language.speak(qapp, ["en"])
    QLocale.setDefault(QLocale.c())


@pytest.fixture
def shell(spoken: str, qtbot: Any, colours_store: Any) -> Iterator[Shell]:
    """The window, without its engine."""
    held = build_window(Settings(), mode="light")
    qtbot.addWidget(held.window)
    held.window.painted.disconnect()
    held.window.show()
    held.catalog.refresh()
    qtbot.waitUntil(lambda: held.catalog.loaded, timeout=20_000)
    held.window.classify.complete()
    yield held
    held.window.close()
    held.close_down()


def looked_at(window: QWidget, qtbot: Any, spoken: str, size: tuple[int, int], where: str) -> list[str]:
    """The faults of the window at a size."""
    window.resize(*size)
    for _ in range(3):  # layouts with a height that follows from the width need a second turn
        qtbot.wait(1)
    found = [f"{where} {size[0]}×{size[1]}: {fault}" for fault in faults(window)]
    if spoken == words.PSEUDO_RTL:
        found += [f"{where}: {fault}" for fault in unmirrored(window)]
    return found


def views_at(shell: Shell, qtbot: Any, spoken: str, sizes: list[tuple[int, int]]) -> list[str]:
    """The faults of all views."""
    found = []
    for view in VIEWS:
        shell.window.host.show_view(view)
        for size in sizes:
            found += looked_at(shell.window, qtbot, spoken, size, view)
    return found


def test_views_have_room_for_longer_words(shell: Shell, qtbot: Any, spoken: str) -> None:
    assert views_at(shell, qtbot, spoken, SMALL) == []


DIALOGS: dict[str, Callable[[Shell], None]] = {
    "settings": lambda shell: shell.window.show_settings(),
    "about": lambda shell: shell.window.show_about(),
    "updates": lambda shell: shell.window.show_updates(),
    "licences": lambda shell: shell.window.show_licences(),
    "card": lambda shell: shell.window.show_card("colours"),
}


@pytest.mark.parametrize("name", DIALOGS)
def test_dialogs_have_room_for_longer_words(shell: Shell, qtbot: Any, spoken: str, name: str) -> None:
    shell.window.resize(1024, 700)
    DIALOGS[name](shell)
    from PySide6.QtWidgets import QApplication, QDialog

    dialogs = [
        widget for widget in QApplication.topLevelWidgets() if isinstance(widget, QDialog) and widget.isVisible()
    ]
    dialogs += [widget for widget in shell.window.findChildren(QDialog) if widget.isVisible()]
    assert dialogs
    qtbot.wait(1)
    found = faults(dialogs[0])
    dialogs[0].close()
    assert found == []


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["light", "dark"])
def test_views_have_room_at_every_size_in_both_themes(shell: Shell, qtbot: Any, spoken: str, mode: str) -> None:
    theme().set_mode(mode)  # type: ignore[arg-type]
    theme().dress()
    assert views_at(shell, qtbot, spoken, SIZES) == []
