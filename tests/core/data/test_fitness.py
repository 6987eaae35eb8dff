"""One rule says whether a model can be trained, before and in a training; what was taken in one go stays together."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from desktop.app.training_data import open_training_data
from desktop.cli import data as data_command
from desktop.core.data import bursts
from desktop.core.data.dataset import ALL
from desktop.core.data.fitness import FRACTION, Columns, groups_of, obstacles, sides
from desktop.core.data.inspection import inspect
from desktop.core.data.open_data import open_dataset
from desktop.core.data.splits import cut, together
from desktop.core.types import FoveaError
from desktop.ml.data.assemble import gather
from tests.ml.data.test_own_data import make_plan


def noise(path: Path, seed: int, side: int = 40) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (5, 5, 3), dtype=np.uint8)
    Image.fromarray(pixels).resize((side, side), Image.Resampling.BICUBIC).save(path)
    return path


def folders(root: Path, counts: dict[str, int]) -> Path:
    for number, (name, count) in enumerate(counts.items()):
        for i in range(count):
            noise(root / name / f"{chr(97 + i % 26)}{'x' * (i // 26)}.png", 1000 * number + i)
        (root / name).mkdir(parents=True, exist_ok=True)
    return root


CASES: dict[str, tuple[dict[str, int], bool]] = {
    "plenty": ({"cats": 6, "dogs": 6}, True),
    "one of each": ({"cats": 1, "dogs": 1}, False),
    "one of one": ({"cats": 1, "dogs": 5}, True),
    "own splits": ({"train/cats": 3, "train/dogs": 3, "val/cats": 2, "val/dogs": 2}, True),
    "in val alone": ({"train/cats": 3, "train/dogs": 3, "val/cats": 2, "val/dogs": 2, "val/owls": 2}, False),
    "in test alone": ({"train/cats": 3, "train/dogs": 3, "test/cats": 2, "test/dogs": 2, "test/owls": 2}, False),
    "one class": ({"cats": 6}, False),
    "an empty one": ({"cats": 6, "dogs": 6, "owls": 0}, False),
    "splits alike": ({"train/cats": 3, "train/dogs": 3, "val/cats": 2, "val/dogs": 2, "valid/cats": 2}, False),
}


@pytest.mark.parametrize("name", CASES)
def test_what_the_look_says_is_what_training_does(
    name: str, tmp_path: Path, fovea_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    counts, trains = CASES[name]
    root = folders(tmp_path / "pictures", counts)
    assert data_command.main(["inspect", str(root), "--json"]) == (0 if trains else 1)
    told = json.loads(capsys.readouterr().out)
    assert told["stops_training"] is not trains
    try:
        chosen = open_training_data(str(root))
        plan = make_plan(root)
        plan = replace(plan, data=replace(plan.data, classes=chosen.classes), labels=chosen.classes)
        gather(plan, tmp_path / "run")
        done = True
    except FoveaError as error:
        done = False
        assert error.message in {finding["message"] for finding in told["findings"]}
    assert done is trains


def test_few_pictures_are_counted_where_it_learns(tmp_path: Path) -> None:
    root = folders(tmp_path, {"train/cats": 25, "train/dogs": 4, "val/cats": 25, "val/dogs": 25})
    few = [f.message for f in inspect(root, near=False).findings if f.kind == "small-class"]
    assert few == ["few pictures to learn from: 'dogs' (4)"]


def test_obstacles_name_what_is_lacking() -> None:
    none = np.zeros(0, int)
    assert [p.kind for p in obstacles(("a", "b"), np.array([0, 0]), none)] == [
        "class-not-learnt",
        "nothing-to-check-with",
    ]
    assert obstacles(("a", "b"), np.array([0, 1]), np.array([1])) == []
    assert "single picture" in obstacles(("a", "b"), np.array([0, 1]), none)[0].message
    assert "belong together" in obstacles(("a", "b"), np.array([0, 1, 1]), none)[0].message


@pytest.mark.parametrize(
    ("name", "series"),
    [
        ("walk/clip3_frame012.jpg", "clip3"), ("walk/clip3_frame013.jpg", "clip3"), ("a/video_12_0003.png", "video_12"),
        ("a/VID-7-00031.jpg", "vid-7"), ("a/frame0001.jpg", None), ("a/person1_virus_6.jpeg", None),
        ("a/cat.12.jpg", None), ("a/IMG_0012.jpg", None), ("a/vlcsnap-00001.png", "a/vlcsnap"),
        ("a/seq 3 still 4.png", "seq 3"),
    ],
)  # fmt: skip
def test_videos_by_their_frames_names(name: str, series: str | None) -> None:
    assert bursts.series_of(name) == series


def test_shots_seconds_apart_by_name_and_by_what_the_camera_wrote(tmp_path: Path) -> None:
    names = ["a/20230512_101530.jpg", "a/20230512_101532.jpg", "a/20230512_101534.jpg", "a/20230512_102000.jpg",
             "b/IMG_20230512_101531.jpg"]  # fmt: skip
    found = bursts.keys(names)
    assert found[0] == found[1] == found[2] is not None and found[3] is None and found[4] is None
    paths = []
    for number, second in enumerate((1, 2, 40)):
        picture = Image.fromarray(np.full((8, 8, 3), 50 * number, np.uint8))
        exif = Image.Exif()
        exif[306] = f"2023:05:12 10:15:{second:02}"
        path = tmp_path / f"IMG_{number}.jpg"
        picture.save(path, exif=exif)
        paths.append(str(path))
    found = bursts.keys(["c/x.jpg", "c/y.jpg", "c/z.jpg"], None, lambda position: paths[position])
    assert found[0] == found[1] is not None and found[2] is None


def test_frames_of_one_scene_by_likeness_and_not_neighbours_that_differ(tmp_path: Path) -> None:
    for scene in range(6):
        pixels = np.random.default_rng(scene).integers(0, 256, (6, 6, 3), dtype=np.uint8)
        base = np.asarray(Image.fromarray(pixels).resize((48, 48), Image.Resampling.BICUBIC)).astype(int)
        for frame in range(5):
            moved = np.roll(base, frame, axis=1) + 3 * frame
            path = tmp_path / "pets" / ("cats", "dogs")[scene % 2] / f"{scene * 5 + frame:04}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(moved.clip(0, 255).astype(np.uint8)).save(path)
    found = inspect(tmp_path / "pets")
    shots = [finding for finding in found.findings if finding.kind == "bursts"]
    assert shots and {len(group) for group in shots[0].groups} == {5} and len(shots[0].groups) == 6
    gathered = gather(make_plan(tmp_path / "pets", validation=0.34), tmp_path / "run")
    scenes = [{int(Path(name).stem) // 5 for name in side.names} for side in (gathered.train, gathered.validation)]
    assert scenes[0] and scenes[1] and not scenes[0] & scenes[1]
    for number in range(30):
        noise(tmp_path / "others" / ("cats", "dogs")[number % 2] / f"{number:04}.png", number)
    assert not [f for f in inspect(tmp_path / "others").findings if f.kind == "bursts"]


def test_a_class_that_all_looks_alike_is_still_checked() -> None:
    labels = np.array([0] * 6 + [1] * 6)
    alone: list[int | None] = list(range(12))
    alike = [0] * 6 + [None] * 6
    groups = groups_of(labels, [alone], [alike], 0.34, 1)
    _, checked = cut(labels, groups, 0.34, 1)
    assert set(labels[checked].tolist()) == {0, 1}
    pairs = [position // 2 for position in range(12)]
    learn, checked = cut(labels, groups_of(labels, [alone], [pairs], 0.34, 1), 0.34, 1)
    assert not {int(i) // 2 for i in learn} & {int(i) // 2 for i in checked}


def test_splits_that_share_a_video_are_told(tmp_path: Path) -> None:
    for split in ("train", "val"):
        for name in ("cats", "dogs"):
            for i in range(3):
                noise(tmp_path / split / name / f"{name}_clip1_frame{i}{split}{i}.png", hash((split, name, i)) % 999)
                noise(tmp_path / split / name / f"video_{name}1_{i + 10 * (split == 'val'):03}.png", i)
    kinds = {finding.kind for finding in inspect(tmp_path, near=False).findings}
    assert "bursts-across-splits" in kinds
    assert open_dataset(tmp_path, ALL).own_split("validation") == "val"


class Parts:
    """Labelled data of which some pictures lie in splits."""

    def __init__(self, targets: list[int], splits: list[str | None]) -> None:
        self.targets, self._splits = np.array(targets), splits

    def __len__(self) -> int:
        return len(self.targets)

    def own_split(self, part: str) -> str | None:
        return {"train": "train", "validation": "val"}[part] if part[:3] in {s[:3] for s in self._splits if s} else None

    def split_of(self, position: int) -> str | None:
        return self._splits[position]


def both(data: Parts, opened: list[int], firm: Columns = (), alike: Columns = ()) -> tuple[list[int], list[int]]:
    mask = np.isin(np.arange(len(data)), opened)
    learn, check = sides(data, mask, firm, alike)  # type: ignore[arg-type]
    return learn.tolist(), check.tolist()


def test_splits_of_the_data_are_taken_as_they_are() -> None:
    data = Parts([0, 1, 0, 1, 0, 1], ["train", "train", "val", "val", "test", "train"])
    assert both(data, [0, 1, 2, 3, 4, 5]) == ([0, 1, 5], [2, 3])
    assert both(data, [0, 2, 5]) == ([0, 5], [2])  # what does not open is in neither


def test_without_a_split_to_check_with_a_fifth_is_cut_off_what_is_learned_from() -> None:
    assert FRACTION == 0.2
    labels = np.repeat([0, 1], 20)
    wanted = [part.tolist() for part in cut(labels, list(range(40)), 0.2, 0)]
    assert both(Parts(labels.tolist(), [None] * 40), list(range(40))) == tuple(wanted)
    beside = Parts([*labels.tolist(), 0, 1], [*["train"] * 40, "test", "test"])
    assert both(beside, list(range(42))) == tuple(wanted)
    alone = Parts(
        [*labels.tolist(), 0, 1], [*["val"] * 40, None, None]
    )  # pictures to check with, and none to learn from
    learn, check = both(alone, list(range(42)))
    assert sorted([*learn, *check]) == list(range(42))
    learn, check = both(Parts(labels.tolist(), [None] * 40), list(range(1, 40)))
    assert 0 not in [*learn, *check] and len(check) in range(7, 10)


def test_the_cut_is_the_one_that_a_training_with_the_default_seed_makes() -> None:
    labels, shots = np.array([0, 2, 0, 1, 1, 2]), [None, 0, 0, 1, None, 1]
    wanted = cut(labels, groups_of(labels, (), [shots], FRACTION, 0), FRACTION, 0)
    assert wanted[0].tolist() != cut(labels, groups_of(labels, (), [shots], FRACTION, 1), FRACTION, 0)[0].tolist()
    assert both(Parts(labels.tolist(), [None] * 6), list(range(6)), (), [shots]) == tuple(p.tolist() for p in wanted)


def test_the_columns_of_persons_follow_the_pictures_that_are_cut() -> None:
    labels = [0, 1] * 20
    persons = [number // 4 for number in range(40)]  # four pictures each, two of each class
    shut = [0, 1, 2, 3]
    learn, check = both(Parts(labels, [None] * 40), [n for n in range(40) if n not in shut], [persons])
    assert not {persons[n] for n in learn} & {persons[n] for n in check} and check
    assert sorted([*learn, *check]) == list(range(4, 40))


def test_what_is_firm_joins_with_what_looks_alike() -> None:
    labels = np.repeat([0, 1], 6)
    nothing = [None] * 12
    pairs = [*(number // 2 for number in range(12))]
    firm = [*("a" if number in (0, 11) else None for number in range(12))]
    assert groups_of(labels, (), [nothing], 0.2, 0) == list(range(12)) == groups_of(labels, (), (), 0.2, 0)
    assert groups_of(labels, (), [pairs], 0.2, 0) == together(pairs)
    assert groups_of(labels, [firm], [nothing], 0.2, 0) == together(firm)
    assert groups_of(labels, [firm], [pairs], 0.2, 0) == together(firm, pairs)
    # All of the second class look alike: there it is the persons that count.
    same = [*([None] * 6), *(["one"] * 6)]
    kept = together([*("a" if number in (0, 11) else None for number in range(12))])
    assert groups_of(labels, [firm], [same], 0.2, 0) == kept
    assert groups_of(labels, (), [same], 0.2, 0) == list(range(12))
