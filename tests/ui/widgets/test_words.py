"""Notices, failures, the choice of a model and its card."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication

from desktop.core.types import Notice
from desktop.store.manifest import Card
from desktop.ui.dialogs.model_card import ModelCardDialog
from desktop.ui.kit.theme import theme
from desktop.ui.widgets.model_chooser import ModelChooser
from desktop.ui.widgets.notices import ErrorPanel, MedicalNotice, NoticeStrip
from tests.store.makers import manifest
from tests.ui.widgets.makers import XRAY, entry

INFO = Notice("upright", "turned upright")
SIZE = Notice("reduced", "shown at half size")
CAUTION = Notice("enlarged", "enlarged from 4×4", "caution")


def test_quiet_notices_share_a_line_and_cautions_have_one_each(qtbot: Any) -> None:
    strip = NoticeStrip()
    qtbot.addWidget(strip)
    strip.show()
    strip.set_notices((INFO, CAUTION, SIZE))
    assert strip._words.text() == "turned upright · shown at half size"
    assert [c.text for c in strip._cautions if c.isVisible()] == ["Enlarged from 4×4."]
    assert "Enlarged from 4×4." in strip.accessibleDescription()
    strip.set_notices((INFO,))
    assert not any(c.isVisible() for c in strip._cautions)
    strip.set_notices(())
    assert not strip.isVisible()


def test_a_failure_says_what_and_what_next_and_folds_the_rest(qtbot: Any) -> None:
    panel = ErrorPanel()
    qtbot.addWidget(panel)
    panel.set_failure("the file is empty", "Choose another picture.", "empty", "0 bytes")
    assert panel.isVisible()
    assert panel.text == "The file is empty. Choose another picture."
    assert not panel._details.isVisible()
    qtbot.mouseClick(panel._more, Qt.MouseButton.LeftButton)
    assert panel._details.isVisible()
    assert panel._details.toPlainText() == "Kind: empty\n0 bytes"
    qtbot.mouseClick(panel._copy, Qt.MouseButton.LeftButton)
    assert "0 bytes" in QGuiApplication.clipboard().text()
    panel.set_failure("it is cut off")
    assert not panel._more.isVisible()
    panel.clear()
    assert not panel.isVisible()


def test_words_of_others_are_not_read_as_markup(qtbot: Any) -> None:
    panel = ErrorPanel()
    qtbot.addWidget(panel)
    panel.set_failure("<img src=x>.png is empty")
    assert panel._message.textFormat() == Qt.TextFormat.PlainText


def test_the_medical_banner_is_always_there(qtbot: Any) -> None:
    banner = MedicalNotice()
    qtbot.addWidget(banner)
    assert "not a medical device" in banner.text
    banner.set_text("Research only.")
    assert banner.accessibleName() == "Caution: Research only."


# Choosing a model

READY = entry(manifest())
OTHER = entry(XRAY)
ABSENT = entry(replace(manifest(id="vgg16", name="VGG16"), state="weights-not-installed"), "weights-not-installed")
DAMAGED = entry(None, "damaged", "model.json is missing", "shells")


@pytest.fixture
def chooser(qtbot: Any) -> ModelChooser:
    widget = ModelChooser()
    qtbot.addWidget(widget)
    widget.resize(320, 120)
    widget.show()
    widget.set_entries([READY, OTHER, ABSENT, DAMAGED])
    widget.set_current("colours")
    return widget


def test_the_choice_is_told_when_the_user_makes_it(chooser: ModelChooser, qtbot: Any) -> None:
    with qtbot.assertNotEmitted(chooser.selected):
        chooser.set_current("xray")
        chooser.set_current("colours")
    with qtbot.waitSignal(chooser.selected) as told:
        chooser._combo.activated.emit(1)
    assert told.args == ["xray"]
    assert chooser.current_id == "xray"


@pytest.mark.parametrize(("row", "model_id"), [(2, "vgg16"), (3, "shells")])
def test_a_model_that_cannot_answer_shows_its_card_and_is_not_chosen(
    chooser: ModelChooser, qtbot: Any, row: int, model_id: str
) -> None:
    with qtbot.assertNotEmitted(chooser.selected), qtbot.waitSignal(chooser.card_requested) as told:
        chooser._combo.setCurrentIndex(row)
        chooser._combo.activated.emit(row)
    assert told.args == [model_id]
    assert chooser.current_id == "colours"
    assert chooser._combo.currentText() == "Colours"


def test_the_state_is_in_words(chooser: ModelChooser) -> None:
    spoken = [
        chooser._entries.data(chooser._entries.index(row), Qt.ItemDataRole.AccessibleTextRole) for row in range(4)
    ]
    assert spoken == ["Colours, Ready", "Chest X-ray, Ready", "VGG16, Weights not installed", "shells, Damaged"]
    chooser.set_current("shells")
    assert chooser._state.text() == "Damaged: model.json is missing"
    assert chooser._trouble.isVisible()


def test_arrows_open_the_list_and_the_wheel_changes_nothing(chooser: ModelChooser, qtbot: Any) -> None:
    qtbot.keyClick(chooser._combo, Qt.Key.Key_Down)
    assert chooser._combo.view().isVisible()
    assert chooser.current_id == "colours"
    chooser._combo.hidePopup()


def test_the_card_is_asked_for_by_its_button(chooser: ModelChooser, qtbot: Any) -> None:
    with qtbot.waitSignal(chooser.card_requested) as told:
        qtbot.mouseClick(chooser._card, Qt.MouseButton.LeftButton)
    assert told.args == ["colours"]


def test_the_choice_survives_a_new_list_where_it_can(chooser: ModelChooser) -> None:
    chooser.set_entries([OTHER, READY])
    assert chooser.current_id == "colours"
    assert chooser._combo.currentIndex() == 1
    chooser.set_entries([OTHER])
    assert chooser.current_id == ""
    chooser.set_entries([])
    assert chooser._summary.text() == "No model is installed."
    assert not chooser._card.isEnabled()


# The card


def card_of(qtbot: Any, of: Any) -> ModelCardDialog:
    dialog = ModelCardDialog(of)
    qtbot.addWidget(dialog)
    return dialog


def test_the_card_says_all_that_it_must(qtbot: Any) -> None:
    card = Card(
        "Scores X-rays.",
        "Research.",
        ("Children only.",),
        known_failures=("Burnt-in text.",),
        must_not=("Diagnosis.",),
        notice="Not a medical device.",
        architecture="MobileNetV3",
        parameters=1_523_906,
    )
    text = card_of(qtbot, entry(replace(XRAY, card=card))).text
    for word in (
        *("Chest X-ray", "Not a medical device.", "Scores X-rays.", "Research.", "Children only.", "Burnt-in text."),
        *("Diagnosis.", "Accuracy", "92.8 %", "90.5 %", "94.6 %", "624", "Kermany, test", "524", "1.40"),
        *("'Pneumonia' is answered", "0.400", "Normal · Pneumonia", "8 × 8 pixels", "stretched", "MobileNetV3"),
        *("xray", "0" * 64),
    ):
        assert word in text, word


def test_uncalibrated_scores_are_said_to_be_no_probabilities(qtbot: Any) -> None:
    assert "have not been calibrated" in card_of(qtbot, READY).text
    assert "Not measured." in card_of(qtbot, READY).text


def test_the_card_says_what_is_the_matter(qtbot: Any) -> None:
    damaged = card_of(qtbot, DAMAGED).text
    assert "Damaged" in damaged
    assert "model.json is missing" in damaged
    assert "Install Fovea again" in damaged
    assert "Weights not installed" in card_of(qtbot, ABSENT).text


def test_words_from_a_manifest_are_escaped(qtbot: Any) -> None:
    evil = manifest(card=Card("<script>x</script><img src='http://a/b'>", "Tests.", ("<b>bold</b>",)))
    text = card_of(qtbot, entry(evil)).text
    assert "<script>x</script><img src='http://a/b'>" in text
    assert "<b>bold</b>" in text


def test_a_thousand_classes_are_cut_short(qtbot: Any) -> None:
    many = manifest(labels=tuple(f"class {i}" for i in range(1000)))
    text = card_of(qtbot, entry(many)).text
    assert "class 59" in text
    assert "class 60 " not in text
    assert "and 940 more" in text


def test_the_card_follows_the_theme_and_can_be_copied(qtbot: Any) -> None:
    dialog = card_of(qtbot, OTHER)
    before = dialog._page.toHtml()
    theme().changed.emit()
    assert dialog._page.toHtml() == before
    dialog._copy()
    assert QGuiApplication.clipboard().text() == dialog.text
