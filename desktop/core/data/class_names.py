"""Names of classes as people see them: which look the same, and which are no text at all."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from functools import lru_cache

from desktop.system.words import phrase

# Letters of other scripts that are drawn as Latin ones (Unicode Technical Standard 39), strokes and quotes.
_CYRILLIC = (
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0458\u0455\u0501\u04bb"
    "\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0425\u0406\u0408\u0405\u04ae"
)
_LATIN_OF_CYRILLIC = "aeopcyxijsdhABEKMHOPCTXIJSY"
_GREEK = "\u03bf\u03bd\u03c1\u03b1\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7"
_LATIN_OF_GREEK = "ovpaABEZHIKMNOPTYX"
_STROKES = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212"
_QUOTES = "\u2018\u2019\u02bc\u00b4"
_DRAWN_AS = str.maketrans(
    _CYRILLIC + _GREEK + _STROKES + _QUOTES,
    _LATIN_OF_CYRILLIC + _LATIN_OF_GREEK + "-" * len(_STROKES) + "'" * len(_QUOTES),
)
_NEITHER = frozenset("\u200c\u200d")  # zero-width joiners: not seen, but they change the letters and pictures beside


@lru_cache(maxsize=8192)  # every name is compared with every other
def look_of(name: str) -> str:
    """What people see of a class's name: equal for names that differ in upper and lower case, in how accents are
    composed, in blanks, in full-width letters (Unicode's compatibility form, NFKC), in characters that are not seen, or
    in letters of another script that are drawn alike."""
    seen = "".join(c for c in unicodedata.normalize("NFKC", name) if unicodedata.category(c) != "Cf" or c in _NEITHER)
    return " ".join(seen.translate(_DRAWN_AS).casefold().split())


def how_alike(names: Sequence[str]) -> str:
    """In what ``names`` differ that look the same, as the end of a sentence."""
    if len({name.casefold() for name in names}) == 1:
        return phrase("they differ in upper and lower case only")
    if len({"".join(name.casefold().split()) for name in names}) == 1:
        return phrase("they differ in blanks only")
    return phrase("they differ in letters that look alike")


def is_label(name: str) -> bool:
    """Whether ``name`` can be that of a class: text, without control characters such as a line's end, and without the
    stand-ins for bytes that are no text, which no file of another program can hold."""
    return not any(unicodedata.category(character) in ("Cc", "Cs") for character in name)
