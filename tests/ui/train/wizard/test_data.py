"""The training wizard and its data: real folders, the real look at them in a child process, and what is left out."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QPushButton
from pytestqt.qtbot import QtBot

from desktop.app.recipes import FOLDS
from desktop.app.training_data import TrainingData
from desktop.ml.plans import plan as plans
from desktop.services.catalog import ModelCatalog
from desktop.services.drawings import OwnDrawings
from desktop.services.engine_service import EngineService
from desktop.services.settings import Settings
from desktop.store.store import ModelStore
from desktop.ui.train.wizard.draft import Draft
from desktop.ui.train.wizard.origins import origins
from desktop.ui.train.wizard.wizard import TrainingWizard
from tests.ui.train.wizard.kit import TIMEOUT, draw, looked_through, opened


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
    assert set(wizard.state.draft.data.left_out) == {"apples/001.png", "limes/broken.png", "limes/copy.png"}
    conflict.box.setCurrentIndex(conflict.box.findData("keep"))
    conflict.box.activated.emit(conflict.box.currentIndex())
    assert wizard.state.draft.data.left_out == ("limes/broken.png",)
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
    assert len({"limes/near.png", "limes/noise.png"} & set(wizard.state.draft.data.left_out)) == 1
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


def test_labels_in_a_table_are_shown_and_confirmed(qtbot: QtBot, wizard: TrainingWizard, tmp_path: Path) -> None:
    root = tmp_path / "strangers"
    draw(root / "all", (90, 10, 120), 12)
    rows = "".join(f"{i:03d}.png,{'ab'[i % 2]}\n" for i in range(12))
    (root / "labels.csv").write_text(f"file,breed\n{rows}", encoding="utf-8")
    wizard.open_path(str(root))
    page = wizard.folder
    qtbot.waitUntil(page.layouts.isVisible, timeout=TIMEOUT)
    assert wizard.currentPage() is page and not page.isComplete() and len(page.layouts.buttons) == 1
    words = " ".join(label.text() for label in page.layouts.findChildren(QLabel))
    assert "labels.csv" in words and "'breed'" in words and "12 pictures in 2 classes: a (6), b (6)" in words
    qtbot.keyClick(page.layouts.buttons[0], Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: wizard.currentPage() is wizard.findings, timeout=TIMEOUT)
    qtbot.waitUntil(lambda: not wizard.findings.inspector.running, timeout=TIMEOUT)
    plan = wizard.state.draft.plan()
    assert plan.labels == ("a", "b") and (plan.data.path or "").endswith("::table:labels.csv:file:breed")
    assert plan.data.title == "strangers"


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


def test_small_grey_pictures_get_a_small_grey_net_once_they_were_looked_at(
    qtbot: QtBot, wizard: TrainingWizard, tmp_path: Path
) -> None:
    for name, seed in (("ones", 0), ("twos", 1)):
        (tmp_path / "grey" / name).mkdir(parents=True)
        for i in range(6):
            pixels = np.random.default_rng([seed, i]).integers(0, 256, (28, 28), np.uint8)
            Image.fromarray(pixels).save(tmp_path / "grey" / name / f"{i}.png")
    looked_through(qtbot, wizard, tmp_path / "grey")
    wizard.start.choose("preset:fovea-small-residual")
    wizard.go_to_summary()
    plan = wizard.state.draft.plan()
    assert plan.start.kind == "fresh" and plan.preset == "fovea-small-residual" and plan.shape == (32, 32, 1)
    assert wizard.learning.recommended == (plan.optimizer, plan.fit)


def test_what_was_chosen_by_hand_stays_when_more_is_known(qtbot: QtBot, wizard: TrainingWizard, folder: Path) -> None:
    looked_through(qtbot, wizard, folder)
    wizard.start.choose("preset:fovea-small-residual")
    wizard.preparing.side.setValue(48)
    wizard.state.looked.emit()
    assert (
        wizard.state.draft.settings.shape == (48, 48, 3)
        and wizard.state.draft.settings.preset == "fovea-small-residual"
    )
    wizard.start.choose("preset:cifar-deep")
    wizard.state.looked.emit()
    assert wizard.state.draft.settings.preset == "cifar-deep"


def test_a_repeat_divides_the_same_pictures_in_the_same_way(qtbot: QtBot, wizard: TrainingWizard, folder: Path) -> None:
    (folder / "limes" / "copy.png").write_bytes((folder / "limes" / "001.png").read_bytes())
    (folder / "apples" / "twin.png").write_bytes((folder / "limes" / "002.png").read_bytes())
    looked_through(qtbot, wizard, folder)
    draft = wizard.state.draft
    assert set(draft.data.left_out) == {"limes/copy.png", "apples/twin.png", "limes/002.png"}
    fingerprint = draft.data.fingerprint
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
    assert (plan.seed, plan.name) == (77, "Fruits by hand") and plan.data == replace(
        data, title=plan.data.title, folds=FOLDS
    )
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


def test_a_split_of_its_own_needs_pictures_to_learn_from() -> None:
    draft = Draft(TrainingData("", "", ("a", "b"), (5, 0), own_validation=True))
    assert draft.obstacle() == "too few"
    assert draft.with_data(counts=(5, 1)).obstacle() == ""


def test_the_split_keeps_a_picture_of_each_class_on_either_side() -> None:
    draft = Draft(TrainingData("", "", ("a", "b"), (100, 2), validation=0.05))
    assert draft.split_counts() == ((95, 5), (1, 1)) and draft.obstacle() == ""
    assert Draft(TrainingData("", "", ("a", "b"), (100, 1))).obstacle() == "too few"


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
    assert draft.data.counts == (10, 3) and draft.learned_counts == (8, 1)
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
    assert wizard.state.draft.data.own_test and not wizard.state.draft.data.own_validation
    assert wizard.state.draft.data.counts == (6, 6)
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
    qtbot.waitUntil(lambda: not inspection._Runner.running(), timeout=TIMEOUT)


@pytest.mark.parametrize("colour", [True, False])
def test_a_skipped_look_still_knows_colours_and_sizes(
    qtbot: QtBot, wizard: TrainingWizard, tmp_path: Path, colour: bool
) -> None:
    root = tmp_path / "many"
    for name in ("one", "two"):
        draw(root / name, (200, 30, 20) if colour else (90, 90, 90), 400)
    if not colour:
        for path in root.rglob("*.png"):
            with Image.open(path) as picture:
                picture.convert("L").save(path)
    wizard.open_path(str(root))
    qtbot.waitUntil(lambda: wizard.currentPage() is wizard.findings, timeout=TIMEOUT)
    skip = next(b for b in wizard.findings.findChildren(QPushButton) if b.text() == "Skip the look")
    qtbot.mouseClick(skip, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not wizard.findings.inspector.running, timeout=TIMEOUT)
    assert wizard.state.inspection is None
    assert (wizard.state.draft.data.colour, wizard.state.draft.data.side) == (colour, 40)
    qtbot.mouseClick(wizard.findings.express, Qt.MouseButton.LeftButton)
    wizard.start.choose("preset:fovea-small-residual")
    assert wizard.state.draft.settings.preprocess.channels == (3 if colour else 1)
    assert wizard.state.draft.settings.preprocess.height == 32


def test_kept_drawings_are_offered_and_learned_as_the_draw_view_reads_them(
    qtbot: QtBot, fovea_home: Path, engine: EngineService
) -> None:
    own = OwnDrawings("mnist-digits")
    for label in ("3", "µ/1"):
        for i in range(6):
            sheet = Image.new("RGB", (448, 448), "white")
            ImageDraw.Draw(sheet).line((100, 60 + 40 * i, 300, 400), (10, 20, 180), 30 if label == "3" else 12)
            file = io.BytesIO()
            sheet.save(file, "PNG")
            own.keep(file.getvalue(), label)
    with opened(qtbot, engine) as wizard:
        next(b for b in wizard.folder.findChildren(QPushButton) if b.text() == "My drawings (mnist-digits)").click()
        qtbot.waitUntil(lambda: wizard.currentPage() is wizard.findings, timeout=TIMEOUT)
        qtbot.waitUntil(lambda: not wizard.findings.inspector.running, timeout=TIMEOUT)
        wizard.go_to_summary()
        plan = wizard.state.draft.plan()
        assert plan.preset == "fovea-small-residual" and set(plan.labels) == {"3", "µ/1"}
        assert set(plan.data.classes) == {"3", "%C2%B5%2F1"}
        found = {origin.id: origin.make() for origin in origins(wizard.state.draft, wizard.state.catalog.entries)}
        ways = ("preset:mnist-cnn", "preset:cifar-augmented", "continue:mnist-digits", "fine-tune:mnist-digits")
        for each in (plan, *(found[way] for way in ways)):
            assert not each.mirrored and "flip" not in [step.name for step in each.augment]
            if each.preset != "cifar-augmented":
                assert each.preprocess.fit == "mnist" and each.shape == (28, 28, 1)


def test_a_model_that_learned_from_straight_pictures_goes_on_with_straight_ones(folder: Path, fovea_home: Path) -> None:
    draft = Draft(TrainingData(str(folder), "", ("apples", "limes"), (8, 6)))
    entries = ModelStore().entries()
    found = {origin.id: origin.make() for origin in origins(draft, entries)}
    for way in ("continue", "fine-tune"):
        for model, flips in (("mnist-digits", False), ("cifar10", True)):
            assert ("flip" in [step.name for step in found[f"{way}:{model}"].augment]) is flips
