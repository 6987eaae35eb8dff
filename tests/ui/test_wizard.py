"""The training wizard: real folders, the real look at them in a child process, and the plan that comes of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QLocale, Qt
from PySide6.QtWidgets import QPushButton, QRadioButton, QWizard
from pytestqt.qtbot import QtBot

from desktop.ml import nettables
from desktop.ml import plan as plans
from desktop.ml.nettables import layer_table
from desktop.services.catalog import ModelCatalog
from desktop.services.engine_service import EngineService
from desktop.services.settings import Settings
from desktop.store.ids import free_among
from desktop.ui.wizard import origins
from desktop.ui.wizard.draft import MAX_SIDE, Draft
from desktop.ui.wizard.wizard import TrainingWizard

TIMEOUT = 60_000


def draw(folder: Path, colour: tuple[int, int, int], count: int, first: int = 0) -> None:
    """``count`` different pictures of one colour with a moving bar."""
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(first, first + count):
        pixels = np.full((40, 60, 3), colour, np.uint8)
        pixels[:, i % 50 : i % 50 + 6] = (255 - np.array(colour)).astype(np.uint8)
        pixels[i % 36 : i % 36 + 3] = 30 + 5 * i
        Image.fromarray(pixels).save(folder / f"{i:03d}.png")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "Ünï fruits"
    draw(root / "apples", (200, 30, 20), 8)
    draw(root / "limes", (20, 200, 40), 6)
    return root


@pytest.fixture
def engine(qtbot: QtBot) -> Iterator[EngineService]:
    service = EngineService()
    with qtbot.waitSignal(service.ready, timeout=TIMEOUT):
        service.start()
    yield service
    service.stop()


@pytest.fixture
def wizard(qtbot: QtBot, engine: EngineService) -> Iterator[TrainingWizard]:
    catalog = ModelCatalog()
    with qtbot.waitSignal(catalog.changed, timeout=TIMEOUT):
        catalog.refresh()
    wizard = TrainingWizard(catalog, Settings(), engine)
    qtbot.addWidget(wizard)
    wizard.show()
    yield wizard
    wizard.reject()
    wizard.findings.inspector.wait()
    catalog.stop()


def looked_through(qtbot: QtBot, wizard: TrainingWizard, folder: Path) -> None:
    wizard.open_path(str(folder))
    qtbot.waitUntil(lambda: wizard.currentPage() is wizard.findings, timeout=TIMEOUT)
    qtbot.waitUntil(lambda: not wizard.findings.inspector.running, timeout=TIMEOUT)


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


def test_findings_show_pictures_and_their_choices_reach_the_plan(
    qtbot: QtBot, wizard: TrainingWizard, folder: Path
) -> None:
    (folder / "limes" / "broken.png").write_bytes(b"no picture at all")
    copy = (folder / "apples" / "001.png").read_bytes()
    (folder / "limes" / "copy.png").write_bytes(copy)
    looked_through(qtbot, wizard, folder)
    cards = {card.kind: card for card in wizard.findings._cards}
    conflict = cards["label-conflict"]
    qtbot.waitUntil(wizard.findings.settled, timeout=TIMEOUT)
    assert set(wizard.state.draft.pictures_left_out) == {"apples/001.png", "limes/broken.png", "limes/copy.png"}
    conflict.box.setCurrentIndex(conflict.box.findData("keep"))
    conflict.box.activated.emit(conflict.box.currentIndex())
    assert wizard.state.draft.pictures_left_out == ("limes/broken.png",)
    assert wizard.state.draft.plan().data.left_out == ("limes/broken.png",)
    assert copy == (folder / "apples" / "001.png").read_bytes()


def test_near_copies_stay_on_one_side_as_the_finding_says(qtbot: QtBot, wizard: TrainingWizard, folder: Path) -> None:
    noise = np.random.default_rng(5).integers(0, 256, (40, 60, 3), np.uint8)
    Image.fromarray(noise).save(folder / "limes" / "noise.png")
    noise[0, 0] ^= 255
    Image.fromarray(noise).save(folder / "limes" / "near.png")
    looked_through(qtbot, wizard, folder)
    qtbot.waitUntil(wizard.findings.settled, timeout=TIMEOUT)
    assert {"limes/near.png", "limes/noise.png"} in map(set, wizard.state.draft.plan().data.kept_together)
    card = next(card for card in wizard.findings._cards if card.kind == "near-copies")
    card.box.setCurrentIndex(card.box.findData("keep-one"))
    card.box.activated.emit(card.box.currentIndex())
    assert len({"limes/near.png", "limes/noise.png"} & set(wizard.state.draft.pictures_left_out)) == 1
    assert wizard.state.draft.plan().data.kept_together == ()


def test_data_that_cannot_be_learned_from_stops_with_the_reason(
    qtbot: QtBot, wizard: TrainingWizard, folder: Path
) -> None:
    (folder / "plums").mkdir()
    looked_through(qtbot, wizard, folder)
    assert not wizard.findings.isComplete() and not wizard.findings.express.isEnabled()
    assert any("plums" in card.accessibleName() for card in wizard.findings._cards)


def test_a_folder_without_pictures_says_so_where_it_was_opened(
    qtbot: QtBot, wizard: TrainingWizard, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    with qtbot.waitSignal(wizard.folder.failed, timeout=TIMEOUT):
        wizard.open_path(str(tmp_path / "empty"))
    assert wizard.currentPage() is wizard.folder and wizard.folder.failure.isVisible()
    assert not wizard.folder.isComplete()


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
    assert wizard.state.draft.shape == (48, 48, 1)
    wizard.next()
    qtbot.waitUntil(wizard.augment.settled, timeout=TIMEOUT)
    wizard.augment.set_steps({("affine", "rotate"): 30.0})
    wizard.augment.across.setChecked(True)
    assert {step.name for step in wizard.state.draft.plan().augment} == {"affine", "flip"}
    wizard.augment.across.setChecked(False)
    wizard.augment.set_steps({("affine", "rotate"): 0.0})
    assert wizard.state.draft.augment == ()
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
    assert page.side.value() == wizard.state.draft.preprocess.height == 1024
    page.side.setValue(64)
    page.side.setValue(1024)
    assert wizard.state.draft.shape == (1024, 1024, 3)
    wizard.start.choose("preset:fovea-small-residual")
    assert page.side.maximum() == MAX_SIDE
    while wizard.currentPage() is not page:
        wizard.next()
    for word in ("Ink found and centred (28×28 drawings)", "Colour"):
        next(b for b in page.findChildren(QRadioButton) if b.text() == word).click()
    assert wizard.state.draft.preprocess.fit == "mnist" and wizard.state.draft.shape == (28, 28, 1)
    assert page.side.value() == 28 and page._colours[0].checkedButton().text() == "Grey"
    assert not any(widget.isEnabled() for widget in (page.side, *sizes, *page._colours[0].buttons()))
    page.side.setValue(64)  # however it may come
    assert page.side.value() == 28
    next(b for b in page.findChildren(QRadioButton) if b.text() == "Stretched").click()
    sizes[-1].click()
    assert all(size.isEnabled() for size in sizes) and wizard.state.draft.shape == (224, 224, 1)
    wizard.state.change(seed=20240131)
    assert wizard.split.seed.value() == 20240131


def test_the_input_of_a_model_that_is_built_upon_is_not_changed(
    qtbot: QtBot, wizard: TrainingWizard, folder: Path
) -> None:
    looked_through(qtbot, wizard, folder)
    wizard.start.choose("features:cifar10")
    held, page = wizard.state.draft.preprocess, wizard.preparing
    while wizard.currentPage() is not page:
        wizard.next()
    for button in page.findChildren(QPushButton):
        if button.property("side"):
            button.click()
    assert wizard.state.draft.preprocess == held


def test_a_saved_plan_runs_unchanged_in_the_terminal(
    qtbot: QtBot, wizard: TrainingWizard, folder: Path, tmp_path: Path
) -> None:
    looked_through(qtbot, wizard, folder)
    wizard.go_to_summary()
    wizard.summary.save(str(tmp_path / "plan.json"))
    assert plans.load(tmp_path / "plan.json") == wizard.state.draft.plan()


def test_an_earlier_plan_is_repeated_with_changes(qtbot: QtBot, wizard: TrainingWizard, folder: Path) -> None:
    earlier = plans.load(Path(__file__).parents[2] / "resources" / "recipes" / "mnist-digits.json")
    wizard.use_plan(earlier, str(folder))
    qtbot.waitUntil(lambda: wizard.currentPage() is wizard.findings, timeout=TIMEOUT)
    qtbot.waitUntil(lambda: not wizard.findings.inspector.running, timeout=TIMEOUT)
    plan = wizard.state.draft.plan()
    assert plan.architecture == earlier.architecture and plan.labels == ("apples", "limes")


def test_other_data_gets_the_starting_point_anew(
    qtbot: QtBot, wizard: TrainingWizard, folder: Path, tmp_path: Path
) -> None:
    looked_through(qtbot, wizard, folder)
    wizard.start.choose("preset:alexnet")
    while wizard.currentPage() is not wizard.folder:
        wizard.back()
    other = tmp_path / "others"
    draw(other / "plums", (90, 10, 120), 5)
    draw(other / "pears", (180, 200, 60), 5)
    looked_through(qtbot, wizard, other)
    plan = wizard.state.draft.plan()
    assert plan.labels == ("pears", "plums") and plan.architecture.name in plans.ARCHITECTURES
    assert plan.preset != "alexnet"


def test_other_data_shows_its_own_picture_though_the_names_are_the_same(
    qtbot: QtBot, wizard: TrainingWizard, tmp_path: Path
) -> None:
    labels = np.array([0, 1] * 4)
    for name, tone in (("dark", 20), ("light", 220)):
        images = np.random.default_rng(3).integers(tone, tone + 20, (8, 28, 28), np.uint8)
        np.savez(tmp_path / f"{name}.npz", x_train=images, y_train=labels)
    shown = []
    for name in ("dark", "light"):
        looked_through(qtbot, wizard, tmp_path / f"{name}.npz")
        assert not wizard.preparing.settled() and not wizard.augment.settled()
        shown.append(wizard.state.picture_name)
        while wizard.currentPage() is not wizard.augment:
            wizard.next()
            if wizard.currentPage() is wizard.preparing:
                qtbot.waitUntil(wizard.preparing.settled, timeout=TIMEOUT)
        qtbot.waitUntil(wizard.augment.settled, timeout=TIMEOUT)
        for image in (wizard.preparing.after.image, wizard.augment.cells[0].image):
            assert image is not None and (image.pixelColor(9, 9).lightness() > 127) == (name == "light")
        while wizard.currentPage() is not wizard.folder:
            wizard.back()
    assert shown[0] == shown[1]


def test_the_way_back_to_the_starting_points_settings_takes_the_dropout_along(
    qtbot: QtBot, wizard: TrainingWizard, folder: Path
) -> None:
    looked_through(qtbot, wizard, folder)
    wizard.start.choose("preset:fovea-small-residual")
    held = wizard.state.draft
    page = wizard.learning
    assert page.dropout.isEnabled() and held.architecture.settings["dropout"] != 0.65
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
    wizard.split.share.setValue(20)
    assert "Only 1 picture checks the smallest class" in wizard.split._caution.text
    wizard.split.share.setValue(50)
    assert "Only 3 pictures check the smallest class" in wizard.split._caution.text
    wizard.start.choose("fine-tune:cifar10")
    wizard.go_to_summary()
    shown = wizard.summary._lines
    before = QLocale()
    try:
        QLocale.setDefault(QLocale("de_DE"))
        wizard.start.unfreeze.setValue(1)
        wizard.learning.epochs.setValue(1)
        wizard.learning.rate.setValue(0.0125)
        assert shown["start"].text() == "cifar10, its last layer tuned"
        assert shown["learn"].text().startswith("1 epoch, batches") and shown["learn"].text().endswith(" 0,0125")
        wizard.start.unfreeze.setValue(2)
        wizard.learning.epochs.setValue(2)
        assert shown["start"].text() == "cifar10, its last 2 layers tuned"
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
        patched.setattr(Draft, "plan", lambda *given: made.append("plan") or plan(*given))
        patched.setattr(nettables, "layer_table", lambda *given: made.append("table") or table(*given))
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
    wizard.state.change(fit=replace(wizard.state.draft.fit, epochs=0))
    assert not wizard.summary.isComplete() and not wizard.button(QWizard.WizardButton.FinishButton).isEnabled()
    wizard.back()
    wizard.state.change(fit=replace(wizard.state.draft.fit, epochs=11))
    wizard.next()
    assert wizard.summary._lines["learn"].text().startswith("11 epochs")
    assert wizard.button(QWizard.WizardButton.FinishButton).isEnabled()


def test_small_grey_pictures_get_a_small_grey_net_once_they_were_looked_at(
    qtbot: QtBot, wizard: TrainingWizard, tmp_path: Path
) -> None:
    for name, seed in (("ones", 0), ("twos", 1)):
        (tmp_path / "grey" / name).mkdir(parents=True)
        for i in range(6):
            pixels = np.random.default_rng([seed, i]).integers(0, 256, (28, 28), np.uint8)
            Image.fromarray(pixels).save(tmp_path / "grey" / name / f"{i}.png")
    looked_through(qtbot, wizard, tmp_path / "grey")
    wizard.go_to_summary()
    plan = wizard.state.draft.plan()
    assert plan.start.kind == "fresh" and plan.preset == "fovea-small-residual" and plan.shape == (32, 32, 1)
    assert wizard.learning.recommended == (plan.optimizer, plan.fit)


def test_what_was_chosen_by_hand_stays_when_more_is_known(qtbot: QtBot, wizard: TrainingWizard, folder: Path) -> None:
    looked_through(qtbot, wizard, folder)
    wizard.start.choose("preset:fovea-small-residual")
    wizard.preparing.side.setValue(48)
    wizard.state.looked.emit()
    assert wizard.state.draft.shape == (48, 48, 3) and wizard.state.draft.preset == "fovea-small-residual"
    wizard.start.choose("preset:cifar-deep")
    wizard.state.looked.emit()
    assert wizard.state.draft.preset == "cifar-deep"


def test_a_repeat_divides_the_same_pictures_in_the_same_way(qtbot: QtBot, wizard: TrainingWizard, folder: Path) -> None:
    (folder / "limes" / "copy.png").write_bytes((folder / "limes" / "001.png").read_bytes())
    (folder / "apples" / "twin.png").write_bytes((folder / "limes" / "002.png").read_bytes())
    looked_through(qtbot, wizard, folder)
    draft = wizard.state.draft
    assert set(draft.pictures_left_out) == {"limes/copy.png", "apples/twin.png", "limes/002.png"}
    fingerprint = draft.fingerprint
    data = plans.DataPlan(
        "user", 0.35, "none", ("apples", "limes"), str(folder), "fruits", fingerprint, limit=7, use_test=False,
        left_out=("apples/003.png", "apples/twin.png", "limes/002.png"),
    )  # fmt: skip
    earlier = replace(draft.plan(), seed=77, name="Fruits by hand", data=data)
    wizard.back()
    wizard.use_plan(earlier)
    qtbot.waitUntil(lambda: wizard.currentPage() is wizard.findings, timeout=TIMEOUT)
    assert wizard.state.draft.plan().data.left_out == data.left_out and wizard.state.draft.counts_left_out == (2, 1)
    qtbot.waitUntil(lambda: not wizard.findings.inspector.running, timeout=TIMEOUT)
    plan = wizard.state.draft.plan()
    assert (plan.seed, plan.name) == (77, "Fruits by hand") and plan.data == replace(data, title=plan.data.title)
    choices = {card.kind: card.choice for card in wizard.findings._cards if card.choice}
    assert choices["copies"] == "keep" and choices["label-conflict"] == "leave-out"
    wizard.go_to_summary()
    assert wizard.state.draft.plan().data.left_out == data.left_out


def test_a_repeat_on_changed_pictures_keeps_the_choices_and_forgets_what_was_mended(
    qtbot: QtBot, wizard: TrainingWizard, folder: Path
) -> None:
    (folder / "limes" / "broken.png").write_bytes(b"no picture at all")
    (folder / "limes" / "copy.png").write_bytes((folder / "limes" / "001.png").read_bytes())
    looked_through(qtbot, wizard, folder)
    earlier = wizard.state.draft.plan()
    assert earlier.data.left_out == ("limes/broken.png", "limes/copy.png")
    draw(folder / "limes", (20, 200, 40), 1, first=40)
    (folder / "limes" / "040.png").rename(folder / "limes" / "broken.png")
    draw(folder / "plums", (90, 10, 120), 5)
    wizard.back()
    wizard.use_plan(earlier)
    qtbot.waitUntil(lambda: wizard.currentPage() is wizard.findings, timeout=TIMEOUT)
    qtbot.waitUntil(lambda: not wizard.findings.inspector.running, timeout=TIMEOUT)
    plan = wizard.state.draft.plan()
    assert plan.data.left_out == ("limes/copy.png",) and plan.labels == ("apples", "limes", "plums")


def test_every_starting_point_makes_a_sound_plan(qtbot: QtBot, wizard: TrainingWizard, folder: Path) -> None:
    looked_through(qtbot, wizard, folder)
    found = origins.origins(wizard.state.draft, wizard.state.catalog.entries)
    assert {"preset:fovea-small-residual", "preset:vgg16", "features:cifar10", "fine-tune:cifar10"} <= {
        origin.id for origin in found
    }
    for origin in found:
        assert plans.problems(origin.make()) == []


def test_another_colour_is_followed_by_the_network_and_what_does_not_fit_is_said(
    qtbot: QtBot, wizard: TrainingWizard, folder: Path
) -> None:
    looked_through(qtbot, wizard, folder)
    wizard.start.choose("preset:fovea-small-residual")
    for colour, channels in (("grey", 1), ("rgb", 3)):
        wizard.preparing.use(colour=colour)
        draft = wizard.state.draft
        assert len(draft.architecture.settings["mean"]) == len(draft.architecture.settings["deviation"]) == channels
        layer_table(draft.architecture, draft.shape, 2)
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


def test_a_split_of_its_own_needs_pictures_to_learn_from() -> None:
    draft = Draft(classes=("a", "b"), counts=(5, 0), own_validation=True)
    assert draft.obstacle() == "too few"
    assert replace(draft, counts=(5, 1)).obstacle() == ""


def test_names_become_free_ids() -> None:
    assert free_among("Äpfel & Birnen", set()) == "apfel-birnen"
    assert free_among("Cats", {"cats", "cats-2"}) == "cats-3"
    assert free_among("日本", set()) == "model"


def test_the_split_keeps_a_picture_of_each_class_on_either_side() -> None:
    draft = Draft(classes=("a", "b"), counts=(100, 2), validation=0.05)
    assert draft.split_counts() == ((95, 5), (1, 1)) and draft.obstacle() == ""
    assert Draft(classes=("a", "b"), counts=(100, 1)).obstacle() == "too few"


def test_what_is_left_out_is_neither_learned_from_nor_checked_with(
    qtbot: QtBot, wizard: TrainingWizard, tmp_path: Path
) -> None:
    root = tmp_path / "fruits"
    draw(root / "apples", (200, 30, 20), 8)
    draw(root / "limes", (20, 200, 40), 3)
    for number in (0, 1):
        (root / "apples" / f"wrong{number}.png").write_bytes((root / "limes" / f"00{number}.png").read_bytes())
    looked_through(qtbot, wizard, root)
    draft = wizard.state.draft
    assert draft.counts == (10, 3) and draft.learned_counts == (8, 1)
    assert draft.obstacle() == "emptied" and not wizard.findings.isComplete()
    assert "'limes'" in wizard.findings.trouble() and not wizard.findings.express.isEnabled()
    card = next(card for card in wizard.findings._cards if card.kind == "label-conflict")
    card.choose("keep")
    card.box.activated.emit(card.box.currentIndex())
    draft = wizard.state.draft
    assert draft.obstacle() == "" and wizard.findings.isComplete() and wizard.findings.express.isEnabled()
    assert [sum(side) for side in draft.split_counts()] == [10, 3]


def test_a_split_called_holdout_is_offered_as_the_test_split(
    qtbot: QtBot, wizard: TrainingWizard, tmp_path: Path
) -> None:
    for split, count in (("train", 6), ("holdout", 2)):
        draw(tmp_path / "fruits" / split / "apples", (200, 30, 20), count)
        draw(tmp_path / "fruits" / split / "limes", (20, 200, 40), count)
    looked_through(qtbot, wizard, tmp_path / "fruits")
    assert wizard.state.draft.own_test and not wizard.state.draft.own_validation
    assert wizard.state.draft.counts == (6, 6)
    while wizard.currentPage() is not wizard.split:
        wizard.next()
    assert wizard.split.test.isVisible()


def test_closing_the_wizard_while_it_looks_leaves_nothing_running(
    qtbot: QtBot, engine: EngineService, folder: Path
) -> None:
    from desktop.services import inspection

    wizard = TrainingWizard(ModelCatalog(), Settings(), engine)
    wizard.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    wizard.show()
    wizard.open_path(str(folder))
    qtbot.waitUntil(lambda: wizard.findings.inspector.running, timeout=TIMEOUT)
    with qtbot.waitSignal(wizard.destroyed, timeout=TIMEOUT):
        wizard.reject()
    qtbot.waitUntil(lambda: not inspection._running, timeout=TIMEOUT)
