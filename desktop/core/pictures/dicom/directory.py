"""A DICOMDIR: the list of the files on a disc, and where they lie below its folder and nowhere else.

What such a list says is not to be trusted: it may name files that are not there, or places that are none of its
business. :func:`read_directory` reads it in a child with limits; :class:`FileFinder` finds what it names, at most below
the folder that it lies in, links and all.

Source of the method: DICOM PS3.3, F.3 (Directory Records: Referenced File ID, Record In-use Flag), PS3.10, 8.2 (File
IDs: up to eight components) and 8.5 (what characters they hold).
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from typing import Any

from desktop.core.types import DecodeError
from desktop.system.words import phrase

MOST_RECORDS = 100_000
"""Records of a DICOMDIR that are looked at."""
_MOST_PARTS, _MOST_LENGTH = 16, 255  # a standard's eight parts of eight characters; writers take more
_OUT_OF_USE = 0
_FORBIDDEN = frozenset('/\\\0:*?"<>|')


@dataclass(frozen=True, slots=True)
class Listed:
    """What a DICOMDIR names: ``files`` by the parts of their names, in its order; how many names were ``refused``
    because they lead elsewhere; whether it was ``cut`` because it names too many."""

    files: tuple[tuple[str, ...], ...]
    refused: int = 0
    cut: bool = False


def read_directory(path: str) -> Listed:
    """The files that the DICOMDIR at ``path`` names. To be run in a child with limits.

    Raises DecodeError ``not-found``, ``no-access``, ``not-a-file``, ``dicom-damaged`` or ``too-large``.
    """
    from desktop.core.pictures.decode import open_file, quieten_libraries
    from desktop.core.pictures.dicom.decode import read_dataset, refusing

    quieten_libraries()
    file, _ = open_file(path)
    with file, refusing():
        if file.read(132)[128:] != b"DICM":  # PS3.10, 7.1: of a list nothing else will do
            raise DecodeError("dicom-damaged", phrase("This is no DICOMDIR, whatever it is called."))
        return listed(read_dataset(file))


def listed(dataset: Any) -> Listed:
    """The files that the records of a DICOMDIR's ``dataset`` name. The records lie in one sequence; which belongs to
    which patient is not asked for: the files tell that themselves."""
    records = dataset.get("DirectoryRecordSequence") or []
    files: dict[tuple[str, ...], None] = {}
    refused = 0
    for record in list(records)[:MOST_RECORDS]:
        value = record.get("ReferencedFileID")
        if value is None or value == "" or record.get("RecordInUseFlag") == _OUT_OF_USE:
            continue
        parts = [value] if isinstance(value, str) else list(value)
        # Some writers put the whole name into one part.
        words = tuple(word.strip() for part in parts for word in str(part).replace("/", "\\").split("\\"))
        if _is_plain(words):
            files[words] = None
        else:
            refused += 1
    return Listed(tuple(files), refused, len(records) > MOST_RECORDS)


def _is_plain(parts: tuple[str, ...]) -> bool:
    """Whether the parts of a name can only lead downwards."""
    if not 0 < len(parts) <= _MOST_PARTS:
        return False
    return all(
        0 < len(part) <= _MOST_LENGTH and part.strip(".") and not _FORBIDDEN & set(part) and part.isprintable()
        for part in parts
    )


class FileFinder:
    """Finds the files below ``folder``, each folder read once. Systems show the names of a disc in capitals, in small
    letters, or with a version behind them; each of them is found."""

    def __init__(self, folder: str) -> None:
        self._folder = folder or os.curdir
        self._root = os.path.realpath(self._folder)
        self._names: dict[str, dict[str, str]] = {}

    def find(self, parts: tuple[str, ...]) -> str | None:
        """The path of a file, beginning as the folder was given; ``None`` where there is none. Raises
        :class:`PermissionError` for one that a link leads out of the folder."""
        path = self._folder
        for part in parts:
            names = self._listing(path)
            name = names.get(part.casefold())
            if name is None:
                return None
            path = os.path.join(path, name)
        try:
            real = os.path.realpath(path)
            if os.path.commonpath([self._root, real]) != self._root:
                raise PermissionError
            return path if stat.S_ISREG(os.stat(real).st_mode) else None
        except PermissionError:
            raise
        except (OSError, ValueError):
            return None

    def _listing(self, folder: str) -> dict[str, str]:
        held = self._names.get(folder)
        if held is None:
            held = {}
            try:
                # Whoever follows a link out of the folder would list what is none of its business.
                if os.path.commonpath([self._root, os.path.realpath(folder)]) == self._root:
                    for name in sorted(os.listdir(folder), reverse=True):
                        held[name.casefold()] = name
                        held.setdefault(name.split(";")[0].rstrip(".").casefold(), name)  # IMAGE1.;1 of ISO 9660
                else:
                    raise PermissionError
            except PermissionError:
                raise
            except (OSError, ValueError):
                pass
            self._names[folder] = held
        return held
