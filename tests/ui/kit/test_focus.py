"""The keyboard comes back to a control that was switched off or hidden while it worked."""

from __future__ import annotations

from typing import Any

import pytest
from PySide6.QtWidgets import QApplication, QPushButton, QVBoxLayout, QWidget

from desktop.ui.kit.focus import FocusKeeper


@pytest.fixture
def window(qapp: QApplication, qtbot: Any) -> Any:
    """A rail's button before a view of two buttons."""
    keeper = FocusKeeper(qapp)
    held = QWidget()
    held.rail = QPushButton("Help", held)  # type: ignore[attr-defined]
    held.view = QWidget(held)  # type: ignore[attr-defined]
    held.export, held.other = QPushButton("Export"), QPushButton("Other")  # type: ignore[attr-defined]
    inside = QVBoxLayout(held.view)  # type: ignore[attr-defined]
    inside.addWidget(held.other)  # type: ignore[attr-defined]
    inside.addWidget(held.export)  # type: ignore[attr-defined]
    layout = QVBoxLayout(held)
    layout.addWidget(held.rail)  # type: ignore[attr-defined]
    layout.addWidget(held.view)  # type: ignore[attr-defined]
    qtbot.addWidget(held)
    held.show()
    held.activateWindow()
    qtbot.waitUntil(held.isActiveWindow)
    held.export.setFocus()  # type: ignore[attr-defined]
    qtbot.waitUntil(held.export.hasFocus)  # type: ignore[attr-defined]
    yield held
    keeper.deleteLater()


@pytest.mark.parametrize("way", ["setEnabled", "setVisible"])
def test_it_comes_back(window: Any, way: str) -> None:
    getattr(window.export, way)(False)
    assert window.other.hasFocus()  # near, not at the rail
    getattr(window.export, way)(True)
    assert window.export.hasFocus()


def test_whoever_went_on_elsewhere_stays_there(window: Any) -> None:
    window.export.setEnabled(False)
    window.rail.setFocus()
    window.export.setEnabled(True)
    assert window.rail.hasFocus()


def test_a_control_that_is_gone_is_forgotten(window: Any, qtbot: Any) -> None:
    window.export.setEnabled(False)
    window.export.deleteLater()
    qtbot.wait(1)
    window.other.setFocus()
    assert window.other.hasFocus()
