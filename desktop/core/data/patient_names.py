"""Whether data, their classes or a model would be called like a patient: what a model keeps must name nobody.

A model carries the names of its classes, and the title of its data, wherever it goes. DICOM headers tell for certain
whom pictures show: a sample of each class is asked. A word of a scanner or of medicine that a header shares with a
class ('Chest', 'Left') is no name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np

from desktop.core.data.dataset import DatasetError, LabelledDataset
from desktop.core.data.person_names import is_no_name, may_name_a_person
from desktop.core.data.persons import patients_in
from desktop.system.words import phrase

HIDDEN_TITLE = "the user's own pictures"
"""What data are called in a model whose own name is hidden."""

_ASKED = 20  # files of a class
_LETTERS = re.compile(r"[^\W_]+")


def named_like_patients(data: LabelledDataset, names: Iterable[str]) -> set[str]:
    """Those of ``names`` that hold the name or number of a patient of ``data``, by a sample of its DICOM files."""
    plain = {name: " ".join(word for word in _LETTERS.findall(name) if not is_no_name(word)) for name in names}
    asked = tuple({text for text in plain.values() if text})
    if not asked or data.kind != "folders":
        return set()
    paths = []
    for number in range(len(data.classes)):
        own = np.flatnonzero(data.targets == number)
        picked = own[np.unique(np.linspace(0, len(own) - 1, _ASKED).round().astype(int))] if len(own) else own
        paths += [data.source(int(position)).path for position in picked]
    found: set[str] = set()
    for held in patients_in([(path, asked) for path in paths], whole_words=True):
        found |= held
    return {name for name, text in plain.items() if text in found}


def problem_of_names(data: LabelledDataset, names: Iterable[str], what: str = "class") -> DatasetError | None:
    """Why no model can be made of classes of these ``names``, with what to do about it; ``None`` where it can."""
    found = sorted(named_like_patients(data, names))
    if not found:
        return None
    if what == "class":
        # The names stand in the message alone, which is shown to the user and kept nowhere.
        return DatasetError(
            "patient-in-class-name",
            phrase(
                "{count:,} classes are called like a patient in the headers of the DICOM files: a model keeps the "
                "names of its classes",
                one="a class is called like a patient in the headers of the DICOM files: a model keeps the names of "
                "its classes",
                count=len(found),
            ),
            phrase(
                "Rename their folders, for instance to 'class 1', or by what the pictures show, then try again.",
                one="Rename its folder, for instance to 'class 1', or by what the pictures show, then try again.",
                count=len(found),
            ),
        )
    return DatasetError(
        "patient-in-model-name",
        "the model's name is that of a patient in the headers of the DICOM files",
        "Choose a name that says what the model tells apart.",
    )


def public_title(data: LabelledDataset, title: str) -> str:
    """``title`` as a model, its card and its run may carry it: hidden where it is or reads like a person's name."""
    if may_name_a_person(title) or named_like_patients(data, [title]):
        return HIDDEN_TITLE
    return title
