"""How panes share their room is kept, each splitter's by its name, and only where it fits the panes that there are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QSplitter, QWidget

from desktop.services.settings import Settings
from desktop.ui.kit.remembered_sizes import RememberedSizes


def panes(qtbot: Any, count: int) -> QSplitter:
    split = QSplitter(Qt.Orientation.Horizontal)
    split.setHandleWidth(0)
    split.setChildrenCollapsible(False)
    for _ in range(count):
        pane = QWidget()
        pane.setMinimumWidth(50)
        split.addWidget(pane)
    qtbot.addWidget(split)
    split.resize(600, 100)
    split.setSizes([600 // count] * count)
    return split


def kept(tmp_path: Path, qapp: Any, **held: object) -> Settings:
    settings = Settings(tmp_path / "settings.json", qapp)
    settings.set("splitters", held)
    return settings


def test_what_was_moved_comes_back(qtbot: Any, tmp_path: Path, qapp: Any) -> None:
    settings = kept(tmp_path, qapp, other=[1, 2])
    first, owner = panes(qtbot, 2), QObject()
    sizes = RememberedSizes(settings, {}, owner)
    sizes.add("first", first)
    first.show()
    first.setSizes([200, 400])
    first.splitterMoved.emit(200, 1)
    assert settings.get("splitters") == {"other": [1, 2], "first": [200, 400]}
    again = panes(qtbot, 2)
    again.show()
    RememberedSizes(settings, {"first": again}, owner).restore()
    assert again.sizes() == [200, 400]


@pytest.mark.parametrize("held", [[100, 200, 300], [600], ["200", 400], "200", None, {}])
def test_what_fits_no_panes_is_left_alone(qtbot: Any, tmp_path: Path, qapp: Any, held: object) -> None:
    split, owner = panes(qtbot, 2), QObject()
    split.show()
    RememberedSizes(kept(tmp_path, qapp, first=held), {"first": split}, owner).restore()
    assert split.sizes() == [300, 300]


def test_a_hidden_pane_and_one_alone_are_not_kept(qtbot: Any, tmp_path: Path, qapp: Any) -> None:
    settings = kept(tmp_path, qapp, hidden=[100, 200, 300])
    hidden, alone, owner = panes(qtbot, 3), panes(qtbot, 1), QObject()
    sizes = RememberedSizes(settings, {"hidden": hidden, "alone": alone}, owner)
    hidden.widget(2).hide()
    hidden.show()
    alone.show()
    hidden.splitterMoved.emit(300, 1)
    assert sizes is not None and settings.get("splitters") == {"hidden": [100, 200, 300]}
