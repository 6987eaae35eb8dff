"""The nearest training pictures: kept apart from the model, found again, never outside of the data's folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from desktop.core.trust.neighbours import Neighbour, Neighbours, directions, place, write
from tests.core.trust.test_domain import gate

SHA = "ab" * 32


@pytest.fixture
def data(tmp_path: Path, fovea_home: Path) -> Path:
    root = tmp_path / "data"
    for name in ("cats/Ünï.png", "dogs/b.png"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x")
    (tmp_path / "secret.png").write_bytes(b"x")
    return root


def rows() -> np.ndarray:
    found = np.full((4, 17), 0.5)
    found[:, 0] += [1.0, -1.0, 1.0, 0.0]
    found[:, 1] += [0.0, 0.1, 1.0, 1.0]
    return found


def test_the_nearest_come_first_with_their_files(data: Path) -> None:
    names = ["cats/Ünï.png", "dogs/b.png", "../secret.png", "dogs/gone.png"]
    write(SHA, directions(gate(), rows()), names, np.array([0, 1, 0, 1]), str(data))
    held = Neighbours.read(SHA)
    assert held is not None
    found = held.nearest(gate(), rows()[0] + 0.01)
    assert found[0] == Neighbour("cats/Ünï.png", 0, str(data / "cats/Ünï.png"))
    # A name that leads out of the folder, or to nothing, is told without a file.
    assert {n.name: n.path for n in found}["../secret.png"] is None
    assert [n.path for n in held.nearest(gate(), rows()[3]) if n.name == "dogs/gone.png"] == [None]


def test_a_list_that_is_not_there_or_damaged_is_none(data: Path) -> None:
    assert Neighbours.read(SHA) is None
    write(SHA, directions(gate(), rows()), ["a"] * 4, np.zeros(4), str(data))
    place(SHA).write_bytes(place(SHA).read_bytes()[:200])
    assert Neighbours.read(SHA) is None


def test_another_networks_list_gives_nothing(data: Path) -> None:
    write(SHA, np.ones((4, 9), np.float16), ["a"] * 4, np.zeros(4), str(data))
    held = Neighbours.read(SHA)
    assert held is not None and held.nearest(gate(), rows()[0]) == ()
