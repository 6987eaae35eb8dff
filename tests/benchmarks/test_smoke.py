"""The benchmarks run and say what they promise to say. Nothing here looks at how fast anything was."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from benchmarks import common
from desktop.core.types import StoreError
from desktop.store.store import ModelStore
from tests.store.makers import add_colours

BARS = {
    "startup": 2,
    "inference": 4,
    "responsiveness": 6,
    "training": 6 if importlib.util.find_spec("torch") else 4,
}


@pytest.fixture
def colours(fovea_home: Path) -> common.Subject:
    """The tests' tiny network as a subject; it has no Keras file, which the window's roles do not need."""
    store = ModelStore(user=fovea_home / "models")
    add_colours(store)
    entry = store.get("colours")
    assert entry.manifest is not None
    return common.Subject("colours", entry.folder, entry.folder / "model.keras", entry.manifest.preprocess, False)


def ask(subject: common.Subject, *arguments: str) -> dict[str, Any]:
    with common.fresh_home(subject) as home:
        return common.ask_child("benchmarks.windows", *arguments, home=home)


def test_an_empty_window_tells_its_first_paint() -> None:
    seen = common.ask_child("benchmarks.windows", "empty")
    assert seen["painted"] > seen["launched"]


def test_a_launch_tells_its_first_paint_and_its_first_answer(colours: common.Subject, tmp_path: Path) -> None:
    (picture,) = common.small_pictures(tmp_path, 1)
    seen = ask(colours, "launch", picture)
    assert seen["launched"] < seen["painted"] < seen["answered"]


def test_every_drop_is_timed_until_its_answer_is_painted(colours: common.Subject, tmp_path: Path) -> None:
    seen = ask(colours, "drops", *common.small_pictures(tmp_path, 4))
    assert len(seen["milliseconds"]) == 4 and min(seen["milliseconds"]) > 0


def test_a_folder_is_classified_while_the_heart_beats(colours: common.Subject, tmp_path: Path) -> None:
    common.photo_folder(tmp_path / "photos", 30, distinct=2)
    seen = ask(colours, "pulse", str(tmp_path / "photos"))
    assert seen["answered"] == 30 and seen["gaps"]


def test_a_child_that_fails_says_why() -> None:
    with pytest.raises(RuntimeError, match="KeyError"):
        common.ask_child("benchmarks.windows", "nothing")


def test_photographs_are_as_hard_as_photographs(tmp_path: Path) -> None:
    paths = common.photo_folder(tmp_path / "photos", 3, distinct=2)
    with Image.open(paths[0]) as picture:
        assert picture.format == "JPEG" and picture.size == common.PHOTO_SIZE
    assert 60_000 < Path(paths[0]).stat().st_size < 800_000
    assert Path(paths[0]).read_bytes() == Path(paths[2]).read_bytes() != Path(paths[1]).read_bytes()


def test_the_sides_take_turns_and_change_who_begins() -> None:
    order: list[str] = []
    sides = {name: lambda name=name: float(order.append(name) or 1.0) for name in "ab"}
    assert common.take_turns(3, sides) == {"a": [1.0] * 3, "b": [1.0] * 3}
    assert "".join(order) == "abbaab"


@given(st.lists(st.floats(0, 1000), min_size=1), st.floats(0, 1))
def test_a_quantile_is_one_of_the_values(values: list[float], share: float) -> None:
    found = common.quantile(values, share)
    assert found in values and sum(value <= found for value in values) >= share * len(values)


def test_the_report_holds_machine_figures_and_bars() -> None:
    report = common.Report("startup", "m", quick=False)
    figure = report.compare("launch", "ms", [3.0, 1.0, 2.0], [4.0, 4.0, 5.0], "peer")
    report.bars += [common.at_most("slow", 2.0, 1.0), common.at_least("fast", 2.0, 1.0)]
    assert (figure.fovea, figure.peer, figure.ratio) == (2.0, 4.0, 0.5)
    written = json.loads(json.dumps(report.as_json()))
    assert written["machine"]["cores"] >= 1
    assert written["bars"] == [
        {"name": "slow", "value": 2.0, "limit": 1.0, "holds": False},
        {"name": "fast", "value": 2.0, "limit": 1.0, "holds": True},
    ]
    assert "DOES NOT HOLD" in report.as_text() and "0.500" in report.as_text()


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", sorted(BARS))
def test_the_quick_version_runs_to_its_report(name: str) -> None:
    try:
        common.subject(common.DEFAULT_MODEL)
    except StoreError as error:
        pytest.skip(error.message)
    run = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{name}", "--quick", "--json"],
        cwd=common.ROOT,
        env=common.environment(),
        capture_output=True,
        text=True,
    )
    assert run.returncode in (0, 1), run.stderr
    report = json.loads(run.stdout)
    assert report["benchmark"] == name and report["quick"] is True and report["machine"]["python"]
    assert len(report["bars"]) == BARS[name]
    assert all(bar.keys() == {"name", "value", "limit", "holds"} for bar in report["bars"])
    assert all(figure["fovea"] > 0 and figure["peer"] is None or figure["peer"] > 0 for figure in report["figures"])
