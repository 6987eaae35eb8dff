"""The camera in Classify, in the real window with the real engine; a video stands for the camera."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QWindowStateChangeEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QInputDialog, QPushButton

from desktop.engine.camera_messages import CameraSource, source_of
from desktop.services.camera import Camera
from desktop.ui.shell.app import Shell
from desktop.ui.widgets.camera_pane import CameraPane
from tests.engine.videos import write_video
from tests.patience import WAIT
from tests.ui.conftest import write_image


@pytest.fixture
def video(tmp_path: Path) -> Path:
    """Red for two seconds, then blue for a long time."""
    return write_video(tmp_path / "stand-in.avi", [(255, 0, 0), (0, 0, 255)], each=50)


def open_on(shell: Shell, qtbot: Any, video: Path) -> CameraPane:
    """The camera's pane in Classify, with ``video`` as its camera, on."""
    view = shell.window.classify
    view.open_camera()
    pane = view.cameras.pane
    assert pane is not None
    pane.show_source(source_of(str(video)))
    qtbot.waitUntil(lambda: view.cameras.camera.state == "on" and pane.screen_of.has_image, timeout=WAIT)
    return pane


def test_every_frame_is_answered_while_it_is_seen(shell: Shell, qtbot: Any, video: Path) -> None:
    view = shell.window.classify
    seen: list[str] = []
    view.cameras.live.answered.connect(lambda answer: seen.append(answer.label))
    pane = open_on(shell, qtbot, video)
    assert pane.sign.is_on and pane.sign.isVisible()
    qtbot.waitUntil(lambda: {"red", "blue"} <= set(seen), timeout=WAIT)
    assert "blue" in view.answer.bars.headline
    qtbot.waitUntil(lambda: view.cameras.camera.state == "ended", timeout=WAIT)
    assert not pane.sign.isVisible() and not view.cameras.camera.is_on
    assert view.session.items == []  # nothing is stored unless it is kept


def test_keeping_a_frame_by_mouse(shell: Shell, qtbot: Any, video: Path) -> None:
    view = shell.window.classify
    pane = open_on(shell, qtbot, video)
    qtbot.waitUntil(pane.keep.isEnabled, timeout=WAIT)
    qtbot.mouseClick(pane.keep, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: len(view.session.items) == 1, timeout=WAIT)
    item = view.session.items[0]
    assert item.source.data is not None and item.source.data.startswith(b"\x89PNG")
    assert view.cameras.shown and view.cameras.camera.is_on  # it goes on
    said = view.job.said
    qtbot.waitUntil(lambda: said(item) is not None and said(item).answer in ("red", "blue"), timeout=WAIT)
    # Choosing the picture leaves the camera, which is off at once.
    place = view.list.view.visualRect(view.list.model.index(0, 0)).center()
    qtbot.mouseClick(view.list.view.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert not view.cameras.shown and not view.cameras.camera.is_on and view.session.current is item


def test_all_of_it_by_keyboard(shell: Shell, qtbot: Any, video: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    window, view = shell.window, shell.window.classify
    monkeypatch.setattr(Camera, "look", lambda self: self.found.emit([CameraSource("camera", "97", "Desk camera")]))
    assert window.menus is not None
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow, timeout=WAIT)
    QTest.keyClick(window, Qt.Key.Key_K, Qt.KeyboardModifier.ControlModifier)
    pane = view.cameras.pane
    assert pane is not None and view.cameras.shown
    qtbot.waitUntil(lambda: view.cameras.camera.state == "failed", timeout=WAIT)
    assert "no camera number 97" in pane.screen_of.accessibleDescription()
    pane.ask_address()
    dialog = window.findChild(QInputDialog)
    assert dialog is not None
    dialog.setTextValue(str(video))
    QTest.keyClick(dialog, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: view.cameras.camera.state == "on" and pane.keep.isEnabled(), timeout=WAIT)
    QTest.keyClick(pane, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: len(view.session.items) == 1, timeout=WAIT)
    QTest.keyClick(pane, Qt.Key.Key_Escape)
    assert not view.cameras.shown and not view.cameras.camera.is_on
    assert view.session.current is view.session.items[0]


def test_the_button_of_the_empty_view_opens_it(shell: Shell, qtbot: Any) -> None:
    view = shell.window.classify
    button = next(each for each in view.empty.findChildren(QPushButton) if each.text() == "Camera")
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    pane = view.cameras.pane
    assert view.cameras.shown and pane is not None
    view.cameras.close()
    assert view.stack.currentIndex() == 0


def test_no_camera_says_what_to_do(shell: Shell, qtbot: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Camera, "look", lambda self: self.found.emit([]))
    view = shell.window.classify
    view.open_camera()
    pane = view.cameras.pane
    assert pane is not None and "No camera was found" in pane.screen_of.accessibleDescription()
    assert not pane.power.isEnabled() and not pane.keep.isEnabled()


@pytest.mark.parametrize("leave", ["view", "hide", "minimise", "close", "image"])
def test_off_at_once_when_nobody_looks(shell: Shell, qtbot: Any, video: Path, tmp_path: Path, leave: str) -> None:
    window, view = shell.window, shell.window.classify
    if leave == "image":
        view.add_paths([str(write_image(tmp_path / "p" / "a.png"))])
        qtbot.waitUntil(lambda: view.session.current is not None, timeout=WAIT)
    pane = open_on(shell, qtbot, video)
    if leave == "view":
        window.show_view("models")
    elif leave == "hide":
        window.hide()
    elif leave == "minimise":
        window.setWindowState(Qt.WindowState.WindowMinimized)
        QApplication.sendEvent(window, QWindowStateChangeEvent(Qt.WindowState.WindowNoState))
    elif leave == "close":
        window.close()
    else:
        view.add_paths([str(write_image(tmp_path / "p" / "b.png"))])
        qtbot.waitUntil(lambda: view.session.current is not None, timeout=WAIT)
    assert not view.cameras.camera.is_on and view.cameras.camera.state == "off"
    assert not pane.sign.is_on
    if leave == "view":
        window.show_classify()
        assert (
            view.cameras.camera.state == "off" and "off" in pane.screen_of.accessibleDescription()
        )  # not by itself again
        qtbot.mouseClick(pane.power, Qt.MouseButton.LeftButton)
        qtbot.waitUntil(lambda: view.cameras.camera.state == "on", timeout=WAIT)


def test_lost_in_the_middle_is_said_and_can_be_turned_on_again(shell: Shell, qtbot: Any, video: Path) -> None:
    import os
    import signal

    view = shell.window.classify
    pane = open_on(shell, qtbot, video)
    runner = view.cameras.camera._runner
    assert runner is not None and runner._client.pid is not None
    os.kill(runner._client.pid, signal.SIGKILL)
    qtbot.waitUntil(lambda: view.cameras.camera.state == "failed", timeout=WAIT)
    assert "stopped" in pane.screen_of.accessibleDescription() and not pane.sign.is_on
    pane.power.click()
    qtbot.waitUntil(lambda: view.cameras.camera.state == "on", timeout=WAIT)


def test_another_model_answers_the_next_frame(shell: Shell, qtbot: Any, video: Path) -> None:
    view = shell.window.classify
    open_on(shell, qtbot, video)
    view.choose_model("xray")
    with qtbot.waitSignal(
        view.cameras.live.answered, timeout=WAIT, check_params_cb=lambda answer: answer.model == "xray"
    ):
        pass
    assert view.cameras.shown


def test_recording_hands_over_files(shell: Shell, qtbot: Any, video: Path) -> None:
    """What Teach does while a class key is held."""
    view = shell.window.classify
    open_on(shell, qtbot, video)
    kept: list[Any] = []
    view.cameras.camera.recorded.connect(kept.append)
    number = view.cameras.camera.record(rate=50.0, unlike=0.0)
    assert number and view.cameras.camera.recording
    qtbot.waitUntil(lambda: len(kept) >= 3, timeout=WAIT)
    with qtbot.waitSignal(view.cameras.camera.recording_done, timeout=WAIT) as done:
        view.cameras.camera.stop_recording()
    assert done.args[0].kept == len(kept) and {each.id for each in kept} == {number}
    assert all(each.png.startswith(b"\x89PNG") for each in kept) and not view.cameras.camera.recording
    assert view.session.items == []
