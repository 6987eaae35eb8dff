"""``fovea teach`` as its users call it: real processes, pictures without a display."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from desktop.store.catalogue import EVERYDAY
from desktop.store.store import ModelStore
from tests.cli.tools import fovea, paint

SHADES = ("red", "green", "blue")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for number in range(24):
        paint(tmp_path / "photos" / f"p{number:02d}.png", SHADES[number % 3], (40 + number, 30))
    return tmp_path / "photos"


@pytest.fixture
def table(tmp_path: Path) -> Path:
    target = tmp_path / "labels.csv"
    rows = "".join(f"p{number:02d},{SHADES[number % 3]}\n" for number in range(15))
    target.write_text("file,label\n" + rows + "nowhere,red\n", encoding="utf-8")
    return target


def told(*arguments: str) -> object:
    done = fovea("teach", *arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_project_is_made_labelled_and_written_out(photos: Path, table: Path, tmp_path: Path) -> None:
    made = told("create", "Farben 日本", str(photos))
    assert isinstance(made, dict) and made["added"] == 24 and made["known"] == 0
    project = made["project"]
    done = fovea("teach", "label", project, str(table))
    assert done.returncode == 0 and "15 pictures were labelled" in done.stdout
    assert "new classes: red, green, blue" in done.stdout and "1 named pictures are nowhere" in done.stdout
    (entry,) = told("list")  # type: ignore[misc]
    assert (entry["name"], entry["pictures"], entry["labelled"], entry["classes"]) == ("Farben 日本", 24, 15, 3)
    assert told("export", "farben 日本", str(tmp_path / "out"), "--link")["linked"] == 15  # type: ignore[index]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["blue", "green", "red"]
    assert told("export", project, str(tmp_path / "out.csv"))["pictures"] == 15  # type: ignore[index]
    assert len(list(csv.reader((tmp_path / "out.csv").open(encoding="utf-8-sig")))) == 16
    undone = fovea("teach", "undo", project)
    assert undone.returncode == 0 and "undone: import, 15 pictures" in undone.stdout
    assert told("list")[0]["labelled"] == 0  # type: ignore[index]
    assert fovea("teach", "redo", project).returncode == 0
    copied = told("duplicate", project, "copy")["project"]  # type: ignore[index]
    token = told("delete", project)["token"]  # type: ignore[index]
    assert [entry["id"] for entry in told("list")] == [copied]  # type: ignore[attr-defined]
    assert token in fovea("teach", "list", "--deleted").stdout
    assert told("restore", token)["project"] == project  # type: ignore[index]


def test_what_is_wrong_is_said_in_a_sentence(photos: Path, tmp_path: Path) -> None:
    for arguments, words in (
        (("export", "nothing", str(tmp_path / "x")), "there is no project 'nothing'"),
        (("create", ""), "needs a name"),
        (("restore", "../../x"), "not in the trash"),
        (("label", str(photos), str(tmp_path / "no.csv")), "cannot be read"),
        (("export", str(photos), str(tmp_path / "y")), "no picture of this project has a label"),
        (("make", str(photos)), "pictures of two classes"),
        (("undo", str(tmp_path / "empty")), "there is no project"),
    ):
        done = fovea("teach", *arguments)
        assert done.returncode == 1 and words in done.stderr and "Traceback" not in done.stderr, (
            arguments,
            done.stderr,
        )
    assert fovea("teach").returncode == 2 and fovea("teach", "export", "x").returncode == 2
    assert "label pictures" in fovea("--help").stdout.lower()


def test_a_folders_project_learns_and_suggests(photos: Path, table: Path, tmp_path: Path) -> None:
    if ModelStore().get(EVERYDAY).state != "ready":
        pytest.skip("the network of everyday photographs is not installed here")
    assert fovea("teach", "label", str(photos), str(table)).returncode == 0
    shown = told("show", str(photos))
    assert isinstance(shown, dict) and shown["looked_at"] == 24 and shown["labelled"] == 15
    done = fovea("teach", "suggest", str(photos), "--csv", str(tmp_path / "s.csv"))
    assert done.returncode == 0, done.stderr
    rows = list(csv.DictReader((tmp_path / "s.csv").open(encoding="utf-8-sig")))
    assert len(rows) == 9 and all(0 < float(row["score"]) <= 1 for row in rows)
    right = [row["label"] == SHADES[int(row["file"][1:3]) % 3] for row in rows]
    assert sum(right) >= 8
    accepted = told("accept", str(photos), "--at-least", "0.3")
    assert isinstance(accepted, dict) and accepted["accepted"] >= 8
    assert told("list")[0]["labelled"] == 15 + accepted["accepted"]  # type: ignore[index]
