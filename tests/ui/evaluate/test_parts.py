"""The parts of the Evaluate view alone: threshold, curves, matrix, tables, charts, 100,000 rows."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QFocusEvent

from desktop.core.figures.result import figures, with_threshold
from desktop.core.figures.thresholds import predictive_values
from desktop.services.answers import GalleryChoice, ResultAnswers, arrange, tally
from desktop.ui.evaluate.calibration_tab import CalibrationTab
from desktop.ui.evaluate.classes_tab import ClassesTab
from desktop.ui.evaluate.curves_tab import CurvesTab
from desktop.ui.evaluate.gallery_pane import GalleryPane
from desktop.ui.evaluate.here_tab import HereTab
from desktop.ui.evaluate.matrix import MatrixPane
from desktop.ui.evaluate.results import ResultsPage
from desktop.ui.evaluate.state import EvaluationState
from desktop.ui.kit.formatting import number
from desktop.ui.kit.tables import Cell, FiguresModel
from desktop.ui.kit.theme import theme
from desktop.ui.widgets.chart import Axis, Chart, ChartLine
from tests.core.figures.makers import made_up, two_classes
from tests.patience import WAIT


@pytest.fixture
def page(qtbot: Any, qapp: Any) -> ResultsPage:
    """A results page that shows 80 made-up answers of a medical model of two classes."""
    theme().apply(qapp)
    state = EvaluationState()
    built: dict[str, Any] = {}
    held = ResultsPage(state, built)
    built["curves"] = lambda: CurvesTab(state, held.threshold)
    state.setParent(held)
    qtbot.addWidget(held)
    held.resize(1200, 680)
    held.show()
    truth, scores = two_classes()
    result = made_up(truth, scores, threshold=0.5, medical=True)
    state.show(result, figures(result), None)
    return held


def test_medical_models_carry_their_notice_and_give_model_scores(page: ResultsPage, qtbot: Any) -> None:
    assert page.medical.isVisible() and "not a diagnosis" in page.medical.text
    tab = CalibrationTab(page.state)
    qtbot.addWidget(tab)
    assert "model score" in tab._words.text()


@pytest.mark.parametrize(("refused", "n", "said"), [(24, 24, True), (1, 24, False), (3, 80, False), (30, 80, True)])
def test_pictures_of_another_kind_are_told_above_the_figures(
    page: ResultsPage, qtbot: Any, refused: int, n: int, said: bool
) -> None:
    """24 of 24 pictures that the model takes for another kind stood as 'Pneumonia 0.994' below 'too few pictures'."""
    truth, scores = two_classes(n)
    result = made_up(truth, scores)
    gate = {"refused": 0.02, "n": 600, "split": "validation", "data": "Kermany"}
    outside = (np.arange(n) < refused).astype(np.int8)
    result = replace(result, model=replace(result.model, card={"metrics": [], "gate": gate}), outside=outside)
    page.state.show(result, figures(result), None)
    assert page.kind.isVisible() == said
    tab = HereTab(page.state)
    qtbot.addWidget(tab)
    assert ("differ from those" in tab.verdict.text()) == said
    if said:
        assert f"{refused} of {n} images" in page.kind.text and page.kind.text in tab.sentence.text()
    page.state.show(made_up(truth, scores), figures(made_up(truth, scores)), None)
    assert not page.kind.isVisible()


def test_a_moving_threshold_moves_figures_matrix_and_pictures(qtbot: Any, page: ResultsPage) -> None:
    state = page.state
    assert page.threshold.isVisible()
    page.threshold.slider.setValue(300)
    assert state.result is not None and state.figures is not None and state.figures.thresholds is not None
    point = state.figures.thresholds.at(0.3)
    counts = page.matrix.model.counts
    assert counts[1, 1] == point.tp and counts[0, 1] == point.fp and counts.sum() == 80
    qtbot.waitUntil(lambda: state.threshold == 0.3, timeout=WAIT)
    qtbot.waitUntil(lambda: state.fresh, timeout=WAIT)
    expected = with_threshold(state.result, 0.3)
    model = page.gallery.model
    assert [model.row_at(i) for i in range(model.rowCount())] == expected.top_losses().tolist()
    assert "by hand" in state.result.model.reason
    assert state.figures.means == figures(expected).means
    page._on_preset("youden", 0)
    best = state.figures.thresholds.youden()
    assert best is not None and state.threshold == best.threshold and "Youden" in state.result.model.reason
    page._on_preset("sensitivity", 0.95)
    assert state.point is not None and (state.point.sensitivity.value or 0) >= 0.95
    page._on_preset("specificity", 0.9)
    assert (state.point.specificity.value or 0) >= 0.9
    page._on_reset()
    assert state.threshold == 0.5 and state.result.model.reason == ""


def test_back_to_the_highest_score_equal_ones_are_as_before(qtbot: Any, page: ResultsPage) -> None:
    truth, scores = two_classes()
    scores[::4] = 0.5
    result = made_up(truth, scores)
    page.state.show(result, figures(result), None)
    before = page.matrix.model.counts.copy()
    page.state.decide(0.5, "tried")
    assert page.matrix.model.counts.tolist() != before.tolist()
    page.state.reset()
    assert page.matrix.model.counts.tolist() == before.tolist()


def test_curves_follow_threshold_and_prevalence(qtbot: Any, page: ResultsPage) -> None:
    state, tab = page.state, CurvesTab(page.state, page.threshold)
    qtbot.addWidget(tab)
    tab.prevalence.setValue(5)
    page.threshold.choose(0.4, "for a reason")
    assert state.point is not None
    ppv, _ = predictive_values(state.point, 0.05)
    shown = [tab._point_model.cell(row, 1).key for row in range(tab._point_model.rowCount())]
    assert ppv.value in shown
    assert tab.roc._mark == (1 - (state.point.specificity.value or 0), state.point.sensitivity.value)
    tab._on_row(tab._curve_model.index(4, 0))
    assert state.threshold == 0.2
    assert tab.roc.accessibleDescription()
    for dark in ("dark", "light"):
        theme().set_mode(dark)  # type: ignore[arg-type]
        assert not tab.roc.grab().isNull()


def test_one_class_alone_has_no_curves_and_says_why(qtbot: Any, page: ResultsPage) -> None:
    truth = np.ones(10, np.int32)
    scores = np.tile(np.array([[0.3, 0.7]]), (10, 1))
    result = made_up(truth, scores)
    page.state.show(result, figures(result), None)
    tab = CurvesTab(page.state, page.threshold)
    qtbot.addWidget(tab)
    assert "both classes" in tab.roc.accessibleDescription()
    assert "no negative image" in page.figures.cards[1].accessibleDescription()
    assert page.figures.cards[1].text == "–"


def test_class_table_sorts_by_numbers_and_missing_ones_last(qtbot: Any, qapp: Any) -> None:
    labels = ("ten", "two", "none")
    truth = np.array([0] * 10 + [1, 1], np.int32)
    scores = np.zeros((12, 3))
    scores[np.arange(12), [0] * 9 + [1] + [1, 1]] = 1.0
    result = made_up(truth, scores, labels)
    state = EvaluationState()
    state.show(result, figures(result), None)
    tab = ClassesTab(state)
    qtbot.addWidget(tab)
    model = tab.model
    assert [model.cell(row, 0).text for row in range(3)] == list(labels)
    model.sort(4, Qt.SortOrder.AscendingOrder)
    assert [model.cell(row, 0).text for row in range(3)] == ["ten", "two", "none"]
    model.sort(4, Qt.SortOrder.DescendingOrder)
    assert [model.cell(row, 0).text for row in range(3)] == ["two", "ten", "none"]
    assert "no image" in model.cell(2, 4).text
    with qtbot.waitSignal(tab.class_chosen) as chosen:
        tab._on_row(model.index(0, 0))
    assert chosen.args == [1]


def test_does_it_work_here_says_so_in_a_sentence(qtbot: Any, page: ResultsPage) -> None:
    result = page.state.result
    assert result is not None
    tab = HereTab(page.state)
    qtbot.addWidget(tab)
    assert "no accuracy" in tab.verdict.text()
    result.model.card["metrics"] = [{"name": "accuracy", "value": 0.99, "n": 5000, "split": "test", "data": "its own"}]
    result.model.card["threshold"] = 0.5
    page.state.show(result, figures(result), None)
    assert "worse" in tab.verdict.text() and "percentage points" in tab.sentence.text()
    assert tab.model.rowCount() == 2
    page.state.decide(0.3, "tried")  # the card speaks of 0.5
    assert "Not compared" in tab.verdict.text() and "0.3" in tab.sentence.text() and "0.5" in tab.sentence.text()
    page.state.reset()
    assert "worse" in tab.verdict.text()
    # What the gate refuses stands beside, is graver than a figure that fits, and is no figure of the card by itself.
    result.model.card["gate"] = {"refused": 0.02, "n": 600, "split": "validation", "data": "d"}
    for metrics, outside, head, rows in (
        (result.model.card["metrics"], 0, "worse", 4),
        ([], 0, "no accuracy", 3),
        ([], len(result), "differ from those", 3),
    ):
        result.model.card["metrics"] = metrics
        judged = replace(result, outside=np.repeat([1, 0], [outside, len(result) - outside]).astype(np.int8))
        page.state.show(judged, figures(judged), None)
        assert head in tab.verdict.text() and f"{outside:,} of {len(result):,} images" in tab.sentence.text()
        assert tab.model.rowCount() == rows


def test_matrix_tells_its_cells_in_words(qtbot: Any, qapp: Any) -> None:
    pane = MatrixPane()
    qtbot.addWidget(pane)
    pane.model.set_labels(("cat", "dog"))
    pane.model.set_counts(np.array([[8, 2], [0, 0]]))
    said = pane.model.data(pane.model.index(0, 1), Qt.ItemDataRole.AccessibleTextRole)
    assert "%" not in said and "of the 10" in said, "of so few no share is told"
    pane.model.set_counts(np.array([[80, 20], [0, 0]]))
    said = pane.model.data(pane.model.index(0, 1), Qt.ItemDataRole.AccessibleTextRole)
    assert "cat" in said and "dog" in said and "20" in said
    pane._by.setCurrentIndex(1)
    assert pane.model.shares[0, 1] == 1.0
    assert "–" in pane.model.words(1, 1) or "0" in pane.model.words(1, 1)
    pane.resize(300, 300)
    pane.table.setFocus()
    assert not pane.grab().isNull()


def test_the_gallery_shows_no_losing_score_as_the_answers(qtbot: Any, page: ResultsPage) -> None:
    model, state = page.gallery.model, page.state
    assert state.result is not None and model.rule == (1, 0.5)
    row = int(np.flatnonzero((state.result.scores[:, 1] > 0.6) & (state.result.scores[:, 1] < 0.9))[0])
    assert model.by_threshold(row) == "", "half of the score decides as the highest does"
    state.decide(0.95, "by hand")
    assert model.rule == (1, 0.95) and model.by_threshold(row) == f"< {number(0.95)}"
    assert "the threshold decides" in model.words(row) and number(0.95) in model.words(row)
    page.gallery.choose(GalleryChoice("all"))
    qtbot.waitUntil(lambda: page.gallery.model.rowCount() == len(state.result), timeout=WAIT)
    assert not page.gallery.view.grab().isNull()
    state.reset()
    assert model.rule == (1, 0.5) and model.by_threshold(row) == ""


def test_thousand_classes_are_no_trouble(qtbot: Any, qapp: Any) -> None:
    pane = MatrixPane()
    qtbot.addWidget(pane)
    pane.resize(600, 500)
    pane.show()
    began = time.perf_counter()
    pane.model.set_labels(tuple(f"class number {i}" for i in range(1000)))
    pane.model.set_counts(np.eye(1000, dtype=np.int64))
    pane.grab()
    assert time.perf_counter() - began < 2


def test_hundred_thousand_answers_are_ordered_aside_and_listed(qtbot: Any, qapp: Any) -> None:
    rng = np.random.default_rng(0)
    n = 100_000
    scores = rng.random((n, 3)).astype(np.float32)
    scores /= scores.sum(axis=1, keepdims=True)
    result = made_up(rng.integers(0, 3, n).astype(np.int32), scores, ("a", "b", "c"))
    pane = GalleryPane()
    qtbot.addWidget(pane)
    pane.resize(900, 600)
    pane.show()
    pane.set_answers(ResultAnswers(result), ("a", "b", "c"), {})
    qtbot.waitUntil(lambda: pane.model.rowCount() == len(result.top_losses()), timeout=WAIT)
    assert np.array_equal(pane.model.order, result.top_losses())
    pane.search.setText("99999")
    qtbot.waitUntil(lambda: 0 < pane.model.rowCount() < 5, timeout=WAIT)
    pane.search.clear()
    pane.choose(GalleryChoice("all"))
    qtbot.waitUntil(lambda: pane.model.rowCount() == n, timeout=WAIT)
    pane.view.selectAll()
    assert len(pane.selected_rows()) == n


def test_orders_are_those_of_the_result() -> None:
    truth, scores = two_classes(200)
    result = made_up(truth, scores)
    answers = ResultAnswers(result)
    assert arrange(answers, GalleryChoice()).tolist() == result.top_losses().tolist()
    assert arrange(answers, GalleryChoice("unsure")).tolist() == result.least_confident_right().tolist()
    assert arrange(answers, GalleryChoice("cell", 1, 0)).tolist() == result.cell(1, 0).tolist()
    assert arrange(answers, GalleryChoice("labels")).tolist() == result.likely_wrong_labels().tolist()
    assert tally(answers, answers.rows, 2).tolist() == figures(result).matrix.tolist()
    assert answers.source(0) is None


def test_numbers_sort_as_numbers() -> None:
    model = FiguresModel(["name", "n"])
    model.set_rows([[Cell("a", "a"), Cell("10", 10)], [Cell("b", "b"), Cell("9", 9)], [Cell("c", "c"), Cell("–")]])
    model.sort(1)
    assert [model.cell(row, 1).text for row in range(3)] == ["9", "10", "–"]


def test_a_mark_moves_within_a_frame(qtbot: Any, qapp: Any, tmp_path: Path) -> None:
    chart = Chart("Curve")
    qtbot.addWidget(chart)
    chart.resize(500, 400)
    x = np.linspace(0, 1, 1000)
    chart.set_content(Axis("x"), Axis("y"), [ChartLine(x, x**2)], said="a parabola")
    assert chart.accessibleDescription() == "a parabola"
    chart.focusInEvent(QFocusEvent(QEvent.Type.FocusIn))
    spent = []
    for step in range(5):
        chart.set_mark((step / 5, step / 5), "here")
        began = time.perf_counter()
        chart.grab()
        spent.append(time.perf_counter() - began)
    assert min(spent) < 0.05
