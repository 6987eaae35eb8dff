"""Heads and series by the rules that DICOM gives, each at its limits; nothing is opened here."""

from __future__ import annotations

import math
from collections import UserList
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from desktop.core.pictures.dicom import series as module
from desktop.core.pictures.dicom.series import DicomHead, DicomSeries, Vector, grouped, head_of, read_head
from desktop.core.types import DecodeError
from tests.studies import slice_bytes

HEADER: dict[str, Any] = {
    "SOPClassUID": "1.2.840.10008.5.1.4.1.1.2", "SOPInstanceUID": "1.2.3.4", "StudyInstanceUID": "1.2",
    "SeriesInstanceUID": "1.2.3", "PatientID": "4711", "PatientName": "Doe^Jane", "Modality": "CT", "SeriesNumber": 2,
    "InstanceNumber": 7, "ImagePositionPatient": [1, 2, 3], "ImageOrientationPatient": [1, 0, 0, 0, 1, 0], "Rows": 4,
    "Columns": 6,
}  # fmt: skip


def told(**changes: Any) -> DicomHead:
    return head_of({**HEADER, **changes})


# Heads


def test_a_head_holds_what_the_header_says() -> None:
    head = told()
    assert (head.size, head.number, head.at, head.frames, head.modality) == ((6, 4), 2, 7, 1, "CT")
    assert (head.place, head.across, head.down) == ((1, 2, 3), (1, 0, 0), (0, 1, 0))
    assert head.picture and not head.other and not head.directory
    assert head_of({}) == DicomHead(picture=False)


def test_digests_tell_patients_studies_series_and_objects_apart() -> None:
    head = told()
    for key in ("StudyInstanceUID", "PatientID", "PatientName"):
        other = told(**{key: "9"})
        assert other.study != head.study and other.series != head.series and other.instance == head.instance, key
    other = told(SeriesInstanceUID="9")
    assert other.study == head.study and other.series != head.series
    assert told(SOPInstanceUID="9").instance != head.instance and told(SOPInstanceUID="").instance == b""
    assert told(SeriesInstanceUID="").series == b"" and told(PatientID=" 4711\0").study == head.study
    assert told(PatientID="4711Doe", PatientName="^Jane").study != told(PatientID="4711", PatientName="Doe^Jane").study
    assert told(PatientName="").study not in (b"", head.study), "one that is not told is no obstacle"
    long = "x" * 999
    assert told(PatientID=f"{long}a").study != told(PatientID=f"{long}b").study
    assert told(PatientID=f"{long}xa").study == told(PatientID=f"{long}xb").study, "1,000 letters are looked at"


@pytest.mark.parametrize(
    ("written", "modality"),
    [("CT", "CT"), ("ABCDEFGH", "ABCDEFGH"), ("ABCDEFGHI", ""), ("C", ""), ("ct", ""), ("C T", ""), (None, "")],
)
def test_a_modality_is_a_code(written: str | None, modality: str) -> None:
    assert told(Modality=written).modality == modality


@pytest.mark.parametrize(
    ("written", "number"),
    [
        (7, 7), ("7", 7), ([7, 8], 7), (UserList([7, 8]), 7),
        ((7, 8), 7), ([], None), ("", None), (None, None), ("x", None), (0, 0), (-3, -3),
        (2**31 - 1, 2**31 - 1), (2**31, None), (1 - 2**31, 1 - 2**31), (-(2**31), None), (math.inf, None),
    ],
)  # fmt: skip
def test_numbers_that_make_sense(written: object, number: int | None) -> None:
    assert told(InstanceNumber=written).at == number == told(SeriesNumber=written).number


class Hostile:
    """What cannot be read as text."""

    def __str__(self) -> str:
        raise RuntimeError


def test_what_cannot_be_read_counts_as_missing() -> None:
    assert told(Modality=Hostile()) == told(Modality=None) and told(SeriesInstanceUID=Hostile()).series == b""


@pytest.mark.parametrize(("written", "frames"), [(None, 1), (0, 1), (-2, 1), (1, 1), (12, 12), ("x", 1)])
def test_how_many_frames(written: object, frames: int) -> None:
    assert told(NumberOfFrames=written).frames == frames


@pytest.mark.parametrize("key", ["Rows", "Columns"])
def test_without_rows_or_columns_there_is_no_picture(key: str) -> None:
    assert told(**{key: 1}).picture and not any(told(**{key: none}).picture for none in (0, None, -1))


@pytest.mark.parametrize(
    ("place", "there"),
    [
        ([1, 2, 3], True), (["1", "2", "3.5"], True), ([1, 2], False), ([1, 2, 3, 4], False), (None, False),
        ([1, 2, math.nan], False), ([1, 2, 999_999], True), ([1, 2, 1e6], False), ([1, 2, -1e6], False), (5, False),
        ([1, 2, "x"], False),
    ],
)  # fmt: skip
def test_a_place_is_three_numbers(place: object, there: bool) -> None:
    head = told(ImagePositionPatient=place)
    assert [part is not None for part in (head.place, head.across, head.down)] == [there] * 3


@pytest.mark.parametrize(
    ("directions", "there"),
    [
        ([1, 0, 0, 0, 1, 0], True), ([1, 0, 0, 0, 1], False), ([1, 0, 0, 0, 1, 0, 0], False), (None, False),
        ([math.sqrt(1.0195), 0, 0, 0, 1, 0], True), ([math.sqrt(1.0205), 0, 0, 0, 1, 0], False),
        ([math.sqrt(0.9795), 0, 0, 0, 1, 0], False), ([1, 0, 0, 0, math.sqrt(1.0195), 0], True),
        ([1, 0, 0, 0, math.sqrt(1.0205), 0], False), ([1, 0, 0, 0, 0, math.sqrt(0.9795)], False),
        ([1, 0, 0, 0.0195, 1, 0], True), ([1, 0, 0, 0.0205, 1, 0], False), ([1, 0, 0, -0.0205, 1, 0], False),
        ([0, 0, 0, 0, 0, 0], False),
    ],
)  # fmt: skip
def test_directions_are_of_length_one_and_square(directions: object, there: bool) -> None:
    head = told(ImageOrientationPatient=directions)
    assert [part is not None for part in (head.place, head.across, head.down)] == [there] * 3


def test_directions_are_taken_in_their_order() -> None:
    for across, down in (((0.6, 0.8, 0), (0, 0, 1)), ((0.6, 0, 0.8), (0, 1, 0)), ((0, 0, 1), (0.8, 0.6, 0))):
        head = told(ImageOrientationPatient=[*across, *down])
        assert (head.across, head.down) == (across, down)


class Listing(dict[str, Any]):
    """A dataset whose file says of itself what it is."""

    @property
    def file_meta(self) -> dict[str, str]:
        return {"MediaStorageSOPClassUID": "1.2.840.10008.1.3.10"}


def test_a_directory_is_no_picture() -> None:
    directory = DicomHead(picture=False, other=True, directory=True)
    assert told(DirectoryRecordSequence=[]) == directory == head_of(Listing(HEADER))


@pytest.mark.parametrize(
    ("uid", "other"),
    [
        ("1.2.840.10008.5.1.4.1.1.2", False),  # CT Image Storage
        ("1.2.840.10008.5.1.4.1.1.66.4", False),  # Segmentation Storage
        ("1.2.840.10008.5.1.4.1.1.88.11", True),  # Basic Text SR Storage
        ("1.2.3.4", False),
        ("", False),
    ],
)
def test_what_never_holds_a_picture(uid: str, other: bool) -> None:
    assert told(SOPClassUID=uid).other is other and not told(SOPClassUID=uid, SeriesInstanceUID="").other


def test_a_head_is_read_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(slice_bytes(1, side=8, InstanceNumber=5, ImagePositionPatient=[0, 0, 1]))
    assert (read_head(str(path)).at, read_head(str(path)).size) == (5, (8, 8))
    with pytest.raises(DecodeError) as refused:
        read_head(str(tmp_path / "b"))
    assert refused.value.kind == "not-found"


# Series

ACROSS, DOWN = (1.0, 0.0, 0.0), (0.0, 1.0, 0.0)


def head(at: int | None = None, place: Vector | float | None = None, instance: int = 0, **more: Any) -> DicomHead:
    """A picture of series ``g`` of study ``s``; without an instance it is no copy of anything."""
    if isinstance(place, float):
        place = (0.0, 0.0, place)
    given: dict[str, Any] = {"study": b"s" * 16, "series": b"g" * 16, "modality": "CT", "number": 1, "size": (8, 8)}
    given |= {"instance": bytes([instance]) * 16 if instance else b"", "at": at, "place": place}
    given |= {"across": ACROSS, "down": DOWN} if place is not None else {}
    return DicomHead(**(given | more))


def put(*heads: DicomHead, listed: tuple[str, ...] = ()) -> list[DicomSeries]:
    return grouped([(f"f{number}", one) for number, one in enumerate(heads)], listed)


def order(one: DicomSeries) -> list[str]:
    return [path for path, _ in one.frames]


def test_what_has_no_picture_is_passed_over_and_what_names_no_series_stands_for_itself() -> None:
    none, plain = head(1, series=b""), head(2, series=b"")
    found = put(none, head(3, picture=False), plain, listed=("f0",))
    assert [order(one) for one in found] == [["f0"], ["f2"]] and not any(one.belongs for one in found)
    assert [one.ordinal for one in found] == [1, 2]


def test_a_file_of_several_frames_is_a_series_of_its_own() -> None:
    found = put(head(1, frames=3), head(2), head(3))
    assert found[0].frames == (("f0", 0), ("f0", 1), ("f0", 2)) and order(found[1]) == ["f1", "f2"]
    assert found[0].belongs and found[1].belongs, "its study holds a stack"
    two = put(head(1, frames=2), head(2, frames=2))
    assert [one.frames for one in two] == [(("f0", 0), ("f0", 1)), (("f1", 0), ("f1", 1))]
    (most,) = put(head(frames=module.MOST_FRAMES))
    assert len(most.frames) == module.MOST_FRAMES and not most.belongs
    assert put(head(frames=module.MOST_FRAMES + 1))[0].frames == (("f0", 0),)


def test_what_belongs_and_how_studies_are_counted() -> None:
    other = {"study": b"t" * 16, "series": b"h" * 16}
    xray, scout = head(**other), head(series=b"c" * 16)
    found = put(xray, head(1), head(2), scout)
    assert [(order(one), one.belongs, one.study, one.studies, one.ordinal) for one in found] == [
        (["f0"], False, 2, 1, 1), (["f1", "f2"], True, 1, 1, 2), (["f3"], True, 1, 1, 3),
    ]  # fmt: skip
    assert put(xray, listed=("f0",))[0].belongs and not put(xray, listed=("f1",))[0].belongs
    assert (found[1].number, found[1].modality, found[1].part, found[1].parts) == (1, "CT", 1, 1)
    both = put(xray, scout, listed=("f0", "f1"))
    assert [(one.study, one.studies) for one in both] == [(1, 2), (2, 2)]


def test_copies_are_left_out_and_objects_that_differ_are_not() -> None:
    (one,) = put(head(1, instance=1), head(1, instance=1), head(2, instance=2), head(2, instance=2))
    assert order(one) == ["f0", "f2"] and one.copies == 2
    (one,) = put(head(None, 1.0, 1), head(None, 1.0, 1), head(None, 2.0, 1))
    assert order(one) == ["f0", "f2"] and one.copies == 1
    for differ in (
        (head(None, instance=1), head(None, instance=1)),  # nothing but the UID says that it is the same
        (head(1), head(1)),  # no UID
        (head(1, instance=1), head(1, instance=2)),
        (head(1, instance=1), head(1, instance=1, size=(8, 9))),
        (head(1, 1.0, 1), head(1, 2.0, 1)),
    ):
        (one,) = put(*differ)
        assert len(one.frames) == 2 and one.copies == 0


def test_without_places_numbers_order_then_names_then_paths() -> None:
    (one,) = put(head(None), head(2), head(0), head(-1), head(2))
    assert order(one) == ["f3", "f2", "f1", "f4", "f0"] and not one.placed and one.shared == 1
    assert order(put(head(1), head(0))[0]) == ["f1", "f0"]
    heads = [("b/im10", head(1)), ("b/im9", head(1)), ("a/im10", head(1))]
    assert order(grouped(heads)[0]) == ["b/im9", "a/im10", "b/im10"]


@pytest.mark.parametrize(
    ("numbers", "missing"),
    [
        ((1, 2, 3), 0), ((1, 2, 4), 1), ((4, 1, 2), 1), ((1, 2, 5), 2), ((1, 2, 6), 0), ((1, 1, 4), 0),
        ((1, None, 4), 0), ((-1, 1), 1),
    ],
)  # fmt: skip
def test_missing_numbers(numbers: tuple[int | None, ...], missing: int) -> None:
    """As many as are there, and the numbers count something else."""
    (one,) = put(*map(head, numbers))
    assert one.missing == missing


def test_numbers_of_one_part_alone_tell_nothing() -> None:
    found = put(head(1), head(3), head(2, 0.0))
    assert [(order(one), one.part, one.parts, one.missing) for one in found] == [
        (["f0", "f1"], 1, 2, 0), (["f2"], 2, 2, 0),
    ]  # fmt: skip
    assert [order(one) for one in put(head(1, 0.0), head(2), head(3, 1.0))] == [["f0", "f2"], ["f1"]]


@pytest.mark.parametrize(
    ("gaps", "missing"),
    [
        ([1], 0), ([4], 0), ([1, 1], 0), ([1, 2], 1), ([1, 3], 2), ([1, 4], 0), ([2, 1, 1], 1), ([1, 1, 1, 2, 2], 2),
        ([0.9, 1, 2], 1), ([1, 1, 2.15], 1), ([1, 1, 2.25], 0), ([1, 1, 1.75], 0), ([1, 1, 1.85], 1), ([1, 5, 5], 0),
        ([3, 1, 1, 1], 2), ([1, 1, 2, 2, 2, 2], 0),
    ],
)  # fmt: skip
def test_missing_slices_by_their_gaps(gaps: list[float], missing: int) -> None:
    for width, first in ((1.0, 0.0), (2.5, 0.0), (1.0, -30.0)):
        places = first + width * np.cumsum([0, *gaps])
        (one,) = put(*(head(place=float(place)) for place in places))
        assert one.placed and one.missing == missing


@pytest.mark.parametrize("seed", range(6))
def test_slices_are_ordered_along_their_normal(seed: int) -> None:
    """In any orientation, and wherever in its plane a picture begins."""
    rng = np.random.default_rng(seed)
    turned, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    across, down = turned[:, 0], turned[:, 1]
    normal = np.cross(across, down)
    steps = rng.permutation(7)
    places = [normal * (2 * step - 5) + across * rng.uniform(-90, 90) + down * rng.uniform(-90, 90) for step in steps]
    ways = {"across": tuple(across.tolist()), "down": tuple(down.tolist())}
    (one,) = put(*(head(place=tuple(place.tolist()), **ways) for place in places))
    assert order(one) == [f"f{at}" for at in np.argsort(steps)] and one.placed and one.missing == 0


def test_what_lies_within_a_hundredth_of_a_millimetre_is_at_one_place() -> None:
    (one,) = put(head(3, 0.0), head(2, 0.004), head(1, 1.0))
    assert order(one) == ["f1", "f0", "f2"] and one.placed
    (one,) = put(head(3, 0.0), head(2, 0.009))
    assert order(one) == ["f1", "f0"] and not one.placed
    (one,) = put(head(3, 0.0), head(2, 0.012))
    assert order(one) == ["f0", "f1"] and one.placed
    assert not put(head(1, 0.0))[0].placed


def tilted(degrees: float, which: str) -> dict[str, Vector]:
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return {"across": (c, 0.0, s)} if which == "across" else {"down": (0.0, c, s)}


@pytest.mark.parametrize("which", ["across", "down"])
@pytest.mark.parametrize(("degrees", "parts"), [(0.9, 1), (-0.9, 1), (1.1, 2), (-1.1, 2), (90, 2), (180, 2)])
def test_a_degree_parts_orientations(which: str, degrees: float, parts: int) -> None:
    found = put(head(1, 0.0), head(2, 1.0, **tilted(degrees, which)), head(3, 2.0))
    assert len(found) == parts == found[0].parts and [one.part for one in found] == list(range(1, parts + 1))
    assert len({one.ordinal for one in found}) == 1


def test_copies_are_told_of_the_first_part() -> None:
    found = put(head(1, 0.0, 1), head(2, 0.0, 2, **tilted(90, "down")), head(2, 0.0, 2, **tilted(90, "down")))
    assert [(one.part, one.copies) for one in found] == [(1, 1), (2, 0)]
