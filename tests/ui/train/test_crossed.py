"""What a cross-validation took for what, from the training's page to the pictures in Evaluate."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt

from desktop.core.figures.store import EvaluationStore
from desktop.core.types import CROSSED
from desktop.services.answers import GalleryChoice
from desktop.store.manifest import Metric
from desktop.store.runs import RunStore
from desktop.store.store import ModelStore
from desktop.ui.evaluate.view import EvaluateView
from desktop.ui.shell.app import Shell
from desktop.ui.train.view import TrainView
from tests.core.figures.makers import shades
from tests.engine.jobs import run_with
from tests.patience import WAIT
from tests.store.makers import add_colours

pytestmark = pytest.mark.usefixtures("obedient_job")


@pytest.fixture
def shades_of(tmp_path: Path) -> Path:
    """Pictures of three classes, of which one lies in the wrong folder."""
    return shades(tmp_path / "shades")


def trained(qtbot: Any, shell: Shell, kept: bool, folder: Path) -> TrainView:
    """A training has made the model 'mine' by cross-validation; what that said of the pictures is ``kept``, or not."""
    figure = Metric("accuracy", 0.9375, "shades", CROSSED, 16, 0.72, 0.99)
    add_colours(ModelStore(), id="mine", name="Mine", metrics=(figure,))
    window = shell.window
    shell.catalog.refresh()
    qtbot.waitUntil(lambda: shell.catalog.entry("mine") is not None, timeout=WAIT)
    if kept:
        window.host.show_evaluate()
        window.evaluate.choose_model("mine")
        window.evaluate.open_path(str(folder))
        qtbot.waitUntil(lambda: not window.evaluate.choosing.opener.busy, timeout=WAIT)
        window.evaluate.begin()
        qtbot.waitUntil(lambda: window.evaluate.state.result is not None, timeout=WAIT)
        result = window.evaluate.state.result
        assert result is not None
        EvaluationStore().save(replace(result, skipped=(), data=replace(result.data, split=CROSSED)))
        window.evaluate.show_start()
    window.show_view("train")
    view = window.shown
    assert isinstance(view, TrainView)
    run = run_with(RunStore(), "crossed mine", name="Mine")
    view.take_up(RunStore().get(run.name))
    job = view.service.job(run.name)
    qtbot.waitUntil(lambda: job is not None and job.state == "done", timeout=WAIT)
    return view


def ask(qtbot: Any, view: TrainView) -> None:
    button = view.jobs.page.errors
    qtbot.waitUntil(button.isVisible, timeout=WAIT)
    assert button.text() == "See its mistakes" and "did not learn from it" in button.toolTip()
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def test_the_mistakes_of_a_cross_validation_are_one_click_away(qtbot: Any, shell: Shell, shades_of: Path) -> None:
    ask(qtbot, trained(qtbot, shell, True, shades_of))
    view = shell.window.evaluate
    assert isinstance(view, EvaluateView)
    qtbot.waitUntil(lambda: view.pages.currentWidget() is view.results, timeout=WAIT)
    assert shell.window.host.in_evaluate
    result = view.state.result
    assert result is not None and result.data.crossed and len(result) == 16
    # It says what it is, above the figures; what compares a model or its card is not offered.
    assert view.results.how.isVisible() and "did not learn from it" in view.results.how.text()
    tabs = view.results.tabs
    shown = {tabs.tabText(place) for place in range(tabs.count()) if tabs.isTabVisible(place)}
    assert "Mistakes" in shown and "Report" in shown and not {"Compare", "Does it work here?"} & shown
    gallery = view.results.gallery.model
    assert [gallery.facts(gallery.row_at(0))[0]] == ["blue/really red.png"] and gallery.rowCount() == 1
    qtbot.waitUntil(lambda: view.state.data is not None, timeout=WAIT)  # its pictures are found again
    # What is said of a label is remembered, as of any evaluation.
    view.results.gallery.choose(GalleryChoice("all"))
    view.results.gallery.view.setCurrentIndex(gallery.index(0, 0))
    view.results.gallery.view.setFocus()
    qtbot.keyClick(view.results.gallery.view, Qt.Key.Key_Minus)
    qtbot.waitUntil(lambda: "wrong" in EvaluationStore().judgements(result.data.fingerprint).values(), timeout=WAIT)
    # The model's own evaluation of the same pictures is another one, and both are listed.
    view.show_start()
    qtbot.waitUntil(lambda: view.start.kept.list.count() == 2, timeout=WAIT)
    texts = [view.start.kept.list.item(place).text() for place in range(2)]
    assert sum("by cross-validation" in text for text in texts) == 1
    kept, wrapped = view.start.kept.list, int(Qt.TextFlag.TextWordWrap)
    for item in (kept.item(place) for place in range(2)):  # each stands whole, with its figure and its date
        room = kept.visualItemRect(item)
        needed = kept.fontMetrics().boundingRect(0, 0, room.width() - 18, 10_000, wrapped, item.text())
        assert needed.height() <= room.height(), item.text()
    view.open_path(str(shades_of))
    qtbot.waitUntil(lambda: not view.choosing.opener.busy, timeout=WAIT)
    view.begin()
    qtbot.waitUntil(lambda: view.state.result is not None and not view.state.result.data.crossed, timeout=WAIT)
    assert not view.results.how.isVisible() and tabs.isTabVisible(view.results._order.index("compare"))


def test_where_nothing_is_kept_of_it_that_is_said(qtbot: Any, shell: Shell, shades_of: Path) -> None:
    view = trained(qtbot, shell, False, shades_of)
    with qtbot.waitSignal(view.said, timeout=WAIT) as told:
        ask(qtbot, view)
    assert "measured by cross-validation" in told.args[0] and not shell.window.host.in_evaluate
