"""The keyboard comes back to a control that was switched off or hidden while it worked."""

from __future__ import annotations

from typing import Any

import pytest
import shiboken6
from PySide6.QtWidgets import QApplication, QPushButton, QVBoxLayout, QWidget, QWizard, QWizardPage

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


class Page(QWizardPage):
    """A page whose only button can go."""

    def __init__(self) -> None:
        super().__init__()
        self.button = QPushButton("Look", self)


def test_python_halves_inside_a_wizard_stay(qapp: QApplication, qtbot: Any) -> None:
    keeper = FocusKeeper(qapp)
    wizard, page = QWizard(), Page()
    wizard.addPage(page)
    qtbot.addWidget(wizard)
    wizard.show()
    wizard.activateWindow()
    qtbot.waitUntil(wizard.isActiveWindow)
    page.button.setFocus()
    qtbot.waitUntil(page.button.hasFocus)
    before = _family(page)
    page.button.hide()
    assert wizard.focusWidget() is not None and wizard.focusWidget() is not page.button  # one of the wizard's own
    assert _family(page) == before and len(before) == 2, "a parent and a child, as before the keyboard went on"
    keeper.deleteLater()


def _family(page: QWizardPage) -> list[str]:
    """What PySide notes of a widget's parent and children: what holds their Python halves alive."""
    lines = shiboken6.dump(page).splitlines()
    return [line for line in lines if line.startswith(("parent", "children"))]
