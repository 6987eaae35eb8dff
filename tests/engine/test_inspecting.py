"""The inspection in its own process: events, cancel, and what happens when it dies."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from PIL import Image

from desktop.engine.inspecting import InspectionClient
from desktop.engine.inspection_events import (
    BrokenFound,
    InspectionDone,
    InspectionEvent,
    InspectionFailed,
    InspectionProgress,
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for number in range(30):
            Image.new("RGB", (9, 9), (number * 8, 40, len(name))).save(tmp_path / name / f"{number}.png")
    (tmp_path / "a" / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    return tmp_path


def all_of(client: InspectionClient) -> list[InspectionEvent]:
    out: list[InspectionEvent] = []
    while not client.ended:
        out += client.events(timeout=5.0)
    return out


def test_events_come_in_order_and_end_with_the_result(root: Path) -> None:
    with InspectionClient(str(root), near=False) as client:
        events = all_of(client)
    *before, last = events
    assert isinstance(last, InspectionDone) and last.inspection.total == 60
    assert [entry.name for event in before if isinstance(event, BrokenFound) for entry in event.entries] == [
        "a/bad.png"
    ]
    stages = [event.stage for event in before if isinstance(event, InspectionProgress)]
    assert list(dict.fromkeys(stages)) == ["reading", "opening", "grouping"]
    assert client.events(1.0) == []


def test_what_is_no_data_is_said(tmp_path: Path) -> None:
    with InspectionClient(str(tmp_path / "none")) as client:
        (event,) = all_of(client)
    assert isinstance(event, InspectionFailed) and event.kind == "not-found" and event.hint


def test_cancelling_ends_it(root: Path) -> None:
    with InspectionClient(str(root)) as client:
        client.cancel()
        last = all_of(client)[-1]
    assert isinstance(last, InspectionFailed) and last.kind == "cancelled"


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL")
def test_a_dead_inspector_is_noticed(root: Path) -> None:
    with InspectionClient(str(root)) as client:
        assert client.pid is not None
        os.kill(client.pid, signal.SIGKILL)
        last = all_of(client)[-1]
    assert isinstance(last, InspectionFailed) and last.kind == "inspector-died" and last.hint
