"""JSON from outside and from our own disk, read strictly, and the one mechanism by which the program keeps small JSON
files.

Python's reader takes NaN, two values under one name, numbers beyond a float and nesting until its stack ends
(RFC 8259, sections 4, 6 and 9, leaves all of that to the reader). What passes here has none of it, so it can be written
again and walked through by recursion.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from desktop.system.errors import FoveaError
from desktop.system.files import reason_of, saying, write_atomically
from desktop.system.words import english, phrase

MOST_BYTES = 16 << 20
MOST_DEPTH = 64
_STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?', re.DOTALL)
_BRACKET = re.compile(r"[\[\]{}]")
_MOST_DAMAGED = 100
_MOST_DIGITS = 20  # of 64 bits, with a sign
_BEYOND = 1 << 63  # Qt, NumPy and SQLite count no further


class JsonError(ValueError):
    """Text that is not the JSON expected; says what was found, in words that can follow 'NAME: '."""


def loads(text: str | bytes, most_bytes: int = MOST_BYTES, most_depth: int = MOST_DEPTH, finite: bool = True) -> Any:
    """The JSON value of ``text`` (bytes are UTF-8, a byte-order mark is passed over).

    ``finite=False`` takes NaN, Infinity and whole numbers of any length, as Python and Keras write them. Raises
    :class:`JsonError`: more than ``most_bytes`` (characters of a text), lists and objects nested deeper than
    ``most_depth``, a name that an object has twice, a number that no float holds or a whole one of more than 64 bits,
    or no JSON at all.
    """
    if len(text) > most_bytes:
        raise JsonError(
            phrase("{count:,} bytes found, at most {most_bytes:,} expected", count=len(text), most_bytes=most_bytes)
        )
    try:
        plain = text if isinstance(text, str) else text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise JsonError(phrase("it is not UTF-8 text")) from error
    _check_depth(plain, most_depth)
    try:
        if finite:
            return json.loads(
                plain, object_pairs_hook=_object, parse_constant=_no_number, parse_float=_float, parse_int=_int
            )
        return json.loads(plain, object_pairs_hook=_object)
    except JsonError:
        raise
    except (ValueError, RecursionError) as error:
        raise JsonError(phrase("it is not valid JSON{where}", where=_where(error))) from error


def read(path: Path, most_bytes: int = MOST_BYTES, most_depth: int = MOST_DEPTH, finite: bool = True) -> Any:
    """The JSON value in a file; no more than ``most_bytes`` of it are read. Raises :class:`JsonError`; OSError."""
    with path.open("rb") as stream:
        return loads(stream.read(most_bytes + 1), most_bytes, most_depth, finite)


def loads_object(
    text: str | bytes, most_bytes: int = MOST_BYTES, most_depth: int = MOST_DEPTH, finite: bool = True
) -> dict[str, Any]:
    """As :func:`loads`, where an object is expected."""
    return as_object(loads(text, most_bytes, most_depth, finite))


def read_object(
    path: Path, most_bytes: int = MOST_BYTES, most_depth: int = MOST_DEPTH, finite: bool = True
) -> dict[str, Any]:
    """As :func:`read`, where an object is expected."""
    return as_object(read(path, most_bytes, most_depth, finite))


def as_object(value: object) -> dict[str, Any]:
    """``value``, which must be an object. Raises :class:`JsonError`."""
    if not isinstance(value, dict):
        raise JsonError(phrase("{kind_of} found, an object expected", kind_of=kind_of(value)))
    return value


def as_texts(value: object) -> list[str]:
    """``value``, which must be a list of texts. Raises :class:`JsonError`."""
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise JsonError(phrase("{kind_of} found, a list of texts expected", kind_of=kind_of(value)))
    return value


def kind_of(value: object) -> str:
    """What a JSON value is, in words."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    names = {dict: phrase("an object"), list: "a list", str: "a text", int: "a number", float: "a number"}
    return names.get(type(value), type(value).__name__)


def plain(value: object) -> Any:
    """``value`` as what JSON would make of it: tuples become lists, names texts."""
    return json.loads(json.dumps(value))


def fields_that_differ(where: str, missing: Sequence[str], unknown: Sequence[str]) -> str:
    """Which fields of ``where`` are missing and which nobody knows, in a sentence; one of the two is not empty."""
    given: dict[str, Any] = {"where": where, "missing": list(missing), "unknown": list(unknown)}
    if not unknown:
        return phrase("{where}: fields missing: {missing}", **given)
    if not missing:
        return phrase("{where}: fields unknown: {unknown}", **given)
    return phrase("{where}: fields missing: {missing}; unknown: {unknown}", **given)


def _check_depth(text: str, most: int) -> None:
    if text.count("[") + text.count("{") <= most:
        return
    depth = 0
    for bracket in _BRACKET.findall(_STRING.sub('""', text)):
        depth += 1 if bracket in "[{" else -1
        if depth > most:
            raise JsonError(phrase("it is nested more than {most} deep", most=most))


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    held = dict(pairs)
    if len(held) != len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise JsonError(phrase("'{twice}' is there twice", twice=twice[:60]))
    return held


def _float(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise JsonError(phrase("the number {text} is too large", text=text[:30]))
    return value


def _int(text: str) -> int:
    value = int(text) if len(text) <= _MOST_DIGITS else _BEYOND
    if not -_BEYOND <= value < _BEYOND:
        raise JsonError(phrase("the number {text} is too large", text=text[:30]))
    return value


def _no_number(text: str) -> float:
    raise JsonError(phrase("{text} is no number", text=text))


def _where(error: Exception) -> str:
    return f" (line {error.lineno})" if isinstance(error, json.JSONDecodeError) else ""


# The program's own small files


class JsonStore:
    """One JSON object in a file of the program's own: settings, judgements, pins.

    Nothing that a user made is lost silently. A damaged file is kept beside as ``NAME.damaged.json`` and said; a file
    that could not be read (rights, a drive that is away) is never written over.
    ``what`` names the content in sentences ('the settings'); ``say`` hears each sentence once, :attr:`problem` keeps
    the last.
    """

    def __init__(
        self,
        path: Path,
        what: str,
        say: Callable[[str], None] = lambda text: None,
        most_bytes: int = MOST_BYTES,
        check: Callable[[dict[str, Any]], object] = lambda values: None,
    ) -> None:
        """``check`` raises ValueError for an object that is not what the file should hold."""
        self.path, self._what, self._say = path, what, say
        self._most, self._check = most_bytes, check
        self._blind = ""  # why the last read failed: what was not seen is not written over
        self.problem = ""
        self.kept_as = ""
        """The name under which a damaged file was kept; '' while there was none."""

    def read(self) -> dict[str, Any]:
        """What the file holds; ``{}`` where there is none, or where a damaged one was put aside just now.

        Raises :class:`FoveaError` ``not-readable`` where the file is there and cannot be read.
        """
        self._blind = ""
        try:
            values = read_object(self.path, self._most)
            self._check(values)
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise self._unread(reason_of(error)) from error
        except ValueError as error:
            self._put_aside(error)
            return {}
        return values

    def write(self, values: dict[str, Any]) -> None:
        """Keep ``values`` in place of what the file holds.

        Raises :class:`FoveaError` where it cannot be written, where what is there cannot be read, or where the last
        :meth:`read` failed (what it would have given is in the file still); a damaged file is put aside first.
        """
        if self._blind:
            raise self._unread(self._blind)
        self.read()
        self._put(values)

    def change(self, change: Callable[[dict[str, Any]], object]) -> None:
        """Read, have ``change`` change the object in place, and keep it. Raises as :meth:`read`, :meth:`write`."""
        values = self.read()
        change(values)
        self._put(values)

    def _put(self, values: dict[str, Any]) -> None:
        with saying(self._what):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(self.path, dumps(values))

    def _unread(self, reason: str) -> FoveaError:
        hint = "The file is left as it is. Look at the rights and the disk of Fovea's own data."
        self._blind = reason
        error = FoveaError(
            "not-readable", phrase("{what} could not be read: {reason}", what=self._what, reason=reason), hint
        )
        self._tell(error.message)
        return error

    def _put_aside(self, error: ValueError) -> None:
        kept = free_name(self.path)
        try:
            os.rename(self.path, kept)
        except OSError as why:
            raise self._unread(phrase("{error}; the damaged file could not be put aside", error=error)) from why
        self.kept_as = kept.name
        self._tell(
            phrase(
                "{what}: the file was damaged ({error}). It was kept as {name}.",
                what=self._what,
                error=error,
                name=kept.name,
            )
        )

    def _tell(self, text: str) -> None:
        if text != self.problem:
            self.problem = text
            self._say(text)


def free_name(path: Path) -> Path:
    """Where a damaged file is kept: beside, with ``.damaged`` before its suffix, and a number where that is taken."""
    numbers = ("", *(f"-{number}" for number in range(2, _MOST_DAMAGED + 1)))
    places = [path.with_name(f"{path.stem}.damaged{number}{path.suffix}") for number in numbers]
    return next((place for place in places if not place.exists()), places[-1])


def dumps(value: object, indent: int | None = 1) -> str:
    """``value`` as JSON text that :func:`loads` takes, sorted, in plain letters of every script.

    Names that are no text stay lone surrogates, which :func:`~desktop.system.files.write_atomically` writes as the
    escapes that JSON has for them. Raises ValueError for a number that is not finite.
    """
    return json.dumps(english(value), indent=indent, sort_keys=True, allow_nan=False, ensure_ascii=False) + "\n"
