"""Series put together from their headers: order, parts, gaps, copies; discs, and lists that lie."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from desktop.core.pictures.dicom.directory import FileFinder, read_directory
from desktop.core.pictures.dicom.series import DicomHead, DicomSeries, grouped, read_head
from desktop.core.pictures.formats import SUPPORTED_SUFFIXES
from desktop.core.pictures.studies import Found, FoundSeries, LeftOut, ReadingHeads, find_studies
from desktop.core.pictures.walk import FoundFile, Problem
from desktop.core.types import DecodeError
from desktop.system.workers import Workers
from tests.core.makers import dicom_bytes, encoded, quadrants, shipped_dicom
from tests.studies import AXIAL, CORONAL, slice_bytes, write_directory, write_series


@pytest.fixture(scope="module")
def pool() -> Iterator[Workers]:
    workers = Workers(1)
    yield workers
    workers.close()


def found_in(pool: Workers, *paths: Path) -> list[Found]:
    return list(find_studies(paths, SUPPORTED_SUFFIXES, pool))


def series_of(found: list[Found]) -> list[DicomSeries]:
    return [one.series for one in found if isinstance(one, FoundSeries)]


def names(series: DicomSeries) -> list[str]:
    return [os.path.basename(path) for path, _ in series.frames]


def test_a_series_is_ordered_by_place_whatever_its_files_and_numbers_say(pool: Workers, tmp_path: Path) -> None:
    order = [3, 0, 7, 1, 6, 2, 5, 4]
    files = write_series(tmp_path, 8, order=order, numbered=False)
    (series,) = series_of(found_in(pool, tmp_path))
    assert [Path(path) for path, _ in series.frames] == files and series.placed and series.belongs
    assert (series.number, series.modality, series.missing, series.copies) == (2, "CT", 0, 0)


def test_without_places_the_numbers_order_and_then_the_names(pool: Workers, tmp_path: Path) -> None:
    numbered = write_series(tmp_path / "a", 12, order=[11 - at for at in range(12)], orientation=None)
    write_series(tmp_path / "b", 11, number=3, orientation=None, numbered=False, names="im{}")
    first, second = series_of(found_in(pool, tmp_path))
    assert [Path(path) for path, _ in first.frames] == numbered and not first.placed
    assert names(second) == [f"im{at}" for at in range(11)], "2 before 10"


def test_two_orientations_are_two_parts_and_copies_are_left_out(pool: Workers, tmp_path: Path) -> None:
    write_series(tmp_path, 6)
    write_series(tmp_path, 2, orientation=CORONAL, names="LOC{}", SOPInstanceUID="1.2.9")
    copy = tmp_path / "copy of IM0003"
    copy.write_bytes((tmp_path / "IM0003").read_bytes())
    parts = series_of(found_in(pool, tmp_path))
    assert [(one.part, one.parts, len(one.frames)) for one in parts] == [(1, 2, 6), (2, 2, 2)]
    assert parts[0].ordinal == parts[1].ordinal and parts[0].copies == 1
    assert all(one.belongs for one in parts)


def test_equal_instance_uids_and_numbers_lose_no_slice(pool: Workers, tmp_path: Path) -> None:
    write_series(tmp_path, 5, SOPInstanceUID="1.2.3.4", InstanceNumber=1)
    (series,) = series_of(found_in(pool, tmp_path))
    assert len(series.frames) == 5 and series.shared == 4 and series.copies == 0
    bare = tmp_path / "bare"
    write_series(bare, 4, orientation=None, InstanceNumber=7, number=4)
    (series,) = series_of(found_in(pool, bare))
    assert len(series.frames) == 4 and series.shared == 3, "other objects with the same number are other pictures"


def test_missing_slices_are_counted_and_several_at_a_place_stay(pool: Workers, tmp_path: Path) -> None:
    write_series(tmp_path / "a", 10, leave_out=[3, 4, 7])
    (series,) = series_of(found_in(pool, tmp_path / "a"))
    assert len(series.frames) == 7 and series.missing == 3
    write_series(tmp_path / "b", 9, orientation=None, leave_out=[2])
    (series,) = series_of(found_in(pool, tmp_path / "b"))
    assert series.missing == 1
    # A dynamic series: three times at each place, the numbers going through the times.
    for time in range(3):
        write_series(tmp_path / "c", 4, names=f"T{time}-{{}}", InstanceNumber=time + 1, SOPInstanceUID=f"1.2.{time}")
    (series,) = series_of(found_in(pool, tmp_path / "c"))
    assert names(series)[:4] == ["T0-0", "T1-0", "T2-0", "T0-1"] and series.missing == 0


def test_single_pictures_stay_single_and_mixed_folders_work(pool: Workers, tmp_path: Path) -> None:
    for number in range(4):
        tags = {"StudyInstanceUID": f"1.{number}", "SeriesInstanceUID": f"1.{number}.1", "PatientID": str(number)}
        (tmp_path / f"xray{number}.dcm").write_bytes(slice_bytes(number, Modality="DX", **tags))
    (tmp_path / "photo.png").write_bytes(encoded(quadrants(), "PNG"))
    (tmp_path / "notes.txt").write_text("nothing")
    (tmp_path / "broken.dcm").write_bytes((tmp_path / "xray0.dcm").read_bytes()[:200])
    found = found_in(pool, tmp_path)
    alone = [os.path.basename(one.path) for one in found if isinstance(one, FoundFile)]
    assert alone == ["photo.png", "broken.dcm"], "what is damaged is listed: opening it tells why"
    singles = series_of(found)
    assert not any(one.belongs for one in singles)
    assert {names(one)[0] for one in singles} >= {f"xray{at}.dcm" for at in range(4)}
    write_series(tmp_path / "ct", 3)
    (tmp_path / "ct" / "SCOUT").write_bytes(slice_bytes(0, SeriesInstanceUID="1.2.3.9", SeriesNumber=9))
    report = {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.88.11", "SeriesInstanceUID": "1.2.3.8"}
    (tmp_path / "ct" / "REPORT").write_bytes(dicom_bytes(None, StudyInstanceUID="1.2.3", **report))
    found = found_in(pool, tmp_path)
    assert [len(one.frames) for one in series_of(found) if one.belongs] == [3, 1], "the scout belongs to its study"
    assert LeftOut(1) in found


def test_one_uid_for_two_patients_is_not_one_series(pool: Workers, tmp_path: Path) -> None:
    write_series(tmp_path / "a", 3)
    write_series(tmp_path / "b", 3, PatientID="other", PatientName="Roe^Max")
    assert [(one.study, len(one.frames)) for one in series_of(found_in(pool, tmp_path))] == [(1, 3), (2, 3)]


def test_a_file_of_several_frames_looks_like_a_series(pool: Workers, tmp_path: Path) -> None:
    (tmp_path / "cine.dcm").write_bytes(dicom_bytes(np.zeros((12, 8, 8), np.uint8), SeriesInstanceUID="1.5"))
    (series,) = series_of(found_in(pool, tmp_path))
    assert [frame for _, frame in series.frames] == list(range(12)) and not series.belongs
    (tmp_path / "cine.dcm").write_bytes(dicom_bytes(np.zeros((8, 8), np.uint8), NumberOfFrames=2_000_000_000))
    (series,) = series_of(found_in(pool, tmp_path))
    assert len(series.frames) == 1, "a header may promise anything"


def test_a_disc_is_read_by_its_directory_in_capitals_or_not(pool: Workers, tmp_path: Path) -> None:
    folder = tmp_path / "dicom" / "st000"
    write_series(folder, 4, names="im{:04d}")
    path = write_directory(tmp_path, [("DICOM", "ST000", f"IM{at:04d}") for at in range(4)])
    found = found_in(pool, path)
    (series,) = series_of(found)
    assert len(series.frames) == 4 and not [one for one in found if isinstance(one, Problem)]
    assert [one.given for one in found if isinstance(one, FoundSeries)] == [str(path)]
    (series,) = series_of(found_in(pool, tmp_path))
    assert len(series.frames) == 4, "the folder alone gives the same"
    lone = tmp_path / "lone"
    lone.mkdir()
    (lone / "A").write_bytes(slice_bytes(0, Modality="CR"))
    (series,) = series_of(found_in(pool, write_directory(lone, ["A"])))
    assert series.belongs, "of a disc a single picture is called by its series, too"


def test_a_directory_that_names_what_is_not_there_or_not_its_own(pool: Workers, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    write_series(secret, 2)
    disc = tmp_path / "disc"
    write_series(disc / "OWN", 2, number=5)
    (disc / "LINK").symlink_to(secret)
    (disc / "ONE").symlink_to(secret / "IM0000")
    (disc / "LOOP").symlink_to(disc / "LOOP")
    path = write_directory(
        disc,
        [
            ("OWN", "IM0000"), ("OWN", "IM0001"), ("OWN", "IM0009"), ("GONE", "IM0001"), ("..", "secret", "IM0000"),
            "../secret/IM0001", "/etc/passwd", "C:\\boot", ("LINK", "IM0000"), ("ONE",), ("LOOP",), ("OWN",),
            ("...", "x"), "", "a\0b", tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
        ],
    )  # fmt: skip
    found = found_in(pool, path)
    assert [len(one.frames) for one in series_of(found)] == [2]
    assert not any(str(secret) in os.path.realpath(p) for one in series_of(found) for p, _ in one.frames)
    told = {one.kind: one.message for one in found if isinstance(one, Problem)}
    assert "outside" in told and "not there" in told["not-found"]
    assert "secret" not in repr(told) and "passwd" not in repr(told)


def test_directories_that_are_none_and_empty_ones(pool: Workers, tmp_path: Path) -> None:
    (tmp_path / "DICOMDIR").write_bytes(b"no such thing" * 50)
    assert [one.kind for one in found_in(pool, tmp_path / "DICOMDIR") if isinstance(one, Problem)]
    path = write_directory(tmp_path, [])
    (problem,) = found_in(pool, path)
    assert isinstance(problem, Problem) and problem.kind == "dicom-directory"
    path = write_directory(tmp_path, [("A", "B")])
    (problem,) = found_in(pool, path)
    assert isinstance(problem, Problem) and problem.kind == "not-found"


def test_the_disc_that_comes_with_pydicom(pool: Workers) -> None:
    folder = shipped_dicom("dicomdirtests")
    if not (folder / "DICOMDIR").is_file():
        pytest.skip("pydicom came without its disc")
    from_list = {path for one in series_of(found_in(pool, folder / "DICOMDIR")) for path, _ in one.frames}
    from_folder = {path for one in series_of(found_in(pool, folder)) for path, _ in one.frames}
    assert len(from_list) > 20 and from_list <= from_folder


def test_reading_is_told_and_can_be_stopped(pool: Workers, tmp_path: Path) -> None:
    write_series(tmp_path, 70)
    found = found_in(pool, tmp_path)
    assert [(one.done, one.total) for one in found if isinstance(one, ReadingHeads)] == [(0, 70), (32, 70), (64, 70)]
    stop: list[bool] = []
    seen = []
    for one in find_studies([tmp_path], SUPPORTED_SUFFIXES, pool, lambda: bool(stop)):
        seen.append(one)
        stop.append(True)
    assert seen == [ReadingHeads(0, 70)]


@given(
    places=st.lists(st.floats(-500, 500), min_size=2, max_size=20),
    numbers=st.lists(st.one_of(st.none(), st.integers(-3, 9)), min_size=20, max_size=20),
)
@example(places=[0.005, 0.0, 1.0], numbers=[None] * 20)
@example(places=[0.0, 1.0, 6.0, 11.0], numbers=[None] * 20)  # a gap that is far less than a step
@settings(max_examples=60, deadline=None)
def test_no_frame_is_lost_whatever_heads_say(places: list[float], numbers: list[int | None]) -> None:
    across, down = AXIAL[:3], AXIAL[3:]
    heads = [
        (f"{at}", DicomHead(b"s", b"g" * 16, bytes([at]), "CT", 1, numbers[at], (0.0, 0.0, place), across, down))
        for at, place in enumerate(places)
    ]
    series = grouped(heads)
    assert sorted(path for one in series for path, _ in one.frames) == sorted(path for path, _ in heads)
    for one in series:
        lies = [places[int(path)] for path, _ in one.frames]
        # What lies within a hundredth of a millimetre is at one place, and goes by its number.
        assert not one.placed or all(after > before - 0.011 for before, after in pairwise(lies))
        assert one.missing >= 0


@example(b"1.2.840.10008.1.2.1.99", 0)  # says that it is deflated, and is not
@given(st.binary(max_size=400), st.integers(0, 600))
@settings(max_examples=80, deadline=None)
def test_damaged_heads_are_refused_in_words(tmp_path_factory: Any, garbage: bytes, at: int) -> None:
    path = tmp_path_factory.mktemp("heads") / "x.dcm"
    data = bytearray(slice_bytes(1, side=8, ImagePositionPatient=[0, 0, 1], ImageOrientationPatient=list(AXIAL)))
    data[at : at + len(garbage)] = garbage
    path.write_bytes(data)
    for read in (read_head, read_directory):
        try:
            read(str(path))
        except DecodeError as error:
            assert "Doe" not in error.message and str(path.parent) not in error.message


def test_heads_hold_nobodys_name(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(slice_bytes(1, Modality="DOE^JANE"))
    head = read_head(str(tmp_path / "a"))
    assert "Doe" not in repr(head) and "4711" not in repr(head) and head.modality == ""


def test_the_finder_reads_a_folder_once_and_takes_versions(tmp_path: Path) -> None:
    (tmp_path / "IMG.;1").write_bytes(b"x")
    finder = FileFinder(str(tmp_path))
    assert finder.find(("img",)) == str(tmp_path / "IMG.;1") and finder.find(("other",)) is None
