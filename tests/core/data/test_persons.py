"""Whose picture a file is: found in all that the decoder opens, told to nobody."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from desktop.core.data.open_data import open_dataset
from desktop.core.data.persons import (
    Grouping,
    group_of_name,
    headers_of,
    patient_in,
    patient_of_file,
    patients_in,
    told_in,
)
from desktop.core.pictures.decode import decode
from desktop.core.types import ImageSource
from tests.core.makers import quadrants, scan_of


@pytest.mark.parametrize("file", ["scan.dcm", "scan.jpg", "scan"])
@pytest.mark.parametrize("bare", [False, True])
def test_a_patient_is_found_in_all_that_the_decoder_opens(tmp_path: Path, file: str, bare: bool) -> None:
    scan = scan_of(tmp_path / file, "Doe^John", bare=bare)
    assert decode(ImageSource.from_path(scan)).format == "DICOM"
    assert patient_in(scan, "doe_1.jpg", "4711.png", "other.jpg") == {"doe_1.jpg", "4711.png"}
    assert patient_of_file(scan) == patient_of_file(scan_of(tmp_path / "second.dcm", "Doe^John")) is not None


@pytest.mark.parametrize(
    ("patient", "told", "untold"),
    [
        ("Li^Wu", {"li.dcm", "a/wu_1.dcm", "WuLi7.dcm", "scanWu.dcm", "LI-2.dcm"}, {"lily.dcm", "swum.dcm", "7.dcm"}),
        ("Müller^A", {"mu\u0308ller.dcm", "muller2.dcm", "x/a.dcm"}, {"mull.dcm", "ab.dcm"}),
        ("Yamada^Taro=山田^太郎", {"山田太郎.dcm", "yamada.dcm"}, {"山.dcm"}),
        ("이^민호", {"이민호.dcm"}, {"김.dcm"}),
    ],
)
def test_short_names_count_as_whole_words(tmp_path: Path, patient: str, told: set[str], untold: set[str]) -> None:
    scan = scan_of(tmp_path / "1.dcm", patient, "7")
    assert patient_in(scan, *told, *untold) == told


def test_patients_group_files_of_any_suffix(tmp_path: Path) -> None:
    scan_of(tmp_path / "a" / "1.jpg", "Doe^John", bare=True)
    scan_of(tmp_path / "b" / "2.png", "Doe^John")
    quadrants().save(tmp_path / "a" / "3.png")
    groups = open_dataset(tmp_path).groups()
    assert (groups.count, groups.patients) == (2, 2)


def test_names_that_count_files_speak_of_nobody(tmp_path: Path) -> None:
    """'case_001' may be a person or the first file: where each stands alone, no people are told of."""
    for number in range(6):
        file = tmp_path / "ab"[number % 2] / f"case_{number:03d}.png"
        file.parent.mkdir(exist_ok=True)
        quadrants().save(file)
    alone = open_dataset(tmp_path).groups()
    assert (alone.named, alone.count, alone.tells) == (6, 6, False)
    quadrants().save(tmp_path / "a" / "case_002_again.png")
    together = open_dataset(tmp_path).groups()
    assert (together.count, together.tells) == (6, True)


@pytest.mark.parametrize(
    ("count", "named", "patients", "tells"),
    [(2, 1, 0, True), (2, 0, 1, True), (2, 0, 0, False), (3, 2, 1, False), (1, 3, 3, True)],
)
def test_people_are_told_of_where_one_has_several_pictures(count: int, named: int, patients: int, tells: bool) -> None:
    assert Grouping(np.zeros(3, np.int32), count, named, patients).tells is tells


@pytest.mark.parametrize(
    ("name", "group"),
    [
        ("person100_bacteria_475.jpeg", "person100"),
        ("IM-0115-0001.jpeg", "im-0115"),
        ("NORMAL2-IM-0381-0001.jpeg", "normal2-im-0381"),
        ("patient_12/1.png", "patient_12"),
        ("a/Case 3.png", "case 3"),
        ("cat.12.jpg", None),
    ],
)
def test_names_that_number_persons(name: str, group: str | None) -> None:
    assert group_of_name(name) == group


LONG = "x" * 196
"""So many letters that three more, after a blank, are the last that are looked at."""
MANY = "ka kb kc kd ke kf kg kh ki kj kl km kn"


@pytest.mark.parametrize(
    ("patient", "told", "untold"),
    [
        ("^Doe^", {"johndoes.png"}, {"do.png"}),
        ("李^明", {"李山.png"}, {"山.png"}),
        ("Li^Wu", {"xliwux.dcm", "a/wulix.dcm"}, {"xlix.dcm"}),
        ("L^Wu", {"xlwux.dcm"}, {"xwux.dcm"}),
        ("J^K", set(), {"ajkb.png"}),
        ("Müller", {"xmuellerx.dcm", "muller.dcm"}, {"mller.dcm"}),
        ("Mueller", {"xmullerx.dcm", "mueller.dcm"}, {"maller.dcm"}),
        ("Paal", {"xpalx.dcm"}, {"xplx.dcm"}),
        ("Luen", {"xlunx.dcm"}, {"xlux.dcm"}),
        ("Lue", {"xluex.dcm"}, {"xlux.dcm"}),
        (f"{LONG} doe", {"doe.png"}, set()),
        (f"{LONG}x doe", set(), {"doe.png"}),
        (MANY, {"xkakmx.png"}, {"xkaknx.png"}),
    ],
)
def test_parts_of_a_header_in_file_names(patient: str, told: set[str], untold: set[str]) -> None:
    assert told_in({"PatientName": patient}, [*told, *untold]) == told


def test_a_short_number_tells_nobody_even_beside_a_short_name() -> None:
    header = {"PatientID": "7", "PatientName": "Li"}
    assert told_in(header, ["xli7y.png", "li.png", "7.png"]) == {"li.png"}


def test_names_of_classes_tell_by_whole_words_only(tmp_path: Path) -> None:
    patients = [("^Doe^", "12345"), ("Li^Wu", "1234"), ("李^明", "7"), ("J^K", "7"), ("L^Wu", "7"), ("Müller", "0")]
    names = [
        "doe", "JohnDoe", "does", "12345", "1234", "li", "LiWu", "liwu", "li7", "wu7", "李", "jk", "lwu", "mueller",
    ]  # fmt: skip
    files = [scan_of(tmp_path / f"{place}.dcm", *patient) for place, patient in enumerate(patients)]
    found = patients_in([(file, names) for file in [*files, None]], whole_words=True)
    assert found == [{"doe", "JohnDoe", "12345"}, {"LiWu", "liwu"}, {"李"}, set(), {"lwu"}, {"mueller"}, set()]


def test_other_files_and_none_at_all_have_no_header(tmp_path: Path) -> None:
    quadrants().save(tmp_path / "1.png")
    assert headers_of([str(tmp_path / "1.png"), None, str(tmp_path / "missing.dcm")]) == [{}, {}, {}]
    assert patient_of_file(None) is None


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes here")
def test_a_named_pipe_is_nobodys_picture(tmp_path: Path) -> None:
    """Opening it would wait until somebody writes into it."""
    os.mkfifo(tmp_path / "scan.dcm")
    assert patient_of_file(tmp_path / "scan.dcm") is None
