"""The training wizard's pages: what they show, what they take, and the plan that comes of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from threading import current_thread, main_thread
from typing import Any

import pytest
from PySide6.QtCore import QLocale, Qt
from PySide6.QtWidgets import QLabel, QPushButton, QRadioButton, QWizard
from pytestqt.qtbot import QtBot

from desktop.app.starting import free_name
from desktop.app.training_data import TrainingData
from desktop.ml.plans import nettables
from desktop.ml.plans import plan as plans
from desktop.ml.plans.nettables import layer_table
from desktop.store.ids import free_among
from desktop.store.store import ModelStore
from desktop.ui.train.wizard import origins
from desktop.ui.train.wizard.draft import MAX_SIDE, Draft
from desktop.ui.train.wizard.wizard import TrainingWizard
from tests.store.makers import add_colours
from tests.ui.train.wizard.kit import TIMEOUT, looked_through


def test_five_clicks_make_a_plan_that_reads_back(qtbot: QtBot, wizard: TrainingWizard, folder: Path) -> None:
    looked_through(qtbot, wizard, folder)
    assert wizard.findings.model.rowCount() == 2
    qtbot.mouseClick(wizard.findings.express, Qt.MouseButton.LeftButton)
    assert wizard.currentPage() is wizard.summary
    start = wizard.button(QWizard.WizardButton.FinishButton)
    assert start.isEnabled()
    with qtbot.waitSignal(wizard.started) as said:
        qtbot.mouseClick(start, Qt.MouseButton.LeftButton)
    plan, name = said.args[0]
    assert name == "Ünï fruits" and plan.id == "uni-fruits"
    assert plan.labels == ("apples", "limes") and plan.data.path == str(folder) and plan.data.source == "user"
    assert len(plan.data.fingerprint) == 64
    assert plans.from_json(plan.to_json()) == plan
    assert str(folder.parent) not in plan.public().to_json()


def test_every_page_shows_the_users_picture_and_takes_changes(
    qtbot: QtBot, wizard: TrainingWizard, folder: Path
) -> None:
    looked_through(qtbot, wizard, folder)
    wizard.start.choose("preset:cifar-deep")
    assert wizard.state.draft.plan().preset == "cifar-deep" and wizard.start.model.rowCount() > 8
    while wizard.currentPage() is not wizard.preparing:
        wizard.next()
    qtbot.waitUntil(wizard.preparing.settled, timeout=TIMEOUT)
    wizard.preparing.side.setValue(48)
    qtbot.waitUntil(lambda: wizard.preparing.after.image.width() == 48, timeout=TIMEOUT)
    wizard.preparing.use(fit="letterbox", colour="grey")
    assert wizard.state.draft.settings.shape == (48, 48, 1)
    wizard.next()
    qtbot.waitUntil(wizard.augment.settled, timeout=TIMEOUT)
    wizard.augment.set_steps({("affine", "rotate"): 30.0})
    wizard.augment.across.setChecked(True)
    assert {step.name for step in wizard.state.draft.plan().augment} == {"affine", "flip"}
    wizard.augment.across.setChecked(False)
    wizard.augment.set_steps({("affine", "rotate"): 0.0})
    assert wizard.state.draft.settings.augment == ()
    wizard.next()
    wizard.learning.epochs.setValue(7)
    wizard.learning.rate.setValue(0.02)
    wizard.learning.optimizer.setCurrentIndex(wizard.learning.optimizer.findData("momentum"))
    wizard.learning.optimizer.activated.emit(0)
    wizard.learning.balance.setCurrentIndex(wizard.learning.balance.findData("over"))
    wizard.learning.balance.activated.emit(0)
    plan = wizard.state.draft.plan()
    assert (plan.fit.epochs, plan.optimizer.rate, plan.optimizer.name) == (7, 0.02, "sgd")
    assert plan.optimizer.momentum == 0.9 and plan.fit.sampling == "over" and plan.fit.class_weights == "none"


def test_the_preparing_page_shows_what_is_used(qtbot: QtBot, wizard: TrainingWizard, folder: Path) -> None:
    looked_through(qtbot, wizard, folder)
    page = wizard.preparing
    sizes = [button for button in page.findChildren(QPushButton) if button.property("side")]
    wizard.start.choose("preset:xray-cnn")
    assert page.side.value() == wizard.state.draft.settings.preprocess.height == 1024
    page.side.setValue(64)
    page.side.setValue(1024)
    assert wizard.state.draft.settings.shape == (1024, 1024, 3)
    wizard.start.choose("preset:fovea-small-residual")
    assert page.side.maximum() == MAX_SIDE
    while wizard.currentPage() is not page:
        wizard.next()
    for word in ("Ink found and centred (28×28 drawings)", "Colour"):
        next(b for b in page.findChildren(QRadioButton) if b.text() == word).click()
    assert wizard.state.draft.settings.preprocess.fit == "mnist" and wizard.state.draft.settings.shape == (28, 28, 1)
    assert page.side.value() == 28 and page._colours[0].checkedButton().text() == "Grey"
    assert not any(widget.isEnabled() for widget in (page.side, *sizes, *page._colours[0].buttons()))
    page.side.setValue(64)  # however it may come
    assert page.side.value() == 28
    next(b for b in page.findChildren(QRadioButton) if b.text() == "Stretched").click()
    sizes[-1].click()
    assert all(size.isEnabled() for size in sizes) and wizard.state.draft.settings.shape == (224, 224, 1)
    wizard.state.change(seed=20240131)
    assert wizard.split.seed.value() == 20240131


def test_the_input_of_a_model_that_is_built_upon_is_not_changed(
    qtbot: QtBot, wizard: TrainingWizard, folder: Path
) -> None:
    looked_through(qtbot, wizard, folder)
    wizard.start.choose("features:cifar10")
    # A solved head learns from mirror images, and from no other change: the page lets nothing else be set.
    variety = wizard.augment
    assert variety.across.isEnabled() and not variety.upside.isEnabled() and not variety.fill.isEnabled()
    assert not any(slider.isEnabled() for slider in variety._sliders.values())
    assert "Only mirroring" in variety._unused.text()
    held, page = wizard.state.draft.settings.preprocess, wizard.preparing
    while wizard.currentPage() is not page:
        wizard.next()
    for button in page.findChildren(QPushButton):
        if button.property("side"):
            button.click()
    assert wizard.state.draft.settings.preprocess == held


def test_a_saved_plan_runs_unchanged_in_the_terminal(
    qtbot: QtBot, wizard: TrainingWizard, folder: Path, tmp_path: Path
) -> None:
    looked_through(qtbot, wizard, folder)
    wizard.go_to_summary()
    wizard.summary.save(str(tmp_path / "plan.json"))
    assert plans.load(tmp_path / "plan.json") == wizard.state.draft.plan()


def test_an_earlier_plan_is_repeated_with_changes(qtbot: QtBot, wizard: TrainingWizard, folder: Path) -> None:
    earlier = plans.load(Path(__file__).parents[4] / "resources" / "recipes" / "mnist-digits.json")
    wizard.use_plan(earlier, str(folder))
    qtbot.waitUntil(lambda: wizard.currentPage() is wizard.findings, timeout=TIMEOUT)
    qtbot.waitUntil(lambda: not wizard.findings.inspector.running, timeout=TIMEOUT)
    plan = wizard.state.draft.plan()
    assert plan.architecture == earlier.architecture and plan.labels == ("apples", "limes")


def test_the_way_back_to_the_starting_points_settings_takes_the_dropout_along(
    qtbot: QtBot, wizard: TrainingWizard, folder: Path
) -> None:
    looked_through(qtbot, wizard, folder)
    wizard.start.choose("preset:fovea-small-residual")
    held = wizard.state.draft
    page = wizard.learning
    assert page.dropout.isEnabled() and held.settings.architecture.settings["dropout"] != 0.65
    page.dropout.setValue(0.65)
    page.epochs.setValue(3)
    assert wizard.state.draft.plan().architecture.settings["dropout"] == 0.65
    next(b for b in page.findChildren(QPushButton) if b.text().startswith("Back to")).click()
    assert wizard.state.draft == held


def test_one_is_not_several_and_numbers_are_written_as_the_user_does(
    qtbot: QtBot, wizard: TrainingWizard, folder: Path
) -> None:
    looked_through(qtbot, wizard, folder)
    while wizard.currentPage() is not wizard.split:
        wizard.next()
    # A head that is solved is cross-validated: every picture checks, and none is kept aside.
    assert not wizard.split.share.isEnabled() and "cross-validation" in wizard.split.intro.text()
    assert wizard.split.model.index(0, 1).data() == wizard.split.model.index(0, 2).data()
    wizard.start.choose("preset:fovea-small-residual")
    assert wizard.split.share.isEnabled() and "never learns" in wizard.split.intro.text()
    wizard.split.share.setValue(20)
    # As the training will divide them.
    assert "Only 2 pictures are left to check the smallest class" in wizard.split._caution.text
    wizard.split.share.setValue(10)
    assert "Only 1 picture is left to check the smallest class" in wizard.split._caution.text
    wizard.split.share.setValue(50)
    assert "Only 3 pictures are left to check the smallest class" in wizard.split._caution.text
    wizard.start.choose("fine-tune:cifar10")
    wizard.go_to_summary()
    shown = wizard.summary._lines
    before = QLocale()
    try:
        QLocale.setDefault(QLocale("de_DE"))
        wizard.start.unfreeze.setValue(1)
        wizard.learning.epochs.setValue(1)
        wizard.learning.rate.setValue(0.0125)
        assert shown["start"].text() == "Everyday things (CIFAR-10), its last layer tuned"
        assert shown["learn"].text().startswith("1 epoch, batches") and shown["learn"].text().endswith(" 0,0125")
        wizard.start.unfreeze.setValue(2)
        wizard.learning.epochs.setValue(2)
        assert shown["start"].text() == "Everyday things (CIFAR-10), its last 2 layers tuned"
        assert shown["learn"].text().startswith("2 epochs, batches")
    finally:
        QLocale.setDefault(before)


def test_a_slider_waits_for_no_page_that_is_not_seen(
    qtbot: QtBot, wizard: TrainingWizard, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_through(qtbot, wizard, folder)
    wizard.start.choose("preset:fovea-small-residual")
    while wizard.currentPage() is not wizard.preparing:
        wizard.next()
    before = wizard.start.model.cell(0, 2).text
    assert "32×32" in before
    made: list[str] = []
    with monkeypatch.context() as patched:
        plan, table = Draft.plan, nettables.layer_table

        def counted(name: str, work: Any) -> Any:
            # By the page's own thread: beside it, how long each way to begin takes is reckoned from tables as well.
            def counting(*given: Any) -> Any:
                if current_thread() is main_thread():
                    made.append(name)
                return work(*given)

            return counting

        patched.setattr(Draft, "plan", counted("plan", plan))
        patched.setattr(nettables, "layer_table", counted("table", table))
        wizard.preparing.side.setValue(48)
        assert made == ["table"]  # the page's own question, whether such a network can be built
        made.clear()
        wizard.augment.set_steps({("affine", "rotate"): 20.0})
        wizard.learning.epochs.setValue(9)
    assert made == [] and wizard.start.model.cell(0, 2).text == before
    wizard.back()
    assert wizard.currentPage() is wizard.start and wizard.start.model.cell(0, 2).text == before.replace("32", "48")
    wizard.go_to_summary()
    lines = {key: label.text() for key, label in wizard.summary._lines.items()}
    assert lines["input"].startswith("48×48") and "± 20" in lines["augment"] and lines["learn"].startswith("9 epochs")
    wizard.learning.epochs.setValue(10)
    assert wizard.summary._lines["learn"].text().startswith("10 epochs")
    wizard.state.change_settings(fit=replace(wizard.state.draft.settings.fit, epochs=0))
    assert not wizard.summary.isComplete() and not wizard.button(QWizard.WizardButton.FinishButton).isEnabled()
    wizard.back()
    wizard.state.change_settings(fit=replace(wizard.state.draft.settings.fit, epochs=11))
    wizard.next()
    assert wizard.summary._lines["learn"].text().startswith("11 epochs")
    assert wizard.button(QWizard.WizardButton.FinishButton).isEnabled()


def test_every_starting_point_makes_a_sound_plan(qtbot: QtBot, wizard: TrainingWizard, folder: Path) -> None:
    looked_through(qtbot, wizard, folder)
    found = origins.origins(wizard.state.draft, wizard.state.catalog.entries)
    assert {"preset:fovea-small-residual", "preset:vgg16", "features:cifar10", "fine-tune:cifar10"} <= {
        origin.id for origin in found
    }
    for origin in found:
        assert origin.make().labels  # one that is not sound raises


def test_the_bases_stand_beside_each_other_with_the_time_that_each_would_take(
    qtbot: QtBot, wizard: TrainingWizard, folder: Path
) -> None:
    page = wizard.start
    wizard.state.put(Draft(data=TrainingData(str(folder), "fruits", ("apples", "limes"), (80, 60), side=48)))
    page._begin()
    qtbot.waitUntil(lambda: bool(page._times), timeout=TIMEOUT)
    titles = {origin.id: origin.title for origin in page._origins}
    assert {"features:cifar10", "fine-tune:cifar10", "preset:fovea-small-residual"} <= set(page._times)
    items = [page.list.item(place) for place in range(page.list.count())]
    shown = [item.text().split("\n") for item in items if "\n" in item.text()]
    timed = [(title, time) for title, time in shown if time.startswith("about ")]
    assert len(timed) == len(page._times) and {title for title, _ in timed} == {titles[name] for name in page._times}
    assert all(time == "how long it takes is not known" for title, time in shown if (title, time) not in timed)
    assert {title for title, _ in shown} == set(titles.values())


@pytest.mark.parametrize("size", [(800, 680), (1000, 700)])
def test_the_time_is_in_sight_below_a_title_of_two_lines(
    qtbot: QtBot, wizard: TrainingWizard, folder: Path, size: tuple[int, int]
) -> None:
    """In the narrowest wizard, as it stands in a window of 1024 × 700, the times of long titles were cut off."""
    looked_through(qtbot, wizard, folder)
    page = wizard.start
    qtbot.waitUntil(lambda: bool(page._times), timeout=TIMEOUT)
    wizard.resize(*size)
    wizard.setCurrentId(next(number for number in wizard.pageIds() if wizard.page(number) is page))
    qtbot.waitUntil(page.list.isVisible, timeout=TIMEOUT)
    metrics, wrapped, lines = page.list.fontMetrics(), int(Qt.TextFlag.TextWordWrap), set()
    for item in (page.list.item(place) for place in range(page.list.count())):
        place = page.list.visualItemRect(item)
        needed = metrics.boundingRect(0, 0, place.width() - 22, 10_000, wrapped, item.text())  # less its padding
        lines.add(round(needed.height() / metrics.lineSpacing()))
        assert needed.height() <= place.height(), item.text()
    assert 3 in lines or size[0] > 800, "no title takes two lines: the test looks at nothing"


def test_the_last_page_names_the_time_that_the_starting_points_page_names(
    qtbot: QtBot, wizard: TrainingWizard, folder: Path
) -> None:
    """'about 2 min' stood beside the starting point, 'takes seconds' on the last page."""
    looked_through(qtbot, wizard, folder)
    page, summary = wizard.start, wizard.summary
    qtbot.waitUntil(lambda: bool(page._times), timeout=TIMEOUT)
    wizard.setCurrentId(next(number for number in wizard.pageIds() if wizard.page(number) is summary))
    line = summary._lines["time"]
    assert isinstance(line, QLabel)
    qtbot.waitUntil(lambda: bool(line.text()), timeout=TIMEOUT)
    shown = page.list.currentItem().text().splitlines()[-1]
    assert shown.startswith("about ") and line.text().startswith(shown)
    assert not any("takes seconds" in label.text() for label in summary.findChildren(QLabel))


def test_pictures_that_are_left_out_are_not_shown_as_what_the_network_sees(
    qtbot: QtBot, wizard: TrainingWizard, folder: Path
) -> None:
    whole = (folder / "apples" / "000.png").read_bytes()
    (folder / "apples" / "00 broken.png").write_bytes(whole[: len(whole) // 2])
    looked_through(qtbot, wizard, folder)
    assert wizard.state.draft.data.left_out == ("apples/00 broken.png",)
    seen = set()
    for _ in range(30):
        seen.add(wizard.state.picture_name)
        wizard.state.next_picture()
    assert "apples/00 broken.png" not in seen and len(seen) > 10


def test_another_colour_is_followed_by_the_network_and_what_does_not_fit_is_said(
    qtbot: QtBot, wizard: TrainingWizard, folder: Path
) -> None:
    looked_through(qtbot, wizard, folder)
    wizard.start.choose("preset:fovea-small-residual")
    for colour, channels in (("grey", 1), ("rgb", 3)):
        wizard.preparing.use(colour=colour)
        draft = wizard.state.draft
        assert (
            len(draft.settings.architecture.settings["mean"])
            == len(draft.settings.architecture.settings["deviation"])
            == channels
        )
        layer_table(draft.settings.architecture, draft.settings.shape, 2)
        assert wizard.preparing.isComplete()
    wizard.start.choose("preset:alexnet")
    wizard.preparing.use(height=16, width=16)
    assert not wizard.preparing.isComplete() and "pool2" in wizard.preparing._unfit.text
    wizard.state.change(name="small")
    assert not wizard.summary.isComplete()
    wizard.preparing.use(height=224, width=224)
    assert wizard.preparing.isComplete() and wizard.summary.isComplete()


def test_a_base_that_is_not_installed_cannot_be_started_from(
    qtbot: QtBot, wizard: TrainingWizard, folder: Path
) -> None:
    looked_through(qtbot, wizard, folder)
    wizard.start.choose("preset:vgg16-features")
    wizard.state.change(name="upon")
    assert not wizard.summary.isComplete()
    assert "not installed" in origins.trouble_of(wizard.state.draft.plan(), wizard.state.catalog.entries)


def test_a_model_s_name_is_not_offered_twice(qtbot: QtBot, wizard: TrainingWizard, folder: Path) -> None:
    """Who trains again from the same folder had two models of one name in every list."""
    add_colours(ModelStore(), id="fruit", name="Ünï fruits")
    with qtbot.waitSignal(wizard.state.catalog.changed, timeout=TIMEOUT):
        wizard.state.catalog.refresh()
    looked_through(qtbot, wizard, folder)
    qtbot.mouseClick(wizard.findings.express, Qt.MouseButton.LeftButton)
    assert wizard.currentPage() is wizard.summary
    assert wizard.summary.name.text() == wizard.state.draft.name == "Ünï fruits 2"
    wizard.summary._on_name("Ünï fruits")  # whoever wants it has it
    assert wizard.state.draft.name == "Ünï fruits"


def test_names_become_free_ids() -> None:
    assert free_name("Cats", ["dogs"]) == "Cats" and free_name("Cats", ["cats", "Cats 2"]) == "Cats 3"
    assert free_among("Äpfel & Birnen", set()) == "apfel-birnen"
    assert free_among("Cats", {"cats", "cats-2"}) == "cats-3"
    assert free_among("日本", set()) == "model"
    assert free_among("Con", set()) == "con-1"  # a device on Windows


def test_times_that_cannot_be_reckoned_are_said_not_to_be_known(
    qtbot: QtBot, wizard: TrainingWizard, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> Any:
        raise OSError("no disk")

    monkeypatch.setattr("desktop.ui.train.wizard.start_page.times", broken)
    monkeypatch.setattr("desktop.app.expected_time.trial", lambda: 1.0)
    looked_through(qtbot, wizard, folder)
    qtbot.waitUntil(wizard.start.settled, timeout=TIMEOUT)
    texts = [wizard.start.list.item(place).text() for place in range(wizard.start.list.count())]
    told = [text for text in texts if "\n" in text]
    assert told and all(text.endswith("how long it takes is not known") for text in told)
