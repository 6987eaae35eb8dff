"""Keys: no two commands of the menus share one, and the help lists every one of them."""

from __future__ import annotations

import collections
from pathlib import Path
from typing import Any

from PySide6.QtGui import QKeySequence

from desktop.services.catalog import ModelCatalog
from desktop.services.settings import Settings
from desktop.ui.dialogs.help import shortcuts
from desktop.ui.shell.main_window import MainWindow


def keys(qtbot: Any, tmp_path: Path) -> list[QKeySequence]:
    """The keys of every command in the menus; of several for one command the first."""
    window = MainWindow(Settings(tmp_path / "settings.json"), ModelCatalog())
    qtbot.addWidget(window)
    assert window.classify is not None and window.menus is not None
    found = []
    menus = list(window.top_menus)
    while menus:
        for action in menus.pop().actions():
            if (below := action.menu()) is not None:
                menus.append(below)  # type: ignore[arg-type]
            found += action.shortcuts()[:1]
    return found


def test_no_key_has_two_meanings(qtbot: Any, tmp_path: Path) -> None:
    counted = collections.Counter(key.toString() for key in keys(qtbot, tmp_path))
    assert len(counted) > 15 and [key for key, count in counted.items() if count > 1] == []


def test_the_help_lists_every_key_of_the_menus(qtbot: Any, tmp_path: Path) -> None:
    listed = {key for key, _ in shortcuts()}
    native = QKeySequence.SequenceFormat.NativeText
    missing = {key.toString(native) for key in keys(qtbot, tmp_path)} - listed
    assert missing == set()
