"""Labels into projects and out of them; what window and command line do with them."""

from __future__ import annotations

import csv
import json
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from desktop.app import teaching, teaching_exchange, teaching_models
from desktop.core.data.dataset import ALL, DatasetError
from desktop.core.data.open_data import open_dataset
from desktop.core.data.read_labels_file import write_labels
from desktop.core.types import FoveaError, ImageSource
from desktop.store.project import Project
from desktop.store.projects import ProjectStore

CLASSES = ("Äpfel", "日本 / 語", "CON", "..")


@pytest.fixture
def store(tmp_path: Path) -> ProjectStore:
    return ProjectStore(tmp_path / "projects")


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    for number in range(24):
        place = folder / f"day {number % 3}"
        place.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (30, 20), (number * 10, 90, 40)).save(place / f"IMG_{number // 3:03d}.png")
    return folder


@pytest.fixture
def project(store: ProjectStore, pictures: Path) -> Project:
    """24 pictures of which 16 have a label, four of each class."""
    made = store.create("fruit")
    ids = teaching.add_pictures(made, [pictures]).ids
    for number, name in enumerate(CLASSES):
        made.label(ids[4 * number : 4 * number + 4], made.class_named(name).id)
    return made


def said(project: Project) -> dict[str, str]:
    names = {c.id: c.name for c in project.classes()}
    listed = project.pictures(project.index().ids.tolist())
    return {p.path: names[p.label] for p in listed if p.label is not None}


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_files_folders_and_archives_are_added_once(store: ProjectStore, pictures: Path, tmp_path: Path) -> None:
    archive = tmp_path / "more.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for number in range(3):
            packed.write(next(pictures.rglob("*.png")), f"inner/{number}.png")
        packed.writestr("inner/readme.txt", "no picture")
    before = contents(pictures)
    with store.create("p") as project:
        found = teaching.add_pictures(project, [pictures, archive, tmp_path / "not-there"])
        assert len(found.ids) == 27 and [problem.kind for problem in found.problems] == ["not-found"]
        again = teaching.add_pictures(project, [archive, pictures])
        assert (again.ids, again.known) == ([], 27)
        inside = [p.path for p in project.pictures(found.ids) if "archives" in p.path]
        assert len(inside) == 3 and all(path.startswith(str(project.folder)) for path in inside)
        archive.unlink()
        assert all(os.path.isfile(path) for path in inside)
        project.undo()
        assert len(project.index()) < 27
    assert contents(pictures) == before


def test_adding_is_cancelled_and_what_was_added_stays(store: ProjectStore, pictures: Path) -> None:
    with store.create("p") as project:
        asked = iter([False] * 10 + [True] * 100)
        found = teaching.add_pictures(project, [pictures], cancelled=lambda: next(asked))
        assert found.cancelled and 0 < len(found.ids) < 24 and len(project.index()) == len(found.ids)


def test_a_correction_adds_picture_class_and_label_in_one_step(store: ProjectStore, pictures: Path) -> None:
    file = next(pictures.rglob("*.png"))
    with store.create("p") as project:
        teaching.correct(project, ImageSource.from_path(str(file)), "pear")
        teaching.correct(project, ImageSource("clipboard.png", data=file.read_bytes()), "PEAR")
        assert len(project.classes()) == 1 and len(project.index()) == 2
        first, second = teaching.corrections(project)[::-1]
        assert project.picture(first).path == str(file)
        assert Path(project.picture(second).path).parent == project.folder / "kept"
        teaching.correct(project, ImageSource.from_path(str(file)), "apple")
        assert len(project.index()) == 2 and teaching.corrections(project) == [first, second]
        project.undo()
        assert [c.name for c in project.classes()] == ["pear"]
        project.label([second], None)
        assert teaching.corrections(project) == [first]


@pytest.mark.parametrize("way", ["copy", "link"])
def test_class_folders_go_out_and_come_back(
    project: Project, store: ProjectStore, pictures: Path, tmp_path: Path, way: teaching_exchange.FolderWay
) -> None:
    before = contents(pictures)
    target = tmp_path / "out"
    done = teaching_exchange.export_folders(project, target, way)
    assert done.pictures == 16 and not done.left_out and (done.linked == 16) is (way == "link")
    folders = sorted(path.name for path in target.iterdir())
    assert len(folders) == 4 and not {"CON", "con", "..", "日本 / 語"} & set(folders)
    assert all(len(list(path.iterdir())) == 4 for path in target.iterdir())
    assert contents(pictures) == before
    with store.create("back") as back:
        found = teaching_exchange.import_dataset(back, str(target))
        assert (found.added, found.labelled, len(found.classes)) == (16, 16, 4)
        again = teaching_exchange.import_dataset(back, str(target))
        assert (again.added, again.labelled, again.kept) == (0, 0, 16)
        assert back.undo() is not None and back.undo() is None or len(back.index()) == 0
    with pytest.raises(FoveaError) as caught:
        teaching_exchange.export_folders(project, target, way)
    assert caught.value.kind == "not-empty"


def test_an_export_that_is_cancelled_or_fails_leaves_nothing(project: Project, tmp_path: Path) -> None:
    target = tmp_path / "out"
    with pytest.raises(FoveaError, match="cancelled"):
        teaching_exchange.export_folders(project, target, cancelled=lambda: True)
    assert not [path for path in tmp_path.iterdir() if "out" in path.name]
    gone = next(iter(said(project)))
    os.unlink(gone)
    done = teaching_exchange.export_folders(project, target)
    assert done.pictures == 15 and [name for name, _ in done.left_out] == [os.path.basename(gone)]


def test_a_table_goes_out_and_comes_back(project: Project, store: ProjectStore, pictures: Path, tmp_path: Path) -> None:
    target = tmp_path / "labels.csv"
    assert teaching_exchange.export_csv(project, target) == 16
    rows = list(csv.DictReader(target.open(encoding="utf-8-sig")))
    assert set(rows[0]) == {"file", "label"} and {row["label"] for row in rows} == set(CLASSES)
    with store.create("back") as back:
        found = teaching_exchange.import_table(back, target, pictures)
        assert (found.labelled, found.added, found.missing_count) == (16, 16, 0)
        assert said(back) == said(project)


TABLES = {
    "kaggle": "image_id,dx,age\nIMG_{n},{c},3\n",
    "semicolons": "file;label\nIMG_{n}.png;{c}\n",
    "no heading": "IMG_{n}.png,{c}\n",
    "tabs": "IMG_{n}.png\t{c}\n",
    "paths": "path,class\nday 0/IMG_{n}.png,{c}\n",
}


@pytest.mark.parametrize("kind", TABLES)
@pytest.mark.parametrize("code", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_tables_of_other_programs_are_read(
    store: ProjectStore, pictures: Path, tmp_path: Path, kind: str, code: str
) -> None:
    head, _, line = TABLES[kind].rpartition("\n")[0].rpartition("\n")
    text = (head + "\n" if head else "") + "".join(
        line.format(n=f"{n:03d}", c="Äpfel" if n % 2 else "Birnen") + "\n" for n in range(8)
    )
    table = tmp_path / "t.csv"
    table.write_text(text, encoding=code)
    folder = pictures / "day 0" if kind != "paths" else pictures
    with store.create("p") as project:
        teaching.add_pictures(project, [pictures / "day 0"])
        found = teaching_exchange.import_table(project, table, folder)
        assert found.labelled == 8, found
        assert sorted(c.name for c in project.classes()) == ["Birnen", "Äpfel"]


def test_odd_rows_are_counted_and_never_guessed(store: ProjectStore, pictures: Path, tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    lines = [
        "file,label",
        "IMG_000.png,a",
        "nowhere.png,a",
        "day 1/IMG_001.png,a",
        "day 1/IMG_001.png,b",
        "IMG_002.png,",
        "",
    ]
    lines += ["day 2/IMG_003.png,A", '"day 2/IMG_004.png', "../../etc/passwd,a", "IMG_\0.png,a"]
    table.write_text("\n".join(lines), encoding="utf-8")
    with store.create("p") as project:
        teaching.add_pictures(project, [pictures])
        found = teaching_exchange.import_table(project, table, pictures)
        # IMG_000.png is in three folders: nobody knows which one is meant.
        assert found.labelled == 1 and found.contradicting == 1 and found.unlabelled >= 1
        assert found.missing_count >= 3 and set(said(project).values()) == {"a"} or set(said(project).values()) == {"A"}
    for bad in ("one column\nx\n", ""):
        table.write_text(bad, encoding="utf-8")
        with store.create("q") as project:
            try:
                assert teaching_exchange.import_table(project, table).labelled == 0
            except FoveaError as error:
                assert error.kind == "bad-table"
    with store.create("r") as project, pytest.raises(FoveaError, match="cannot be read"):
        teaching_exchange.import_table(project, tmp_path / "no.csv")


def test_a_table_with_a_million_rows(store: ProjectStore, pictures: Path, tmp_path: Path) -> None:
    table = tmp_path / "large.csv"
    with table.open("w", encoding="utf-8") as stream:
        stream.write("file,label\n")
        for number in range(1_000_000):
            stream.write(f"far/away/p{number}.jpg,class {number % 7}\n")
        stream.write("IMG_001.png,found\n")
    with store.create("p") as project:
        teaching.add_pictures(project, [pictures / "day 0"])
        found = teaching_exchange.import_table(project, table)
        assert (found.labelled, found.missing_count, len(found.missing)) == (1, 1_000_000, 100)
        assert [c.name for c in project.classes()] == ["found"]


def test_too_many_classes_are_refused_before_anything_is_taken_over(
    store: ProjectStore, pictures: Path, tmp_path: Path
) -> None:
    table = tmp_path / "ids.csv"
    with store.create("p") as project:
        ids = project.add([(f"/p/{n}.jpg", 1, 1) for n in range(2_100)])
        table.write_text("file,label\n" + "".join(f"{n}.jpg,patient {n}\n" for n in range(2_100)), encoding="utf-8")
        with pytest.raises(FoveaError, match="more than 2,000 classes"):
            teaching_exchange.import_table(project, table)
        assert project.classes() == [] and len(project.index()) == len(ids)


def test_coco_has_every_label_as_a_box(project: Project, tmp_path: Path) -> None:
    target = tmp_path / "coco.json"
    assert teaching_exchange.export_coco(project, target) == 16
    held = json.loads(target.read_text(encoding="utf-8"))
    assert {c["name"] for c in held["categories"]} == set(CLASSES)
    assert len(held["images"]) == len(held["annotations"]) == 16
    assert all("/" not in image["file_name"] or not image["file_name"].startswith("/") for image in held["images"])


def test_kept_drawings_are_taken_over(store: ProjectStore, fovea_home: Path) -> None:
    folder = fovea_home / "drawings" / "digits"
    for name in ("1", "%E6%97%A5"):
        (folder / name).mkdir(parents=True)
        Image.new("L", (28, 28), 200).save(folder / name / "a.png")
    with store.create("p") as project:
        found = teaching_exchange.import_drawings(project, folder)
        assert found.labelled == 2 and {c.name for c in project.classes()} == {"1", "日"}


def test_labels_are_handed_on_as_data(project: Project, tmp_path: Path) -> None:
    place = tmp_path / "now.fovea-labels"
    write_labels(place, "fruit", list(said(project).items()))
    data = open_dataset(str(place), ALL)
    assert len(data) == 16 and set(data.classes) == set(CLASSES) and data.kind == "folders"
    assert {str(data.source(i).path): data.classes[int(data.targets[i])] for i in range(16)} == said(project)
    assert len({data.name(i) for i in range(16)}) == 16 and data.fingerprint()
    for bad in (
        b"",
        b"{}\n",
        b'{"fovea-labels": 1}\n["relative.png", "a"]\n',
        b'{"fovea-labels": 1}\n[1, 2]\n',
        b"\xff",
    ):
        place.write_bytes(bad)
        with pytest.raises(DatasetError):
            open_dataset(str(place), ALL)


def test_names_of_folders_are_allowed_everywhere() -> None:
    odd = ["a", "A", "a.", "con", "CON.txt", "", " ", "..", ".hidden", "a/b", "a\\b", "a:b", "x" * 300, "日本", "\x01"]
    found = teaching_exchange.folder_names(odd)
    names = [found[name] for name in odd]
    assert len({name.casefold() for name in names}) == len(odd)
    for name in names:
        assert name and not name.startswith(".") and name.rstrip(". ") == name and len(name) <= 110
        assert not set(name) & set('<>:"/\\|?*\x01') and name.split(".")[0].casefold() not in ("con", "nul")


def test_a_model_needs_two_pictures_of_two_classes(store: ProjectStore) -> None:
    with store.create("p") as project:
        ids = project.add([(f"/p/{n}.jpg", 1, 1) for n in range(4)])
        assert "two classes" in teaching_models.ready_to_make(project).reason
        project.label(ids[:2], project.add_class("a").id)
        other = project.add_class("b").id
        project.label(ids[2:3], other)
        assert "'b' has one picture" in teaching_models.ready_to_make(project).reason
        with pytest.raises(FoveaError, match="one picture"):
            teaching_models.prepare_training(project)
        project.label(ids[3:], other)
        assert teaching_models.ready_to_make(project).reason == ""


def test_a_folders_project_is_found_again(store: ProjectStore, pictures: Path) -> None:
    with teaching.project_of_folder(store, pictures) as project:
        first = project.id
    with teaching.project_of_folder(store, pictures / ".") as project:
        assert project.id == first
    assert np.size(store.entries()) == 1
