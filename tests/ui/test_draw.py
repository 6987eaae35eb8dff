"""The Draw view: real windows, the real digit model, drawings made with mouse, pen, finger and keyboard."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QGuiApplication, QInputDevice, QPointingDevice, QTabletEvent
from PySide6.QtTest import QTest

from desktop.core import strokes
from desktop.core.strokes import Drawing, Stroke
from desktop.core.types import FoveaError
from desktop.services.drawings import OwnDrawings, folder_name
from desktop.services.settings import Settings
from desktop.ui.app import Shell, build_window
from desktop.ui.draw.canvas import READ_SIDE, Canvas
from desktop.ui.draw.view import DrawView
from tests.ml.digit_styles import samples_module


def written(text: str, height: float = 0.3, width: float = 0.03) -> Drawing:
    """Digits side by side as strokes."""
    hands = samples_module()._HANDS
    drawn = []
    for place, value in enumerate(text):
        left = 0.06 + place * 0.3
        for path in hands[int(value)][0]:
            drawn.append(Stroke(tuple((left + x * height, 0.3 + y * height, 1.0) for x, y in path), width))
    return tuple(drawn)


def pixels(canvas: Canvas) -> np.ndarray:
    picture = canvas.picture()
    flat = np.frombuffer(picture.constBits(), np.uint8).reshape(picture.height(), picture.bytesPerLine())
    return flat[:, : picture.width()].copy()


@pytest.fixture
def shell(qtbot: Any, qapp: Any, tmp_path: Path) -> Iterator[Shell]:
    """The whole window with the bundled models, the Draw view shown."""
    held = build_window(Settings(tmp_path / "settings.json"), mode="light")
    qtbot.addWidget(held.window)
    with qtbot.waitSignal(held.window.painted, timeout=20_000):
        held.window.show()
    qtbot.waitUntil(lambda: held.catalog.loaded and held.window.engine is not None, timeout=20_000)
    held.window.show_view("draw")
    yield held
    held.window.close()
    held.close_down()


@pytest.fixture
def view(shell: Shell, qtbot: Any) -> DrawView:
    found = cast(DrawView, shell.window.later("draw"))
    qtbot.waitUntil(lambda: found.reader.model == "mnist-digits", timeout=20_000)
    return found


@pytest.fixture
def canvas(qtbot: Any) -> Canvas:
    made = Canvas()
    qtbot.addWidget(made)
    made.resize(400, 400)
    made.show()
    return made


def answered(qtbot: Any, view: DrawView) -> str:
    qtbot.waitUntil(lambda: view.answered, timeout=30_000)
    return view._read_text()


def test_a_digit_drawn_with_the_mouse_is_read(view: DrawView, qtbot: Any) -> None:
    rect = view.canvas.sheet_rect()

    def at(x: float, y: float) -> Any:
        return QPointF(rect.x() + x * rect.width(), rect.y() + y * rect.height()).toPoint()

    path = [(0.3 + 0.01 * i, 0.2) for i in range(40)] + [(0.69 - 0.006 * i, 0.2 + 0.015 * i) for i in range(40)]
    QTest.mousePress(view.canvas, Qt.MouseButton.LeftButton, pos=at(*path[0]))
    for place in path[1:]:
        QTest.mouseMove(view.canvas, at(*place))
        view.canvas.move(*place)  # the offscreen platform sends moves without their button
    assert view.canvas.drawing == () and not view.canvas.blank
    qtbot.waitUntil(lambda: view._reading is not None, timeout=30_000)  # read before the pen is lifted
    QTest.mouseRelease(view.canvas, Qt.MouseButton.LeftButton, pos=at(*path[-1]))
    assert answered(qtbot, view) == "7"
    assert view.right.bars.headline.startswith("7")
    assert view.prepared.image is not None and view.prepared.image.width() == 28
    assert [sheet.answer for sheet in view.history.sheets] == ["7"]
    assert "ms from the stroke" in view.right.foot.text()


def test_a_drawing_of_something_else_is_flagged_and_its_scores_are_muted(view: DrawView, qtbot: Any) -> None:
    view.canvas.set_drawing(written("7"))
    answered(qtbot, view)
    assert "kind: yes" in view.right.confidence.kind_words and "95 of 100" in view.right.confidence.set_words
    around = ((0.2, 0.8), (0.2, 0.4), (0.5, 0.15), (0.8, 0.4), (0.8, 0.8), (0.2, 0.8))
    door = ((0.4, 0.8), (0.4, 0.55), (0.6, 0.55), (0.6, 0.8))
    paths = (around, door, ((0.2, 0.4), (0.8, 0.4)))
    view.canvas.set_drawing(tuple(Stroke(tuple((x, y, 1.0) for x, y in path), 0.03) for path in paths))
    answered(qtbot, view)
    assert "kind: no" in view.right.confidence.kind_words and "not known" in view.right.confidence.set_words
    view.canvas.clear()
    qtbot.waitUntil(lambda: not view.right.confidence.isVisible(), timeout=5_000)


def test_several_digits_are_framed_and_chosen(view: DrawView, qtbot: Any) -> None:
    view.canvas.set_drawing(written("425"))
    assert answered(qtbot, view) == "4 2 5"
    assert view.right.answer.text() == "4 2 5" and view.right.bars.headline.startswith("4")
    assert [mark.word for mark in view.canvas._marks] == ["4", "2", "5"]
    QTest.keyClick(view.canvas, Qt.Key.Key_Right)
    assert view.right.bars.headline.startswith("2")
    rect = view.canvas.sheet_rect()
    box = view.canvas._on_screen(view.canvas._marks[2].rect, rect)
    QTest.mouseClick(view.canvas, Qt.MouseButton.LeftButton, pos=(box.topLeft() + QPointF(6, -6)).toPoint())
    assert view.right.bars.headline.startswith("5") and len(view.canvas.drawing) == len(written("425"))


def test_keys_keep_drawings_with_their_labels(view: DrawView, qtbot: Any, fovea_home: Path) -> None:
    view.canvas.set_drawing(written("425"))
    answered(qtbot, view)
    for key in (Qt.Key.Key_4, Qt.Key.Key_2, Qt.Key.Key_5):
        QTest.keyClick(view.canvas, key)
    root = fovea_home / "drawings" / "mnist-digits"
    assert {path.parent.name for path in root.glob("*/*.png")} == {"2", "4", "5"}
    assert "3 kept" in view.truth._kept.text()
    from desktop.core.datasets import open_dataset

    data = open_dataset(root)
    assert sorted(data.classes) == ["2", "4", "5"]  # what the wizard would train on
    for file in root.glob("*/*.png"):
        with Image.open(file) as image:
            assert image.size[0] < READ_SIDE  # the digit alone, not the whole sheet
    view.truth.take_back()
    assert len(list(root.glob("*/*.png"))) == 2 and "2 kept" in view.truth._kept.text()


def test_undo_redo_and_a_new_sheet(view: DrawView, shell: Shell, qtbot: Any) -> None:
    one, two = written("1"), written("7")
    view.canvas.set_drawing(one)
    answered(qtbot, view)
    QTest.keyClick(view.canvas, Qt.Key.Key_Delete)
    assert view.canvas.blank and "while you draw" in view.right.bars.headline
    assert view.prepared.image is None
    view.canvas.set_drawing(two)
    assert answered(qtbot, view) == "7"
    assert [sheet.answer for sheet in view.history.sheets] == ["7", "1"]
    shell.window.undo()
    assert view.canvas.blank
    shell.window.undo()
    assert view.canvas.drawing == one and answered(qtbot, view) == "1"
    shell.window.redo()
    shell.window.redo()
    assert view.canvas.drawing == two and not view.can_redo()
    view.history.itemClicked.emit(view.history.item(view.history.count() - 1))
    assert view.canvas.drawing == one


def test_copy_export_and_reading_back(view: DrawView, shell: Shell, qtbot: Any, tmp_path: Path) -> None:
    assert not view.can_copy() and not view.can_export()
    view.canvas.set_drawing(written("3"))
    shell.window.copy()
    image = QGuiApplication.clipboard().image()
    assert image.width() == image.height() == 1024
    view.save(str(tmp_path / "three.png"))
    view.save(str(tmp_path / "three.json"))
    with Image.open(tmp_path / "three.png") as picture:
        assert picture.size == (1024, 1024) and np.asarray(picture.convert("L")).min() < 60
    drawing = strokes.load(tmp_path / "three.json")
    view.canvas.clear()
    view.open_paths([str(tmp_path / "three.json")])
    assert view.canvas.drawing == drawing and answered(qtbot, view) == "3"
    said: list[str] = []
    view.said.connect(said.append)
    view.save(str(tmp_path / "no" / "folder.png"))
    (tmp_path / "bad.json").write_text("{}")
    view.open_paths([str(tmp_path / "bad.json")])
    assert "not written" in said[0] and "no drawing of Fovea" in said[1]
    assert not any(str(tmp_path) in text for text in said)


def test_a_picture_below_is_read_too(view: DrawView, qtbot: Any, tmp_path: Path) -> None:
    Image.fromarray(samples_module().digit(6, 0, 300)).save(tmp_path / "six.png")
    view.open_paths([str(tmp_path / "six.png")])
    qtbot.waitUntil(lambda: view.canvas.under is not None, timeout=20_000)
    assert answered(qtbot, view) == "6" and view.tools.under.isChecked()
    view.tools.under.click()
    assert view.canvas.under is None and view.canvas.blank and not view.tools.under.isChecked()
    said: list[str] = []
    view.said.connect(said.append)
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    view.open_paths([str(tmp_path / "broken.png")])
    qtbot.waitUntil(lambda: bool(said), timeout=20_000)
    assert view.canvas.under is None


def test_without_a_model_the_view_says_what_is_missing(qtbot: Any, colours_store: object, qapp: Any) -> None:
    held = build_window(mode="light")
    qtbot.addWidget(held.window)
    held.window.show()
    qtbot.waitUntil(lambda: held.catalog.loaded, timeout=20_000)
    held.window.show_view("draw")
    found = cast(DrawView, held.window.later("draw"))
    found.canvas.set_drawing(written("1"))
    assert "No installed model reads drawings" in found.right.bars.headline
    held.window.close()
    held.close_down()


def test_ink_grows_and_the_eraser_takes_ink_alone(canvas: Canvas) -> None:
    canvas.pen_width = 0.05
    canvas.begin(0.2, 0.5)
    canvas.move(0.8, 0.5)
    canvas.lift()
    assert pixels(canvas)[READ_SIDE // 2, READ_SIDE // 2] < 60
    canvas.erasing = True
    canvas.begin(0.5, 0.4)
    canvas.move(0.5, 0.6)
    canvas.lift()
    assert pixels(canvas)[READ_SIDE // 2, READ_SIDE // 2] == 255
    canvas.undo()
    assert pixels(canvas)[READ_SIDE // 2, READ_SIDE // 2] < 60
    # Painted as it grew, or painted anew: the same sheet.
    grown = pixels(canvas)
    canvas.set_drawing(canvas.drawing)
    np.testing.assert_array_equal(grown, pixels(canvas))


def tablet(canvas: Canvas, kind: QEvent.Type, x: float, y: float, pressure: float, rubber: bool = False) -> None:
    capabilities = QInputDevice.Capability.Position | QInputDevice.Capability.Pressure
    pointer = QPointingDevice.PointerType.Eraser if rubber else QPointingDevice.PointerType.Pen
    device = QPointingDevice("pen", 7, QInputDevice.DeviceType.Stylus, pointer, capabilities, 1, 2)
    rect = canvas.sheet_rect()
    at = QPointF(rect.x() + x * rect.width(), rect.y() + y * rect.height())
    button = Qt.MouseButton.LeftButton
    held = Qt.MouseButton.NoButton if kind == QEvent.Type.TabletRelease else button
    event = QTabletEvent(
        kind, device, at, canvas.mapToGlobal(at), pressure, 0, 0, 0, 0, 0, Qt.KeyboardModifier.NoModifier, button, held
    )
    QGuiApplication.sendEvent(canvas, event)


def test_a_pen_presses_and_its_other_end_rubs_out(canvas: Canvas) -> None:
    for kind, x, pressure in (
        (QEvent.Type.TabletPress, 0.2, 0.1),
        (QEvent.Type.TabletMove, 0.5, 0.5),
        (QEvent.Type.TabletMove, 0.8, 1.0),
        (QEvent.Type.TabletRelease, 0.8, 0.0),
    ):
        tablet(canvas, kind, x, 0.5, pressure)
    (stroke,) = canvas.drawing
    assert [point[2] for point in stroke.points] == [0.1, 0.5, 1.0]
    columns = (pixels(canvas) < 128).sum(axis=0)
    assert columns[int(0.25 * READ_SIDE)] < columns[int(0.75 * READ_SIDE)]
    canvas.use_pressure = False
    for kind, x in ((QEvent.Type.TabletPress, 0.4), (QEvent.Type.TabletMove, 0.6), (QEvent.Type.TabletRelease, 0.6)):
        tablet(canvas, kind, x, 0.5, 0.2, rubber=True)
    assert canvas.drawing[1].erase and canvas.drawing[1].points[0][2] == 1.0
    assert not canvas.erasing
    assert pixels(canvas)[READ_SIDE // 2, READ_SIDE // 2] == 255


def test_a_finger_draws(canvas: Canvas, qapp: Any) -> None:
    device = QTest.createTouchDevice()
    rect = canvas.sheet_rect()

    def at(x: float) -> Any:
        return QPointF(rect.x() + x * rect.width(), rect.center().y()).toPoint()

    QTest.touchEvent(canvas, device).press(1, at(0.2), canvas).commit()
    QTest.touchEvent(canvas, device).move(1, at(0.6), canvas).commit()
    QTest.touchEvent(canvas, device).release(1, at(0.7), canvas).commit()
    (stroke,) = canvas.drawing
    assert len(stroke.points) >= 2 and (pixels(canvas) < 128).any()


def test_a_hand_that_rests_on_the_screen_draws_nothing(canvas: Canvas, qapp: Any) -> None:
    device = QTest.createTouchDevice()
    rect = canvas.sheet_rect()

    def at(x: float, y: float) -> Any:
        return QPointF(rect.x() + x * rect.width(), rect.y() + y * rect.height()).toPoint()

    QTest.touchEvent(canvas, device).press(1, at(0.2, 0.2), canvas).commit()
    QTest.touchEvent(canvas, device).move(1, at(0.3, 0.2), canvas).press(2, at(0.9, 0.9), canvas).commit()
    QTest.touchEvent(canvas, device).release(1, at(0.3, 0.25), canvas).move(2, at(0.9, 0.85), canvas).commit()
    QTest.touchEvent(canvas, device).move(2, at(0.8, 0.8), canvas).commit()
    QTest.touchEvent(canvas, device).release(2, at(0.7, 0.8), canvas).commit()
    (stroke,) = canvas.drawing
    assert all(x < 0.4 and y < 0.4 for x, y, _ in stroke.points)


def test_a_stroke_that_leaves_the_sheet_can_be_saved_and_opened(canvas: Canvas) -> None:
    from desktop.core import strokes

    canvas.begin(0.5, 0.5)
    canvas.move(9.0, -7.0, 1.5)
    canvas.lift()
    assert strokes.loads(strokes.dumps(canvas.drawing)) == canvas.drawing


def test_everything_has_a_name(view: DrawView) -> None:
    from PySide6.QtWidgets import QAbstractButton, QAbstractSlider

    for kind in (QAbstractButton, QAbstractSlider):
        for widget in view.findChildren(kind):
            if widget.isVisibleTo(view) and not widget.objectName().startswith("qt_"):
                assert widget.accessibleName() or getattr(widget, "text", str)(), widget
    assert view.canvas.accessibleName() and view.history.accessibleName()


@pytest.mark.parametrize("label", ["7", "a b", "../up", "con", "COM1", "ä/ö", ".", "", "x" * 100, "a."])
def test_labels_become_folders_that_stay_inside(label: str, tmp_path: Path) -> None:
    own = OwnDrawings("m", tmp_path)
    path = own.keep(b"png", label)
    assert path.parent.parent == tmp_path / "m" and path.read_bytes() == b"png"
    assert own.counts() == {label if label else "\0": 1}
    assert folder_name(label).lower() not in ("con", "com1", ".", "..")
    assert own.keep(b"png", label) != path
    assert own.undo() == (label if label else "\0") and own.counts() == {label if label else "\0": 1}


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "m").write_text("a file where the folder should be")
    with pytest.raises(FoveaError, match="not kept"):
        OwnDrawings("m", tmp_path).keep(b"png", "1")
    assert OwnDrawings("m", tmp_path).counts() == {}


def test_the_drawing_screenshot_command(tmp_path: Path) -> None:
    from desktop.cli import screenshot

    file, out = tmp_path / "drawing.json", tmp_path / "out.png"
    file.write_text(strokes.dumps(written("42")))
    arguments = ["--view", "draw", "--strokes", str(file), "--model", "mnist-digits", "--out", str(out)]
    assert screenshot.main(arguments) == 0
    with Image.open(out) as picture:
        assert picture.size == (1280, 720)
    file.write_text(json.dumps({"kind": "other"}))
    with pytest.raises(FoveaError, match="no drawing of Fovea"):
        screenshot.main(arguments)
    assert screenshot.main(["--view", "draw", "--strokes", str(tmp_path / "none.json"), "--out", str(out)]) == 2
