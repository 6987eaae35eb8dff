"""Explaining and the domain gate through real processes, with a bundled model and a drawn digit."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from desktop import paths
from desktop.cli import main
from desktop.core.types import ImageSource, StoreError
from desktop.engine import messages as m
from desktop.engine.client import EngineClient
from desktop.engine.model import LoadedModel
from desktop.store.manifest import Card
from desktop.store.store import ModelStore
from tests.core.trust.test_domain import gate as gate_of_looks
from tests.store.makers import add_colours

DIGIT = paths.resources() / "samples" / "digit-3-pen.png"
SHIP = paths.resources() / "samples" / "pattern-ship.png"


@pytest.fixture
def client() -> Iterator[EngineClient]:
    with EngineClient(threads=2) as client:
        yield client


def finish(client: EngineClient, request: m.Request) -> list[m.Answer]:
    """All events up to the request's end."""
    client.submit(request)
    events: list[m.Answer] = []
    while True:
        for event in client.events(120):
            events.append(event)
            if isinstance(event, m.Failure) or isinstance(event, m.Explanation) and event.done == event.total:
                return events
            if isinstance(event, m.Prediction | m.BatchDone):
                return events


def test_a_digit_is_of_its_kind_and_a_picture_of_a_ship_is_not(client: EngineClient) -> None:
    for path, inside in ((DIGIT, True), (SHIP, False)):
        answer = finish(client, m.PredictRequest(client.next_id(), "mnist-digits", ImageSource.from_path(str(path))))[
            -1
        ]
        assert isinstance(answer, m.Prediction) and answer.domain is not None
        assert answer.domain.inside is inside, answer.domain
        assert bool(answer.domain.reasons) or inside


def test_a_batch_carries_the_gates_verdict_where_it_is_asked_for(client: EngineClient) -> None:
    sources = tuple(ImageSource.from_path(str(path)) for path in (DIGIT, SHIP) * 12)
    for gated in (True, False):
        events = finish(client, m.BatchRequest(client.next_id(), "mnist-digits", sources, gated=gated))
        items = [item for event in events if isinstance(event, m.BatchAnswers) for item in event.items]
        verdicts = [item.domain for item in items if isinstance(item, m.Prediction)]
        assert len(verdicts) == 24
        if gated:
            assert [v.inside for v in verdicts if v is not None] == [True, False] * 12
        else:
            assert verdicts == [None] * 24


def test_map_and_occlusion_agree_that_the_ink_counts(client: EngineClient) -> None:
    source = ImageSource.from_path(str(DIGIT))
    found = {}
    for method in ("cam", "occlusion"):
        events = finish(client, m.ExplainRequest(client.next_id(), "mnist-digits", source, method))  # type: ignore[arg-type]
        last = events[-1]
        assert isinstance(last, m.Explanation)
        assert (last.method, last.index, last.box) == (method, 3, None)
        assert np.isfinite(last.heat).all() and last.heat.max() > 0
        found[method] = last
    steps = [e.done for e in events if isinstance(e, m.Explanation)]
    assert steps == sorted(steps) and len(steps) > 2
    # Covering black paper in a corner changes next to nothing, covering strokes does.
    ink = found["occlusion"].prepared[..., 0].astype(float)
    heat = np.abs(found["occlusion"].heat)
    assert ink[:3, :3].sum() == 0 and heat[0, 0] < 0.2 * heat.max()


def test_another_class_can_be_asked_for_and_an_unknown_one_is_refused(client: EngineClient) -> None:
    source = ImageSource.from_path(str(DIGIT))
    last = finish(client, m.ExplainRequest(client.next_id(), "mnist-digits", source, "cam", 8))[-1]
    assert isinstance(last, m.Explanation) and last.index == 8
    failed = finish(client, m.ExplainRequest(client.next_id(), "mnist-digits", source, "cam", 10))[-1]
    assert isinstance(failed, m.Failure) and failed.kind == "no-such-class"


def test_a_newer_explanation_replaces_one_under_way_and_an_answer_goes_before(client: EngineClient) -> None:
    source = ImageSource.from_path(str(DIGIT))
    first, second = client.next_id(), client.next_id()
    client.submit(m.ExplainRequest(first, "mnist-digits", source, "occlusion"))
    client.submit(m.ExplainRequest(second, "mnist-digits", source, "occlusion", 5))
    events = finish(client, m.PredictRequest(client.next_id(), "mnist-digits", source))
    while not any(isinstance(e, m.Explanation) and e.id == second and e.done == e.total for e in events):
        events += client.events(120)
    assert not any(isinstance(e, m.Explanation) and e.id == first and e.done == e.total for e in events)


def test_a_model_without_map_is_explained_by_occlusion_and_says_so_of_the_map(tmp_path: Path) -> None:
    store = ModelStore(tmp_path / "bundled", tmp_path / "user")
    add_colours(store)
    Image.new("RGB", (40, 20), (220, 20, 10)).save(tmp_path / "red.png")
    source = ImageSource.from_path(str(tmp_path / "red.png"))
    with EngineClient(store.bundled_root, store.user_root, threads=1) as client:
        last = finish(client, m.ExplainRequest(client.next_id(), "colours", source))[-1]
        assert isinstance(last, m.Explanation) and last.method == "occlusion" and last.box == (0, 0, 1, 1)
        failed = finish(client, m.ExplainRequest(client.next_id(), "colours", source, "cam"))[-1]
        assert isinstance(failed, m.Failure) and failed.kind == "no-map"
        answer = finish(client, m.PredictRequest(client.next_id(), "colours", source))[-1]
        assert isinstance(answer, m.Prediction) and answer.domain is None


def test_a_gate_made_for_another_network_or_changed_on_disk_is_refused(tmp_path: Path) -> None:
    bundled = ModelStore()
    digits = bundled.require("mnist-digits")
    shutil.copytree(digits.folder, tmp_path / "user" / "mnist-digits")
    gate = tmp_path / "user" / "mnist-digits" / "domain.json"
    gate.write_text(gate.read_text().replace("A", "B", 1))
    with pytest.raises(StoreError, match="checksum"):
        LoadedModel(ModelStore(tmp_path / "none", tmp_path / "user").require("mnist-digits"))
    shutil.rmtree(tmp_path / "user")
    store = ModelStore(tmp_path / "none", tmp_path / "user")
    assert digits.manifest is not None
    with store.stage(replace(digits.manifest, id="mixed")) as folder:
        for path in digits.folder.glob("*.*"):
            shutil.copy(path, folder)
        (folder / "domain.json").write_text(gate_of_looks().to_json())
    with pytest.raises(StoreError, match="gate"):
        LoadedModel(store.require("mixed"))


def test_the_command_draws_a_map_with_its_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "why.png"
    before = DIGIT.read_bytes()
    assert main(["explain", "--model", "mnist-digits", "--json", "--class", "8", "--out", str(out), str(DIGIT)]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["label"], told["method"], told["box"]) == ("8", "occlusion", None)
    with Image.open(out) as picture:
        assert picture.width >= 448 and picture.height > picture.width
        assert len(np.unique(np.asarray(picture.convert("RGB")).reshape(-1, 3), axis=0)) > 20
    assert DIGIT.read_bytes() == before


def test_on_a_narrow_picture_the_medical_notice_can_be_read(fovea_home: Path, tmp_path: Path) -> None:
    card = Card("Scores X-rays.", "Research.", ("Few data.",), notice="Research only. Not a medical device.")
    add_colours(ModelStore(), id="narrow", medical=True, card=card)
    Image.new("RGB", (40, 900), (220, 20, 10)).save(tmp_path / "narrow.png")
    out = tmp_path / "why.png"
    assert (
        main(["explain", "--model", "narrow", "--opacity", "0", "--out", str(out), str(tmp_path / "narrow.png")]) == 0
    )
    with Image.open(out) as sheet:
        pixels = np.asarray(sheet.convert("RGB")).astype(int)
    paper = pixels[-1, 0]
    assert pixels.shape[1] >= 448 and (abs(pixels[:900, pixels.shape[1] // 2] - (220, 20, 10)) < 60).all()
    assert (pixels[:900, :100] == paper).all() and (pixels[:900, -100:] == paper).all()
    assert (pixels[900:, -7:] == paper).all() and (pixels[900:] != paper).any()  # no line runs off the sheet


@pytest.mark.parametrize(
    ("change", "status"),
    [
        (["--class", "cat"], 2),
        (["--model", "nothing"], 2),
        (["--out", "/nowhere/at/all.png"], 2),
        (["--opacity", "2"], 2),
    ],
)
def test_wrong_usage_of_the_command_is_told(tmp_path: Path, change: list[str], status: int) -> None:
    usual = ["explain", "--model", "mnist-digits", "--out", str(tmp_path / "why.png"), str(DIGIT)]
    try:
        found = main([*usual[:-1], *change, usual[-1]])
    except SystemExit as end:
        found = int(end.code or 0)
    assert found == status and not (tmp_path / "why.png").exists()


@pytest.mark.parametrize("fault", [errno.ENOSPC, errno.EACCES])
def test_a_disk_that_refuses_leaves_the_older_picture_and_is_told_in_words(
    tmp_path: Path, fault: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def save(self: Image.Image, place: Any, *_: Any) -> None:
        Path(place).write_bytes(b"half")
        raise OSError(fault, os.strerror(fault), str(place))

    out = tmp_path / "why.png"
    out.write_bytes(b"older")
    monkeypatch.setattr(Image.Image, "save", save)
    assert main(["explain", "--model", "mnist-digits", "--out", str(out), str(DIGIT)]) == 1
    err = capsys.readouterr().err
    assert "the picture was not saved" in err and "Traceback" not in err and str(tmp_path) not in err
    assert out.read_bytes() == b"older" and [path.name for path in tmp_path.iterdir()] == ["why.png"]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux keeps such a limit")
def test_the_process_that_opens_imported_networks_has_a_limit_of_memory() -> None:
    with EngineClient(gradients=True) as made:
        ready = next(event for event in made.events(60) if isinstance(event, m.Ready))
        limits = Path(f"/proc/{ready.pid}/limits").read_text(encoding="ascii")
        first = Path(f"/proc/{ready.pid}/oom_score_adj").read_text(encoding="ascii")
    data = next(line for line in limits.splitlines() if line.startswith("Max data size"))
    expected = subprocess.run(
        [sys.executable, "-c", "from desktop.engine import child; print(child.limit_memory())"],
        cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True,
    )  # fmt: skip
    if expected.stdout.strip() == "0":
        pytest.skip("beside a GPU nothing is limited")
    assert data.split()[3] == expected.stdout.strip() and int(first) >= 700
