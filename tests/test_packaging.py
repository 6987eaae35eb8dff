"""The wheel: built, installed into an environment of its own, and run away from the checkout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
BIN = "Scripts" if os.name == "nt" else "bin"


def run(*command: str | Path, cwd: Path) -> str:
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "FOVEA_DATA")}
    done = subprocess.run(
        list(map(str, command)), cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def files(folder: Path) -> set[str]:
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    return {name for name in found if "__pycache__" not in name}


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The scripts' folder of an environment with Fovea's wheel; its dependencies are lent by this one."""
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, ROOT, cwd=folder)
    (wheel,) = folder.glob("fovea_classifier-*.whl")
    venv.create(folder / "env", with_pip=False)
    python = folder / "env" / BIN / "python"
    run(sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps", wheel, cwd=folder)
    # A path in a .pth file lends this environment's packages, but not what its own .pth files add: the checkout.
    purelib = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=folder).strip())
    (purelib / "lent.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    return python.parent


@pytest.mark.slow
def test_installed_wheel_runs(installed: Path, tmp_path: Path) -> None:
    from desktop import __version__

    assert __version__ in run(installed / "fovea", "--version", cwd=tmp_path)
    where = run(installed / "python", "-c", "import desktop; print(desktop.__file__)", cwd=tmp_path)
    assert Path(where.strip()).is_relative_to(installed.parent)


@pytest.mark.slow
def test_installed_wheel_has_its_models_and_resources(installed: Path, tmp_path: Path) -> None:
    code = "from desktop import paths; print(paths.bundled_models(), paths.resources(), sep='\\n')"
    models, resources = map(Path, run(installed / "python", "-c", code, cwd=tmp_path).split("\n")[:2])
    assert files(models) == files(ROOT / "model_store")
    assert files(resources) == files(ROOT / "resources")
    listed = run(installed / "fovea", "models", "list", cwd=tmp_path)
    for identifier in (json.loads(path.read_text(encoding="utf-8"))["id"] for path in models.glob("*/model.json")):
        assert identifier in listed
