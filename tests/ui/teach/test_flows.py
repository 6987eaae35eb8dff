"""Teach's flows in the real window by real keys and real clicks: copies, similar pictures, notes, menus, projects."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageFilter
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QContextMenuEvent, QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QInputDialog, QMenu, QPlainTextEdit, QWidget

from desktop.ui.shell.app import Shell
from desktop.ui.teach.copies import CopiesDialog
from desktop.ui.teach.large import LargeTaught
from desktop.ui.teach.view import TeachView
from tests.ui.teach.test_view import LONG, add_class, all_looked_at, begin, pictures


@pytest.fixture
def view(shell: Shell, qtbot: Any) -> TeachView:
    """The Teach view of the whole window, shown."""
    shell.window.show_view("teach")
    found = shell.window.later("teach")
    assert isinstance(found, TeachView)
    qtbot.waitUntil(lambda: not found.disk.busy, timeout=LONG)
    return found


def menu_of(widget: QWidget, place: QPoint, qtbot: Any, by_key: bool = False) -> QMenu:
    """The menu that a right click at ``place`` opens, or the Menu key."""
    if by_key:
        QTest.keyClick(widget, Qt.Key.Key_Menu)
    else:
        reason = QContextMenuEvent.Reason.Mouse
        QApplication.sendEvent(widget, QContextMenuEvent(reason, place, widget.mapToGlobal(place)))
    qtbot.waitUntil(lambda: isinstance(QApplication.activePopupWidget(), QMenu), timeout=LONG)
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    return menu


def choose(menu: QMenu, text: str) -> None:
    """Take a command of an open menu with the keyboard."""
    action = next(each for each in menu.actions() if each.text().split("\t")[0] == text)
    menu.setActiveAction(action)
    QTest.keyClick(menu, Qt.Key.Key_Return)


def click(menu: QMenu, text: str) -> None:
    """Take a command of an open menu with the mouse."""
    action = next(each for each in menu.actions() if each.text().split("\t")[0] == text)
    QTest.mouseClick(menu, Qt.MouseButton.LeftButton, pos=menu.actionGeometry(action).center())


def middle(view: TeachView, row: int) -> QPoint:
    gallery = view.pictures.view
    return gallery.visualRect(view.pictures.model.index(row, 0)).center()


def test_menus_by_mouse_label_star_copy_and_find_similar(view: TeachView, qtbot: Any, tmp_path: Path) -> None:
    told = begin(view, qtbot, pictures(tmp_path / "heap", 3))
    add_class(view, qtbot, "R&D")
    gallery, model = view.pictures.view, view.pictures.model
    qtbot.waitUntil(lambda: model.source(model.id_at(1)) is not None, timeout=LONG)
    qtbot.mouseClick(gallery.viewport(), Qt.MouseButton.LeftButton, pos=middle(view, 1))
    second = gallery.current_id
    click(menu_of(gallery.viewport(), middle(view, 1), qtbot), "R&&D")
    qtbot.waitUntil(lambda: view.teaching.label_of(second) == view.teaching.classes[0].id, timeout=LONG)
    qtbot.mouseClick(gallery.viewport(), Qt.MouseButton.LeftButton, pos=middle(view, 1))
    click(menu_of(gallery.viewport(), middle(view, 1), qtbot), "Star")
    qtbot.waitUntil(lambda: model.facts(second)[3], timeout=LONG)
    click(menu_of(gallery.viewport(), middle(view, 1), qtbot), "Copy the picture")
    urls = QGuiApplication.clipboard().mimeData().urls()
    assert [Path(url.toLocalFile()).name for url in urls] == [model.facts(second)[0]]
    assert [Path(path).parent.name for path in model.paths_of([second])] == ["heap"]
    all_looked_at(view, qtbot, told)
    click(menu_of(gallery.viewport(), middle(view, 1), qtbot), "Find similar pictures")
    qtbot.waitUntil(lambda: view.pictures.order == "nearest" and not view.pictures.waiting, timeout=LONG)
    assert second not in model.ids.tolist() and model.rowCount() == 5


def test_notes_by_keyboard_are_searched_listed_and_taken_back(view: TeachView, qtbot: Any, tmp_path: Path) -> None:
    begin(view, qtbot, pictures(tmp_path / "heap", 2))
    gallery, model = view.pictures.view, view.pictures.model
    gallery.setFocus()
    QTest.keyClick(gallery, Qt.Key.Key_Right)
    second = gallery.current_id
    choose(menu_of(gallery, QPoint(), qtbot, by_key=True), "Note…")

    def fields() -> list[QPlainTextEdit]:
        found = [w for w in QApplication.allWidgets() if isinstance(w, QPlainTextEdit) and w.isVisible()]
        return [each for each in found if isinstance(each.window(), QInputDialog)]

    qtbot.waitUntil(lambda: bool(fields()), timeout=LONG)
    field = fields()[0]
    QTest.keyClicks(field, "Ask Mira")
    field.window().accept()  # type: ignore[attr-defined]
    qtbot.waitUntil(lambda: model.note(second) == "Ask Mira", timeout=LONG)
    view.pictures.choose("noted")
    assert model.ids.tolist() == [second]
    view.pictures.choose("all")
    view.pictures.search.setFocus()
    QTest.keyClicks(view.pictures.search, "mira")
    qtbot.waitUntil(lambda: model.ids.tolist() == [second], timeout=LONG)
    view.pictures.search.clear()
    assert view.can_undo()
    view.undo()
    qtbot.waitUntil(lambda: model.note(second) == "", timeout=LONG)


def test_a_double_click_looks_large_and_keys_go_on_labelling_there(view: TeachView, qtbot: Any, tmp_path: Path) -> None:
    begin(view, qtbot, pictures(tmp_path / "heap", 2))
    add_class(view, qtbot, "disc")
    gallery = view.pictures.view
    gallery.setCurrentIndex(view.pictures.model.index(0, 0))
    first = gallery.current_id
    qtbot.mouseClick(gallery.viewport(), Qt.MouseButton.LeftButton, pos=middle(view, 0))
    qtbot.mouseDClick(gallery.viewport(), Qt.MouseButton.LeftButton, pos=middle(view, 0))
    qtbot.waitUntil(lambda: isinstance(view.dialog, LargeTaught) and view.dialog.isVisible(), timeout=LONG)
    dialog = view.dialog
    assert isinstance(dialog, LargeTaught)
    QTest.keyClick(dialog, Qt.Key.Key_1)
    qtbot.waitUntil(lambda: view.teaching.label_of(first) == view.teaching.classes[0].id, timeout=LONG)
    qtbot.waitUntil(lambda: gallery.current_id != first, timeout=LONG)
    QTest.keyClick(dialog, Qt.Key.Key_Escape)


@pytest.mark.parametrize("by_mouse", [True, False])
def test_of_copies_and_bursts_the_sharpest_stays(view: TeachView, qtbot: Any, tmp_path: Path, by_mouse: bool) -> None:
    folder = pictures(tmp_path / "heap", 2)
    random = np.random.default_rng(5)
    scene = Image.fromarray(random.integers(0, 255, (24, 32, 3), np.uint8)).resize((320, 240), Image.Resampling.BICUBIC)
    scene.save(folder / "shot_b.png")
    scene.filter(ImageFilter.GaussianBlur(2)).save(folder / "shot_a.png")
    (folder / "same.png").write_bytes((folder / "p000.png").read_bytes())
    begin(view, qtbot, folder)
    qtbot.waitUntil(lambda: view.pictures.model.rowCount() == 7, timeout=LONG)
    if by_mouse:
        qtbot.mouseClick(view.bar.copies, Qt.MouseButton.LeftButton)
    else:
        view.bar.copies.setFocus()
        QTest.keyClick(view.bar.copies, Qt.Key.Key_Space)
    dialog = view.dialog
    assert isinstance(dialog, CopiesDialog)
    qtbot.waitUntil(lambda: dialog.all.isVisible() and len(dialog._spare()) == 2, timeout=LONG)
    if by_mouse:
        qtbot.mouseClick(dialog.all, Qt.MouseButton.LeftButton)
    else:
        dialog.all.setFocus()
        QTest.keyClick(dialog.all, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: view.pictures.model.rowCount() == 5, timeout=LONG)
    names = {view.pictures.model.facts(int(i))[0] for i in view.pictures.model.ids}
    assert "shot_b.png" in names and "shot_a.png" not in names
    assert len(names & {"p000.png", "same.png"}) == 1 and (folder / "shot_a.png").is_file()
    view.undo()
    qtbot.waitUntil(lambda: view.pictures.model.rowCount() == 7, timeout=LONG)


def test_the_projects_menu_by_keyboard(view: TeachView, qtbot: Any, tmp_path: Path) -> None:
    begin(view, qtbot, pictures(tmp_path / "heap", 2))

    def take(text: str) -> None:
        view._fill_menu()
        view.bar.menu.popup(view.bar.project.mapToGlobal(QPoint(0, 0)))
        choose(view.bar.menu, text)

    take("Rename…")
    dialog = view.findChild(QInputDialog)
    assert dialog is not None
    dialog.setTextValue("Renamed")
    QTest.keyClick(dialog, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: view.teaching.name == "Renamed", timeout=LONG)
    with qtbot.waitSignal(view.told, timeout=LONG):
        take("Duplicate")
    with qtbot.waitSignal(view.told, timeout=LONG):
        take("Delete…")
    qtbot.waitUntil(lambda: view.start.list.count() == 1, timeout=LONG)
    view.undo()
    qtbot.waitUntil(lambda: view.start.list.count() == 2, timeout=LONG)
    view.start.list.setFocus()
    QTest.keyClick(view.start.list, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: view.teaching.project is not None, timeout=LONG)


def test_the_next_picture_is_there_with_the_key(view: TeachView, qtbot: Any, tmp_path: Path) -> None:
    begin(view, qtbot, pictures(tmp_path / "heap", 3))
    add_class(view, qtbot, "disc")
    side, gallery = view.side, view.pictures.view
    gallery.setFocus()
    gallery.setCurrentIndex(view.pictures.model.index(0, 0))
    qtbot.waitUntil(lambda: side._ahead_image is not None and side._ahead == view.pictures.next_id(), timeout=LONG)
    coming = view.pictures.next_id()
    shown: list[int] = []
    side.shown.connect(lambda: shown.append(side.picture_id))
    QTest.keyClick(gallery, Qt.Key.Key_1)
    qtbot.waitUntil(lambda: gallery.current_id == coming, timeout=LONG)
    assert shown == [coming] and side.image[0] is not None  # with the step itself, without asking for it
    # One that has no file any more is said in its turn.
    following = view.pictures.next_id()
    os.unlink(view.pictures.model.paths_of([following])[0])
    qtbot.waitUntil(lambda: side._ahead == following and not view.teaching.writing, timeout=LONG)
    view.pictures.view.setCurrentIndex(view.pictures.model.index(view.pictures.model.row_of(following), 0))
    qtbot.waitUntil(lambda: side.picture_id == following and shown[-1] == following, timeout=LONG)


def test_dragged_out_the_files_go_along(view: TeachView, qtbot: Any, tmp_path: Path) -> None:
    begin(view, qtbot, pictures(tmp_path / "heap", 2))
    model = view.pictures.model
    ids = [model.id_at(row) for row in range(2)]
    qtbot.waitUntil(lambda: len(model.paths_of(ids)) == 2, timeout=LONG)
    data = model.mimeData([model.index(row, 0) for row in range(2)])
    assert [os.path.basename(url.toLocalFile()) for url in data.urls()] == [model.facts(i)[0] for i in ids]
    assert model.supportedDragActions() == Qt.DropAction.CopyAction
