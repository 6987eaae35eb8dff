"""Labelled data from disk: what is read, what is said, what is refused; real files throughout."""

from __future__ import annotations

import gzip
import io
import os
import pickle
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from desktop.core.data import read_arrays
from desktop.core.data.dataset import ALL, DatasetError, Interrupted, LabelledDataset
from desktop.core.data.open_data import open_dataset
from desktop.core.data.persons import group_of_name, patient_in
from desktop.core.data.picture_facts import look_at
from desktop.core.pictures.decode import decode
from tests.core.makers import dicom_bytes, scan_of

posix_only = pytest.mark.skipif(os.name == "nt", reason="needs POSIX links or permissions")


def picture(path: Path, shade: int = 100, size: tuple[int, int] = (6, 4)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (shade, 255 - shade, 7)).save(path)
    return path


def kinds(data: LabelledDataset) -> list[str]:
    return [problem.kind for problem in data.problems]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "pets"
    for name in ("cats/cat2.png", "cats/cat10.png", "dogs/deep/er/dog.webp", "dogs/dog.bmp"):
        picture(folder / name, len(name))
    return folder


# Folders


def test_class_folders(root: Path) -> None:
    data = open_dataset(root)
    assert data.classes == ("cats", "dogs") and data.title == "pets" and data.kind == "folders"
    names = ["cats/cat2.png", "cats/cat10.png", "dogs/dog.bmp", "dogs/deep/er/dog.webp"]
    assert [item.name for item in data.items] == names
    assert data.targets.tolist() == [0, 0, 1, 1] and data.targets.dtype == np.int32
    assert data.counts().tolist() == [2, 2] and not data.problems and not data.broken
    item = data.item(3)
    assert item.class_name == "dogs" and item.source.path == str(root / "dogs" / "deep" / "er" / "dog.webp")
    assert [i.name for i in data.take([3, 0]).items] == [names[3], names[0]]


def test_splits_are_chosen_and_the_choice_is_told(tmp_path: Path) -> None:
    for split in ("train", "val", "test"):
        for name in ("a", "b"):
            picture(tmp_path / split / name / f"{split}.png")
    data = open_dataset(tmp_path)
    assert data.split == "test" and data.splits == ("train", "val", "test") and kinds(data)[0] == "split-chosen"
    train = open_dataset(tmp_path, "train")
    assert train.split == "train" and [i.name for i in train.items] == ["a/train.png", "b/train.png"]
    assert "split-chosen" not in kinds(train)
    everything = open_dataset(tmp_path, ALL)
    assert len(everything) == 6 and everything.name(0) == "train/a/train.png"
    assert decode(everything.source(5)).format == "PNG"
    with pytest.raises(DatasetError) as caught:
        open_dataset(tmp_path, "dev")
    assert caught.value.kind == "no-split" and "train, val, test" in caught.value.hint


def test_without_a_test_split_nothing_is_guessed(tmp_path: Path) -> None:
    picture(tmp_path / "train" / "a" / "1.png")
    picture(tmp_path / "val" / "a" / "1.png")
    with pytest.raises(DatasetError) as caught:
        open_dataset(tmp_path)
    assert caught.value.kind == "split-needed"


def test_a_class_may_be_called_train_and_a_wrapping_folder_is_looked_through(tmp_path: Path) -> None:
    picture(tmp_path / "vehicles" / "train" / "1.png")
    picture(tmp_path / "vehicles" / "car" / "1.png")
    assert open_dataset(tmp_path / "vehicles").classes == ("car", "train")
    picture(tmp_path / "zip" / "inner" / "train" / "a" / "1.png")
    picture(tmp_path / "zip" / "inner" / "test" / "a" / "1.png")
    wrapped = open_dataset(tmp_path / "zip")
    assert wrapped.split == "test" and "inner-folder" in kinds(wrapped) and len(wrapped) == 1
    picture(tmp_path / "zip" / "inner" / "extra" / "1.png")
    assert "beside-splits" in kinds(open_dataset(tmp_path / "zip"))


def test_what_a_classifier_cannot_be_made_of_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError) as caught:
        open_dataset(tmp_path)
    assert caught.value.kind == "no-images" and "class folders" in caught.value.message
    (tmp_path / "a").mkdir()
    with pytest.raises(DatasetError) as caught:
        open_dataset(tmp_path)
    assert "a" in caught.value.message
    picture(tmp_path / "loose.png")
    with pytest.raises(DatasetError) as caught:
        open_dataset(tmp_path)
    assert "no class folders with pictures" in caught.value.message
    picture(tmp_path / "b" / "1.png")
    data = open_dataset(tmp_path)
    found = {problem.kind: problem for problem in data.problems}
    assert found["empty-class"].where == "a" and found["empty-class"].severity == "stops-training"
    assert found["single-image-class"].where == "b"
    assert "1 pictures lie beside" in found["unlabelled"].message and len(data) == 1
    (tmp_path / "a").rmdir()
    assert "one-class" in kinds(open_dataset(tmp_path))


@posix_only
def test_clutter_is_shown_and_case_is_noticed(root: Path) -> None:
    for name in ("Thumbs.db", ".DS_Store", ".hidden.png", "notes.txt"):
        (root / "cats" / name).write_bytes(b"x")
    picture(root / ".cache" / "a.png")
    picture(root / "__MACOSX" / "a.png")
    picture(root / "Cats" / "1.png")
    data = open_dataset(root)
    assert data.classes == ("Cats", "cats", "dogs") and len(data) == 5
    assert data.passed_over == {"hidden files": 2, "system files": 3, ".txt files": 1}
    assert {"clutter", "other-files", "classes-look-alike"} <= set(kinds(data))


def test_files_with_unknown_and_without_suffixes_are_judged_by_content(tmp_path: Path) -> None:
    for index, name in enumerate(("benign/MR.1.IMA", "benign/IM0002", "malignant/MR.3.ima", "malignant/x.img")):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(dicom_bytes(np.full((8, 8), index, np.uint8)))
    (tmp_path / "benign" / "report.xyz").write_text("no picture")
    (tmp_path / "benign" / "bare").write_text("no picture")
    data = open_dataset(tmp_path)
    assert data.classes == ("benign", "malignant") and len(data) == 4
    assert data.passed_over == {".xyz files": 1, "files without a suffix": 1}


@posix_only
def test_link_loops_end_and_do_not_mix_classes(root: Path) -> None:
    (root / "cats" / "loop").symlink_to(root)
    (root / "cats" / "self").symlink_to(root / "cats")
    (root / "all").symlink_to(root)
    (root / "dogs" / "nowhere").symlink_to(root / "dogs" / "nowhere")
    outside = picture(root.parent / "elsewhere" / "far.png").parent
    (root / "dogs" / "far").symlink_to(outside)
    data = open_dataset(root)
    assert [i.name for i in data.items if i.class_name == "cats"] == ["cats/cat2.png", "cats/cat10.png"]
    assert "dogs/far/far.png" in {i.name for i in data.items} and len(data) == 5
    assert kinds(data).count("link-out") == 2


def test_what_vanishes_is_listed_and_the_rest_goes_on(root: Path) -> None:
    data = open_dataset(root)
    whole = data.fingerprint()
    (root / "cats" / "cat2.png").unlink()
    assert data.fingerprint() != whole  # read while it is gone: goes on, and says something else
    facts = look_at(data)
    assert facts.opened.sum() == 3 and [entry.name for entry in facts.broken] == ["cats/cat2.png"]


@pytest.mark.skipif(os.name == "nt" or not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads everything")
def test_a_locked_folder_is_listed(root: Path) -> None:
    (root / "dogs" / "deep").chmod(0)
    try:
        data = open_dataset(root)
    finally:
        (root / "dogs" / "deep").chmod(0o755)
    assert len(data) == 3 and data.broken[0].kind == "access-denied" and data.broken[0].name == "dogs/deep"


def test_is_cancelled_at_once_and_tells_how_far_it_is(root: Path) -> None:
    for number in range(600):
        (root / "cats" / f"{number}.png").write_bytes(b"")
    seen: list[int] = []
    with pytest.raises(Interrupted):
        open_dataset(root, progress=lambda done, total: seen.append(done), cancelled=lambda: len(seen) >= 2)
    assert seen == [0, 256]
    data = open_dataset(root)
    assert len(data) == 604
    with pytest.raises(Interrupted):
        data.fingerprint(cancelled=lambda: True)


def test_fingerprint_knows_content_names_and_classes_but_no_place(root: Path, tmp_path: Path) -> None:
    first = open_dataset(root).fingerprint()
    moved = root.rename(tmp_path / "called otherwise")
    assert open_dataset(moved).fingerprint() == first and len(first) == 64
    (moved / "cats" / "cat2.png").rename(moved / "cats" / "cat3.png")
    renamed = open_dataset(moved).fingerprint()
    picture(moved / "cats" / "cat3.png", 200)
    assert len({first, renamed, open_dataset(moved).fingerprint()}) == 3


def test_fingerprint_by_its_definition(tmp_path: Path) -> None:
    import hashlib

    files = {("a", "x.png"): b"1", ("b", "deep/ÿ.png"): b"22"}
    for (name, file), content in files.items():
        (tmp_path / name / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name / file).write_bytes(content)
    records = sorted(
        f"{name}\0{file}\0{len(content)}\0{hashlib.sha256(content).hexdigest()}\n".encode()
        for (name, file), content in files.items()
    )
    expected = hashlib.sha256(b"fovea-data-1\n" + b"".join(records)).hexdigest()
    assert open_dataset(tmp_path).fingerprint() == expected


@posix_only
def test_names_that_are_no_text(root: Path) -> None:
    odd = os.fsencode(root / "cats") + b"/\xff\xfe.png"
    try:
        with open(odd, "wb") as stream:
            stream.write(b"x")
    except OSError:
        pytest.skip("this file system takes text only")
    data = open_dataset(root)
    assert len(data) == 5 and len(data.fingerprint()) == 64


# Groups


@pytest.mark.parametrize(
    ("name", "group"),
    [
        ("x/person100_bacteria_475.jpeg", "person100"),
        ("person100_virus_1.jpeg", "person100"),
        ("IM-0115-0001.jpeg", "im-0115"),
        ("NORMAL2-IM-0381-0001.jpeg", "normal2-im-0381"),
        ("patient_7-b.png", "patient_7"),
        ("patient_12/1.png", "patient_12"),
        ("Patient 3/person9_x.png", "patient 3"),
        ("case-4", "case-4"),
        ("cases/1.png", None),
        ("cat.12.jpg", None),
        ("personal.png", None),
    ],
)
def test_groups_of_names(name: str, group: str | None) -> None:
    assert group_of_name(name) == group


@pytest.mark.parametrize("split", ["", "train/"])
def test_folders_below_a_class_tell_people_and_classes_do_not(tmp_path: Path, split: str) -> None:
    for name in ("case-1/patient_1/a.png", "case-1/patient_1/b.png", "case-1/patient_2/a.png", "case-2/c.png"):
        picture(tmp_path / f"{split}{name}")
    if split:
        picture(tmp_path / "test" / "case-1" / "patient_3" / "a.png")
    data = open_dataset(tmp_path, ALL)
    groups = data.groups()
    of = {data.name(i).removeprefix(split): int(groups.numbers[i]) for i in range(len(data))}
    assert of["case-1/patient_1/a.png"] == of["case-1/patient_1/b.png"]
    assert len({of[name] for name in of if name != "case-1/patient_1/b.png"}) == len(of) - 1
    assert groups.named == len(data) - 1


def test_groups_by_name_and_by_patient(tmp_path: Path) -> None:
    from pydicom.data import get_testdata_file

    scan = Path(str(get_testdata_file("CT_small.dcm")))
    for name in ("a/person1_x.png", "b/person1_y.png", "a/plain.png"):
        picture(tmp_path / name)
    for name in ("a/1.dcm", "b/2.dcm"):
        (tmp_path / name).write_bytes(scan.read_bytes())
    data = open_dataset(tmp_path)
    groups = data.groups()
    of = dict(zip([i.name for i in data.items], groups.numbers.tolist(), strict=True))
    assert of["a/person1_x.png"] == of["b/person1_y.png"] and of["a/1.dcm"] == of["b/2.dcm"]
    assert (groups.count, groups.named, groups.patients) == (3, 2, 2)


def test_the_patient_number_of_a_scan_wins_over_its_name(tmp_path: Path) -> None:
    """case_001, case_002 … count files, IM-0001-0001 counts series: neither says whose picture it is."""
    for number in range(8):
        scan_of(tmp_path / "a" / f"case_{number:03}.dcm", "Doe^Jane", f"P{number // 4}")
        scan_of(tmp_path / "b" / f"P{number // 4}" / f"IM-0001-{number:04}.dcm", "Doe^Jane", f"P{number // 4}")
    data = open_dataset(tmp_path)
    groups = data.groups()
    of = dict(zip([i.name for i in data.items], groups.numbers.tolist(), strict=True))
    assert (groups.count, groups.named, groups.patients) == (2, 0, 16)
    for number in range(8):
        assert of[f"a/case_{number:03}.dcm"] == of[f"b/P{number // 4}/IM-0001-{number:04}.dcm"]
        assert of[f"a/case_{number:03}.dcm"] == of[f"a/case_{number // 4 * 4:03}.dcm"]


def test_names_that_hold_a_patient_are_known(tmp_path: Path) -> None:
    from pydicom.data import get_testdata_file

    scan = str(get_testdata_file("CT_small.dcm"))  # CompressedSamples^CT1
    assert patient_in(scan, "a/compressedsamples_1.dcm", "a/7.dcm") == {"a/compressedsamples_1.dcm"}
    assert patient_in(str(picture(tmp_path / "compressedsamples.png")), "compressedsamples.png") == set()


# Arrays


def some(n: int, shape: tuple[int, ...] = (5, 4), seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 255, (n, *shape), np.uint8)


def test_npz_as_keras_has_it(tmp_path: Path) -> None:
    path = tmp_path / "digits.npz"
    x, y = some(6), np.array([0, 1, 2, 2, 1, 0])
    np.savez(path, x_train=some(9, seed=1), y_train=np.arange(9) % 4, x_test=x, y_test=y[:, None])
    data = open_dataset(path)
    assert data.split == "test" and data.classes == ("0", "1", "2", "3") and data.targets.tolist() == y.tolist()
    assert "empty-class" in kinds(data)  # class 3 is there in train alone
    np.testing.assert_array_equal(decode(data.source(4)).pixels, x[4])
    assert data.name(4) == "test/000004" and data.source(4).path is None
    assert len(open_dataset(path, "train")) == 9 and len(open_dataset(path, ALL)) == 15
    again = tmp_path / "same.npz"
    np.savez_compressed(again, images=x, labels=y.astype(np.uint8), classes=np.array(["a", "b", "c", "d"]))
    named = open_dataset(again)
    assert named.classes == ("a", "b", "c", "d") and named.split == "" and len(named.fingerprint()) == 64


@pytest.mark.parametrize(
    ("arrays", "kind"),
    [
        ({"x": some(3).astype(np.float32), "y": np.arange(3)}, "bad-data"),
        ({"x": some(3), "y": np.arange(2)}, "bad-data"),
        ({"x": some(3), "y": np.array([0, -1, 2])}, "bad-data"),
        ({"x": some(3), "y": np.array([0.5, 1, 2])}, "bad-data"),
        ({"x": some(3, (3, 5, 4)), "y": np.arange(3)}, "bad-data"),
        ({"x": some(3), "y": np.array([0, 1, 10**9])}, "bad-data"),
        ({"a": some(3)}, "bad-data"),
        ({"x": np.array([{}, {}]), "y": np.arange(2)}, "carries-code"),
    ],
)
def test_npz_that_does_not_fit_says_what_was_found(tmp_path: Path, arrays: dict[str, np.ndarray], kind: str) -> None:
    path = tmp_path / "odd.npz"
    np.savez(path, **arrays)
    with pytest.raises(DatasetError) as caught:
        open_dataset(path)
    assert caught.value.kind == kind and "odd.npz" in caught.value.message


def test_npz_that_declares_a_hundred_gigabytes_is_refused_before_anything_is_allocated(tmp_path: Path) -> None:
    path = tmp_path / "bomb.npz"
    held = io.BytesIO()
    np.lib.format.write_array_header_1_0(held, {"descr": "|u1", "fortran_order": False, "shape": (10**6, 400, 400)})
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.npy", held.getvalue())
        archive.writestr("y.npy", held.getvalue())
    with pytest.raises(DatasetError) as caught:
        open_dataset(path)
    assert caught.value.kind == "too-large"
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(DatasetError):
        open_dataset(path)


def idx(array: np.ndarray) -> bytes:
    return bytes((0, 0, 8, array.ndim)) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def test_idx_plain_and_gzipped(tmp_path: Path) -> None:
    x, y = some(4, (28, 28)), np.array([3, 1, 0, 3], np.uint8)
    (tmp_path / "train-images-idx3-ubyte").write_bytes(idx(x))
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx(y))
    (tmp_path / "t10k-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(x[:2])))
    (tmp_path / "t10k-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(y[:2])))
    data = open_dataset(tmp_path)
    assert data.split == "test" and data.splits == ("test", "train") and data.targets.tolist() == [3, 1]
    train = open_dataset(tmp_path, "train")
    np.testing.assert_array_equal(decode(train.source(2)).pixels, x[2])
    single = open_dataset(tmp_path / "train-images-idx3-ubyte")
    assert len(single) == 4 and single.split == ""
    assert single.fingerprint() == train.fingerprint()


def test_idx_cut_off_or_without_labels(tmp_path: Path) -> None:
    images = tmp_path / "images-idx3-ubyte"
    images.write_bytes(idx(some(4))[:-1])
    with pytest.raises(DatasetError) as caught:
        open_dataset(images)
    assert caught.value.kind == "not-found" and "labels-idx1-ubyte" in caught.value.hint
    (tmp_path / "labels-idx1-ubyte").write_bytes(idx(np.arange(4, dtype=np.uint8)))
    with pytest.raises(DatasetError) as caught:
        open_dataset(images)
    assert "cut off" in caught.value.message
    images.write_bytes(bytes((0, 0, 8, 3)) + struct.pack(">3I", 2**31, 2**10, 2**10))
    with pytest.raises(DatasetError) as caught:
        open_dataset(images)
    assert caught.value.kind == "too-large"


def test_an_array_limit_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_arrays, "MAX_ARRAY_BYTES", 50)
    np.savez(tmp_path / "a.npz", x=some(3), y=np.arange(3))
    with pytest.raises(DatasetError) as caught:
        open_dataset(tmp_path / "a.npz")
    assert caught.value.kind == "too-large"


# CIFAR


def cifar(path: Path, protocol: int, bytes_keys: bool, n: int = 5) -> np.ndarray:
    data = some(n, (3072,), protocol)
    batch: dict[object, object] = {"batch_label": "b", "labels": [i % 3 for i in range(n)], "data": data}
    if bytes_keys:
        batch = {str(key).encode(): value for key, value in batch.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pickle.dumps(batch, protocol=protocol))
    return data


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
@pytest.mark.parametrize("bytes_keys", [True, False])
def test_an_honest_batch_loads(tmp_path: Path, protocol: int, bytes_keys: bool) -> None:
    raw = cifar(tmp_path / "test_batch", protocol, bytes_keys)
    cifar(tmp_path / "data_batch_1", protocol, bytes_keys)
    cifar(tmp_path / "data_batch_2", protocol, bytes_keys)
    (tmp_path / "batches.meta").write_bytes(pickle.dumps({"label_names": ["air", "boat", "cat"]}, protocol))
    data = open_dataset(tmp_path)
    assert data.kind == "cifar" and data.split == "test" and data.classes == ("air", "boat", "cat")
    np.testing.assert_array_equal(decode(data.source(1)).pixels[:, :, 0].ravel(), raw[1, :1024])
    assert len(open_dataset(tmp_path, "train")) == 10
    assert len(open_dataset(tmp_path / "data_batch_1")) == 5


class _Evil:
    def __init__(self, marker: Path) -> None:
        self._marker = marker

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (str(self._marker),)


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_a_batch_that_carries_code_is_refused_and_not_run(tmp_path: Path, protocol: int) -> None:
    marker = tmp_path / "ran"
    path = tmp_path / "data_batch_1"
    path.write_bytes(pickle.dumps({b"data": _Evil(marker), b"labels": [1]}, protocol))
    with pytest.raises(DatasetError) as caught:
        open_dataset(path)
    assert caught.value.kind == "carries-code" and not marker.exists()
    with pytest.raises(DatasetError):
        open_dataset(tmp_path)
    assert not marker.exists()


@pytest.mark.parametrize(
    "program",
    [
        b"\x80\x02cos\nsystem\nX\x02\x00\x00\x00ls\x85R.",
        b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x02ls\x85R.",
        b"\x80\x04\x8c\x05numpy\x8c\x0bload\x93\x8c\x01x\x85R.",
        b"\x80\x02(ios\nsystem\n.",
        b"\x80\x02r\xff\xff\xff\x7f.",
        b"\x80\x02}.",
        b"\x80\x02" + b"]" * 3,
        b"\x80\x02(lp0\n.",
    ],
)
def test_hostile_and_damaged_pickles_end_in_a_clean_refusal(tmp_path: Path, program: bytes) -> None:
    path = tmp_path / "test_batch"
    path.write_bytes(program)
    with pytest.raises(DatasetError) as caught:
        open_dataset(path)
    assert caught.value.kind in ("carries-code", "bad-data", "too-large")


def test_what_is_no_data_at_all(tmp_path: Path) -> None:
    (tmp_path / "data.tar.gz").write_bytes(b"x")
    for name, kind in (("data.tar.gz", "unknown-data"), ("missing", "not-found")):
        with pytest.raises(DatasetError) as caught:
            open_dataset(tmp_path / name)
        assert caught.value.kind == kind and str(tmp_path) not in caught.value.message
