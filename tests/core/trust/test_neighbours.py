"""The nearest training pictures: kept apart from the model, found again, never outside of the data's folder."""

from __future__ import annotations

from dataclasses import replace
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


def test_directions_are_unit_vectors_in_the_space_of_the_gates_distances() -> None:
    held = gate()
    z = np.clip((rows() - held.shift) / held.scale, -8, 8) @ held.axes @ held.within
    found = directions(held, rows())
    assert found.dtype == np.float16 and found.shape == z.shape
    np.testing.assert_allclose(found, z / np.linalg.norm(z, axis=1, keepdims=True), atol=1e-3)
    far = rows() + 1e6 * np.sign(rows() - held.shift + 1e-3)
    nearer = held.shift + np.clip(far - held.shift, -9 * held.scale, 9 * held.scale)
    np.testing.assert_array_equal(directions(held, far), directions(held, nearer))  # what is farther counts as 8
    assert not directions(held, held.shift[np.newaxis]).any()  # nowhere: no direction, and no number that is none


def test_three_are_shown_and_a_list_that_contradicts_itself_none(data: Path) -> None:
    vectors = directions(gate(), rows())
    write(SHA, vectors, list("abcd"), np.arange(4), str(data))
    held = Neighbours.read(SHA)
    assert held is not None and len(held.nearest(gate(), rows()[1])) == 3
    assert held.nearest(gate(), rows()[1])[0].label == 1
    for names, labels, found in ((list("abc"), np.arange(4), vectors), (list("abcd"), np.arange(3), vectors),
                                 (list("abcd"), np.arange(4), vectors[:, 0])):  # fmt: skip
        write(SHA, found, names, labels, str(data))
        assert Neighbours.read(SHA) is None
    write(SHA, np.zeros((100_001, 1), np.float16), [""] * 100_001, np.zeros(100_001), str(data))
    assert Neighbours.read(SHA) is None
    write(SHA, np.zeros((100_000, 1), np.float16), [""] * 100_000, np.zeros(100_000), str(data))
    assert Neighbours.read(SHA) is not None


def test_a_list_lies_in_the_users_own_folder_by_the_networks_checksum(fovea_home: Path) -> None:
    assert place("0123456789abcdef" * 4).name == "0123456789abcdef0123456789abcdef.npz"
    assert place(SHA).is_relative_to(fovea_home) and place(SHA).parent.name == "neighbours"


def test_directions_are_of_standardised_features() -> None:
    held = replace(gate(), scale=np.linspace(0.5, 4, 17))
    z = np.clip((rows() - held.shift) / held.scale, -8, 8) @ held.axes @ held.within
    np.testing.assert_allclose(directions(held, rows()), z / np.linalg.norm(z, axis=1, keepdims=True), atol=1e-3)


def test_a_list_is_kept_where_no_folder_is_yet_and_one_with_objects_is_not_read(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOVEA_HOME", str(tmp_path / "new" / "home"))
    vectors = directions(gate(), rows())
    for _ in range(2):  # the second time the folder is there
        write(SHA, vectors, list("abcd"), np.arange(4), str(data))
        assert Neighbours.read(SHA) is not None
    np.savez(  # an array of objects is a pickle: reading it would run what somebody wrote into it
        place(SHA), vectors=vectors, names=np.array(list("abcd"), object), labels=np.arange(4), root=np.array("x")
    )
    assert Neighbours.read(SHA) is None
