"""A real cluster for the tests: Ray's own processes, two nodes of one core each on this computer."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from desktop.store.store import ModelStore
from tests.patience import patient
from tests.pets import paint_pets
from tests.store.makers import add_colours

ROOT = Path(__file__).resolve().parent.parent.parent


@dataclass
class Fovea:
    """The command line as a process of its own, with the environment of a cluster."""

    environment: dict[str, str]

    def begin(self, *arguments: str) -> subprocess.Popen[str]:
        """Start a command."""
        return subprocess.Popen(
            [sys.executable, "-m", "desktop", *arguments],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), **self.environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str) -> tuple[int, str, str]:
        """A command's exit status and what it said on either stream."""
        process = self.begin(*arguments)
        out, err = process.communicate(timeout=patient(300))
        return process.returncode, out, err


@pytest.fixture
def store(fovea_home: Path) -> ModelStore:
    """A store with a tiny network, which also the nodes' processes see."""
    store = ModelStore(user=fovea_home / "models")
    add_colours(store)
    return store


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A folder of 300 small pictures, two of them damaged."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    rng = np.random.default_rng(20)
    for number in range(300):
        pixels = rng.integers(0, 256, (9, 11, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"{number:03d}.png")
    (folder / "017.png").write_bytes(b"\x89PNG\r\n\x1a\nno more")
    (folder / "200.png").write_bytes(b"")
    return folder


def lines_of(out: str) -> list[dict[str, Any]]:
    """JSON lines without what no two runs share."""
    found = [json.loads(line) for line in out.splitlines()]
    for line in found:
        line.pop("elapsed_ms", None)
    return found


def has_ray() -> bool:
    """Whether the extra 'cluster' is installed."""
    return all(importlib.util.find_spec(name) is not None for name in ("ray", "pyarrow"))


@pytest.fixture
def two_nodes(store: ModelStore) -> Iterator[Any]:
    """Two nodes of one core each."""
    from benchmarks.cluster_nodes import Nodes

    with Nodes(1, 1, environment={"PYTHONPATH": str(ROOT)}) as nodes:
        yield nodes


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    """Small pictures of two classes."""
    return paint_pets(tmp_path, 8)
