"""Every bundled model on real pictures: its answers are plain Keras' on the prepared arrays."""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from desktop import paths
from desktop.core.data.dataset import LabelledDataset
from desktop.core.data.label_map import LabelMap
from desktop.core.data.open_data import open_dataset
from desktop.core.pictures.decode import decode
from desktop.core.pictures.preprocess import prepare
from desktop.engine.client import EngineClient
from desktop.engine.evaluation import evaluate
from desktop.store.store import ModelEntry, ModelStore
from tests.patience import patient

_COUNT = 48
_CLOSE = 1e-5

# In a child: TensorFlow takes seconds and half a gigabyte, and its threads must not meet the engine's.
_KERAS = """
import sys, numpy as np, keras
model = keras.models.load_model(sys.argv[1], compile=False)
answer = model.predict(np.load(sys.argv[2]), verbose=0)
if isinstance(answer, dict):
    answer = answer["probabilities"]
np.save(sys.argv[3], answer[0] if isinstance(answer, (list, tuple)) else answer)
"""


def _with_keras() -> list[ModelEntry]:
    entries = ModelStore(paths.bundled_models(), Path("/nowhere")).entries()
    return [e for e in entries if e.state == "ready" and e.manifest and "model.keras" in e.manifest.files]


_PACKED = {"cifar10": "cifar10-jpeg.tar.gz", "chest_xray": "chest-xray-224.tar.gz", "cats_dogs": "cats-dogs-160.tar.gz"}


def _unpacked(shared: Path, name: str, scratch: Path) -> Path | None:
    """The folder of a set, of which a few train pictures are unpacked where only the archive is here."""
    if (shared / name).is_dir():
        return shared / name
    if not (shared / _PACKED[name]).is_file():
        return None
    with tarfile.open(shared / _PACKED[name]) as archive:
        taken: Counter[str] = Counter()
        for member in archive:
            parts = member.name.removeprefix("./").split("/")
            if member.isfile() and parts[1:2] == ["train"] and taken[parts[2]] < _COUNT:
                taken[parts[2]] += 1
                archive.extract(member, scratch, filter="data")
    return scratch / name


def _real(entry: ModelEntry, shared: Path, scratch: Path) -> LabelledDataset | None:
    """Train pictures of the kind that a model is for; any real pictures do for the others."""
    assert entry.manifest is not None
    spec = entry.manifest.preprocess
    if spec.fit == "mnist":
        return open_dataset(shared / "mnist.npz", "train") if (shared / "mnist.npz").is_file() else None
    if spec.colour == "grey":
        wanted = ("chest_xray", "cats_dogs")
    else:
        wanted = ("cifar10", "cats_dogs") if spec.height <= 64 else ("cats_dogs", "cifar10")
    for name in wanted:
        folder = _unpacked(shared, name, scratch)
        if folder is not None:
            return open_dataset(folder, "train")
    return None


@pytest.mark.slow
@pytest.mark.parametrize("entry", _with_keras(), ids=lambda entry: entry.id)
def test_answers_are_keras_own(entry: ModelEntry, shared_data: Path, tmp_path: Path) -> None:
    data = _real(entry, shared_data, tmp_path)
    if data is None:
        pytest.skip("FOVEA_DATA holds no pictures of this model's kind")
    assert entry.manifest is not None
    data = data.take(np.linspace(0, len(data) - 1, _COUNT).astype(int))
    spec = entry.manifest.preprocess
    prepared = [prepare(decode(item.source), spec).pixels for item in data.items]
    np.save(tmp_path / "in.npy", np.stack(prepared))
    arguments = [str(entry.folder / "model.keras"), str(tmp_path / "in.npy"), str(tmp_path / "out.npy")]
    done = subprocess.run(
        [sys.executable, "-c", _KERAS, *arguments], capture_output=True, text=True, timeout=patient(100)
    )
    assert done.returncode == 0, done.stderr[-2000:]
    labels = LabelMap(tuple(i % len(entry.manifest.labels) for i in range(len(data.classes))))
    with EngineClient() as client:
        result = evaluate(client, entry, data, labels)
    assert not result.skipped, json.dumps([s.message for s in result.skipped])
    np.testing.assert_allclose(result.scores, np.load(tmp_path / "out.npy"), atol=_CLOSE)
