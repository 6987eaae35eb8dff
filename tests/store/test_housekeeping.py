"""What killed writers leave behind goes at the next start; changes of one store never run into each other."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from desktop import paths
from desktop.core.types import StoreError
from desktop.store import changes
from desktop.store.housekeeping import WORK, clear_leftovers
from desktop.store.store import ModelStore, changing
from desktop.system.files import part_beside
from tests.store.makers import COLOURS, add_colours, manifest

ROOT = Path(__file__).parents[2]


def _dead() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_what_dead_processes_left_goes_and_what_lives_stays() -> None:
    data, models = paths.user_data(), paths.user_models()
    add_colours(ModelStore(data / "none", models))
    dead = _dead()
    gone = [
        data / f".settings.json.{dead}-0123abcd.part",
        models / "colours" / f".model.json.{dead}-0123abcd.part",
        models / f".staging-{dead}-0123abcd" / "model.tflite",
        data / WORK / f"{dead}-0123abcd" / "look.h5",
    ]
    kept = [
        part_beside(data / "settings.json"),
        models / f".staging-{os.getpid()}-0123abcd" / "model.tflite",
        data / WORK / f"{os.getpid()}-0123abcd" / "look.h5",
        data / WORK / "notes.txt",
        data / "photo.part",
    ]
    for path in (*gone, *kept):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    clear_leftovers()
    assert not any(path.exists() for path in gone) and all(path.exists() for path in kept)
    assert not (data / WORK / f"{dead}-0123abcd").exists()
    assert {check.verdict for check in ModelStore(data / "none", models).verify("colours")} == {"ok"}


def test_it_clears_before_a_command_that_writes(fovea_home: Path) -> None:
    left = fovea_home / WORK / f"{_dead()}-0123abcd"
    left.mkdir(parents=True)
    from desktop import cli

    assert cli.main(["models", "list", "--json"]) == 0
    assert not left.exists()


@pytest.mark.parametrize("rounds", [12])
def test_of_writers_side_by_side_none_fails_and_every_replaced_model_is_in_the_trash(
    tmp_path: Path, rounds: int
) -> None:
    store = ModelStore(tmp_path / "b", tmp_path / "u")
    failures: list[BaseException] = []

    def write() -> None:
        for _ in range(rounds):
            try:
                with store.stage(manifest(), keep_replaced=True) as folder:
                    shutil.copy(COLOURS, folder / "model.tflite")
            except BaseException as error:
                failures.append(error)

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(changes.deleted(store)) == 4 * rounds - 1
    assert {check.verdict for check in store.verify("colours")} == {"ok"}
    assert [path.name for path in store.user_root.iterdir() if path.name.startswith((".staging", ".replaced"))] == []


def test_a_change_within_a_change_is_part_of_it_and_another_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("desktop.store.store._WAIT_S", 0.1)
    raised: list[str] = []

    def other() -> None:
        try:
            with changing(tmp_path):
                pass
        except StoreError as error:
            raised.append(error.kind)

    with changing(tmp_path), changing(tmp_path):
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert raised == ["busy"]
    with changing(tmp_path):
        pass
    assert not list(tmp_path.iterdir())  # its lock lies elsewhere: this folder is not Fovea's own


def test_a_damaged_model_is_told_by_the_exit_status_of_the_list(capsys: pytest.CaptureFixture[str]) -> None:
    from desktop import cli

    assert cli.main(["models", "list"]) == 0
    (paths.user_models() / "broken").mkdir(parents=True)
    (paths.user_models() / "broken" / "model.json").write_text("{")
    for command in (["models", "list"], ["models", "list", "--json"]):
        assert cli.main(command) == 1
    assert "broken" in capsys.readouterr().out
