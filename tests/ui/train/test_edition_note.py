"""The viewer edition in the window: the Train view says what to install and begins nothing."""

from __future__ import annotations

from typing import Any

import pytest
from PySide6.QtWidgets import QPushButton

from desktop.ui.shell.app import Shell
from desktop.ui.train import view as train_view
from desktop.ui.train.edition_note import EditionNote


def buttons(view: Any, words: str) -> list[bool]:
    found = [held for held in view.findChildren(QPushButton) if words in held.text()]
    assert found, words
    return [held.isEnabled() for held in found]


@pytest.mark.parametrize("trains", [True, False])
def test_train_view(trains: bool, shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train_view, "trains", lambda: trains)
    shell.window.show_view("train")
    view = shell.window.findChild(train_view.TrainView)
    notes = view.findChildren(EditionNote)
    assert len(notes) == (0 if trains else 1)
    assert all(trains == enabled for enabled in buttons(view, "New training…") + buttons(view, "plan file…"))
    assert all(buttons(view, "Earlier runs"))
    if notes:
        assert "install the full edition" in notes[0].accessibleName()
