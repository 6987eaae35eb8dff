"""What public sets and strangers' drives look like: what is left out, merged or asked about; addresses of layouts."""

from __future__ import annotations

import os
import pickle
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop.core.data import layouts
from desktop.core.data.dataset import ALL, DatasetError
from desktop.core.data.layouts import LayoutNeededError, address_of, split_address
from desktop.core.data.open_data import open_dataset
from desktop.core.pictures.decode import decode
from tests.core.data.strange_folders import kinds, picture, pictures, stop, table


def test_masks_beside_their_pictures_are_left_out_and_said(tmp_path: Path) -> None:
    for kind in ("benign", "normal"):
        pictures(tmp_path / kind, [f"{kind} ({n}){tail}.png" for n in range(4) for tail in ("", "_mask", "_mask_1")])
    picture(tmp_path / "normal" / "face_mask.png")  # of no picture there
    data = open_dataset(tmp_path, ALL)
    assert len(data) == 9 and "masks-left-out" in kinds(data)
    assert not any("_mask" in data.name(i) and "face" not in data.name(i) for i in range(9))
    assert len(open_dataset(f"{tmp_path}::folders", ALL)) == 25


def test_a_split_without_classes_is_not_read_as_a_class(tmp_path: Path) -> None:
    for kind in ("n01", "n02"):
        pictures(tmp_path / "train" / kind / "images", ["1.JPEG", "2.JPEG"])
    for split in ("val", "test"):
        pictures(tmp_path / split / "images", ["a.JPEG", "b.JPEG"])
    data = open_dataset(tmp_path, ALL)
    assert data.classes == ("n01", "n02") and data.splits == ("train",) and "beside-splits" in kinds(data)


def test_folders_that_only_wrap_others_are_looked_through(tmp_path: Path) -> None:
    for kind in ("a", "b"):
        pictures(tmp_path / "archive" / "dataset" / "data" / kind, ["1.jpg", "2.jpg"])
    data = open_dataset(tmp_path, ALL)
    assert data.classes == ("a", "b") and "inner-folder" in kinds(data)
    alone = tmp_path / "one"
    pictures(alone / "cats", ["1.jpg", "2.jpg"])
    assert open_dataset(alone, ALL).classes == ("cats",)


def test_a_table_that_contradicts_the_folders_stops_with_a_proposal(tmp_path: Path) -> None:
    names = [f"ISIC_{n:07}" for n in range(8)]
    for number, name in enumerate(names):
        picture(tmp_path / f"part_{1 + number // 4}" / f"{name}.jpg", number)
    rows = [[f"HAM_{n}", name, ("nv", "mel")[n % 2], "male"] for n, name in enumerate(names)]
    table(tmp_path / "HAM10000_metadata.csv", [["lesion_id", "image_id", "dx", "sex"], *rows])
    with pytest.raises(LayoutNeededError) as caught:
        open_dataset(tmp_path, ALL)
    assert "table:HAM10000_metadata.csv:image_id:dx" in caught.value.hint
    assert open_dataset(f"{tmp_path}::folders", ALL).classes == ("part_1", "part_2")
    assert open_dataset(f"{tmp_path}::table:HAM10000_metadata.csv:image_id:dx", ALL).classes == ("mel", "nv")


@pytest.mark.parametrize("heads", [("file", "label"), ("file", "sex")])
def test_a_table_that_agrees_with_the_folders_or_has_no_label_stops_nothing(
    tmp_path: Path, heads: tuple[str, str]
) -> None:
    rows: list[list[str]] = [list(heads)]
    for kind in ("a", "b"):
        for number in range(4):
            picture(tmp_path / kind / f"{kind}{number}.png", number)
            rows.append([f"{kind}/{kind}{number}.png", kind if heads[1] == "label" else ("m", "f")[number % 2]])
    table(tmp_path / "about.csv", rows)
    assert open_dataset(tmp_path, ALL).classes == ("a", "b")


def test_pictures_beside_an_empty_folder_have_their_classes_looked_for(tmp_path: Path) -> None:
    pictures(tmp_path / "images", [f"{breed}_{n}.jpg" for breed in ("Bengal", "beagle") for n in range(4)])
    (tmp_path / "annotations").mkdir()
    with pytest.raises(LayoutNeededError) as caught:
        open_dataset(tmp_path, ALL)
    assert "names:{label}_#" in caught.value.hint or "{label}_#" in str(caught.value)


def test_classes_in_the_one_folder_that_holds_pictures(tmp_path: Path) -> None:
    for breed in ("n01-Chihuahua", "n02-Beagle"):
        pictures(tmp_path / "Images" / breed, [f"{breed[:3]}_{n}.jpg" for n in range(3)])
        table(tmp_path / "Annotation" / breed / f"{breed[:3]}_0", [["<annotation>"]])
    data = open_dataset(tmp_path, ALL)
    assert data.classes == ("n01-Chihuahua", "n02-Beagle") and "inner-folder" in kinds(data)
    assert decode(data.source(5)).original_size == (6, 4) and data.root == str(tmp_path)


def test_pictures_to_be_answered_do_not_hide_the_labels_in_names(tmp_path: Path) -> None:
    pictures(tmp_path / "train", [f"{kind}.{n}.jpg" for kind in ("cat", "dog") for n in range(4)])
    pictures(tmp_path / "test1", [f"{n}.jpg" for n in range(4)])
    with pytest.raises(LayoutNeededError) as caught:
        open_dataset(tmp_path, ALL)
    assert "names:{label}.#" in caught.value.hint
    assert open_dataset(f"{tmp_path}::names:{{label}}.#", ALL).classes == ("cat", "dog")


def test_arrays_in_a_folder_are_named(tmp_path: Path) -> None:
    np.savez(tmp_path / "medmnist.npz", x=np.zeros((4, 8, 8), np.uint8), y=np.array([0, 1, 0, 1]))
    with pytest.raises(DatasetError) as caught:
        open_dataset(tmp_path, ALL)
    assert "'medmnist.npz'" in caught.value.hint


def test_a_spreadsheet_with_the_labels_is_named(tmp_path: Path) -> None:
    pictures(tmp_path, [f"{name}.png" for name in ("q", "x7", "ab")])
    (tmp_path / "labels.xlsx").write_bytes(b"PK")
    with pytest.raises(DatasetError) as caught:
        open_dataset(tmp_path, ALL)
    assert "'labels.xlsx' lies there" in caught.value.hint and "CSV" in caught.value.hint


def test_several_labels_in_a_cell_are_said(tmp_path: Path) -> None:
    pictures(tmp_path, [f"{n}.png" for n in range(6)])
    table(tmp_path / "t.csv", [["image", "label"], *([f"{n}.png", ("Mass", "Effusion|Mass")[n % 2]] for n in range(6))])
    data = open_dataset(f"{tmp_path}::table", ALL)
    assert "several-labels" in kinds(data) and len(data.classes) == 2


# Names of classes, clutter


def test_clutter_of_drives_and_bins_is_no_class(tmp_path: Path) -> None:
    for name in ("cats", "dogs"):
        pictures(tmp_path / name, ["1.png", "2.png"])
        pictures(tmp_path / name / "@eaDir" / "1.png", ["SYNOPHOTO_THUMB_XL.jpg"])
    for name in (
        "@eaDir",
        "#recycle",
        "lost+found",
        "@Recycle",
        "#snapshot",
        "System Volume Information",
        "$RECYCLE.BIN",
    ):
        pictures(tmp_path / name, ["1.png"])
    data = open_dataset(tmp_path, ALL)
    assert data.classes == ("cats", "dogs") and len(data) == 4


@pytest.mark.skipif(os.name == "nt", reason="Windows keeps such names apart by itself")
def test_names_that_look_the_same(tmp_path: Path) -> None:
    for name in ("caf\u00e9", unicodedata.normalize("NFD", "caf\u00e9"), "tea"):
        pictures(tmp_path / "accents" / name, [f"{len(name)}.png"])
    data = open_dataset(tmp_path / "accents", ALL)
    assert data.classes == ("caf\u00e9", "tea") and data.counts().tolist() == [2, 1] and "classes-merged" in kinds(data)
    for other in ("cats ", "Cats", "\uff43ats", "cats\u00a0", "c\u0430ts", "\u200bcats", "\u0421ATS"):
        folder = tmp_path / f"other {ord(other[0])} {len(other)}{ord(other[-1])}"
        for name in ("cats", other, "dogs"):
            pictures(folder / name, ["1.png"])
        assert "classes-look-alike" in kinds(open_dataset(folder, ALL), "stops-training"), other


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
def test_a_class_whose_name_is_no_text_is_to_be_renamed(tmp_path: Path) -> None:
    # A description of a model, a table or an export could not hold it.
    for odd in ("two\nlines", "\x1b[31mred", "b\udce9te"):
        folder = tmp_path / str(len(odd))
        for name in ("cats", odd):
            pictures(folder / name, ["1.png"])
        problems = [p for p in open_dataset(folder, ALL).problems if p.kind == "class-name-no-text"]
        assert [p.severity for p in problems] == ["stops-training"] and problems[0].message.isprintable()


def test_arrays_called_as_scikit_learn_does(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", X=np.zeros((4, 8, 8), np.uint8), y=np.array([0, 1, 0, 1]))
    np.savez(tmp_path / "b.npz", X_train=np.zeros((4, 8, 8), np.uint8), Y_train=np.array([0, 1, 0, 1]))
    assert len(open_dataset(tmp_path / "a.npz", ALL)) == len(open_dataset(tmp_path / "b.npz", ALL)) == 4


# Addresses


@given(st.text(min_size=1, max_size=20), st.text(min_size=1, max_size=20), st.text(min_size=1, max_size=20))
def test_layouts_come_back_as_they_were(file: str, name: str, label: str) -> None:
    layout = layouts.joined("table", file, name, label)
    assert layouts.parts_of(layout) == (file, name, label)
    assert split_address(address_of("/data/x", layout)) == ("/data/x", layout)
    assert "/" not in layout and split_address("/data/x") == ("/data/x", "") and split_address("a::b") == ("a::b", "")


def test_a_stop_crosses_a_pipe(tmp_path: Path) -> None:
    pictures(tmp_path / "d", [f"{k}.{i}.jpg" for k in ("cat", "dog") for i in range(4)])
    error = stop(tmp_path / "d")
    again = pickle.loads(pickle.dumps(error))
    assert (again.kind, again.message, again.hint, again.proposals) == (
        error.kind, error.message, error.hint, error.proposals,
    )  # fmt: skip
