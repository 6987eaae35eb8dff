"""Styling all widgets anew: no widget may be collected while Qt walks through them."""

from __future__ import annotations

import gc

from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QApplication, QWidget

from desktop.ui.kit.theme import Theme


class _Busy(QWidget):
    """A widget whose handler makes so many objects that the collector would start."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[QEvent.Type] = []
        self.inside = False

    def changeEvent(self, event: QEvent) -> None:
        """Notes the event, and makes garbage."""
        self.told.append(event.type())
        self.inside = True
        for _ in range(300):
            knot: list[object] = []
            knot.append(knot)
        super().changeEvent(event)
        self.inside = False


def test_no_widget_is_collected_while_all_are_styled(qapp: QApplication, qtbot) -> None:
    # Qt keeps a list of all widgets meanwhile; one that goes ended the process with a segmentation fault.
    widget = _Busy()
    qtbot.addWidget(widget)
    widget.show()
    own = Theme()
    own.apply(qapp)
    started: list[bool] = []

    def note(phase: str, _info: object) -> None:
        if phase == "start" and widget.inside:
            started.append(True)

    before = gc.get_threshold()
    gc.callbacks.append(note)
    gc.set_threshold(50, 2, 2)
    try:
        own.set_mode("light" if own.is_dark else "dark")
    finally:
        gc.set_threshold(*before)
        gc.callbacks.remove(note)
        own.set_mode("system")
    assert {QEvent.Type.PaletteChange, QEvent.Type.StyleChange} <= set(widget.told)
    assert started == []
