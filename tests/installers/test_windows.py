"""The Windows installer: compiled with a stub for a program, and tried under Wine where there is one."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from installers import icons, windows

sys.path.insert(0, str(icons.ROOT / "tools"))
import translations

pytestmark = pytest.mark.skipif(shutil.which("makensis") is None, reason="makensis is not installed (package nsis)")
STUBS = Path("/usr/share/nsis/Stubs/lzma_solid-amd64-unicode")


def program(folder: Path, words: str) -> Path:
    """A folder like the frozen program's; ``words`` are in each of its files."""
    for name in ("fovea.exe", "Fovea Window.exe", "_internal/a.dll", f"_internal/only-{words}.dll"):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(words, encoding="utf-8")
    return folder


def installer(folder: Path, words: str, version: str, target: str = "") -> Path:
    out = folder / f"Fovea-{version}-full-windows-x86_64-unsigned.exe"
    icon = icons.draw(256, folder / "fovea.ico")
    windows.compile_installer(program(folder / words, words), out, version, icon, target)
    return out


def test_it_compiles_without_a_warning(tmp_path: Path) -> None:
    made = installer(tmp_path, "one", "0.1.0")
    assert made.read_bytes()[:2] == b"MZ"


def test_its_pages_speak_every_language_of_the_program() -> None:
    words = windows.words_of_pages()
    for language in translations.there():
        name = translations.LANGUAGES[language]["nsis"]
        assert f'MUI_LANGUAGE "{name}"' in words
        for key, text in windows.WORDS.items():
            (line,) = [one for one in words.splitlines() if f" WORDS_{key} ${{LANG_{name.upper()}}}" in one]
            assert f'"{text}"' not in line, f"{language}: {key} is not translated"


def test_every_word_of_a_page_is_of_the_table() -> None:
    script = windows.SCRIPT.read_text("utf-8")
    assert set(re.findall(r"\$\(WORDS_(\w+)\)", script)) == set(windows.WORDS)


def test_what_makensis_says_is_passed_on(tmp_path: Path) -> None:
    icon = icons.draw(256, tmp_path / "fovea.ico")
    with pytest.raises(SystemExit, match="no files found"):
        windows.compile_installer(tmp_path / "nothing", tmp_path / "Fovea-x.exe", "0.1.0", icon)


class Wine:
    """A Windows of its own in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {
            **os.environ,
            "WINEPREFIX": str(folder),
            "WINEDEBUG": "-all",
            "WINEDLLOVERRIDES": "mscoree=;mshtml=;winemenubuilder.exe=",
        }
        self.environment.pop("DISPLAY", None)
        self.run("wineboot", "-i")
        (self.local,) = (folder / "drive_c/users").glob("*/AppData/Local")

    def run(self, *command: str | Path) -> int:
        done = subprocess.run(
            ["wine", *map(str, command)], env=self.environment, capture_output=True, timeout=400, check=False
        )
        return done.returncode

    def value(self, key: str, name: str) -> str:
        """A value of the current user's registry; '' where there is none."""
        command = ["wine", "reg", "query", f"HKCU\\{key}", *(["/v", name] if name else ["/ve"])]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=400, check=False)
        return done.stdout if done.returncode == 0 else ""

    def end(self) -> None:
        # A small program of Wine's waits until all others have ended; the uninstaller copies itself and runs on.
        subprocess.run(["wine", "wineboot", "-e"], env=self.environment, capture_output=True, timeout=400, check=False)
        subprocess.run(["wineserver", "-w"], env=self.environment, capture_output=True, timeout=400, check=False)


@pytest.fixture(scope="module")
def wine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wine]:
    if shutil.which("wine") is None or not STUBS.exists():
        pytest.skip("Wine, or makensis for 64-bit installers, is not installed (packages wine, nsis)")
    held = Wine(tmp_path_factory.mktemp("wine"))
    yield held
    held.end()


UNINSTALL = r"Software\Microsoft\Windows\CurrentVersion\Uninstall\Fovea"


@pytest.mark.slow
def test_install_update_and_remove_under_wine(wine: Wine, tmp_path: Path) -> None:
    first = installer(tmp_path, "one", "0.1.0", "amd64-unicode")
    second = installer(tmp_path, "two", "0.2.0", "amd64-unicode")
    place = wine.local / "Programs" / "Fovea"
    settings = wine.local / "Fovea" / "settings.json"

    assert wine.run(first, "/S") == 0
    assert (place / "program/_internal/a.dll").read_text() == "one"
    assert "0.1.0" in wine.value(UNINSTALL, "DisplayVersion")
    assert "Fovea Window.exe" in wine.value(r"Software\Classes\Applications\Fovea Window.exe\shell\open\command", "")
    shortcuts = list(
        wine.folder.glob("drive_c/users/*/AppData/Roaming/Microsoft/Windows/Start Menu/Programs/Fovea.lnk")
    )
    assert len(shortcuts) == 1

    settings.parent.mkdir()
    settings.write_text("{}")
    assert wine.run(second, "/S") == 0
    assert (place / "program/_internal/a.dll").read_text() == "two"
    assert not (place / "program/_internal/only-one.dll").exists()  # nothing of the old version is left among the new
    assert sorted(path.name for path in place.iterdir()) == ["Uninstall.exe", "program"]
    assert "0.2.0" in wine.value(UNINSTALL, "DisplayVersion") and settings.exists()

    (place / "mine.txt").write_text("the user's own")
    # _?= keeps the uninstaller from copying itself away, so that its end is awaited.
    assert wine.run(place / "Uninstall.exe", "/S", f"_?={_windows(place)}") == 0
    assert not (place / "program").exists() and (place / "mine.txt").exists()
    assert settings.exists() and not shortcuts[0].exists()
    assert wine.value(UNINSTALL, "DisplayVersion") == ""
    assert wine.value(r"Software\Classes\Applications\Fovea Window.exe\shell\open\command", "") == ""


@pytest.mark.slow
def test_an_interrupted_update_is_taken_up_and_models_go_when_asked(wine: Wine, tmp_path: Path) -> None:
    made = installer(tmp_path, "three", "0.3.0", "amd64-unicode")
    place = wine.local / "Programs" / "Fovea"
    # Killed between the two renames: the old program lies aside, half of a new one beside it.
    program(place / "program.old", "two")
    (place / "program.new").mkdir()
    assert wine.run(made, "/S") == 0
    assert (place / "program/fovea.exe").read_text() == "three"
    assert not (place / "program.old").exists() and not (place / "program.new").exists()
    model = wine.local / "Fovea" / "models" / "mine" / "model.json"
    model.parent.mkdir(parents=True)
    model.write_text("{}")
    assert wine.run(place / "Uninstall.exe", "/S", "/PURGE", f"_?={_windows(place)}") == 0
    assert not (wine.local / "Fovea").exists() and not (place / "program").exists()


def _windows(path: Path) -> str:
    """The path as Wine's C: has it."""
    return "C:\\" + "\\".join(path.parts[path.parts.index("drive_c") + 1 :])
