"""A small-data study: what is measured, kept and refused."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest

from desktop.cli import study as study_command
from desktop.ml import trial
from desktop.ml.data import assemble
from desktop.ml.plans.plan import TrainingPlan
from tests.cli.test_train import planned
from tests.cli.tools import lines
from tests.ml.test_search import good


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_study_measures_and_goes_on(pets: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["small-data", "--data", str(pets), "--architecture", "flatten,D8", "--size", "8", "--epochs", "2",
                 "--batch-size", "4", "--against", "flatten,D2", "--images", "8,30", "--repeats", "2", "--name", "s",
                 "--json", "--csv", str(tmp_path / "s.csv"), "--plot", str(tmp_path / "s.html")]  # fmt: skip
    assert study_command.main(arguments) == 0
    told = lines(capsys.readouterr().out)
    assert len([t for t in told if t["event"] == "measured"]) == 8 == len(told[-1]["results"])
    assert {row["train"] for row in told[-1]["results"]} == {8, 30}
    assert study_command.main(arguments) == 0
    assert [t["event"] for t in lines(capsys.readouterr().out)] == ["result"]  # nothing is measured twice
    assert len((tmp_path / "s.csv").read_text(encoding="utf-8").splitlines()) == 9
    assert "<svg" in (tmp_path / "s.html").read_text(encoding="utf-8")
    assert study_command.main([*arguments, "--test"]) == 2
    assert "no test split" in capsys.readouterr().out


def test_every_training_of_a_study_is_checked_with_the_same_pictures(
    pets: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], fovea_home: Path
) -> None:
    seen: list[assemble.Gathered] = []

    def looked(plan: TrainingPlan, run: Path, split_seed: int | None = None, **_: object) -> trial.Outcome:
        seen.append(assemble.gather(plan, run, split_seed=split_seed))
        return good()

    monkeypatch.setattr(trial, "run_trial", looked)
    options = ["--data", str(pets), "--architecture", "flatten,D8", "--size", "8"]
    arguments = ["small-data", *options, "--images", "8,20", "--repeats", "2", "--name", "s", "--json"]
    plan = planned(*options)
    old = replace(plan, seed=plan.seed + 1, data=replace(plan.data, limit=8)).to_dict()
    for words in ("id", "name", "card"):
        del old[words]
    key = hashlib.sha256(json.dumps([old, False], sort_keys=True).encode()).hexdigest()[:24]
    (fovea_home / "studies").mkdir()
    row = {"net": "flatten,D8", "images": 8, "repeat": 1, "accuracy": 0.1, "train": 8, "split": "validation"}
    (fovea_home / "studies" / "s.json").write_text(json.dumps({key: row}), encoding="utf-8")
    assert study_command.main(arguments) == 0
    told = lines(capsys.readouterr().out)[-1]["results"]
    assert len(told) == len(seen) == 4 and {row["accuracy"] for row in told} == {
        0.5
    }  # the old figure is not among them
    assert len({found.validation.names for found in seen}) == 1
    assert len({found.train.names for found in seen}) == 4
    assert study_command.main(arguments) == 0
    assert lines(capsys.readouterr().out)[-1]["results"] == told and len(seen) == 4


def test_a_study_refuses_what_the_data_does_not_hold_before_the_first_training(
    pets: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], fovea_home: Path
) -> None:
    monkeypatch.setattr(trial, "run_trial", none_expected)
    arguments = ["small-data", "--data", str(pets), "--architecture", "flatten,D8", "--size", "8", "--repeats", "1",
                 "--name", "s"]  # fmt: skip
    assert study_command.main([*arguments, "--images", "8,1000"]) == 2
    told = capsys.readouterr().err
    assert "1,000 pictures" in told and "there are 38" in told
    assert study_command.main([*arguments, "--images", "8", "--test"]) == 2
    assert "no test split" in capsys.readouterr().err
    # Nor are figures shown for so many that were measured on fewer, when nobody looked.
    monkeypatch.setattr(trial, "run_trial", lambda plan, *_, **__: replace(good(), train=min(plan.data.limit, 38)))
    monkeypatch.setattr(study_command, "_check", lambda *_: None)
    assert study_command.main([*arguments, "--images", "8,1000"]) == 2
    assert "there are 38" in capsys.readouterr().err
    assert study_command.main([*arguments, "--images", "8,38"]) == 0


def none_expected(*_: object, **__: object) -> trial.Outcome:
    raise AssertionError("nothing was to be trained")


def test_a_study_shows_what_was_measured_under_the_names_that_are_asked_for(
    pets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(trial, "run_trial", good)
    arguments = ["small-data", "--data", str(pets), "--size", "8", "--repeats", "2", "--images", "8,20", "--name", "s",
                 "--json", "--architecture"]  # fmt: skip
    assert study_command.main([*arguments, "flatten,D8"]) == 0
    assert {row["net"] for row in lines(capsys.readouterr().out)[-1]["results"]} == {"flatten,D8"}
    monkeypatch.setattr(trial, "run_trial", none_expected)
    assert study_command.main([*arguments, "flatten, D8", "--csv", str(tmp_path / "s.csv")]) == 0
    told = lines(capsys.readouterr().out)[-1]
    assert [row["net"] for row in told["results"]] == ["flatten, D8"] * 4
    assert "flatten, D8 50.00% at 20, 50.00% at 8" in told["summary"]
