"""Real photographs that come with the libraries in use, each with its licence beside it: found, never copied."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Photograph:
    """One photograph: where it lies on this computer, and whose it is, in words that may be passed on."""

    path: Path
    origin: str


def photographs() -> list[Photograph]:
    """china.jpg and flower.jpg of scikit-learn (its datasets/images/README.txt names author and licence).

    Found without importing it, which would take a second; empty where an edition comes without them.
    """
    try:
        spec = find_spec("sklearn")
    except (ImportError, ValueError):
        return []
    if spec is None or spec.origin is None:
        return []
    folder = Path(spec.origin).parent / "datasets" / "images"
    return [
        Photograph(folder / name, f"{name} of scikit-learn (Creative Commons Attribution 2.0)")
        for name in ("china.jpg", "flower.jpg")
        if (folder / name).is_file()
    ]
