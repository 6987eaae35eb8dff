"""The command line and the window do the same with the same: each use case is walked both ways and compared."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pytestqt.qtbot import QtBot

from desktop.app import recipes
from desktop.cli import train
from desktop.ml.plans import plan as plans
from desktop.services.engine_service import EngineService
from desktop.store.runs import RunStore
from desktop.ui.train.wizard.wizard import TrainingWizard
from tests.ui.train.wizard.kit import TIMEOUT, draw, looked_through, opened


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two classes with a near copy, an exact copy, one picture in both classes, and one that does not open."""
    root = tmp_path / "Ünï fruits"
    draw(root / "apples", (200, 30, 20), 8)
    draw(root / "limes", (20, 200, 40), 7)
    random = np.random.default_rng(1)
    coarse = Image.fromarray(random.integers(0, 256, (6, 6, 3), np.uint8)).resize((60, 40), Image.Resampling.BICUBIC)
    coarse.save(root / "limes" / "near.png")
    coarse.save(root / "limes" / "near again.jpg", quality=70)
    (root / "apples" / "twice.png").write_bytes((root / "apples" / "003.png").read_bytes())
    doubtful = io.BytesIO()
    Image.fromarray(random.integers(0, 256, (40, 60, 3), np.uint8)).save(doubtful, "PNG")
    for name in ("apples", "limes"):
        (root / name / "doubtful.png").write_bytes(doubtful.getvalue())
    (root / "limes" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nno more")
    return root


@pytest.fixture
def engine(qtbot: QtBot) -> Iterator[EngineService]:
    service = EngineService()
    with qtbot.waitSignal(service.ready, timeout=TIMEOUT):
        service.start()
    yield service
    service.stop()


def told(folder: Path, target: Path, *arguments: str) -> plans.TrainingPlan:
    """The plan that the command line makes."""
    assert train.main(["--data", str(folder), "--save-plan", str(target), *arguments]) == 0
    return plans.load(target)


WAYS = {
    "preset:fovea-small-residual": (),
    "preset:cifar-deep": ("--preset", "cifar-deep"),
    **{f"{how}:{base}": ("--from", base, "--how", how) for how in recipes.UPON for base in ("cifar10", "mnist-digits")},
}  # fmt: skip


def test_every_recipe_gives_the_plan_of_the_wizard(
    qtbot: QtBot, engine: EngineService, folder: Path, tmp_path: Path
) -> None:
    """With the same pictures and nothing changed by hand: 'go on with a model' was two trainings once."""
    with opened(qtbot, engine) as wizard:
        looked_through(qtbot, wizard, folder)
        for origin, arguments in WAYS.items():
            wizard.start.choose(origin)
            wizard.go_to_summary()
            shown = wizard.state.draft.plan()
            typed = told(folder, tmp_path / "plan.json", *arguments, "--name", shown.name)
            assert shown == replace(typed, id=shown.id), origin
            assert set(shown.data.left_out) == {
                "apples/twice.png", "apples/doubtful.png", "limes/doubtful.png", "limes/broken.png"
            }  # fmt: skip
            assert shown.data.kept_together == (("limes/near again.jpg", "limes/near.png"),)
            while wizard.currentPage() is not wizard.start:
                wizard.back()


def test_a_name_that_is_taken_gets_the_same_id_both_ways(
    qtbot: QtBot, engine: EngineService, folder: Path, tmp_path: Path
) -> None:
    from desktop.app.starting import start_training

    plan = told(folder, tmp_path / "plan.json", "--name", "CIFAR10")
    kept, record = start_training(plan, plan.name, "earlier")
    assert (kept.id, record.parent, record.epochs) == ("cifar10-2", "earlier", plan.fit.epochs)
    with opened(qtbot, engine) as wizard:
        looked_through(qtbot, wizard, folder)
        wizard.go_to_summary()
        wizard.summary._on_name("CIFAR10")
        assert wizard.state.draft.plan().id == "cifar10-3" == start_training(plan)[0].id
    assert [run.preset for run in RunStore().list()] == [plan.preset] * 2


def test_a_trained_model_is_taken_further_as_the_command_line_goes_on(folder: Path, tmp_path: Path) -> None:
    from desktop.store.store import ModelStore

    model = ModelStore().require("cifar10").manifest
    assert model is not None
    typed = told(folder, tmp_path / "plan.json", "--from", "cifar10", "--name", "Fruits")
    own = told(folder, tmp_path / "plan.json", "--name", "Fruits")
    further = recipes.taken_further(own, model)
    assert (further.optimizer, further.fit, further.augment) == (typed.optimizer, typed.fit, typed.augment)
    assert (further.start, further.architecture, further.data) == (typed.start, typed.architecture, typed.data)


def test_recipes_of_a_wizard_are_those_of_the_table(qtbot: QtBot, engine: EngineService, folder: Path) -> None:
    with opened(qtbot, engine) as wizard:
        looked_through(qtbot, wizard, folder)
        assert isinstance(wizard, TrainingWizard)
        ids = {origin.id.partition(":")[0] for origin in wizard.start._origins}
        assert ids == {"preset", *recipes.UPON}
