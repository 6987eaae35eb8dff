"""What Fovea says below its window, in the language that this process speaks.

A sentence is a :class:`Sentence`: its English template and its values. It is a ``str``, worded when it is made, so that
every place that shows text can show it; template and values stay with it. A child process speaks English; what it says
crosses the pipe as template and values and is worded where it arrives. The English is what goes into JSON and files
(:func:`english`), and a change of language words it anew (:func:`worded`).

The words come from ``resources/translations/fovea_LANGUAGE.mo`` (GNU gettext's form, read by Python itself), which
``tools/translations.py`` compiles from Qt Linguist's ``.ts`` file. The window's ``tr()`` asks the same file
(:mod:`desktop.ui.shell.language`). No Qt is needed here.
"""

from __future__ import annotations

import contextlib
import functools
import gettext
import os
import re
import string
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from desktop import paths

CONTEXT = "Fovea"
"""The context of whatever is said by :func:`phrase` and by errors, notices and findings."""
VARIABLES = ("FOVEA_LANG", "FOVEA_LANGUAGE")
"""Name a language in place of the system's: de, pt_BR, en …"""
SOURCE = "en"
NUMBERS = "Numbers"
"""The context of a language's signs, which are no words: the tool that compiles takes them from Qt's locale data."""
_OWN_LETTERS = 12
DECIMAL, GROUP, SEPARATOR = "decimal", "group", "separator"
_ENGLISH_SIGNS = {DECIMAL: ".", GROUP: ",", SEPARATOR: ", "}

_RIGHT_TO_LEFT = frozenset({"ar", "fa", "he", "ur", "yi"})
PSEUDO, PSEUDO_RTL = "pseudo", "pseudo_rtl"
"""Languages that nobody speaks, for tests of layouts: accented and 40 % longer; the other from right to left."""

_catalogue: gettext.NullTranslations | None = None
_language = SOURCE
_signs = dict(_ENGLISH_SIGNS)


class Sentence(str):
    """A sentence and what it is made of: ``template`` (English), ``values`` by their names, ``one`` the English
    template where ``values['count']`` is one, '' where number makes no difference. Its text is worded already."""

    __slots__ = ("context", "one", "template", "values")
    template: str
    values: dict[str, Any]
    one: str
    context: str

    def __new__(cls, template: str, values: Mapping[str, Any], one: str = "", context: str = CONTEXT) -> Sentence:
        held = {name: _plain(value) for name, value in values.items()}
        self = super().__new__(cls, _word(template, held, one, context))
        self.template, self.one, self.context = template, one, context
        self.values = held
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return Sentence, (self.template, self.values, self.one, self.context)

    @property
    def english(self) -> str:
        """The sentence as programs, logs and files keep it."""
        return _filled(_form(self.template, self.one, self.values), self.values, plain=True)


class Template(NamedTuple):
    """The English template of a sentence that stands in a table, and the one for a ``count`` of one."""

    many: str
    one: str = ""


def phrase(template: str | Template, /, *, one: str = "", **values: Any) -> str:
    """``template`` with ``{name}`` replaced by ``values`` (text, numbers with a format as in ``{count:,}``, other
    sentences, an error for what it says, or several of those in a ``list``), in the language of this process: a
    :class:`Sentence`.

    ``one`` is the template for a ``count`` of one; languages with more forms than two have them in their translation.
    """
    if isinstance(template, Template):
        template, one = template
    return Sentence(template, values, one)


def as_said(text: str) -> Sentence:
    """``text``, a whole sentence without values, as a :class:`Sentence`; one that is already is worded anew."""
    if isinstance(text, Sentence):
        return Sentence(text.template, text.values, text.one, text.context)
    return Sentence(str(text), {})


def hold(owner: object, *names: str) -> None:
    """Make sentences of the attributes ``names`` of a (frozen) dataclass: plain texts cross to other processes as
    sentences that can be worded there."""
    for name in names:
        object.__setattr__(owner, name, as_said(getattr(owner, name)))


def worded(text: str) -> str:
    """``text`` in the language of this process: a :class:`Sentence` anew; a plain text, as files hold it (a card, the
    end of a run), where it is known whole or is what an English template gives with some values."""
    if isinstance(text, Sentence):
        return as_said(text)
    if _catalogue is None or not text:
        return text
    found = translated(CONTEXT, text)
    return found if found != text else _recognised(text, _language)


def plural(context: str, text: str, count: int) -> str:
    """As :func:`translated`, the form for ``count``; ``text`` itself where it is not translated."""
    return text if _catalogue is None else _catalogue.npgettext(context, text, text, count)


def translated(context: str, text: str) -> str:
    """``text``, which a table marks with :func:`desktop.core.translate.QT_TRANSLATE_NOOP` for ``context``, in the
    language of this process."""
    if _catalogue is None or not text:
        return text
    return _catalogue.pgettext(context, text)


def english(value: Any) -> Any:
    """``value`` (text, or dictionaries and lists of it) with every sentence in English: for JSON and files."""
    if isinstance(value, Sentence):
        return value.english
    if isinstance(value, dict):
        return {key: english(held) for key, held in value.items()}
    if isinstance(value, list | tuple):
        return [english(held) for held in value]
    return value


def sentences(parts: Sequence[str]) -> str:
    """Whole sentences one after the other; empty ones are left out."""
    held = [part for part in parts if part]
    whole = held[0] if held else ""
    for part in held[1:]:
        whole = phrase("{first} {then}", first=whole, then=part)
    return whole


def listed(items: Sequence[Any]) -> str:
    """``items`` one after the other, as this language separates them."""
    return _signs[SEPARATOR].join(_value(item, False) for item in items)


def number(value: float, spec: str = ",") -> str:
    """``value`` formatted by ``spec`` (as for :func:`format`) with the signs of this language."""
    return _localised(format(value, spec))


def language() -> str:
    """The language that this process speaks: ``en``, ``de``, ``pt_BR`` …"""
    return _language


def direction() -> str:
    """``rtl`` where this language is written from right to left, else ``ltr``: HTML's words."""
    return "rtl" if _language.partition("_")[0] in _RIGHT_TO_LEFT or _language == PSEUDO_RTL else "ltr"


def speak(wanted: Sequence[str] | None = None) -> str:
    """Speak the first of ``wanted`` that there is a translation for; else English. Returns the language spoken.

    Without ``wanted``: :data:`VARIABLES`, then what the system says.
    """
    global _catalogue, _language, _signs
    wishing = list(wanted if wanted is not None else wishes())
    made_up = next((wish for wish in wishing[:1] if wish in (PSEUDO, PSEUDO_RTL)), None)
    if made_up is not None:
        from desktop.system.pseudo import PseudoCatalogue

        _catalogue, _language, _signs = PseudoCatalogue(), made_up, dict(_ENGLISH_SIGNS)
        return made_up
    found = first_there(wishing)
    catalogue = None
    if found is not None:
        try:
            with found.open("rb") as file:
                catalogue = gettext.GNUTranslations(file)
        except (OSError, ValueError, UnicodeError, KeyError, IndexError, EOFError):
            catalogue = None  # a damaged file costs the translation, not the program
    _catalogue = catalogue
    _language = found.stem.removeprefix("fovea_") if found is not None and catalogue is not None else SOURCE
    _signs = {key: _sign(catalogue, key) for key in _ENGLISH_SIGNS}
    return _language


def resolved(wanted: Sequence[str]) -> str:
    """The language that :func:`speak` would speak."""
    if wanted and wanted[0] in (PSEUDO, PSEUDO_RTL):
        return wanted[0]
    found = first_there(wanted)
    return SOURCE if found is None else found.stem.removeprefix("fovea_")


def is_there(wish: str) -> bool:
    """Whether ``wish`` is English or there is a translation for it."""
    plain = [name.lower() for name in candidates(wish)]
    return wish in (PSEUDO, PSEUDO_RTL) or SOURCE in plain or first_there([wish]) is not None


def languages() -> list[str]:
    """The languages that there is a translation for, English the first."""
    folder = paths.resources() / "translations"
    return [SOURCE, *sorted(path.stem.removeprefix("fovea_") for path in folder.glob("fovea_*.mo"))]


def wishes() -> list[str]:
    """The languages wished for, the dearest first: by the environment, else by the system."""
    for name in VARIABLES:
        if os.environ.get(name):
            return [os.environ[name]]
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):  # POSIX: the first that is set
        value = os.environ.get(name, "")
        if value:
            first = [] if value in ("C", "POSIX") else os.environ.get("LANGUAGE", "").split(":")
            return [wish for wish in [*first, value] if wish]
    return _of_system()


def _of_system() -> list[str]:
    if sys.platform == "win32":
        import ctypes
        import locale

        return [locale.windows_locale.get(ctypes.windll.kernel32.GetUserDefaultUILanguage(), SOURCE)]
    return []


def candidates(wish: str) -> list[str]:
    """The names by which a translation for ``wish`` may stand, the closest first: pt-BR.UTF-8 gives pt_BR, pt."""
    plain = wish.partition(".")[0].partition("@")[0].replace("-", "_")
    parts = [part for part in plain.split("_") if part.isalnum()]
    names = ["_".join(parts[:length]) for length in range(len(parts), 0, -1)]  # zh_Hans_CN, zh_Hans, zh
    if parts and parts[0].lower() == "zh":  # both are what Simplified Chinese calls itself
        names += [] if {"TW", "HK", "MO", "Hant"} & set(parts) else ["zh_CN"]
    return names


def first_there(wanted: Sequence[str], ending: str = ".mo") -> Path | None:
    """The file of the first language in ``wanted`` that there is one for; ``None`` for English."""
    folder = paths.resources() / "translations"
    for wish in wanted:
        for name in candidates(wish):
            if name.lower() == SOURCE or name.lower() in ("c", "posix"):
                return None
            path = folder / f"fovea_{name}{ending}"
            if path.is_file():
                return path
    return None


@functools.lru_cache(maxsize=1024)
def _recognised(text: str, language: str) -> str:
    """``text`` in this language where it was made of a template of the catalogue; else as it is."""
    for pattern, template in _patterns(language):
        match = pattern.fullmatch(text)
        if match is not None:
            values = {name: worded(value) for name, value in match.groupdict().items()}
            found = translated(CONTEXT, template)
            if found == template:
                found = plural(CONTEXT, template, 1 if values.get("count") == "1" else 2)
            return _filled(re.sub(r"\{(\w+)[^{}]*\}", r"{\1}", found), values, plain=True)
    return text


@functools.lru_cache(maxsize=2)
def _patterns(language: str) -> list[tuple[re.Pattern[str], str]]:
    """What English sentences of the catalogue's templates look like, those with most words of their own first."""
    head = f"{CONTEXT}\x04"
    found = []
    for key in getattr(_catalogue, "_catalog", {}):
        name = key[0] if isinstance(key, tuple) else key
        if not name.startswith(head) or "{" not in name:
            continue
        template = name.removeprefix(head)
        own = re.sub(r"\{[^{}]*\}", "", template)
        if len(own) < _OWN_LETTERS:
            continue  # 'NAME: VALUE' would fit nearly everything
        with contextlib.suppress(re.error):
            found.append((len(own), re.compile(_pattern(template), re.DOTALL), template))
    found.sort(key=lambda entry: -entry[0])
    return [(pattern, template) for _, pattern, template in found]


def _pattern(template: str) -> str:
    seen: set[str] = set()
    parts = []
    for literal, name, spec, _ in string.Formatter().parse(template):
        parts.append(re.escape(literal))
        if name is None:
            continue
        inner = r"[\d.,+\-]+ ?%?" if spec else ".+?"
        parts.append(f"(?P={name})" if name in seen else f"(?P<{name}>{inner})")
        seen.add(name)
    return "".join(parts)


def _sign(catalogue: gettext.NullTranslations | None, key: str) -> str:
    held = catalogue.pgettext(NUMBERS, key) if catalogue is not None else key
    return _ENGLISH_SIGNS[key] if held == key else held


def _form(template: str, one: str, values: Mapping[str, Any]) -> str:
    return one if one and values.get("count") == 1 else template


def _word(template: str, values: Mapping[str, Any], one: str, context: str) -> str:
    source = _form(template, one, values)
    if _catalogue is None:
        return _filled(source, values, plain=False)
    if one:
        count = values.get("count", 0)
        found = _catalogue.npgettext(context, template, template, count if isinstance(count, int) else 0)
        found = source if found == template else found
    else:
        found = _catalogue.pgettext(context, template) if template else ""
    try:
        return _filled(found, values, plain=False)
    except (KeyError, ValueError, IndexError, TypeError):  # a translation with a wrong place: English serves
        return _filled(source, values, plain=False)


def _filled(template: str, values: Mapping[str, Any], plain: bool) -> str:
    return _Filling(plain).vformat(template, (), values) if values else template


class _Filling(string.Formatter):
    def __init__(self, plain: bool) -> None:
        self._plain = plain

    def get_field(self, field_name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        return kwargs[field_name], field_name  # no attributes, no items

    def format_field(self, value: Any, format_spec: str) -> str:
        if isinstance(value, str | list):
            return format(_value(value, self._plain), format_spec)
        text = format(value, format_spec)
        if self._plain or isinstance(value, bool) or not isinstance(value, int | float):
            return text
        return _localised(text)


def _plain(value: Any) -> Any:
    """``value`` as it can cross to any process: text, a number, a list of such."""
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, BaseException):
        return value.args[0] if value.args and isinstance(value.args[0], Sentence) else str(value)
    if hasattr(value, "item") and getattr(value, "ndim", 1) == 0:  # a scalar of NumPy
        return value.item()
    return str(value)


def _value(value: Any, plain: bool) -> str:
    if isinstance(value, list):
        return (_ENGLISH_SIGNS if plain else _signs)[SEPARATOR].join(_value(item, plain) for item in value)
    if isinstance(value, Sentence):
        return value.english if plain else worded(value)
    return str(value)


def _localised(text: str) -> str:
    if _signs[DECIMAL] == "." and _signs[GROUP] == ",":
        return text
    return "".join(_signs[DECIMAL] if c == "." else _signs[GROUP] if c == "," else c for c in text)
