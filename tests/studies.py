"""Studies made on the fly: series of DICOM files, discs with a DICOMDIR, and hostile ones."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tests.core.makers import dicom_bytes

AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
CORONAL = (1.0, 0.0, 0.0, 0.0, 0.0, -1.0)
PATIENT = {"PatientName": "Doe^Jane", "PatientID": "ID-4711", "StudyInstanceUID": "1.2.3"}


def slice_bytes(level: int = 0, side: int = 48, **tags: Any) -> bytes:
    """A CT picture whose brightness rises with ``level``: each differs from the others."""
    ramp = np.tile(np.linspace(0, 2000, side), (side, 1))
    pixels = (ramp + 20 * level).astype(np.uint16)
    pixels[: side // 4, : side // 4] = 100 * (level % 30)
    named = {**PATIENT, "Modality": "CT", "SeriesInstanceUID": "1.2.3.1", "SeriesNumber": 1, **tags}
    named.setdefault("SOPInstanceUID", f"1.2.3.4.{named['SeriesNumber']}.{level + 1}")
    return dicom_bytes(pixels, **named)


def write_series(
    folder: Path,
    count: int,
    *,
    number: int = 2,
    order: Sequence[int] | None = None,
    orientation: tuple[float, ...] | None = AXIAL,
    step: float = 2.5,
    numbered: bool = True,
    names: str = "IM{:04d}",
    leave_out: Sequence[int] = (),
    **tags: Any,
) -> list[Path]:
    """``count`` slices, ``step`` mm apart, in files named in the ``order`` given (default: as they lie). Returns the
    files in the order of the slices; ``leave_out`` are not written."""
    folder.mkdir(parents=True, exist_ok=True)
    order = list(order) if order is not None else list(range(count))
    files: list[Path] = []
    for place in range(count):
        more: dict[str, Any] = {"SeriesInstanceUID": f"1.2.3.{number}", "SeriesNumber": number}
        if orientation is not None:
            row, column = np.array(orientation[:3]), np.array(orientation[3:])
            more["ImageOrientationPatient"] = list(orientation)
            more["ImagePositionPatient"] = [round(float(v), 4) for v in np.cross(row, column) * step * place]
        if numbered:
            more["InstanceNumber"] = place + 1
        path = folder / names.format(order[place])
        if place not in leave_out:
            path.write_bytes(slice_bytes(place, **{**more, **tags}))
            files.append(path)
    return files


def write_directory(folder: Path, names: Sequence[Sequence[str] | str], **tags: Any) -> Path:
    """A DICOMDIR in ``folder`` that names files, each by its parts, whatever they are."""
    import pydicom
    from pydicom.dataset import Dataset, FileMetaDataset

    dataset: Any = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.1.3.10"
    dataset.file_meta.MediaStorageSOPInstanceUID = "1.2.3.5"
    dataset.FileSetID = "DISC"
    patient: Any = Dataset()
    patient.DirectoryRecordType = "PATIENT"
    patient.PatientName = "Doe^Jane"
    records = [patient]
    for parts in names:
        record: Any = Dataset()
        record.DirectoryRecordType = "IMAGE"
        record.RecordInUseFlag = 0xFFFF
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            record.ReferencedFileID = parts if isinstance(parts, str) else list(parts)
        records.append(record)
    dataset.DirectoryRecordSequence = records
    for keyword, value in tags.items():
        setattr(dataset, keyword, value)
    path = folder / "DICOMDIR"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom says what is wrong with the names
        dataset.save_as(path, enforce_file_format=True)
    return path
