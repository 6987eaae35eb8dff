"""The window at 1024×700 with something in it: figures, words and lists have the room that they need."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QRect
from PySide6.QtWidgets import QComboBox, QScrollArea, QVBoxLayout, QWidget

from desktop.core.types import ImageSource
from desktop.ui.classify.results_columns import COLUMNS
from desktop.ui.kit.flow import FlowLayout
from desktop.ui.shell.app import Shell
from desktop.ui.train.job_page import JobPage
from desktop.ui.train.wizard.findings_page import FindingCard
from desktop.ui.widgets.probability_bars import ProbabilityBars
from tests.patience import WAIT
from tests.studies import write_series
from tests.ui.conftest import write_image
from tests.ui.layout import faults


def settled(qtbot: Any, shell: Shell, size: tuple[int, int] = (1024, 700)) -> None:
    shell.window.resize(*size)
    for _ in range(3):  # heights that follow from widths need a second turn
        qtbot.wait(1)


def test_classify_with_a_series_and_a_table(qtbot: Any, shell: Shell, tmp_path: Path) -> None:
    files = write_series(tmp_path / "ct", 4, leave_out=[2])
    files[1].write_bytes(files[1].read_bytes()[:-500])
    write_image(tmp_path / "ct" / "a-rather-long-name-of-a-picture-that-was-exported.png", "red", (4032, 3024))
    view = shell.window.classify
    shell.window.open_paths([str(tmp_path / "ct")])
    qtbot.waitUntil(lambda: len(view.session.items) == 2 and view.job.done == 2, timeout=WAIT)
    view.session.set_current(view.session.items[1])
    view.picture.frames.every.click()
    qtbot.waitUntil(lambda: view.job.done == 4 and not view.job.running, timeout=WAIT)
    qtbot.waitUntil(lambda: view.session.prediction is not None and view.picture.frames.isVisible(), timeout=WAIT)
    settled(qtbot, shell)
    assert faults(view) == []
    grid = view.results.table._table
    model = view.results.table.model
    head = grid.horizontalHeader()
    for place, column in enumerate(COLUMNS):
        if not column.right or grid.isColumnHidden(place):
            continue  # names and words may be shortened; figures may not
        for row in range(model.rowCount()):
            text = model.cell(row, place)[0]
            assert grid.fontMetrics().horizontalAdvance(text) <= grid.columnWidth(place) - 16, (column.name, text)
        assert head.sectionSizeHint(place) <= grid.columnWidth(place), column.name


def test_progress_does_not_push_its_neighbours_about(qtbot: Any, shell: Shell, tmp_path: Path) -> None:
    for number in range(12):
        write_image(tmp_path / f"{number}.png")
    view = shell.window.classify
    shell.window.open_paths([str(tmp_path)])
    qtbot.waitUntil(lambda: view.job.done == 12 and not view.job.running, timeout=WAIT)
    pane = view.results
    pane._words.setText("11,111 of 11,111 · 999 images/s · 59 min left")
    pane._words.setMinimumWidth(pane._words.sizeHint().width())
    wide = pane._words.minimumWidth()
    pane._show_progress()
    assert pane._words.minimumWidth() == wide
    assert pane._words.fontMetrics().horizontalAdvance(pane._words.text()) < wide


@pytest.mark.parametrize("height", [260, 420])
def test_bars_below_a_banner_scroll_instead_of_overprinting(qtbot: Any, shell: Shell, height: int) -> None:
    view = shell.window.classify
    view.complete()
    bars = view.answer.bars
    labels = [f"class {number}" for number in range(10)]
    shell.window.resize(1024, 700)
    view.answer.setFixedHeight(height)
    bars.set_scores(labels, np.linspace(0.05, 0.15, 10).astype(np.float32), 9)
    for _ in range(3):
        qtbot.wait(1)
    area = bars.parentWidget().parentWidget().parentWidget()
    assert isinstance(area, QScrollArea) and bars.parentWidget().width() <= area.viewport().width(), "cut at its side"
    assert bars.parentWidget().minimumSizeHint().width() <= area.viewport().width()
    toggle, rows = bars._toggle, bars._list
    assert toggle.isVisibleTo(bars) and not toggle.geometry().intersects(rows.geometry())
    assert rows.height() >= rows.minimumHeight() and toggle.height() >= toggle.minimumSizeHint().height()
    assert isinstance(bars, ProbabilityBars)


def test_the_links_below_a_kept_drawing_are_whole(qtbot: Any, shell: Shell) -> None:
    from desktop.ui.draw.truth import TruthPanel

    panel = TruthPanel()
    qtbot.addWidget(panel)
    panel.set_model("colours", ("red", "green", "blue"))
    panel._folder.show()
    panel._undo.show()
    width = panel._undo.sizeHint().width() + 40
    panel.show()
    panel.resize(width, panel.heightForWidth(width))
    qtbot.wait(1)
    for link in (panel._folder, panel._undo):
        assert link.width() >= link.sizeHint().width() and panel.rect().contains(link.geometry()), link.text()


@pytest.mark.parametrize("entries", [2, 5, 10])
def test_a_list_that_opens_shows_its_last_entry_whole(qtbot: Any, shell: Shell, entries: int) -> None:
    box = QComboBox(shell.window)
    box.addItems([f"entry {number}" for number in range(entries)])
    box.setGeometry(20, 20, 160, 32)
    box.show()
    box.showPopup()
    qtbot.waitUntil(lambda: box.view().isVisible(), timeout=WAIT)
    last = box.view().visualRect(box.model().index(entries - 1, 0))
    room = box.view().viewport().height()
    assert last.isValid() and last.bottom() < room
    box.hidePopup()


def test_a_long_name_does_not_squeeze_the_list_of_trainings(qtbot: Any, qapp: Any) -> None:
    page = JobPage()
    qtbot.addWidget(page)
    before = page.minimumSizeHint().width()
    page.title.set_text("a model of all the flowers of the garden behind the house, third attempt, " * 4)
    assert page.minimumSizeHint().width() == before and page.title.toolTip()


def test_pictures_of_a_finding_go_on_in_a_second_row(qtbot: Any, shell: Shell, tmp_path: Path) -> None:
    sources = {f"{at}.png": ImageSource.from_path(str(write_image(tmp_path / f"{at}.png"))) for at in range(12)}
    state: Any = SimpleNamespace(engine=shell.window.host.engine)
    card = FindingCard("caution", "twelve pictures are copies of each other", "", ("keep",), sources, state)
    held, area = QWidget(), QScrollArea()
    QVBoxLayout(held).addWidget(card)
    area.setWidget(held)
    area.setWidgetResizable(True)
    qtbot.addWidget(area)
    area.resize(360, 400)
    area.show()
    qtbot.wait(1)
    assert held.width() <= area.viewport().width()
    assert all(card.rect().contains(QRect(c.mapTo(card, c.rect().topLeft()), c.size())) for c in card.awaited.values())


@pytest.mark.parametrize("width", [120, 240, 800])
def test_a_flow_loses_and_overlaps_nothing(qtbot: Any, qapp: Any, width: int) -> None:
    from PySide6.QtWidgets import QLineEdit, QPushButton

    place = QWidget()
    qtbot.addWidget(place)
    flow = FlowLayout(place, spacing=8)
    parts: list[QWidget] = [QLineEdit(), *(QPushButton(f"button {number}") for number in range(4))]
    for part in parts:
        flow.addWidget(part)
    hidden = QPushButton("hidden")
    flow.addWidget(hidden)
    place.show()
    hidden.hide()
    place.resize(width, 400)
    qtbot.wait(1)
    boxes = [part.geometry() for part in parts]
    assert all(place.rect().contains(box) for box in boxes)
    assert not any(one.intersects(other) for at, one in enumerate(boxes) for other in boxes[at + 1 :])
    assert max(box.bottom() for box in boxes) < flow.heightForWidth(width)
    assert flow.takeAt(99) is None and flow.itemAt(0) is not None
    if width == 800:
        assert boxes[0].width() > parts[0].minimumSizeHint().width(), "what expands takes the room that is left"
