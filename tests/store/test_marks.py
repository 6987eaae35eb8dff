"""Stars and notes by content: kept, found again, never in the way."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest

from desktop.core.types import ImageSource, StoreError
from desktop.store.marks import LONGEST_NOTE, MarkStore, PictureMark


def source(path: Path, content: bytes) -> ImageSource:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return ImageSource.from_path(str(path))


def test_a_mark_is_of_the_content(tmp_path: Path) -> None:
    one = source(tmp_path / "a.png", b"one")
    MarkStore().put(one, PictureMark(True, " Hello "))
    copy, other = source(tmp_path / "copy.png", b"one"), source(tmp_path / "other.png", b"two")
    held = ImageSource("clip", data=b"one")
    assert MarkStore().find([other, one, copy, held]) == {n: PictureMark(True, "Hello") for n in (1, 2, 3)}
    source(tmp_path / "a.png", b"new")  # another picture under the old name
    os.utime(tmp_path / "a.png", (1, 1))
    assert MarkStore().find([one]) == {}


def test_an_empty_mark_is_none(tmp_path: Path) -> None:
    one = source(tmp_path / "a.png", b"one")
    MarkStore().put(one, PictureMark(True))
    MarkStore().put(one, PictureMark())
    assert MarkStore().find([one]) == {}
    MarkStore().put(one, PictureMark(False, "x" * 9000))
    assert len(MarkStore().find([one])[0].note) == LONGEST_NOTE


def test_known_files_are_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = source(tmp_path / "a.png", b"one"), source(tmp_path / "long.png", b"longer")
    MarkStore().put(one, PictureMark(True))
    monkeypatch.setattr("desktop.store.marks._sha256", lambda _: pytest.fail("read again"))
    assert MarkStore().find([one, other]) == {0: PictureMark(True)}


def test_nothing_is_made_by_looking(fovea_home: Path, tmp_path: Path) -> None:
    assert MarkStore().find([source(tmp_path / "a.png", b"one")]) == {}
    assert not (fovea_home / "marks.sqlite").exists()


def test_what_is_gone_or_damaged_is_said(fovea_home: Path, tmp_path: Path) -> None:
    gone = ImageSource.from_path(str(tmp_path / "gone.png"))
    with pytest.raises(StoreError, match="not there any more"):
        MarkStore().put(gone, PictureMark(True))
    assert MarkStore().find([gone]) == {}
    (fovea_home / "marks.sqlite").write_bytes(b"no database at all, but long enough to be looked at" * 40)
    one = source(tmp_path / "a.png", b"one")
    assert MarkStore().find([one]) == {}
    with pytest.raises(StoreError):
        MarkStore().put(one, PictureMark(True))


def test_names_that_are_no_text_are_kept(tmp_path: Path) -> None:
    path = os.fsdecode(os.fsencode(str(tmp_path)) + b"/\xff.png")
    try:
        Path(path).write_bytes(b"one")
    except OSError:
        pytest.skip("this file system takes text alone")
    one = ImageSource.from_path(path)
    MarkStore().put(one, PictureMark(True))
    assert MarkStore().find([one]) == {0: PictureMark(True)}
    with sqlite3.connect(MarkStore()._file) as held:
        assert held.execute("SELECT count(*) FROM places").fetchone() == (1,)
