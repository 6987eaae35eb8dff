"""What a DICOMDIR names, record by record, and where its files are looked for."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from desktop.core.pictures.dicom import directory
from desktop.core.pictures.dicom.directory import FileFinder, Listed, listed, read_directory
from desktop.core.types import DecodeError
from tests.studies import write_directory


def records(*names: Any, **more: Any) -> dict[str, Any]:
    return {"DirectoryRecordSequence": [{"ReferencedFileID": name, **more} for name in names]}


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("IM1", ("IM1",)), (["DICOM", "IM1"], ("DICOM", "IM1")), ("DICOM\\IM1", ("DICOM", "IM1")),
        ("DICOM/IM1", ("DICOM", "IM1")), (["A/B", " C "], ("A", "B", "C")), ("a.b.", ("a.b.",)),
        (["A"] * 16, ("A",) * 16), ("x" * 255, ("x" * 255,)), (7, ("7",)),
    ],
)  # fmt: skip
def test_names_that_lead_downwards(name: Any, parts: tuple[str, ...]) -> None:
    assert listed(records([name] if isinstance(name, int) else name)) == Listed((parts,))


@pytest.mark.parametrize(
    "name",
    [
        "..", ".", "...", ["A", "..", "B"], "/etc", "A\\", " ", ["A"] * 17, "x" * 256, "a\tb", [],
        *(f"a{letter}b" for letter in '\0:*?"<>|'),
    ],
)  # fmt: skip
def test_names_that_lead_elsewhere_are_counted(name: Any) -> None:
    assert listed(records("A", name, name)) == Listed((("A",),), 2)


def test_records_without_a_file_and_such_out_of_use_name_none() -> None:
    assert listed(records(None, "")) == Listed(()) == listed({}) == listed({"DirectoryRecordSequence": None})
    assert listed(records("A", RecordInUseFlag=0)) == Listed(())
    assert listed(records("A", "A", "B", RecordInUseFlag=0xFFFF)) == Listed((("A",), ("B",)))


def test_a_list_that_names_too_many_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(directory, "MOST_RECORDS", 3)
    assert listed(records("A", "B", "C")) == Listed((("A",), ("B",), ("C",)))
    assert listed(records("A", "B", "C", "D")) == Listed((("A",), ("B",), ("C",)), 0, True)


def test_a_list_is_told_by_its_first_bytes(tmp_path: Path) -> None:
    path = write_directory(tmp_path, [("A", "B")])
    assert read_directory(str(path)) == Listed((("A", "B"),))
    path.write_bytes(path.read_bytes()[132:])
    with pytest.raises(DecodeError, match="no DICOMDIR") as refused:
        read_directory(str(path))
    assert refused.value.kind == "dicom-damaged"


def test_the_same_name_in_several_writings(tmp_path: Path) -> None:
    for name in ("IMG;1", "IMG;2", "Own", "OWN;1", "LAST.", "B", "b"):
        (tmp_path / name).write_bytes(b"x")
    finder = FileFinder(str(tmp_path))
    found = {name: finder.find((name,)) for name in ("img", "OWN", "own;1", "last", "b", "none")}
    wanted = {"img": "IMG;2", "OWN": "Own", "own;1": "OWN;1", "last": "LAST.", "b": "B"}
    assert found == {name: str(tmp_path / file) for name, file in wanted.items()} | {"none": None}


def test_a_folder_is_read_once(tmp_path: Path) -> None:
    (tmp_path / "A").mkdir()
    finder = FileFinder(str(tmp_path))
    assert finder.find(("a", "b")) is None
    (tmp_path / "A" / "B").write_bytes(b"x")
    assert finder.find(("a", "b")) is None and FileFinder(str(tmp_path)).find(("a", "b")) is not None


def test_the_folder_where_one_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "A").write_bytes(b"x")
    monkeypatch.chdir(tmp_path)
    assert FileFinder("").find(("a",)) == os.path.join(os.curdir, "A")


def test_only_files_below_the_folder_are_found(tmp_path: Path) -> None:
    disc, beside = tmp_path / "disc", tmp_path / "disc2"
    for folder in (disc / "IN", beside):
        folder.mkdir(parents=True)
        (folder / "FILE").write_bytes(b"x")
    (disc / "SAME").symlink_to(disc / "IN")
    (disc / "OUT").symlink_to(beside)
    (disc / "ONE").symlink_to(beside / "FILE")
    (disc / "LOOP").symlink_to(disc / "LOOP")
    finder = FileFinder(str(disc))
    assert finder.find(("in", "file")) == str(disc / "IN" / "FILE")
    assert finder.find(("same", "file")) == str(disc / "SAME" / "FILE")
    for none in (("in",), ("in", "file", "more"), ("loop",), ("loop", "x")):
        assert finder.find(none) is None, none
    for outside in (("out", "file"), ("one",), ("out",)):
        with pytest.raises(PermissionError):
            finder.find(outside)
