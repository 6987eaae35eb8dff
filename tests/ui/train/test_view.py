"""The Train view in the real window, with real processes that do as they are told."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from PySide6.QtCore import Qt

from desktop.ml.plans.events import EpochDone
from desktop.ml.plans.search_results import SearchResult, TrialResult, folder, stem
from desktop.ml.plans.search_space import Choices
from desktop.services.catalog import ModelCatalog
from desktop.services.searching import Order
from desktop.services.settings import Settings
from desktop.services.training_job import TrainingCurves, TrainingJob
from desktop.store.runs import HISTORY, RunStore
from desktop.ui.shell.app import build_window
from desktop.ui.shell.main_window import MainWindow
from desktop.ui.train.plan_dialog import PlanDialog
from desktop.ui.train.view import TrainView
from tests.engine.jobs import plan, run_with
from tests.patience import WAIT, patient
from tests.services.test_searching import pets_plan

pytestmark = pytest.mark.usefixtures("obedient_job")


@pytest.fixture
def window(qtbot: Any, qapp: Any, fovea_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The window without its engines, which nothing here asks."""
    from desktop import paths

    monkeypatch.setattr(paths, "bundled_models", lambda: tmp_path / "bundled")
    catalog = ModelCatalog()
    held = MainWindow(Settings(), catalog)
    qtbot.addWidget(held)
    held.show()
    yield held
    held.classify.close_down()
    held.host.close_later()
    catalog.stop()
    held.settings.flush()


@pytest.fixture
def view(window: MainWindow) -> TrainView:
    window.show_view("train")
    shown = window.shown
    assert isinstance(shown, TrainView)
    return shown


def begin(view: TrainView, *orders: str, name: str = "A run") -> TrainingJob:
    store = RunStore()
    folder = run_with(store, *orders, name=name)
    view.take_up(store.get(folder.name))
    job = view.service.job(folder.name)
    assert job is not None
    return job


def test_the_empty_view_says_what_to_do(qtbot: Any, view: TrainView) -> None:
    assert view.jobs.parts.currentWidget() is view.jobs.empty
    assert view.jobs.empty.button.isVisible() and view.jobs.page.curves.loss._canvas is None
    qtbot.mouseClick(view.jobs.empty.button, Qt.MouseButton.LeftButton)
    assert view.starter.dialog is not None and view.starter.dialog.isVisible()
    view.starter.dialog.reject()


def test_no_empty_part_is_a_dead_end(qtbot: Any, view: TrainView) -> None:
    view.show_runs()
    qtbot.waitUntil(lambda: not view.service.disk_work.busy, timeout=WAIT)
    for tab, button in ((view.runs, view.runs.way_on), (view.searches, view.searches.training)):
        view.tabs.setCurrentWidget(tab)
        qtbot.waitUntil(lambda: not view.service.disk_work.busy, timeout=WAIT)
        qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
        assert view.starter.dialog is not None and view.starter.dialog.isVisible()
        view.starter.dialog.reject()
        view.starter.dialog = None
    RunStore().create(plan(), "apples")
    view.show_runs()
    qtbot.waitUntil(lambda: len(view.runs.runs) == 1, timeout=WAIT)
    view.runs.filter.setText("pears")
    assert view.runs.parts.currentWidget() is not view.runs.table
    qtbot.mouseClick(view.runs.way_on, Qt.MouseButton.LeftButton)
    assert view.runs.parts.currentWidget() is view.runs.table and not view.runs.filter.text()


def test_curves_facts_and_ring_follow_a_training(qtbot: Any, window: MainWindow, view: TrainView) -> None:
    job = begin(view, "slow", "epochs 30")
    page = view.jobs.page
    qtbot.waitUntil(lambda: job.epochs_done >= 2 and page.curves.model.rowCount() >= 2, timeout=WAIT)
    qtbot.waitUntil(lambda: page.curves.loss.settled and page.curves.accuracy.settled, timeout=WAIT)
    assert page.job is job and "Epoch" in page.state.text()
    assert page.facts.text("device").startswith("CPU (a test)") and page.facts.text("memory") == "1 MB"
    assert page.facts.text("speed") == "100 images/s" and page.facts.text("rate") == "0.01"
    frame, series = page.curves.content("loss", "Loss")
    assert frame.x_to in (10, 20, 30) and [one.name.split()[0] for one in series] == ["training", "validation"]
    assert series[1].width > series[0].width and series[1].mark == job.curves.best
    train = window.rail._views["train"]
    assert "% done" in train.accessibleDescription()
    page.curves._ways.buttons()[1].click()
    frame, series = page.curves.content("loss", "Loss")
    assert series[0].x[0] < 1 <= series[1].x[0] and window.settings.get("train_by") == "batch"
    page.pause.click()
    qtbot.waitUntil(lambda: job.state == "paused", timeout=WAIT)
    assert page.pause.text() == "Go on" and not page.finish.isHidden()
    page.pause.click()
    page.finish.click()
    qtbot.waitUntil(lambda: job.state == "done", timeout=WAIT)
    assert page.use.isVisible() and page.card.isVisible() and not page.pause.isVisible()
    qtbot.waitUntil(lambda: "% done" not in train.accessibleDescription(), timeout=WAIT)


@pytest.mark.parametrize("discard", [False, True])
def test_cancelling_asks_what_becomes_of_the_run(qtbot: Any, view: TrainView, discard: bool) -> None:
    job = begin(view, "slow", "epochs 1000")
    qtbot.waitUntil(lambda: job.epochs_done >= 1, timeout=WAIT)
    view.jobs.page.cancel.click()
    assert view.question.isVisible() and job.state == "training"
    (view.question.discard_button if discard else view.question.keep_button).click()
    qtbot.waitUntil(lambda: not view.service.running and not view.service.disk_work.busy, timeout=WAIT)
    runs = RunStore().list()
    if not discard:
        assert [run.state for run in runs] == ["stopped"] and view.jobs.page.go_on.isVisible()
        return
    qtbot.waitUntil(lambda: view.can_undo(), timeout=WAIT)
    assert RunStore().list() == []
    view.undo()
    qtbot.waitUntil(lambda: len(view.runs.runs) == 1, timeout=WAIT)


def test_closing_asks_and_keeps_a_checkpoint_for_the_next_start(
    qtbot: Any, window: MainWindow, view: TrainView
) -> None:
    job = begin(view, "slow", "epochs 1000")
    qtbot.waitUntil(lambda: job.epochs_done >= 1, timeout=WAIT)
    window.close()
    assert window.isVisible() and view.question.isVisible()
    view.question.escapeButton().click()
    assert window.isVisible() and job.active
    window.close()
    view.question.later_button.click()
    assert not window.isVisible()
    store = RunStore()
    qtbot.waitUntil(lambda: store.get(job.id).state == "interrupted", timeout=WAIT)
    again = build_window(Settings(), mode="light")
    qtbot.addWidget(again.window)
    try:
        again.window.show()
        # It was asked when closing: now it goes on by itself, and every part of the view shows the same.
        qtbot.waitUntil(lambda: "goes on where it was" in again.window.messages.text, timeout=WAIT)
        assert again.window.messages.level == "done"
        later = again.window.later("train")
        assert isinstance(later, TrainView)
        left = later.service.job(job.id)
        assert left is not None and left.active and left.epochs_done >= 1
        again.window.show_view("train")
        qtbot.waitUntil(
            lambda: (held := later.service.job(job.id)) is not None and held.started is not None, timeout=WAIT
        )
        held = later.service.job(job.id)
        assert held is not None and held.started is not None and held.started.epoch >= 1
        qtbot.waitUntil(lambda: held.curves.done > held.started.epoch, timeout=WAIT)
        qtbot.waitUntil(lambda: held.curves.epochs["epoch"][0] == 1, timeout=WAIT)  # the curves of before are there
        page = later.jobs.page
        qtbot.waitUntil(lambda: page.curves.model.rowCount() >= held.started.epoch + 1, timeout=WAIT)
        assert not page.failure.isVisible() and not page.go_on.isVisible()
        assert Settings().get("train_resume") == []
    finally:
        again.close_down()


def test_what_was_cut_off_unasked_is_asked_about_once(qtbot: Any, view: TrainView) -> None:
    """The computer went down in a training: its record says that it runs, and nobody does."""
    from desktop.store.run_files import read_curve

    job = begin(view, "slow", "epochs 1000")
    qtbot.waitUntil(lambda: job.epochs_done >= 2, timeout=WAIT)
    view.service.stop()
    store = RunStore()
    store.update(job.id, state="running", message="", epochs=1000)
    again = build_window(Settings(), mode="light")
    qtbot.addWidget(again.window)
    try:
        again.window.show()
        later = again.window.later("train")
        assert isinstance(later, TrainView)
        qtbot.waitUntil(lambda: hasattr(later, "left") and later.left.isVisible(), timeout=WAIT)
        done = store.get(job.id).epochs_done
        assert f"{done} of 1000 epochs" in later.left.informativeText()
        qtbot.waitUntil(lambda: later.service.job(job.id) is not None, timeout=WAIT)
        left = later.service.job(job.id)
        assert left is not None and left.can_continue and left.epochs_done == done
        # Read while another view was shown: list, words, table and plots have the same epochs when it is looked at.
        qtbot.waitUntil(lambda: left.curves.done == done, timeout=WAIT)
        again.window.show_view("train")
        page = later.jobs.page
        qtbot.waitUntil(lambda: page.curves.model.rowCount() == done, timeout=WAIT)
        assert f"after {done} of 1000" in page.state.text() and page.go_on.text() == f"Go on from epoch {done + 1}"
        frames = [page.curves.content(kind, kind)[1][-1] for kind in ("loss", "accuracy")]
        assert [len(series.x) for series in frames] == [done, done]
        later.left.go_button.click()
        qtbot.waitUntil(lambda: (held := later.service.job(job.id)) is not None and held.active, timeout=WAIT)
        assert read_curve(store.folder(job.id) / "history.csv")
    finally:
        again.close_down()


def test_a_search_is_asked_about_and_goes_on_at_the_next_start(
    qtbot: Any, window: MainWindow, view: TrainView, tmp_path: Path
) -> None:
    """Of pictures that are not there: its process is at work for as long as it takes to find that out."""
    order = Order("pets", pets_plan(tmp_path / "nowhere"), (Choices("fit.batch", ("8", "16")),), 2, True)
    view.searches.begin(order)
    window.close()
    question = view.closer.question
    assert window.isVisible() and question is not None and "pets" in question.text()
    question.escapeButton().click()
    assert window.isVisible() and view.searches.searching.running and Settings().get("search_resume") == ""
    window.close()
    assert view.closer.question is not None
    view.closer.question.defaultButton().click()
    assert not window.isVisible()
    again = build_window(Settings(), mode="light")
    qtbot.addWidget(again.window)
    try:
        again.window.show()
        qtbot.waitUntil(lambda: "goes on where it was" in again.window.messages.text, timeout=WAIT)
        later = again.window.later("train")
        assert isinstance(later, TrainView) and later.searches.searching.running
        assert again.window.settings.get("search_resume") == "" and later.searches.searching.order is not None
        assert later.searches.searching.order.name == "pets"
    finally:
        again.close_down()


def test_a_trial_that_was_cut_off_goes_on_with_its_search_only(qtbot: Any, view: TrainView, tmp_path: Path) -> None:
    Order("pets", pets_plan(tmp_path), (Choices("fit.batch", ("8", "16")),), 2, True).save()
    record = RunStore().create(plan(), "pets #0", parent="search pets")
    view.offer_left([record])
    question = view.closer.question
    assert question is not None and "“pets” was cut off" in question.text() and not hasattr(view, "left")
    assert view.service.job(record.id) is None, "no training of its own"
    question.escapeButton().click()
    assert not view.searches.searching.running


def test_both_plots_and_the_table_show_one_state(qtbot: Any, view: TrainView) -> None:
    """The second plot is drawn a moment after the first: what comes between is in none of them."""
    pane = view.jobs.page.curves
    curves = TrainingCurves()

    def grow() -> None:
        number = curves.done
        curves.add_epoch(EpochDone(number, 30, 0.5, 0.8, 0.6, 0.7, 0.001, 1.0, best=True, left_s=10.0))

    for _ in range(4):
        grow()
    pane.set_curves(curves, 30)
    for _ in range(4):
        grow()
    drawn: dict[str, int] = {}
    for name in ("loss", "accuracy"):
        plot = getattr(pane, name)
        plot.set_content = lambda frame, series, said, name=name: drawn.update({name: len(series[-1].x)})
    pane._draw_loss()
    grow()
    pane._draw_accuracy()
    assert drawn == {"loss": 8, "accuracy": 8} and pane.model.rowCount() == 8


def test_closing_after_the_epoch_waits_for_the_model(qtbot: Any, window: MainWindow, view: TrainView) -> None:
    job = begin(view, "slow", "epochs 1000")
    waiting = begin(view, "epochs 2", name="waiting")
    qtbot.waitUntil(lambda: job.epochs_done >= 1, timeout=WAIT)
    window.close()
    view.question.finish_button.click()
    assert window.isVisible()
    qtbot.waitUntil(lambda: not window.isVisible(), timeout=WAIT)
    store = RunStore()
    assert store.get(job.id).state == "done" and store.get(waiting.id).state == "queued"


def test_who_stays_after_all_has_the_queue_go_on(qtbot: Any, window: MainWindow, view: TrainView) -> None:
    job = begin(view, "slow", "epochs 1000")
    waiting = begin(view, "epochs 2", name="waiting")
    qtbot.waitUntil(lambda: job.epochs_done >= 1, timeout=WAIT)
    window.close()
    view.question.finish_button.click()
    window.close()
    view.question.escapeButton().click()
    qtbot.waitUntil(lambda: job.state == waiting.state == "done", timeout=WAIT)
    assert window.isVisible()


def test_an_answer_to_closing_holds_once(
    qtbot: Any, window: MainWindow, view: TrainView, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = begin(view, "slow", "epochs 1000")
    qtbot.waitUntil(lambda: job.epochs_done >= 1, timeout=WAIT)
    models = window.later("models")
    with monkeypatch.context() as patched:
        patched.setattr(models, "may_close", lambda: False)  # something is being installed there
        window.close()
        view.question.later_button.click()
        assert window.isVisible() and job.active
        first = view.question
    window.close()
    assert window.isVisible() and job.active and view.question is not first and view.question.isVisible()
    view.question.later_button.click()
    assert not window.isVisible()


def test_a_view_that_refuses_to_close_lets_the_queue_go_on(
    qtbot: Any, window: MainWindow, view: TrainView, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = begin(view, "slow", "epochs 1000")
    waiting = begin(view, "epochs 2", name="waiting")
    qtbot.waitUntil(lambda: job.epochs_done >= 1, timeout=WAIT)
    monkeypatch.setattr(window.later("models"), "may_close", lambda: False)
    window.close()
    view.question.finish_button.click()
    qtbot.waitUntil(lambda: job.state == waiting.state == "done", timeout=WAIT)
    assert window.isVisible()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals to kill with")
def test_a_killed_trainer_is_said_and_can_go_on(qtbot: Any, window: MainWindow, view: TrainView) -> None:
    job = begin(view, "slow", "epochs 1000")
    qtbot.waitUntil(lambda: job.epochs_done >= 1, timeout=WAIT)
    pid = view.service.trainer_pid(job.id)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    page = view.jobs.page
    qtbot.waitUntil(lambda: page.failure.isVisible(), timeout=WAIT)
    assert "SIGKILL" in page.failure.text and "checkpoint" in page.failure.text
    assert "SIGKILL" in window.messages.text
    qtbot.waitUntil(lambda: view.service.trainer_pid(job.id) is None and not view.service.disk_work.busy, timeout=WAIT)
    page.go_on.click()
    qtbot.waitUntil(lambda: view.jobs.page.job is not None and view.jobs.page.job.active, timeout=WAIT)


def test_runs_are_found_compared_and_deleted(qtbot: Any, view: TrainView) -> None:
    first = begin(view, "epochs 3", name="Ünï first")
    second = begin(view, "epochs 2", name="second")
    qtbot.waitUntil(lambda: first.state == second.state == "done", timeout=WAIT)
    store = RunStore()
    other = plan()
    third = store.create(replace(other, seed=77), "third", epochs=5, data="mnist")
    view.show_runs()
    runs = view.runs
    qtbot.waitUntil(lambda: len(runs.runs) == 3 and not view.service.disk_work.busy, timeout=WAIT)
    runs.filter.setText("ünï")
    assert [run.name for run in map(runs.model.run, range(runs.model.rowCount()))] == ["Ünï first"]
    runs.filter.setText("")
    runs.choose([first.id, third.id])
    qtbot.waitUntil(lambda: runs.plan_model.rowCount() == 1, timeout=WAIT)
    assert runs.plan_model.cell(0, 0).text == "seed"
    assert {runs.plan_model.cell(0, 1).text, runs.plan_model.cell(0, 2).text} == {"77", str(other.seed)}
    runs.choose([third.id])
    assert runs.go_on.isEnabled() and not runs.card.isEnabled()
    assert "No model" in runs.card.toolTip() and "Choose" not in runs.go_on.toolTip()  # what is grey says why
    runs.choose([])
    grey = (runs.go_on, runs.repeat, runs.card, runs.folder, runs.export, runs.delete)
    assert all(not button.isEnabled() and button.toolTip().startswith("Choose one") for button in grey)
    runs.choose([third.id])
    runs.delete.click()
    qtbot.waitUntil(lambda: len(runs.runs) == 2, timeout=WAIT)
    assert view.can_undo()
    view.undo()
    qtbot.waitUntil(lambda: len(runs.runs) == 3, timeout=WAIT)


def test_a_plan_file_starts_a_training_and_a_bad_one_says_why(
    qtbot: Any, window: MainWindow, view: TrainView, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.json"
    bad.write_text('{"schema": 2}')
    view.open_paths([str(bad)])
    qtbot.waitUntil(lambda: "missing" in window.messages.text, timeout=WAIT)
    good = tmp_path / "good.json"
    good.write_text(plan().to_json(), encoding="utf-8")
    view.open_paths([str(good)])
    qtbot.waitUntil(lambda: view.starter.dialog is not None, timeout=WAIT)
    dialog: Any = view.starter.dialog
    dialog.name.setText("My digits")
    dialog.more.setPlainText("fit.patience = often")
    dialog.accept()
    assert dialog.failure.isVisible() and "fit.patience" in dialog.failure.text
    dialog.more.setPlainText("fit.patience = 2")
    dialog.epochs.setValue(3)
    with qtbot.waitSignal(view.service.added, timeout=WAIT) as added:
        dialog.accept()
    store = RunStore()
    record = store.get(added.args[0])
    assert record.name == "My digits" and record.epochs == 3
    assert '"my-digits"' in store.plan_text(record.id) and '"patience": 2' in store.plan_text(record.id)


def test_what_is_not_touched_in_a_plan_stays_as_it_is(qtbot: Any, qapp: Any) -> None:
    held = plan()
    held = replace(held, seed=20240131, optimizer=replace(held.optimizer, rate=0.00031415926535))
    held = replace(held, fit=replace(held.fit, epochs=200_000), data=replace(held.data, source="user", path="/x/y"))
    dialog = PlanDialog(held, held.name)
    qtbot.addWidget(dialog)
    assert dialog.plan() == held and dialog.seed.value() == 20240131
    dialog.rate.setText("0,0005")
    dialog.seed.setValue(2**31 - 1)
    dialog.more.setPlainText("fit.batch = 7")
    changed = dialog.plan()
    assert (changed.optimizer.rate, changed.seed, changed.fit.batch) == (0.0005, 2**31 - 1, 7)
    assert changed.fit.epochs == 200_000 and changed.data == held.data
    dialog.data.setText("/x/others/")
    assert (dialog.plan().data.path, dialog.plan().data.title) == ("/x/others/", "others")


def test_a_run_that_has_come_to_its_figures_shows_them_whole(qtbot: Any, view: TrainView) -> None:
    RunStore().create(
        plan(), "a run with a name that is longer than the room that the table has for it at all", epochs=5
    )
    view.show_runs()
    runs = view.runs
    qtbot.waitUntil(lambda: len(runs.runs) == 1 and not view.service.disk_work.busy, timeout=WAIT)
    runs.table.setColumnWidth(2, 44)  # by the user: it stays
    runs._on_listed(
        [replace(runs.runs[0], state="done", figures={"val_accuracy": 0.971, "val_n": 69, "val_loss": 0.1})]
    )
    assert runs.model.cell(0, 5).text.endswith("n = 69)")
    assert runs.table.columnWidth(5) >= runs.table.sizeHintForColumn(5) and runs.table.columnWidth(2) == 44
    assert runs.table.textElideMode() == Qt.TextElideMode.ElideMiddle


def test_searches_show_their_trials(qtbot: Any, window: MainWindow, view: TrainView) -> None:
    import json

    from desktop.ml.plans.search_results import SearchResult, TrialResult, folder

    view.tabs.setCurrentWidget(view.searches)
    qtbot.waitUntil(lambda: not view.service.disk_work.busy, timeout=WAIT)
    assert view.searches.first.isVisible() and not view.searches.split.isVisible()
    run = RunStore().create(plan(), "pets #1")
    trials = tuple(
        TrialResult(
            number, state, {"optimizer.rate": rate, "fit.batch": "16"}, value, value, 0.4, 3, 9.0, run.id, val_n=60
        )
        for number, state, rate, value in (
            (0, "done", "0.01234567", 0.7),
            (1, "done", "0.002", 0.9),
            (2, "pruned", "0.5", 0.95),
        )
    )
    folder().mkdir(parents=True)
    (folder() / "pets.json").write_text(json.dumps(SearchResult("pets", "val_accuracy", trials, 1).to_dict()))
    (folder() / "torn.json").write_text('{"name": "to')
    view.searches.refresh()
    qtbot.waitUntil(lambda: bool(view.searches.found), timeout=WAIT)
    tab = view.searches
    assert tab.list.item(0).text().startswith("pets\n3 trials, ") and tab.facts.text().startswith("3 trials. ")
    assert [result.name for result in tab.found] == ["pets"] and tab.list.item(0).text().endswith("best 90.0 %, n = 60")
    cells = [[tab.model.cell(row, column).text for column in (0, 1, 2, 3)] for row in range(3)]
    assert cells == [
        ["0", "Done", "70.0 %  (57.5 to 80.1 %, n = 60)", "0.0123"],
        ["1 – best", "Done", "90.0 %  (79.9 to 95.3 %, n = 60)", "0.002"],
        ["2", "Stopped early", "–", "0.5"],
    ]
    assert tab.table.columnWidth(2) >= tab.table.sizeHintForColumn(2)
    tab.table.sortByColumn(2, Qt.SortOrder.DescendingOrder)
    tab.plot.chosen.emit(0)
    assert tab.model.cell(tab.table.currentIndex().row(), 0).text == "0" and tab.plot._marked == 0
    assert tab.make.isEnabled() and not tab.make.toolTip()
    tab.run.click()
    assert view.tabs.currentWidget() is view.runs
    qtbot.waitUntil(lambda: [held.id for held in view.runs.chosen()] == [run.id], timeout=WAIT)
    (folder() / "pets.json").write_text(json.dumps(SearchResult("pets", "val_accuracy", trials[:1], 0).to_dict()))
    tab.refresh()
    qtbot.waitUntil(lambda: len(tab.found[0].trials) == 1, timeout=WAIT)
    assert tab.list.item(0).text().startswith("pets\n1 trial, ") and tab.facts.text().startswith("1 trial. ")
    elsewhere = replace(trials[0], run="20260101-000000-other-computer")
    (folder() / "pets.json").write_text(json.dumps(SearchResult("pets", "val_accuracy", (elsewhere,), 0).to_dict()))
    tab.refresh()
    qtbot.waitUntil(lambda: tab.found[0].trials == (elsewhere,), timeout=WAIT)
    tab.table.selectRow(0)
    for button in (tab.make, tab.run):
        assert not button.isEnabled() and "not on this computer" in button.toolTip()


def test_a_failure_is_told_where_it_happened(qtbot: Any, window: MainWindow, view: TrainView) -> None:
    job = begin(view, "epochs 2", "refuse")
    qtbot.waitUntil(lambda: job.state == "failed" and view.jobs.page.failure.isVisible(), timeout=WAIT)
    page = view.jobs.page
    assert "no longer a number" in page.failure.text and "learning rate" in page.failure.text
    assert page.go_on.isVisible()
    qtbot.waitUntil(lambda: page.curves.model.rowCount() == 2, timeout=WAIT)
    assert "no longer a number" in window.messages.text


def test_curves_are_saved_as_table_and_picture(qtbot: Any, view: TrainView, tmp_path: Path) -> None:
    job = begin(view, "epochs 3", name="=cmd")
    qtbot.waitUntil(lambda: job.state == "done", timeout=WAIT)
    view.exports._run_id = job.id
    with qtbot.waitSignal(view.exports.told, timeout=WAIT):
        view.exports.save(str(tmp_path / "curves.csv"))
    lines = (tmp_path / "curves.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("run,epoch,loss") and len(lines) == 4 and lines[1].startswith("'=cmd,1,1,")
    with qtbot.waitSignal(view.exports.told, timeout=WAIT):
        view.exports.save(str(tmp_path / "curves.png"))
    with Image.open(tmp_path / "curves.png") as picture:
        assert picture.width > 1000
    with qtbot.waitSignal(view.exports.said, timeout=WAIT) as said:
        view.exports.save(str(tmp_path / "nowhere" / "deep" / "curves.png"))
    assert "not saved" in said.args[0] and str(tmp_path) not in said.args[0]


def test_all_chosen_runs_are_saved_also_those_that_are_not_drawn(qtbot: Any, view: TrainView, tmp_path: Path) -> None:
    store = RunStore()
    head = "epoch,loss,accuracy,val_loss,val_accuracy,rate,seconds\n"
    for number in range(10):
        record = store.create(plan(), f"run {number}", epochs=2)
        (store.folder(record.id) / HISTORY).write_text(head + "".join(f"{e},1,0.5,1,0.5,0.1,2\n" for e in (1, 2)))
        store.update(record.id, state="done", epochs_done=2)
    untrained = store.create(plan(), "untrained", epochs=2)
    view.show_runs()
    qtbot.waitUntil(lambda: len(view.runs.runs) == 11, timeout=WAIT)
    view.runs.choose([run.id for run in view.runs.runs])
    qtbot.waitUntil(lambda: not view.service.disk_work.busy, timeout=WAIT)
    assert len(view.runs.curves) == 8 and untrained.id in {run.id for run in view.runs.chosen()}
    drawn = sum(curves.done > 0 for curves in view.runs.curves.values())
    with qtbot.waitSignal(view.exports.told, timeout=WAIT) as said:
        view.exports.save(str(tmp_path / "curves.csv"))
    names = {line.split(",")[0] for line in (tmp_path / "curves.csv").read_text(encoding="utf-8").splitlines()[1:]}
    assert names == {f"run {number}" for number in range(10)} and said.args[0].endswith("saved as curves.csv.")
    with qtbot.waitSignal(view.exports.said, timeout=WAIT) as said:
        view.exports.save(str(tmp_path / "curves.png"))
    assert f"{drawn} of 10 runs were saved" in said.args[0]


@pytest.mark.slow
def test_the_view_is_drawn_without_a_display(fovea_home: Path, tmp_path: Path) -> None:
    out = tmp_path / "train.png"
    root = Path(__file__).resolve().parents[3]
    command = [sys.executable, "-m", "desktop", "screenshot", "--view", "train", "--out", str(out)]
    drawn = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=patient(100))
    assert drawn.returncode == 0, drawn.stderr
    with Image.open(out) as picture:
        assert picture.size == (1280, 720)
    missing = subprocess.run(
        [*command, "--run", "nothing"], cwd=root, capture_output=True, text=True, timeout=patient(100)
    )
    assert missing.returncode == 1 and "there is no run 'nothing'" in missing.stderr


def test_grey_buttons_of_a_search_say_why(qtbot: Any, view: TrainView) -> None:
    """A search whose trials have not ended, and trials whose runs are elsewhere."""
    trial = TrialResult(0, "pruned", {"fit.batch": "8"}, None, 0.5, 1.0, 1, 2.0, "elsewhere")
    folder().mkdir(parents=True, exist_ok=True)
    kept = SearchResult("pets", "val_accuracy", (trial,), None)
    (folder() / f"{stem('pets')}.json").write_text(json.dumps(kept.to_dict()), encoding="utf-8")
    view.tabs.setCurrentWidget(view.searches)
    view.searches.refresh()
    qtbot.waitUntil(lambda: bool(view.searches.found), timeout=WAIT)
    tab = view.searches
    assert not tab.make.isEnabled() and tab.make.toolTip() == "No trial has come to its end yet."
    assert not tab.run.isEnabled() and tab.run.toolTip() == "Choose a trial in the table first."
    tab.table.selectRow(0)
    assert not tab.run.isEnabled() and "not on this computer" in tab.run.toolTip()
