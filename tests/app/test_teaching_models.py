"""From labels to a plan, and back from a model to the project that it came of; what is held back to compare."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from PIL import Image

from desktop.app import teaching, teaching_models
from desktop.app.recipes import make_plan, seen_of
from desktop.app.training_data import open_training_data
from desktop.core.data.read_labels_file import read_labels
from desktop.core.types import FoveaError
from desktop.ml.plans import plan as plans
from desktop.store.catalogue import EVERYDAY
from desktop.store.manifest import Provenance
from desktop.store.project import Project
from desktop.store.projects import ProjectStore
from desktop.store.runs import RunStore
from desktop.store.store import ModelStore
from tests.store.makers import add_colours


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project of 200 pictures in two classes, all with a label, looked at."""
    for number in range(200):
        place = tmp_path / "photos" / f"{number:03d}.png"
        place.parent.mkdir(exist_ok=True)
        Image.new("RGB", (24, 16), (number, 60, 200 - number)).save(place)
    made = ProjectStore().create("Pets")
    ids = teaching.add_pictures(made, [tmp_path / "photos"]).ids
    with made.database.changing("looked") as connection:
        for number in ids:
            content = hashlib.sha256(Path(made.picture(number).path).read_bytes()).digest()
            connection.execute(
                "UPDATE pictures SET sha256 = ?, state = 1, width = 24, height = 16 WHERE id = ?", (content, number)
            )
    made.label(ids[:60], made.add_class("cat").id)
    made.label(ids[60:120], made.add_class("dog").id)
    return made


def everyday() -> None:
    if ModelStore().get(EVERYDAY).state != "ready":
        pytest.skip("the network of everyday photographs is not installed here")


def model_of(plan: plans.TrainingPlan, model_id: str) -> None:
    """A model of the store that says it came of ``plan``."""
    origin = Provenance("Pets", "none", "none", plan.public().to_dict(), 1, None, {}, "CPU", "2026-01-01")
    add_colours(ModelStore(), id=model_id, name=model_id, provenance=origin, labels=("cat", "dog", "cow"))


def test_a_plan_holds_the_labels_of_its_moment(project: Project) -> None:
    everyday()
    plan = teaching_models.prepare_training(project, name="Our pets")
    assert plan.name == "Our pets" and plan.labels == ("cat", "dog") and plan.data.project == "pets#1"
    assert plan.start.model == EVERYDAY and plan.optimizer.name == plans.SOLVED and plan.data.folds
    assert plan.data.path is not None and len(read_labels(Path(plan.data.path))) == 120
    assert plan.public().data.path is None and plan.public().data.project == "pets#1"
    assert plans.from_json(plan.to_json()) == plan
    project.label([1], None)
    again = teaching_models.prepare_training(project, "fine-tune")
    assert again.data.project == "pets#2" and again.start.kind == "fine-tune"
    assert len(read_labels(Path(plan.data.path))) == 120 and len(read_labels(Path(str(again.data.path)))) == 119


def test_plans_without_a_project_are_written_as_before(project: Project) -> None:
    everyday()
    plan = teaching_models.prepare_training(project)
    raw = plan.to_dict()
    assert raw["data"].pop("project") == "pets#1"
    assert plans.from_dict(raw).data.project == "" and "project" not in plans.from_dict(raw).to_dict()["data"]


def test_a_model_knows_its_project(project: Project) -> None:
    everyday()
    plan = teaching_models.prepare_training(project)
    model_of(plan, "pets-model")
    add_colours(ModelStore())
    manifest = ModelStore().require("pets-model").manifest
    assert manifest is not None and teaching_models.project_of(manifest) == "pets"
    assert teaching_models.teachable(manifest) == "pets" and teaching_models.models_of("pets") == ["pets-model"]
    other = ModelStore().require("colours").manifest
    assert other is not None and teaching_models.project_of(other) == "" == teaching_models.teachable(other)
    project.close()
    ProjectStore().delete("pets")
    assert teaching_models.teachable(manifest) == ""


def test_what_is_held_back_was_learned_by_neither_and_stays_the_same(project: Project) -> None:
    everyday()
    first = teaching_models.prepare_training(project)
    model_of(first, "old")
    assert teaching_models.corrected(project, "old").changed == 0
    ids = project.index().ids.tolist()
    cat, dog = (c.id for c in project.classes())
    project.label(ids[120:160], cat)
    project.label([ids[0]], dog)  # a mistake put right: the old model has learned from this picture
    few = teaching_models.corrected(project, "old")
    assert few.changed == 41 and few.held_back == 0 and "are needed" in few.reason
    project.label(ids[160:], dog)
    told = teaching_models.corrected(project, "old")
    assert told.changed == 81 and 20 <= told.held_back <= 40 and not told.reason
    second = teaching_models.prepare_training(project, compared_with="old")
    model_of(second, "new")
    manifest = ModelStore().require("new").manifest
    assert manifest is not None
    place = teaching_models.check_data(project, manifest)
    assert place is not None
    held, learned = read_labels(place), read_labels(Path(str(second.data.path)))
    before = read_labels(Path(str(first.data.path)))

    def files(data: object) -> set[str]:
        return {str(data.source(i).path) for i in range(len(data))}  # type: ignore[attr-defined, arg-type]

    assert len(held) == told.held_back and len(held) + len(learned) == 200
    assert not files(held) & files(learned) and not files(held) & files(before)
    assert {learned.classes[int(t)] for t in learned.targets} == {"cat", "dog"}
    third = teaching_models.prepare_training(project, compared_with="old")
    assert read_labels(Path(str(third.data.path))).fingerprint() == learned.fingerprint()
    older = ModelStore().require("old").manifest
    assert older is not None and teaching_models.check_data(project, older) is None


def test_nothing_held_back_is_no_comparison(project: Project) -> None:
    everyday()
    model_of(teaching_models.prepare_training(project), "a")
    model_of(teaching_models.prepare_training(project), "b")
    with pytest.raises(FoveaError) as caught:
        teaching_models.compare_old_new(None, project, "a", "b")  # type: ignore[arg-type]
    assert caught.value.kind == "nothing-held-back"


def test_a_model_of_a_folder_is_retrained_with_its_pictures_and_the_corrections(
    project: Project, tmp_path: Path
) -> None:
    everyday()
    for name in ("cat", "dog"):
        for number in range(4):
            place = tmp_path / "sorted" / name / f"{number}.png"
            place.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (24, 16), (number, 200, 9 if name == "cat" else 99)).save(place)
    data = open_training_data(str(tmp_path / "sorted"))
    plan = make_plan("features", data.plan(), data.labels, seen_of(data), model=ModelStore().require(EVERYDAY).manifest)
    runs = RunStore()
    run = runs.create(plan, "Sorted")
    add_colours(ModelStore(), id="sorted", name="Sorted", labels=("cat", "dog", "cow"))
    assert teaching_models.retrainable(project, "sorted") == ""  # no run says what it learned
    runs.update(run.id, model_id="sorted", state="done")
    assert teaching_models.retrainable(project, "sorted") == "sorted"
    # One of its pictures was corrected: the project's label counts.
    wrong = tmp_path / "sorted" / "cat" / "0.png"
    number = teaching.add_pictures(project, [wrong]).ids[0]
    project.label([number], next(c.id for c in project.classes() if c.name == "dog"))
    made = teaching_models.prepare_training(project, compared_with="sorted")
    learned = read_labels(Path(str(made.data.path)))
    rows = {str(learned.source(i).path): learned.classes[int(learned.targets[i])] for i in range(len(learned))}
    assert rows[str(wrong)] == "dog" and rows[str(wrong.with_name("1.png"))] == "cat"
    assert sum("sorted" in path for path in rows) == 8
    model_of(made, "better")
    manifest = ModelStore().require("better").manifest
    assert manifest is not None and teaching_models.before(project, manifest) == "sorted"
    held = teaching_models.check_data(project, manifest)
    assert held is not None and len(read_labels(held)) + len(learned) == 120 + 8
    # Made better once more: what the folder taught is not forgotten, and a picture whose label was taken back is.
    project.label([number], None)
    again = teaching_models.prepare_training(project, compared_with="better")
    once_more = read_labels(Path(str(again.data.path)))
    paths_learned = {str(once_more.source(i).path) for i in range(len(once_more))}
    assert str(wrong) not in paths_learned and str(wrong.with_name("1.png")) in paths_learned
