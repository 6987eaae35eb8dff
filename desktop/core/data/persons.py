"""Which pictures belong to one person or case, so that a split can keep them on one side.

A patient's number or name from a DICOM file is never kept or handed on: it becomes a keyed hash whose key lives as long
as the process, good for comparing within one run and for nothing else.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import stat
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Any

import numpy as np

from desktop.core.pictures import decode_in_child
from desktop.core.pictures.formats import sniff
from desktop.core.types import FoveaError

_PATTERNS = (
    re.compile(r"((?:NORMAL2-)?IM-\d+)-\d+", re.IGNORECASE),  # paediatric chest X-rays, normal cases
    re.compile(r"((?:person|patient|subject|case|sub|pat)[-_ ]?\d+)(?=[-_. ]|$)", re.IGNORECASE),
)
_KEY = secrets.token_bytes(32)
_ENOUGH = 132  # bytes that tell DICOM from all else: the preamble and 'DICM', or a first element
_AT_ONCE = 64  # headers in one piece of work
_SHORTEST_NAME = 3  # shorter parts of a patient's name occur inside any file name by chance
_LONG_NUMBER = 5  # digits
_LONGEST_NAME = 200  # letters; DICOM allows three times 64, a hostile header any number
_JOINED = 12  # parts of a name that are looked for joined to each other
_IDEOGRAPHS = "\u2e80"  # from here on one letter is a whole word
_HUMPS = re.compile(r"(?<=[a-z])(?=[A-Z])")
_LETTERS = re.compile(r"[^\W\d_]+")
# Letters that Unicode does not take apart, as they are written without them; and what stands for an accent in ASCII.
_PLAINER = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "ħ": "h"})
_SPELT = re.compile("([ou])e|a[ae]")


@dataclass(frozen=True, slots=True, eq=False)
class Grouping:
    """``numbers`` int32 (n,): equal numbers belong together. ``count`` groups in all; ``named`` entries were grouped by
    their names, ``patients`` by DICOM's patient number."""

    numbers: np.ndarray
    count: int
    named: int
    patients: int

    @property
    def tells(self) -> bool:
        """Whether somebody is known to have several pictures: where each stands alone, names that count files look like
        persons' as well, and nothing follows from them."""
        return bool(self.named or self.patients) and self.count < len(self.numbers)


def group_of_name(name: str) -> str | None:
    """The person or case that a name carries, or ``None``: the outermost folder that names one, else the file.

    ``person100_bacteria_475.jpeg`` → ``person100``; ``IM-0115-0001.jpeg`` → ``im-0115``;
    ``NORMAL2-IM-0381-0001.jpeg`` → ``normal2-im-0381`` (a numbering of its own);
    ``patient_12/1.png`` → ``patient_12``. ``name`` may have folders before it, without the class's own where that may
    be called so.
    """
    for part in name.split("/"):
        for pattern in _PATTERNS:
            match = pattern.match(part)
            if match:
                return match.group(1).lower()
    return None


def patient_of_file(path: str | None) -> str | None:
    """A token for the patient of a DICOM file, equal for equal patients within this run; ``None`` for all else."""
    return patients_of_files([path])[0]


def patients_of_files(paths: Sequence[str | None]) -> list[str | None]:
    """:func:`patient_of_file` of several at once, which is much faster than one by one."""
    return [patient_of(tags) for tags in _tags_of(paths, ["PatientID"])]


PatientsOf = Callable[[Sequence[str | None]], list[str | None]]
"""What gives the patients of files, as :func:`patients_of_files` does."""


def headers_of(paths: Sequence[str | None]) -> list[dict[str, str]]:
    """The patient's number and name in the headers of DICOM files; empty for all else. Opens every file."""
    found: list[dict[str, str]] = []
    for start in range(0, len(paths), _AT_ONCE):
        found += _tags_of(paths[start : start + _AT_ONCE], ["PatientID", "PatientName"])
    return found


def patient_of(header: Mapping[str, str]) -> str | None:
    """As :func:`patient_of_file`, of a header that was read."""
    patient = header.get("PatientID", "").strip()
    if not patient:
        return None
    return hashlib.blake2b(patient.encode("utf-8", "surrogateescape"), key=_KEY, digest_size=16).hexdigest()


class Patients:
    """The tokens of :func:`patient_of_file` for the entries of a data set, read some ahead. ``path_of`` gives the file
    at a position, ``None`` for what is not to be asked."""

    def __init__(
        self, path_of: Callable[[int], str | None], count: int, patients_of: PatientsOf = patients_of_files
    ) -> None:
        self._path_of, self._count, self._patients_of = path_of, count, patients_of
        self._held: dict[int, str | None] = {}

    def token(self, position: int) -> str | None:
        """The token for the entry at ``position``; best asked in ascending order."""
        if position not in self._held:
            places = range(position, min(position + _AT_ONCE, self._count))
            paths = [self._path_of(place) for place in places]
            self._held = dict(zip(places, self._patients_of(paths), strict=True))
        return self._held[position]


def patient_in(path: str, *names: str) -> set[str]:
    """Those of ``names`` that hold a part of the patient's name or number of the DICOM file ``path``.

    Case and accents do not count, nor whether 'ü' is written 'u' or 'ue'. Parts of one or two letters (Li, Wu) must be
    whole words of a name, or stand beside another part (``LiWu7.dcm``); numbers as short as that tell nobody.
    """
    return patients_in([(path, names)])[0]


def patients_in(asked: Sequence[tuple[str | None, Sequence[str]]], whole_words: bool = False) -> list[set[str]]:
    """:func:`patient_in` for several files at once, each with the names to look through.

    With ``whole_words`` a part counts only where it is a word of a name by itself, and a number from five digits on:
    for names that mean something else most of the time, as those of classes do.
    """
    told = _having if whole_words else told_in
    headers = headers_of([path for path, _ in asked])
    return [told(header, names) for header, (_, names) in zip(headers, asked, strict=True)]


def _having(header: Mapping[str, str], names: Sequence[str]) -> set[str]:
    """Those of ``names`` that have a part of the name or number in ``header`` as a word of their own."""
    told = " ".join(value[:_LONGEST_NAME] for value in header.values())
    parts = [part for part in re.split(r"[\W_]+", _plain(told)) if part]
    words = {part for part in parts if len(part) >= (_LONG_NUMBER if part.isdigit() else _SHORTEST_NAME)}
    words |= {part for part in parts if part[0] >= _IDEOGRAPHS}
    words |= {a + b for a, b in permutations(parts[:_JOINED], 2) if len(a + b) >= _SHORTEST_NAME and (a + b).isalpha()}
    words = _spellings(words)
    return {name for name in names if words & _spellings(_words(name) | set(re.split(r"[\W_]+", _plain(name))))}


def told_in(header: Mapping[str, str], names: Sequence[str]) -> set[str]:
    """As :func:`patient_in`, of a header that was read."""
    told = " ".join(value[:_LONGEST_NAME] for value in header.values())
    parts = [part for part in re.split(r"[\W_]+", _plain(told)) if part]
    long = [part for part in parts if len(part) >= _SHORTEST_NAME or part[0] >= _IDEOGRAPHS]
    joined = (a + b for a, b in permutations(parts[:_JOINED], 2))
    long += [name for name in joined if len(name) >= _SHORTEST_NAME and name.isalpha()]
    short = {part for part in parts if len(part) < _SHORTEST_NAME and part.isalpha()}
    long = [*_spellings(long)]
    return {name for name in names if _holds(_plain(name), long) or short & _words(name)}


def _holds(plain: str, parts: Iterable[str]) -> bool:
    spelt = _one_spelling(plain)
    return any(part in plain or part in spelt for part in parts)


def _spellings(words: Iterable[str]) -> set[str]:
    """``words`` (of :func:`_plain`), and what they are where an 'ue' or 'aa' stands for a letter with an accent."""
    words = set(words)
    return words | {short for short in map(_one_spelling, words) if len(short) >= _SHORTEST_NAME}


def _one_spelling(plain: str) -> str:
    return _SPELT.sub(lambda found: found[1] or "a", plain)


def _plain(text: str) -> str:
    """``text`` without case and accents, however its letters are composed."""
    apart = unicodedata.normalize("NFKD", text)
    bare = "".join(letter for letter in apart if not unicodedata.combining(letter))
    return unicodedata.normalize("NFKC", bare).casefold().translate(_PLAINER)


def _words(name: str) -> set[str]:
    """The words of a file name: runs of letters, ``WeiLi`` being two."""
    return set(_LETTERS.findall(_plain(name))) | set(_LETTERS.findall(_plain(_HUMPS.sub(" ", name))))


def _tags_of(paths: Sequence[str | None], keywords: list[str]) -> list[dict[str, str]]:
    """Some tags of DICOM files as text; empty for other files and for what cannot be read.

    A file is DICOM where the decoder takes it for that: by its first bytes, whatever its suffix. Of all other files
    no more than those are read. Headers are read in a child: a hostile one may crash its reader or never end.
    """
    places = [place for place, path in enumerate(paths) if path and _is_dicom(path)]
    items = [(paths[place], tuple(keywords)) for place in places]
    out: list[dict[str, str]] = [{} for _ in paths]
    for place, tags in zip(places, decode_in_child.each("desktop.core.data.persons:_tags", items), strict=True):
        if not isinstance(tags, FoveaError):
            out[place] = tags
    return out


def _is_dicom(path: str) -> bool:
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            return False  # opening a named pipe, which a list of files may name, would wait for whoever writes into it
        with open(path, "rb", buffering=0) as stream:
            return sniff(stream.read(_ENOUGH)) == "DICOM"
    except (OSError, ValueError):
        return False


def _tags(item: tuple[str, tuple[str, ...]]) -> dict[str, str]:
    """In the child: some tags of one DICOM file."""
    path, keywords = item
    try:
        from desktop.core.pictures.dicom.decode import check_inflated, quiet_pydicom

        with open(path, "rb") as file:
            check_inflated(file)
            file.seek(0)
            facts: Any = quiet_pydicom().dcmread(
                file, force=True, stop_before_pixels=True, specific_tags=list(keywords)
            )
            return {keyword: str(facts.get(keyword) or "") for keyword in keywords}
    except Exception:  # a hostile header may raise anything; it only means that nothing is known
        return {}
