"""Linux packages: the archive with its installer for one user, and the Debian package."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from installers import linux
from tests.installers import stub

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="these are Linux' packages")


@pytest.fixture(autouse=True)
def same_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")


def unpacked(folder: Path, words: str) -> Path:
    """The archive of a program that says ``words``, unpacked."""
    packed = linux.archive(stub.program(folder / words, words), folder / words, fast=True)
    with tarfile.open(packed) as tar:
        tar.extractall(folder / words / "unpacked", filter="data")
    (inside,) = (folder / words / "unpacked").iterdir()
    return inside


class Person:
    """Somebody with a home, who runs the installer."""

    def __init__(self, home: Path) -> None:
        self.home = home
        home.mkdir()
        self.environment = {"HOME": str(home), "PATH": os.environ["PATH"]}
        self.models = home / ".local/share/Fovea/models/mine/model.json"

    def run(self, place: Path, *arguments: str, answer: str = "") -> str:
        done = subprocess.run(
            ["sh", place / "install.sh", *arguments],
            env=self.environment, input=answer, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def start(self, *arguments: str) -> str:
        done = subprocess.run(
            [self.home / ".local/bin/fovea", *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    def train(self) -> None:
        self.models.parent.mkdir(parents=True)
        self.models.write_text("{}")


def test_install_update_and_remove_for_one_user(tmp_path: Path) -> None:
    person = Person(tmp_path / "Ünï 日本")
    person.run(unpacked(tmp_path, "one"))
    assert person.start("models list") == "one models list"
    entry = person.home / ".local/share/applications/fovea.desktop"
    assert f'Exec="{person.home}/.local/lib/fovea/fovea" %F' in entry.read_text(encoding="utf-8")
    assert (person.home / ".local/share/icons/hicolor/scalable/apps/fovea.svg").is_file()
    person.train()
    person.run(unpacked(tmp_path, "two"))
    assert person.start() == "two"
    place = person.home / ".local/lib/fovea"
    assert not (place / "_internal/only-one.txt").exists() and person.models.is_file()
    assert sorted(path.name for path in place.parent.iterdir()) == ["fovea"]
    said = person.run(place, "--remove", answer="\n")
    assert "stay" in said and person.models.is_file()
    left = [path for path in person.home.rglob("*") if path.is_file() and path != person.models]
    assert [path for path in left if "mime" not in path.parts and path.name != "mimeinfo.cache"] == []


@pytest.mark.parametrize(("arguments", "answer"), [(["--remove"], "y\n"), (["--remove", "--purge"], "")])
def test_models_go_when_asked(tmp_path: Path, arguments: list[str], answer: str) -> None:
    person = Person(tmp_path / "home")
    person.run(unpacked(tmp_path, "one"))
    person.train()
    person.run(person.home / ".local/lib/fovea", *arguments, answer=answer)
    assert not person.models.exists() and not (person.home / ".local/lib/fovea").exists()


def test_what_an_interrupted_update_left_is_no_obstacle_and_others_commands_stay(tmp_path: Path) -> None:
    person = Person(tmp_path / "home")
    (person.home / ".local/lib/fovea.new").mkdir(parents=True)
    (person.home / ".local/lib/fovea.old").mkdir()
    command = person.home / ".local/bin/fovea"
    command.parent.mkdir()
    command.write_text("somebody else's")
    assert "another" in person.run(unpacked(tmp_path, "one"))
    assert [path.name for path in (person.home / ".local/lib").iterdir()] == ["fovea"]
    person.run(person.home / ".local/lib/fovea", "--remove", "--keep")
    assert command.read_text() == "somebody else's"


def test_equal_programs_make_equal_archives(tmp_path: Path) -> None:
    first = linux.archive(stub.program(tmp_path / "a"), tmp_path / "a", fast=True)
    second = linux.archive(stub.program(tmp_path / "b"), tmp_path / "b", fast=True)
    assert first.name == second.name and "-unsigned." in first.name
    assert first.read_bytes() == second.read_bytes()


def test_a_folder_that_is_no_program_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="no folder that build.spec made"):
        linux.archive(tmp_path, tmp_path)


needs_dpkg = pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="dpkg-deb is not installed")


@needs_dpkg
def test_debian_package_has_what_a_desktop_needs(tmp_path: Path) -> None:
    umask = os.umask(0o077)  # a builder who keeps everything to herself
    try:
        program = stub.program(tmp_path)
        before = (program / "_internal" / "only-one.txt").stat().st_mode
        package = linux.deb(program, tmp_path, fast=True)
    finally:
        os.umask(umask)
    assert (program / "_internal" / "only-one.txt").stat().st_mode == before
    listed = subprocess.run(["dpkg-deb", "--contents", package], capture_output=True, text=True, check=True).stdout
    lines = {line.split(maxsplit=5)[5]: line.split()[:2] for line in listed.splitlines()}
    for name in (
        "./usr/share/applications/fovea.desktop",
        "./usr/share/mime/packages/fovea.xml",
        "./usr/share/icons/hicolor/256x256/apps/fovea.png",
        "./usr/lib/fovea/_internal/only-one.txt",
    ):
        assert lines[name] == ["-rw-r--r--", "root/root"]
    assert lines["./usr/lib/fovea/fovea"][0] == "-rwxr-xr-x"
    assert "./usr/bin/fovea -> ../lib/fovea/fovea" in lines
    facts = subprocess.run(["dpkg-deb", "--field", package], capture_output=True, text=True, check=True).stdout
    assert "Package: fovea-viewer" in facts and "Conflicts: fovea\n" in facts and "libc6 (>= 2." in facts


@needs_dpkg
def test_a_library_of_unknown_origin_ends_the_build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linux, "needed", lambda program: {"libmystery.so.1"})
    with pytest.raises(SystemExit, match="libmystery"):
        linux.deb(stub.program(tmp_path), tmp_path, fast=True)


@pytest.mark.skipif(shutil.which("desktop-file-validate") is None, reason="desktop-file-utils are not installed")
def test_menu_entry_is_valid() -> None:
    done = subprocess.run(
        ["desktop-file-validate", linux.FILES / "fovea.desktop"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0 and not done.stdout.strip(), done.stdout


@needs_dpkg
@pytest.mark.slow
@pytest.mark.skipif(shutil.which("lintian") is None, reason="lintian is not installed")
def test_lintian_finds_no_error(tmp_path: Path) -> None:
    package = linux.deb(stub.program(tmp_path), tmp_path, fast=True)
    done = subprocess.run(["lintian", package], capture_output=True, text=True, check=False)
    errors = [line for line in done.stdout.splitlines() if line.startswith("E:")]
    # The stub's program is a script where the real one is a binary.
    assert not errors, errors
