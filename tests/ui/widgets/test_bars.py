"""The answer and its bars."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication, QImage, QPainter

from desktop.core.trust.general_words import Wording
from desktop.store.manifest import Decision
from desktop.ui.kit.theme import theme
from desktop.ui.widgets._scores import MarkRole
from desktop.ui.widgets.probability_bars import ProbabilityBars
from tests.ui.widgets.makers import XRAY, answer, sources

TEN = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
SURE = np.array([0, 0.0004, 0, 0.71, 0, 0.2796, 0.01, 0, 0, 0], np.float32)


@pytest.fixture
def bars(qtbot: Any) -> ProbabilityBars:
    widget = ProbabilityBars()
    qtbot.addWidget(widget)
    widget.resize(300, 600)
    widget.show()
    return widget


def rows(bars: ProbabilityBars, role: int = Qt.ItemDataRole.DisplayRole) -> list[Any]:
    return [bars._model.index(row).data(role) for row in range(bars._model.rowCount())]


def test_the_best_come_first_and_the_answer_stands_above(bars: ProbabilityBars) -> None:
    bars.set_scores(TEN, SURE, 3, "probability")
    assert bars.headline == "cat  0.710"
    assert rows(bars) == ["cat", "dog", "frog", "automobile", "airplane"]
    assert bars._about.text() == "probability"


def test_a_score_is_called_a_probability_only_after_calibration(bars: ProbabilityBars) -> None:
    bars.set_scores(TEN, SURE, 3, "model score")
    assert bars._about.text() == "model score"
    assert "probability" not in rows(bars, Qt.ItemDataRole.AccessibleTextRole)[0]


def test_all_digits_are_in_the_tooltip(bars: ProbabilityBars) -> None:
    bars.set_scores(TEN, SURE, 3)
    tip = rows(bars, Qt.ItemDataRole.ToolTipRole)[0]
    assert np.float32(tip.removeprefix("cat: ")) == SURE[3]


def test_below_one_half_no_class_is_named_alone(bars: ProbabilityBars) -> None:
    scores = np.full(10, 0.26 / 8, np.float32)
    scores[3], scores[5] = 0.41, 0.33
    bars.set_scores(TEN, scores, 3)
    assert bars.headline == "Not sure: cat 0.41, dog 0.33"


def test_a_general_word_stands_first_and_the_class_is_a_perhaps(bars: ProbabilityBars) -> None:
    labels, scores = ("Labrador", "poodle", "tabby"), [0.45, 0.4, 0.15]
    bars.set_scores(labels, scores, 0, wording=Wording("word", "dog", 0.85))
    assert bars.headline == "dog  0.850" and bars.perhaps == "perhaps Labrador  0.450"
    bars.set_scores(labels, [0.6, 0.3, 0.1], 0, wording=Wording("class", "", 0.6))
    assert bars.headline == "Labrador  0.600" and not bars.perhaps
    bars.set_scores(labels, [0.4, 0.2, 0.4], 0, wording=Wording("unsure", "", 0.4))
    assert bars.headline.startswith("Not sure: ") and not bars.perhaps
    bars.set_scores(labels, scores, 0, wording=Wording("word", "<b>dog</b>", 0.85))
    assert bars.headline == "<b>dog</b>  0.850"
    bars.clear()
    assert not bars.perhaps


def test_where_the_truth_is_known_signs_and_words_go_with_the_colours(bars: ProbabilityBars) -> None:
    bars.set_scores(TEN, SURE, 3, truth=5)
    assert rows(bars, MarkRole) == ["wrong", "truth", "", "", ""]
    assert bars._verdict.text() == "✗ Wrong: it is dog"
    assert rows(bars, Qt.ItemDataRole.AccessibleTextRole)[:2] == [
        "cat, model score 0.710, the answer, wrong",
        "dog, model score 0.280, the true class",
    ]
    bars.set_scores(TEN, SURE, 3, truth=3)
    assert rows(bars, MarkRole)[0] == "right"
    assert bars._verdict.text() == "✓ Right"
    bars.set_scores(TEN, SURE, 3)
    assert not bars._verdict.isVisible()


def test_a_truth_far_down_is_shown_below_the_best(bars: ProbabilityBars) -> None:
    bars.set_scores(TEN, SURE, 3, truth=9)
    assert rows(bars)[-1] == "truck"
    assert len(rows(bars)) == 6


def test_the_decision_rule_is_followed_and_marked(bars: ProbabilityBars) -> None:
    prediction = answer(0, sources(1)[0], (0.55, 0.45), index=1)
    bars.show_prediction(prediction, XRAY)
    assert bars.headline == "Pneumonia, by the threshold", "the losing score is no figure of the answer"
    said = bars._rule.text()
    assert "from 0.400 on and has 0.450" in said and "higher score is that of Normal, 0.550" in said
    assert bars._rule.isVisible()
    assert bars._about.text() == "probability · Pneumonia is answered from 0.400 on"
    assert rows(bars) == ["Normal", "Pneumonia"]
    assert rows(bars, MarkRole) == ["", "answer"]
    assert not bars._toggle.isVisible()


def test_the_higher_score_that_does_not_reach_the_threshold_is_told(bars: ProbabilityBars) -> None:
    bars.set_scores(("no", "yes"), np.array([0.4, 0.6], np.float32), 0, threshold=0.8, threshold_class=1)
    assert bars.headline == "no, by the threshold"
    assert bars._rule.text() == "yes has the higher score, 0.600, and is answered from 0.800 on only."
    bars.set_scores(("no", "yes"), np.array([0.1, 0.9], np.float32), 1, threshold=0.8, threshold_class=1)
    assert bars.headline == "yes  0.900" and not bars._rule.isVisible()


@given(st.floats(0, 1, width=32), st.floats(0.01, 0.99))
@settings(max_examples=60, deadline=None)
def test_no_headline_shows_the_lower_of_two_scores(score: float, threshold: float) -> None:
    """Whatever threshold a model has: the figure beside the answer is the highest bar's, or there is none."""
    widget = ProbabilityBars()
    scores = np.array([1 - score, score], np.float32)
    rule = Decision("threshold", 1, threshold, "a test")
    answer = rule.choose(scores)
    widget.set_scores(("no", "yes"), scores, answer, threshold=threshold, threshold_class=1)
    named = [word for word in widget.headline.split() if word.replace(".", "").isdigit()]
    assert widget.headline.startswith(("no", "yes")[answer])
    assert bool(named) != rule.overrules(scores)
    assert not named or named == [f"{max(scores):.3f}"]


def test_outside_its_kind_no_class_is_the_answer_and_the_scores_are_a_click_away(
    bars: ProbabilityBars, qtbot: Any
) -> None:
    bars.set_scores(TEN, SURE, 3, "probability")
    bars.set_outside(True)
    assert bars.headline == "No answer: this is not the kind of picture that it learned from"
    assert not bars._list.isVisible() and not bars._about.isVisible() and not bars._toggle.isVisible()
    qtbot.mouseClick(bars._reveal, Qt.MouseButton.LeftButton)
    assert bars._list.isVisible() and rows(bars)[0] == "cat" and bars.headline.startswith("No answer")
    bars.set_scores(TEN, SURE, 3, "probability")
    assert bars.headline == "cat  0.710" and bars._list.isVisible() and not bars._reveal.isVisible()
    bars.set_outside(True)
    assert not bars._list.isVisible(), "each picture starts with its scores hidden"
    bars.clear("Choose a picture.")
    bars.set_outside(True)
    assert bars.headline == "Choose a picture." and not bars._reveal.isVisible()


def test_a_bar_is_exactly_as_long_as_its_score(bars: ProbabilityBars) -> None:
    bars.set_scores(("a", "b"), np.array([0.75, 0.25], np.float32), 0)
    view = bars._list
    image = QImage(view.viewport().size(), QImage.Format.Format_RGB32)
    painter = QPainter(image)
    view.viewport().render(painter, QPoint())
    painter.end()
    area = view.visualRect(bars._model.index(0)).adjusted(8, 0, -8, 0)
    accent = theme().tokens.accent.lower()
    best = max(
        sum(image.pixelColor(x, y).name() == accent for x in range(area.left(), area.right() + 1))
        for y in range(area.top(), area.bottom())
    )
    assert best == pytest.approx(0.75 * area.width(), abs=2)


def test_all_of_a_thousand_classes_can_be_listed_and_filtered(bars: ProbabilityBars, qtbot: Any) -> None:
    labels = [f"class {i}" for i in range(1000)]
    scores = np.random.default_rng(0).dirichlet(np.full(1000, 0.02)).astype(np.float32)
    bars.set_scores(labels, scores, int(scores.argmax()), sub_labels=[f"n{i:08d}" for i in range(1000)])
    assert "1,000" in bars._toggle.text() or "1000" in bars._toggle.text()
    assert not bars._filter.isVisible()
    qtbot.mouseClick(bars._toggle, Qt.MouseButton.LeftButton)
    assert len(rows(bars)) == 1000
    assert [labels[i] for i in np.argsort(-scores, kind="stable")] == rows(bars)
    qtbot.keyClicks(bars._filter, "n00000042")
    assert rows(bars) == ["class 42"]
    bars._filter.setText("nothing like it")
    assert bars._nothing.isVisible()
    qtbot.mouseClick(bars._toggle, Qt.MouseButton.LeftButton)
    assert len(rows(bars)) == 5


def test_few_classes_need_no_toggle(bars: ProbabilityBars) -> None:
    bars.set_top_k(10)
    bars.set_scores(TEN, SURE, 3)
    assert not bars._toggle.isVisible()
    assert len(rows(bars)) == 10


def test_the_rows_are_walked_and_activated_by_keyboard(bars: ProbabilityBars, qtbot: Any) -> None:
    bars.set_scores(TEN, SURE, 3)
    qtbot.keyClick(bars._list, Qt.Key.Key_Down)
    assert bars._list.currentIndex().data() == "dog"
    with qtbot.waitSignal(bars.class_activated) as told:
        qtbot.keyClick(bars._list, Qt.Key.Key_Return)
    assert told.args == [5]
    bars._copy()
    assert QGuiApplication.clipboard().text().startswith("dog\t0.27959")


def test_a_label_that_a_spreadsheet_would_run_is_copied_guarded(bars: ProbabilityBars, qtbot: Any) -> None:
    bars.set_scores((" =1+1", "a: b"), np.array([0.75, 0.25], np.float32), 0)
    for key, copied in ((Qt.Key.Key_End, "a: b\t0.25"), (Qt.Key.Key_Home, "' =1+1\t0.75")):
        qtbot.keyClick(bars._list, key)
        bars._copy()
        assert QGuiApplication.clipboard().text() == copied


def test_clearing_leaves_the_message_alone(bars: ProbabilityBars) -> None:
    bars.set_scores(TEN, SURE, 3, truth=5)
    bars.clear("Choose a picture.")
    assert bars.headline == "Choose a picture."
    assert rows(bars) == []
    assert not bars._toggle.isVisible()
    assert not bars._verdict.isVisible()


@pytest.mark.parametrize(("scores", "index"), [((0.5, 0.5), 2), ((0.5, 0.5), -1), ((1.0,), 0)])
def test_scores_that_do_not_fit_the_labels_are_refused(bars: ProbabilityBars, scores: Any, index: int) -> None:
    with pytest.raises(ValueError, match="labels"):
        bars.set_scores(("a", "b"), np.array(scores, np.float32), index)


def test_class_names_are_words_and_not_markup(bars: ProbabilityBars) -> None:
    bars.set_scores(("<b>a</b>", "b"), np.array([0.9, 0.1], np.float32), 0)
    assert bars.headline.startswith("<b>a</b>")
    assert bars._headline.textFormat() == Qt.TextFormat.PlainText


def test_it_paints_from_right_to_left(bars: ProbabilityBars) -> None:
    bars.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
    bars.set_scores(TEN, SURE, 3, truth=5)
    assert not bars.grab().isNull()
