"""A patient's name in no saved model: not as a class, not as the data's title, not as the model's name (fault 21)."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from desktop.core.data.dataset import ALL, DatasetError
from desktop.core.data.inspection import inspect
from desktop.core.data.open_data import open_dataset
from desktop.core.data.patient_names import HIDDEN_TITLE, named_like_patients, public_title
from desktop.ml.data.assemble import gather
from desktop.ml.data.own_data import OwnData
from tests.core.makers import scan_of
from tests.ml.data.test_own_data import make_plan


def scans(root: Path, classes: dict[str, str], each: int = 6) -> Path:
    """Class folders of DICOM files; each class's files are of the patient given."""
    for number, (name, patient) in enumerate(classes.items()):
        for index in range(each):
            scan_of(root / name / f"IM{index:03}.dcm", patient, f"9{number}4711{index}")
    return root


def plan_of(root: Path, labels: tuple[str, ...]):  # type: ignore[no-untyped-def]
    plan = make_plan(root)
    data = replace(plan.data, path=str(root), classes=labels, title=root.name)
    return replace(plan, labels=labels, data=data, name="Scans", card={})


def test_a_class_that_is_called_like_its_patient_stops_look_and_training(tmp_path: Path) -> None:
    root = scans(tmp_path / "set", {"MEIER_ANNA": "Meier^Anna", "healthy": "Kim^Lee"})
    found = inspect(root, near=False)
    (finding,) = [f for f in found.findings if f.kind == "patient-in-class-name"]
    assert finding.severity == "stops-training" and "class 1" in finding.hint
    assert "meier" not in finding.message.casefold()
    with pytest.raises(DatasetError) as caught:
        OwnData(plan_of(root, ("MEIER_ANNA", "healthy")))
    assert caught.value.kind == "patient-in-class-name" and "MEIER" not in caught.value.message


@pytest.mark.parametrize("name", ["MeierAnna", "anna meier left", "Meïer-Anna", "meieranna", "9047110"])
def test_however_it_is_written(tmp_path: Path, name: str) -> None:
    data = open_dataset(scans(tmp_path / "set", {name: "Meier^Anna", "other": "Kim^Lee"}), ALL)
    assert named_like_patients(data, data.classes) == {name}


@pytest.mark.parametrize(
    ("patient", "name"),
    [
        ("Müller^Ute", "mueller"),
        ("MUELLER^UTE", "müller ct"),
        ("Schrödinger^Ina", "Schroedinger_I"),
        ("Sørensen^Bo", "soerensen"),
        ("Bjoerk^Aasa", "Björk_Å"),
        ("Wójcik^Łukasz", "Lukasz_W"),
        ("Yamada^Tarou=山田^太郎", "山田_1"),
        ("O'Brien^Seán", "obrien"),
        ("Иванов^Иван", "иванов"),
    ],
)
def test_however_it_is_spelt(tmp_path: Path, patient: str, name: str) -> None:
    data = open_dataset(scans(tmp_path / "set", {name: patient, "other": "Kim^Lee"}, each=2), ALL)
    assert named_like_patients(data, data.classes) == {name}


@pytest.mark.parametrize("patient", ["Chest^Phantom", "Ann^Bo", "Left^Right"])
def test_words_that_name_nobody_do_not_stop_it(tmp_path: Path, patient: str) -> None:
    data = open_dataset(scans(tmp_path / "set", {"chest left": patient, "cannon": patient}), ALL)
    assert named_like_patients(data, data.classes) == set()


def test_neither_title_nor_plan_carries_it(tmp_path: Path) -> None:
    root = scans(tmp_path / "MEIER_ANNA_1961", {"benign": "Meier^Anna", "malignant": "Kim^Lee"}, each=20)
    plan = plan_of(root, ("benign", "malignant"))
    gathered = gather(plan, tmp_path / "run")
    assert gathered.title == HIDDEN_TITLE
    kept = json.dumps(plan.public(gathered.title).to_dict())
    assert "meier" not in kept.casefold() and str(tmp_path) not in kept
    assert "meier" not in json.dumps(plan.public().to_dict()).casefold()


def test_a_plain_title_stays(tmp_path: Path) -> None:
    data = open_dataset(scans(tmp_path / "nodules", {"a": "Meier^Anna", "b": "Kim^Lee"}), ALL)
    assert public_title(data, "nodules") == "nodules"
    assert public_title(data, "meier") == HIDDEN_TITLE


def test_a_model_is_not_called_like_a_patient(tmp_path: Path) -> None:
    root = scans(tmp_path / "set", {"a": "Meier^Anna", "b": "Kim^Lee"})
    with pytest.raises(DatasetError) as caught:
        OwnData(replace(plan_of(root, ("a", "b")), name="Anna Meier"))
    assert caught.value.kind == "patient-in-model-name"


def test_a_run_and_what_is_shown_of_it_do_not_carry_it_either(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from desktop.app.starting import start_training
    from desktop.cli import main
    from desktop.store.runs import RunStore

    root = scans(tmp_path / "MEIER_ANNA", {"benign": "Meier^Anna", "malignant": "Kim^Lee"})
    _, record = start_training(plan_of(root, ("benign", "malignant")), "Scans")
    assert RunStore().get(record.id).data == HIDDEN_TITLE
    for arguments in (["list"], ["list", "--json"], ["show", "last"], ["show", "last", "--json"]):
        assert main(["runs", *arguments]) == 0
        assert "meier" not in capsys.readouterr().out.casefold(), arguments
