"""Data for finding things in pictures, rather than for telling whole pictures apart: a classifier has no use for where
things are, and says so."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from desktop.core.data.dataset import DatasetProblem
from desktop.system.words import phrase

_COCO = re.compile(r"_annotations\.coco\.json|instances_\w+\.json|_annotations\.csv|_darknet\.labels", re.IGNORECASE)
_DEEPEST = 3
_MOST = 2_000  # entries that are looked at, in all


def boxes(root: Path) -> list[DatasetProblem]:
    """One finding where files below ``root`` draw boxes or outlines: COCO's and Roboflow's by their names, YOLO's texts
    in ``labels`` beside ``images``, Pascal VOC's in ``Annotations``; none where there are no such files."""
    found = next(_found(root), "")
    if not found:
        return []
    text = phrase(
        "files that say where in the pictures things are ('{name}') were found: Fovea learns one class for a whole "
        "picture and does not read them",
        name=found,
    )
    return [DatasetProblem("boxes", text, "caution", found)]


def _found(root: Path) -> Iterator[str]:
    seen = 0
    waiting = [(root, 0)]
    while waiting and seen < _MOST:
        folder, depth = waiting.pop(0)
        try:
            with os.scandir(folder) as entries:
                held = [entry for entry, _ in zip(entries, range(_MOST - seen), strict=False)]
        except OSError:
            continue
        seen += len(held)
        folders = {entry.name.lower(): entry.name for entry in held if entry.is_dir(follow_symlinks=False)}
        yield from (entry.name for entry in held if _COCO.fullmatch(entry.name))
        for kind, beside, suffix in (("labels", "images", ".txt"), ("annotations", "jpegimages", ".xml")):
            if kind in folders and beside in folders and _holds(folder / folders[kind], suffix):
                yield folders[kind]
        if depth < _DEEPEST:
            waiting += [(folder / name, depth + 1) for name in sorted(folders.values())]


def _holds(folder: Path, suffix: str) -> bool:
    """Whether a file with ``suffix`` lies in ``folder`` or right below it."""
    for place in (folder, *(item for item in sorted(folder.iterdir())[:8] if item.is_dir())):
        with os.scandir(place) as entries:
            if any(entry.name.lower().endswith(suffix) for entry, _ in zip(entries, range(_MOST), strict=False)):
                return True
    return False
