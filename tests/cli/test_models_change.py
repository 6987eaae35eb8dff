"""``fovea models`` where it changes something: the real command, in this process, on a store of its own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from desktop.cli import models
from desktop.store.store import ModelStore
from tests.ml import foreign_files as files


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    status = models.main(list(arguments))
    said = capsys.readouterr()
    return status, said.out, said.err


def test_duplicate_rename_delete_restore(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "duplicate", "mnist-digits", "Mine")[:2] == (0, "mine\n")
    assert run(capsys, "rename", "mine", "My digits")[0] == 0
    assert run(capsys, "delete", "mine")[0] == 0
    assert run(capsys, "restore")[1] == "mine\n"
    assert run(capsys, "restore", "mine")[0] == 0
    manifest = ModelStore().get("mine").manifest
    assert manifest is not None and manifest.name == "My digits"
    status, _, err = run(capsys, "delete", "mnist-digits")
    assert status == 1 and "comes with Fovea" in err
    assert run(capsys, "rename", "mine", " ")[0] == 2
    assert run(capsys, "delete", "nobody")[0] == 2


def test_the_catalogue_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    facts = json.loads(run(capsys, "catalogue", "--json")[1])
    assert facts[0]["id"] == "vgg16-imagenet" and facts[0]["installed"] is False and facts[0]["size"] == 553_467_096
    assert run(capsys, "install", "nobody")[0] == 2


def test_install_from_a_wrong_file_shows_both_hashes(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "vgg16.h5"
    path.write_bytes(b"\x89HDF\r\n\x1a\nno")
    status, _, err = run(capsys, "install", "vgg16", "--from", str(path))
    assert status == 1 and "64373286793e3c8b2b4e3219cbf3544b" in err and "found" in err
    assert run(capsys, "install", "vgg16", "--from", str(path), "--sha256", "xyz")[0] == 2
    assert run(capsys, "install", "vgg16", "--from", str(tmp_path / "none.h5"))[0] == 2


def test_import_asks_for_what_the_file_does_not_say(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = files.tflite_file(tmp_path / "net.tflite")
    status, _, err = run(capsys, "import", str(path))
    assert status == 2
    for option in ("--name", "--labels", "--scaling", "--fit", "--outputs"):
        assert option in err
    told = ("--name", "Net", "--labels", "a,b,c", "--scaling", "0-1", "--fit", "stretch", "--outputs", "logits")
    assert run(capsys, "import", str(path), *told)[:2] == (0, "model 'net' is in the store: 3 classes\n")
    target = tmp_path / "net.zip"
    assert run(capsys, "export", "net", str(target))[0] == 0 and target.is_file()
    assert run(capsys, "export", "net", str(tmp_path / "net.pdf"))[0] == 2
    assert run(capsys, "export", "net", str(tmp_path / "net.keras"))[0] == 1
    assert run(capsys, "import", str(target))[:2] == (0, "model 'net-2' is in the store: 3 classes\n")
    lite = tmp_path / "out.tflite"
    assert run(capsys, "export", "net", str(lite))[0] == 0
    certificate = json.loads((tmp_path / "out.tflite.parity.json").read_text(encoding="utf-8"))
    assert certificate["largest_difference"] == 0 and certificate["file"]["size"] == lite.stat().st_size
