"""Work beside the drawing thread never takes Qt objects apart there."""

from __future__ import annotations

import gc
import threading
import weakref

from PySide6.QtCore import QObject, QThread, Signal
from pytestqt.qtbot import QtBot

from desktop.services.background import run_aside
from tests.patience import patient


class Owner(QObject):
    said = Signal(int)

    def __init__(self, gate: threading.Event) -> None:
        super().__init__()
        self._gate = gate

    def work(self, value: int) -> None:
        self._gate.wait(patient(30))
        self.said.emit(value)


def test_an_owner_that_is_forgotten_meanwhile_goes_in_its_own_thread(qtbot: QtBot) -> None:
    gate, heard, gone = threading.Event(), [], []
    owner = Owner(gate)
    owner.said.connect(heard.append)
    watched = weakref.ref(owner, lambda _: gone.append(QThread.currentThread()))
    thread = run_aside(owner.work, 7, name="test")
    del owner
    gc.collect()
    assert watched() is not None, "the work under way holds its owner"
    gate.set()
    qtbot.waitUntil(lambda: watched() is None, timeout=30_000)
    assert not thread.is_alive()
    assert gone == [qtbot._request.getfixturevalue("qapp").thread()]
