"""The self-test: stored answers are repeated, and every way in which a model can be wrong is found."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from desktop.cli import selftest, selftest_parts
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
        ([[float("nan")] * 3] * 2, "cannot be read"),
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


def test_this_installation_holds(fovea_home: Path) -> None:
    run = fovea("selftest", "--json", "--skip", "training")
    report = json.loads(run.stdout)
    failed = [check for check in report["checks"] if check["state"] == "failed"]
    assert report["holds"] and run.returncode == 0, failed
    tried = {check["name"] for check in report["checks"] if check["state"] == "ok"}
    assert {"engine", "window", "evaluation", "certificates", "DICOM JPEG 2000", "DICOM RLE Lossless"} <= tried
    assert "training" not in {check["name"] for check in report["checks"]}
    assert not list(fovea_home.iterdir())  # the user's own folder has no part in it


@pytest.mark.slow
def test_one_epoch_is_trained_exported_and_asked(tmp_path: Path) -> None:
    pytest.importorskip("tensorflow")
    assert "exported, verified and asked" in selftest_parts.training(tmp_path)


def test_an_edition_without_training_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selftest_parts, "trains", lambda: False)
    with pytest.raises(selftest_parts.NotThereError):
        selftest_parts.training(tmp_path)


def test_a_transfer_syntax_without_its_decoder_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    from desktop.core.pictures.dicom import codecs
    from desktop.core.types import FoveaError

    monkeypatch.setitem(codecs._PLUGINS, "1.2.840.10008.1.2.5", ((), "pydicom"))
    with pytest.raises(FoveaError, match="needs the package"):
        selftest_parts.dicom(selftest_parts.DICOM["RLE Lossless"])


def test_every_transfer_syntax_that_is_decoded_is_tried() -> None:
    from desktop.core.pictures.dicom import codecs

    compressed = {*codecs._PLUGINS, *codecs._LOSSLESS, codecs._BASELINE, codecs._EXTENDED}
    uncompressed = 4  # implicit, explicit, deflated, big endian
    assert len(selftest_parts.DICOM) == len(compressed) + uncompressed
    from installers import bundle

    assert {name for name in selftest_parts.DICOM.values() if name} == set(bundle.DICOM_SAMPLES)


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
