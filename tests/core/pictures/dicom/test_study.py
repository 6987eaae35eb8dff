"""What a reader works with: values in their units, windows, the scale, a header that hides names until asked."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from desktop.core.pictures.dicom.study import CT_WINDOWS, read_radiograph, shown
from desktop.core.types import DecodeError
from tests.core.makers import dicom_bytes, shipped_dicom


def study_of(pixels: np.ndarray, reveal: bool = False, **tags: Any) -> Any:
    return read_radiograph(io.BytesIO(dicom_bytes(pixels, **tags)), 0, 64, reveal)


def test_values_come_in_the_files_units_with_its_windows_first() -> None:
    pixels = np.arange(40 * 40, dtype=np.uint16).reshape(40, 40)
    found = study_of(
        pixels, Modality="CT", RescaleSlope=2, RescaleIntercept=-1024, WindowCenter=[40, 300], WindowWidth=[400, 1500],
        PixelSpacing=[0.5, 0.25],
    )  # fmt: skip
    assert found.units == "HU" and found.values[0, 1] == -1022
    assert found.windows[:2] == (("File 1", 40.0, 400.0), ("File 2", 300.0, 1500.0))
    assert found.windows[-4:] == CT_WINDOWS
    assert (found.spacing, found.spacing_at) == ((0.5, 0.25), "")


def test_a_projections_scale_is_the_detectors_and_is_called_so() -> None:
    found = study_of(np.zeros((8, 8), np.uint8), Modality="CR", ImagerPixelSpacing=[0.1, 0.1])
    assert (
        found.spacing_at == "the detector" and found.units == "" and "Lung" not in {name for name, *_ in found.windows}
    )
    assert study_of(np.zeros((8, 8), np.uint8)).spacing is None
    assert study_of(np.zeros((8, 8), np.uint8), PixelSpacing=[0, 1]).spacing is None


def test_the_header_hides_who_the_patient_is_until_asked() -> None:
    tags = {
        "PatientName": "Doe^Jane", "PatientID": "4711", "PatientBirthDate": "19610302",
        "InstitutionName": "St. Elsewhere",
        "ReferringPhysicianName": "House^G", "StudyDate": "20240102", "AccessionNumber": "A77", "OperatorsName": "Op^A",
        "StudyDescription": "Thorax of Jane Doe", "Modality": "CR", "KVP": "90",
    }  # fmt: skip
    hidden = study_of(np.zeros((8, 8), np.uint8), **tags)
    text = repr(hidden.header)
    for secret in ("Doe", "Jane", "4711", "1961", "Elsewhere", "House", "20240102", "A77", "Op^A"):
        assert secret not in text
    values = {row.name: row.value for row in hidden.header}
    assert values["KVP"] == "90" and values["Modality"] == "CR" and values["Rows"] == "8"
    asked = {row.name: row.value for row in study_of(np.zeros((8, 8), np.uint8), True, **tags).header}
    assert asked["Patient's Name"] == "Doe^Jane" and asked["Institution Name"] == "St. Elsewhere"
    assert "Pixel Data" not in asked


@pytest.mark.parametrize("name", ["CT_small.dcm", "MR_small.dcm", "examples_ybr_color.dcm", "liver_1frame.dcm"])
def test_files_of_others_are_read(name: str) -> None:
    path = shipped_dicom(name)
    if not path.is_file():
        pytest.skip(f"this pydicom has no {name}")
    with path.open("rb") as file:
        found = read_radiograph(file, 0, 100)
    assert found.header and len(found.header) <= 600
    if found.values is not None:
        assert max(found.values.shape) <= 100 and np.isfinite(found.values).all()
        assert shown(found.values, *found.windows[0][1:], inverted=False).dtype == np.uint8


def test_what_is_no_picture_is_refused() -> None:
    for data in (b"", b"no dicom at all", Path(__file__).read_bytes()):
        with pytest.raises(DecodeError):
            read_radiograph(io.BytesIO(data), 0, 64)


@given(st.floats(-3000, 3000), st.floats(0, 5000), st.booleans())
@settings(max_examples=60, deadline=None)
def test_a_window_never_turns_brighter_into_darker(centre: float, width: float, inverted: bool) -> None:
    values = np.linspace(-2000, 2000, 101, dtype=np.float32)[np.newaxis]
    pixels = shown(values, centre, width, inverted).astype(int)
    steps = np.diff(pixels[0])
    assert (steps <= 0).all() if inverted else (steps >= 0).all()
