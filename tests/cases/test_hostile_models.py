"""Model files made to harm: refused in a sentence, within limits, before anything of them is stored."""

from __future__ import annotations

import json
import math
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from desktop.core.types import FoveaError, StoreError
from desktop.ml.exchange.foreign import ForeignFacts
from desktop.ml.exchange.import_model import bring_in, look
from desktop.store import archive, model_limits
from desktop.store.manifest import Metric, from_json
from desktop.store.run_files import MOST_CURVE_ROWS, read_curve
from desktop.store.store import ModelStore
from tests.store.makers import COLOURS, manifest

HOSTILE = Path(__file__).parent / "hostile"
FACTS = ForeignFacts("Two", ("a", "b"), "0-255", "stretch", ends="probabilities")


def packed(folder: Path, change: Callable[[dict[str, Any]], object], extras: dict[str, bytes] | None = None) -> Path:
    """An archive of the colours model with ``extras`` beside, whose description ``change`` has been at."""
    store = ModelStore(folder / "b", folder / "u")
    with store.stage(manifest()) as staging:
        shutil.copy(COLOURS, staging / "model.tflite")
        for name, content in (extras or {}).items():
            (staging / name).write_bytes(content)
    whole = folder / "whole.fovea.zip"
    archive.write_zip(store.get("colours"), whole)
    target = folder / "changed.fovea.zip"
    with zipfile.ZipFile(whole) as source, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as out:
        for name in source.namelist():
            data = source.read(name)
            if name.endswith("model.json"):
                raw = json.loads(data)
                change(raw)
                data = json.dumps(raw).encode()
            out.writestr(name, data)
    return target


def refused(path: Path, tmp_path: Path, facts: ForeignFacts = FACTS) -> FoveaError:
    """What importing ``path`` is refused with; the store stays empty."""
    store = ModelStore(tmp_path / "other-b", tmp_path / "other-u")
    with pytest.raises(FoveaError) as caught:
        bring_in(path, facts, store)
    assert [path.name for path in (tmp_path / "other-u").glob("[!.]*")] == []
    assert caught.value.message and str(tmp_path) not in caught.value.message
    assert not any(word in caught.value.message for word in ("Error", "Traceback", "\x1b"))
    return caught.value


def _labels(raw: dict[str, Any]) -> None:
    raw["labels"][1] = "x" * 600_000


def _history(raw: dict[str, Any]) -> None:
    raw["files"]["history.csv"]["size"] = 16 * model_limits.MIB


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (_labels, "labels"),
        (_history, "history.csv"),
        (lambda raw: raw.update(name="n" * 5_000), "name"),
        (lambda raw: raw["card"].update(summary="s" * 50_000), "card.summary"),
        (lambda raw: raw["card"].update(limits=["x"] * 300_000), "card.limits"),
        (lambda raw: raw["provenance"].update(data="d" * 100_000), "text"),
        (lambda raw: raw["provenance"].update(versions={str(i): "1" for i in range(5_000)}), "versions"),
        (lambda raw: raw["files"].update({f"f{i}": raw["files"]["model.tflite"] for i in range(900)}), "files"),
    ],
    ids=["labels", "history", "name", "summary", "limits", "data", "versions", "files"],
)
def test_a_part_that_is_too_large_is_refused_by_name(tmp_path: Path, change: Any, told: str) -> None:
    path = packed(tmp_path, change, {"history.csv": b"epoch,loss\n1,2\n"})
    error = refused(path, tmp_path)
    assert error.kind == "bad-manifest" and told in error.message and "at most" in error.message
    assert len(error.message) < 300


@pytest.mark.parametrize("text", ["two\nlines", "\x1b[31mred", "b\x00c", "\ud800"])
@pytest.mark.parametrize("field", ["labels", "name"])
def test_a_name_that_is_no_text_is_refused(tmp_path: Path, text: str, field: str) -> None:
    def change(raw: dict[str, Any]) -> None:
        raw[field] = text if field == "name" else [text, *raw["labels"][1:]]

    error = refused(packed(tmp_path, change), tmp_path)
    assert error.kind == "bad-manifest" and field in error.message and error.message.isprintable()


def test_a_member_beyond_its_limit_is_refused_though_it_packs_small(tmp_path: Path) -> None:
    lines = b"epoch,loss\n" + b"1,2\n" * 4_000_000
    store = ModelStore(tmp_path / "b", tmp_path / "u")
    with pytest.raises(StoreError, match="history.csv"), store.stage(manifest()) as staging:  # noqa: PT012
        shutil.copy(COLOURS, staging / "model.tflite")
        (staging / "history.csv").write_bytes(lines)
    assert not (tmp_path / "u" / "colours").exists()


def test_a_curve_is_read_up_to_its_limit(tmp_path: Path) -> None:
    (tmp_path / "history.csv").write_text("e\n" + "1\n" * 1_000_000)
    assert len(read_curve(tmp_path / "history.csv")["e"]) == MOST_CURVE_ROWS
    (tmp_path / "history.csv").write_text(",".join(map(str, range(100_000))) + "\n")
    assert read_curve(tmp_path / "history.csv") == {}


def _gated(raw: dict[str, Any]) -> None:
    raw["domain"] = {
        "file": "domain.json", "method": "m", "split": "validation", "n": 9, "refused": 0.1,
        "quantiles": [float(i) for i in range(21)],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "content", "change"),
    [
        ("domain.json", b"{}", _gated),
        ("domain.json", b"\xff\xfe not json", _gated),
        ("head.json", b'{"schema": 1}', lambda raw: None),
        ("filters.json", b"[1, 2]", lambda raw: None),
        ("evaluation.json", b'{"accuracy": NaN}', lambda raw: None),
        ("evaluation.json", b"[" * 5_000 + b"]" * 5_000, lambda raw: None),
    ],
    ids=["gate", "no gate", "head", "filters", "nan", "deep"],
)
def test_what_lies_beside_the_network_is_looked_at_before_it_is_taken(
    tmp_path: Path, name: str, content: bytes, change: Any
) -> None:
    error = refused(packed(tmp_path, change, {name: content}), tmp_path)
    assert error.kind in ("damaged", "does-not-fit")


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_figure_that_is_no_number_is_refused(tmp_path: Path, value: float) -> None:
    def change(raw: dict[str, Any]) -> None:
        raw["metrics"] = [
            {"name": "accuracy", "value": value, "data": "d", "split": "test", "n": 1, "low": None, "high": None}
        ]

    assert refused(packed(tmp_path, change), tmp_path).kind == "bad-manifest"
    with pytest.raises(StoreError):
        manifest(metrics=(Metric("accuracy", value, "d", "test", 1),))


def test_a_number_that_no_table_can_show_is_refused(tmp_path: Path) -> None:
    def change(raw: dict[str, Any]) -> None:
        raw["metrics"] = [
            {"name": "accuracy", "value": 0.5, "data": "d", "split": "test", "n": 10**30, "low": None, "high": None}
        ]

    error = refused(packed(tmp_path, change), tmp_path)
    assert error.kind == "bad-manifest" and "too large" in error.message


def test_a_plan_that_is_nested_too_deep_is_refused(tmp_path: Path) -> None:
    def change(raw: dict[str, Any]) -> None:
        plan: dict[str, Any] = {}
        for _ in range(900):
            plan = {"x": plan}
        raw["provenance"]["plan"] = plan

    assert refused(packed(tmp_path, change), tmp_path).kind == "bad-manifest"


@pytest.mark.parametrize("name", ["damaged.keras", "fs-archive-2.bin", "fs-keras-1.bin"])
def test_files_of_the_shelf_are_refused_in_a_sentence(tmp_path: Path, name: str) -> None:
    path = shutil.copy(HOSTILE / name, tmp_path / name)
    error = refused(Path(path), tmp_path)
    assert error.kind in ("damaged", "hostile", "bad-manifest", "not-a-model", "not-allowed", "too-large")


@pytest.mark.parametrize("seed", range(6))
def test_changed_tflite_files_are_refused_or_taken_never_a_fault(tmp_path: Path, seed: int) -> None:
    import random

    draw = random.Random(seed)
    data = bytearray(COLOURS.read_bytes())
    for _ in range(draw.choice((1, 4, 30))):
        data[draw.randrange(8, len(data))] = draw.randrange(256)
    path = tmp_path / "net.tflite"
    path.write_bytes(data)
    try:
        found = look(path)
    except FoveaError as error:
        assert error.kind in ("damaged", "hostile", "crashed", "does-not-fit", "not-allowed", "too-large"), error
        assert "Error" not in error.message
        return
    assert found is not None and found.format == "tflite"


@given(data=st.binary(max_size=400))
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_no_bytes_make_a_description(data: bytes) -> None:
    with pytest.raises(StoreError):
        from_json(data)


def test_a_network_placed_by_hand_is_looked_at_before_keras_opens_it(tmp_path: Path) -> None:
    from desktop.ml.exchange.keras_check import ImportRefused, check_stored
    from tests.ml.exchange import foreign_files as files

    files.keras_file(tmp_path / "good.keras", {"class_name": "Functional", "config": {}})
    assert check_stored(tmp_path / "good.keras") == tmp_path / "good.keras"
    files.keras_file(
        tmp_path / "evil.keras",
        {"class_name": "Functional", "config": {"layers": [{"class_name": "Lambda", "config": {}}]}},
    )
    with pytest.raises(ImportRefused) as caught:
        check_stored(tmp_path / "evil.keras")
    assert caught.value.kind == "not-allowed"
