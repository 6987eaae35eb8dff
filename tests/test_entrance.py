"""`fovea` as typed: what is a command, what is a path, and what happens without terminal or display."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import desktop
from desktop import __main__ as entrance
from desktop import cli
from tests.patience import patient

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The paths that each opened window got; no window is opened."""
    calls: list[list[str]] = []

    def window(paths: list[str]) -> int:
        calls.append(paths)
        return 0

    monkeypatch.setattr(entrance, "_window", window)
    return calls


@pytest.fixture
def commanded(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The arguments that each command got; none is run."""
    calls: list[list[str]] = []

    def command(arguments: list[str]) -> int:
        calls.append(arguments)
        return 0

    monkeypatch.setattr(cli, "main", command)
    return calls


def test_without_arguments_the_window_opens(opened: list[list[str]], commanded: list[list[str]]) -> None:
    assert entrance.main([]) == 0
    assert (opened, commanded) == ([[]], [])


def test_paths_go_to_the_window(opened: list[list[str]], tmp_path: Path) -> None:
    gone = str(tmp_path / "gone.jpg")  # the window lists what it cannot find, beside what it can
    assert entrance.main([gone, "日本.png"]) == 0
    assert opened == [[gone, "日本.png"]]


def test_command_wins_over_a_file_of_its_name(
    opened: list[list[str]], commanded: list[list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "predict").touch()
    assert entrance.main(["predict", "a.png"]) == 0
    assert entrance.main(["./predict"]) == 0
    assert entrance.main(["--", "predict"]) == 0
    assert commanded == [["predict", "a.png"]]
    assert opened == [["./predict"], ["predict"]]


def test_file_that_looks_like_an_option_or_a_word_is_opened(
    opened: list[list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("-odd.png", "photos"):
        (tmp_path / name).touch()
        assert entrance.main([name]) == 0
    assert opened == [["-odd.png"], ["photos"]]


@pytest.mark.parametrize("typed", ["evalute", "--fullscreen", "-x"])
def test_slip_of_the_keyboard_is_told(typed: str, opened: list[list[str]], capsys: pytest.CaptureFixture[str]) -> None:
    assert entrance.main([typed]) == 2
    assert typed in capsys.readouterr().err
    assert opened == []


def test_interrupted_program_ends_quietly(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted(paths: list[str]) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(entrance, "_window", interrupted)
    assert entrance.main([]) == 130
    assert "Traceback" not in capsys.readouterr().err


def test_command_whose_libraries_were_left_out_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def command(arguments: list[str]) -> int:
        import_module("keras")
        return 0

    monkeypatch.setitem(sys.modules, "keras", None)  # importing it fails, as where it is not installed
    monkeypatch.setattr(cli, "main", command)
    assert entrance.main(["train"]) == 1
    said = capsys.readouterr().err
    assert "fovea train" in said
    assert "keras" in said


def start(*arguments: str, code: str = "", **changes: str | None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **{name: value for name, value in changes.items() if value is not None}}
    for name, value in changes.items():
        if value is None:
            environment.pop(name, None)
    command = [sys.executable, *(["-c", code] if code else ["-m", "desktop"]), *arguments]
    return subprocess.run(
        command,
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=patient(100),
        check=False,
    )


def test_version_and_help_answer() -> None:
    assert desktop.__version__ in start("--version").stdout
    shown = start("--help").stdout
    assert all(command in shown for command in cli.available())


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere there is always a display")
def test_without_a_display_it_says_so() -> None:
    done = start(DISPLAY=None, WAYLAND_DISPLAY=None, QT_QPA_PLATFORM=None)
    assert done.returncode == entrance.NO_DISPLAY
    assert "display" in done.stderr
    assert "fovea demo" in done.stderr


def test_streams_may_be_missing() -> None:
    code = "import sys; sys.stdout = sys.stderr = None; from desktop.__main__ import main; sys.exit(main(['--help']))"
    assert start(code=code).returncode == 0


@pytest.mark.skipif(os.name == "nt", reason="the scripts are for POSIX shells; README has the lines for Windows")
def test_setup_says_which_python_it_wants(tmp_path: Path) -> None:
    old = tmp_path / "old python"
    old.write_text('#!/bin/sh\necho "3.9 unfit /usr"\n')
    old.chmod(0o755)
    environment = {**os.environ, "PYTHON": str(old), "FOVEA_VENV": str(tmp_path / "no venv")}
    done = subprocess.run(
        ["sh", "tools/setup.sh", "run"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "3.11, 3.12 or 3.13" in done.stderr
    assert f"{old} (3.9)" in done.stderr
