"""Which pictures belong to one person or case, so that a split can keep them on one side.

A patient's number or name from a DICOM file is never kept or handed on: it becomes a keyed hash whose key lives as long
as the process, good for comparing within one run and for nothing else.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from dataclasses import dataclass
from typing import Any

import numpy as np

_PATTERNS = (
    re.compile(r"((?:NORMAL2-)?IM-\d+)-\d+", re.IGNORECASE),  # paediatric chest X-rays, normal cases
    re.compile(r"((?:person|patient|subject|case|sub|pat)[-_]?\d+)(?=[-_.])", re.IGNORECASE),
)
_DICOM_SUFFIXES = frozenset({".dcm", ".dicom", ""})
_KEY = secrets.token_bytes(32)
_MAGIC_AT, _MAGIC = 128, b"DICM"
_SHORTEST_NAME = 3  # shorter parts of a patient's name occur in any file name by chance


@dataclass(frozen=True, slots=True, eq=False)
class Grouping:
    """``numbers`` int32 (n,): equal numbers belong together. ``count`` groups in all; ``named`` entries were grouped by
    their names, ``patients`` by DICOM's patient number."""

    numbers: np.ndarray
    count: int
    named: int
    patients: int


def group_of_name(name: str) -> str | None:
    """The person or case that a file name carries, or ``None``.

    ``person100_bacteria_475.jpeg`` → ``person100``; ``IM-0115-0001.jpeg`` → ``im-0115``;
    ``NORMAL2-IM-0381-0001.jpeg`` → ``normal2-im-0381`` (a numbering of its own). ``name`` may have folders before it.
    """
    file = name.rsplit("/", 1)[-1]
    for pattern in _PATTERNS:
        match = pattern.match(file)
        if match:
            return match.group(1).lower()
    return None


def may_be_dicom(name: str) -> bool:
    """Whether a file of this name can be DICOM: the suffix, none at all, or a number as DICOM's own names end in."""
    suffix = os.path.splitext(name)[1].lower()
    return suffix in _DICOM_SUFFIXES or suffix[1:].isdigit()


def patient_of_file(path: str | None) -> str | None:
    """A token for the patient of a DICOM file, equal for equal patients within this run; ``None`` for all else."""
    patient = _tags(path or "", ["PatientID"]).get("PatientID", "").strip()
    if not patient:
        return None
    return hashlib.blake2b(patient.encode("utf-8", "surrogateescape"), key=_KEY, digest_size=16).hexdigest()


def patient_in(path: str, *names: str) -> set[str]:
    """Those of ``names`` that hold a part of the patient's name or number of the DICOM file ``path``."""
    facts = _tags(path, ["PatientID", "PatientName"])
    parts = re.split(r"[\^=\s,;._-]+", " ".join(facts.values()).casefold())
    told = [part for part in parts if len(part) >= _SHORTEST_NAME]
    return {name for name in names if any(part in name.casefold() for part in told)}


def _tags(path: str, keywords: list[str]) -> dict[str, str]:
    """Some tags of a DICOM file as text; empty for other files and for what cannot be read."""
    if not may_be_dicom(path):
        return {}
    try:
        with open(path, "rb") as stream:
            if stream.read(_MAGIC_AT + len(_MAGIC))[_MAGIC_AT:] != _MAGIC:
                return {}
            stream.seek(0)
            from pydicom import dcmread

            facts: Any = dcmread(stream, stop_before_pixels=True, specific_tags=list(keywords))
            return {keyword: str(facts.get(keyword) or "") for keyword in keywords}
    except Exception:  # a hostile header may raise anything; it only means that nothing is known
        return {}
