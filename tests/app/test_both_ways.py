"""The command line and the window do the same with the same: each use case is walked both ways and compared."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import ZipFile

import numpy as np
import pytest
from PIL import Image
from pytestqt.qtbot import QtBot

from desktop.app import evaluating, exports, recipes
from desktop.cli import main, train
from desktop.core.data.open_data import open_dataset
from desktop.core.figures.store import EvaluationStore
from desktop.core.types import FoveaError
from desktop.ml.exchange.foreign import ForeignFacts
from desktop.ml.plans import plan as plans
from desktop.services.answers import ResultAnswers
from desktop.services.background import Task
from desktop.services.engine_service import EngineService
from desktop.services.evaluation import EvaluationService
from desktop.services.model_jobs import ModelJobs
from desktop.store.catalogue import EVERYDAY
from desktop.store.runs import RunStore
from desktop.store.store import ModelStore
from desktop.ui.evaluate.exports import _write, _write_list
from desktop.ui.train.wizard.wizard import TrainingWizard
from tests.core.figures.makers import paint, shades
from tests.store.makers import add_colours
from tests.ui.train.wizard.kit import TIMEOUT, draw, looked_through, opened

if TYPE_CHECKING:
    from desktop.core.data.dataset import LabelledDataset
    from desktop.core.figures.result import EvaluationResult, Figures


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
    f"features:{EVERYDAY}": (),  # what both recommend
    "preset:fovea-small-residual": ("--preset", "fovea-small-residual"),
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


# Evaluating


@pytest.fixture
def colours(tmp_path: Path, fovea_home: Path) -> Path:
    """Pictures of three colours, one of them wrongly labelled and one broken; the model of colours, and one that calls
    red and green by each other's name."""
    add_colours(ModelStore(user=fovea_home / "models"))
    add_colours(ModelStore(user=fovea_home / "models"), id="tints", name="Tints", labels=("green", "red", "blue"))
    root = shades(tmp_path / "=some data")
    paint(root / "red" / "=1+1.png", "blue")
    return root


def in_the_window(qtbot: QtBot, model: str, data: LabelledDataset) -> tuple[EvaluationResult, Figures]:
    """What the window's service makes of the data."""
    service = EvaluationService()
    entry = ModelStore().require(model)
    with qtbot.waitSignal(service.finished, timeout=TIMEOUT) as finished:
        service.start(entry, data, evaluating.labels_for(entry, data))
    service.stop()
    result, measured, trouble = finished.args
    assert trouble == ""
    return result, measured


def settled(value: Any) -> Any:
    """Without the moment and the time that something took."""
    return {k: settled(v) for k, v in value.items() if k not in ("created", "elapsed_s")} if isinstance(
        value, dict
    ) else value  # fmt: skip


def test_an_evaluation_is_measured_kept_and_written_the_same(qtbot: QtBot, colours: Path, tmp_path: Path) -> None:
    typed, shown = tmp_path / "typed", tmp_path / "shown"
    typed.mkdir()
    shown.mkdir()
    files = ("--json", typed / "o.json", "--csv", typed / "o.csv", "--report", typed / "o.html")
    arguments = ["evaluate", "--model", "colours", colours, "--compare", "tints", *files]
    assert main(list(map(str, arguments))) == 1  # one picture is broken
    kept = {entry.key: EvaluationStore().load(entry.key) for entry in EvaluationStore().entries()}
    assert len(kept) == 2
    for key in kept:
        EvaluationStore().delete(key)

    data = open_dataset(colours)
    (first, mine), (second, theirs) = (in_the_window(qtbot, model, data) for model in ("colours", "tints"))
    again = {entry.key: EvaluationStore().load(entry.key) for entry in EvaluationStore().entries()}
    assert kept.keys() == again.keys()
    for key, held in kept.items():
        other = again[key]
        assert (held.names, held.skipped, held.model, held.data) == (
            other.names,
            other.skipped,
            other.model,
            other.data,
        )
        assert np.array_equal(held.scores, other.scores) and np.array_equal(held.predicted, other.predicted)

    compared = evaluating.compare(first, mine, second, theirs)
    saved = exports.ToSave(first, mine, (compared.result, compared.figures, compared.paired))
    for ending in ("json", "csv", "html"):
        _write(shown / f"o.{ending}", saved, data, Task(lambda task: None))
    read = [json.loads((folder / "o.json").read_text(encoding="utf-8")) for folder in (typed, shown)]
    for value in read:
        value["compared_with"] = settled(value["compared_with"])
    assert settled(read[0]) == settled(read[1]) and read[0]["mcnemar"]["only_first"] == 10
    assert (typed / "o.csv").read_bytes() == (shown / "o.csv").read_bytes()
    pages = [(folder / "o.html").read_text(encoding="utf-8") for folder in (typed, shown)]
    moment = re.compile(r"[0-9-]{10} [0-9:]{8} UTC, took [0-9.]+ s")
    assert moment.sub("", pages[0]) == moment.sub("", pages[1])


def test_tables_of_either_way_hold_no_formula(qtbot: QtBot, colours: Path, tmp_path: Path) -> None:
    """A file called =1+1.png, in a command line's table and in the window's list."""
    assert main(["evaluate", "--model", "colours", str(colours), "--csv", str(tmp_path / "typed.csv")]) == 1
    result, _ = in_the_window(qtbot, "colours", open_dataset(colours))
    answers = ResultAnswers(result)
    _write_list(str(tmp_path / "list.csv"), answers, result, result.model.labels, {}, answers.rows, False)
    for name in ("typed.csv", "list.csv"):
        with (tmp_path / name).open(encoding="utf-8-sig", newline="") as stream:
            cells = [cell for row in csv.reader(stream) for cell in row]
        assert "red/=1+1.png" in cells
        assert not [cell for cell in cells if cell.lstrip().startswith(("=", "+", "@"))]


def test_endings_and_words_of_exports_stand_in_the_table() -> None:
    """Wrong endings are refused in the same words both ways."""
    for subject in ("evaluation", "model", "curves", "drawing", "list", "batch", "plan"):
        assert exports.exports_of(subject)  # type: ignore[arg-type]
        with pytest.raises(FoveaError) as caught:
            exports.export_for(subject, "file.docx")  # type: ignore[arg-type]
        assert caught.value.kind == "bad-suffix" and exports.endings_of(subject)[0] in caught.value.hint  # type: ignore[arg-type]


# Models


def job(qtbot: QtBot, begin: Callable[[ModelJobs], None]) -> Any:
    """What comes of a job on models as the window runs it."""
    jobs = ModelJobs()
    with qtbot.waitSignal(jobs.done, timeout=TIMEOUT) as done:
        begin(jobs)
    jobs.stop()
    return done.args[0].result


def test_a_model_is_exported_and_imported_the_same(qtbot: QtBot, colours: Path, tmp_path: Path) -> None:
    entry = ModelStore().require("colours")
    typed, shown = tmp_path / "typed.zip", tmp_path / "shown.zip"
    assert main(["models", "export", "colours", str(typed)]) == 0
    job(qtbot, lambda jobs: jobs.export(entry, "zip", shown, None))
    with ZipFile(typed) as first, ZipFile(shown) as second:
        assert first.namelist() == second.namelist()
        assert [first.read(name) for name in first.namelist()] == [second.read(name) for name in second.namelist()]
    assert main(["models", "import", str(typed)]) == 0
    path, found = job(qtbot, lambda jobs: jobs.look(typed))
    assert (path, found) == (typed, None)
    made = job(qtbot, lambda jobs: jobs.bring_in(typed, ForeignFacts(), None))
    known = ModelStore().require("colours-2").manifest
    assert known is not None and made.id == "colours-3"
    assert replace(made, id=known.id, name=known.name) == known
    for ending in ("doc", "h5"):
        assert main(["models", "export", "colours", str(tmp_path / f"o.{ending}")]) == 2
