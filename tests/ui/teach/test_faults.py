"""What goes wrong while one labels, in the real window: a full disk, pictures that go away, a camera that is lost."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from desktop.engine.camera_messages import source_of
from desktop.store.project_facts import PictureState
from desktop.ui.shell.app import Shell
from desktop.ui.teach.view import TeachView
from tests.engine.videos import write_video
from tests.patience import WAIT
from tests.ui.teach.test_view import LONG, add_class, all_looked_at, begin, pictures, press


@pytest.fixture
def view(shell: Shell, qtbot: Any) -> TeachView:
    """The Teach view of the whole window, shown."""
    shell.window.show_view("teach")
    found = shell.window.later("teach")
    assert isinstance(found, TeachView)
    qtbot.waitUntil(lambda: not found.disk.busy, timeout=LONG)
    return found


def test_a_full_disk_is_said_and_what_is_shown_is_what_the_disk_holds(
    view: TeachView, qtbot: Any, tmp_path: Path
) -> None:
    begin(view, qtbot, pictures(tmp_path / "heap", 3))
    add_class(view, qtbot, "disc")
    project = view.teaching.project
    assert project is not None
    with project.database.reading() as connection:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages}")
    heard: list[str] = []
    view.said.connect(heard.append)
    ids = view.pictures.model.ids.tolist()
    disc = view.teaching.classes[0].id
    for turn in range(400):
        if heard:
            break
        view.teaching.label(ids, disc if turn % 2 == 0 else None)
        qtbot.waitUntil(lambda: not view.teaching.writing, timeout=LONG)
    assert heard and "full" in heard[0]
    shown = [view.teaching.label_of(number) for number in ids]
    assert shown == [picture.label or 0 for picture in project.pictures(ids)]
    with project.database.reading() as connection:
        connection.execute("PRAGMA max_page_count = 1000000")
    view.pictures.view.setCurrentIndex(view.pictures.model.index(0, 0))
    press(view, qtbot, Qt.Key.Key_1)
    qtbot.waitUntil(lambda: view.teaching.label_of(ids[0]) == disc, timeout=LONG)


def test_the_disk_with_the_pictures_is_pulled_and_comes_back_elsewhere(
    view: TeachView, qtbot: Any, tmp_path: Path
) -> None:
    told = begin(view, qtbot, pictures(tmp_path / "stick", 3))
    all_looked_at(view, qtbot, told)
    add_class(view, qtbot, "disc")
    view.pictures.view.setFocus()
    view.pictures.view.setCurrentIndex(view.pictures.model.index(0, 0))
    press(view, qtbot, Qt.Key.Key_1)
    os.rename(tmp_path / "stick", tmp_path / "pulled")
    second = view.pictures.model.id_at(1)
    view.pictures.view.setCurrentIndex(view.pictures.model.index(1, 0))
    press(view, qtbot, Qt.Key.Key_1)
    qtbot.waitUntil(lambda: view.teaching.label_of(second) == view.teaching.classes[0].id, timeout=LONG)
    with qtbot.waitSignal(view.teaching.missing, timeout=LONG) as answer:
        view.exchange.find_moved()
    assert len(answer.args[0].missing) == 6
    qtbot.waitUntil(
        lambda: view.pictures.model.facts(second)[2] is PictureState.MISSING and not view.teaching.writing, timeout=LONG
    )
    assert "not where it was" in view.pictures.model.words(second)
    with qtbot.waitSignal(view.teaching.missing, timeout=LONG) as answer:
        view.exchange.find_moved(str(tmp_path / "pulled"))
    assert len(answer.args[0].found) == 6 and not answer.args[0].missing
    qtbot.waitUntil(lambda: [c.count for c in view.teaching.classes] == [2], timeout=LONG)
    project = view.teaching.project
    assert project is not None
    assert project.picture(second).path.startswith(str(tmp_path / "pulled"))


def test_a_camera_lost_while_a_key_is_held_keeps_what_was_recorded(view: TeachView, qtbot: Any, tmp_path: Path) -> None:
    with qtbot.waitSignal(view.teaching.opened, timeout=WAIT):
        view._create("From the camera")
    add_class(view, qtbot, "cup")
    colours = [(n * 5 % 256, n * 11 % 256, 255 - n * 3 % 256) for n in range(900)]
    video = write_video(tmp_path / "changing.avi", colours, each=1)
    view.cameras.open()
    pane = view.cameras.pane
    assert pane is not None
    pane.show_source(source_of(str(video)))
    qtbot.waitUntil(lambda: view.cameras.camera.state == "on" and pane.screen_of.has_image, timeout=WAIT)
    view.cameras.drop.setChecked(False)
    pane.setFocus()
    QTest.keyPress(pane, Qt.Key.Key_1)
    qtbot.waitUntil(lambda: view.teaching.classes[0].count >= 1, timeout=WAIT)
    runner = view.cameras.camera._runner
    assert runner is not None and runner._client.pid is not None
    os.kill(runner._client.pid, getattr(signal, "SIGKILL", signal.SIGTERM))
    qtbot.waitUntil(lambda: view.cameras.camera.state == "failed", timeout=WAIT)
    assert view.cameras.camera.message and not pane.sign.is_on and not pane.screen_of.recording
    qtbot.waitUntil(lambda: not view.teaching.writing and not view.cameras._waiting, timeout=WAIT)
    project = view.teaching.project
    assert project is not None
    kept = project.pictures(project.index().ids.tolist())
    assert kept and all(Path(each.path).is_file() and each.label is not None for each in kept)
    QTest.keyRelease(pane, Qt.Key.Key_1)
    # Turned on again, it goes on.
    pane.show_source(source_of(str(video)))
    qtbot.waitUntil(lambda: view.cameras.camera.state == "on", timeout=WAIT)
