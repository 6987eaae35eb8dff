"""The share of an evaluation's pictures that the domain gate takes for another kind, from the engine to every form."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from desktop.app import exports
from desktop.cli import evaluate as command
from desktop.core.data.label_map import LabelMap
from desktop.core.data.open_data import open_dataset
from desktop.core.figures.result import INSIDE, NOT_ASKED, OUTSIDE, EvaluationResult, Figures, compare, figures
from desktop.core.figures.result_files import figures_json, write_csv
from desktop.core.figures.store import EvaluationStore
from desktop.core.figures.works_here import compatible_with_card
from desktop.engine import evaluation
from desktop.engine.client import EngineClient
from desktop.engine.evaluation import evaluate
from desktop.engine.messages import BatchDone, BatchRequest
from desktop.report.content import build_report
from desktop.report.html import html_of
from desktop.store.store import ModelStore
from tests.core.figures.makers import made_up, two_classes

GATE = {"refused": 0.02, "n": 600, "split": "validation", "data": "d"}


def test_pictures_of_another_kind_are_counted_and_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(3)
    for name in ("cat", "dog"):
        (tmp_path / "noise" / name).mkdir(parents=True)
        for number in range(30):
            Image.fromarray(rng.integers(0, 256, (32, 32, 3), np.uint8)).save(
                tmp_path / "noise" / name / f"{number}.png"
            )
    entry, data = ModelStore().require("cifar10"), open_dataset(tmp_path / "noise")
    with EngineClient() as client:
        result = evaluate(client, entry, data, LabelMap((3, 5)))
    assert result.outside is not None and (result.outside == OUTSIDE).sum() > 50
    kept = EvaluationStore()
    held = kept.load(kept.save(result))
    assert held.outside is not None and np.array_equal(held.outside, result.outside)
    measured = figures(held)
    assert measured.refused is not None and measured.refused.n == 60
    assert measured.refused.hits == int((held.outside == OUTSIDE).sum())
    verdict = compatible_with_card(held, measured)[-1].verdict
    assert verdict.verdict == "other-kind" and f"{measured.refused.hits} of 60 images" in verdict.sentence
    command._say_result(held, measured, False)
    said = capsys.readouterr().out
    assert re.search(rf"Refused as not its kind +{measured.refused.hits} of 60 \(", said), said
    assert verdict.sentence in said


def made(outside: list[int], **changes: Any) -> tuple[EvaluationResult, Figures]:
    truth, scores = two_classes(len(outside))
    result = made_up(truth, scores, **changes)
    model = replace(result.model, card={**result.model.card, "gate": GATE})
    result = replace(result, outside=np.array(outside, np.int8), model=model)
    return result, figures(result)


def test_every_form_says_how_many_of_how_many_with_an_interval() -> None:
    result, measured = made([OUTSIDE] * 30 + [INSIDE] * 50)
    value = figures_json(result, measured)
    assert value["refused"] == 0.375 and value["intervals"]["refused"]["n"] == 80
    assert value["intervals"]["refused"]["low"] < 0.375 < value["intervals"]["refused"]["high"]
    assert value["works_here"][-1]["figure"] == "refused as not its kind"
    assert value["works_here"][-1]["verdict"] == "other-kind" and value["works_here"][-1]["card"]["n"] == 600
    page = html_of(build_report(result, measured))
    assert "30 of 80 (37.50 %)" in page and "of its own, 2.0 % were to be expected" in page
    stream = io.StringIO()
    write_csv(result, stream)
    rows = list(csv.DictReader(io.StringIO(stream.getvalue())))
    assert [row["of its kind"] for row in rows] == ["no"] * 30 + ["yes"] * 50


def test_only_what_was_asked_counts_and_without_a_gate_there_is_no_figure() -> None:
    result, measured = made([OUTSIDE] * 5 + [INSIDE] * 55 + [NOT_ASKED] * 40)
    assert measured.refused is not None and (measured.refused.hits, measured.refused.n) == (5, 60)
    few, of_few = made([OUTSIDE] * 5 + [NOT_ASKED] * 40)
    assert "5 of 5: too few" in html_of(build_report(few, of_few))
    plain = replace(result, outside=None)
    value = figures_json(plain, figures(plain))
    assert value["refused"] is None and value["works_here"] == []
    part = result.take(np.arange(3))
    assert part.outside is not None and part.outside.tolist() == [OUTSIDE] * 3


def test_the_second_of_two_models_has_its_notice_and_its_comparison_too() -> None:
    first, of_first = made([INSIDE] * 80)
    second, of_second = made([OUTSIDE] * 80, medical=True, model_name="Other")
    other = (second, of_second, compare(first, second))
    value = json.loads(exports.figures_text(exports.ToSave(first, of_first, other)))
    assert value["notice"] == "" and "not a medical device" in value["compared_with"]["notice"]
    assert value["works_here"][-1]["verdict"] == "compatible"
    assert value["compared_with"]["works_here"][-1]["verdict"] == "other-kind"
    report = build_report(first, of_first, None, other=other)
    assert "not a medical device" in report.notice
    assert [name for name, _ in report.works_here()] == ["Tester", "Other"]
    assert "<b>Other:</b> The model takes 80 of 80" in html_of(report)


class Listener:
    """An engine that only hears what it is asked."""

    def __init__(self) -> None:
        self.asked: list[BatchRequest] = []

    def next_id(self) -> int:
        return len(self.asked) + 1

    def submit(self, request: Any) -> None:
        self.asked.append(request)

    def cancel(self, request_id: int) -> None:
        raise AssertionError


@pytest.mark.parametrize("prefetched", [False, True])
def test_of_many_pictures_the_gate_is_asked_of_a_part_that_is_spread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, prefetched: bool
) -> None:
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
        for number in range(20):
            (tmp_path / name / f"{number:02}.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    monkeypatch.setattr(evaluation, "CHUNK", 15)
    monkeypatch.setattr(evaluation, "_PART", 2)
    data = open_dataset(tmp_path)
    for judged, expected in ((39, [(2, True), (15, False), (2, True), (15, False), (2, True), (4, False)]),
                             (40, [(15, True), (15, True), (10, True)])):  # fmt: skip
        monkeypatch.setattr(evaluation, "_JUDGED", judged)
        engine = Listener()
        run = evaluation.Evaluator(engine, ModelStore().require("cifar10"), data, LabelMap((3, 5)))
        run.begin()
        while not run.finished:
            if prefetched:
                run.prefetch()
            run.take(BatchDone(engine.asked[-1].id, 0, False))
        assert [(len(request.sources), request.gated) for request in engine.asked] == expected
