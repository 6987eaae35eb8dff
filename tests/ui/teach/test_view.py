"""Teach in the real window: real pictures, a real project on the disk, the real process that learns."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton

from desktop import paths
from desktop.engine.teaching_events import LookedAt
from desktop.store.projects import ProjectStore
from desktop.ui.shell.app import Shell
from desktop.ui.teach.pictures_model import MIME
from desktop.ui.teach.view import TeachView

LONG = 120_000
_BUNDLED = paths.bundled_models


def pictures(folder: Path, each: int = 6) -> Path:
    """Stripes and discs in many shades, ``each`` of both, under names that say nothing."""
    random = np.random.default_rng(5)
    folder.mkdir(parents=True)
    rows, columns = np.mgrid[:64, :64]
    for number in range(2 * each):
        wide = random.integers(5, 9)
        shape = (columns // wide) % 2 if number % 2 else (rows - 32) ** 2 + (columns - 32) ** 2 < (2 * wide) ** 2
        colour = random.integers(120, 255, 3)
        pixels = np.where(shape[..., None].astype(bool), colour, 255 - colour) + random.integers(-9, 9, (64, 64, 3))
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(folder / f"p{number:03d}.png")
    return folder


@pytest.fixture
def view(shell: Shell, qtbot: Any) -> TeachView:
    """The Teach view of the whole window, shown."""
    shell.window.show_view("teach")
    found = shell.window.later("teach")
    assert isinstance(found, TeachView)
    qtbot.waitUntil(lambda: not found.disk.busy, timeout=LONG)
    return found


def begin(view: TeachView, qtbot: Any, folder: Path) -> list[LookedAt]:
    """Drop a folder on the empty view: a project begins with its pictures. What the learning process says of its
    looking comes into the list that is returned; see :func:`all_looked_at`."""
    told: list[LookedAt] = []
    view.teaching.looked.connect(told.append)
    with qtbot.waitSignal(view.teaching.added, timeout=LONG):
        view.open_paths([str(folder)])
    qtbot.waitUntil(lambda: not view.teaching.writing and view.pictures.model.rowCount() > 0, timeout=LONG)
    return told


def all_looked_at(view: TeachView, qtbot: Any, told: list[LookedAt]) -> None:
    """Wait until every picture of the project was looked at, now or before."""

    def done() -> bool:
        index = view.teaching.index
        return index is not None and any(each.done == each.total >= len(index) for each in told)

    qtbot.waitUntil(done, timeout=LONG)


def press(view: TeachView, qtbot: Any, key: Any) -> None:
    """A key in the gallery, and what it writes."""
    QTest.keyClick(view.pictures.view, key)
    qtbot.waitUntil(lambda: not view.teaching.writing, timeout=LONG)


def add_class(view: TeachView, qtbot: Any, name: str) -> None:
    """Type a class's name and Enter."""
    QTest.keyClicks(view.classes.field, name)
    QTest.keyClick(view.classes.field, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: any(c.name == name for c in view.teaching.classes), timeout=LONG)


def test_from_a_heap_of_pictures_to_suggestions_by_keyboard_alone(view: TeachView, qtbot: Any, tmp_path: Path) -> None:
    begin(view, qtbot, pictures(tmp_path / "unsorted"))
    assert view.teaching.name == "unsorted" and view.pictures.model.rowCount() == 12
    add_class(view, qtbot, "disc")
    add_class(view, qtbot, "stripes")
    QTest.keyClick(view.classes.field, Qt.Key.Key_Return)  # nothing typed: on to the pictures
    view.pictures.view.setFocus()
    first = view.pictures.model.id_at(0)
    # Typed faster than the disk writes: each key means the picture that was in front when its turn came.
    for number in range(6):
        QTest.keyClick(view.pictures.view, Qt.Key.Key_2 if number % 2 else Qt.Key.Key_1)
    qtbot.waitUntil(lambda: [c.count for c in view.teaching.classes] == [3, 3], timeout=LONG)
    project = view.teaching.project
    assert project is not None
    named = {p.name: p.label for p in project.pictures(project.index().ids.tolist())}
    disc, stripes = (c.id for c in view.teaching.classes)
    assert [named[f"p{n:03d}.png"] for n in range(7)] == [disc, stripes, disc, stripes, disc, stripes, None]
    qtbot.waitUntil(
        lambda: view.teaching.suggestions is not None and len(view.teaching.suggestions.ids) == 12
        and len(view.teaching.suggestions.learned.labelled) == 6,
        timeout=LONG,
    )  # fmt: skip
    suggestions = view.teaching.suggestions
    assert suggestions is not None
    current = view.pictures.view.selected_ids()[0]
    expected = suggestions.best_of(current)
    assert expected is not None and 0.5 <= expected[1] <= 1
    press(view, qtbot, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: view.teaching.label_of(current) == expected[0], timeout=LONG)
    assert project.history(current)[-1].how == "suggestion"
    view.undo()
    qtbot.waitUntil(lambda: view.teaching.label_of(current) == 0 and view.teaching.to_redo is not None, timeout=LONG)
    view.redo()
    qtbot.waitUntil(lambda: view.teaching.label_of(current) == expected[0], timeout=LONG)
    view.pictures.view.setCurrentIndex(view.pictures.model.index(view.pictures.model.row_of(first), 0))
    press(view, qtbot, Qt.Key.Key_Backspace)
    qtbot.waitUntil(lambda: view.teaching.label_of(first) == 0, timeout=LONG)
    # Another start of the program finds all of it.
    with ProjectStore().open(project.id) as again:
        assert sum(c.count for c in again.classes()) == 6


def test_by_mouse_alone(view: TeachView, qtbot: Any, tmp_path: Path) -> None:
    begin(view, qtbot, pictures(tmp_path / "heap", 3))
    for name in ("disc", "stripes"):
        add_class(view, qtbot, name)
    listed = view.classes.list
    data = QMimeData()
    ids = [view.pictures.model.id_at(row) for row in (0, 2)]
    data.setData(MIME, ",".join(map(str, ids)).encode())
    place = listed.visualRect(view.classes.model.index(0, 0)).center()
    action, buttons, keys = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    entered = QDragEnterEvent(place, action, data, buttons, keys)
    listed.dragEnterEvent(entered)
    assert entered.isAccepted()
    listed.dropEvent(QDropEvent(QPointF(place), action, data, buttons, keys))
    qtbot.waitUntil(lambda: [view.teaching.label_of(i) for i in ids] == [view.teaching.classes[0].id] * 2, timeout=LONG)
    view.pictures.view.setCurrentIndex(view.pictures.model.index(1, 0))
    view.pictures.menu_wanted.emit(QPoint(5, 5))
    menu: Any = view.dialog
    chosen = next(a for a in menu.actions() if a.text().startswith("stripes"))
    chosen.trigger()
    menu.close()
    second = view.pictures.model.id_at(1)
    qtbot.waitUntil(lambda: view.teaching.label_of(second) == view.teaching.classes[1].id, timeout=LONG)
    qtbot.waitUntil(lambda: view.teaching.suggestions is not None, timeout=LONG)
    view.pictures.slider.setValue(50)
    view.pictures.choose("suggested")
    qtbot.waitUntil(lambda: view.pictures.model.rowCount() == 3 and view.pictures.accept.isEnabled(), timeout=LONG)
    qtbot.mouseClick(view.pictures.accept, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: sum(c.count for c in view.teaching.classes) == 6, timeout=LONG)
    view.undo()  # all of them were one gesture
    qtbot.waitUntil(lambda: sum(c.count for c in view.teaching.classes) == 3, timeout=LONG)


def test_heaps_are_named_at_once_merged_and_split(view: TeachView, qtbot: Any, tmp_path: Path) -> None:
    from desktop.ui.teach.heaps import HeapsDialog

    told = begin(view, qtbot, pictures(tmp_path / "heap"))
    all_looked_at(view, qtbot, told)
    view.show_heaps()
    dialog = view.dialog
    assert isinstance(dialog, HeapsDialog)
    dialog.many.setValue(2)
    dialog.ask()
    qtbot.waitUntil(lambda: len(dialog.rows) == 2, timeout=LONG)
    for row in dialog.rows:
        row.tick.setChecked(True)
    dialog.merge.click()
    assert len(dialog.rows) == 1 and len(dialog.rows[0].heap.ids) == 12
    split = next(b for b in dialog.rows[0].findChildren(QPushButton) if b.text() == "Split")
    split.click()
    qtbot.waitUntil(lambda: len(dialog.rows) == 2, timeout=LONG)
    heap = dialog.rows[0].heap
    dialog.rows[0].name.setCurrentText("round")
    dialog.rows[0].named.emit(heap, "round")
    qtbot.waitUntil(
        lambda: [(c.name, c.count) for c in view.teaching.classes] == [("round", len(heap.ids))], timeout=LONG
    )
    dialog.close()
    view.undo()
    qtbot.waitUntil(lambda: not view.teaching.classes, timeout=LONG)


def test_projects_are_renamed_duplicated_deleted_and_taken_back(view: TeachView, qtbot: Any, tmp_path: Path) -> None:
    begin(view, qtbot, pictures(tmp_path / "heap", 2))
    project = view.teaching.project
    assert project is not None
    view._rename()
    from PySide6.QtWidgets import QInputDialog

    dialog = view.findChild(QInputDialog)
    assert dialog is not None
    dialog.setTextValue("Löwenzahn 蒲公英")
    dialog.accept()
    qtbot.waitUntil(lambda: view.teaching.name == "Löwenzahn 蒲公英", timeout=LONG)
    with qtbot.waitSignal(view.told, timeout=LONG):
        view._duplicate()
    with qtbot.waitSignal(view.told, timeout=LONG):
        view._delete()
    qtbot.waitUntil(lambda: view.start.list.count() == 1, timeout=LONG)
    assert view.teaching.project is None and view.can_undo()
    view.undo()
    qtbot.waitUntil(lambda: view.start.list.count() == 2, timeout=LONG)
    names = {view.start.list.item(row).text().split(":")[0] for row in range(2)}
    assert names == {"Löwenzahn 蒲公英", "Löwenzahn 蒲公英 copy"}
    view.start.list.itemActivated.emit(view.start.list.item(0))
    qtbot.waitUntil(lambda: view.teaching.project is not None and view.pictures.model.rowCount() == 4, timeout=LONG)


def test_what_another_window_labels_is_seen_here(view: TeachView, qtbot: Any, tmp_path: Path) -> None:
    begin(view, qtbot, pictures(tmp_path / "heap", 2))
    project = view.teaching.project
    assert project is not None
    with ProjectStore().open(project.id) as other:
        found = other.add_class("elsewhere")
        other.label(other.index().ids.tolist()[:2], found.id)
    qtbot.waitUntil(lambda: [(c.name, c.count) for c in view.teaching.classes] == [("elsewhere", 2)], timeout=LONG)
    assert view.teaching.label_of(view.pictures.model.id_at(0)) == found.id


def test_labels_go_out_as_a_table_and_come_back(view: TeachView, qtbot: Any, tmp_path: Path) -> None:
    begin(view, qtbot, pictures(tmp_path / "heap", 2))
    add_class(view, qtbot, "=1+1")
    view.pictures.view.setCurrentIndex(view.pictures.model.index(0, 0))
    press(view, qtbot, Qt.Key.Key_1)
    qtbot.waitUntil(lambda: view.can_export(), timeout=LONG)
    heard: list[str] = []
    view.said.connect(heard.append)
    with qtbot.waitSignal(view.told, timeout=LONG):
        view.exchange.export_csv(str(tmp_path / "labels.csv"))
    rows = list(csv.reader((tmp_path / "labels.csv").open(encoding="utf-8-sig")))
    assert rows[0] == ["file", "label"] and rows[1][0] == "p000.png" and rows[1][1].lstrip("'") == "=1+1"
    assert not heard, "p000.png names nobody"
    (tmp_path / "more.csv").write_text("file,label\np001.png,stripes\nnowhere.png,stripes\n", encoding="utf-8")
    view.exchange.import_table(str(tmp_path / "more.csv"))
    qtbot.waitUntil(lambda: [c.name for c in view.teaching.classes] == ["=1+1", "stripes"], timeout=LONG)
    qtbot.waitUntil(lambda: bool(heard), timeout=LONG)
    assert "nowhere.png" in heard[0]


def test_what_is_dropped_while_pictures_are_added_comes_after_them(view: TeachView, qtbot: Any, tmp_path: Path) -> None:
    begin(view, qtbot, pictures(tmp_path / "first", 2))
    for name in ("second", "third"):
        view.open_paths([str(pictures(tmp_path / name, 3))])
    qtbot.waitUntil(lambda: view.pictures.model.rowCount() == 4 + 6 + 6, timeout=LONG)
    assert not view.teaching.is_adding


def test_closing_waits_for_pictures_that_are_added_and_another_project_gets_its_own(
    shell: Shell, view: TeachView, qtbot: Any, tmp_path: Path
) -> None:
    begin(view, qtbot, pictures(tmp_path / "first", 2))
    view.open_paths([str(pictures(tmp_path / "second", 30))])
    assert view.teaching.is_adding and not shell.window.close()
    assert view.question is not None and view.question.isVisible() and "first" in view.question.text()
    view.question.escapeButton().click()
    assert shell.window.isVisible()
    view.create_then_add("Others", [str(pictures(tmp_path / "third", 2))])  # while the first is still being filled
    qtbot.waitUntil(lambda: view.teaching.name == "Others" and view.pictures.model.rowCount() == 4, timeout=LONG)
    view.open_paths([str(pictures(tmp_path / "fourth", 3))])
    assert not shell.window.close() and view.question is not None
    view.question.defaultButton().click()
    qtbot.waitUntil(lambda: not shell.window.isVisible(), timeout=LONG)
    found = next(entry for entry in view.store.entries() if entry.name == "Others")
    with ProjectStore().open(found.id) as project:
        assert len(project.index()) == 4 + 6


def test_whoever_exports_names_of_people_is_told_so(view: TeachView, qtbot: Any, tmp_path: Path) -> None:
    folder = pictures(tmp_path / "heap", 2)
    (folder / "p000.png").rename(folder / "Doe_Jane_born1961-03-02.png")
    begin(view, qtbot, folder)
    add_class(view, qtbot, "disc")
    row = next(r for r in range(4) if view.pictures.model.index(r, 0).data().startswith("Doe"))
    view.pictures.view.setCurrentIndex(view.pictures.model.index(row, 0))
    press(view, qtbot, Qt.Key.Key_1)
    qtbot.waitUntil(lambda: view.can_export(), timeout=LONG)
    for write, name in ((view.exchange.export_csv, "labels.csv"), (view.exchange.export_coco, "labels.json")):
        with qtbot.waitSignal(view.said, timeout=LONG) as told:
            write(str(tmp_path / name))
        assert "1 of the names read like a person's" in told.args[0]
        assert "Doe_Jane" in (tmp_path / name).read_text(encoding="utf-8-sig"), "a label without its file is none"


@pytest.mark.slow
def test_a_project_becomes_a_model_which_knows_its_project(
    shell: Shell, view: TeachView, qtbot: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paths, "bundled_models", _BUNDLED)  # the everyday network comes with the installation
    from desktop.ui.models.view import ModelsView
    from desktop.ui.teach.making import MakingDialog
    from desktop.ui.train.view import TrainView

    begin(view, qtbot, pictures(tmp_path / "heap", 12))
    for name in ("disc", "stripes"):
        add_class(view, qtbot, name)
    view.pictures.view.setFocus()
    for number in range(24):
        QTest.keyClick(view.pictures.view, Qt.Key.Key_2 if number % 2 else Qt.Key.Key_1)
    qtbot.waitUntil(lambda: [c.count for c in view.teaching.classes] == [12, 12], timeout=LONG)
    project = view.teaching.project
    assert project is not None
    view.make_model()
    dialog = view.dialog
    assert isinstance(dialog, MakingDialog)
    qtbot.waitUntil(lambda: not view.disk.busy, timeout=LONG)
    dialog.name.setText("Round or not")
    dialog.make.click()
    train = shell.window.later("train")
    assert isinstance(train, TrainView)
    heard: list[str] = []
    made: list[str] = []
    view.said.connect(heard.append)
    train.said.connect(heard.append)
    train.service.model_made.connect(made.append)
    qtbot.waitUntil(lambda: bool(made or heard), timeout=600_000)
    assert not heard
    qtbot.waitUntil(lambda: shell.catalog.entry("round-or-not") is not None, timeout=LONG)
    shell.window.show_view("models")
    models = shell.window.later("models")
    assert isinstance(models, ModelsView)
    qtbot.waitUntil(lambda: models.settled and models.list.choose("round-or-not"), timeout=LONG)
    qtbot.waitUntil(lambda: models.detail.teach.isVisible(), timeout=LONG)
    view.leave()
    qtbot.mouseClick(models.detail.teach, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: view.teaching.project is not None and view.teaching.project.id == project.id, timeout=LONG)
    assert shell.window.shown is view
