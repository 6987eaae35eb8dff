"""Results: changed thresholds, kept and reopened, compared; their JSON and CSV."""

from __future__ import annotations

import csv
import io
import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn import metrics as sk

from desktop.core.data.dataset import BrokenEntry
from desktop.core.figures.result import compare, figures, setup_of, with_threshold
from desktop.core.figures.result_files import figures_json, write_csv
from desktop.core.figures.store import EvaluationStore
from desktop.core.types import FoveaError, PreprocessSpec
from desktop.system.files import write_atomically
from tests.core.figures.makers import made_up, two_classes


def test_a_threshold_changes_answers_without_asking_again() -> None:
    truth, scores = two_classes()
    result = made_up(truth, scores)
    positive = scores[:, 1].astype(np.float64)
    for threshold in (0.2, 0.5, float(positive[3])):
        changed = with_threshold(result, threshold, "tried")
        expected = positive >= threshold
        np.testing.assert_array_equal(changed.predicted == 1, expected)
        numbers = figures(changed)
        assert numbers.point is not None and numbers.point.tp == int((expected & (truth == 1)).sum())
        assert numbers.accuracy.hits == int((expected == (truth == 1)).sum())
        assert numbers.auc is not None and numbers.auc.value == pytest.approx(
            sk.roc_auc_score(truth, positive), abs=1e-9
        )
    assert with_threshold(changed, None).model.threshold is None


@pytest.mark.parametrize("groups", [None, np.arange(40) // 2])
def test_equal_scores_count_alike_in_matrix_and_operating_point(groups: np.ndarray | None) -> None:
    truth, scores = two_classes(40)
    scores[::4] = 0.5  # the highest score decides: the first label, 'Normal'
    result = made_up(truth, scores, groups=groups)
    found = figures(result)
    point = found.point
    assert point is not None and found.thresholds is not None
    assert found.matrix.tolist() == [[point.tn, point.fp], [point.fn, point.tp]]
    assert point.accuracy.value == found.accuracy.value and point.accuracy.low == pytest.approx(found.accuracy.low)
    at_half = figures(with_threshold(result, 0.5))  # asked for, equal scores are positive
    half = at_half.point
    assert half is not None and half.tp + half.fp == point.tp + point.fp + 10
    assert at_half.matrix.tolist() == [[half.tn, half.fp], [half.fn, half.tp]]


def test_one_class_alone_has_no_auc_and_says_so() -> None:
    _, scores = two_classes(10)
    value = figures_json(result := made_up(np.ones(10, int), scores), figures(result))
    assert value["auc"] is None and "only positive" in value["intervals"]["auc"]["reason"]
    assert value["average_precision"] is None and value["per_class"][0]["recall"] is None
    json.dumps(value, allow_nan=False)


def test_orders_of_the_gallery() -> None:
    scores = np.array([[0.9, 0.1], [0.6, 0.4], [0.05, 0.95], [0.45, 0.55]])
    result = made_up(np.array([1, 0, 0, 1]), scores)
    assert result.top_losses().tolist() == [2, 0] and result.least_confident_right().tolist() == [3, 1]
    assert result.likely_wrong_labels(0.92).tolist() == [2] and result.cell(1, 1).tolist() == [3]


def test_json_holds_what_programs_rely_on() -> None:
    truth, scores = two_classes()
    value = figures_json(result := made_up(truth, scores, threshold=0.5), figures(result))
    promised = """n skipped accuracy labels confusion per_class auc ece intervals data_fingerprint model model_sha256
        elapsed_s"""
    assert set(promised.split()) <= value.keys()
    assert value["confusion"] == sk.confusion_matrix(truth, result.predicted).tolist()
    assert value["accuracy"] == pytest.approx(sk.accuracy_score(truth, result.predicted), abs=1e-9)
    assert "/nowhere" not in json.dumps(value, allow_nan=False)


def test_csv_has_every_picture_and_no_formulas() -> None:
    truth, scores = two_classes(3)
    names = ("Normal/=1+1.png", "=cmd|' /C calc'!A0", 'Normal/a,"b"\n.png')
    skipped = (BrokenEntry("Normal/broken.png", "Normal", "truncated", "The file ends early."),)
    held = io.StringIO(newline="")
    write_csv(made_up(truth, scores, names=names, skipped=skipped), held)
    rows = list(csv.DictReader(io.StringIO(held.getvalue(), newline="")))
    assert [row["name"] for row in rows] == [names[0], "'" + names[1], names[2], "Normal/broken.png"]
    assert float(rows[0]["score Pneumonia"]) == pytest.approx(scores[0, 1], abs=1e-6)
    assert rows[3]["answer"] == "" and rows[3]["problem"] == "The file ends early."


def test_csv_of_many_classes_lists_the_best_five() -> None:
    labels = tuple(f"c{i}" for i in range(30))
    scores = np.random.default_rng(0).dirichlet(np.ones(30), 2)
    held = io.StringIO(newline="")
    write_csv(made_up(np.array([0, 1]), scores, labels), held)
    row = next(csv.DictReader(io.StringIO(held.getvalue(), newline="")))
    assert row["top 1"].split()[0] == f"c{int(scores[0].argmax())}" and len(row) == 12


# Kept


def test_kept_results_reopen_as_they_were(tmp_path: Path) -> None:
    kept = EvaluationStore(tmp_path / "evaluations")
    truth, scores = two_classes()
    names = tuple(f"Normal/\udcff{i}.png" for i in range(len(truth)))
    skipped = (BrokenEntry("a", "Normal", "k", "m"),)
    result = made_up(truth, scores, threshold=0.4, names=names, skipped=skipped)
    key = kept.save(result)
    again = kept.find(result.model, result.data.fingerprint, result.data.mapping)
    assert again is not None and again.model == result.model and again.data == result.data
    assert again.names == names and again.skipped == skipped and again.created == result.created
    for name in ("truth", "predicted", "scores", "positions"):
        np.testing.assert_array_equal(getattr(again, name), getattr(result, name))
    head = kept.entries()[0]
    assert (head.key, head.n, head.right, head.skipped) == (key, 80, int(result.right.sum()), 1)
    assert kept.find(replace(result.model, sha256="00" * 32), result.data.fingerprint, result.data.mapping) is None
    kept.delete(key)
    assert kept.entries() == []
    with pytest.raises(FoveaError):
        kept.load(key)
    with pytest.raises(FoveaError):
        kept.load("../../etc")


def test_another_import_of_the_same_network_is_another_model(tmp_path: Path) -> None:
    kept = EvaluationStore(tmp_path)
    result = made_up(*two_classes())
    as_imported = replace(result.model, setup=setup_of(PreprocessSpec(8, 8, "rgb", "stretch"), 0))
    other_fit = replace(result.model, setup=setup_of(PreprocessSpec(8, 8, "rgb", "center_crop"), 0))
    other_labels = replace(as_imported, labels=as_imported.labels[::-1])
    key = kept.save(replace(result, model=as_imported))
    where = result.data.fingerprint, result.data.mapping
    assert kept.find(as_imported, *where) is not None
    assert kept.find(other_fit, *where) is None and kept.find(other_labels, *where) is None
    kept.save(replace(result, model=other_fit))  # beside, not in its place
    assert len(kept.entries()) == 2 and kept.load(key).model == as_imported
    part = replace(result, complete=False)
    assert len({kept.save(replace(part, model=facts)) for facts in (as_imported, other_fit, other_labels)}) == 3


def test_results_kept_before_the_preparation_was_noted_stay_what_they_were(tmp_path: Path) -> None:
    kept = EvaluationStore(tmp_path)
    result = made_up(*two_classes(), threshold=0.5)
    key = kept.save(result)
    file = tmp_path / f"{key}.npz"
    with np.load(file) as held:
        arrays = dict(held)
    head = json.loads(arrays["head"].tobytes())
    del head["model"]["setup"]
    np.savez_compressed(file, **{**arrays, "head": np.frombuffer(json.dumps(head).encode(), np.uint8)})
    assert kept.load(key).model == result.model and len(kept.entries()) == 1
    kept.choose(kept.key_of(kept.load(key)), 0.25, "why")
    assert kept.chosen(key) == (0.25, "why")
    assert kept.find(replace(result.model, setup="ab"), result.data.fingerprint, result.data.mapping) is None
    turned = replace(result.model, labels=result.model.labels[::-1])
    assert kept.find(turned, result.data.fingerprint, result.data.mapping) is None


def test_a_found_result_answers_as_the_model_decides_now(tmp_path: Path) -> None:
    kept = EvaluationStore(tmp_path)
    truth, scores = two_classes()
    kept.save(result := made_up(truth, scores, threshold=0.5))
    now = replace(result.model, threshold=0.3)
    found = kept.find(now, result.data.fingerprint, result.data.mapping)
    assert found is not None and found.model.threshold == 0.3
    assert found.predicted.tolist() == (scores[:, 1].astype(np.float64) >= 0.3).astype(int).tolist()


def test_a_deleted_result_can_be_taken_back_until_it_is_emptied(tmp_path: Path) -> None:
    kept = EvaluationStore(tmp_path / "evaluations")
    key = kept.save(made_up(*two_classes(), groups=np.arange(80) // 2))
    kept.choose(key, 0.62, "chosen by hand")
    kept.delete(key)
    kept.delete(key)  # twice is no trouble
    assert kept.entries() == [] and kept.chosen(key) is None
    kept.restore(key)
    assert kept.chosen(key) == (0.62, "chosen by hand")
    np.testing.assert_array_equal(kept.load(key).groups, np.arange(80) // 2)
    kept.delete(key)
    kept.save(made_up(*two_classes()))
    kept.restore(key)  # the newer one stays
    assert kept.load(key).groups is None
    kept.empty_deleted()
    kept.delete(key)
    kept.empty_deleted()
    kept.restore(key)
    assert kept.entries() == []


def test_a_chosen_threshold_is_kept_beside_the_models_own(tmp_path: Path) -> None:
    kept = EvaluationStore(tmp_path)
    key = kept.save(made_up(*two_classes(), threshold=0.5))
    assert kept.chosen(key) is None and kept.entries()[0].threshold is None
    kept.choose(key, 0.25, "why")
    assert kept.load(key).model.threshold == 0.5 and kept.entries()[0].threshold == 0.25
    kept.choose(key, None)
    assert kept.chosen(key) is None
    for broken in (b"", b"[1]", b'{"threshold": true}', b'{"threshold": 7}', b'{"threshold": "0.5"}'):
        (tmp_path / f"{key}.threshold.json").write_bytes(broken)
        assert kept.chosen(key) is None and len(kept.entries()) == 1
    kept.choose("ab" * 16, 0.5)  # not kept: nothing to remember
    assert not (tmp_path / f"{'ab' * 16}.threshold.json").exists()


def test_an_incomplete_result_never_takes_the_place_of_a_complete_one(tmp_path: Path) -> None:
    kept = EvaluationStore(tmp_path)
    whole = made_up(*two_classes())
    part = replace(whole, complete=False, data=replace(whole.data, fingerprint=""))
    first, second = kept.save(whole), kept.save(part)
    assert first != second and {entry.complete for entry in kept.entries()} == {True, False}
    assert kept.save(part) == second and len(kept.entries()) == 2
    kept.save(whole)  # the run came to its end after all
    assert [entry.complete for entry in kept.entries()] == [True]
    assert kept.judgements("") == {}
    with pytest.raises(FoveaError) as caught:
        kept.judge("", "x.png", "wrong")
    assert caught.value.kind == "no-fingerprint"


def test_a_damaged_kept_result_is_none(tmp_path: Path) -> None:
    kept = EvaluationStore(tmp_path)
    key = kept.save(result := made_up(*two_classes()))
    file = tmp_path / f"{key}.npz"
    whole = file.read_bytes()
    for broken in (whole[: len(whole) // 2], b"", b"PK\x03\x04 nonsense"):
        file.write_bytes(broken)
        assert kept.entries() == [] and kept.find(result.model, result.data.fingerprint, result.data.mapping) is None
        with pytest.raises(FoveaError) as caught:
            kept.load(key)
        assert caught.value.kind == "damaged"


def test_a_full_disk_leaves_the_old_file_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = EvaluationStore(tmp_path)
    key = kept.save(made_up(*two_classes()))
    before = (tmp_path / f"{key}.npz").read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(FoveaError) as caught:
        kept.save(made_up(*two_classes(seed=1)))
    assert caught.value.kind == "disk-full" and "disk" in caught.value.message
    assert (tmp_path / f"{key}.npz").read_bytes() == before and len(list(tmp_path.iterdir())) == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_device_that_is_full(tmp_path: Path) -> None:
    old = tmp_path / "old.txt"
    old.write_text("whole")

    def write(place: Path) -> None:
        os.symlink("/dev/full", place)
        with place.open("w") as stream:
            stream.write("x" * 100_000)

    with pytest.raises(OSError, match="space"):
        write_atomically(old, write)
    assert old.read_text() == "whole" and [p.name for p in tmp_path.iterdir()] == ["old.txt"]


def test_labels_judged_and_mappings_are_remembered(tmp_path: Path) -> None:
    kept = EvaluationStore(tmp_path / "new")
    assert kept.judgements("ab") == {} and kept.recall_mapping("m", ["a"]) is None
    kept.judge("ab", "x.png", "wrong")
    kept.judge("ab", "y.png", "unsure")
    kept.judge("ab", "y.png", None)
    assert kept.judgements("ab") == {"x.png": "wrong"}
    kept.remember_mapping("m", ["b", "a"], {"a": "A", "b": "B"})
    assert kept.recall_mapping("m", ["a", "b"]) == {"a": "A", "b": "B"} and kept.recall_mapping("n", ["a", "b"]) is None
    (tmp_path / "new" / "mappings.json").write_text("{damaged")
    assert kept.recall_mapping("m", ["a", "b"]) is None


def test_two_models_are_compared_on_what_both_answered() -> None:
    truth = np.array([0, 1, 1, 0])
    a = made_up(truth, np.array([[0.9, 0.1], [0.2, 0.8], [0.7, 0.3], [0.6, 0.4]]))
    b = made_up(truth[:3], np.array([[0.1, 0.9], [0.2, 0.8], [0.3, 0.7]]))
    pair = compare(a, b)
    assert (pair.test.both, pair.test.only_a, pair.test.only_b) == (1, 1, 1)
    assert pair.only_a == ("Normal/0.png",) and pair.only_b == ("Pneumonia/2.png",)
