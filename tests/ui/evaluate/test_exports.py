"""The list of chosen pictures as a spreadsheet opens it: no cell is a formula, no name tells whose picture it is."""

from __future__ import annotations

import csv
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from desktop.ui.evaluate.exports import _write_list
from tests.core.figures.makers import made_up

FORMULAS = ("=1+1", "+1+1", "-1+cmd", "@SUM(1)", "\t=1", "\r=1", " =1+1", "  @x")


def cells(
    path: Path, names: tuple[str, ...], labels: tuple[str, str], private: tuple[str, ...] = (), medical: bool = False
) -> list[Any]:
    truth = np.zeros(len(names), np.int32)
    result = made_up(
        truth, np.tile([[0.25, 0.75]], (len(names), 1)), labels, names=names, private=private, medical=medical
    )
    answers: Any = SimpleNamespace(
        truth=result.truth, predicted=result.predicted, scores=result.scores, name=lambda row: names[row]
    )
    _write_list(str(path), answers, result, labels, {names[0]: "wrong"}, np.arange(len(names))[::-1], medical)
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.reader(stream))


@pytest.mark.parametrize("formula", FORMULAS)
def test_no_cell_is_a_formula(tmp_path: Path, formula: str) -> None:
    head, *rows = cells(tmp_path / "list.csv", (formula, "fine.png"), (formula, f"{formula}2"))
    assert head == ["name", "truth", "answer", "right", "score of the answer", "score of the truth", "label is"]
    assert rows[0] == ["fine.png", f"'{formula}", f"'{formula}2", "no", "0.750000", "0.250000", ""]
    assert rows[1] == [f"'{formula}", f"'{formula}", f"'{formula}2", "no", "0.750000", "0.250000", "wrong"]


def test_names_that_tell_of_a_patient_become_numbers(tmp_path: Path) -> None:
    _, *rows = cells(tmp_path / "list.csv", ("Doe^John.dcm", "a-b=c.png"), ("Normal", "Ill"), ("Doe^John.dcm",))
    assert [row[0] for row in rows] == ["a-b=c.png", "picture 1"]


def test_of_a_medical_model_every_name_is_a_number(tmp_path: Path) -> None:
    _, *rows = cells(tmp_path / "list.csv", ("0.png", "1.png"), ("Normal", "Ill"), medical=True)
    assert [row[0] for row in rows] == ["picture 2", "picture 1"]
