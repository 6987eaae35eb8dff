"""Evaluations through a real engine process with the colours network."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from desktop.core.data.label_map import match_labels
from desktop.core.data.open_data import open_dataset
from desktop.core.figures.result import figures
from desktop.core.figures.result_files import figures_json
from desktop.core.types import FoveaError
from desktop.engine import evaluation
from desktop.engine.client import EngineClient
from desktop.engine.evaluation import Evaluator, evaluate, thumbnails
from desktop.engine.evaluation_facts import read_file_facts
from desktop.store.store import ModelEntry, ModelStore
from tests.core.figures.makers import SHADES, shades, store


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> ModelStore:
    return store(tmp_path_factory.mktemp("store"))


@pytest.fixture(scope="module")
def client(models: ModelStore) -> Iterator[EngineClient]:
    with EngineClient(models.bundled_root, models.user_root) as made:
        yield made


@pytest.fixture
def entry(models: ModelStore) -> ModelEntry:
    return models.require("colours")


def test_a_folder_is_measured_and_broken_files_are_listed_never_counted(
    client: EngineClient, entry: ModelEntry, tmp_path: Path
) -> None:
    data = open_dataset(shades(tmp_path / "shades"))
    labels = match_labels(data.classes, ("red", "green", "blue"))
    heard: list[int] = []
    streamed: list[int] = []
    result = evaluate(
        client, entry, data, labels, progress=lambda p: heard.append(p.done), rows=lambda run, r: streamed.extend(r)
    )
    assert result.complete and len(result) == 16 and heard[-1] == 17
    assert [s.name for s in result.skipped] == ["green/broken.png"] and result.skipped[0].class_name == "green"
    assert len(streamed) == 16
    wrong = [result.names[i] for i in result.top_losses()]
    assert wrong == ["blue/really red.png"]
    numbers = figures(result)
    assert numbers.matrix.tolist() == [[5, 0, 0], [0, 5, 0], [1, 0, 5]] and numbers.accuracy.value == 15 / 16
    assert (
        result.data.fingerprint == data.fingerprint()
        and result.model.sha256
        == entry.manifest.files[  # type: ignore[union-attr]
            "model.tflite"
        ].sha256
    )
    assert list(result.cell(2, 0)) == list(result.likely_wrong_labels(0.5))
    np.testing.assert_allclose(result.scores.sum(axis=1), 1, atol=1e-5)


def test_many_chunks_keep_every_row_in_its_place(
    client: EngineClient, entry: ModelEntry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluation, "CHUNK", 4)
    data = open_dataset(shades(tmp_path / "shades"))
    result = evaluate(client, entry, data, match_labels(data.classes, ("red", "green", "blue")))
    assert len(result) == 16 and result.names == tuple(i.name for i in data.items if "broken" not in i.name)
    assert (result.truth == result.predicted).sum() == 15


def test_arrays_are_measured_as_files_are(client: EngineClient, entry: ModelEntry, tmp_path: Path) -> None:
    images = np.stack([np.full((9, 9, 3), SHADES[name], np.uint8) for name in ("red", "green", "blue", "blue")])
    np.savez(tmp_path / "a.npz", x_test=images, y_test=np.array([0, 1, 2, 0]))
    data = open_dataset(tmp_path / "a.npz")
    with pytest.raises(FoveaError):
        match_labels(data.classes, ("red", "green", "blue"))
    result = evaluate(client, entry, data, match_labels(data.classes, ("red", "green", "blue"), by_number=True))
    assert result.predicted.tolist() == [0, 1, 2, 2] and result.names[3] == "test/000003"


def test_classes_left_out_are_not_sent(client: EngineClient, entry: ModelEntry, tmp_path: Path) -> None:
    data = open_dataset(shades(tmp_path / "shades"))
    result = evaluate(client, entry, data, match_labels(data.classes, ("red", "green", "blue"), {"blue": ""}))
    assert len(result) == 10 and set(result.truth.tolist()) == {0, 1}
    numbers = figures(result)
    assert numbers.classes[2].recall.value is None and numbers.balanced_accuracy.value == 1.0


def test_cancelling_gives_an_incomplete_result_and_a_usable_engine(
    client: EngineClient, entry: ModelEntry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluation, "CHUNK", 2)
    data = open_dataset(shades(tmp_path / "shades"))
    labels = match_labels(data.classes, ("red", "green", "blue"))
    answered: list[int] = []
    stopped = evaluate(
        client, entry, data, labels, rows=lambda run, rows: answered.extend(rows), cancelled=lambda: len(answered) >= 2
    )
    assert not stopped.complete and 2 <= len(stopped) < 17
    assert evaluate(client, entry, data, labels).complete


def test_files_that_vanish_on_the_way_are_listed(client: EngineClient, entry: ModelEntry, tmp_path: Path) -> None:
    root = shades(tmp_path / "shades")
    data = open_dataset(root)
    (root / "red" / "0.png").unlink()
    result = evaluate(client, entry, data, match_labels(data.classes, ("red", "green", "blue")))
    assert {s.name for s in result.skipped} == {"green/broken.png", "red/0.png"} and len(result) == 15


def test_a_model_at_fault_ends_it_with_the_reason(client: EngineClient, entry: ModelEntry, tmp_path: Path) -> None:
    data = open_dataset(shades(tmp_path / "shades"))
    from dataclasses import replace

    assert entry.manifest is not None
    other = replace(entry, manifest=replace(entry.manifest, id="not-there"))
    with pytest.raises(FoveaError) as caught:
        evaluate(client, other, data, match_labels(data.classes, ("red", "green", "blue")))
    assert caught.value.kind == "no-such-model"


def test_an_evaluator_can_be_driven_by_someone_elses_loop(
    client: EngineClient, entry: ModelEntry, tmp_path: Path
) -> None:
    data = open_dataset(shades(tmp_path / "shades"))
    run = Evaluator(client, entry, data, match_labels(data.classes, ("red", "green", "blue")))
    run.begin()
    while not run.finished:
        for answer in client.events(1.0):
            rows = run.take(answer)
            assert (run.predicted[rows] >= 0).all()
    assert run.progress.done == 17 and run.progress.skipped == 1 and run.name(0) == "blue/0.png"
    assert run.result("ef" * 32, read_file_facts(data)).complete


def test_a_threshold_needs_two_labels(client: EngineClient, entry: ModelEntry, tmp_path: Path) -> None:
    data = open_dataset(shades(tmp_path / "shades"))
    with pytest.raises(FoveaError) as caught:
        Evaluator(client, entry, data, match_labels(data.classes, ("red", "green", "blue")), threshold=0.5)
    assert caught.value.kind == "bad-threshold"


def test_thumbnails_come_in_order_with_none_for_what_does_not_open(client: EngineClient, tmp_path: Path) -> None:
    data = open_dataset(shades(tmp_path / "shades"))
    names = ["red/1.png", "green/broken.png", "blue/2.png"]
    sources = [item.source for name in names for item in data.items if item.name == name]
    small = thumbnails(client, sources, 8)
    assert small[1] is None and small[0] is not None and small[2] is not None
    assert max(small[0].shape[:2]) <= 8 and small[0][0, 0].argmax() == 0 and small[2][0, 0].argmax() == 2


def test_a_patients_name_in_a_file_name_is_known_for_reports(
    client: EngineClient, entry: ModelEntry, tmp_path: Path
) -> None:
    from pydicom.data import get_testdata_file

    scan = Path(str(get_testdata_file("CT_small.dcm"))).read_bytes()  # of CompressedSamples^CT1, number 1CT1
    root = tmp_path / "compressedsamples of 2004"
    for name in ("red/CompressedSamples_1.dcm", "green/plain.dcm"):
        (root / name).parent.mkdir(parents=True)
        (root / name).write_bytes(scan)
    data = open_dataset(root)
    result = evaluate(client, entry, data, match_labels(data.classes, ("red", "green", "blue")))
    assert result.data.private == ("red/CompressedSamples_1.dcm",) and result.data.title == "data"
    assert result.data.groups == 1 and len(result) == 2
    told = json.dumps(figures_json(result, figures(result)))
    assert "ompressed" not in told and "1CT1" not in told


def test_every_header_is_opened_once_and_a_result_opens_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from desktop.engine import evaluation_facts

    data = open_dataset(shades(tmp_path / "shades"))
    opened: list[str | None] = []

    def headers(paths: list[str | None]) -> list[dict[str, str]]:
        opened.extend(paths)
        return [{"PatientID": f"number {number // 2}", "PatientName": "Blue"} for number in range(len(paths))]

    monkeypatch.setattr(evaluation_facts, "headers_of", headers)
    files = read_file_facts(data)
    assert len(opened) == len(set(opened)) == len(data)
    assert files.grouping is not None and files.grouping.patients == len(data)
    assert files.private and all(name.startswith("blue/") for name in files.private)
