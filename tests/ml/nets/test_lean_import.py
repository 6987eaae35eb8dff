"""What Keras finds when it is first imported: not the packages of which it would use nothing here."""

from __future__ import annotations

import importlib
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from desktop.ml.nets.lean_import import without
from tests.patience import patient

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A package that may be imported, and has not been."""
    name = f"fovea_wanted_{tmp_path.name}".replace("-", "_")
    (tmp_path / name).mkdir()
    (tmp_path / name / "__init__.py").write_text("there = True\n")
    monkeypatch.syspath_prepend(tmp_path)
    return name


def test_a_package_is_withheld_inside_and_there_afterwards(package: str) -> None:
    with without(package), pytest.raises(ModuleNotFoundError):
        importlib.import_module(package)
    assert importlib.import_module(package).there
    with without(package):
        assert importlib.import_module(package).there  # what was imported before is not taken away


def test_another_thread_gets_it_meanwhile(package: str) -> None:
    found = []
    other = threading.Thread(target=lambda: found.append(importlib.import_module(package).there))
    with without(package):
        other.start()
        other.join()
    assert found == [True]


def test_an_error_inside_leaves_nothing_withheld(package: str) -> None:
    with pytest.raises(RuntimeError), without(package):
        raise RuntimeError
    assert importlib.import_module(package).there


@pytest.mark.slow  # a process that imports Keras; the rule itself is tested above
def test_keras_comes_without_them_and_they_come_later() -> None:
    code = (
        "import sys; from desktop.ml.nets import backend; backend.select()\n"
        "print(*{'keras', 'sklearn', 'scipy', 'matplotlib'} & set(sys.modules))\n"
        "import sklearn.linear_model, scipy.ndimage, matplotlib.figure"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=patient(100), check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.split() == ["keras"]
