"""Several users on one computer: nobody else can lie in wait for what a second start hands over."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from desktop.services.single_instance import SingleInstance
from desktop.system import privacy
from desktop.system.files import write_atomically

ROOT = Path(__file__).parents[2]
unix = pytest.mark.skipif(os.name == "nt", reason="rights of Unix")


@unix
def test_the_socket_lies_in_a_folder_of_the_users_alone(qtbot: Any, fovea_home: Path) -> None:
    first = SingleInstance()
    assert first.acquire() and first.listen()
    address = first.address
    assert privacy.is_private(Path(address).parent) and len(os.fsencode(address)) < 104
    assert stat.S_IMODE((fovea_home / "fovea.address").stat().st_mode) & 0o077 == 0 or privacy.is_private(fovea_home)
    first.release()
    assert not os.path.exists(address) and first.address == ""


@unix
def test_every_start_has_another_address(qtbot: Any) -> None:
    seen = set()
    for _ in range(3):
        first = SingleInstance()
        assert first.acquire() and first.listen()
        seen.add(first.address)
        first.release()
    assert len(seen) == 3


@unix
@pytest.mark.parametrize("mode", [0o755, 0o770])
def test_a_socket_in_a_folder_that_others_may_enter_is_not_spoken_to(
    qtbot: Any, fovea_home: Path, mode: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("desktop.services.single_instance._WAIT_S", 0.3)
    with tempfile.TemporaryDirectory(prefix="trap-") as trap:
        os.chmod(trap, mode)
        place = os.path.join(trap, "fovea.sock")
        ear = socket.socket(socket.AF_UNIX)
        ear.bind(place)
        ear.listen()
        ear.settimeout(0.1)
        fovea_home.mkdir(exist_ok=True)
        (fovea_home / "fovea.address").write_text(place)
        assert SingleInstance().address == ""
        assert not SingleInstance().hand_over(["/home/somebody/patient.dcm"])
        with pytest.raises(TimeoutError):
            ear.accept()
        ear.close()


@unix
@pytest.mark.parametrize("what", ["", "relative.sock", "/dev/null", "\0", "x" * 5000])
def test_an_address_that_is_none_is_none(fovea_home: Path, what: str, qtbot: Any) -> None:
    (fovea_home / "fovea.address").write_bytes(what.encode() or b"\xff\xfe")
    assert SingleInstance().address == ""


@unix
def test_what_listens_nowhere_says_so(qtbot: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(privacy, "runtime_folder", lambda: Path("/proc/no/such/folder"))
    first = SingleInstance()
    assert first.acquire() and not first.listen()
    first.release()


@unix
def test_what_fovea_writes_is_its_users_alone_and_what_the_user_exports_is_as_usual(tmp_path: Path) -> None:
    home, elsewhere = tmp_path / "home", tmp_path / "elsewhere"
    elsewhere.mkdir()
    home.mkdir()
    os.chmod(home, 0o755)  # whatever mask an earlier test has left in this process
    (home / "settings.json").write_text("{}")
    os.chmod(home / "settings.json", 0o644)
    code = (
        "import os, sys; os.umask(0o022)\n"
        "from desktop import paths\n"
        "from desktop.__main__ import main\n"
        "main(['models', 'list'])\n"
        "from desktop.system.files import write_atomically\n"
        "paths.user_models().mkdir(parents=True, exist_ok=True)\n"
        "write_atomically(paths.user_data() / 'kept.json', '{}')\n"
        "write_atomically(sys.argv[1] + '/report.html', 'x')\n"
    )
    environment = os.environ | {"FOVEA_HOME": str(home), "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", code, str(elsewhere)], env=environment, check=True, capture_output=True)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (home, *home.rglob("*"), *elsewhere.iterdir())}
    assert modes.pop("report.html") == 0o644
    assert modes["settings.json"] == modes["kept.json"] == 0o600 and modes["models"] == modes["home"] == 0o700
    assert not any(mode & 0o077 for mode in modes.values())


@unix
def test_an_older_files_rights_are_kept(tmp_path: Path) -> None:
    target = tmp_path / "report.html"
    target.write_text("old")
    os.chmod(target, 0o640)
    write_atomically(target, "new")
    assert stat.S_IMODE(target.stat().st_mode) == 0o640 and target.read_text() == "new"
