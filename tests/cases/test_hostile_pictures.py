"""Files that crash their decoder or keep it busy for ever: named and set aside wherever pictures are opened.

``loop.dcm`` (540 bytes) holds a JPEG 2000 picture with a box of length 0; ``segv.heic`` crashes libheif. What they do
depends on the libraries, so the same is tried with a decoder that aborts, loops, swells and hangs at certain names.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from desktop.core.data.dataset import Interrupted
from desktop.core.data.inspection import inspect
from desktop.core.pictures.decode_in_child import bring_in, show
from desktop.core.types import DecodeError, ImageSource, PreprocessSpec
from desktop.engine import messages as m
from desktop.engine.client import EngineClient
from desktop.ml.data.own_data import OwnData
from desktop.store.store import ModelStore
from desktop.system import workers
from tests.engine.treachery import put_treachery
from tests.ml.data.test_own_data import make_plan
from tests.patience import patient
from tests.store.makers import add_colours

HOSTILE = Path(__file__).parent / "hostile"
ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def fresh_workers() -> Iterator[None]:
    workers.close_shared()
    yield
    workers.close_shared()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two classes with twelve good pictures each, and a hostile file in each."""
    rng = np.random.default_rng(5)
    for name in ("cats", "dogs"):
        (tmp_path / "data" / name).mkdir(parents=True)
        for number in range(12):
            pixels = rng.integers(0, 256, (24, 24, 3), np.uint8)
            Image.fromarray(pixels).save(tmp_path / "data" / name / f"{name}{number}.png")
    return tmp_path / "data"


@pytest.fixture
def hostile(root: Path) -> Path:
    shutil.copy(HOSTILE / "loop.dcm", root / "cats")
    shutil.copy(HOSTILE / "segv.heic", root / "dogs")
    return root


@pytest.fixture
def treachery(tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same with a decoder that is at fault."""
    put_treachery(tmp_path, monkeypatch)
    for name in ("cats/deadly.png", "cats/looping.png", "dogs/swelling.png"):
        shutil.copy(root / "cats" / "cats0.png", root / name)
    return root


def test_a_look_names_them_and_goes_on(hostile: Path) -> None:
    met: list[str] = []
    found = inspect(hostile, broken=lambda entry: met.append(entry.name))
    assert found.total == 24 and sorted(met) == ["cats/loop.dcm", "dogs/segv.heic"]
    assert {entry.name for entry in found.broken} == set(met) and all(entry.message for entry in found.broken)
    assert len(found.fingerprint) == 64


@pytest.mark.skipif(os.name == "nt", reason="memory is not refused on Windows, but watched")
def test_a_look_survives_a_decoder_at_fault(treachery: Path) -> None:
    found = inspect(treachery, near=False)
    kinds = {entry.name: entry.kind for entry in found.broken}
    assert kinds == {
        "cats/deadly.png": "decoder-crashed",
        "cats/looping.png": "took-too-long",
        "dogs/swelling.png": "too-large",
    }
    assert found.total == 24


def test_a_training_sets_them_aside(hostile: Path) -> None:
    data = OwnData(make_plan(hostile))
    assert sorted(name for name, _ in data.set_aside) == ["cats/loop.dcm", "dogs/segv.heic"]
    assert len(data.train) + len(data.validation) == 24


def test_a_batch_and_a_single_answer_name_them(hostile: Path, tmp_path: Path) -> None:
    store = ModelStore(tmp_path / "bundled", tmp_path / "user")
    add_colours(store)
    good = sorted((hostile / "cats").glob("*.png"))
    paths = [*good[:4], hostile / "cats" / "loop.dcm", *good[4:8], hostile / "dogs" / "segv.heic", *good[8:]]
    sources = tuple(ImageSource.from_path(str(path)) for path in paths)
    with EngineClient(store.bundled_root, store.user_root, threads=2) as client:
        client.submit(m.BatchRequest(client.next_id(), "colours", sources))
        seen: list[m.Answer] = []
        while not any(isinstance(answer, m.BatchDone) for answer in seen):
            seen += client.events(5.0)
        client.submit(m.PredictRequest(client.next_id(), "colours", sources[9]))
        while not any(isinstance(answer, m.Failure) for answer in seen):
            seen += client.events(5.0)
    items = [item for answer in seen if isinstance(answer, m.BatchAnswers) for item in answer.items]
    assert [item.position for item in items] == list(range(len(sources)))
    assert [item.source.name for item in items if isinstance(item, m.Failure)] == ["loop.dcm", "segv.heic"]
    assert not any(isinstance(answer, m.EngineLost) for answer in seen)


def test_a_header_that_never_ends_says_nothing_about_a_patient(hostile: Path) -> None:
    from desktop.core.data.persons import patients_of_files

    paths = [str(hostile / "cats" / name) for name in ("loop.dcm", "cats0.png", "gone.dcm")]
    assert patients_of_files([*paths, None])[1:] == [None, None, None]


def test_what_needs_too_much_memory_is_refused_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_treachery(tmp_path, monkeypatch)
    Image.new("RGB", (8, 8)).save(tmp_path / "swelling.png")
    source = ImageSource.from_path(str(tmp_path / "swelling.png"))
    for ask in (lambda: show(source, 100), lambda: bring_in(source, PreprocessSpec(8, 8, "rgb", "stretch"))):
        with pytest.raises(DecodeError, match="MiB of memory") as caught:
            ask()
        assert caught.value.kind == "too-large" and caught.value.hint


def test_a_look_is_cancelled_while_a_picture_hangs(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_treachery(tmp_path, monkeypatch)
    shutil.copy(root / "cats" / "cats0.png", root / "dogs" / "stuck.png")
    since = time.monotonic()
    with pytest.raises(Interrupted):  # the picture would hang for 60 seconds
        inspect(root, near=False, cancelled=lambda: time.monotonic() - since > 4.0)


def test_a_file_that_ended_its_child_is_not_tried_again_until_it_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_treachery(tmp_path, monkeypatch)
    path = tmp_path / "deadly.png"
    Image.new("RGB", (8, 8)).save(path)
    source = ImageSource.from_path(str(path))
    for _ in range(2):
        with pytest.raises(DecodeError) as caught:
            show(source, 100)
        assert caught.value.kind == "decoder-crashed"
        workers.close_shared()
        monkeypatch.setenv("PYTHONPATH", str(ROOT))  # from now on the decoder is well
    Image.new("RGB", (9, 9)).save(path)
    os.utime(path, ns=(1, 1))
    assert show(source, 100).original_size == (9, 9)


@pytest.mark.skipif(os.name == "nt", reason="Ctrl-C")
@pytest.mark.parametrize("command", [["data", "inspect"], ["train", "--name", "x", "--data"]], ids=["inspect", "train"])
def test_the_first_ctrl_c_ends_a_command_while_a_picture_hangs(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    put_treachery(tmp_path, monkeypatch)
    shutil.copy(root / "cats" / "cats0.png", root / "cats" / "stuck.png")
    process = subprocess.Popen(
        [sys.executable, "-m", "desktop", *command, str(root)],
        cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        _children_at_work(process.pid)
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=50)  # the picture hangs for 60
    finally:
        process.kill()
    assert process.returncode == 130 and "Traceback" not in told


def _children_at_work(pid: int) -> None:
    """Wait until every child that opens pictures has done what it can: one hangs, the others wait."""
    import psutil

    quiet, end = 0, time.monotonic() + patient(60)
    while quiet < 10:
        assert time.monotonic() < end
        time.sleep(0.1)
        readers = [child for child in psutil.Process(pid).children() if "spawn_main" in " ".join(child.cmdline())]
        work = [sum(child.cpu_times()[:2]) for child in readers]
        quiet = quiet + 1 if readers and work == getattr(_children_at_work, "last", None) else 0
        _children_at_work.last = work  # type: ignore[attr-defined]
