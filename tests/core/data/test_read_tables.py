"""Labels in tables beside the pictures: what is read, what is passed over, what is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from desktop.core.data.dataset import ALL, DatasetError
from desktop.core.data.open_data import open_dataset
from tests.core.data.strange_folders import confirmed, kinds, labels, pictures, stop, table


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
