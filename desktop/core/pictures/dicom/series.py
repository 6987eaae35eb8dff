"""From many DICOM files to series with their frames in order: what a header says of its place, and the grouping.

A series is what one machine made in one go; its pictures belong together and are looked at as one stack. Headers are
read by :func:`read_head`, in a child with limits; who the patient is leaves that child as a digest alone, enough to
tell two apart. :func:`grouped` does the rest and opens nothing.

Source of the method: DICOM PS3.3, A.1.2 and C.7.3.1 (Series Instance UID, Series Number), C.7.6.2.1.1 (Image Position
and Image Orientation (Patient): the order along the slices' normal), C.7.6.1 (Instance Number, where there is no
position), C.7.6.6 (Number of Frames). Two orientations in one series are two stacks: a localizer is no slice among the
others.
"""

from __future__ import annotations

import hashlib
import math
import os
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from desktop.core.pictures.walk import natural_key

MOST_FRAMES = 20_000
"""Frames of one file, and files of one folder, that are taken for a series; more stay single pictures."""

_TAGS = [
    *("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "PatientID", "PatientName", "Modality"),
    *("SeriesNumber", "InstanceNumber", "ImagePositionPatient", "ImageOrientationPatient", "Rows", "Columns"),
    *("NumberOfFrames", "DirectoryRecordSequence"),
]
_MODALITY = re.compile(r"[A-Z]{2,8}\Z")
_MOST_NUMBER = 1 << 31
_SAME_DIRECTION = math.cos(math.radians(1.0))
_SAME_PLACE_MM = 0.01
_NEAR = 0.2  # of a step: how far a gap may be from a whole number of steps and still tell of missing slices

Vector = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class DicomHead:
    """What a DICOM file's header says of where its picture belongs.

    ``study``, ``series`` (of one patient) and ``instance`` are digests; ``series`` is empty where the file names none.
    ``modality`` is a code such as CT or '', ``number`` and ``at`` are Series and Instance Number. ``place`` is the
    picture's upper left corner in millimetres, ``across`` and ``down`` its directions; all three or none. ``picture``
    says whether there is one, ``other`` that this kind of object never holds one, ``directory`` that it is a DICOMDIR.
    """

    study: bytes = b""
    series: bytes = b""
    instance: bytes = b""
    modality: str = ""
    number: int | None = None
    at: int | None = None
    place: Vector | None = None
    across: Vector | None = None
    down: Vector | None = None
    size: tuple[int, int] = (0, 0)
    frames: int = 1
    picture: bool = True
    other: bool = False
    directory: bool = False


@dataclass(frozen=True, slots=True)
class DicomSeries:
    """Frames that belong together, in order: ``frames`` are a file's path and the frame's place in it (0-based).

    ``ordinal`` and ``study`` count the series and studies that were found, from 1; ``studies`` is how many of these
    hold something that belongs together. ``number`` is the file's own Series Number. Where a series holds pictures of
    several orientations it comes in ``parts``, of which this is ``part``. ``missing`` counts the slices that are not
    there as far as their places or numbers tell, ``copies`` the files that held a frame once more, ``shared`` the
    frames that have their Instance Number in common with another. ``placed`` says that the order is that of the places
    in the patient; else it is that of the numbers. ``belongs`` is false for a picture or multi-frame file that stands
    for itself.
    """

    frames: tuple[tuple[str, int], ...]
    ordinal: int
    study: int
    studies: int
    number: int | None
    modality: str
    part: int = 1
    parts: int = 1
    missing: int = 0
    copies: int = 0
    shared: int = 0
    placed: bool = False
    belongs: bool = True


def read_head(path: str) -> DicomHead:
    """The head of the DICOM file ``path``, nothing of its pixels. To be run in a child with limits.

    Raises DecodeError ``not-found``, ``no-access``, ``not-a-file``, ``dicom-damaged`` or ``too-large``.
    """
    from desktop.core.pictures.decode import open_file, quieten_libraries
    from desktop.core.pictures.dicom.decode import read_dataset, refusing

    quieten_libraries()
    file, _ = open_file(path)
    with file, refusing():
        return head_of(read_dataset(file, stop_before_pixels=True, specific_tags=_TAGS))


def head_of(dataset: Any) -> DicomHead:
    """The head that a dataset tells of; what makes no sense in it counts as missing."""
    from desktop.core.pictures.dicom.decode import DIRECTORY_CLASS

    meta = getattr(dataset, "file_meta", None) or {}
    if "DirectoryRecordSequence" in dataset or meta.get("MediaStorageSOPClassUID") == DIRECTORY_CLASS:
        return DicomHead(picture=False, other=True, directory=True)
    rows, columns = _whole(dataset, "Rows") or 0, _whole(dataset, "Columns") or 0
    modality = _text(dataset, "Modality")
    study, series = _text(dataset, "StudyInstanceUID"), _text(dataset, "SeriesInstanceUID")
    patient = (_text(dataset, "PatientID"), _text(dataset, "PatientName"))
    place = _vector(_numbers(dataset, "ImagePositionPatient", 3))
    across, down = _directions(_numbers(dataset, "ImageOrientationPatient", 6))
    if place is None or across is None:
        place = across = down = None
    return DicomHead(
        study=_digest(study, *patient),
        series=_digest(study, series, *patient) if series else b"",
        instance=_digest(_text(dataset, "SOPInstanceUID")),
        modality=modality if _MODALITY.match(modality) else "",
        number=_whole(dataset, "SeriesNumber"),
        at=_whole(dataset, "InstanceNumber"),
        place=place,
        across=across,
        down=down,
        size=(columns, rows),
        frames=max(1, _whole(dataset, "NumberOfFrames") or 1),
        picture=rows > 0 and columns > 0,
        other=bool(series) and _never_a_picture(dataset),
    )


def _never_a_picture(dataset: Any) -> bool:
    """Whether an object is of a known class that is not of images: a report, a presentation state, a treatment plan."""
    from desktop.core.pictures.dicom.decode import quiet_pydicom

    uid = quiet_pydicom().uid.UID(_text(dataset, "SOPClassUID"))
    known = uid.name != str(uid)
    return known and "Image" not in uid.name and "Segmentation" not in uid.name


def grouped(heads: Sequence[tuple[str, DicomHead]], listed: Collection[str] = ()) -> list[DicomSeries]:
    """The pictures of ``heads`` (path and head, in the order they were found) as series; in the order of the first of
    each, parts of one series beside each other.

    A file of several frames is a series of its own. What stands for itself (no Series Instance UID, or the only file of
    a series in a study without a stack) has ``belongs`` false; of the paths in ``listed``, as by a disc, what names a
    series belongs.
    """
    groups: dict[bytes, list[tuple[str, DicomHead]]] = {}
    for number, (path, head) in enumerate(heads):
        if not head.picture:
            continue
        alone = not head.series or head.frames > 1
        key = b"%d" % number if alone else head.series  # digests are longer
        groups.setdefault(key, []).append((path, head))
    stacks = [stack for members in groups.values() for stack in _stacks(members)]
    stacked = {stack.heads[0].study for stack in stacks if len(stack.paths) > 1}
    belonging = [
        len(stack.paths) > 1
        or (bool(stack.heads[0].series) and (stack.paths[0] in listed or stack.heads[0].study in stacked))
        for stack in stacks
    ]
    studies: dict[bytes, int] = {}
    for stack, belongs in zip(stacks, belonging, strict=True):
        if belongs:
            studies.setdefault(stack.heads[0].study, len(studies) + 1)
    told = len(studies)
    out: list[DicomSeries] = []
    ordinals: dict[int, int] = {}
    for stack, belongs in zip(stacks, belonging, strict=True):
        head = stack.heads[0]
        ordinal = ordinals.setdefault(stack.group, len(ordinals) + 1)
        frames = tuple((path, 0) for path in stack.paths)
        if 1 < head.frames <= MOST_FRAMES:
            frames = tuple((stack.paths[0], frame) for frame in range(head.frames))
        study = studies.setdefault(head.study, len(studies) + 1)
        out.append(
            DicomSeries(
                frames, ordinal, study, told, head.number, head.modality, stack.part, stack.parts, stack.missing,
                stack.copies, stack.shared, stack.placed, belongs,
            )
        )  # fmt: skip
    return out


@dataclass(slots=True)
class _Stack:
    """Pictures of one series and one orientation, in order; ``group`` tells series apart."""

    paths: list[str]
    heads: list[DicomHead]
    group: int
    part: int = 1
    parts: int = 1
    missing: int = 0
    copies: int = 0
    shared: int = 0
    placed: bool = False


def _stacks(members: list[tuple[str, DicomHead]]) -> list[_Stack]:
    kept, copies = _without_copies(members)
    parts = _by_orientation(kept)
    out = []
    for part, found in enumerate(parts, 1):
        places = _places([head for _, head in found])
        order = sorted(range(len(found)), key=lambda at: _key(found[at], places[at] if places else None))
        heads = [found[at][1] for at in order]
        numbers = [head.at for head in heads if head.at is not None]
        stack = _Stack([found[at][0] for at in order], heads, id(members), part, len(parts))
        stack.placed = places is not None
        stack.shared = len(numbers) - len(set(numbers))
        if places is not None:
            stack.missing = _gaps([places[at] for at in order])
        elif len(parts) == 1 and len(numbers) == len(heads) and not stack.shared:
            holes = max(numbers) - min(numbers) + 1 - len(numbers)
            stack.missing = holes if holes < len(numbers) else 0  # far apart they count something else
        out.append(stack)
    out[0].copies = copies
    return out


def _without_copies(members: list[tuple[str, DicomHead]]) -> tuple[list[tuple[str, DicomHead]], int]:
    """One file of each object. A SOP Instance UID alone does not tell: careless writers give all slices the same."""
    seen: set[tuple[Any, ...]] = set()
    kept = []
    for path, head in members:
        key = (head.instance, head.at, head.place, head.size)
        if head.instance and key in seen and (head.at is not None or head.place is not None):
            continue
        seen.add(key)
        kept.append((path, head))
    return kept, len(members) - len(kept)


def _by_orientation(members: list[tuple[str, DicomHead]]) -> list[list[tuple[str, DicomHead]]]:
    parts: list[tuple[DicomHead, list[tuple[str, DicomHead]]]] = []
    for path, head in members:
        for first, part in parts:
            if _alike(first, head):
                part.append((path, head))
                break
        else:
            parts.append((head, [(path, head)]))
    return [part for _, part in parts]


def _alike(one: DicomHead, other: DicomHead) -> bool:
    """Whether two pictures lie in planes of one direction; those that say nothing of it lie together."""
    if one.across is None or other.across is None or one.down is None or other.down is None:
        return one.across is None and other.across is None
    return _dot(one.across, other.across) > _SAME_DIRECTION and _dot(one.down, other.down) > _SAME_DIRECTION


def _places(heads: list[DicomHead]) -> list[float] | None:
    """Where each picture lies along the normal of the first, in millimetres; ``None`` where places tell no order: a
    file names none, or all lie at one place."""
    first = heads[0]
    if first.across is None or first.down is None or len(heads) < 2:
        return None
    a, b = first.across, first.down
    normal = (a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0])
    places = [_dot(head.place, normal) for head in heads if head.place is not None]
    if len(places) < len(heads) or max(places) - min(places) < _SAME_PLACE_MM:
        return None
    return [round(place / _SAME_PLACE_MM) * _SAME_PLACE_MM for place in places]


def _key(member: tuple[str, DicomHead], place: float | None) -> tuple[Any, ...]:
    """What frames are ordered by: place, number, name. Several at one place, as in a dynamic series, follow each other
    by number."""
    path, head = member
    at = head.at
    return (place or 0.0, at is None, at or 0, natural_key(os.path.basename(path)), path)


def _gaps(places: list[float]) -> int:
    """How many slices are missing between the first and the last: gaps of whole steps. Uneven ones tell nothing."""
    different = sorted(set(places))
    gaps = [after - before for before, after in pairwise(different)]
    if len(gaps) < 2:
        return 0
    step = sorted(gaps)[(len(gaps) - 1) // 2]
    steps = [gap / step for gap in gaps]
    if any(round(count) < 1 or abs(count - round(count)) > _NEAR for count in steps):
        return 0
    missing = sum(round(count) - 1 for count in steps)
    return missing if missing < len(different) else 0


def _dot(one: Vector, other: Vector) -> float:
    return one[0] * other[0] + one[1] * other[1] + one[2] * other[2]


def _directions(values: list[float]) -> tuple[Vector | None, Vector | None]:
    """Directions of rows and columns; none where they are not of length one and square to each other (C.7.6.2.1.1)."""
    if len(values) != 6:
        return None, None
    across, down = (values[0], values[1], values[2]), (values[3], values[4], values[5])
    fits = all(abs(_dot(each, each) - 1) < 0.02 for each in (across, down)) and abs(_dot(across, down)) < 0.02
    return (across, down) if fits else (None, None)


def _vector(values: list[float]) -> Vector | None:
    return (values[0], values[1], values[2]) if len(values) == 3 else None


def _numbers(dataset: Any, keyword: str, count: int) -> list[float]:
    try:
        value = dataset.get(keyword)
        found = [float(one) for one in list(value)[: count + 1]] if value is not None else []
    except (TypeError, ValueError, OverflowError):
        return []
    return found if len(found) == count and all(math.isfinite(one) and abs(one) < 1e6 for one in found) else []


def _whole(dataset: Any, keyword: str) -> int | None:
    try:
        value = dataset.get(keyword)
        if isinstance(value, list | tuple) or hasattr(value, "append"):
            value = value[0]
        number = int(value) if value is not None and value != "" else None
    except (TypeError, ValueError, OverflowError, IndexError, AttributeError):
        return None
    return number if number is not None and abs(number) < _MOST_NUMBER else None


def _text(dataset: Any, keyword: str) -> str:
    try:
        value = dataset.get(keyword)
        return str(value).strip("\0 ")[:1000] if value is not None else ""
    except Exception:  # a hostile element
        return ""


def _digest(*texts: str) -> bytes:
    if not any(texts):
        return b""
    return hashlib.blake2b("\0".join(texts).encode("utf-8", "replace"), digest_size=16).digest()
