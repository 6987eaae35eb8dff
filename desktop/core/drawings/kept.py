"""Which folders hold drawings that the user kept in the Draw view, and what their classes are called."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import unquote

from desktop import paths


def are_own(path: str) -> bool:
    """Whether the data at ``path`` are drawings that were kept here."""
    root = os.path.realpath(paths.user_data() / "drawings")
    return bool(path) and Path(os.path.realpath(path)).parent == Path(root)


def labels_of(folders: Sequence[str]) -> tuple[str, ...]:
    """The labels whose drawings lie in ``folders``, whose names are coded; the folders' names where two would read
    alike."""
    labels = tuple(unquote(name) for name in folders)
    return labels if len(set(labels)) == len(labels) else tuple(folders)
