"""What the Classify view says of an answer: set of answers, kind of picture, and where the network looked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtWidgets import QComboBox, QPushButton

from desktop import paths
from desktop.core.types import DomainVerdict, ImageSource
from desktop.engine.messages import Elapsed, Failure, Prediction
from desktop.store.manifest import QUANTILES, Conformal, Domain, FileEntry
from desktop.ui.classify.confidence_panel import ConfidencePanel
from desktop.ui.shell.app import Shell, build_window
from desktop.ui.widgets.kind_chart import KindChart
from tests.store.makers import manifest
from tests.ui.conftest import write_image
from tests.ui.shell.test_window import answered, open_and_wait

SAMPLES = paths.resources() / "samples"
GATE = Domain("domain.json", "m", "validation", 100, 0.05, tuple(np.linspace(-1, 1.2, QUANTILES).tolist()))
SETS = Conformal("least ambiguous set", "validation", 100, (0.05, 0.2), (0.2, 0.5))
FILES = {name: FileEntry("0" * 64, 0) for name in ("model.tflite", "domain.json")}


def prediction(scores: list[float], verdict: DomainVerdict | None) -> Prediction:
    row = np.array(scores, np.float32)
    index = int(row.argmax())
    source = ImageSource("a.png", data=b"x")
    return Prediction(
        1, "m", source, index, "x", row, None, "0", (1, 1), "PNG", 1, (), Elapsed(1, 1, 1), "CPU", 0, verdict
    )


@pytest.fixture
def panel(qtbot: Any) -> ConfidencePanel:
    panel = ConfidencePanel()
    qtbot.addWidget(panel)
    return panel


def test_the_sentence_names_the_set_at_the_chosen_rate(qtbot: Any, panel: ConfidencePanel) -> None:
    known = manifest(conformal=SETS, domain=GATE, files=FILES)
    panel.show_prediction(prediction([0.6, 0.3, 0.1], DomainVerdict(0.3, True)), known)
    assert panel.set_words.startswith("Possible answers: red or green. Of a hundred pictures")
    assert "at least 95" in panel.set_words
    rates = panel.findChild(QComboBox)
    assert rates is not None
    with qtbot.waitSignal(panel.rate_chosen) as chosen:
        rates.setCurrentIndex(1)
        rates.activated.emit(1)
    assert chosen.args == [0.2]
    assert panel.set_words.startswith("Possible answers: red. ") and "at least 80" in panel.set_words
    assert panel.kind_words == "Familiar kind of picture: yes"


def test_of_a_photograph_nothing_is_promised_by_tiles(panel: ConfidencePanel) -> None:
    """Tiles of 32 pixels a side say nothing of photographs, whatever these are reduced to."""
    known = manifest(conformal=replace(SETS, side=32), domain=GATE, files=FILES)
    shown = prediction([0.6, 0.3, 0.1], DomainVerdict(0.3, True))
    panel.show_prediction(replace(shown, original_size=(640, 480)), known)
    assert "32×32" in panel.set_words and "not known" in panel.set_words
    panel.show_prediction(replace(shown, original_size=(64, 64)), known)
    assert panel.set_words.startswith("Possible answers: red or green.")


def test_a_flagged_picture_says_why_and_promises_nothing(panel: ConfidencePanel) -> None:
    known = manifest(conformal=SETS, domain=GATE, files=FILES)
    verdict = DomainVerdict(2.5, False, ("darker", "colourful", "flat"))
    panel.show_prediction(prediction([0.6, 0.3, 0.1], verdict), known)
    assert "picture: no" in panel.kind_words and "darker" in panel.kind_words and "colourful" in panel.kind_words
    assert "contrast" not in panel.kind_words  # two reasons are enough
    assert "not known" in panel.set_words
    chart = panel.findChild(KindChart)
    assert chart is not None and "2.50" in chart.accessibleDescription().replace(",", ".")
    assert not chart.grab().isNull()


def test_where_nothing_was_measured_it_says_no_more_than_unlike(panel: ConfidencePanel) -> None:
    known = manifest(conformal=SETS, domain=GATE, files=FILES)
    panel.show_prediction(prediction([0.6, 0.3, 0.1], DomainVerdict(2.5, False, ())), known)
    assert panel.kind_words.endswith("It is unlike the pictures that the model learned from.")


def test_a_medical_model_speaks_of_scores_and_one_without_gate_says_so(panel: ConfidencePanel) -> None:
    panel.show_prediction(prediction([0.6, 0.3, 0.1], None), manifest(conformal=SETS, medical=True))
    assert "model score, not a diagnosis" in panel.set_words
    assert "cannot check" in panel.kind_words


@pytest.fixture
def real(qtbot: Any, qapp: Any, fovea_home: Path) -> Iterator[Shell]:
    """The whole window with the models that come with Fovea."""
    held = build_window(mode="light")
    qtbot.addWidget(held.window)
    with qtbot.waitSignal(held.window.painted, timeout=20_000):
        held.window.show()
    qtbot.waitUntil(lambda: held.catalog.loaded and held.window.classify.session.engine is not None, timeout=20_000)
    yield held
    held.window.close()
    held.close_down()


def test_why_is_drawn_over_the_input_and_follows_class_and_picture(qtbot: Any, real: Shell) -> None:
    view = real.window.classify
    view.choose_model("mnist-digits")
    open_and_wait(qtbot, real, [SAMPLES / "digit-3-pen.png", SAMPLES / "pattern-ship.png"], "digit-3-pen.png")
    explainer = view.explainer
    why = next(button for button in view.answer.findChildren(QPushButton) if button.text() == "Why?")
    real.window.resize(1280, 720)
    qtbot.waitUntil(lambda: view.results.isVisible() and view.picture.picture.height() > 100, timeout=60_000)
    before, small = view._middle.sizes(), view.picture.picture.height()
    why.click()
    qtbot.waitUntil(lambda: explainer.explanation is not None and not explainer.waiting, timeout=60_000)
    assert explainer.explanation is not None and explainer.explanation.index == 3
    assert view._middle.sizes()[0] > before[0] and view.picture.picture.height() > small - 110, "the table gives way"
    assert view.picture.why.isVisible() and "“3”" in view.picture.why.words
    assert why.text() == "Hide why" and view.answer.bars.headline.startswith("3")
    explainer.set_index(8)
    explainer.set_method("cam")
    qtbot.waitUntil(lambda: explainer.explanation is not None and not explainer.waiting, timeout=60_000)
    assert (explainer.explanation.index, explainer.explanation.method) == (8, "cam")
    view.session.set_current(view.session.items[1])
    qtbot.waitUntil(lambda: answered(real, "pattern-ship.png") and not explainer.waiting, timeout=60_000)
    assert explainer.index is None and explainer.explanation is not None
    assert explainer.explanation.source.name == "pattern-ship.png"
    assert "picture: no" in view.answer.confidence.kind_words
    why.click()
    assert not view.picture.why.isVisible() and explainer.explanation is None
    assert view._middle.sizes() == before


def test_a_picture_of_another_kind_is_offered_to_the_model_that_suits(qtbot: Any, real: Shell) -> None:
    view = real.window.classify
    view.choose_model("cifar10")
    open_and_wait(qtbot, real, [SAMPLES / "digit-3-pen.png"], "digit-3-pen.png")
    qtbot.waitUntil(lambda: view.answer.advice.words != "", timeout=60_000)
    assert view.answer.advice.words == "This looks like a handwritten digit."
    assert view.session.model_id == "cifar10"  # offered, not switched to
    use = next(b for b in view.answer.advice.findChildren(QPushButton) if b.text() == "Use that model")
    use.click()
    assert view.session.model_id == "mnist-digits"
    qtbot.waitUntil(lambda: answered(real, "digit-3-pen.png"), timeout=60_000)
    assert view.answer.bars.headline.startswith("3") and view.answer.advice.words == ""


def test_what_was_cancelled_or_failed_says_so_and_can_be_asked_for_again(
    qtbot: Any, shell: Shell, tmp_path: Path
) -> None:
    open_and_wait(qtbot, shell, [write_image(tmp_path / "red.png", "red", (60, 30))], "red.png")
    explainer, bar = shell.window.classify.explainer, shell.window.classify.picture.why
    again = next(button for button in bar.findChildren(QPushButton) if button.text() == "Ask again")
    stop = next(button for button in bar.findChildren(QPushButton) if button.text() == "Cancel")
    explainer.show(True)
    assert bar.words == "Looking…" and not again.isVisible()
    stop.click()
    assert bar.words.startswith("Cancelled") and again.isVisible() and not stop.isVisible()
    again.click()
    assert bar.words == "Looking…" and stop.isVisible() and not again.isVisible()
    assert shell.window.host.engine is not None
    shell.window.host.engine._route_predictor(Failure(explainer._id, "memory", "the memory does not suffice"))
    assert explainer.failure is not None and again.isVisible() and not bar.words
    explainer.set_method("occlusion")  # the way that is shown as chosen already
    qtbot.waitUntil(lambda: explainer.explanation is not None and not explainer.waiting, timeout=60_000)
    assert "towards" in bar.words or "covering" in bar.words
    assert not again.isVisible()


def test_a_model_without_gate_still_explains_by_covering(qtbot: Any, shell: Shell, tmp_path: Path) -> None:
    open_and_wait(qtbot, shell, [write_image(tmp_path / "red.png", "red", (60, 30))], "red.png")
    view = shell.window.classify
    view.explainer.show(True)
    qtbot.waitUntil(lambda: view.explainer.explanation is not None and not view.explainer.waiting, timeout=60_000)
    assert view.explainer.chosen == "occlusion" and view.explainer.methods == ["occlusion"]
    assert "cannot check" in view.answer.confidence.kind_words
