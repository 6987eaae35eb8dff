"""The window with something in it, in words that are 40 % longer, from right to left, and with text of twice the size:
nothing is cut off, nothing overlaps, everything is mirrored. The quick tests look at one size, the slow ones at all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QLocale
from PySide6.QtWidgets import QDialog, QMessageBox, QWidget

from desktop.services.settings import Settings
from desktop.system import words
from desktop.ui.kit.theme import theme
from desktop.ui.shell import language
from desktop.ui.shell.app import Shell, build_window
from tests.ui.layout import faults, unmirrored
from tests.ui.stages import STAGES

SIZES = [(1024, 700), (1280, 720), (1920, 1080)]
LANGUAGES = [words.PSEUDO, words.PSEUDO_RTL]
pytestmark = pytest.mark.usefixtures("obedient_job")


@pytest.fixture
def staged(qtbot: Any, qapp: Any, colours_store: Any) -> Iterator[Any]:
    """Makes the window; ends it with what it began."""
    made: list[Shell] = []

    def make(percent: int = 100) -> Shell:
        settings = Settings()
        settings.set("text_percent", percent)
        shell = build_window(settings, mode="light")
        made.append(shell)
        qtbot.addWidget(shell.window)
        with qtbot.waitSignal(shell.window.painted, timeout=20_000):
            shell.window.show()
        qtbot.waitUntil(
            lambda: shell.catalog.loaded and shell.window.classify.session.engine is not None, timeout=20_000
        )
        return shell

    yield make
    for shell in made:
        shell.window.close()
        shell.close_down()
    theme().set_text(100)
    theme().apply(qapp)


@pytest.fixture
def speaking(qapp: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Speaks a language nobody speaks until the test ends."""
    yield lambda name: monkeypatch.setenv(words.VARIABLES[0], name)
    language.speak(qapp, ["en"])
    QLocale.setDefault(QLocale.c())


def look(qtbot: Any, shell: Shell, where: str, widget: QWidget, sizes: list[tuple[int, int]]) -> list[str]:
    """The faults of what is shown, at each size; a dialog keeps the size that it chose, or that of the screen."""
    found = []
    window = widget.window()
    for size in sizes:
        if not isinstance(window, QDialog) or window.inherits("QWizard"):
            window.resize(*size)
        for _ in range(3):  # heights that follow from widths need a second turn
            qtbot.wait(1)
        if window.width() > size[0] or window.height() > size[1]:
            found.append(f"{where} {size[0]}×{size[1]}: takes {window.width()}×{window.height()}")
        if not isinstance(window, QMessageBox):  # laid out by Qt, for the screen that there is
            found += [f"{where} {size[0]}×{size[1]}: {fault}" for fault in faults(widget)]
        if words.direction() == "rtl":
            found += [f"{where}: {fault}" for fault in unmirrored(widget)]
    return found


def walk(qtbot: Any, shell: Shell, stage: str, folder: Path, sizes: list[tuple[int, int]]) -> list[str]:
    """The faults of all that a stage shows."""
    found = []
    shell.window.resize(*sizes[0])
    for name, widget in STAGES[stage](shell, qtbot, folder):
        found += look(qtbot, shell, f"{stage}/{name}", widget, sizes)
    return list(dict.fromkeys(found))


@pytest.mark.parametrize("stage", STAGES)
def test_longer_words_have_room(staged: Any, speaking: Any, qtbot: Any, tmp_path: Path, stage: str) -> None:
    speaking(words.PSEUDO)
    found = walk(qtbot, staged(), stage, tmp_path, SIZES[:1])
    assert not found, "\n".join(found)


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("spoken", LANGUAGES)
@pytest.mark.parametrize("stage", STAGES)
def test_every_size_has_room_in_both_themes(
    staged: Any, speaking: Any, qtbot: Any, tmp_path: Path, stage: str, spoken: str, mode: Any
) -> None:
    speaking(spoken)
    shell = staged()
    theme().set_mode(mode)
    theme().dress()
    found = walk(qtbot, shell, stage, tmp_path, SIZES)
    assert not found, "\n".join(found)


@pytest.mark.slow
@pytest.mark.parametrize("stage", STAGES)
def test_text_of_twice_the_size_has_room(staged: Any, qtbot: Any, tmp_path: Path, stage: str) -> None:
    found = walk(qtbot, staged(200), stage, tmp_path, SIZES[2:])
    assert not found, "\n".join(found)
