"""Looking through real folders: every oddity is found, with its pictures, and nothing that is well is blamed."""

from __future__ import annotations

import io
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageEnhance

from desktop.core.data import near_duplicates
from desktop.core.data.dataset import Interrupted
from desktop.core.data.findings import Finding
from desktop.core.data.inspection import Inspection, inspect
from desktop.core.data.open_data import open_dataset
from tests.core.makers import dicom_bytes


def scene(seed: int, size: tuple[int, int] = (96, 80)) -> Image.Image:
    """A picture that looks like no other: soft colours, some edges."""
    random = np.random.default_rng(seed)
    small = Image.fromarray(random.integers(0, 256, (6, 7, 3), np.uint8))
    picture = np.array(small.resize(size, Image.Resampling.BICUBIC))
    for _ in range(4):
        x, y = random.integers(0, size[0] - 12), random.integers(0, size[1] - 12)
        picture[y : y + 12, x : x + 12] = random.integers(0, 256, 3)
    return Image.fromarray(picture)


def save(picture: Image.Image, path: Path, **options: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path, **options)
    return path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "pets"
    for number in range(24):
        save(scene(number), folder / "cats" / f"cat{number}.png")
        save(scene(1000 + number), folder / "dogs" / f"dog{number}.jpg", quality=95)
    return folder


def of_kind(found: Inspection, kind: str) -> Finding:
    (finding,) = [finding for finding in found.findings if finding.kind == kind]
    return finding


def kinds(found: Inspection) -> set[str]:
    return {finding.kind for finding in found.findings}


def test_a_sound_folder_is_described_and_nothing_is_blamed(root: Path) -> None:
    found = inspect(root)
    assert found.counts == {"": {"cats": 24, "dogs": 24}} and found.total == 48
    assert found.findings == () and not found.stops_training and found.left_out() == ()
    assert found.formats == {"PNG": 24, "JPEG": 24} and found.colours == {"colour": 48}
    assert found.sizes is not None and found.sizes.median == (96, 80) and found.sizes.different == 1
    assert found.fingerprint == open_dataset(root).fingerprint()
    assert str(root.parent) not in json.dumps(found.to_dict())


def test_what_does_not_open_is_set_aside_with_its_reason(root: Path) -> None:
    whole = (root / "dogs" / "dog3.jpg").read_bytes()
    (root / "dogs" / "dog3.jpg").write_bytes(whole[: len(whole) // 2])
    (root / "cats" / "cat4.png").write_bytes(b"")
    (root / "cats" / "cat5.png").write_text("no picture", encoding="utf-8")
    met: list[str] = []
    found = inspect(root, broken=lambda entry: met.append(entry.name))
    assert {entry.kind for entry in found.broken} == {"truncated", "empty", "not-an-image"}
    assert sorted(met) == ["cats/cat4.png", "cats/cat5.png", "dogs/dog3.jpg"] == list(found.left_out())
    assert found.counts == {"": {"cats": 22, "dogs": 23}}
    assert "3" in of_kind(found, "broken").message


def test_the_same_picture_on_both_sides_of_a_split(root: Path) -> None:
    for part, numbers in (("train", range(20)), ("test", range(20, 24))):
        for number in numbers:
            for name in (f"cats/cat{number}.png", f"dogs/dog{number}.jpg"):
                target = root / part / name
                target.parent.mkdir(parents=True, exist_ok=True)
                os.rename(root / name, target)
    shutil.rmtree(root / "cats")
    shutil.rmtree(root / "dogs")
    shutil.copy(root / "train" / "cats" / "cat1.png", root / "test" / "cats" / "other.png")
    again = Image.open(root / "train" / "dogs" / "dog2.jpg").resize((70, 60), Image.Resampling.BICUBIC)
    save(ImageEnhance.Brightness(again).enhance(1.1), root / "test" / "dogs" / "copy.jpg", quality=70)
    found = inspect(root)
    exact, near = of_kind(found, "copies-across-splits"), of_kind(found, "near-copies-across-splits")
    assert exact.groups == (("test/cats/other.png", "train/cats/cat1.png"),)
    assert near.groups == (("test/dogs/copy.jpg", "train/dogs/dog2.jpg"),)
    assert found.left_out() == ("train/cats/cat1.png",)  # what is tested with stays
    both = {"near-copies-across-splits": "keep-one"}
    assert found.left_out(both) == ("train/cats/cat1.png", "train/dogs/dog2.jpg")
    assert {"test/dogs/copy.jpg", "train/dogs/dog2.jpg"} <= found.sources.keys()  # both can be shown
    assert found.counts["train"] == {"cats": 20, "dogs": 20}


def test_one_picture_under_two_labels_is_a_conflict(root: Path) -> None:
    shutil.copy(root / "cats" / "cat7.png", root / "dogs" / "wrong.png")
    shutil.copy(root / "cats" / "cat8.png", root / "cats" / "twice.png")
    found = inspect(root)
    assert of_kind(found, "label-conflict").groups == (("cats/cat7.png", "dogs/wrong.png"),)
    assert of_kind(found, "copies").groups == (("cats/cat8.png", "cats/twice.png"),)
    assert found.left_out() == ("cats/cat7.png", "cats/twice.png", "dogs/wrong.png")
    assert found.left_out({"label-conflict": "keep", "copies": "keep"}) == ()
    with_exact_only = inspect(root, near=False)
    assert kinds(with_exact_only) == kinds(found)


def test_what_a_classifier_cannot_be_made_of(tmp_path: Path) -> None:
    save(scene(1), tmp_path / "Cats" / "a.png")
    for number in range(12):
        save(scene(50 + number), tmp_path / "cats" / f"{number}.png")
    (tmp_path / "empty").mkdir()
    (tmp_path / "cats" / "Thumbs.db").write_bytes(b"x")
    (tmp_path / ".hidden").mkdir()
    (tmp_path / "dead").mkdir()
    (tmp_path / "dead" / "x.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    found = inspect(tmp_path)
    assert found.stops_training
    stopping = {f.kind for f in found.findings if f.severity == "stops-training"}
    assert stopping == {"empty-class", "classes-look-alike"}
    assert {"single-image-class", "clutter", "imbalance", "small-class"} <= kinds(found)
    messages = " ".join(f.message for f in found.findings)
    assert "'dead'" in messages and "'empty'" in messages


def test_thousands_of_classes_with_one_fault_make_one_finding(tmp_path: Path) -> None:
    for number in range(40):
        for split in ("train", "val") if number < 2 else ("train",):
            save(scene(number + 100 * len(split), (20, 20)), tmp_path / split / f"class{number}" / "a.png")
    for number in range(30):
        (tmp_path / "train" / f"empty{number}").mkdir()
        (tmp_path / f"beside{number}").mkdir()
    found = inspect(tmp_path)
    for kind in ("single-image-class", "empty-class", "class-missing-in-split", "beside-splits"):
        assert " more" in of_kind(found, kind).message
    assert "38 classes" in of_kind(found, "single-image-class").message
    assert "split 'val' holds no picture of 38 classes: 'class2'" in of_kind(found, "class-missing-in-split").message
    assert len(of_kind(found, "empty-class").message) < 200 and len(found.findings) < 10


def test_people_are_counted_and_their_numbers_never_shown(tmp_path: Path) -> None:
    for split, patients in (("train", ["P1", "P1", "P2"]), ("test", ["P1", "P3", "P4"])):
        for number, patient in enumerate(patients):
            level = np.random.default_rng([number, len(split)]).integers(0, 256, (24, 24), np.uint8)
            folder = tmp_path / split / ("ill" if number % 2 else "well")
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{number}.dcm").write_bytes(dicom_bytes(level, PatientID=f"HOSPITAL-{patient}"))
    found = inspect(tmp_path)
    assert found.groups == 4 and "4 people" in of_kind(found, "people").message
    crossing = of_kind(found, "people-across-splits")
    assert len(crossing.groups) == 1 and len(crossing.groups[0]) == 3
    assert "HOSPITAL" not in json.dumps(found.to_dict())


def test_arrays_are_looked_through_with_all_their_splits(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    train, test = (random.integers(0, 256, (n, 9, 8), np.uint8) for n in (30, 6))
    test[2] = train[5]
    path = tmp_path / "digits.npz"
    np.savez(path, x_train=train, y_train=np.arange(30) % 2, x_test=test, y_test=np.array([0, 1, 1, 0, 1, 0]))
    found = inspect(path)
    assert found.counts == {"train": {"0": 15, "1": 15}, "test": {"0": 3, "1": 3}}
    assert of_kind(found, "copies-across-splits").groups == (("test/000002", "train/000005"),)
    assert of_kind(found, "tiny-pictures").choices[0] == "keep"


def test_mixed_colours_sizes_and_changes_are_told(root: Path) -> None:
    save(scene(300).convert("L"), root / "cats" / "grey.png")
    save(scene(301).convert("L").convert("RGB"), root / "cats" / "grey-as-colour.jpg")
    save(Image.fromarray((np.arange(9600).reshape(80, 120) * 6).astype(np.uint16)), root / "dogs" / "deep.png")
    turned = Image.Exif()
    turned[274] = 6
    scene(302, (64, 40)).save(root / "dogs" / "turned.jpg", exif=turned)
    found = inspect(root)
    assert found.colours == {"grey": 2, "grey stored as colour": 1, "colour": 49}
    assert {"mixed-sizes", "mixed-colours", "changed-on-opening"} == kinds(found)
    told = [f for f in found.findings if f.kind == "changed-on-opening"]
    assert {f.names for f in told} == {("dogs/deep.png",), ("dogs/turned.jpg",)}
    assert sorted(f.message for f in told) == [
        "1 picture has more than 8 bits and is windowed to 8",
        "1 picture lies on its side and is turned upright",
    ]
    scene(303, (64, 40)).save(root / "dogs" / "turned too.jpg", exif=turned)
    assert "2 pictures lie on their side and are turned upright" in {f.message for f in inspect(root).findings}


def test_it_tells_how_far_it_is_and_stops_when_asked(root: Path) -> None:
    stages: list[str] = []
    inspect(root, lambda stage, done, total: stages.append(stage))
    assert list(dict.fromkeys(stages)) == ["reading", "opening", "comparing", "grouping"]
    for last in ("reading", "opening", "comparing", "grouping"):
        reached: list[str] = []
        with pytest.raises(Interrupted):
            inspect(root, lambda stage, done, total, seen=reached: seen.append(stage), lambda: last in reached)  # noqa: B023
        assert reached[-1] == last


def test_files_that_vanish_meanwhile_are_listed(root: Path) -> None:
    def progress(stage: str, done: int, total: int | None) -> None:
        if stage == "reading" and total:
            (root / "cats" / "cat9.png").unlink(missing_ok=True)

    found = inspect(root, progress)
    assert [(entry.name, entry.kind) for entry in found.broken] == [("cats/cat9.png", "not-found")]


def test_chance_makes_no_copies_and_a_series_stays_bounded() -> None:
    random = np.random.default_rng(1)
    noise = random.integers(0, 256, (3000, 256), np.uint8)
    pairs, complete = near_duplicates.candidates(noise)
    assert len(pairs) == 0 and complete
    assert near_duplicates.candidates(np.zeros((500, 256), np.uint8))[0].shape == (0, 2)  # flat ones say nothing
    series = np.repeat(random.integers(0, 200, (1, 256), np.uint8), 2000, axis=0)
    series[:, :8] = random.integers(0, 3, (2000, 8))
    pairs, complete = near_duplicates.candidates(series)  # nearly all alike: bounded, and said so
    assert 1000 < len(pairs) <= near_duplicates.MOST_PAIRS and not complete


# Hashes find copies with a probability, near 1 but not 1: the same examples every time, and one that six bands missed.
@settings(max_examples=25, deadline=None, derandomize=True)
@example(seed=29, scale=1.1484375, quality=40, light=1.125)
@given(
    seed=st.integers(0, 10_000),
    scale=st.floats(0.6, 1.6),
    quality=st.integers(40, 95),
    light=st.floats(0.8, 1.15),
)
def test_a_copy_saved_again_scaled_or_lightened_is_a_candidate(
    seed: int, scale: float, quality: int, light: float
) -> None:
    pictures = [scene(seed + number) for number in range(0, 40_000, 1000)]
    original = pictures[0]
    copy = ImageEnhance.Brightness(original.resize((round(96 * scale), round(80 * scale)))).enhance(light)
    held = io.BytesIO()
    copy.save(held, "JPEG", quality=quality)
    pictures.append(Image.open(held))
    thumbnails = np.stack(
        [np.asarray(p.convert("L").resize((16, 16), Image.Resampling.BOX)).reshape(-1) for p in pictures]
    )
    pairs, _ = near_duplicates.candidates(thumbnails)
    assert [0, 40] in pairs.tolist()
    assert near_duplicates.correlation(thumbnails[0], thumbnails[40]) > near_duplicates.ALIKE


def test_groups_join_what_pairs_connect() -> None:
    pairs = np.array([[4, 7], [0, 9], [7, 8], [1, 2]])
    assert near_duplicates.joined(pairs) == [[0, 9], [1, 2], [4, 7, 8]]
    assert near_duplicates.joined(np.empty((0, 2), np.int64)) == []
