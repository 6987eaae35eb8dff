"""Widgets that only refer to each other are taken apart in the main thread, whatever other threads make meanwhile."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QEventLoop, QObject, QThread
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from desktop.services import garbage
from desktop.services.background import DiskWork, Task
from desktop.services.garbage import GarbageKeeper
from tests.patience import WAIT

ROOT = Path(__file__).resolve().parents[2]


class _Knot(QWidget):
    """A widget that refers to itself: only the collector takes it apart."""

    def __init__(self) -> None:
        super().__init__()
        self.me = self


@pytest.fixture
def gone_in() -> list[QThread]:
    """The threads in which watched objects went."""
    return []


@pytest.fixture
def watched(gone_in: list[QThread]) -> Callable[[QObject], None]:
    """Notes where what it is given goes."""
    references = []

    def watch(item: QObject) -> None:
        references.append(weakref.ref(item, lambda _: gone_in.append(QThread.currentThread())))

    return watch


def _in_a_thread(work: Callable[[], Any]) -> None:
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


def _make_many(count: int = 4 * garbage.YOUNG) -> list[list[int]]:
    """So many objects that Python, left to itself, would have collected several times."""
    return [[] for _ in range(count)]


def test_a_thread_that_makes_many_objects_takes_no_widget_apart(
    qapp: QApplication, watched: Callable[[QObject], None], gone_in: list[QThread]
) -> None:
    watched(_Knot())
    _in_a_thread(_make_many)
    assert gone_in == []
    held = _make_many()
    assert gone_in == [], "nor does the main thread in the middle of something"
    GarbageKeeper(qapp).look()
    assert gone_in == [qapp.thread()]
    assert held


def test_garbage_goes_by_itself_while_the_window_lives(
    qapp: QApplication, qtbot: QtBot, watched: Callable[[QObject], None], gone_in: list[QThread]
) -> None:
    keeper = GarbageKeeper(qapp)
    held = []
    for wanted in (1, 2, 3):
        watched(_Knot())
        held.append(_make_many())
        qtbot.waitUntil(lambda wanted=wanted: len(gone_in) == wanted, timeout=WAIT)
    keeper.deleteLater()
    assert set(gone_in) == {qapp.thread()}


def test_what_outlived_some_looks_goes_as_well(
    qapp: QApplication, watched: Callable[[QObject], None], gone_in: list[QThread]
) -> None:
    keeper = GarbageKeeper(qapp)
    knot = _Knot()
    watched(knot)
    held = [_make_many()]
    keeper.look()  # looked through, and alive
    del knot
    for _ in range(garbage.YOUNG_AND_OLDER // garbage.YOUNG + 1):
        held.append(_make_many(garbage.YOUNG + 100))
        keeper.look()
    assert gone_in == [qapp.thread()]


def test_what_a_window_leaves_behind_does_not_pile_up(qapp: QApplication) -> None:
    keeper = GarbageKeeper(qapp)
    gc.collect()
    alive: weakref.WeakSet[QWidget] = weakref.WeakSet()
    most = 0
    for _ in range(100):
        for _ in range(20):
            knot = _Knot()
            knot.extra = _make_many(500)  # type: ignore[attr-defined]
            alive.add(knot)
        del knot
        most = max(most, len(alive))
        keeper.look()
    assert most <= 40, "of 2,000 that were made"


def test_the_program_itself_collects_in_this_way() -> None:
    code = """
import gc
from desktop.services.garbage import GarbageKeeper
from desktop.ui.shell.app import make_application
app = make_application(())
print(gc.isenabled(), len(app.findChildren(GarbageKeeper)))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "1"]


class _Owner(QObject):
    """Asks for work and may be forgotten before it is done."""

    def __init__(self, gate: threading.Event) -> None:
        super().__init__()
        self._gate = gate

    def work(self, *_: object) -> int:
        self._gate.wait(60)
        return 7


def test_a_task_lets_its_owner_go_in_the_main_thread(
    qapp: QApplication, qtbot: QtBot, watched: Callable[[QObject], None], gone_in: list[QThread]
) -> None:
    gate, heard = threading.Event(), []
    owner = _Owner(gate)
    watched(owner)
    task = Task(owner.work)
    task.answered.connect(heard.append)
    task.launch()
    del task, owner
    assert gone_in == []
    gate.set()
    qtbot.waitUntil(lambda: bool(gone_in), timeout=WAIT)
    assert heard == [7] and gone_in == [qapp.thread()]


@pytest.mark.parametrize("listens", [True, False])
def test_work_with_the_disk_lets_its_owner_go_in_the_main_thread(
    qapp: QApplication, watched: Callable[[QObject], None], gone_in: list[QThread], listens: bool
) -> None:
    gate, heard = threading.Event(), []
    owner = _Owner(gate)
    watched(owner)
    disk = DiskWork("test")
    disk.run(owner.work, heard.append if listens else None)
    del owner
    gate.set()
    disk.stop()  # the thread is over, and the main thread has not heard of it yet
    assert gone_in == [] and disk.busy
    loop = QEventLoop()
    while disk.busy:
        loop.processEvents()
    assert heard == ([7] if listens else []) and gone_in == [qapp.thread()]
