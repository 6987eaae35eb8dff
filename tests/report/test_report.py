"""Reports: whole, escaped, honest about what they are, and silent about people and places."""

from __future__ import annotations

import io
import json
import os
import re
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from desktop.core.data.dataset import BrokenEntry
from desktop.core.figures.comparison import area_here
from desktop.core.figures.public_names import public_naming
from desktop.core.figures.result import EvaluationResult, compare, figures
from desktop.core.figures.result_files import figures_json, write_csv
from desktop.core.figures.table import METRICS, by_key, written
from desktop.core.figures.works_here import compatible_with_card, works_here_json
from desktop.core.notices import NOTICES
from desktop.core.types import FoveaError
from desktop.report import write_report
from desktop.report.content import Report, build_report
from tests.core.figures.makers import made_up, two_classes

HOSTILE = '<script>alert("x")</script>&\'"$x^{'


def small(positions: object) -> list[np.ndarray | None]:
    return [np.full((20, 30, 3), 90, np.uint8) if i else None for i, _ in enumerate(positions)]  # type: ignore[arg-type]


def report_of(result: EvaluationResult, pictures: bool = True) -> Report:
    return build_report(result, figures(result), small if pictures else None)


class Reader(HTMLParser):
    """Collects tags and text, as a browser would find them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("src", "href", "xlink:href")]

    def handle_data(self, data: str) -> None:
        self.text += data


def html(tmp_path: Path, report: Report) -> str:
    path = tmp_path / "report.html"
    write_report(report, path)
    return path.read_text(encoding="utf-8")


def test_hostile_names_stay_text_and_nothing_is_loaded_from_elsewhere(tmp_path: Path) -> None:
    truth, scores = two_classes()
    names = tuple(f"{HOSTILE}/{i}\udcff.png" for i in range(len(truth)))
    skipped = (BrokenEntry(f"{HOSTILE}.png", HOSTILE, "k", HOSTILE),)
    result = made_up(truth, scores, labels=(HOSTILE, "b"), names=names, skipped=skipped, title=HOSTILE)
    page = Reader(text := html(tmp_path, report_of(result)))
    assert "script" not in page.tags and HOSTILE in page.text
    assert all(link.startswith(("data:image/", "#")) for link in page.links) and len(page.links) > 2
    assert "http" not in re.sub(r'xmlns(:\w+)?="[^"]*"|<!DOCTYPE[^>]*>|http-equiv', "", text)
    assert "default-src 'none'" in text
    told = page.text.index("pictures has no answer")
    assert told < page.text.index("Balanced accuracy") and told < page.text.index("What was measured")


def test_everything_a_reader_needs_is_there(tmp_path: Path) -> None:
    truth, scores = two_classes()
    result = made_up(truth, scores, threshold=0.45, medical=True)
    text = Reader(html(tmp_path, report_of(result))).text
    wanted = [
        result.data.fingerprint, result.model.sha256, "0.45", "Sensitivity", "Specificity", "AUC", "Brier", "ECE",
        "95 % interval", "Intended use", "Limits", "ROC curve", "Reliability", "Confusion matrix", "litert 2",
    ]  # fmt: skip
    for word in wanted:
        assert word in text, word
    assert NOTICES["medical"].text in text
    assert "/nowhere" not in text


@pytest.mark.parametrize(
    ("own", "used", "compared"),
    [(None, None, ["accuracy"]), (0.5, 0.5, ["accuracy", "sensitivity"]), (0.5, 0.3, []), (None, 0.3, [])],
)
def test_figures_are_held_against_the_card_at_its_own_threshold_only(
    own: float | None, used: float | None, compared: list[str]
) -> None:
    result = made_up(*two_classes(200), threshold=used)
    metric = {"value": 0.9, "n": 500, "split": "test", "data": "its own"}
    result.model.card["metrics"] = [{"name": name, **metric} for name in ("accuracy", "sensitivity")]
    result.model.card["threshold"] = own
    found = report_of(result, pictures=False).compatibility
    if compared:
        assert [one.name for one in found] == compared
        assert all(one.verdict.difference.value is not None for one in found)
    else:
        (one,) = found
        assert one.verdict.verdict == "other-threshold" and "0.3" in one.verdict.sentence


def test_a_figure_without_an_interval_says_why_everywhere(tmp_path: Path) -> None:
    truth = np.tile([0, 0, 1, 1], 6)
    result = made_up(truth, np.eye(2)[truth])
    found = figures(result)
    assert found.ece.value == 0 and found.ece.low is None
    text = Reader(html(tmp_path, report_of(result))).text
    assert f"0.0000 ({found.ece.reason})" in text
    write_report(report_of(result), tmp_path / "report.pdf")
    stored = figures_json(result, found)["intervals"]["ece"]
    assert (stored["low"], stored["high"], stored["reason"]) == (None, None, found.ece.reason)
    assert written(by_key(METRICS, "ece"), found.ece) == ("0.0000", found.ece.reason)
    by_person = figures(made_up(truth, np.eye(2)[truth], groups=truth))
    assert by_person.persons == 2 and by_person.ece == found.ece


def test_models_that_are_not_medical_carry_no_medical_notice(tmp_path: Path) -> None:
    assert NOTICES["medical"].brief not in html(tmp_path, report_of(made_up(*two_classes())))


def test_patients_become_numbers(tmp_path: Path) -> None:
    truth, scores = two_classes(20)
    names = tuple(f"Normal/Doe_John_{i}.dcm" for i in range(20))
    result = made_up(truth, scores, names=names, private=names)
    assert "Doe" not in html(tmp_path, report_of(result))
    asked = build_report(result, figures(result), None, keep_names=True)
    assert "Doe" in html(tmp_path, asked)


@pytest.mark.parametrize("medical", [True, False])
def test_a_name_of_a_file_is_hidden_in_every_output(tmp_path: Path, medical: bool) -> None:
    """No header says so: what a file, or the folder of the data, is called may be a patient's name."""
    truth, scores = two_classes(20)
    born = (f"Normal/Surname_Forename_born1961-03-{i + 1:02}.jpeg" for i in range(19))
    names = (*born, "Normal/plain.png")
    result = made_up(truth, scores, names=names)
    skipped = (BrokenEntry("Normal/Doe_Jane.jpg", "Normal", "truncated", "'Doe_Jane.jpg' is cut off"),)
    data = replace(result.data, title="Surname Forename", problems=("'Surname_Forename_born1961-03-02.jpeg' twice",))
    result = replace(result, skipped=skipped, model=replace(result.model, medical=medical), data=data)
    numbers = figures(result)
    texts = {"html": html(tmp_path, report_of(result)), "json": json.dumps(figures_json(result, numbers))}
    table = io.StringIO()
    write_csv(result, table)
    texts["csv"] = table.getvalue()
    # A PDF's words are no text to be searched: what it prints is what the report holds.
    report = report_of(result, pictures=False)
    texts["pdf"] = repr((report.title, report.result, report.mistakes, report.facts(), report.skipped()))
    for kind, text in texts.items():
        assert not any(word in text for word in ("urname", "Forename", "Doe", "1961")), kind
    assert "picture 1" in texts["csv"] and ("plain" in texts["csv"]) == (not medical)
    words = public_naming(result).words()
    assert ("all 21 files" in words) == medical and ("20 of 21" in words) == (not medical)
    assert words in json.loads(texts["json"])["names"] and words in unescape(texts["html"])
    key = io.StringIO()
    public_naming(result).write_key(key)
    assert "picture 2,Normal/Surname_Forename_born1961-03-02.jpeg" in key.getvalue()
    assert public_naming(result, keep=True).hidden == {}


def test_pictures_can_be_left_out(tmp_path: Path) -> None:
    assert "<img" not in html(tmp_path, report_of(made_up(*two_classes()), pictures=False))


@pytest.mark.parametrize("classes", [3, 70])
def test_pdf_and_html_of_few_and_many_classes(tmp_path: Path, classes: int) -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, classes, 60)
    labels = tuple(f"{HOSTILE} 日本 {i}" for i in range(classes))
    result = made_up(truth, rng.dirichlet(np.ones(classes), 60), labels)
    report = report_of(result, pictures=classes == 3)
    path = tmp_path / "report.pdf"
    write_report(report, path)
    data = path.read_bytes()
    assert data.startswith(b"%PDF") and data.rstrip().endswith(b"%%EOF") and data.count(b"/Type /Page ") >= 2
    assert "Confusion matrix" in html(tmp_path, report)


def test_a_cancelled_pdf_leaves_what_was_there(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    labels = tuple(f"class {i}" for i in range(400))
    report = report_of(made_up(rng.integers(0, 400, 60), rng.dirichlet(np.ones(400), 60), labels), pictures=False)
    path = tmp_path / "report.pdf"
    path.write_bytes(b"an older one")
    asked = iter([False, False, True])
    with pytest.raises(FoveaError) as error:
        write_report(report, path, lambda: next(asked))
    assert error.value.kind == "stopped" and path.read_bytes() == b"an older one" and len(list(tmp_path.iterdir())) == 1


def test_a_report_of_nothing_and_of_no_mistakes(tmp_path: Path) -> None:
    none = made_up(np.empty(0, int), np.empty((0, 2)))
    right = made_up(np.array([0, 1]), np.array([[0.9, 0.1], [0.1, 0.9]]))
    write_report(report_of(none), tmp_path / "r.pdf")
    for result in (none, right):
        assert "There are none." in html(tmp_path, report_of(result))


def test_two_models_side_by_side(tmp_path: Path) -> None:
    truth, scores = two_classes()
    a, b = made_up(truth, scores), made_up(truth, scores[::-1].copy(), model_name="Other")
    report = build_report(a, figures(a), None, other=(b, figures(b), compare(a, b)))
    assert "McNemar" in html(tmp_path, report) and "Other" in html(tmp_path, report)


def test_compared_figures_are_of_the_images_that_both_answered(tmp_path: Path) -> None:
    truth, scores = two_classes()
    a = made_up(truth, scores, groups=np.arange(80) // 2)
    right = np.flatnonzero(a.right)
    assert 0 < len(right) < 80
    b = a.take(right)  # the second answered only what the first gets right
    report = build_report(a, figures(a), None, other=(b, figures(b), compare(a, b)))
    assert report.shared is not None
    first, second = report.shared
    assert first.accuracy.value == second.accuracy.value == 1.0 and first.n == second.n == len(right)
    assert report.figures.n == 80 and first.persons == second.persons
    assert f"{len(right)} images that both answered" in html(tmp_path, report)
    write_report(report, tmp_path / "r.pdf")


def test_a_report_that_cannot_be_written_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "report.html"
    path.write_text("old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(FoveaError) as caught:
        write_report(report_of(made_up(*two_classes(10))), path)
    assert caught.value.kind == "disk-full" and "report.html" in caught.value.message
    assert path.read_text() == "old" and len(list(tmp_path.iterdir())) == 1
    with pytest.raises(FoveaError) as caught:
        write_report(report_of(made_up(*two_classes(10))), tmp_path / "report.docx")
    assert caught.value.kind == "bad-suffix"


def test_the_area_under_the_curve_is_held_against_the_card_in_every_form() -> None:
    truth, scores = two_classes()
    result = made_up(truth, scores, threshold=0.45, medical=True)
    measured = figures(result)
    assert measured.auc is not None and measured.auc.value is not None
    listed = {
        "name": "area under ROC",
        "value": 0.99999,
        "low": 0.9999,
        "high": 1.0,
        "n": 500,
        "data": "d",
        "split": "test",
    }
    card = {**result.model.card, "threshold": 0.45, "metrics": [listed]}
    result = replace(result, model=replace(result.model, card=card))
    (found,) = compatible_with_card(result, measured)
    assert found.name == "area under ROC" and found.verdict.verdict == "worse"
    assert (
        f"{measured.auc.value:.3f} of {measured.auc.n}" in found.verdict.sentence and "on 500" in found.verdict.sentence
    )
    (told,) = works_here_json(result, measured)
    assert told["verdict"] == "worse" and told["card"]["n"] == 500 and told["here"]["n"] == measured.auc.n
    assert told["difference"]["high"] < 0
    few = area_here(replace(measured.auc, n=12), 0.9, 0.8, 0.95, 100)
    assert few.verdict == "too-few" and few.difference.value is None
    same = area_here(measured.auc, measured.auc.value, measured.auc.low, measured.auc.high, 100)
    assert same.verdict == "compatible"
    assert area_here(measured.auc, 0.9, None, None, 100).verdict == "no-figure"
    handful = area_here(measured.auc, 0.9, 0.8, 0.95, 12)
    assert handful.verdict == "too-few" and "0.9" not in handful.sentence.partition("its card")[2]
