"""What a reader of a DICOM picture works with: its values in their own units, its windows, its scale, its header.

For looking alone: what a network sees is :func:`desktop.core.pictures.dicom.decode.decode_dicom`'s. Names, numbers and
dates of the patient, and of whoever examined them, are marked as such in the header; nothing of it is ever logged.

Source of the method: DICOM PS3.3, C.11.2 (windows), C.8.11.7 and 10.7.1.3 (pixel spacing of projection and of other
pictures), PS3.15, E.1-1 (which attributes tell who somebody is).
"""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np

from desktop.core.pictures.decode import open_file
from desktop.core.pictures.dicom import decode, grey_values
from desktop.core.pictures.dicom.codecs import decode_frame
from desktop.core.pictures.limits import check_frame, check_size
from desktop.core.types import ImageSource

MOST_ROWS = 600
"""Lines of a header that are told."""
_MOST_TEXT = 200
_BINARY = frozenset(("OB", "OW", "OF", "OD", "OL", "OV", "UN", "SQ"))
_PERSONAL_WORDS = (
    "Patient", "Physician", "Operator", "Physicians", "Person", "Institution", "Accession", "Birth", "Address",
    "Telephone", "Insurance", "Requesting", "Referring", "Performing", "StudyID", "Station", "Responsible",
    "Consulting",
    "Admission", "Occupation", "Ethnic", "Religious", "MilitaryRank", "Country", "Region", "Comments", "Description",
    "DeviceSerial", "UID", "Date", "Time", "OtherPatient", "Issuer", "Protocol", "Verifying", "Reading",
)  # fmt: skip
# Kept readable all the same: they tell of the picture and of nobody.
_HARMLESS = frozenset(
    (
        "SOPClassUID", "TransferSyntaxUID", "MediaStorageSOPClassUID", "ImplementationClassUID", "ExposureTime",
        "RepetitionTime", "EchoTime", "InversionTime", "FrameTime", "PatientOrientation", "PatientPosition",
        "PatientSize", "SeriesDescription",
    )
) - {"PatientSize", "SeriesDescription"}  # fmt: skip
CT_WINDOWS: tuple[tuple[str, float, float], ...] = (
    ("Lung", -600.0, 1500.0),
    ("Soft tissue", 40.0, 400.0),
    ("Bone", 400.0, 1800.0),
    ("Brain", 40.0, 80.0),
)
"""Windows (name, centre, width in Hounsfield units) that readers of computed tomography use every day."""


@dataclass(frozen=True, slots=True)
class HeaderRow:
    """One line of a header: tag as (gggg,eeee), its name, and its value; ``personal`` ones come without their value
    unless they were asked for."""

    tag: str
    name: str
    value: str
    personal: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Radiograph:
    """A grey picture's values: float32 (H, W) in ``units`` ('' where the file names none), perhaps reduced from
    ``original_size`` (width, height). ``windows`` are name, centre and width, the one that is shown first; ``inverted``
    says that low values are bright. ``spacing`` is the height and width of an original pixel in millimetres, and
    ``spacing_at`` where that holds ('the detector', '' for the patient). ``values`` is ``None`` for colour."""

    values: np.ndarray | None
    original_size: tuple[int, int]
    units: str
    windows: tuple[tuple[str, float, float], ...]
    inverted: bool
    spacing: tuple[float, float] | None
    spacing_at: str
    header: tuple[HeaderRow, ...]


def read_radiograph(file: BinaryIO, frame: int, max_side: int, reveal: bool = False) -> Radiograph:
    """Read the DICOM ``file`` (seekable, binary): its frame ``frame`` (0-based), at most ``max_side`` pixels a side.

    With ``reveal`` personal lines of the header come with their values. Raises what
    :func:`desktop.core.pictures.dicom.decode.decode_dicom` raises.
    """
    dataset = decode.read_dataset(file)
    keyword = next((name for name in decode._PIXELS if name in dataset), None)
    decode._check_object(dataset, keyword)
    assert keyword is not None
    header = header_of(dataset, reveal)
    syntax = decode._complete(dataset)
    rows, columns = int(dataset.Rows), int(dataset.Columns)
    check_size(columns, rows)
    frames = int(dataset.NumberOfFrames)
    decode._check_length(dataset, keyword, syntax, frames)
    check_frame(frame, frames)
    spacing, where = _spacing(dataset, frame)
    with decode.refusing():
        stored, model = decode_frame(dataset, syntax, frame, frames)
        if model not in decode._GREY or stored.ndim != 2:
            return Radiograph(None, (columns, rows), "", (), False, spacing, where, header)
        step = max(1, math.ceil(max(rows, columns) / max_side))
        part = stored[::step, ::step]
        values = grey_values._modality(dataset, frame, part.dtype.kind == "i")(part.astype(np.float64))
        values = np.nan_to_num(values).astype(np.float32)
        inverted = dataset.get("PhotometricInterpretation") == "MONOCHROME1"
        units = _units(dataset)
        return Radiograph(
            values, (columns, rows), units, _windows(dataset, frame, values, units), inverted, spacing, where, header
        )


def read_item(item: tuple[ImageSource, int, bool]) -> Radiograph:
    """:func:`read_radiograph` of a picture's source, ``max_side`` and ``reveal``: what a child with limits does."""
    source, max_side, reveal = item
    if source.data is not None:
        return read_radiograph(io.BytesIO(source.data), source.frame, max_side, reveal)
    assert source.path is not None  # ImageSource sees to it
    file, _ = open_file(source.path)
    with file:
        return read_radiograph(file, source.frame, max_side, reveal)


def shown(values: np.ndarray, centre: float, width: float, inverted: bool) -> np.ndarray:
    """``values`` (H, W) as uint8 through a linear window (DICOM PS3.3, C.11.2.1.2.1)."""
    width = max(1e-6, width)
    scaled = (values - (centre - width / 2)) * (255.0 / width)
    pixels: np.ndarray = np.clip(scaled, 0, 255).astype(np.uint8)
    return 255 - pixels if inverted else pixels


def _units(dataset: Any) -> str:
    named = str(dataset.get("RescaleType") or "").strip().upper()
    if named in ("HU", "OD", "US"):
        return "" if named == "US" else named
    return "HU" if str(dataset.get("Modality") or "").upper() == "CT" else ""


def _windows(dataset: Any, frame: int, values: np.ndarray, units: str) -> tuple[tuple[str, float, float], ...]:
    group = grey_values._group(dataset, frame, "FrameVOILUTSequence")
    centres, widths = _numbers(group.get("WindowCenter")), _numbers(group.get("WindowWidth"))
    out = [
        (f"File {at}" if len(centres) > 1 else "File", centre, width)
        for at, (centre, width) in enumerate(zip(centres, widths, strict=False), 1)
        if width > 0
    ][:8]
    low, high = (float(value) for value in np.percentile(values, (0.5, 99.5))) if values.size else (0.0, 1.0)
    high = max(high, low + 1e-3)
    whole = (float(values.min()), float(values.max())) if values.size else (0.0, 1.0)
    out.append(("Picture", (low + high) / 2, high - low))
    out.append(("Whole range", (whole[0] + whole[1]) / 2, max(whole[1] - whole[0], 1e-3)))
    return (*out, *(CT_WINDOWS if units == "HU" else ()))


def _spacing(dataset: Any, frame: int) -> tuple[tuple[float, float] | None, str]:
    """Millimetres of a pixel, down and across, and where: of a projection the detector's are no lengths in the body."""
    measures = grey_values._group(dataset, frame, "PixelMeasuresSequence")
    for holder, keyword, where in (
        (measures, "PixelSpacing", ""),
        (dataset, "PixelSpacing", ""),
        (dataset, "ImagerPixelSpacing", "the detector"),
        (dataset, "NominalScannedPixelSpacing", "the film"),
    ):
        found = _numbers(holder.get(keyword))
        if len(found) == 2 and all(1e-5 < value < 1e3 for value in found):
            return (found[0], found[1]), where
    return None, ""


def _numbers(value: Any) -> list[float]:
    try:
        several = value if hasattr(value, "__len__") and not isinstance(value, str | bytes) else [value]
        found = [float(one) for one in list(several)[:16]]
    except (TypeError, ValueError, OverflowError):
        return []
    return found if all(map(math.isfinite, found)) else []


def header_of(dataset: Any, reveal: bool) -> tuple[HeaderRow, ...]:
    """The header as lines, without pixels, without other binary values and without what is nested."""
    rows: list[HeaderRow] = []
    for part in (getattr(dataset, "file_meta", None), dataset):
        try:
            elements = list(part) if part is not None else []
        except Exception:  # a hostile element: what was read before it is told
            elements = []
        for element in elements:
            if len(rows) >= MOST_ROWS:
                return tuple(rows)
            row = _row(element, reveal)
            if row is not None:
                rows.append(row)
    return tuple(rows)


def _row(element: Any, reveal: bool) -> HeaderRow | None:
    try:
        group, number = element.tag.group, element.tag.element
        if group == 0x7FE0 or element.VR in _BINARY:
            return None
        keyword = element.keyword or ""
        name = element.name if keyword or group % 2 == 0 else "private"
        personal = _is_personal(group, keyword, element.VR)
        value = str(element.value)[:_MOST_TEXT].replace("\0", "") if reveal or not personal else ""
        return HeaderRow(f"({group:04X},{number:04X})", str(name)[:80], value, personal)
    except Exception:
        return None


def _is_personal(group: int, keyword: str, vr: str) -> bool:
    """Whether an element may tell who somebody is: better one too many."""
    if keyword in _HARMLESS:
        return False
    if vr in ("PN", "DA", "DT", "TM", "UI", "LT", "ST", "UT", "AS") or group % 2 or group in (0x0010, 0x0038, 0x0032):
        return True
    return not keyword or any(word in keyword for word in _PERSONAL_WORDS)
