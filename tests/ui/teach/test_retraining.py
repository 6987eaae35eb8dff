"""Retraining with the corrections, in the real window: old against new on pictures that neither has learned from."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from desktop import paths
from desktop.app import teaching, teaching_models
from desktop.store.catalogue import EVERYDAY
from desktop.store.manifest import Provenance
from desktop.store.project import Project
from desktop.store.projects import ProjectStore
from desktop.store.store import ModelStore
from desktop.ui.shell.app import Shell
from desktop.ui.widgets.corrections_list import CorrectionsList
from desktop.ui.widgets.old_against_new import OldAgainstNewDialog
from tests.patience import WAIT
from tests.store.makers import add_colours

_BUNDLED = paths.bundled_models
COLOURS = {"red": (220, 10, 10), "green": (10, 220, 10), "blue": (10, 10, 220)}


@pytest.fixture
def project(shell: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Project:
    """A project of 240 pictures in three colours, of which 30 have a label, and a model 'old' that learned those."""
    monkeypatch.setattr(paths, "bundled_models", _BUNDLED)  # the everyday network comes with the installation
    if ModelStore().get(EVERYDAY).state != "ready":
        pytest.skip("the network of everyday photographs is not installed here")
    made = ProjectStore().create("Corrections")
    for number in range(240):
        place = tmp_path / "heap" / f"{number:03d}.png"
        place.parent.mkdir(exist_ok=True)
        colour = list(COLOURS.values())[number % 3]
        Image.new("RGB", (12, 12), tuple(min(255, c + number // 8) for c in colour)).save(place)
    ids = teaching.add_pictures(made, [tmp_path / "heap"]).ids
    with made.database.changing("looked") as connection:
        for number in ids:
            content = hashlib.sha256(Path(made.picture(number).path).read_bytes()).digest()
            connection.execute(
                "UPDATE pictures SET sha256 = ?, state = 1, width = 12, height = 12 WHERE id = ?", (content, number)
            )
    for place, name in enumerate(COLOURS):
        made.label(ids[place:30:3], made.add_class(name).id)
    model_of(teaching_models.prepare_training(made), "old")
    return made


def model_of(plan: Any, model_id: str) -> None:
    """A model that says it came of ``plan``; it tells the colours apart."""
    origin = Provenance("Colours", "none", "none", plan.public().to_dict(), 1, None, {}, "CPU", "2026-01-01")
    add_colours(ModelStore(), id=model_id, name=model_id.title(), provenance=origin)


def label_all(project: Project) -> None:
    """Every picture gets its label, by hand."""
    ids = project.index().ids.tolist()
    project.label_each({ids[n]: project.class_named(list(COLOURS)[n % 3]).id for n in range(30, 240)}, "correction")


def test_when_the_new_model_is_made_it_is_compared_with_the_old_one(shell: Shell, qtbot: Any, project: Project) -> None:
    label_all(project)
    model_of(teaching_models.prepare_training(project, compared_with="old"), "new")
    host = shell.window.host
    with qtbot.waitSignal(host.retraining.compared, timeout=WAIT) as heard:
        host._on_model("new")
    found = heard.args[0]
    assert (found.old, found.new) == ("old", "new")
    dialog = next(w for w in QApplication.topLevelWidgets() if isinstance(w, OldAgainstNewDialog) and w.isVisible())
    # One network under two names: right and wrong on the same pictures.
    assert "right and wrong on the same images" in dialog.sentence.text()
    place = teaching_models.check_data(project, ModelStore().require("new").manifest)  # type: ignore[arg-type]
    assert place is not None and found.data == str(place) and len(found.second.paired.a) >= 20
    with qtbot.waitSignal(dialog.classify_wanted, timeout=WAIT) as chosen:
        QTest.keyClick(dialog.use, Qt.Key.Key_Space)
    assert chosen.args == ["new"] and shell.window.shown is None


def test_too_few_to_compare_is_said(shell: Shell, qtbot: Any, project: Project) -> None:
    ids = project.index().ids.tolist()
    project.label(ids[30:31], project.class_named("red").id)
    model_of(teaching_models.prepare_training(project, compared_with="old"), "new")
    with qtbot.waitSignal(shell.window.host.retraining.said, timeout=WAIT) as heard:
        shell.window.host._on_model("new")
    assert "67" in heard.args[0]


def test_nothing_new_is_said_and_nothing_is_trained(shell: Shell, qtbot: Any, project: Project) -> None:
    retraining = shell.window.host.retraining
    with qtbot.waitSignal(retraining.said, timeout=WAIT) as heard:
        retraining.retrain(project.id)
    assert "has learned all" in heard.args[0]
    other = ProjectStore().create("Without a model")
    with qtbot.waitSignal(retraining.said, timeout=WAIT) as heard:
        retraining.retrain(other.id)
    assert "no model was made" in heard.args[0].lower()


@pytest.mark.slow
def test_one_click_in_the_list_of_corrections_makes_the_better_model(
    shell: Shell, qtbot: Any, project: Project
) -> None:
    from desktop.ui.train.view import TrainView

    label_all(project)
    shell.window.settings.set("corrections_project", project.id)
    shell.window.classify.doing.show_corrections()

    def lists() -> list[CorrectionsList]:
        found = [w for w in QApplication.topLevelWidgets() if isinstance(w, CorrectionsList) and w.isVisible()]
        return [each for each in found if each.table.rowCount() == 210]

    qtbot.waitUntil(lambda: bool(lists()), timeout=WAIT)
    qtbot.mouseClick(lists()[0].retrain, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: isinstance(shell.window.shown, TrainView), timeout=WAIT)
    with qtbot.waitSignal(shell.window.host.retraining.compared, timeout=600_000) as heard:
        pass
    found = heard.args[0]
    assert found.old == "old" and found.new != "old" and len(found.second.paired.a) >= 20
    assert found.second.figures.accuracy.value is not None
