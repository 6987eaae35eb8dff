"""The window as a user has it: a real engine, real files, nothing stale, nothing lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDragMoveEvent, QDropEvent, QGuiApplication, QImage
from PySide6.QtWidgets import QAbstractButton, QApplication, QLineEdit, QPlainTextEdit, QTextEdit, QWidget

from desktop.app.batch_columns import RowSaid
from desktop.engine.messages import Prediction
from desktop.services.engine_service import EngineService
from desktop.services.session import ImageItem
from desktop.services.settings import Settings
from desktop.store.store import ModelStore
from desktop.ui.shell.app import Shell, build_window
from tests.patience import WAIT
from tests.ui.conftest import said, write_image


def answered(shell: Shell, name: str) -> bool:
    session = shell.window.classify.session
    held = session.prediction
    return held is not None and held.source.name == name and session.preview is not None


def open_and_wait(qtbot: Any, shell: Shell, paths: list[Path], current: str) -> None:
    shell.window.open_paths([str(path) for path in paths])
    qtbot.waitUntil(lambda: answered(shell, current), timeout=WAIT)


def test_one_image_is_answered_and_shown(qtbot: Any, shell: Shell, tmp_path: Path) -> None:
    open_and_wait(qtbot, shell, [write_image(tmp_path / "red.png", "red")], "red.png")
    view = shell.window.classify
    assert view.answer.bars.headline.startswith("red")
    assert view.picture.picture.has_image
    assert view.picture.prepared.image is not None
    assert not view.results.isVisible()


def test_folder_is_classified_and_can_be_browsed(qtbot: Any, shell: Shell, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    for number, colour in enumerate(["red", "blue", "lime"] * 4):
        write_image(folder / f"{number:02d}.png", colour)
    (folder / "05.png").write_bytes(b"no picture")
    shell.window.open_paths([str(folder)])
    view = shell.window.classify
    qtbot.waitUntil(lambda: view.job.done == 12 and not view.job.running, timeout=WAIT)
    assert view.results.isVisible()
    assert view.job.failures == 1
    assert said(view)[:3] == ["red", "blue", "green"]
    assert str(folder) in shell.settings.get("recent_folders")
    view.list.step(1)
    qtbot.waitUntil(lambda: answered(shell, "01.png"), timeout=WAIT)
    assert view.results.table.current_source == view.session.items[1].source
    for _ in range(4):
        view.list.step(1)
    qtbot.waitUntil(lambda: view.session.failure is not None and view.session.preview_failure is not None, timeout=WAIT)
    assert view.picture.failure.isVisible()
    assert view.session.current is view.session.items[5]
    assert not view.picture.picture.has_image


def test_late_answers_of_another_image_or_model_are_dropped(qtbot: Any, shell: Shell, tmp_path: Path) -> None:
    first, second = write_image(tmp_path / "a.png", "red"), write_image(tmp_path / "b.png", "blue")
    open_and_wait(qtbot, shell, [first], "a.png")
    view = shell.window.classify
    session = view.session
    old = session.prediction
    assert isinstance(old, Prediction)
    open_and_wait(qtbot, shell, [second], "b.png")
    session._on_prediction(old)
    assert session.prediction is not None and session.prediction.source.name == "b.png"
    view.choose_model("xray")
    assert session.prediction is None
    assert view.answer.bars.headline == ""
    assert view.picture.prepared.image is None
    late = old
    session._on_prediction(late)
    assert session.prediction is None
    qtbot.waitUntil(lambda: answered(shell, "b.png"), timeout=WAIT)
    assert session.prediction is not None and session.prediction.model == "xray"
    assert view.answer.bars.headline.startswith("other")


def test_medical_notice_stays_while_the_model_is_chosen(qtbot: Any, shell: Shell, tmp_path: Path) -> None:
    view = shell.window.classify
    view.choose_model("colours")
    assert not view.answer._medical.isVisible()
    view.choose_model("xray")
    assert view.answer._medical.isVisible()
    assert "not a medical device" in view.answer._medical.text
    open_and_wait(qtbot, shell, [write_image(tmp_path / "a.png")], "a.png")
    assert view.answer._medical.isVisible()
    assert not view.answer._medical.findChildren(QAbstractButton)


def test_small_folder_is_classified_again_by_a_new_model(qtbot: Any, shell: Shell, tmp_path: Path) -> None:
    view = shell.window.classify
    view.choose_model("colours")
    for number in range(4):
        write_image(tmp_path / "f" / f"{number}.png", "blue")
    shell.window.open_paths([str(tmp_path / "f")])
    qtbot.waitUntil(lambda: view.job.done == 4 and not view.job.running, timeout=WAIT)
    view.choose_model("xray")
    assert said(view) == [""] * 4
    qtbot.waitUntil(lambda: view.job.done == 4 and not view.job.running, timeout=WAIT)
    assert view.job.model_id == "xray"
    assert set(said(view)) == {"other"}


def test_cancelled_folder_says_so(qtbot: Any, shell: Shell, tmp_path: Path) -> None:
    for number in range(300):
        write_image(tmp_path / "f" / f"{number}.png", "blue")
    view = shell.window.classify
    with qtbot.waitSignal(view.job.answered, timeout=WAIT):
        shell.window.open_paths([str(tmp_path / "f")])
    view.job.cancel()
    done = view.job.done
    assert 0 < done <= 300
    assert not view.job.running
    qtbot.wait(1)
    assert view.job.done == done


def test_removing_and_undoing(qtbot: Any, shell: Shell, tmp_path: Path) -> None:
    paths = [write_image(tmp_path / f"{name}.png") for name in "abc"]
    open_and_wait(qtbot, shell, paths, "a.png")
    view = shell.window.classify
    view.list.view.setFocus()
    qtbot.keyClick(view.list.view, Qt.Key.Key_Delete)
    assert [item.source.name for item in view.session.items] == ["b.png", "c.png"]
    assert view.session.current is not None and view.session.current.source.name == "b.png"
    assert all(path.exists() for path in paths)
    view.undo()
    assert [item.source.name for item in view.session.items] == ["a.png", "b.png", "c.png"]
    assert view.session.current.source.name == "a.png"


def test_same_file_twice_is_listed_once(qtbot: Any, shell: Shell, tmp_path: Path) -> None:
    path = write_image(tmp_path / "a.png")
    open_and_wait(qtbot, shell, [path], "a.png")
    open_and_wait(qtbot, shell, [path], "a.png")
    assert len(shell.window.classify.session.items) == 1


def test_the_list_marks_what_is_not_of_the_models_kind(qtbot: Any, shell: Shell, tmp_path: Path) -> None:
    open_and_wait(qtbot, shell, [write_image(tmp_path / f"{name}.png") for name in "ab"], "a.png")
    view = shell.window.classify.list
    item = shell.window.classify.session.items[1]
    words: dict[ImageItem, RowSaid] = {item: RowSaid("ill", unlike=True)}
    view.model.said = words.get
    index = view.model.index(1, 0)
    for role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole):
        assert "no answer: it is not the kind" in index.data(role) and "ill" not in index.data(role).split("\n")[-1]
    view.set_mode("rows")
    marked = view.view.grab().toImage()
    words[item] = RowSaid("ill?")  # the same words without the warning's colour
    assert view.view.grab().toImage() != marked


def test_recent_folders_show_their_ampersands(shell: Shell) -> None:
    shell.settings.add_recent_folder("/data/cats & dogs")
    shell.window.classify.empty.set_recent(["/data/cats & dogs"])
    buttons = shell.window.classify.empty.findChildren(QAbstractButton)
    assert any(button.text() == "data/cats && dogs" for button in buttons)
    menus = shell.window.menus
    menus._fill_recent()
    assert menus._recent.actions()[0].text() == "/data/cats && dogs"


def drop(shell: Shell, mime: QMimeData) -> None:
    position = QPointF(400, 300)
    event = QDropEvent(
        position,
        Qt.DropAction.CopyAction,
        mime,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    shell.window.dropEvent(event)


def test_dropped_file_and_dropped_bytes(qtbot: Any, shell: Shell, tmp_path: Path) -> None:
    path = write_image(tmp_path / "Ünï 日本.png", "blue")
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path))])
    drop(shell, mime)
    qtbot.waitUntil(lambda: answered(shell, "Ünï 日本.png"), timeout=WAIT)
    raw = QMimeData()
    raw.setData("image/png", path.read_bytes())
    drop(shell, raw)
    session = shell.window.classify.session
    qtbot.waitUntil(lambda: session.prediction is not None and session.prediction.source.data is not None, timeout=WAIT)
    assert session.prediction is not None and session.prediction.label == "blue"


@pytest.mark.parametrize(
    ("offered", "proposed"),
    [("CopyAction|MoveAction", "MoveAction"), ("CopyAction", "CopyAction"), ("LinkAction|MoveAction", "MoveAction")],
)
def test_a_drop_is_a_copy_whatever_is_proposed(
    qtbot: Any, shell: Shell, tmp_path: Path, offered: str, proposed: str
) -> None:
    """A file manager that proposes to move deletes its file once that is accepted: the user's picture would be gone."""
    path = write_image(tmp_path / "mine.png", "red")
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path))])
    allowed = Qt.DropAction.IgnoreAction
    for name in offered.split("|"):
        allowed |= Qt.DropAction[name]
    buttons, keys = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ShiftModifier
    enter = QDragEnterEvent(QPoint(400, 300), allowed, mime, buttons, keys)
    move = QDragMoveEvent(QPoint(410, 300), allowed, mime, buttons, keys)
    dropped = QDropEvent(QPointF(410, 300), allowed, mime, buttons, keys)
    for event in (enter, move, dropped):
        event.setDropAction(Qt.DropAction[proposed])
        QGuiApplication.sendEvent(shell.window, event)
        assert event.isAccepted() and event.dropAction() in (Qt.DropAction.CopyAction, Qt.DropAction.LinkAction)
    qtbot.waitUntil(lambda: answered(shell, "mine.png"), timeout=WAIT)
    assert path.exists()


def test_a_drop_on_a_field_for_text_is_the_windows(qtbot: Any, shell: Shell, tmp_path: Path) -> None:
    """A field would take the file's name as text, accept the move that is proposed, and the file would be gone."""
    path = write_image(tmp_path / "mine.png", "red")
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path))])
    mime.setText(str(path))
    allowed = Qt.DropAction.CopyAction | Qt.DropAction.MoveAction
    field = shell.window.classify.list.filter
    enter = QDragEnterEvent(QPoint(5, 5), allowed, mime, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier)
    enter.setDropAction(Qt.DropAction.MoveAction)
    QGuiApplication.sendEvent(field, enter)
    assert enter.isAccepted() and enter.dropAction() == Qt.DropAction.CopyAction, "the window takes a copy"
    for view in ("draw", "evaluate", "train", "models", "teach"):
        shell.window.show_view(view)
    fields = [w for w in QApplication.allWidgets() if isinstance(w, QLineEdit | QPlainTextEdit | QTextEdit)]
    shell.window.ensurePolished()
    takes = [w.accessibleName() or w.objectName() for w in fields if w.isVisible() and w.acceptDrops()]
    assert len(fields) > 5 and not takes


def test_what_may_only_be_moved_is_refused(qtbot: Any, shell: Shell, tmp_path: Path) -> None:
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(write_image(tmp_path / "mine.png", "red")))])
    only = Qt.DropAction.MoveAction
    buttons, keys = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(QPoint(4, 3), only, mime, buttons, keys)
    QGuiApplication.sendEvent(shell.window, enter)
    assert not enter.isAccepted()
    event = QDropEvent(QPointF(4, 3), only, mime, buttons, keys)  # some platforms drop all the same
    shell.window.dropEvent(event)
    assert not event.isAccepted()
    assert not shell.window.classify.session.items and "moves nothing" in shell.window.messages.text


def test_the_images_of_the_last_time_are_there_again(
    qtbot: Any, colours_store: ModelStore, qapp: Any, tmp_path: Path, fovea_home: Path
) -> None:
    def started(*, wanted: bool = True) -> Shell:
        settings = Settings()
        settings.set("restore_images", wanted)
        held = build_window(settings, mode="light", restore=True)
        qtbot.addWidget(held.window)
        held.window.show()
        qtbot.waitUntil(lambda: held.catalog.loaded and held.window.classify.session.engine is not None, timeout=WAIT)
        return held

    def ended(held: Shell) -> None:
        held.window.close()
        held.close_down()

    first = started()
    view = first.window.classify
    qtbot.waitUntil(lambda: view.last_images.remembers, timeout=WAIT)
    paths = [write_image(tmp_path / f"{name}.png", "red") for name in "abc"]
    first.window.open_paths([str(path) for path in paths])
    qtbot.waitUntil(lambda: view.job.done == 3 and not view.job.running, timeout=WAIT)
    image = QImage(20, 20, QImage.Format.Format_RGB32)
    image.fill(Qt.GlobalColor.blue)
    QGuiApplication.clipboard().setImage(image)
    first.window.paste()
    qtbot.waitUntil(lambda: view.job.done == 4 and not view.job.running, timeout=WAIT)
    view.session.set_current(view.session.items[1])
    ended(first)
    paths[2].unlink()
    again = started()
    view = again.window.classify
    qtbot.waitUntil(lambda: view.job.done == 3 and not view.job.running, timeout=WAIT)
    names = [item.source.name for item in view.session.items]
    assert names[:2] == ["a.png", "b.png"] and names[2].startswith("Pasted")
    assert said(view) == ["red", "red", "blue"]
    assert view.session.current is view.session.items[1]
    assert "1 are no longer" in again.window.messages.text
    ended(again)
    third = started(wanted=False)
    assert not third.window.classify.session.items
    ended(third)
    assert not list((fovea_home / "session").glob("*")), "who does not want it leaves nothing behind"


def test_paste_of_image_text_and_nothing(qtbot: Any, shell: Shell, tmp_path: Path) -> None:
    clipboard = QGuiApplication.clipboard()
    image = QImage(20, 20, QImage.Format.Format_RGB32)
    image.fill(Qt.GlobalColor.blue)
    clipboard.setImage(image)
    shell.window.paste()
    session = shell.window.classify.session
    qtbot.waitUntil(lambda: session.prediction is not None, timeout=WAIT)
    assert session.prediction is not None and session.prediction.label == "blue"
    path = write_image(tmp_path / "text.png")
    clipboard.setText(f'"{path}"')
    shell.window.paste()
    qtbot.waitUntil(lambda: answered(shell, "text.png"), timeout=WAIT)
    clipboard.setText("just words")
    shell.window.paste()
    assert "not the path" in shell.window.messages.text
    clipboard.clear()
    shell.window.paste()
    assert "no image" in shell.window.messages.text


def test_what_is_pasted_in_another_view_is_shown_and_a_text_field_keeps_its_words(
    qtbot: Any, shell: Shell, tmp_path: Path
) -> None:
    window, clipboard = shell.window, QGuiApplication.clipboard()
    path = write_image(tmp_path / "a.png")
    clipboard.setText(str(path))
    window.classify.list.filter.setEnabled(True)
    window.classify.list.filter.setFocus()
    window.paste()
    assert window.classify.list.filter.text() == str(path) and not window.classify.session.items
    window.classify.list.filter.clear()
    window.show_view("models")
    clipboard.setText("just words")
    window.rail.setFocus()
    window.paste()
    assert window.shown is not None
    clipboard.setText(str(path))
    window.paste()
    assert window.shown is None
    qtbot.waitUntil(lambda: answered(shell, "a.png"), timeout=WAIT)


def test_missing_file_is_told_and_the_window_lives(qtbot: Any, shell: Shell, tmp_path: Path) -> None:
    shell.window.open_paths([str(tmp_path / "gone.png")])
    qtbot.waitUntil(lambda: "gone.png" in shell.window.messages.text, timeout=WAIT)
    shell.window.open_paths([str(tmp_path / "gone.png"), str(tmp_path / "lost.png")])
    words = "gone.png: There is no such file or folder, and 1 more that could not be read."
    qtbot.waitUntil(lambda: shell.window.messages.text == words, timeout=WAIT)
    shell.window.open_paths([str(tmp_path)])
    qtbot.waitUntil(lambda: "No images" in shell.window.messages.text, timeout=WAIT)


def test_engine_death_is_told_and_mended(qtbot: Any, shell: Shell, tmp_path: Path) -> None:
    import os
    import signal

    open_and_wait(qtbot, shell, [write_image(tmp_path / "a.png")], "a.png")
    view = shell.window.classify
    engine = shell.engine
    pid = engine._predictor.pid  # type: ignore[union-attr]
    with qtbot.waitSignal(engine.engine_lost, timeout=WAIT):  # type: ignore[union-attr]
        os.kill(pid, signal.SIGKILL)
    assert view.answer._trouble.isVisible()
    qtbot.waitUntil(lambda: not view.answer._trouble.isVisible(), timeout=WAIT)
    open_and_wait(qtbot, shell, [write_image(tmp_path / "b.png", "blue")], "b.png")


def test_trouble_of_one_process_stands_until_that_one_is_up(shell: Shell) -> None:
    from desktop.engine.messages import EngineLost, Ready

    session, engine = shell.window.classify.session, shell.engine
    assert isinstance(engine, EngineService)
    engine._route_predictor(EngineLost("killed", False))
    assert "classify more" in session.engine_trouble
    engine._route_viewer(Ready(1, "CPU", {}))
    assert "classify more" in session.engine_trouble
    engine._route_viewer(EngineLost("killed", True))
    engine._route_predictor(Ready(1, "CPU", {}))
    assert "started again" in session.engine_trouble
    engine._route_viewer(Ready(1, "CPU", {}))
    assert session.engine_trouble == ""


def test_typing_filters_and_escape_shows_all(qtbot: Any, shell: Shell, tmp_path: Path) -> None:
    open_and_wait(qtbot, shell, [write_image(tmp_path / f"{name}.png") for name in ("cat", "dog")], "cat.png")
    view = shell.window.classify.list
    view.view.setFocus()
    qtbot.keyClick(view.view, Qt.Key.Key_D)
    assert view.filter.text() == "d"
    assert view.model.rowCount() == 1
    qtbot.keyClick(view.filter, Qt.Key.Key_Escape)
    assert view.model.rowCount() == 2


def test_look_large_and_back(qtbot: Any, shell: Shell, tmp_path: Path) -> None:
    from desktop.ui.widgets.large_look import LargeLook

    open_and_wait(qtbot, shell, [write_image(tmp_path / f"{name}.png") for name in "ab"], "a.png")
    view = shell.window.classify.list.view
    view.setFocus()
    qtbot.keyClick(view, Qt.Key.Key_Space)
    large = shell.window.findChild(LargeLook)
    assert large is not None and large.isVisible()
    qtbot.keyClick(large, Qt.Key.Key_Right)
    qtbot.waitUntil(lambda: answered(shell, "b.png"), timeout=WAIT)
    qtbot.keyClick(large, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: not shell.window.findChildren(LargeLook), timeout=WAIT)


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_theme_switches_live_and_is_remembered(qtbot: Any, shell: Shell, mode: str) -> None:
    from desktop.ui.kit.theme import theme

    shell.window.set_theme(mode)
    assert theme().is_dark == (mode == "dark")
    assert shell.window.palette().window().color().name().upper() == theme().tokens.window
    assert shell.settings.get("theme") == mode


def test_dialogs_open_and_close(qtbot: Any, shell: Shell) -> None:
    from PySide6.QtWidgets import QDialog

    for show in (shell.window.show_about, shell.window.show_settings):
        show()
        dialogs = [d for d in shell.window.findChildren(QDialog) if d.isVisible()]
        assert len(dialogs) == 1
        dialogs[0].close()
        qtbot.waitUntil(lambda: not shell.window.findChildren(QDialog), timeout=5000)
    shell.window.show_card("xray")
    assert any(d.isVisible() for d in shell.window.findChildren(QDialog))


def test_every_control_has_a_name_for_screen_readers(qtbot: Any, shell: Shell, tmp_path: Path) -> None:
    open_and_wait(qtbot, shell, [write_image(tmp_path / f"{name}.png") for name in "ab"], "a.png")
    nameless = []
    for widget in shell.window.findChildren(QWidget):
        if widget.focusPolicy() & Qt.FocusPolicy.TabFocus and widget.isVisible():
            text = widget.text() if isinstance(widget, QAbstractButton) else ""
            inner = isinstance(widget, QLineEdit) and widget.objectName() == "qt_spinbox_lineedit"
            if not (widget.accessibleName() or text or inner or widget.focusProxy()):
                nameless.append(f"{type(widget).__name__} {widget.objectName()}")
    assert nameless == []


def test_nothing_is_cut_off_at_the_smallest_size(qtbot: Any, shell: Shell, tmp_path: Path) -> None:
    open_and_wait(qtbot, shell, [write_image(tmp_path / f"{name}.png") for name in "ab"], "a.png")
    shell.window.resize(1280, 720)
    hint = shell.window.minimumSizeHint()
    assert hint.width() <= 1280 and hint.height() <= 720


def test_sizes_and_model_are_remembered(qtbot: Any, shell: Shell, tmp_path: Path) -> None:
    from desktop.services.settings import Settings

    shell.window.classify.choose_model("xray")
    shell.window.resize(1300, 760)
    shell.window.close()
    shell.settings.flush()
    assert Settings().get("model") == "xray"
    assert Settings().get("geometry")


def test_frames_of_one_file_can_be_chosen(qtbot: Any, shell: Shell, tmp_path: Path) -> None:
    from PIL import Image

    frames = [Image.new("RGB", (30, 30), colour) for colour in ("red", "blue", "lime")]
    path = tmp_path / "three.tif"
    frames[0].save(path, save_all=True, append_images=frames[1:])
    open_and_wait(qtbot, shell, [path], "three.tif")
    view = shell.window.classify
    assert view.picture.frames.number.isVisible()
    assert view.answer.bars.headline.startswith("red")
    view.picture.frames.number.setValue(2)
    qtbot.waitUntil(lambda: view.answer.bars.headline.startswith("blue"), timeout=WAIT)
    assert view.session.preview is None or view.session.preview.source.frame == 1


def test_weights_that_are_missing_are_said_instead_of_bars(qtbot: Any, shell: Shell, tmp_path: Path) -> None:
    from dataclasses import replace

    store_entry = shell.catalog.entry("xray")
    assert store_entry is not None and store_entry.manifest is not None
    absent = replace(store_entry, id="absent", state="weights-not-installed")
    shell.catalog.entries = [*shell.catalog.entries, absent]
    shell.catalog.changed.emit()
    view = shell.window.classify
    open_and_wait(qtbot, shell, [write_image(tmp_path / "a.png")], "a.png")
    view.choose_model("absent")
    assert view.answer._missing.isVisible()
    assert not view.answer.bars.isVisible()
    assert view.session.prediction is None
    qtbot.waitUntil(lambda: view.picture.picture.has_image, timeout=WAIT)
    view.choose_model("colours")
    qtbot.waitUntil(lambda: answered(shell, "a.png"), timeout=WAIT)
    assert view.answer.bars.isVisible() and not view.answer._missing.isVisible()
