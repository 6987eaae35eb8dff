"""Teaching from a camera in the real window; a video stands for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from desktop.engine.camera_messages import RecordingDone, source_of
from desktop.ui.shell.app import Shell
from desktop.ui.teach.view import TeachView
from tests.engine.videos import write_video
from tests.patience import WAIT
from tests.ui.teach.test_view import all_looked_at, begin


@pytest.fixture
def view(shell: Shell, qtbot: Any, tmp_path: Path) -> TeachView:
    """An empty project with two classes and the camera on: colours that change with each frame."""
    shell.window.show_view("teach")
    found = shell.window.later("teach")
    assert isinstance(found, TeachView)
    qtbot.waitUntil(lambda: not found.disk.busy, timeout=WAIT)
    with qtbot.waitSignal(found.teaching.opened, timeout=WAIT):
        found._create("From the camera")
    for name in ("cup", "spoon"):
        QTest.keyClicks(found.classes.field, name)
        QTest.keyClick(found.classes.field, Qt.Key.Key_Return)
        qtbot.waitUntil(lambda: any(c.name == name for c in found.teaching.classes), timeout=WAIT)  # noqa: B023
    colours = [(n * 5 % 256, n * 11 % 256, 255 - n * 3 % 256) for n in range(400)]
    video = write_video(tmp_path / "changing.avi", colours, each=1)
    found.cameras.open()
    pane = found.cameras.pane
    assert pane is not None
    pane.show_source(source_of(str(video)))
    qtbot.waitUntil(lambda: found.cameras.camera.state == "on" and pane.screen_of.has_image, timeout=WAIT)
    return found


def test_a_held_key_records_its_class(view: TeachView, shell: Shell, qtbot: Any) -> None:
    pane = view.cameras.pane
    assert pane is not None and view.cameras.shown
    view.cameras.rate.setValue(15)
    view.cameras.drop.setChecked(False)
    done: list[RecordingDone] = []
    view.cameras.camera.recording_done.connect(done.append)
    pane.setFocus()
    QTest.keyPress(pane, Qt.Key.Key_1)
    assert pane.screen_of.recording
    qtbot.waitUntil(lambda: view.teaching.classes[0].count >= 3, timeout=WAIT)
    QTest.keyRelease(pane, Qt.Key.Key_1)
    assert not pane.screen_of.recording
    qtbot.waitUntil(lambda: bool(done), timeout=WAIT)
    qtbot.waitUntil(lambda: not view.teaching.writing and not view.cameras._waiting, timeout=WAIT)
    kept = view.teaching.classes[0].count
    assert kept >= 3 and view.teaching.classes[1].count == 0
    project = view.teaching.project
    assert project is not None
    files = [Path(each.path) for each in project.pictures([int(each) for each in project.index().ids])]
    assert len(files) == kept and all(each.is_file() and each.is_relative_to(project.folder) for each in files)
    # The mouse on a class's button does the same.
    button = view.cameras._buttons[1]
    qtbot.mousePress(button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: view.teaching.classes[1].count >= 1, timeout=WAIT)
    qtbot.mouseRelease(button, Qt.MouseButton.LeftButton)
    QTest.keyClick(pane, Qt.Key.Key_Escape)
    assert not view.cameras.shown and not view.cameras.camera.is_on


def test_leaving_the_view_turns_it_off_and_loses_no_frame(view: TeachView, shell: Shell, qtbot: Any) -> None:
    pane = view.cameras.pane
    assert pane is not None
    pane.setFocus()
    QTest.keyPress(pane, Qt.Key.Key_2)
    qtbot.waitUntil(lambda: bool(view.cameras._waiting) or view.teaching.classes[1].count > 0, timeout=WAIT)
    shell.window.show_classify()
    assert not view.cameras.camera.is_on and not pane.sign.is_on
    qtbot.waitUntil(
        lambda: not view.cameras._waiting and not view.teaching.writing and view.teaching.classes[1].count > 0,
        timeout=WAIT,
    )


def test_files_are_sorted_by_label_and_found_again(shell: Shell, qtbot: Any, tmp_path: Path) -> None:
    from desktop.ui.classify.sort_dialog import SortDialog
    from tests.ui.conftest import write_image

    for name, colour in (("a", "red"), ("b", "blue")):
        write_image(tmp_path / "heap" / f"{name}.png", colour)
    shell.window.show_view("teach")
    view = shell.window.later("teach")
    assert isinstance(view, TeachView)
    told = begin(view, qtbot, tmp_path / "heap")
    qtbot.waitUntil(lambda: view.teaching.index is not None and len(view.teaching.index) == 2, timeout=WAIT)
    with qtbot.waitSignal(view.teaching.changed_classes, timeout=WAIT):
        view._new_class("warm")
    qtbot.waitUntil(lambda: not view.teaching.writing, timeout=WAIT)
    assert view.teaching.index is not None
    view.teaching.label([int(view.teaching.index.ids[0])], view.teaching.classes[0].id)
    # A file is found again by its content, which the learning process has to have seen once.
    all_looked_at(view, qtbot, told)
    qtbot.waitUntil(lambda: view.can_export() and not view.teaching.writing, timeout=WAIT)
    view.sort_files.ask()
    qtbot.waitUntil(lambda: view.sort_files.dialog is not None, timeout=WAIT)
    dialog = view.sort_files.dialog
    assert isinstance(dialog, SortDialog)
    dialog.move_files.click()
    dialog.folder.setText(str(tmp_path / "out"))
    qtbot.waitUntil(dialog.go.isEnabled, timeout=WAIT)
    with qtbot.waitSignal(view.teaching.missing, timeout=WAIT) as answer:
        dialog.go.click()
    assert len(answer.args[0].found) == 1 and not answer.args[0].missing
    assert (tmp_path / "out" / "warm" / "a.png").is_file() and (tmp_path / "heap" / "b.png").is_file()
    qtbot.waitUntil(lambda: not view.sort_files.sorter.working, timeout=WAIT)
    dialog.reject()
    project = view.teaching.project
    assert project is not None
    assert project.picture(answer.args[0].found[0]).path == str(tmp_path / "out" / "warm" / "a.png")
