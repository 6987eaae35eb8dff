"""Kept evaluations: under which names, what is refused of their files, and what is said where one cannot be used."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from desktop import paths
from desktop.core.figures.result import EvaluationResult
from desktop.core.figures.store import EvaluationStore
from desktop.core.types import CROSSED, FoveaError
from tests.core.figures.makers import made_up, two_classes

Arrays = dict[str, Any]


def held(folder: Path, change: Callable[[Arrays], Any] = lambda arrays: None) -> tuple[EvaluationStore, str]:
    """A store with one result, whose file was changed; and its key."""
    kept = EvaluationStore(folder)
    key = kept.save(result())
    with np.load(folder / f"{key}.npz") as file:
        arrays = dict(file)
    change(arrays)
    np.savez_compressed(folder / f"{key}.npz", **arrays)
    return kept, key


def result() -> EvaluationResult:
    return made_up(*two_classes())


def head(**changes: Any) -> Callable[[Arrays], None]:
    def change(arrays: Arrays) -> None:
        raw = json.loads(arrays["head"].tobytes())
        arrays["head"] = np.frombuffer(json.dumps(raw | changes).encode(), np.uint8)

    return change


def find(kept: EvaluationStore) -> EvaluationResult | None:
    one = result()
    return kept.find(one.model, one.data.fingerprint, one.data.mapping)


def test_where_and_under_which_names_results_are_kept(tmp_path: Path, fovea_home: Path) -> None:
    assert EvaluationStore().folder == paths.user_data() / "evaluations"
    kept, one = EvaluationStore(tmp_path / "new" / "place"), result()
    crossed = replace(one, data=replace(one.data, split=CROSSED))
    keys = [kept.save(each) for each in (one, replace(one, complete=False), crossed)]
    assert [len(key) for key in keys] == [32] * 3 and len({*keys}) == 3
    assert keys[2] == kept.crossed_key(one.model) and kept.load(keys[2]).data.crossed
    assert all(kept.holds(key) for key in keys) and not kept.holds("ab")
    with np.load(kept.folder / f"{keys[0]}.npz") as file:
        assert json.loads(file["head"].tobytes())["schema"] == 1


@pytest.mark.parametrize("key", ["", "../x", "abz", "AB", "a/b"])
def test_what_is_no_key_is_not_kept(key: str, tmp_path: Path) -> None:
    kept = EvaluationStore(tmp_path)
    for ask in (kept.holds, kept.load, kept.chosen, kept.delete):
        with pytest.raises(FoveaError) as refused:
            ask(key)
        assert refused.value.kind == "not-found"
    with pytest.raises(FoveaError) as refused:
        kept.load("ab")
    assert refused.value.kind == "not-found" and find(kept) is None and kept.problems == []


def shorter(name: str) -> Callable[[Arrays], None]:
    def change(arrays: Arrays) -> None:
        arrays[name] = arrays[name][:-1]

    return change


def one_name_less(arrays: Arrays) -> None:
    names = json.loads(arrays["names"].tobytes())[:-1]
    arrays["names"] = np.frombuffer(json.dumps(names).encode(), np.uint8)


def wider(arrays: Arrays) -> None:
    arrays["scores"] = np.pad(arrays["scores"], ((0, 0), (0, 1)))


def objects(arrays: Arrays) -> None:
    arrays["truth"] = arrays["truth"].astype(object)


@pytest.mark.parametrize(
    "change", [shorter("truth"), shorter("positions"), one_name_less, wider, objects, head(schema=2), head(n=79)]
)
def test_a_file_that_is_not_whole_is_damaged_and_told(change: Callable[[Arrays], None], tmp_path: Path) -> None:
    heard: list[str] = []
    kept, key = held(tmp_path, change)
    with pytest.raises(FoveaError) as refused:
        kept.load(key)
    assert refused.value.kind == "damaged"
    kept = EvaluationStore(tmp_path, heard.append)
    assert find(kept) is None and len(heard) == 1 and "looked at again" in heard[0] and heard == kept.problems


class Hostile:
    """What unpickles by making a folder."""

    def __init__(self, place: Path) -> None:
        self._place = place

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self._place),)


def test_no_code_in_a_kept_file_is_run(tmp_path: Path) -> None:
    place = tmp_path / "made"

    def change(arrays: Arrays) -> None:
        arrays["head"] = np.array([Hostile(place)], object)

    kept, key = held(tmp_path / "kept", change)
    with pytest.raises(FoveaError, match="damaged"):
        kept.load(key)
    assert kept.entries() == [] and not place.exists()


def test_what_a_later_version_adds_is_passed_over_and_a_part_is_not_found(tmp_path: Path) -> None:
    model = json.loads(json.dumps(result().model.card))
    kept, key = held(tmp_path, lambda arrays: head(model={**facts(arrays), "later": model})(arrays))
    assert kept.load(key).model == result().model and find(kept) is not None
    kept, key = held(tmp_path, head(complete=False))
    assert find(kept) is None and not kept.load(key).complete


def facts(arrays: Arrays) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(arrays["head"].tobytes())["model"]
    return read


def test_the_newest_comes_first(tmp_path: Path) -> None:
    kept, one = EvaluationStore(tmp_path), result()
    for number, day in enumerate(("02", "05", "03")):
        kept.save(replace(one, created=f"2026-01-{day}", model=replace(one.model, sha256=f"{number}" * 64)))
    assert [entry.created[-2:] for entry in kept.entries()] == ["05", "03", "02"]


@pytest.mark.parametrize(("value", "chosen"), [(0.0, 0.0), (0, 0.0), (1, 1.0), (1.01, None), (-0.01, None)])
def test_a_threshold_is_between_0_and_1(value: float, chosen: float | None, tmp_path: Path) -> None:
    kept, key = held(tmp_path)
    kept.choose(key, None)  # none was chosen: nothing happens
    kept.choose(key, value, "so")
    assert kept.chosen(key) == (None if chosen is None else (chosen, "so"))


def test_what_cannot_be_written_or_moved_is_said(tmp_path: Path) -> None:
    kept, key = held(tmp_path)
    (tmp_path / f"{key}.threshold.json").mkdir()
    with pytest.raises(FoveaError, match="the threshold"):
        kept.choose(key, None)
    (tmp_path / "deleted").write_text("a file where a folder is to be")
    with pytest.raises(FoveaError, match="not moved: file exists") as refused:
        kept.delete(key)
    assert refused.value.kind == "not-moved" and kept.holds(key)
    EvaluationStore(tmp_path / "none" / "yet").delete("ab")  # nothing there: nothing happens


def test_of_labels_only_what_can_be_said_is_taken(tmp_path: Path) -> None:
    kept = EvaluationStore(tmp_path)
    (tmp_path / "labels-ab.json").write_text('{"x.png": "right", "y.png": "perhaps"}')
    assert kept.judgements("ab") == {"x.png": "right"}
    (tmp_path / "labels-cd.json").mkdir()
    assert kept.judgements("cd") == {}
