"""``fovea sort`` with a real model and a real engine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from desktop.cli import main
from desktop.store.store import ModelStore
from tests.store.makers import add_colours


@pytest.fixture
def heap(fovea_home: Path, tmp_path: Path) -> Path:
    """Red and blue pictures, and something else; a store with the colours model."""
    add_colours(ModelStore())
    folder = tmp_path / "heap"
    folder.mkdir()
    for name, colour in (("1", "red"), ("2", "blue"), ("3", "red")):
        Image.new("RGB", (30, 20), colour).save(folder / f"{name}.png")
    (folder / "4.png").write_bytes(b"no picture")
    return folder


def run(*arguments: Any) -> int:
    return main(["sort", *map(str, arguments)])


def names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_a_dry_run_says_all_and_does_nothing(heap: Path, tmp_path: Path, capsys: Any) -> None:
    assert run(heap, "--model", "colours", "--into", tmp_path / "out", "--move", "--dry-run") == 0
    told = capsys.readouterr().out
    assert told.count("move  ") == 3 and "left  1: it has no answer" in told
    assert names(heap) == ["1.png", "2.png", "3.png", "4.png"] and not (tmp_path / "out").exists()


def test_moving_the_log_and_undo(heap: Path, tmp_path: Path, capsys: Any) -> None:
    assert run(heap, "--model", "colours", "--into", tmp_path / "out", "--move") == 0
    assert names(tmp_path / "out") == ["blue/2.png", "red/1.png", "red/3.png"] and names(heap) == ["4.png"]
    capsys.readouterr()
    assert run("--log") == 0
    told = capsys.readouterr().out
    assert "moved by answer" in told
    action = told.splitlines()[1].split()[0]
    assert run("--log", action) == 0 and capsys.readouterr().out.count("done") == 3
    assert run("--undo", "--dry-run") == 0 and names(heap) == ["4.png"]
    assert run("--undo") == 0
    assert names(heap) == ["1.png", "2.png", "3.png", "4.png"] and not (tmp_path / "out").exists()
    assert run("--undo") == 1 and "nothing to take back" in capsys.readouterr().err


def test_renaming(heap: Path) -> None:
    assert run(heap, "--model", "colours", "--rename", "{answer} {number}") == 0
    assert names(heap) == ["4.png", "blue 001.png", "red 001.png", "red 002.png"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["--model", "colours"],
        ["--model", "colours", "--into", "x", "--rename", "{answer}"],
        ["--model", "colours", "--rename", "{answer}", "--move"],
        ["--model", "colours", "--rename", "{foo}"],
        ["--model", "colours", "--into", "x", "--at-least", "2"],
        ["--into", "x"],
        ["--model", "none", "--into", "x"],
    ],
)
def test_wrong_usage(heap: Path, arguments: list[str]) -> None:
    try:
        status = run(heap, *arguments)
    except SystemExit as end:
        status = int(str(end.code))
    assert status == 2 and names(heap) == ["1.png", "2.png", "3.png", "4.png"]


def test_a_video_as_a_camera_is_answered_frame_after_frame(fovea_home: Path, tmp_path: Path, capsys: Any) -> None:
    import json

    from tests.engine.videos import write_video

    add_colours(ModelStore())
    video = write_video(tmp_path / "two.avi", [(255, 0, 0), (0, 0, 255)], each=40)
    assert main(["predict", "--model", "colours", "--camera", str(video), "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [rows[0]["label"], rows[-1]["label"]] == ["red", "blue"] and rows[0]["path"].startswith("two.avi:")
    assert main(["predict", "--model", "colours", "--camera", str(video), "--frames", "2"]) == 0
    assert main(["predict", "--model", "colours", "--camera", "97"]) == 1
    assert "no camera number 97" in capsys.readouterr().err
    assert main(["predict", "--model", "colours", "--camera", "ftp://x"]) == 2
