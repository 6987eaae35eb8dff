"""Looking through folders in a thread: in portions, to be cancelled, with trouble reported."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from desktop.services.scan import CHUNK, ScanDone, ScanFound, ScanService


class Listener:
    """Collects what a scan says."""

    def __init__(self, service: ScanService) -> None:
        self.portions: list[ScanFound] = []
        self.ends: list[ScanDone] = []
        service.found.connect(self.take)
        service.done.connect(self.end)

    def take(self, portion: ScanFound) -> None:
        self.portions.append(portion)

    def end(self, done: ScanDone) -> None:
        self.ends.append(done)

    @property
    def names(self) -> list[str]:
        return [source.name for portion in self.portions for source in portion.sources]


@pytest.fixture
def service(qtbot: Any) -> Any:
    held = ScanService()
    yield held
    held.stop()


def test_folder_in_natural_order_without_clutter(qtbot: Any, service: ScanService, tmp_path: Path) -> None:
    for name in ("scan10.png", "scan2.png", ".hidden.png", "Thumbs.db", ".DS_Store", "notes.txt", "sub/a.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    listener = Listener(service)
    service.scan([str(tmp_path)])
    qtbot.waitUntil(lambda: bool(listener.ends), timeout=5000)
    assert listener.names == ["scan2.png", "scan10.png", "a.jpg"]
    assert listener.ends[0].folders == (str(tmp_path),)
    assert listener.ends[0].found == 3


def test_link_to_itself_ends(qtbot: Any, service: ScanService, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"x")
    os.symlink(tmp_path, tmp_path / "again", target_is_directory=True)
    listener = Listener(service)
    service.scan([str(tmp_path)])
    qtbot.waitUntil(lambda: bool(listener.ends), timeout=5000)
    assert listener.names == ["a.png"]


def test_missing_path_is_reported(qtbot: Any, service: ScanService, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"x")
    listener = Listener(service)
    service.scan([str(tmp_path / "gone"), str(tmp_path / "a.png")])
    qtbot.waitUntil(lambda: bool(listener.ends), timeout=5000)
    done = listener.ends[0]
    assert listener.names == ["a.png"]
    assert done.problem_count == 1
    assert done.problems[0].name == "gone"
    assert str(tmp_path) not in done.problems[0].message


def test_many_files_come_in_portions_and_the_loop_goes_on(qtbot: Any, service: ScanService, tmp_path: Path) -> None:
    for number in range(5 * CHUNK):
        (tmp_path / f"{number}.png").touch()
    listener = Listener(service)
    service.scan([str(tmp_path)])
    qtbot.waitUntil(lambda: bool(listener.ends), timeout=20_000)
    assert len(listener.names) == 5 * CHUNK
    assert len(listener.portions) >= 5
    assert max(len(portion.sources) for portion in listener.portions) <= CHUNK


def test_cancelled_scan_is_silent_afterwards(qtbot: Any, service: ScanService, tmp_path: Path) -> None:
    for number in range(5 * CHUNK):
        (tmp_path / f"{number}.png").touch()
    listener = Listener(service)
    service.scan([str(tmp_path)])
    service.scan([str(tmp_path)])
    service.cancel()
    qtbot.waitUntil(lambda: not service.busy, timeout=20_000)
    assert listener.names == []
    assert len(listener.ends) == 1


def test_scans_wait_for_each_other(qtbot: Any, service: ScanService, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{name}.png").touch()
    listener = Listener(service)
    first = service.scan([str(tmp_path / "a")])
    second = service.scan([str(tmp_path / "b")])
    qtbot.waitUntil(lambda: len(listener.ends) == 2, timeout=5000)
    assert [done.id for done in listener.ends] == [first, second]
    assert listener.names == ["a.png", "b.png"]
