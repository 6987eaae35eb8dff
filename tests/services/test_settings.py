"""Settings: remembered, whole or not at all, kept when damaged, no trouble where nothing can be written."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from desktop.services.settings import Settings


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "config" / "settings.json"


def test_values_come_back(qapp: Any, file: Path) -> None:
    first = Settings(file)
    first.set("theme", "dark")
    first.add_recent_folder("/a")
    first.add_recent_folder("/b")
    first.add_recent_folder("/a")
    first.flush()
    second = Settings(file)
    assert second.get("theme") == "dark"
    assert second.get("recent_folders") == ["/a", "/b"]
    assert second.problem == ""


def test_written_a_moment_later_by_itself(qtbot: Any, file: Path) -> None:
    settings = Settings(file)
    settings.set("model", "colours")
    qtbot.waitUntil(lambda: file.exists() and json.loads(file.read_text())["model"] == "colours", timeout=5000)


@pytest.mark.parametrize("content", [b"{not json", b"[1, 2]", b"\xff\xfe\x00", b"{}" * 600_000, b"[" * 100_000])
def test_damaged_file_is_kept_and_defaults_are_used(qapp: Any, file: Path, content: bytes) -> None:
    file.parent.mkdir()
    file.write_bytes(content)
    settings = Settings(file)
    assert settings.get("theme") == "system"
    assert "damaged" in settings.problem
    kept = [path for path in file.parent.iterdir() if "damaged" in path.name]
    assert [path.read_bytes() for path in kept] == [content]
    settings.set("theme", "light")
    settings.flush()
    assert kept[0].read_bytes() == content
    assert Settings(file).get("theme") == "light"


def test_values_of_wrong_types_are_passed_over_and_unknown_ones_kept(qapp: Any, file: Path) -> None:
    file.parent.mkdir()
    file.write_text(json.dumps({"theme": 7, "top_k": 3, "later": [1], "recent_folders": ["/a", 5]}))
    settings = Settings(file)
    assert settings.get("theme") == "system"
    assert settings.get("top_k") == 3
    assert settings.get("recent_folders") == ["/a"]
    settings.flush()
    assert json.loads(file.read_text())["later"] == [1]


def test_a_folder_whose_name_is_no_utf8_is_remembered(qapp: Any, file: Path) -> None:
    settings = Settings(file)
    folder = os.fsdecode(b"/data/M\xfcller")
    settings.add_recent_folder(folder)
    settings.add_recent_folder("/data/Müller")
    settings.flush()
    assert Settings(file).get("recent_folders") == ["/data/Müller", folder]
    assert "Müller" in file.read_text(encoding="utf-8")


def test_settings_that_could_not_be_read_are_not_written_over(
    qtbot: Any, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = Settings(file)
    first.set("theme", "dark")
    first.flush()
    real = Path.open

    def refuse(self: Path, *arguments: Any, **named: Any) -> Any:
        if self == file:
            raise PermissionError(13, "Permission denied")
        return real(self, *arguments, **named)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", refuse)
        second = Settings(file)
    assert "could not be read" in second.problem and second.get("theme") == "system"
    said: list[str] = []
    second.saving_failed.connect(said.append)
    second.set("theme", "light")
    second.flush()
    assert len(said) == 1
    assert Settings(file).get("theme") == "dark"


def test_wrong_type_is_refused(qapp: Any, file: Path) -> None:
    with pytest.raises(TypeError, match="str expected"):
        Settings(file).set("theme", 3)
    with pytest.raises(KeyError):
        Settings(file).get("no such key")


def test_home_that_cannot_be_written_is_said_once(qtbot: Any, tmp_path: Path) -> None:
    blocker = tmp_path / "file"
    blocker.write_text("in the way")
    settings = Settings(blocker / "settings.json")
    said: list[str] = []
    settings.saving_failed.connect(said.append)
    settings.set("theme", "dark")
    qtbot.waitUntil(lambda: bool(said), timeout=5000)
    settings.set("theme", "light")
    settings.flush()
    assert len(said) == 1
    assert "cannot be saved" in said[0]
    assert settings.get("theme") == "light"


def test_full_disk_leaves_the_old_file(qapp: Any, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(file)
    settings.set("theme", "dark")
    settings.flush()

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    settings.set("theme", "light")
    settings.flush()
    monkeypatch.undo()
    assert Settings(file).get("theme") == "dark"
    assert [path.name for path in file.parent.iterdir()] == ["settings.json"]
    assert os.listdir(file.parent) == ["settings.json"]
