"""The results of a batch: rows, order, filters, the current row."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QTextDocument

from desktop.core.types import DomainVerdict, ImageSource
from desktop.store.manifest import Decision, Domain
from desktop.ui.classify.results_columns import COLUMNS, place_of
from desktop.ui.classify.results_csv import write_csv
from desktop.ui.classify.results_model import ResultsModel
from desktop.ui.classify.results_table import ResultsTable
from tests.store.makers import manifest
from tests.ui.widgets.makers import XRAY, add, answer, begin, column, read_table, some, sort, sources


@pytest.fixture
def model(qtbot: Any, qtmodeltester: Any) -> Iterator[ResultsModel]:
    held = ResultsModel()
    yield held
    qtmodeltester.check(held, force_py=True)


@pytest.fixture
def table(qtbot: Any) -> ResultsTable:
    widget = ResultsTable()
    qtbot.addWidget(widget)
    widget.resize(900, 400)
    widget.show()
    return widget


def test_every_picture_has_a_row_from_the_start(model: ResultsModel) -> None:
    found, items = some()
    begin(model, found, XRAY, "/data")
    assert model.rowCount() == 12
    assert column(model, "name")[:2] == ["picture 0.png", "picture 1.png"]
    assert column(model, "folder")[:2] == ["a", "b"]
    assert column(model, "answer") == [""] * 12
    add(model, items)
    assert column(model, "answer")[:4] == ["Normal", "Pneumonia", "Pneumonia", "No answer"]
    assert column(model, "score")[1] == "0.540"
    assert column(model, "second")[1] == "Normal 0.460"
    assert column(model, "second")[0] == "Pneumonia 0.500"
    assert column(model, "time")[1] == "3.5 ms"
    assert column(model, "size")[1] == "101 × 90"
    assert column(model, "notices")[:2] == ["", "stretched"]
    assert column(model, "error")[3] == "it is cut off"


def test_answers_come_in_any_order_and_count_once(model: ResultsModel) -> None:
    found, items = some()
    begin(model, found, XRAY)
    add(model, items[6:])
    add(model, items[:6])
    add(model, items)
    add(model, [answer(99, found[0], (0.1, 0.9))])
    assert model.batch is not None
    assert model.batch.done == 12
    assert model.batch.counts.tolist() == [3, 8]


def test_the_summary(model: ResultsModel) -> None:
    found, items = some()
    begin(model, found, XRAY)
    add(model, items[:5])
    assert model.summary() == "5 of 12 · Normal: 2 · Pneumonia: 2 · 1 unreadable"
    add(model, items[5:])
    model.finish()
    assert model.summary() == "12 images · Pneumonia: 8 · Normal: 3 · 1 unreadable"
    model.set_filter(answer=0)
    assert model.summary().endswith("3 shown")
    begin(model, found, XRAY)
    add(model, items[:2])
    model.finish(cancelled=True)
    assert model.summary().startswith("Stopped at 2 of 12")


def test_names_sort_as_people_count(model: ResultsModel) -> None:
    begin(model, sources(12)[::-1], XRAY)
    sort(model, "name")
    assert column(model, "name") == [f"picture {i}.png" for i in range(12)]
    sort(model, "name", Qt.SortOrder.DescendingOrder)
    assert column(model, "name") == [f"picture {i}.png" for i in range(11, -1, -1)]
    model.sort(-1)
    assert column(model, "name")[0] == "picture 11.png"


@pytest.mark.parametrize("order", list(Qt.SortOrder))
def test_rows_without_a_value_come_last(model: ResultsModel, order: Qt.SortOrder) -> None:
    found, items = some()
    begin(model, found, replace(XRAY, decision=Decision()))
    add(model, items[:8])
    sort(model, "score", order)
    scores = column(model, "score")
    values = [float(text) for text in scores if text]
    assert scores[len(values) :] == [""] * 5
    assert values == sorted(values, reverse=order == Qt.SortOrder.DescendingOrder)


@pytest.mark.parametrize("name", [column.name for column in COLUMNS])
def test_every_column_sorts(model: ResultsModel, name: str) -> None:
    found, items = some()
    begin(model, found, XRAY)
    add(model, items)
    sort(model, name)
    assert sorted(column(model, "name")) == sorted(source.name for source in found)


def test_filters_add_up(model: ResultsModel) -> None:
    found, items = some()
    begin(model, found, XRAY, "/data")
    add(model, items)
    model.set_filter(text="A/PIC")
    assert model.rowCount() == 6
    model.set_filter(text="pneum")
    assert model.rowCount() == 8
    model.set_filter(answer=1, below=0.6)
    assert column(model, "score") == ["0.540", "0.580"]
    model.set_filter(only_errors=True)
    assert column(model, "name") == ["picture 3.png"]
    model.set_filter(text="nothing")
    assert model.rowCount() == 0
    model.set_filter()
    assert model.rowCount() == 12


def test_the_order_follows_new_answers(model: ResultsModel, qtbot: Any) -> None:
    found, items = some()
    begin(model, found, XRAY)
    sort(model, "score", Qt.SortOrder.DescendingOrder)
    with qtbot.waitSignal(model.reordered):
        add(model, items)
    assert column(model, "name")[0] == "picture 11.png"


def test_many_rows_are_ordered_between_events_and_the_newest_wish_wins(model: ResultsModel, qtbot: Any) -> None:
    count = 5000
    found = sources(count)
    begin(model, found, XRAY)
    add(model, [answer(i, found[i], (0.5 - i / 20_000, 0.5 + i / 20_000)) for i in range(count)])
    sort(model, "name", Qt.SortOrder.DescendingOrder)
    assert column(model, "name")[0] == "picture 0.png"  # not yet
    with qtbot.waitSignal(model.reordered):
        sort(model, "score", Qt.SortOrder.DescendingOrder)
    assert column(model, "score")[0] == "0.750"
    with qtbot.waitSignal(model.reordered):
        model.set_filter(text="picture 49")
    assert model.rowCount() == 111
    assert column(model, "score")[0] == f"{0.5 + 4999 / 20_000:.3f}"
    sort(model, "name")
    begin(model, found[:10], XRAY)  # while rows are being ordered
    assert model.rowCount() == 10


def test_many_classes_keep_their_two_best_only(model: ResultsModel) -> None:
    labels = tuple(f"class {i}" for i in range(1000))
    found = sources(1)
    begin(model, found, manifest(labels=labels))
    scores = np.full(1000, 0.0001, np.float32)
    scores[7], scores[9] = 0.6, 0.3
    item = answer(0, found[0], (0.5, 0.5))
    add(model, [type(item)(**{**{k: getattr(item, k) for k in item.__slots__}, "probabilities": scores, "index": 7})])
    assert column(model, "second") == ["class 9 0.300"]
    assert model.batch is not None
    assert model.batch.scores is None


# The table


def test_moving_in_the_table_tells_the_picture(table: ResultsTable, qtbot: Any) -> None:
    found, items = some()
    begin(table, found, XRAY)
    add(table, items)
    with qtbot.waitSignal(table.row_activated) as told:
        qtbot.keyClick(table._table, Qt.Key.Key_Down)
        qtbot.keyClick(table._table, Qt.Key.Key_Down)
    assert told.args[0] in found
    assert table.current_source is not None


def test_the_shown_picture_is_marked_without_an_echo(table: ResultsTable, qtbot: Any) -> None:
    found, items = some()
    begin(table, found, XRAY)
    add(table, items)
    with qtbot.assertNotEmitted(table.row_activated):
        table.select_source(found[5])
        assert table._table.currentIndex().row() == 5
        sort(table.model, "name", Qt.SortOrder.DescendingOrder)
        assert table._table.currentIndex().row() == 6
        table.model.set_filter(only_errors=True)
        assert not table._table.currentIndex().isValid()
        table.model.set_filter()
        assert table._table.currentIndex().row() == 6
        table.select_source(ImageSource.from_path("/elsewhere/x.png"))
        assert table.current_source is None


def test_frames_of_one_file_are_told_apart(table: ResultsTable) -> None:
    found = [ImageSource.from_path("/d/x.dcm", frame) for frame in range(3)]
    found.append(ImageSource("pasted", data=b"x"))
    begin(table, found, XRAY)
    table.select_source(found[2])
    assert table._table.currentIndex().row() == 2
    table.select_source(found[3])
    assert table._table.currentIndex().row() == 3


def test_the_filter_row_filters(table: ResultsTable, qtbot: Any) -> None:
    found, items = some()
    begin(table, found, XRAY)
    add(table, items)
    assert [table._answer.itemText(i) for i in range(table._answer.count())] == ["All answers", "Pneumonia", "Normal"]
    table._answer.setCurrentIndex(2)
    assert table.model.rowCount() == 3
    table._answer.setCurrentIndex(0)
    table._errors.setChecked(True)
    assert table.model.rowCount() == 1
    table._errors.setChecked(False)
    with qtbot.waitSignal(table.model.reordered):
        table._below.setValue(0.55)
    assert table.model.rowCount() == 4
    with qtbot.waitSignal(table.model.reordered):
        qtbot.keyClicks(table._text, "picture 1")
    assert column(table.model, "name") == ["picture 1.png"]
    begin(table, found, XRAY)
    assert table.model.rowCount() == 12
    assert table._text.text() == ""


_GATE = Domain("domain.json", "x", "validation", 100, 0.05, tuple(i / 20 for i in range(21)))
GATED = replace(XRAY, domain=_GATE, files={**XRAY.files, "domain.json": next(iter(XRAY.files.values()))})


def judged() -> tuple[list[ImageSource], list[Any]]:
    """Answers of a model with a domain gate: pictures 1 and 4 are not of its kind."""
    found, items = some()
    for at in (0, 1, 2, 4, 5):
        outside = at in (1, 4)
        items[at] = replace(items[at], domain=DomainVerdict(1.5 + at if outside else 0.25 * at, not outside))
    return found, items


def test_pictures_not_of_the_models_kind_are_told_apart(table: ResultsTable, qtbot: Any, tmp_path: Path) -> None:
    found, items = judged()
    begin(table, found, GATED, "/data")
    add(table, items)
    table.finish()
    model = table.model
    assert column(model, "kind")[:6] == ["yes", "no", "yes", "", "no", "yes"]
    assert model.cell(1, place_of("answer")) == ("No answer", "secondary")
    assert model.cell(1, place_of("score"))[0] == ""
    assert model.cell(1, place_of("kind")) == ("no", "caution")
    assert "no class is the answer" in model.index(1, place_of("answer")).data(Qt.ItemDataRole.ToolTipRole)
    assert model.summary() == "12 images · Pneumonia: 7 · Normal: 2 · unfamiliar: 2 · 1 unreadable"
    sort(model, "kind", Qt.SortOrder.DescendingOrder)
    assert column(model, "name")[:2] == ["picture 4.png", "picture 1.png"]
    model.sort(-1)
    table._answer.setCurrentIndex(table._answer.findText("Unfamiliar kind"))
    assert column(model, "name") == ["picture 1.png", "picture 4.png"]
    with qtbot.waitSignal(table.exported):
        table.export_csv(str(tmp_path / "x.csv"))
    rows = read_table(tmp_path / "x.csv")
    assert [row["in_domain"] for row in rows[:5]] == ["true", "false", "true", "", "false"]
    assert [row["domain_score"] for row in rows[:5]] == ["0", "2.5", "0.5", "", "5.5"]
    begin(table, found, XRAY)
    assert table._answer.findText("Unfamiliar kind") < 0 and table._table.isColumnHidden(place_of("kind"))


def test_a_batch_that_goes_on_takes_its_answers_along(model: ResultsModel) -> None:
    found, items = judged()
    begin(model, found, GATED)
    add(model, items[:6])
    model.set_filter(text="picture")
    kept = [5, -1, 3, 1, 7]
    begin(model, [found[5], ImageSource.from_path("/data/new.png"), found[3], found[1], found[7]], GATED, None, kept)
    assert model.query.text == "picture"
    model.set_filter()
    assert column(model, "answer") == ["Pneumonia", "", "No answer", "No answer", ""]
    assert column(model, "kind") == ["yes", "", "", "no", ""]
    assert column(model, "error")[2] == "it is cut off"
    assert column(model, "notices")[0] == "stretched"
    batch = model.batch
    assert batch is not None and batch.done == 3 and batch.counts.tolist() == [0, 2] and batch.unlike.tolist() == [0, 1]
    add(model, [replace(items[7], position=4)])
    assert column(model, "score")[4] == "0.780"


def test_a_folder_beside_the_chosen_one_is_not_taken_for_one_below_it(tmp_path: Path) -> None:
    model = ResultsModel()
    found = [ImageSource.from_path(path) for path in ("/data/cat/x.png", "/data/cats/y.png", "/data/cat/sub/z.png")]
    begin(model, found, XRAY, "/data/cat")
    assert column(model, "folder") == ["", "/data/cats", "sub"]
    add(model, [answer(at, source, (0.1, 0.9)) for at, source in enumerate(found)])
    assert model.batch is not None
    write_csv(str(tmp_path / "x.csv"), model.batch)
    assert [row["path"] for row in read_table(tmp_path / "x.csv")] == ["x.png", "y.png", "sub/z.png"]


def test_a_file_name_is_no_markup_in_a_tool_tip(model: ResultsModel) -> None:
    found = [ImageSource("scan <b>1</b> & <img src='x'>.png", data=b"x")]
    begin(model, found, XRAY)
    words = QTextDocument()
    words.setHtml(model.index(0, 0).data(Qt.ItemDataRole.ToolTipRole))
    assert words.toPlainText() == found[0].name
    assert model.index(0, 0).data() == found[0].name


def test_general_words_in_table_filter_and_file(model: ResultsModel, tmp_path: Path) -> None:
    from desktop.core.trust.general_words import Wording

    known = manifest(id="words", labels=("Labrador", "poodle", "tabby"), label_ids=("n1", "n2", "n3"))
    found = sources(4)
    begin(model, found, known)
    rows = [
        ([0.45, 0.4, 0.15], Wording("word", "dog", 0.85)),
        ([0.9, 0.05, 0.05], Wording("class", "", 0.9)),
        ([0.4, 0.25, 0.35], Wording("unsure", "", 0.4)),
        ([0.3, 0.4, 0.3], Wording("word", "dog", 0.7)),
    ]
    items = [
        replace(answer(at, found[at], scores), label="x", wording=wording) for at, (scores, wording) in enumerate(rows)
    ]
    add(model, items)
    assert column(model, "answer") == ["dog", "Labrador", "Labrador?", "dog"]
    assert column(model, "score") == ["0.850", "0.900", "0.400", "0.700"]
    assert column(model, "second")[0] == "Labrador 0.450" and column(model, "second")[3] == "poodle 0.400"
    assert [(label, count) for _, label, count in model.classes_found()] == [("Labrador", 2), ("dog", 2)]
    assert "dog: 2" in model.summary()
    (dogs,) = [index for index, label, _ in model.classes_found() if label == "dog"]
    model.set_filter(answer=dogs)
    assert model.rowCount() == 2
    model.set_filter(text="poodle")
    assert column(model, "answer") == ["dog"]
    model.set_filter()
    begin(model, found, known, kept=[0, 1, 2, 3])
    assert column(model, "answer") == ["dog", "Labrador", "Labrador?", "dog"]
    assert model.batch is not None
    write_csv(str(tmp_path / "out.csv"), model.batch)
    with (tmp_path / "out.csv").open(encoding="utf-8-sig", newline="") as stream:
        lines = list(csv.DictReader(stream))
    assert [line["label"] for line in lines] == ["Labrador", "Labrador", "Labrador", "poodle"]
    assert [line["general_word"] for line in lines] == ["dog", "", "", "dog"]
    assert [line["score"][:4] for line in lines] == ["0.44", "0.89", "0.40", "0.40"]
    assert lines[0]["general_score"].startswith("0.8") and lines[1]["general_score"] == ""


def test_a_threshold_that_made_the_answer_stands_in_place_of_the_losing_score(model: ResultsModel) -> None:
    found = sources(3)
    begin(model, found, XRAY)
    add(model, [answer(0, found[0], (0.55, 0.45), 1), answer(1, found[1], (0.3, 0.7)), answer(2, found[2], (0.7, 0.3))])
    assert column(model, "answer") == ["Pneumonia", "Pneumonia", "Normal"]
    assert column(model, "score") == ["≥ 0.400", "0.700", "0.700"]
    assert "decided by the model's threshold" in model.index(0, place_of("score")).data(Qt.ItemDataRole.ToolTipRole)
