"""Strangers' folders: labels in tables, in names, in archives; splits under all their names; what is doubtful stops."""

from __future__ import annotations

import csv
import io
import json
import os
import pickle
import tarfile
import unicodedata
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from desktop import paths
from desktop.core.data import layouts, parquet, read_names, unpack
from desktop.core.data.dataset import ALL, DatasetError, LabelledDataset
from desktop.core.data.layouts import LayoutNeededError, address_of, split_address
from desktop.core.data.open_data import open_dataset
from desktop.core.data.split_names import part_of, parts_of
from desktop.core.pictures import walk
from desktop.core.pictures.decode import decode


def picture(path: Path, shade: int = 100, form: str | None = None) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (6, 4), (shade % 256, 7, 99)).save(path, form)
    return path


def pictures(folder: Path, names: Sequence[str]) -> Path:
    for number, name in enumerate(names):
        picture(folder / name, number)
    return folder


def table(path: Path, rows: Sequence[Sequence[object]], by: str = ",") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream, delimiter=by).writerows(rows)
    return path


def stop(path: Path | str) -> LayoutNeededError:
    """The stop with proposals."""
    with pytest.raises(LayoutNeededError) as caught:
        open_dataset(path, ALL)
    assert caught.value.kind == "needs-layout" and caught.value.proposals and "--layout" in caught.value.hint
    return caught.value


def confirmed(path: Path, place: int = 0) -> LabelledDataset:
    """The data as the stop's proposal reads it."""
    return open_dataset(address_of(str(path), stop(path).proposals[place].layout), ALL)


def labels(data: LabelledDataset) -> dict[str, str]:
    assert all(decode(item.source).pixels.shape == (4, 6, 3) for item in data.items)
    return {item.name: item.class_name for item in data.items}


def kinds(data: LabelledDataset, severity: str = "") -> set[str]:
    return {problem.kind for problem in data.problems if severity in ("", problem.severity)}


# Splits


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


# Tables


@pytest.mark.parametrize("suffix", [True, False])
@pytest.mark.parametrize("heading", [True, False])
@pytest.mark.parametrize(("ending", "by"), [(".csv", ","), (".csv", ";"), (".tsv", "\t"), (".txt", " ")])
def test_a_table_names_the_pictures(suffix: bool, heading: bool, ending: str, by: str, tmp_path: Path) -> None:
    names = [f"img_{number}.png" for number in range(8)]
    pictures(tmp_path / "train", names)
    rows: list[list[object]] = [[n if suffix else n[:-4], "cat" if i % 2 else "dog"] for i, n in enumerate(names)]
    table(tmp_path / f"labels{ending}", [["id", "breed"], *rows] if heading else rows, by)
    data = confirmed(tmp_path)
    assert data.classes == ("cat", "dog") and data.counts().tolist() == [4, 4]
    assert labels(data)["train/img_1.png"] == "cat" and not kinds(data, "stops-training")
    held = data.root
    assert labels(open_dataset(held, ALL)) == labels(data)  # what was confirmed is all that it takes
    assert open_dataset(held, ALL).fingerprint() == data.fingerprint()


def test_kaggles_layout_with_a_test_set_without_labels_and_a_template(tmp_path: Path) -> None:
    pictures(tmp_path / "train", [f"{i}.png" for i in range(10)])
    pictures(tmp_path / "test", [f"{i}.png" for i in range(10, 14)])
    table(tmp_path / "train.csv", [["image_id", "x", "label"], *[[i, i * 0.37, "ab"[i % 2]] for i in range(10)]])
    table(tmp_path / "test.csv", [["image_id"], *[[i] for i in range(10, 14)]])
    table(tmp_path / "sample_submission.csv", [["image_id", "label"], *[[i, "a"] for i in range(10, 14)]])
    error = stop(tmp_path)
    assert error.proposals[0].layout == "table:train.csv:image_id:label"
    data = confirmed(tmp_path)
    assert len(data) == 10 and data.classes == ("a", "b") and not data.splits
    assert any(p.kind == "unlabelled" and p.message.startswith("4 ") for p in data.problems)


def test_tables_of_splits_and_a_column_of_splits(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    pictures(one / "images", [f"{i}.png" for i in range(9)])
    splits = ["train", "train", "val", "test"] * 3
    table(one / "meta.csv", [["file", "kind", "split"], *[[f"{i}.png", "ab"[i % 2], splits[i]] for i in range(9)]])
    data = confirmed(one)
    assert set(data.splits) == {"train", "val", "test"} and data.classes == ("a", "b")
    assert data.own_split("train") == "train" and data.own_split("validation") == "val"
    assert labels(data)["train/images/0.png"] == "a" and data.split_of(0) in data.splits
    pictures(two / "images", [f"{i}.png" for i in range(8)])
    for name, numbers in (("train.csv", range(6)), ("test.csv", range(6, 8))):
        table(two / name, [["file", "kind"], *[[f"{i}.png", "ab"[i % 2]] for i in numbers]])
    data = confirmed(two)
    assert len(data) == 8 and data.own_split("train") == "train" and data.own_split("test") == "test"


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_image_folder_with_a_metadata_file(ending: str, tmp_path: Path) -> None:
    for split, count in (("train", 6), ("test", 4)):
        pictures(tmp_path / split, [f"{i}.png" for i in range(count)])
        rows = [(f"{i}.png", i % 2) for i in range(count)]
        if ending == "csv":
            table(tmp_path / split / "metadata.csv", [["file_name", "label"], *rows])
        else:
            lines = [json.dumps({"file_name": name, "label": label, "boxes": [1, 2]}) for name, label in rows]
            (tmp_path / split / "metadata.jsonl").write_text("\n".join(lines))
    data = confirmed(tmp_path)
    assert data.classes == ("0", "1") and len(data) == 10 and data.splits == ("test", "train")
    assert labels(data)["train/3.png"] == "1" and labels(data)["test/2.png"] == "0"


def test_one_column_for_each_class(tmp_path: Path) -> None:
    pictures(tmp_path, [f"ISIC_{i}.png" for i in range(6)])
    rows = [[f"ISIC_{i}", *(float(i % 3 == k) for k in range(3))] for i in range(6)]
    table(tmp_path / "GroundTruth.csv", [["image", "MEL", "NV", "BCC"], *rows])
    data = confirmed(tmp_path)
    assert data.classes == ("BCC", "MEL", "NV") and labels(data)["ISIC_1.png"] == "NV"


def test_what_a_table_says_wrongly_is_told(tmp_path: Path) -> None:
    pictures(tmp_path, [f"{i}.png" for i in range(8)])
    rows = [[f"{i}.png", "ab"[i % 2]] for i in range(7)] + [["gone.png", "a"], ["0.png", "b"]]
    table(tmp_path / "labels.csv", [["file", "label"], *rows])
    data = confirmed(tmp_path)
    assert len(data) == 6 and {"rows-without-picture", "unlabelled"} <= kinds(data, "caution")
    with pytest.raises(DatasetError) as caught:
        open_dataset(f"{tmp_path}::table:labels.csv:file:nothing", ALL)
    assert caught.value.kind == "bad-layout" and "'label'" in caught.value.hint
    with pytest.raises(DatasetError):
        open_dataset(f"{tmp_path}::table:..%2F..%2Fetc%2Fpasswd:1:2", ALL)


def test_the_table_itself_may_be_given(tmp_path: Path) -> None:
    pictures(tmp_path / "all", [f"{i}.png" for i in range(6)])
    path = table(tmp_path / "labels.csv", [["file", "label"], *[[f"{i}.png", "ab"[i % 2]] for i in range(6)]])
    assert confirmed(path).classes == ("a", "b")
    alone = table(tmp_path / "elsewhere" / "labels.csv", [["file", "label"], ["x.png", "a"], ["y.png", "b"]])
    with pytest.raises(DatasetError, match="no table that names pictures"):
        open_dataset(alone)


@pytest.mark.parametrize(
    "content", [b"", b"\0" * 100, b'"' * 5000, b"a,b\n" * 5, "ä;ö\n".encode("utf-16"), b"\xff\xfe\x00"]
)
def test_damaged_tables_are_passed_over(content: bytes, tmp_path: Path) -> None:
    pictures(tmp_path / "cats", ["1.png"])
    (tmp_path / "labels.csv").write_bytes(content)
    assert "one-class" in kinds(open_dataset(tmp_path, ALL))


# Names


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


# Archives


def pack(folder: Path, target: Path) -> Path:
    if target.name.endswith(".zip"):
        with zipfile.ZipFile(target, "w") as archive:
            for path in sorted(folder.rglob("*")):
                archive.write(path, path.relative_to(folder.parent))
    else:
        with tarfile.open(target, "w:gz") as archive:
            archive.add(folder, folder.name)
    return target


@pytest.mark.parametrize("name", ["pets.zip", "pets.tar.gz", "pets.tgz"])
def test_an_archive_of_class_folders(name: str, tmp_path: Path, fovea_home: Path) -> None:
    for kind in ("cats", "dogs"):
        pictures(tmp_path / "wrapping" / kind, ["1.png", "2.png"])
    picture(tmp_path / "wrapping" / "__MACOSX" / "1.png")
    path = pack(tmp_path / "wrapping", tmp_path / name)
    data = open_dataset(path, ALL)
    assert data.title == "pets" and data.classes == ("cats", "dogs") and len(data) == 4 and labels(data)
    assert data.root == str(path) and unpack.total_bytes() > 0
    first = [os.stat(item.source.path or "").st_mtime for item in data.items]
    unpack.clear()
    assert unpack.total_bytes() == 0
    again = open_dataset(path, ALL)  # the same files with the same times: prepared pictures are known again
    assert [os.stat(item.source.path or "").st_mtime for item in again.items] == first


def test_an_archive_with_a_table(tmp_path: Path, fovea_home: Path) -> None:
    pictures(tmp_path / "set" / "images", [f"{i}.png" for i in range(6)])
    table(tmp_path / "set" / "labels.csv", [["file", "label"], *[[f"{i}.png", "ab"[i % 2]] for i in range(6)]])
    data = confirmed(pack(tmp_path / "set", tmp_path / "set.zip"))
    assert data.classes == ("a", "b") and len(data) == 6 and labels(data)


@pytest.mark.parametrize("name", ["../evil.png", "/etc/evil.png", "C:\\evil.png", "a/../../evil.png"])
def test_an_archive_that_leads_out_is_refused(name: str, tmp_path: Path, fovea_home: Path) -> None:
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(name, b"x")
    with pytest.raises(DatasetError) as caught:
        open_dataset(path)
    assert caught.value.kind == "hostile" and not list(tmp_path.glob("evil*"))


def test_an_archive_that_swells_or_is_cut_off_is_refused(
    tmp_path: Path, fovea_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("cats/1.png", bytes(8 << 20))
    monkeypatch.setattr(unpack, "_RATIO_FROM", 1 << 20)
    with pytest.raises(DatasetError) as caught:
        open_dataset(path)
    assert caught.value.kind == "hostile"
    whole = pack(pictures(tmp_path / "p" / "cats", ["1.png"]).parent, tmp_path / "p.tar.gz").read_bytes()
    (tmp_path / "cut.tar.gz").write_bytes(whole[: len(whole) * 2 // 3])
    with pytest.raises(DatasetError):
        open_dataset(tmp_path / "cut.tar.gz")
    links = tmp_path / "links.tar"
    with tarfile.open(links, "w") as archive:
        entry = tarfile.TarInfo("cats/1.png")
        entry.type, entry.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(entry)
    with pytest.raises(DatasetError) as caught:
        open_dataset(links)
    assert caught.value.kind == "no-images"
    assert not list((fovea_home / "cache").rglob(".building-*"))


# Arrays and other files


def test_medmnist(tmp_path: Path) -> None:
    path = tmp_path / "bloodmnist.npz"
    arrays = {}
    for split, count in (("train", 6), ("val", 4), ("test", 2)):
        arrays[f"{split}_images"] = np.arange(count * 48, dtype=np.uint8).reshape(count, 4, 4, 3)
        arrays[f"{split}_labels"] = (np.arange(count) % 2).astype(np.uint8).reshape(-1, 1)
    np.savez(path, **arrays)
    data = open_dataset(path, ALL)
    assert data.splits == ("train", "val", "test") and data.classes == ("0", "1") and len(data) == 12
    arrays |= {
        f"{split}_labels": np.zeros((len(arrays[f"{split}_images"]), 14), np.uint8)
        for split in ("train", "val", "test")
    }
    np.savez(path, **arrays)
    with pytest.raises(DatasetError, match="14 labels for each picture"):
        open_dataset(path, ALL)


def test_parquet_is_refused_by_what_it_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "can_read", lambda: False)
    features = {"image": {"_type": "Image"}, "label": {"names": ["cat", "dog"], "_type": "ClassLabel"}}
    note = json.dumps({"info": {"features": features}})
    path = tmp_path / "train-00000-of-00001.parquet"
    path.write_bytes(b"PAR1" + bytes(100) + b"huggingface" + note.encode() + bytes(20) + b"PAR1")
    for place in (path, tmp_path):
        with pytest.raises(DatasetError) as caught:
            open_dataset(place)
        assert caught.value.kind == "unsupported-data" and "column 'label': cat, dog" in caught.value.message
    path.write_bytes(b"PAR1")
    with pytest.raises(DatasetError, match="Parquet"):
        open_dataset(path)


def parquet_set(folder: Path, splits: dict[str, int], label: object = None) -> Path:
    """As ``datasets`` writes them: pictures as structs, labels as numbers with their names in a note."""
    arrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet as files

    folder.mkdir(parents=True)
    rng = np.random.default_rng(5)
    for name, count in splits.items():
        held = []
        for _ in range(count):
            stream = io.BytesIO()
            Image.fromarray(rng.integers(0, 256, (9, 12, 3), np.uint8)).save(stream, "PNG")
            held.append({"bytes": stream.getvalue(), "path": None})
        labels = [number % 2 for number in range(count)] if label is None else [label] * count
        features = {"image": {"_type": "Image"}, "label": {"names": ["cat", "hot/dog"], "_type": "ClassLabel"}}
        kind = arrow.struct([("bytes", arrow.binary()), ("path", arrow.string())])
        table = arrow.table({"image": arrow.array(held, kind), "label": labels, "id": list(range(count))})
        note = {"huggingface": json.dumps({"info": {"features": features}})}
        files.write_table(table.replace_schema_metadata(note), folder / f"{name}.parquet", row_group_size=7)
    return folder


def test_parquet_of_hugging_face_is_read_where_its_package_is(tmp_path: Path) -> None:
    root = parquet_set(
        tmp_path / "pets" / "data",
        {"train-00000-of-00002": 20, "train-00001-of-00002": 10, "test-00000-of-00001": 8, "unsupervised": 4},
    ).parent
    data = open_dataset(root, ALL)
    assert data.classes == ("cat", "hot_dog") and set(data.splits) == {"train", "test"} and len(data) == 38
    assert data.title == "pets" and data.root == str(root)
    assert decode(data.source(0)).original_size == (12, 9)
    again = open_dataset(root, "train")
    assert len(again) == 30 and len(list((paths.cache() / "unpacked").iterdir())) == 1
    one = open_dataset(root / "data" / "test-00000-of-00001.parquet", ALL)
    assert len(one) == 8 and one.title == "test-00000-of-00001"
    assert {one.name(i).split("/")[0] for i in range(8)} == {"cat", "hot_dog"}


def test_parquet_that_is_damaged_or_holds_something_else_is_refused(tmp_path: Path) -> None:
    arrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet as files

    whole = parquet_set(tmp_path / "set", {"train": 20}) / "train.parquet"
    content = whole.read_bytes()
    cases = {"cut": content[:-300], "turned": content[:400] + bytes(200) + content[600:], "nothing": b"PAR1"}
    cases["pointer"] = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n"
    for name, changed in cases.items():
        path = tmp_path / f"{name}.parquet"
        path.write_bytes(changed)
        with pytest.raises(DatasetError) as caught:
            open_dataset(path)
        assert caught.value.kind in ("bad-data", "no-images") and str(tmp_path) not in caught.value.message
    other = tmp_path / "text.parquet"
    files.write_table(arrow.table({"text": ["a", "b"], "label": [0, 1]}), other)
    with pytest.raises(DatasetError, match="no column of pictures; its columns: text, label"):
        open_dataset(other)
    assert not list((paths.cache() / "unpacked").glob(".building-*"))


@pytest.mark.skipif(not hasattr(walk, "is_picture"), reason="the walk goes by suffixes alone")
def test_pictures_without_a_suffix_are_dicom_or_judged_by_content(tmp_path: Path) -> None:
    for kind in ("cats", "dogs"):
        picture(tmp_path / kind / "1.jpg")
        picture(tmp_path / kind / "0a1b2c", 3, "PNG")
    data = open_dataset(tmp_path, ALL)
    assert len(data) == 4


# What public sets look like


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
