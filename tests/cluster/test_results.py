"""The results of a job as a table: found, sorted and filtered on the disk as a list in memory would be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

pytest.importorskip("pyarrow", reason="the extra 'cluster' is not installed")

import pyarrow as pa
import pyarrow.parquet as pq

from desktop.cluster import rows
from desktop.cluster.results import JobRows, Wanted
from desktop.services.job_rows import PAGE, JobTable
from desktop.ui.dialogs.job_results import JobResultsDialog
from desktop.ui.kit.widgets import count
from tests.patience import WAIT


def made(count: int) -> list[dict[str, Any]]:
    """Rows of all sorts."""
    found = []
    for at in range(count):
        row: dict[str, Any] = {"position": at, "path": f"/cam{at % 7}/{at * 37 % 1000:04d}.jpg", "model": "m"}
        if at % 11 == 5:
            row["error"] = {"kind": "unreadable", "message": f"'{at}' cannot be read"}
        else:
            row |= {
                "answer": ("fox", "cat", "dog")[at % 3], "answer_score": ((at * 53) % 101) / 101, "notices": [],
                "in_domain": None if at % 5 == 4 else bool(at % 4), "domain_score": at / 10, "unsure": False,
            }  # fmt: skip
        found.append(row)
    return found


@pytest.fixture
def job(tmp_path: Path) -> Path:
    """A folder with the parts of 1,000 pictures."""
    parts = tmp_path / "job" / "parts"
    parts.mkdir(parents=True)
    for first in (0, 300, 600):
        some = made(1000)[first : first + (300 if first < 600 else 400)]
        pq.write_table(
            pa.Table.from_pylist(some, schema=rows.SCHEMA), parts / f"{first:09d}-x.parquet", row_group_size=64
        )
    return tmp_path / "job"


def positions(table: JobRows) -> list[int]:
    return [table.row(at)["position"] for at in range(len(table))]


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("by", ["path", "answer", "answer_score", "in_domain", "domain_score", "position", "error"])
def test_rows_are_sorted_as_a_list_would_be(job: Path, by: str, descending: bool) -> None:
    table = JobRows(sorted((job / "parts").iterdir()))
    assert table.find(Wanted(), by, descending)
    keys = [row[by]["message"] if isinstance(row[by], dict) else row[by] for row in map(table.row, range(len(table)))]
    known = [key for key in keys if key is not None]
    assert keys[len(known) :] == [None] * (1000 - len(known))  # those without a value come last
    assert known == sorted(known, reverse=descending)
    assert sorted(positions(table)) == list(range(1000))


@pytest.mark.parametrize(
    ("wanted", "rule"),
    [
        (Wanted(text="CAM3/"), lambda row: "cam3/" in row["path"]),
        (Wanted(text="fox"), lambda row: row.get("answer") == "fox"),
        (Wanted(answer="dog"), lambda row: row.get("answer") == "dog"),
        (Wanted(unlike=True), lambda row: row.get("in_domain") is False),
        (Wanted(failed=True), lambda row: "error" in row),
        (Wanted(most=0.5), lambda row: row.get("answer_score", 1) <= 0.5),
        (Wanted(answer="cat", unlike=True), lambda row: (row.get("answer"), row.get("in_domain")) == ("cat", False)),
        (Wanted(text="nothing of that"), lambda row: False),
    ],
)  # fmt: skip
def test_rows_are_found_as_a_list_would_be(job: Path, wanted: Wanted, rule: Any) -> None:
    table = JobRows(sorted((job / "parts").iterdir()))
    assert table.find(wanted)
    expected = [row["position"] for row in made(1000) if rule(row)]
    assert positions(table) == expected
    assert table.find(wanted, "position", True)
    assert positions(table) == expected[::-1]


def test_a_wish_that_is_stopped_changes_nothing(job: Path) -> None:
    table = JobRows(sorted((job / "parts").iterdir()))
    table.find(Wanted(answer="cat"))
    before = positions(table)
    assert not table.find(Wanted(), "path", stopped=lambda: True)
    assert positions(table) == before


def test_a_table_reads_what_is_looked_at(job: Path, qtbot: QtBot) -> None:
    table = JobTable(job)
    with qtbot.waitSignal(table.found, timeout=WAIT):
        pass
    assert table.total == 1000
    with qtbot.waitSignal(table.loaded, timeout=WAIT) as loaded:
        assert table.row(250) is None
    assert loaded.args == [2 * PAGE, 3 * PAGE - 1]
    row = table.row(250)
    assert row is not None and row["position"] == 250
    with qtbot.waitSignal(table.found, timeout=WAIT):
        table.find(Wanted(), "position", True)
    with qtbot.waitSignal(table.loaded, timeout=WAIT):
        assert table.row(0) is None
    last = table.row(0)
    assert last is not None and last["position"] == 999
    table.close()


def test_the_dialog_sorts_filters_and_opens(job: Path, qtbot: QtBot) -> None:
    dialog = JobResultsDialog(job)
    qtbot.addWidget(dialog)
    qtbot.waitUntil(lambda: dialog.model.rowCount() == 1000, timeout=WAIT)
    assert [dialog.answers.itemData(at) for at in range(dialog.answers.count())] == ["", "fox", "cat", "dog"]
    dialog.answers.setCurrentIndex(2)
    dialog.unlike.setChecked(True)
    expected = [row for row in made(1000) if row.get("answer") == "cat" and row.get("in_domain") is False]
    qtbot.waitUntil(lambda: dialog.model.rowCount() == len(expected), timeout=WAIT)
    assert dialog.state.text() == f"{len(expected)} of {count(1000)} pictures"
    dialog.view.horizontalHeader().sectionClicked.emit(2)
    highest = min(expected, key=lambda row: row["answer_score"])
    cell = lambda column: dialog.model.data(dialog.model.index(0, column), Qt.ItemDataRole.DisplayRole)  # noqa: E731
    qtbot.waitUntil(lambda: cell(0) == highest["path"], timeout=WAIT)
    with qtbot.waitSignal(dialog.opened, timeout=WAIT) as opened:
        dialog.view.doubleClicked.emit(dialog.model.index(0, 0))
    assert opened.args == [highest["path"]]
    dialog.reject()


def test_a_folder_without_results_is_told(tmp_path: Path, qtbot: QtBot) -> None:
    dialog = JobResultsDialog(tmp_path)
    qtbot.addWidget(dialog)
    qtbot.waitUntil(lambda: "holds no results" in dialog.state.text(), timeout=WAIT)
    dialog.reject()
