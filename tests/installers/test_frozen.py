"""The frozen program, built here and run as its users run it: ``make frozen-test``.

``FOVEA_FROZEN=dist/Fovea-viewer`` takes a folder that is built already. All of it takes up to 25 minutes on two cores.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from desktop.system import licences
from installers import bare_system, bundle, components, linux, try_frozen

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(2400)]


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The viewer's folder."""
    if given := os.environ.get("FOVEA_FROZEN"):
        return (ROOT / given).resolve()
    pytest.importorskip("PyInstaller")
    out = tmp_path_factory.mktemp("frozen")
    out.chmod(0o755)
    out.parent.chmod(0o755)  # somebody else runs it, too
    command = [sys.executable, "-m", "PyInstaller", "--noconfirm", "--log-level", "ERROR", "--distpath", out / "dist"]
    environment = {**os.environ, "FOVEA_FLAVOUR": "viewer"}
    done = subprocess.run(
        [*command, "--workpath", out / "work", "build.spec"],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    shutil.rmtree(out / "work")
    assert "Fovea-viewer: " in done.stdout and done.stdout.count(" MB  ") == bundle.LARGEST
    return out / "dist" / "Fovea-viewer"


@pytest.fixture(scope="module")
def bare(program: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Debian without Python, with what the package depends on."""
    if shutil.which("debootstrap") is None or os.geteuid() != 0:
        pytest.skip("a bare system needs root and debootstrap")
    folder = tmp_path_factory.mktemp("bare")
    bare_system.make(folder, linux.packages(program))
    return folder


@pytest.fixture
def runner(program: Path, tmp_path: Path) -> try_frozen.Runner:
    for folder in (tmp_path, tmp_path.parent, tmp_path.parent.parent):
        folder.chmod(0o755)
    return try_frozen.Runner(program, tmp_path, [])


def test_it_keeps_to_its_ceiling(program: Path) -> None:
    assert bundle.size(program) <= bundle.CEILINGS["viewer"] * bundle.MB


@pytest.mark.parametrize("name", [name for name in try_frozen.TRIALS if name != "bare-system"])
def test_it_holds(name: str, runner: try_frozen.Runner) -> None:
    trial = runner.trial(name)
    if trial.state == "not-tried":
        pytest.skip(trial.detail)
    assert trial.state == "ok", trial.detail


def test_it_holds_where_no_python_is(runner: try_frozen.Runner, bare: Path) -> None:
    runner.root = bare
    trial = runner.trial("bare-system")
    assert trial.state == "ok", trial.detail
    assert runner.report["edition"].startswith("viewer, frozen")


def call(program: Path, *arguments: str, home: Path) -> subprocess.CompletedProcess[str]:
    environment = {"HOME": str(home), "PATH": os.devnull, "LANG": "C.UTF-8", "TMPDIR": str(home)}
    return subprocess.run(
        [program / "fovea", *arguments], env=environment, capture_output=True, text=True, check=False, timeout=600
    )


def test_training_says_what_to_install(program: Path, tmp_path: Path) -> None:
    plan = ROOT / "resources/recipes/cifar10.json"
    done = call(program, "train", "--plan", str(plan), home=tmp_path)
    assert done.returncode == 1 and "not part of this installation" in done.stderr and "full edition" in done.stderr
    assert "Traceback" not in done.stderr


def test_every_part_has_an_allowed_licence_and_the_bill_names_it(program: Path, tmp_path: Path) -> None:
    done = call(program, "licences", "--json", home=tmp_path)
    parts = [licences.Component(**{**part, "texts": tuple(part["texts"])}) for part in json.loads(done.stdout)]
    names = {part.name for part in parts}
    assert {"fovea", "python", "pyside6-essentials", "numpy", "libstdc++6", "pyinstaller"} <= names or os.name == "nt"
    assert not [part for part in parts if not components.is_allowed(part)]
    assert not {"tensorflow", "keras", "opencv-python-headless", "libreadline8"} & names
    assert not [part.name for part in parts if not part.texts and part.kind != "library"]
    bill = json.loads((program / "_internal/licences/sbom.cdx.json").read_text(encoding="utf-8"))
    assert {item["name"] for item in bill["components"]} == names - {"fovea"}


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the steps for Linux are tried")
def test_a_qt_library_can_be_replaced(program: Path, tmp_path: Path) -> None:
    """The steps of docs/licences.md, with a Qt that says another version of itself."""
    copy = tmp_path / "Fovea-viewer"
    try_frozen.copy_tree(program, copy)
    library = copy / "_internal/PySide6/Qt/lib/libQt6Core.so.6"
    before = library.read_bytes()
    edition = next(c for c in report(copy, tmp_path)["checks"] if c["name"] == "edition")["detail"]
    version = edition.rpartition("Qt ")[2].encode()
    changed = version[:-1] + (b"9" if version[-1:] != b"9" else b"8")
    assert before.count(version + b"\0") >= 1
    library.unlink()  # a link to the builder's own file: never written through
    library.write_bytes(before.replace(version + b"\0", changed + b"\0"))
    after = report(copy, tmp_path)
    assert after["holds"]
    assert changed.decode() in next(c for c in after["checks"] if c["name"] == "edition")["detail"]


def report(program: Path, home: Path) -> dict:  # type: ignore[type-arg]
    done = call(program, "selftest", "--json", "--skip", "evaluation", home=home)
    assert done.stdout, done.stderr
    return json.loads(done.stdout)  # type: ignore[no-any-return]


# The Debian package, in a system of its own


def inside(root: Path, command: str) -> subprocess.CompletedProcess[str]:
    """Run ``command`` in ``root`` without a network; processes and mounts end with it."""
    script = 'mount -t proc proc "$0/proc" && mount --rbind /dev "$0/dev" && exec chroot "$0" /bin/sh -c "$1"'
    environment = {"HOME": "/root", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}
    return subprocess.run(
        ["unshare", "--mount", "--pid", "--fork", "--net", "sh", "-c", script, root, command],
        env=environment, capture_output=True, text=True, check=False, timeout=1200,
    )  # fmt: skip


def test_the_package_is_installed_started_updated_and_removed(program: Path, bare: Path, tmp_path: Path) -> None:
    package = linux.deb(program, tmp_path, fast=True)
    shutil.copy(package, bare / "fovea.deb")
    before = {path.relative_to(bare) for path in (bare / "usr").rglob("*")}
    done = inside(bare, "dpkg -i /fovea.deb && dpkg --audit")
    assert done.returncode == 0 and not done.stdout.count("is broken"), done.stdout + done.stderr
    done = inside(bare, "cd /tmp && fovea selftest --json")
    assert json.loads(done.stdout)["holds"], done.stdout + done.stderr
    done = inside(bare, "fovea stopwatch /usr/lib/fovea/_internal/resources/samples/digit-3-pen.png")
    assert done.returncode == 0 and json.loads(done.stdout.splitlines()[-1])["answered"] > 0, done.stderr
    keep = bare / "root/.local/share/Fovea/models/mine/model.json"
    keep.parent.mkdir(parents=True)
    keep.write_text("{}")
    assert inside(bare, "dpkg -i /fovea.deb").returncode == 0  # the same again, as an update is
    assert inside(bare, "fovea --version").stdout.startswith("Fovea ")
    assert inside(bare, "dpkg -r fovea-viewer").returncode == 0
    left = {path.relative_to(bare) for path in (bare / "usr").rglob("*")} - before
    assert not [path for path in left if "__pycache__" not in path.parts], sorted(left)[:5]
    assert keep.exists()


@pytest.mark.skipif(shutil.which("lintian") is None, reason="lintian is not installed")
def test_lintian_finds_no_error_in_the_whole_package(program: Path, tmp_path: Path) -> None:
    package = linux.deb(program, tmp_path, fast=True)
    done = subprocess.run(["lintian", package], capture_output=True, text=True, check=False)
    assert not [line for line in done.stdout.splitlines() if line.startswith("E:")]
