"""The Draw view: real windows, the real digit model, drawings made with mouse and keyboard."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QGuiApplication, QKeyEvent
from PySide6.QtTest import QTest
from scipy import ndimage

from desktop.core.drawings import strokes
from desktop.core.drawings.strokes import Drawing, Stroke
from desktop.core.types import FoveaError, PreprocessSpec
from desktop.services.drawings import OwnDrawings, folder_name
from desktop.services.settings import Settings
from desktop.store.store import ModelStore
from desktop.ui.draw.canvas import READ_SIDE, DrawingCanvas
from desktop.ui.draw.history import Sheet
from desktop.ui.draw.keeping import cut_out, find
from desktop.ui.draw.view import DrawView
from desktop.ui.kit.widgets import grey_of, image_of
from desktop.ui.shell.app import Shell, build_window
from tests.ml.packaging.digit_styles import samples_module
from tests.store.makers import add_colours


def written(text: str, height: float = 0.3, width: float = 0.03) -> Drawing:
    """Digits side by side as strokes."""
    hands = samples_module()._HANDS
    drawn = []
    for place, value in enumerate(text):
        left = 0.06 + place * 0.3
        for path in hands[int(value)][0]:
            drawn.append(Stroke(tuple((left + x * height, 0.3 + y * height, 1.0) for x, y in path), width))
    return tuple(drawn)


def pixels(canvas: DrawingCanvas) -> np.ndarray:
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
    qtbot.waitUntil(lambda: held.catalog.loaded and held.window.host.engine is not None, timeout=20_000)
    held.window.show_view("draw")
    yield held
    held.window.close()
    held.close_down()


@pytest.fixture
def view(shell: Shell, qtbot: Any) -> DrawView:
    found = cast(DrawView, shell.window.later("draw"))
    qtbot.waitUntil(lambda: found.reader.model == "mnist-digits", timeout=20_000)
    return found


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
        view.canvas.draw_to(*place)  # the offscreen platform sends moves without their button
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
    assert "picture: yes" in view.right.confidence.kind_words
    assert "Of a hundred pictures like those it learned from" in view.right.confidence.set_words
    around = ((0.2, 0.8), (0.2, 0.4), (0.5, 0.15), (0.8, 0.4), (0.8, 0.8), (0.2, 0.8))
    door = ((0.4, 0.8), (0.4, 0.55), (0.6, 0.55), (0.6, 0.8))
    paths = (around, door, ((0.2, 0.4), (0.8, 0.4)))
    view.canvas.set_drawing(tuple(Stroke(tuple((x, y, 1.0) for x, y in path), 0.03) for path in paths))
    answered(qtbot, view)
    assert "picture: no" in view.right.confidence.kind_words and "not known" in view.right.confidence.set_words
    assert "No answer" in view.right.bars.headline and view.history.sheets[-1].answer == "?", "no class anywhere"
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
    qtbot.waitUntil(lambda: "3 kept" in view.truth._kept.text(), timeout=20_000)
    assert {path.parent.name for path in root.glob("*/*.png")} == {"2", "4", "5"}
    assert "3 kept" in view.truth._kept.text()
    from desktop.core.data.open_data import open_dataset

    data = open_dataset(root)
    assert sorted(data.classes) == ["2", "4", "5"]  # what the wizard would train on
    for file in root.glob("*/*.png"):
        with Image.open(file) as image:
            assert image.size[0] < READ_SIDE  # the digit alone, not the whole sheet
    view.truth.take_back()
    assert len(list(root.glob("*/*.png"))) == 2 and "2 kept" in view.truth._kept.text()


def files_of(home: Path) -> list[Path]:
    return sorted(home.glob("drawings/mnist-digits/*/*.png"))


def test_a_sheet_without_ink_is_not_kept(view: DrawView, qtbot: Any, fovea_home: Path) -> None:
    line = ((0.3, 0.3, 1.0), (0.5, 0.5, 1.0))
    view.canvas.set_drawing((Stroke(line, 0.05), Stroke(line, 0.2, True)))
    answered(qtbot, view)
    said: list[str] = []
    view.said.connect(said.append)
    QTest.keyClick(view.canvas, Qt.Key.Key_5)
    assert files_of(fovea_home) == [] and "nothing to keep" in said[0]


def test_a_key_held_down_keeps_one(view: DrawView, qtbot: Any, fovea_home: Path) -> None:
    view.canvas.set_drawing(written("7"))
    answered(qtbot, view)
    for repeated in (False, True, True):
        plain = Qt.KeyboardModifier.NoModifier
        event = QKeyEvent(QEvent.Type.KeyPress, Qt.Key.Key_7, plain, "7", repeated)
        QGuiApplication.sendEvent(view.canvas, event)
    qtbot.waitUntil(lambda: not view.keeping.busy and len(files_of(fovea_home)) == 1, timeout=20_000)


def test_keys_before_the_answer_keep_what_was_there(view: DrawView, qtbot: Any, fovea_home: Path) -> None:
    view.canvas.set_drawing(written("1"))
    QTest.keyClick(view.canvas, Qt.Key.Key_1)
    view.canvas.set_drawing(written("37"))
    for key in (Qt.Key.Key_3, Qt.Key.Key_7):
        QTest.keyClick(view.canvas, key)
    assert view.reader.busy
    qtbot.waitUntil(lambda: len(files_of(fovea_home)) == 3, timeout=20_000)
    assert [path.parent.name for path in files_of(fovea_home)] == ["1", "3", "7"]
    for path in files_of(fovea_home)[1:]:
        with Image.open(path) as image:
            assert image.size[0] < READ_SIDE  # each digit alone
    assert answered(qtbot, view) == "3 7"
    qtbot.waitUntil(lambda: view.truth._kept.text().startswith("3 kept"), timeout=20_000)


@pytest.mark.parametrize("end", ["bin", "next", "model", "quit", "no engine"])
def test_a_kept_drawing_is_kept_whatever_comes_before_the_answer(
    view: DrawView, shell: Shell, qtbot: Any, fovea_home: Path, end: str
) -> None:
    """Draw an 8, press 8, and do something else before the engine has answered: ten times of ten it lies there."""
    if end == "no engine":
        view.detach()  # its answers never come
    times = 10 if end in ("bin", "next") else 1
    for _ in range(times):
        view.canvas.set_drawing(written("8"))
        assert view.reader.busy
        QTest.keyClick(view.canvas, Qt.Key.Key_8)
        if end == "bin":
            view.tools.clear_wanted.emit()
            assert view.canvas.blank
        elif end == "next":
            view._lay_out(Sheet(written("3"), None, ""))
        elif end == "model":
            view.choose_model("colours")
            view.reader.set_model("")
        elif end == "quit":
            view.close_down()
            assert len(files_of(fovea_home)) == 1, "the end of the program waits for it"
    qtbot.waitUntil(lambda: len(files_of(fovea_home)) == times, timeout=30_000)
    assert {path.parent.name for path in files_of(fovea_home)} == {"8"}
    for path in files_of(fovea_home):
        with Image.open(path) as image:
            assert np.asarray(image.convert("L")).min() < 100


def test_the_strip_shows_what_a_sheet_held_in_the_end(view: DrawView, qtbot: Any) -> None:
    """A sheet that was left before it was read is read afterwards; no answer of an earlier stroke stays there."""
    for number in "37":
        view.canvas.set_drawing(written(number)[:1])
        view.canvas.set_drawing(written(number))
        view.tools.clear_wanted.emit()
    assert [sheet.answer for sheet in view.history.sheets] == ["…", "…"]
    qtbot.waitUntil(lambda: [sheet.answer for sheet in view.history.sheets] == ["7", "3"], timeout=30_000)
    assert [view.history.item(row).text() for row in range(2)] == ["7", "3"]
    view.canvas.set_drawing(written("2"))
    assert answered(qtbot, view) == "2"
    assert [sheet.answer for sheet in view.history.sheets] == ["2", "7", "3"]


def test_the_last_one_can_be_taken_back_after_the_models_were_listed_anew(
    view: DrawView, shell: Shell, qtbot: Any, fovea_home: Path
) -> None:
    view.canvas.set_drawing(written("7"))
    answered(qtbot, view)
    with qtbot.waitSignal(view.keeping.kept, timeout=20_000):
        view.keep("7")
    with qtbot.waitSignal(shell.catalog.changed, timeout=20_000):
        shell.catalog.refresh()
    assert view.truth._undo.isVisibleTo(view.truth)
    view.truth.take_back()
    assert files_of(fovea_home) == []


def test_a_key_means_the_label_as_it_is_written(view: DrawView, shell: Shell, qtbot: Any, fovea_home: Path) -> None:
    spec = PreprocessSpec(28, 28, "grey", "mnist", "area")
    # Its network reads no drawings: what is drawn is kept all the same.
    add_colours(ModelStore(), id="letters", labels=("a", "A", "P"), preprocess=spec)
    assert "(P)" in view.tools.pen.toolTip() and "(E)" in view.tools.eraser.toolTip()
    shell.catalog.refresh()
    qtbot.waitUntil(lambda: shell.catalog.entry("letters") is not None, timeout=20_000)
    view.choose_model("letters")
    assert "(P)" not in view.tools.pen.toolTip() and "(E)" in view.tools.eraser.toolTip()
    view.canvas.set_drawing(written("1"))
    answered(qtbot, view)
    for key, held in (("a", "No"), ("A", "Shift"), ("P", "Shift"), ("p", "No"), ("e", "No")):
        QTest.keyClick(view.canvas, key, Qt.KeyboardModifier[f"{held}Modifier"])
    qtbot.waitUntil(lambda: not view.keeping.busy, timeout=20_000)
    assert view.truth._own is not None and view.truth._own.counts() == {"a": 1, "A": 1, "P": 2}
    assert view.canvas.erasing
    view.choose_model("mnist-digits")
    assert "(P)" in view.tools.pen.toolTip()


def test_one_of_several_is_kept_without_its_neighbours_ink(view: DrawView, qtbot: Any) -> None:
    view.canvas.set_drawing(
        (
            Stroke(((0.4, 0.2, 1.0), (0.2, 0.7, 1.0)), 0.03),  # two leaning strokes whose boxes overlap
            Stroke(((0.5, 0.2, 1.0), (0.3, 0.7, 1.0)), 0.03),
        )
    )
    answered(qtbot, view)
    assert view._reading is not None and len(view._reading.digits) == 2
    for number in range(2):
        view._choose_digit(number)
        picture = view.canvas.picture()
        kept = grey_of(cut_out(picture, find(picture) or [], number))
        assert ndimage.label(kept < 200)[1] == 1 and (kept < 60).any()
        assert ((kept < 255).sum(axis=1) < 40).all()


@pytest.mark.parametrize("inverted", [False, True])
def test_a_picture_below_that_is_not_square_is_read_whatever_its_ground(
    view: DrawView, qtbot: Any, tmp_path: Path, inverted: bool
) -> None:
    digit = samples_module().digit(6, 0, 200, inverted=inverted)
    wide = np.pad(digit, ((0, 0), (100, 100)), constant_values=digit[0, 0])
    Image.fromarray(wide).save(tmp_path / "six.png")
    view.open_paths([str(tmp_path / "six.png")])
    qtbot.waitUntil(lambda: view.canvas.under is not None, timeout=20_000)
    assert answered(qtbot, view) == "6"
    assert pixels(view.canvas)[0, 0] == digit[0, 0]
    view.canvas.set_under(None)
    view.canvas.set_drawing(written("1"))
    assert pixels(view.canvas)[0, 0] == 255


def test_strokes_that_leave_their_picture_behind_say_so(view: DrawView, qtbot: Any, tmp_path: Path) -> None:
    said: list[str] = []
    view.said.connect(said.append)
    view.canvas.set_drawing(written("1"), image_of(np.full((40, 40), 255, np.uint8)))
    view.save(str(tmp_path / "one.png"))
    assert said == []
    view.save(str(tmp_path / "one.json"))
    assert (tmp_path / "one.json").exists() and "without the picture" in said[0]


def test_undo_redo_and_a_new_sheet(view: DrawView, shell: Shell, qtbot: Any) -> None:
    one, two = written("3"), written("7")
    view.canvas.set_drawing(one)
    answered(qtbot, view)
    QTest.keyClick(view.canvas, Qt.Key.Key_Delete)
    assert view.canvas.blank and "while you draw" in view.right.bars.headline
    assert view.prepared.image is None
    view.canvas.set_drawing(two)
    assert answered(qtbot, view) == "7"
    assert [sheet.answer for sheet in view.history.sheets] == ["7", "3"]
    shell.window.undo()
    assert view.canvas.blank
    shell.window.undo()
    assert view.canvas.drawing == one and answered(qtbot, view) == "3"
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


def test_labels_that_differ_in_case_alone_have_folders_of_their_own(tmp_path: Path) -> None:
    own = OwnDrawings("m", tmp_path)
    for label in ("A", "a", "a", "Ab", "aB", "ab"):
        own.keep(b"png", label)
    names = [entry.name.casefold() for entry in (tmp_path / "m").iterdir()]
    assert len(names) == len(set(names)) == 5
    assert OwnDrawings("m", tmp_path).counts() == {"A": 1, "a": 2, "Ab": 1, "aB": 1, "ab": 1}


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


@pytest.mark.parametrize("width", [0.03, 0.055, 0.1])
def test_a_plain_upright_one_is_a_digit(qtbot: Any, view: DrawView, width: float) -> None:
    """The gate took a one without any lean, as a mouse draws it that is pulled straight down, for no digit."""
    view.canvas.set_drawing((Stroke(((0.5, 0.2, 1.0), (0.5, 0.5, 1.0), (0.5, 0.8, 1.0)), width),))
    assert answered(qtbot, view) == "1" and view.right.bars.headline.startswith("1")


@pytest.mark.parametrize("side", [238, 284, 350, 412, 700])
def test_a_plain_upright_one_is_a_digit_on_a_sheet_of_any_size(qtbot: Any, view: DrawView, side: int) -> None:
    """A mouse's places are whole pixels: in a small window the same one was a little longer, and refused."""
    places = [(0.5, round(side * (0.2 + 0.015 * step)) / side, 1.0) for step in range(40)]
    view.canvas.set_drawing((Stroke(tuple(places), 0.055),))
    assert answered(qtbot, view) == "1" and view.right.bars.headline.startswith("1")


def test_grey_buttons_of_labels_say_why(qtbot: Any, view: DrawView) -> None:
    buttons = view.truth._buttons
    assert not any(button.isEnabled() for button in buttons)
    assert all("Draw something first" in button.toolTip() for button in buttons)
    view.canvas.set_drawing(written("3"))
    qtbot.waitUntil(lambda: all(button.isEnabled() for button in buttons), timeout=20_000)
    assert "Keep the drawing as 3" in buttons[3].toolTip()
