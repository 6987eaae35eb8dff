"""The user's own folders and arrays as training sees them: split, left out, prepared as everywhere, from the cache."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from desktop.core.data.inspection import inspect
from desktop.core.data.open_data import open_dataset
from desktop.core.data.splits import SplitError, read_split, write_split
from desktop.core.pictures.decode import decode
from desktop.core.pictures.preprocess import prepare
from desktop.core.trust import neighbours
from desktop.core.types import ImageSource, PreprocessSpec
from desktop.ml.data import cache, own_data
from desktop.ml.data.assemble import copies, gather
from desktop.ml.data.own_data import OwnData
from desktop.ml.data.public_sets import DataError, Pictures
from desktop.ml.packaging import card
from desktop.ml.packaging.evaluate import measure
from desktop.ml.plans import plan
from desktop.store.manifest import Decision
from tests.core.makers import scan_of

RECIPE = Path(__file__).resolve().parents[3] / "resources" / "recipes" / "cifar10.json"


def picture(path: Path, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (20, 24, 3), np.uint8)).save(path)


def make_plan(path: Path, **data: object) -> plan.TrainingPlan:
    chosen = replace(plan.DataPlan("user", 0.25, "auto", ("cats", "dogs"), str(path), "pets"), **data)  # type: ignore[arg-type]
    return replace(
        plan.load(RECIPE), data=chosen, labels=("Cat", "Dog"), preprocess=PreprocessSpec(12, 10, "rgb", "stretch")
    )


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for number in range(20):
        picture(tmp_path / "pets" / "cats" / f"person{number // 2}_{number}.png", number)
        picture(tmp_path / "pets" / "dogs" / f"dog{number}.png", 100 + number)
    return tmp_path / "pets"


def test_a_folder_is_cut_by_person_and_read_as_the_app_reads_it(root: Path) -> None:
    picture(root / "dogs" / "again.png", 103)  # a copy of dog3: the same bytes
    (root / "dogs" / "bad.png").write_bytes(b"")
    own = OwnData(make_plan(root))
    assert [name for name, _ in own.set_aside] == ["dogs/bad.png"]
    sides = {name: side for side, part in enumerate((own.train, own.validation)) for name in part.names}
    assert len(sides) == 41 and len(own.validation) >= 10
    for person in range(10):
        assert len({sides[f"cats/person{person}_{i}.png"] for i in (2 * person, 2 * person + 1)}) == 1
    assert sides["dogs/again.png"] == sides["dogs/dog3.png"]
    for part in (own.train, own.validation):
        for row in (0, len(part) - 1):
            decoded = decode(ImageSource.from_path(str(root / part.names[row])))
            np.testing.assert_array_equal(part.images[row], prepare(decoded, make_plan(root).preprocess).pixels)
            assert part.labels[row] == int(part.names[row].startswith("dogs"))
    assert own.fingerprint == open_dataset(root).fingerprint() and own.test() is None


@pytest.mark.parametrize("group", ["auto", "none"])
def test_figures_of_scans_are_counted_by_person(tmp_path: Path, group: str) -> None:
    """Ten pictures of one person tell less than ten of ten: the card's intervals must know that."""
    for number in range(80):
        folder = tmp_path / "pets" / ("cats", "dogs")[number % 2]
        scan_of(folder / f"{number}.dcm", "Doe^Jane", f"P{number // 10}")
    chosen = make_plan(tmp_path / "pets", group=group, validation=0.5)
    chosen = replace(chosen, preprocess=PreprocessSpec(12, 10, "grey", "stretch"))
    own = OwnData(chosen)
    gathered, decision = gather(chosen, tmp_path), Decision()
    found, _ = measure(
        chosen, gathered, decision, own.validation, lambda _: wrong_for_half(own), "validation", "a test"
    )
    accuracy = found.accuracy
    assert accuracy.value is not None and 0.2 < accuracy.value < 0.8
    if group == "none":
        assert accuracy.method == "wilson"
        return
    assert {len(set(part.groups.tolist())) for part in (own.train, own.validation)} == {4}  # type: ignore[union-attr]
    assert accuracy.method == "wilson by person"
    assert accuracy.low < 0.25 and accuracy.high > 0.75  # type: ignore[operator]


def wrong_for_half(own: OwnData) -> np.ndarray:
    """Scores that are right for every picture of half of the people, wrong for every one of the others."""
    labels, groups = own.validation.labels, own.validation.groups
    people = np.arange(len(labels)) if groups is None else np.unique(groups, return_inverse=True)[1]
    given = np.where(people % 2 == 0, labels, 1 - labels)
    return np.eye(2, dtype=np.float32)[given] * 0.8 + 0.1


def test_splits_of_the_datas_own_are_respected_and_the_test_stays_shut(tmp_path: Path) -> None:
    for split, count in (("Train", 8), ("valid", 4), ("test", 3)):
        for name in ("cats", "dogs", "birds"):
            for number in range(count):
                picture(
                    tmp_path / split / name / f"{number}.png",
                    1000 * len(split) + 100 * len(name) + number + ord(name[0]),
                )
    chosen = make_plan(tmp_path)
    own = OwnData(chosen)
    assert own.has_validation and len(own.train) == 16 and len(own.validation) == 8  # birds are not in the plan
    assert {name.split("/")[0] for name in own.validation.names} == {"valid"}
    before = cache.total_bytes()
    test = own.test()
    assert test is not None and len(test) == 6 and cache.total_bytes() > before
    assert OwnData(replace(chosen, data=replace(chosen.data, path=str(tmp_path / "Train")))).has_validation is False


def test_what_an_inspection_leaves_out_takes_no_part(root: Path) -> None:
    picture(root / "dogs" / "copy.png", 104)
    picture(root / "cats" / "wrong.png", 107)  # the picture of dog7
    left_out = inspect(root).left_out()
    assert set(left_out) == {"dogs/dog4.png", "cats/wrong.png", "dogs/dog7.png"}
    chosen = make_plan(root, left_out=left_out)
    assert chosen.public().data.left_out == () and plan.from_json(chosen.to_json()) == chosen
    own = OwnData(chosen)
    used = set(own.train.names) | set(own.validation.names)
    assert not used & set(left_out) and len(used) == 42 - 3
    assert {name for name, _ in own.set_aside} == set(left_out)


def test_it_is_prepared_once_and_again_when_a_file_changes(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    original = cache.make
    monkeypatch.setattr(cache, "make", lambda *a, **k: made.append(a[0]) or original(*a, **k))
    chosen = make_plan(root)
    first = OwnData(chosen)
    assert OwnData(chosen).train.fingerprint() == first.train.fingerprint() and len(made) == 1
    OwnData(replace(chosen, seed=99))  # another cut of the same prepared pictures
    assert len(made) == 1
    picture(root / "cats" / "person0_0.png", 555)
    os.utime(root / "cats" / "person0_0.png", ns=(1, 1))
    assert OwnData(chosen).fingerprint != first.fingerprint and len(made) == 2


def test_the_lists_of_a_run_are_kept_and_a_changed_folder_is_noticed(root: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    gathered = gather(make_plan(root), run)
    held = read_split(run / "split.json")
    assert held.train == gathered.train.names and held.validation == gathered.validation.names
    assert held.seed == make_plan(root).seed and held.origin == "cut" and str(tmp_path) not in held.to_json()
    (root / "dogs" / "dog5.png").unlink()
    gather(make_plan(root), run)  # nothing was trained yet: begun anew
    (run / "checkpoint.npz").write_bytes(b"x")
    gather(make_plan(root), run)
    picture(root / "dogs" / "new.png", 9)
    with pytest.raises(SplitError) as caught:
        gather(make_plan(root), run)
    assert caught.value.kind == "data-changed"


def test_other_content_under_the_same_names_is_noticed(root: Path, tmp_path: Path) -> None:
    run, chosen = tmp_path / "run", make_plan(root, left_out=("dogs/dog7.png",))
    first = gather(chosen, run)
    (run / "checkpoint.npz").write_bytes(b"x")
    held = (root / "dogs" / "dog5.png").read_bytes()
    picture(root / "dogs" / "dog5.png", 555)
    os.utime(root / "dogs" / "dog5.png", ns=(1, 1))
    with pytest.raises(SplitError, match="other content") as caught:
        gather(chosen, run)
    assert caught.value.kind == "data-changed" and caught.value.hint
    assert first.fingerprint[:12] in caught.value.message
    # Runs that began before fingerprints were kept go on.
    before = read_split(run / "split.json")
    write_split(run / "split.json", replace(before, fingerprint=""))
    assert gather(chosen, run).fingerprint != first.fingerprint
    write_split(run / "split.json", before)
    (root / "dogs" / "dog5.png").write_bytes(held)
    # A picture that took no part may go.
    (root / "dogs" / "dog7.png").unlink()
    assert gather(chosen, run).train.names == first.train.names


def test_arrays_and_the_letters_that_fovea_draws(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    path = tmp_path / "signs.npz"
    np.savez(path, x=random.integers(0, 256, (40, 9, 9), np.uint8), y=np.arange(40) % 2)
    own = OwnData(make_plan(path, classes=("0", "1")))
    assert len(own.train) == 30 and own.train.images.shape[1:] == (12, 10, 3)
    letters = tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    drawn = replace(
        make_plan(path),
        data=plan.DataPlan("captcha-letters", 0.1),
        labels=letters,
        preprocess=PreprocessSpec(20, 20, "grey", "stretch"),
    )
    gathered = gather(drawn, tmp_path / "run")
    assert 880 <= len(gathered.train) <= 910 and len(set(gathered.train.labels.tolist())) == 26
    test = gathered.open_test()
    assert test is not None and len(test) == 520
    assert np.asarray(test.images).max() > 200


@pytest.mark.parametrize("damage", ["no validation", "class gone", "class empty"])
def test_what_cannot_be_trained_on_is_said(tmp_path: Path, damage: str) -> None:
    for name in ("cats", "dogs"):
        picture(tmp_path / name / "one.png", len(name) * ord(name[0]))
    chosen = make_plan(tmp_path)
    if damage == "class gone":
        chosen = replace(chosen, data=replace(chosen.data, classes=("cats", "birds")))
    if damage == "class empty":
        (tmp_path / "dogs" / "one.png").write_bytes(b"")
        for number in range(5):
            picture(tmp_path / "cats" / f"{number}.png", number)
    with pytest.raises(DataError) as caught:
        gather(chosen, tmp_path / "run")
    assert caught.value.hint and str(tmp_path) not in caught.value.message


def test_near_copies_stay_on_one_side_of_the_cut(root: Path) -> None:
    for number in range(6):
        pixels = np.asarray(Image.open(root / "dogs" / f"dog{number}.png")).copy()
        pixels[0, 0] ^= 255
        Image.fromarray(pixels).save(root / "dogs" / f"again{number}.png")
    found = inspect(root)
    near = found.kept_together(found.left_out())
    pairs = {frozenset(group) for group in near}
    assert pairs == {frozenset((f"dogs/dog{i}.png", f"dogs/again{i}.png")) for i in range(6)}
    assert found.kept_together([f"dogs/again{i}.png" for i in range(6)]) == ()
    for seed in range(4):
        for groups in (near, ()):
            chosen = replace(make_plan(root, kept_together=groups), seed=seed)
            assert plan.from_json(chosen.to_json()) == chosen and chosen.public().data.kept_together == ()
            own = OwnData(chosen)
            held = set(own.validation.names)
            split = sum(len(pair & held) == 1 for pair in pairs)
            assert not split  # also where no look before has named them
    assert "kept_together" not in make_plan(root).to_json()


def test_what_the_split_cannot_measure_is_noted(root: Path, tmp_path: Path) -> None:
    assert gather(make_plan(root), tmp_path / "run").notes == ()
    for number in range(20):
        (root / "cats" / f"person{number // 2}_{number}.png").rename(root / "cats" / f"person1_{number}.png")
    first, second = gather(make_plan(root), tmp_path / "run").notes
    assert "no picture of 'Cat'" in first and "0 of 20 pictures of 'Cat'" in second


def test_copies_across_the_datas_own_splits_are_noted(tmp_path: Path) -> None:
    for place, split in enumerate(("train", "val", "test")):
        for step, name in enumerate(("cats", "dogs")):
            for number in range(4):
                picture(tmp_path / split / name / f"{number}.png", 100 * place + 10 * step + number)
    chosen = make_plan(tmp_path)
    assert gather(chosen, tmp_path / "run").notes == ()
    picture(tmp_path / "val" / "cats" / "copy.png", 1)
    picture(tmp_path / "test" / "dogs" / "copy.png", 12)
    gathered = gather(chosen, tmp_path / "run")
    (note,) = gathered.notes
    assert "1 of 9 pictures to check with are exact copies" in note
    test = gathered.open_test()
    assert test is not None
    text = copies(gathered, test, "test")
    assert "1 of 9 pictures to test with" in text
    # Who is handed the model is told, whether the plan brings words of its own or not.
    found, _ = measure(
        chosen, gathered, Decision(), test, lambda _: np.tile([0.4, 0.6], (len(test), 1)), "test", "a test"
    )
    for words in ({}, {"summary": "s", "intended_use": "i", "population": "p", "limits": ["Only pets."]}):
        made = card.write_card(replace(chosen, card=words), gathered, found, "test", 9, None, [text])
        assert made.limits[-2].startswith("1 of 9 pictures to check with") and made.limits[-1].endswith("too much.")
        assert ("Only pets." in made.limits) == bool(words)


def test_persons_across_the_datas_own_splits_are_noted(tmp_path: Path) -> None:
    for place, split in enumerate(("train", "val")):
        for step, name in enumerate(("cats", "dogs")):
            for number in range(4):
                person = 10 * step + number + 2 * place
                picture(tmp_path / split / name / f"person{person}_{split}.png", 100 * place + 10 * step + number)
    chosen = make_plan(tmp_path, group="person")
    chosen = replace(chosen, decision=plan.DecisionPlan("balanced", 1))
    gathered = gather(chosen, tmp_path / "run")
    (note,) = gathered.notes
    assert note.startswith("4 of 8 persons or cases to check with")
    decide = pytest.importorskip("desktop.ml.packaging.decide", reason="needs Keras", exc_type=ImportError)
    known = decide.known(chosen, gathered.train, gathered.validation)
    assert "other pictures of 4 of their persons" in known and "none" not in known
    apart = gathered.validation.take(np.flatnonzero(~np.isin(gathered.validation.groups, gathered.train.groups)))
    assert "training saw none of their persons" in decide.known(chosen, gathered.train, apart)
    assert gather(make_plan(tmp_path, group="none"), tmp_path / "run").notes == ()


@pytest.mark.parametrize("split", ["", "train"])
@pytest.mark.parametrize("inner", ["", "archive"])
def test_pictures_of_a_wrapping_folder_are_found_again(
    inner: str, split: str, tmp_path: Path, fovea_home: Path
) -> None:
    base = tmp_path / "pets" / inner if split else tmp_path / "pets"
    for number in range(4):
        for step, name in enumerate(("cats", "dogs")):
            picture(base / split / name / f"{number}.png", 10 * step + number)
            if split:
                picture(base / "test" / name / f"{number}.png", 100 + 10 * step + number)
    gathered = gather(make_plan(tmp_path / "pets"), tmp_path / "run")
    train = gathered.train
    vectors = np.eye(len(train), dtype=np.float16)
    neighbours.write("ab" * 32, vectors, list(train.names), train.labels, gathered.folder)
    held = neighbours.Neighbours.read("ab" * 32)
    assert held is not None
    for name in train.names:
        assert held._path(name) == str(base / name)


def test_a_card_counts_the_pictures_of_all_classes(root: Path, tmp_path: Path) -> None:
    labels = tuple(f"class {number}" for number in range(40))
    part = Pictures(np.zeros((60, 2, 2, 1), np.uint8), np.arange(60) % 40, tuple(map(str, range(60))))
    chosen = make_plan(root)
    chosen = replace(chosen, labels=labels, data=replace(chosen.data, classes=labels), card={})
    gathered = replace(gather(make_plan(root), tmp_path / "run"), train=part, validation=part)
    scores = np.eye(40, dtype=np.float32)[part.labels]
    found, _ = measure(chosen, gathered, Decision(), part, lambda _: scores, "validation", "a test")
    made = card.write_card(chosen, gathered, found, "validation", 9, None)
    assert "class 29 1 and 10 more classes with 10 pictures)" in made.population
    assert any("rough; see their intervals" in text for text in made.limits)
    few = Pictures(part.images[:6], part.labels[:6], part.names[:6])
    found, _ = measure(chosen, gathered, Decision(), few, lambda _: scores[:6], "validation", "a test")
    limits = card.write_card(chosen, gathered, found, "validation", 9, None).limits
    assert "6 pictures to check with are too few for any figure." in limits
    assert not any("interval" in text for text in limits), "there is none to see"


def test_a_file_that_could_not_be_read_is_read_later(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def locked(feed: own_data._Feed, position: int) -> cache.CacheItem:
        if feed.names[position] != "dogs/dog3.png":
            return item(feed, position)
        return ImageSource("dog3.png", str(root / "dogs" / "gone.png")), None

    item = own_data._Feed.item
    monkeypatch.setattr(own_data._Feed, "item", locked)
    monkeypatch.setattr(own_data, "_opens", lambda part, position: False)
    first = OwnData(make_plan(root))
    assert [name for name, _ in first.set_aside] == ["dogs/dog3.png"]
    again = OwnData(make_plan(root))  # still locked: nothing is prepared anew
    assert again.set_aside == first.set_aside
    del first, again
    monkeypatch.undo()
    assert OwnData(make_plan(root)).set_aside == ()


@pytest.mark.parametrize("group", ["none", "auto"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_what_the_inspection_promises_of_the_split_is_what_is_cut(tmp_path: Path, group: str, seed: int) -> None:
    """Persons, copies in another class, near copies that stay together, pictures left out, a class of one person."""
    for step, name in enumerate(("cats", "dogs", "emus")):
        for number in range(9):
            who = f"person{number // 2 if name != 'emus' else 7}"
            picture(tmp_path / name / f"{who}_{number}.png", 40 * step + 3 * number)
    (tmp_path / "dogs" / "person9_1.png").write_bytes((tmp_path / "cats" / "person0_0.png").read_bytes())
    classes = ("cats", "dogs", "emus")
    chosen = make_plan(tmp_path)
    data = replace(chosen.data, group=group, classes=classes)
    chosen = replace(chosen, data=data, seed=seed, labels=classes)
    found = inspect(tmp_path)
    left_out, near = ("cats/person4_8.png",), (("dogs/person1_2.png", "dogs/person3_6.png"),)
    data = replace(chosen.data, left_out=left_out, kept_together=near)
    chosen = replace(chosen, data=data)
    gathered = gather(chosen, tmp_path.parent / f"{tmp_path.name}-run")
    assert found.cutting is not None
    promised = found.cutting.counts(
        chosen.data.classes, chosen.data.validation, chosen.seed, group != "none", left_out, near
    )
    sides = (gathered.train, gathered.validation)
    assert promised == tuple(
        tuple(int((side.labels == label).sum()) for side in sides) for label in range(len(chosen.labels))
    )
