"""Running the command line as its users do: a child process with its own streams."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tests.patience import patient

ROOT = Path(__file__).resolve().parents[2]
SHADES = {"red": (220, 20, 10), "green": (10, 200, 30), "blue": (5, 25, 230)}


def command(*arguments: str | os.PathLike[str]) -> list[str]:
    return [sys.executable, "-m", "desktop", *map(os.fspath, arguments)]


def fovea(
    *arguments: str | os.PathLike[str], timeout: float = 100, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run ``fovea ARGUMENTS`` to its end."""
    return subprocess.run(
        command(*arguments),
        cwd=ROOT,
        env={**os.environ, "PYTHONIOENCODING": "utf-8", **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="surrogateescape",
        timeout=patient(timeout),
    )


def lines(text: str) -> list[dict[str, Any]]:
    """JSON lines, each an object."""
    return [json.loads(line) for line in text.splitlines()]


def paint(path: Path, shade: str = "red", size: tuple[int, int] = (40, 30)) -> Path:
    """A picture of one colour that the test network tells from the two others."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, SHADES[shade]).save(path)
    return path


def noise(path: Path, seed: int = 0, size: tuple[int, int] = (64, 48)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(seed).integers(0, 255, (size[1], size[0], 3), np.uint8)).save(path)
    return path
