"""Acting on answers in the real window: menus by mouse and keyboard, marks, copies, maps, sorting, corrections."""

from __future__ import annotations

import csv
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from PySide6.QtCore import QPoint, Qt, QUrl
from PySide6.QtGui import QContextMenuEvent, QGuiApplication, QImage
from PySide6.QtPrintSupport import QPrinter
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu, QPlainTextEdit, QWidget

from desktop import paths
from desktop.services import last_session
from desktop.services.session import ImageItem
from desktop.store.catalogue import EVERYDAY
from desktop.store.file_actions import FileActions
from desktop.store.marks import MarkStore
from desktop.store.projects import ProjectStore
from desktop.ui.classify.sort_dialog import SortDialog
from desktop.ui.classify.sort_log import SortLog
from desktop.ui.classify.view import ClassifyView
from desktop.ui.shell.app import Shell, build_window
from desktop.ui.widgets.corrections_list import CorrectionsList
from desktop.ui.widgets.large_look import LargeLook
from desktop.ui.widgets.this_is_a import ThisIsA
from tests.patience import WAIT
from tests.ui.conftest import write_image

COLOURS = (("a", "red"), ("b", "blue"), ("c", "red"), ("d", "green"))


@pytest.fixture
def view(shell: Shell, qtbot: Any, tmp_path: Path) -> ClassifyView:
    """Classify with four answered pictures, the first of them looked at."""
    found = shell.window.classify
    found.choose_model("colours")
    folder = tmp_path / "heap"
    for name, colour in COLOURS:
        write_image(folder / f"{name}.png", colour)
    found.add_paths([str(folder)])
    qtbot.waitUntil(lambda: found.job.done == 4 and not found.job.running, timeout=WAIT)
    qtbot.waitUntil(lambda: found.session.preview is not None and found.session.prediction is not None, timeout=WAIT)
    shell.window.activateWindow()
    qtbot.waitUntil(shell.window.isActiveWindow, timeout=WAIT)
    return found


def item(view: ClassifyView, name: str) -> ImageItem:
    return next(each for each in view.session.items if each.source.name == f"{name}.png")


def select(view: ClassifyView, *names: str) -> None:
    view.list.view.clearSelection()
    for name in names:
        index = view.list.model.index(view.list.model.row_of(item(view, name)), 0)
        flag = view.list.view.selectionModel().SelectionFlag.Select
        if name == names[0]:
            view.list.view.setCurrentIndex(index)
        view.list.view.selectionModel().select(index, flag)


def context(widget: QWidget, place: QPoint | None, qtbot: Any) -> QMenu:
    """The menu that a right click at ``place``, or for ``None`` the Menu key, opens on ``widget``."""
    reason = QContextMenuEvent.Reason.Keyboard if place is None else QContextMenuEvent.Reason.Mouse
    at = place if place is not None else widget.rect().center()
    QApplication.sendEvent(widget, QContextMenuEvent(reason, at, widget.mapToGlobal(at)))
    qtbot.waitUntil(lambda: isinstance(QApplication.activePopupWidget(), QMenu), timeout=WAIT)
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    return menu


def words(menu: QMenu) -> list[str]:
    return [action.text() for action in menu.actions() if action.text()]


def choose(menu: QMenu, text: str) -> None:
    """Take a command of an open menu with the keyboard."""
    action = next(each for each in menu.actions() if each.text() == text)
    menu.setActiveAction(action)
    QTest.keyClick(menu, Qt.Key.Key_Return)


def dialog_of(kind: type[Any], qtbot: Any) -> Any:
    def there() -> list[Any]:
        return [each for each in QApplication.topLevelWidgets() if isinstance(each, kind) and each.isVisible()]

    qtbot.waitUntil(lambda: bool(there()), timeout=WAIT)
    return there()[0]


# Menus


def test_every_place_has_a_menu_by_mouse_and_by_keyboard(view: ClassifyView, qtbot: Any) -> None:
    cell = view.list.view.visualRect(view.list.model.index(1, 0)).center()
    qtbot.mouseClick(view.list.view.viewport(), Qt.MouseButton.LeftButton, pos=cell)
    table = view.results.table._table
    row = table.visualRect(table.model().index(2, 0)).center()
    bars = view.answer.bars._list
    places: list[tuple[QWidget, QPoint | None, str]] = [
        (view.list.view.viewport(), cell, "Copy the picture"),
        (view.list.view.viewport(), None, "Copy the picture"),
        (table.viewport(), row, "Star"),
        (table.viewport(), None, "Star"),
        (view.picture.picture, QPoint(50, 50), "Print…"),
        (view.picture.picture, None, "Note…"),
        (view.picture.prepared, None, "Look at it large"),
        (bars.viewport(), QPoint(20, 10), "Copy class and score"),
        (bars.viewport(), None, "Copy class and score"),
    ]
    for widget, place, expected in places:
        menu = context(widget, place, qtbot)
        assert expected in words(menu), (widget, place)
        menu.close()
        QApplication.processEvents()


def test_the_path_is_copied_from_the_menu_by_keys(view: ClassifyView, qtbot: Any) -> None:
    select(view, "b")
    choose(context(view.list.view.viewport(), None, qtbot), "Copy the path")
    assert QGuiApplication.clipboard().text() == item(view, "b").source.path


def test_copying_a_picture_and_several_files(view: ClassifyView, qtbot: Any) -> None:
    select(view, "a")
    view.list.view.setFocus()
    qtbot.waitUntil(lambda: view.session.preview is not None, timeout=WAIT)
    QTest.keyClick(view.list.view, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    mime = QGuiApplication.clipboard().mimeData()
    assert mime.hasImage() and [url.toLocalFile() for url in mime.urls()] == [item(view, "a").source.path]
    image = QImage(mime.imageData())
    assert (image.width(), image.height()) == (40, 30) and image.pixelColor(5, 5).red() > 240
    select(view, "a", "b")
    QTest.keyClick(view.list.view, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert len(QGuiApplication.clipboard().mimeData().urls()) == 2


def test_what_is_dragged_out_is_a_copy(view: ClassifyView) -> None:
    model = view.list.model
    indexes = [model.index(row, 0) for row in (2, 0)]
    mime = model.mimeData(indexes)
    assert mime.urls() == [QUrl.fromLocalFile(str(item(view, name).source.path)) for name in ("a", "c")]
    assert model.supportedDragActions() == Qt.DropAction.CopyAction and view.list.view.dragEnabled()
    assert model.flags(indexes[0]) & Qt.ItemFlag.ItemIsDragEnabled


def test_a_double_click_opens_large(view: ClassifyView, qtbot: Any) -> None:
    cell = view.list.view.visualRect(view.list.model.index(1, 0)).center()
    qtbot.mouseClick(view.list.view.viewport(), Qt.MouseButton.LeftButton, pos=cell)
    qtbot.mouseDClick(view.list.view.viewport(), Qt.MouseButton.LeftButton, pos=cell)
    large = dialog_of(LargeLook, qtbot)
    assert view.session.current is view.list.model.item(1)
    large.accept()
    table = view.results.table._table
    row = table.visualRect(table.model().index(2, 0)).center()
    qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=row)
    qtbot.mouseDClick(table.viewport(), Qt.MouseButton.LeftButton, pos=row)
    dialog_of(LargeLook, qtbot).accept()
    assert view.session.current is view.session.items[2]


# Stars and notes


def test_stars_and_notes_are_taken_back_and_go_into_the_table(
    view: ClassifyView, shell: Shell, qtbot: Any, tmp_path: Path
) -> None:
    marks, table = view.doing.marks, view.results.table
    select(view, "b", "c")
    QTest.keyClick(shell.window, Qt.Key.Key_D, Qt.KeyboardModifier.ControlModifier)
    view.doing._write_note(item(view, "a"), "first")
    view.doing._write_note(item(view, "a"), "second")
    assert view.can_undo
    view.undo()
    assert marks.note_of(item(view, "a")) == "first"
    with qtbot.waitSignal(table.exported, timeout=WAIT):
        table.export_csv(str(tmp_path / "out.csv"), "relative")
    with (tmp_path / "out.csv").open(encoding="utf-8-sig", newline="") as stream:
        rows = {row["path"]: (row["star"], row["note"]) for row in csv.DictReader(stream)}
    assert rows == {"a.png": ("", "first"), "b.png": ("true", ""), "c.png": ("true", ""), "d.png": ("", "")}
    # Only what is marked, in the table as well; the removal of an image is undone in its turn.
    table._mark.setCurrentIndex(table._mark.findData("star"))
    qtbot.waitUntil(lambda: table.model.rowCount() == 2, timeout=WAIT)
    table._mark.setCurrentIndex(0)
    view.remove([item(view, "d")])
    assert view.undoes_removal
    view.undo()
    assert len(view.session.items) == 4 and marks.note_of(item(view, "a")) == "first"
    view.undo()
    assert not marks.note_of(item(view, "a")) and marks.is_starred(item(view, "b"))
    view.undo()
    assert not marks.is_starred(item(view, "b")) and not view.can_undo
    marks.finish()
    assert MarkStore().find([each.first for each in view.session.items]) == {}


def test_the_funnel_joins_star_answer_and_score(view: ClassifyView, qtbot: Any) -> None:
    view.doing.marks.star([item(view, "a"), item(view, "b")], True)
    label = view.job.said(item(view, "a"))
    assert label is not None
    listed = view.list
    listed._choose_rule("star", "With a star")
    assert listed.model.rowCount() == 2
    listed._choose_rule(f"answer:{label.answer}", label.answer)
    assert listed.model.rowCount() == 1 and listed.model.item(0) is item(view, "a")
    score = view.job.score_of(item(view, "a"))
    assert score is not None
    listed._choose_rule(f"below:{score}", "below")
    assert listed.model.rowCount() == 0
    listed._choose_rule(f"from:{score}", "from")  # in place of the one before
    assert listed.model.rowCount() == 1
    listed._choose_rule("star", "With a star")  # a second time: no more
    assert {listed.model.item(row) for row in range(listed.model.rowCount())} == {item(view, "a"), item(view, "c")}
    listed._choose_rule("", "All images")
    assert listed.model.rowCount() == 4


def test_stars_and_notes_are_filtered_by_and_outlive_the_window(
    view: ClassifyView, shell: Shell, qtbot: Any, tmp_path: Path
) -> None:
    select(view, "b", "c")
    QTest.keyClick(shell.window, Qt.Key.Key_D, Qt.KeyboardModifier.ControlModifier)
    assert view.doing.marks.is_starred(item(view, "b")) and view.doing.marks.is_starred(item(view, "c"))
    select(view, "a")
    QTest.keyClick(shell.window, Qt.Key.Key_N, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
    field = next(
        w
        for w in QApplication.allWidgets()
        if isinstance(w, QPlainTextEdit) and w.isVisible() and w.window() is not shell.window
    )
    field.setPlainText("Ask Mira <b>about</b> this")
    QTest.keyClick(field.window(), Qt.Key.Key_Return)
    field.window().accept()  # type: ignore[attr-defined]
    assert view.doing.marks.note_of(item(view, "a")) == "Ask Mira <b>about</b> this"
    view.list.show_only("star", "With a star")
    assert view.list.model.rowCount() == 2
    view.list.show_only("note", "With a note")
    assert view.list.model.rowCount() == 1
    view.list.show_all()
    view.list.filter.setText("mira")
    assert view.list.model.rowCount() == 1
    view.list.filter.clear()
    view.doing.marks.finish()
    # The file is called differently and lies elsewhere at the next start: its content is the same.
    moved = tmp_path / "elsewhere" / "renamed.png"
    moved.parent.mkdir()
    os.rename(str(item(view, "a").source.path), moved)
    other = build_window(mode="light")
    qtbot.addWidget(other.window)
    with qtbot.waitSignal(other.window.painted, timeout=WAIT):
        other.window.show()
    again = other.window.classify
    try:
        again.add_paths([str(moved), str(item(view, "b").source.path), str(item(view, "d").source.path)])
        qtbot.waitUntil(lambda: len(again.session.items) == 3, timeout=WAIT)
        first, second, third = again.session.items
        qtbot.waitUntil(lambda: again.doing.marks.is_starred(second), timeout=WAIT)
        assert again.doing.marks.note_of(first).startswith("Ask Mira") and again.doing.marks.of(third) is None
    finally:
        other.window.close()
        other.close_down()


def test_the_list_shows_one_answer_alone(view: ClassifyView, qtbot: Any) -> None:
    assert dict(view.list.model.answers_found()) == {"red": 2, "blue": 1, "green": 1}
    menu = context(view.answer.bars._list.viewport(), QPoint(20, 10), qtbot)
    choose(menu, "Only images with this answer")
    assert view.list.model.rowCount() == 2 and view.list._which.isChecked()
    view.list.view.setFocus()
    QTest.keyClick(view.list.view, Qt.Key.Key_Escape)
    assert view.list.model.rowCount() == 4


# Maps and paper


def test_a_map_is_copied_and_saved_with_its_legend(view: ClassifyView, qtbot: Any, tmp_path: Path) -> None:
    view.explainer.method = "occlusion"
    view.explainer.show(True)
    qtbot.waitUntil(lambda: view.explainer.explanation is not None and not view.explainer.waiting, timeout=WAIT)
    menu = context(view.picture.picture, QPoint(40, 40), qtbot)
    assert "Save the map with its legend…" in words(menu)
    choose(menu, "Copy the map with its legend")
    image = QGuiApplication.clipboard().image()
    assert image.width() >= 560 and image.height() > image.width() * 3 / 4 + 40  # the picture is 4:3; words are below
    view.doing._write_map(image, str(tmp_path / "map.png"))
    with Image.open(tmp_path / "map.png") as saved:
        assert saved.size == (image.width(), image.height())


def test_printing_makes_a_page_of_picture_answer_and_caution(view: ClassifyView, qtbot: Any, tmp_path: Path) -> None:
    from desktop.ui.classify.printing import Printing

    view.choose_model("xray")
    qtbot.waitUntil(
        lambda: view.session.prediction is not None and view.session.prediction.model == "xray", timeout=WAIT
    )
    page = view.doing.page()
    assert page.title == "picture 1" and page.answer and len(page.lines) == 5
    assert "name is not printed" in page.lines[0], "of a medical model's picture"
    assert any("not a medical device" in words.lower() for words in page.cautions)
    printing = Printing([page, page], view)
    printing.printer.setOutputFormat(QPrinter.OutputFormat.PdfFormat)
    printing.printer.setOutputFileName(str(tmp_path / "page.pdf"))
    printing.paint(printing.printer)
    data = (tmp_path / "page.pdf").read_bytes()
    assert data.startswith(b"%PDF") and len(data) > 2000
    printing.dialog.close()


# Sorting


def test_moving_by_answer_with_preview_and_undo(view: ClassifyView, shell: Shell, qtbot: Any, tmp_path: Path) -> None:
    QTest.keyClick(shell.window, Qt.Key.Key_S, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
    dialog: SortDialog = dialog_of(SortDialog, qtbot)
    dialog.move_files.click()
    dialog.folder.setText(str(tmp_path / "out"))
    qtbot.waitUntil(dialog.go.isEnabled, timeout=WAIT)
    assert dialog.model.rowCount() == 4 and dialog.model.data(dialog.model.index(0, 1)) == os.path.join("red", "a.png")
    assert dialog.go.text() == "Move 4 pictures" and not (tmp_path / "out").exists()
    before = {each: each.source.path for each in view.session.items}
    said = {each: view.job.said(each) for each in view.session.items}
    qtbot.mouseClick(dialog.go, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: dialog.back.isVisible(), timeout=WAIT)
    assert (tmp_path / "out/red/c.png").is_file() and not (tmp_path / "heap/c.png").exists()
    # What was known of the images is known of them still, at their new places.
    assert item(view, "c").source.path == str(tmp_path / "out/red/c.png")
    assert {each: view.job.said(each) for each in view.session.items} == said
    assert view.job.answers is not None and view.job.answers.folder(view.job.place_of(item(view, "c"))).endswith("red")
    qtbot.mouseClick(dialog.back, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: (tmp_path / "heap/c.png").is_file(), timeout=WAIT)
    qtbot.waitUntil(lambda: {each: each.source.path for each in view.session.items} == before, timeout=WAIT)
    assert not (tmp_path / "out").exists() or not any((tmp_path / "out").iterdir())
    dialog.leave.click()


def test_renaming_some_and_taking_it_back_after_a_restart(view: ClassifyView, qtbot: Any, tmp_path: Path) -> None:
    select(view, "a", "b")
    view.doing.sort(view.doing.chosen())
    dialog: SortDialog = dialog_of(SortDialog, qtbot)
    dialog.rename.click()
    dialog.pattern.setEditText("{answer} of {name}")
    qtbot.waitUntil(dialog.go.isEnabled, timeout=WAIT)
    dialog.go.setFocus()
    QTest.keyClick(dialog.go, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: (tmp_path / "heap/blue of b.png").is_file(), timeout=WAIT)
    qtbot.waitUntil(lambda: not view.doing.sorter.working, timeout=WAIT)
    dialog.leave.click()
    assert "red of a.png" in [each.source.name for each in view.session.items]
    # The log is on the disk: another window, another day.
    assert FileActions().latest() is not None
    view.doing.show_sorted()
    log: SortLog = dialog_of(SortLog, qtbot)
    qtbot.waitUntil(lambda: log.files.rowCount() == 2 and log.back.isEnabled(), timeout=WAIT)
    qtbot.mouseClick(log.back, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: (tmp_path / "heap/b.png").is_file(), timeout=WAIT)
    qtbot.waitUntil(lambda: "a.png" in [each.source.name for each in view.session.items], timeout=WAIT)
    log.reject()


def test_a_bad_pattern_is_said_and_nothing_can_be_begun(view: ClassifyView, qtbot: Any) -> None:
    view.doing.sort(view.doing.chosen())
    dialog: SortDialog = dialog_of(SortDialog, qtbot)
    dialog.rename.click()
    dialog.pattern.setEditText("{nothing}")
    qtbot.waitUntil(dialog.caution.isVisible, timeout=WAIT)
    assert "{nothing}" in dialog.caution.text and not dialog.go.isEnabled()
    QTest.keyClick(dialog, Qt.Key.Key_Escape)
    assert FileActions().records() == []


# This is a …


def test_this_is_a_by_menu_goes_into_a_project_and_comes_back(view: ClassifyView, qtbot: Any) -> None:
    select(view, "d")
    menu = view.doing.menu([item(view, "d")])
    below = next(action.menu() for action in menu.actions() if action.text() == "This is a…")
    assert isinstance(below, QMenu) and "blue" in words(below)
    with qtbot.waitSignal(view.doing.correcting.corrections.done, timeout=WAIT):
        next(action for action in below.actions() if action.text() == "blue").trigger()
    (entry,) = ProjectStore().entries()
    with ProjectStore().open(entry.id) as project:
        (picture,) = project.pictures([int(each) for each in project.index().ids])
        assert picture.path == item(view, "d").source.path
        assert {each.name: each.count for each in project.classes()} == {"blue": 1}
    view.doing.show_corrections()
    listed: CorrectionsList = dialog_of(CorrectionsList, qtbot)
    qtbot.waitUntil(lambda: listed.table.rowCount() == 1, timeout=WAIT)
    listed.reject()
    assert view.can_undo
    with qtbot.waitSignal(view.doing.correcting.corrections.taken_back, timeout=WAIT):
        view.undo()
    with ProjectStore().open(entry.id) as project:
        assert {each.name: each.count for each in project.classes()} == {"blue": 0}


def test_this_is_a_new_class_by_keyboard(view: ClassifyView, shell: Shell, qtbot: Any) -> None:
    select(view, "a", "c")
    QTest.keyClick(shell.window, Qt.Key.Key_T, Qt.KeyboardModifier.ControlModifier)
    dialog: ThisIsA = dialog_of(ThisIsA, qtbot)
    assert not dialog.add.isEnabled()
    QTest.keyClicks(dialog.what, "Mohnblume")
    with qtbot.waitSignal(view.doing.correcting.corrections.done, timeout=WAIT) as done:
        QTest.keyClick(dialog.what, Qt.Key.Key_Return)
    assert done.args[0].label == "Mohnblume" and len(done.args[0].ids) == 2


def test_marks_of_pictures_without_a_file_outlive_the_session(view: ClassifyView, qtbot: Any, tmp_path: Path) -> None:
    from desktop.core.types import ImageSource
    from desktop.store.marks import MarkStore, PictureMark

    data = write_image(tmp_path / "x.png", "yellow").read_bytes()
    MarkStore().put(ImageSource("Camera 1.png", data=data), PictureMark(True, "from the bench"))
    last_session.save([ImageSource("Camera 1.png", data=data)], 0, None)
    (source,) = last_session.load().sources
    assert MarkStore().find([source]) == {0: PictureMark(True, "from the bench")}


def test_similar_ones_come_first(view: ClassifyView, qtbot: Any, fovea_home: Path) -> None:
    made = paths.prepared_models()
    if made is None or not (made / EVERYDAY).is_dir():
        pytest.skip("the network for everyday photographs was not made here")
    shutil.copytree(made / EVERYDAY, fovea_home / "models" / EVERYDAY)
    menu = view.doing.menu([item(view, "a")])
    with qtbot.waitSignal(view.doing.similar.found, timeout=WAIT):
        next(action for action in menu.actions() if action.text() == "Find similar").trigger()
    assert [each.source.name for each in (view.list.model.item(0), view.list.model.item(1)) if each] == [
        "a.png",
        "c.png",
    ]
    assert view.list.model.rowCount() == 4 and not view.looking_for.isVisible()
    view.list.show_all()
    assert [each.source.name for each in view.session.items] == [f"{name}.png" for name, _ in COLOURS]


def test_a_correction_in_evaluate_and_in_draw(shell: Shell, qtbot: Any, tmp_path: Path) -> None:
    window = shell.window
    for colour in ("red", "blue"):
        for number in range(2):
            write_image(tmp_path / "data" / colour / f"{number}.png", colour)
    window.show_view("evaluate")
    evaluate = window.evaluate
    evaluate.choose_model("colours")
    evaluate.open_path(str(tmp_path / "data"))
    qtbot.waitUntil(lambda: evaluate.data is not None, timeout=WAIT)
    evaluate.choose_model("colours")
    evaluate.begin()
    qtbot.waitUntil(lambda: evaluate.state.result is not None, timeout=WAIT)
    gallery = evaluate.results.gallery
    gallery.modes.setCurrentIndex(gallery.modes.findData("all"))
    gallery.modes.activated.emit(gallery.modes.currentIndex())
    qtbot.waitUntil(lambda: gallery.model.rowCount() == 4, timeout=WAIT)
    gallery.view.setCurrentIndex(gallery.model.index(0, 0))
    menu = context(gallery.view.viewport(), None, qtbot)
    assert "Show in the file manager" in words(menu)
    below = next(action.menu() for action in menu.actions() if action.text() == "This is a…")
    assert isinstance(below, QMenu)
    with qtbot.waitSignal(evaluate.menu.correcting.corrections.done, timeout=WAIT) as done:
        next(action for action in below.actions() if action.text() == "green").trigger()
    menu.close()
    assert done.args[0].label == "green" and "Corrections" in window.messages.text
    # A drawing has no file: it is laid into the project.
    window.show_view("draw")
    draw = window.later("draw")
    draw.canvas.begin(0.2, 0.2)  # type: ignore[attr-defined]
    draw.canvas.draw_to(0.7, 0.7)  # type: ignore[attr-defined]
    draw.canvas.lift()  # type: ignore[attr-defined]
    assert draw.can_correct()
    draw.correct()
    dialog: ThisIsA = dialog_of(ThisIsA, qtbot)
    dialog.what.setText("seven")
    with qtbot.waitSignal(draw._correcting.corrections.done, timeout=WAIT) as drawn:  # type: ignore[attr-defined]
        QTest.keyClick(dialog.what, Qt.Key.Key_Return)
    assert drawn.args[0].project == done.args[0].project
    with ProjectStore().open(drawn.args[0].project) as project:
        paths = [Path(each.path) for each in project.pictures([int(each) for each in project.index().ids])]
        assert len(paths) == 2 and all(path.is_file() for path in paths)
        assert paths[1].is_relative_to(project.folder) and paths[1].read_bytes().startswith(b"\x89PNG")
