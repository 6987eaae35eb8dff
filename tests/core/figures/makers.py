"""Labelled pictures of three colours for the test network, and a model store that holds it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from desktop.core.data.dataset import BrokenEntry
from desktop.core.figures.decision import answers_of
from desktop.core.figures.result import DataFacts, EvaluationResult, ModelFacts
from desktop.store.store import ModelStore
from tests.store.makers import add_colours

SHADES = {"red": (220, 20, 10), "green": (10, 200, 30), "blue": (5, 25, 230)}


def store(tmp_path: Path, **changes: Any) -> ModelStore:
    """A store in a folder of its own with the colours network in it."""
    made = ModelStore(tmp_path / "bundled", tmp_path / "models")
    add_colours(made, **changes)
    return made


def paint(path: Path, shade: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (12, 10), SHADES[shade]).save(path)
    return path


def shades(root: Path, each: int = 5) -> Path:
    """Class folders red, green, blue; one red picture lies in blue, and one file of green is no picture."""
    for name in SHADES:
        for number in range(each):
            paint(root / name / f"{number}.png", name)
    paint(root / "blue" / "really red.png", "red")
    (root / "green" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nno more")
    return root


def made_up(
    truth: np.ndarray,
    scores: np.ndarray,
    labels: tuple[str, ...] = ("Normal", "Pneumonia"),
    threshold: float | None = None,
    skipped: tuple[BrokenEntry, ...] = (),
    **changes: Any,
) -> EvaluationResult:
    """A result as an evaluation gives it, from ``truth`` and ``scores``."""
    n, positive = len(truth), 1 if len(labels) == 2 else None
    card = {"summary": "Tells.", "intended_use": "Tests.", "limits": ["Knows little."], "metrics": []}
    model = ModelFacts(
        "tester", changes.pop("model_name", "Tester"), 1, "ab" * 32, labels, positive, threshold, "",
        "model score", changes.pop("medical", False), card,
    )  # fmt: skip
    data = DataFacts(
        changes.pop("title", "some data"), "test", "cd" * 32, labels, {label: label for label in labels}, "folders",
        "/nowhere", private=changes.pop("private", ()),
    )  # fmt: skip
    groups = changes.pop("groups", None)
    names = changes.pop("names", tuple(f"{labels[int(t)]}/{i}.png" for i, t in enumerate(truth)))
    wide = scores.astype(np.float32)
    return EvaluationResult(
        model, data, names, np.arange(n), truth.astype(np.int32), answers_of(wide, positive, threshold), wide, skipped,
        True, 1.5, "2026-01-02T03:04:05+00:00", "CPU", {"litert": "2"}, groups,
    )  # fmt: skip


def two_classes(n: int = 80, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Truth (n,) and scores (n, 2) of a fair classifier."""
    rng = np.random.default_rng(seed)
    truth = (rng.random(n) < 0.6).astype(np.int32)
    score = np.clip(rng.normal(0.35 + 0.3 * truth, 0.2), 0.001, 0.999).astype(np.float32)
    return truth, np.stack([1 - score, score], axis=1)
