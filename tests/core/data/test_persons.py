"""Whose picture a file is: found in all that the decoder opens, told to nobody."""

from __future__ import annotations

from pathlib import Path

import pytest

from desktop.core.data.open_data import open_dataset
from desktop.core.data.persons import patient_in, patient_of_file
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
