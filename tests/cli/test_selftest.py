"""The self-test: stored answers are repeated, and every way in which a model can be wrong is found."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from desktop.cli import selftest
from desktop.store.store import ModelStore
from tests.cli.tools import SHADES, fovea, paint
from tests.store.makers import COLOURS, manifest

RIGHT = [[0.998, 0.001, 0.001], [0.001, 0.998, 0.001]]


@pytest.fixture
def bundled(tmp_path: Path) -> ModelStore:
    return ModelStore(tmp_path / "bundled", tmp_path / "user")


def deliver(store: ModelStore, expected: list[list[float]], tolerance: float = 0.05, **changes: Any) -> Path:
    """Commit the colours network as a bundled model with its stored answers; returns its folder."""
    complete = manifest(**changes)
    with store.stage(complete, store.bundled_root) as folder:
        shutil.copy(COLOURS, folder / "model.tflite")
        (folder / "selftest").mkdir()
        cases = []
        for name, scores in zip(("red", "green"), expected, strict=True):
            np.save(folder / "selftest" / f"{name}.npy", np.full((8, 8, 3), SHADES[name], np.uint8))
            cases.append({"file": f"{name}.npy", "probabilities": scores})
        (folder / "selftest" / "expected.json").write_text(json.dumps({"tolerance": tolerance, "cases": cases}))
    return store.bundled_root / complete.id


def states(store: ModelStore) -> dict[str, tuple[str, str]]:
    seen: list[selftest.Check] = []
    checks = selftest.run(store, seen.append)
    assert checks == seen
    return {check.name: (check.state, check.detail) for check in checks}


def test_stored_answers_are_repeated(bundled: ModelStore) -> None:
    deliver(bundled, RIGHT)
    deliver(bundled, RIGHT, id="later", state="weights-not-installed")
    found = states(bundled)
    assert found["engine"][0] == "ok"
    assert found["model colours"][0] == "ok", found
    assert found["model later"][0] == "not-installed"


@pytest.mark.parametrize(
    ("expected", "words"),
    [
        (RIGHT[::-1], "differ"),
        ([[0.5, 0.5], [0.5, 0.5]], "2 expected"),
        ([[float("nan")] * 3] * 2, "differ"),
    ],
)
def test_other_answers_are_found(bundled: ModelStore, expected: list[list[float]], words: str) -> None:
    deliver(bundled, expected)
    state, detail = states(bundled)["model colours"]
    assert state == "failed" and words in detail


@pytest.mark.parametrize("name", ["model.tflite", "selftest/expected.json", "selftest/red.npy"])
def test_a_changed_file_is_found(bundled: ModelStore, name: str) -> None:
    path = deliver(bundled, RIGHT) / name
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    state, detail = states(bundled)["model colours"]
    assert state == "failed" and name in detail


def test_a_model_without_stored_answers_is_no_proof(bundled: ModelStore) -> None:
    with bundled.stage(manifest(), bundled.bundled_root) as folder:
        shutil.copy(COLOURS, folder / "model.tflite")
    state, detail = states(bundled)["model colours"]
    assert state == "failed" and "stored answers" in detail


def test_a_broken_manifest_is_found(bundled: ModelStore) -> None:
    (deliver(bundled, RIGHT) / "model.json").write_text("{")
    assert states(bundled)["model colours"][0] == "failed"


def test_this_installation_holds() -> None:
    run = fovea("selftest", "--json")
    report = json.loads(run.stdout)
    failed = [check for check in report["checks"] if check["state"] == "failed"]
    assert report["holds"] and run.returncode == 0, failed
    assert {"engine", "window", "model vgg16-imagenet"} <= {check["name"] for check in report["checks"]}


def test_a_picture_of_the_window_with_a_users_model(store: ModelStore, tmp_path: Path) -> None:
    from PIL import Image

    out = tmp_path / "window.png"
    picture = paint(tmp_path / "red.png", size=(300, 200))
    run = fovea(
        "screenshot", "--view", "classify", "--image", picture, "--model", "colours",
        "--size", "1100x700", "--theme", "dark", "--out", out,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    assert run.stdout.splitlines() == [str(out)]
    with Image.open(out) as drawn:
        assert drawn.size == (1100, 700)
        assert SHADES["red"] in {colour for _, colour in drawn.convert("RGB").getcolors(1 << 20)}


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize(
    "arguments",
    [
        ["--out", "x.png"],
        ["--view", "nothing", "--out", "x.png"],
        ["--view", "classify"],
        ["--view", "classify", "--out", "x.png", "--size", "10x10"],
        ["--view", "classify", "--out", "x.png", "--size", "large"],
        ["--view", "classify", "--out", "x.png", "--model", "nothing"],
        ["--view", "classify", "--out", "x.png", "--model", "colours", "--image", "gone.png"],
        ["--view", "classify", "--out", "nowhere/x.png", "--model", "colours"],
    ],
)
def test_wrong_usage_of_screenshot(arguments: list[str]) -> None:
    run = fovea("screenshot", *arguments)
    assert run.returncode == 2 and run.stdout == "" and run.stderr.startswith("fovea: ")
