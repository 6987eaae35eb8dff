"""Names for files and folders that every system takes, made from any text."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container, Sequence

from desktop.core.data.class_names import look_of

LONGEST = 180
"""Bytes in UTF-8 that a name made here has at most: file systems take 255, and endings and numbers follow."""
_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f-\x9f"*/:<>?\\|\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]')
# https://learn.microsoft.com/windows/win32/fileio/naming-a-file: also with an ending, also with superscript digits.
RESERVED = {"con", "prn", "aux", "nul", "conin$", "conout$"} | {
    f"{p}{n}" for p in ("com", "lpt") for n in "123456789¹²³"
}
"""Names, in small letters, of Windows' devices: no file and no folder there can be called so."""


def plain_name(text: str, longest: int = LONGEST) -> str:
    """``text`` as the name of a file or folder, readable: allowed on every system, no hidden file, no device's name.

    Letters of any script stay; what is forbidden somewhere becomes ``_``. Never empty.
    """
    name = unicodedata.normalize("NFC", text)
    name = "".join(letter if unicodedata.category(letter) != "Cs" else "_" for letter in name)
    name = _FORBIDDEN.sub("_", name).strip().rstrip(". ")
    name = name.encode("utf-8")[:longest].decode("utf-8", "ignore").rstrip(". ") or "_"
    if name.startswith("."):
        name = "_" + name[1:]
    return f"_{name}" if name.split(".")[0].strip().casefold() in RESERVED else name


def free_name(name: str, ending: str, taken: Container[str]) -> str:
    """``name`` with its ``ending``, or with a number before it: the first whose :func:`look_of` is not ``taken``."""
    number = 1
    while True:
        chosen = f"{name}{ending}" if number == 1 else f"{name} ({number}){ending}"
        if look_of(chosen) not in taken:
            return chosen
        number += 1


def folder_names(classes: Sequence[str]) -> dict[str, str]:
    """A folder's name for each class, readable, allowed on every system, no two that some system takes for one."""
    out: dict[str, str] = {}
    taken: set[str] = set()
    for name in dict.fromkeys(classes):
        chosen = free_name(plain_name(name, 100), "", taken)
        taken.add(look_of(chosen))
        out[name] = chosen
    return out
