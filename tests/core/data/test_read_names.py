"""Labels in the names of files."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from desktop.core.data import read_names
from desktop.core.data.dataset import ALL, DatasetError
from desktop.core.data.open_data import open_dataset
from tests.core.data.strange_folders import confirmed, labels, pictures, stop


@pytest.mark.parametrize(
    ("names", "pattern", "classes"),
    [
        ([f"{k}.{i}.jpg" for k in ("cat", "dog") for i in range(4)], "{label}.#", ("cat", "dog")),
        ([f"{k}_{i}.png" for k in ("Abyssinian", "american_bulldog") for i in range(4)], "{label}_#",
         ("Abyssinian", "american_bulldog")),
        ([f"{i:04}-{k}.png" for k in ("a", "b") for i in range(4)], "#-{label}", ("a", "b")),
        ([f"{k} ({i}).jpg" for k in ("glioma", "no tumor") for i in range(4)], "{label} (#)", ("glioma", "no tumor")),
        ([f"{k}_{w}.jpg" for k in ("rose", "lily") for w in ("red", "old", "big", "far")], "{label}_*",
         ("lily", "rose")),
    ],
)  # fmt: skip
def test_labels_in_file_names(names: list[str], pattern: str, classes: tuple[str, ...], tmp_path: Path) -> None:
    pictures(tmp_path / "data", names)
    error = stop(tmp_path / "data")
    assert f"'{pattern}'" in error.message
    data = confirmed(tmp_path / "data")
    assert data.classes == classes and data.counts().tolist() == [4, 4] and labels(data)


@pytest.mark.parametrize(
    "names", [["IMG_1.jpg", "IMG_2.jpg", "DSC_1.jpg"], ["1.jpg", "2.jpg"], ["a.jpg", "b.jpg", "c.jpg"]]
)
def test_names_that_say_nothing_propose_nothing(names: list[str], tmp_path: Path) -> None:
    pictures(tmp_path / "pictures", names)
    with pytest.raises(DatasetError) as caught:
        open_dataset(tmp_path / "pictures", ALL)
    assert caught.value.kind == "no-images" and "class folders" in caught.value.message


def test_names_below_splits(tmp_path: Path) -> None:
    for split in ("train", "test"):
        pictures(tmp_path / split, [f"{k}.{i}.png" for k in ("cat", "dog") for i in range(4)])
    data = confirmed(tmp_path)
    assert data.own_split("train") == "train" and data.own_split("test") == "test" and data.classes == ("cat", "dog")


def test_patterns_that_cannot_be_used_are_refused(tmp_path: Path) -> None:
    pictures(tmp_path, ["a_1.png"])
    for pattern in ("x_#", "{label}{label}", "{label}*****", "{label}" + "x" * 300):
        with pytest.raises(DatasetError) as caught:
            open_dataset(f"{tmp_path}::names:{pattern}", ALL)
        assert caught.value.kind in ("bad-layout", "no-images")


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=300), st.sampled_from(["{label}_#", "*_{label}_*", "#*{label}#"]))
def test_no_name_takes_for_ever(name: str, pattern: str) -> None:
    label = read_names.label_of(name, pattern)
    assert label is None or label in name
