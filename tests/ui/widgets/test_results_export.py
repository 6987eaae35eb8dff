"""The results of a batch as a file: names, paths, formulas, full disks, what is cancelled."""

from __future__ import annotations

import errno
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QApplication, QFileDialog, QLineEdit, QMessageBox

from desktop.core.types import DomainVerdict, FoveaError, ImageSource
from desktop.store.manifest import Decision
from desktop.ui.classify.results_csv import write_csv
from desktop.ui.classify.results_model import ResultsModel
from desktop.ui.widgets.results_table import ResultsTable
from tests.ui.widgets.makers import XRAY, add, answer, begin, column, failure, read_table, some, sources


@pytest.fixture
def table(qtbot: Any) -> ResultsTable:
    widget = ResultsTable()
    qtbot.addWidget(widget)
    widget.resize(900, 400)
    widget.show()
    return widget


def test_the_exported_table(table: ResultsTable, qtbot: Any, tmp_path: Path) -> None:
    found, items = some()
    begin(table, found, XRAY, "/data")
    add(table, items[:11])
    path = tmp_path / "out.csv"
    with qtbot.waitSignal(table.exported) as told:
        table.export_csv(str(path), "relative")
    assert told.args == [str(path), 11]
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    rows = read_table(path)
    assert len(rows) == 11  # the one without an answer yet is left out
    first = rows[1]
    assert (first["path"], first["model"], first["label"]) == ("b/picture 1.png", "xray", "Pneumonia")
    assert np.float32(first["score"]) == np.float32(0.54)
    assert np.float32(first["score Normal"]) == np.float32(0.46)
    assert first["elapsed_ms"] == "3.500" and first["answer"] == "Pneumonia"
    assert first["prepared_sha256"] == f"{1:064x}"
    assert first["notices"] == "stretched"
    assert (rows[3]["error_kind"], rows[3]["error"], rows[3]["label"]) == ("truncated", "it is cut off", "")
    assert rows[3]["answer"] == "no answer"
    assert list(tmp_path.iterdir()) == [path]


def test_outside_its_kind_the_file_says_that_there_is_no_answer(
    table: ResultsTable, qtbot: Any, tmp_path: Path
) -> None:
    found = sources(2)
    begin(table, found, XRAY, "/data")
    first, second = (answer(at, source, (0.1, 0.9)) for at, source in enumerate(found))
    add(table, [replace(first, domain=DomainVerdict(1.4, False)), replace(second, domain=DomainVerdict(0.4, True))])
    with qtbot.waitSignal(table.exported):
        table.export_csv(str(tmp_path / "out.csv"))
    rows = read_table(tmp_path / "out.csv")
    assert [(row["answer"], row["label"], row["in_domain"]) for row in rows] == [
        ("no answer", "Pneumonia", "false"), ("Pneumonia", "Pneumonia", "true"),
    ]  # fmt: skip
    assert list(rows[0]).index("answer") == 1


def test_the_names_of_a_medical_models_pictures_are_hidden_unless_asked_for(
    table: ResultsTable, qtbot: Any, tmp_path: Path
) -> None:
    found = [ImageSource.from_path(f"/data/Surname_Forename_born1961-03-0{i}.jpeg") for i in range(1, 5)]
    begin(table, found, XRAY, "/data")
    add(table, [answer(at, source, (0.1, 0.9)) for at, source in enumerate(found[:3])])
    add(table, [failure(3, found[3], "Surname_Forename_born1961-03-04.jpeg is cut off")])
    path = tmp_path / "out.csv"
    with qtbot.waitSignal(table.exported):
        table.export_csv(str(path))
    assert "urname" not in path.read_text(encoding="utf-8") and list(tmp_path.iterdir()) == [path]
    assert [row["path"] for row in read_table(path)] == [f"picture {i}" for i in range(1, 5)]
    assert "all 4 files" in table._summary.text()
    with qtbot.waitSignal(table.exported):
        table.export_csv(str(path), key=True)
    key = tmp_path / "out - key to names.csv"
    assert [row["name"] for row in read_table(key)] == [source.name for source in found]
    assert [row["shown as"] for row in read_table(key)] == [row["path"] for row in read_table(path)]
    with qtbot.waitSignal(table.exported):
        table.export_csv(str(path), "full")
    assert read_table(path)[0]["path"] == found[0].path


def test_of_other_models_pictures_only_what_reads_like_a_name_is_hidden(
    table: ResultsTable, qtbot: Any, tmp_path: Path
) -> None:
    found = [ImageSource.from_path(f"/data/{name}") for name in ("IMG_0001.jpg", "Jane Doe.jpg", "cat.2.jpg")]
    begin(table, found, replace(XRAY, medical=False, decision=Decision()), "/data")
    add(table, [answer(at, source, (0.1, 0.9)) for at, source in enumerate(found)])
    with qtbot.waitSignal(table.exported):
        table.export_csv(str(tmp_path / "x.csv"))
    assert [row["path"] for row in read_table(tmp_path / "x.csv")] == ["IMG_0001.jpg", "picture 2", "cat.2.jpg"]
    assert "1 of 3" in table._summary.text()


def test_a_filtered_table_asks_which_rows_are_meant(table: ResultsTable, qtbot: Any, tmp_path: Path) -> None:
    found, items = some()
    begin(table, found, XRAY, "/data")
    add(table, items)
    table.ask_export()
    dialog = table.findChild(QFileDialog)
    assert dialog is not None, "without a filter nothing is asked but the place"
    dialog.reject()
    table.model.set_filter(answer=1, below=0.6)
    assert table.model.rowCount() == 2
    table.ask_export()
    few, every = table.which.actions()
    assert few.text() == "The 2 rows shown…" and every.text() == "All 12 rows…"
    table.which.close()
    with qtbot.waitSignal(table.exported):
        table.export_csv(str(tmp_path / "few.csv"), "relative", shown_only=True)
    assert [row["path"] for row in read_table(tmp_path / "few.csv")] == [
        f"{folder}/{name}"
        for folder, name in zip(column(table.model, "folder"), column(table.model, "name"), strict=True)
    ]
    with qtbot.waitSignal(table.exported):
        table.export_csv(str(tmp_path / "all.csv"), "relative")
    assert len(read_table(tmp_path / "all.csv")) == 12


def test_a_name_typed_without_its_ending_is_asked_about_before_it_replaces_a_file(
    table: ResultsTable, qtbot: Any, tmp_path: Path
) -> None:
    found, items = some()
    begin(table, found, XRAY, "/data")
    add(table, items)
    (tmp_path / "kept.csv").write_text("mine")
    table.ask_export()
    dialog = table.findChild(QFileDialog)
    assert dialog is not None
    dialog.setDirectory(str(tmp_path))
    name = dialog.findChild(QLineEdit, "fileNameEdit")
    assert name is not None
    name.setText("kept")
    asked: list[str] = []
    reply = QMessageBox.StandardButton.No

    def respond() -> None:
        box = QApplication.activeModalWidget()
        if isinstance(box, QMessageBox):
            asked.append(box.text())
            box.button(reply).click()

    watch = QTimer()
    watch.timeout.connect(respond)
    watch.start(20)
    dialog.accept()
    assert len(asked) == 1 and "kept.csv" in asked[0]
    assert (tmp_path / "kept.csv").read_text() == "mine"
    reply = QMessageBox.StandardButton.Yes
    with qtbot.waitSignal(table.exported):
        dialog.accept()
    watch.stop()
    assert len(asked) == 2
    assert len(read_table(tmp_path / "kept.csv")) == 12


@pytest.mark.parametrize(
    ("root", "full", "expected"),
    [("/data", False, "b/picture 1.png"), (None, False, "picture 1.png"), (None, True, "/data/b/picture 1.png")],
)
def test_paths_name_no_folder_that_was_not_chosen(tmp_path: Path, root: Any, full: bool, expected: str) -> None:
    model = ResultsModel()
    found, items = some()
    begin(model, found, XRAY, root)
    add(model, items)
    assert model.batch is not None
    write_csv(str(tmp_path / "x.csv"), model.batch, "full" if full else "relative")
    assert read_table(tmp_path / "x.csv")[1]["path"] == expected


@pytest.mark.parametrize("name", ["=1+2.png", "+x.png", "-x.png", "@x.png", " =x.png", "\tx.png"])
def test_no_file_name_becomes_a_formula(tmp_path: Path, name: str) -> None:
    model = ResultsModel()
    source = ImageSource(name, data=b"x")
    begin(model, [source], XRAY)
    add(model, [answer(0, source, (0.1, 0.9))])
    assert model.batch is not None
    write_csv(str(tmp_path / "x.csv"), model.batch)
    assert read_table(tmp_path / "x.csv")[0]["path"] == "'" + name


def test_names_of_every_script_survive(tmp_path: Path) -> None:
    model = ResultsModel()
    names = ["Ünï 日本 نص.png", 'a "quoted", name.png', "broken\udcff.png"]
    found = [ImageSource(name, data=b"x") for name in names]
    begin(model, found, XRAY)
    add(model, [answer(i, source, (0.1, 0.9)) for i, source in enumerate(found)])
    assert model.batch is not None
    write_csv(str(tmp_path / "x.csv"), model.batch)
    assert [row["path"] for row in read_table(tmp_path / "x.csv")] == [*names[:2], "broken?.png"]


def test_a_full_disk_leaves_the_old_file_and_is_said(
    table: ResultsTable, qtbot: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, items = some()
    begin(table, found, XRAY)
    add(table, items)
    path = tmp_path / "out.csv"
    path.write_text("old")

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with qtbot.waitSignal(table.export_failed) as told:
        table.export_csv(str(path))
    assert isinstance(told.args[0], FoveaError)
    assert told.args[0].kind == "disk-full"
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
    assert "the disk of 'out.csv' is full" in table._failure.text
    assert table._save.isVisible()


def test_a_folder_that_is_not_there_is_said(table: ResultsTable, qtbot: Any, tmp_path: Path) -> None:
    found, items = some()
    begin(table, found, XRAY)
    add(table, items)
    with qtbot.waitSignal(table.export_failed) as told:
        table.export_csv(str(tmp_path / "nowhere" / "out.csv"))
    assert told.args[0].kind == "not-saved"
    assert str(tmp_path) not in told.args[0].message


def test_a_cancelled_export_leaves_nothing(table: ResultsTable, qtbot: Any, tmp_path: Path) -> None:
    found = sources(20_000)
    begin(table, found, XRAY)
    add(table, [answer(i, source, (0.1, 0.9)) for i, source in enumerate(found)])
    with qtbot.waitSignal(table.export_failed) as told:
        table.export_csv(str(tmp_path / "out.csv"))
        assert table._stop.isVisible()
        qtbot.mouseClick(table._stop, Qt.MouseButton.LeftButton)
    assert told.args[0].kind == "cancelled"
    assert list(tmp_path.iterdir()) == []
    assert not table._failure.isVisible()
