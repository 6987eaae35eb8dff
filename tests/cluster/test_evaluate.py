"""``fovea evaluate --cluster`` on a real Ray: the result of one computer, kept request by request."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from desktop.store.store import ModelStore
from tests.cluster.conftest import Fovea, has_ray

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not has_ray(), reason="the extra 'cluster' is not installed")]


def test_the_figures_are_those_of_one_computer_and_are_found_again(
    two_nodes: Any, store: ModelStore, pictures: Path, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    for number, picture in enumerate(sorted(pictures.iterdir())):
        folder = data / ("red", "green", "blue")[number % 3]
        folder.mkdir(parents=True, exist_ok=True)
        picture.rename(folder / picture.name)
    fovea, kept = Fovea(two_nodes.environment), tmp_path / "kept"
    asked = ["evaluate", "--cluster", two_nodes.address, "--model", "colours", "--csv"]
    first = fovea.run(
        *asked, str(tmp_path / "1.csv"), "--out", str(kept), "--json", str(tmp_path / "1.json"), str(data)
    )
    assert first[0] == 1, first[2]  # two are damaged
    answers = sorted(path.name for path in kept.glob("*.arrow"))
    assert answers
    stamps = [path.stat().st_mtime_ns for path in sorted(kept.glob("*.arrow"))]
    again = fovea.run(*asked, str(tmp_path / "2.csv"), "--resume", str(kept), str(data))
    assert again[0] == 1, again[2]
    assert [path.stat().st_mtime_ns for path in sorted(kept.glob("*.arrow"))] == stamps  # nothing was asked anew
    mine = fovea.run("evaluate", "--model", "colours", "--csv", str(tmp_path / "3.csv"), str(data))
    assert mine[0] == 1
    tables = [list(csv.reader((tmp_path / f"{n}.csv").open(encoding="utf-8"))) for n in (1, 2, 3)]
    assert tables[0] == tables[1] == tables[2]
