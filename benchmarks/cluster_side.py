"""One engine of one core without Ray, for ``benchmarks.cluster``: every N-th picture of a folder, pictures a second."""

from __future__ import annotations

import json
import sys
import time
from contextlib import closing
from pathlib import Path

from desktop.app.answers import answers
from desktop.core.pictures.formats import SUPPORTED_SUFFIXES
from desktop.core.pictures.walk import walk_images
from desktop.engine.client import EngineClient


def main(model: str, folder: str, side: str, sides: str) -> None:
    """Answer them; times count between the first tenth and the last."""
    items = list(walk_images([Path(folder)], SUPPORTED_SUFFIXES))[int(side) :: int(sides)]
    marks: list[float] = []
    with EngineClient(threads=1) as engine, closing(answers(engine, model, items, advised=True)) as stream:
        for _ in stream:
            marks.append(time.perf_counter())
    first, last = len(marks) // 10, len(marks) * 9 // 10
    print(json.dumps({"rate": (last - first) / (marks[last] - marks[first])}))


if __name__ == "__main__":
    main(*sys.argv[1:])
