"""Splits under all their names; what is doubtful stops."""

from __future__ import annotations

from pathlib import Path

import pytest

from desktop.core.data.dataset import ALL
from desktop.core.data.open_data import open_dataset
from desktop.core.data.split_names import part_of, parts_of
from desktop.core.pictures.decode import decode
from tests.core.data.strange_folders import kinds, picture, pictures


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("train", "train"), ("Training", "train"), ("train_set", "train"), ("training_set", "train"),
        ("TrainImages", "train"), ("trainset", "train"), ("train2017", "train"), ("val", "validation"),
        ("Valid", "validation"), ("validation-data", "validation"), ("dev", "validation"), ("test", "test"),
        ("test_set", "test"), ("testing images", "test"), ("holdout", "test"), ("cats", None), ("train_val", None),
        ("trainers", None), ("steam train", None), ("contest", None), ("", None),
    ],
)  # fmt: skip
def test_what_a_folder_is_called(name: str, part: str | None) -> None:
    assert part_of(name) == part


def test_brothers_say_what_one_alone_does_not() -> None:
    assert parts_of(["seg_train", "seg_test", "seg_pred"]) == {"seg_train": "train", "seg_test": "test"}
    assert parts_of(["asl_alphabet_train", "asl_alphabet_test"]).keys() == {"asl_alphabet_train", "asl_alphabet_test"}
    assert parts_of(["seg_train", "cats"]) == {}


@pytest.mark.parametrize(
    ("train", "test"),
    [("train", "test"), ("train_set", "test_set"), ("training_set", "test_set"), ("seg_train", "seg_test"),
     ("training_set/training_set", "test_set/test_set"), ("seg_train/seg_train", "seg_test/seg_test")],
)  # fmt: skip
@pytest.mark.parametrize("stray", [False, True])
def test_splits_under_their_many_names(train: str, test: str, stray: bool, tmp_path: Path) -> None:
    for split in (train, test):
        for name in ("cats", "dogs", "owls"):
            pictures(tmp_path / split / name, ["1.png", "2.png"])
    if stray:
        picture(tmp_path / train / "stray.png")
    data = open_dataset(tmp_path, ALL)
    assert data.classes == ("cats", "dogs", "owls") and len(data) == 12
    assert data.own_split("train") == train.partition("/")[0] and data.own_split("test") == test.partition("/")[0]
    assert not kinds(data, "stops-training") and ("unlabelled" in kinds(data)) == stray
    assert len(open_dataset(tmp_path, data.own_split("train"))) == 6
    assert {data.split_of(i) for i in range(12)} == set(data.splits)
    assert all(decode(item.source).pixels.any() for item in data.items)


def test_a_stray_picture_does_not_make_it_learn_from_the_test_set(tmp_path: Path) -> None:
    for split in ("train", "valid", "test"):
        for name in ("cats", "dogs", "owls"):
            pictures(tmp_path / split / name, ["1.png", "2.png"])
    picture(tmp_path / "train" / "cover.jpg")
    data = open_dataset(tmp_path, ALL)
    assert [data.own_split(part) for part in ("train", "validation", "test")] == ["train", "valid", "test"]


def test_two_splits_for_one_purpose_stop(tmp_path: Path) -> None:
    for split in ("train", "val", "valid"):
        pictures(tmp_path / split / "cats", ["1.png"])
        pictures(tmp_path / split / "dogs", ["1.png"])
    data = open_dataset(tmp_path, ALL)
    assert "splits-alike" in kinds(data, "stops-training")
    assert any("'val', 'valid'" in problem.message for problem in data.problems)


def test_flat_splits_are_no_classes(tmp_path: Path) -> None:
    pictures(tmp_path / "train", ["a.png", "b.png"])
    pictures(tmp_path / "test", ["c.png"])
    data = open_dataset(tmp_path, ALL)
    assert "classes-like-splits" in kinds(data, "stops-training")
    plain = open_dataset(f"{tmp_path}::folders", ALL)
    assert plain.classes == ("test", "train") and "classes-like-splits" not in kinds(plain)


def test_a_class_may_be_called_train_once_that_is_confirmed(tmp_path: Path) -> None:
    for name in ("train", "car", "bus"):
        pictures(tmp_path / name, ["1.png", "2.png"])
    pictures(tmp_path / "train" / "steam", ["3.png"])
    assert "classes-like-splits" in kinds(open_dataset(tmp_path, ALL), "stops-training")
    data = open_dataset(f"{tmp_path}::folders", ALL)
    assert (
        data.classes == ("bus", "car", "train")
        and not kinds(data, "stops-training")
        and data.root.endswith("::folders")
    )


def test_classes_that_hold_the_same_folders_stop(tmp_path: Path) -> None:
    for name in ("covid", "normal"):
        pictures(tmp_path / "masks beside" / name / "images", ["1.png"])
        pictures(tmp_path / "masks beside" / name / "masks", ["1.png"])
        pictures(tmp_path / "splits below" / name / "train", ["1.png"])
        pictures(tmp_path / "people below" / name / "patient_1", ["1.png"])
        pictures(tmp_path / "people below" / name / "patient_2", ["1.png"])
        pictures(tmp_path / "one wrapping" / name / "images", ["1.png"])
    for folder, stops in (
        ("masks beside", True),
        ("splits below", True),
        ("people below", False),
        ("one wrapping", False),
    ):
        data = open_dataset(tmp_path / folder, ALL)
        assert ("classes-hold-the-same" in kinds(data, "stops-training")) == stops, folder
