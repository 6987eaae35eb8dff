"""Labelled pictures in arrays and in Parquet files, and pictures whose names tell no format."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from desktop import paths
from desktop.core.data import parquet
from desktop.core.data.dataset import ALL, DatasetError
from desktop.core.data.open_data import open_dataset
from desktop.core.pictures.decode import decode
from tests.core.data.strange_folders import picture


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


def test_pictures_without_a_suffix_are_dicom_or_judged_by_content(tmp_path: Path) -> None:
    for kind in ("cats", "dogs"):
        picture(tmp_path / kind / "1.jpg")
        picture(tmp_path / kind / "0a1b2c", 3, "PNG")
    data = open_dataset(tmp_path, ALL)
    assert len(data) == 4
