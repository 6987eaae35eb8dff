"""Rows of the list of faults that are tried from end to end: TIFF and WebP in class folders, nested DICOM, many files,
another back end in the user's own Keras settings, a wall clock that moves."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image

from desktop.core.data.inspection import inspect
from desktop.core.pictures.decode_in_child import show
from desktop.core.types import DecodeError, ImageSource
from desktop.ml.data.own_data import OwnData
from tests.core.makers import dicom_bytes
from tests.ml.data.test_own_data import make_plan

ROOT = Path(__file__).parents[2]


def test_tiff_and_webp_in_class_folders_are_looked_at_and_learned_from(tmp_path: Path) -> None:
    rng = np.random.default_rng(12)
    for name in ("cats", "dogs"):
        (tmp_path / name).mkdir()
        for number in range(12):
            kind = ("tif", "webp", "tiff", "png")[number % 4]
            pixels = rng.integers(0, 256, (20, 20, 3), np.uint8)
            Image.fromarray(pixels).save(tmp_path / name / f"{name}{number}.{kind}")
    found = inspect(tmp_path, near=False)
    assert found.total == 24 and found.broken == ()
    assert found.formats == {"TIFF": 12, "WEBP": 6, "PNG": 6}
    data = OwnData(make_plan(tmp_path))
    assert len(data.train) + len(data.validation) == 24 and data.set_aside == ()


def test_a_dicom_of_500_nested_sequences_is_refused_cleanly(tmp_path: Path) -> None:
    from pydicom.dataset import Dataset
    from pydicom.sequence import Sequence

    inner = Dataset()
    for _ in range(500):
        outer = Dataset()
        outer.ReferencedSeriesSequence = Sequence([inner])
        inner = outer
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(50_000)  # for writing it
    try:
        content = dicom_bytes(np.zeros((4, 4), np.uint8), ReferencedSeriesSequence=Sequence([inner]))
    finally:
        sys.setrecursionlimit(limit)
    path = tmp_path / "deep.dcm"
    path.write_bytes(content)
    try:
        assert show(ImageSource.from_path(str(path)), 64).original_size == (4, 4)
    except DecodeError as error:
        assert error.kind.startswith("dicom") and error.message


def test_keras_own_settings_of_the_user_are_not_obeyed(tmp_path: Path) -> None:
    folder = tmp_path / ".keras"
    folder.mkdir()
    told = {"backend": "torch", "image_data_format": "channels_first", "floatx": "float16", "epsilon": 1e-3}
    (folder / "keras.json").write_text(json.dumps(told))
    code = (
        "from desktop.ml.nets import backend\n"
        "backend.select()\n"
        "import keras\n"
        "print(keras.backend.backend(), keras.config.image_data_format(), keras.config.floatx())\n"
    )
    environment = os.environ | {"HOME": str(tmp_path), "USERPROFILE": str(tmp_path), "PYTHONPATH": str(ROOT)}
    environment.pop("KERAS_HOME", None)
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.split()[-3:] == ["tensorflow", "channels_last", "float32"]


@pytest.mark.slow
def test_100_000_real_files_are_walked_in_portions_with_little_memory(tmp_path: Path) -> None:
    from desktop.core.pictures.formats import SUPPORTED_SUFFIXES
    from desktop.core.pictures.walk import walk_images

    for number in range(100):
        folder = tmp_path / f"{number:03}"
        folder.mkdir()
        for each in range(1000):
            (folder / f"{each:04}.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    process = psutil.Process()
    before, count, most = process.memory_info().rss, 0, 0
    for count, _ in enumerate(walk_images([str(tmp_path)], SUPPORTED_SUFFIXES), 1):
        if count % 10_000 == 0:
            most = max(most, process.memory_info().rss)
    assert count == 100_000 and most - before < 64 << 20


def test_a_clock_that_moves_and_a_night_asleep_leave_a_training_its_times(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clock on the wall goes back an hour at every look; the steady one goes on by a night inside an epoch."""
    import time

    pytest.importorskip("keras")
    from desktop.ml.plans.events import EpochDone, Event, TrainBatchDone
    from desktop.ml.training import train
    from desktop.ml.training.recorder import Recorder
    from desktop.store.runs import RunStore
    from tests.ml.training.test_loop import pictures, small_plan

    store = RunStore(tmp_path / "runs")
    steady, slept, back = time.monotonic, [0.0], [0.0]

    def wall() -> float:
        back[0] += 3600.0
        return 1.8e9 - back[0]

    monkeypatch.setattr(time, "time", wall)
    monkeypatch.setattr(time, "monotonic", lambda: steady() + slept[0])
    told: list[Event] = []

    def listen(event: Event) -> None:
        told.append(event)
        if isinstance(event, TrainBatchDone) and not slept[0]:
            slept[0] = 8 * 3600.0

    plan = small_plan(epochs=3)
    folder = store.folder(store.create(plan, "clock").id)
    recorder = Recorder(folder, listen)
    try:
        trained = train.run(plan, pictures(96), pictures(24, 1), folder, recorder)
    finally:
        recorder.close()
    assert trained.complete and len(trained.history) == 3
    done = [event for event in told if isinstance(event, EpochDone)]
    assert all(0 <= event.seconds < 9 * 3600 and event.left_s >= 0 and event.images_per_s > 0 for event in done)
    assert sum(event.seconds > 3600 for event in done) <= 1  # the night is in one epoch alone
    (record,) = store.list()
    assert record.epochs_done == 3 and 0 <= record.seconds < 9 * 3600 and record.created
