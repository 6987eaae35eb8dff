"""The walk through files and folders: order, links, clutter, DICOM by content, and what cannot be read."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop.core.pictures.walk import FoundFile, Problem, natural_key, walk_images

SUFFIXES = frozenset({".png", ".jpg", ".dcm"})
posix_only = pytest.mark.skipif(os.name == "nt", reason="needs POSIX links, pipes or permissions")


def touch(path: Path, data: bytes = b"x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def names(root: Path) -> list[str]:
    items = list(walk_images([root], SUFFIXES))
    assert all(isinstance(item, FoundFile) for item in items), items
    return [Path(item.path).relative_to(root).as_posix() for item in items]


def test_order_is_natural_and_files_come_before_folders(tmp_path: Path) -> None:
    for name in ("scan10.png", "scan2.PNG", "Scan1.jpg", "b/1.png", "a10/1.png", "a9/1.png"):
        touch(tmp_path / name)
    assert names(tmp_path) == ["Scan1.jpg", "scan2.PNG", "scan10.png", "a9/1.png", "a10/1.png", "b/1.png"]


def test_clutter_and_other_files_are_passed_over(tmp_path: Path) -> None:
    for name in (".hidden.png", ".git/a.png", "Thumbs.db", ".DS_Store", "__MACOSX/a.png", "._a.png", "notes.txt"):
        touch(tmp_path / name)
    touch(tmp_path / "a.png")
    assert names(tmp_path) == ["a.png"]


def test_dicom_without_a_suffix_is_known_by_its_content(tmp_path: Path) -> None:
    dicom = bytes(128) + b"DICM" + bytes(40)
    touch(tmp_path / "IM0001", dicom)
    touch(tmp_path / "1.2.840.10008.5.12", dicom)
    touch(tmp_path / "README")
    touch(tmp_path / "DICOMDIR", dicom)
    assert names(tmp_path) == ["1.2.840.10008.5.12", "IM0001"]


PNG = b"\x89PNG\r\n\x1a\n" + bytes(30)
DICOM = bytes(128) + b"DICM" + bytes(40)


def test_unknown_and_missing_suffixes_are_judged_by_content(tmp_path: Path) -> None:
    for name in ("a.IMA", "b.img", "c.acr", "0001.v2", "scan", "x.y.z", "photo.apng", "shot.jpg_large", "p.bin"):
        touch(tmp_path / name, PNG if name.startswith(("p", "s")) else DICOM)
    for name in ("d.IMA", "e", "f.img", "g.xyz"):
        touch(tmp_path / name, b"no picture at all")
    touch(tmp_path / "empty.ima", b"")
    found = names(tmp_path)
    assert sorted(found) == sorted(
        ["0001.v2", "a.IMA", "b.img", "c.acr", "p.bin", "photo.apng", "scan", "shot.jpg_large", "x.y.z"]
    )


def test_suffixes_of_other_things_are_not_even_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("raw.NEF", "raw.dng", "movie.mp4", "labels.csv", "model.keras", "load.part", "old.png.bak", "a.png~"):
        touch(tmp_path / name, PNG)
    touch(tmp_path / "a.png", PNG)
    opened: list[str] = []
    real = open
    monkeypatch.setattr("builtins.open", lambda path, *rest, **more: opened.append(path) or real(path, *rest, **more))
    assert names(tmp_path) == ["a.png"] and not opened


@posix_only
def test_an_unknown_file_that_cannot_be_read_is_no_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(tmp_path / "locked.xyz", PNG)

    def refused(*_rest: object, **_more: object) -> None:
        raise PermissionError(13, "no")

    monkeypatch.setattr("builtins.open", refused)
    assert names(tmp_path) == []


def test_a_file_named_outright_is_found_whatever_it_is_called(tmp_path: Path) -> None:
    files = [touch(tmp_path / name) for name in ("notes.txt", ".hidden", "DICOMDIR")]
    assert list(walk_images(files, SUFFIXES)) == [FoundFile(str(file)) for file in files]


def test_missing_paths_and_impossible_names_are_problems_and_the_walk_goes_on(tmp_path: Path) -> None:
    good = touch(tmp_path / "a.png")
    items = list(walk_images([str(tmp_path / "gone.png"), "a\0b", good], SUFFIXES))
    assert [getattr(item, "kind", "found") for item in items] == ["not-found", "unreadable", "found"]
    assert all(str(tmp_path) not in item.message for item in items if isinstance(item, Problem))


@posix_only
def test_links_are_followed_and_loops_end(tmp_path: Path) -> None:
    touch(tmp_path / "a" / "1.png")
    (tmp_path / "a" / "up").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "a" / "self").symlink_to("self")
    (tmp_path / "b").symlink_to(tmp_path / "a", target_is_directory=True)
    (tmp_path / "2.png").symlink_to(tmp_path / "a" / "1.png")
    assert names(tmp_path) == ["2.png", "a/1.png"]


@posix_only
def test_a_broken_or_circular_link_to_a_picture_is_reported(tmp_path: Path) -> None:
    (tmp_path / "gone.png").symlink_to(tmp_path / "nowhere")
    (tmp_path / "self.png").symlink_to("self.png")
    assert [item.kind for item in walk_images([tmp_path], SUFFIXES)] == ["not-found", "unreadable"]


@posix_only
def test_pipes_are_never_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    os.mkfifo(tmp_path / "pipe")
    assert names(tmp_path) == []
    (item,) = walk_images([tmp_path / "pipe.png"], SUFFIXES)
    assert isinstance(item, Problem) and item.kind == "not-a-file"


@posix_only
def test_an_unreadable_folder_is_reported_and_its_neighbours_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    touch(tmp_path / "a" / "1.png")
    touch(tmp_path / "b" / "2.png")
    (tmp_path / "a").chmod(0)
    real = os.scandir

    def refusing(folder: str) -> object:  # the super-user may read everything: refuse in the system's name
        if folder == str(tmp_path / "a"):
            raise PermissionError(13, "Permission denied")
        return real(folder)

    monkeypatch.setattr(os, "scandir", refusing)
    try:
        problem, found = walk_images([tmp_path], SUFFIXES)
    finally:
        (tmp_path / "a").chmod(0o700)
    assert isinstance(problem, Problem) and problem.kind == "no-access"
    assert found == FoundFile(str(tmp_path / "b" / "2.png"))


@posix_only
def test_folders_nested_deeper_than_pythons_stack(tmp_path: Path) -> None:
    depth = sys.getrecursionlimit() + 200
    home = os.open(".", os.O_RDONLY)
    try:
        os.chdir(tmp_path)
        for _ in range(depth):
            os.mkdir("d")
            os.chdir("d")
        Path("x.png").write_bytes(b"x")
        items = list(walk_images([tmp_path], SUFFIXES))
        assert len(items) == 1  # found, or reported where the system knows no path that long
    finally:  # from the inside out: rmtree recurses
        Path("x.png").unlink(missing_ok=True)
        while not os.path.samefile(".", tmp_path):
            os.chdir("..")
            os.rmdir("d")
        os.fchdir(home)
        os.close(home)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems refuse such names")
def test_names_that_are_no_text_survive(tmp_path: Path) -> None:
    raw = os.path.join(os.fsencode(tmp_path), b"\xff\xfe.png")
    with open(raw, "wb") as stream:
        stream.write(b"x")
    (item,) = walk_images([tmp_path], SUFFIXES)
    assert isinstance(item, FoundFile) and os.fsencode(item.path) == raw


@given(st.lists(st.text(max_size=12), max_size=12), st.randoms())
def test_the_natural_order_does_not_depend_on_the_listing(texts: list[str], random: Random) -> None:
    ordered = sorted(texts, key=natural_key)
    random.shuffle(texts)
    assert sorted(texts, key=natural_key) == ordered


@given(st.integers(0, 10**9), st.integers(0, 10**9))
def test_numbers_in_names_count_as_numbers(a: int, b: int) -> None:
    assert (natural_key(f"x{a}.png") < natural_key(f"x{b}.png")) == (a < b)
