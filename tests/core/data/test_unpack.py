"""Labelled pictures in archives: where they are unpacked to, and which are refused."""

from __future__ import annotations

import os
import tarfile
import zipfile
from pathlib import Path

import pytest

from desktop.core.data import unpack
from desktop.core.data.dataset import ALL, DatasetError
from desktop.core.data.open_data import open_dataset
from tests.core.data.strange_folders import confirmed, labels, picture, pictures, table


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
