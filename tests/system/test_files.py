"""Whole files or none, room on a disk, and the words for what a disk refuses."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import pytest

from desktop.core.types import StoreError
from desktop.system import files
from desktop.system.errors import FoveaError
from tests.patience import patient

TEXT = b"gr\xc3\xbcn\n\\udcff"

posix = pytest.mark.skipif(os.name == "nt", reason="POSIX permissions and pipes")


@pytest.mark.parametrize(
    "content",
    ["grün\n\udcff", TEXT, [TEXT[:3], TEXT[3:]], lambda part: part.write_bytes(TEXT)],
    ids=["text", "bytes", "pieces", "function"],
)  # fmt: skip
def test_every_kind_of_content_arrives(tmp_path: Path, content: files.Content) -> None:
    target = tmp_path / "a.txt"
    target.write_text("older")
    files.write_atomically(target, content)
    assert target.read_bytes() == TEXT
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


@pytest.mark.parametrize("victim", ["fsync", "replace"])
def test_an_older_file_stays_whole_whatever_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, victim: str) -> None:
    target = tmp_path / "a.txt"
    target.write_text("older")

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, victim, refuse)
    with pytest.raises(OSError, match="No space"):
        files.write_atomically(target, "newer")
    assert target.read_text() == "older" and len(list(tmp_path.iterdir())) == 1


def test_what_the_content_raises_leaves_nothing(tmp_path: Path) -> None:
    def half(part: Path) -> None:
        part.write_text("half")
        raise ValueError("stopped")

    with pytest.raises(ValueError, match="stopped"):
        files.write_atomically(tmp_path / "a.txt", half)
    assert not list(tmp_path.iterdir())


@posix
def test_file_and_folder_are_flushed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flushed = []
    real = os.fsync

    def note(descriptor: int) -> None:
        flushed.append(stat.S_ISDIR(os.fstat(descriptor).st_mode))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", note)
    files.write_atomically(tmp_path / "a.txt", "text")
    assert flushed == [False, True]


@posix
def test_permissions_of_an_older_file_are_kept(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    target.write_text("older")
    target.chmod(0o640)
    files.write_atomically(target, "newer")
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    files.write_atomically(tmp_path / "b.txt", "new")
    mask = os.umask(0)
    os.umask(mask)
    assert stat.S_IMODE((tmp_path / "b.txt").stat().st_mode) == 0o666 & ~mask


@posix
def test_a_device_is_written_to_not_replaced() -> None:
    before = os.stat("/dev/null").st_rdev
    files.write_atomically("/dev/null", "gone")
    assert os.stat("/dev/null").st_rdev == before


def test_what_a_killed_writer_left_goes_and_what_a_living_one_writes_stays(tmp_path: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path; from desktop.system import files\n"
        "files.write_atomically(Path(sys.argv[1]) / 'a.txt', lambda part: (part.write_text('half'), os._exit(9)))"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False, timeout=patient(100))
    left = list(tmp_path.iterdir())
    assert len(left) == 1 and left[0].name.endswith(".part")
    mine = files.part_beside(tmp_path / "b.txt")
    mine.write_text("being written")
    (tmp_path / "notes.part").write_text("somebody else's")
    files.remove_leftovers(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([mine.name, "notes.part"])
    files.remove_leftovers(tmp_path / "not there")


# Room

Usage = namedtuple("Usage", "total used free")


def test_room_keeps_its_reserve_and_the_sentence_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def usage(folder: Path) -> Usage:
        asked.append(folder)
        return Usage(10**9, 0, files.RESERVE_BYTES + 1000)

    monkeypatch.setattr(shutil, "disk_usage", usage)
    deep = tmp_path / "not" / "there yet"
    assert files.has_room(deep, 1000) and not files.has_room(deep, 1001)
    assert set(asked) == {tmp_path}
    files.check_room(deep, 1000, "keeping it")
    with pytest.raises(StoreError) as caught:
        files.check_room(deep, 2_000_000, "keeping it", kind=StoreError)
    assert caught.value.kind == "disk-full"
    assert caught.value.message == (
        "keeping it takes 2.0 MB, and 256 MB are kept in reserve; the disk of Fovea's own data has 256 MB free"
    )


@pytest.mark.parametrize(
    ("count", "words"),
    [(0, "0 bytes"), (999, "999 bytes"), (1000, "1.0 kB"), (49_000_000, "49 MB"), (1_430_000_000, "1.4 GB")],
)
def test_an_amount_never_reads_as_nothing(count: int, words: str) -> None:
    assert files.size_words(count) == words


# Words


@pytest.mark.parametrize(
    ("number", "kind"),
    [(errno.ENOSPC, "disk-full"), (errno.EDQUOT, "disk-full"), (errno.EACCES, "not-writable"),
     (errno.EROFS, "not-writable"), (errno.EIO, "not-saved")],
)  # fmt: skip
def test_a_refusal_is_said_without_a_path_and_names_the_disk(number: int, kind: str) -> None:
    with pytest.raises(FoveaError) as caught, files.saying("the list", files.disk_of("/home/mary/scan.csv")):
        raise OSError(number, os.strerror(number), "/home/mary/scan.csv")
    assert caught.value.kind == kind and "mary" not in caught.value.message
    if kind != "not-saved":
        assert "the disk of 'scan.csv'" in caught.value.message
    assert caught.value.hint
