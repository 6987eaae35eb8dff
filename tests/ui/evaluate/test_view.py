"""Evaluating a labelled folder in the window: a real engine, real files, nothing stale, the user's files untouched."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QAbstractButton, QComboBox, QLineEdit, QSlider, QTabBar

from desktop.core.figures.result import figures
from desktop.core.figures.store import EvaluationStore
from desktop.services.answers import GalleryChoice
from desktop.ui.evaluate.view import EvaluateView
from desktop.ui.kit.formatting import count
from desktop.ui.shell.app import Shell
from desktop.ui.shell.main_window import MainWindow
from tests.core.figures.makers import made_up, paint, shades, two_classes
from tests.core.makers import scan_of
from tests.patience import WAIT


@pytest.fixture
def view(shell: Shell) -> EvaluateView:
    """The Evaluate view of a whole window."""
    shell.window.host.show_evaluate()
    shell.window.evaluate.choose_model("colours")
    return shell.window.evaluate


def open_data(qtbot: Any, view: EvaluateView, folder: Path, split: str | None = None) -> None:
    view.open_path(str(folder), split)
    qtbot.waitUntil(lambda: not view.choosing.opener.busy, timeout=WAIT)


def run(qtbot: Any, view: EvaluateView, folder: Path) -> None:
    open_data(qtbot, view, folder)
    view.begin()
    qtbot.waitUntil(lambda: view.state.result is not None, timeout=WAIT)


def names(view: EvaluateView) -> list[str]:
    model = view.results.gallery.model
    return [str(model.data(model.index(place))) for place in range(model.rowCount())]


def test_nothing_of_it_is_there_before_its_first_visit(shell: Shell) -> None:
    assert not shell.window.host.visited
    shell.window.show_view("evaluate")
    assert shell.window.host.in_evaluate
    assert shell.window.evaluate.start.empty.button.isVisible()


def test_folder_is_measured_and_its_mistakes_are_shown(qtbot: Any, view: EvaluateView, tmp_path: Path) -> None:
    folder = shades(tmp_path / "shades")
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    run(qtbot, view, folder)
    result = view.state.result
    assert result is not None and len(result) == 16 and result.versions
    assert [item.name for item in result.skipped] == ["green/broken.png"]
    assert view.results.unanswered.isVisibleTo(view) and "1 of 17" in view.results.unanswered.text
    assert view.results.unanswered.y() < view.results.figures.y()
    assert names(view) == ["blue/really red.png"]
    matrix = view.results.matrix.model
    assert matrix.counts.tolist() == [[5, 0, 0], [0, 5, 0], [1, 0, 5]]
    assert view.results.figures.cards[0].text == "15 of 16"  # too few for a share
    assert "really red" in str(view.results.gallery.model.data(view.results.gallery.model.index(0), 11))
    assert str(folder) in view._settings.get("recent_labelled")
    assert before == {path: path.stat().st_mtime_ns for path in folder.rglob("*")}


def test_what_is_damaged_among_the_kept_is_said_once(qtbot: Any, view: EvaluateView, tmp_path: Path) -> None:
    run(qtbot, view, shades(tmp_path / "shades"))
    folder, said = EvaluationStore().folder, list[str]()
    (kept,) = folder.glob("*.npz")
    (folder / "0123456789abcdef0123456789abcdef.npz").write_bytes(kept.read_bytes()[:300])
    (folder / f"{kept.stem}.threshold.json").write_text("[", encoding="utf-8")
    view.said.connect(said.append)
    with qtbot.waitSignal(view.shelf.listed, timeout=WAIT):
        view.show_start()
    with qtbot.waitSignal(view.shelf.listed, timeout=WAIT):
        view.show_start()
    qtbot.waitUntil(lambda: len(said) >= 2, timeout=WAIT)
    assert len(said) == 2
    assert any("not listed: '0123456789abcdef" in text for text in said)
    assert any("threshold.damaged.json" in text for text in said)
    assert [head.key for head in view.shelf.heads] == [kept.stem]


def test_a_cell_shows_its_pictures_by_mouse_and_by_keyboard(qtbot: Any, view: EvaluateView, tmp_path: Path) -> None:
    run(qtbot, view, shades(tmp_path / "shades"))
    table, gallery = view.results.matrix.table, view.results.gallery
    table.setCurrentIndex(view.results.matrix.model.index(1, 1))
    qtbot.keyClick(table, Qt.Key.Key_Return)
    assert gallery.choice == GalleryChoice("cell", 1, 1)
    assert sorted(names(view)) == [f"green/{i}.png" for i in range(5)]
    index = view.results.matrix.model.index(2, 0)
    qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=table.visualRect(index).center())
    assert names(view) == ["blue/really red.png"]
    qtbot.keyClick(table, Qt.Key.Key_Escape)
    assert gallery.choice.mode == "losses"
    table.horizontalHeader().sectionClicked.emit(0)
    assert len(names(view)) == 6
    assert "answered as" in gallery.modes.currentText()


def test_gallery_filters_searches_and_orders(qtbot: Any, view: EvaluateView, tmp_path: Path) -> None:
    run(qtbot, view, shades(tmp_path / "shades"))
    gallery = view.results.gallery
    gallery.choose(GalleryChoice("all"))
    assert len(names(view)) == 16
    gallery.choose(GalleryChoice("all", shown_class=0))
    assert {name.split("/")[0] for name in names(view)} == {"red"}
    gallery.choose(GalleryChoice("all"))
    gallery.search.setText("REALLY")
    qtbot.waitUntil(lambda: names(view) == ["blue/really red.png"], timeout=WAIT)
    gallery.search.setText("nowhere")
    qtbot.waitUntil(lambda: not names(view), timeout=WAIT)
    assert "nowhere" in gallery._nothing.text()
    qtbot.keyClick(gallery.search, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: len(names(view)) == 16, timeout=WAIT)
    gallery.choose(GalleryChoice("unsure"))
    result = view.state.result
    assert result is not None
    assert names(view) == [result.names[i] for i in result.least_confident_right()]


def test_what_is_said_of_a_label_is_remembered_and_can_be_undone(
    qtbot: Any, view: EvaluateView, tmp_path: Path
) -> None:
    folder = shades(tmp_path / "shades")
    run(qtbot, view, folder)
    gallery = view.results.gallery
    gallery.choose(GalleryChoice("labels"))
    gallery.view.clearSelection()
    assert all(
        not button.isEnabled() and "Choose pictures first" in button.toolTip() for button in gallery._judges.values()
    )
    gallery.view.setCurrentIndex(gallery.model.index(0, 0))
    assert all(button.isEnabled() and "Key:" in button.toolTip() for button in gallery._judges.values())
    qtbot.mouseClick(gallery._judges["wrong"], Qt.MouseButton.LeftButton)
    result = view.state.result
    assert result is not None
    store, print_ = EvaluationStore(), result.data.fingerprint
    qtbot.waitUntil(lambda: store.judgements(print_) == {"blue/really red.png": "wrong"}, timeout=WAIT)
    assert "label is wrong" in gallery.model.words(gallery.model.row_at(0))
    view.show_start()
    key = EvaluationStore.key(result.model, print_, result.data.mapping)
    view.open_kept(key)
    qtbot.waitUntil(lambda: view.state.result is not result and view.state.result is not None, timeout=WAIT)
    assert gallery.model.judgements == {"blue/really red.png": "wrong"}
    gallery.choose(GalleryChoice("labels"))
    assert not view.can_undo()
    gallery.judge([gallery.model.row_at(0)], "right")
    window = view.window()
    assert isinstance(window, MainWindow) and window.menus._undo.isEnabled()
    window.menus._undo.trigger()
    qtbot.waitUntil(lambda: store.judgements(print_) == {"blue/really red.png": "wrong"}, timeout=WAIT)
    window.menus._redo.trigger()
    qtbot.waitUntil(lambda: store.judgements(print_) == {"blue/really red.png": "right"}, timeout=WAIT)
    assert not window.menus._redo.isEnabled()


def test_what_is_said_while_it_runs_is_kept_when_the_data_is_known(
    qtbot: Any, view: EvaluateView, tmp_path: Path
) -> None:
    run(qtbot, view, many(tmp_path / "many"))
    result, store = view.state.result, EvaluationStore()
    assert result is not None
    fingerprint = result.data.fingerprint
    store.judge(fingerprint, result.names[0], "unsure")  # in an earlier run
    view.show_start()
    gallery, heard = view.results.gallery, list[tuple[str, str]]()

    def judge_two(running: Any, rows: Any) -> None:
        there = gallery.model.answers.rows  # type: ignore[union-attr]
        if not heard and len(there) > 1:  # a first portion may hold one picture alone
            first, second = (int(row) for row in there[:2])
            taken_back, kept = running.name(first), running.name(second)
            heard.append((kept, taken_back))
            gallery.judge([first, second], "wrong")
            gallery.judge([first], None)

    view.service.streamed.connect(judge_two)
    view.begin()
    assert view.state.result is None
    qtbot.waitUntil(lambda: view.state.result is not None, timeout=WAIT)
    ((kept, taken_back),) = heard
    expected = {result.names[0]: "unsure", kept: "wrong"}
    assert taken_back == result.names[0] and gallery.model.judgements == expected
    qtbot.waitUntil(lambda: store.judgements(fingerprint) == expected, timeout=WAIT)


def test_what_is_said_of_a_run_without_a_result_is_told_to_be_lost(qtbot: Any, view: EvaluateView) -> None:
    with qtbot.waitSignal(view.said) as told:
        view.judging.judge("red/1.png", "wrong")
    assert "not kept" in told.args[0]


def many(folder: Path, count: int = 300) -> Path:
    for number in range(count):
        paint(folder / ("red" if number % 2 else "blue") / f"{number}.png", "red")
    return folder


def test_a_run_stopped_early_is_shown_and_kept_as_incomplete(qtbot: Any, view: EvaluateView, tmp_path: Path) -> None:
    open_data(qtbot, view, many(tmp_path / "many", 2000))
    view.begin()
    with qtbot.waitSignal(view.service.streamed, timeout=WAIT):
        pass
    view.cancel()
    assert "Stopping" in view.results.strip.text
    qtbot.waitUntil(lambda: view.state.result is not None, timeout=WAIT)
    result = view.state.result
    assert result is not None and 0 < len(result) < 2000 and not result.complete
    assert view.results.incomplete.isVisible() and count(len(result)) in view.results.incomplete.text
    kept = EvaluationStore().entries()
    assert [(entry.complete, entry.n) for entry in kept] == [(False, len(result))]
    view.show_start()
    qtbot.waitUntil(lambda: view.start.kept.list.count() == 1, timeout=WAIT)
    assert "incomplete" in view.start.kept.list.item(0).text()
    view.begin()
    qtbot.waitUntil(lambda: view.state.result is not None and view.state.result.complete, timeout=WAIT)
    assert not view.results.incomplete.isVisible()
    assert [(entry.complete, entry.n) for entry in EvaluationStore().entries()] == [(True, 2000)]


def test_closing_keeps_what_was_answered_and_said_if_that_is_wanted(
    qtbot: Any, shell: Shell, view: EvaluateView, tmp_path: Path
) -> None:
    open_data(qtbot, view, many(tmp_path / "many", 2000))
    view.begin()
    with qtbot.waitSignal(view.service.streamed, timeout=WAIT):
        pass
    view.judging.judge("red/1.png", "wrong")
    assert not shell.window.close() and view.closer.question is not None
    view.closer.question.escapeButton().click()
    assert shell.window.isVisible() and view.service.running
    assert not shell.window.close()
    view.closer.question.defaultButton().click()
    qtbot.waitUntil(lambda: not shell.window.isVisible(), timeout=WAIT)
    (kept,) = EvaluationStore().entries()
    assert not kept.complete and kept.n > 0
    said = EvaluationStore().judgements
    qtbot.waitUntil(lambda: said(kept.data.fingerprint) == {"red/1.png": "wrong"}, timeout=WAIT)  # a moment later


def test_a_run_cancelled_twice_leaves_nothing_behind(qtbot: Any, view: EvaluateView, tmp_path: Path) -> None:
    open_data(qtbot, view, many(tmp_path / "many"))
    landed: list[object] = []
    view.service.finished.connect(lambda *values: landed.append(values))
    view.begin()
    runner = view.service._runner
    assert runner is not None
    view.cancel()
    with qtbot.waitSignal(view.service.cancelled, timeout=WAIT):
        view.cancel()
    assert view.pages.currentWidget() is view.start
    qtbot.waitUntil(runner.isFinished, timeout=WAIT)
    assert not landed and view.state.result is None and not EvaluationStore().entries()
    view.begin()
    qtbot.waitUntil(lambda: view.state.result is not None, timeout=WAIT)
    assert len(view.state.result) == 300  # type: ignore[arg-type]


def test_a_threshold_chosen_by_hand_is_there_again(qtbot: Any, view: EvaluateView, tmp_path: Path) -> None:
    store, made = EvaluationStore(), made_up(*two_classes(), threshold=0.5)
    key = store.save(made)
    view.open_kept(key)
    qtbot.waitUntil(lambda: view.state.result is not None, timeout=WAIT)
    view.results.threshold.slider.setValue(300)
    qtbot.waitUntil(lambda: store.chosen(key) is not None, timeout=WAIT)
    view.show_start()
    listed = view.start.kept.list
    qtbot.waitUntil(lambda: listed.count() == 1 and "0.300" in listed.item(0).text(), timeout=WAIT)
    view.state.clear()
    view.open_kept(key)
    qtbot.waitUntil(lambda: view.state.threshold == 0.3 and view.state.fresh, timeout=WAIT)
    assert view.state.result is not None and "by hand" in view.state.result.model.reason
    assert view.results.threshold.value.value() == pytest.approx(0.3)
    view.results._on_preset("youden", 0)
    view.results.threshold.reset.emit()
    qtbot.waitUntil(lambda: store.chosen(key) is None, timeout=WAIT)
    assert view.state.threshold == 0.5


def test_a_kept_result_of_another_import_is_not_offered(qtbot: Any, view: EvaluateView, tmp_path: Path) -> None:
    run(qtbot, view, shades(tmp_path / "shades"))
    result = view.state.result
    assert result is not None and view.data is not None
    shelf = view.shelf
    qtbot.waitUntil(lambda: bool(shelf.heads), timeout=WAIT)
    assert shelf.of(view.data, result.model) is not None
    assert shelf.of(view.data, replace(result.model, labels=("blue", "green", "red"))) is None
    assert shelf.of(view.data, replace(result.model, setup="another fit")) is None


def test_kept_evaluations_are_deleted_and_taken_back(qtbot: Any, shell: Shell, tmp_path: Path) -> None:
    shell.window.host.show_evaluate()
    view = shell.window.evaluate
    view.choose_model("colours")
    for each in (2, 3):
        run(qtbot, view, shades(tmp_path / str(each), each))
    view.show_start()
    part = view.start.kept
    qtbot.waitUntil(lambda: part.list.count() == 2, timeout=WAIT)
    assert not part.delete_button.isEnabled() and not view.can_undo()
    assert "Choose some" in part.delete_button.toolTip() and "Choose one" in part.open_button.toolTip()
    part.list.setCurrentRow(0)
    assert part.delete_button.isEnabled() and not part.delete_button.toolTip() and not part.open_button.toolTip()
    part.list.setFocus()
    qtbot.keyClick(part.list, Qt.Key.Key_Delete)
    qtbot.waitUntil(lambda: part.list.count() == 1, timeout=WAIT)
    assert len(EvaluationStore().entries()) == 1 and view.can_undo()
    part.list.setCurrentRow(0)
    qtbot.mouseClick(part.delete_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: part.list.count() == 0, timeout=WAIT)
    assert part.isVisible()  # it still offers to take that back
    shell.window.undo()
    shell.window.undo()
    qtbot.waitUntil(lambda: part.list.count() == 2, timeout=WAIT)
    assert not view.can_undo() and len(EvaluationStore().entries()) == 2
    part.list.setCurrentRow(1)
    qtbot.mouseClick(part.open_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: view.pages.currentWidget() is view.results, timeout=WAIT)


def test_classes_that_are_no_labels_are_asked_for(qtbot: Any, view: EvaluateView, tmp_path: Path) -> None:
    folder = tmp_path / "odd"
    for number in range(3):
        paint(folder / "rouge" / f"{number}.png", "red")
        paint(folder / "bleu" / f"{number}.png", "blue")
    open_data(qtbot, view, folder)
    assert not view.start.setup.start.isEnabled()
    trouble = view.obstacle()
    assert trouble is not None and trouble.kind == "labels-differ"
    view.choosing.ask_mapping()
    view.choosing.mapping_dialog.choose("rouge", "red")
    view.choosing.mapping_dialog.choose("bleu", "blue")
    view.choosing.mapping_dialog.accept()
    assert view.start.setup.start.isEnabled()
    view.begin()
    qtbot.waitUntil(lambda: view.state.result is not None, timeout=WAIT)
    assert view.state.figures is not None and view.state.figures.accuracy.value == 1.0
    view.show_start()
    held = EvaluationStore()
    asked = ("bleu", "rouge")
    qtbot.waitUntil(lambda: held.recall_mapping("colours", asked) == {"bleu": "blue", "rouge": "red"}, timeout=WAIT)


def test_splits_must_be_chosen_and_problems_are_told(qtbot: Any, view: EvaluateView, tmp_path: Path) -> None:
    folder = tmp_path / "split"
    for split in ("train", "val"):
        for name in ("red", "green", "blue"):
            paint(folder / split / name / "a.png", name)
    (folder / "val" / "empty").mkdir()
    open_data(qtbot, view, folder)
    setup = view.start.setup
    assert setup.splits.currentData() is None and not setup.start.isEnabled()
    setup.split_chosen.emit("train")
    qtbot.waitUntil(lambda: not view.choosing.opener.busy and view.data is not None, timeout=WAIT)
    assert view.data is not None and view.data.split == "train" and setup.start.isEnabled()
    open_data(qtbot, view, tmp_path / "nowhere")
    assert setup.failure.isVisibleTo(setup) and not setup.start.isEnabled()
    (tmp_path / "bare").mkdir()
    open_data(qtbot, view, tmp_path / "bare")
    assert setup.failure.isVisibleTo(setup)


def test_dropped_folder_is_opened_where_it_is_dropped(
    qtbot: Any, shell: Shell, view: EvaluateView, tmp_path: Path
) -> None:
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(shades(tmp_path / "shades")))])
    button, none = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    shell.window.dropEvent(QDropEvent(QPointF(300, 300), Qt.DropAction.CopyAction, mime, button, none))
    qtbot.waitUntil(lambda: view.data is not None, timeout=WAIT)
    assert shell.window.host.in_evaluate and not shell.window.classify.session.items


def test_selection_is_exported_as_list_and_copies(qtbot: Any, view: EvaluateView, tmp_path: Path) -> None:
    folder = shades(tmp_path / "shades")
    run(qtbot, view, folder)
    view.exports._rows = view.results.gallery.model.order
    target = tmp_path / "list.csv"
    with qtbot.waitSignal(view.exports.ended, timeout=WAIT):
        view.exports.save_list(str(target))
    rows = list(csv.DictReader(target.open(encoding="utf-8-sig")))
    assert [row["name"] for row in rows] == ["blue/really red.png"]
    assert rows[0]["truth"] == "blue" and rows[0]["answer"] == "red" and str(tmp_path) not in target.read_text()
    for _ in range(2):
        with qtbot.waitSignal(view.exports.ended, timeout=WAIT):
            view.exports.copy_pictures(str(tmp_path))
    copies = sorted(path for path in tmp_path.rglob("really red.png") if "selected" in str(path))
    assert len(copies) == 2 and copies[0].read_bytes() == (folder / "blue" / "really red.png").read_bytes()


@pytest.mark.parametrize("running", [False, True])
def test_a_list_shows_no_patients_name(qtbot: Any, view: EvaluateView, tmp_path: Path, running: bool) -> None:
    folder = shades(tmp_path / "shades")
    scan_of(folder / "red" / "Doe_1.jpg", "Doe^John", bare=True)
    run(qtbot, view, folder)
    result = view.state.result
    assert result is not None and result.data.private == ("red/Doe_1.jpg",)
    view.results.gallery.choose(GalleryChoice("all"))
    view.exports._rows = view.results.gallery.model.order
    if running:  # its names are not known yet
        view.state.result = None
    target = tmp_path / "list.csv"
    with qtbot.waitSignal(view.exports.ended, timeout=WAIT):
        view.exports.save_list(str(target))
    view.state.result = result
    text = target.read_text(encoding="utf-8-sig")
    assert "Doe" not in text and "picture 1" in text and "red/0.png" in text


def test_reports_are_written_without_holding_up_the_window(qtbot: Any, view: EvaluateView, tmp_path: Path) -> None:
    run(qtbot, view, shades(tmp_path / "shades"))
    tab = view.results.open_tab("report")
    for suffix in (".html", ".csv", ".json"):
        target = tmp_path / f"report{suffix}"
        with qtbot.waitSignal(view.exports.ended, timeout=WAIT) as ended:
            view.exports.save(str(target))
            assert not tab.buttons[suffix].isEnabled()  # type: ignore[attr-defined]
        assert ended.args[1] and target.stat().st_size > 100
        assert str(tmp_path) not in target.read_text(encoding="utf-8")
    with qtbot.waitSignal(view.exports.ended, timeout=WAIT) as ended:
        view.exports.save(str(tmp_path / "nowhere" / "report.json"))
    assert not ended.args[1]


def test_a_picture_opens_large_and_arrows_go_on(qtbot: Any, view: EvaluateView, tmp_path: Path) -> None:
    run(qtbot, view, shades(tmp_path / "shades"))
    gallery = view.results.gallery
    gallery.choose(GalleryChoice("all"))
    gallery.view.setCurrentIndex(gallery.model.index(0, 0))
    gallery.view.setFocus()
    qtbot.keyClick(gallery.view, Qt.Key.Key_Return)
    large = view.large
    qtbot.waitUntil(lambda: large.picture.has_image and large.prepared.image is not None, timeout=WAIT)
    assert large.row == gallery.model.row_at(0)
    qtbot.keyClick(large, Qt.Key.Key_Right)
    assert large.row == gallery.model.row_at(1)
    qtbot.waitUntil(lambda: large.picture.has_image and large.prepared.image is not None, timeout=WAIT)
    large.accept()
    assert gallery.view.currentIndex().row() == 1


def test_every_control_has_a_name(qtbot: Any, view: EvaluateView, tmp_path: Path) -> None:
    run(qtbot, view, shades(tmp_path / "shades"))
    for tab in ("calibration", "classes", "compare", "here", "report", "data", "pictures"):
        view.results.open_tab(tab)
    kinds = (QAbstractButton, QLineEdit, QComboBox, QSlider)
    for kind in kinds:
        for widget in view.findChildren(kind):
            parent = widget.parent()  # parts that Qt itself puts into its widgets
            inner = isinstance(parent, (QLineEdit, QTabBar)) or parent is view.results.matrix.table
            inner = inner or widget.objectName().startswith("qt_")
            text = widget.text() if isinstance(widget, QAbstractButton) else ""
            assert inner or widget.accessibleName() or text, widget


def test_two_models_are_compared(qtbot: Any, view: EvaluateView, tmp_path: Path) -> None:
    run(qtbot, view, shades(tmp_path / "shades"))
    tab: Any = view.results.open_tab("compare")
    assert tab.models.count() == 0 and not tab.start.isEnabled()  # a model of another kind is not offered
    assert "No other model" in tab.start.toolTip()
    view.service.remember_mapping("xray", ("red", "green", "blue"), {"red": "other", "green": "normal", "blue": "ill"})
    store = EvaluationStore()
    qtbot.waitUntil(lambda: store.recall_mapping("xray", ("red", "green", "blue")) is not None, timeout=WAIT)
    view.catalog.changed.emit()
    assert [tab.models.itemData(i) for i in range(tab.models.count())] == ["xray"]
    tab.begin()
    qtbot.waitUntil(lambda: view.compared is not None, timeout=WAIT)
    paired = view.compared[2]
    assert len(paired.a) == 16 and tab.only_first.isEnabled()
    assert "of the 16 pictures that both" in tab._difference.text()
    first = view.state.result
    assert first is not None
    fewer = view.compared[0].take(np.flatnonzero(first.right))  # on these the first model is always right
    tab._pair(fewer, figures(fewer))
    qtbot.waitUntil(lambda: len(view.compared[2].a) == 15, timeout=WAIT)
    assert tab.model.cell(0, 1).text == "15 of 15"  # under 20 there is no percentage
    assert "of the 15 pictures that both" in tab._difference.text()
    paired = view.compared[2]
    tab._show_first()
    assert view.results.gallery.choice.mode == "only"
    assert len(names(view)) == len(paired.only_a)
    assert np.all(view.results.gallery.model.order >= 0)


def test_the_command_draws_the_view(colours_store: Any, tmp_path: Path) -> None:
    from desktop.cli import offscreen

    folder, out = shades(tmp_path / "shades", 2), tmp_path / "view.png"
    offscreen.capture_evaluation(str(folder), "colours", (1280, 720), "dark", out, tab="classes", timeout_s=60)
    assert out.stat().st_size > 10_000
