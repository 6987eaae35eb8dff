"""The same training under TensorFlow and under PyTorch, each in a process of its own."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from desktop.ml.convert.export_litert import convert
from desktop.ml.convert.litert import LiteRT
from desktop.ml.nets import backend
from tests.ml.training.test_loop import pictures
from tests.patience import patient

ROOT = Path(__file__).resolve().parents[3]


def train_under(name: str, folder: Path) -> dict[str, Any]:
    folder.mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "tests.ml.nets.backend_child", str(folder)],
        cwd=ROOT,
        env={**os.environ, "FOVEA_BACKEND": name},
        capture_output=True,
        text=True,
        timeout=patient(240),
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.parametrize(
    ("place", "cpu"),
    [
        ("cpu", True),
        ("cpu:0", True),
        ("tfrt_cpu_0", True),
        ("/job:localhost/replica:0/task:0/device:cpu:0", True),
        ("cuda:0", False),
        ("mps:0", False),
        ("/job:localhost/replica:0/task:0/device:gpu:0", False),
    ],
)
def test_a_back_end_s_word_for_where_it_computes_is_understood(place: str, cpu: bool) -> None:
    assert backend.is_cpu(place) is cpu


@pytest.mark.timeout(300)
@pytest.mark.slow  # quick with TensorFlow's alone: tests/ml/training, test_export.py
@pytest.mark.parametrize("name", ["tensorflow", "torch", "jax"])
def test_a_small_net_trains_resumes_and_is_exported(name: str, tmp_path: Path) -> None:
    if importlib.util.find_spec(name) is None:
        pytest.skip(f"{name} is not installed; docs/gpu.md says how to get it")
    told = train_under(name, tmp_path / name)
    assert told["backend"] == name and told["device"]
    assert told["losses"][-1] < told["losses"][0]
    assert told["resume_gap"] <= 1e-6
    # The file is converted by TensorFlow, whichever library trained it, and answers alike.
    convert(tmp_path / name / "model.keras", tmp_path / "model.tflite")
    lite = LiteRT(tmp_path / "model.tflite")
    images = pictures(12, 1).images[:4]
    scores = np.array(told["scores"])
    found = next(part for part in lite.run(images) if part.shape == scores.shape and np.allclose(part.sum(axis=1), 1))
    np.testing.assert_allclose(found, scores, atol=1e-5)
