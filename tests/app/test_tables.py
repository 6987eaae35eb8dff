"""The tables are the only places to edit: what stands in one stands nowhere else, and a row more is seen everywhere."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from desktop.app import exports, recipes
from desktop.core import notices
from desktop.core.figures import table
from desktop.core.figures.table import CLASS_METRICS, METRICS, POINT_METRICS
from desktop.core.notices import NOTICES

ROOT = Path(__file__).resolve().parent.parent.parent
NOTICE_TABLE = ROOT / "desktop/core/notices.py"
METRIC_TABLE = ROOT / "desktop/core/figures/table.py"


def sources(*folders: str) -> list[Path]:
    """The text of the program and its packages; data of models and their recipes is what training wrote."""
    endings = {".py", ".1", ".xml", ".desktop", ".sh", ".in", ".iss", ".plist", ".spec", ".txt"}
    found = [path for folder in folders for path in (ROOT / folder).rglob("*") if path.suffix in endings]
    assert len(found) > 100 or folders == ("installers",), folders
    return found


def plain(text: str) -> str:
    """Words alone: quotes, line ends and punctuation must not hide a copy."""
    return " ".join(re.findall(r"[a-z0-9]+", text.lower()))


def test_medical_words_stand_in_the_table_alone() -> None:
    """Ten copies had begun to differ; what is shown of them comes from NOTICES."""
    said = ("not a medical device", "no medical device", "a medical device", "not a diagnosis", "education only")
    offenders = [
        f"{path.relative_to(ROOT)}: {words}"
        for path in sources("desktop", "installers", "tools")
        if path != NOTICE_TABLE
        for words in said
        if words in plain(path.read_text(encoding="utf-8", errors="replace"))
    ]
    assert not offenders


def test_every_notice_is_read_from_the_table() -> None:
    for kind, words in NOTICES.items():
        first = plain(words.text)[:40]
        copies = [
            path
            for path in sources("desktop", "installers")
            if path != NOTICE_TABLE and first in plain(path.read_text(encoding="utf-8", errors="replace"))
        ]
        assert not copies, kind


def constants(path: Path) -> set[str]:
    """Every text that a module writes out in full."""
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    return {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def test_no_list_of_figures_outside_the_table() -> None:
    """Nobody else gives a figure its title; one may be named by its key, a list of them may not."""
    rows = (*METRICS, *POINT_METRICS, *CLASS_METRICS)
    titles = {title for row in rows for title in (row.title, row.short) if " " in title}
    keys = {row.key for row in rows if "_" in row.key}
    offenders = {}
    for path in sources("desktop"):
        if path != METRIC_TABLE and path.suffix == ".py":
            told = constants(path)
            if (told & titles) or len(told & keys) > 1:
                offenders[str(path.relative_to(ROOT))] = (told & titles) | (told & keys)
    assert not offenders


_ONE_MORE = """
import sys
from functools import partial
import desktop.core.figures.table as table
from desktop.core.figures.metrics import accuracy, confusion

def halved(truth, predicted, scores, persons, seed):
    return accuracy(confusion(truth, predicted, scores.shape[1]))

row = table.Measure("quite_new", "Quite new", partial(table._more, "quite_new"), group="calibration", compute=halved)
table.METRICS = (*table.METRICS, row)

from pathlib import Path
from PySide6.QtWidgets import QApplication
from desktop.cli import evaluate as command
from desktop.core.figures.result import compare, figures, shared_figures
from desktop.core.figures.result_files import figures_json
from desktop.report import pdf
from desktop.report.content import build_report
from desktop.report.html import html_of
from tests.core.figures.makers import made_up, two_classes

truth, scores = two_classes()
one, two = made_up(truth, scores), made_up(truth, scores[::-1].copy(), model_name="Other")
of_one, of_two, paired = figures(one), figures(two), compare(one, two)
value = of_one.accuracy.value
assert value and of_one.more["quite_new"].value == value

stored = figures_json(one, of_one)
assert stored["quite_new"] == value and stored["intervals"]["quite_new"]["low"] is not None

report = build_report(one, of_one, None, other=(two, of_two, paired))
assert html_of(report).count("Quite new") >= 3, "figures, calibration, comparison"
cells = []
row_of = pdf._Pages.row
pdf._Pages.row = lambda self, texts, *rest, **more: (cells.extend(texts), row_of(self, texts, *rest, **more))[1]
pdf.write_pdf(report, Path(sys.argv[1]) / "report.pdf", lambda: False)
assert cells.count("Quite new") == 2, "figures and comparison"

command._say_result(one, of_one, False)

app = QApplication([])
from desktop.ui.evaluate.calibration_tab import CalibrationTab
from desktop.ui.evaluate.compare_tab import CompareTab
from desktop.ui.evaluate.state import EvaluationState
from desktop.services.catalog import ModelCatalog
from desktop.services.evaluation import EvaluationService

state = EvaluationState()
state.show(one, of_one, None)
calibration = CalibrationTab(state)
assert "Quite new: " in calibration._words.text()
tab = CompareTab(state, ModelCatalog(), EvaluationService())
tab._show((two, of_two, paired), shared_figures(one, of_one, two, of_two, paired))
names = [tab.model.cell(row, 0).text for row in range(tab.model.rowCount())]
assert "Quite new" in names, names
"""


def test_a_row_more_is_seen_by_command_line_json_html_pdf_and_window(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _ONE_MORE, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Quite new" in done.stdout


@pytest.mark.parametrize("rows", [METRICS, POINT_METRICS, CLASS_METRICS])
def test_rows_have_keys_of_their_own(rows: tuple[object, ...]) -> None:
    keys = [row.key for row in rows]  # type: ignore[attr-defined]
    assert len(set(keys)) == len(keys)


def test_a_translation_finds_every_word_of_the_tables() -> None:
    """The words of the tables are collected in the contexts by which the window looks them up."""
    sys.path.insert(0, str(ROOT / "tools"))
    from texts import collect

    found = {(text.context, text.source) for text in collect(ROOT / "desktop")}
    metrics = {row.title for row in METRICS} | {row.short for row in METRICS if row.short}
    wanted = {(table.CONTEXT, title) for title in metrics}
    wanted |= {(notices.CONTEXT, text) for words in NOTICES.values() for text in (words.brief, words.rest) if text}
    wanted |= {(recipes.CONTEXT, text) for recipe in recipes.RECIPES.values() for text in (recipe.group, recipe.words)}
    wanted |= {(exports.CONTEXT, text) for export in exports.EXPORTS for text in (export.words, export.about)}
    assert not {key for key in wanted if key[1]} - found


_FORMAT_MORE = """
import sys
from pathlib import Path

import numpy as np

from desktop.ml.exchange import export_formats

reads = "def scores_of(pixels):\\n    return np.load(HERE / {file})[len(pixels)]"
words = ("Plain", "Plain (.npy)", "for one")
row = export_formats.ModelFormat("plain", ".npy", *words, "litert", "litert", "numpy", reads)
export_formats.MODEL_FORMATS["plain"] = row

from desktop.app.exports import endings_of, export_for
from desktop.app.models import export_file
from desktop.ml.exchange import export_model, export_steps
from desktop.store.store import ModelStore
from tests.store.makers import add_colours

def make(source, out, manifest):
    with out.open("wb") as stream:
        np.save(stream, np.eye(3, dtype=np.float32))

def scores(out, images, manifest):
    return export_steps._litert(folder / "model.tflite", images, manifest)[0], "itself"

export_steps.WORK["plain"] = export_steps.FormatWork(make, lambda out, manifest: None, scores)
here = Path(sys.argv[1])
store = ModelStore(here / "bundled", here / "models")
add_colours(store)
entry = store.require("colours")
folder = entry.folder
export_model.run = lambda step, arguments, limits, tell, cancelled: export_steps.write(*arguments, tell)

assert ".npy" in endings_of("model") and export_for("model", "x.npy").form == "plain"
found = export_file(entry, here / "out.npy")
assert found.difference == 0.0 and np.load(here / "out.npy").shape == (3, 3)
assert '"read_by": "itself"' in (here / "out.npy.parity.json").read_text()
assert "numpy pillow numpy" in (here / "out.npy.example.py").read_text()

from PySide6.QtWidgets import QApplication

app = QApplication([])
from desktop.ui.models.dialogs import ExportDialog

dialog = ExportDialog("x", True, "")
assert dialog.forms["plain"].text() == "Plain (.npy): for one"
"""


def test_a_model_format_more_is_seen_by_command_line_and_window(tmp_path: Path) -> None:
    """A row and its work are all that it takes: file, certificate, example, ending and button follow."""
    done = subprocess.run(
        [sys.executable, "-c", _FORMAT_MORE, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_every_model_format_has_its_work() -> None:
    from desktop.ml.exchange.export_formats import MODEL_FORMATS
    from desktop.ml.exchange.export_steps import WORK
    from desktop.ml.plans.job_steps import STEPS

    assert WORK.keys() == MODEL_FORMATS.keys()
    assert {row.step for row in MODEL_FORMATS.values()} <= STEPS.keys()


_PICTURES_MORE = """
import sys
from pathlib import Path

path = Path("desktop/core/pictures/formats.py")
row = '    PictureFormat("PPM", "PNM", (".ppm",), "image/x-portable-pixmap", _begins(rb"P6[ \\\\n]")),\\n'
first = '    PictureFormat("GIF"'
source = path.read_text(encoding="utf-8")
assert source.count(first) == 1

from desktop.core.pictures import formats

exec(compile(source.replace(first, row + first), str(path), "exec"), formats.__dict__)

import io
from PIL import Image
from desktop.core.pictures.decode import decode
from desktop.core.pictures.walk import walk_images
from desktop.core.types import DecodeError, ImageSource
from installers import linux, windows

content = io.BytesIO()
Image.new("RGB", (5, 4), (9, 90, 200)).save(content, "PPM")
found = decode(ImageSource("one", data=content.getvalue()))
assert found.format == "PPM" and found.pixels.shape == (4, 5, 3) and found.pixels[0, 0].tolist() == [9, 90, 200]
folder = Path(sys.argv[1])
(folder / "one.ppm").write_bytes(content.getvalue())
assert [item.path for item in walk_images([folder], formats.SUPPORTED_SUFFIXES)] == [str(folder / "one.ppm")]
try:
    decode(ImageSource("two", data=b"hello"))
except DecodeError as error:
    assert "PNM" in error.message
assert "image/x-portable-pixmap;" in linux.desktop_entry() and '".ppm"' in windows.suffixes_macro()

from desktop.services import clipboard

assert clipboard._RAW["image/x-portable-pixmap"] == ".ppm"
"""


def test_a_picture_format_more_is_opened_found_named_and_offered(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _PICTURES_MORE, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


_COLUMN_MORE = """
import csv
import sys
from pathlib import Path

from desktop.app import batch_csv
from desktop.ui.classify import results_columns, results_csv

def text(batch, at):
    return f"row {at}"

row = results_columns.ResultColumn("quite", "Quite new", text, results_columns.RowOrder.error_key)
results_columns.COLUMNS = (*results_columns.COLUMNS, row)
batch_csv._COLUMNS = (*batch_csv._COLUMNS, ("quite_new", text))

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication

app = QApplication([])
from desktop.ui.classify.results_table import ResultsTable
from tests.ui.widgets.makers import XRAY, add, answer, begin, sources

table = ResultsTable()
found = sources(3)
begin(table, found, XRAY, "/data")
add(table, [answer(at, source, (0.1, 0.9)) for at, source in enumerate(found)])
last = table.model.columnCount() - 1
assert table.model.headerData(last, Qt.Orientation.Horizontal) == "Quite new"
assert table.model.index(2, last).data() == "row 2"
path = Path(sys.argv[1], "out.csv")
results_csv.write_csv(str(path), table.model.batch, "relative")
with path.open(encoding="utf-8-sig", newline="") as stream:
    assert [line["quite_new"] for line in csv.DictReader(stream)] == ["row 0", "row 1", "row 2"]
"""


def test_a_column_more_is_seen_in_the_table_and_in_its_file(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _COLUMN_MORE, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
